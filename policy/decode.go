package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"
)

// DecodeChange reads what a rule of package accord sees from JSON, as strictly as rules are
// compiled: unknown fields, fields that are there twice, values of another type and words that
// a field never has are problems, all of them at once, each with its place. attributes are the
// keys that accord.yaml declares; nil allows any.
//
// What is left out is empty, as in data.accord.fixture.change; of the texts that are one of
// some words it is the first of these. A null is an object or a list that is left out. The file
// is only a name for the problems.
func DecodeChange(file string, data []byte, attributes []string) (ChangeInput, []Problem) {
	d := &inputDecoder{file: file, data: data, attributes: attributes}
	root, err := d.parse()
	if err != nil {
		return ChangeInput{}, []Problem{*err}
	}
	s := shapeOf(reflect.TypeFor[ChangeInput]())
	var out ChangeInput
	v := reflect.ValueOf(&out).Elem()
	s.example(v)
	d.set(s, v, root, "")
	if out.Version != 0 && out.Version != InputVersion {
		d.wrong(root.field("version"), fmt.Sprintf("the version of the input is %d, not %d", InputVersion, out.Version), "leave it out")
	}
	if len(d.errs) > 0 {
		return ChangeInput{}, d.errs.sorted()
	}
	return out, nil
}

// inputDecoder reads an input. It remembers where every value stands.
type inputDecoder struct {
	file       string
	data       []byte
	attributes []string
	errs       Errors
}

// jsonNode is one JSON value, with the offset at which it begins.
type jsonNode struct {
	at     int
	value  any // string, json.Number, bool or nil; json.Delim of lists and objects
	items  []jsonNode
	fields []jsonField
}

type jsonField struct {
	name  string
	at    int
	value jsonNode
}

// field is the value of a field, or the object itself without it.
func (n jsonNode) field(name string) jsonNode {
	for _, f := range n.fields {
		if f.name == name {
			return f.value
		}
	}
	return n
}

func (n jsonNode) has(name string) bool {
	return slices.ContainsFunc(n.fields, func(f jsonField) bool { return f.name == name })
}

// what names the sort of value.
func (n jsonNode) what() string {
	switch v := n.value.(type) {
	case string:
		return "a text"
	case json.Number:
		return "the number " + v.String()
	case bool:
		return fmt.Sprint(v)
	case json.Delim:
		if v == '[' {
			return "a list"
		}
		return "an object"
	}
	return "null"
}

// maxDepth is how deep values may nest: deeper than any input does.
const maxDepth = 32

// parse reads the text as JSON.
func (d *inputDecoder) parse() (jsonNode, *Problem) {
	dec := json.NewDecoder(bytes.NewReader(d.data))
	dec.UseNumber()
	n, err := d.node(dec, 0)
	if err == nil {
		if at := d.next(dec); at < len(d.data) {
			p := d.problem(at, "something follows the input", "one input is judged at a time")
			return n, &p
		}
		return n, nil
	}
	at, text := int(dec.InputOffset()), err.Error()
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		at = int(syntax.Offset)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		at, text = len(bytes.TrimRight(d.data, " \t\r\n")), "it ends too early"
	}
	p := d.problem(at, "this isn't JSON: "+text, "")
	return n, &p
}

// next is where the next token begins.
func (d *inputDecoder) next(dec *json.Decoder) int {
	at := int(dec.InputOffset())
	for at < len(d.data) && strings.IndexByte(" \t\r\n,:", d.data[at]) >= 0 {
		at++
	}
	return at
}

func (d *inputDecoder) node(dec *json.Decoder, depth int) (jsonNode, error) {
	n := jsonNode{at: d.next(dec)}
	t, err := dec.Token()
	if err != nil {
		return n, err
	}
	if depth > maxDepth {
		return n, errors.New("it nests too deep")
	}
	n.value = t
	delim, ok := t.(json.Delim)
	if !ok {
		return n, nil
	}
	for dec.More() {
		var f jsonField
		if delim == '{' {
			f.at = d.next(dec)
			key, err := dec.Token()
			if err != nil {
				return n, err
			}
			f.name, _ = key.(string)
		}
		if f.value, err = d.node(dec, depth+1); err != nil {
			return n, err
		}
		if delim == '{' {
			n.fields = append(n.fields, f)
		} else {
			n.items = append(n.items, f.value)
		}
	}
	_, err = dec.Token()
	return n, err
}

// wrong notes a problem of a value.
func (d *inputDecoder) wrong(n jsonNode, text, hint string) {
	d.errs = append(d.errs, d.problem(n.at, text, hint))
}

