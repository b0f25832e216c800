package policy

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// shape is the form of an input, read once from its Go type: the encoder, the schema and the
// check of compared values all follow it, so that they can't disagree.
type shape struct {
	typ    reflect.Type // the type itself, not the pointer to it
	kind   reflect.Kind
	fields []field // of structs, sorted by name
	elem   *shape  // of lists and maps
	// bare is what a pointer points to; equal pointers are encoded once.
	bare *shape
	// attrs marks the map whose keys accord.yaml declares.
	attrs  bool
	enum   []string
	unseen []unseen // of pruned structures
	// hasEnd and daysLeft are the indexes, plus one, of the fields by those names.
	hasEnd, daysLeft int
}

type field struct {
	name  string
	key   *ast.Term
	doc   string
	index int
	shape *shape
}

// shapeOf reads the type. A type that no input may have is a mistake of this package.
func shapeOf(t reflect.Type) *shape {
	s := &shape{typ: t, kind: t.Kind()}
	switch t.Kind() {
	case reflect.Pointer:
		b := shapeOf(t.Elem())
		*s = *b
		s.bare = b
	case reflect.Struct:
		for i := range t.NumField() {
			f := t.Field(i)
			sub := shapeOf(f.Type)
			sub.enum = splitEnum(f.Tag)
			sub.attrs = f.Tag.Get("attrs") != ""
			name := f.Tag.Get("json")
			switch name {
			case "has_end":
				s.hasEnd = i + 1
			case "days_left":
				s.daysLeft = i + 1
			}
			s.fields = append(s.fields, field{name, ast.InternedTerm(name), f.Tag.Get("doc"), i, sub})
		}
		slices.SortFunc(s.fields, func(a, b field) int { return strings.Compare(a.name, b.name) })
	case reflect.Slice, reflect.Map:
		s.elem = shapeOf(t.Elem())
	case reflect.String, reflect.Int, reflect.Bool:
	default:
		panic(fmt.Sprintf("policy: an input can't have a %s", t))
	}
	return s
}

func (s *shape) field(name string) (field, bool) {
	i := slices.IndexFunc(s.fields, func(f field) bool { return f.name == name })
	if i < 0 {
		return field{}, false
	}
	return s.fields[i], true
}

var noEnd = ast.NumberTerm(json.Number(strconv.Itoa(NoEnd)))

// encoder turns inputs into terms. It isn't safe for concurrent use; each worker has its own.
type encoder struct {
	attributes []string
	shared     map[any]*ast.Term               // what pointers point to
	zeros      map[*shape]*ast.Term            // of structs without any value
	texts      map[string]*ast.Term            // the same few thousand texts come again and again
	lists      map[*shape]map[string]*ast.Term // and so do short lists, by key
	key        []byte                          // space for keys
	pairs      [][2]*ast.Term                  // space for fields
	err        error                           // the first value that an input can't have
}

func (e *encoder) value(s *shape, v reflect.Value) *ast.Term {
	if s.bare != nil {
		return e.pointer(s, v)
	}
	switch s.kind {
	case reflect.String:
		e.check(s, v)
		return e.text(v.String())
	case reflect.Bool:
		return ast.InternedTerm(v.Bool())
	case reflect.Int:
		if i := v.Int(); i >= -1 && i < 512 {
			return ast.InternedTerm(int(i))
		}
		return ast.NumberTerm(json.Number(strconv.FormatInt(v.Int(), 10)))
	case reflect.Slice:
		return e.list(s, v)
	case reflect.Map:
		return e.mapping(s, v)
	}
	return e.structure(s, v)
}

// list encodes a list. Many changes have the same owners, roles and reasons: a short list is
// encoded once.
func (e *encoder) list(s *shape, v reflect.Value) *ast.Term {
	if v.Len() == 0 {
		return ast.InternedEmptyArray
	}
	known := e.lists[s]
	key, ok := s.key(e.key[:0], v)
	e.key = key
	if ok {
		if t := known[string(key)]; t != nil {
			return t
		}
	}
	stored := ""
	if ok {
		stored = string(key) // the elements may have lists, which need the space
	}
	terms := make([]*ast.Term, v.Len())
	for i := range terms {
		terms[i] = e.value(s.elem, v.Index(i))
	}
	t := ast.ArrayTerm(terms...)
	if ok && e.err == nil {
		if len(known)%maxLists == 0 { // none yet, or enough
			known = map[string]*ast.Term{}
			if e.lists == nil {
				e.lists = map[*shape]map[string]*ast.Term{}
			}
			e.lists[s] = known
		}
		known[stored] = t
	}
	return t
}

// maxKey is the length up to which a list is short.
const maxKey = 512

