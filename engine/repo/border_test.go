package repo

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-git/go-git/v5/plumbing/filemode"
)

// FuzzParseTree: whatever the bytes are, nothing panics; what is accepted is a tree as git
// writes it, and is written back to the same bytes.
func FuzzParseTree(f *testing.F) {
	id := strings.Repeat("\x01", 20)
	f.Add([]byte("100644 a.yaml\x00" + id + "40000 b\x00" + id))
	f.Add([]byte("40000 a\x00" + id + "100644 a.b\x00" + id))
	f.Add([]byte("100644 ..\x00" + id))
	f.Fuzz(func(t *testing.T, data []byte) {
		entries, err := parseTree(data)
		if err != nil {
			return
		}
		var again []byte
		for i, e := range entries {
			if e.name == "" || e.name == "." || e.name == ".." || strings.ContainsAny(e.name, "/\x00") || strings.EqualFold(e.name, ".git") {
				t.Fatalf("accepted the name %q", e.name)
			}
			if i > 0 && entries[i-1].key() >= e.key() {
				t.Fatalf("%q stands before %q", entries[i-1].name, e.name)
			}
			again = fmt.Appendf(again, "%o %s\x00%s", uint32(e.mode), e.name, e.id[:])
		}
		// Old tools wrote modes with leading zeros; nothing else may be spelt in two ways.
		if want := trimModes(data, entries); !bytes.Equal(again, want) {
			t.Fatalf("%q became %q", want, again)
		}
	})
}

// trimModes takes leading zeros off the modes.
func trimModes(data []byte, entries []treeEntry) []byte {
	var out []byte
	for _, e := range entries {
		space := bytes.IndexByte(data, ' ')
		out = append(out, bytes.TrimLeft(data[:space], "0")...)
		if e.mode == filemode.Empty {
			out = append(out, '0')
		}
		n := space + 1 + len(e.name) + 1 + 20
		out = append(out, data[space:n]...)
		data = data[n:]
	}
	return out
}

// FuzzResolve: no name makes anything panic or leads out of the refs.
func FuzzResolve(f *testing.F) {
	g := newGit(f)
	g.commit("first", "accord.yaml", accord)
	g.commit("second")
	r, err := Open(g.dir)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { r.Close() })
	for _, s := range []string{"HEAD", "main~1", "@^0", "refs/heads/main", "../HEAD", "HEAD^{}", "0000", "refs/../config"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		rev, err := r.Resolve(t.Context(), name)
		if err == nil && (len(rev.Hash) != 40 || rev.Subject != "first" && rev.Subject != "second") {
			t.Fatalf("%q gave %+v", name, rev)
		}
	})
}

// TestUntouched: the index is believed about a file only if all that it remembers still holds.
func TestUntouched(t *testing.T) {
	g := newGit(t)
	g.commit("first", "accord.yaml", accord)
	file := filepath.Join(g.dir, "accord.yaml")
	past := time.Now().Add(-time.Hour)
	if err := os.Chtimes(file, past, past); err != nil {
		t.Fatal(err)
	}
	g.run("update-index", "--refresh")
	r := open1(t, g.dir)
	var c comparison
	if err := r.use(func(h *handle) error { c.readIndex(h, ""); return nil }); err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(file)
	if err != nil {
		t.Fatal(err)
	}
	e := c.index["accord.yaml"]
	if e == nil || !c.untouched(e, info) {
		t.Fatalf("a file that git knows counts as touched: %v", e)
	}
	for what, change := range map[string]func(*indexEntry, *comparison){
		"size":          func(e *indexEntry, _ *comparison) { e.Size++ },
		"time":          func(e *indexEntry, _ *comparison) { e.ModifiedAt = e.ModifiedAt.Add(1) },
		"conflict":      func(e *indexEntry, _ *comparison) { e.Stage = 2 },
		"intent to add": func(e *indexEntry, _ *comparison) { e.IntentToAdd = true },
		"as young as the index": func(_ *indexEntry, c *comparison) {
			c.written = info.ModTime()
		},
	} {
		changed, with := *e, c
		change(&changed, &with)
		if with.untouched(&changed, info) {
			t.Errorf("%s: counts as untouched", what)
		}
	}
}

func TestDiffersFromACommitWithoutAccord(t *testing.T) {
	g := newGit(t)
	g.commit("first", "README.md", "x")
	g.write("accord.yaml", accord, "people/a.yaml", "x")
	r := open1(t, g.dir)
	got, err := r.Differs(t.Context(), resolve(t, r, ""), "policy")
	if err != nil || !slices.Equal(got, []string{"accord.yaml", "people/a.yaml"}) {
		t.Errorf("got %v, %v", got, err)
	}
}