// problem finds the line and the column, in characters, of an offset.
func (d *inputDecoder) problem(at int, text, hint string) Problem {
	before := d.data[:min(max(at, 0), len(d.data))]
	begin := bytes.LastIndexByte(before, '\n') + 1
	return Problem{File: d.file, Line: 1 + bytes.Count(before, []byte("\n")), Col: 1 + utf8.RuneCount(before[begin:]), Text: text, Hint: hint}
}

// set puts a JSON value into the place of the input that has this shape. path is how a rule
// would name it, without input.
func (d *inputDecoder) set(s *shape, v reflect.Value, n jsonNode, path string) {
	name := strings.TrimPrefix(path, ".")
	if name == "" {
		name = "the input"
	}
	if n.value == nil && (s.bare != nil || s.kind == reflect.Slice || s.kind == reflect.Map) {
		return
	}
	must := func(what string) {
		d.wrong(n, fmt.Sprintf("%s is %s, it must be %s", name, n.what(), what), "")
	}
	switch s.kind {
	case reflect.String:
		text, ok := n.value.(string)
		switch {
		case !ok:
			must("a text")
		case s.enum != nil && !slices.Contains(s.enum, text):
			d.wrong(n, fmt.Sprintf("%s is never %q", name, text), meant(text, slices.DeleteFunc(slices.Clone(s.enum), func(w string) bool { return w == "" })))
		default:
			v.SetString(text)
		}
	case reflect.Bool:
		b, ok := n.value.(bool)
		if !ok {
			must("true or false")
		}
		v.SetBool(b)
	case reflect.Int:
		number, _ := n.value.(json.Number)
		i, err := number.Int64()
		if err != nil {
			must("a whole number")
		}
		v.SetInt(i)
	case reflect.Slice:
		if n.value != json.Delim('[') {
			must("a list")
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), len(n.items), len(n.items)))
		for i, item := range n.items {
			d.set(s.elem, v.Index(i), item, fmt.Sprintf("%s[%d]", path, i))
		}
	default:
		if n.value != json.Delim('{') {
			must("an object")
			return
		}
		d.object(s, v, n, path)
	}
}

// object sets the fields of a struct or the keys of a map.
func (d *inputDecoder) object(s *shape, v reflect.Value, n jsonNode, path string) {
	if s.bare != nil {
		v.Set(reflect.New(s.bare.typ))
		v = v.Elem()
	}
	if s.kind == reflect.Map {
		v.Set(reflect.MakeMap(v.Type()))
	}
	seen := map[string]bool{}
	for _, f := range n.fields {
		at := path + "." + f.name
		if seen[f.name] {
			d.wrong(jsonNode{at: f.at}, fmt.Sprintf("%s stands twice", at[1:]), "")
			continue
		}
		seen[f.name] = true
		if s.kind == reflect.Map {
			if s.attrs && len(d.attributes) > 0 && !slices.Contains(d.attributes, f.name) {
				d.wrong(jsonNode{at: f.at}, fmt.Sprintf("there is no attribute %s in accord.yaml", at[1:]), meant(f.name, d.attributes))
				continue
			}
			e := reflect.New(s.elem.typ).Elem()
			d.set(s.elem, e, f.value, at)
			v.SetMapIndex(reflect.ValueOf(f.name), e)
			continue
		}
		field, ok := s.field(f.name)
		if !ok {
			d.wrong(jsonNode{at: f.at}, fmt.Sprintf("there is no field %s", at[1:]), meant(f.name, fieldNames(s)))
			continue
		}
		d.set(field.shape, v.Field(field.index), f.value, at)
	}
	d.end(s, v, n, path)
}

// end holds has_end and days_left together: each alone would be read as something else than
// its author means.
func (d *inputDecoder) end(s *shape, v reflect.Value, n jsonNode, path string) {
	if s.hasEnd == 0 || s.daysLeft == 0 || s.kind != reflect.Struct {
		return
	}
	days, has := v.Field(s.daysLeft-1).Int(), v.Field(s.hasEnd-1).Bool()
	path = strings.TrimPrefix(path+".", ".")
	switch {
	case has && !n.has("days_left"):
		d.wrong(n.field("has_end"), fmt.Sprintf("%shas_end is true, and %[1]sdays_left isn't there", path), "say how many days are left")
	case !has && n.has("days_left") && days != NoEnd:
		d.wrong(n.field("days_left"), fmt.Sprintf("%sdays_left is %d, and %[1]shas_end isn't true", path, days), `add "has_end": true`)
	}
}

func fieldNames(s *shape) []string {
	var out []string
	for _, f := range s.fields {
		out = append(out, f.name)
	}
	return out
}
