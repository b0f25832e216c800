package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/accordhq/accord/connectors/servertest"
	"github.com/accordhq/accord/engine"
)

// company is an access repository in a folder, and the PostgreSQL that it is about.
type company struct {
	t   *testing.T
	dir string
	pg  *servertest.PostgresServer
}

func newCompany(t *testing.T, files map[string]string) *company {
	pg := servertest.Postgres(t)
	pg.Reset(t)
	t.Cleanup(func() { pg.Reset(t) })
	c := &company{t: t, dir: t.TempDir(), pg: pg}
	t.Setenv("WAREHOUSE_DSN", pg.DSNFor("pgadmin", "adminpw", "postgres"))
	c.git("init", "-q")
	c.write(files)
	return c
}

func (c *company) git(args ...string) {
	c.t.Helper()
	cmd := exec.Command("git", append([]string{"-c", "user.name=Bob", "-c", "user.email=bob@example.com"}, args...)...)
	cmd.Dir = c.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		c.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
}

// write commits files; an empty text deletes one.
func (c *company) write(files map[string]string) {
	c.t.Helper()
	for name, text := range files {
		path := filepath.Join(c.dir, name)
		if text == "" {
			if err := os.Remove(path); err != nil {
				c.t.Fatal(err)
			}
			continue
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			c.t.Fatal(err)
		}
	}
	c.git("add", "-A")
	c.git("commit", "-q", "--allow-empty", "-m", "access")
}

// accord runs the program and holds it to an exit code.
func (c *company) accord(want int, args ...string) string {
	c.t.Helper()
	var out, errs bytes.Buffer
	a := &app{in: strings.NewReader(""), out: &out, err: &errs, now: clock()}
	if code := a.main(context.Background(), append([]string{"-C", c.dir}, args...)); code != want {
		c.t.Fatalf("accord %v: exit %d, not %d\n%s\n%s", args, code, want, out.String(), errs.String())
	}
	return out.String()
}

// roles are the memberships as PostgreSQL tells them, "member role[*]", the star for the admin
// option; accounts that may log in stand alone.
func (c *company) roles() []string {
	c.t.Helper()
	var out []string
	for _, row := range c.pg.SQL(c.t, `
		select m.rolname || ' ' || r.rolname || case when a.admin_option then '*' else '' end
		from pg_auth_members a join pg_roles m on m.oid = a.member join pg_roles r on r.oid = a.roleid
		where m.oid >= 16384
		union all select rolname from pg_roles where rolcanlogin and oid >= 16384`) {
		out = append(out, row[0])
	}
	slices.Sort(out)
	return out
}

