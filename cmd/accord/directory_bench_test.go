package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/accordhq/accord/connectors/servertest"
)

// BenchmarkDirectory measures whole processes on a real OpenLDAP: 10,000 accounts and 500 groups
// with 50,000 memberships, from empty and with nothing to do, with everything that accord does
// besides (declaration from git, plan, guards, journal, reading back), and what OpenLDAP's own
// tools need for the same entries. It does so in a plain database, and in one with overlays: there
// memberof writes each membership down with the account too, and most of the time is the server's
// own. The benchmark of connectors/ldap counts requests.
//
//	go test ./cmd/accord -run '^$' -bench Directory -benchtime 3x
func BenchmarkDirectory(b *testing.B) {
	dir := b.TempDir()
	home := filepath.Join(dir, "slapd")
	if err := os.Mkdir(home, 0o755); err != nil {
		b.Fatal(err)
	}
	server, stop, err := servertest.StartSlapd(home, false)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(stop)
	program := filepath.Join(dir, "accord")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		b.Fatalf("building: %v\n%s", err, out)
	}
	tool := func(name string, args ...string) func() *exec.Cmd {
		return func() *exec.Cmd {
			return exec.Command(name, append([]string{"-x", "-H", server.URL, "-D", servertest.SlapdService, "-w", servertest.SlapdPassword}, args...)...)
		}
	}
	w := worlds[1]
	for _, database := range []struct{ name, suffix string }{{"plain", servertest.SlapdPlainSuffix}, {"overlays", servertest.SlapdSuffix}} {
		suffix := database.suffix
		b.Run(database.name, func(b *testing.B) {
			repo := w.write(b)
			w.directory(b, repo, server, suffix)
			file := filepath.Join(dir, database.name+".ldif")
			if err := os.WriteFile(file, []byte(w.ldif(suffix)), 0o644); err != nil {
				b.Fatal(err)
			}
			empty := func() {
				server.Reset(b)
				if err := os.RemoveAll(filepath.Join(repo, ".accord")); err != nil {
					b.Fatal(err)
				}
			}
			accord := func(args ...string) func() *exec.Cmd {
				return func() *exec.Cmd {
					cmd := exec.Command(program, append([]string{"-C", repo}, args...)...)
					cmd.Env = append(os.Environ(), "LDAP_PASSWORD="+servertest.SlapdPassword)
					return cmd
				}
			}
			b.Run("from-empty/ldapadd", func(b *testing.B) { measure(b, empty, tool("ldapadd", "-f", file), 0) })
			b.Run("from-empty/accord-apply", func(b *testing.B) { measure(b, empty, accord("apply", "--yes"), 0) })
			everything := tool("ldapsearch", "-LLL", "-E", "pr=50/noprompt", "-b", suffix, "(|(uid=*)(objectClass=groupOfNames))")
			b.Run("nothing-to-do/ldapsearch", func(b *testing.B) { measure(b, nil, everything, 0) })
			b.Run("nothing-to-do/accord-plan", func(b *testing.B) { measure(b, nil, accord("plan"), 0) })
		})
	}
}

// ldif is the same as a person would write it for ldapadd.
func (w world) ldif(suffix string) string {
	var s strings.Builder
	for p := range w.people {
		fmt.Fprintf(&s, "dn: uid=user%05d,ou=people,%s\nobjectClass: inetOrgPerson\nuid: user%05[1]d\ncn: user%05[1]d\nsn: user%05[1]d\n\n", p, suffix)
	}
	for role, members := range w.members() {
		fmt.Fprintf(&s, "dn: cn=g%04d,ou=groups,%s\nobjectClass: groupOfNames\ncn: g%04[1]d\nmember: cn=nobody,%[2]s\n", role, suffix)
		for _, p := range members {
			fmt.Fprintf(&s, "member: uid=user%05d,ou=people,%s\n", p, suffix)
		}
		s.WriteString("\n")
	}
	return s.String()
}

// directory makes of a world one whose roles are groups of a directory.
func (w world) directory(b *testing.B, repo string, s *servertest.SlapdServer, suffix string) {
	b.Helper()
	grants, err := os.ReadFile(filepath.Join(repo, "grants.yaml"))
	if err != nil {
		b.Fatal(err)
	}
	policy := ""
	if suffix == servertest.SlapdSuffix {
		policy = "  password_policy: " + servertest.SlapdPolicy + "\n"
	}
	var doc strings.Builder
	fmt.Fprintf(&doc, `system: directory
connector: ldap
config:
  url: %s
  bind_dn: %s
  password: {env: LDAP_PASSWORD}
  base: %[3]s
  account_base: ou=people,%[3]s
  group_base: ou=groups,%[3]s
%[4]s  placeholders: ["cn=nobody,%[3]s", "%[2]s"]
  account_template: ["cn={name}", "sn={name}"]
mode: authoritative
manage: [group/g*]
resources:
`, s.URL, servertest.SlapdService, suffix, policy)
	for role := range w.roles {
		fmt.Fprintf(&doc, "  group/g%04d: {}\n", role)
	}
	if err := os.Remove(filepath.Join(repo, "warehouse.yaml")); err != nil {
		b.Fatal(err)
	}
	for name, text := range map[string]string{
		"directory.yaml": doc.String(),
		"grants.yaml":    strings.ReplaceAll(strings.ReplaceAll(string(grants), "warehouse:", "directory:"), "role/g", "group/g"),
	} {
		if err := os.WriteFile(filepath.Join(repo, name), []byte(text), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	for _, args := range [][]string{{"add", "-A"}, {"-c", "user.name=Bench", "-c", "user.email=bench@example.com", "commit", "-q", "-m", "directory"}} {
		cmd := exec.Command("git", args...)
		cmd.Dir = repo
		if out, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
}
