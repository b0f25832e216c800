package rest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"strings"

	"github.com/accordhq/accord/connectors"
)

// encode makes the body of a request. A []byte goes as it is.
func encode(v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case []byte:
		return v, nil
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("encoding the body: %w", err)
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

// JSON decodes the body; fields that aren't known are passed over, and numbers in an any keep
// their digits (json.Number). An empty body, one that isn't JSON, or one with more behind it
// can't be believed.
func (r *Response) JSON(into any) error { return r.decode(into, false) }

// Strict is JSON, and fields that aren't known are an error too.
func (r *Response) Strict(into any) error { return r.decode(into, true) }

func (r *Response) decode(into any, strict bool) error {
	if len(bytes.TrimSpace(r.Body)) == 0 {
		return r.doubt(fmt.Sprintf("status %d came with an empty body where JSON is due", r.Status))
	}
	d := json.NewDecoder(bytes.NewReader(r.Body))
	d.UseNumber()
	if strict {
		d.DisallowUnknownFields()
	}
	if err := d.Decode(into); err != nil {
		return r.doubt("the body isn't the JSON that is due: " + jsonProblem(err))
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return r.doubt("there is something behind the JSON")
	}
	return nil
}

// jsonProblem says what is wrong without repeating the body.
func jsonProblem(err error) string {
	var t *json.UnmarshalTypeError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return "it ends in the middle"
	case errors.As(err, &t):
		return fmt.Sprintf("%s is %s", quote(t.Field), t.Value)
	}
	return quote(err.Error())
}

// doubt says that an answer can't be believed: what was read is incomplete, what was written
// has an unknown outcome.
func (r *Response) doubt(why string) error {
	kind := connectors.ErrOutcomeUnknown
	if r.read {
		kind = connectors.ErrIncomplete
	}
	return fmt.Errorf("%s: %w: %s", r.what, kind, why)
}

// Doubt is for callers who find that an answer doesn't hold together: an error that says why,
// and is connectors.ErrIncomplete for a read, connectors.ErrOutcomeUnknown for a write.
func (r *Response) Doubt(format string, args ...any) error {
	return r.doubt(fmt.Sprintf(format, args...))
}

func looksLikeHTML(r *Response) bool {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return len(r.Body) > 0 && (strings.HasSuffix(kind, "html") || strings.HasPrefix(kind, "application/xhtml") || bytes.HasPrefix(bytes.TrimSpace(r.Body), []byte("<")))
}

// pageTitle gives the title of a page, else its beginning.
func pageTitle(body []byte) string {
	text := string(body[:min(len(body), 4096)])
	lower := strings.ToLower(text)
	if len(lower) == len(text) {
		if _, after, ok := strings.Cut(lower, "<title>"); ok {
			from := len(text) - len(after)
			if n := strings.Index(after, "<"); n >= 0 {
				return text[from : from+n]
			}
		}
	}
	return text[:min(len(text), 80)]
}
