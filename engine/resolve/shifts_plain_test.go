package resolve

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/declare"
	"github.com/accordhq/accord/engine/gen"
)

// plainComparer compares by putting every access into a map under its full name: slow, and
// plain enough to be believed. Compare is held to it.
type plainComparer struct{ *comparer }

// line names one access, whatever its intervals.
type line struct {
	person, system  string
	subject, target access.ID
	permission      string
}

// held is what one side says about a line.
type held struct {
	spans   []span
	reasons []string
}

func (c *plainComparer) access(base, head *World) {
	before, after := c.lines(base), c.lines(head)
	for l, b := range before {
		if _, ok := after[l]; !ok {
			c.shift(l, b, held{})
		}
	}
	for l, a := range after {
		c.shift(l, before[l], a)
	}
}

func (c *plainComparer) lines(w *World) map[line]held {
	out := map[line]held{}
	for _, d := range w.Systems {
		system := now(c.systems, d.Decl.ID.Value)
		for _, row := range d.rows {
			person := now(c.names, d.loc.person(row.person).ID.Value)
			e := d.ents[row.ent]
			l := line{person: person, system: system, target: e.target, permission: e.permission}
			h := out[l]
			h.spans = append(h.spans, row.span)
			h.reasons = append(h.reasons, c.word(d.way(row)))
			out[l] = h
		}
		for _, g := range d.state.Grants() {
			if !g.Subject.IsAccount() {
				l := line{system: system, subject: g.Subject, target: g.Target, permission: g.Permission}
				out[l] = held{spans: []span{always}}
			}
		}
	}
	return out
}

func (c *plainComparer) shift(l line, before, after held) {
	b, a := union(before.spans), union(after.spans)
	s := access.Shift{Person: l.person, System: l.system, Subject: l.subject, Target: l.target, Permission: l.permission,
		Before: spans(b, c.zone), After: spans(a, c.zone)}
	switch {
	case slices.Equal(a, b):
		rb, ra := distinct(before.reasons), distinct(after.reasons)
		if slices.Equal(rb, ra) {
			return
		}
		s.Kind, s.Reasons = access.ShiftReason, declare.Digest(rb)+" "+declare.Digest(ra)
	case len(b) == 0:
		s.Kind = access.ShiftGain
	case len(a) == 0:
		s.Kind = access.ShiftLose
	case covers(a, b):
		s.Kind = access.ShiftLengthen
	default:
		s.Kind = access.ShiftShorten
	}
	c.out = append(c.out, s)
}

func describe() access.Description {
	kind := func(name string, ordered bool, permissions ...string) access.Kind {
		k := access.Kind{Name: name, Ordered: ordered, Usual: permissions[0], Actions: []access.Action{access.Create}}
		for _, p := range permissions {
			k.Permissions = append(k.Permissions, access.Permission{Name: p})
		}
		return k
	}
	return access.Description{Connector: "plain", Kinds: []access.Kind{
		{Name: access.KindAccount, Verbatim: true, Actions: []access.Action{access.Create, access.Disable, access.Enable, access.Rename},
			Attributes: []access.Attribute{{Name: "name"}, {Name: "email"}}},
		kind("group", true, "member", "owner"), kind("role", false, "member"), kind("folder", true, "read", "write", "admin"), kind("app", false, "use", "audit"),
	}}
}

// world resolves documents at gen.Now, with what was declared before.
func world(t *testing.T, files []declare.File, previous ...*declare.Repository) *World {
	t.Helper()
	r, problems := declare.Parse(files)
	problems = problems.Merge(r.Check(map[string]access.Description{"plain": describe()}))
	if len(problems) > 0 {
		t.Fatal(problems[:min(3, len(problems))])
	}
	conns := map[string]Connector{}
	for _, s := range r.Systems {
		conns[s.ID.Value] = Connector{Describe: describe(), Normalize: func(o access.Object) (access.Object, error) { return o, nil }}
	}
	w, problems := Resolve(Input{Repo: r, At: gen.Now(), Connectors: conns, Previous: previous})
	if len(problems) > 0 {
		t.Fatal(problems[:min(3, len(problems))])
	}
	return w
}

// TestCompareAgrees holds Compare to the plain way, on pairs of revisions of companies: with
// joiners, movers and leavers between them, other windows, other reasons, renames.
func TestCompareAgrees(t *testing.T) {
	seen := map[access.ShiftKind]int{}
	for seed := range uint64(4) {
		org, err := gen.New(gen.Options{Size: gen.Size{Name: "tiny", People: 60, Grants: 640, Systems: 4}, Seed: seed, Connector: "plain", PerFile: 5})
		if err != nil {
			t.Fatal(err)
		}
		r := rand.New(rand.NewPCG(seed, 1))
		var revisions [][]declare.File
		tree := map[string][]byte{}
		for c := range org.History(8) {
			for _, f := range c.Files {
				if tree[f.Path] = f.Data; f.Data == nil {
					delete(tree, f.Path)
				}
			}
			revisions = append(revisions, edited(r, tree))
		}
		for range 4 {
			base, head := revisions[r.IntN(len(revisions))], revisions[r.IntN(len(revisions))]
			b := world(t, base)
			agree(t, fmt.Sprintf("seed %d", seed), b, world(t, head, b.Repo), seen)
		}
		agree(t, fmt.Sprintf("seed %d from nothing", seed), nil, world(t, revisions[0]), seen)
	}
	for _, kind := range []access.ShiftKind{access.ShiftGain, access.ShiftLose, access.ShiftLengthen, access.ShiftShorten, access.ShiftReason, access.ShiftStatus} {
		if seen[kind] == 0 {
			t.Errorf("no pair had a shift of kind %s: the test looks at too little", kind)
		}
	}
}

