package scim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/connectors/servertest"
	"github.com/accordhq/accord/engine/access"
)

// fill puts n users and a group of all of them into a store.
func fill(t testing.TB, s store, n int) {
	t.Helper()
	var rows servertest.ScimRows
	var members []any
	for i := range n {
		id := fmt.Sprintf("u-%04d", i)
		rows.Users = append(rows.Users, map[string]any{"id": id, "schemas": []any{schemaUser}, "userName": fmt.Sprintf("user-%04d", i), "active": true})
		members = append(members, map[string]any{"value": id})
	}
	rows.Groups = []map[string]any{{"id": "g-1", "schemas": []any{schemaGroup}, "displayName": "all", "members": members}}
	s.Put(t, rows)
}

// respond writes an answer of a fake.
func respond(w http.ResponseWriter, status int, v any) bool {
	w.Header().Set("Content-Type", "application/scim+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
	return true
}

func users(from, to int) []any {
	var out []any
	for i := from; i < to; i++ {
		out = append(out, map[string]any{"id": fmt.Sprintf("u-%d", i), "userName": fmt.Sprintf("user-%d", i), "schemas": []any{schemaUser}})
	}
	return out
}

// Listings that don't hold together are never taken for whole.
func TestListingsThatLie(t *testing.T) {
	list := func(total any, resources []any, more ...any) map[string]any {
		out := map[string]any{"Resources": resources}
		if total != nil {
			out["totalResults"] = total
		}
		for i := 0; i+1 < len(more); i += 2 {
			out[more[i].(string)] = more[i+1]
		}
		return out
	}
	start := func(r *http.Request) string { return r.URL.Query().Get("startIndex") }
	tests := []struct {
		name   string
		cursor bool
		answer func(r *http.Request, nth int) (int, any)
		want   int // users; -1: an error
		says   string
	}{
		{"positions are passed over", false, func(*http.Request, int) (int, any) { return 200, list(45, users(0, 20)) }, -1, "circle"},
		{"an empty page too early", false, func(r *http.Request, _ int) (int, any) {
			if start(r) != "1" {
				return 200, list(45, nil)
			}
			return 200, list(45, users(0, 20))
		}, -1, "after 20 of 45"},
		{"more than told", false, func(*http.Request, int) (int, any) { return 200, list(3, users(0, 5)) }, -1, "more than the 3"},
		{"no total", false, func(*http.Request, int) (int, any) { return 200, list(nil, users(0, 5)) }, -1, "no totalResults"},
		{"the total is no number", false, func(*http.Request, int) (int, any) { return 200, list("many", users(0, 5)) }, -1, "isn't the JSON"},
		{"the total is a number in quotes", false, func(*http.Request, int) (int, any) { return 200, list("5", users(0, 5)) }, 5, ""},
		{"no list at all", false, func(*http.Request, int) (int, any) { return 200, map[string]any{} }, -1, "no list"},
		{"something without an id", false, func(*http.Request, int) (int, any) {
			return 200, list(1, []any{map[string]any{"userName": "x"}})
		}, -1, "without an id"},
		{"a total and nothing", false, func(*http.Request, int) (int, any) { return 200, list(3, nil) }, -1, "after 0 of 3"},
		{"nothing at all", false, func(*http.Request, int) (int, any) { return 200, map[string]any{"totalResults": 0} }, 0, ""},
		{"one comes in between, once", false, func(r *http.Request, nth int) (int, any) {
			switch {
			case nth == 1:
				return 200, list(30, users(0, 20))
			case nth == 2:
				return 200, list(31, users(20, 31))
			case start(r) == "1":
				return 200, list(31, users(0, 20))
			}
			return 200, list(31, users(20, 31))
		}, 31, ""},
		{"one comes in between, always", false, func(r *http.Request, nth int) (int, any) {
			return 200, list(30+nth, users(20*(nth-1), 20*nth))
		}, -1, "changed while it was read"},
		{"one goes in between: the next page begins one too late", false, func(r *http.Request, nth int) (int, any) {
			if nth == 1 {
				return 200, list(40, users(0, 20))
			}
			if nth == 2 {
				return 200, list(39, users(21, 40))
			}
			if start(r) == "1" {
				return 200, list(39, users(1, 21))
			}
			return 200, list(39, users(21, 40))
		}, 39, ""},
		{"attributes in another case", false, func(*http.Request, int) (int, any) {
			return 200, map[string]any{"totalresults": 1, "resources": []any{map[string]any{"ID": "u-1", "USERNAME": "user-1", "Active": "True"}}}
		}, 1, ""},
		{"a cursor that doesn't move", true, func(*http.Request, int) (int, any) {
			return 200, list(nil, nil, "nextCursor", "x")
		}, -1, "cursor doesn't move"},
		{"cursors that repeat what was there", true, func(_ *http.Request, nth int) (int, any) {
			return 200, list(nil, users(0, 5), "nextCursor", fmt.Sprint(nth))
		}, -1, "circle"},
		{"cursors that end too early", true, func(*http.Request, int) (int, any) { return 200, list(9, users(0, 5)) }, -1, "has 5, and tells 9"},
		{"cursors without a total", true, func(r *http.Request, _ int) (int, any) {
			if r.URL.Query().Get("cursor") == "" {
				return 200, list(nil, users(0, 5), "nextCursor", "two")
			}
			return 200, list(nil, users(5, 7))
		}, 7, ""},
		{"a cursor that expires once", true, func(r *http.Request, nth int) (int, any) {
			switch {
			case nth == 2:
				return 400, map[string]any{"scimType": "expiredCursor", "detail": "too slow"}
			case r.URL.Query().Get("cursor") == "":
				return 200, list(7, users(0, 5), "nextCursor", fmt.Sprint("two-", nth))
			}
			return 200, list(7, users(5, 7))
		}, 7, ""},
		{"a cursor that always expires", true, func(r *http.Request, nth int) (int, any) {
			if r.URL.Query().Get("cursor") == "" {
				return 200, list(7, users(0, 5), "nextCursor", fmt.Sprint("two-", nth))
			}
			return 400, map[string]any{"scimType": "expiredCursor", "detail": "too slow"}
		}, -1, "too slow"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			nth := 0
			f := newFake(&fake{cursor: tt.cursor})
			f.answer = func(w http.ResponseWriter, r *http.Request) bool {
				if !strings.HasSuffix(r.URL.Path, "/Users") {
					return false
				}
				nth++
				status, v := tt.answer(r, nth)
				return respond(w, status, v)
			}
			s, err := f.open(t, "").Read(t.Context(), connectors.Scope{})
			if tt.want < 0 {
				if !errors.Is(err, connectors.ErrIncomplete) || s != nil || !strings.Contains(err.Error(), tt.says) {
					t.Errorf("state %v, error %v, want one about %q", s != nil, err, tt.says)
				}
				return
			}
			must(t, err)
			if n, _ := s.Size(); n != tt.want+3 { // and the roles of the schema
				t.Errorf("%d objects, want %d", n, tt.want+3)
			}
		})
	}
}

