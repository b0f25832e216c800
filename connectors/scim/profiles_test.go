package scim

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/connectors/servertest"
	"github.com/accordhq/accord/engine/access"
)

// people puts three users and two groups into a fake.
func people(t testing.TB, f *fake) {
	t.Helper()
	active := any(true)
	user := func(name string, more map[string]any) map[string]any {
		u := map[string]any{"id": "id-" + name, "schemas": []any{schemaUser}, "userName": name, "active": active}
		maps.Copy(u, more)
		return u
	}
	f.Put(t, servertest.ScimRows{
		Users: []map[string]any{
			user("alice", map[string]any{"title": "SRE", "roles": []any{map[string]any{"value": "owner", "display": "Owner", "odd": 1.5}}, "x-unknown": "stays"}),
			user("bob", nil), user("carol", map[string]any{"active": false}),
		},
		Groups: []map[string]any{
			{"id": "g-sre", "schemas": []any{schemaGroup}, "displayName": "sre", "members": []any{map[string]any{"value": "id-alice"}, map[string]any{"value": "id-bob"}}},
			{"id": "g-dev", "schemas": []any{schemaGroup}, "displayName": "dev"},
		},
	})
}

func update(subject, attribute, from, to string) access.Change {
	return change(access.Update, subject, "", &access.Value{Attributes: map[string]string{attribute: from}}, &access.Value{Attributes: map[string]string{attribute: to}})
}

func disable(subject string, yes bool) access.Change {
	action := access.Enable
	if yes {
		action = access.Disable
	}
	return change(action, subject, "", &access.Value{Disabled: !yes}, &access.Value{Disabled: yes})
}

func create(subject string, attributes map[string]string) access.Change {
	return change(access.Create, subject, "", nil, &access.Value{Attributes: attributes})
}

// What each profile sends, byte by byte, for the same changes.
func TestWhatProfilesSend(t *testing.T) {
	const patch = `{"Operations":[%s],"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"]}`
	ops := func(s string) string { return fmt.Sprintf(patch, s) }
	tests := []struct {
		profile string
		fake    *fake
		change  access.Change
		want    string
	}{
		{"", &fake{}, disable("account/alice", true), ops(`{"op":"replace","path":"active","value":false}`)},
		{"", &fake{}, update("account/alice", "title", "SRE", "Staff"), ops(`{"op":"replace","path":"title","value":"Staff"}`)},
		{"", &fake{}, update("account/alice", "title", "SRE", ""), ops(`{"op":"remove","path":"title"}`)},
		{"", &fake{}, update("account/alice", "givenName", "", "Al"), ops(`{"op":"replace","path":"name.givenName","value":"Al"}`)},
		{"", &fake{}, update("account/alice", "department", "", "eng"), ops(`{"op":"replace","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department","value":"eng"}`)},
		{"", &fake{}, update("account/alice", "manager", "", "id-bob"), ops(`{"op":"replace","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager","value":{"value":"id-bob"}}`)},
		{"", &fake{}, give("account/carol", "group/sre"), ops(`{"op":"add","path":"members","value":[{"value":"id-carol"}]}`)},
		{"", &fake{}, give("group/dev", "group/sre"), ops(`{"op":"add","path":"members","value":[{"type":"Group","value":"g-dev"}]}`)},
		{"", &fake{}, revoke("account/bob", "group/sre"), ops(`{"op":"remove","path":"members[value eq \"id-bob\"]"}`)},
		{"", &fake{}, revoke("account/alice", "role/owner"), ops(`{"op":"remove","path":"roles[value eq \"owner\"]"}`)},
		{"", &fake{}, change(access.Rename, "group/dev", "", nil, &access.Value{Name: "devs & co"}), ops(`{"op":"replace","path":"displayName","value":"devs & co"}`)},
		{"", &fake{}, create("account/dave", map[string]string{"email": "d@x", "givenName": "D", "department": "eng", "externalId": "7"}),
			`{"active":true,"emails":[{"primary":true,"type":"work","value":"d@x"}],"externalId":"7","name":{"givenName":"D"},"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"eng"},"userName":"dave"}`},
		{"", &fake{noPatch: true}, revoke("account/bob", "group/sre"), `{"displayName":"sre","id":"g-sre","members":[{"value":"id-alice"}],"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"]}`},
		{"okta", &fake{}, update("account/alice", "title", "SRE", "Staff"),
			`{"active":true,"id":"id-alice","roles":[{"display":"Owner","odd":1.5,"value":"owner"}],"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"title":"Staff","userName":"alice","x-unknown":"stays"}`},
		{"zoom", &fake{onlyActive: true}, disable("account/bob", true), ops(`{"op":"replace","path":"active","value":false}`)},
		{"zoom", &fake{onlyActive: true}, update("account/bob", "title", "", "SRE"), `{"active":true,"id":"id-bob","schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"title":"SRE","userName":"bob"}`},
		{"github", &fake{noValuePath: true}, revoke("account/alice", "role/owner"), ops(`{"op":"remove","path":"roles"}`)},
		{"github", &fake{noValuePath: true}, give("account/alice", "role/developer"), ops(`{"op":"add","path":"roles","value":[{"value":"developer"}]}`)},
		{"entra-client", &fake{removeByValue: true, activeText: true}, disable("account/bob", true), ops(`{"op":"replace","path":"active","value":"false"}`)},
		{"entra-client", &fake{removeByValue: true, activeText: true}, revoke("account/bob", "group/sre"), ops(`{"op":"remove","path":"members","value":[{"value":"id-bob"}]}`)},
		{"gitlab", &fake{activeText: true}, disable("account/bob", true), ops(`{"op":"replace","path":"active","value":"false"}`)},
		{"entra", &fake{hideMembers: true, cursor: true}, revoke("account/bob", "group/sre"), ops(`{"op":"remove","path":"members[value eq \"id-bob\"]"}`)},
		{"entra", &fake{hideMembers: true, cursor: true}, give("account/bob", "group/sre"), ""}, // is so already
	}
	for _, tt := range tests {
		t.Run(tt.profile+" "+tt.change.String(), func(t *testing.T) {
			f := newFake(tt.fake)
			people(t, f)
			must(t, f.open(t, tt.profile).Apply(t.Context(), tt.change))
			if got := strings.Join(f.sent, "\n"); got != tt.want {
				t.Errorf("sent %s\nwant %s", got, tt.want)
			}
		})
	}
}

