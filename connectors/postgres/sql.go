package postgres

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// ident quotes an identifier.
func ident(parts ...string) string { return pgx.Identifier(parts).Sanitize() }

// literal quotes a text for the statements that take no parameters (COMMENT). A backslash
// brings in the escape form, so that the result means the same whatever
// standard_conforming_strings is.
// https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-STRINGS
func literal(s string) string {
	quoted := "'" + strings.ReplaceAll(s, "'", "''") + "'"
	if !strings.Contains(s, `\`) {
		return quoted
	}
	return " E" + strings.ReplaceAll(quoted, `\`, `\\`)
}

// The object identifiers of the array types that parameters have, and of their elements.
// https://github.com/postgres/postgres/blob/master/src/include/catalog/pg_type.dat
const (
	oidName      = 19
	oidOID       = 26
	oidNameArray = 1003
	oidOIDArray  = 1028
)

// arg is one parameter of a query, in binary form.
type arg struct {
	value []byte
	oid   uint32
}

// namesArg passes names as name[].
func namesArg(names []string) arg {
	size := 20
	for _, n := range names {
		size += 4 + len(n)
	}
	b := arrayHead(make([]byte, 0, size), len(names), oidName)
	for _, n := range names {
		b = binary.BigEndian.AppendUint32(b, uint32(len(n)))
		b = append(b, n...)
	}
	return arg{b, oidNameArray}
}

// oidsArg passes object identifiers as oid[].
func oidsArg(oids []uint32) arg {
	b := arrayHead(make([]byte, 0, 20+8*len(oids)), len(oids), oidOID)
	for _, o := range oids {
		b = binary.BigEndian.AppendUint32(b, 4)
		b = binary.BigEndian.AppendUint32(b, o)
	}
	return arg{b, oidOIDArray}
}

// arrayHead begins a one-dimensional array without nulls.
func arrayHead(b []byte, n int, element uint32) []byte {
	if n == 0 {
		b = binary.BigEndian.AppendUint32(b, 0)
		b = binary.BigEndian.AppendUint32(b, 0)
		return binary.BigEndian.AppendUint32(b, element)
	}
	for _, v := range []uint32{1, 0, element, uint32(n), 1} {
		b = binary.BigEndian.AppendUint32(b, v)
	}
	return b
}

// row is one row of an answer in binary form. It is valid only until the next.
type row [][]byte

func (r row) oid(i int) uint32 {
	if len(r[i]) != 4 {
		return 0
	}
	return binary.BigEndian.Uint32(r[i])
}

func (r row) int4(i int) int    { return int(int32(r.oid(i))) }
func (r row) text(i int) string { return string(r[i]) }
func (r row) yes(i int) bool    { return len(r[i]) == 1 && r[i][0] == 1 }

// names reads a name[].
func (r row) names(i int) ([]string, error) {
	b := r[i]
	bad := fmt.Errorf("an array of names that isn't one, of %d bytes", len(b))
	if len(b) < 12 {
		return nil, bad
	}
	if binary.BigEndian.Uint32(b) == 0 {
		return nil, nil
	}
	if len(b) < 20 || binary.BigEndian.Uint32(b) != 1 {
		return nil, bad
	}
	n := int(binary.BigEndian.Uint32(b[12:]))
	b = b[20:]
	if n > len(b)/4 {
		return nil, bad
	}
	names := make([]string, 0, n)
	for range n {
		if len(b) < 4 {
			return nil, bad
		}
		size := int(int32(binary.BigEndian.Uint32(b)))
		b = b[4:]
		if size < 0 || size > len(b) {
			return nil, bad
		}
		names = append(names, string(b[:size]))
		b = b[size:]
	}
	return names, nil
}

// maskOf is SQL for the mask of all privileges in column "privilege_type" of a group.
func maskOf() string {
	var b strings.Builder
	b.WriteString("bit_or(case a.privilege_type")
	for i, name := range privNames() {
		fmt.Fprintf(&b, " when '%s' then %d", name, 1<<i)
	}
	b.WriteString(" else 32768 end)::int4")
	return b.String()
}

// tableKinds is SQL for the kinds of pg_class that GRANT ON TABLE takes, and sequences:
// tables, partitioned tables, views, materialized views, foreign tables.
const tableKinds = "c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')"

// userSchemas is SQL for the schemas that aren't PostgreSQL's own; see systemSchema.
const userSchemas = `n.nspname !~ '^pg_' and n.nspname <> 'information_schema'`
