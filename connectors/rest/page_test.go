package rest

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/accordhq/accord/connectors"
)

func TestLinks(t *testing.T) {
	tests := []struct {
		name  string
		links map[string]string // page → its Link header
		want  string            // the pages that come
		fails string
	}{
		{"one page", nil, "1", ""},
		{"three pages", map[string]string{"1": `</p?n=2>; rel="next", </p?n=3>; rel="last"`, "2": `<?n=3>; rel=next`}, "1 2 3", ""},
		{"a circle", map[string]string{"1": `<?n=2>; rel="next"`, "2": `<?n=1>; rel="next"`}, "1 2", "circle"},
		{"to itself", map[string]string{"1": `<?n=1>; rel="next"`}, "1", "circle"},
		{"another host", map[string]string{"1": `<https://evil.example/p?n=2>; rel="next"`}, "1", "another host"},
		{"another scheme", map[string]string{"1": `<ftp://HOST/p?n=2>; rel="next"`}, "1", "another host"},
		{"no address", map[string]string{"1": `<http://[::1>; rel="next"`}, "1", "isn't one"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				n := r.URL.Query().Get("n")
				if l := tt.links[n]; l != "" {
					w.Header().Set("Link", strings.ReplaceAll(l, "HOST", r.Host))
				}
				fmt.Fprintf(w, `{"n": %q}`, n)
			}))
			defer server.Close()
			c := newClient(t, Options{BaseURL: server.URL})
			var got []string
			var failed error
			for res, err := range c.Links(t.Context(), Request{Method: "GET", Path: "p", Query: map[string][]string{"n": {"1"}}}) {
				if err != nil {
					failed = err
					break
				}
				var page struct{ N string }
				if err := res.Strict(&page); err != nil {
					t.Fatal(err)
				}
				got = append(got, page.N)
			}
			if strings.Join(got, " ") != tt.want {
				t.Errorf("pages %v, want %s", got, tt.want)
			}
			if (failed == nil) != (tt.fails == "") || failed != nil && (!strings.Contains(failed.Error(), tt.fails) || !errors.Is(failed, connectors.ErrIncomplete)) {
				t.Errorf("error %v, want one about %q", failed, tt.fails)
			}
		})
	}
}

func TestIndex(t *testing.T) {
	type page struct {
		keys  string
		total int
	}
	tests := []struct {
		name  string
		pages []page
		fails string
	}{
		{"none", []page{{"", 0}}, ""},
		{"one page", []page{{"a b", 2}}, ""},
		{"three", []page{{"a b", 5}, {"c d", 5}, {"e", 5}}, ""},
		{"the first page again", []page{{"a b", 4}, {"a b", 4}}, "circle"},
		{"one came in between", []page{{"a b", 4}, {"b c", 5}}, "from 4 to 5"},
		{"it ends too early", []page{{"a b", 4}, {"", 4}}, "after 2 of 4"},
		{"more than told", []page{{"a b c", 2}}, "more than the 2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var p Index
			var err error
			more := true
			for i, page := range tt.pages {
				if !more {
					t.Fatalf("done before page %d", i+1)
				}
				if more, err = p.Page(strings.Fields(page.keys), page.total); err != nil {
					break
				}
			}
			if (err == nil) != (tt.fails == "") || err == nil && more || err != nil && (!strings.Contains(err.Error(), tt.fails) || !errors.Is(err, connectors.ErrIncomplete)) {
				t.Errorf("more %v, error %v, want one about %q", more, err, tt.fails)
			}
		})
	}
}

func TestCursor(t *testing.T) {
	var p Cursor
	for _, token := range []string{"x", "y"} {
		if more, err := p.Next(token); !more || err != nil {
			t.Errorf("%s: %v, %v", token, more, err)
		}
	}
	if _, err := p.Next("x"); !errors.Is(err, connectors.ErrIncomplete) {
		t.Errorf("the same token again: %v", err)
	}
	if more, err := p.Next(""); more || err != nil {
		t.Errorf("no token: %v, %v", more, err)
	}
}

func TestPath(t *testing.T) {
	for want, parts := range map[string][]string{
		"Users/a%2Fb":     {"Users", "a/b"},
		"Users/%2E%2E":    {"Users", ".."},
		"Users/a%3Fb%23c": {"Users", "a?b#c"},
	} {
		if got := Path(parts...); got != want {
			t.Errorf("%q is %q, want %q", parts, got, want)
		}
	}
}

// FuzzHeaders: whatever stands in a header, reading it neither panics nor gives a wait that is
// negative or without end.
func FuzzHeaders(f *testing.F) {
	for _, s := range []string{
		"120", "Fri, 31 Dec 1999 23:59:59 GMT", "-1", "1e99", "NaN", "0x10", "", "99999999999999999999", "1700000000", "1700000000000",
		`"default";r=50;t=30`, "limit=100, remaining=50, reset=50", `"a";r=9223372036854775807;t=9223372036854775807`,
		`<https://a/b?c=d>; rel="next"`, `<a>; title="x, <y>; rel=next"; rel="prev last", <b>; rel=NEXT`, `<a`, `<>;;;,,rel="`, `<a>; rel="\"`,
	} {
		f.Add(s)
	}
	now := time.Unix(1_700_000_000, 0)
	f.Fuzz(func(t *testing.T, s string) {
		h := http.Header{"Retry-After": {s}, "Link": {s, s}, "Ratelimit": {s}, "X-Ratelimit-Remaining": {"1"}, "X-Ratelimit-Reset": {s}}
		if d, _ := retryAfter(h, now); d < 0 || d > maxDelay {
			t.Errorf("Retry-After %q: %v", s, d)
		}
		if r, _ := rateOf(h, now); r.left < 0 || r.reset < 0 || r.reset > maxDelay {
			t.Errorf("a rate of %q: %+v", s, r)
		}
		if next := NextLink(h); len(next) > len(s) {
			t.Errorf("the next link of %q is %q", s, next)
		}
	})
}

func TestNextLink(t *testing.T) {
	for header, want := range map[string]string{
		`<https://a/b?c=d>; rel="next"`:                       "https://a/b?c=d",
		`<a>; rel="prev", <b>; title="x, y"; rel="last next"`: "b",
		`<a>; title="<z>; rel=next"; rel=prev`:                "",
		`<a>; REL=Next`:                                       "a",
		`<a>; rel=prev; rel=next`:                             "",
		`a; rel=next`:                                         "",
	} {
		if got := NextLink(http.Header{"Link": {header}}); got != want {
			t.Errorf("%s: %q, want %q", header, got, want)
		}
	}
}
