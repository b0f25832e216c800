package repo

import (
	"fmt"
	"strings"
	"testing"
)

// layout fills a packed repository with files of about that size.
func layout(b *testing.B, files, lines int) (*gitRepo, *Repo) {
	g := newGit(b)
	for i := range files {
		text := ""
		for j := range lines {
			text += fmt.Sprintf("- person: p%d-%d\n  name: Person %d of %d\n  attributes: {department: d%d, title: t%d}\n", i, j, j, i, i%20, j%7)
		}
		g.write(fmt.Sprintf("people/%03d/p%d.yaml", i/100, i), text)
	}
	g.commit("first", "accord.yaml", accord)
	g.write("people/000/p0.yaml", "person: other\n")
	g.commit("second")
	g.run("gc", "-q")
	r := open1(b, g.dir)
	b.ResetTimer()
	return g, r
}

func benchmarkFiles(b *testing.B, files, lines int) {
	_, r := layout(b, files, lines)
	head := resolve(b, r, "")
	var size int64
	for b.Loop() {
		list, err := r.Files(b.Context(), head)
		if err != nil || len(list) != files+1 {
			b.Fatal(len(list), err)
		}
		size = 0
		for _, f := range list {
			size += f.Size
		}
	}
	b.SetBytes(size)
}

func BenchmarkFilesSmall(b *testing.B) { benchmarkFiles(b, 5000, 10) }
func BenchmarkFilesLarge(b *testing.B) { benchmarkFiles(b, 200, 500) }

func BenchmarkOpen(b *testing.B) {
	g, _ := layout(b, 5000, 1)
	for b.Loop() {
		r, err := Open(g.dir)
		if err != nil {
			b.Fatal(err)
		}
		resolve(b, r, "")
		r.Close()
	}
}

func BenchmarkChanged(b *testing.B) {
	_, r := layout(b, 5000, 1)
	before, head := resolve(b, r, "HEAD~1"), resolve(b, r, "")
	for b.Loop() {
		if paths, err := r.Changed(b.Context(), before, head); err != nil || len(paths) != 1 {
			b.Fatal(paths, err)
		}
	}
}

func BenchmarkWorktree(b *testing.B) {
	g, _ := layout(b, 5000, 10)
	for b.Loop() {
		if _, err := Worktree(b.Context(), g.dir); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDiffers(b *testing.B) {
	g, r := layout(b, 5000, 10)
	g.run("status") // refreshes the index
	head := resolve(b, r, "")
	for b.Loop() {
		if paths, err := r.Differs(b.Context(), head); err != nil || len(paths) > 0 {
			b.Fatal(paths, err)
		}
	}
}

// BenchmarkBlame asks about one file of 2,000 in a history of 1,000 commits, a few of which
// touched it.
func BenchmarkBlame(b *testing.B) {
	g := newGit(b)
	var in strings.Builder
	text := func(i, version int) string {
		s := fmt.Sprintf("person: p%d\n", i)
		for j := range 20 {
			s += fmt.Sprintf("line-%d: %d\n", j, version/(j+1))
		}
		return s
	}
	for c := range 1000 {
		fmt.Fprintf(&in, "commit refs/heads/main\ncommitter bob <bob@acme.example> %d +0000\ndata 2\nx\n", 1_700_000_000+c*60)
		first, last := c%200, c%200
		if c == 0 {
			first, last = 0, 1999
		}
		for i := first; i <= last; i++ {
			t := text(i, c)
			fmt.Fprintf(&in, "M 100644 inline people/%02d/p%d.yaml\ndata %d\n%s\n", i/100, i, len(t), t)
		}
	}
	cmd := g.command("fast-import", "--quiet")
	cmd.Stdin = strings.NewReader(in.String())
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%v %s", err, out)
	}
	g.run("gc", "-q")
	b.ResetTimer()
	for b.Loop() {
		r, err := Open(g.dir)
		if err != nil {
			b.Fatal(err)
		}
		lines, err := r.Blame(b.Context(), resolve(b, r, ""), "people/01/p120.yaml")
		if err != nil || len(lines) != 21 {
			b.Fatal(len(lines), err)
		}
		r.Close()
	}
}
