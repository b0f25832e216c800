package resolve_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/accordhq/accord/engine/resolve"
)

// company declares people in groups by attribute, with roles that include one another, so that
// everyone has ten grants.
func company(b testing.TB, people int) resolve.Input {
	var s strings.Builder
	s.WriteString("people:\n")
	for i := range people {
		fmt.Fprintf(&s, "- {person: p%d, attributes: {department: d%d, title: t%d}}\n", i, i%50, i%7)
	}
	for i := range 50 {
		fmt.Fprintf(&s, "---\ngroup: g%d\nmembers: [{match: {department: d%d}}]\n", i, i)
		fmt.Fprintf(&s, "---\nrole: r%d\nincludes: [base]\naccess: {sys: [role/r%d, role/s%d, {folder/f%d: write}, {app/a%d: use}]}\n", i, i, i, i, i)
		fmt.Fprintf(&s, "---\ngrant: g%d\nto: [{group: g%d}]\nroles: [r%d]\n", i, i, i)
	}
	s.WriteString("---\nrole: base\naccess: {sys: [role/a, role/b, role/c, {app/base: use}, {app/base: audit}, {folder/all: read}]}\n")
	return input(b, s.String())
}

// BenchmarkResolve: 5,000 people with 50,000 grants.
func BenchmarkResolve(b *testing.B) {
	in := company(b, 5000)
	for b.Loop() {
		w := sound(b, in)
		if _, n := w.System("sys").State().Size(); n != 50000 {
			b.Fatalf("%d grants", n)
		}
	}
}

// BenchmarkReasons: the reasons of 50,000 grants, and of one account that holds 50,000.
func BenchmarkReasons(b *testing.B) {
	b.Run("many", func(b *testing.B) {
		d := sound(b, company(b, 5000)).System("sys")
		for b.Loop() {
			reasons(b, d)
		}
	})
	b.Run("one", func(b *testing.B) {
		var s strings.Builder
		s.WriteString("person: al\n---\ngrant: g\nto: [al]\naccess:\n  sys:\n")
		for i := range 50000 {
			fmt.Fprintf(&s, "  - role/%d\n", i)
		}
		d := sound(b, input(b, s.String())).System("sys")
		for b.Loop() {
			reasons(b, d)
		}
	})
}

func reasons(b *testing.B, d *resolve.Desired) {
	n := 0
	for _, g := range d.State().Grants() {
		n += min(1, len(d.Reasons(g.Subject, g.Target, "")))
	}
	if n != 50000 {
		b.Fatalf("%d grants have reasons", n)
	}
}

// BenchmarkCompare: the same 50,000 grants twice.
func BenchmarkCompare(b *testing.B) {
	in := company(b, 5000)
	w := sound(b, in)
	for b.Loop() {
		if n := len(resolve.Compare(w, w)); n != 0 {
			b.Fatalf("%d shifts", n)
		}
	}
}

// BenchmarkCompareNew: 50,000 grants where nothing was.
func BenchmarkCompareNew(b *testing.B) {
	w := sound(b, company(b, 5000))
	b.ReportAllocs()
	for b.Loop() {
		if n := len(resolve.Compare(nil, w)); n < 50000 {
			b.Fatalf("%d shifts", n)
		}
	}
}

// BenchmarkTracer: what answers for each of 50,000 grants, where no change is known.
func BenchmarkTracer(b *testing.B) {
	w := sound(b, company(b, 5000))
	shifts := resolve.Compare(nil, w)
	b.ReportAllocs()
	for b.Loop() {
		t := resolve.NewTracer(nil)
		n := 0
		for i := range shifts {
			if s := &shifts[i]; s.Person != "" {
				if _, ok, _ := t.Responsible(w.System(s.System), s.Person, s.Target, s.Permission); ok {
					n++
				}
			}
		}
		if n != 50000 {
			b.Fatalf("%d grants have a link", n)
		}
	}
}
