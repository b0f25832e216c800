package plan_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/plan"
)

// everything is the input of a plan with every kind of step, hold, refusal and remark.
func everything() plan.Input {
	keep := guards(func(g *plan.Guards) {
		g.KeepAdmins, g.Protect, g.MaxRemovals = 1, []string{"root"}, plan.Limit{Percent: 12.5, IsPercent: true}
	})
	later := func(s *plan.SystemInput) { s.Memory.DisabledSince, s.Scope.Leaver = always, "delete" }
	return plan.Input{
		At: now, Base: "main", Revision: plan.Revision{Hash: "4f2a91c", Branch: "main", Subject: "Move <alice> & \"bob\""},
		Notes: []string{"a run was cut off"}, Selected: []string{"s", "t", "u"},
		Shifts: []access.Shift{{Kind: access.ShiftGain, Person: "al", System: "s", Target: id("folder/f"), Permission: "read", After: []access.Span{{From: applied}}}},
		Systems: []plan.SystemInput{
			system("s", "holder le l left\nal read folder/f | role r until 2027-01-01 line 9\nholder bo b active b.o\nbo write folder/f\nobject cy a=1\nabsent folder/x\nobject di\nroot read folder/f\nbare ev read folder/none",
				"object le\nobject b.o\nobject cy a=é\nobject di disabled\nobject folder/x\nzed read folder/f pending\nzed admin folder/g\nobject root\nobject ev\nroot read folder/g\nobject folder/f", keep, later, base("object al\nal read folder/f", applied)),
			system("t", "al read folder/f", "? folder/\n? account/al\nzed read group/g", func(s *plan.SystemInput) { s.Mode = plan.Additive }, base("al read folder/f", applied)),
			unreadable(system("u", "al read folder/f", "")),
		},
	}
}

// TestFile: what was written is read as it was, and written again to the same bytes.
func TestFile(t *testing.T) {
	p := plan.Build(everything())
	if len(p.Steps) < 12 || len(p.Refusals) < 3 {
		t.Fatalf("the plan of the test has become poor: %v %v", keys(p), refusals(p))
	}
	var b bytes.Buffer
	if err := plan.Write(&b, p); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	q, err := plan.Read(&b)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(p, q, cmpopts.EquateEmpty(), cmpopts.IgnoreUnexported(plan.Step{})); diff != "" {
		t.Errorf("written and read:\n%s", diff)
	}
	if err := plan.Write(&b, q); err != nil || b.String() != text {
		t.Errorf("written again it is another file (%v)", err)
	}
	if ds := plan.Build(everything()).Against(q); len(ds) != 0 {
		t.Errorf("the same plan differs from its file: %+v", ds)
	}
}

// TestStream: the file is what encoding/json makes of the plan as a whole.
func TestStream(t *testing.T) {
	for name, p := range map[string]*plan.Plan{"everything": plan.Build(everything()), "nothing": plan.Build(plan.Input{}), "zero": {}} {
		var want, got bytes.Buffer
		enc := json.NewEncoder(&want)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", " ")
		if err := enc.Encode(p); err != nil {
			t.Fatal(err)
		}
		if err := plan.Write(&got, p); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want.String(), got.String()); diff != "" {
			t.Errorf("%s: (- as a whole, + streamed)\n%s", name, diff)
		}
	}
}

