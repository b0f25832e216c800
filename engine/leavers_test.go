package engine_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/accordhq/accord/connectors/memory"
	"github.com/accordhq/accord/engine"
	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/plan"
)

const grantTo = "\n---\ngrant: g\nto: [%]\naccess: {sys: [folder/f]}\n"

func to(people string) string { return strings.Replace(grantTo, "%", people, 1) }

func oneSystem(t *testing.T, options ...memory.Option) *site {
	return newSite(t, map[string][]memory.Option{"sys": options})
}

// TestVanished: somebody whose document is gone since it was applied has left, whatever the
// change is compared with, and however it was reviewed.
func TestVanished(t *testing.T) {
	start := func(t *testing.T) *site {
		s := oneSystem(t)
		s.seed("sys", "folder/f")
		s.commit("people: [{person: al}, {person: bo}]" + to("al, bo"))
		s.apply(engine.ExitOK)
		s.commit("people: [{person: al}]" + to("al"))
		return s
	}
	gone := []string{"al", "bo disabled", "al read folder/f"}
	t.Run("applied", func(t *testing.T) {
		s := start(t)
		s.apply(engine.ExitOK)
		s.want("live", s.live("sys"), gone...)
	})
	t.Run("compared with head itself", func(t *testing.T) {
		s := start(t)
		s.apply(engine.ExitOK, base("HEAD"))
		s.want("live", s.live("sys"), gone...)
	})
	t.Run("reviewed against the main branch, then merged", func(t *testing.T) {
		s := start(t)
		gitIn(t, s.dir, "checkout", "-q", "-b", "change")
		gitIn(t, s.dir, "branch", "-f", "main", "HEAD~1")
		p := s.plan(base("main"))
		gitIn(t, s.dir, "branch", "-f", "main", "HEAD")
		s.applyPlan(engine.ExitOK, engine.ApplyOptions{PlanOptions: s.options(), Reviewed: p})
		s.want("live", s.live("sys"), gone...)
	})
	t.Run("two commits later", func(t *testing.T) {
		s := start(t)
		s.commit("people: [{person: al}, {person: cy}]" + to("al"))
		s.apply(engine.ExitOK)
		s.want("live", s.live("sys"), gone...)
	})
	t.Run("only in the folder", func(t *testing.T) {
		s := start(t)
		s.write("people: [{person: bo}]" + to("bo"))
		s.apply(engine.ExitOK, func(o *engine.PlanOptions) { o.Worktree = true })
		s.want("live", s.live("sys"), "al disabled", "bo", "bo read folder/f")
	})
	t.Run("on another system as well, which comes later", func(t *testing.T) {
		s := newSite(t, map[string][]memory.Option{"sys": nil, "two": nil})
		s.seed("sys", "folder/f")
		s.seed("two", "bo read folder/f")
		s.commit("people: [{person: al}, {person: bo}]" + to("al, bo") + "\n---\nsystem: two\nconnector: two\nstate: released\n")
		s.apply(engine.ExitOK)
		s.commit("people: [{person: al}]" + to("al"))
		s.apply(engine.ExitOK, allow("new-connection:two"))
		s.want("live", s.live("two"), "bo disabled")
	})
}

// TestVanishedInAdditive: what a merged change takes away counts as taken away by the
// declaration, not as drift that an additive system keeps.
func TestVanishedInAdditive(t *testing.T) {
	const system = "\n---\nsystem: sys\nconnector: sys\nmode: additive\nmanage: ['*/*']\n"
	s := oneSystem(t)
	s.seed("sys", "folder/f", "zed read folder/f")
	s.commit("people: [{person: al}, {person: bo}]" + to("al, bo") + system)
	s.apply(engine.ExitOK)
	s.commit("people: [{person: al}, {person: bo}]" + to("al") + system)
	s.apply(engine.ExitOK, base("HEAD"))
	s.want("live", s.live("sys"), "al", "bo", "zed", "al read folder/f", "zed read folder/f")
}

