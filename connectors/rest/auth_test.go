package rest

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/accordhq/accord/connectors"
)

const canary = `can"ary/3f9a+1c77 d2e8`

func secret(s string) SecretFunc {
	return func(context.Context) (connectors.Secret, error) { return connectors.NewSecret(s), nil }
}

// Whatever a server makes of a credential, no error and no log line shows it.
func TestSecretsStayHidden(t *testing.T) {
	oauth := func() Auth {
		a, err := ClientCredentials(OAuth{TokenURL: "https://login.example/token", ClientID: "id", Secret: secret(canary), InBody: true})
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	auths := map[string]func() Auth{
		"bearer": func() Auth { return Bearer(secret(canary)) },
		"basic":  func() Auth { return Basic("accord", secret(canary)) },
		"header": func() Auth { return Header("X-Key", "", secret(canary)) },
		"oauth":  oauth,
	}
	echoes := map[string]func(*http.Request) (*http.Response, error){
		"the header in a message": func(r *http.Request) (*http.Response, error) {
			return reply(400, fmt.Sprintf(`{"message": %q}`, fmt.Sprint(r.Header))), nil
		},
		"the secret in a page": func(*http.Request) (*http.Response, error) {
			return reply(200, "<html><title>"+canary, "Content-Type: text/html"), nil
		},
		"escaped in a redirect": func(*http.Request) (*http.Response, error) {
			return reply(302, "", "Location: https://api.example/"+url.PathEscape(canary)+"?t="+url.QueryEscape(canary)), nil
		},
		"in a text": func(*http.Request) (*http.Response, error) { return reply(500, "token="+url.QueryEscape(canary)), nil },
		"in a transport's error": func(r *http.Request) (*http.Response, error) {
			return nil, fmt.Errorf("proxy said: %v %s", r.Header, canary)
		},
		"in a code": func(*http.Request) (*http.Response, error) {
			return reply(403, fmt.Sprintf(`{"code": %q}`, canary)), nil
		},
	}
	hidden := []string{canary, url.QueryEscape(canary), url.PathEscape(canary), `can\"ary`, base64.StdEncoding.EncodeToString([]byte(canary)),
		base64.StdEncoding.EncodeToString([]byte("accord:" + canary)), "access-71b0c4"}
	for name, auth := range auths {
		for what, echo := range echoes {
			synctest.Test(t, func(t *testing.T) {
				var lines bytes.Buffer
				c := newClient(t, Options{
					Auth: auth(),
					Log:  slog.New(slog.NewTextHandler(&lines, &slog.HandlerOptions{Level: slog.LevelDebug})),
					Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
						if r.URL.Host == "login.example" {
							return reply(200, `{"access_token": "access-71b0c4", "expires_in": 3600}`), nil
						}
						return echo(r)
					}),
				})
				for _, method := range []string{"GET", "POST"} {
					_, err := c.Do(t.Context(), Request{Method: method, Path: Path("x", canary), Query: url.Values{"token": {canary}}})
					if err == nil {
						t.Fatalf("%s, %s: no error", name, what)
					}
					said := fmt.Sprintf("%v %+v %#v %s", err, err, err, lines.String())
					said += fmt.Sprintf("%v %+v %#v %v %#v", c, c, c, auth(), auth())
					for e := err; e != nil; e = errors.Unwrap(e) {
						said += fmt.Sprintf("%v %+v", e, e)
					}
					for _, h := range hidden {
						if strings.Contains(said, h) {
							t.Errorf("%s, %s: %q stands in %s", name, what, h, said)
						}
					}
				}
				if lines.Len() == 0 {
					t.Errorf("%s, %s: nothing was logged", name, what)
				}
			})
		}
	}
}

// A token is got once, kept, got again before it expires, and again after a 401, once.
func TestClientCredentials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issued, asked, revoked := 0, 0, false
		auth, err := ClientCredentials(OAuth{TokenURL: "https://login.example/token", ClientID: "id:1", Secret: secret("s%cret"), Scopes: []string{"a", "b"}})
		if err != nil {
			t.Fatal(err)
		}
		c := newClient(t, Options{Auth: auth, Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			if r.URL.Host == "login.example" {
				issued++
				body, _ := io.ReadAll(r.Body)
				if user, password, ok := r.BasicAuth(); !ok || user != "id%3A1" || password != "s%25cret" || string(body) != "grant_type=client_credentials&scope=a+b" {
					t.Errorf("the token was asked for by %q %q: %s", user, password, body)
				}
				return reply(200, fmt.Sprintf(`{"access_token": "token-%d", "token_type": "Bearer", "expires_in": 300}`, issued)), nil
			}
			asked++
			if revoked && issued < 3 || r.Header.Get("Authorization") != fmt.Sprintf("Bearer token-%d", issued) {
				return reply(401, `{}`), nil
			}
			return reply(200, `{}`), nil
		})})
		do := func(wantIssued, wantAsked int) {
			t.Helper()
			if _, err := c.Do(t.Context(), Request{Method: "POST", Path: "x"}); err != nil || issued != wantIssued || asked != wantAsked {
				t.Errorf("error %v, %d tokens and %d requests, want %d and %d", err, issued, asked, wantIssued, wantAsked)
			}
		}
		do(1, 1)
		do(1, 2)
		time.Sleep(271 * time.Second) // within 30 s of its end
		do(2, 3)
		revoked = true
		do(3, 5)
		issued = 0 // from now on no token is accepted
		_, err = c.Do(t.Context(), Request{Method: "GET", Path: "x"})
		if !errors.Is(err, connectors.ErrDenied) || asked != 7 {
			t.Errorf("%d requests, error %v", asked, err)
		}
	})
}

