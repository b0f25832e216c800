package repo

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/accordhq/accord/engine/journal"
)

// rewriteRef puts other segments on the remote, as a commit on a parent ("": none), by git itself.
func rewriteRef(t *testing.T, g *gitRepo, parent string, segments ...string) {
	t.Helper()
	var leaf, sub, top bytes.Buffer
	for i, s := range segments {
		cmd := g.command("hash-object", "-w", "--stdin")
		cmd.Stdin = strings.NewReader(s)
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&leaf, "100644 blob %s\t%03d.jsonl\n", strings.TrimSpace(string(out)), i)
	}
	tree := func(in *bytes.Buffer) string {
		cmd := g.command("mktree")
		cmd.Stdin = in
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(out))
	}
	fmt.Fprintf(&sub, "040000 tree %s\t000\n", tree(&leaf))
	fmt.Fprintf(&top, "040000 tree %s\t000\n", tree(&sub))
	args := []string{"commit-tree", "-m", "tampered", tree(&top)}
	if parent != "" {
		args = append(args, "-p", parent)
	}
	g.run("update-ref", testRef, g.run(args...))
}

// TestJournalRefTampered: a ref that was rewound, forked, edited or cut is found out by whoever
// has seen it before, and an edited one by everybody.
func TestJournalRefTampered(t *testing.T) {
	segment := func(g *gitRepo, i int) string {
		out, err := g.command("cat-file", "blob", fmt.Sprintf("%s:000/000/%03d.jsonl", testRef, i)).Output()
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	edited := func(s string) string { return strings.Replace(s, `"actor":"robin"`, `"actor":"alice"`, 1) }
	tests := map[string]struct {
		do    func(*gitRepo)
		seen  error // for a clone that has seen the journal
		fresh error // for one that hasn't
	}{
		"rewound":         {func(g *gitRepo) { g.run("update-ref", testRef, testRef+"~1") }, journal.ErrRewound, nil},
		"gone":            {func(g *gitRepo) { g.run("update-ref", "-d", testRef) }, journal.ErrRewound, nil},
		"forked":          {func(g *gitRepo) { rewriteRef(t, g, testRef+"~1", segment(g, 0), segment(g, 1)) }, journal.ErrRewound, nil},
		"begun anew":      {func(g *gitRepo) { rewriteRef(t, g, "", segment(g, 0)) }, journal.ErrRewound, nil},
		"edited, on top":  {func(g *gitRepo) { rewriteRef(t, g, testRef, edited(segment(g, 0)), segment(g, 1), segment(g, 2)) }, journal.ErrRewound, journal.ErrBroken},
		"edited, anew":    {func(g *gitRepo) { rewriteRef(t, g, "", edited(segment(g, 0)), segment(g, 1), segment(g, 2)) }, journal.ErrRewound, journal.ErrBroken},
		"a segment fewer": {func(g *gitRepo) { rewriteRef(t, g, testRef, segment(g, 0), segment(g, 1)) }, journal.ErrRewound, journal.ErrRewound},
		"one taken out":   {func(g *gitRepo) { rewriteRef(t, g, testRef, segment(g, 0), segment(g, 2)) }, journal.ErrRewound, journal.ErrBroken},
		"swapped":         {func(g *gitRepo) { rewriteRef(t, g, testRef, segment(g, 1), segment(g, 0), segment(g, 2)) }, journal.ErrRewound, journal.ErrBroken},
		"a false one more": {func(g *gitRepo) {
			rewriteRef(t, g, testRef, segment(g, 0), segment(g, 1), segment(g, 2), segment(g, 0))
		}, journal.ErrBroken, journal.ErrBroken},
		"half a line": {func(g *gitRepo) { rewriteRef(t, g, testRef, segment(g, 0), segment(g, 1), segment(g, 2), "{") }, journal.ErrBroken, journal.ErrBroken},
		"a branch":    {func(g *gitRepo) { g.run("update-ref", testRef, "main") }, journal.ErrRewound, journal.ErrBroken},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			bare, one, two := twoClones(t)
			w := newWriter(t, one.dir)
			w.whole("a")
			head := w.sound(3)
			tt.do(bare)
			check := func(who string, err, want error) {
				t.Helper()
				if !errors.Is(err, want) || want == nil && err != nil {
					t.Errorf("%s: %v, want %v", who, err, want)
				}
			}
			_, err := newWriter(t, one.dir).verify("")
			check("who has seen it", err, tt.seen)
			_, err = journal.OpenReadOnly(t.Context(), newWriter(t, one.dir).store)
			check("who has seen it and plans", err, tt.seen)
			_, err = newWriter(t, two.dir).verify("")
			check("who hasn't", err, tt.fresh)
			// A head that was kept elsewhere finds what nobody else can.
			if _, err := newWriter(t, two.dir).verify(head); err == nil {
				t.Error("with a head from before, nothing is found")
			}
		})
	}
}

// TestJournalRefMergeCommit: a commit with two parents is no commit of a journal.
func TestJournalRefMergeCommit(t *testing.T) {
	bare, one, two := twoClones(t)
	newWriter(t, one.dir).whole("a")
	bare.run("update-ref", testRef, bare.run("commit-tree", "-m", "m", testRef+"^{tree}", "-p", testRef, "-p", "main"))
	for _, dir := range []string{one.dir, two.dir} {
		if _, err := newWriter(t, dir).verify(""); !errors.Is(err, journal.ErrBroken) {
			t.Error(err)
		}
	}
}

// TestJournalRefSecond: a journal can't begin beside another one.
func TestJournalRefSecond(t *testing.T) {
	_, one, two := twoClones(t)
	newWriter(t, one.dir).whole("a")
	w := newWriter(t, two.dir, func(o *JournalOptions) { o.Ref = "refs/accord/other" })
	if _, err := journal.OpenReadOnly(t.Context(), w.store); err == nil || !strings.Contains(err.Error(), "there is a journal in "+testRef+" already") {
		t.Error(err)
	}
}
