package rest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/accordhq/accord/connectors"
)

// UserAgent is how the client introduces itself.
const UserAgent = "accord"

// Options are what a client is made from. Zero values stand for the defaults.
type Options struct {
	// BaseURL is what paths are relative to. Plain http is refused, except to this machine.
	BaseURL string
	// Auth puts the credential on each request; nil: none.
	Auth Auth
	// Transport carries the requests; nil: one of the client's own, which verifies servers
	// with TLS 1.2 or later, and to which Proxy and CAFile apply. The environment is not read.
	Transport http.RoundTripper
	// Proxy is the URL of an HTTP proxy; its user and password are credentials.
	Proxy string
	// CAFile holds the certificates (PEM) that servers are verified with, instead of the
	// system's.
	CAFile string
	// Accept is the media type that is asked for and sent; default application/json.
	Accept string
	// Secrets are kept out of everything that is said, beside the credentials of Auth and Proxy.
	Secrets []string
	// Log gets one debug line per attempt.
	Log *slog.Logger
	// Now is the clock that dates in headers are compared with.
	Now func() time.Time
	// MaxBody is the longest body that is read, in bytes; default 64 MiB.
	MaxBody int64
	// MaxWait is the longest single wait; default two minutes. MaxElapsed limits all attempts
	// of one call together; default five minutes. Timeout limits one attempt, its body
	// included; default one minute.
	MaxWait, MaxElapsed, Timeout time.Duration
	// Attempts is how often a request is sent at most; default 6. Pause is the longest first
	// pause between two of them, where the server names none; default half a second.
	Attempts int
	Pause    time.Duration
}

// Client speaks to one API. It is safe for concurrent use.
type Client struct {
	base    *url.URL
	opt     Options
	http    *http.Client
	wire    *wire
	secrets *vault
	free    func()
}

// Request is one call.
type Request struct {
	Method string
	// Path is relative to the base; make it by Path, which escapes its parts.
	Path  string
	Query url.Values
	// URL replaces base, Path and Query; it must be on the host of the base.
	URL string
	// Header holds what to send besides the usual.
	Header http.Header
	// Body is sent as JSON; nil: none.
	Body any
	// Reads marks a POST that changes nothing, as a search.
	Reads bool
	// Repeat says that carrying this write out twice is the same as once.
	Repeat bool
	// Lack names the right that the request takes, for when it is denied and the answer
	// doesn't say.
	Lack string
}

func (r Request) read() bool {
	return r.Reads || r.Method == http.MethodGet || r.Method == http.MethodHead
}

// Response is an answer with a status of success, its body read.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
	// URL is where it came from, without user.
	URL  *url.URL
	what string // "GET /Users", for errors
	read bool
}

// New makes a client. It connects to nothing.
func New(o Options) (*Client, error) {
	base, err := baseURL(o.BaseURL)
	if err != nil {
		return nil, err
	}
	o = o.withDefaults()
	c := &Client{base: base, opt: o, secrets: &vault{}, free: func() {}}
	c.secrets.add(o.Secrets...)
	c.opt.Secrets = nil
	if c.opt.Transport == nil {
		t, err := newTransport(o, c.secrets)
		if err != nil {
			return nil, err
		}
		c.opt.Transport, c.free = t, t.CloseIdleConnections
	}
	c.wire = &wire{c: c, next: c.opt.Transport, limits: newLimiter(o.Now)}
	if c.opt.Auth == nil {
		c.opt.Auth = noAuth{}
	}
	if b, ok := c.opt.Auth.(binder); ok {
		b.bind(c)
	}
	c.http = &http.Client{
		Transport:     c.wire,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c, nil
}

func (o Options) withDefaults() Options {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Accept == "" {
		o.Accept = "application/json"
	}
	if o.MaxBody <= 0 {
		o.MaxBody = 64 << 20
	}
	for _, d := range []struct {
		at  *time.Duration
		def time.Duration
	}{{&o.MaxWait, 2 * time.Minute}, {&o.MaxElapsed, 5 * time.Minute}, {&o.Timeout, time.Minute}, {&o.Pause, 500 * time.Millisecond}} {
		if *d.at <= 0 {
			*d.at = d.def
		}
	}
	if o.Attempts <= 0 {
		o.Attempts = 6
	}
	return o
}

// Close frees idle connections.
func (c *Client) Close() { c.free() }

// Base is the address that the client was made for, without user and query.
func (c *Client) Base() string { return c.base.String() }

// String names the client; nothing in it can be printed by accident.
func (c *Client) String() string { return "client of " + c.base.Redacted() }

// Format prints String whatever the verb is.
func (c *Client) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// LogValue logs String.
func (c *Client) LogValue() slog.Value { return slog.StringValue(c.String()) }

// Do sends a request, repeatedly where that is right, and reads the answer. An error is one of
// the context's, a *StatusError, or tells why no answer could be had or believed.
func (c *Client) Do(ctx context.Context, r Request) (*Response, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	u, err := c.url(r)
	if err != nil {
		return nil, err
	}
	body, err := encode(r.Body)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", r.Method, u.EscapedPath(), err)
	}
	k := &call{read: r.read(), safe: r.Repeat, began: time.Now()}
	renewed := false
	for hops := 0; ; {
		res, err := c.send(ctx, r, u, body, k)
		what := r.Method + " " + c.secrets.scrub(u.EscapedPath()) // only now the credentials are known
		if err != nil {
			return nil, c.failed(ctx, what, k, err)
		}
		switch {
		case res.StatusCode == http.StatusUnauthorized && !renewed && c.opt.Auth.forget():
			renewed = true
			continue
		case isRedirect(res.StatusCode):
			to, err := c.redirected(what, k, r, res, hops)
			if err != nil {
				return nil, err
			}
			u, hops = to, hops+1
			continue
		}
		return c.answer(what, k, r, u, res)
	}
}

