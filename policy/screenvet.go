package policy

import "reflect"

// vetting looks for values that no input may have: the encoder refuses them, so that an input
// that has one must get there.
type vetting struct {
	enum   map[string]bool
	bare   bool
	fields []vettingField
	elem   *vetting
}

type vettingField struct {
	path []int
	of   *vetting
}

// vettingOf is nil where any value will do.
func vettingOf(s *shape) *vetting {
	v := &vetting{bare: s.bare != nil}
	switch s.kind {
	case reflect.String:
		if s.enum == nil {
			return nil
		}
		v.enum = map[string]bool{}
		for _, word := range s.enum {
			v.enum[word] = true
		}
		return v
	case reflect.Slice, reflect.Map:
		if v.elem = vettingOf(s.elem); v.elem == nil {
			return nil
		}
		return v
	case reflect.Struct:
		for _, f := range s.fields {
			if of := vettingOf(f.shape); of != nil {
				v.fields = append(v.fields, vettingField{[]int{f.index}, of})
			}
		}
		for _, f := range s.unseen {
			if of := vettingOf(f.shape); of != nil {
				v.fields = append(v.fields, vettingField{f.path, of})
			}
		}
	}
	if len(v.fields) == 0 {
		return nil
	}
	return v
}

func (c *vetting) passes(v reflect.Value) bool {
	if c == nil {
		return true
	}
	if c.bare {
		if v.IsNil() {
			return c.passesParts(reflect.Zero(v.Type().Elem()))
		}
		v = v.Elem()
	}
	return c.passesParts(v)
}

func (c *vetting) passesParts(v reflect.Value) bool {
	switch {
	case c.enum != nil:
		return c.enum[v.String()]
	case c.elem != nil && v.Kind() == reflect.Slice:
		for i := range v.Len() {
			if !c.elem.passes(v.Index(i)) {
				return false
			}
		}
		return true
	case c.elem != nil:
		for it := v.MapRange(); it.Next(); {
			if !c.elem.passes(it.Value()) {
				return false
			}
		}
		return true
	}
	for i := range c.fields {
		f := &c.fields[i]
		p := v
		for _, k := range f.path {
			p = p.Field(k)
		}
		if !f.of.passes(p) {
			return false
		}
	}
	return true
}
