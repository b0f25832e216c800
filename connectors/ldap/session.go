package ldap

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/accordhq/accord/connectors"
)

// The controls and capabilities that matter here.
const (
	controlPaging       = goldap.ControlTypePaging    // RFC 2696
	controlAssertion    = "1.3.6.1.1.12"              // RFC 4528
	controlPolicy       = "1.3.6.1.4.1.42.2.27.8.5.1" // draft-behera-ldap-password-policy
	controlDomainScope  = "1.2.840.113556.1.4.1339"   // [MS-ADTS] LDAP_SERVER_DOMAIN_SCOPE_OID
	extensionWhoAmI     = "1.3.6.1.4.1.4203.1.11.3"   // RFC 4532
	capabilityDirectory = "1.2.840.113556.1.4.800"    // [MS-ADTS] LDAP_CAP_ACTIVE_DIRECTORY_OID
	connectTimeout      = 10 * time.Second            // for the whole greeting
)

// session is one connection that was bound, and what the server said of itself.
type session struct {
	c         *connector
	raw       net.Conn
	conn      *goldap.Conn
	encrypted bool
	broken    bool // no longer to be used
	reused    bool // it was kept from an earlier call

	controls   []string
	identity   string
	selfDN     string // canonical; "" if the server doesn't tell
	domain     string // Active Directory: the DN of the domain
	domainSID  string
	operations int // requests sent, for benchmarks
}

// connect makes a new connection and finds out who is at the other end.
func (c *connector) connect(ctx context.Context) (*session, error) {
	doing := "connecting to " + c.system
	limited, cancel := context.WithTimeout(ctx, min(connectTimeout, c.set.timeout))
	defer cancel()
	s := &session{c: c}
	err := s.dial(limited)
	if err == nil {
		err = s.greet(limited)
	}
	if err != nil {
		s.close()
		if ctx.Err() != nil {
			return nil, fmt.Errorf("%s: %w", doing, ctx.Err())
		}
		return nil, readError(ctx, doing, err)
	}
	c.log.Debug("connected", "system", c.system, "identity", s.identity, "as", s.selfDN)
	return s, nil
}

// dial connects and encrypts.
func (s *session) dial(ctx context.Context) error {
	network, address := s.c.set.address()
	raw, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return err
	}
	s.raw = raw
	var cfg *tls.Config
	if s.c.set.url.Scheme == "ldaps" || s.c.set.startTLS {
		if cfg, err = s.c.tlsConfig(); err != nil {
			return err
		}
	}
	if s.c.set.url.Scheme == "ldaps" {
		secured := tls.Client(raw, cfg)
		if err := secured.HandshakeContext(ctx); err != nil {
			return fmt.Errorf("encrypting: %w", err)
		}
		s.raw = secured
	}
	s.conn = goldap.NewConn(s.raw, s.c.set.url.Scheme == "ldaps")
	s.conn.Start()
	if s.c.set.startTLS {
		if err := s.do(ctx, func() error { return s.conn.StartTLS(cfg) }); err != nil {
			return fmt.Errorf("encrypting by StartTLS: %w", err)
		}
	}
	s.encrypted = cfg != nil
	return nil
}

// tlsConfig verifies the server by the certificates of the setting ca_file or the system's.
func (c *connector) tlsConfig() (*tls.Config, error) {
	cfg := &tls.Config{ServerName: c.set.url.Hostname(), MinVersion: tls.VersionTLS12}
	pem, err := c.set.readCA()
	if err != nil {
		return nil, err
	}
	if pem != nil {
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(pem) {
			return nil, errors.New("reading the setting ca_file: there is no certificate in it")
		}
	}
	return cfg, nil
}

// greet binds, and asks the server what it is.
func (s *session) greet(ctx context.Context) error {
	if err := s.bind(ctx); err != nil {
		return err
	}
	root, err := s.base(ctx, "", "namingContexts", "defaultNamingContext", "supportedControl", "supportedExtension", "supportedCapabilities")
	if err != nil {
		return fmt.Errorf("asking the server what it offers: %w", err)
	}
	if root == nil {
		return fmt.Errorf("%w: the server doesn't show its root DSE", connectors.ErrIncomplete)
	}
	s.controls = root.GetEqualFoldAttributeValues("supportedControl")
	if err := s.checkFlavour(root); err != nil {
		return err
	}
	if err := s.identify(ctx, root); err != nil {
		return err
	}
	return s.findSelf(ctx, root)
}

