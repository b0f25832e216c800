package ldap

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/accordhq/accord/connectors"
)

const (
	defaultTimeout     = time.Minute
	defaultPageSize    = 500
	defaultConnections = 6
)

// settings are the values of `config:`, checked, with their defaults.
type settings struct {
	url         *url.URL
	startTLS    bool
	caFile      string
	bindDN      string
	password    connectors.SecretRef
	external    bool
	timeout     time.Duration
	connections int
	pageSize    int

	base, accountBase, groupBase, disabledBase string
	accountFilter, groupFilter                 string
	accountName, groupName                     string
	accountRDN                                 string
	accountClasses, posixClasses               []string
	groupClass                                 string
	templates                                  map[string][]template // by kind
	placeholders                               []string              // DNs; the first is the one that Accord writes
	disableBy                                  disabling
	policy                                     string
	off, on                                    pair
	ignoreReferrals                            bool
	nested                                     bool
	upnSuffix                                  string
}

// disabling is the way in which accounts are disabled.
type disabling string

const (
	byPolicy    disabling = "ppolicy"   // pwdAccountLockedTime
	byAttribute disabling = "attribute" // an attribute has a value
	byControl   disabling = "control"   // userAccountControl of Active Directory
)

// pair is an attribute and its value.
type pair struct{ attr, value string }

// parse reads the settings of a flavour.
func (f *flavour) parse(cfg connectors.Config) (*settings, error) {
	in := cfg.Settings
	s := &settings{
		startTLS: in["start_tls"].Bool, bindDN: in["bind_dn"].Text, password: in["password"].Secret,
		external: in["sasl"].Text == "external",
		timeout:  in["timeout"].Period, connections: in["connections"].Number, pageSize: in["page_size"].Number,
		base:         strings.TrimSpace(in["base"].Text),
		disabledBase: in["disabled_base"].Text,
		policy:       in["password_policy"].Text,
		accountName:  or(in["account_name"].Text, f.accountName), groupName: f.groupName,
		accountClasses: in["account_classes"].Texts, posixClasses: in["posixgroup_classes"].Texts,
		groupClass:      or(in["group_class"].Text, f.groupClass),
		placeholders:    in["placeholders"].Texts,
		ignoreReferrals: in["referrals"].Text == "ignore",
		nested:          in["nested_groups"].Text != "ignore",
		disableBy:       f.disableBy,
		upnSuffix:       in["upn_suffix"].Text,
	}
	s.accountBase, s.groupBase = or(in["account_base"].Text, s.base), or(in["group_base"].Text, s.base)
	s.accountFilter, s.groupFilter = or(in["account_filter"].Text, f.accountFilter), in["group_filter"].Text
	s.accountRDN = or(in["account_rdn"].Text, f.accountRDN)
	if s.timeout <= 0 {
		s.timeout = defaultTimeout
	}
	if s.connections <= 0 {
		s.connections = defaultConnections
	}
	if s.pageSize <= 0 {
		s.pageSize = defaultPageSize
	}
	if len(s.accountClasses) == 0 {
		s.accountClasses = f.accountClasses
	}
	if len(s.posixClasses) == 0 {
		s.posixClasses = []string{classPosix}
	}
	if ca := in["ca_file"].Text; ca != "" {
		s.caFile = filepath.Join(cfg.Dir, ca)
	}
	return s, errors.Join(s.where(in), s.who(f), s.what(f, in), s.how(f, in))
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// where checks the address. Over a network nothing goes unencrypted unless that is asked for.
func (s *settings) where(in connectors.Settings) error {
	if socket, ok := strings.CutPrefix(in["url"].Text, "ldapi://"); ok {
		return s.socket(socket)
	}
	u, err := url.Parse(in["url"].Text)
	if err != nil || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("setting url: it is written ldaps://host, ldap://host:port or ldapi:///path/to/socket")
	}
	switch u.Scheme {
	case "ldaps", "ldap":
		if u.Hostname() == "" {
			return errors.New("setting url: it names no host")
		}
	default:
		return fmt.Errorf("setting url: the scheme %q isn't ldap, ldaps or ldapi", u.Scheme)
	}
	s.url = u
	if s.startTLS && u.Scheme != "ldap" {
		return errors.New("setting start_tls: it goes with ldap:// only")
	}
	if u.Scheme == "ldap" && !s.startTLS && !loopback(u.Hostname()) && !in["allow_plaintext"].Bool {
		return errors.New("setting url: over ldap:// everybody on the way reads along; use ldaps://, or set start_tls")
	}
	return nil
}

