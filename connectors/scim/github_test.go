package scim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/connectors/servertest"
	"github.com/accordhq/accord/engine/access"
)

// description is GitHub's own description of its API, in OpenAPI 3.
type description struct {
	doc      map[string]any
	compiler *jsonschema.Compiler
}

func githubDescription(t *testing.T) *description {
	t.Helper()
	text, err := os.ReadFile(servertest.GitHubOpenAPI(t))
	must(t, err)
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	must(t, err)
	d := &description{doc: doc.(map[string]any), compiler: jsonschema.NewCompiler()}
	// It says that the value of an operation is a text, while its own examples have lists of
	// members and truth values there.
	ops := d.at("components", "schemas", "patch-schema", "properties", "Operations", "items", "properties")
	delete(ops["value"].(map[string]any), "type")
	d.compiler.DefaultDraft(jsonschema.Draft4)
	must(t, d.compiler.AddResource("mem:///ghec.json", doc))
	return d
}

func (d *description) at(path ...string) map[string]any {
	m := d.doc
	for _, p := range path {
		m, _ = m[p].(map[string]any)
	}
	return m
}

// check holds a request to the description. The parts of a path that are in braces match
// anything.
func (d *description) check(base string, r *http.Request, body []byte) error {
	parts := strings.Split(r.URL.Path, "/")
	template := base + "/" + parts[4]
	if len(parts) > 5 {
		template += map[string]string{"Users": "/{scim_user_id}", "Groups": "/{scim_group_id}"}[parts[4]]
	}
	method := strings.ToLower(r.Method)
	op := d.at("paths", template, method)
	if op == nil {
		return fmt.Errorf("%s %s isn't described", r.Method, template)
	}
	var known []string
	params, _ := op["parameters"].([]any)
	for _, p := range params {
		m := p.(map[string]any)
		if ref, ok := m["$ref"].(string); ok {
			m = d.at(strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
		}
		if m["in"] == "query" {
			known = append(known, m["name"].(string))
		}
	}
	for name := range r.URL.Query() {
		if !slices.Contains(known, name) && name != "attributes" { // which the RFC has, and may be passed over
			return fmt.Errorf("%s %s: the parameter %s isn't described", r.Method, template, name)
		}
	}
	if op["requestBody"] == nil {
		if len(body) > 0 {
			return fmt.Errorf("%s %s: a body isn't described", r.Method, template)
		}
		return nil
	}
	escaped := strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D").Replace(template)
	schema, err := d.compiler.Compile("mem:///ghec.json#/paths/" + escaped + "/" + method + "/requestBody/content/application~1json/schema")
	if err != nil {
		return err
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return err
	}
	if err := schema.Validate(v); err != nil {
		return fmt.Errorf("%s %s: %s: %w", r.Method, template, body, err)
	}
	return nil
}

// Everything that the profile github sends is as GitHub itself describes it.
func TestRequestsAsGitHubDescribesThem(t *testing.T) {
	d := githubDescription(t)
	if err := d.check("/scim/v2/enterprises/{enterprise}", request("POST", "/scim/v2/enterprises/Users"), []byte(`{"userName":"x"}`)); err == nil {
		t.Fatal("a user without what is required passes: the check shows nothing")
	}
	for _, tt := range []struct{ profile, base string }{
		{"github", "/scim/v2/enterprises/{enterprise}"},
		{"github-org", "/scim/v2/organizations/{org}"},
	} {
		t.Run(tt.profile, func(t *testing.T) {
			f := newFake(&fake{noValuePath: true, noDiscovery: true})
			people(t, f)
			seen := map[string]bool{}
			f.check = func(r *http.Request, kind string, body []byte) {
				if kind != "Users" && kind != "Groups" {
					return // discovery, which GitHub doesn't have
				}
				r = r.Clone(r.Context())
				r.URL.Path = strings.Replace(r.URL.Path, "/v2/", "/scim/v2/all/", 1)
				seen[r.Method+" "+kind] = true
				if err := d.check(tt.base, r, body); err != nil {
					t.Error(err)
				}
			}
			c := f.open(t, tt.profile)
			read(t, c)
			read(t, c, access.Account("alice"), access.Account("nobody"))
			full := map[string]string{"displayName": "D", "email": "d@x.example", "externalId": "7", "givenName": "D", "familyName": "E"}
			changes := []access.Change{
				create("account/dave", full), update("account/dave", "email", "d@x.example", "e@x.example"), update("account/dave", "givenName", "D", "Dee"),
				give("account/dave", "role/user"), revoke("account/dave", "role/user"),
				change(access.Rename, "account/dave", "", nil, &access.Value{Name: "david"}),
				change(access.Delete, "account/david", "", nil, nil),
			}
			want := []string{"GET Users", "POST Users", "PATCH Users", "DELETE Users"}
			if tt.profile == "github" {
				changes = append(changes, disable("account/alice", true), disable("account/alice", false),
					create("group/new", map[string]string{"externalId": "8"}), give("account/alice", "group/new"), revoke("account/alice", "group/new"),
					change(access.Rename, "group/new", "", nil, &access.Value{Name: "newer"}), change(access.Delete, "group/newer", "", nil, nil))
				want = append(want, "GET Groups", "POST Groups", "PATCH Groups", "DELETE Groups")
			}
			for _, ch := range changes {
				must(t, c.Apply(t.Context(), ch))
			}
			for _, w := range want {
				if !seen[w] {
					t.Errorf("%s wasn't sent", w)
				}
			}
		})
	}
}

func request(method, path string) *http.Request {
	r, _ := http.NewRequest(method, path, nil)
	return r
}

// The answers that GitHub publishes as examples are read.
func TestAnswersThatGitHubPublishes(t *testing.T) {
	d := githubDescription(t)
	example := func(name string) any { return d.at("components", "examples", name)["value"] }
	tests := []struct {
		profile, users, groups string
		want                   string
	}{
		{"github", "scim-enterprise-user-list", "scim-enterprise-group-list", "account/e012345 group/Engineering"},
		{"github-org", "scim-user-list-response-without-filter", "", "account/mona.octocat@okta.example.com account/hubot@example.com"},
	}
	for _, tt := range tests {
		f := newFake(&fake{noDiscovery: true})
		f.answer = func(w http.ResponseWriter, r *http.Request) bool {
			switch {
			case strings.HasSuffix(r.URL.Path, "/Users"):
				return respond(w, 200, example(tt.users))
			case strings.HasSuffix(r.URL.Path, "/Groups"):
				return respond(w, 200, example(tt.groups))
			}
			return false
		}
		s, err := f.open(t, tt.profile).Read(t.Context(), connectors.Scope{})
		must(t, err)
		for _, name := range strings.Fields(tt.want) {
			id, _ := access.ParseID(name)
			if o, ok := s.Object(id); !ok || o.Native == "" {
				text, _ := json.Marshal(slices.Collect(s.Objects()))
				t.Errorf("%s: %s isn't among %s", tt.profile, name, text)
			}
		}
		if tt.profile == "github" {
			o, _ := s.Object(access.Account("e012345"))
			if o.Attributes["email"] != "mlisa@example.com" || o.Attributes["familyName"] != "Octocat" || o.Disabled || len(holders(s, "role/User")) != 1 {
				t.Errorf("the user is %+v", o)
			}
		}
	}
}
