package postgres

import (
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
)

// TestOtherVersions meets a server that greets as one that isn't supported.
func TestOtherVersions(t *testing.T) {
	for _, version := range []string{"14.22", "19beta1", "9.6.24", "nonsense"} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			conn, err := l.Accept()
			if err != nil {
				return
			}
			defer conn.Close()
			b := pgproto3.NewBackend(conn, conn)
			if _, err := b.ReceiveStartupMessage(); err != nil {
				return
			}
			b.Send(&pgproto3.AuthenticationOk{})
			b.Send(&pgproto3.ParameterStatus{Name: "server_version", Value: version})
			b.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
			_ = b.Flush()
			_, _ = b.Receive()
		}()
		c := unconnected(t)
		cfg := connectors.Config{}
		dsn(fmt.Sprintf("postgres://u@%s/app?sslmode=disable", l.Addr()))(&cfg)
		c.secret = cfg.Secret
		_, err = c.Read(t.Context(), connectors.Scope{})
		if err == nil || !strings.Contains(err.Error(), version) || !strings.Contains(err.Error(), "15 to 18") {
			t.Errorf("%s: %v", version, err)
		}
		l.Close()
		<-done
	}
}

// TestKeptConnection: one connection is kept, and replaced when it turns out to be dead.
func TestKeptConnection(t *testing.T) {
	f := newFar(t)
	c := f.open()
	apply(t, c, create("role/grp"))
	read(t, c)
	if got := strings.Count(f.log.String(), "msg=connected"); got != 1 {
		t.Errorf("%d connections were made", got)
	}
	f.sql("select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = 'accord'")
	read(t, c)
	f.sql("select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = 'accord'")
	apply(t, c, remove("role/grp", false))
}

// TestRoleOption: the DSN may make Accord act as another role; both are then its own.
func TestRoleOption(t *testing.T) {
	f := newFar(t)
	f.sql("create role acting superuser")
	c := f.open(dsn(f.pg.DSNFor("accord", canary, "app") + "&options=-c%20role%3Dacting"))
	st := read(t, c)
	if o, _ := st.Object(role("acting")); !o.Reserved || st.Self() != access.Account("accord") {
		t.Errorf("%+v, self %s", o, st.Self())
	}
	apply(t, c, create("role/grp"))
}

// TestHostileSearchPath: objects in front of the catalog's don't deceive Accord.
func TestHostileSearchPath(t *testing.T) {
	f := newFar(t)
	f.sql(`create schema evil; create view evil.pg_roles as select * from pg_catalog.pg_roles where false; create view evil.pg_auth_members as select * from pg_catalog.pg_auth_members where false;
		alter role accord set search_path = evil, pg_catalog; alter role accord set standard_conforming_strings = off; alter role accord set default_transaction_isolation = 'serializable';
		create role alice login; create role grp; grant grp to alice`)
	c := f.open()
	wantGrants(t, read(t, c), access.Account("alice"), "member role/grp")
	apply(t, c, update("account/alice", "comment", "", `\' is null; drop role grp; --`))
	wantGrants(t, read(t, c), access.Account("alice"), "member role/grp")
}
