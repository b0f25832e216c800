package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
	"testing/iotest"
	"unicode"
	"unicode/utf8"

	"github.com/accordhq/accord/engine/access"
)

func TestClean(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{"", ""},
		{"alice", "alice"},
		{`cn=Smith\, John,ou=People`, `cn=Smith\, John,ou=People`},
		{"Zoë Müller 日本 🦊 e\u0301", "Zoë Müller 日本 🦊 e\u0301"},
		{"a\x1b[31mb", `a\x1b[31mb`},
		{"a\nb\tc\rd", `a\nb\tc\rd`},
		{"\x00\x7f", `\x00\x7f`},
		{"\u009b31m", `\u009b31m`},
		{"user\u202egnp.exe", `user\u202egnp.exe`},
		{"\u2066x\u2069", `\u2066x\u2069`},
		{"ad\u200bmin", `ad\u200bmin`},
		{"ad\u00admin", `ad\u00admin`},
		{"ad\ufeffmin", `ad\ufeffmin`},
		{"a\u00a0b\u2003c", `a\u00a0b\u2003c`},
		{"a\u2028b", `a\u2028b`},
		{"\u3164", `\u3164`},
		{"\u2800", `\u2800`},
		{"x\ufe0f", `x\ufe0f`},
		{"\U000e0041", `\U000e0041`},
		{"\ue000", `\ue000`},
		{"a\xffb\xc3", `a\xffb\xc3`},
		{"\ufffd", "\ufffd"},
	} {
		if got := Clean(test.in); got != test.want {
			t.Errorf("Clean(%q) = %q, want %q", test.in, got, test.want)
		}
	}
}

// No control or format character gets through, whatever the table in TestClean forgot.
func TestCleanEveryRune(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		got := Clean(string(r))
		if !utf8.ValidRune(r) {
			continue
		}
		acts := unicode.In(r, unicode.C, unicode.Z) && r != ' '
		if kept := got == string(r); kept && acts {
			t.Fatalf("%U is kept", r)
		} else if !kept && (unicode.IsLetter(r) && r != 0x3164 && r != 0xffa0 && r != 0x115f && r != 0x1160 || unicode.IsDigit(r) || unicode.IsPunct(r)) {
			t.Fatalf("%U is escaped: %q", r, got)
		}
	}
}

func FuzzClean(f *testing.F) {
	for _, s := range []string{"alice", evil, "\u202e", "e\u0301\U0001f98a", "a\xffb", `\x1b`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := Clean(s)
		if Clean(got) != got {
			t.Errorf("cleaning %q twice changes it: %q, %q", s, got, Clean(got))
		}
		if !utf8.ValidString(got) {
			t.Errorf("%q isn't UTF-8", got)
		}
		for _, r := range got {
			if r != ' ' && unicode.In(r, unicode.C, unicode.Z, unicode.Bidi_Control) {
				t.Errorf("%q keeps %U", got, r)
			}
		}
	})
}

func TestShellWord(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{"mass-revoke:github/team/payments", "mass-revoke:github/team/payments"},
		{"protected:ldap/group/cn=Domain Admins,dc=acme", "'protected:ldap/group/cn=Domain Admins,dc=acme'"},
		{"x:y/account/o'brien", `'x:y/account/o'\''brien'`},
		{"x:$(reboot);`id`", "'x:$(reboot);`id`'"},
		{"a\nb", `$'a\012b'`},
		{"a\x1b'\\7", `$'a\033\'\\7'`},
		{"ü", "'ü'"},
		{"", "''"},
	} {
		if got := shellWord(test.in); got != test.want {
			t.Errorf("shellWord(%q) = %s, want %s", test.in, got, test.want)
		}
	}
}

// What shellWord writes means itself to a shell.
func TestShellWordInShell(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("there is no bash here")
	}
	for _, in := range []string{"plain", "two words", "o'brien", `back\slash`, "$(echo no)", evil, "\xff\x011'\\", "~root", "*", "a=b,c%d", "ü\u202e"} {
		out, err := exec.Command(bash, "-c", "printf %s "+shellWord(in)).Output()
		if err != nil || string(out) != in {
			t.Errorf("%s becomes %q (%v), not %q", shellWord(in), out, err, in)
		}
		if word := shellWord(in); Clean(word) != word {
			t.Errorf("%q isn't safe to print", word)
		}
	}
}

