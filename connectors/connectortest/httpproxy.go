package connectortest

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// RetryAfter is how long FaultTooMany asks to wait.
const RetryAfter = time.Second

// tooMany is how many reads in a row are answered 429.
const tooMany = 2

// loginPath is where FaultLoginPage leads to.
const loginPath = "/connectortest-login"

// HTTPProxy stands between a connector and an HTTP server and breaks what passes through it.
// A harness gives its URL to the connector and lets Fault call its Fault. It is safe for
// concurrent use.
type HTTPProxy struct {
	// URL is where the connector finds the server, without a slash at the end.
	URL string

	target *url.URL
	client http.RoundTripper

	mu     sync.Mutex
	writes func(*http.Request) bool
	watch  func()
	healed chan struct{}   // closed by Heal: what hangs goes on
	read   Fault           // what reads meet
	write  Fault           // what the next write meets
	denied bool            // what all writes meet
	hang   bool            // what everything meets
	paths  map[string]bool // the paths of reads that were answered since read was set
	left   int             // how many reads are still answered 429
}

// NewHTTPProxy starts a proxy before the server at the target, an URL. It ends with the test.
func NewHTTPProxy(t testing.TB, target string) *HTTPProxy {
	t.Helper()
	u, err := url.Parse(strings.TrimSuffix(target, "/"))
	if err != nil || u.Host == "" {
		t.Fatalf("a proxy before %q, which is no URL of a server: %v", target, err)
	}
	p := &HTTPProxy{
		target: u, client: &http.Transport{DisableCompression: true},
		writes: func(r *http.Request) bool {
			return r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodOptions
		},
		healed: make(chan struct{}),
	}
	server := httptest.NewServer(p)
	p.URL = server.URL
	t.Cleanup(func() {
		p.Heal()
		server.CloseClientConnections()
		server.Close()
		p.client.(*http.Transport).CloseIdleConnections()
	})
	return p
}

// Writes tells the proxy which requests write. Without it, all but GET, HEAD and OPTIONS do;
// a query that is posted, or a login, needs it.
func (p *HTTPProxy) Writes(is func(*http.Request) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.writes = is
}

// Watch calls the function whenever a write arrives, before it is passed on or answered: what
// Harness.Watch asks for.
func (p *HTTPProxy) Watch(seen func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.watch = seen
}

// Fault makes the fault happen; false if an HTTP proxy can't. Faults of reads and of writes
// don't exclude each other; of each the last one counts.
func (p *HTTPProxy) Fault(f Fault) bool {
	base, write := f.split()
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case base == FaultDenied:
		p.denied = true
	case base == FaultHang:
		p.hang = true
	case base == FaultLostReply, write && p.breaksWrites(base):
		p.write = base
	case !write && p.breaksReads(base):
		p.read, p.paths, p.left = base, map[string]bool{}, tooMany
	default:
		return false
	}
	return true
}

func (*HTTPProxy) breaksReads(f Fault) bool {
	switch f {
	case FaultRead, FaultPageTwo, FaultUnauthorized, FaultTooMany, FaultTooManyBare, FaultGateway, FaultLoginPage,
		FaultEmpty, FaultTruncated, FaultSlow, FaultCut, FaultReset:
		return true
	}
	return false
}

func (p *HTTPProxy) breaksWrites(f Fault) bool {
	return f != FaultRead && f != FaultPageTwo && p.breaksReads(f)
}

// Heal ends all faults and all watching.
func (p *HTTPProxy) Heal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.healed)
	p.healed = make(chan struct{})
	p.read, p.write, p.denied, p.hang, p.watch = "", "", false, false, nil
}

// ServeHTTP passes a request on, or breaks it.
func (p *HTTPProxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client is gone
	}
	if r.URL.Path == loginPath {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, "<!doctype html><title>Log in</title><form method=post><input name=user><input name=password></form>")
		return
	}
	f, write, seen, healed := p.meets(r)
	if seen != nil {
		seen()
	}
	switch f {
	case FaultHang:
		select {
		case <-healed:
		case <-r.Context().Done():
		}
		panic(http.ErrAbortHandler)
	case FaultDenied:
		http.Error(w, "you may not write", http.StatusForbidden)
	case FaultUnauthorized:
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		http.Error(w, "the token isn't valid any more", http.StatusUnauthorized)
	case FaultTooMany:
		w.Header().Set("Retry-After", strconv.Itoa(int(RetryAfter/time.Second)))
		http.Error(w, "too many requests", http.StatusTooManyRequests)
	case FaultTooManyBare:
		http.Error(w, "too many requests", http.StatusTooManyRequests)
	case FaultLoginPage:
		http.Redirect(w, r, p.URL+loginPath, http.StatusFound)
	case FaultEmpty:
		w.WriteHeader(http.StatusOK)
	case FaultReset:
		p.hijack(w, true, nil)
	case FaultRead, FaultPageTwo, FaultGateway:
		if write {
			p.pass(r, body)
		}
		http.Error(w, "bad gateway", http.StatusBadGateway)
	default:
		p.answer(w, r, p.pass(r, body), f)
	}
}

