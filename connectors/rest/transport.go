package rest

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/accordhq/accord/connectors"
)

var (
	errNoAnswer = errors.New("no answer in time")
	errTooLong  = errors.New("the body is longer than the limit")
)

// baseURL reads and judges the address of an API.
func baseURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil {
		return nil, errors.New("the base URL isn't a URL") // err would repeat all of it
	}
	switch {
	case u.Host == "":
		return nil, fmt.Errorf("the base URL %q names no host", u.Redacted())
	case u.User != nil:
		return nil, errors.New("the base URL holds a user or a password; give the credential by reference")
	case u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("the base URL holds a query or a fragment")
	case u.Scheme == "https", u.Scheme == "http" && loopback(u.Hostname()):
	default:
		return nil, fmt.Errorf("the base URL begins with %q: only https is spoken, and http to this machine itself", u.Scheme)
	}
	u.Scheme, u.Host = strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/"), strings.TrimRight(u.RawPath, "/")
	return u, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func sameHost(a, b *url.URL) bool {
	return strings.EqualFold(a.Scheme, b.Scheme) && strings.EqualFold(a.Host, b.Host)
}

// newTransport makes a transport that verifies servers and reads nothing from the environment.
func newTransport(o Options, v *vault) (*http.Transport, error) {
	t := &http.Transport{
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: o.Timeout,
		MaxIdleConnsPerHost:   8,
		IdleConnTimeout:       30 * time.Second,
		ForceAttemptHTTP2:     true,
	}
	if o.CAFile != "" {
		pem, err := os.ReadFile(o.CAFile)
		if err != nil {
			return nil, fmt.Errorf("reading the CA file: %w", err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("reading the CA file %s: it holds no certificate in PEM form", o.CAFile)
		}
		t.TLSClientConfig.RootCAs = pool
	}
	if o.Proxy != "" {
		u, err := url.Parse(o.Proxy)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return nil, errors.New("the proxy isn't a URL that begins with http:// or https://")
		}
		if u.User != nil {
			password, _ := u.User.Password()
			v.add(password)
		}
		t.Proxy = http.ProxyURL(u)
	}
	return t, nil
}

// wire is what retryablehttp sends each attempt through: it waits for the rate limit, puts the
// credential on, reads the body, and learns from the headers.
type wire struct {
	c      *Client
	next   http.RoundTripper
	limits *limiter
}

func (w *wire) RoundTrip(req *http.Request) (*http.Response, error) {
	k, _ := req.Context().Value(callKey{}).(*call)
	if k == nil {
		return nil, errors.New("a request without its call")
	}
	k.tries++
	if err := w.limits.wait(req.Context(), w.c.opt.MaxWait); err != nil {
		return nil, &final{err}
	}
	ctx, cancel := context.WithTimeoutCause(req.Context(), w.c.opt.Timeout, errNoAnswer)
	defer cancel()
	req = req.Clone(ctx)
	if err := w.c.opt.Auth.authorize(ctx, req); err != nil {
		var u *unsent
		switch {
		case errors.Is(context.Cause(ctx), errNoAnswer):
			return nil, &unsent{errNoAnswer}
		case !errors.As(err, &u):
			return nil, &final{err}
		}
		return nil, err
	}
	began := time.Now()
	res, err := w.next.RoundTrip(req)
	if err == nil {
		err = w.readBody(res)
	}
	if err != nil {
		if errors.Is(context.Cause(ctx), errNoAnswer) {
			err = errNoAnswer
		}
		if !neverSent(err) {
			k.maybe = true
		}
		w.log(req, k, began, "error", w.c.secrets.scrub(err.Error()))
		return nil, err
	}
	w.limits.learn(res.Header)
	w.log(req, k, began, "status", res.StatusCode)
	return res, nil
}

func (w *wire) log(req *http.Request, k *call, began time.Time, key string, value any) {
	w.c.opt.Log.LogAttrs(req.Context(), slog.LevelDebug, "http",
		slog.Any("method", req.Method), slog.Any("host", req.URL.Host), slog.Any("path", w.c.secrets.scrub(req.URL.EscapedPath())),
		slog.Any("attempt", k.tries), slog.Any(key, value), slog.Any("took", time.Since(began).Round(time.Millisecond).String()))
}

// readBody reads the whole body, so that one that is cut off counts as a failure of the attempt.
func (w *wire) readBody(res *http.Response) error {
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, w.c.opt.MaxBody+1))
	if err != nil {
		return fmt.Errorf("the answer was cut off: %w", err)
	}
	if int64(len(body)) > w.c.opt.MaxBody {
		return &final{fmt.Errorf("%w (%d bytes): %w", errTooLong, w.c.opt.MaxBody, connectors.ErrIncomplete)}
	}
	res.Body, res.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return nil
}

// final is an error that repeating can't help against.
type final struct{ error }

func (f *final) Unwrap() error { return f.error }

// unsent is a failure before anything was sent to the API, that may pass.
type unsent struct{ error }

func (u *unsent) Unwrap() error { return u.error }

// neverSent reports whether an error says that the request didn't reach the server: there was
// no connection to send it on.
func neverSent(err error) bool {
	var u *unsent
	var op *net.OpError
	var dns *net.DNSError
	var cert *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	return errors.As(err, &u) || errors.As(err, &op) && (op.Op == "dial" || op.Op == "proxyconnect") || errors.As(err, &dns) || errors.As(err, &cert) || errors.As(err, &record)
}

// hopeless reports whether trying again would only fail again.
func hopeless(err error) bool {
	var f *final
	var cert *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	return errors.As(err, &f) || errors.As(err, &cert) || errors.As(err, &record)
}

func isRedirect(status int) bool {
	switch status {
	case 301, 302, 303, 307, 308:
		return true
	}
	return false
}

// redirected says where to go next. Only the same host is followed: credentials go nowhere
// else, and what another host says is not the API's answer.
func (c *Client) redirected(what string, k *call, r Request, res *http.Response, hops int) (*url.URL, error) {
	const most = 3
	to, err := res.Location()
	_ = res.Body.Close()
	out := &Response{Status: res.StatusCode, what: what, read: k.read || res.StatusCode != 303 && !k.maybe}
	if err != nil {
		return nil, out.doubt(fmt.Sprintf("status %d leads nowhere", res.StatusCode))
	}
	to.User = nil
	shown := c.quote(to.Scheme + "://" + to.Host + to.Path)
	keeps := res.StatusCode == 307 || res.StatusCode == 308
	switch {
	case !sameHost(c.base, to):
		return nil, out.doubt("it redirects to another host: " + shown)
	case !k.read && !keeps, r.Method == http.MethodPost && !keeps:
		return nil, out.doubt("it redirects a write: " + shown)
	case hops >= most:
		return nil, out.doubt("it redirects again and again: " + shown)
	}
	return to, nil
}
