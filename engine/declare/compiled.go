package declare

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"slices"
	"strings"
)

// Compiled is what an earlier run understood of files, by the name of their content. What it has
// needn't be read nor parsed again; what comes of it is the same. It holds only files that were
// sound by themselves, and of these only people, groups, roles and grants: all that there can be
// many of.
//
// It is a record of this program for itself: whoever keeps it has to see to it that another
// version of Accord isn't given it, nor anybody's but the user's own.
type Compiled struct {
	body    string
	strings []string
	records map[string]place // by the name of the content
}

// place is where in the body a record stands.
type place struct{ from, to int }

// ErrCompiled is a record that is damaged, or no record at all.
var ErrCompiled = errors.New("not a sound record of compiled files")

// Each record is its files' documents, field by field, in the order of codec.go. Texts are
// numbers of a table, since most of them occur again and again.
//
//	"accord compiled 1\n"
//	length of all that follows the checksum, 8 bytes; its CRC-32C, 4 bytes
//	the number of texts, the length of each; all texts
//	the number of files; of each the name of its content, which is a text's number, and the length of its record
//	all records
const compiledMagic = "accord compiled 1\n"

const compiledHeader = len(compiledMagic) + 8 + 4

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// OpenCompiled reads what Compile made. The data must not be changed afterwards.
func OpenCompiled(data string) (*Compiled, error) {
	if len(data) < compiledHeader || data[:len(compiledMagic)] != compiledMagic {
		return nil, ErrCompiled
	}
	head, body := []byte(data[len(compiledMagic):compiledHeader]), data[compiledHeader:]
	if binary.BigEndian.Uint64(head) != uint64(len(body)) || binary.BigEndian.Uint32(head[8:]) != checksum(body) {
		return nil, ErrCompiled
	}
	c := &Compiled{body: body}
	r := &reader{in: body}
	lengths := make([]int, r.count())
	for i := range lengths {
		lengths[i] = r.count()
	}
	c.strings = make([]string, len(lengths))
	for i, n := range lengths {
		c.strings[i] = r.take(n)
	}
	r.strings = c.strings
	names, ends := make([]string, r.count()), []int(nil)
	ends = make([]int, len(names))
	at := 0
	for i := range names {
		names[i] = r.text()
		at += r.count()
		ends[i] = at
	}
	if r.failed || at != len(r.in)-r.at {
		return nil, ErrCompiled
	}
	c.records = make(map[string]place, len(names))
	from := r.at
	for i, name := range names {
		c.records[name] = place{from, r.at + ends[i]}
		from = r.at + ends[i]
	}
	return c, nil
}

// checksum is CRC-32C, of a string without a copy of it.
func checksum(s string) uint32 {
	sum := uint32(0)
	var buf [1 << 14]byte
	for len(s) > 0 {
		n := copy(buf[:], s)
		sum, s = crc32.Update(sum, castagnoli, buf[:n]), s[n:]
	}
	return sum
}

// has reports whether the content with that name is there. A nil Compiled has nothing.
func (c *Compiled) has(blob string) bool {
	if c == nil || blob == "" {
		return false
	}
	_, ok := c.records[blob]
	return ok
}

// Len is of how many contents it knows.
func (c *Compiled) Len() int {
	if c == nil {
		return 0
	}
	return len(c.records)
}

// parsed gives what the content holds, as that of the file at the path; nil if the record is
// damaged after all. text gives the content where a line of it is to be shown.
func (c *Compiled) parsed(with *coder, path, blob string, text func(path, blob string) []byte) *parsed {
	at := c.records[blob]
	*with.r = reader{in: c.body[at.from:at.to], strings: c.strings, path: path}
	p, src := &with.files.take(1)[0], &with.sources.take(1)[0]
	src.text, src.path, src.blob = text, path, blob
	p.file, p.blob, p.source = path, blob, src
	with.file(p)
	if with.r.failed || with.r.at != len(with.r.in) {
		return nil
	}
	return p
}

// Compilable is how many files of the repository fit into a record and aren't in the other one, which
// may be nil.
func (r *Repository) Compilable(other *Compiled) (n int) {
	for _, p := range r.files {
		if p.compiles() && !other.has(p.blob) {
			n++
		}
	}
	return n
}

// Compile makes a record of all files of the repository that fit into one, to be read by
// OpenCompiled.
func (r *Repository) Compile() []byte {
	w := &writer{numbers: map[string]uint64{}}
	writing := &coder{w: w}
	names := make([]string, 0, len(r.parsed))
	for path, p := range r.parsed {
		if p.compiles() {
			names = append(names, path)
		}
	}
	slices.Sort(names)
	var index writer
	index.numbers = w.numbers
	done := make(map[string]bool, len(names))
	n := 0
	for _, name := range names {
		p := r.parsed[name]
		if done[p.blob] {
			continue
		}
		done[p.blob] = true
		n++
		from := len(w.out)
		writing.file(p)
		index.text(p.blob)
		index.number(uint64(len(w.out) - from))
	}
	return assemble(w, &index, n)
}

// assemble puts the parts of a record together.
func assemble(records, index *writer, files int) []byte {
	texts := make([]string, len(records.numbers))
	size := 0
	for s, i := range records.numbers {
		texts[i] = s
		size += len(s) + 2
	}
	var w writer
	w.out = make([]byte, compiledHeader, compiledHeader+size+len(index.out)+len(records.out)+64)
	w.number(uint64(len(texts)))
	for _, s := range texts {
		w.number(uint64(len(s)))
	}
	w.out = append(w.out, strings.Join(texts, "")...)
	w.number(uint64(files))
	w.out = append(append(w.out, index.out...), records.out...)
	copy(w.out, compiledMagic)
	body := w.out[compiledHeader:]
	binary.BigEndian.PutUint64(w.out[len(compiledMagic):], uint64(len(body)))
	binary.BigEndian.PutUint32(w.out[len(compiledMagic)+8:], crc32.Checksum(body, castagnoli))
	return w.out
}

// compiles reports whether the file is one that a record holds.
func (p *parsed) compiles() bool {
	return p.blob != "" && len(p.issues) == 0 && !p.alien && !p.source.broken && p.config == nil && len(p.systems) == 0 && len(p.exempts) == 0 && len(p.source.literals) == 0
}
