package postgres

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
)

// sizes are logins; each is a member of five of the roles, of which there is one for twenty.
func sizes() []int { return []int{1000, 10000} }

func memberOf(i, k, logins int) string {
	roles := logins / 20
	return fmt.Sprintf("r%d", (i*7+k*13)%roles)
}

// rawCreate is the SQL that a person would write for it, and that is the yardstick.
func rawCreate(logins int) []string {
	var roles, grants strings.Builder
	for i := range logins / 20 {
		fmt.Fprintf(&roles, "create role r%d;\n", i)
	}
	members := map[string][]string{}
	for i := range logins {
		fmt.Fprintf(&roles, "create role u%d login;\n", i)
		for k := range 5 {
			r := memberOf(i, k, logins)
			members[r] = append(members[r], fmt.Sprintf("u%d", i))
		}
	}
	for _, r := range sortedKeys(members) {
		fmt.Fprintf(&grants, "grant %s to %s;\n", r, strings.Join(members[r], ", "))
	}
	return []string{"begin", roles.String(), grants.String(), "commit"}
}

func changesFor(logins int) []access.Change {
	var list []access.Change
	for i := range logins {
		list = append(list, create(fmt.Sprintf("account/u%d", i)))
	}
	for i := range logins / 20 {
		list = append(list, create(fmt.Sprintf("role/r%d", i)))
	}
	for i := range logins {
		for k := range 5 {
			list = append(list, give(fmt.Sprintf("account/u%d", i), "role/"+memberOf(i, k, logins), "member"))
		}
	}
	return list
}

func execAll(b *testing.B, pg *pgconn.PgConn, all []string) {
	b.Helper()
	for _, sql := range all {
		if _, err := pg.Exec(b.Context(), sql).ReadAll(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRead compares Read with the bare queries that it can't do without.
func BenchmarkRead(b *testing.B) {
	for _, n := range sizes() {
		f := newFar(b)
		pg := f.mustLogin("accord", canary, "app")
		execAll(b, pg, rawCreate(n))
		c := f.open()
		b.Run(fmt.Sprintf("accord/%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				st, err := c.Read(b.Context(), connectors.Scope{})
				if err != nil {
					b.Fatal(err)
				}
				if _, grants := st.Size(); grants < 5*n {
					b.Fatalf("%d grants", grants)
				}
			}
		})
		b.Run(fmt.Sprintf("sql/%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				for _, sql := range []string{"select oid, rolname, rolcanlogin, rolvaliduntil, rolconnlimit, shobj_description(oid, 'pg_authid') from pg_roles", "select member, roleid, admin_option from pg_auth_members"} {
					rows := pg.ExecParams(b.Context(), sql, nil, nil, nil, []int16{1})
					for rows.NextRow() {
						_ = rows.Values()
					}
					if _, err := rows.Close(); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
		b.Run(fmt.Sprintf("one-account/%d", n), func(b *testing.B) {
			for b.Loop() {
				if _, err := c.Read(b.Context(), connectors.Scope{IDs: []access.ID{access.Account("u7")}}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkApply brings everything about from nothing, in one batch and by hand.
func BenchmarkApply(b *testing.B) {
	for _, n := range sizes() {
		changes, raw := changesFor(n), rawCreate(n)
		b.Run(fmt.Sprintf("accord/%d", n), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				c := newFar(b).open()
				b.StartTimer()
				if err := c.ApplyBatch(b.Context(), changes); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("sql/%d", n), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				f := newFar(b)
				pg := f.mustLogin("accord", canary, "app")
				b.StartTimer()
				execAll(b, pg, raw)
			}
		})
		b.Run(fmt.Sprintf("one-membership/%d", n), func(b *testing.B) {
			f := newFar(b)
			execAll(b, f.mustLogin("accord", canary, "app"), raw)
			c := f.open()
			for i := 0; b.Loop(); i++ {
				ch := give("account/u3", "role/r1", "admin")
				if i%2 == 1 {
					ch = revoke("account/u3", "role/r1", "admin")
				}
				if err := c.Apply(b.Context(), ch); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
