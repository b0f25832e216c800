package scim

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"testing"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/connectors/servertest"
	"github.com/accordhq/accord/engine/access"
)

// The real server's own deviations (startIndex beyond the end, itemsPerPage, case,
// members of deleted users, malformed filters).
func TestPitfalls(t *testing.T) {
	f := newFar(t)
	fill(t, f, 45)
	c := f.open(t, nil)
	get := func(query string) (out struct {
		TotalResults, ItemsPerPage int
		Resources                  []map[string]any
	}) {
		t.Helper()
		req, _ := http.NewRequest("GET", f.url+query, nil)
		req.Header.Set("Authorization", "Bearer "+servertest.Scim(t).Token)
		res, err := http.DefaultClient.Do(req)
		must(t, err)
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		must(t, err)
		must(t, json.Unmarshal(text, &out))
		return out
	}
	if p := get("/Users?startIndex=100&count=20"); len(p.Resources) == 0 {
		t.Error("the pitfall is gone, so this shows nothing: the server doesn't answer a position behind the end with a full page any more")
	}
	if p := get("/Users?startIndex=41&count=20"); p.ItemsPerPage == len(p.Resources) {
		t.Error("the pitfall is gone, so this shows nothing: itemsPerPage is the number of items by now")
	}
	s := read(t, c)
	if n := len(holders(s, "group/all")); n != 45 || !s.Complete() {
		t.Errorf("%d of 45 members were read", n)
	}

	// A userName in another case than the server's filters find it by.
	f.Put(t, servertest.ScimRows{Users: []map[string]any{{"id": "mixed", "schemas": []any{schemaUser}, "userName": "Mixed.Case@Acme.example", "active": true}}})
	if p := get("/Users?filter=userName%20eq%20%22mixed.case@acme.example%22"); len(p.Resources) > 0 {
		t.Error("the pitfall is gone, so this shows nothing: the server's filters know by now that a userName has no case")
	}
	mixed := access.Account("mixed.case@acme.example")
	if _, ok := read(t, f.open(t, nil), mixed).Object(mixed); !ok {
		t.Error("a user whose name has capitals isn't found by a scoped read")
	}
	must(t, f.open(t, nil).Apply(t.Context(), change(access.Disable, mixed.String(), "", nil, &access.Value{Disabled: true})))
	if o, _ := read(t, f.open(t, nil), mixed).Object(mixed); !o.Disabled {
		t.Error("a user whose name has capitals wasn't disabled")
	}

	// A deleted user stays among the members, and holds nothing.
	must(t, c.Apply(t.Context(), change(access.Delete, "account/user-0007", "", nil, nil)))
	rows := f.Rows(t)
	if !slices.Contains(dumpValues(rows.Groups[0]["members"]), "u-0007") {
		t.Error("the pitfall is gone, so this shows nothing: the server takes deleted users out of groups by now")
	}
	s = read(t, c)
	if got := holders(s, "group/all"); len(got) != 44 || slices.Contains(got, "account/user-0007") {
		t.Errorf("after a deletion the group has %d members", len(got))
	}
	must(t, c.Apply(t.Context(), revoke("account/user-0008", "group/all")))
	if got := holders(read(t, c), "group/all"); len(got) != 43 {
		t.Errorf("a group with a member that is gone: %d members after a revocation, want 43", len(got))
	}

	// Giving twice notes nobody twice.
	for range 2 {
		must(t, f.open(t, nil).Apply(t.Context(), give("account/user-0009", "group/all")))
	}
	n := 0
	for _, id := range dumpValues(f.Rows(t).Groups[0]["members"]) {
		if id == "u-0009" {
			n++
		}
	}
	if n != 1 {
		t.Errorf("a member was noted %d times", n)
	}
}

// Values that a filter can't name are removed all the same: the server answers 204 to a
// removal that found nothing.
func TestValuesThatFiltersDontFind(t *testing.T) {
	f := newFake(&fake{})
	fill(t, f, 1)
	c := f.open(t, "")
	for _, v := range []string{`say "yes"`, `back\slash`, "plain", "ünï", "a b] or x[c", " spaces ", "two\nlines"} {
		target := "entitlement/" + v
		must(t, c.Apply(t.Context(), give("account/user-0000", target)))
		must(t, c.Apply(t.Context(), give("account/user-0000", "entitlement/other")))
		must(t, c.Apply(t.Context(), revoke("account/user-0000", target)))
		s := read(t, c)
		if len(holders(s, target)) > 0 || len(holders(s, "entitlement/other")) != 1 {
			t.Errorf("%q: after the revocation %v has it, and %v the other", v, holders(s, target), holders(s, "entitlement/other"))
		}
	}
}

