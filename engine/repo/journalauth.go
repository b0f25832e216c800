package repo

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing/transport"
	gitfile "github.com/go-git/go-git/v5/plumbing/transport/file"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
	gitssh "github.com/go-git/go-git/v5/plumbing/transport/ssh"
	"golang.org/x/crypto/ssh"
)

// origin is the remote of clones that name none.
const origin = "origin"

// place finds the remote that keeps the journal; nil is the repository itself.
func (g gitDir) place(remote string) (*place, error) {
	conf, err := g.config()
	if err != nil || remote == "." {
		return nil, err
	}
	known := conf.remotes()
	switch {
	case remote == "" && len(known) == 0:
		return nil, nil
	case remote == "" && !known[origin]:
		return nil, fmt.Errorf("there are remotes, and none is called %s: name one as journal.remote in accord.yaml, or a dot for the repository itself", origin)
	case remote == "":
		remote = origin
	case !known[remote]:
		return nil, fmt.Errorf("git knows no remote %q: git remote add %s URL", remote, remote)
	}
	p := &place{name: remote, url: conf.remoteURL(remote), conf: conf}
	if p.shown, err = g.shown(p); err != nil {
		return nil, fmt.Errorf("the remote %s: %w", remote, err)
	}
	return p, nil
}

// shown checks the URL of a remote, and gives it as it may be shown. A path is taken from the
// top of the repository, as git does.
func (g gitDir) shown(p *place) (string, error) {
	ep, err := transport.NewEndpoint(p.url)
	if err != nil {
		return "", errors.New("its URL can't be understood") // it may hold a credential
	}
	switch ep.Protocol {
	case "file":
		if !strings.HasPrefix(p.url, "file:") && !filepath.IsAbs(p.url) {
			p.url = filepath.Join(g.top, p.url)
		}
		return p.url, nil
	case "ssh", "http", "https":
		ep.Password = ""
		if ep.Protocol != "ssh" {
			ep.User = ""
		}
		return ep.String(), nil
	}
	return "", fmt.Errorf("%s is no protocol that a journal can be kept by; https, ssh and paths are", ep.Protocol)
}

// connect hands over what is needed to speak with the remote. Errors are freed from credentials.
func (p *place) connect(ctx context.Context, do func(transport.Transport, *transport.Endpoint, transport.AuthMethod) error) error {
	ep, err := transport.NewEndpoint(p.url)
	if err != nil {
		return errors.New("its URL can't be understood")
	}
	switch ep.Protocol {
	case "file":
		return p.explain(do(gitfile.DefaultClient, ep, nil))
	case "ssh":
		// The agent of SSH_AUTH_SOCK signs, and known_hosts says whom to trust.
		auth, err := gitssh.NewSSHAgentAuth(ep.User)
		if err != nil {
			return fmt.Errorf("asking the SSH agent: %w", err)
		}
		return p.explain(do(gitssh.NewClient(nil), ep, impatient{auth}))
	}
	t, auth, err := p.http(ctx, ep)
	if err != nil {
		return p.clean(err)
	}
	return p.explain(do(t, ep, auth))
}

// impatient waits for a host no longer than connectTime.
type impatient struct{ gitssh.AuthMethod }

// ClientConfig is that of the method, with a bound on the time.
func (i impatient) ClientConfig() (*ssh.ClientConfig, error) {
	c, err := i.AuthMethod.ClientConfig()
	if err == nil {
		c.Timeout = connectTime
	}
	return c, err
}

// connectTime is how long a host may take to answer at all.
const connectTime = 30 * time.Second

// tokenUser is the name beside a token. GitHub, GitLab and Gitea look at the token alone.
const tokenUser = "x-access-token"

