package ldap

import (
	"strings"
	"testing"

	goldap "github.com/go-ldap/ldap/v3"
)

func TestFold(t *testing.T) {
	for in, want := range map[string]string{
		"alice": "alice", "Alice": "alice", " alice ": "alice", "two  spaces": "two spaces", "ZOË": "zoë",
		"e\u0301": "\u00e9", "a\u00a0b": "a b", "ﬁn": "fin", "ß": "ß", "": "", "  ": "",
	} {
		if got := fold(in); got != want {
			t.Errorf("fold(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestCanonicalDN(t *testing.T) {
	for in, want := range map[string]string{
		"uid=alice,ou=people,dc=example":       "uid=alice,ou=people,dc=example",
		"UID=Alice , OU=People,  dc = Example": "uid=alice,ou=people,dc=example",
		"userid=alice,2.5.4.11=people":         "uid=alice,ou=people",
		"OID.2.5.4.3=A,commonName=b":           "cn=a,cn=b",
		`cn=Liddell\, Alice,ou=x`:              `cn=liddell\, alice,ou=x`,
		`cn=Liddell\2C Alice,ou=x`:             `cn=liddell\, alice,ou=x`,
		"uid=a+cn=b,dc=c":                      "cn=b+uid=a,dc=c",
		"cn=b + uid=a,dc=c":                    "cn=b+uid=a,dc=c",
		`cn=\c3\a9`:                            "cn=é",
		"cn=two  spaces":                       "cn=two spaces",
		"cn=A,dc=b#'0101'B":                    "cn=a,dc=b#'0101'B",
		"memberuid=Alice":                      "memberuid=Alice",
		"":                                     "",
	} {
		got, err := canonicalDN(in)
		if err != nil || got != want {
			t.Errorf("canonicalDN(%q) = %q, %v; want %q", in, got, err, want)
		}
	}
	for _, in := range []string{"alice", "cn=a,b", "=x", ",", "cn=a,,dc=b"} {
		if got, err := canonicalDN(in); err == nil {
			t.Errorf("canonicalDN(%q) = %q, want an error", in, got)
		}
	}
}

func TestBelow(t *testing.T) {
	for _, c := range []struct {
		key, base string
		want      bool
	}{
		{"uid=a,dc=x", "dc=x", true}, {"dc=x", "dc=x", true}, {"uid=a,dc=x", "", true},
		{"uid=a,dc=xx", "dc=x", false}, {"dc=x", "uid=a,dc=x", false}, {`cn=a\,dc=x`, "dc=x", false}, {`cn=a\\,dc=x`, "dc=x", true},
	} {
		if got := below(c.key, c.base); got != c.want {
			t.Errorf("below(%q, %q) = %v", c.key, c.base, got)
		}
	}
}

func TestSplitDN(t *testing.T) {
	for in, want := range map[string][2]string{
		"uid=a,ou=b,dc=c": {"uid=a", "ou=b,dc=c"}, `cn=a\,b, ou=c`: {`cn=a\,b`, "ou=c"}, "dc=c": {"dc=c", ""}, `cn=a\\,dc=c`: {`cn=a\\`, "dc=c"},
	} {
		if a, b := splitDN(in); a != want[0] || b != want[1] {
			t.Errorf("splitDN(%q) = %q, %q", in, a, b)
		}
	}
}

// nasty are texts that mean something in DNs, filters or both.
func nasty() []string {
	return []string{"a", "", " ", "#a", " a ", "a,b=c", `a\`, `\2c`, "a+b", `"a"`, "<a>;", "*", "(a)", "(|(uid=*))", "a\x00b", "é", "日本", "a=b", "a\nb", ")(uid=*", `a\,`, "#"}
}

func TestQuoting(t *testing.T) {
	for _, s := range nasty() {
		checkQuoting(t, s)
	}
}

// checkQuoting sees to it that a value survives in a DN and in a filter, and stays one value.
func checkQuoting(t *testing.T, s string) {
	t.Helper()
	parsed, err := goldap.ParseDN(child(rdn("cn", s), "dc=x"))
	if err != nil {
		t.Fatalf("%q makes no DN: %v", s, err)
	}
	if len(parsed.RDNs) != 2 || len(parsed.RDNs[0].Attributes) != 1 || parsed.RDNs[0].Attributes[0].Value != s {
		t.Fatalf("%q becomes %q, which is %+v", s, rdn("cn", s), parsed)
	}
	if relative, parent := splitDN(child(rdn("cn", s), "dc=x")); relative != rdn("cn", s) || parent != "dc=x" {
		t.Fatalf("%q splits into %q and %q", s, relative, parent)
	}
	filter, err := goldap.CompileFilter(eq("cn", s))
	if err != nil {
		t.Fatalf("%q makes no filter: %v", s, err)
	}
	if filter.Tag != goldap.FilterEqualityMatch || len(filter.Children) != 2 || filter.Children[1].Data.String() != s {
		t.Fatalf("%q becomes the filter %s", s, eq("cn", s))
	}
}

func FuzzQuoting(f *testing.F) {
	for _, s := range nasty() {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if s == "" || strings.ToValidUTF8(s, "") != s {
			t.Skip()
		}
		checkQuoting(t, s)
	})
}

// FuzzNames: folding and writing DNs in one form are idempotent, whatever they are given, and
// what is taken for written so is.
func FuzzNames(f *testing.F) {
	for _, s := range append(nasty(), "UID=A, ou=B", "cn=a+uid=b,dc=c", `cn=\c3\a9`, "ϴ", "İ", "cn=#04024869",
		"uid=a-b_c.d@e,ou=people,dc=x", "userid=a,dc=x", "oid.2.5.4.3=a", "cn=a,", ",cn=a", "cn=", "=a", "cn=a=b", "dc=x", "cn=a, dc=x", "memberuid=a") {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if isCanonical(s) {
			if one, err := parseDN(s); err != nil || one != s {
				t.Errorf("%q passes for canonical, and is %q, %v", s, one, err)
			}
		}
		if once := fold(s); fold(once) != once {
			t.Errorf("%q folds to %q and that to %q", s, once, fold(once))
		}
		if checkName(s) == nil {
			if err := checkName(fold(s)); err != nil {
				t.Errorf("%q is a name, but %q isn't: %v", s, fold(s), err)
			}
		}
		once, err := canonicalDN(s)
		if err != nil {
			return
		}
		if again, err := canonicalDN(once); err != nil || again != once {
			t.Errorf("%q becomes %q and that %q, %v", s, once, again, err)
		}
	})
}

// FuzzRange reads option names of attributes that a server may send.
func FuzzRange(f *testing.F) {
	for _, s := range []string{"member", "member;range=0-1499", "member;range=1500-*", "member;Range=0-0", "member;range=", "member;range=5-1", "a;binary", ";range=1-2"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		attr, high, ranged, err := parseRange(s)
		if err != nil {
			return
		}
		if !ranged && attr != s || ranged && (high < -1 || !strings.HasPrefix(s, attr+";")) {
			t.Errorf("%q: %q %d %v", s, attr, high, ranged)
		}
	})
}
