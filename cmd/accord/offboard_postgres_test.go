package main

import (
	"context"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/accordhq/accord/engine"
)

// TestOffboardPostgres takes everything away from somebody on a real PostgreSQL, what was given by
// hand and an open session included, and looks by SQL. Then nothing that is still declared gives
// it back.
func TestOffboardPostgres(t *testing.T) {
	c := founded(t)
	t.Setenv("ACCORD_NOW", "2026-11-23T10:00:00Z")
	t.Setenv("ACCORD_ACTOR", "robin")
	c.accord(engine.ExitOK, "apply", "--yes")
	c.pg.SQL(t, `alter role carol password 'rabbit'; create role batch; grant batch to carol; grant select on pg_authid to carol`)
	t.Cleanup(func() { c.pg.SQL(t, `revoke all on pg_authid from carol`) })
	ended := make(chan error, 1)
	go func() { ended <- c.pg.TrySQL("carol", "rabbit", "postgres", "select pg_sleep(300)") }()
	for len(c.pg.SQL(t, `select 1 from pg_stat_activity where usename = 'carol' and state = 'active'`)) == 0 {
		select {
		case err := <-ended:
			t.Fatal("the session didn't begin: ", err)
		default:
		}
	}

	out := c.accord(engine.ExitOK, "offboard", "carol", "--yes", "--reason", "gone over night")
	for _, want := range []string{"removed", "account carol, 3 taken away", "warehouse  session: sessions are ended", "Branch accord/offboard-carol", "carol.yaml"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q isn't in\n%s", want, out)
		}
	}
	if err := <-ended; err == nil {
		t.Error("carol's session came to its end by itself")
	}
	if err := c.pg.TrySQL("carol", "rabbit", "postgres", "select 1"); err == nil {
		t.Error("carol can still connect")
	}
	others := []string{"alice", "alice reader", "bob", "bob writer*", "writer reader"}
	c.expect("carol is offboarded", others...)

	// Still declared, and given nothing; whatever comes back by hand is taken away again.
	c.pg.SQL(t, `grant writer to carol; alter role carol login`)
	if out := c.accord(engine.ExitChanges, "plan"); !strings.Contains(out, "carol was offboarded 2026-11-23 by robin (gone over night)") {
		t.Error("the plan doesn't tell why:\n", out)
	}
	c.accord(engine.ExitOK, "apply", "--yes")
	c.expect("carol stays offboarded", others...)
	c.git("merge", "-q", "accord/offboard-carol")
	c.accord(engine.ExitOK, "apply", "--yes")
	c.accord(engine.ExitOK, "plan")
	c.expect("git and life agree", others...)
}

// TestProposePostgres adopts what was given and taken by hand on a real PostgreSQL: with the patch
// there is no drift any more, and PostgreSQL is as it was.
func TestProposePostgres(t *testing.T) {
	c := founded(t)
	t.Setenv("ACCORD_NOW", "2026-11-23T10:00:00Z")
	c.write(map[string]string{"also.yaml": "grant: two\nto: [carol, bob] # both\naccess: {warehouse: [role/reader]}\n"})
	c.accord(engine.ExitOK, "apply", "--yes")
	c.pg.SQL(t, `grant writer to carol; revoke reader from bob; comment on role alice is 'Alice L.'`)
	drifted := c.roles()
	patch := c.accord(engine.ExitChanges, "drift", "--propose", "--system", "warehouse")
	apply := exec.CommandContext(context.Background(), "git", "apply", "--index")
	apply.Dir, apply.Stdin = c.dir, strings.NewReader(patch)
	if out, err := apply.CombinedOutput(); err != nil {
		t.Fatalf("git apply: %v\n%s\n%s", err, out, patch)
	}
	for _, want := range []string{"-to: [carol, bob] # both\n+to: [carol] # both", "+to: [carol]\n", "name: \"Alice L.\"", "role/writer"} {
		if !strings.Contains(patch, want) {
			t.Errorf("%q isn't in\n%s", want, patch)
		}
	}
	c.write(nil)
	c.accord(engine.ExitOK, "drift")
	c.accord(engine.ExitOK, "apply", "--yes")
	if now := c.roles(); !slices.Equal(now, drifted) {
		t.Errorf("PostgreSQL had %v and has %v", drifted, now)
	}
	if left := c.accord(engine.ExitOK, "drift", "--propose", "--system", "warehouse"); left != "" {
		t.Errorf("something is left to propose:\n%s", left)
	}
}
