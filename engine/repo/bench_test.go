package repo

import (
	"fmt"
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
