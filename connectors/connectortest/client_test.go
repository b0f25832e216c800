package connectortest_test

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/accordhq/accord/connectors/connectortest"
)

// carelessly is a client's transport that makes of an answer what careless code would.
type carelessly func(*http.Request, *http.Response) *http.Response

func (f carelessly) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	return f(r, res), nil
}

// as is the answer with another status and body.
func as(res *http.Response, status int, body string) *http.Response {
	res.Body.Close()
	res.StatusCode, res.ContentLength, res.Body = status, int64(len(body)), io.NopCloser(strings.NewReader(body))
	return res
}

const nobodyElse = `{"people": [], "next": "", "total": 0, "serial": "KC-7", "keys": []}`

// careless are the mistakes that show on the way: each is the connector of example_test.go
// over a client that gets one thing wrong.
func careless() []struct {
	name, law, says string
	client          carelessly
} {
	read := func(r *http.Request) bool { return r.Method == http.MethodGet }
	return []struct {
		name, law, says string
		client          carelessly
	}{
		{"takes a 429 for an empty list", "read/all-or-error", `"429"`, func(r *http.Request, res *http.Response) *http.Response {
			if res.StatusCode == http.StatusTooManyRequests {
				return as(res, http.StatusOK, nobodyElse)
			}
			return res
		}},
		{"takes a login page for an empty list", "read/all-or-error", `"login-page"`, func(r *http.Request, res *http.Response) *http.Response {
			if res.StatusCode == http.StatusFound && read(r) {
				return as(res, http.StatusOK, nobodyElse)
			}
			return res
		}},
		{"takes nothing for an empty list", "read/all-or-error", `"empty-200"`, func(r *http.Request, res *http.Response) *http.Response {
			if res.ContentLength == 0 && read(r) {
				return as(res, http.StatusOK, nobodyElse)
			}
			return res
		}},
		{"stops at the page that fails", "read/all-or-error", `"page-two"`, func(r *http.Request, res *http.Response) *http.Response {
			if res.StatusCode == http.StatusBadGateway && r.URL.Query().Get("after") != "" {
				// 21 people are there; the connector's own count is cheated as well.
				return as(res, http.StatusOK, `{"people": [], "next": "", "total": 7}`)
			}
			return res
		}},
		{"takes a token that ended for the end", "read/all-or-error", `"401-half-way"`, func(r *http.Request, res *http.Response) *http.Response {
			if res.StatusCode == http.StatusUnauthorized && read(r) {
				return as(res, http.StatusOK, nobodyElse)
			}
			return res
		}},
		{"gives up when told to wait", "read/waits-when-told", "gave up", func(r *http.Request, res *http.Response) *http.Response {
			if res.StatusCode == http.StatusTooManyRequests {
				return as(res, http.StatusInternalServerError, "")
			}
			return res
		}},
		{"asks again at once", "read/waits-when-told", "told 2 times to wait", func(r *http.Request, res *http.Response) *http.Response {
			res.Header.Del("Retry-After")
			return res
		}},
		{"takes a gateway's error for a refusal", "apply/knows-its-outcome", `"502-on-write": create`, func(r *http.Request, res *http.Response) *http.Response {
			if res.StatusCode == http.StatusBadGateway && !read(r) {
				return as(res, http.StatusBadRequest, "")
			}
			return res
		}},
		{"takes a login page for done", "apply/knows-its-outcome", `"login-page-on-write": create`, func(r *http.Request, res *http.Response) *http.Response {
			if res.StatusCode == http.StatusFound && !read(r) {
				return as(res, http.StatusOK, "")
			}
			return res
		}},
	}
}

func TestCarelessClientsAreCaught(t *testing.T) {
	t.Parallel()
	for _, c := range careless() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel() // most of them wait
			failed, said := connectortest.Try(t, cabinetHarness(c.client), c.law)
			if !failed || !strings.Contains(said, c.says) || strings.Contains(said, "panic") {
				t.Errorf("%s: failed %v, says %q, want %q", c.law, failed, said, c.says)
			}
		})
	}
}

// A law that no mistake is caught by may hold for everything.
func TestEveryLawCatchesAMistake(t *testing.T) {
	caught := connectortest.Caught()
	for _, c := range careless() {
		caught = append(caught, c.law)
	}
	for _, l := range connectortest.Laws() {
		if !slices.Contains(caught, l.Name) {
			t.Errorf("no broken connector shows what %s is good for", l.Name)
		}
	}
}
