package rest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/accordhq/accord/connectors"
)

// roundTrip is a transport that is a function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// reply makes an answer; header lines are "Name: value".
func reply(status int, body string, header ...string) *http.Response {
	res := &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body))}
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		res.Header.Set(name, value)
	}
	return res
}

// scripted answers one request after the other; the last answer stays.
type scripted struct {
	steps []func(*http.Request) (*http.Response, error)
	at    []time.Time
}

func (s *scripted) RoundTrip(r *http.Request) (*http.Response, error) {
	n := min(len(s.at), len(s.steps)-1)
	s.at = append(s.at, time.Now())
	res, err := s.steps[n](r)
	if res != nil {
		res.Request = r
	}
	return res, err
}

func answers(status int, body string, header ...string) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) { return reply(status, body, header...), nil }
}

func breaks(err error) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

func newClient(t *testing.T, o Options) *Client {
	t.Helper()
	if o.BaseURL == "" {
		o.BaseURL = "https://api.example/v2"
	}
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

var (
	errReset   = errors.New("connection reset by peer")
	errRefused = &net.OpError{Op: "dial", Err: errors.New("connection refused")}
)

// What is repeated, and what becomes of what isn't.
func TestRepeats(t *testing.T) {
	ok := answers(200, `{}`)
	type steps = []func(*http.Request) (*http.Response, error)
	tests := []struct {
		name  string
		r     Request
		steps steps
		tries int
		want  []error // all of them; none: success
		not   []error
	}{
		{"a read after a reset", Request{Method: "GET"}, steps{breaks(errReset), ok}, 2, nil, nil},
		{"a read after 502, 503, 504", Request{Method: "GET"}, steps{answers(502, ``), answers(503, ``), answers(504, ``), ok}, 4, nil, nil},
		{"a search is a read", Request{Method: "POST", Reads: true}, steps{answers(503, ``), ok}, 2, nil, nil},
		{"a read that always fails", Request{Method: "GET"}, steps{answers(503, ``)}, 4, []error{connectors.ErrIncomplete}, nil},
		{"a read with 500 isn't repeated", Request{Method: "GET"}, steps{answers(500, ``), ok}, 1, []error{connectors.ErrIncomplete}, nil},
		{"a body that is cut off", Request{Method: "GET"}, steps{cutOff, ok}, 2, nil, nil},
		{"a write after a reset", Request{Method: "POST"}, steps{breaks(errReset), ok}, 1, []error{connectors.ErrOutcomeUnknown, errReset}, nil},
		{"a write whose reply is cut off", Request{Method: "PATCH"}, steps{cutOff, ok}, 1, []error{connectors.ErrOutcomeUnknown}, nil},
		{"a write after 504", Request{Method: "PUT"}, steps{answers(504, ``), ok}, 1, []error{connectors.ErrOutcomeUnknown}, nil},
		{"a write after 500", Request{Method: "PUT"}, steps{answers(500, ``), ok}, 1, []error{connectors.ErrOutcomeUnknown}, nil},
		{"a write that may be repeated", Request{Method: "PUT", Repeat: true}, steps{breaks(errReset), answers(504, ``), ok}, 3, nil, nil},
		{"a write without a connection", Request{Method: "POST"}, steps{breaks(errRefused), ok}, 2, nil, nil},
		{"a write that never had one", Request{Method: "POST"}, steps{breaks(errRefused)}, 4, []error{errRefused.Err}, []error{connectors.ErrOutcomeUnknown}},
		{"a write after 429", Request{Method: "POST"}, steps{answers(429, ``), ok}, 2, nil, nil},
		{"a write that is always refused", Request{Method: "POST"}, steps{answers(429, ``)}, 4, []error{}, []error{connectors.ErrOutcomeUnknown, connectors.ErrIncomplete}},
		{"refused after a lost reply", Request{Method: "PUT", Repeat: true}, steps{breaks(errReset), answers(409, `{}`)}, 2, []error{connectors.ErrOutcomeUnknown}, []error{connectors.ErrConflict}},
		{"a write after 403 for the rate", Request{Method: "POST"}, steps{answers(403, ``, "Retry-After: 1"), ok}, 2, nil, nil},
		{"403 for the rate, always", Request{Method: "GET"}, steps{answers(403, ``, "X-RateLimit-Remaining: 0", "X-RateLimit-Reset: 1")}, 4, []error{connectors.ErrIncomplete}, []error{connectors.ErrDenied}},
		{"403 with some of the rate left", Request{Method: "GET"}, steps{answers(403, ``, "X-RateLimit-Remaining: 7", "X-RateLimit-Reset: 1"), ok}, 1, []error{connectors.ErrDenied}, nil},
		{"404 is no reason", Request{Method: "GET"}, steps{answers(404, `{}`), ok}, 1, []error{}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &scripted{steps: tt.steps}
				c := newClient(t, Options{Transport: s, Attempts: 4})
				tt.r.Path = "things"
				_, err := c.Do(t.Context(), tt.r)
				if (err == nil) != (tt.want == nil) {
					t.Fatalf("error %v", err)
				}
				for _, want := range tt.want {
					if !errors.Is(err, want) {
						t.Errorf("error %q isn't %q", err, want)
					}
				}
				for _, not := range tt.not {
					if errors.Is(err, not) {
						t.Errorf("error %q is %q", err, not)
					}
				}
				if len(s.at) != tt.tries {
					t.Errorf("%d attempts, want %d", len(s.at), tt.tries)
				}
				if err != nil && !strings.Contains(err.Error(), tt.r.Method+" /v2/things") {
					t.Errorf("the error doesn't name the request: %v", err)
				}
			})
		})
	}
}

