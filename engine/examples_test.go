package engine_test

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/connectors/all"
	"github.com/accordhq/accord/engine"
	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/declare"
	"github.com/accordhq/accord/engine/plan"
)

// example is one of the access repositories under examples.
type example struct {
	name string
	// systems are those that need nothing but the files of the example.
	systems []string
	counts  map[string]int
	// steps must be in the plan, about is what must be said beside it, by system; left is what
	// stays after an apply because it isn't Accord's to change.
	steps []string
	about map[string]plan.System
	left  []string
}

func examples() []example {
	return []example{
		{
			name: "quickstart", systems: []string{"office"},
			counts: map[string]int{"people": 6, "groups": 2, "roles": 2, "grants": 3, "systems": 1},
			steps: []string{
				"change disable office/account/ruben",
				"change revoke office/account/ruben folder/manuscripts write",
				"change create office/account/priya",
				"change grant office/account/priya group/editors member",
				"change grant office/account/tomas folder/archive write",
				"change change-level office/account/jonas folder/handbook",
				"drift revoke office/account/elif folder/manuscripts read",
				"drift revoke office/account/front-desk app/calendar use",
			},
			about: map[string]plan.System{"office": {Orphans: accounts("front-desk")}},
		},
		{
			name: "company", systems: []string{"drive", "office"},
			counts: map[string]int{"people": 40, "services": 4, "groups": 8, "roles": 13, "grants": 20, "systems": 3, "exempts": 1},
			steps: []string{
				"change disable office/account/gareth",
				"time disable drive/account/viktor.hale@hale-it.example",
				"change rename office/account/sam",
				"change disable office/account/ingrid",
				"change create office/account/sam.keane",
				"change update office/account/tara",
				"change create drive/folder/tenders",
				"change grant drive/account/odile.marchand@tideline.example folder/data write",
				"drift revoke office/account/odile app/crm use",
				"time revoke drive/account/oisin.murphy@tideline.example folder/finance read",
				"change grant office/role/payments-approver app/payments audit",
			},
			about: map[string]plan.System{
				"drive":  {Orphans: accounts("print.room@tideline.example"), Missing: accounts("sam.keane@tideline.example")},
				"office": {Orphans: accounts("break-glass", "demo")},
			},
			left: []string{
				"additive revoke drive/account/marek.nowak@tideline.example folder/leadership read",
				"additive revoke drive/account/odile.marchand@tideline.example folder/sales write",
				"additive revoke drive/account/print.room@tideline.example folder/handbook read",
				"protected revoke office/account/break-glass app/vpn admin",
			},
		},
	}
}

func accounts(names ...string) []access.ID {
	var out []access.ID
	for _, n := range names {
		out = append(out, access.Account(n))
	}
	return out
}

// exampleTimes are instants at which the examples must look the same: they are read for years.
func exampleTimes() []time.Time {
	return []time.Time{
		time.Date(2025, time.February, 1, 12, 0, 0, 0, time.UTC),
		time.Date(2028, time.February, 29, 12, 0, 0, 0, time.UTC),
		time.Date(2030, time.December, 31, 12, 0, 0, 0, time.UTC),
	}
}

func exampleEngine(at time.Time) *engine.Engine {
	return &engine.Engine{
		Types: all.Types(), Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return at },
		Version: "test", Actor: "test",
	}
}

// open copies the example to where it may be changed; a journal that somebody's run left in
// the tree stays behind.
func (x example) open(t *testing.T) engine.Source {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("..", "examples", x.name))); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(dir, ".accord")); err != nil {
		t.Fatal(err)
	}
	return engine.Source{Dir: dir, Worktree: true}
}