// TestDigest: the plan digest is about what is done and by which rules, the change digest about
// what is declared; neither is about how it is explained.
func TestDigest(t *testing.T) {
	first := plan.Build(everything())
	sys := func(f func(*plan.SystemInput)) func(*plan.Input) {
		return func(in *plan.Input) { f(&in.Systems[0]) }
	}
	live := func(more string) func(*plan.Input) {
		return func(in *plan.Input) {
			e := access.Edit(in.Systems[0].Live, describe())
			if err := e.Do(access.Change{Action: access.Give, Subject: id("zed"), Target: id("folder/x"), After: &access.Value{Permission: more}}); err != nil {
				t.Fatal(err)
			}
			in.Systems[0].Live, _ = e.State()
		}
	}
	tests := map[string]struct {
		change       func(*plan.Input)
		plan, shifts bool // whether the digests become others
	}{
		"nothing":         {func(*plan.Input) {}, false, false},
		"the clock":       {func(in *plan.Input) { in.At = in.At.Add(time.Hour) }, false, false},
		"the revision":    {func(in *plan.Input) { in.Revision = plan.Revision{Hash: "0", Worktree: true} }, false, false},
		"notes":           {func(in *plan.Input) { in.Notes = nil }, false, false},
		"the base's name": {func(in *plan.Input) { in.Base = "" }, false, false},
		"lines and texts": {func(in *plan.Input) {
			d := in.Systems[0].Want.(*declared)
			for k, rs := range d.reasons {
				d.reasons[k] = slices.Clone(rs)
				d.reasons[k][0].Chain = []access.Link{{File: "other.yaml", Line: 99, Text: "moved"}}
			}
		}, false, false},
		"the base's time": {sys(func(s *plan.SystemInput) { s.BaseAt = time.Time{} }), false, false},
		"what isn't claimed": {func(in *plan.Input) {
			in.Systems[1].Live = state("t", "? folder/\n? account/al\nzed read group/g\nobject more")
		}, false, false},
		"one step more":        {live("write"), true, false},
		"one step less":        {func(in *plan.Input) { in.Only = []plan.Class{plan.ClassChange} }, true, false},
		"a mode":               {func(in *plan.Input) { in.Systems[1].Mode = plan.Authoritative }, true, false},
		"the mode of nothing":  {func(in *plan.Input) { in.Systems[2].Mode = plan.Observe }, true, false},
		"a limit":              {sys(func(s *plan.SystemInput) { s.Guards.MaxLeavers.Count++ }), true, false},
		"protection":           {sys(func(s *plan.SystemInput) { s.Guards.Protect = append(slices.Clone(s.Guards.Protect), "nobody") }), true, false},
		"administrators":       {sys(func(s *plan.SystemInput) { s.Guards.KeepAdmins = 0 }), true, false},
		"a system":             {func(in *plan.Input) { in.Systems = in.Systems[:2] }, true, false},
		"another connector":    {sys(func(s *plan.SystemInput) { s.Describe.Connector = "other" }), true, false},
		"an allowance":         {func(in *plan.Input) { in.Allow = []plan.Allow{{Name: access.RiskProtected, Ref: "s/account/root"}} }, true, false},
		"an allowance of none": {func(in *plan.Input) { in.Allow = []plan.Allow{{Name: access.RiskProtected, Ref: "s/account/none"}} }, false, false},
		"a shift":              {func(in *plan.Input) { in.Shifts[0].Person = "bo" }, false, true},
		"its interval":         {func(in *plan.Input) { in.Shifts[0].After[0].Until = now }, false, true},
		"no shift":             {func(in *plan.Input) { in.Shifts = nil }, false, true},
	}
	digests := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(tests)) {
		tt, in := tests[name], everything()
		tt.change(&in)
		p := plan.Build(in)
		if (p.PlanDigest != first.PlanDigest) != tt.plan || (p.ChangeDigest != first.ChangeDigest) != tt.shifts {
			t.Errorf("%s: the plan digest is another: %v, the change digest: %v", name, p.PlanDigest != first.PlanDigest, p.ChangeDigest != first.ChangeDigest)
		}
		if other, ok := digests[p.PlanDigest]; ok && tt.plan {
			t.Errorf("%s and %s have one digest", name, other)
		}
		digests[p.PlanDigest] = name
	}
}