// Names that clash are never mixed up.
func TestTwins(t *testing.T) {
	f := newFake(&fake{})
	row := func(id, name string) map[string]any {
		return map[string]any{"id": id, "schemas": []any{schemaUser}, "userName": name, "active": true}
	}
	group := func(id, name string, members ...any) map[string]any {
		return map[string]any{"id": id, "schemas": []any{schemaGroup}, "displayName": name, "members": members}
	}
	f.Put(t, servertest.ScimRows{
		Users:  []map[string]any{row("1", "Alice"), row("2", "alice"), row("3", "bob"), row("4", ""), row("5", "a\tb")},
		Groups: []map[string]any{group("10", "sre", map[string]any{"value": "3"}), group("11", "sre"), group("12", "dev")},
	})
	c := f.open(t, "")
	s := read(t, c)
	if s.Knows(access.Account("alice")) || !s.Knows(access.Account("bob")) {
		t.Errorf("unknown are %v", s.Unknowns())
	}
	for _, name := range []string{"(id:4)", "(id:5)"} {
		if o, ok := s.Object(access.Account(name)); !ok || !o.Reserved {
			t.Errorf("%s: %+v", name, o)
		}
		if err := c.Apply(t.Context(), change(access.Disable, "account/"+name, "", nil, &access.Value{Disabled: true})); !errors.Is(err, connectors.ErrUnsupported) {
			t.Errorf("disabling %s: %v", name, err)
		}
	}
	if got := holders(s, "group/sre (id:10)"); !slices.Equal(got, []string{"account/bob"}) {
		t.Errorf("the first group sre has %v", got)
	}
	if _, ok := s.Object(access.ID{Kind: kindGroup, Name: "sre"}); ok {
		t.Error("one of two groups is called sre")
	}
	for _, ch := range []access.Change{give("account/bob", "group/sre"), change(access.Disable, "account/alice", "", nil, &access.Value{Disabled: true})} {
		if err := c.Apply(t.Context(), ch); !errors.Is(err, connectors.ErrConflict) {
			t.Errorf("%s: %v", ch, err)
		}
	}
	must(t, c.Apply(t.Context(), give("account/bob", "group/sre (id:11)")))
	must(t, c.Apply(t.Context(), revoke("account/bob", "group/sre (id:10)")))
	s = read(t, c)
	if len(holders(s, "group/sre (id:10)")) > 0 || len(holders(s, "group/sre (id:11)")) != 1 {
		t.Error("the groups of one name were mixed up")
	}
}

// A user whose state makes no sense is unknown, and the others are read.
func TestUnknownUser(t *testing.T) {
	f := newFake(&fake{})
	f.Put(t, servertest.ScimRows{Users: []map[string]any{
		{"id": "1", "schemas": []any{schemaUser}, "userName": "alice", "active": "perhaps"},
		{"id": "2", "schemas": []any{schemaUser}, "userName": "bob", "active": "True"},
	}})
	c := f.open(t, "")
	s := read(t, c)
	if _, ok := s.Object(access.Account("bob")); s.Knows(access.Account("alice")) || !ok || s.Complete() {
		t.Errorf("unknown are %v", s.Unknowns())
	}
	if err := c.Apply(t.Context(), change(access.Disable, "account/alice", "", nil, &access.Value{Disabled: true})); !errors.Is(err, connectors.ErrIncomplete) {
		t.Errorf("disabling one whose state is unknown: %v", err)
	}
}

// Texts in filters are JSON strings.
func TestLiterals(t *testing.T) {
	for _, s := range []string{"", "plain", `a"b`, `a\b`, `\"`, "ünï", "a b", "日本語", `" or userName pr or userName eq "`} {
		var back string
		if err := json.Unmarshal([]byte(literal(s)), &back); err != nil || back != s {
			t.Errorf("%q as %s is %q, %v", s, literal(s), back, err)
		}
	}
}

// Reading ends promptly, whatever it waits for.
func TestReadIsCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	f := newFake(&fake{answer: func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/Groups") {
			cancel()
		}
		return false
	}})
	fill(t, f, 5)
	if s, err := f.open(t, "").Read(ctx, connectors.Scope{}); !errors.Is(err, context.Canceled) || s != nil {
		t.Errorf("state %v, error %v", s != nil, err)
	}
}
