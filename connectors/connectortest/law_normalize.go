package connectortest

import (
	"maps"
	"strings"
	"sync"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
)

// wished are objects such as people declare them: usual ones, oddly spelled ones, and with
// attributes that are empty or padded.
func (m *maker) wished() []access.Object {
	m.Helper()
	var out []access.Object
	for _, kind := range m.desc.Kinds {
		for i, id := range m.things(kind.Name, 3) {
			out = append(out, m.object(id, i), access.Object{ID: id})
			if m.makes(kind.Name) {
				for _, name := range spellings(id.Name) {
					out = append(out, access.Object{ID: access.ID{Kind: kind.Name, Name: name}})
				}
			}
			o := m.object(id, i)
			for _, a := range kind.Attributes {
				o.Attributes = maps.Clone(o.Attributes)
				o.Attributes[a.Name] = ""
				out = append(out, o)
			}
		}
	}
	for _, name := range m.oddNames() {
		out = append(out, access.Object{ID: access.Account(name)})
	}
	return out
}

// spellings are other ways to write a name that some systems take for the same.
func spellings(name string) []string {
	title := strings.ToUpper(name[:1]) + name[1:]
	return []string{strings.ToUpper(name), title, name + " ", " " + name}
}

func normalizeIdempotent(t *trial) {
	b := t.open()
	for _, o := range b.maker.wished() {
		once, err := b.Normalize(o)
		if err != nil {
			continue // refusing a wish is the right of every system
		}
		twice, err := b.Normalize(once)
		if err != nil {
			t.Errorf("%s becomes %s, which is refused: %v", o.ID, once.ID, err)
			continue
		}
		if d := objectDifferences(once, twice, false); once.ID != twice.ID || len(d) > 0 {
			t.Errorf("%q becomes %q, and that becomes %q: %v", o.ID, once.ID, twice.ID, d)
		}
	}
}

func normalizeKeeps(t *trial) {
	b := t.open()
	b.seed(b.maker.everything())
	got := b.read()
	for o := range got.Objects() {
		again, err := b.Normalize(o)
		if err != nil {
			t.Errorf("%s was read, and is refused: %v", o.ID, err)
			continue
		}
		if again.ID != o.ID || again.Native != o.Native {
			t.Errorf("%q %q was read, and becomes %q %q", o.ID, o.Native, again.ID, again.Native)
		}
		t.same("read and normalized", objectDifferences(o, again, false))
	}
	for _, g := range got.Grants() {
		for _, id := range []access.ID{g.Subject, g.Target} {
			if again, err := b.Normalize(access.Object{ID: id}); err != nil || again.ID != id {
				t.Errorf("%s was read in a grant, and becomes %q, %v", id, again.ID, err)
			}
		}
	}
}

func normalizePure(t *trial) {
	b := t.open()
	c, _ := t.h.Open(t.TB)
	if err := c.Close(); err != nil {
		t.Errorf("closing: %v", err)
	}
	var beside sync.WaitGroup
	defer beside.Wait()
	beside.Go(func() { _, _ = b.Read(t.Context(), connectors.Scope{}) }) // what it answers is the matter of other laws
	for _, o := range b.maker.wished() {
		given := maps.Clone(o.Attributes)
		first, err1 := b.Normalize(o)
		if !maps.Equal(given, o.Attributes) {
			t.Fatalf("Normalize changed the attributes that it was given: %v to %v", given, o.Attributes)
		}
		if err1 == nil && first.ID.Kind != o.ID.Kind {
			t.Errorf("%s becomes another kind: %s", o.ID, first.ID)
		}
		if kind, _ := b.desc.Kind(o.ID.Kind); err1 == nil && kind.Verbatim && first.ID != o.ID {
			t.Errorf("%q becomes %q, although names of this kind are said to stay as they are", o.ID, first.ID)
		}
		if kind, _ := b.desc.Kind(o.ID.Kind); err1 == nil && kind.Folded && access.Fold(first.ID.Name) != access.Fold(o.ID.Name) {
			t.Errorf("%q becomes %q, and the folds differ although names of this kind are said to have one", o.ID, first.ID)
		}
		for k := range first.Attributes {
			first.Attributes[k] += " scribbled on"
			if !maps.Equal(given, o.Attributes) {
				t.Fatalf("the result shares its attributes with what Normalize was given")
			}
			break
		}
		second, err2 := c.Normalize(o)
		if (err1 == nil) != (err2 == nil) || first.ID != second.ID {
			t.Errorf("%s: %s, %v; but on a connector that never connected: %s, %v", o.ID, first.ID, err1, second.ID, err2)
		}
	}
	for _, o := range []access.Object{
		{},
		{ID: access.Account("")},
		{ID: access.ID{Kind: "no such kind", Name: "x"}},
		{ID: access.Account("x"), Attributes: map[string]string{"no such attribute": "x"}},
	} {
		if got, err := b.Normalize(o); err == nil {
			t.Errorf("%+v was taken, as %+v", o, got)
		}
	}
}

func normalizePredicts(t *trial) {
	b := t.open()
	tried := map[access.ID]bool{}
	for o := range b.dump().Objects() {
		tried[o.ID] = true
	}
	type wish struct{ asked, want access.Object }
	var wishes []wish
	var ids []access.ID
	for _, o := range b.maker.wished() {
		want, err := b.Normalize(o)
		if err != nil || !b.maker.makes(o.ID.Kind) || tried[want.ID] {
			continue
		}
		tried[want.ID] = true
		if b.apply(access.Change{System: SystemName, Action: access.Create, Subject: want.ID,
			After: &access.Value{Attributes: want.Attributes}}) {
			wishes, ids = append(wishes, wish{o, want}), append(ids, want.ID)
		}
	}
	got := b.settled(ids...)
	for _, w := range wishes {
		o, ok := got.Object(w.want.ID)
		if !ok {
			t.Errorf("%q was normalized to %q and created, but isn't read under that name", w.asked.ID, w.want.ID)
			continue
		}
		t.same("created as normalized", objectDifferences(w.want, o, true))
	}
}

func normalizeTwins(t *trial) {
	b := t.open()
	for _, kind := range b.desc.Kinds {
		if !b.maker.makes(kind.Name) {
			continue
		}
		base, _ := b.maker.thing(kind.Name, made)
		names := append([]string{base.Name}, spellings(base.Name)...)
		// The same letter as one character and as two (Unicode, NFC and NFD).
		names = append(names, base.Name+"-\u00e9", base.Name+"-e\u0301")
		made := map[string]bool{}
		for _, name := range names {
			want, err := b.Normalize(access.Object{ID: access.ID{Kind: kind.Name, Name: name}})
			if err != nil || made[want.ID.Name] {
				continue
			}
			b.apply(access.Change{System: SystemName, Action: access.Create, Subject: want.ID, After: &access.Value{}})
			made[want.ID.Name] = true
			there := b.dump()
			for n := range made {
				if _, ok := there.Object(access.ID{Kind: kind.Name, Name: n}); !ok {
					t.Errorf("after creating %s %q, %q isn't there: the system takes two names for one that Normalize keeps apart", kind.Name, name, n)
					return
				}
			}
		}
	}
}
