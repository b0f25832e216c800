package journal

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/accordhq/accord/engine/access"
)

// longJournal has lines that are many times what is read at once, between short ones, and one that
// is as long and isn't a Begun.
func longJournal(t *testing.T) []byte {
	s := &memStore{}
	j := mustOpen(t, s)
	begun, ended, back := large(25_000)
	begun.Changes[7].After = &access.Value{Disabled: true, Attributes: map[string]string{"title": "a \"quote\",\tä tab"}}
	begun.Changes[7].Action, begun.Changes[7].Target = access.Create, access.ID{}
	linked := Linked{System: "directory"}
	for i := range 40_000 {
		linked.Accounts = append(linked.Accounts, LinkedAccount{ID: fmt.Sprint("id-", i), Person: fmt.Sprint("person-", i)})
	}
	mustAppend(t, j, "one", Opened{Revision: "r"}, begun, ended, back, linked, Note{Topic: "x"})
	begun.Unit, ended.Unit, ended.Except = 2, 2, nil
	mustAppend(t, j, "one", begun, Begun{System: "other", Unit: 1, Changes: []Change{revoke("other", "x")}}, ended, Closed{})
	return s.data
}

// verdict is what opening a store and reading it amount to, whatever it is called.
func verdict(t *testing.T, s Store) string {
	j, err := OpenReadOnly(t.Context(), s)
	if err != nil {
		return strings.ReplaceAll(err.Error(), s.String(), "STORE")
	}
	return fmt.Sprint(j.Torn(), j.Head(), j.chain.size)
}

// readVerdict is the same of reading each entry as it was written.
func readVerdict(t *testing.T, s Store) string {
	head := ""
	for e, err := range ReadAll(t.Context(), s) {
		if err != nil {
			return strings.ReplaceAll(err.Error(), s.String(), "STORE")
		}
		head = e.Hash
	}
	return head
}