// edited changes windows and reasons, and renames a system and one who has a file of their own.
func edited(r *rand.Rand, tree map[string][]byte) []declare.File {
	var out []declare.File
	disk := r.IntN(3) == 0
	paths := slices.Sorted(maps.Keys(tree))
	var ids []string
	for _, path := range paths {
		for _, m := range personLine.FindAllSubmatch(tree[path], -1) {
			ids = append(ids, string(m[1]))
		}
	}
	id := ids[r.IntN(len(ids))]
	named := regexp.MustCompile(`(^|[\s\[{,])` + regexp.QuoteMeta(id) + `($|[\s\]},])`)
	for _, path := range paths {
		text := string(tree[path])
		text = named.ReplaceAllString(text, "${1}"+id+"-now${2}")
		text = strings.Replace(text, "person: "+id+"-now\n", "person: "+id+"-now\npreviously: ["+id+"]\n", 1)
		if disk {
			text = strings.ReplaceAll(strings.Replace(text, "system: drive\n", "system: disk\npreviously: [drive]\n", 1), "drive: [", "disk: [")
		}
		if r.IntN(3) == 0 {
			text = strings.Replace(text, "until: 2026-10-31", []string{"until: 2027-01-15", "until: 2026-12-24", "until: 2026-11-30"}[r.IntN(3)], 1)
		}
		if r.IntN(4) == 0 {
			text = strings.Replace(text, "reason: Project", "reason: The project", 1)
		}
		if r.IntN(4) == 0 {
			text = strings.Replace(text, "ends: 2027-03-31", []string{"ends: 2027-02-28", "ends: 2027-06-30"}[r.IntN(2)], 1)
		}
		out = append(out, declare.File{Path: path, Data: []byte(text)})
	}
	return out
}

var personLine = regexp.MustCompile(`(?m)^person: (\S+)$`)

func agree(t *testing.T, name string, base, head *World, seen map[access.ShiftKind]int) {
	t.Helper()
	got := Compare(base, head)
	for _, s := range got {
		seen[s.Kind]++
	}
	if base == nil {
		base = &World{Repo: &declare.Repository{}, people: &people{index: map[string]int32{}}}
	}
	c := newComparer(head)
	p := &plainComparer{c}
	p.access(base, head)
	c.documents(base, head)
	SortShifts(c.out)
	if diff := cmp.Diff(c.out, got); diff != "" {
		t.Fatalf("%s: (- the plain way, + Compare)\n%s", name, diff)
	}
}

// TestCompareInPieces: so many differences that they are told in pieces, and every other of them is
// none: one entry was parted in two that touch.
func TestCompareInPieces(t *testing.T) {
	declared := func(parted bool) []declare.File {
		var people, to strings.Builder
		for i := range 2*shiftsAtATime + 100 {
			fmt.Fprintf(&people, "- {person: p%05d}\n", i)
			switch {
			case i%2 == 0 && parted:
				fmt.Fprintf(&to, "- {person: p%05d, until: 2026-12-31}\n- {person: p%05d, from: 2027-01-01}\n", i, i)
			case i%2 == 0 || parted:
				fmt.Fprintf(&to, "- p%05d\n", i)
			}
		}
		return []declare.File{
			{Path: "accord.yaml", Data: []byte("version: 1\n")}, {Path: "people.yaml", Data: []byte("people:\n" + people.String())},
			{Path: "system.yaml", Data: []byte("system: plain\nconnector: plain\nmode: authoritative\nmanage: [\"*/*\"]\nresources: {role/a: {}}\n")},
			{Path: "grant.yaml", Data: []byte("grant: g\nto:\n" + to.String() + "access: {plain: [role/a]}\n")},
		}
	}
	seen := map[access.ShiftKind]int{}
	base := world(t, declared(false))
	agree(t, "parted", base, world(t, declared(true), base.Repo), seen)
	if want := shiftsAtATime + 50; len(seen) != 1 || seen[access.ShiftGain] != want {
		t.Errorf("%v, not %d gains", seen, want)
	}
}

// TestMergeShifts: two sorted lists are one, whichever ends first.
func TestMergeShifts(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		list := func() (out []access.Shift) {
			for range r.IntN(6) {
				out = append(out, access.Shift{Person: string(rune('a' + r.IntN(4))), System: string(rune('a' + r.IntN(4))), Kind: access.ShiftStatus})
			}
			SortShifts(out)
			return out
		}
		a, b := list(), list()
		want := slices.Concat(a, b)
		SortShifts(want)
		got := mergeShifts(append(make([]access.Shift, len(b)), a...), b)
		if diff := cmp.Diff(want, got); len(want) > 0 && diff != "" {
			t.Fatalf("%v and %v: (- want, + got)\n%s", a, b, diff)
		}
	}
}
