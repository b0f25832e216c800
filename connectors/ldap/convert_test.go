package ldap

import (
	"maps"
	"strings"
	"testing"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/accordhq/accord/engine/access"
)

// FuzzConvert takes entries as a server might send them. What becomes of them can be declared,
// is the same when it is normalized, and the order of values makes no difference.
func FuzzConvert(f *testing.F) {
	f.Add("uid=alice,ou=people,dc=x", "alice", "cn", "Alice Liddell", "Liddell", "a@x\nb@x")
	f.Add("cn=Two  Names+uid=b,dc=x", "B", "telephoneNumber", "+49 30", "", "\xff\xfe")
	f.Add("uid=a", " A ", "displayName", "two\nlines", "a\x00b", " ")
	f.Add("uid=é,dc=x", "e\u0301", "description", "b", "a", "\r\n")
	f.Add("", "", "mail", "", "", "")
	cfg := (&far{t: f, suffix: suffix, proxy: &proxy{addr: "127.0.0.1:389"}, log: &logged{}}).config()
	opened, err := Type().Open(cfg)
	if err != nil {
		f.Fatal(err)
	}
	c := opened.(*connector)
	f.Fuzz(func(t *testing.T, dn, uid, attr, a, b, more string) {
		one := entryOf(c, dn, uid, attr, []string{a, b, more})
		other := entryOf(c, dn, uid, attr, []string{more, b, a})
		if (one == nil) != (other == nil) {
			t.Fatalf("%q is an account in one order of values only", dn)
		}
		if one == nil {
			return
		}
		s := &session{c: c}
		o, again := c.object(s, one, false), c.object(s, other, false)
		if d, _ := standard().attr(access.KindAccount, attr); !d.single && !maps.Equal(o.Attributes, again.Attributes) {
			t.Errorf("%v in another order becomes %v", o.Attributes, again.Attributes)
		}
		if _, err := c.normalID(o.ID); err != nil {
			return // such a name is reported as unknown
		}
		n, err := c.Normalize(o)
		if err != nil && !strings.Contains(err.Error(), "no number") {
			t.Errorf("%+v was read, and is refused: %v", o, err)
		}
		if err == nil && (n.ID != o.ID || !maps.Equal(n.Attributes, o.Attributes)) {
			t.Errorf("%+v was read, and becomes %+v", o, n)
		}
	})
}

func entryOf(c *connector, dn, uid, attr string, values []string) *entry {
	e, err := c.account(goldap.NewEntry(dn, map[string][]string{"uid": {uid}, attr: values, attrClass: {"inetOrgPerson"}}))
	if err != nil {
		return nil
	}
	return e
}