// meets says what a request meets: a fault or none.
func (p *HTTPProxy) meets(r *http.Request) (f Fault, write bool, seen func(), healed chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	write = p.writes(r)
	if write {
		seen = p.watch
	}
	switch {
	case p.hang:
		f = FaultHang
	case write && p.denied:
		f = FaultDenied
	case write:
		f, p.write = p.write, ""
	default:
		f = p.readMeets(r.URL.Path)
	}
	return f, write, seen, p.healed
}

// readMeets says what a read of a path meets.
func (p *HTTPProxy) readMeets(path string) Fault {
	first, again := len(p.paths) == 0, p.paths[path]
	if p.read != "" {
		p.paths[path] = true
	}
	switch p.read {
	case FaultPageTwo:
		if !again {
			return ""
		}
	case FaultUnauthorized:
		if first {
			return ""
		}
	case FaultTooMany, FaultTooManyBare:
		if p.left == 0 {
			return ""
		}
		p.left--
	}
	return p.read
}

// passed is the server's answer.
type passed struct {
	status int
	header http.Header
	body   []byte
}

// pass asks the server.
func (p *HTTPProxy) pass(r *http.Request, body []byte) passed {
	u := *p.target
	u.Path, u.RawPath, u.RawQuery = p.target.Path+r.URL.Path, "", r.URL.RawQuery
	if r.URL.RawPath != "" {
		u.RawPath = p.target.EscapedPath() + r.URL.RawPath
	}
	gone := func(err error) passed {
		return passed{http.StatusBadGateway, http.Header{}, []byte(err.Error())}
	}
	// A request that was passed on is carried out, whatever becomes of the one who asked.
	out, err := http.NewRequest(r.Method, u.String(), bytes.NewReader(body))
	if err != nil {
		return gone(err)
	}
	out.Header = r.Header.Clone()
	out.Header.Del("Connection")
	res, err := p.client.RoundTrip(out)
	if err != nil {
		return gone(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return gone(err)
	}
	// Links to further pages lead through the proxy too.
	text = bytes.ReplaceAll(text, []byte(p.target.String()), []byte(p.URL))
	for _, values := range res.Header {
		for i := range values {
			values[i] = strings.ReplaceAll(values[i], p.target.String(), p.URL)
		}
	}
	return passed{res.StatusCode, res.Header, text}
}

// answer gives the client what the server said, or what a fault leaves of it.
func (p *HTTPProxy) answer(w http.ResponseWriter, r *http.Request, a passed, f Fault) {
	for k, v := range a.header {
		w.Header()[k] = v
	}
	for _, k := range []string{"Connection", "Transfer-Encoding", "Content-Length"} {
		w.Header().Del(k)
	}
	switch f {
	case FaultLostReply:
		p.hijack(w, false, nil)
		return
	case FaultCut:
		p.hijack(w, false, &a)
		return
	case FaultTruncated:
		a.body = a.body[:len(a.body)/2]
	}
	if a.status != http.StatusNoContent && a.status != http.StatusNotModified && r.Method != http.MethodHead {
		w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	}
	w.WriteHeader(a.status)
	if f != FaultSlow {
		_, _ = w.Write(a.body)
		return
	}
	trickle(r, a.body, func(piece []byte) error {
		_, err := w.Write(piece)
		_ = http.NewResponseController(w).Flush()
		return err
	})
}

// How slow an answer is that is slow.
const (
	slowPieces = 10
	slowPause  = 20 * time.Millisecond
)

// trickle writes a body in small pieces until the client has gone.
func trickle(r *http.Request, body []byte, write func([]byte) error) {
	for i := range slowPieces {
		select {
		case <-time.After(slowPause):
		case <-r.Context().Done():
			return
		}
		if write(body[len(body)*i/slowPieces:len(body)*(i+1)/slowPieces]) != nil {
			return
		}
	}
}

// hijack ends the connection, by a reset or not, after half an answer or none.
func (p *HTTPProxy) hijack(w http.ResponseWriter, reset bool, half *passed) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // which ends the connection as well
	}
	defer conn.Close()
	if tcp, ok := conn.(*net.TCPConn); ok && reset {
		_ = tcp.SetLinger(0)
	}
	if half != nil {
		fmt.Fprintf(conn, "HTTP/1.1 %d %s\r\n", half.status, http.StatusText(half.status))
		_ = w.Header().Write(conn)
		// At least one byte is promised that never comes.
		fmt.Fprintf(conn, "Content-Length: %d\r\n\r\n", max(1, len(half.body)))
		_, _ = conn.Write(half.body[:len(half.body)/2])
	}
}