func (c *company) expect(what string, want ...string) {
	c.t.Helper()
	if got := c.roles(); !slices.Equal(got, want) {
		c.t.Fatalf("%s: PostgreSQL has\n%s\nnot\n%s", what, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

const warehouse = `system: warehouse
connector: postgres
config: {dsn: {env: WAREHOUSE_DSN}}
mode: authoritative
manage: ["role/*"]
resources:
  role/reader: {description: Read everything, access: [{schema/public: read}]}
  role/writer: {description: Write everything, member_of: [role/reader]}
accounts: {attributes: {comment: "{name}"}, delete_after: 30d}
`

func founded(t *testing.T) *company {
	return newCompany(t, map[string]string{
		".gitignore":  ".accord/\n",
		"accord.yaml": "version: 1\nattributes: {title: {}}\n",
		"people.yaml": `people:
  - {person: alice, name: Alice Liddell, attributes: {title: Engineer}}
  - {person: bob, name: Bob Dodgson, attributes: {title: Lead}}
`,
		"carol.yaml":     "person: carol\nname: Carol Dyer\nattributes: {title: Engineer}\n",
		"access.yaml":    "group: engineers\nmembers: [{match: {title: Engineer}}]\n---\ngrant: reading\nto: [{group: engineers}]\naccess: {warehouse: [role/reader]}\n---\ngrant: leading\nto: [{match: {title: Lead}}]\naccess: {warehouse: [{role/writer: admin}]}\n",
		"warehouse.yaml": warehouse,
	})
}

// TestMainJob is the main job on a real PostgreSQL: a joiner, a mover, a leaver, drift, and a
// window, each seen by other means than the connector.
func TestMainJob(t *testing.T) {
	c := founded(t)
	t.Setenv("ACCORD_NOW", "2026-11-23T10:00:00Z")
	c.accord(engine.ExitChanges, "plan")
	c.accord(engine.ExitOK, "apply", "--yes")
	everyone := []string{"alice", "alice reader", "bob", "bob writer*", "carol", "carol reader", "writer reader"}
	c.expect("after the first apply", everyone...)
	c.accord(engine.ExitOK, "plan")

	// Drift: somebody gives carol more, by hand; accounts that nobody declares stay.
	c.pg.SQL(t, `grant writer to carol; create role intruder login; grant reader to intruder`)
	c.accord(engine.ExitChanges, "drift")
	c.accord(engine.ExitOK, "apply", "--yes")
	c.expect("drift is reverted", append(slices.Clone(everyone[:6]), "intruder", "writer reader")...)
	c.pg.SQL(t, `drop role intruder`)

	// A mover: gains and losses in one plan.
	c.write(map[string]string{"people.yaml": `people:
  - {person: alice, name: Alice Liddell, attributes: {title: Lead}}
  - {person: bob, name: Bob Dodgson, attributes: {title: Lead}}
`})
	c.accord(engine.ExitOK, "apply", "--yes")
	c.expect("alice moved", "alice", "alice writer*", "bob", "bob writer*", "carol", "carol reader", "writer reader")

	// A leaver, by a document that is gone.
	c.write(map[string]string{"carol.yaml": ""})
	c.accord(engine.ExitOK, "apply", "--yes")
	c.expect("carol left", "alice", "alice writer*", "bob", "bob writer*", "writer reader")
	c.accord(engine.ExitOK, "plan")

	// The account is deleted when its time is over, and not before.
	t.Setenv("ACCORD_NOW", "2026-12-20T10:00:00Z")
	c.accord(engine.ExitOK, "plan")
	t.Setenv("ACCORD_NOW", "2026-12-24T10:00:00Z")
	c.accord(engine.ExitOK, "apply", "--yes")
	if rows := c.pg.SQL(t, `select 1 from pg_roles where rolname = 'carol'`); len(rows) != 0 {
		t.Error("carol's account is still there 31 days after she left")
	}
	c.accord(engine.ExitOK, "journal", "verify")
}

// TestOneBadGrant: a grant that PostgreSQL refuses holds back only itself.
func TestOneBadGrant(t *testing.T) {
	c := founded(t)
	c.pg.SQL(t, `create role accord login createrole password 'accordpw'; create role odd; create role alice login;
		comment on role alice is 'Alice Liddell'; grant create on database postgres to accord`)
	if c.pg.Major >= 16 {
		c.pg.SQL(t, `grant alice to accord with admin option`)
	}
	t.Setenv("WAREHOUSE_DSN", c.pg.DSNFor("accord", "accordpw", "postgres"))
	c.write(map[string]string{"warehouse.yaml": strings.Replace(warehouse, ", access: [{schema/public: read}]", "", 1), "bad.yaml": "grant: bad\nto: [alice]\naccess: {warehouse: [attribute/superuser]}\n"})
	out := c.accord(engine.ExitPartly, "apply", "--yes")
	if !strings.Contains(out, "superuser") {
		t.Errorf("the report doesn't name what failed:\n%s", out)
	}
	c.expect("all but the bad one", "accord", "alice", "alice reader", "bob", "bob writer*", "carol", "carol reader", "writer reader")
	if rows := c.pg.SQL(t, `select 1 from pg_roles where rolname = 'alice' and rolsuper`); len(rows) != 0 {
		t.Error("alice is superuser")
	}
}

// TestReviewedPlan: what was reviewed is what runs; a system that moved is left alone, and the
// leaver in it proceeds.
func TestReviewedPlan(t *testing.T) {
	c := founded(t)
	c.accord(engine.ExitOK, "apply", "--yes")
	c.write(map[string]string{"carol.yaml": "person: carol\nname: Carol Dyer\nstatus: left\nattributes: {title: Engineer}\n",
		"more.yaml": "grant: more\nto: [alice]\naccess: {warehouse: [role/writer]}\n"})
	plan := filepath.Join(t.TempDir(), "plan.json")
	c.accord(engine.ExitChanges, "plan", "--out", plan)
	c.pg.SQL(t, `grant writer to carol; revoke reader from alice`)
	out := c.accord(engine.ExitPartly, "apply", plan)
	if !strings.Contains(out, "alice") {
		t.Errorf("the difference isn't shown:\n%s", out)
	}
	c.expect("carol is gone, alice is as she was found", "alice", "bob", "bob writer*", "writer reader")
	c.accord(engine.ExitOK, "apply", "--yes")
	c.expect("a new plan", "alice", "alice reader", "alice writer", "bob", "bob writer*", "writer reader")
}
