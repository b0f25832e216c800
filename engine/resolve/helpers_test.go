package resolve_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/declare"
	"github.com/accordhq/accord/engine/resolve"
)

// descriptions are a connector that can do everything, in whose system case doesn't matter,
// and one that can only give and take.
func descriptions() map[string]access.Description {
	all := []access.Action{access.Create, access.Update, access.Rename, access.Delete}
	perms := func(names ...string) (out []access.Permission) {
		for _, n := range names {
			out = append(out, access.Permission{Name: n, Admin: n == "admin"})
		}
		return out
	}
	note := []access.Attribute{{Name: "description"}, {Name: "comment"}}
	return map[string]access.Description{
		"full": {Connector: "full", Parallel: 1, Kinds: []access.Kind{
			{Name: access.KindAccount, Actions: append([]access.Action{access.Disable, access.Enable}, all...), Attributes: note},
			{Name: "role", Actions: all, Permissions: perms("member"), Usual: "member", Subjects: []string{access.KindAccount, "role"}, Attributes: note},
			{Name: "folder", Actions: all, Permissions: perms("read", "write", "admin"), Ordered: true, Usual: "read", Subjects: []string{access.KindAccount, "role"}},
			{Name: "app", Actions: all, Permissions: perms("use", "audit", "admin"), Usual: "use"},
		}},
		"plain": {Connector: "plain", Parallel: 1, Kinds: []access.Kind{
			{Name: access.KindAccount},
			{Name: "team", Permissions: perms("member"), Usual: "member", Open: true},
		}},
	}
}

// normalize folds case and refuses what begins with "bad".
func normalize(o access.Object) (access.Object, error) {
	if strings.HasPrefix(o.ID.Name, "bad") {
		return o, fmt.Errorf("%q can't be a name here", o.ID.Name)
	}
	o.ID.Name = strings.ToLower(o.ID.Name)
	return o, nil
}

const header = `version: 1
timezone: Europe/Berlin
attributes: {department: {}, title: {}, login: {}}
---
`

const systems = `
---
system: sys
connector: full
manage: ["*/*"]
---
system: old
connector: plain
manage: ["*/*"]
`

// parse reads documents; those of the two systems are added unless there is a system.
func parse(t testing.TB, docs string) *declare.Repository {
	t.Helper()
	if !strings.Contains(docs, "system:") {
		docs += systems
	}
	r, ps := declare.Parse([]declare.File{{Path: "accord.yaml", Data: []byte(header + docs)}})
	if ps = ps.Merge(r.Check(descriptions())); len(ps) > 0 {
		t.Fatalf("the declaration of the test has problems:\n%v", ps)
	}
	return r
}

func at(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return t
}

// noon is an instant for tests in which time doesn't matter.
var noon = at("2026-06-15T12:00:00Z")

func connectors() map[string]resolve.Connector {
	d := descriptions()
	return map[string]resolve.Connector{
		"sys": {Describe: d["full"], Normalize: normalize},
		"old": {Describe: d["plain"], Normalize: normalize},
	}
}

func input(t testing.TB, docs string) resolve.Input {
	return resolve.Input{Repo: parse(t, docs), At: noon, Connectors: connectors()}
}

// sound resolves what must have no problem.
func sound(t testing.TB, in resolve.Input) *resolve.World {
	t.Helper()
	w, ps := resolve.Resolve(in)
	if len(ps) > 0 {
		t.Fatalf("problems:\n%v", ps)
	}
	return w
}

// state lists what is declared of a system: accounts, resources, and who holds what.
func state(d *resolve.Desired) []string {
	var out []string
	for o := range d.State().Objects() {
		line := o.ID.String()
		if o.Disabled {
			line += " disabled"
		}
		out = append(out, line)
	}
	for _, g := range d.State().Grants() {
		out = append(out, g.String())
	}
	return out
}

// holds lists what accounts hold, without their kind: "alice read folder/x".
func holds(d *resolve.Desired) []string {
	var out []string
	for _, g := range d.State().Grants() {
		if g.Subject.IsAccount() {
			out = append(out, strings.TrimPrefix(g.String(), "account/"))
		}
	}
	return out
}

// holders lists the links: "alice: alice active wanted, was al".
func holders(d *resolve.Desired) []string {
	var out []string
	for h := range d.Holders() {
		line := fmt.Sprintf("%s: %s %s", h.Account.Name, h.Person, h.Status)
		if h.Wanted {
			line += " wanted"
		}
		var was []string
		for _, w := range h.Was {
			was = append(was, w.Name)
		}
		if len(was) > 0 {
			line += ", was " + strings.Join(was, " ")
		}
		out = append(out, line)
	}
	return out
}

func same(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n got  %s\n want %s", what, strings.Join(got, "; "), strings.Join(want, "; "))
	}
}

// problems are the messages of what can't be resolved.
func problems(in resolve.Input) []string {
	var out []string
	_, ps := resolve.Resolve(in)
	for _, p := range ps {
		out = append(out, p.Message)
	}
	return out
}

func account(name string) access.ID { return access.Account(name) }

func id(s string) access.ID {
	v, err := access.ParseID(s)
	if err != nil {
		panic(err)
	}
	return v
}