// TestFileIsStrict: a file that was edited, is of another version or makes no sense is refused.
func TestFileIsStrict(t *testing.T) {
	var b strings.Builder
	if err := plan.Write(&b, plan.Build(everything())); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	replace := func(old, with string) string {
		if !strings.Contains(text, old) {
			t.Fatalf("the plan of the test has no %s", old)
		}
		return strings.Replace(text, old, with, 1)
	}
	tests := map[string]string{
		"nothing":              "",
		"no object":            "[]",
		"another thing":        `{"a": 1}`,
		"cut off":              text[:len(text)/2],
		"more behind it":       text + "{}",
		"an unknown key":       replace(`"formatVersion": 1,`, `"formatVersion": 1, "extra": true,`),
		"a key of a step":      replace(`"action": "rename",`, `"action": "rename", "acton": "x",`),
		"another version":      replace(`"formatVersion": 1,`, `"formatVersion": 2,`),
		"another engine":       replace(`"engine": "`, `"engine": "0`),
		"another level":        replace(`"permission": "write"`, `"permission": "admin"`),
		"another subject":      replace(`"subject": "account/cy"`, `"subject": "account/eve"`),
		"another mode":         replace(`"mode": "additive"`, `"mode": "observe"`),
		"another guard":        replace(`"keepAdmins": 1`, `"keepAdmins": 0`),
		"another lane":         replace(`"leaver": true,`, ``),
		"let go":               replace(`"why": "refused"`, `"why": "observe"`),
		"another shift":        replace(`"kind": "gain"`, `"kind": "lose"`),
		"an unknown action":    replace(`"action": "revoke"`, `"action": "grab"`),
		"a value less":         replace(`"before": {`, `"befor": {`),
		"a name less":          replace(`"subject": "account/cy"`, `"subject": ""`),
		"an object of no name": replace(`"subject": "account/cy"`, `"subject": "account/"`),
	}
	for name, data := range tests {
		if p, err := plan.Read(strings.NewReader(data)); err == nil || p != nil || !errors.Is(err, plan.ErrFile) {
			t.Errorf("%s: %v", name, err)
		}
	}
	var twice map[string]any
	if err := json.Unmarshal([]byte(text), &twice); err != nil {
		t.Fatal(err)
	}
	steps := twice["steps"].([]any)
	twice["steps"] = append(steps, steps[0])
	data, err := json.Marshal(twice)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := plan.Read(bytes.NewReader(data)); err == nil || !strings.Contains(err.Error(), "twice") {
		t.Errorf("a step that is there twice: %v", err)
	}
}

// FuzzReadPlan: whatever a file holds, it is refused, or is a plan that can be written, read
// and compared.
func FuzzReadPlan(f *testing.F) {
	var b bytes.Buffer
	if err := plan.Write(&b, plan.Build(everything())); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := plan.Read(bytes.NewReader(data))
		if err != nil {
			if p != nil || !errors.Is(err, plan.ErrFile) {
				t.Fatalf("a plan beside an error, or another error: %v", err)
			}
			return
		}
		q := reread(t, p)
		if ds := q.Against(p); len(ds) != 0 {
			t.Fatalf("a plan differs from itself: %+v", ds)
		}
		for _, s := range p.Steps {
			_ = s.String() + s.Key()
		}
		p.Run()
		p.Refused()
	})
}

// TestChangeDigestOutlivesLines: where a change is written isn't part of what it is.
func TestChangeDigestOutlivesLines(t *testing.T) {
	shifts := everything().Shifts
	before := plan.ChangeDigest(shifts)
	shifts[0].Cause = access.Cause{Kind: access.CauseDeclared, Text: "a grant gives it", File: "grants/a.yaml", Line: 7}
	if plan.ChangeDigest(shifts) != before || shifts[0].Cause.Line != 7 {
		t.Error("the line of a change is in its digest")
	}
	shifts[0].Permission = "write"
	if plan.ChangeDigest(shifts) == before {
		t.Error("another change has the same digest")
	}
}
