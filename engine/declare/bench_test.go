package declare

import (
	"fmt"
	"strings"
	"testing"
)

// organisation is n people in files of one each, as most repositories keep them, and a few
// groups, roles and grants over them.
func organisation(n int) []File {
	out := []File{{Path: configFile, Data: []byte(baseConfig)}}
	for i := range n {
		manager := ""
		if i > 0 {
			manager = fmt.Sprintf("manager: p%d\n", (i-1)/10)
		}
		out = append(out, File{Path: fmt.Sprintf("people/p%d.yaml", i), Data: fmt.Appendf(nil,
			"person: p%d\nname: Person %d\nemail: p%d@acme.example\nstarts: 2026-01-10\n%sattributes: {department: engineering, title: SRE}\n", i, i, i, manager)})
	}
	var b strings.Builder
	for i := range n / 100 {
		fmt.Fprintf(&b, "---\ngroup: g%d\nmembers: [p%d, {match: {title: \"S*\"}}]\nexcept: [{match: {department: finance}}]\n", i, i)
	}
	return append(out, File{Path: "groups.yaml", Data: []byte(b.String())})
}

func BenchmarkParse(b *testing.B) {
	const people = 2000
	in := organisation(people)
	b.ReportAllocs()
	for b.Loop() {
		if _, ps := Parse(in); len(ps) > 0 {
			b.Fatal(ps)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/people, "µs/person")
}

// BenchmarkYAML is the part of BenchmarkParse that the YAML library takes.
func BenchmarkYAML(b *testing.B) {
	const people = 2000
	in := organisation(people)
	b.ReportAllocs()
	for b.Loop() {
		for _, f := range in {
			readYAML(f.Path, f.Data)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/people, "µs/person")
}

func BenchmarkCheck(b *testing.B) {
	const people = 2000
	r, _ := Parse(organisation(people))
	b.ReportAllocs()
	for b.Loop() {
		if ps := r.Check(descriptions()); len(ps) > 0 {
			b.Fatal(ps)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/people, "µs/person")
}