// send makes one round of attempts.
func (c *Client) send(ctx context.Context, r Request, u *url.URL, body []byte, k *call) (*http.Response, error) {
	var raw any
	if body != nil {
		raw = body
	}
	req, err := retryablehttp.NewRequestWithContext(context.WithValue(ctx, callKey{}, k), r.Method, u.String(), raw)
	if err != nil {
		return nil, err
	}
	for name, values := range r.Header {
		req.Header[name] = values
	}
	req.Header.Set("User-Agent", UserAgent)
	req.Header.Set("Accept", c.opt.Accept)
	if body != nil {
		req.Header.Set("Content-Type", c.opt.Accept)
	}
	repeat := retryablehttp.Client{ // one a call, since the wait belongs to the call
		HTTPClient:   c.http,
		RetryMax:     c.opt.Attempts - 1,
		CheckRetry:   c.checkRetry,
		Backoff:      func(_, _ time.Duration, _ int, _ *http.Response) time.Duration { return k.wait },
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
	return repeat.Do(req)
}

// answer makes a Response of an HTTP response whose body was read by the transport.
func (c *Client) answer(what string, k *call, r Request, u *url.URL, res *http.Response) (*Response, error) {
	body, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if err != nil {
		return nil, c.failed(context.Background(), what, k, err)
	}
	out := &Response{Status: res.StatusCode, Header: res.Header, Body: body, URL: u, what: what, read: k.read}
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return nil, c.statusError(out, r, k)
	}
	if looksLikeHTML(out) {
		return nil, out.doubt("it came as HTML, perhaps a login page: " + c.quote(pageTitle(body)))
	}
	return out, nil
}

// failed makes an error of a failure to get an answer.
func (c *Client) failed(ctx context.Context, what string, k *call, err error) error {
	var ue *url.Error
	if errors.As(err, &ue) {
		err = ue.Err // its text has the whole URL
	}
	unknown := !k.read && k.maybe
	if ctx.Err() != nil {
		if unknown {
			return fmt.Errorf("%s: %w: %w", what, connectors.ErrOutcomeUnknown, ctx.Err())
		}
		return fmt.Errorf("%s: %w", what, ctx.Err())
	}
	err = c.secrets.clean(err)
	if unknown {
		return fmt.Errorf("%s: %w: %w", what, connectors.ErrOutcomeUnknown, err)
	}
	return fmt.Errorf("%s: %w", what, err)
}

// url resolves where a request goes.
func (c *Client) url(r Request) (*url.URL, error) {
	if r.URL == "" {
		u, err := url.Parse(strings.TrimSuffix(c.base.String(), "/") + "/" + strings.TrimPrefix(r.Path, "/"))
		if err != nil {
			return nil, fmt.Errorf("%s %q: not a path", r.Method, r.Path)
		}
		u.RawQuery = r.Query.Encode()
		return u, nil
	}
	u, err := url.Parse(r.URL)
	if err != nil {
		return nil, fmt.Errorf("%s: the address isn't one: %w", r.Method, connectors.ErrIncomplete)
	}
	if !sameHost(c.base, u) {
		return nil, fmt.Errorf("%s: refused to go to another host, %s: %w", r.Method, u.Host, connectors.ErrIncomplete)
	}
	u.User = nil
	return u, nil
}

// Path joins parts to a path, each escaped so that it stays one part.
func Path(parts ...string) string {
	out := make([]string, len(parts))
	for i, p := range parts {
		out[i] = url.PathEscape(p)
		if p == "." || p == ".." {
			out[i] = strings.ReplaceAll(p, ".", "%2E")
		}
	}
	return strings.Join(out, "/")
}