// TestLongLines: a journal that is read in parts is the one that is read whole.
func TestLongLines(t *testing.T) {
	data := longJournal(t)
	path := filepath.Join(t.TempDir(), "j")
	writeJournal(t, path, data)
	inParts, err := OpenReadOnly(t.Context(), Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	wholly := mustOpen(t, &memStore{data: data})
	for _, system := range []string{"directory", "other"} {
		if a, b := told(wholly.Memory(), system), told(inParts.Memory(), system); a != b || len(a) < 50 {
			t.Errorf("%s: %.200s\nin parts: %.200s", system, a, b)
		}
	}
	if a, b := wholly.Memory().Linked("directory"), inParts.Memory().Linked("directory"); len(a) != 40_000 || !reflect.DeepEqual(a, b) {
		t.Errorf("linked: %d and %d", len(a), len(b))
	}
	if got, want := verdict(t, Dir(path)), verdict(t, &memStore{data: data}); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	// Nothing of a file is kept for longer than it is needed: what is in memory is about a change.
	src, err := read(t.Context(), Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	defer src.close()
	var p packer
	var c chain
	for range 2 {
		e, n, err := c.next(src, &p)
		if err != nil {
			t.Fatal(err)
		}
		c.seq, c.head, c.size = e.Seq, e.Hash, c.size+n
	}
	if int64(len(src.buf)) != firstRead || c.size < 2*firstRead {
		t.Errorf("%d bytes are in memory for a line of %d", len(src.buf), c.size)
	}
}

func writeJournal(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(path, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(path, FileName), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestDamageInLongLines: whatever happens to a journal that is read in parts, it is found out, and
// told in the same words as in one that is read whole, entry by entry.
func TestDamageInLongLines(t *testing.T) {
	data := longJournal(t)
	var starts []int
	for at := 0; at < len(data); at += bytes.IndexByte(data[at:], '\n') + 1 {
		starts = append(starts, at)
	}
	var r *rand.Rand
	// The second line is the first that is long.
	inside := func() int { return starts[1] + r.IntN(starts[2]-starts[1]-sealLen-300) + 290 }
	end := starts[2] - 1
	for name, damage := range map[string]func(b []byte) []byte{
		"as it was":            func(b []byte) []byte { return b },
		"a letter":             func(b []byte) []byte { b[inside()] ^= 1; return b },
		"not UTF-8":            func(b []byte) []byte { b[inside()] = 0xff; return b },
		"a newline":            func(b []byte) []byte { b[inside()] = '\n'; return b },
		"cut inside":           func(b []byte) []byte { return b[:inside()] },
		"cut in the seal":      func(b []byte) []byte { return b[:end-20] },
		"cut before newline":   func(b []byte) []byte { return b[:end] },
		"a hole at the end":    func(b []byte) []byte { return hole(b[:end+1], end/2) },
		"a hole inside":        func(b []byte) []byte { return hole(b, end/2) },
		"a letter of the seal": func(b []byte) []byte { b[end-10] ^= 1; return b },
		"behind the seal":      func(b []byte) []byte { return slices.Insert(b, end, ' ') },
		"a later version":      func(b []byte) []byte { return reseal(b, starts[1], `{"v":1,`, `{"v":2,`) },
		"another number":       func(b []byte) []byte { return reseal(b, starts[1], `"seq":2,`, `"seq":3,`) },
		"another predecessor": func(b []byte) []byte {
			return reseal(b, starts[1], `"prev":"`, `"prev":"`+strings.Repeat("0", 64)+`","x":"`)
		},
		"another time": func(b []byte) []byte { return reseal(b, starts[1], `"time":"2`, `"time":"x`) },
		"another kind": func(b []byte) []byte { return reseal(b, starts[1], `"kind":"begun"`, `"kind":"other"`) },
		"not a change": func(b []byte) []byte {
			return reseal(b, starts[1], `person-020000","target"`, `person-020000","tarket"`)
		},
		"not an id":    func(b []byte) []byte { return reseal(b, starts[1], `account/person-020000`, `account:person-020000`) },
		"a bad escape": func(b []byte) []byte { return reseal(b, starts[1], `account/person-020000`, `account/person\x020000`) },
		"sealed and not UTF-8": func(b []byte) []byte {
			return reseal(b, starts[1], `account/person-020000`, "account/person\xff020000")
		},
		"sealed, spelled oddly": func(b []byte) []byte {
			return reseal(b, starts[1], `account/person-020000`, `account/person\u002d020000`)
		},
		"a very long name": func(b []byte) []byte {
			return reseal(b, starts[1], `account/person-020000`, `account/`+strings.Repeat("long", firstRead/2))
		},
		"a long name": func(b []byte) []byte {
			return reseal(b, starts[1], `account/person-020000`, `account/`+strings.Repeat("long", longChange/2))
		},
	} {
		t.Run(name, func(t *testing.T) {
			r = rand.New(rand.NewPCG(3, uint64(len(name))))
			b := damage(slices.Clone(data))
			path := filepath.Join(t.TempDir(), "j")
			writeJournal(t, path, b)
			mem := &memStore{data: b}
			want := verdict(t, mem)
			if got := verdict(t, Dir(path)); got != want {
				t.Errorf("in parts: %s\nwhole: %s", got, want)
			}
			// Reading each entry as it was written neither packs nor streams.
			got := readVerdict(t, Dir(path))
			if got != readVerdict(t, mem) {
				t.Errorf("entries in parts: %s", got)
			}
			if !strings.Contains(want, got) {
				t.Errorf("entry by entry: %s\npacked: %s", got, want)
			}
		})
	}
}

// hole puts zeros from a block's border to another, near a place.
func hole(b []byte, at int) []byte {
	at = at / 512 * 512
	clear(b[at : at+1024])
	return b
}

// reseal changes what a line says, and seals it anew; what follows doesn't fit any more.
func reseal(b []byte, start int, from, to string) []byte {
	end := start + bytes.IndexByte(b[start:], '\n')
	body := bytes.Replace(b[start:end-sealLen], []byte(from), []byte(to), 1)
	if bytes.Equal(body, b[start:end-sealLen]) {
		panic("nothing was changed")
	}
	sum := sha256.Sum256(append(slices.Clone(body), '}'))
	line := slices.Concat(body, []byte(lineHash+hex.EncodeToString(sum[:])+lineEnd))
	return slices.Concat(b[:start], line, b[end:])
}
