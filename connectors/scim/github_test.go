package scim

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/connectors/servertest"
	"github.com/accordhq/accord/engine/access"
)

func githubDescription(t *testing.T) *servertest.OpenAPI {
	t.Helper()
	return servertest.ReadOpenAPI(t, servertest.GitHubOpenAPI(t), func(d *servertest.OpenAPI) {
		// It says that the value of an operation is a text, while its own examples have lists of
		// members and truth values there.
		ops := d.At("components", "schemas", "patch-schema", "properties", "Operations", "items", "properties")
		delete(ops["value"].(map[string]any), "type")
	})
}

// check holds a request to the description, all but a parameter that it leaves out.
func check(d *servertest.OpenAPI, base string, r *http.Request, body []byte) error {
	r = r.Clone(r.Context())
	r.URL.Path = base + strings.TrimPrefix(r.URL.Path, "/v2")
	q := r.URL.Query()
	q.Del("attributes") // which the RFC has, and may be passed over
	r.URL.RawQuery = q.Encode()
	return d.Check(r, body)
}

// Everything that the profile github sends is as GitHub itself describes it.
func TestRequestsAsGitHubDescribesThem(t *testing.T) {
	d := githubDescription(t)
	if err := check(d, "/scim/v2/enterprises/acme", request("POST", "/v2/Users"), []byte(`{"userName":"x"}`)); err == nil {
		t.Fatal("a user without what is required passes: the check shows nothing")
	}
	for _, tt := range []struct{ profile, base string }{
		{"github", "/scim/v2/enterprises/acme"},
		{"github-org", "/scim/v2/organizations/acme"},
	} {
		t.Run(tt.profile, func(t *testing.T) {
			f := newFake(&fake{noValuePath: true, noDiscovery: true})
			people(t, f)
			seen := map[string]bool{}
			f.check = func(r *http.Request, kind string, body []byte) {
				if kind != "Users" && kind != "Groups" {
					return // discovery, which GitHub doesn't have
				}
				seen[r.Method+" "+kind] = true
				if err := check(d, tt.base, r, body); err != nil {
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
	example := func(name string) any { return d.Example(t, name) }
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
