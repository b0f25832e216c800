package connectortest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/accordhq/accord/connectors/connectortest"
)

// listing is what the server behind the proxy answers to each read.
const listing = `{"people": ["alice", "bob"], "next": "NEXT"}`

// behind starts a server that counts the writes which take effect, and a proxy before it.
func behind(t *testing.T) (*connectortest.HTTPProxy, *atomic.Int32) {
	t.Helper()
	var writes atomic.Int32
	var own string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			writes.Add(1)
			w.WriteHeader(http.StatusCreated)
			fmt.Fprint(w, "written")
			return
		}
		w.Header().Set("Link", "<"+own+"/people?page=2>; rel=next")
		w.Header().Set("X-Path", r.URL.EscapedPath())
		fmt.Fprint(w, strings.Replace(listing, "NEXT", own+"/people?page=2", 1))
	}))
	t.Cleanup(server.Close)
	own = server.URL
	return connectortest.NewHTTPProxy(t, server.URL), &writes
}

// outcome is what a client sees: the status with the body, or an error.
func outcome(t *testing.T, method, url string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(r)
	if err != nil {
		if errors.Is(err, syscall.ECONNRESET) {
			return "reset"
		}
		if errors.Is(err, io.EOF) {
			return "nothing"
		}
		return err.Error()
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	said := fmt.Sprintf("%d", res.StatusCode)
	if after := res.Header.Get("Retry-After"); after != "" {
		said += " after " + after
	}
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return said + " cut off"
	case err != nil:
		return said + " " + err.Error()
	case len(body) == 0:
		return said + " empty"
	case strings.HasSuffix(string(body), "}") || string(body) == "written":
		return said + " whole"
	}
	return said + " other"
}

func TestHTTPProxyFaults(t *testing.T) {
	const get, post = http.MethodGet, http.MethodPost
	type ask struct{ method, path, want string }
	tests := []struct {
		fault  connectortest.Fault
		asks   []ask
		writes int32 // how many reached the server
	}{
		{"", []ask{{get, "/people", "200 whole"}, {post, "/people", "201 whole"}}, 1},
		{connectortest.FaultRead, []ask{{get, "/people", "502 other"}, {post, "/people", "201 whole"}}, 1},
		{connectortest.FaultPageTwo, []ask{{get, "/people", "200 whole"}, {get, "/people?page=2", "502 other"}, {get, "/people?page=2", "502 other"}, {get, "/groups", "200 whole"}}, 0},
		{connectortest.FaultUnauthorized, []ask{{get, "/people", "200 whole"}, {get, "/groups", "401 other"}, {post, "/people", "201 whole"}}, 1},
		{connectortest.FaultTooMany, []ask{{get, "/people", "429 after 1 other"}, {get, "/people", "429 after 1 other"}, {get, "/people", "200 whole"}}, 0},
		{connectortest.FaultTooManyBare, []ask{{get, "/people", "429 other"}, {get, "/people", "429 other"}, {get, "/people", "200 whole"}}, 0},
		{connectortest.FaultGateway, []ask{{get, "/people", "502 other"}, {get, "/people", "502 other"}}, 0},
		{connectortest.FaultLoginPage, []ask{{get, "/people", "302 other"}, {get, "/connectortest-login", "200 other"}}, 0},
		{connectortest.FaultEmpty, []ask{{get, "/people", "200 empty"}}, 0},
		{connectortest.FaultTruncated, []ask{{get, "/people", "200 other"}, {get, "/people", "200 other"}}, 0},
		{connectortest.FaultSlow, []ask{{get, "/people", "200 whole"}}, 0},
		{connectortest.FaultCut, []ask{{get, "/people", "200 cut off"}, {get, "/people", "200 cut off"}}, 0},
		{connectortest.FaultReset, []ask{{get, "/people", "reset"}, {get, "/people", "reset"}, {post, "/people", "201 whole"}}, 1},
		{connectortest.FaultDenied, []ask{{get, "/people", "200 whole"}, {post, "/people", "403 other"}, {post, "/people", "403 other"}}, 0},
		{connectortest.FaultLostReply, []ask{{get, "/people", "200 whole"}, {post, "/people", "nothing"}, {post, "/people", "201 whole"}}, 2},
		{connectortest.FaultUnauthorized.OnWrite(), []ask{{get, "/people", "200 whole"}, {post, "/people", "401 other"}, {post, "/people", "201 whole"}}, 1},
		{connectortest.FaultTooMany.OnWrite(), []ask{{post, "/people", "429 after 1 other"}, {post, "/people", "201 whole"}}, 1},
		{connectortest.FaultTooManyBare.OnWrite(), []ask{{post, "/people", "429 other"}, {post, "/people", "201 whole"}}, 1},
		{connectortest.FaultGateway.OnWrite(), []ask{{post, "/people", "502 other"}, {post, "/people", "201 whole"}}, 2},
		{connectortest.FaultLoginPage.OnWrite(), []ask{{post, "/people", "302 empty"}, {post, "/people", "201 whole"}}, 1},
		{connectortest.FaultTruncated.OnWrite(), []ask{{post, "/people", "201 other"}, {post, "/people", "201 whole"}}, 2},
		{connectortest.FaultSlow.OnWrite(), []ask{{post, "/people", "201 whole"}, {get, "/people", "200 whole"}}, 1},
		{connectortest.FaultCut.OnWrite(), []ask{{post, "/people", "201 cut off"}, {post, "/people", "201 whole"}}, 2},
		{connectortest.FaultReset.OnWrite(), []ask{{post, "/people", "reset"}, {post, "/people", "201 whole"}}, 1},
	}
	for _, tt := range tests {
		t.Run(string(tt.fault), func(t *testing.T) {
			t.Parallel()
			p, writes := behind(t)
			if tt.fault != "" && !p.Fault(tt.fault) {
				t.Fatal("the proxy can't")
			}
			for i, a := range tt.asks {
				if got := outcome(t, a.method, p.URL+a.path); got != a.want {
					t.Errorf("%d: %s %s: %q, want %q", i, a.method, a.path, got, a.want)
				}
			}
			if got := writes.Load(); got != tt.writes {
				t.Errorf("%d writes reached the server, want %d", got, tt.writes)
			}
			p.Heal()
			if got := outcome(t, get, p.URL+"/people"); got != "200 whole" {
				t.Errorf("once healed: %q", got)
			}
		})
	}
	p, _ := behind(t)
	for _, f := range []connectortest.Fault{"no such fault", connectortest.FaultPageTwo.OnWrite(), connectortest.FaultRead.OnWrite()} {
		if p.Fault(f) {
			t.Errorf("the proxy says that it can %q", f)
		}
	}
}

