package plan

import (
	"bufio"
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
)

// streamer writes a struct as an indented JSON object, the bytes that an Encoder with SetIndent("",
// " ") and without HTML escapes writes. An Encoder holds all of it as text, twice; this holds one
// entry of one list.
type streamer struct {
	w   *bufio.Writer
	buf bytes.Buffer
	enc *json.Encoder
}

// stream writes the exported fields of the struct that v points to. They have to have tags, and
// none may be embedded.
func stream(w *bufio.Writer, v any) error {
	s := &streamer{w: w}
	s.enc = json.NewEncoder(&s.buf)
	s.enc.SetEscapeHTML(false)
	rv := reflect.ValueOf(v).Elem()
	first := true
	w.WriteByte('{')
	for i := range rv.NumField() {
		name, left := fieldName(rv.Type().Field(i), rv.Field(i))
		if left {
			continue
		}
		if !first {
			w.WriteByte(',')
		}
		first = false
		w.WriteString("\n \"" + name + "\": ")
		if err := s.field(rv.Field(i)); err != nil {
			return err
		}
	}
	if !first {
		w.WriteByte('\n')
	}
	_, err := w.WriteString("}\n") // the writer keeps the first error
	return err
}

// fieldName is the name of a field, and whether it is left out: unexported, or empty and to be
// left out then.
func fieldName(f reflect.StructField, v reflect.Value) (name string, left bool) {
	tag, ok := f.Tag.Lookup("json")
	name, options, _ := strings.Cut(tag, ",")
	if !f.IsExported() || !ok || name == "-" {
		return "", true
	}
	for o := range strings.SplitSeq(options, ",") {
		switch {
		case o == "omitempty" && isEmpty(v), o == "omitzero" && isZero(v):
			return name, true
		}
	}
	return name, false
}

// isEmpty is what encoding/json takes for empty.
func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
		return v.Len() == 0
	case reflect.Struct:
		return false
	}
	return v.IsZero()
}

// isZero is what encoding/json takes for zero.
func isZero(v reflect.Value) bool {
	if z, ok := v.Interface().(interface{ IsZero() bool }); ok {
		return v.Kind() == reflect.Pointer && v.IsNil() || z.IsZero()
	}
	return v.IsZero()
}

func (s *streamer) field(v reflect.Value) error {
	if steps, ok := v.Interface().([]Step); ok && len(steps) > 0 {
		return s.steps(steps)
	}
	if v.Kind() != reflect.Slice || v.Len() == 0 || v.Type().Elem().Kind() == reflect.Uint8 || v.Type().Implements(reflect.TypeFor[json.Marshaler]()) {
		return s.value(v, " ")
	}
	s.w.WriteByte('[')
	for i := range v.Len() {
		if i > 0 {
			s.w.WriteByte(',')
		}
		s.w.WriteString("\n  ")
		if err := s.value(v.Index(i), "  "); err != nil {
			return err
		}
	}
	s.w.WriteString("\n ]")
	return nil
}

// perChunk is how many steps are put into words at a time.
const perChunk = 512

// steps writes the list of steps, a chunk after the other.
func (s *streamer) steps(steps []Step) error {
	s.w.WriteByte('[')
	chunks := slices.Collect(slices.Chunk(steps, perChunk))
	err := inOrder(len(chunks), func(i int, b []byte) (_ []byte, err error) {
		for k := range chunks[i] {
			if i+k > 0 {
				b = append(b, ',')
			}
			if b, err = stepJSON(append(b, "\n  "...), &chunks[i][k]); err != nil {
				return b, err
			}
		}
		return b, nil
	}, func(b []byte) error {
		_, err := s.w.Write(b)
		return err
	})
	if err != nil {
		return err
	}
	_, err = s.w.WriteString("\n ]")
	return err
}

// stepJSON appends a step as it stands in the list.
func stepJSON(b []byte, s *Step) ([]byte, error) {
	begin := len(b)
	b, ok := appendStep(b, s)
	if ok {
		return b, nil
	}
	buf := bytes.NewBuffer(b[:begin])
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	enc.SetIndent("  ", " ")
	err := enc.Encode(s)
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), err
}

// value writes one value; the lines after the first begin with the prefix.
func (s *streamer) value(v reflect.Value, prefix string) error {
	s.buf.Reset()
	s.enc.SetIndent(prefix, " ")
	if v.CanAddr() {
		v = v.Addr() // as an Encoder that was given a pointer sees it
	}
	if err := s.enc.Encode(v.Interface()); err != nil {
		return err
	}
	_, err := s.w.Write(bytes.TrimSuffix(s.buf.Bytes(), []byte("\n")))
	return err
}
