//go:build unix

package servertest

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// SlapdServer is a running OpenLDAP server with two databases: SlapdSuffix has all overlays
// that get in a connector's way (memberof, refint, unique, ppolicy) and small limits on
// searches, SlapdPlainSuffix has none.
type SlapdServer struct {
	// URL, TLSURL and SocketURL reach it over TCP (with StartTLS), over TLS, and over a Unix
	// socket, where SASL EXTERNAL makes the user of this process SlapdService.
	URL, TLSURL, SocketURL string
	// Port is the port of URL on 127.0.0.1.
	Port int
	// CA is a file with the certificate that verifies it, for "localhost" and 127.0.0.1.
	CA string
	// Dir is the server's folder.
	Dir string
	// Version is what the server calls itself.
	Version string
}

// The names on a SlapdServer.
const (
	SlapdSuffix      = "dc=example,dc=test"
	SlapdPlainSuffix = "dc=plain,dc=test"
	// SlapdService is an entry that may write everywhere and is held to the limits: a page has
	// at most 50 entries, an unpaged answer 100. Its password is SlapdPassword.
	SlapdService  = "cn=svc," + SlapdSuffix
	SlapdPassword = "svcpw"
	// SlapdPolicy is the password policy that applies to all of SlapdSuffix.
	SlapdPolicy = "cn=default," + SlapdSuffix

	slapdAdmin   = "cn=admin," + SlapdSuffix
	slapdAdminPW = "secret"
)

// Slapd returns the server that all tests of this binary share, starting it first if need be.
func Slapd(t testing.TB) *SlapdServer {
	t.Helper()
	s, err := sharedSlapd()
	if err != nil {
		missing(t, "slapd", err)
	}
	t.Logf("OpenLDAP %s on port %d", s.Version, s.Port)
	return s
}

var sharedSlapd = sync.OnceValues(func() (*SlapdServer, error) {
	dir, remove, err := folder("slapd")
	if err != nil {
		return nil, err
	}
	s, stop, err := StartSlapd(dir, false)
	if err != nil {
		remove()
		return nil, err
	}
	atExit.add(func() { stop(); remove() })
	return s, nil
})

// SlapdBis is Slapd with the schema of draft-howard-rfc2307bis instead of RFC 2307's: another
// server, shared in the same way.
func SlapdBis(t testing.TB) *SlapdServer {
	t.Helper()
	s, err := sharedSlapdBis()
	if err != nil {
		missing(t, "slapd", err)
	}
	return s
}

var sharedSlapdBis = sync.OnceValues(func() (*SlapdServer, error) {
	dir, remove, err := folder("slapd")
	if err != nil {
		return nil, err
	}
	s, stop, err := StartSlapd(dir, true)
	if err != nil {
		remove()
		return nil, err
	}
	atExit.add(func() { stop(); remove() })
	return s, nil
})

// StartSlapd starts a server in the folder, with the schema of RFC 2307 or, if bis, that of
// draft-howard-rfc2307bis. If the programs are missing they are installed,
// where that can be done. The server ends when stop is called or this process dies.
func StartSlapd(dir string, bis bool) (s *SlapdServer, stop func(), err error) {
	if err := slapdPrograms(); err != nil {
		return nil, nil, err
	}
	for _, sub := range []string{"db", "plain"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			return nil, nil, fmt.Errorf("preparing slapd: %w", err)
		}
	}
	cert, key, err := certificate(dir, "localhost")
	if err != nil {
		return nil, nil, err
	}
	for try := 1; ; try++ { // somebody else may take a port before the server does
		s, stop, err = serveSlapd(dir, cert, key, bis)
		if err == nil || try == 3 {
			return s, stop, err
		}
	}
}

// serveSlapd starts a server on ports that are free.
func serveSlapd(dir, cert, key string, bis bool) (s *SlapdServer, stop func(), err error) {
	s = &SlapdServer{Dir: dir, CA: cert}
	ports := make([]int, 2)
	for i := range ports {
		if ports[i], err = freePort(); err != nil {
			return nil, nil, err
		}
	}
	s.Port = ports[0]
	s.URL, s.TLSURL = "ldap://127.0.0.1:"+strconv.Itoa(ports[0]), "ldaps://127.0.0.1:"+strconv.Itoa(ports[1])
	s.SocketURL = "ldapi://" + url.PathEscape(filepath.Join(dir, "ldapi"))
	conf := filepath.Join(dir, "slapd.conf")
	if err := os.WriteFile(conf, []byte(slapdConf(dir, cert, key, bis)), 0o600); err != nil {
		return nil, nil, fmt.Errorf("preparing slapd: %w", err)
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return nil, nil, fmt.Errorf("starting slapd: %w", err)
	}
	defer log.Close()
	cmd := exec.Command("/usr/sbin/slapd", "-f", conf, "-h", s.URL+" "+s.TLSURL+" "+s.SocketURL, "-d", "0")
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, log, log
	p, err := start(cmd, syscall.SIGTERM)
	if err != nil {
		return nil, nil, err
	}
	stop = func() { p.stop(syscall.SIGTERM, 10*time.Second) }
	if err := s.greet(p); err != nil {
		stop()
		text, _ := os.ReadFile(log.Name())
		return nil, nil, fmt.Errorf("starting slapd: %w\n%s", err, tail(text))
	}
	return s, stop, nil
}