// What hangs goes on for no longer than its client, and ends with Heal.
func TestHTTPProxyHang(t *testing.T) {
	p, _ := behind(t)
	p.Fault(connectortest.FaultHang)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	r, _ := http.NewRequestWithContext(ctx, http.MethodGet, p.URL, nil)
	if _, err := http.DefaultClient.Do(r); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	done := make(chan string, 1)
	go func() { done <- outcome(t, http.MethodPost, p.URL) }()
	time.Sleep(20 * time.Millisecond)
	p.Heal()
	if got := <-done; got != "nothing" {
		t.Errorf("what hung was answered %q", got)
	}
}

// Links lead through the proxy, names keep their spelling, and writes are told as they arrive.
func TestHTTPProxyPasses(t *testing.T) {
	p, writes := behind(t)
	res, err := http.Get(p.URL + "/people/a%2Fb%20c")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	if link := res.Header.Get("Link"); !strings.HasPrefix(link, "<"+p.URL+"/people") || !strings.Contains(string(body), p.URL+"/people?page=2") {
		t.Errorf("links: %s, %s", link, body)
	}
	if got := res.Header.Get("X-Path"); got != "/people/a%2Fb%20c" {
		t.Errorf("the path arrived as %s", got)
	}
	var seen, before int32
	p.Watch(func() { seen++; before = writes.Load() })
	outcome(t, http.MethodPut, p.URL)
	outcome(t, http.MethodGet, p.URL)
	if seen != 1 || before != 0 || writes.Load() != 1 {
		t.Errorf("saw %d writes, after %d had taken effect", seen, before)
	}
	p.Writes(func(r *http.Request) bool { return r.URL.Path == "/write" })
	p.Fault(connectortest.FaultDenied)
	if got := outcome(t, http.MethodPost, p.URL+"/search"); got != "201 whole" {
		t.Errorf("what doesn't write: %q", got)
	}
	if got := outcome(t, http.MethodPost, p.URL+"/write"); got != "403 other" {
		t.Errorf("what writes: %q", got)
	}
}
