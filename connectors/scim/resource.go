package scim

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
)

// resource is a User or a Group as the service sent it, so that what isn't understood survives
// a PUT. The names of attributes have no case (RFC 7643 §2.1).
type resource map[string]any

// key gives the spelling under which an attribute is there.
func key(m map[string]any, name string) (string, bool) {
	if _, ok := m[name]; ok {
		return name, true
	}
	found := ""
	for k := range m {
		if strings.EqualFold(k, name) && (found == "" || k < found) {
			found = k
		}
	}
	if found == "" {
		return name, false
	}
	return found, true
}

func get(m map[string]any, name string) any {
	k, _ := key(m, name)
	return m[k]
}

// at follows a path.
func (r resource) at(path ...string) any {
	var v any = map[string]any(r)
	for _, p := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = get(m, p)
	}
	return v
}

// text is a value as text; what isn't simple is "".
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		if v {
			return "true"
		}
		return "false"
	}
	return ""
}

func (r resource) id() string { return text(r.at("id")) }

// version is the resource's entity tag: meta.version is defined as the same (RFC 7644 §3.14),
// while frameworks put tags of their own into the header.
func (r resource) version() string { return text(r.at("meta", "version")) }

// active reads whether a user may log in. A user without the attribute may.
func (r resource) active() (bool, error) {
	switch v := r.at("active").(type) {
	case nil:
		return true, nil
	case bool:
		return v, nil
	case string: // as Entra ID sends it, and some services keep it
		switch strings.ToLower(v) {
		case "true":
			return true, nil
		case "false":
			return false, nil
		}
	}
	return false, fmt.Errorf("user %s: active is neither true nor false: %w", r.id(), connectors.ErrIncomplete)
}

// fold is the form of a userName in which names are compared: it has no case (RFC 7643 §4.1.1).
func fold(userName string) string { return strings.ToLower(userName) }

// name is what the resource is called here. One whose name can't be declared is called by its
// id: it is there, and nothing else may be taken for it.
func (r resource) name(kind string) string {
	name := text(r.at("displayName"))
	if kind == access.KindAccount {
		name = fold(text(r.at("userName")))
	}
	if checkName(name) != nil {
		return byID("", r.id())
	}
	return name
}

// nameless reports whether a name stands for a resource that has none of its own.
func nameless(name string) bool {
	return strings.HasPrefix(name, "(id:") && strings.HasSuffix(name, ")")
}

// list gives the elements of a multi-valued attribute.
func (r resource) list(name string) []any {
	switch v := r.at(name).(type) {
	case []any:
		return v
	case map[string]any: // a single one, by services that simplify
		return []any{v}
	}
	return nil
}

// value is an element's value: "value", or the element itself if it is a text.
func value(element any) string {
	if m, ok := element.(map[string]any); ok {
		return text(get(m, "value"))
	}
	return text(element)
}

// values gives the values of roles or entitlements, without doubles.
func (r resource) values(name string) []string {
	var out []string
	seen := map[string]bool{}
	for _, e := range r.list(name) {
		if v := value(e); v != "" && !seen[v] {
			seen[v] = true
			out = append(out, v)
		}
	}
	return out
}

// member is one member of a group.
type member struct{ id, kind string } // kind is "" if the service doesn't say

func (r resource) members() []member {
	var out []member
	for _, e := range r.list("members") {
		m := member{id: value(e)}
		if e, ok := e.(map[string]any); ok {
			ref := text(get(e, "$ref"))
			if m.id == "" {
				m.id = ref[strings.LastIndexByte(ref, '/')+1:]
			}
			switch t := strings.ToLower(text(get(e, "type"))); {
			case t == "group" || t == "" && strings.Contains(ref, "/Groups/"):
				m.kind = kindGroup
			case t == "user" || t == "" && strings.Contains(ref, "/Users/"):
				m.kind = access.KindAccount
			}
		}
		if m.id != "" {
			out = append(out, m)
		}
	}
	return out
}

// email finds the address that counts among a user's: the one marked primary, or the only
// one, if it isn't marked as not primary. -1: none.
func (r resource) email() (index int, address string) {
	all := r.list("emails")
	for i, e := range all {
		if m, ok := e.(map[string]any); ok && text(get(m, "primary")) == "true" {
			return i, value(e)
		}
	}
	if len(all) == 1 {
		if m, ok := all[0].(map[string]any); !ok || text(get(m, "primary")) != "false" {
			return 0, value(all[0])
		}
	}
	return -1, ""
}

// attribute reads one that can be declared.
func (r resource) attribute(a attribute) string {
	if a.name == attrEmail {
		_, address := r.email()
		return address
	}
	v := r.at(a.path...)
	if m, ok := v.(map[string]any); ok && a.inside != "" {
		v = get(m, a.inside)
	}
	return text(v)
}

// object is what the resource is in the engine's words.
func (r resource) object(kind string) (access.Object, error) {
	o := access.Object{ID: access.ID{Kind: kind, Name: r.name(kind)}, Native: r.id()}
	for _, a := range attributesOf(kind) {
		if v := r.attribute(a); v != "" {
			if o.Attributes == nil {
				o.Attributes = map[string]string{}
			}
			o.Attributes[a.name] = v
		}
	}
	if kind == access.KindAccount {
		active, err := r.active()
		if err != nil {
			return o, err
		}
		o.Disabled = !active
	}
	o.Reserved = nameless(o.ID.Name)
	return o, nil
}

// clone copies a resource so that changing the copy leaves the original alone.
func (r resource) clone() resource { return resource(cloneMap(r)) }

func cloneMap(m map[string]any) map[string]any {
	out := make(map[string]any, len(m))
	for k, v := range m {
		out[k] = cloneValue(v)
	}
	return out
}

func cloneValue(v any) any {
	switch v := v.(type) {
	case map[string]any:
		return cloneMap(v)
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = cloneValue(e)
		}
		return out
	}
	return v
}
