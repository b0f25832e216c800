package declare

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math"
	"sort"
	"strings"
	"unsafe"
)

// Compiled is what an earlier run understood of files, by the name of their content. What it has
// needn't be read nor parsed again; what comes of it is the same. It holds only files that were
// sound by themselves, and of these only people, groups, roles, grants and systems: all that there
// can be many of.
//
// Of a repository that was sound as a whole it also tells where each document stands and what can be
// about whom (see index.go), so that nobody need go through all of them; Kept gives that repository.
//
// It is a record of this program for itself: whoever keeps it has to see to it that another
// version of Accord isn't given it, nor anybody's but the user's own.
type Compiled struct {
	sections [numSections]string
	texts    textTable
}

// ErrCompiled is a record that is damaged, or no record at all.
var ErrCompiled = errors.New("not a sound record of compiled files")

// A record is read where it lies: opening it costs its checksum, and a document what that document
// takes. All numbers outside of the documents have 4 bytes, the lowest first.
//
//	"accord compiled 2\n"
//	length of all that follows the checksum, 8 bytes; its CRC-32C, 4 bytes
//	the sections, in the order below, each behind its length
const compiledMagic = "accord compiled 2\n"

const compiledHeader = len(compiledMagic) + 8 + 4

// The sections. Texts are numbers of a table, since most of them occur again and again.
const (
	secTextEnds = iota // where each text ends
	secTexts           // all texts
	secFiles           // of each file, sorted by path: path and content (texts), where its record begins and ends
	secRecords         // each file's documents, field by field, in the order of codec.go
	secContents        // the files, sorted by the name of their content
	// What follows is there if the repository was sound.
	secOthers  // files without a record: path and content
	secSystems // the files that hold systems
	secPeople  // of each document, sorted by id: its id (text), the file, the place among those in the file
	secGroups
	secRoles
	secGrants
	secRenamed   // documents with former ids: kind and number
	secExclusive // roles that exclude others
	secServices  // people that are services
	secNeeded    // keys that everybody needs: those matched in negative positions (texts)
	secStrict    // groups that no window may be in: those in negative positions (texts)
	secAnswering // who and what is named as an owner, sorted (texts)
	secTeams     // managers, sorted by id: id (text), where their part of the next section ends
	secReports   // people, by manager
	secReporting // 1 if anything is given to those below a manager
	secAtoms     // what sets are made of, sorted: kind, name and value (texts), where its part of the next section ends
	secAbout     // groups and grants, by atom; a grant is its number and that of all groups
	secWide      // groups and grants that anybody may be in
	secRefs      // what is named, sorted: kind, id (text), where its part of the next section ends
	secReferrers // the files that name it
	secDates     // when something begins or ends, sorted: the instant, 8 bytes, the kind and number of the document
	secPatterns  // the rules by which accounts are named (texts)
	secNames     // hashes of account names and addresses, sorted, 8 bytes each, with the people whose they may be
	numSections
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// numbers are numbers of 4 bytes each.
type numbers string

func (n numbers) len() int { return len(n) / 4 }

// at is the number at a place, 0 where there is none: whoever follows it finds nothing.
func (n numbers) at(i int) int {
	if i < 0 || i >= n.len() {
		return 0
	}
	s := n[4*i:]
	return int(uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24)
}

// textTable are the texts of a record.
type textTable struct {
	ends  numbers
	chars string
}

func (t textTable) len() int { return t.ends.len() }

// at is a text by its number, "" if there is none.
func (t textTable) at(i int) string {
	from, to := 0, t.ends.at(i)
	if i > 0 {
		from = t.ends.at(i - 1)
	}
	if from > to || to > len(t.chars) {
		return ""
	}
	return t.chars[from:to]
}

// OpenCompiled reads what Compile made. The data must not be changed afterwards.
func OpenCompiled(data string) (*Compiled, error) {
	if len(data) < compiledHeader || data[:len(compiledMagic)] != compiledMagic {
		return nil, ErrCompiled
	}
	head, body := []byte(data[len(compiledMagic):compiledHeader]), data[compiledHeader:]
	if binary.BigEndian.Uint64(head) != uint64(len(body)) || binary.BigEndian.Uint32(head[8:]) != checksum(body) {
		return nil, ErrCompiled
	}
	c := &Compiled{}
	for i := range c.sections {
		n := numbers(body).at(0)
		if len(body) < 4 || n > len(body)-4 {
			return nil, ErrCompiled
		}
		c.sections[i], body = body[4:4+n], body[4+n:]
	}
	if body != "" {
		return nil, ErrCompiled
	}
	c.texts = textTable{c.numbers(secTextEnds), c.sections[secTexts]}
	return c, nil
}

func (c *Compiled) numbers(section int) numbers { return numbers(c.sections[section]) }

// checksum is CRC-32C, of a string without a copy of it.
func checksum(s string) uint32 {
	return crc32.Checksum(unsafe.Slice(unsafe.StringData(s), len(s)), castagnoli)
}

// of are the numbers that a section lists for one row of a table. The rows are sorted, and their last
// column tells where each one's numbers end; compare tells of a row whether it stands before the one
// that is asked for (< 0) or is that (0).
func (c *Compiled) of(section, in, columns int, compare func(row int) int) (out []int) {
	table, list := c.numbers(section), c.numbers(in)
	n := table.len() / columns
	row := sort.Search(n, func(row int) bool { return compare(row) >= 0 })
	if row >= n || compare(row) != 0 {
		return nil
	}
	from := table.at(columns*row - 1) // where those of the row before end; 0 for the first
	for k := from; k < min(table.at(columns*row+columns-1), list.len()); k++ {
		out = append(out, list.at(k))
	}
	return out
}

// The columns of secFiles.
const (
	filePath = iota
	fileBlob
	fileFrom
	fileTo
	fileColumns
)

func (c *Compiled) file(i, column int) int { return c.numbers(secFiles).at(fileColumns*i + column) }

// has reports whether the content with that name is there. A nil Compiled has nothing.
func (c *Compiled) has(blob string) bool { return c.find(blob) >= 0 }

// find is the number of a file with that content, below 0 if there is none.
func (c *Compiled) find(blob string) int {
	if c == nil || blob == "" {
		return -1
	}
	order := c.numbers(secContents)
	content := func(i int) string { return c.texts.at(c.file(order.at(i), fileBlob)) }
	i := sort.Search(order.len(), func(i int) bool { return content(i) >= blob })
	if i >= order.len() || content(i) != blob {
		return -1
	}
	return order.at(i)
}

// Len is of how many files it knows.
func (c *Compiled) Len() int {
	if c == nil {
		return 0
	}
	return c.numbers(secFiles).len() / fileColumns
}

// parsed gives what the content of a file holds, as that of the file at the path; nil if the record
// is damaged after all. text gives the content where a line of it is to be shown.
func (c *Compiled) parsed(with *coder, file int, path, blob string, text func(path, blob string) []byte) *parsed {
	from, to := c.file(file, fileFrom), c.file(file, fileTo)
	if from > to || to > len(c.sections[secRecords]) {
		return nil
	}
	*with.r = reader{in: c.sections[secRecords][from:to], strings: c.texts, path: path}
	p, src := &with.files.take(1)[0], &with.sources.take(1)[0]
	src.text, src.path, src.blob = text, path, blob
	p.file, p.blob, p.source = path, blob, src
	with.file(p)
	if with.r.failed || with.r.at != len(with.r.in) {
		return nil
	}
	return p
}

// compiles reports whether the file is one that a record holds.
func (p *parsed) compiles() bool {
	return p.blob != "" && len(p.issues) == 0 && !p.alien && !p.source.broken && p.config == nil && len(p.exempts) == 0
}

// plain reports whether the file holds nothing but what one revision can have otherwise than another
// without everything else being looked at anew (see derive.go).
func (p *parsed) plain() bool { return p.compiles() && len(p.systems) == 0 }

// Compilable is how many files of the repository fit into a record and aren't in the other one, which
// may be nil.
func (r *Repository) Compilable(other *Compiled) (n int) {
	for p := range r.files.unlike(other) {
		if p.compiles() && !other.has(p.blob) {
			n++
		}
	}
	return n
}

// maxRecord is how long a record may be: places in it have 4 bytes.
const maxRecord = math.MaxUint32 / 2

// tooLong reports whether some section can't be told in numbers of 4 bytes.
func tooLong(sections [][]byte) bool {
	for _, s := range sections {
		if len(s) > maxRecord {
			return true
		}
	}
	return false
}

// assemble puts the sections of a record together; nil if it would be too long.
func assemble(sections [][]byte) []byte {
	if tooLong(sections) {
		return nil
	}
	size := compiledHeader
	for _, s := range sections {
		size += 4 + len(s)
	}
	out := make([]byte, compiledHeader, size)
	copy(out, compiledMagic)
	for _, s := range sections {
		out = append(binary.LittleEndian.AppendUint32(out, uint32(len(s))), s...)
	}
	body := out[compiledHeader:]
	binary.BigEndian.PutUint64(out[len(compiledMagic):], uint64(len(body)))
	binary.BigEndian.PutUint32(out[len(compiledMagic)+8:], crc32.Checksum(body, castagnoli))
	return out
}

// textsOf are the texts of a writer, as sections.
func textsOf(w *writer) (ends, chars []byte) {
	texts := make([]string, len(w.numbers))
	for s, i := range w.numbers {
		texts[i] = s
	}
	at := 0
	for _, s := range texts {
		at += len(s)
		ends = binary.LittleEndian.AppendUint32(ends, uint32(at))
	}
	return ends, []byte(strings.Join(texts, ""))
}