// cutOff is an answer whose body ends too early.
func cutOff(*http.Request) (*http.Response, error) {
	res := reply(200, "")
	res.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"a`), errReader{io.ErrUnexpectedEOF}))
	return res, nil
}

type errReader struct{ err error }

func (r errReader) Read([]byte) (int, error) { return 0, r.err }

// How long is waited: what the server asks for, within the limits; else longer and longer.
func TestWaits(t *testing.T) {
	date := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(http.TimeFormat) }
	tests := []struct {
		name     string
		first    func() *http.Response
		min, max time.Duration
		fails    string
	}{
		{"its own pause", func() *http.Response { return reply(503, ``) }, 250 * time.Millisecond, 500 * time.Millisecond, ""},
		{"seconds", func() *http.Response { return reply(503, ``, "Retry-After: 7") }, 7 * time.Second, 7 * time.Second, ""},
		{"a date", func() *http.Response { return reply(429, ``, "Retry-After: "+date(9*time.Second)) }, 8 * time.Second, 9 * time.Second, ""},
		{"a date that has passed", func() *http.Response { return reply(429, ``, "Retry-After: "+date(-time.Hour)) }, 0, 0, ""},
		{"nonsense", func() *http.Response { return reply(503, ``, "Retry-After: soon") }, 250 * time.Millisecond, 500 * time.Millisecond, ""},
		{"longer than the limit", func() *http.Response { return reply(429, ``, "Retry-After: 3600") }, 0, 0, "wait for 1h0m0s"},
		{"longer than there is time", func() *http.Response { return reply(429, ``, "Retry-After: 110") }, 0, 0, "no time left"},
		{"a reset of the rate limit", func() *http.Response { return reply(429, ``, "X-RateLimit-Remaining: 0", "X-RateLimit-Reset: 20") }, 20 * time.Second, 21 * time.Second, ""},
		{"the same by 403", func() *http.Response { return reply(403, ``, "X-RateLimit-Remaining: 0", "X-RateLimit-Reset: 20") }, 20 * time.Second, 21 * time.Second, ""},
		{"a reset that is too far", func() *http.Response { return reply(403, ``, "X-RateLimit-Remaining: 0", "X-RateLimit-Reset: 3000") }, 0, 0, "wait for 50m0s"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &scripted{steps: []func(*http.Request) (*http.Response, error){
					func(*http.Request) (*http.Response, error) { return tt.first(), nil }, answers(200, `{}`)}}
				c := newClient(t, Options{Transport: s, MaxWait: 2 * time.Minute, MaxElapsed: 100 * time.Second})
				began := time.Now()
				_, err := c.Do(t.Context(), Request{Method: "GET", Path: "x"})
				took := time.Since(began)
				if tt.fails != "" {
					if err == nil || !strings.Contains(err.Error(), tt.fails) || took > 0 {
						t.Fatalf("after %v: %v, want an error about %q at once", took, err, tt.fails)
					}
					return
				}
				if err != nil || took < tt.min || took > tt.max {
					t.Errorf("after %v: %v, want success between %v and %v", took, err, tt.min, tt.max)
				}
			})
		})
	}
}

