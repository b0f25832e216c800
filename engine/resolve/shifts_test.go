package resolve_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/declare"
	"github.com/accordhq/accord/engine/resolve"
)

// shifts lists what head changes, as text.
func shifts(t *testing.T, base, head string) []string {
	t.Helper()
	var b *resolve.World
	in := input(t, head)
	if base != "" {
		old := parse(t, base)
		b = sound(t, resolve.Input{Repo: old, At: noon, Connectors: connectors()})
		in.Previous = []*declare.Repository{old}
	}
	var out []string
	for _, s := range resolve.Compare(b, sound(t, in)) {
		out = append(out, shiftText(s))
	}
	return out
}

func shiftText(s access.Shift) string {
	parts := []string{string(s.Kind), s.Person, s.System, s.Subject.String(), s.Target.String(), s.Permission}
	if s.Kind == access.ShiftStatus {
		parts = append(parts, s.From+" → "+s.To)
	}
	for i, spans := range [][]access.Span{s.Before, s.After} {
		if s.Kind != access.ShiftLengthen && s.Kind != access.ShiftShorten {
			break
		}
		for _, sp := range spans {
			text := "always"
			if !sp.From.IsZero() || !sp.Until.IsZero() {
				text = sp.From.Format("01-02") + "…" + sp.Until.Format("01-02")
			}
			parts = append(parts, []string{"was", "is"}[i], text)
		}
	}
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), " ")
}

// TestShifts: what a change of the declaration moves, whatever is live and whatever time it is.
func TestShifts(t *testing.T) {
	const grant = "---\ngrant: g\nto: [al]\naccess: {sys: [role/x]}\n"
	tests := []struct {
		name, base, head string
		want             []string
	}{
		{"nothing", "person: al\n" + grant, "# moved down\n\nperson: al\n" + grant, nil},
		{"the same in another way", "person: al\n" + grant, "person: al\n---\ngrant: g\nto: [{any: [al]}]\naccess: {sys: [role/X]}\n", []string{"reason al sys role/x member"}},
		{"another reason", "person: al\n" + grant, "person: al\n" + grant + "reason: audit\n", []string{"reason al sys role/x member"}},
		{"gain", "person: al\n", "person: al\n" + grant, []string{"gain al sys role/x member"}},
		{"lose", "person: al\n" + grant, "person: al\n", []string{"lose al sys role/x member"}},
		{"a window to come", "person: al\n", "person: al\n" + grant + "from: 2027-01-01\n", []string{"gain al sys role/x member"}},
		{"shorter", "person: al\n" + grant, "person: al\n" + grant + "until: 2026-12-31\n", []string{"shorten al sys role/x member was always is 01-01…01-01"}},
		{"longer, although over", "person: al\n" + grant + "until: 2026-01-31\n", "person: al\n" + grant + "until: 2026-02-28\n", []string{"lengthen al sys role/x member was 01-01…02-01 is 01-01…03-01"}},
		{"moved", "person: al\n" + grant + "from: 2026-01-01\nuntil: 2026-01-31\n", "person: al\n" + grant + "from: 2026-01-15\nuntil: 2026-02-28\n", []string{"shorten al sys role/x member was 01-01…02-01 is 01-15…03-01"}},
		{"two windows that touch are one", "person: al\n" + grant, "person: al\n" + grant + "until: 2026-12-31\n---\ngrant: h\nto: [al]\naccess: {sys: [role/x]}\nfrom: 2027-01-01\n", []string{"reason al sys role/x member"}},
		{"another level", "person: al\n---\ngrant: g\nto: [al]\naccess: {sys: [{folder/f: read}]}\n", "person: al\n---\ngrant: g\nto: [al]\naccess: {sys: [{folder/f: admin}]}\n",
			[]string{"gain al sys folder/f admin", "lose al sys folder/f read"}},
		{"a last day", "person: al\n" + grant, "person: al\nends: 2026-12-31\n" + grant, []string{"status al active → active until 2026-12-31", "shorten al sys role/x member was always is 01-01…01-01"}},
		{"on leave", "person: al\n" + grant, "person: al\nstatus: leave\n" + grant, []string{"status al active → leave"}},
		{"left", "person: al\n" + grant, "person: al\nstatus: left\n" + grant, []string{"status al active → left", "lose al sys role/x member"}},
		{"gone", "people: [{person: al}, {person: bo}]\n", "person: al\n", []string{"status bo active → gone"}},
		{"renamed", "person: al\n" + grant, "person: ally\npreviously: [al]\n" + strings.Replace(grant, "[al]", "[ally]", 1), []string{"status ally sys account al → account ally", "reason ally sys role/x member"}},
		{"renamed, the account stays", "person: al\n" + grant, "person: ally\naccounts: {sys: al}\npreviously: [al]\n" + strings.Replace(grant, "[al]", "[ally]", 1), []string{"reason ally sys role/x member"}},
		{"the access goes to another account", "person: al\n" + grant, "person: al\naccounts: {sys: mallory}\n" + grant, []string{"status al sys account al → account mallory"}},
		{"owners and exclusions", "group: g\nowners: [al]\n---\nperson: al\n---\nrole: r\nexclusive: [q]\n---\nrole: q\n", "group: g\n---\nperson: al\n---\nrole: r\n---\nrole: q\n", []string{"settings group g", "settings role r"}},
		{"a new group is no setting", "person: al\n", "person: al\n---\ngroup: g\nowners: [al]\n", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			same(t, "shifts", shifts(t, tt.base, tt.head), tt.want...)
		})
	}
}

// TestShiftsOfEverything: without a base everything is new, and the clock doesn't matter.
func TestShiftsOfEverything(t *testing.T) {
	docs := "person: al\n---\ngrant: g\nto: [al]\naccess: {sys: [role/x]}\nuntil: 2026-12-31\n" +
		"---\nsystem: sys\nconnector: full\nresources: {role/x: {member_of: [role/y]}}\n---\nsystem: old\nconnector: plain\n"
	want := []string{"settings accord.yaml", "settings old", "settings sys", "gain sys role/x role/y member", "gain al sys role/x member"}
	same(t, "shifts", shifts(t, "", docs), want...)
	in := input(t, docs)
	first := fmt.Sprint(resolve.Compare(nil, sound(t, in)))
	in.At = noon.AddDate(5, 0, 0)
	if again := fmt.Sprint(resolve.Compare(nil, sound(t, in))); again != first {
		t.Errorf("the clock moves shifts:\n%s\n%s", first, again)
	}
}

// TestShiftsOfARenamedSystem: what people hold on a system moves with its name.
func TestShiftsOfARenamedSystem(t *testing.T) {
	const docs = "person: al\n---\ngrant: g\nto: [al]\naccess: {NAME: [role/x]}\n---\nsystem: NAME\nconnector: full\n"
	conns := connectors()
	conns["new"] = conns["sys"]
	world := func(docs string) *resolve.World {
		return sound(t, resolve.Input{Repo: parse(t, docs), At: noon, Connectors: conns})
	}
	var got []string
	for _, s := range resolve.Compare(world(strings.ReplaceAll(docs, "NAME", "sys")), world(strings.ReplaceAll(docs, "NAME", "new")+"previously: [sys]\n")) {
		got = append(got, shiftText(s))
	}
	same(t, "shifts", got, "settings new", "settings sys")
}
