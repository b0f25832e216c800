package postgres

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
)

// unconnected opens a connector that has no access to anything.
func unconnected(t testing.TB) *connector {
	t.Helper()
	c, err := open(connectors.Config{System: "warehouse", Settings: connectors.Settings{"dsn": {Secret: connectors.SecretRef{Env: "DSN"}}}})
	if err != nil {
		t.Fatal(err)
	}
	return c.(*connector)
}

func TestNormalize(t *testing.T) {
	c := unconnected(t)
	long := strings.Repeat("é", 31) + "x" // 63 bytes
	for _, o := range []struct {
		in, want string // "" for an error
		attrs    []string
		wantAttr []string
	}{
		{in: "account/Bob", want: "account/Bob"}, {in: "account/ bob ", want: "account/ bob "}, {in: "account/" + long, want: "account/" + long},
		{in: "account/" + long + "x"}, {in: "account/pg_x"}, {in: "account/public"}, {in: "account/none"}, {in: "account/a\x00b"}, {in: "account/a\xffb"},
		{in: "account/Public", want: "account/Public"},
		{in: "account/b", attrs: []string{"comment", "", "connection_limit", "-1"}, want: "account/b"},
		{in: "account/b", attrs: []string{"comment", " x ", "connection_limit", "007"}, want: "account/b", wantAttr: []string{"comment", " x ", "connection_limit", "7"}},
		{in: "account/b", attrs: []string{"connection_limit", "-2"}}, {in: "account/b", attrs: []string{"connection_limit", "2147483648"}}, {in: "account/b", attrs: []string{"connection_limit", "x"}},
		{in: "account/b", attrs: []string{"description", "x"}}, {in: "account/b", attrs: []string{"comment", "a\x00"}}, {in: "account/b", attrs: []string{"comment", "\xff"}},
		{in: "role/pg_read_all_data", want: "role/pg_read_all_data"}, {in: "role/public"}, {in: "role/r", attrs: []string{"description", "x"}, want: "role/r", wantAttr: []string{"description", "x"}},
		{in: "role/r", attrs: []string{"connection_limit", "1"}},
		{in: "attribute/SUPERUSER", want: "attribute/superuser"}, {in: "attribute/inherit"},
		{in: "database/public", want: "database/public"}, {in: "database/pg_x", want: "database/pg_x"}, {in: "database/x", attrs: []string{"owner", "x"}},
		{in: "schema/public", want: "schema/public"}, {in: "schema/pg_catalog"}, {in: "tables/information_schema"}, {in: "tables/s", want: "tables/s"},
		{in: "function/f"},
	} {
		given := access.Object{ID: id(o.in), Attributes: pairs(o.attrs), Native: "1"}
		before := maps.Clone(given.Attributes)
		got, err := c.Normalize(given)
		if (err == nil) != (o.want != "") {
			t.Errorf("%s %v: %v, %v", o.in, o.attrs, got, err)
			continue
		}
		if !maps.Equal(before, given.Attributes) {
			t.Errorf("%s: what was given is now %v", o.in, given.Attributes)
		}
		if err != nil {
			if !strings.Contains(err.Error(), "warehouse/"+given.ID.Kind+"/") {
				t.Errorf("the error doesn't name the ref: %v", err)
			}
			continue
		}
		if got.ID.String() != o.want || got.Native != "1" || !maps.Equal(got.Attributes, pairs(o.wantAttr)) {
			t.Errorf("%s %v: %+v", o.in, o.attrs, got)
		}
		if again, err := c.Normalize(got); err != nil || again.ID != got.ID || !maps.Equal(again.Attributes, got.Attributes) {
			t.Errorf("%s again: %+v, %v", o.in, again, err)
		}
	}
	for _, o := range []access.Object{{}, {ID: access.ID{Kind: access.KindAccount}}, {ID: role("r"), Disabled: true}, {ID: schema("s"), Disabled: true}} {
		if got, err := c.Normalize(o); err == nil {
			t.Errorf("%+v was taken, as %+v", o, got)
		}
	}
}

