package scim

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/accordhq/accord/connectors/servertest"
	"github.com/accordhq/accord/engine/access"
)

// The address that counts, and what becomes of the others.
func TestEmails(t *testing.T) {
	mail := func(address string, more ...any) map[string]any {
		m := map[string]any{"value": address}
		for i := 0; i+1 < len(more); i += 2 {
			m[more[i].(string)] = more[i+1]
		}
		return m
	}
	tests := []struct {
		name string
		has  []any
		is   string
		to   string
		want string // the addresses afterwards
	}{
		{"none", nil, "", "a@x", "a@x*"},
		{"clearing none", nil, "", "", ""},
		{"the primary one", []any{mail("h@x", "type", "home"), mail("w@x", "primary", true)}, "w@x", "n@x", "h@x n@x*"},
		{"the only one", []any{mail("h@x", "type", "home")}, "h@x", "n@x", "n@x"},
		{"clearing the only one", []any{mail("h@x")}, "h@x", "", ""},
		{"none of two is primary", []any{mail("h@x"), mail("w@x")}, "", "n@x", "h@x w@x n@x*"},
		{"clearing the primary one of three", []any{mail("h@x"), mail("w@x", "primary", true), mail("z@x")}, "w@x", "", "h@x z@x"},
		{"clearing the primary one of two", []any{mail("h@x"), mail("w@x", "primary", true)}, "w@x", "", "h@x-"},
	}
	for _, tt := range tests {
		for _, f := range []*fake{{}, {noPatch: true}} {
			t.Run(fmt.Sprintf("%s, no PATCH %v", tt.name, f.noPatch), func(t *testing.T) {
				newFake(f)
				row := map[string]any{"id": "1", "schemas": []any{schemaUser}, "userName": "alice", "title": "SRE"}
				if tt.has != nil {
					row["emails"] = cloneValue(tt.has)
				}
				f.Put(t, servertest.ScimRows{Users: []map[string]any{row}})
				if f.noPatch { // the only difference is how it is written
					delete(f.rows["Users"]["1"], "active")
				}
				c := f.open(t, "")
				o, _ := read(t, c).Object(access.Account("alice"))
				if o.Attributes["email"] != tt.is {
					t.Fatalf("the address is %q, want %q", o.Attributes["email"], tt.is)
				}
				must(t, c.Apply(t.Context(), update("account/alice", "email", tt.is, tt.to)))
				var got []string
				for _, e := range resource(f.rows["Users"]["1"]).list("emails") {
					mark := ""
					switch e.(map[string]any)["primary"] {
					case true:
						mark = "*"
					case false:
						mark = "-"
					}
					got = append(got, value(e)+mark)
				}
				if strings.Join(got, " ") != tt.want || f.rows["Users"]["1"]["title"] != "SRE" {
					t.Errorf("afterwards %v, want %s", got, tt.want)
				}
				if o, _ := read(t, c).Object(access.Account("alice")); o.Attributes["email"] != tt.to {
					t.Errorf("read back %q, want %q", o.Attributes["email"], tt.to)
				}
			})
		}
	}
}

// FuzzResource: whatever a service calls a user or a group, reading it doesn't panic, what is
// read can be normalized, and it survives being copied.
func FuzzResource(f *testing.F) {
	for _, s := range []string{
		`{"id":"1","userName":"Alice","active":"True","emails":[{"value":"a@x","primary":true}],"roles":["a",{"value":"b"}]}`,
		`{"ID":7,"USERNAME":null,"active":1,"emails":{"value":"a"},"members":[{"$ref":"https://a/Users/1"},{"value":2,"type":"Group"},null,3]}`,
		`{"id":"x","name":"flat","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"manager":"m","department":5}}`,
		`{"id":"x","displayName":"\u0000\ud800","meta":[],"emails":[[],{}],"roles":{}}`,
	} {
		f.Add(s)
	}
	c := &connector{}
	f.Fuzz(func(t *testing.T, s string) {
		var r resource
		if json.Unmarshal([]byte(s), &r) != nil || r == nil {
			return
		}
		for _, kind := range []string{access.KindAccount, kindGroup} {
			o, err := r.object(kind)
			if err != nil {
				continue
			}
			again, err := c.Normalize(o)
			if err != nil || again.ID != o.ID && !nameless(o.ID.Name) || !maps.Equal(again.Attributes, o.Attributes) {
				t.Errorf("%q was read, and becomes %q, %v", o.ID, again.ID, err)
			}
		}
		r.members()
		r.values("roles")
		before, _ := json.Marshal(r)
		whole := r.clone()
		for _, a := range userAttributes() {
			if a.name != attrEmail {
				set(a, "x").put(whole)
				set(a, "").put(whole)
			}
		}
		c.setEmail(whole, "a@x").put(whole)
		if _, address := whole.email(); address != "a@x" {
			t.Errorf("the address that was set is %q", address)
		}
		whole.forPut(access.KindAccount)
		if after, _ := json.Marshal(r); string(after) != string(before) {
			t.Errorf("changing a copy changed the original: %s", after)
		}
	})
}
