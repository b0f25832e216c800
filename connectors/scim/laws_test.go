package scim

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/connectors/connectortest"
	"github.com/accordhq/accord/connectors/rest"
	"github.com/accordhq/accord/connectors/servertest"
	"github.com/accordhq/accord/engine/access"
)

func TestMain(m *testing.M) { servertest.Main(m) }

// store is what a service holds, reached not by SCIM.
type store interface {
	Rows(t testing.TB) servertest.ScimRows
	Put(t testing.TB, rows servertest.ScimRows)
}

// far is a service with a proxy on the way to its SCIM API.
type far struct {
	store
	proxy *connectortest.HTTPProxy
	url   string
	next  int
}

// tenant is the storage of the real server.
type tenant struct {
	server *servertest.ScimServer
	name   string
}

func (s tenant) Rows(t testing.TB) servertest.ScimRows      { return s.server.Rows(t, s.name) }
func (s tenant) Put(t testing.TB, rows servertest.ScimRows) { s.server.Put(t, s.name, rows) }

func newFar(t testing.TB) *far {
	t.Helper()
	s := servertest.Scim(t)
	name, url := s.NewTenant()
	f := &far{store: tenant{s, name}, proxy: connectortest.NewHTTPProxy(t, s.URL)}
	f.url = strings.Replace(url, s.URL, f.proxy.URL, 1)
	return f
}