// What a profile excludes is refused before anything is sent, with a hint.
func TestWhatProfilesRefuse(t *testing.T) {
	full := map[string]string{"displayName": "D", "email": "d@x", "externalId": "7", "givenName": "D", "familyName": "E"}
	remove := change(access.Delete, "account/alice", "", nil, nil)
	rename := change(access.Rename, "account/alice", "", nil, &access.Value{Name: "al"})
	tests := []struct {
		profile string
		change  access.Change
		kind    error
		says    string
	}{
		{"slack", remove, connectors.ErrUnsupported, "accounts.leaver: disable"},
		{"okta", remove, connectors.ErrUnsupported, "accounts.leaver: disable"},
		{"gitlab", remove, connectors.ErrUnsupported, "accounts.leaver: disable"},
		{"github-org", disable("account/alice", true), connectors.ErrUnsupported, "accounts.leaver: delete"},
		{"gitlab-group", disable("account/alice", true), connectors.ErrUnsupported, "accounts.leaver: delete"},
		{"gitlab", rename, connectors.ErrUnsupported, "userName"},
		{"gitlab", update("account/alice", "title", "SRE", ""), connectors.ErrUnsupported, "title"},
		{"gitlab", give("account/alice", "role/x"), connectors.ErrUnsupported, "roles"},
		{"gitlab", give("account/alice", "group/sre"), connectors.ErrUnsupported, "no groups"},
		{"gitlab", create("group/x", nil), connectors.ErrUnsupported, "no groups"},
		{"github", create("account/dave", map[string]string{"email": "d@x"}), nil, "externalId, displayName"},
		{"github", create("group/x", nil), nil, "externalId"},
		{"github", give("group/dev", "group/sre"), connectors.ErrUnsupported, "no groups as members"},
		{"entra", create("account/dave", full), connectors.ErrUnsupported, "accounts.create: false"},
	}
	for _, tt := range tests {
		f := newFake(&fake{})
		people(t, f)
		err := f.open(t, tt.profile).Apply(t.Context(), tt.change)
		if err == nil || tt.kind != nil && !errors.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.says) || len(f.sent) > 0 {
			t.Errorf("%s: %s: %v, sent %q", tt.profile, tt.change, err, f.sent)
		}
	}
	f := newFake(&fake{})
	must(t, f.open(t, "github").Apply(t.Context(), create("account/dave", full)))
	if _, err := f.open(t, "gitlab").Normalize(access.Object{ID: access.ID{Kind: kindGroup, Name: "x"}}); err == nil {
		t.Error("a group was taken where there are none")
	}
}

// Services that hide members tell them by a filter, user by user.
func TestHiddenMembers(t *testing.T) {
	f := newFake(&fake{hideMembers: true, cursor: true, config: map[string]any{"pagination": map[string]any{"cursor": true, "index": false}}})
	people(t, f)
	c := f.open(t, "entra")
	if got := holders(read(t, c), "group/sre"); !slices.Equal(got, []string{"account/alice", "account/bob"}) {
		t.Errorf("members %v", got)
	}
	bob := access.Account("bob")
	if got := holders(read(t, c, bob), "group/sre"); !slices.Equal(got, []string{"account/bob"}) {
		t.Errorf("of a scoped read: %v", got)
	}
	// One removal at a time, and never with an addition: such batches are split.
	b := c.(connectors.Batcher)
	for _, batch := range [][]access.Change{
		{revoke("account/alice", "group/sre"), give("account/carol", "group/sre")},
		{revoke("account/carol", "group/sre"), revoke("account/bob", "group/sre")},
	} {
		f.sent = nil
		var blamed *connectors.BatchError
		if err := b.ApplyBatch(t.Context(), batch); err == nil || errors.As(err, &blamed) || len(f.sent) > 0 {
			t.Errorf("a batch beyond the limits: %v, sent %v", err, f.sent)
		}
		for _, ch := range batch {
			must(t, c.Apply(t.Context(), ch))
		}
	}
	if got := holders(read(t, c), "group/sre"); len(got) > 0 {
		t.Errorf("in the end %v", got)
	}
}
