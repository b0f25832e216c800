package rest

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"net/url"

	"github.com/accordhq/accord/connectors"
)

// mostPages is where a listing ends that seems to have no end.
const mostPages = 100_000

// Links yields the pages of a listing whose answers name the next one in the Link header. A
// link to another host, or to a page that was there already, ends it with an error.
func (c *Client) Links(ctx context.Context, first Request) iter.Seq2[*Response, error] {
	return func(yield func(*Response, error) bool) {
		r := first
		var seen Seen
		for {
			res, err := c.Do(ctx, r)
			if err == nil {
				err = seen.Add(res.URL.String())
			}
			if err != nil {
				yield(nil, err)
				return
			}
			next := NextLink(res.Header)
			if !yield(res, nil) || next == "" {
				return
			}
			u, err := res.URL.Parse(next)
			if err == nil && !sameHost(c.base, u) {
				err = res.Doubt("the next page is on another host, %s", c.quote(u.Host))
			} else if err != nil {
				err = res.Doubt("the link to the next page isn't one")
			}
			if err != nil {
				yield(nil, err)
				return
			}
			r = Request{Method: http.MethodGet, URL: u.String(), Header: first.Header, Lack: first.Lack}
		}
	}
}

// Seen refuses what was there before: a page token that doesn't move, an object that two pages
// show. The zero value is ready.
type Seen struct{ seen map[string]struct{} }

// Add notes a key. One that was there before, and one too many, is connectors.ErrIncomplete.
func (s *Seen) Add(key string) error {
	if s.seen == nil {
		s.seen = map[string]struct{}{}
	}
	if _, ok := s.seen[key]; ok {
		return fmt.Errorf("paging goes round in a circle: %w", connectors.ErrIncomplete)
	}
	if len(s.seen) >= mostPages*100 {
		return fmt.Errorf("paging has no end: %w", connectors.ErrIncomplete)
	}
	s.seen[key] = struct{}{}
	return nil
}

// Len is how many keys were noted.
func (s *Seen) Len() int { return len(s.seen) }

// Cursor walks a listing by tokens: each page names the next one, the last names none. A
// token that was there before is refused.
type Cursor struct {
	seen  Seen
	pages int
}

// Next takes the token that a page names and reports whether there is another page.
func (p *Cursor) Next(token string) (more bool, err error) {
	p.pages++
	if token == "" {
		return false, nil
	}
	if p.pages > mostPages {
		return false, fmt.Errorf("paging has no end: %w", connectors.ErrIncomplete)
	}
	return true, p.seen.Add(token)
}

// Index walks a listing by position, up to the total that the pages tell. It is done when it
// has as many things as that, never because a page is empty: a server may well answer a
// position behind the end with the first page.
type Index struct {
	seen  Seen
	total int
	begun bool
}

// Position is how many things were seen: the next page begins behind them.
func (p *Index) Position() int { return p.seen.Len() }

// Page takes the keys on a page and the total that it tells, and reports whether there is more.
// A key that was there before, a total that changes while pages are read, and a page that
// brings nothing though something is missing, are connectors.ErrIncomplete.
func (p *Index) Page(keys []string, total int) (more bool, err error) {
	if p.begun && total != p.total {
		return false, fmt.Errorf("the listing changed while it was read, from %d to %d: %w", p.total, total, connectors.ErrIncomplete)
	}
	p.begun, p.total = true, total
	for _, k := range keys {
		if err := p.seen.Add(k); err != nil {
			return false, err
		}
	}
	switch {
	case p.seen.Len() > total:
		return false, fmt.Errorf("the listing has %d, more than the %d that it tells: %w", p.seen.Len(), total, connectors.ErrIncomplete)
	case p.seen.Len() == total:
		return false, nil
	case len(keys) == 0:
		return false, fmt.Errorf("the listing ends after %d of %d: %w", p.seen.Len(), total, connectors.ErrIncomplete)
	}
	return true, nil
}

// WithQuery gives a copy of a query with one more value.
func WithQuery(q url.Values, key, value string) url.Values {
	out := url.Values{}
	for k, v := range q {
		out[k] = v
	}
	out.Set(key, value)
	return out
}