// open connects with few attempts, so that tests of what always fails don't take long.
func (f *far) open(t testing.TB, more connectors.Settings) connectors.Connector {
	t.Helper()
	cfg := connectortest.Config(t)
	cfg.Settings = connectors.Settings{"base_url": {Text: f.url}, "token": {Secret: connectors.SecretRef{Env: "TOKEN"}}}
	for k, v := range more {
		cfg.Settings[k] = v
	}
	c, err := openWith(cfg, rest.Options{Attempts: 3, Pause: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (f *far) id() string {
	f.next++
	return fmt.Sprintf("0000-%d", f.next)
}

// Seed writes rows as the server's own storage has them.
func (f *far) Seed(t testing.TB, s *access.State) {
	t.Helper()
	there := f.Rows(t)
	users, groups := map[string]map[string]any{}, map[string]map[string]any{}
	for _, u := range there.Users {
		users[strings.ToLower(u["userName"].(string))] = u
	}
	for _, g := range there.Groups {
		groups[g["displayName"].(string)] = g
	}
	for o := range s.Objects() {
		row := map[string]any{"id": f.id()}
		switch o.ID.Kind {
		case access.KindAccount:
			if old := users[o.ID.Name]; old != nil {
				row["id"] = old["id"]
			}
			row["schemas"] = []any{"urn:ietf:params:scim:schemas:core:2.0:User"}
			row["userName"], row["active"] = o.ID.Name, !o.Disabled
			users[o.ID.Name] = row
		case "group":
			row["schemas"] = []any{"urn:ietf:params:scim:schemas:core:2.0:Group"}
			row["displayName"] = o.ID.Name
			groups[o.ID.Name] = row
		default:
			continue
		}
		for name, v := range o.Attributes {
			seedAttribute(row, name, v)
		}
	}
	idOf := func(id access.ID) string {
		row := users[id.Name]
		if id.Kind == "group" {
			row = groups[id.Name]
		}
		return row["id"].(string)
	}
	push := func(row map[string]any, key string, v any) {
		list, _ := row[key].([]any)
		row[key] = append(list, v)
	}
	for _, g := range s.Grants() {
		switch g.Target.Kind {
		case "group":
			kind := "User"
			if g.Subject.Kind == "group" {
				kind = "Group"
			}
			push(groups[g.Target.Name], "members", map[string]any{"value": idOf(g.Subject), "type": kind})
		case "role":
			push(users[g.Subject.Name], "roles", map[string]any{"value": g.Target.Name})
		case "entitlement":
			push(users[g.Subject.Name], "entitlements", map[string]any{"value": g.Target.Name})
		}
	}
	var rows servertest.ScimRows
	for _, u := range users {
		rows.Users = append(rows.Users, u)
	}
	for _, g := range groups {
		rows.Groups = append(rows.Groups, g)
	}
	f.Put(t, rows)
}

const enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

func seedAttribute(row map[string]any, name, v string) {
	inside := func(key string) map[string]any {
		if row[key] == nil {
			row[key] = map[string]any{}
		}
		return row[key].(map[string]any)
	}
	switch name {
	case "givenName", "familyName", "middleName":
		inside("name")[name] = v
	case "email":
		row["emails"] = []any{map[string]any{"value": "other@acme.example", "type": "home"}, map[string]any{"value": v, "type": "work", "primary": true}}
	case "employeeNumber", "costCenter", "organization", "division", "department":
		inside(enterprise)[name] = v
	case "manager":
		inside(enterprise)[name] = map[string]any{"value": v}
	default:
		row[name] = v
	}
	if row[enterprise] != nil {
		row["schemas"] = []any{"urn:ietf:params:scim:schemas:core:2.0:User", enterprise}
	}
}

// Dump reads the server's storage.
func (f *far) Dump(t testing.TB) *access.State {
	t.Helper()
	rows := f.Rows(t)
	b := access.NewBuilder(connectortest.SystemName)
	byID := map[string]access.ID{}
	for _, u := range rows.Users {
		id := access.Account(strings.ToLower(u["userName"].(string)))
		byID[u["id"].(string)] = id
		b.Object(access.Object{ID: id, Attributes: dumpAttributes(u), Disabled: fmt.Sprint(u["active"]) == "false"})
		for _, kind := range []string{"role", "entitlement"} {
			for _, v := range dumpValues(u[map[string]string{"role": "roles", "entitlement": "entitlements"}[kind]]) {
				b.Grant(access.Grant{Subject: id, Target: access.ID{Kind: kind, Name: v}, Permission: "has"})
			}
		}
	}
	for _, g := range rows.Groups {
		id := access.ID{Kind: "group", Name: g["displayName"].(string)}
		byID[g["id"].(string)] = id
		o := access.Object{ID: id}
		if v, _ := g["externalId"].(string); v != "" {
			o.Attributes = map[string]string{"externalId": v}
		}
		b.Object(o)
	}
	for _, g := range rows.Groups {
		for _, m := range dumpValues(g["members"]) {
			if who, ok := byID[m]; ok {
				b.Grant(access.Grant{Subject: who, Target: byID[g["id"].(string)], Permission: "member"})
			}
		}
	}
	for _, v := range rows.Roles {
		b.Object(access.Object{ID: access.ID{Kind: "role", Name: v}})
	}
	for _, v := range rows.Entitlements {
		b.Object(access.Object{ID: access.ID{Kind: "entitlement", Name: v}})
	}
	s, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func dumpValues(list any) (out []string) {
	all, _ := list.([]any)
	for _, e := range all {
		out = append(out, e.(map[string]any)["value"].(string))
	}
	return out
}

func dumpAttributes(u map[string]any) map[string]string {
	out := map[string]string{}
	take := func(row map[string]any, names ...string) {
		for _, n := range names {
			if v, _ := row[n].(string); v != "" {
				out[n] = v
			}
		}
	}
	take(u, "displayName", "nickName", "title", "userType", "preferredLanguage", "locale", "timezone", "externalId")
	if name, ok := u["name"].(map[string]any); ok {
		take(name, "givenName", "familyName", "middleName")
	}
	if ext, ok := u[enterprise].(map[string]any); ok {
		take(ext, "employeeNumber", "costCenter", "organization", "division", "department")
		if m, ok := ext["manager"].(map[string]any); ok && m["value"] != "" {
			out["manager"] = m["value"].(string)
		}
	}
	emails, _ := u["emails"].([]any)
	for _, e := range emails {
		m := e.(map[string]any)
		if m["primary"] == true || len(emails) == 1 && m["primary"] == nil {
			out["email"] = m["value"].(string)
		}
	}
	return out
}

func harness(open func(testing.TB) (connectors.Connector, *far), server func(testing.TB) string) connectortest.Harness {
	return connectortest.Harness{
		Open: func(t testing.TB) (connectors.Connector, connectortest.System) { return open(t) },
		Type: Type, Server: server,
		Fault: func(t testing.TB, s connectortest.System, fault connectortest.Fault) bool {
			return s.(*far).proxy.Fault(fault)
		},
		Watch: func(t testing.TB, s connectortest.System, seen func()) bool {
			s.(*far).proxy.Watch(seen)
			return true
		},
		Many:     45, // pages hold 20
		OddNames: []string{`a" or userName pr or userName eq "b`, `admin"]`, `x and y`, `(id:1)x`},
	}
}

func TestConformance(t *testing.T) {
	h := harness(func(t testing.TB) (connectors.Connector, *far) {
		f := newFar(t)
		return f.open(t, nil), f
	}, func(t testing.TB) string { return servertest.Scim(t).Version })
	h.Record = "testdata/laws.txt"
	connectortest.Run(t, h)
}

// must is for changes that have to work.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func change(action access.Action, subject string, target string, before, after *access.Value) access.Change {
	c := access.Change{System: connectortest.SystemName, Action: action, Before: before, After: after}
	c.Subject, _ = access.ParseID(subject)
	if target != "" {
		c.Target, _ = access.ParseID(target)
	}
	return c
}

func give(subject, target string) access.Change {
	return change(access.Give, subject, target, nil, &access.Value{Permission: usual(target)})
}

func revoke(subject, target string) access.Change {
	return change(access.Revoke, subject, target, &access.Value{Permission: usual(target)}, nil)
}

func usual(target string) string {
	if strings.HasPrefix(target, "group/") {
		return permMember
	}
	return permHas
}

// holders lists who holds something on a target.
func holders(s *access.State, target string) []string {
	id, _ := access.ParseID(target)
	var out []string
	for _, g := range s.GrantsOn(id) {
		out = append(out, g.Subject.String())
	}
	slices.Sort(out)
	return out
}

func read(t testing.TB, c connectors.Connector, ids ...access.ID) *access.State {
	t.Helper()
	s, err := c.Read(context.Background(), connectors.Scope{IDs: ids})
	must(t, err)
	return s
}
