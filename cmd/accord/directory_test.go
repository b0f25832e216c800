package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/accordhq/accord/connectors/servertest"
	"github.com/accordhq/accord/engine"
)

// repository is a company's access repository about a system other than PostgreSQL.
func repository(t *testing.T, files map[string]string) *company {
	t.Helper()
	t.Setenv("ACCORD_NOW", "2026-11-23T10:00:00Z")
	c := &company{t: t, dir: t.TempDir()}
	c.git("init", "-q")
	c.write(map[string]string{".gitignore": ".accord/\n"})
	c.write(files)
	return c
}

// planned holds the plan to these steps, in the notation of the scripts' `steps`, in any order.
func (c *company) planned(what string, want ...string) {
	c.t.Helper()
	exit := engine.ExitOK
	if len(want) > 0 {
		exit = engine.ExitChanges
	}
	var plan struct{ Steps []step }
	if err := json.Unmarshal([]byte(c.accord(exit, "plan", "--format", "json")), &plan); err != nil {
		c.t.Fatal(err)
	}
	got := []string{}
	for _, s := range plan.Steps {
		got = append(got, s.String())
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		c.t.Fatalf("%s: the plan is\n%s\nnot\n%s", what, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// edit replaces what fits a pattern in a file, exactly once, and commits.
func (c *company) edit(file, pattern, with string) {
	c.t.Helper()
	text, err := os.ReadFile(filepath.Join(c.dir, file))
	if err != nil {
		c.t.Fatal(err)
	}
	re := regexp.MustCompile(pattern)
	if n := len(re.FindAll(text, -1)); n != 1 {
		c.t.Fatalf("%s has %d times %s:\n%s", file, n, pattern, text)
	}
	c.write(map[string]string{file: re.ReplaceAllString(string(text), with)})
}

// directory is what the groups of an OpenLDAP server hold, as "group: uid uid", and the accounts
// that are locked, as "locked: uid", by ldapsearch.
func directory(t *testing.T, s *servertest.SlapdServer) []string {
	t.Helper()
	uid := regexp.MustCompile(`(?i)^uid=([^,]+),ou=people,`)
	var out []string
	for _, e := range s.Search(t, "ou=groups,"+servertest.SlapdSuffix, "(objectClass=groupOfNames)", "cn", "member") {
		var who []string
		for _, m := range e.Attrs["member"] {
			if found := uid.FindStringSubmatch(m); found != nil {
				who = append(who, found[1])
			}
		}
		slices.Sort(who)
		out = append(out, e.Attrs["cn"][0]+": "+strings.Join(who, " "))
	}
	for _, e := range s.Search(t, "ou=people,"+servertest.SlapdSuffix, "(pwdAccountLockedTime=*)", "uid") {
		out = append(out, "locked: "+e.Attrs["uid"][0])
	}
	slices.Sort(out)
	return out
}

func wantLines(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Fatalf("%s: the server has\n%s\nnot\n%s", what, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// thirty fills an OpenLDAP server: u01 to u30, of whom the first ten are staff, every tenth is
// in ops, and u05 and u06 are leads.
func thirty(t *testing.T) *servertest.SlapdServer {
	t.Helper()
	s := servertest.Slapd(t)
	s.Reset(t)
	t.Cleanup(func() { s.Reset(t) })
	members := map[string][]string{"leads": {"u05", "u06"}}
	var ldif strings.Builder
	for i := 1; i <= 30; i++ {
		uid := fmt.Sprintf("u%02d", i)
		fmt.Fprintf(&ldif, "dn: uid=%s,ou=people,%s\nobjectClass: inetOrgPerson\nuid: %[1]s\ncn: Person %[1]s\nsn: %[1]s\nuserPassword: pw-%[1]s\n\n", uid, servertest.SlapdSuffix)
		if i <= 10 {
			members["staff"] = append(members["staff"], uid)
		}
		if i%10 == 0 {
			members["ops"] = append(members["ops"], uid)
		}
	}
	for _, g := range []string{"leads", "ops", "staff"} {
		fmt.Fprintf(&ldif, "dn: cn=%s,ou=groups,%s\nobjectClass: groupOfNames\ncn: %[1]s\nmember: cn=nobody,%[2]s\n", g, servertest.SlapdSuffix)
		for _, m := range members[g] {
			fmt.Fprintf(&ldif, "member: uid=%s,ou=people,%s\n", m, servertest.SlapdSuffix)
		}
		ldif.WriteString("\n")
	}
	s.LDIF(t, ldif.String())
	return s
}

// TestDirectoryMainJob takes over an OpenLDAP directory that has been in use, and runs it: a
// joiner, an entry that somebody renames on the server, a leaver, and one whose entry was renamed.
func TestDirectoryMainJob(t *testing.T) {
	s := thirty(t)
	t.Setenv("LDAP_PASSWORD", servertest.SlapdPassword)
	c := repository(t, map[string]string{
		"accord.yaml": "version: 1\n",
		"directory.yaml": fmt.Sprintf(`system: directory
connector: ldap
config:
  url: %s
  bind_dn: %s
  password: {env: LDAP_PASSWORD}
  base: %[3]s
  account_base: ou=people,%[3]s
  group_base: ou=groups,%[3]s
  password_policy: %[4]s
  placeholders: ["cn=nobody,%[3]s", "%[2]s"]
mode: authoritative
manage: ["group/*"]
`, s.URL, servertest.SlapdService, servertest.SlapdSuffix, servertest.SlapdPolicy),
	})
	c.accord(engine.ExitOK, "import", "directory")
	c.write(nil)
	c.planned("imported")
	c.accord(engine.ExitOK, "plan")
	c.accord(engine.ExitOK, "apply", "--yes")
	before := []string{"leads: u05 u06", "ops: u10 u20 u30", "staff: u01 u02 u03 u04 u05 u06 u07 u08 u09 u10"}
	wantLines(t, "taken over", directory(t, s), before...)

	c.write(map[string]string{"zoe.yaml": "person: zoe\nname: Zoe Zander\n---\ngrant: zoe\nto: [zoe]\naccess: {directory: [group/staff]}\n"})
	c.planned("zoe joins", "change: create directory zoe", "change: grant directory zoe group/staff member")
	c.accord(engine.ExitOK, "apply", "--yes")
	joined := []string{before[0], before[1], before[2] + " zoe"}
	wantLines(t, "zoe joined", directory(t, s), joined...)
	c.planned("after zoe joined")

	// Somebody renames an entry by hand. It is the same account: neither a stranger nor a loss.
	s.LDIF(t, "dn: uid=u06,ou=people,"+servertest.SlapdSuffix+"\nchangetype: modrdn\nnewrdn: uid=u06.old\ndeleteoldrdn: 1\n")
	c.planned("renamed by hand", "drift: rename directory u06.old>u06")
	c.accord(engine.ExitOK, "apply", "--yes")
	wantLines(t, "and back", directory(t, s), joined...)
	c.planned("after the rename")

	// A leaver can't log in any more and is in no group.
	login := func() error { return s.Bind("uid=u10,ou=people,"+servertest.SlapdSuffix, "pw-u10") }
	if err := login(); err != nil {
		t.Fatalf("before: %v", err)
	}
	c.edit("imported/directory.yaml", `\{person: u10\b`, "{person: u10, status: left")
	c.planned("u10 leaves", "change leaver: disable directory u10", "change leaver: revoke directory u10 group/ops member",
		"change leaver: revoke directory u10 group/staff member")
	c.accord(engine.ExitOK, "apply", "--yes")
	wantLines(t, "u10 left", directory(t, s), before[0], "locked: u10", "ops: u20 u30", "staff: u01 u02 u03 u04 u05 u06 u07 u08 u09 zoe")
	if login() == nil {
		t.Error("u10 left, and can log in")
	}
	c.planned("after u10 left")

	// Neither does another name help a leaver: the account is known by its identifier.
	s.LDIF(t, "dn: uid=u06,ou=people,"+servertest.SlapdSuffix+"\nchangetype: modrdn\nnewrdn: uid=stranger\ndeleteoldrdn: 1\n")
	c.edit("imported/directory.yaml", `\{person: u06\b`, "{person: u06, status: left")
	c.planned("u06 leaves", "change leaver: disable directory stranger", "change leaver: revoke directory stranger group/leads member",
		"change leaver: revoke directory stranger group/staff member")
	c.accord(engine.ExitOK, "apply", "--yes")
	wantLines(t, "u06 left", directory(t, s), "leads: u05", "locked: stranger", "locked: u10", "ops: u20 u30", "staff: u01 u02 u03 u04 u05 u07 u08 u09 zoe")
	c.planned("after u06 left")
	c.accord(engine.ExitOK, "journal", "verify")
}

// wiki is what a SCIM service holds, as "group: userName userName", "userName title", and
// "userName off", by the server's side door.
func wiki(t *testing.T, s *servertest.ScimServer, tenant string) []string {
	t.Helper()
	rows := s.Rows(t, tenant)
	names := map[any]string{}
	var out []string
	for _, u := range rows.Users {
		name, _ := u["userName"].(string)
		names[u["id"]] = name
		line := fmt.Sprintf("%s %v", name, u["title"])
		if u["active"] == false {
			line += " off"
		}
		out = append(out, line)
	}
	for _, g := range rows.Groups {
		var who []string
		members, _ := g["members"].([]any)
		for _, m := range members {
			row, _ := m.(map[string]any)
			who = append(who, names[row["value"]])
		}
		slices.Sort(who)
		out = append(out, fmt.Sprintf("%v: %s", g["displayName"], strings.Join(who, " ")))
	}
	slices.Sort(out)
	return out
}

// TestScimMainJob is a joiner, a mover and a leaver on a real SCIM service.
func TestScimMainJob(t *testing.T) {
	s := servertest.Scim(t)
	tenant, url := s.NewTenant()
	t.Setenv("WIKI_TOKEN", s.Token)
	c := repository(t, map[string]string{
		"accord.yaml": "version: 1\nattributes: {title: {values: [Engineer, Lead]}}\n",
		"people.yaml": "people:\n  - {person: alice, name: Alice, email: alice@acme.example, attributes: {title: Engineer}}\n" +
			"  - {person: bob, name: Bob, email: bob@acme.example, attributes: {title: Lead}}\n",
		"access.yaml": "grant: engineers\nto: [{match: {title: Engineer}}]\naccess: {wiki: [group/engineers]}\n---\n" +
			"grant: leads\nto: [{match: {title: Lead}}]\naccess: {wiki: [group/leads]}\n",
		"wiki.yaml": fmt.Sprintf(`system: wiki
connector: scim
config: {base_url: %q, token: {env: WIKI_TOKEN}}
mode: authoritative
manage: ["group/*"]
resources: {group/engineers: {}, group/leads: {}}
accounts: {name: "{email}", attributes: {title: "{attributes.title}"}}
`, url),
	})
	c.accord(engine.ExitOK, "apply", "--yes")
	alice, bob := "alice@acme.example", "bob@acme.example"
	wantLines(t, "the first apply", wiki(t, s, tenant), alice+" Engineer", bob+" Lead", "engineers: "+alice, "leads: "+bob)
	c.planned("after the first apply")

	carol := "carol@acme.example"
	c.write(map[string]string{"carol.yaml": "person: carol\nname: Carol\nemail: " + carol + "\nattributes: {title: Engineer}\n"})
	c.planned("carol joins", "change: create wiki "+carol, "change: grant wiki "+carol+" group/engineers member")
	c.accord(engine.ExitOK, "apply", "--yes")
	wantLines(t, "carol joined", wiki(t, s, tenant), alice+" Engineer", bob+" Lead", carol+" Engineer", "engineers: "+alice+" "+carol, "leads: "+bob)

	c.edit("people.yaml", "Engineer", "Lead")
	c.planned("alice moves", "change: grant wiki "+alice+" group/leads member", "change: revoke wiki "+alice+" group/engineers member",
		"change: update wiki "+alice+" title")
	c.accord(engine.ExitOK, "apply", "--yes")
	wantLines(t, "alice moved", wiki(t, s, tenant), alice+" Lead", bob+" Lead", carol+" Engineer", "engineers: "+carol, "leads: "+alice+" "+bob)
	c.planned("after alice moved")

	c.edit("people.yaml", "person: bob,", "person: bob, status: left,")
	c.planned("bob leaves", "change leaver: disable wiki "+bob, "change leaver: revoke wiki "+bob+" group/leads member")
	c.accord(engine.ExitOK, "apply", "--yes")
	wantLines(t, "bob left", wiki(t, s, tenant), alice+" Lead", bob+" Lead off", carol+" Engineer", "engineers: "+carol, "leads: "+alice)
	c.planned("after bob left")
	c.accord(engine.ExitOK, "journal", "verify")
}
