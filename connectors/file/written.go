package file

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/accordhq/accord/engine/access"
)

// The YAML library takes most of the time that it takes to read a large file, and twenty times the
// file's size in memory. Files mostly stand as render wrote them, line for line, and that form
// needs no YAML: each line says by its indentation what it is.
//
//	version: 1
//	accounts:                    0: a kind, in the order of the description
//	  alice:                     2: an object, in the order of names; "alice: {}" if it has nothing
//	    name: Alice Liddell      4: what it has
//	    access:
//	      app/badges: [use, audit]   6: a target, in the order of targets, and what is held on it
//	...
//
// The reader below reads that and nothing else. It says "not mine" to every other file, one with a
// comment in the middle, a name out of order, an error of any kind, and the library reads that
// one from the beginning. So messages are always the library's, and what is read here must
// be what the library would give: FuzzWritten holds it to that.

// quotedKey is how long a key in quotes may be, in bytes: the library allows 1024 characters.
const quotedKey = 800

// written reads a file that stands as render writes it into the builder; ok tells whether it does.
// If it doesn't, the builder is of no use any more.
func written(d access.Description, b *access.Builder, data []byte) (ok bool) {
	if !printable(data) {
		return false
	}
	r := writtenReader{desc: d, build: b, targets: map[string]*writtenTarget{}}
	r.rest = string(data[headerLength(data):])
	return r.file()
}

// printable reports whether a file holds nothing but line feeds and what every reader of YAML
// takes for itself.
func printable(data []byte) bool {
	for i := 0; i < len(data); {
		if c := data[i]; c < utf8.RuneSelf {
			if c < ' ' && c != '\n' || c == 0x7f {
				return false
			}
			i++
			continue
		}
		r, size := utf8.DecodeRune(data[i:])
		if size == 1 || !unicode.IsPrint(r) {
			return false
		}
		i += size
	}
	return true
}

// writtenReader goes through the lines of a file.
type writtenReader struct {
	desc    access.Description
	build   *access.Builder
	rest    string // behind the line
	indent  int    // of the line
	line    string // without its indentation
	targets map[string]*writtenTarget
	texts   texts
}

// writtenTarget is something on which a line of access is, or may be.
type writtenTarget struct {
	id   access.ID
	kind *access.Kind
	// there tells that the object has been read.
	there bool
	// subject and value are those of the line before that is about it, permission is what that gave:
	// most lines are alike.
	subject, value, permission string
}

// next goes to the next line.
func (r *writtenReader) next() bool {
	line, rest, ok := strings.Cut(r.rest, "\n")
	r.line, r.rest, r.indent = strings.TrimLeft(line, " "), rest, 0
	r.indent = len(line) - len(r.line)
	return ok
}

func (r *writtenReader) is(indent int, line string) bool {
	return r.indent == indent && r.line == line
}

func (r *writtenReader) file() bool {
	if !r.next() || !r.is(0, "version: "+version) || !r.next() {
		return false
	}
	for i := range r.desc.Kinds {
		kind := &r.desc.Kinds[i]
		if r.is(0, plural(kind.Name)+":") && !(r.next() && r.objects(kind)) {
			return false
		}
	}
	if !r.is(0, end) || r.rest != "" {
		return false
	}
	for _, t := range r.targets {
		if !t.there {
			return false
		}
	}
	return true
}

// objects reads those of one kind, at least one.
func (r *writtenReader) objects(kind *access.Kind) bool {
	last := ""
	for r.indent == 2 {
		name, value, ok := r.pair()
		if !ok || name <= last || checkText(name) != nil || !r.next() {
			return false
		}
		last = name
		o := access.Object{ID: access.ID{Kind: kind.Name, Name: r.texts.keep(name)}}
		if value != "{}" && (value != "" || !r.object(kind, &o)) {
			return false
		}
		r.build.Object(o)
		if len(kind.Permissions) > 0 {
			if t := r.target(quote(o.ID.String())); t != nil {
				t.there = true
			}
		}
	}
	return last != ""
}

// object reads what an object has, at least something.
func (r *writtenReader) object(kind *access.Kind, o *access.Object) bool {
	if r.indent != 4 {
		return false
	}
	for r.indent == 4 {
		switch {
		case r.line == "access:":
			return r.next() && r.access(o.ID) // which stands last
		case r.line == "disabled: true" && o.ID.IsAccount() && !o.Disabled:
			o.Disabled = true
		case r.line == "reserved: true" && !o.Reserved:
			o.Reserved = true
		case !r.attribute(kind, o):
			return false
		}
		if !r.next() {
			return false
		}
	}
	return true
}

func (r *writtenReader) attribute(kind *access.Kind, o *access.Object) bool {
	key, value, ok := r.pair()
	if !ok {
		return false
	}
	text, ok := unquote(value)
	if !ok || text == "" {
		return false
	}
	i := slices.IndexFunc(kind.Attributes, func(a access.Attribute) bool { return a.Name == key })
	if i < 0 {
		return false
	}
	name := kind.Attributes[i].Name
	if _, twice := o.Attributes[name]; twice {
		return false
	}
	if o.Attributes == nil {
		o.Attributes = make(map[string]string, 1)
	}
	o.Attributes[name] = r.texts.keep(text)
	return true
}

