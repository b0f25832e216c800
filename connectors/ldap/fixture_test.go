package ldap

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/connectors/servertest"
	"github.com/accordhq/accord/engine/access"
)

func TestMain(m *testing.M) { servertest.Main(m) }

const (
	suffix      = servertest.SlapdSuffix
	plainSuffix = servertest.SlapdPlainSuffix
	people      = "ou=people," + suffix
	groups      = "ou=groups," + suffix
)

// far is a real OpenLDAP server that was reset, and a proxy before it.
type far struct {
	t      testing.TB
	slapd  *servertest.SlapdServer
	proxy  *proxy
	suffix string
	log    *logged
}

// logged collects the log and can be written to from several goroutines.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newFar(t testing.TB) *far { return newFarOn(t, servertest.Slapd(t), suffix) }

func newFarOn(t testing.TB, s *servertest.SlapdServer, suffix string) *far {
	t.Helper()
	f := &far{t: t, slapd: s, suffix: suffix, log: &logged{}}
	s.Reset(t)
	f.proxy = newProxy(t, s.Port)
	t.Cleanup(func() {
		if strings.Contains(f.log.String(), servertest.SlapdPassword) {
			t.Error("the password is in the log")
		}
	})
	return f
}

func text(s string) connectors.Value { return connectors.Value{Text: s} }

func texts(s ...string) connectors.Value { return connectors.Value{Texts: s} }

// config is that of a usual directory; change may alter it.
func (f *far) config(change ...func(*connectors.Config)) connectors.Config {
	cfg := connectors.Config{
		System: "directory",
		Settings: connectors.Settings{
			"url": text("ldap://" + f.proxy.addr), "bind_dn": text(servertest.SlapdService),
			"password": {Secret: connectors.SecretRef{Env: "LDAP_PASSWORD"}},
			"base":     text(f.suffix), "account_base": text("ou=people," + f.suffix), "group_base": text("ou=groups," + f.suffix),
			"placeholders": texts("cn=nobody,"+f.suffix, servertest.SlapdService),
		},
		Secret: func(context.Context, connectors.SecretRef) (connectors.Secret, error) {
			return connectors.NewSecret(servertest.SlapdPassword), nil
		},
		Log: slog.New(slog.NewTextHandler(f.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Now: time.Now,
	}
	if f.suffix == suffix {
		cfg.Settings["password_policy"] = text(servertest.SlapdPolicy)
	}
	for _, c := range change {
		c(&cfg)
	}
	return cfg
}

func (f *far) open(change ...func(*connectors.Config)) *connector {
	f.t.Helper()
	c, err := Type().Open(f.config(change...))
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = c.Close() })
	return c.(*connector)
}

func setting(name string, v connectors.Value) func(*connectors.Config) {
	return func(c *connectors.Config) { c.Settings[name] = v }
}

// ldif adds or changes entries; SUFFIX stands for the suffix.
func (f *far) ldif(text string) {
	f.t.Helper()
	f.slapd.LDIF(f.t, strings.ReplaceAll(text, "SUFFIX", f.suffix))
}

// person adds an account.
func (f *far) person(uid string) {
	f.t.Helper()
	f.ldif("dn: uid=" + uid + ",ou=people,SUFFIX\nobjectClass: inetOrgPerson\nuid: " + uid + "\ncn: " + uid + "\nsn: " + uid + "\n")
}

// group adds a groupOfNames with members by DN.
func (f *far) group(cn string, members ...string) {
	f.t.Helper()
	text := "dn: cn=" + cn + ",ou=groups,SUFFIX\nobjectClass: groupOfNames\ncn: " + cn + "\nmember: cn=nobody,SUFFIX\n"
	for _, m := range members {
		text += "member: " + m + "\n"
	}
	f.ldif(text)
}

// dn is the DN of an account of person.
func (f *far) dn(uid string) string { return "uid=" + uid + ",ou=people," + f.suffix }

// values gives an attribute of an entry as the server has it, sorted.
func (f *far) values(dn, attr string) []string {
	f.t.Helper()
	relative, base := splitDN(dn)
	name, value, _ := strings.Cut(relative, "=")
	for _, e := range f.slapd.Search(f.t, base, eq(name, value), attr) {
		if dnKey(e.DN) == dnKey(dn) {
			v := slices.Clone(e.Attrs[attr])
			slices.Sort(v)
			return v
		}
	}
	return nil
}

func read(t testing.TB, c connectors.Reader, ids ...string) *access.State {
	t.Helper()
	scope := connectors.Scope{}
	for _, s := range ids {
		scope.IDs = append(scope.IDs, id(s))
	}
	st, err := c.Read(t.Context(), scope)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func id(s string) access.ID {
	v, err := access.ParseID(s)
	if err != nil {
		panic(err)
	}
	return v
}

// grants lists what the subject holds, as "member group/a" or "member group/a (implied)".
func grants(st *access.State, subject string) []string {
	list := []string{}
	for _, g := range st.GrantsOf(id(subject)) {
		s := g.Permission + " " + g.Target.String()
		if g.Standing != access.Held {
			s += " (" + g.Standing.String() + ")"
		}
		list = append(list, s)
	}
	slices.Sort(list)
	return list
}

func wantGrants(t testing.TB, st *access.State, subject string, want ...string) {
	t.Helper()
	slices.Sort(want)
	if got := grants(st, subject); !slices.Equal(got, want) {
		t.Errorf("%s holds %q, want %q", subject, got, want)
	}
}

func give(subject, target string) access.Change {
	return access.Change{System: "directory", Action: access.Give, Subject: id(subject), Target: id(target), After: &access.Value{Permission: permMember}}
}

func revoke(subject, target string) access.Change {
	return access.Change{System: "directory", Action: access.Revoke, Subject: id(subject), Target: id(target), Before: &access.Value{Permission: permMember}}
}

func on(a access.Action, subject string, before, after *access.Value) access.Change {
	return access.Change{System: "directory", Action: a, Subject: id(subject), Before: before, After: after}
}

func disable(subject string) access.Change {
	return on(access.Disable, subject, &access.Value{}, &access.Value{Disabled: true})
}

func enable(subject string) access.Change {
	return on(access.Enable, subject, &access.Value{Disabled: true}, &access.Value{})
}

func apply(t testing.TB, c connectors.Connector, changes ...access.Change) {
	t.Helper()
	for _, ch := range changes {
		if err := c.Apply(t.Context(), ch); err != nil {
			t.Fatalf("%s: %v", ch, err)
		}
	}
}

// secretly resolves every reference to one credential.
func secretly(password string) func(context.Context, connectors.SecretRef) (connectors.Secret, error) {
	return func(context.Context, connectors.SecretRef) (connectors.Secret, error) {
		return connectors.NewSecret(password), nil
	}
}
