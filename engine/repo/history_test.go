package repo

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// numbers is a file of which each line is a number of its own, in order: however it was merged,
// there is one answer only to who wrote which line.
type numbers map[int]bool

func (n numbers) text() string {
	var b strings.Builder
	for _, i := range slices.Sorted(maps.Keys(n)) {
		fmt.Fprintf(&b, "- %d\n", i)
	}
	return b.String()
}

// randomHistory commits on three branches, merges them now and then, and returns all commits.
// Clocks are off by up to spread.
func randomHistory(g *gitRepo, rng *rand.Rand, steps int, spread time.Duration) []string {
	branches := []string{"main", "one", "two"}
	content := map[string]numbers{}
	start := g.commit("start", "accord.yaml", accord, "sub/list.yaml", "- 0\n")
	commits := []string{start}
	for _, b := range branches {
		content[b] = numbers{0: true}
		if b != "main" {
			g.run("branch", b)
		}
	}
	next := 1
	for i := range steps {
		b := branches[rng.IntN(len(branches))]
		g.run("checkout", "-q", b)
		if spread > 0 {
			g.clock = g.clock.Add(time.Duration(rng.Int64N(int64(2*spread))) - spread)
		}
		mine := maps.Clone(content[b])
		if other := branches[rng.IntN(len(branches))]; other != b && rng.IntN(3) == 0 {
			g.run("merge", "-q", "-s", "ours", "--no-ff", "--no-commit", other)
			maps.Copy(mine, content[other])
		} else {
			for range 1 + rng.IntN(3) {
				mine[rng.IntN(1000)*1000+next] = true
				next++
			}
			if keys := slices.Sorted(maps.Keys(mine)); len(keys) > 3 && rng.IntN(2) == 0 {
				delete(mine, keys[rng.IntN(len(keys))])
			}
		}
		content[b] = mine
		commits = append(commits, g.commit(fmt.Sprint("step ", i), "sub/list.yaml", mine.text()))
	}
	g.run("checkout", "-q", "main")
	return commits
}

func TestBlameAgreesWithGit(t *testing.T) {
	for seed := range uint64(3) {
		g := newGit(t)
		randomHistory(g, rand.New(rand.NewPCG(seed, 1)), 40, 0)
		// The access root is a sub-folder, so that paths need translating.
		r := open1(t, filepath.Join(g.dir, "sub"))
		head := resolve(t, r, "")
		lines, err := r.Blame(t.Context(), head, "list.yaml")
		if err != nil {
			t.Fatal(err)
		}
		var got, want []string
		merges := map[string]string{}
		for _, l := range lines {
			got = append(got, l.Hash)
			if l.Boundary {
				t.Error("a boundary in a full clone")
			}
			merges[l.Hash] = ""
			if l.Merge != nil {
				merges[l.Hash] = l.Merge.Hash
			}
		}
		for id, merge := range merges {
			if w := mergedBy(g, id); w != merge {
				t.Errorf("seed %d: %s was merged by %q, want %q", seed, id, merge, w)
			}
		}
		for line := range strings.Lines(g.run("blame", "-l", "-s", "--root", "HEAD", "--", "sub/list.yaml")) {
			want = append(want, line[:40])
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("seed %d: %s", seed, d)
		}
		again, err := r.Blame(t.Context(), head, "list.yaml")
		if err != nil || !cmp.Equal(again, lines) {
			t.Errorf("the second answer differs: %v", err)
		}
	}
}

// mergedBy asks git which commit of the first-parent line brought a commit in.
func mergedBy(g *gitRepo, id string) string {
	first := strings.Fields(g.run("rev-list", "--first-parent", "HEAD"))
	if slices.Contains(first, id) {
		return ""
	}
	after := strings.Fields(g.run("rev-list", "--ancestry-path", id+"..HEAD"))
	for _, c := range slices.Backward(first) {
		if slices.Contains(after, c) {
			return c
		}
	}
	return "nobody"
}

