package scim

import (
	"encoding/json"
	"regexp"
	"slices"
)

var pathForm = regexp.MustCompile(`^(` + regexp.QuoteMeta(schemaEnterprise) + `:)?(\w+)(?:\.(\w+))?(?:\[(\w+) eq (.+)\](?:\.(\w+))?)?$`)

// patch carries out a PATCH on a copy of a row.
func (f *fake) patch(kind string, row, in map[string]any) (map[string]any, error) {
	out := cloneMap(row)
	for _, o := range in["Operations"].([]any) {
		op := o.(map[string]any)
		path, _ := op["path"].(string)
		m := pathForm.FindStringSubmatch(path)
		if m == nil {
			return nil, scimError{400, "invalidPath", path}
		}
		if f.onlyActive && kind == "Users" && path != "active" {
			return nil, scimError{400, "invalidPath", "only active"}
		}
		if m[4] != "" && (f.noValuePath && kind == "Users" || f.removeByValue && kind == "Groups") {
			return nil, scimError{400, "invalidPath", "no filters in paths: " + path}
		}
		if err := f.operation(kind, out, op["op"].(string), op["value"], m); err != nil {
			return nil, err
		}
	}
	if m, ok := out[schemaEnterprise].(map[string]any); ok {
		schemas := slices.DeleteFunc(out["schemas"].([]any), func(s any) bool { return s == schemaEnterprise })
		if len(m) > 0 {
			schemas = append(schemas, schemaEnterprise)
		} else {
			delete(out, schemaEnterprise)
		}
		out["schemas"] = schemas
	}
	return out, nil
}

func (f *fake) operation(kind string, out map[string]any, op string, v any, m []string) error {
	at, name := out, m[2]
	enter := func(key string) {
		if at[key] == nil {
			at[key] = map[string]any{}
		}
		at = at[key].(map[string]any)
	}
	if m[1] != "" {
		enter(schemaEnterprise)
	}
	if m[3] != "" {
		enter(name)
		name = m[3]
	}
	list, isList := at[name].([]any)
	if m[4] != "" {
		return filtered(at, name, list, op, v, m)
	}
	switch {
	case op == "remove" && v != nil:
		if !f.removeByValue || kind != "Groups" {
			delete(at, name) // as one that doesn't know the form would
			return nil
		}
		at[name] = slices.DeleteFunc(slices.Clone(list), func(e any) bool {
			return slices.ContainsFunc(v.([]any), func(g any) bool { return value(g) == value(e) })
		})
	case op == "remove":
		delete(at, name)
	case op == "add" && (isList || name == "members" || name == "roles" || name == "entitlements" || name == "emails"):
		at[name] = append(slices.Clone(list), v.([]any)...)
	case v == nil:
		return scimError{400, "invalidValue", "no value for " + name}
	default:
		at[name] = v
	}
	return nil
}

// filtered changes those elements of a list that a filter picks.
func filtered(at map[string]any, name string, list []any, op string, v any, m []string) error {
	var want any
	if err := json.Unmarshal([]byte(m[5]), &want); err != nil {
		return scimError{400, "invalidFilter", m[5]}
	}
	is := func(e any) bool { return e.(map[string]any)[m[4]] == want }
	switch {
	case op == "remove":
		at[name] = slices.DeleteFunc(slices.Clone(list), is)
	case !slices.ContainsFunc(list, is):
		return scimError{400, "noTarget", m[5]}
	default:
		for _, e := range list {
			if is(e) {
				e.(map[string]any)[m[6]] = v
			}
		}
	}
	return nil
}
