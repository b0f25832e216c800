package resolve

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/declare"
	"github.com/accordhq/accord/engine/gen"
	"github.com/accordhq/accord/engine/plan"
)

// TestTracer holds a Tracer to plan.Responsible, which goes through all reasons with all their
// links: for everything that anybody may have, with no document changed, some, or all.
func TestTracer(t *testing.T) {
	var seen struct{ none, first, member, head, several int }
	for seed := range uint64(3) {
		org, err := gen.New(gen.Options{Size: gen.Size{Name: "tiny", People: 80, Grants: 900, Systems: 4}, Seed: seed, Connector: "plain", PerFile: 5})
		if err != nil {
			t.Fatal(err)
		}
		var files []declare.File
		for _, f := range org.Files() {
			files = append(files, declare.File{Path: f.Path, Data: f.Data})
		}
		files = append(files, declare.File{Path: "more.yaml", Data: []byte(manyWays(rand.New(rand.NewPCG(seed, 2)), org))})
		w := world(t, files)
		for _, one := range []uint64{0, 2, 5, 40, 1} { // of so many lines one changed; 0: it isn't known
			var changed func(l access.Link, was bool) bool
			var lines func(access.Link) bool
			if one > 0 {
				lines = func(l access.Link) bool {
					h := fnv.New64a()
					fmt.Fprintf(h, "%d %s %d", seed, l.File, l.Line)
					return h.Sum64()%one == 0
				}
				changed = func(l access.Link, _ bool) bool { return lines(l) }
			}
			tracer := NewTracer(lines)
			for _, d := range w.Systems {
				list := slices.Clone(w.people.list)
				if one%2 == 0 { // mostly they come in order
					rand.New(rand.NewPCG(seed, one)).Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
				}
				for _, p := range list {
					account, _ := d.AccountOf(p.ID.Value)
					for _, e := range append(d.ents, entitlement{access.ID{Kind: "role", Name: "nobody-has-it"}, "member"}) {
						reasons := d.Reasons(account, e.target, e.permission)
						want, there := plan.Responsible(reasons, false, changed)
						got, ok, known := tracer.Responsible(d, p.ID.Value, e.target, e.permission)
						if there && !known || ok != there || got != want { // who has nothing there may have no account, either
							t.Fatalf("seed %d, one of %d lines changed: %s, %v on %s: %v (%v, known %v), not %v (%v)", seed, one, p.ID.Value, e, d.Decl.ID.Value, got, ok, known, want, there)
						}
						switch {
						case !ok:
							seen.none++
						case len(reasons) > 1:
							seen.several++
						case got == reasons[0].Chain[0]:
							seen.first++
						case got == reasons[0].Chain[len(reasons[0].Chain)-1]:
							seen.member++
						default:
							seen.head++
						}
					}
				}
			}
		}
	}
	if seen.none == 0 || seen.first == 0 || seen.member == 0 || seen.head == 0 || seen.several == 0 {
		t.Errorf("the test looks at too little: %+v", seen)
	}
}

// manyWays declares many ways to the same few things of a system, with windows that are over, open,
// and to come: by name, by rule, by who reports to whom, through groups in groups and roles in roles.
func manyWays(r *rand.Rand, o *gen.Organisation) string {
	pick := func(from ...string) string { return from[r.IntN(len(from))] }
	system := o.Systems()[0]
	b := strings.Builder{}
	fmt.Fprintf(&b, "group: inner\nmembers: [{match: {title: \"S*\"}}, {reports: %s}, %s]\n", o.Someone(0), o.Someone(3))
	fmt.Fprintf(&b, "---\ngroup: outer\nmembers: [{group: inner}, {match: {employment: [employee, contractor], title: \"*e*\"}}, {person: %s, until: 2027-01-31}]\n", o.Someone(5))
	fmt.Fprintf(&b, "---\nrole: low\naccess: {%s: [role/shared, {folder/shared: write}]}\n---\nrole: high\nincludes: [low]\naccess: {%s: [{folder/shared: admin}]}\n", system, system)
	for n := range 20 {
		to := pick("{group: inner}", "{group: outer}", o.Someone(r.IntN(40)), "{reports: "+o.Someone(r.IntN(9))+"}", "{match: {employment: employee}}")
		fmt.Fprintf(&b, "---\ngrant: way-%02d\nto: [%s]\n", r.IntN(50)*20+n, to)
		b.WriteString(pick("", "", "until: 2026-12-31\n", "until: 2027-06-30\n", "until: 2020-01-31\n", "from: 2026-01-01\n", "from: 2027-01-01\n"))
		b.WriteString(pick("roles: [low]\n", "roles: [high]\n", fmt.Sprintf("access: {%s: [role/shared]}\n", system), fmt.Sprintf("access: {%s: [{folder/shared: read}]}\n", system)))
	}
	return b.String()
}