func TestTokenRefused(t *testing.T) {
	tests := []struct {
		name, body string
		status     int
		kind       error
		says       string
		tries      int
	}{
		{"bad client", `{"error": "invalid_client", "error_description": "no such client"}`, 401, connectors.ErrDenied, "invalid_client: no such client", 1},
		{"a page", `<html>`, 200, connectors.ErrIncomplete, "holds no token", 1},
		{"another type", `{"access_token": "tttt", "token_type": "mac"}`, 200, nil, `"mac"`, 1},
		{"down", ``, 503, nil, "status 503", 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				auth, err := ClientCredentials(OAuth{TokenURL: "https://login.example/token", ClientID: "id", Secret: secret("s3cret")})
				if err != nil {
					t.Fatal(err)
				}
				tries := 0
				c := newClient(t, Options{Auth: auth, Attempts: 3, Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
					if r.URL.Host != "login.example" {
						t.Error("the API was asked without a token")
					}
					tries++
					return reply(tt.status, tt.body), nil
				})})
				_, err = c.Do(t.Context(), Request{Method: "POST", Path: "x"})
				if err == nil || !strings.Contains(err.Error(), tt.says) || tt.kind != nil && !errors.Is(err, tt.kind) || errors.Is(err, connectors.ErrOutcomeUnknown) {
					t.Errorf("error %v", err)
				}
				if tries != tt.tries {
					t.Errorf("the token was asked for %d times, want %d", tries, tt.tries)
				}
			})
		})
	}
}

// A credential that can't be had in time fails the request, not the caller's context.
func TestSlowCredential(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, Options{Attempts: 2, Timeout: time.Second, Auth: Bearer(func(ctx context.Context) (connectors.Secret, error) {
			<-ctx.Done()
			return connectors.Secret{}, ctx.Err()
		}), Transport: roundTrip(func(*http.Request) (*http.Response, error) {
			t.Error("a request without its credential")
			return reply(200, `{}`), nil
		})})
		_, err := c.Do(t.Context(), Request{Method: "POST"})
		if !errors.Is(err, errNoAnswer) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, connectors.ErrOutcomeUnknown) {
			t.Errorf("error %v", err)
		}
	})
}

// A credential that is refused is got again, once: it may have been rotated.
func TestRotatedCredential(t *testing.T) {
	got := 0
	auth := Bearer(func(context.Context) (connectors.Secret, error) {
		got++
		return connectors.NewSecret(fmt.Sprintf("token-%d", got)), nil
	})
	c := newClient(t, Options{Auth: auth, Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.Header.Get("Authorization") != "Bearer token-2" {
			return reply(401, `{}`), nil
		}
		return reply(200, `{}`), nil
	})})
	for range 3 {
		if _, err := c.Do(t.Context(), Request{Method: "POST"}); err != nil {
			t.Fatal(err)
		}
	}
	if got != 2 {
		t.Errorf("the credential was got %d times, want 2", got)
	}
}

func TestBaseURLs(t *testing.T) {
	for _, good := range []string{"https://a.example", "https://a.example/scim/v2/", "http://127.0.0.1:1", "http://localhost:80/x", "http://[::1]/"} {
		if _, err := New(Options{BaseURL: good}); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{"", "a.example", "http://a.example", "http://10.0.0.1", "ftp://a", "https://user:hunter22@a.example", "https://a?b=c", "https://a#b", "https:///x", "http://localhost.evil.example", "https://a\x00b:hunter22@c"} {
		if _, err := New(Options{BaseURL: bad}); err == nil || strings.Contains(err.Error(), "hunter22") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// Servers are verified, with the system's certificates or those of the CA file.
func TestTLS(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{}`) }))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // it complains of the client that doesn't trust it
	server.StartTLS()
	defer server.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	r := Request{Method: "POST", Path: "x"}
	if _, err := newClient(t, Options{BaseURL: server.URL, CAFile: ca}).Do(t.Context(), r); err != nil {
		t.Errorf("with its CA: %v", err)
	}
	_, err := newClient(t, Options{BaseURL: server.URL}).Do(t.Context(), r)
	if err == nil || !strings.Contains(err.Error(), "certificate") || errors.Is(err, connectors.ErrOutcomeUnknown) {
		t.Errorf("without its CA: %v", err)
	}
	for _, bad := range []string{filepath.Join(t.TempDir(), "none"), os.Args[0]} {
		if _, err := New(Options{BaseURL: server.URL, CAFile: bad}); err == nil {
			t.Errorf("the CA file %s was taken", bad)
		}
	}
}

func TestProxy(t *testing.T) {
	var asked atomic.Int32
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if user, password, _ := strings.Cut(basicOf(r.Header.Get("Proxy-Authorization")), ":"); user != "me" || password != "hunter22" {
			t.Errorf("the proxy was asked by %q %q", user, password)
		}
		http.Error(w, "no tunnel for me:hunter22", http.StatusForbidden)
	}))
	defer proxy.Close()
	c := newClient(t, Options{BaseURL: "https://api.example", Proxy: strings.Replace(proxy.URL, "http://", "http://me:hunter22@", 1), Attempts: 2})
	_, err := c.Do(t.Context(), Request{Method: "GET", Path: "x"})
	if err == nil || asked.Load() == 0 || strings.Contains(err.Error(), "hunter22") {
		t.Errorf("the proxy was asked %d times: %v", asked.Load(), err)
	}
	for _, bad := range []string{"socks5://x", "x:hunter22@y", "http://"} {
		if _, err := New(Options{BaseURL: "https://api.example", Proxy: bad}); err == nil || strings.Contains(err.Error(), "hunter22") {
			t.Errorf("the proxy %q: %v", bad, err)
		}
	}
}

func basicOf(header string) string {
	text, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(header, "Basic "))
	return string(text)
}
