package scim

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/connectors/rest"
	"github.com/accordhq/accord/engine/access"
)

// edit is one change to a resource, in both forms in which services take it.
type edit struct {
	// ops are the operations of a PATCH (RFC 7644 §3.5.2).
	ops []operation
	// put makes the change on the whole resource, for a PUT.
	put func(resource)
}

type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path,omitempty"`
	Value any    `json:"value,omitempty"`
}

func replace(path string, v any) operation { return operation{"replace", path, v} }
func add(path string, v any) operation     { return operation{"add", path, v} }
func remove(path string) operation         { return operation{Op: "remove", Path: path} }

// patchPath writes a path as PATCH wants it.
func patchPath(path []string) string {
	if path[0] == schemaEnterprise {
		return schemaEnterprise + ":" + strings.Join(path[1:], ".")
	}
	return strings.Join(path, ".")
}

// set changes a single-valued attribute; "" takes it away.
func set(a attribute, v string) edit {
	var whole any = v
	if a.inside != "" {
		whole = map[string]any{a.inside: v}
	}
	e := edit{put: func(r resource) { r.put(a.path, whole) }, ops: []operation{replace(patchPath(a.path), whole)}}
	if v == "" {
		e = edit{put: func(r resource) { r.put(a.path, nil) }, ops: []operation{remove(patchPath(a.path))}}
	}
	return e
}

// put sets what a path leads to, and makes what is missing on the way; nil takes it away.
func (r resource) put(path []string, v any) {
	m := map[string]any(r)
	for _, p := range path[:len(path)-1] {
		k, _ := key(m, p)
		next, ok := m[k].(map[string]any)
		if !ok {
			if v == nil {
				return
			}
			next = map[string]any{}
			m[k] = next
		}
		m = next
	}
	k, _ := key(m, path[len(path)-1])
	if v == nil {
		delete(m, k)
		return
	}
	m[k] = v
}

// setList replaces a whole multi-valued attribute.
func setList(name string, all []any) edit {
	e := edit{ops: []operation{replace(name, all)}, put: func(r resource) { r.put([]string{name}, all) }}
	if len(all) == 0 {
		e = edit{ops: []operation{remove(name)}, put: func(r resource) { r.put([]string{name}, nil) }}
	}
	return e
}

// setEmail changes the address that counts and leaves the others alone.
func (c *connector) setEmail(r resource, address string) edit {
	all := cloneMap(map[string]any{"emails": r.list("emails")})["emails"].([]any)
	i, _ := r.email()
	marked := false
	if i >= 0 {
		m, _ := all[i].(map[string]any)
		marked = text(get(m, "primary")) == "true"
	}
	byPath := marked && !c.prof.noValuePath
	switch {
	case i < 0 && address == "":
		return edit{put: func(resource) {}}
	case i < 0:
		e := map[string]any{"value": address, "type": "work", "primary": true}
		out := setList("emails", append(all, e))
		if len(all) > 0 {
			out.ops = []operation{add("emails", []any{e})}
		}
		return out
	case address == "":
		all = slices.Delete(all, i, i+1)
		if len(all) == 1 { // or it would count in its place
			if m, ok := all[0].(map[string]any); ok {
				m["primary"], byPath = false, false
			}
		}
		out := setList("emails", all)
		if byPath {
			out.ops = []operation{remove(`emails[primary eq true]`)}
		}
		return out
	}
	if m, ok := all[i].(map[string]any); ok {
		k, _ := key(m, "value")
		m[k] = address
		if k, there := key(m, "display"); there {
			delete(m, k) // it showed the old one
		}
	} else {
		all[i] = map[string]any{"value": address, "primary": true}
	}
	out := setList("emails", all)
	if byPath {
		out.ops = []operation{replace(`emails[primary eq true].value`, address)}
	}
	return out
}

func (c *connector) setActive(active bool) edit {
	var v any = active
	if c.prof.activeText {
		v = text(active)
	}
	return edit{ops: []operation{replace("active", v)}, put: func(r resource) { r.put([]string{"active"}, v) }}
}

