package plan_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/accordhq/accord/engine/plan"
)

// BenchmarkBuild: plans of 50,000 steps, of the shapes that could cost more than their size.
func BenchmarkBuild(b *testing.B) {
	const n = 50000
	grants := func(line func(i int) string) string {
		var s strings.Builder
		for i := range n {
			s.WriteString(line(i) + "\n")
		}
		return s.String()
	}
	spread := func(level string) string {
		return grants(func(i int) string { return fmt.Sprintf("a%d %s folder/f%d | role r%d", i%5000, level, i/10, i%5000%7) })
	}
	live := func(s string) string {
		var out strings.Builder
		for line := range strings.Lines(s) {
			what, _, _ := strings.Cut(line, "|")
			out.WriteString(what + "\n")
		}
		return out.String()
	}
	one := guards(func(g *plan.Guards) { g.KeepAdmins = 1 })
	unlimited := guards(func(g *plan.Guards) { g.KeepAdmins, g.MaxRemovals.Count = 1, n })
	exclusive := map[string][]string{}
	for i := range 7 {
		exclusive[fmt.Sprint("r", i)] = []string{fmt.Sprint("q", i)}
	}
	worlds := map[string]plan.Input{
		"given":        {Systems: []plan.SystemInput{system("s", spread("read"), "", one)}},
		"taken":        {Systems: []plan.SystemInput{system("s", "object x", live(spread("read")), one, base(spread("read"), applied))}},
		"admins kept":  {Systems: []plan.SystemInput{system("s", "object x", live(spread("admin")), unlimited)}},
		"admins taken": {Systems: []plan.SystemInput{system("s", "object x", live(spread("admin")), one)}},
		"admins moved": {Systems: []plan.SystemInput{system("s", spread("admin"), live(strings.ReplaceAll(spread("admin"), "a1", "b1")), one)}},
		"one account":  {Systems: []plan.SystemInput{system("s", "object al", grants(func(i int) string { return fmt.Sprintf("al admin folder/f%d", i) }), unlimited, base("object al", applied))}},
		"one folder":   {Systems: []plan.SystemInput{system("s", "object folder/f", grants(func(i int) string { return fmt.Sprintf("a%d admin folder/f", i) }), one)}},
		"leavers":      {Systems: []plan.SystemInput{system("s", many(5000, "holder a# p# left"), live(spread("write")), one)}},
		"renamed":      {Systems: []plan.SystemInput{system("s", many(5000, "holder n# p# active a#")+strings.ReplaceAll(spread("read"), "a", "n"), live(spread("read")), one)}},
		"exclusive": {Exclusive: exclusive, Systems: []plan.SystemInput{
			system("s", spread("read"), "", one),
			system("t", "object x", "?", base(strings.ReplaceAll(spread("read"), "role r", "role z"), applied))}},
	}
	for name, in := range worlds {
		in.At = now
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if p := plan.Build(in); len(p.Steps) < 5000 {
					b.Fatalf("%d steps", len(p.Steps))
				}
			}
		})
	}
}

// BenchmarkAgainst compares a plan of 50,000 steps with itself.
func BenchmarkAgainst(b *testing.B) {
	in := in(system("s", "object x", many(50000, "a# read folder/f")))
	reviewed := plan.Build(in)
	for b.Loop() {
		if ds := plan.Build(in).Against(reviewed); len(ds) != 0 {
			b.Fatal(ds)
		}
	}
}

// BenchmarkFile: a plan file of so many steps, written, read and digested (reading checks the
// digest). ACCORD_BENCH_STEPS=1000000 is what a first import of a large company has.
func BenchmarkFile(b *testing.B) {
	n := 50_000
	if text := os.Getenv("ACCORD_BENCH_STEPS"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			b.Fatal(err)
		}
	}
	var want strings.Builder
	for i := range n {
		fmt.Fprintf(&want, "a%d read folder/f%d | role r%d\n", i%(n/10), i/10, i%7)
	}
	in := plan.Input{At: now, Systems: []plan.SystemInput{system("s", want.String(), "", guards(func(g *plan.Guards) { g.KeepAdmins = 1 }))}}
	p := plan.Build(in)
	var file bytes.Buffer
	if err := plan.Write(&file, p); err != nil {
		b.Fatal(err)
	}
	per := func(b *testing.B) {
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(p.Steps)), "ns/step")
		b.ReportMetric(float64(file.Len())/float64(len(p.Steps)), "B/step")
	}
	b.Run(fmt.Sprintf("steps=%d/write", len(p.Steps)), func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := plan.Write(io.Discard, p); err != nil {
				b.Fatal(err)
			}
		}
		per(b)
	})
	b.Run(fmt.Sprintf("steps=%d/read", len(p.Steps)), func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if q, err := plan.Read(bytes.NewReader(file.Bytes())); err != nil || len(q.Steps) != len(p.Steps) {
				b.Fatal(err)
			}
		}
		per(b)
	})
}
