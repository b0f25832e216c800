package rest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/accordhq/accord/connectors"
)

// StatusError is an answer that isn't a success. It is, as errors.Is sees it:
//
//   - connectors.ErrDenied: 401 and 403, but not a 403 that is about a rate limit
//   - connectors.ErrConflict: 409 and 412
//   - connectors.ErrUnsupported: 405 and 501
//   - connectors.ErrOutcomeUnknown, for writes: 500, 502, 503, 504 and 408, and any status after an
//     earlier attempt whose reply was lost
//   - connectors.ErrIncomplete, for reads: 500, 502, 503, 504, 408 and 429
type StatusError struct {
	Status int
	// What is the request: "GET /Users".
	What string
	// Code is a code that the answer names, as "uniqueness" or "invalid_scope".
	Code string
	// Says is what the answer says: quoted, cut, without credentials; "" if it says nothing.
	Says string
	// Lack names the right that is missing, for 403, and for 401 if the answer names it.
	Lack string
	why  string
	is   []error
}

func (e *StatusError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d %s", e.What, e.Status, http.StatusText(e.Status))
	for _, err := range e.is {
		b.WriteString(": " + err.Error())
	}
	if e.Says != "" {
		b.WriteString(": " + e.Says)
	}
	if e.Lack != "" {
		b.WriteString("; it takes " + e.Lack)
	}
	if e.why != "" {
		b.WriteString("; not tried again: " + e.why)
	}
	return b.String()
}

// Unwrap gives the errors that the engine acts upon.
func (e *StatusError) Unwrap() []error { return e.is }

// Status is the status of an error that holds a *StatusError; else 0.
func Status(err error) int {
	var e *StatusError
	if errors.As(err, &e) {
		return e.Status
	}
	return 0
}

// Code is the code of an error that holds a *StatusError.
func Code(err error) string {
	var e *StatusError
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// NotFound reports whether the answer was that there is no such thing (404, 410).
func NotFound(err error) bool {
	s := Status(err)
	return s == http.StatusNotFound || s == http.StatusGone
}

func (c *Client) statusError(r *Response, req Request, k *call) error {
	says, code := message(r)
	e := &StatusError{Status: r.Status, What: r.what, Code: quoteless(c.secrets.scrub(code)), why: k.why}
	if says != "" {
		e.Says = c.quote(says)
	}
	status := r.Status
	if limited(r.Status, r.Header, c.opt.Now()) {
		status = http.StatusTooManyRequests
	}
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		e.is = append(e.is, connectors.ErrDenied)
		if status == http.StatusForbidden {
			e.Lack = req.Lack // who isn't known has no rights to speak of
		}
		if right := missingRight(r.Header); right != "" {
			e.Lack = c.quote(right)
		}
	case http.StatusConflict, http.StatusPreconditionFailed:
		e.is = append(e.is, connectors.ErrConflict)
	case http.StatusMethodNotAllowed, http.StatusNotImplemented:
		e.is = append(e.is, connectors.ErrUnsupported)
	case http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout, http.StatusRequestTimeout:
		if k.read {
			e.is = append(e.is, connectors.ErrIncomplete)
		} else {
			k.maybe = true
		}
	case http.StatusTooManyRequests:
		if k.read {
			e.is = append(e.is, connectors.ErrIncomplete)
		}
	}
	if k.maybe && !k.read {
		e.is = []error{connectors.ErrOutcomeUnknown}
	}
	return e
}

func quoteless(s string) string {
	if q := quote(s); len(q) < 100 {
		return q[1 : len(q)-1]
	}
	return ""
}

// message takes what a person would want to know, and a code, out of the body of an error.
func message(r *Response) (says, code string) {
	if looksLikeHTML(r) {
		return pageTitle(r.Body), ""
	}
	var body any
	if json.Unmarshal(r.Body, &body) != nil {
		return string(r.Body[:min(len(r.Body), 4*longest)]), ""
	}
	return messageIn(body, 0)
}

// messageIn looks through the shapes in which APIs word their errors: SCIM (RFC 7644 §3.12),
// problem details (RFC 9457), OAuth (RFC 6749 §5.2), and lists of such under "errors".
func messageIn(v any, depth int) (says, code string) {
	const deepest = 3
	if depth > deepest {
		return "", ""
	}
	switch v := v.(type) {
	case string:
		return v, ""
	case []any:
		var all []string
		for _, e := range v[:min(len(v), 5)] {
			s, c := messageIn(e, depth+1)
			if s != "" && !slices.Contains(all, s) {
				all = append(all, s)
			}
			if code == "" {
				code = c
			}
		}
		return strings.Join(all, "; "), code
	case map[string]any:
		for _, key := range []string{"scimType", "code", "errorCode", "error"} {
			if s, ok := v[key].(string); ok && code == "" {
				code = s
			}
		}
		var all []string
		for _, key := range []string{"detail", "message", "error_description", "errorSummary", "title", "error", "errors", "Errors"} {
			s, c := messageIn(v[key], depth+1)
			if s != "" && (len(all) == 0 || key == "errors") {
				all = append(all, s)
			}
			if code == "" {
				code = c
			}
		}
		return strings.Join(all, ": "), code
	}
	return "", ""
}

// missingRight reads from headers which right a request takes: the scopes of a challenge
// (RFC 6750 §3) or those that GitHub accepts
// (https://docs.github.com/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps).
func missingRight(h http.Header) string {
	if s := strings.TrimSpace(h.Get("X-Accepted-OAuth-Scopes")); s != "" {
		return "scope " + s
	}
	for _, v := range h.Values("WWW-Authenticate") {
		if _, after, ok := strings.Cut(v, "scope="); ok {
			scope, _, _ := strings.Cut(strings.TrimPrefix(after, `"`), `"`)
			if scope = strings.TrimSpace(scope); scope != "" {
				return "scope " + scope
			}
		}
	}
	return ""
}