// alter changes a resource: by PATCH, or where there is none by PUT of what was read with the
// edits made on it. Where the service has entity tags it refuses if the resource is no
// longer the one that was looked at.
func (c *connector) alter(ctx context.Context, s *service, kind string, r resource, edits ...edit) error {
	edits = slices.DeleteFunc(edits, func(e edit) bool { return len(e.ops) == 0 })
	if len(edits) == 0 {
		return nil
	}
	req := rest.Request{Method: http.MethodPatch, Path: s.endpoint(kind) + "/" + rest.Path(r.id()), Lack: "the right to write " + s.endpoint(kind)}
	if v := r.version(); s.etag && v != "" {
		req.Header = http.Header{"If-Match": {v}}
	}
	if c.patches(s, kind, edits) {
		var ops []operation
		for _, e := range edits {
			ops = append(ops, e.ops...)
		}
		req.Body = map[string]any{"schemas": []string{schemaPatch}, "Operations": ops}
	} else {
		if c.prof.noPut || kind == kindGroup && s.askMembers { // which was read in part
			return fmt.Errorf("the service has no PATCH: %w", connectors.ErrUnsupported)
		}
		req.Method = http.MethodPut
		whole := r.clone()
		for _, e := range edits {
			e.put(whole)
		}
		whole.forPut(kind)
		req.Body = whole
	}
	_, err := c.client.Do(ctx, req)
	return err
}

func (c *connector) patches(s *service, kind string, edits []edit) bool {
	if kind == access.KindAccount && c.prof.putUsers {
		onlyActive := !slices.ContainsFunc(edits, func(e edit) bool { return len(e.ops) != 1 || e.ops[0].Path != "active" })
		return c.prof.patchActive && onlyActive
	}
	return s.patch
}

// forPut takes out what only the service may set, and names the extension where it is used.
func (r resource) forPut(kind string) {
	for _, name := range []string{"meta", "groups"} {
		if kind == kindGroup && name == "groups" {
			continue
		}
		if k, ok := key(r, name); ok {
			delete(r, k)
		}
	}
	k, extended := key(r, schemaEnterprise)
	if m, ok := r[k].(map[string]any); ok && len(m) == 0 {
		delete(r, k)
		extended = false
	}
	names := []any{schemaUser}
	if kind == kindGroup {
		names = []any{schemaGroup}
	}
	if has := r.list("schemas"); len(has) > 0 {
		names = slices.Clone(has)
	}
	is := func(v any) bool { return strings.EqualFold(text(v), schemaEnterprise) }
	switch {
	case extended && !slices.ContainsFunc(names, is):
		names = append(names, schemaEnterprise)
	case !extended:
		names = slices.DeleteFunc(names, is)
	}
	r["schemas"] = names
}

// fill makes a new resource.
func (c *connector) fill(kind, name string, v *access.Value) (resource, error) {
	r, needs, where := resource{"displayName": name}, c.prof.groupNeeds, "the resource"
	if kind == access.KindAccount {
		r, needs, where = resource{"userName": name}, c.prof.needs, "the system's accounts.attributes"
		c.setActive(!v.Disabled).put(r)
	}
	lacks := slices.DeleteFunc(slices.Clone(needs), func(need string) bool { return v.Attributes[need] != "" })
	if len(lacks) > 0 {
		return nil, fmt.Errorf("the service (profile %s) makes none without %s; declare that under %s", c.prof.name, strings.Join(lacks, ", "), where)
	}
	for _, name := range slices.Sorted(maps.Keys(v.Attributes)) {
		a, _ := attributeOf(kind, name)
		text := v.Attributes[name]
		switch {
		case text == "":
		case name == attrEmail:
			c.setEmail(r, text).put(r)
		default:
			set(a, text).put(r)
		}
	}
	r.forPut(kind)
	return r, nil
}
