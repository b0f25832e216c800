package repo

import "testing"

// TestForkPoint: where a commit was a change of the line that head is on, whether it was merged,
// squashed, or is of the line itself.
func TestForkPoint(t *testing.T) {
	g := newGit(t)
	first := g.commit("first", "accord.yaml", "version: 1\n")
	g.run("checkout", "-q", "-b", "merged")
	one := g.commit("one", "a.yaml", "a: 1\n")
	two := g.commit("two", "b.yaml", "b: 1\n")
	g.run("checkout", "-q", "main")
	second := g.commit("second", "c.yaml", "c: 1\n")
	g.run("merge", "-q", "--no-ff", "-m", "merge", "merged")
	merge := g.run("rev-parse", "HEAD")
	g.run("checkout", "-q", "-b", "squashed")
	three := g.commit("three", "d.yaml", "d: 1\n")
	g.run("checkout", "-q", "main")
	g.run("merge", "-q", "--squash", "squashed")
	head := g.commit("squash")
	r := open1(t, g.dir)
	for _, tt := range []struct{ name, of, want string }{
		{"merged", two, first}, {"not the last of what was merged", one, first}, {"squashed", three, merge},
		{"of the line", second, ""}, {"head itself", head, ""}, {"the root", first, ""},
	} {
		fork, ok, err := r.ForkPoint(t.Context(), resolve(t, r, head), resolve(t, r, tt.of))
		if err != nil || ok != (tt.want != "") || fork.Hash != tt.want {
			t.Errorf("%s: %q, %v, %v; want %q", tt.name, fork.Hash, ok, err, tt.want)
		}
	}
}
