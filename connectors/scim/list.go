package scim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/connectors/rest"
)

// page is one page of a listing (RFC 7644 §3.4.2, RFC 9865 §2).
type page struct {
	Total     *json.Number `json:"totalResults"`
	Resources []resource   `json:"Resources"`
	Next      string       `json:"nextCursor"`
}

// rereads is how often a listing is begun again that changed while it was read.
const rereads = 2

// each yields every resource of a listing to take. A listing that changes while it is read, so
// that something may have slipped through between two pages, is begun again, begin being
// called each time; one that never holds together is connectors.ErrIncomplete.
func (c *connector) each(ctx context.Context, s *service, endpoint string, q url.Values, begin func(), take func(resource) error) error {
	if q == nil {
		q = url.Values{}
	}
	walk := c.byIndex
	if s.cursor {
		walk = c.byCursor
	}
	for try := 0; ; try++ {
		begin()
		err := walk(ctx, s, endpoint, q, take)
		var torn *tornError
		if err == nil || !errors.As(err, &torn) || try == rereads {
			return err
		}
		c.log.DebugContext(ctx, "reading a listing again", "endpoint", endpoint, "why", torn.Error())
	}
}

// tornError says that the pages of a listing don't fit together.
type tornError struct{ err error }

func (e *tornError) Error() string { return e.err.Error() }
func (e *tornError) Unwrap() error { return e.err }

// byIndex walks by startIndex and count, up to totalResults. itemsPerPage is not believed, and
// an empty page is no end: services answer a position behind the end with a full page.
func (c *connector) byIndex(ctx context.Context, s *service, endpoint string, q url.Values, take func(resource) error) error {
	var index rest.Index
	for {
		q := rest.WithQuery(q, "startIndex", strconv.Itoa(index.Position()+1))
		p, res, err := c.page(ctx, s, endpoint, q)
		if err != nil {
			return err
		}
		if p.Total == nil {
			return res.Doubt("the page tells no totalResults")
		}
		total, err := strconv.Atoi(p.Total.String())
		if err != nil || total < 0 {
			return res.Doubt("totalResults is no number")
		}
		more, err := index.Page(ids(p.Resources), total)
		if err != nil {
			return &tornError{fmt.Errorf("GET %s: %w", endpoint, err)}
		}
		for _, r := range p.Resources {
			if err := take(r); err != nil {
				return err
			}
		}
		if !more {
			return nil
		}
	}
}

// byCursor walks by nextCursor.
func (c *connector) byCursor(ctx context.Context, s *service, endpoint string, q url.Values, take func(resource) error) error {
	var cursor rest.Cursor
	var seen rest.Seen
	next := ""
	for {
		if next != "" || !s.implied {
			q = rest.WithQuery(q, "cursor", next)
		}
		p, res, err := c.page(ctx, s, endpoint, q)
		if rest.Code(err) == "expiredCursor" {
			return &tornError{fmt.Errorf("%w: %w", connectors.ErrIncomplete, err)}
		}
		if err != nil {
			return err
		}
		for _, r := range p.Resources {
			if err := seen.Add(r.id()); err != nil {
				return &tornError{fmt.Errorf("GET %s: %w", endpoint, err)}
			}
			if err := take(r); err != nil {
				return err
			}
		}
		more, err := cursor.Next(p.Next)
		if err != nil {
			return res.Doubt("the cursor doesn't move")
		}
		if more {
			next = p.Next
			continue
		}
		if p.Total != nil && p.Total.String() != strconv.Itoa(seen.Len()) {
			return &tornError{res.Doubt("the listing has %d, and tells %s", seen.Len(), p.Total)}
		}
		return nil
	}
}

// page gets one page, and checks that it is one.
func (c *connector) page(ctx context.Context, s *service, endpoint string, q url.Values) (*page, *rest.Response, error) {
	q = rest.WithQuery(q, "count", strconv.Itoa(s.pageSize))
	res, err := c.client.Do(ctx, rest.Request{Method: http.MethodGet, Path: endpoint, Query: q, Lack: "the right to read " + endpoint})
	if err != nil {
		return nil, nil, err
	}
	var p page
	if err := res.JSON(&p); err != nil {
		return nil, nil, err
	}
	if p.Total == nil && p.Resources == nil && p.Next == "" {
		return nil, nil, res.Doubt("the answer is no list")
	}
	for _, r := range p.Resources {
		if r.id() == "" {
			return nil, nil, res.Doubt("the list holds something without an id")
		}
	}
	return &p, res, nil
}

func ids(all []resource) []string {
	out := make([]string, len(all))
	for i, r := range all {
		out[i] = r.id()
	}
	return out
}

// equals is a filter for an attribute that has a value. The value is a JSON string (RFC 7644
// §3.4.2.2).
func equals(attribute, v string) string { return attribute + " eq " + literal(v) }

// literal is a text in a filter.
func literal(v string) string {
	var out []byte
	out = append(out, '"')
	for i := 0; i < len(v); i++ {
		if v[i] == '"' || v[i] == '\\' {
			out = append(out, '\\')
		}
		out = append(out, v[i])
	}
	return string(append(out, '"'))
}

// plain reports whether a text can stand in a filter that a simple parser reads too. Services
// that don't know the escapes find nothing, and say so as if it were true.
func plain(v string) bool {
	for _, r := range v {
		if r == '"' || r == '\\' || r < ' ' {
			return false
		}
	}
	return true
}