func TestBlameCases(t *testing.T) {
	g := newGit(t)
	g.commit("first", "accord.yaml", accord, "people/alice.yaml", "person: alice\nname: A\n", "empty.yaml", "", "people/copy.yaml", "x\ny\n")
	g.commit("second", "people/alice.yaml", "person: alice\nname: Alice\n")
	g.run("mv", "people/alice.yaml", "people/staff.yaml")
	g.commit("moved")
	g.commit("line ends", "people/staff.yaml", "person: alice\r\nname: Alice\r\nemail: a@x\r\n")
	g.commit("no newline at the end", "people/staff.yaml", "person: alice\nname: Alice\nemail: a@x\nstatus: left")
	g.commit("became a folder", "folder.yaml/x.yaml", "1\n")
	r := open1(t, g.dir)
	head := resolve(t, r, "")
	for path, want := range map[string][]string{
		"people/staff.yaml":  {"first", "second", "line ends", "no newline at the end"},
		"accord.yaml":        {"first"},
		"empty.yaml":         nil,
		"folder.yaml/x.yaml": {"became a folder"},
	} {
		lines, err := r.Blame(t.Context(), head, path)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, l := range lines {
			got = append(got, l.Subject)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: %s", path, d)
		}
	}
	for _, path := range []string{"nowhere.yaml", "people", "accord.yaml/x", "../x", ""} {
		if _, err := r.Blame(t.Context(), head, path); !errors.Is(err, ErrNotThere) {
			t.Errorf("%q: %v", path, err)
		}
	}
}

func TestMergeBaseAgreesWithGit(t *testing.T) {
	for seed := range uint64(3) {
		g := newGit(t)
		rng := rand.New(rand.NewPCG(seed, 2))
		commits := randomHistory(g, rng, 30, time.Duration(seed)*time.Hour)
		r := open1(t, g.dir)
		for range 12 {
			a, b := commits[rng.IntN(len(commits))], commits[rng.IntN(len(commits))]
			got, err := r.MergeBase(t.Context(), resolve(t, r, a), resolve(t, r, b))
			if err != nil {
				t.Fatal(err)
			}
			want := strings.Fields(g.run("merge-base", "--all", a, b))
			if !slices.Contains(want, got.Hash) {
				t.Errorf("seed %d: %s %s: got %s, want one of %v", seed, a, b, got.Hash, want)
			}
			for _, w := range want {
				if resolve(t, r, w).Time.After(got.Time) {
					t.Errorf("seed %d: %s isn't the newest of %v", seed, got.Hash, want)
				}
			}
		}
	}
}

func TestNoMergeBase(t *testing.T) {
	g := newGit(t)
	first := g.commit("first", "accord.yaml", accord)
	g.run("checkout", "-q", "--orphan", "other")
	other := g.commit("unrelated")
	r := open1(t, g.dir)
	if _, err := r.MergeBase(t.Context(), resolve(t, r, first), resolve(t, r, other)); !errors.Is(err, ErrNoMergeBase) {
		t.Errorf("got %v", err)
	}
}

func TestChangedAgreesWithGit(t *testing.T) {
	g := newGit(t)
	rng := rand.New(rand.NewPCG(3, 3))
	commits := []string{g.commit("start", "accord.yaml", accord)}
	name := func() string {
		// "a", "a.b" and "a/…" sort differently as files and as folders.
		parts := []string{"a", "a.b", "a-b", "a0", "b", "ü"}
		p := parts[rng.IntN(len(parts))]
		for range rng.IntN(3) {
			p += "/" + parts[rng.IntN(len(parts))]
		}
		return p
	}
	for i := range 40 {
		for range 1 + rng.IntN(6) {
			p := name()
			full := filepath.Join(g.dir, p)
			switch rng.IntN(4) {
			case 0:
				os.RemoveAll(full)
			default:
				for dir := filepath.Dir(full); len(dir) > len(g.dir); dir = filepath.Dir(dir) {
					if info, err := os.Lstat(dir); err == nil && !info.IsDir() {
						os.Remove(dir)
					}
				}
				os.RemoveAll(full)
				g.write(p, fmt.Sprint(rng.IntN(4)))
				if rng.IntN(5) == 0 {
					os.Chmod(full, 0o755)
				}
			}
		}
		commits = append(commits, g.commit(fmt.Sprint(i)))
	}
	r := open1(t, g.dir)
	for range 60 {
		a, b := commits[rng.IntN(len(commits))], commits[rng.IntN(len(commits))]
		got, err := r.Changed(t.Context(), resolve(t, r, a), resolve(t, r, b))
		if err != nil {
			t.Fatal(err)
		}
		want := strings.Split(g.run("diff", "--name-only", "--no-renames", "-z", a, b), "\x00")
		want = slices.DeleteFunc(want, func(s string) bool { return s == "" })
		slices.Sort(want)
		if !slices.Equal(want, got) {
			t.Errorf("%s %s: %s", a, b, cmp.Diff(want, got))
		}
	}
}

