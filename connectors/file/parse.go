package file

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/accordhq/accord/engine/access"
)

// version is the only version of the format.
const version = "1"

// end is the last line of a file that wasn't cut off.
const end = "..."

// content is what stands in a file.
type content struct {
	header string // the comment at the top, line ends included
	state  *access.State
}

// syntaxError is a place that can't be understood.
type syntaxError struct {
	line int
	text string
}

func (e *syntaxError) Error() string { return strconv.Itoa(e.line) + ": " + e.text }

func wrong(n *yaml.Node, format string, args ...any) error {
	return &syntaxError{n.Line, fmt.Sprintf(format, args...)}
}

// parser turns the nodes of a file into a state.
type parser struct {
	desc    access.Description
	build   *access.Builder
	objects map[access.ID]bool
	targets []target
}

// target is the end of a grant, which must be there when everything has been read.
type target struct {
	id   access.ID
	node *yaml.Node
}

// parse reads a file into what begin gives. Errors are of type *syntaxError.
func parse(d access.Description, begin func() *access.Builder, data []byte) (*content, error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if b := begin(); written(d, b, data) {
		if state, err := b.Build(); err == nil {
			return &content{header(data), state}, nil
		}
	}
	return parseYAML(d, begin(), data)
}

// parseYAML reads any file.
func parseYAML(d access.Description, b *access.Builder, data []byte) (*content, error) {
	if err := whole(data); err != nil {
		return nil, err
	}
	root, err := document(data)
	if err != nil {
		return nil, err
	}
	p := &parser{desc: d, build: b, objects: map[access.ID]bool{}}
	if err := p.file(root); err != nil {
		return nil, err
	}
	for _, t := range p.targets {
		if !p.objects[t.id] {
			return nil, wrong(t.node, "there is no %s %q", t.id.Kind, t.id.Name)
		}
	}
	state, err := b.Build()
	if err != nil {
		return nil, &syntaxError{1, err.Error()}
	}
	return &content{header(data), state}, nil
}

// whole checks the line that ends the file. Only blank lines and comments may follow it.
func whole(data []byte) error {
	rest := data
	for len(rest) > 0 {
		line := rest[bytes.LastIndexByte(rest, '\n')+1:]
		text := string(bytes.TrimSpace(line))
		switch {
		case text == end && line[0] == end[0]:
			return nil
		case text != "" && text[0] != '#':
			n := 1 + bytes.Count(rest, []byte("\n"))
			return &syntaxError{n, fmt.Sprintf("the file ends here without the line %q: it was cut off", end)}
		}
		rest = bytes.TrimSuffix(rest[:len(rest)-len(line)], []byte("\n"))
	}
	return &syntaxError{1, fmt.Sprintf("the file is empty, without even the line %q", end)}
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)

// document gives the only document's root.
func document(data []byte) (*yaml.Node, error) {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc, more yaml.Node
	if err := dec.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, &syntaxError{1, "the file holds nothing"}
		}
		e := &syntaxError{1, err.Error()}
		if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
			e.text = m[2]
			if n, err := strconv.Atoi(m[1]); err == nil {
				e.line = n
			}
		}
		return nil, e
	}
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		line := max(more.Line, doc.Line)
		return nil, &syntaxError{line, "something follows the end of the document"}
	}
	return doc.Content[0], nil
}

// header gives the comment lines at the very top.
func header(data []byte) string {
	return strings.ReplaceAll(string(data[:headerLength(data)]), "\r", "")
}

func headerLength(data []byte) int {
	n := 0
	for n < len(data) && data[n] == '#' {
		i := bytes.IndexByte(data[n:], '\n')
		if i < 0 {
			break
		}
		n += i + 1
	}
	return n
}

func (p *parser) file(root *yaml.Node) error {
	known := false
	err := pairs(root, func(key string, k, v *yaml.Node) error {
		if key == "version" {
			text, err := scalar(v)
			if err != nil {
				return err
			}
			if text != version {
				return wrong(v, "version %q is not known; this release reads version %s", text, version)
			}
			known = true
			return nil
		}
		i := slices.IndexFunc(p.desc.Kinds, func(kind access.Kind) bool { return plural(kind.Name) == key })
		if i < 0 {
			return wrong(k, "unknown key %q", key)
		}
		return pairs(v, func(name string, k, v *yaml.Node) error { return p.object(p.desc.Kinds[i], name, k, v) })
	})
	if err == nil && !known {
		return wrong(root, "the key %q is missing", "version")
	}
	return err
}

