package amend

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/accordhq/accord/engine/declare"
)

// edit is one change at one place of a file.
type edit struct {
	*file
	doc  Doc
	path []string
	// index is the document of the file, route the way from there to what is changed: indexes of
	// kids, down to at, which is nil if it isn't there; around is what it is in.
	index  int
	route  []int
	at     *node
	around *node
	// missing is how many keys at the end of the path aren't there.
	missing int
	deep    int // how many steps of the route lead to the document itself
}

func begin(data []byte, doc Doc, path []string) (*edit, error) {
	f, err := parse(data)
	if err != nil {
		return nil, err
	}
	e := &edit{file: f, doc: doc, path: path}
	n, err := e.locate()
	if err != nil {
		return nil, err
	}
	e.deep = len(e.route)
	e.at = n
	for i, key := range path {
		if e.at.kind != mapping {
			return nil, fmt.Errorf("%s: %w: %s isn't a mapping", doc, ErrUnclear, strings.Join(path[:i], "."))
		}
		e.around = e.at
		k := e.around.key(key)
		if k < 0 {
			e.at, e.missing = nil, len(path)-i
			return e, nil
		}
		e.at = e.around.kids[k+1]
		e.route = append(e.route, k+1)
	}
	return e, nil
}

// locate finds the document. Ids are unique, so a second one of that name is not taken for it.
func (e *edit) locate() (found *node, err error) {
	take := func(n *node, index int, route ...int) {
		if n.kind != mapping || len(n.kids) < 2 || n.kids[0].text != e.doc.Kind || n.kids[1].kind != scalar || n.kids[1].text != e.doc.ID {
			return
		}
		if found != nil {
			err = fmt.Errorf("%s: %w: it is there twice", e.doc, ErrUnclear)
		}
		found, e.index, e.route = n, index, slices.Clone(route)
	}
	for i, d := range e.docs {
		take(d, i)
		if d.kind != mapping || len(d.kids) != 2 || d.kids[0].text != "people" {
			continue
		}
		for k, p := range d.kids[1].kids {
			take(p, i, 1, k)
		}
	}
	if found == nil && err == nil {
		err = fmt.Errorf("%s: %w", e.doc, ErrNotFound)
	}
	return found, err
}

func (e *edit) describe(what string) string {
	if len(e.path) == 0 {
		return what + " " + e.doc.String()
	}
	return what + " " + strings.Join(e.path, ".") + " of " + e.doc.String()
}

// key is the index of a key; -1 if it isn't there.
func (n *node) key(name string) int {
	for i := 0; i < len(n.kids); i += 2 {
		if n.kids[i].kind == scalar && n.kids[i].text == name {
			return i
		}
	}
	return -1
}

// insert adds the keys that are missing, the last of them with a value that is YAML on one line.
func (e *edit) insert(text, what string) ([]byte, error) {
	added, err := parseSnippet(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	keys := e.path[len(e.path)-e.missing:]
	for _, key := range slices.Backward(keys[1:]) {
		text = "{" + declare.Scalar(key) + ": " + text + "}"
		added = &value{kind: mapping, kids: []*value{{text: key}, added}}
	}
	m := e.around
	after := e.before(m, keys[0])
	entry := declare.Scalar(keys[0]) + ": " + text
	var at int
	switch {
	case m.flow && len(m.kids) == 0:
		at = m.start + 1
	case m.flow:
		at, entry = m.kids[after-1].end, ", "+entry
	default:
		at = e.lineEnd(max(m.kids[after-1].end, m.kids[after-2].end))
		entry = e.eol + strings.Repeat(" ", e.column(m.start)) + entry
	}
	return e.splice(at, at, entry, what, func(docs []*value) {
		v := docs[e.index].find(e.route)
		v.kids = slices.Insert(v.kids, after, &value{text: keys[0]}, added)
	})
}

// before is how many kids of a mapping come before a new key: in a document up to the last of
// those that the language names before it; elsewhere all.
func (e *edit) before(m *node, key string) int {
	if len(e.route) != e.deep {
		return len(m.kids)
	}
	order := declare.Keys(e.doc.Kind)
	place := slices.Index(order, key)
	out := min(2, len(m.kids))
	for i := 0; i < len(m.kids); i += 2 {
		if p := slices.Index(order, m.kids[i].text); p >= 0 && p < place {
			out = i + 2
		}
	}
	return out
}

// splice replaces bytes, and holds the result to the change that was meant: all documents as
// they were, but for what change makes of them.
func (e *edit) splice(from, to int, text, what string, change func([]*value)) ([]byte, error) {
	out := slices.Concat(e.data[:from], []byte(text), e.data[to:])
	want := values(e.docs)
	change(want)
	return checked(out, want, what)
}

func checked(out []byte, want []*value, what string) ([]byte, error) {
	f, err := parse(out)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", what, ErrUnclear, err)
	}
	if !equal(values(f.docs), want) {
		return nil, fmt.Errorf("%s: %w: it would change something else too", what, ErrUnclear)
	}
	return out, nil
}