func TestChangedBelowTheAccessRoot(t *testing.T) {
	g := newGit(t)
	first := g.commit("first", "other/x.yaml", "1")
	second := g.commit("second", "access/accord.yaml", accord, "access/people/a.yaml", "1", "other/x.yaml", "2")
	third := g.commit("third", "access/people/a.yaml", "2")
	r := open1(t, filepath.Join(g.dir, "access"))
	for _, c := range []struct {
		a, b string
		want []string
	}{
		{first, second, []string{"accord.yaml", "people/a.yaml"}},
		{second, third, []string{"people/a.yaml"}},
		{third, first, []string{"accord.yaml", "people/a.yaml"}},
		{third, third, nil},
	} {
		got, err := r.Changed(t.Context(), resolve(t, r, c.a), resolve(t, r, c.b))
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("got %v, %v; want %v", got, err, c.want)
		}
	}
}

func TestDiffers(t *testing.T) {
	g := newGit(t)
	head := g.commit("first", "accord.yaml", accord, "people/alice.yaml", "1\n2\n", "people/bob.yaml", "b\n",
		"people/gone.yaml", "g", "policy/a.rego", "a", "policy/data.yaml", "d", "README.md", "no")
	r := open1(t, g.dir)
	check := func(what string, want ...string) {
		t.Helper()
		got, err := r.Differs(t.Context(), resolve(t, r, head), "policy")
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: got %v, %v; want %v", what, got, err, want)
		}
	}
	check("fresh")
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(filepath.Join(g.dir, "people", "bob.yaml"), old, old); err != nil {
		t.Fatal(err)
	}
	check("touched only")
	g.write("README.md", "changed", "people/alice.yaml", "1\r\n2\r\n")
	check("what doesn't count")
	g.write("people/bob.yaml", "c\n") // same length
	check("edited", "people/bob.yaml")
	g.write("people/new.yaml", "n", "policy/a.rego", "other", "policy/b.rego", "b", "people/alice.yaml", "1\n")
	os.Remove(filepath.Join(g.dir, "people", "gone.yaml"))
	check("all kinds", "people/alice.yaml", "people/bob.yaml", "people/gone.yaml", "people/new.yaml", "policy/a.rego", "policy/b.rego")
	g.run("add", "-A")
	check("staged", "people/alice.yaml", "people/bob.yaml", "people/gone.yaml", "people/new.yaml", "policy/a.rego", "policy/b.rego")
	if err := os.WriteFile(filepath.Join(g.dir, ".git", "index"), []byte("DIRC nonsense"), 0o644); err != nil {
		t.Fatal(err)
	}
	check("without an index", "people/alice.yaml", "people/bob.yaml", "people/gone.yaml", "people/new.yaml", "policy/a.rego", "policy/b.rego")
	os.Remove(filepath.Join(g.dir, "accord.yaml"))
	check("without accord.yaml", "accord.yaml", "people/alice.yaml", "people/bob.yaml", "people/gone.yaml", "policy/a.rego", "policy/b.rego")
}

func TestSinceAgreesWithGit(t *testing.T) {
	for seed := range uint64(3) {
		g := newGit(t)
		rng := rand.New(rand.NewPCG(seed, 5))
		commits := randomHistory(g, rng, 30, time.Duration(seed)*time.Hour)
		r := open1(t, g.dir)
		for range 12 {
			past, head := commits[rng.IntN(len(commits))], commits[rng.IntN(len(commits))]
			list, err := r.Since(t.Context(), resolve(t, r, past), resolve(t, r, head))
			if err != nil {
				t.Fatal(err)
			}
			got := make([]string, len(list))
			for i, rev := range list {
				got[i] = rev.Hash
			}
			// git rev-list head ^past would trust the clocks.
			held := strings.Fields(g.run("rev-list", past))
			want := strings.Fields(g.run("rev-list", "--first-parent", "--reverse", head))
			want = slices.DeleteFunc(want, func(c string) bool { return slices.Contains(held, c) })
			if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
				t.Errorf("seed %d: %s to %s: %s", seed, past, head, d)
			}
		}
	}
}
