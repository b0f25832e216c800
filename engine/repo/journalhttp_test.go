package repo

import (
	"context"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing/transport"

	"github.com/accordhq/accord/engine/journal"
)

const testSecret = "s3cret-that-nobody-may-see"

// gitServer is git's own server behind HTTP. Who reads needs one of the credentials, and who
// writes too, unless writing is forbidden.
type gitServer struct {
	*httptest.Server
	asked    []string // the Authorization headers
	readOnly bool
}

// serveGit serves the repositories of a folder, over TLS if wanted.
func serveGit(t *testing.T, root string, tls bool, allowed ...string) *gitServer {
	t.Helper()
	backend := filepath.Join(newGit(t).run("--exec-path"), "git-http-backend")
	if _, err := os.Stat(backend); err != nil {
		t.Fatal("git brings no http-backend: ", err)
	}
	s := &gitServer{}
	h := &cgi.Handler{Path: backend, Env: []string{"GIT_PROJECT_ROOT=" + root, "GIT_HTTP_EXPORT_ALL=1", "REMOTE_USER=ci", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1"}}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		auth := r.Header.Values("Authorization")
		s.asked = append(s.asked, strings.Join(auth, " and "))
		writes := strings.Contains(r.URL.String(), "git-receive-pack")
		switch {
		case len(allowed) > 0 && (len(auth) != 1 || !slices.Contains(allowed, auth[0])):
			w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
			w.WriteHeader(http.StatusUnauthorized)
		case writes && s.readOnly:
			w.WriteHeader(http.StatusForbidden)
		default:
			h.ServeHTTP(w, r)
		}
	}))
	if tls {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s
}

func basic(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

// TestJournalOverHTTP: each way in which CI leaves a credential opens the journal, in both
// directions; without one, or with a wrong one, the error names none.
func TestJournalOverHTTP(t *testing.T) {
	header := "AUTHORIZATION: " + strings.Replace(basic("x-access-token", testSecret), "Basic", "basic", 1)
	tests := map[string]struct {
		allowed string
		set     func(g *gitRepo, base string)
		o       func(*JournalOptions)
		wrong   bool
	}{
		"an extra header, as GitHub's checkout leaves it": {
			allowed: strings.TrimPrefix(header, "AUTHORIZATION: "),
			set:     func(g *gitRepo, base string) { g.run("config", "http."+base+"/.extraheader", header) },
		},
		"one in a file that is included": {
			allowed: strings.TrimPrefix(header, "AUTHORIZATION: "),
			set: func(g *gitRepo, base string) {
				name := filepath.Join(t.TempDir(), "credentials.config")
				g.run("config", "--file", name, "http."+base+"/.extraheader", header)
				g.run("config", "includeIf.gitdir:"+filepath.Join(g.dir, ".git")+".path", name)
			},
		},
		"in the URL, as GitLab's runner leaves it": {
			allowed: basic("gitlab-ci-token", testSecret),
			set: func(g *gitRepo, base string) {
				g.run("remote", "set-url", "origin", strings.Replace(base, "://", "://gitlab-ci-token:"+testSecret+"@", 1)+"/origin.git")
			},
		},
		"by url.insteadOf": {
			allowed: basic("gitlab-ci-token", testSecret),
			set: func(g *gitRepo, base string) {
				g.run("config", "url."+strings.Replace(base, "://", "://gitlab-ci-token:"+testSecret+"@", 1)+".insteadOf", base)
			},
		},
		"the token of accord.yaml goes before the rest": {
			allowed: basic("x-access-token", testSecret),
			set: func(g *gitRepo, base string) {
				g.run("config", "http."+base+"/.extraheader", "Authorization: bearer of-another")
			},
			o: func(o *JournalOptions) {
				o.Token = func(context.Context) (string, error) { return testSecret, nil }
			},
		},
		"a token that isn't there": {
			allowed: basic("x-access-token", testSecret),
			o: func(o *JournalOptions) {
				o.Token = func(context.Context) (string, error) { return "", errors.New("TOKEN is not set") }
			},
			wrong: true,
		},
		"none":            {allowed: "Basic other", wrong: true},
		"of another host": {allowed: "Basic x", set: func(g *gitRepo, _ string) { g.run("config", "http.https://example.com/.extraheader", header) }, wrong: true},
		"a wrong one in a URL": {allowed: "Basic x", set: func(g *gitRepo, base string) {
			g.run("remote", "set-url", "origin", strings.Replace(base, "://", "://ci:"+testSecret+"@", 1)+"/origin.git")
		}, wrong: true},
		"a wrong extra header": {allowed: "Basic x", set: func(g *gitRepo, base string) { g.run("config", "http.extraheader", header) }, wrong: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			bare, one, _ := twoClones(t)
			bare.run("config", "http.receivepack", "true")
			s := serveGit(t, filepath.Dir(bare.dir), false, tt.allowed)
			one.run("remote", "set-url", "origin", s.URL+"/origin.git")
			if tt.set != nil {
				tt.set(one, s.URL)
			}
			var options []func(*JournalOptions)
			if tt.o != nil {
				options = append(options, tt.o)
			}
			w := newWriter(t, one.dir, options...)
			if tt.wrong {
				_, err := journal.OpenReadOnly(t.Context(), w.store)
				if err == nil || !errors.Is(err, transport.ErrAuthenticationRequired) && !strings.Contains(err.Error(), "authentication required") {
					t.Fatal(err)
				}
				for _, secret := range []string{testSecret, strings.Fields(header)[2], "%3A"} {
					if strings.Contains(err.Error(), secret) {
						t.Errorf("the error shows a credential: %v", err)
					}
				}
				if name == "a token that isn't there" && !strings.Contains(err.Error(), "TOKEN is not set") {
					t.Error(err)
				}
				return
			}
			w.whole("a")
			w.sound(3)
			bare.run("fsck", "--strict")
			if strings.Contains(w.ref.String(), testSecret) {
				t.Errorf("the name shows a credential: %s", w.ref)
			}
		})
	}
}

