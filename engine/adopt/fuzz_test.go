package adopt_test

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/adopt"
)

// odd are names that YAML of one version or another, or a careless writer, takes for something
// else.
func odd() []string {
	return []string{"no", "Yes", "null", "~", "0123", "1e3", "0x1F", "2026-11-23", ".inf", "a: b", "a #b", "*all", "&x", "!tag", "%d", "@at", "`tick`",
		"[x]", "{x: y}", "- x", "? y", "| z", "> z", "'q'", `"q"`, `back\slash`, "--- x", "...", "=", "<<", "Zoë Ångström", "李雷", "👩‍🚀", "a\u00a0b", "\ufeffbom",
		"tab\there", "line\nend", "esc\x1b[0m", "rtl\u202etxt", "a/b/c", "ACME\\bob", "x@y.example", "a,b", "ends ", " begins", "-", "_", "A.B-C_d"}
}

// FuzzRoundTrip: whatever is live, what is made of it parses, declares nothing that isn't so,
// and leaves nothing for a plan but what was said to be a gap; a second time there is nothing
// new; the same input gives the same bytes.
func FuzzRoundTrip(f *testing.F) {
	f.Fuzz(func(t *testing.T, seed uint64, size uint8, name string) {
		live := random(t, rand.New(rand.NewPCG(seed, 1)), int(size%40), append(odd(), name))
		trip := newTrip(t, live, office, "people: [{person: boss}, {person: a}, {person: no, status: left}]\n", "grant: a\nto: [a]\naccess: {office: [url/a]}\n")
		before := trip.changes()
		res := trip.adopt("svc*", "*-")
		if again := trip.adopt("svc*", "*-"); !slices.Equal(text(t, res), text(t, again)) {
			t.Error("the same input gives other bytes")
		}
		trip.take(res, nil)
		trip.expressed(res, before)
		if more := trip.adopt("svc*", "*-"); !more.Empty() || len(more.Resources) > 0 {
			t.Errorf("a second import finds more: %+v", more)
		}
	})
}

func text(t *testing.T, res *adopt.Result) []byte {
	files, err := adopt.Write(res, adopt.Head{System: "office", Connector: "fake", At: at}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return append(bytes.Join(files, []byte("\n")), res.Fragment()...)
}

// random makes up a state. Names that no system would return (empty ones) are left out.
func random(t *testing.T, r *rand.Rand, n int, names []string) *access.State {
	b := access.NewBuilder("office").Identity("fake")
	kinds := describe().Kinds
	var all []access.ID
	seen := map[access.ID]bool{}
	for range n {
		o := access.Object{ID: access.ID{Kind: kinds[r.IntN(len(kinds))].Name, Name: names[r.IntN(len(names))]}}
		if r.IntN(2) == 0 {
			o.ID.Kind = access.KindAccount
		}
		if m, err := normalize(o); err != nil || m.ID != o.ID || seen[o.ID] {
			continue
		}
		seen[o.ID] = true
		o.Reserved = r.IntN(12) == 0
		o.Disabled = o.ID.IsAccount() && r.IntN(5) == 0
		if o.ID.IsAccount() {
			o.Attributes = map[string]string{"name": names[r.IntN(len(names))], "mail": names[r.IntN(len(names))]}
		}
		b.Object(o)
		all = append(all, o.ID)
	}
	all = append(all, access.ID{Kind: "url", Name: "example"}, access.ID{Kind: "group", Name: "unlisted"})
	for range 3 * n {
		s, g := all[r.IntN(len(all))], all[r.IntN(len(all))]
		k, _ := describe().Kind(g.Kind)
		if len(k.Permissions) > 0 && s != g && s.Name != "unlisted" {
			b.Grant(access.Grant{Subject: s, Target: g, Permission: k.Permissions[r.IntN(len(k.Permissions))].Name, Standing: access.Standing(r.IntN(3))})
		}
	}
	s, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return s
}