// parseSnippet reads YAML that is to be put somewhere.
func parseSnippet(text string) (*value, error) {
	if strings.ContainsAny(text, "\n\r") {
		return nil, fmt.Errorf("%w: %q has more than one line", ErrUnclear, text)
	}
	f, err := parse([]byte("[" + text + "]"))
	if err != nil {
		return nil, fmt.Errorf("%q: %w", text, err)
	}
	if len(f.docs) != 1 || f.docs[0].kind != list || len(f.docs[0].kids) != 1 || f.docs[0].end != len(f.data) {
		return nil, fmt.Errorf("%w: %q isn't one value", ErrUnclear, text)
	}
	return valueOf(f.docs[0].kids[0]), nil
}

// Append puts documents at the end of a file, parted from what is there by a line of "---".
func Append(data []byte, documents string) ([]byte, error) {
	const what = "adding documents"
	f, err := parse(data)
	if err != nil {
		return nil, err
	}
	more, err := parse([]byte(documents))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	if !strings.HasSuffix(documents, "\n") {
		documents += "\n"
	}
	if f.eol != "\n" {
		documents = strings.ReplaceAll(documents, "\n", f.eol)
	}
	var b bytes.Buffer
	b.Write(data)
	if len(data) > 0 && !bytes.HasSuffix(data, []byte("\n")) {
		b.WriteString(f.eol)
	}
	if len(f.docs) > 0 && !f.parted() {
		b.WriteString("---" + f.eol)
	}
	b.WriteString(documents)
	return checked(b.Bytes(), append(values(f.docs), values(more.docs)...), what)
}

// parted reports whether the last line but blank ones parts documents already.
func (f *file) parted() bool {
	last := bytes.TrimRight(f.data, " \t\r\n")
	return isMarker(last[f.lineStart(len(last)):])
}

func isMarker(line []byte) bool {
	return bytes.HasPrefix(line, []byte("---")) && (len(line) == 3 || line[3] == ' ' || line[3] == '\t' || line[3] == '\r')
}

// Drop takes a whole document out of a file, with the comments between it and the "---" before.
// The only document of a file is ErrOnly: then it is the file that can go.
func Drop(data []byte, doc Doc) ([]byte, error) {
	e, err := begin(data, doc, nil)
	if err != nil {
		return nil, err
	}
	what := "taking out " + doc.String()
	if e.deep > 0 { // an entry of people
		people := e.docs[e.index].kids[1]
		entry := e.route[1]
		if len(people.kids) == 1 {
			return nil, fmt.Errorf("%s: %w", what, ErrOnly)
		}
		from, to, err := e.entry(people, entry)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", what, err)
		}
		return e.splice(from, to, "", what, func(docs []*value) {
			l := docs[e.index].kids[1]
			l.kids = slices.Delete(l.kids, entry, entry+1)
		})
	}
	if len(e.docs) == 1 {
		return nil, fmt.Errorf("%s: %w", what, ErrOnly)
	}
	from, to := e.bounds(e.at)
	out := slices.Concat(e.data[:from], e.data[to:])
	return checked(out, slices.Delete(values(e.docs), e.index, e.index+1), what)
}

// bounds are a document with the marker before it and the comments between; the first document
// of a file goes with the marker after it instead, and the comments at the head of the file stay.
func (e *edit) bounds(n *node) (from, to int) {
	from, to = e.lineStart(n.start), len(e.data)
	for line := from; line > e.lines[0]; {
		line = e.lineStart(line - 1)
		if isMarker(e.data[line:e.lineEnd(line)]) {
			from = line
			break
		}
	}
	marked := isMarker(e.data[from:e.lineEnd(from)])
	for line := e.nextLine(e.lineEnd(n.end)); line < len(e.data); line = e.nextLine(e.lineEnd(line)) {
		if isMarker(e.data[line:e.lineEnd(line)]) {
			if to = line; !marked {
				to = e.nextLine(e.lineEnd(line))
			}
			break
		}
	}
	return from, to
}
