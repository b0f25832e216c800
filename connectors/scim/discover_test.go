package scim

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
)

// A service that answers discovery with nothing is taken to keep to the RFC; one that points
// elsewhere isn't followed; one whose discovery fails isn't used.
func TestDiscovery(t *testing.T) {
	answer := func(path string, status int, v any) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			return strings.HasSuffix(r.URL.Path, "/"+path) && respond(w, status, v)
		}
	}
	types := func(endpoints ...string) any {
		var all []any
		for _, e := range endpoints {
			name, endpoint, _ := strings.Cut(e, "=")
			all = append(all, map[string]any{"name": name, "endpoint": endpoint})
		}
		return map[string]any{"totalResults": len(all), "Resources": all}
	}
	me := func(w http.ResponseWriter, r *http.Request) bool {
		return strings.HasSuffix(r.URL.Path, "/Me") && respond(w, 200, map[string]any{"id": "u-0003", "userName": "somebody"})
	}
	tests := []struct {
		name   string
		fake   *fake
		groups bool
		self   string
		fails  error
	}{
		{"nothing", &fake{noDiscovery: true}, true, "", nil},
		{"forbidden", &fake{answer: answer("Schemas", 403, nil)}, true, "", nil},
		{"no groups", &fake{answer: answer("ResourceTypes", 200, types("User=/Users"))}, false, "", nil},
		{"elsewhere", &fake{answer: answer("ResourceTypes", 200, types("User=https://evil.example/Users", "Group=/../Groups"))}, true, "", nil},
		{"own user", &fake{answer: me}, true, "user-0003", nil},
		{"failing", &fake{answer: answer("ServiceProviderConfig", 500, nil)}, false, "", connectors.ErrIncomplete},
		{"not logged in", &fake{answer: answer("ServiceProviderConfig", 401, nil)}, false, "", connectors.ErrDenied},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFake(tt.fake)
			fill(t, f, 5)
			c := f.open(t, "")
			s, err := c.Read(t.Context(), connectors.Scope{})
			if !errors.Is(err, tt.fails) {
				t.Fatalf("error %v, want %v", err, tt.fails)
			}
			if err != nil {
				return
			}
			if got := len(holders(s, "group/all")) == 5; got != tt.groups {
				t.Errorf("groups were read: %v, want %v", got, tt.groups)
			}
			if got := s.Self().Name; got != tt.self {
				t.Errorf("self is %q, want %q", got, tt.self)
			}
			read(t, c)
			n := 0
			for _, a := range f.asked {
				if a == "GET /ServiceProviderConfig" {
					n++
				}
			}
			if n != 1 {
				t.Errorf("the service was discovered %d times", n)
			}
		})
	}
}

// A service may show members only when asked for them, or never.
func TestReturnedMembers(t *testing.T) {
	for returned, complete := range map[string]bool{"default": true, "request": true, "never": false} {
		f := newFake(&fake{})
		people(t, f)
		f.answer = func(w http.ResponseWriter, r *http.Request) bool {
			if strings.HasSuffix(r.URL.Path, "/Schemas") {
				return respond(w, 200, map[string]any{"Resources": []any{map[string]any{"id": schemaGroup,
					"attributes": []any{map[string]any{"name": "members", "returned": returned}}}}})
			}
			f.hideMembers = returned == "never" || returned == "request" && !strings.Contains(r.URL.Query().Get("attributes"), "members")
			return false
		}
		c := f.open(t, "")
		s := read(t, c)
		alice, sre := access.Account("alice"), access.ID{Kind: kindGroup, Name: "sre"}
		if s.Complete() != complete || s.KnowsGrant(alice, sre) != complete || complete && len(holders(s, "group/sre")) != 2 {
			t.Errorf("returned %q: members %v, unknown %v", returned, holders(s, "group/sre"), s.Unknowns())
		}
		err := f.open(t, "").Apply(t.Context(), revoke("account/alice", "group/sre"))
		if complete != (err == nil) || !complete && !errors.Is(err, connectors.ErrUnsupported) {
			t.Errorf("returned %q: revoking: %v", returned, err)
		}
		if got := len(resource(f.rows["Groups"]["g-sre"]).members()); complete && got != 1 {
			t.Errorf("returned %q: %d members are left", returned, got)
		}
	}
}
