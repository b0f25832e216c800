package declare

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// The limits of one file. They are far above what people write, and far below what hurts.
const (
	maxFileSize  = 1 << 20
	maxDocuments = 10_000
	maxDepth     = 64
)

const seeWhatItMeans = "write it out: a reviewer has to see what a line means"

type nodeKind uint8

const (
	scalarNode nodeKind = iota
	mapNode
	listNode
)

// node is one value of a YAML document: all that the decoders see of YAML.
type node struct {
	at At
	// text is the scalar as written, without quotes; plain says that there were none.
	text string
	// kids are the entries of a list, or the keys and values of a mapping in turn.
	kids  []node
	kind  nodeKind
	plain bool
	null  bool
}

// is reports whether the node is a scalar that was written without quotes, as that text.
func (n *node) is(text string) bool { return n.kind == scalarNode && n.plain && n.text == text }

// what names the form of the node in messages.
func (n *node) what() string {
	switch {
	case n.kind != scalarNode && len(n.kids) == 0:
		return "an empty " + map[nodeKind]string{mapNode: "mapping", listNode: "list"}[n.kind]
	case n.kind == mapNode:
		return "a mapping"
	case n.kind == listNode:
		return "a list"
	case n.null:
		return "nothing"
	}
	return "a text"
}

// readYAML reads the documents of a file. Documents that are empty are left out. Where there are issues the documents are those that
// could still be read; whole tells whether that is all of them.
func readYAML(file string, data []byte) (docs []node, issues []issue, whole bool) {
	if is := refuseBytes(file, data); is != nil {
		return nil, is, false
	}
	if docs, ok := scanYAML(data); ok {
		return docs, nil, true
	}
	return readWithLibrary(file, data)
}

// readWithLibrary reads any YAML. It is the only place that knows the YAML library.
func readWithLibrary(file string, data []byte) (docs []node, issues []issue, whole bool) {
	c := converter{file: file}
	defer func() {
		if p := recover(); p != nil {
			c.fail(At{1, 1}, "", "", "the YAML can't be read: %v", p)
			docs, issues, whole = nil, c.issues, false
		}
	}()
	dec := yaml.NewDecoder(bytes.NewReader(data))
	for count := 0; ; count++ {
		var y yaml.Node
		err := dec.Decode(&y)
		if errors.Is(err, io.EOF) {
			return docs, c.issues, len(c.issues) == 0
		}
		if err != nil {
			return docs, append(c.issues, syntaxIssue(file, data, err)), false
		}
		if count == maxDocuments {
			c.fail(At{int32(y.Line), int32(y.Column)}, "", "split the file", "more than %d documents in one file", maxDocuments)
			return docs, c.issues, false
		}
		if y.Kind == yaml.DocumentNode && len(y.Content) == 1 {
			if n, ok := c.convert(y.Content[0], 1); ok && !(n.null && n.text == "") {
				docs = append(docs, n)
			}
		}
	}
}

// refuseBytes refuses files that no YAML parser should see: too large, not UTF-8, with bytes
// that break lines or turn the direction of text in some programs and not in others.
func refuseBytes(file string, data []byte) []issue {
	c := converter{file: file}
	if len(data) > maxFileSize {
		c.issues = append(c.issues, issue{pos: Pos{File: file}, msg: fmt.Sprintf("the file has %d bytes; the limit is %d (1 MiB)", len(data), maxFileSize), hint: "split it: documents may stand in any number of files"})
		return c.issues
	}
	if !slices.ContainsFunc(data, unusual) {
		return nil
	}
	at := At{1, 0}
	for i := 0; i < len(data); {
		b := data[i]
		r, size := rune(b), 1
		if b >= utf8.RuneSelf {
			r, size = utf8.DecodeRune(data[i:])
		}
		at.Col++
		switch {
		case b == '\n':
			at = At{at.Line + 1, 0}
		case b == '\r' && (i+1 == len(data) || data[i+1] != '\n'):
			c.fail(at, "", "end lines with a line feed", "a carriage return by itself")
			return c.issues
		case r == utf8.RuneError && size == 1:
			c.fail(at, "", "save the file as UTF-8", "byte %#02x is not UTF-8", b)
			return c.issues
		case b < ' ' && b != '\r' && b != '\t' || b == 0x7f || hidden(r):
			c.fail(at, "", "take it out", "the character %U isn't allowed", r)
			return c.issues
		}
		i += size
	}
	return nil
}

// unusual reports the bytes that have to be looked at: all but line feeds and what ASCII has to show.
func unusual(b byte) bool { return (b < ' ' || b >= 0x7f) && b != '\n' }

// hidden reports the characters that show a reviewer something else than what is there: line
// ends that aren't line feeds, and controls of the direction of text.
func hidden(r rune) bool {
	switch {
	case r < 0x80:
		return false
	case r < 0xa0, r == 0x2028, r == 0x2029:
		return true
	}
	return r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}

type converter struct {
	file   string
	issues []issue
}

