package journal

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// written is a small journal with entries of every kind.
func written(t testing.TB) []byte {
	s := &memStore{}
	j := mustOpen(t, s)
	for _, e := range sample() {
		if err := j.Append(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	return s.data
}

// judge opens data that was made of a good journal and says what came of it: "broken", or how
// many entries were accepted and whether a tail was torn.
func judge(t testing.TB, data, original []byte) (n int, torn bool, broken *BrokenError) {
	t.Helper()
	s := &memStore{data: data}
	j, err := Open(t.Context(), s, clock())
	if err != nil {
		if !errors.As(err, &broken) || !errors.Is(err, ErrBroken) {
			t.Fatalf("an error of another kind: %v", err)
		}
		if _, err := Verify(t.Context(), s, ""); !errors.Is(err, ErrBroken) {
			t.Fatalf("Open finds it broken, Verify doesn't: %v", err)
		}
		return 0, false, broken
	}
	if !bytes.HasPrefix(original, data[:j.chain.size]) {
		t.Fatalf("accepted bytes that were never written:\n%q", data[:j.chain.size])
	}
	return int(j.chain.seq), j.Torn() > 0, nil
}

// TestEachByte changes every single byte in several ways. Wherever it is, the journal is broken
// from that line on; the newline of the last line is the exception: losing it looks as if the
// line was cut short, and costs that line only.
func TestEachByte(t *testing.T) {
	good := written(t)
	lines := bytes.Count(good, []byte("\n"))
	for i := range good {
		line := 1 + bytes.Count(good[:i], []byte("\n"))
		for k, c := range []byte{good[i] ^ 1, good[i] ^ 0x20, good[i] ^ 0x80, 0, '\n', '"', ' ', '0', 0xff} {
			if c == good[i] || (i+k)%4 != 0 { // each byte in two ways, each way at a quarter of the bytes
				continue
			}
			bad := bytes.Clone(good)
			bad[i] = c
			n, torn, broken := judge(t, bad, good)
			switch {
			case broken != nil && (broken.Line == line || broken.Line == line+1 && good[i] == '\n'):
			case broken == nil && line == lines && n == lines-1 && torn && (i == len(good)-1 || c == 0 && i%512 == 511):
			default:
				t.Fatalf("byte %d of line %d, %q for %q: %d entries, torn %v, %v", i, line, c, good[i], n, torn, broken)
			}
		}
	}
}

func TestEachTruncation(t *testing.T) {
	good := written(t)
	whole := 0
	for i := range good {
		n, torn, broken := judge(t, good[:i], good)
		if i > 0 && good[i-1] == '\n' {
			whole++
		}
		if broken != nil || n != whole || torn != (i > 0 && good[i-1] != '\n') {
			t.Fatalf("cut after %d bytes: %d entries, torn %v, %v; want %d", i, n, torn, broken, whole)
		}
	}
}

func TestLinesMovedAbout(t *testing.T) {
	good := written(t)
	lines := bytes.SplitAfter(good, []byte("\n"))
	lines = lines[:len(lines)-1]
	join := func(l [][]byte) []byte { return bytes.Join(l, nil) }
	check := func(what string, data []byte, line int) {
		t.Helper()
		if _, _, broken := judge(t, data, good); broken == nil || broken.Line != line {
			t.Errorf("%s: got %v, want broken at line %d", what, broken, line)
		}
	}
	for i := range len(lines) - 1 {
		swapped := slices.Clone(lines)
		swapped[i], swapped[i+1] = swapped[i+1], swapped[i]
		check(fmt.Sprint("swapped ", i), join(swapped), i+1)
		check(fmt.Sprint("left out ", i), join(slices.Delete(slices.Clone(lines), i, i+1)), i+1)
		check(fmt.Sprint("twice ", i), join(slices.Insert(slices.Clone(lines), i, lines[i])), i+2)
		check(fmt.Sprint("empty line ", i), join(slices.Insert(slices.Clone(lines), i, []byte("\n"))), i+1)
	}
	check("carriage returns", bytes.ReplaceAll(good, []byte("\n"), []byte("\r\n")), 1)
	check("a byte order mark", append([]byte("\ufeff"), good...), 1)
	other := written(t)
	check("another journal behind it", append(bytes.Clone(good), other...), len(lines)+1)
	// A forged line with a hash that is right in itself.
	forged := bytes.Replace(lines[3], []byte(`"unit":2`), []byte(`"unit":9`), 1)
	forged = sealed(string(forged[:len(forged)-1-sealLen]))
	check("forged", join(slices.Replace(slices.Clone(lines), 3, 4, forged)), 5)
}

// sealed adds the hash to a line.
func sealed(body string) []byte {
	return fmt.Appendf(nil, `%s,"hash":"%x"}`+"\n", body, sha256.Sum256([]byte(body+"}")))
}

func TestBrokenIsNotAppendedTo(t *testing.T) {
	s := &memStore{}
	j := mustOpen(t, s)
	mustAppend(t, j, "r", Opened{}, Begun{System: "a", Unit: 1})
	s.data[10] ^= 1
	before := bytes.Clone(s.data)
	_, err := Open(t.Context(), s, clock())
	var broken *BrokenError
	if !errors.As(err, &broken) || broken.Line != 1 || !strings.Contains(err.Error(), "memory:1: the journal is broken") {
		t.Errorf("got %v", err)
	}
	n := 0
	for _, err := range ReadAll(t.Context(), s) {
		if n++; !errors.Is(err, ErrBroken) {
			t.Errorf("ReadAll: %v", err)
		}
	}
	if n != 1 || !bytes.Equal(before, s.data) {
		t.Errorf("%d pairs; the store has changed: %v", n, !bytes.Equal(before, s.data))
	}
}

// TestBrokenMeanwhile: somebody tampers while a run has the journal open.
func TestBrokenMeanwhile(t *testing.T) {
	for name, change := range map[string]func([]byte) []byte{
		"a foreign line": func(b []byte) []byte { return append(b, "{}\n"...) },
		"cut":            func(b []byte) []byte { return b[:len(b)-10] },
	} {
		s := &shared{}
		j := mustOpen(t, s)
		mustAppend(t, j, "r", Opened{}, Note{Topic: "x"})
		s.data = change(s.data)
		if err := j.Append(t.Context(), Entry{Data: Note{Topic: "y"}}); !errors.Is(err, ErrBroken) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTornTailIsRecovered(t *testing.T) {
	size := len(written(t))
	for name, tail := range map[string]string{
		"half a line":          `{"v":1,"seq":10,"ti`,
		"zeros":                "\x00\x00\x00\x00",
		"a hole at the start":  strings.Repeat("\x00", 512-size%512) + "rest\n",
		"a hole further on":    strings.Repeat("x", 512-size%512) + strings.Repeat("\x00", 1024) + "rest\n",
		"garbage":              "\xff\xfe garbage",
		"one byte":             "{",
		"a later version torn": `{"v":2,`,
	} {
		t.Run(name, func(t *testing.T) {
			s := &memStore{data: append(written(t), tail...)}
			j := mustOpen(t, s)
			if j.Torn() != int64(len(tail)) {
				t.Errorf("%d bytes are torn, want %d", j.Torn(), len(tail))
			}
			mustAppend(t, j, "r", Opened{})
			all := entries(t, s)
			got, ok := all[len(all)-2].Data.(Recovered)
			sum := sha256.Sum256([]byte(tail))
			if !ok || got.Bytes != int64(len(tail)) || got.Hash != hex.EncodeToString(sum[:]) {
				t.Errorf("got %+v", all[len(all)-2])
			}
			if all[len(all)-1].Kind() != KindOpened || j.Torn() != 0 {
				t.Errorf("then %s, %d torn", all[len(all)-1].Kind(), j.Torn())
			}
			if r, err := Verify(t.Context(), s, j.Head()); err != nil || r.Torn != 0 {
				t.Errorf("%+v, %v", r, err)
			}
		})
	}
}

// TestZerosThatNoCrashLeaves: a hole that doesn't keep to blocks was made by somebody.
func TestZerosThatNoCrashLeaves(t *testing.T) {
	good := written(t)
	for _, tail := range []string{"\x00\n", "{\x00}\n", strings.Repeat("\x00", 513-len(good)%512) + "x\n"} {
		if _, err := Open(t.Context(), &memStore{data: append(bytes.Clone(good), tail...)}, clock()); !errors.Is(err, ErrBroken) {
			t.Errorf("%q: got %v", tail, err)
		}
	}
}

func TestLaterVersion(t *testing.T) {
	good := written(t)
	place := fmt.Sprintf("memory:%d:", 1+bytes.Count(good, []byte("\n")))
	for body, want := range map[string]error{
		`{"v":2,"seq":12,"anything":"else"`: ErrVersion,
		`{"v":17`:                           ErrVersion,
		`{"v":0`:                            ErrBroken,
		`{"v":02`:                           ErrBroken,
		`{"v":`:                             ErrBroken,
		`{"v":1`:                            ErrBroken,
		`{"v":-2`:                           ErrBroken,
		`{"w":2`:                            ErrBroken,
		``:                                  ErrBroken,
	} {
		s := &memStore{data: append(bytes.Clone(good), sealed(body)...)}
		if _, err := Open(t.Context(), s, clock()); !errors.Is(err, want) || !strings.Contains(err.Error(), place) {
			t.Errorf("%s: got %v, want %v", body, err, want)
		}
		if line := []byte(body + "}\n"); errors.Is(want, ErrVersion) { // without its hash it is anybody's
			s := &memStore{data: append(bytes.Clone(good), line...)}
			if _, err := Open(t.Context(), s, clock()); !errors.Is(err, ErrBroken) {
				t.Errorf("%s: got %v", line, err)
			}
		}
	}
}

func TestVerify(t *testing.T) {
	good := written(t)
	var hashes []string
	for e, err := range ReadAll(t.Context(), &memStore{data: good}) {
		if err != nil {
			t.Fatal(err)
		}
		hashes = append(hashes, e.Hash)
	}
	for i, h := range hashes {
		r, err := Verify(t.Context(), &memStore{data: good}, h)
		if err != nil || r.Entries != uint64(len(hashes)) || r.Head != hashes[len(hashes)-1] || r.After != uint64(len(hashes)-1-i) {
			t.Errorf("head %d: %+v, %v", i+1, r, err)
		}
		// Whoever kept the last head notices that lines were cut off behind any earlier one.
		lines := bytes.SplitAfter(good, []byte("\n"))
		cut := bytes.Join(lines[:i], nil)
		if _, err := Verify(t.Context(), &memStore{data: cut}, h); !errors.Is(err, ErrHead) {
			t.Errorf("cut before %d: %v", i+1, err)
		}
	}
	r, err := Verify(t.Context(), &memStore{data: append(bytes.Clone(good), "{\"v\""...)}, "")
	if err != nil || r.Torn != 4 || !r.First.Equal(time.Date(2026, 11, 23, 10, 0, 1, 0, time.UTC)) || r.Last.Sub(r.First) != time.Duration(len(hashes)-1)*time.Second {
		t.Errorf("%+v, %v", r, err)
	}
	if r, err := Verify(t.Context(), &memStore{}, ""); err != nil || r != (Report{}) {
		t.Errorf("empty: %+v, %v", r, err)
	}
	if _, err := Verify(t.Context(), &memStore{}, hashes[0]); !errors.Is(err, ErrHead) {
		t.Errorf("empty, with a head: %v", err)
	}
}

// accepts is a second, simple reader of the format, to hold against the real one.
func accepts(data []byte) bool {
	prev, seq := "", 0
	for len(data) > 0 {
		line, rest, ok := bytes.Cut(data, []byte("\n"))
		if !ok {
			return true // torn
		}
		i := bytes.LastIndex(line, []byte(`,"hash":"`))
		if i < 0 {
			return false
		}
		var e struct {
			V    int
			Seq  int
			Time time.Time
			Prev string
			Hash string
		}
		if json.Unmarshal(line, &e) != nil || e.V != 1 || e.Seq != seq+1 || e.Prev != prev {
			return false
		}
		sum := sha256.Sum256(append(bytes.Clone(line[:i]), '}'))
		if e.Hash != hex.EncodeToString(sum[:]) {
			return false
		}
		prev, seq, data = e.Hash, e.Seq, rest
	}
	return true
}

// FuzzOpen: whatever the bytes are, nothing panics; what is accepted also satisfies the simple
// reader; and the journal can be appended to.
func FuzzOpen(f *testing.F) {
	good := written(f)
	f.Add(good)
	f.Add(good[:len(good)-3])
	f.Add([]byte{})
	f.Add([]byte("{}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s := &memStore{data: data}
		j, err := Open(t.Context(), s, clock())
		if err != nil {
			return
		}
		if !accepts(data[:j.chain.size]) {
			t.Fatalf("accepted %q", data[:j.chain.size])
		}
		j.Memory().Open()
		if err := j.Append(t.Context(), Entry{Data: Note{Topic: "fuzz"}}); err != nil {
			t.Fatal(err)
		}
		if _, err := Verify(t.Context(), s, j.Head()); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzTamper changes a good journal: a stretch of it is replaced. What is accepted then is a
// beginning of what was written.
func FuzzTamper(f *testing.F) {
	good := written(f)
	f.Add(uint16(20), uint16(1), []byte("x"))
	f.Add(uint16(len(good)-1), uint16(1), []byte{})
	f.Add(uint16(0), uint16(400), []byte{})
	f.Fuzz(func(t *testing.T, at, length uint16, with []byte) {
		from := min(int(at), len(good))
		to := min(from+int(length), len(good))
		judge(t, slices.Concat(good[:from], with, good[to:]), good)
	})
}

// FuzzBegun: the fast reader of begun units never panics, and what it reads is written the same.
// What packs them accepts the same, and keeps it all.
func FuzzBegun(f *testing.F) {
	for _, e := range sample() {
		if b, ok := e.Data.(Begun); ok {
			text, err := appendBegun(nil, b)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(string(text))
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := decodeBegun(text)
		if !utf8.ValidString(text) { // decode asks that of the whole line
			return
		}
		if err != nil {
			var p packer
			if p.begun(&Entry{}, []byte(text)) {
				t.Fatalf("%q is packed: %v", text, err)
			}
			return
		}
		samePacked(t, text, d.(Begun))
		again, err := appendBegun(nil, d.(Begun))
		if err != nil {
			t.Fatal(err)
		}
		e, err := decodeBegun(string(again))
		if err != nil {
			t.Fatalf("%q became %q: %v", text, again, err)
		}
		if b, err := appendBegun(nil, e.(Begun)); err != nil || !bytes.Equal(b, again) {
			t.Fatalf("%q became %q, %v", again, b, err)
		}
	})
}