// TestLostHistory: if what was last applied can't be read, nobody can tell who left since. So
// nothing counts as applied until it can.
func TestLostHistory(t *testing.T) {
	s := oneSystem(t)
	s.seed("sys", "folder/f")
	s.commit("people: [{person: al}, {person: bo}]" + to("al, bo"))
	s.apply(engine.ExitOK)
	s.commit("people: [{person: al}]" + to("al"))
	whole := s.dir
	s.dir = filepath.Join(t.TempDir(), "shallow")
	gitIn(t, whole, "clone", "-q", "--depth", "1", "file://"+whole, s.dir)
	if err := os.CopyFS(filepath.Join(s.dir, ".accord"), os.DirFS(filepath.Join(whole, ".accord"))); err != nil {
		t.Fatal(err)
	}
	p := s.plan()
	if engine.ExitOfPlan(p) != engine.ExitIncomplete || len(p.Notes) != 1 || !strings.Contains(p.Notes[0], "can't be read") {
		t.Errorf("exit %d, notes %v", engine.ExitOfPlan(p), p.Notes)
	}
	s.apply(engine.ExitIncomplete)
	s.apply(engine.ExitIncomplete)
	gitIn(t, s.dir, "fetch", "-q", "--unshallow")
	s.apply(engine.ExitOK)
	s.want("live", s.live("sys"), "al", "bo disabled", "al read folder/f")

	t.Run("for good", func(t *testing.T) {
		s := oneSystem(t)
		s.seed("sys", "folder/f")
		s.commit("people: [{person: al}]" + to("al"))
		s.apply(engine.ExitOK)
		if err := os.RemoveAll(filepath.Join(s.dir, ".git")); err != nil {
			t.Fatal(err)
		}
		gitIn(t, s.dir, "init", "-q", "-b", "main")
		s.commit("people: [{person: al}, {person: bo}]" + to("al"))
		s.apply(engine.ExitIncomplete)
		s.apply(engine.ExitOK, allow("lost-history:sys"))
		s.apply(engine.ExitOK)
	})
}

// TestComeAndGone: a system may be kept from standing applied for long, by a refusal that
// nobody cares for. Who comes and goes meanwhile has left all the same.
func TestComeAndGone(t *testing.T) {
	s := oneSystem(t)
	s.seed("sys", "folder/f", "cy disabled")
	s.commit("people: [{person: cy}]" + to("cy"))
	s.apply(engine.ExitRefused)
	s.commit("people: [{person: cy}, {person: x}]" + to("cy, x"))
	s.apply(engine.ExitPartly)
	s.commit("people: [{person: cy}]" + to("cy"))
	s.apply(engine.ExitPartly)
	s.want("live", s.live("sys"), "cy disabled", "x disabled")

	s.commit("people: [{person: cy}, {person: y}]" + to("cy, y"))
	s.apply(engine.ExitPartly)
	s.far["sys"].Deny(access.Account("y"))
	s.commit("people: [{person: cy}]" + to("cy"))
	s.apply(engine.ExitFailed)
	s.far["sys"].Heal()
	s.commit("people: [{person: cy}, {person: z}]" + to("cy"))
	s.apply(engine.ExitPartly)
	s.want("live", s.live("sys"), "cy disabled", "x disabled", "y disabled")
}

// TestLeaversStayOut: an account that comes back after its person left is disabled again, also
// when nobody is declared any more; and deleted when it is time.
func TestLeaversStayOut(t *testing.T) {
	s := oneSystem(t)
	const system = "\n---\nsystem: sys\nconnector: sys\nmode: authoritative\naccounts: {delete_after: 30d}\nguards: {max_leavers: 100%, max_removals: 100%}\n"
	s.seed("sys", "folder/f")
	s.commit("people: [{person: al}, {person: bo}]" + to("al, bo") + system)
	s.apply(engine.ExitOK)
	s.commit("people: [{person: bo}]" + to("bo") + system)
	s.apply(engine.ExitOK)
	back := access.Change{System: "sys", Action: access.Enable, Subject: access.Account("al"), Before: &access.Value{Disabled: true}, After: &access.Value{}}
	if err := s.far["sys"].Do(back); err != nil {
		t.Fatal(err)
	}
	s.apply(engine.ExitOK)
	s.want("live", s.live("sys"), "al disabled", "bo", "bo read folder/f")
	s.now = s.now.AddDate(0, 0, 31)
	s.apply(engine.ExitOK)
	s.want("live", s.live("sys"), "bo", "bo read folder/f")
}

// TestPlanReadsOnly: planning gets a connector that can't write, and the journal isn't made.
func TestPlanReadsOnly(t *testing.T) {
	s := oneSystem(t)
	s.seed("sys", "folder/f")
	s.commit("people: [{person: al}]" + to("al"))
	var first, again bytes.Buffer
	for _, b := range []*bytes.Buffer{&first, &again} {
		if err := plan.Write(b, s.plan()); err != nil {
			t.Fatal(err)
		}
	}
	if first.String() != again.String() {
		t.Error("two plans of the same differ")
	}
	if c := s.far["sys"].Calls(); c.Apply+c.Batch+c.Writes != 0 || c.Opened != c.Closed {
		t.Errorf("calls: %+v", c)
	}
	if _, err := os.Stat(filepath.Join(s.dir, ".accord")); !os.IsNotExist(err) {
		t.Errorf("planning left something behind: %v", err)
	}
	if out, err := exec.Command("git", "-C", s.dir, "status", "--porcelain").Output(); err != nil || len(out) > 0 {
		t.Errorf("git status: %s %v", out, err)
	}
}