func (c *converter) fail(at At, wrong, hint, format string, args ...any) {
	c.issues = append(c.issues, issue{pos: Pos{c.file, at}, wrong: wrong, hint: hint, msg: fmt.Sprintf(format, args...), masked: true})
}

// convert gives the node, and false if the document can't be used.
func (c *converter) convert(y *yaml.Node, depth int) (node, bool) {
	n := node{at: At{int32(y.Line), int32(y.Column)}}
	switch {
	case y.Kind == yaml.AliasNode:
		c.fail(n.at, "*"+y.Value, seeWhatItMeans, "aliases are refused")
		return n, false
	case y.Anchor != "":
		c.fail(n.at, "&"+y.Anchor, seeWhatItMeans, "anchors are refused")
		return n, false
	case y.Style&yaml.TaggedStyle != 0:
		c.fail(n.at, y.Tag, "leave the tag out", "tags are refused")
		return n, false
	case depth > maxDepth:
		c.fail(n.at, "", "", "nested more than %d deep", maxDepth)
		return n, false
	case y.Kind == yaml.ScalarNode:
		n.text, n.null = y.Value, y.Tag == "!!null"
		n.plain = y.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) == 0
		return n, true
	case y.Kind == yaml.MappingNode:
		n.kind = mapNode
	default:
		n.kind = listNode
	}
	n.kids = make([]node, 0, len(y.Content))
	for i, k := range y.Content {
		if n.kind == mapNode && i%2 == 0 && !c.key(k) {
			return n, false
		}
		kid, ok := c.convert(k, depth+1)
		if !ok {
			return n, false
		}
		n.kids = append(n.kids, kid)
	}
	return n, true
}

// key refuses keys that aren't texts.
func (c *converter) key(y *yaml.Node) bool {
	at := At{int32(y.Line), int32(y.Column)}
	switch {
	case y.Tag == "!!merge":
		c.fail(at, y.Value, "write the keys out", "merge keys are refused")
	case y.Kind == yaml.MappingNode || y.Kind == yaml.SequenceNode:
		c.fail(at, "", `quote it if it begins with "{" or "["`, "a key has to be a text")
	case y.Kind == yaml.ScalarNode && y.Tag == "!!null":
		c.fail(at, y.Value, "", "a key has to be a text, not nothing")
	default:
		return true
	}
	return false
}

// syntaxIssue turns an error of the YAML library into one with a place.
func syntaxIssue(file string, data []byte, err error) issue {
	msg := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 1
	if m := regexp.MustCompile(`^line (\d+): `).FindStringSubmatch(msg); m != nil {
		line, _ = strconv.Atoi(m[1])
		msg = msg[len(m[0]):]
	}
	if strings.HasPrefix(msg, "did not find expected") {
		line++ // of these errors the library counts lines from 0
	}
	src := newSource(data)
	last := len(src.lines())
	for last > 1 && len(src.lines()[last-1]) == 0 {
		last--
	}
	line = min(max(line, 1), last)
	if m := regexp.MustCompile(`^unknown anchor '(.*)' referenced$`).FindStringSubmatch(msg); m != nil {
		return aliasIssue(file, src, "*"+m[1])
	}
	is := issue{pos: Pos{file, At{int32(line), 1}}, msg: "this isn't YAML: " + msg, hint: syntaxHint(msg), masked: true}
	// The library's line is that of the construct around; a tab is found by looking.
	for l := max(line-1, 1); l <= min(line+1, last); l++ {
		text := src.line(l)
		indent := text[:len(text)-len(strings.TrimLeft(text, " \t"))]
		if i := strings.IndexByte(indent, '\t'); i >= 0 {
			is.pos.At = At{int32(l), int32(i + 1)}
			is.msg, is.hint = "a tab where YAML wants spaces", "indent with spaces"
			break
		}
	}
	return is
}

// aliasIssue refuses an alias that the library already stumbled over.
func aliasIssue(file string, src *source, alias string) issue {
	is := issue{pos: Pos{file, At{1, 1}}, wrong: alias, msg: "aliases are refused", hint: seeWhatItMeans, masked: true}
	for l := range src.lines() {
		if at := (At{int32(l + 1), 1}); strings.Contains(src.line(l+1), alias) {
			is.pos.At = src.find(at, alias)
			break
		}
	}
	return is
}

// syntaxHint says what is mostly behind a message of the library.
func syntaxHint(msg string) string {
	for _, h := range [][2]string{
		{"mapping values are not allowed", `look at the indentation; a text that holds ": " needs quotes`},
		{"cannot start any token", "a text that begins with @, ` or % needs quotes"},
		{"unexpected end of stream", "a quote isn't closed"},
		{"expected ',' or", "a bracket isn't closed, or a comma is missing"},
		{"did not find expected", "look at the indentation of this and of the next lines"},
		{"could not find expected ':'", "a key needs a colon and a space; look at the indentation"},
	} {
		if strings.Contains(msg, h[0]) {
			return h[1]
		}
	}
	return ""
}
