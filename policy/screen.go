package policy

import (
	"reflect"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
)

// Most changes break no rule, and what an evaluation costs before it finds that out is more than
// anything else. So the beginning of each rule is read in Go: where no rule can hold for an input,
// nobody is asked about it, and the outcome is what asking would have given, the empty set.
//
// That is only done where no rules but built-in ones judge an input: those we know and test for all
// their parameters. Rules of the house are asked about everything.
//
// It is a one-sided reading (see screener). A condition is only taken out of a body if the rule
// can't hold without it, if it can't fail, and if nothing that might fail is evaluated before it;
// whatever isn't understood is a reason to ask. So a screen never changes a verdict and never hides
// an error. TestSameAsPlain holds it to OPA, TestScreen to asking about
// everything.

// screen tells which inputs the rules of one package have to be asked about.
type screen struct {
	may  condition // nil: all
	vet  *vetting
	rows []rows
}

// condition reports whether something can be so for an input. The memo is its worker's.
type condition func(in reflect.Value, m *memo) bool

// memo is what one worker remembers of the look at inputs.
type memo struct {
	globs map[globKey]bool
}

type globKey struct {
	pattern *ast.Term
	text    string
}

// asks reports whether the rules have to be asked about an input. An input that can't be encoded
// is for the encoder to tell.
func (s *screen) asks(input any, m *memo) bool {
	v := reflect.ValueOf(input).Elem()
	return s == nil || s.may == nil || s.may(v, m) || !s.vet.passes(v)
}

// never is the condition of a rule that can't hold.
func never(reflect.Value, *memo) bool { return false }

// all holds if every condition does; nil always does.
func all(list []condition) condition {
	switch len(list) {
	case 0:
		return nil
	case 1:
		return list[0]
	}
	return func(in reflect.Value, m *memo) bool {
		for _, c := range list {
			if !c(in, m) {
				return false
			}
		}
		return true
	}
}

// some holds if one of the conditions does; one that is nil always does.
func some(list []condition) condition {
	for _, c := range list {
		if c == nil {
			return nil
		}
	}
	switch len(list) {
	case 0:
		return never
	case 1:
		return list[0]
	}
	return func(in reflect.Value, m *memo) bool {
		for _, c := range list {
			if c(in, m) {
				return true
			}
		}
		return false
	}
}

// place is a part of the input, or one part of several where it goes through a list.
type place struct {
	steps []step
	shape *shape // of what stands there
}

// step goes one level down.
type step struct {
	kind  stepKind
	shape *shape // of what it leaves
	index int    // of a field; of toEach its number
	key   reflect.Value
	none  reflect.Value // what stands for a key that isn't there; invalid: nothing
}

type stepKind int

const (
	toField   stepKind = iota
	toVersion          // the field version, which is always ours
	toDays             // the field days_left, which depends on has_end
	toKey
	toEach // one of a list
)

// field goes on to a field or a key of that name; ok is false if there is no such thing.
func (p place) field(name string, attributes map[string]bool) (place, bool) {
	st := step{shape: p.shape}
	switch p.shape.kind {
	case reflect.Struct:
		f, ok := p.shape.field(name)
		if !ok {
			return place{}, false
		}
		st.index = f.index
		switch {
		case p.shape.hasEnd > 0 && f.index == p.shape.daysLeft-1:
			st.kind = toDays
		case name == "version":
			st.kind = toVersion
		}
		return p.then(st, f.shape), true
	case reflect.Map:
		st.kind, st.key = toKey, reflect.ValueOf(name)
		if p.shape.attrs && attributes[name] {
			st.none = reflect.Zero(p.shape.typ.Elem())
		}
		return p.then(st, p.shape.elem), true
	}
	return place{}, false
}

// each goes on to the elements of a list. The number tells one way through it from another: what
// comes of two of them can be parts of different elements.
func (p place) each(number int) (place, bool) {
	if p.shape.kind != reflect.Slice {
		return place{}, false
	}
	return p.then(step{kind: toEach, shape: p.shape, index: number}, p.shape.elem), true
}

func (p place) then(s step, to *shape) place {
	return place{append(p.steps[:len(p.steps):len(p.steps)], s), to}
}

// many reports whether it goes through a list.
func (p *place) many() bool {
	return slices.ContainsFunc(p.steps, func(s step) bool { return s.kind == toEach })
}

// split parts a place into the element of a list that it is a part of, and the way from there; of
// one that goes through no list, all is the way.
func (p *place) split() (of, rest *place) {
	n := len(p.steps)
	for n > 0 && p.steps[n-1].kind != toEach {
		n--
	}
	return &place{steps: p.steps[:n]}, &place{p.steps[n:], p.shape}
}

// same reports whether two places have the same steps.
func (p *place) same(o *place) bool {
	return slices.EqualFunc(p.steps, o.steps, func(a, b step) bool { return a.kind == b.kind && a.index == b.index && a.kind != toKey })
}

// single reports whether it is one part, and always there.
func (p *place) single() bool {
	return !slices.ContainsFunc(p.steps, func(s step) bool { return s.kind == toEach || s.kind == toKey && !s.none.IsValid() })
}

// some reports whether the test holds of what stands there, or of one of several.
func (p *place) some(in reflect.Value, test func(reflect.Value) bool) bool {
	return along(p.steps, in, test)
}

func along(steps []step, v reflect.Value, test func(reflect.Value) bool) bool {
	for i := range steps {
		if steps[i].kind == toEach {
			for k := range v.Len() {
				if along(steps[i+1:], v.Index(k), test) {
					return true
				}
			}
			return false
		}
		ok := false
		if v, ok = steps[i].take(v); !ok {
			return false
		}
	}
	return test(v)
}

// one is what stands at a place that doesn't go through a list; ok is false if nothing does.
func (p *place) one(v reflect.Value) (_ reflect.Value, ok bool) {
	for i := range p.steps {
		if v, ok = p.steps[i].take(v); !ok {
			return v, false
		}
	}
	return v, true
}

var (
	daysWithoutEnd = reflect.ValueOf(NoEnd)
	ourVersion     = reflect.ValueOf(InputVersion)
)

// take goes the step, seeing what the encoder would write.
func (s *step) take(v reflect.Value) (_ reflect.Value, ok bool) {
	if s.shape.bare != nil {
		if v.IsNil() {
			v = reflect.Zero(s.shape.typ)
		} else {
			v = v.Elem()
		}
	}
	switch s.kind {
	case toVersion:
		return ourVersion, true
	case toDays:
		if !v.Field(s.shape.hasEnd - 1).Bool() {
			return daysWithoutEnd, true
		}
	case toKey:
		if v = v.MapIndex(s.key); !v.IsValid() {
			v = s.none
		}
		return v, v.IsValid()
	}
	return v.Field(s.index), true
}