// key appends bytes that two values have in common only if they are encoded alike. It isn't ok
// for what is long or may be large.
func (s *shape) key(b []byte, v reflect.Value) (_ []byte, ok bool) {
	if len(b) > maxKey || s.bare != nil || len(s.unseen) > 0 {
		return b, false
	}
	switch s.kind {
	case reflect.String:
		b = binary.AppendUvarint(b, uint64(v.Len()))
		return append(b, v.String()...), v.Len() <= maxKey
	case reflect.Int:
		return binary.AppendVarint(b, v.Int()), true
	case reflect.Bool:
		return strconv.AppendBool(b, v.Bool()), true
	case reflect.Slice:
		b = binary.AppendUvarint(b, uint64(v.Len()))
		for i := range v.Len() {
			if b, ok = s.elem.key(b, v.Index(i)); !ok {
				return b, false
			}
		}
		return b, true
	case reflect.Struct:
		if s.hasEnd > 0 { // days_left depends on it, even where nobody asks for it
			b = strconv.AppendBool(b, v.Field(s.hasEnd-1).Bool())
		}
		for i := range s.fields {
			if b, ok = s.fields[i].shape.key(b, v.Field(s.fields[i].index)); !ok {
				return b, false
			}
		}
		return b, true
	}
	return b, false
}

// check notes a text that isn't one of those that it may be.
func (e *encoder) check(s *shape, v reflect.Value) {
	if s.enum != nil && !slices.Contains(s.enum, v.String()) && e.err == nil {
		e.err = fmt.Errorf("%q is none of %q", v.String(), s.enum)
	}
}

const (
	// maxTexts bounds what an encoder keeps; ids of changes alone would fill it without end.
	maxTexts = 8192
	// maxLists bounds the lists of each kind that it keeps: it forgets all of a kind then.
	maxLists = 2048
	// maxShared bounds the people, systems and roles that it keeps: it forgets all of them then.
	maxShared = 4096
)

func (e *encoder) text(s string) *ast.Term {
	if t, ok := e.texts[s]; ok {
		return t
	}
	t := ast.StringTerm(s)
	if len(e.texts) < maxTexts {
		if e.texts == nil {
			e.texts = map[string]*ast.Term{}
		}
		e.texts[s] = t
	}
	return t
}

func (e *encoder) structure(s *shape, v reflect.Value) *ast.Term {
	zero := v.IsZero()
	if t := e.zeros[s]; zero && t != nil {
		return t
	}
	t := e.object(s, v)
	if zero && e.err == nil {
		if e.zeros == nil {
			e.zeros = map[*shape]*ast.Term{}
		}
		e.zeros[s] = t
	}
	return t
}

// object encodes the fields of a structure. Version, if there is one, is always ours.
func (e *encoder) object(s *shape, v reflect.Value) *ast.Term {
	base := len(e.pairs)
	for i := range s.fields {
		f := &s.fields[i]
		ok := e.err == nil
		t := e.value(f.shape, v.Field(f.index))
		if ok && e.err != nil {
			e.err = fmt.Errorf("%s: %w", f.name, e.err)
		}
		switch {
		case s.hasEnd > 0 && f.index == s.daysLeft-1 && !v.Field(s.hasEnd-1).Bool():
			t = noEnd // a caller that left it at zero must not pass for "ends today"
		case f.name == "version":
			t = ast.InternedTerm(InputVersion)
		}
		e.pairs = append(e.pairs, [2]*ast.Term{f.key, t})
	}
	for i := range s.unseen {
		f := &s.unseen[i]
		ok := e.err == nil
		if e.check(f.shape, v.FieldByIndex(f.path)); ok && e.err != nil {
			e.err = fmt.Errorf("%s: %w", f.name, e.err)
		}
	}
	t := ast.ObjectTerm(e.pairs[base:]...) // it copies them
	e.pairs = e.pairs[:base]
	return t
}

func (e *encoder) pointer(s *shape, v reflect.Value) *ast.Term {
	if v.IsNil() {
		return e.structure(s.bare, reflect.Zero(s.bare.typ))
	}
	p := v.Interface() // which also keeps it from being collected, and its place from another's use
	if t, ok := e.shared[p]; ok {
		return t
	}
	t := e.structure(s.bare, v.Elem())
	if e.shared == nil || len(e.shared) >= maxShared {
		e.shared = map[any]*ast.Term{}
	}
	e.shared[p] = t
	return t
}

// mapping encodes a map. Attributes that accord.yaml declares are all there.
func (e *encoder) mapping(s *shape, v reflect.Value) *ast.Term {
	names := make([]string, 0, v.Len())
	for _, k := range v.MapKeys() {
		names = append(names, k.String())
	}
	if s.attrs {
		names = append(names, e.attributes...)
	}
	if len(names) == 0 {
		return ast.InternedEmptyObject
	}
	slices.Sort(names)
	names = slices.Compact(names)
	pairs := make([][2]*ast.Term, len(names))
	for i, n := range names {
		value := v.MapIndex(reflect.ValueOf(n))
		if !value.IsValid() {
			value = reflect.Zero(v.Type().Elem())
		}
		pairs[i] = [2]*ast.Term{e.text(n), e.value(s.elem, value)}
	}
	return ast.ObjectTerm(pairs...)
}

func splitEnum(tag reflect.StructTag) []string {
	if e, ok := tag.Lookup("enum"); ok {
		return strings.Split(e, "|")
	}
	return nil
}