// access reads what an object holds, at least something.
func (r *writtenReader) access(subject access.ID) bool {
	last := access.ID{}
	for r.indent == 6 {
		key, value := r.cut()
		t := r.target(key)
		if t == nil || !last.IsZero() && last.Compare(t.id) >= 0 || !r.held(subject, t, value) || !r.next() {
			return false
		}
		last = t.id
	}
	return !last.IsZero()
}

// held reads what a subject holds on a target.
func (r *writtenReader) held(subject access.ID, t *writtenTarget, value string) bool {
	if subject.Kind == t.subject && value == t.value {
		r.build.Grant(access.Grant{Subject: subject, Target: t.id, Permission: t.permission})
		return true
	}
	if !t.kind.Holds(subject.Kind) || !r.permissions(subject, t, value) {
		return false
	}
	if level := t.kind.Level(value); level >= 0 {
		t.subject, t.permission = subject.Kind, t.kind.Permissions[level].Name
		t.value = t.permission
	}
	return true
}

// permissions reads one permission or, in brackets, several.
func (r *writtenReader) permissions(subject access.ID, t *writtenTarget, value string) bool {
	list, several := strings.CutPrefix(value, "[")
	if several {
		var closed bool
		if list, closed = strings.CutSuffix(list, "]"); !closed || t.kind.Ordered {
			return false
		}
	}
	seen := uint64(0)
	for one, more := list, true; more; {
		if one, list, more = strings.Cut(list, ", "); more && !several {
			return false
		}
		level := t.kind.Level(one)
		if level < 0 || level >= 64 || seen&(1<<level) != 0 {
			return false
		}
		seen |= 1 << level
		r.build.Grant(access.Grant{Subject: subject, Target: t.id, Permission: t.kind.Permissions[level].Name})
	}
	return true
}

// target is what a key names, nil if that can't be held. A line of access in quotes that needed
// none finds no object: it isn't what is written.
func (r *writtenReader) target(key string) *writtenTarget {
	if t, ok := r.targets[key]; ok {
		return t
	}
	text, ok := unquote(key)
	if !ok || len(key) > quotedKey {
		return nil
	}
	id, err := access.ParseID(text)
	i := slices.IndexFunc(r.desc.Kinds, func(k access.Kind) bool { return k.Name == id.Kind })
	if err != nil || i < 0 {
		return nil
	}
	t := &writtenTarget{kind: &r.desc.Kinds[i], id: access.ID{Kind: r.desc.Kinds[i].Name, Name: r.texts.keep(id.Name)}}
	r.targets[strings.Clone(key)] = t
	return t
}

// pair gives the key and the value of the line; the value is as it stands there.
func (r *writtenReader) pair() (key, value string, ok bool) {
	key, value = r.cut()
	if len(key) > quotedKey {
		return "", "", false
	}
	key, ok = unquote(key)
	return key, value, ok
}

// cut parts the line behind its key; both parts are as they stand there, and the key is empty if
// there is none. No value is "" alone.
func (r *writtenReader) cut() (key, value string) {
	at := 0
	if strings.HasPrefix(r.line, `"`) {
		if at = quotedLength(r.line); at < 0 {
			return "", ""
		}
	} else if at = strings.IndexByte(r.line, ':'); at < 0 {
		return "", ""
	}
	switch rest := r.line[at:]; {
	case rest == ":":
		return r.line[:at], ""
	case len(rest) > 2 && rest[:2] == ": ":
		return r.line[:at], rest[2:]
	}
	return "", ""
}

// quotedLength is how long the text in double quotes is with which the line begins, -1 if it
// doesn't end.
func quotedLength(line string) int {
	for i := 1; i < len(line); i++ {
		switch line[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return -1
}

// unquote reads a text that quote wrote, and no other.
func unquote(s string) (text string, ok bool) {
	if s == "" || s[0] != '"' {
		return s, plain(s)
	}
	if quotedLength(s) != len(s) {
		return "", false
	}
	inner := s[1 : len(s)-1]
	if !strings.Contains(inner, `\`) {
		return inner, !plain(inner)
	}
	text, err := strconv.Unquote(s) // whose escapes are more than those of quote
	return text, err == nil && quote(text) == s
}

// texts keeps texts together, so that many short ones are a few pieces of memory, and none keeps
// the file in memory that it stood in.
type texts struct{ block strings.Builder }

const textsBlock = 32 << 10

func (t *texts) keep(s string) string {
	if len(s) > textsBlock/8 {
		return strings.Clone(s)
	}
	if t.block.Cap()-t.block.Len() < len(s) {
		t.block = strings.Builder{}
		t.block.Grow(textsBlock)
	}
	from := t.block.Len()
	t.block.WriteString(s) // within what there is: what was written before stays where it is
	return t.block.String()[from:]
}