// bind logs in. The credential is resolved here and kept nowhere.
func (s *session) bind(ctx context.Context) error {
	if s.c.set.external {
		return s.do(ctx, s.conn.ExternalBind)
	}
	secret, err := s.c.secret(ctx, s.c.set.password)
	if err != nil {
		return fmt.Errorf("reading the password (%s): %w", s.c.set.password, err)
	}
	if secret.Reveal() == "" {
		return fmt.Errorf("the password (%s) is empty; a server would take that for nobody's login", s.c.set.password)
	}
	err = s.do(ctx, func() error { return s.conn.Bind(s.c.set.bindDN, secret.Reveal()) })
	if err != nil {
		return fmt.Errorf("binding as %s: %w", s.c.set.bindDN, err)
	}
	return nil
}

// checkFlavour refuses a server of the other sort: names, locks and memberships work
// differently there.
func (s *session) checkFlavour(root *goldap.Entry) error {
	ad := slices.Contains(root.GetEqualFoldAttributeValues("supportedCapabilities"), capabilityDirectory)
	switch {
	case ad && !s.c.flavour.ad:
		return errors.New("the server is an Active Directory; use `connector: activedirectory`")
	case !ad && s.c.flavour.ad:
		return errors.New("the server is no Active Directory; use `connector: ldap`")
	}
	return nil
}

// identify finds the naming context of the base and what tells it from every other.
func (s *session) identify(ctx context.Context, root *goldap.Entry) error {
	base := dnKey(s.c.set.base)
	found := ""
	for _, n := range root.GetEqualFoldAttributeValues("namingContexts") {
		if below(base, dnKey(n)) && len(n) > len(found) {
			found = n
		}
	}
	if found == "" {
		return fmt.Errorf("%w: the server holds no naming context of the base %q", connectors.ErrIncomplete, s.c.set.base)
	}
	if s.c.flavour.ad {
		return s.identifyDomain(ctx, found)
	}
	e, err := s.base(ctx, found, "entryUUID")
	if err != nil && !isResult(err, goldap.LDAPResultNoSuchObject, goldap.LDAPResultInsufficientAccessRights) {
		return fmt.Errorf("asking for the identity of %q: %w", found, err)
	}
	s.identity = "ldap " + dnKey(found)
	if e != nil && e.GetEqualFoldAttributeValue("entryUUID") != "" {
		s.identity += " " + strings.ToLower(e.GetEqualFoldAttributeValue("entryUUID"))
		return nil
	}
	_, address := s.c.set.address()
	s.identity += " at " + address
	return nil
}

// findSelf finds out who Accord is there.
func (s *session) findSelf(ctx context.Context, root *goldap.Entry) error {
	if s.c.flavour.ad {
		return s.findSelfInDomain(ctx)
	}
	s.selfDN = dnKey(s.c.set.bindDN)
	if !slices.Contains(root.GetEqualFoldAttributeValues("supportedExtension"), extensionWhoAmI) {
		return nil
	}
	var who *goldap.WhoAmIResult
	err := s.do(ctx, func() (err error) { who, err = s.conn.WhoAmI(nil); return err })
	if err != nil {
		return fmt.Errorf("asking who Accord is: %w", err)
	}
	if dn, ok := strings.CutPrefix(who.AuthzID, "dn:"); ok && dn != "" {
		s.selfDN = dnKey(dn)
	}
	return nil
}

// supports reports whether the server offers a control.
func (s *session) supports(control string) bool { return slices.Contains(s.controls, control) }

// usable reports whether the next request can go over this connection.
func (s *session) usable() bool { return !s.broken && s.conn != nil && !s.conn.IsClosing() }

func (s *session) close() {
	s.broken = true
	if s.raw != nil {
		_ = s.raw.Close()
	}
	if s.conn != nil {
		_ = s.conn.Close()
	}
}

// do makes one request and waits for its answer, no longer than the context and the timeout
// allow. Afterwards the connection is closed if no answer came: it isn't known what the next
// one would be to.
func (s *session) do(ctx context.Context, request func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, s.c.set.timeout)
	defer cancel()
	stop := context.AfterFunc(limited, func() { _ = s.raw.Close() })
	s.operations++
	err := plainError(request())
	if !stop() || errors.Is(err, errLost) {
		s.broken = true
	}
	return err
}