// An answer to a filter is believed only as far as it holds what was asked for.
func TestFiltersAreNotBelieved(t *testing.T) {
	tests := map[string]func(w http.ResponseWriter, r *http.Request) bool{
		"passes over filters": func(w http.ResponseWriter, r *http.Request) bool {
			q := r.URL.Query()
			q.Del("filter")
			r.URL.RawQuery = q.Encode()
			return false
		},
		"takes no filters": func(w http.ResponseWriter, r *http.Request) bool {
			return r.URL.Query().Has("filter") && respond(w, 400, map[string]any{"scimType": "invalidFilter"})
		},
		"finds nothing": func(w http.ResponseWriter, r *http.Request) bool {
			return r.URL.Query().Has("filter") && respond(w, 200, map[string]any{"totalResults": 0})
		},
		"finds a made-up one": func(w http.ResponseWriter, r *http.Request) bool {
			return r.URL.Query().Has("filter") && respond(w, 200, map[string]any{"totalResults": 1, "Resources": []any{map[string]any{"id": "1", "userName": "sample", "displayName": "sample"}}})
		},
	}
	for name, answer := range tests {
		t.Run(name, func(t *testing.T) {
			f := newFake(&fake{answer: answer})
			fill(t, f, 45)
			c := f.open(t, "")
			last, nobody := access.Account("user-0044"), access.Account("nobody")
			s := read(t, c, last, nobody)
			if _, ok := s.Object(last); !ok || !s.Knows(nobody) {
				t.Error("a scoped read doesn't find a user")
			}
			if got := holders(s, "group/all"); len(got) != 1 {
				t.Errorf("its groups: %v", got)
			}
			must(t, c.Apply(t.Context(), change(access.Disable, "account/user-0044", "", nil, &access.Value{Disabled: true})))
			must(t, c.Apply(t.Context(), revoke("account/user-0044", "group/all")))
			err := c.Apply(t.Context(), give("account/nobody", "group/all"))
			if !errors.Is(err, connectors.ErrConflict) {
				t.Errorf("giving to nobody: %v", err)
			}
			if s := read(t, f.serve(t).open(t, nil)); len(holders(s, "group/all")) != 44 {
				t.Error("the revocation wasn't carried out")
			}
		})
	}
}

// Nothing is done for somebody who isn't there, but that is only believed of a listing of this
// very moment: not of one that is a minute old, nor of a filter.
func TestGoneIsCertain(t *testing.T) {
	f := newFake(&fake{})
	fill(t, f, 3)
	c := f.open(t, "")
	read(t, c)
	// Somebody whom the filter doesn't find came and became a member since.
	f.Put(t, servertest.ScimRows{
		Users:  []map[string]any{{"id": "late", "schemas": []any{schemaUser}, "userName": "Late", "active": true, "roles": []any{map[string]any{"value": "owner"}}}},
		Groups: []map[string]any{{"id": "g-9", "schemas": []any{schemaGroup}, "displayName": "new", "members": []any{map[string]any{"value": "late"}}}},
	})
	f.answer = func(w http.ResponseWriter, r *http.Request) bool {
		return r.URL.Query().Has("filter") && respond(w, 200, map[string]any{"totalResults": 0})
	}
	must(t, c.Apply(t.Context(), revoke("account/late", "group/new")))
	must(t, c.Apply(t.Context(), revoke("account/late", "role/owner")))
	s := read(t, f.open(t, ""))
	if len(holders(s, "group/new"))+len(holders(s, "role/owner")) > 0 {
		t.Error("a revocation was taken for done because somebody wasn't found")
	}
	must(t, c.Apply(t.Context(), change(access.Delete, "account/late", "", nil, nil)))
	if _, ok := read(t, f.open(t, "")).Object(access.Account("late")); ok {
		t.Error("a deletion was taken for done because somebody wasn't found")
	}
}

// Somebody who was deleted and made anew since the listing is another one: what the plan was
// made upon is gone.
func TestMadeAnew(t *testing.T) {
	f := newFake(&fake{})
	people(t, f)
	c := f.open(t, "")
	read(t, c)
	f.drop("Users", "id-bob")
	f.Put(t, servertest.ScimRows{
		Users:  []map[string]any{{"id": "id-new", "schemas": []any{schemaUser}, "userName": "bob", "active": true}},
		Groups: []map[string]any{{"id": "g-sre", "schemas": []any{schemaGroup}, "displayName": "sre", "members": []any{map[string]any{"value": "id-new"}}}},
	})
	if err := c.Apply(t.Context(), revoke("account/bob", "group/sre")); !errors.Is(err, connectors.ErrConflict) || len(f.sent) > 0 {
		t.Errorf("error %v, sent %v", err, f.sent)
	}
}
