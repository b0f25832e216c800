//go:build unix

package servertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
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

// SambaServer is a running Active Directory domain controller (Samba). It listens on the fixed
// ports 389 and 636, in a network namespace of its own, so that it gets in nobody's way; Dial
// connects to it from outside.
type SambaServer struct {
	// Host is the name in its certificate, and CA the file with that.
	Host, CA string
	// Dir is the server's folder.
	Dir string
	// Version is what the server calls itself.
	Version string

	sam string // the database
	pid int    // a process in the namespace
}

// The names on a SambaServer.
const (
	SambaDomain   = "DC=ad,DC=example,DC=test"
	SambaAdmin    = "administrator@ad.example.test"
	SambaPassword = "Adm1n-Passw0rd"
)

// Samba returns the domain controller that all tests of this binary share, starting it first
// if need be. It needs root, and Linux.
func Samba(t testing.TB) *SambaServer {
	t.Helper()
	s, err := sharedSamba()
	if err != nil {
		missing(t, "samba", err)
	}
	t.Logf("Samba %s", s.Version)
	return s
}

var sharedSamba = sync.OnceValues(func() (*SambaServer, error) {
	dir, remove, err := folder("samba")
	if err != nil {
		return nil, err
	}
	s, stop, err := StartSamba(dir)
	if err != nil {
		remove()
		return nil, err
	}
	atExit.add(func() { stop(); remove() })
	return s, nil
})

// StartSamba provisions a new domain in the folder and starts its controller. If the programs
// are missing they are installed, where that can be done. The server ends when stop is called
// or this process dies.
func StartSamba(dir string) (s *SambaServer, stop func(), err error) {
	if os.Geteuid() != 0 {
		return nil, nil, errors.New("a domain controller needs root")
	}
	if err := sambaPrograms(); err != nil {
		return nil, nil, err
	}
	s = &SambaServer{Host: "dc1.ad.example.test", Dir: dir, sam: filepath.Join(dir, "t", "private", "sam.ldb")}
	cert, key, err := certificate(dir, s.Host)
	if err != nil {
		return nil, nil, err
	}
	s.CA = cert
	if err := s.provision(cert, key); err != nil {
		return nil, nil, err
	}
	log, err := os.Create(filepath.Join(dir, "samba.log"))
	if err != nil {
		return nil, nil, fmt.Errorf("starting samba: %w", err)
	}
	defer log.Close()
	// The namespace has a loopback interface of its own, which begins switched off.
	cmd := exec.Command("/bin/sh", "-c", `ip link set lo up && exec samba -s "$0" -F --no-process-group --debug-stdout -M single`,
		filepath.Join(dir, "t", "etc", "smb.conf"))
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, log, log
	ownNetwork(cmd)
	p, err := start(cmd, syscall.SIGKILL)
	if err != nil {
		return nil, nil, err
	}
	s.pid = p.cmd.Process.Pid
	stop = func() { p.stop(syscall.SIGTERM, 10*time.Second) }
	err = until(60*time.Second, p.gone, func() error {
		c, err := s.Dial(context.Background(), 636)
		if err == nil {
			c.Close()
		}
		return err
	})
	if err != nil {
		stop()
		text, _ := os.ReadFile(log.Name())
		return nil, nil, fmt.Errorf("starting samba: %w\n%s", err, tail(text))
	}
	out, _ := exec.Command("samba", "--version").Output()
	s.Version = strings.TrimPrefix(strings.TrimSpace(string(out)), "Version ")
	return s, stop, nil
}