// plural is the key under which the objects of a kind stand.
func plural(kind string) string { return kind + "s" }

func (p *parser) object(kind access.Kind, name string, k, v *yaml.Node) error {
	if err := checkText(name); err != nil {
		return wrong(k, "%v", err)
	}
	o := access.Object{ID: access.ID{Kind: kind.Name, Name: name}}
	err := pairs(v, func(key string, k, v *yaml.Node) error {
		switch {
		case key == "access":
			return pairs(v, func(id string, k, v *yaml.Node) error { return p.access(o.ID, id, k, v) })
		case key == "disabled" && o.ID.IsAccount():
			return boolean(v, &o.Disabled)
		case key == "reserved":
			return boolean(v, &o.Reserved)
		case !hasAttribute(kind, key):
			return wrong(k, "unknown key %q", key)
		}
		text, err := scalar(v)
		if err == nil && text != "" {
			if o.Attributes == nil {
				o.Attributes = map[string]string{}
			}
			o.Attributes[key] = text
		}
		return err
	})
	p.build.Object(o)
	p.objects[o.ID] = true
	return err
}

// access reads one line of what an object holds.
func (p *parser) access(subject access.ID, on string, k, v *yaml.Node) error {
	id, err := access.ParseID(on)
	if err != nil {
		return wrong(k, "%v", err)
	}
	kind, ok := p.desc.Kind(id.Kind)
	if !ok || !kind.Holds(subject.Kind) {
		return wrong(k, "a thing of kind %s holds nothing on one of kind %q", subject.Kind, id.Kind)
	}
	values := []*yaml.Node{v}
	if v.Kind == yaml.SequenceNode && !kind.Ordered {
		if values = v.Content; len(values) == 0 {
			return wrong(v, "the list is empty")
		}
	}
	seen := map[string]bool{}
	for _, v := range values {
		permission, err := scalar(v)
		if err != nil {
			return err
		}
		if kind.Level(permission) < 0 {
			return wrong(v, "a %s has no permission %q, only %s", id.Kind, permission, permissions(kind))
		}
		if seen[permission] {
			return wrong(v, "%q is there twice", permission)
		}
		seen[permission] = true
		p.build.Grant(access.Grant{Subject: subject, Target: id, Permission: permission})
	}
	p.targets = append(p.targets, target{id, k})
	return nil
}

func permissions(k access.Kind) string {
	names := make([]string, len(k.Permissions))
	for i, p := range k.Permissions {
		names[i] = p.Name
	}
	return strings.Join(names, ", ")
}

// pairs walks a mapping. Keys are texts and stand there once.
func pairs(n *yaml.Node, each func(key string, k, v *yaml.Node) error) error {
	if err := plainNode(n); err != nil {
		return err
	}
	if n.Kind != yaml.MappingNode {
		return wrong(n, "expected keys and values here; an empty set is written {}")
	}
	seen := make(map[string]int, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		key, err := scalar(k)
		if err != nil {
			return err
		}
		if line, twice := seen[key]; twice {
			return wrong(k, "%q is there twice, first on line %d", key, line)
		}
		seen[key] = k.Line
		if err := each(key, k, v); err != nil {
			return err
		}
	}
	return nil
}

// scalar gives the text as written: 0123 stays 0123. Where YAML reads nothing ("null", "~",
// or no value) a person may have meant a text, so that it must be quoted.
func scalar(n *yaml.Node) (string, error) {
	if err := plainNode(n); err != nil {
		return "", err
	}
	if n.Kind != yaml.ScalarNode {
		return "", wrong(n, "expected a text here")
	}
	if n.Tag == "!!null" {
		return "", wrong(n, "there is no value here; a text that looks like none must be quoted")
	}
	if n.Tag == "!!merge" {
		return "", wrong(n, "merge keys are not supported")
	}
	return n.Value, nil
}

func boolean(n *yaml.Node, to *bool) error {
	text, err := scalar(n)
	if err != nil {
		return err
	}
	if n.Style != 0 || text != "true" && text != "false" {
		return wrong(n, "expected true or false, not %q", text)
	}
	*to = text == "true"
	return nil
}

// plainNode refuses what makes a file say something else than what stands there.
func plainNode(n *yaml.Node) error {
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		return wrong(n, "anchors and aliases are not supported")
	case n.Style&yaml.TaggedStyle != 0:
		return wrong(n, "tags are not supported")
	}
	return nil
}