// http makes the transport of a remote that is reached by HTTP. Its credential is the token of
// accord.yaml if there is one, else what the remote's URL holds, else what git's configuration
// has as an extra header.
func (p *place) http(ctx context.Context, ep *transport.Endpoint) (transport.Transport, transport.AuthMethod, error) {
	to, err := url.Parse(p.url)
	if err != nil {
		return nil, nil, errors.New("its URL can't be understood")
	}
	tr := http.DefaultTransport.(*http.Transport).Clone()
	if files := p.conf.http("sslCAInfo", to); len(files) > 0 {
		if tr.TLSClientConfig, err = trusting(files[len(files)-1]); err != nil {
			return nil, nil, err
		}
	}
	headers := p.conf.http("extraheader", to)
	var auth *githttp.BasicAuth
	if ep.User != "" || ep.Password != "" {
		auth = &githttp.BasicAuth{Username: ep.User, Password: ep.Password}
		ep.User, ep.Password = "", "" // else it would stand in errors
	}
	token, err := p.secret(ctx)
	if err != nil { // git may have a credential; if not, this is why
		p.noToken = err
	}
	if token != "" {
		if to.Scheme != "https" && !loopback(to.Hostname()) {
			return nil, nil, fmt.Errorf("%s isn't https, and a token is sent over nothing else", p)
		}
		user := tokenUser
		if auth != nil && auth.Username != "" {
			user = auth.Username
		}
		auth = &githttp.BasicAuth{Username: user, Password: token}
	}
	if auth != nil {
		headers = slices.DeleteFunc(headers, isAuthorization)
	}
	client := githttp.NewClient(&http.Client{Transport: &withHeaders{tr, to, headers}})
	if auth == nil { // a nil in an interface isn't one
		return client, nil, nil
	}
	return client, auth, nil
}

func (p *place) secret(ctx context.Context) (string, error) {
	if p.token == nil {
		return "", nil
	}
	return p.token(ctx)
}

func isAuthorization(header string) bool {
	name, _, _ := strings.Cut(header, ":")
	return strings.EqualFold(strings.TrimSpace(name), "Authorization")
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// trusting trusts the certificates of a file beside those of the machine.
func trusting(name string) (*tls.Config, error) {
	pem, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("reading http.sslCAInfo: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("reading http.sslCAInfo: %s holds no certificate", name)
	}
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, nil
}

// withHeaders adds http.extraheader to requests to the remote itself: not to those that it
// redirects to elsewhere.
type withHeaders struct {
	http.RoundTripper
	to      *url.URL
	headers []string
}

// RoundTrip sends the request with the headers.
func (w *withHeaders) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != w.to.Scheme || !strings.EqualFold(r.URL.Hostname(), w.to.Hostname()) || portOf(r.URL) != portOf(w.to) || len(w.headers) == 0 {
		return w.RoundTripper.RoundTrip(r)
	}
	r = r.Clone(r.Context())
	for _, h := range w.headers {
		if name, value, ok := strings.Cut(h, ":"); ok {
			r.Header.Add(strings.TrimSpace(name), strings.TrimSpace(value))
		}
	}
	return w.RoundTripper.RoundTrip(r)
}

// explain says beside what a remote answered what can be done about it.
func (p *place) explain(err error) error {
	err = p.clean(err)
	switch {
	case errors.Is(err, transport.ErrAuthenticationRequired) && p.noToken != nil:
		return fmt.Errorf("%w, and there is no token: %w", err, p.noToken)
	case errors.Is(err, transport.ErrAuthenticationRequired):
		return fmt.Errorf("%w: name a token as journal.token in accord.yaml, or give git a credential for it (http.extraheader, or in the remote's URL)", err)
	case errors.Is(err, transport.ErrAuthorizationFailed):
		return fmt.Errorf("%w: the credential lacks the right", err)
	}
	return err
}

// clean takes the credentials that the configuration holds out of an error.
func (p *place) clean(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	for _, s := range p.secrets() {
		text = strings.ReplaceAll(text, s, "…")
	}
	if text == err.Error() {
		return err
	}
	return errors.New(text)
}

func (p *place) secrets() []string {
	u, err := url.Parse(p.url)
	if err != nil {
		return nil
	}
	var out []string
	if password, ok := u.User.Password(); ok && password != "" {
		out = append(out, password, url.PathEscape(password), url.QueryEscape(password))
	} else if name := u.User.Username(); len(name) > len("x-oauth-basic") && u.Scheme != "ssh" {
		out = append(out, name) // a token may stand in the place of the name
	}
	for _, h := range p.conf.http("extraheader", u) {
		_, value, _ := strings.Cut(h, ":")
		for _, word := range strings.Fields(value) {
			if len(word) > len("bearer") {
				out = append(out, word)
			}
		}
	}
	return out
}
