package engine_test

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/connectors/memory"
	"github.com/accordhq/accord/engine"
	"github.com/accordhq/accord/engine/access"
)

// BenchmarkPlanJudged plans a first import of so many people with two grants each, without rules
// and with nine built-in ones: what it costs to be judged is the difference, per change (an
// account, two grants) and with everything around: inputs, what everybody would hold, verdicts.
func BenchmarkPlanJudged(b *testing.B) {
	for _, people := range []int{300, 3_000, 30_000} {
		for _, judged := range []bool{false, true} {
			b.Run(fmt.Sprintf("changes=%d/judged=%v", 3*people, judged), func(b *testing.B) {
				dir := b.TempDir()
				writeCrowd(b, dir, people, judged)
				far := memory.New(memory.Named("sys"))
				st := access.NewBuilder("sys")
				for i := range 20 {
					st.Object(access.Object{ID: access.ID{Kind: "group", Name: fmt.Sprintf("g%02d", i)}})
				}
				state, err := st.Build()
				if err != nil {
					b.Fatal(err)
				}
				far.Seed(state)
				e := &engine.Engine{Types: []connectors.Type{far.Type()}, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
					Now: func() time.Time { return time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC) }}
				allow, _ := engine.ParseAllow("policy-bootstrap:accord.yaml")
				o := engine.PlanOptions{Source: engine.Source{Dir: dir, Worktree: true}}
				o.Allow = append(o.Allow, allow)
				b.ReportAllocs()
				for b.Loop() {
					p, d, err := e.Plan(b.Context(), o)
					if err != nil {
						b.Fatal(err)
					}
					if len(p.Steps) != 3*people {
						b.Fatalf("%d steps, want %d", len(p.Steps), 3*people)
					}
					if err := d.Close(); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/float64(3*people), "us/change")
			})
		}
	}
}

func writeCrowd(b testing.TB, dir string, people int, judged bool) {
	b.Helper()
	var grants strings.Builder
	for first := 0; first < people; first += 1000 {
		crowd := "people:\n"
		for i := first; i < min(people, first+1000); i++ {
			manager := ""
			if i > 0 {
				manager = fmt.Sprintf("manager: p%05d, ", i/10)
			}
			crowd += fmt.Sprintf("  - {person: p%05d, %sattributes: {employment: employee, department: d%02d}}\n", i, manager, i%40)
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("people-%05d.yaml", first)), []byte(crowd), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	for i := range 40 {
		fmt.Fprintf(&grants, "---\ngrant: d%02d\nto: [{match: {department: d%02d}}]\nroles: [r%02d, r%02d]\nreason: their work\nticket: T-%d\n", i, i, i%20, (i+7)%20, i)
	}
	for i := range 20 {
		fmt.Fprintf(&grants, "---\nrole: r%02d\nowners: [p00001]\naccess: {sys: [group/g%02d]}\n", i, i)
	}
	config := "version: 1\nattributes: {employment: {}, department: {}}\n"
	if judged {
		config += "rules:\n  segregation_of_duties: [[r01, r02], [sys/group/g03, sys/group/g04]]\n  temporary_access: {}\n  privileged_access: {}\n  leavers_hold_nothing: true\n" +
			"  manager_active: {except: [p00000]}\n  owner_active: {}\n  no_wildcard_admin: {}\n  change_window: [{systems: [other], days: [monday], from: '08:00', to: '20:00'}]\n  daily_limits: [{privilege: sys/group/*, per_day: 3}]\n"
	}
	for name, text := range map[string]string{"accord.yaml": config, "grants.yaml": strings.TrimPrefix(grants.String(), "---\n"),
		"sys.yaml": "system: sys\nconnector: sys\nmode: authoritative\nmanage: ['group/*']\nowners: [p00001]\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			b.Fatal(err)
		}
	}
}
