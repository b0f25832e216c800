package amend

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
)

// FuzzAmend makes every kind of change to any file. Whatever comes out is the old file but for
// one run of bytes, and means, to the YAML library alone, the old meaning and the one change.
func FuzzAmend(f *testing.F) {
	f.Add([]byte("person: dora\nname: D # x\n"), byte(0), byte(0))
	f.Add([]byte("people:\r\n  - {person: dora, to: [a, b]}\r\n"), byte(1), byte(1))
	f.Fuzz(func(t *testing.T, data []byte, op, at byte) { oneChange(t, data, op, at) })
}

func oneChange(t *testing.T, data []byte, op, at byte) (done bool) {
	f, err := parse(data)
	if err != nil || len(f.docs) == 0 {
		return false
	}
	i := int(at) % len(f.docs)
	n := f.docs[i]
	if n.kind != mapping || len(n.kids) < 2 || n.kids[1].kind != scalar {
		return false
	}
	before, err := meaning(data)
	if err != nil {
		return false
	}
	doc := Doc{n.kids[0].text, n.kids[1].text}
	key := "to"
	if int(at)%2*2+2 < len(n.kids) {
		key = n.kids[int(at)%2*2+2].text
	}
	out, want, err := changed(data, before, doc, i, key, op)
	if err != nil {
		if out != nil {
			t.Fatalf("%v beside a file", err)
		}
		return false
	}
	after, err := meaning(out)
	if err != nil {
		t.Fatalf("%q became %q, which can't be read: %v", data, out, err)
	}
	if d := cmp.Diff(want, after); d != "" {
		t.Fatalf("op %d on %s of %s: %q became %q\n%s", op%4, key, doc, data, out, d)
	}
	oneRun(t, data, out, op%4)
	return true
}

// changed makes one change by the package, and by hand on what the library read.
func changed(data []byte, before []any, doc Doc, i int, key string, op byte) ([]byte, []any, error) {
	m, _ := before[i].(map[string]any)
	if m == nil || key == doc.Kind {
		return nil, nil, errors.New("not this one")
	}
	old, _ := m[key].([]any)
	switch op % 4 {
	case 0:
		out, err := Set(data, doc, "left", key)
		m[key] = "left"
		return out, before, err
	case 1:
		out, err := Add(data, doc, "{folder/x: read}", key)
		m[key] = append(slices.Clone(old), map[string]any{"folder/x": "read"})
		return out, before, err
	case 2:
		out, err := Remove(data, doc, int(op/4), key)
		if err == nil {
			m[key] = slices.Delete(slices.Clone(old), int(op/4), int(op/4)+1)
		}
		return out, before, err
	}
	out, err := RemoveKey(data, doc, key)
	delete(m, key)
	return out, before, err
}

// meaning reads all documents as the library does by itself; those with nothing in them are
// left out.
func meaning(data []byte) (out []any, err error) {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var n yaml.Node
		if err := dec.Decode(&n); errors.Is(err, io.EOF) {
			return out, nil
		} else if err != nil {
			return nil, err
		}
		texts(&n)
		var v any
		if err := n.Decode(&v); err != nil {
			return nil, err
		}
		if v != nil {
			out = append(out, v)
		}
	}
}

// texts makes every scalar but nothing a text: what 0123 or 2026-01-01 mean is the language's.
func texts(n *yaml.Node) {
	if n.Kind == yaml.ScalarNode && n.Tag != "!!null" {
		n.Tag, n.Style = "!!str", yaml.DoubleQuotedStyle
	}
	for _, k := range n.Content {
		texts(k)
	}
}

// oneRun holds that nothing was rewritten: where something was added all of the old file is
// there, where something was taken all of the new one was.
func oneRun(t *testing.T, before, after []byte, op byte) {
	head := 0
	for head < min(len(before), len(after)) && before[head] == after[head] {
		head++
	}
	tail := 0
	for tail < min(len(before), len(after))-head && before[len(before)-1-tail] == after[len(after)-1-tail] {
		tail++
	}
	gone, come := len(before)-head-tail, len(after)-head-tail
	switch {
	case op == 1 && gone > 0:
		t.Errorf("adding to %q took something: %q", before, after)
	case op >= 2 && come > 0:
		t.Errorf("taking from %q added something: %q", before, after)
	}
}

// TestAnyFile makes changes to files as people might write them: random layouts of random
// documents.
func TestAnyFile(t *testing.T) {
	done := 0
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 1))
		if oneChange(t, randomFile(r), byte(r.IntN(12)), byte(r.IntN(8))) {
			done++
		}
	}
	if done < 1000 {
		t.Errorf("only %d of 3000 changes could be made", done)
	}
}

func randomFile(r *rand.Rand) []byte {
	var docs []string
	for i := range 1 + r.IntN(3) {
		docs = append(docs, randomDoc(r, fmt.Sprintf("d%d", i)))
	}
	text := strings.Join(docs, "---\n")
	if r.IntN(4) == 0 {
		text = strings.TrimRight(text, "\n")
	}
	if r.IntN(3) == 0 {
		text = strings.ReplaceAll(text, "\n", "\r\n")
	}
	return []byte(text)
}

func randomDoc(r *rand.Rand, id string) string {
	pick := func(all ...string) string { return all[r.IntN(len(all))] }
	comment := func() string { return pick("", "", " # why, \"so\"", "   # {x: [y}") }
	lines := pick("", "# head\n", "\n") + "grant: " + id + comment() + "\n"
	for _, key := range []string{"to", "reason", "roles"} {
		entries := []string{"a", `"b, c"`, "'it''s'", "{person: x, until: 2026-01-01}", "ö: 漢"}
		r.Shuffle(len(entries), func(i, k int) { entries[i], entries[k] = entries[k], entries[i] })
		entries = entries[:r.IntN(4)]
		switch r.IntN(5) {
		case 0:
			lines += key + ": " + pick("x", `"x # y"`, "'x'", "x\n  y", "|\n  x\n\n  y", "") + comment() + "\n"
		case 1, 2:
			indent := pick("", "  ", "    ")
			lines += key + ":" + comment() + "\n"
			for _, e := range entries {
				lines += pick("", "", indent+"# each\n", "\n") + indent + "- " + e + comment() + "\n"
			}
		case 3:
			flow := slices.DeleteFunc(entries, func(e string) bool { return strings.HasPrefix(e, "ö") })
			lines += key + ": [" + strings.Join(flow, pick(", ", ",\n  ", " , # x\n  ")) + pick("", ",", "\n  ") + "]" + comment() + "\n"
		}
		lines += pick("", "", "\n", "# between\n")
	}
	return lines
}
