package declare

import (
	"reflect"
	"strings"
)

// shapes are the keys of each mapping of the language, read from the types and their tags.
type shapes map[reflect.Type]*shape

type shape struct {
	// name is what messages call it, with its article.
	name   string
	fields []field
	byKey  map[string]int
}

type field struct {
	key      string
	required bool
	enum     []string
	doc      string
	index    []int
	typ      reflect.Type
	// flat says that entitlements stand in a list, not by system.
	flat bool
}

// namedShapes lists every mapping with fixed keys.
func namedShapes() []struct {
	name string
	zero any
} {
	return []struct {
		name string
		zero any
	}{
		{"accord.yaml", Config{}}, {"a person", Person{}}, {"a group", Group{}}, {"a role", Role{}},
		{"a grant", Grant{}}, {"a system", System{}}, {"an exemption", Exempt{}},
		{"an attribute", AttrDecl{}}, {"guards", Guards{}}, {"journal", JournalDecl{}}, {"flapping", Flapping{}}, {"a secret", SecretRef{}},
		{"a slack notification", SlackNotify{}}, {"a webhook notification", WebhookNotify{}}, {"a mail notification", MailNotify{}},
		{"accounts", AccountRules{}}, {"a resource", Resource{}},
	}
}

func newShapes() shapes {
	s := shapes{}
	for _, n := range namedShapes() {
		t := reflect.TypeOf(n.zero)
		sh := &shape{name: n.name, byKey: map[string]int{}}
		for _, f := range fieldsOf(t) {
			tag, ok := f.Tag.Lookup("yaml")
			if !ok {
				continue
			}
			key, option, _ := strings.Cut(tag, ",")
			fd := field{key: key, required: option == "required", doc: f.Tag.Get("doc"), index: f.Index, typ: f.Type, flat: t == reflect.TypeFor[Resource]()}
			if e := f.Tag.Get("enum"); e != "" {
				fd.enum = strings.Split(e, "|")
			}
			sh.byKey[key] = len(sh.fields)
			sh.fields = append(sh.fields, fd)
		}
		s[t] = sh
	}
	return s
}

func (s *shape) keys() []string {
	var keys []string
	for _, f := range s.fields {
		keys = append(keys, f.key)
	}
	return keys
}

// fieldsOf are the fields of the type itself, then those of Doc. The root of a repository has
// no id, so none before it either.
func fieldsOf(t reflect.Type) []reflect.StructField {
	var own, common []reflect.StructField
	for _, f := range reflect.VisibleFields(t) {
		switch {
		case len(f.Index) == 1:
			own = append(own, f)
		case t != reflect.TypeFor[Config]():
			common = append(common, f)
		}
	}
	return append(own, common...)
}