// TestJournalReadOnlyRemote: who may only read can plan, and is told what is missing for more.
func TestJournalReadOnlyRemote(t *testing.T) {
	bare, one, two := twoClones(t)
	newWriter(t, two.dir).whole("a")
	s := serveGit(t, filepath.Dir(bare.dir), false)
	s.readOnly = true
	one.run("remote", "set-url", "origin", s.URL+"/origin.git")
	w := newWriter(t, one.dir)
	j := w.open()
	append1(t, j, "b", opened("office"))
	err := j.Publish(t.Context(), journal.Opening)
	if !errors.Is(err, transport.ErrAuthorizationFailed) || !strings.Contains(err.Error(), "the credential lacks the right") || errors.Is(err, journal.ErrMoved) {
		t.Fatal(err)
	}
	if r, err := w.verify(""); err != nil || r.Unsent != 1 || r.Entries != 4 {
		t.Errorf("%+v %v", r, err)
	}
}

// TestJournalTLS: certificates are checked, by http.sslCAInfo too; http.sslVerify turns nothing off.
func TestJournalTLS(t *testing.T) {
	bare, one, _ := twoClones(t)
	bare.run("config", "http.receivepack", "true")
	s := serveGit(t, filepath.Dir(bare.dir), true)
	one.run("remote", "set-url", "origin", s.URL+"/origin.git")
	one.run("config", "http.sslVerify", "false")
	if _, err := journal.OpenReadOnly(t.Context(), newWriter(t, one.dir).store); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(name, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o644); err != nil {
		t.Fatal(err)
	}
	one.run("config", "http."+s.URL+"/.sslCAInfo", name)
	w := newWriter(t, one.dir)
	w.whole("a")
	w.sound(3)
}

// TestJournalHeaderStays: what a remote redirects to elsewhere doesn't get the credential.
func TestJournalHeaderStays(t *testing.T) {
	bare, one, _ := twoClones(t)
	elsewhere := serveGit(t, filepath.Dir(bare.dir), false)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL+r.URL.String(), http.StatusFound)
	}))
	t.Cleanup(s.Close)
	one.run("remote", "set-url", "origin", s.URL+"/origin.git")
	one.run("config", "http.extraheader", "Authorization: bearer "+testSecret)
	// Whether it is followed or not: no credential may go along.
	_, err := journal.OpenReadOnly(t.Context(), newWriter(t, one.dir).store)
	t.Logf("redirected: %v", err)
	for _, auth := range elsewhere.asked {
		if auth != "" {
			t.Errorf("sent elsewhere: %q", auth)
		}
	}
}

// TestJournalTokenInClear: a token isn't sent over http, unless to this machine.
func TestJournalTokenInClear(t *testing.T) {
	_, one, _ := twoClones(t)
	one.run("remote", "set-url", "origin", "http://git.example.com/origin.git")
	w := newWriter(t, one.dir, func(o *JournalOptions) {
		o.Token = func(context.Context) (string, error) { return testSecret, nil }
	})
	if _, err := journal.OpenReadOnly(t.Context(), w.store); err == nil || !strings.Contains(err.Error(), "isn't https") || strings.Contains(err.Error(), testSecret) {
		t.Error(err)
	}
}

// TestGitConfig: which values of http.* hold for a URL.
func TestGitConfig(t *testing.T) {
	tests := []struct {
		pattern, url string
		fits         bool
	}{
		{"https://github.com/", "https://github.com/acme/access", true},
		{"https://github.com", "https://github.com/acme/access", true},
		{"https://GitHub.com:443/acme", "https://github.com/acme/access", true},
		{"https://github.com/acme/", "https://github.com/acme/access", true},
		{"https://github.com/ac", "https://github.com/acme/access", false},
		{"https://github.com.evil.example/", "https://github.com/acme", false},
		{"https://github.com/", "https://github.com.evil.example/acme", false},
		{"http://github.com/", "https://github.com/acme", false},
		{"https://github.com:8443/", "https://github.com/acme", false},
		{"https://ci@github.com/", "https://github.com/acme", false},
		{"https://ci@github.com/", "https://ci:x@github.com/acme", true},
		{"://", "https://github.com/acme", false},
	}
	for _, tt := range tests {
		to, err := url.Parse(tt.url)
		if err != nil {
			t.Fatal(err)
		}
		if got := fitsURL(tt.pattern, to); got != tt.fits {
			t.Errorf("http.%s is about %s: %v", tt.pattern, tt.url, got)
		}
	}
	for pattern, want := range map[string]bool{"/ws/.git": true, "/ws/": true, "/ws/.git/": true, "/w": false, "/ws/.gi": false, "/ws/*": true, "/*/.git": true, "/other/*": false} {
		if got := inGitDir(pattern, "/ws/.git"); got != want {
			t.Errorf("includeIf.gitdir:%s: %v", pattern, got)
		}
	}
}