func slapdPrograms() error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	_, err1 := os.Stat("/usr/sbin/slapd")
	_, err2 := exec.LookPath("ldapsearch")
	if err1 == nil && err2 == nil {
		return nil
	}
	return install(ctx, "slapd", "ldap-utils")
}

// greet waits for the server to answer, asks which one it is, and fills it.
func (s *SlapdServer) greet(p *process) error {
	err := until(30*time.Second, p.gone, func() error {
		_, err := s.run("ldapsearch", "", "-x", "-LLL", "-s", "base", "-b", "", "1.1")
		return err
	})
	if err != nil {
		return err
	}
	out, err := exec.Command("/usr/sbin/slapd", "-VV").CombinedOutput()
	if _, rest, ok := strings.Cut(string(out), "slapd "); ok {
		s.Version, _, _ = strings.Cut(rest, " ")
	}
	if s.Version == "" {
		return fmt.Errorf("asking slapd for its version: %w: %s", err, tail(out))
	}
	return s.try(slapdBase)
}

// Reset deletes everything below both suffixes, takes back what Config did to the limits and
// rights, and leaves what a new server has: ou=people and ou=groups, the service entry with its
// password, and the policy.
func (s *SlapdServer) Reset(t testing.TB) {
	t.Helper()
	s.Config(t, slapdDefaults)
	for _, suffix := range []string{SlapdSuffix, SlapdPlainSuffix} {
		if _, err := s.run("ldapdelete", "", append(slapdAdminArgs(), "-M", "-r", suffix)...); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.try(slapdBase); err != nil {
		t.Fatal(err)
	}
}

// LDIF carries out changes as the administrator, by ldapmodify: records without a changetype
// are added.
func (s *SlapdServer) LDIF(t testing.TB, ldif string) {
	t.Helper()
	if err := s.try(ldif); err != nil {
		t.Fatalf("%v\nin: %s", err, tail([]byte(ldif)))
	}
}

func (s *SlapdServer) try(ldif string) error {
	_, err := s.run("ldapmodify", ldif, append(slapdAdminArgs(), "-a")...)
	return err
}

// Config changes the server's configuration (cn=config).
func (s *SlapdServer) Config(t testing.TB, ldif string) {
	t.Helper()
	if _, err := s.run("ldapmodify", ldif, "-x", "-D", "cn=config", "-w", slapdAdminPW); err != nil {
		t.Fatalf("%v\nin: %s", err, tail([]byte(ldif)))
	}
}

// Search gives all entries below a DN that fit the filter, as the administrator sees them, by
// ldapsearch. Ask for "+" to see operational attributes as well.
func (s *SlapdServer) Search(t testing.TB, base, filter string, attrs ...string) []LDIFEntry {
	t.Helper()
	args := append(slapdAdminArgs(), "-LLL", "-o", "ldif-wrap=no", "-b", base, filter)
	out, err := s.run("ldapsearch", "", append(args, attrs...)...)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := ParseLDIF(out)
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

// Bind tries to log in, by ldapwhoami.
func (s *SlapdServer) Bind(dn, password string) error {
	_, err := s.run("ldapwhoami", "", "-x", "-D", dn, "-w", password)
	return err
}

func slapdAdminArgs() []string { return []string{"-x", "-D", slapdAdmin, "-w", slapdAdminPW} }

// run runs one of OpenLDAP's own tools against the server.
func (s *SlapdServer) run(tool, stdin string, args ...string) ([]byte, error) {
	cmd := exec.Command(tool, append([]string{"-H", s.URL}, args...)...)
	cmd.Env = append(os.Environ(), "LDAPNOINIT=1")
	cmd.Stdin = strings.NewReader(stdin)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", tool, err, tail(stderr.Bytes()))
	}
	return stdout.Bytes(), nil
}

// LDIFEntry is one entry of an LDIF text.
type LDIFEntry struct {
	DN    string
	Attrs map[string][]string // by name as the server spells it
}

// ParseLDIF reads entries as ldapsearch and ldbsearch write them (RFC 2849).
func ParseLDIF(text []byte) ([]LDIFEntry, error) {
	unwrapped := strings.ReplaceAll(strings.ReplaceAll(string(text), "\r\n", "\n"), "\n ", "")
	var out []LDIFEntry
	for block := range strings.SplitSeq(unwrapped, "\n\n") {
		e := LDIFEntry{Attrs: map[string][]string{}}
		for line := range strings.SplitSeq(strings.TrimSpace(block), "\n") {
			if line == "" || strings.HasPrefix(line, "#") {
				continue
			}
			name, value, ok := strings.Cut(line, ":")
			if !ok {
				return nil, fmt.Errorf("reading LDIF: %q", line)
			}
			if coded, ok := strings.CutPrefix(value, ":"); ok {
				raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(coded))
				if err != nil {
					return nil, fmt.Errorf("reading LDIF: %q: %w", line, err)
				}
				value = string(raw)
			} else {
				value = strings.TrimPrefix(value, " ")
			}
			if strings.EqualFold(name, "dn") {
				e.DN = value
				continue
			}
			e.Attrs[name] = append(e.Attrs[name], value)
		}
		if e.DN != "" {
			out = append(out, e)
		}
	}
	if len(out) == 0 && bytes.Contains(text, []byte("dn:")) {
		return nil, errors.New("reading LDIF: no entry was understood")
	}
	return out, nil
}

// LDIFLine writes one attribute of an LDIF record, coded so that any value survives.
func LDIFLine(attr, value string) string {
	return attr + ":: " + base64.StdEncoding.EncodeToString([]byte(value)) + "\n"
}
