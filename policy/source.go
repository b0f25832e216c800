package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// Source is one file of a policy folder: Rego (.rego, tests in _test.rego) or data (.json,
// .yaml, .yml).
type Source struct {
	Path string
	Data []byte
}

func (s Source) rego() bool { return path.Ext(s.Path) == ".rego" }

func (s Source) test() bool { return strings.HasSuffix(s.Path, "_test.rego") }

const (
	// maxData is how large a data file may be.
	maxData = 16 << 20
	// maxNested is how deep lists and mappings may stand in each other.
	maxNested = 100
)

var errDepth = fmt.Errorf("lists and mappings stand in each other more than %d deep", maxNested)

// reserved are the keys of data that don't come from the files of a policy folder.
var reserved = []string{"accord", "params", driverPackage}

// loadData reads the data files into one document. The keys of every file stand at its root,
// wherever the file lies; a key that two files have is an error.
func loadData(sources []Source) (out map[string]any, from map[string]string, _ Errors) {
	out, from = map[string]any{}, map[string]string{}
	var errs Errors
	for _, s := range sources {
		if s.rego() {
			continue
		}
		doc, err := decodeData(s)
		if err != nil {
			errs = append(errs, err.(Problem))
			continue
		}
		for _, k := range sortedKeys(doc) {
			switch first, twice := from[k]; {
			case slices.Contains(reserved, k):
				errs = append(errs, Problem{File: s.Path, Text: fmt.Sprintf("data.%s is reserved", k), Hint: "choose another key"})
			case twice:
				errs = append(errs, Problem{File: s.Path, Text: fmt.Sprintf("data.%s is in %s already", k, first)})
			}
			out[k], from[k] = doc[k], s.Path
		}
	}
	return out, from, errs
}

// Error makes a Problem an error.
func (p Problem) Error() string { return p.String() }

func decodeData(s Source) (map[string]any, error) {
	fail := func(line, col int, format string, a ...any) error {
		return Problem{File: s.Path, Line: line, Col: col, Text: fmt.Sprintf(format, a...)}
	}
	var value any
	var err error
	switch ext := path.Ext(s.Path); {
	case ext != ".json" && ext != ".yaml" && ext != ".yml":
		return nil, fail(0, 0, "is neither Rego nor data; it must be .rego, .json, .yaml or .yml")
	case len(s.Data) > maxData:
		return nil, fail(0, 0, "has %d MiB; %d are allowed: a policy's data are limits and lists, people and grants are in its input", len(s.Data)>>20, maxData>>20)
	case !utf8.Valid(s.Data):
		return nil, fail(0, 0, "isn't UTF-8")
	case ext == ".json":
		value, err = decodeJSON(s.Data)
	default:
		value, err = decodeYAML(s.Data)
	}
	if err != nil {
		if p := (Problem{}); errors.As(err, &p) {
			p.File = s.Path
			return nil, p
		}
		return nil, fail(0, 0, "%s", strings.TrimPrefix(err.Error(), "yaml: "))
	}
	doc, ok := value.(map[string]any)
	if !ok {
		return nil, fail(1, 1, "must be a mapping: its keys become keys of data")
	}
	return doc, nil
}

func decodeJSON(data []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	v, err := jsonValue(d, maxNested)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("something follows the document")
	}
	return v, nil
}

// jsonValue reads one value by tokens, so that a key that stands twice is seen.
func jsonValue(d *json.Decoder, depth int) (any, error) {
	if depth == 0 {
		return nil, errDepth
	}
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t {
	case json.Delim('['):
		list := []any{}
		for d.More() {
			v, err := jsonValue(d, depth-1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err := d.Token()
		return list, err
	case json.Delim('{'):
		m := map[string]any{}
		for d.More() {
			k, err := d.Token()
			if err != nil {
				return nil, err
			}
			key := k.(string)
			if _, twice := m[key]; twice {
				return nil, fmt.Errorf("the key %q stands twice", key)
			}
			if m[key], err = jsonValue(d, depth-1); err != nil {
				return nil, err
			}
		}
		_, err := d.Token()
		return m, err
	}
	return t, nil
}

func decodeYAML(data []byte) (any, error) {
	d := yaml.NewDecoder(bytes.NewReader(data))
	var n yaml.Node
	if err := d.Decode(&n); err == io.EOF {
		return map[string]any{}, nil
	} else if err != nil {
		return nil, err
	}
	if err := d.Decode(new(yaml.Node)); err != io.EOF {
		return nil, errors.New("a second document follows; use one file each")
	}
	return yamlValue(n.Content[0], maxNested)
}

// yamlValue reads a node. Only what is written as a plain decimal number becomes a number, so
// that 0123 and 1_000 stay the texts they are.
func yamlValue(n *yaml.Node, depth int) (any, error) {
	if depth == 0 {
		return nil, errDepth
	}
	fail := func(format string, a ...any) error {
		return Problem{Line: n.Line, Col: n.Column, Text: fmt.Sprintf(format, a...)}
	}
	if n.Anchor != "" || n.Kind == yaml.AliasNode {
		return nil, fail("anchors and aliases aren't used here")
	}
	switch n.Kind {
	case yaml.SequenceNode:
		list := []any{}
		for _, c := range n.Content {
			v, err := yamlValue(c, depth-1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	case yaml.MappingNode:
		m := map[string]any{}
		for i := 0; i < len(n.Content); i += 2 {
			k := n.Content[i]
			if k.Kind != yaml.ScalarNode || k.Tag == "!!merge" {
				return nil, fail("a key must be a text")
			}
			if _, twice := m[k.Value]; twice {
				return nil, Problem{Line: k.Line, Col: k.Column, Text: fmt.Sprintf("the key %q stands twice", k.Value)}
			}
			v, err := yamlValue(n.Content[i+1], depth-1)
			if err != nil {
				return nil, err
			}
			m[k.Value] = v
		}
		return m, nil
	}
	return yamlScalar(n), nil
}

func yamlScalar(n *yaml.Node) any {
	if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		return n.Value
	}
	switch n.Tag {
	case "!!null":
		return nil
	case "!!bool":
		return strings.EqualFold(n.Value, "true")
	case "!!int":
		if i, err := strconv.ParseInt(n.Value, 10, 64); err == nil && strconv.FormatInt(i, 10) == n.Value {
			return json.Number(n.Value)
		}
	case "!!float":
		if json.Valid([]byte(n.Value)) {
			return json.Number(n.Value)
		}
	}
	return n.Value
}
