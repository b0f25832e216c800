package repo

import (
	"bytes"
	"errors"
	"testing"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/memory"
)

// placeholders for ids in the trees of FuzzJournalTree.
var (
	idBlob = bytes.Repeat([]byte("B"), 20)
	idLeaf = bytes.Repeat([]byte("L"), 20)
	idSub  = bytes.Repeat([]byte("S"), 20)
)

// FuzzJournalTree reads what anybody with the right to push could put on the ref. It is refused,
// or it is a journal: one that can be gone on with, and still is one then.
func FuzzJournalTree(f *testing.F) {
	entry := func(mode, name string, id []byte) []byte { return append([]byte(mode+" "+name+"\x00"), id...) }
	leaf := entry("100644", "000.jsonl", idBlob)
	two := append(bytes.Clone(leaf), entry("100644", "001.jsonl", idBlob)...)
	sub, top := entry("40000", "000", idLeaf), entry("40000", "000", idSub)
	f.Add(leaf, sub, top, []byte("{}\n"), "")
	f.Add(two, sub, top, []byte("{}\n{}\n"), "parent 1234567890123456789012345678901234567890\n")
	f.Add(two, append(bytes.Clone(sub), entry("40000", "001", idLeaf)...), top, []byte("x"), "")
	f.Add(entry("120000", "000.jsonl", idBlob), sub, top, []byte("{}\n"), "")
	f.Add(entry("100644", "001.jsonl", idBlob), sub, entry("40000", "001", idSub), []byte("\n"), "")
	f.Add([]byte{}, []byte{}, []byte("40000"), []byte{}, "\n\n")
	dir := f.TempDir()
	if _, err := git.PlainInit(dir, false); err != nil {
		f.Fatal(err)
	}
	at, err := findGit(dir)
	if err != nil {
		f.Fatal(err)
	}
	main, err := at.open()
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { main.close() })
	f.Fuzz(func(t *testing.T, leaf, sub, top, blob []byte, parents string) {
		h := &journalHandle{handle: main, fresh: memory.NewStorage()}
		put := func(kind plumbing.ObjectType, data []byte) []byte {
			o := &plumbing.MemoryObject{}
			o.SetType(kind)
			o.Write(data)
			id, err := h.fresh.SetEncodedObject(o)
			if err != nil {
				t.Fatal(err)
			}
			return id[:]
		}
		leaf = bytes.ReplaceAll(leaf, idBlob, put(plumbing.BlobObject, blob))
		sub = bytes.ReplaceAll(sub, idLeaf, put(plumbing.TreeObject, leaf))
		top = bytes.ReplaceAll(top, idSub, put(plumbing.TreeObject, sub))
		tree := plumbing.Hash(put(plumbing.TreeObject, top))
		commit := plumbing.Hash(put(plumbing.CommitObject, []byte("tree "+tree.String()+"\n"+parents+"author a <a> 0 +0000\ncommitter a <a> 0 +0000\n\nm\n")))
		lines, err := h.lines(t.Context(), commit)
		if err != nil {
			return
		}
		next, err := h.build(commit, []byte("next\n"), message{object.Signature{Name: "a", Email: "b"}, "m"})
		if errors.Is(err, plumbing.ErrObjectNotFound) {
			return
		}
		if err != nil {
			t.Fatalf("it can be read, and not be gone on with: %v", err)
		}
		for _, o := range next.objects {
			if _, err := h.fresh.SetEncodedObject(o); err != nil {
				t.Fatal(err)
			}
		}
		after, err := h.lines(t.Context(), next.id)
		if err != nil || string(after) != string(lines)+"next\n" {
			t.Fatalf("gone on: %q, %v; before it was %q", after, err, lines)
		}
		if err := h.grown(t.Context(), commit, next.id); err != nil {
			t.Fatal(err)
		}
		if err := h.begins(next.objects[len(next.objects)-2].Hash(), tree, 1); err == nil {
			t.Fatal("what is cut counts as going on")
		}
	})
}