func FuzzJSONGuard(f *testing.F) {
	for _, s := range []string{"alice", evil, "\U000e0041\U0001f98a", "a\xffb"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		doc, err := json.Marshal(map[string]string{s: s})
		if err != nil {
			t.Fatal(err)
		}
		var whole, bytewise bytes.Buffer
		if _, err := (&jsonGuard{w: &whole}).Write(doc); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(&jsonGuard{w: &bytewise}, iotest.OneByteReader(bytes.NewReader(doc))); err != nil {
			t.Fatal(err)
		}
		if whole.String() != bytewise.String() {
			t.Errorf("written bytewise it is %q, not %q", &bytewise, &whole)
		}
		if Clean(whole.String()) != whole.String() {
			t.Errorf("%q isn't safe to print", &whole)
		}
		var want, got map[string]string
		if err := json.Unmarshal(doc, &want); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(whole.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		for k, v := range want {
			if got[k] != v {
				t.Errorf("%q reads as %v", k, got)
			}
		}
	})
}

func TestQuoteName(t *testing.T) {
	for in, want := range map[string]string{"alice": "alice", "": `""`, "a b": `"a b"`, `a"b`: `"a\"b"`, "a,b": `"a,b"`} {
		if got := quoteName(in); got != want {
			t.Errorf("quoteName(%q) = %s, want %s", in, got, want)
		}
	}
}

// Every report hands on the writer's error.
func TestWriterErrors(t *testing.T) {
	broken := errors.New("the pipe is closed")
	for name, write := range map[string]func(io.Writer) error{
		"Plan":      func(w io.Writer) error { return Plan(w, believable(), Options{}, written) },
		"PlanJSON":  func(w io.Writer) error { return PlanJSON(w, believable()) },
		"Drift":     func(w io.Writer) error { return Drift(w, looked(drifted()), Options{}) },
		"DriftJSON": func(w io.Writer) error { return DriftJSON(w, looked(drifted())) },
		"Apply":     func(w io.Writer) error { return Apply(w, mixed(), Options{}) },
		"ApplyJSON": func(w io.Writer) error { return ApplyJSON(w, mixed()) },
		"WhyText":   func(w io.Writer) error { return WhyText(w, holds(), Options{}) },
		"WhyJSON":   func(w io.Writer) error { return WhyJSON(w, holds()) },
		"Connector": func(w io.Writer) error { return Connector(w, description) },
	} {
		if err := write(brokenWriter{broken}); !errors.Is(err, broken) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

type brokenWriter struct{ err error }

func (w brokenWriter) Write([]byte) (int, error) { return 0, w.err }

var description = access.Description{
	Connector: "warehouse", Summary: "A warehouse of data.",
	Settings: []access.Setting{
		{Name: "dsn", Doc: "Where it is.", Type: access.SettingSecret, Required: true},
		{Name: "style", Doc: "How it is.", Type: access.SettingText, Default: "plain", Values: []string{"plain", "odd"}},
	},
	Kinds: []access.Kind{
		{Name: "account", Doc: "Somebody.", Actions: []access.Action{access.Create, access.Disable}, Attributes: []access.Attribute{{Name: "comment", Doc: "Free text."}}},
		{Name: "repo", Doc: "Code.", Ordered: true, Usual: "pull", Subjects: []string{"account", "team"}, Permissions: []access.Permission{
			{Name: "pull", Doc: "Read."}, {Name: "admin", Doc: "All.", Admin: true}, {Name: "owner", ReadOnly: true},
		}},
	},
}

func TestConnector(t *testing.T) {
	text := golden(t, "connector.txt", func(b *bytes.Buffer) error { return Connector(b, description) })
	if strings.Contains(text, "%!") {
		t.Error("a format is wrong")
	}
}
