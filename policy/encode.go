package policy

import (
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
	attrs bool
	enum  []string
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
	shared     map[any]*ast.Term
	zeros      map[*shape]*ast.Term // of structs without any value
	texts      map[string]*ast.Term // the same few thousand texts come again and again
	err        error                // the first value that an input can't have
}

func (e *encoder) value(s *shape, v reflect.Value) *ast.Term {
	if s.bare != nil {
		return e.pointer(s, v)
	}
	switch s.kind {
	case reflect.String:
		if s.enum != nil && !slices.Contains(s.enum, v.String()) && e.err == nil {
			e.err = fmt.Errorf("%q is none of %q", v.String(), s.enum)
		}
		return e.text(v.String())
	case reflect.Bool:
		return ast.InternedTerm(v.Bool())
	case reflect.Int:
		if i := v.Int(); i >= -1 && i < 512 {
			return ast.InternedTerm(int(i))
		}
		return ast.NumberTerm(json.Number(strconv.FormatInt(v.Int(), 10)))
	case reflect.Slice:
		if v.Len() == 0 {
			return ast.InternedEmptyArray
		}
		list := make([]*ast.Term, v.Len())
		for i := range list {
			list[i] = e.value(s.elem, v.Index(i))
		}
		return ast.ArrayTerm(list...)
	case reflect.Map:
		return e.mapping(s, v)
	}
	return e.structure(s, v)
}

// maxTexts bounds what an encoder keeps; ids of changes alone would fill it without end.
const maxTexts = 8192

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
	pairs := make([][2]*ast.Term, len(s.fields))
	for i, f := range s.fields {
		ok := e.err == nil
		pairs[i] = [2]*ast.Term{f.key, e.value(f.shape, v.Field(f.index))}
		if ok && e.err != nil {
			e.err = fmt.Errorf("%s: %w", f.name, e.err)
		}
		if s.hasEnd > 0 && f.index == s.daysLeft-1 && !v.Field(s.hasEnd-1).Bool() {
			pairs[i][1] = noEnd // a caller that left it at zero must not pass for "ends today"
		}
	}
	t := ast.ObjectTerm(pairs...)
	if zero && e.err == nil {
		if e.zeros == nil {
			e.zeros = map[*shape]*ast.Term{}
		}
		e.zeros[s] = t
	}
	return t
}

func (e *encoder) pointer(s *shape, v reflect.Value) *ast.Term {
	if v.IsNil() {
		return e.structure(s.bare, reflect.Zero(s.bare.typ))
	}
	if t, ok := e.shared[v.Interface()]; ok {
		return t
	}
	t := e.structure(s.bare, v.Elem())
	if e.shared == nil {
		e.shared = map[any]*ast.Term{}
	}
	e.shared[v.Interface()] = t
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