func sambaPrograms() error {
	for _, name := range []string{"samba", "samba-tool", "ldapsearch", "nsenter", "/usr/share/samba/setup/provision.ldif"} {
		_, err := exec.LookPath(name)
		if filepath.IsAbs(name) {
			_, err = os.Stat(name)
		}
		if err == nil {
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
		defer cancel()
		return install(ctx, "samba", "samba-ad-provision", "samba-dsdb-modules", "samba-vfs-modules", "winbind", "smbclient", "ldap-utils", "util-linux", "iproute2")
	}
	return nil
}

// provision makes the domain.
func (s *SambaServer) provision(cert, key string) error {
	empty := filepath.Join(s.Dir, "empty.conf")
	if err := errors.Join(os.WriteFile(empty, []byte("[global]\n"), 0o600), os.MkdirAll(filepath.Join(s.Dir, "log"), 0o700)); err != nil {
		return fmt.Errorf("preparing samba: %w", err)
	}
	args := []string{"domain", "provision", "--configfile=" + empty, "--realm=AD.EXAMPLE.TEST", "--domain=ADTEST", "--server-role=dc",
		"--dns-backend=NONE", "--adminpass=" + SambaPassword, "--targetdir=" + filepath.Join(s.Dir, "t"), "--host-name=dc1", "--host-ip=127.0.0.1"}
	for _, o := range []string{"interfaces=127.0.0.1", "bind interfaces only=yes", "server services=ldap", "dns update command=/bin/true",
		"log file=" + filepath.Join(s.Dir, "log", "%m"), "tls certfile=" + cert, "tls keyfile=" + key, "tls cafile=" + cert} {
		args = append(args, "--option="+o)
	}
	if out, err := exec.Command("samba-tool", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("samba-tool domain provision: %w\n%s", err, tail(out))
	}
	return nil
}

// Dial connects to a port of the server, from within its network namespace.
func (s *SambaServer) Dial(ctx context.Context, port int) (net.Conn, error) {
	return dialIn(ctx, s.pid, "127.0.0.1:"+strconv.Itoa(port))
}

// LDIF carries out changes as the administrator, by ldapmodify: records without a changetype
// are added.
func (s *SambaServer) LDIF(t testing.TB, ldif string) {
	t.Helper()
	if _, err := s.ldap("ldapmodify", ldif, "-a"); err != nil {
		t.Fatalf("%v\nin: %s", err, tail([]byte(ldif)))
	}
}

// Delete deletes an entry and what is below it, by ldapdelete.
func (s *SambaServer) Delete(t testing.TB, dn string) {
	t.Helper()
	if _, err := s.ldap("ldapdelete", "", "-r", dn); err != nil {
		t.Fatal(err)
	}
}

// Search gives all entries below a DN that fit the filter, as the administrator sees them, by
// ldapsearch.
func (s *SambaServer) Search(t testing.TB, base, filter string, attrs ...string) []LDIFEntry {
	t.Helper()
	out, err := s.ldap("ldapsearch", "", append([]string{"-LLL", "-o", "ldif-wrap=no", "-E", "pr=1000/noprompt", "-b", base, filter}, attrs...)...)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := ParseLDIF(out)
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

// ldap runs one of OpenLDAP's tools within the server's network.
func (s *SambaServer) ldap(tool, stdin string, args ...string) ([]byte, error) {
	return s.run("nsenter", stdin, append([]string{"-t", strconv.Itoa(s.pid), "-n", tool, "-x", "-H", "ldaps://127.0.0.1",
		"-D", SambaAdmin, "-w", SambaPassword}, args...)...)
}

func (s *SambaServer) run(tool, stdin string, args ...string) ([]byte, error) {
	cmd := exec.Command(tool, args...)
	cmd.Env = append(os.Environ(), "LDAPTLS_CACERT="+s.CA)
	cmd.Stdin = strings.NewReader(stdin)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", tool, err, tail(stderr.Bytes()))
	}
	return stdout.Bytes(), nil
}

// Tool runs samba-tool on the database itself, as in Tool(t, "user", "create", name, password).
func (s *SambaServer) Tool(t testing.TB, args ...string) {
	t.Helper()
	if _, err := s.run("samba-tool", "", append(args, "-H", s.sam, "-s", filepath.Join(s.Dir, "t", "etc", "smb.conf"))...); err != nil {
		t.Fatal(err)
	}
}