func FuzzNormalize(f *testing.F) {
	f.Add("account", "bob", "comment", "x")
	f.Add("account", "b", "connection_limit", "+05")
	f.Add("role", "pg_x", "description", "\x00")
	f.Add("attribute", "SuperUser", "", "")
	f.Add("tables", "pg_temp_1", "", "")
	c := unconnected(f)
	f.Fuzz(func(t *testing.T, kind, name, key, value string) {
		o := access.Object{ID: access.ID{Kind: kind, Name: name}}
		if key != "" {
			o.Attributes = map[string]string{key: value}
		}
		once, err := c.Normalize(o)
		if err != nil {
			return
		}
		twice, err := c.Normalize(once)
		if err != nil || twice.ID != once.ID || !maps.Equal(twice.Attributes, once.Attributes) {
			t.Errorf("%+v becomes %+v, then %+v, %v", o, once, twice, err)
		}
		if len(once.ID.Name) > maxName || once.ID.Name == "" || strings.ContainsRune(once.ID.Name, 0) {
			t.Errorf("%q was taken", once.ID.Name)
		}
	})
}

// TestQuoting takes texts through the server as literals and as identifiers, whichever way it
// reads backslashes.
func TestQuoting(t *testing.T) {
	f := newFar(t)
	pg := f.mustLogin("accord", canary, "app")
	for _, s := range []string{"", "x", "it's", `a\b`, `\`, `\'`, `'`, `''`, `\\''`, `"`, `a"b`, "é\n\t", `E'x'`, "; drop table x; --", "$$x$$", `%s {} $1`, `\x41\u0041\101`} {
		for _, conforming := range []string{"on", "off"} {
			results, err := pg.Exec(t.Context(), "set standard_conforming_strings = "+conforming+"; set backslash_quote = off; set escape_string_warning = off; select "+literal(s)+", 1 as "+ident("c"+s)).ReadAll()
			if err != nil {
				t.Errorf("%q: %v", s, err)
				continue
			}
			last := results[len(results)-1]
			if got := string(last.Rows[0][0]); got != s {
				t.Errorf("%q became %q", s, got)
			}
			if got := last.FieldDescriptions[1].Name; got != "c"+s {
				t.Errorf("%q became the name %q", s, got)
			}
		}
	}
}

// FuzzLiteral reads a literal back as PostgreSQL's lexer would, with either setting of
// standard_conforming_strings.
func FuzzLiteral(f *testing.F) {
	for _, s := range []string{"", "it's", `\`, `\'; drop role x; --`, `''\\`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		q := strings.TrimSpace(literal(s))
		body, escapes := strings.CutPrefix(q, "E")
		if !strings.HasPrefix(body, "'") || !strings.HasSuffix(body, "'") || len(body) < 2 {
			t.Fatalf("%q became %q", s, q)
		}
		var out strings.Builder
		for body = body[1 : len(body)-1]; body != ""; {
			switch {
			case strings.HasPrefix(body, "''"):
				out.WriteByte('\'')
				body = body[2:]
			case escapes && strings.HasPrefix(body, `\\`):
				out.WriteByte('\\')
				body = body[2:]
			case body[0] == '\'' || body[0] == '\\':
				t.Fatalf("%q became %q, which ends early or escapes", s, q)
			default:
				out.WriteByte(body[0])
				body = body[1:]
			}
		}
		if out.String() != s {
			t.Fatalf("%q is read back as %q", s, out.String())
		}
	})
}

// FuzzRow decodes what a server may send: never a panic, and what namesArg wrote is read back.
func FuzzRow(f *testing.F) {
	f.Add(namesArg([]string{"a", "", "ä"}).value)
	f.Add(namesArg(nil).value)
	f.Fuzz(func(t *testing.T, b []byte) {
		r := row{b}
		_, _, _, _ = r.oid(0), r.int4(0), r.yes(0), r.text(0)
		names, err := r.names(0)
		if err != nil {
			return
		}
		again, err := row{namesArg(names).value}.names(0)
		if err != nil || !slices.Equal(names, again) {
			t.Errorf("%q is read back as %q, %v", names, again, err)
		}
	})
}
