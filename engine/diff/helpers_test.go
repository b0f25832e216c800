package diff_test

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/diff"
)

// describe is a connector that can do everything to every kind.
func describe() access.Description {
	all := []access.Action{access.Create, access.Update, access.Rename, access.Delete}
	perms := func(names ...string) (out []access.Permission) {
		for _, n := range names {
			out = append(out, access.Permission{Name: n, Admin: n == "admin"})
		}
		return out
	}
	return access.Description{Connector: "fake", Parallel: 1, Kinds: []access.Kind{
		{Name: access.KindAccount, Actions: append([]access.Action{access.Disable, access.Enable}, all...)},
		{Name: "role", Actions: all, Permissions: perms("member"), Usual: "member", Subjects: []string{access.KindAccount, "role"}},
		{Name: "folder", Actions: all, Permissions: perms("read", "write", "admin"), Ordered: true, Usual: "read", Subjects: []string{access.KindAccount, "role"}},
		{Name: "app", Actions: all, Permissions: perms("use", "audit", "admin"), Usual: "use"},
		{Name: "url", Permissions: perms("get"), Usual: "get", Open: true},
	}}
}

// without takes actions away from a kind.
func without(kind string, actions ...access.Action) access.Description {
	d := describe()
	for i, k := range d.Kinds {
		if k.Name == kind {
			d.Kinds[i].Actions = slices.DeleteFunc(k.Actions, func(a access.Action) bool { return slices.Contains(actions, a) })
		}
	}
	return d
}

func id(s string) access.ID {
	if kind, ok := strings.CutSuffix(s, "/"); ok {
		return access.ID{Kind: kind}
	}
	if !strings.Contains(s, "/") {
		return access.Account(s)
	}
	v, err := access.ParseID(s)
	if err != nil {
		panic(err)
	}
	return v
}

// state reads a state, one thing a line; accounts are written without their kind:
//
//	object al [disabled] [reserved] [KEY=VALUE …]
//	al read folder/x [pending|implied]
//	? folder/x        unknown; "? folder/" is a kind, "?" everything
//	self al
func state(text string) *access.State {
	b := access.NewBuilder("sys").Identity("fake")
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		switch {
		case len(f) == 0:
		case f[0] == "?" && len(f) == 1:
			b.Unknown(access.ID{}, "hidden")
		case f[0] == "?":
			b.Unknown(id(f[1]), "hidden")
		case f[0] == "self":
			b.Self(id(f[1]))
		case f[0] == "object":
			b.Object(object(f[1:]))
		default:
			g := access.Grant{Subject: id(f[0]), Permission: f[1], Target: id(f[2])}
			if len(f) > 3 {
				if err := g.Standing.UnmarshalText([]byte(f[3])); err != nil {
					panic(err)
				}
			}
			b.Grant(g)
		}
	}
	s, err := b.Build()
	if err != nil {
		panic(err)
	}
	return s
}

func object(f []string) access.Object {
	o := access.Object{ID: id(f[0])}
	for _, word := range f[1:] {
		switch key, value, ok := strings.Cut(word, "="); {
		case ok:
			if o.Attributes == nil {
				o.Attributes = map[string]string{}
			}
			o.Attributes[key] = value
		case word == "disabled":
			o.Disabled = true
		case word == "reserved":
			o.Reserved = true
		default:
			panic(word)
		}
	}
	return o
}

// declared is a declaration made for a test.
type declared struct {
	state   *access.State
	holders []access.Holder
	byID    map[access.ID]access.Holder
	absent  map[access.ID]access.Link
}

// declare reads the holders, one a line, "ACCOUNT PERSON STATUS [FORMER …]", and what is absent.
func declare(want, holders string, absent ...string) declared {
	d := declared{state: state(want), byID: map[access.ID]access.Holder{}, absent: map[access.ID]access.Link{}}
	for line := range strings.Lines(holders) {
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		h := access.Holder{Account: id(f[0]), Person: f[1], Status: access.HolderStatus(f[2])}
		for _, was := range f[3:] {
			h.Was = append(h.Was, id(was))
		}
		d.holders = append(d.holders, h)
		d.byID[h.Account] = h
	}
	for _, a := range absent {
		d.absent[id(a)] = access.Link{File: "systems.yaml", Line: 3}
	}
	return d
}

func (d declared) State() *access.State                             { return d.state }
func (d declared) Holders() iter.Seq[access.Holder]                 { return slices.Values(d.holders) }
func (d declared) Absent() map[access.ID]access.Link                { return d.absent }
func (d declared) Reasons(_, _ access.ID, _ string) []access.Reason { return nil }
func (d declared) Line(access.ID) access.Link                       { return access.Link{} }
func (d declared) Holder(account access.ID) (access.Holder, bool) {
	h, ok := d.byID[account]
	return h, ok
}

var now = time.Date(2026, 6, 15, 12, 0, 0, 0, time.UTC)

// scope claims everything, creates accounts and disables leavers.
func scope() diff.Scope {
	return diff.Scope{
		Describe: describe(), Claims: func(access.ID) bool { return true }, Create: true,
		Leaver: diff.LeaverDisable, At: now,
		DisabledSince: func(access.ID) (time.Time, bool) { return time.Time{}, false },
	}
}

// lines is a result as text, in the order in which it is.
func lines(r diff.Result) []string {
	var out []string
	for _, c := range r.Changes {
		text := strings.NewReplacer("sys/account/", "", "sys/", "", "account/", "").Replace(c.String())
		switch c.Action {
		case access.Update:
			text += fmt.Sprintf(" %v→%v", c.Before.Attributes, c.After.Attributes)
		case access.Revoke:
			if c.Before.Standing != access.Held {
				text += " " + c.Before.Standing.String()
			}
		}
		if _, ok := r.Leavers[c.Subject]; ok {
			text += " (leaver)"
		}
		out = append(out, text)
	}
	say := func(what string, ids ...access.ID) {
		for _, id := range ids {
			out = append(out, what+" "+strings.TrimPrefix(id.String(), "account/"))
		}
	}
	for _, w := range r.Waiting {
		say("waits: "+string(w.Action)+" "+strings.TrimPrefix(w.Subject.String(), "account/"), w.Target)
		out[len(out)-1] = strings.TrimSpace(out[len(out)-1])
	}
	for _, g := range r.Unclaimed {
		out = append(out, "unclaimed: "+strings.TrimPrefix(g.String(), "account/"))
	}
	for _, g := range r.Dangling {
		out = append(out, "dangling: "+strings.TrimPrefix(g.String(), "account/"))
	}
	say("orphan:", r.Orphans...)
	say("idle:", r.Idle...)
	say("missing:", r.Missing...)
	say("disputed:", r.Disputed...)
	return out
}

func same(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("\n got  %s\n want %s", strings.Join(got, "\n      "), strings.Join(want, "\n      "))
	}
}