// socket reads the rest of ldapi:///run/slapd/ldapi or ldapi://%2Frun%2Fslapd%2Fldapi.
func (s *settings) socket(text string) error {
	path, err := url.PathUnescape(text)
	if err != nil || !filepath.IsAbs(path) {
		return errors.New("setting url: it names no socket")
	}
	s.url = &url.URL{Scheme: "ldapi", Path: path}
	if s.startTLS {
		return errors.New("setting start_tls: it goes with ldap:// only")
	}
	return nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// address is where to connect to.
func (s *settings) address() (network, address string) {
	switch s.url.Scheme {
	case "ldapi":
		return "unix", s.url.Path
	case "ldaps":
		return "tcp", net.JoinHostPort(s.url.Hostname(), or(s.url.Port(), "636"))
	}
	return "tcp", net.JoinHostPort(s.url.Hostname(), or(s.url.Port(), "389"))
}

// who checks the identity that Accord shows.
func (s *settings) who(f *flavour) error {
	switch {
	case s.external && (s.bindDN != "" || s.password != connectors.SecretRef{}):
		return errors.New("setting sasl: with external there is neither bind_dn nor password")
	case s.external && f.ad:
		return errors.New("setting sasl: Active Directory takes no external bind")
	case s.external && s.url != nil && s.url.Scheme != "ldapi":
		return errors.New("setting sasl: external goes with ldapi:// only")
	case !s.external && (s.bindDN == "" || s.password == connectors.SecretRef{}):
		return errors.New("settings bind_dn and password: both are needed (or sasl: external)")
	case !s.external && !f.ad:
		if _, err := canonicalDN(s.bindDN); err != nil {
			return fmt.Errorf("setting bind_dn: %w", err)
		}
	}
	return nil
}

// what checks the scope.
func (s *settings) what(f *flavour, in connectors.Settings) error {
	if s.base == "" {
		return errors.New("setting base is missing")
	}
	for _, dn := range []struct {
		name string
		text *string
	}{{"base", &s.base}, {"account_base", &s.accountBase}, {"group_base", &s.groupBase},
		{"disabled_base", &s.disabledBase}, {"password_policy", &s.policy}} {
		if *dn.text == "" {
			continue
		}
		if _, err := canonicalDN(*dn.text); err != nil {
			return fmt.Errorf("setting %s: %w", dn.name, err)
		}
	}
	for _, name := range []string{"account_base", "group_base", "disabled_base"} {
		if text := in[name].Text; text != "" && !below(dnKey(text), dnKey(s.base)) {
			return fmt.Errorf("setting %s: %q isn't below the base %q", name, text, s.base)
		}
	}
	for name, filter := range map[string]string{"account_filter": s.accountFilter, "group_filter": s.groupFilter} {
		if filter == "" {
			continue
		}
		if _, err := goldap.CompileFilter(filter); err != nil {
			return fmt.Errorf("setting %s: %q is no filter (RFC 4515)", name, filter)
		}
	}
	if len(s.placeholders) == 0 {
		s.placeholders = []string{child(rdn("cn", "accord-empty-group"), s.groupBase)}
	}
	for _, dn := range s.placeholders {
		if _, err := canonicalDN(dn); err != nil {
			return fmt.Errorf("setting placeholders: %w", err)
		}
	}
	return attributeName("account_name", s.accountName)
}

func attributeName(setting, name string) error {
	ok := name != "" && strings.IndexFunc(name, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-')
	}) < 0 && name[0] > '9'
	if !ok {
		return fmt.Errorf("setting %s: %q is no name of an attribute", setting, name)
	}
	return nil
}

// how checks the way of creating and of disabling.
func (s *settings) how(f *flavour, in connectors.Settings) error {
	s.templates = map[string][]template{}
	for _, kind := range f.kinds {
		lines := in[kind+"_template"].Texts
		if len(lines) == 0 {
			lines = f.templates[kind]
		}
		t, err := parseTemplates(lines)
		if err != nil {
			return fmt.Errorf("setting %s_template: %w", kind, err)
		}
		s.templates[kind] = t
	}
	if f.ad {
		return nil
	}
	if mode := in["disable"].Text; mode != "" {
		s.disableBy = disabling(mode)
	}
	if s.disableBy != byAttribute {
		if in["disabled_value"].Text != "" || in["enabled_value"].Text != "" {
			return errors.New("settings disabled_value and enabled_value: they go with disable: attribute")
		}
		return nil
	}
	var err error
	if s.off, err = parsePair("disabled_value", in["disabled_value"].Text); err != nil {
		return err
	}
	if text := in["enabled_value"].Text; text != "" {
		if s.on, err = parsePair("enabled_value", text); err != nil {
			return err
		}
		if !strings.EqualFold(s.on.attr, s.off.attr) || s.on.value == s.off.value {
			return errors.New("setting enabled_value: it names another value of the attribute that disabled_value names")
		}
	}
	return nil
}

func parsePair(setting, text string) (pair, error) {
	attr, value, ok := strings.Cut(text, "=")
	if !ok || value == "" || attributeName(setting, attr) != nil {
		return pair{}, fmt.Errorf("setting %s: it is written attribute=value", setting)
	}
	return pair{attr, value}, nil
}

// readCA gives the certificates of the setting ca_file, or nil.
func (s *settings) readCA() ([]byte, error) {
	if s.caFile == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(s.caFile)
	if err != nil {
		return nil, fmt.Errorf("reading the setting ca_file: %w", err)
	}
	return pem, nil
}

// accountBases are where accounts are looked for: no base lies below another.
func (s *settings) accountBases() []string {
	bases := []string{s.accountBase}
	if s.disabledBase != "" && !below(dnKey(s.disabledBase), dnKey(s.accountBase)) {
		bases = append(bases, s.disabledBase)
	}
	return bases
}

// isPlaceholder reports whether a canonical DN is one that stands for nobody.
func (s *settings) isPlaceholder(key string) bool {
	return key == "" || slices.ContainsFunc(s.placeholders, func(p string) bool { return dnKey(p) == key })
}