func examplePlan(t *testing.T, at time.Time, o engine.PlanOptions) *plan.Plan {
	t.Helper()
	p, d, err := exampleEngine(at).Plan(t.Context(), o)
	if err != nil {
		t.Fatalf("planning:\n%v", err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	return p
}

// TestExampleDeclarations: every system of the examples is declared without a problem, also
// those that can't be read here.
func TestExampleDeclarations(t *testing.T) {
	for _, x := range examples() {
		t.Run(x.name, func(t *testing.T) {
			src := x.open(t)
			d, err := exampleEngine(exampleTimes()[0]).Load(t.Context(), src)
			if err != nil {
				t.Fatalf("problems:\n%v", err)
			}
			if err := d.Close(); err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(x.counts, countDocuments(d.Repo)); diff != "" {
				t.Errorf("documents (-want +got):\n%s", diff)
			}
			for _, at := range exampleTimes() {
				p := examplePlan(t, at, engine.PlanOptions{Source: src, NoLive: true})
				if len(p.Systems) != x.counts["systems"] || p.Refused() || len(p.Shifts) == 0 {
					t.Errorf("at %s: %d systems, %d shifts, refused: %v", at, len(p.Systems), len(p.Shifts), p.Refusals)
				}
			}
		})
	}
}

func countDocuments(r *declare.Repository) map[string]int {
	n := map[string]int{"groups": len(r.Groups()), "roles": len(r.Roles()), "grants": len(r.Grants()), "systems": len(r.Systems)}
	for _, p := range r.People() {
		if p.Service {
			n["services"]++
		} else {
			n["people"]++
		}
	}
	if len(r.Exempts) > 0 {
		n["exempts"] = len(r.Exempts)
	}
	return n
}

// TestExamplePlans: the plans show what the READMEs promise, nothing is refused, and the date
// doesn't matter.
func TestExamplePlans(t *testing.T) {
	for _, x := range examples() {
		t.Run(x.name, func(t *testing.T) {
			o := engine.PlanOptions{Source: x.open(t), Systems: x.systems}
			var first *plan.Plan
			for _, at := range exampleTimes() {
				p := examplePlan(t, at, o)
				x.check(t, p)
				if first == nil {
					first = p
				} else if p.PlanDigest != first.PlanDigest {
					t.Errorf("at %s there is another plan:\n%s", at, cmp.Diff(stepNames(first.Steps), stepNames(p.Steps)))
				}
			}
		})
	}
}

func (x example) check(t *testing.T, p *plan.Plan) {
	t.Helper()
	if p.Refused() || !p.Complete || engine.ExitOfPlan(p) != engine.ExitChanges {
		t.Errorf("exit %d, complete %v, refusals %+v", engine.ExitOfPlan(p), p.Complete, p.Refusals)
	}
	got := stepNames(p.Run())
	for _, want := range x.steps {
		if !slices.Contains(got, want) {
			t.Errorf("the plan lacks %q", want)
		}
	}
	for _, s := range p.Systems {
		want := x.about[s.Name]
		got := plan.System{Orphans: s.Orphans, Idle: s.Idle, Missing: s.Missing, Disputed: s.Disputed, Unclaimed: s.Unclaimed, Dangling: s.Dangling, Waiting: s.Waiting}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("beside the plan of %s (-want +got):\n%s", s.Name, diff)
		}
	}
	if diff := cmp.Diff(x.left, heldNames(p.Steps)); diff != "" {
		t.Errorf("held (-want +got):\n%s", diff)
	}
}

// stepNames are the steps as "class action system/subject target permission".
func stepNames(steps []plan.Step) []string {
	var out []string
	for _, s := range steps {
		out = append(out, string(s.Class)+" "+s.Key())
	}
	return out
}

func heldNames(steps []plan.Step) []string {
	var out []string
	for _, s := range steps {
		if s.Held != nil {
			out = append(out, string(s.Held.Why)+" "+s.Key())
		}
	}
	return out
}

// TestExamplesApply: what the plan says can be applied and holds; then there is nothing to do,
// and applying that changes nothing.
func TestExamplesApply(t *testing.T) {
	for _, x := range examples() {
		t.Run(x.name, func(t *testing.T) {
			at := exampleTimes()[1]
			o := engine.PlanOptions{Source: x.open(t), Systems: x.systems}
			planned := examplePlan(t, at, o)
			res, err := exampleEngine(at).Apply(t.Context(), engine.ApplyOptions{PlanOptions: o, Reviewed: planned})
			if err != nil {
				t.Fatal(err)
			}
			if res.Exit != engine.ExitOK || res.Result == nil || len(res.Result.Steps) != len(planned.Run()) {
				t.Fatalf("exit %d: %+v", res.Exit, res.Result)
			}
			for _, s := range res.Result.Steps {
				if !s.Holds() {
					t.Errorf("%s: %s, seen %q: %v", s.Step.Change, s.Outcome, s.Seen, s.Err)
				}
			}
			x.nothingLeft(t, at.Add(time.Hour), o)
		})
	}
}

func (x example) nothingLeft(t *testing.T, at time.Time, o engine.PlanOptions) {
	t.Helper()
	p := examplePlan(t, at, o)
	if run := stepNames(p.Run()); len(run) > 0 || p.Refused() || engine.ExitOfPlan(p) != engine.ExitOK {
		t.Errorf("after an apply, exit %d: %v %+v", engine.ExitOfPlan(p), run, p.Refusals)
	}
	if diff := cmp.Diff(x.left, heldNames(p.Steps)); diff != "" {
		t.Errorf("held after an apply (-want +got):\n%s", diff)
	}
	before := liveFiles(t, o.Dir)
	res, err := exampleEngine(at).Apply(t.Context(), engine.ApplyOptions{PlanOptions: o})
	if err != nil || res.Exit != engine.ExitOK || res.Result != nil {
		t.Errorf("applying again: %+v, %v", res, err)
	}
	if diff := cmp.Diff(before, liveFiles(t, o.Dir)); diff != "" {
		t.Errorf("applying again changed something:\n%s", diff)
	}
}

// TestExampleLiveFiles: the live files stand there as the connector writes them, so that git
// shows nothing of an apply but what it changed.
func TestExampleLiveFiles(t *testing.T) {
	typ, ok := all.Lookup("file")
	if !ok {
		t.Fatal("no connector file")
	}
	for _, x := range examples() {
		dir := x.open(t).Dir
		before := liveFiles(t, dir)
		if len(before) != len(x.systems) {
			t.Errorf("%s has %d live files", x.name, len(before))
		}
		for name := range before {
			c, err := typ.Open(connectors.Config{System: name, Dir: dir, Settings: connectors.Settings{"path": {Text: "live/" + name}}})
			if err != nil {
				t.Fatal(err)
			}
			probe := access.Change{System: name, Action: access.Create, Subject: access.Account("zz-probe"), After: &access.Value{}}
			gone := access.Change{System: name, Action: access.Delete, Subject: probe.Subject, Before: &access.Value{}}
			if err := errors.Join(c.Apply(t.Context(), probe), c.Apply(t.Context(), gone), c.Close()); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if diff := cmp.Diff(before, liveFiles(t, dir)); diff != "" {
			t.Errorf("%s (-in the tree +as written):\n%s", x.name, diff)
		}
	}
}

func liveFiles(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	live := os.DirFS(filepath.Join(dir, "live"))
	err := fs.WalkDir(live, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(name, ".state.yaml") {
			return err
		}
		data, err := fs.ReadFile(live, name)
		out[name] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