// All attempts together end within the limit, however often the server fails.
func TestTotalLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scripted{steps: []func(*http.Request) (*http.Response, error){answers(503, ``)}}
		c := newClient(t, Options{Transport: s, Attempts: 1000, MaxElapsed: time.Minute})
		began := time.Now()
		if _, err := c.Do(t.Context(), Request{Method: "GET"}); err == nil || !strings.Contains(err.Error(), "no time left") {
			t.Errorf("error %v", err)
		}
		if took := time.Since(began); took > time.Minute || took < 20*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

// A context that is done ends a wait, and a request, at once.
func TestContext(t *testing.T) {
	hang := func(r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	tests := []struct {
		name   string
		method string
		step   func(*http.Request) (*http.Response, error)
		maybe  bool
	}{
		{"while waiting to try again", "GET", answers(503, ``, "Retry-After: 60"), false},
		{"while the server hangs", "GET", hang, false},
		{"while a write hangs", "POST", hang, true},
		{"while the rate limit is used up", "GET", answers(200, `{}`, "RateLimit-Remaining: 0", "RateLimit-Reset: 60"), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newClient(t, Options{Transport: &scripted{steps: []func(*http.Request) (*http.Response, error){tt.step}}})
				ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
				defer cancel()
				began := time.Now()
				_, err := c.Do(ctx, Request{Method: tt.method})
				if err == nil { // the limit was only learned from this answer
					_, err = c.Do(ctx, Request{Method: tt.method})
				}
				if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, connectors.ErrOutcomeUnknown) != tt.maybe {
					t.Errorf("error %v", err)
				}
				if took := time.Since(began); took != 3*time.Second {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := &scripted{steps: []func(*http.Request) (*http.Response, error){answers(200, `{}`)}}
	if _, err := newClient(t, Options{Transport: s}).Do(ctx, Request{Method: "POST"}); !errors.Is(err, context.Canceled) || len(s.at) > 0 {
		t.Errorf("done beforehand: %v, %d requests", err, len(s.at))
	}
}

// A server that doesn't answer is given up after a while, and that isn't taken for the caller's
// own deadline.
func TestTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scripted{steps: []func(*http.Request) (*http.Response, error){func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}}}
		c := newClient(t, Options{Transport: s, Attempts: 2, Timeout: 5 * time.Second})
		_, err := c.Do(t.Context(), Request{Method: "GET"})
		if !errors.Is(err, errNoAnswer) || errors.Is(err, context.DeadlineExceeded) || len(s.at) != 2 {
			t.Errorf("%d attempts, error %v", len(s.at), err)
		}
	})
}

// When nothing is left of the rate limit, requests wait for its reset, all of them.
func TestRateLimitIsKept(t *testing.T) {
	tests := map[string][]string{
		"GitHub":      {"X-RateLimit-Remaining: 2", "X-RateLimit-Reset: %d"},
		"Okta":        {"X-Rate-Limit-Remaining: 2", "X-Rate-Limit-Reset: %d"},
		"draft":       {`RateLimit: "default";r=2;t=30`},
		"older draft": {"RateLimit: limit=10, remaining=2, reset=30"},
		"oldest":      {"RateLimit-Remaining: 2", "RateLimit-Reset: 30"},
	}
	for name, headers := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var h []string
				for _, line := range headers {
					if strings.Contains(line, "%d") {
						line = fmt.Sprintf(line, time.Now().Add(30*time.Second).Unix())
					}
					h = append(h, line)
				}
				began := time.Now()
				s := &scripted{steps: []func(*http.Request) (*http.Response, error){answers(200, `{}`, h...), answers(200, `{}`)}}
				c := newClient(t, Options{Transport: s})
				for range 4 {
					if _, err := c.Do(t.Context(), Request{Method: "GET"}); err != nil {
						t.Fatal(err)
					}
				}
				var after []time.Duration
				for _, at := range s.at {
					after = append(after, at.Sub(began).Round(time.Second))
				}
				if want := []time.Duration{0, 0, 0, 30 * time.Second}; !slices.Equal(after, want) {
					t.Errorf("requests were sent after %v, want %v", after, want)
				}
			})
		})
	}
	t.Run("too long", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := &scripted{steps: []func(*http.Request) (*http.Response, error){answers(200, `{}`, "RateLimit-Remaining: 0", "RateLimit-Reset: 7200")}}
			c := newClient(t, Options{Transport: s})
			_, _ = c.Do(t.Context(), Request{Method: "GET"})
			_, err := c.Do(t.Context(), Request{Method: "GET"})
			if err == nil || !strings.Contains(err.Error(), "rate limit is used up for another 2h0m0s") || len(s.at) != 1 {
				t.Errorf("%d requests, error %v", len(s.at), err)
			}
		})
	})
}
