package forge

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/connectors/rest"
)

// Options are what a forge is opened with.
type Options struct {
	// Secret gets the token, TokenName says where it is from, for errors.
	Secret    rest.SecretFunc
	TokenName string
	// CAFile holds the certificates that the forge is verified with, instead of the system's.
	CAFile string
	// Transport carries the requests; nil: the client's own.
	Transport http.RoundTripper
	Log       *slog.Logger
	Now       func() time.Time
	// Pause is the longest first pause before something is tried again; zero: the client's own.
	Pause time.Duration
}

// maxAnswer bounds one page of a forge's answers, in bytes: a hundred comments of the largest size.
const maxAnswer = 128 << 20

// caller makes the requests of one forge.
type caller struct {
	t      Target
	client *rest.Client
	header http.Header
	token  string // where it is from
	number int    // of the request, once it is known
}

func (t Target) caller(o Options, auth rest.Auth, header http.Header) (*caller, error) {
	client, err := rest.New(rest.Options{
		BaseURL: t.API, Auth: auth, Transport: o.Transport, CAFile: o.CAFile, Log: o.Log, Now: o.Now, Pause: o.Pause, MaxBody: maxAnswer,
	})
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", t.Kind, err)
	}
	return &caller{t: t, client: client, header: header, token: o.TokenName, number: t.Request}, nil
}

// Close frees connections.
func (c *caller) Close() { c.client.Close() }

// Host names the forge.
func (c *caller) Host() string {
	u, err := url.Parse(c.client.Base())
	if err != nil {
		return string(c.t.Kind)
	}
	if host := u.Hostname(); host != "api.github.com" {
		return host
	}
	return "github.com"
}

// ask is one call: what is being done, which right it takes, and the request.
type ask struct {
	doing, right string
	rest.Request
}

// do sends it; a nil into takes no answer.
func (c *caller) do(ctx context.Context, a ask, into any) error {
	a.Header, a.Lack = c.header, a.right
	res, err := c.client.Do(ctx, a.Request)
	if err == nil && into != nil {
		err = res.JSON(into)
	}
	return c.explain(a, err)
}

// explain wraps an error: what was being done, and the right that it takes where the answer
// doesn't say so itself.
func (c *caller) explain(a ask, err error) error {
	if err == nil {
		return nil
	}
	hint := ""
	switch rest.Status(err) {
	case http.StatusUnauthorized:
		hint = fmt.Sprintf("; the token in %s isn't accepted: it has expired, was revoked, or is another forge's", c.token)
	case http.StatusForbidden:
		if !strings.Contains(err.Error(), a.right) {
			hint = "; the token needs " + a.right
		}
	case http.StatusNotFound:
		hint = "; either it isn't there, or the token can't see it: that takes " + a.right
	}
	if hint == "" {
		return fmt.Errorf("%s: %w", a.doing, err)
	}
	return fmt.Errorf("%s: %w%s", a.doing, err, hint)
}

// pages yields the rows of a listing, page by page; the forge names the next one in its Link header.
func pages[T any](ctx context.Context, c *caller, a ask) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		a.Header, a.Lack = c.header, a.right
		for res, err := range c.client.Links(ctx, a.Request) {
			var rows []T
			if err == nil {
				err = res.JSON(&rows)
			}
			if err != nil {
				yield(none, c.explain(a, err))
				return
			}
			for _, row := range rows {
				if !yield(row, nil) {
					return
				}
			}
		}
	}
}

// requests makes merge requests of a forge's rows.
func requests[T any](rows iter.Seq2[T, error], of func(T) Request) iter.Seq2[Request, error] {
	return func(yield func(Request, error) bool) {
		for row, err := range rows {
			var r Request
			if err == nil {
				r = of(row)
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

// collect gathers a listing.
func collect[T any](rows iter.Seq2[T, error]) ([]T, error) {
	var out []T
	for row, err := range rows {
		if err != nil {
			return nil, err
		}
		out = append(out, row)
	}
	return out, nil
}

// request is the number of the request: the target's, else that of the one that brought the
// target's commit, which find lists.
func (c *caller) request(ctx context.Context, find func(context.Context, string) ([]int, error)) (string, error) {
	if c.number > 0 {
		return strconv.Itoa(c.number), nil
	}
	if c.t.Commit == "" {
		return "", fmt.Errorf("%w: neither its number nor a commit of it is known; give --request NUMBER", ErrNoRequest)
	}
	found, err := find(ctx, c.t.Commit)
	if err != nil {
		return "", err
	}
	switch len(found) {
	case 0:
		return "", fmt.Errorf("%w has the commit %.8s; give --request NUMBER", ErrNoRequest, c.t.Commit)
	case 1:
		c.number = found[0]
		return strconv.Itoa(c.number), nil
	}
	return "", fmt.Errorf("the commit %.8s stands in %d merge requests; say which with --request NUMBER", c.t.Commit, len(found))
}

// gone makes an error of a write to a comment that isn't there ErrGone.
func gone(err error) error {
	if rest.NotFound(err) {
		return fmt.Errorf("%w: %w", ErrGone, err)
	}
	return err
}

// denied reports whether an answer was that the token may not.
func denied(err error) bool {
	return errors.Is(err, connectors.ErrDenied) && rest.Status(err) == http.StatusForbidden
}

// cut shortens a text to so many characters.
func cut(s string, most int) string {
	r := []rune(s)
	if len(r) <= most {
		return s
	}
	return strings.TrimRight(string(r[:most-1]), " ,.;") + "…"
}
