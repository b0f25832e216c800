package rest

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/accordhq/accord/connectors"
)

// Answers that can't be the API's own.
func TestAnswersThatAreNone(t *testing.T) {
	var elsewhere atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { elsewhere.Add(1) }))
	defer other.Close()
	mux := http.NewServeMux()
	answer := func(path string, status int, kind, body string) {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		})
	}
	redirect := func(path string, status int, to string) {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, status) })
	}
	answer("/api/ok", 200, "application/json", `{"a": 1}`)
	answer("/api/html", 200, "text/html; charset=utf-8", `<html><title>Sign in</title>`)
	answer("/api/mislabelled", 200, "application/json", "\n<!DOCTYPE html><html>")
	answer("/api/empty", 200, "application/json", "")
	answer("/api/cut", 200, "application/json", `{"a": [1, 2`)
	answer("/api/two", 200, "application/json", `{"a": 1}{"a": 2}`)
	answer("/api/text", 200, "text/plain", `all right`)
	answer("/api/long", 200, "application/json", `{"a": "`+strings.Repeat("x", 2000)+`"}`)
	answer("/api/type", 200, "application/json", `{"a": "one"}`)
	redirect("/api/moved", 307, "/api/ok")
	redirect("/api/found", 302, "/api/ok")
	redirect("/api/login", 302, "/api/html")
	redirect("/api/away", 302, other.URL+"/login?next=secret")
	redirect("/api/away308", 308, other.URL+"/ok")
	redirect("/api/round", 307, "/api/round")
	server := httptest.NewServer(mux)
	defer server.Close()
	c := newClient(t, Options{BaseURL: server.URL + "/api", MaxBody: 1000})

	tests := []struct {
		path        string
		read, write string // what the error says; "": it works
	}{
		{"ok", "", ""},
		{"moved", "", ""},
		{"found", "", "redirects a write"},
		{"html", `HTML, perhaps a login page: "Sign in"`, `HTML`},
		{"mislabelled", "HTML", "HTML"},
		{"login", `HTML`, `redirects a write`},
		{"empty", "empty body", "empty body"},
		{"cut", "ends in the middle", "ends in the middle"},
		{"two", "behind the JSON", "behind the JSON"},
		{"text", "isn't the JSON", "isn't the JSON"},
		{"type", `"A" is string`, `"A" is string`},
		{"long", "longer than the limit", "longer than the limit"},
		{"away", "another host", "another host"},
		{"away308", "another host", "another host"},
		{"round", "again and again", "again and again"},
	}
	for _, tt := range tests {
		for _, method := range []string{"GET", "POST"} {
			want, kind := tt.read, connectors.ErrIncomplete
			if method == "POST" {
				want, kind = tt.write, connectors.ErrOutcomeUnknown
				if strings.Contains(want, "redirect") || strings.Contains(want, "host") || strings.Contains(want, "again") {
					kind = connectors.ErrIncomplete // it was not carried out
				}
			}
			res, err := c.Do(t.Context(), Request{Method: method, Path: tt.path})
			if err == nil {
				var v struct{ A int }
				err = res.JSON(&v)
			}
			switch {
			case want == "" && err != nil:
				t.Errorf("%s %s: %v", method, tt.path, err)
			case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
				t.Errorf("%s %s: error %v, want one about %q", method, tt.path, err, want)
			case want != "" && !errors.Is(err, kind):
				t.Errorf("%s %s: error %q isn't %q", method, tt.path, err, kind)
			case err != nil && strings.Contains(err.Error(), "secret"):
				t.Errorf("%s %s: the error has the query of the address: %v", method, tt.path, err)
			}
		}
	}
	if n := elsewhere.Load(); n > 0 {
		t.Errorf("the other host was asked %d times", n)
	}
}

// Statuses become what the engine acts upon, with what the server said.
func TestStatuses(t *testing.T) {
	is := func(errs ...error) []error { return errs }
	tests := []struct {
		status int
		body   string
		header []string
		is     []error
		says   []string
	}{
		{401, `{"error":"invalid_token","error_description":"it has expired"}`, []string{`WWW-Authenticate: Bearer realm="x", scope="scim.write users"`}, is(connectors.ErrDenied), []string{"it has expired", "it takes", "scim.write users"}},
		{403, `{"message":"Must have admin rights"}`, []string{"X-Accepted-OAuth-Scopes: admin:org, repo"}, is(connectors.ErrDenied), []string{"Must have admin rights", "scope admin:org, repo"}},
		{401, `{"message":"who are you?"}`, nil, is(connectors.ErrDenied), []string{`denied: "who are you?"$`}},
		{403, ``, nil, is(connectors.ErrDenied), []string{"403 Forbidden", "the right to test"}},
		{404, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"detail":"Resource 1 not found","status":"404"}`, nil, nil, []string{`"Resource 1 not found"`}},
		{409, `{"scimType":"uniqueness","detail":"userName taken"}`, nil, is(connectors.ErrConflict), []string{"userName taken"}},
		{412, `{}`, nil, is(connectors.ErrConflict), nil},
		{405, ``, nil, is(connectors.ErrUnsupported), nil},
		{501, ``, nil, is(connectors.ErrUnsupported), nil},
		{422, `{"message":"Validation Failed","errors":[{"code":"custom","message":"name is reserved"},{"message":"too long"}]}`, nil, nil, []string{"Validation Failed", "name is reserved; too long"}},
		{400, "no\r\n\x1b[31mJSON\x00 here" + strings.Repeat("x", 1000), nil, nil, []string{`"no [31mJSON here`, "…"}},
		{400, `<html><head><title>Bad gateway</title></head><body>` + strings.Repeat("x", 100), nil, nil, []string{`"Bad gateway"`}},
	}
	for _, tt := range tests {
		s := &scripted{steps: []func(*http.Request) (*http.Response, error){answers(tt.status, tt.body, tt.header...)}}
		_, err := newClient(t, Options{Transport: s}).Do(t.Context(), Request{Method: "PATCH", Path: "x", Lack: "the right to test"})
		for _, kind := range []error{connectors.ErrDenied, connectors.ErrConflict, connectors.ErrUnsupported, connectors.ErrIncomplete, connectors.ErrOutcomeUnknown} {
			if errors.Is(err, kind) != slices.Contains(tt.is, kind) {
				t.Errorf("%d: error %q, being %q: %v", tt.status, err, kind, errors.Is(err, kind))
			}
		}
		for _, s := range tt.says {
			end := strings.TrimSuffix(s, "$")
			if !strings.Contains(err.Error(), end) || end != s && !strings.HasSuffix(err.Error(), end) {
				t.Errorf("%d: error %q, want it to say %q", tt.status, err, s)
			}
		}
		if Status(err) != tt.status || NotFound(err) != (tt.status == 404) || len(err.Error()) > 600 {
			t.Errorf("%d: %d, not found %v: %v", tt.status, Status(err), NotFound(err), err)
		}
		if strings.ContainsAny(err.Error(), "\n\r\x00\x1b") {
			t.Errorf("%d: control characters in %q", tt.status, err)
		}
	}
	if got := Code(fmt.Errorf("x: %w", &StatusError{Code: "uniqueness"})); got != "uniqueness" {
		t.Errorf("code %q", got)
	}
}
