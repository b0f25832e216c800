package connectortest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/accordhq/accord/engine/access"
)

// oddNames are names that have broken software before.
func (m *maker) oddNames() []string {
	names := []string{
		"O'Brien", "Zoë Łukasz", "two  spaces", "a.b-c_d+e", "first.last@acme.example",
		"select", "user", "public", "null", "true", "no", "0123", "1e3", "2026-01-10", "-", "--", "-x", ".", "..", "~",
		"a/b", "a//b", "/a", `a\b`, "a:b", "a: b", "a,b", "a;b", "a=b", "a#b", "a #b", "#a", "a&b", "a?b=c", "a%20b", "%", "*", "a*",
		`a"b`, "`a`", "'", "''", `"`, "$1", "${a}", "{a}", "[a]", "(a)", "<a>", "a|b", "!a", "@a", "...", "---", "<<",
		"日本語", "имя", "שם", "e\u0301", "\u00e9", "İstanbul", "ß", "👩‍🚀", "a\u200bb", "a\u00a0b", "\ufeffa",
		"a\tb", "a\nb", "a\x00b", "a\x7fb", "\xff", " a", "a ", "cn=a,dc=b", "a'; drop table accounts; --",
	}
	for _, n := range []int{31, 32, 63, 64, 127, 128, 255, 256, 1024} {
		names = append(names, strings.Repeat("n", n), strings.Repeat("é", n/2))
	}
	return append(names, m.h.OddNames...)
}

func namesOdd(t *trial) {
	b := t.open()
	taken := 0
	for _, kind := range b.desc.Kinds {
		if !b.maker.makes(kind.Name) {
			continue
		}
		seen := map[access.ID]bool{}
		there := b.dump()
		var ids []access.ID
		for _, name := range b.maker.oddNames() {
			o, err := b.Normalize(access.Object{ID: access.ID{Kind: kind.Name, Name: name}})
			if err != nil || seen[o.ID] {
				continue
			}
			seen[o.ID] = true
			if _, own := there.Object(o.ID); !own { // the system may have such a name itself
				ids = append(ids, o.ID)
			}
		}
		taken += len(ids)
		if len(ids) > 0 && !b.lives(kind, ids) {
			return
		}
	}
	if taken == 0 {
		t.Logf("Normalize takes no odd name")
	}
}

// lives walks objects through all that can happen to them, all of them at each stage before
// the next, so that a system that shows its writes late is waited for once a stage.
func (b *bed) lives(kind access.Kind, ids []access.ID) bool {
	b.Helper()
	stages := []func(access.ID) access.Change{func(id access.ID) access.Change {
		return access.Change{Action: access.Create, Subject: id, After: &access.Value{Attributes: b.maker.object(id, 0).Attributes}}
	}}
	if target, permission, ok := b.place(kind.Name); ok {
		stages = append(stages,
			func(id access.ID) access.Change { return give(id, target, permission) },
			func(id access.ID) access.Change { return revoke(id, target, permission) })
	}
	if b.desc.Can(kind.Name, access.Delete) {
		stages = append(stages, func(id access.ID) access.Change {
			return access.Change{Action: access.Delete, Subject: id, Before: &access.Value{}}
		})
	}
	l := asDeclared()
	l.loose = func(id access.ID) bool { return slices.Contains(ids, id) }
	for _, stage := range stages {
		e := access.Edit(b.dump(), b.desc)
		var last access.Change
		for _, id := range ids {
			last = stage(id)
			last.System = SystemName
			if err := e.Do(last); err != nil {
				b.Fatalf("the suite made up an impossible change: %v", err)
			}
			if !b.apply(last) {
				return false
			}
		}
		want, err := e.State()
		if err != nil {
			b.Fatalf("the suite made up an impossible change: %v", err)
		}
		what := fmt.Sprintf("odd names, after %s", last.Action)
		if !b.same(what, differences(want, b.dump(), l)) ||
			!b.same(what+", read back", differences(narrow(b, want, ids), b.settled(ids...), l)) {
			return false
		}
	}
	return true
}

// place finds something that objects of the kind can be given, making it if it must.
func (b *bed) place(subject string) (access.ID, string, bool) {
	b.Helper()
	for _, kind := range b.desc.Kinds {
		target, ok := b.maker.thing(kind.Name, 0)
		if !ok || !kind.Holds(subject) || !slices.Contains(wishes(kind), kind.Usual) {
			continue
		}
		if _, there := b.dump().Object(target); !there && b.maker.makes(kind.Name) {
			d := newDraft()
			d.b.Object(b.maker.object(target, 0))
			b.seed(build(b, d.b))
		}
		return target, kind.Usual, true
	}
	return access.ID{}, "", false
}
