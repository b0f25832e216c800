package ldap

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/connectors/connectortest"
	"github.com/accordhq/accord/connectors/servertest"
	"github.com/accordhq/accord/engine/access"
)

// open opens a connector for the domain; change may alter its configuration.
func (d *domain) open(t testing.TB, change ...func(*connectors.Config)) *connector {
	t.Helper()
	cfg := connectors.Config{System: "directory", Settings: d.settings(), Dir: d.samba.Dir,
		Secret: secretly(connectortest.Canary), Log: slog.New(slog.DiscardHandler), Now: time.Now}
	for _, c := range change {
		c(&cfg)
	}
	c, err := ActiveDirectory().Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c.(*connector)
}

func (d *domain) user(t testing.TB, name string, more ...string) {
	t.Helper()
	d.samba.LDIF(t, "dn: CN="+name+",OU=people,"+lawOU+"\nobjectClass: user\nsAMAccountName: "+name+"\nuserAccountControl: 544\n"+strings.Join(more, "\n")+"\n\n")
}

func (d *domain) group(t testing.TB, name string, members ...string) {
	t.Helper()
	ldif := "dn: CN=" + name + ",OU=groups," + lawOU + "\nobjectClass: group\nsAMAccountName: " + name + "\ngroupType: -2147483640\n"
	for _, m := range members {
		ldif += "member: " + m + "\n"
	}
	d.samba.LDIF(t, ldif+"\n")
}

// one gives the attributes of the entry with that name.
func (d *domain) one(t testing.TB, name string) servertest.LDIFEntry {
	t.Helper()
	all := d.samba.Search(t, servertest.SambaDomain, eq(attrSAM, name), "*")
	if len(all) != 1 {
		t.Fatalf("%d entries are called %s", len(all), name)
	}
	return all[0]
}

func TestDomainWantsEncryption(t *testing.T) {
	d := newDomain(t)
	plain := newProxyTo(t, d)
	c := d.open(t, setting("url", text("ldap://"+plain.addr)))
	_, err := c.Read(t.Context(), connectors.Scope{}) // result 8
	if !errors.Is(err, connectors.ErrDenied) || !strings.Contains(err.Error(), "encrypted") {
		t.Errorf("got %v", err)
	}
	st := read(t, d.open(t, setting("url", text("ldap://"+plain.addr)), setting("start_tls", connectors.Value{Bool: true})))
	if !strings.HasPrefix(st.Identity(), "activedirectory dc=ad,dc=example,dc=test ") {
		t.Errorf("by StartTLS: %q", st.Identity())
	}
	wrong, err := Type().Open(connectors.Config{System: "directory", Settings: d.settings(), Dir: d.samba.Dir, Secret: secretly(connectortest.Canary)})
	if err == nil || !strings.Contains(err.Error(), "bind_dn") {
		t.Errorf("the other connector took a user principal name: %v, %v", wrong, err)
	}
}

func TestDomainAccounts(t *testing.T) {
	d := newDomain(t)
	c := d.open(t)
	apply(t, c, on(access.Create, "account/alice", nil, &access.Value{Attributes: map[string]string{"givenName": "Alice"}}),
		on(access.Create, "account/bob", nil, &access.Value{Disabled: true}))
	e := d.one(t, "alice")
	if e.Attrs[attrUAC][0] != "512" || e.Attrs[attrUPN][0] != "alice@ad.example.test" || e.Attrs["pwdLastSet"][0] == "0" {
		t.Errorf("alice: %v", e.Attrs)
	}
	if got := d.one(t, "bob").Attrs[attrUAC][0]; got != "514" {
		t.Errorf("bob's userAccountControl is %s", got)
	}
	apply(t, c, disable("account/alice"), disable("account/alice"))
	e = d.one(t, "alice")
	if !strings.HasSuffix(e.DN, ",OU=left,"+lawOU) || e.Attrs[attrUAC][0] != "514" {
		t.Errorf("disabled: %s %v", e.DN, e.Attrs[attrUAC])
	}
	apply(t, c, enable("account/alice"), on(access.Rename, "account/alice", &access.Value{Name: "alice"}, &access.Value{Name: "ally"}))
	e = d.one(t, "ally")
	if e.DN != "CN=ally,OU=people,"+lawOU || e.Attrs[attrUPN][0] != "ally@ad.example.test" || e.Attrs[attrUAC][0] != "512" {
		t.Errorf("renamed: %s %v", e.DN, e.Attrs)
	}
	o, _ := read(t, c).Object(id("account/ally"))
	if o.Native == "" || o.Attributes["givenName"] != "Alice" {
		t.Errorf("%+v", o)
	}
	// What is deleted stays in the domain as a tombstone, which is nobody's account.
	apply(t, c, on(access.Delete, "account/ally", &access.Value{}, nil))
	if _, there := read(t, c).Object(id("account/ally")); there {
		t.Error("deleted, and still there")
	}
	apply(t, c, on(access.Create, "account/ally", nil, &access.Value{}))
	if anew, _ := read(t, c, "account/ally").Object(id("account/ally")); anew.Native == o.Native || anew.Native == "" {
		t.Errorf("made anew it has the identifier %q", anew.Native)
	}
	for _, bad := range []string{"a/b", "twenty-one-characters", "computer$", "a@b", "dot."} {
		if _, err := c.Normalize(access.Object{ID: access.Account(bad)}); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

// login binds to the domain with a password, over TLS.
func (d *domain) login(t testing.TB, name, password string) error {
	t.Helper()
	pem, err := os.ReadFile(d.samba.CA)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	conn, err := goldap.DialURL("ldaps://"+d.proxy.addr, goldap.DialWithTLSConfig(&tls.Config{RootCAs: pool}))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return conn.Bind(name, password)
}

// Whom Accord disables can't log in any more, and can again when Accord enables them.
func TestDomainLocksOut(t *testing.T) {
	d := newDomain(t)
	c := d.open(t)
	apply(t, c, on(access.Create, "account/alice", nil, &access.Value{}))
	const password = "Chosen-by-the-test-1"
	d.samba.LDIF(t, "dn: "+d.one(t, "alice").DN+"\nchangetype: modify\nreplace: unicodePwd\n"+servertest.LDIFLine("unicodePwd", quotedUTF16(password)))
	login := func() error { return d.login(t, "alice@ad.example.test", password) }
	if err := login(); err != nil {
		t.Fatalf("before: %v", err)
	}
	apply(t, c, disable("account/alice"))
	// 533: ERROR_ACCOUNT_DISABLED ([MS-ERREF] 2.2), in hexadecimal.
	if err := login(); !goldap.IsErrorWithCode(err, goldap.LDAPResultInvalidCredentials) || !strings.Contains(err.Error(), "data 533") {
		t.Errorf("disabled: %v", err)
	}
	apply(t, c, enable("account/alice"))
	if err := login(); err != nil {
		t.Errorf("enabled: %v", err)
	}
}

// The password that a new account gets is one that the domain takes while it refuses weak ones.
// Where the domain wants more than that, the error says so, and nothing is made.
func TestDomainPasswordRules(t *testing.T) {
	d := newDomain(t)
	c := d.open(t)
	rule := func(length int) {
		d.samba.LDIF(t, fmt.Sprintf("dn: %s\nchangetype: modify\nreplace: minPwdLength\nminPwdLength: %d\n", servertest.SambaDomain, length))
	}
	rules := d.samba.Search(t, servertest.SambaDomain, "(objectClass=domain)", "pwdProperties", "minPwdLength")
	if len(rules) != 1 || rules[0].Attrs["pwdProperties"][0] != "1" { // DOMAIN_PASSWORD_COMPLEX ([MS-SAMR] 2.2.3.1)
		t.Fatalf("the domain takes simple passwords: %v", rules)
	}
	before, err := strconv.Atoi(rules[0].Attrs["minPwdLength"][0])
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	weak := goldap.NewAddRequest("CN=weak,OU=people,"+lawOU, nil)
	weak.Attribute("objectClass", []string{"user"})
	weak.Attribute(attrSAM, []string{"weak"})
	weak.Attribute(attrUAC, []string{"512"})
	weak.Attribute("unicodePwd", []string{quotedUTF16("alllowercase")})
	err = s.conn.Add(weak)
	c.release(s)
	// 52D: ERROR_PASSWORD_RESTRICTION ([MS-ERREF] 2.2), in hexadecimal.
	if !goldap.IsErrorWithCode(err, goldap.LDAPResultConstraintViolation) || !strings.Contains(err.Error(), "0000052D") {
		t.Errorf("a weak password: %v", err)
	}
	apply(t, c, on(access.Create, "account/alice", nil, &access.Value{}))
	if got := d.one(t, "alice").Attrs[attrUAC][0]; got != "512" {
		t.Errorf("alice's userAccountControl is %s", got)
	}
	t.Cleanup(func() { rule(before) })
	rule(100)
	err = c.Apply(t.Context(), on(access.Create, "account/bob", nil, &access.Value{}))
	if err == nil || errors.Is(err, connectors.ErrConflict) || errors.Is(err, connectors.ErrOutcomeUnknown) {
		t.Fatalf("a domain that wants longer ones: %v", err)
	}
	for _, want := range []string{"account/bob", "0000052D", "result 19"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error doesn't say %q: %v", want, err)
		}
	}
	t.Logf("shown: %v", err)
	if _, there := read(t, c).Object(id("account/bob")); there {
		t.Error("bob is there")
	}
}

func TestDomainMembers(t *testing.T) {
	d := newDomain(t)
	d.user(t, "alice")
	d.group(t, "inner", "CN=alice,OU=people,"+lawOU)
	d.group(t, "outer", "CN=inner,OU=groups,"+lawOU)
	c := d.open(t)
	for _, ids := range [][]string{nil, {"account/alice", "group/inner"}} {
		wantGrants(t, read(t, c, ids...), "account/alice", "member group/inner", "member group/outer (implied)")
	}
	d.user(t, "bob")
	d.user(t, "carol")
	batch := []access.Change{give("account/alice", "group/inner"), give("account/bob", "group/inner"), give("account/carol", "group/inner")}
	for range 2 { // the first is there already: result 68; then all are
		if err := c.ApplyBatch(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
	batch = []access.Change{revoke("account/alice", "group/inner"), revoke("account/bob", "group/inner")}
	apply(t, c, batch[0])
	for range 2 {
		if err := c.ApplyBatch(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
	if got := d.one(t, "inner").Attrs["member"]; !slices.Equal(got, []string{"CN=carol,OU=people," + lawOU}) {
		t.Errorf("left: %q", got)
	}
}

// Windows gives at most 1,500 values at a time. Samba gives all, but answers for a range.
func TestDomainRanges(t *testing.T) {
	d := newDomain(t)
	var members []string
	for i := range 7 {
		d.user(t, fmt.Sprintf("u%d", i))
		members = append(members, fmt.Sprintf("CN=u%d,OU=people,%s", i, lawOU))
	}
	d.group(t, "g", members...)
	c := d.open(t)
	s, err := c.acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.release(s)
	for _, span := range []string{"0-0", "0-3", "0-6", "0-*", "0-99"} {
		e, err := s.base(t.Context(), "CN=g,OU=groups,"+lawOU, "member;range="+span)
		if err != nil {
			t.Fatal(err)
		}
		got := slices.Sorted(slices.Values((&entry{Entry: e}).all("member")))
		if !slices.Equal(got, members) {
			t.Errorf("range=%s: %q", span, got)
		}
	}
}

// What belongs to the domain itself is read, may be granted, and is never changed.
func TestDomainsOwn(t *testing.T) {
	d := newDomain(t)
	c := d.open(t, setting("base", text(servertest.SambaDomain)), setting("account_base", text("")), setting("group_base", text("")))
	d.user(t, "alice")
	st := read(t, c)
	if !st.Complete() || st.Self() != id("account/"+svcSAM) {
		t.Errorf("unknown %v, self %s", st.Unknowns(), st.Self())
	}
	for _, name := range []string{"account/administrator", "account/krbtgt", "account/guest", "account/" + svcSAM, "group/domain admins", "group/administrators", "group/domain users"} {
		if o, ok := st.Object(id(name)); !ok || !o.Reserved {
			t.Errorf("%s: there %v, %+v", name, ok, o)
		}
	}
	for _, ids := range [][]string{nil, {"account/alice"}} {
		got := grants(read(t, c, ids...), "account/alice")
		if !slices.Equal(got, []string{"member group/domain users (implied)", "member group/users (implied)"}) {
			t.Errorf("alice holds %q", got)
		}
	}
	for _, ch := range []access.Change{
		disable("account/administrator"), on(access.Delete, "account/krbtgt", &access.Value{Disabled: true}, nil),
		give("account/guest", "group/domain admins"), on(access.Delete, "group/domain admins", &access.Value{}, nil),
		on(access.Rename, "group/domain users", &access.Value{Name: "domain users"}, &access.Value{Name: "x"}),
	} {
		if err := c.Apply(t.Context(), ch); !errors.Is(err, connectors.ErrUnsupported) {
			t.Errorf("%s: %v", ch, err)
		}
	}
	apply(t, c, give("account/alice", "group/domain admins"))
	wantHeld(t, read(t, c), "account/alice", "group/domain admins")
	apply(t, c, revoke("account/alice", "group/domain admins"))
}

func wantHeld(t *testing.T, st *access.State, subject, target string) {
	t.Helper()
	if _, g, ok := st.Find(id(subject), id(target), permMember); !ok || g.Standing != access.Held {
		t.Errorf("%s isn't held: %v, %v", target, ok, g)
	}
}

func TestGroupTypes(t *testing.T) {
	d := newDomain(t)
	c := d.open(t)
	apply(t, c, on(access.Create, "group/g", nil, &access.Value{}))
	attrs := func() map[string]string { o, _ := read(t, c).Object(id("group/g")); return o.Attributes }
	if got := attrs(); got[attrScope] != "global" || got[attrSort] != "security" {
		t.Errorf("new: %v", got)
	}
	apply(t, c, on(access.Update, "group/g", &access.Value{Attributes: map[string]string{attrScope: "global", attrSort: "security"}},
		&access.Value{Attributes: map[string]string{attrScope: "universal", attrSort: "distribution"}}),
		on(access.Update, "group/g", &access.Value{Attributes: map[string]string{attrScope: "universal"}}, &access.Value{Attributes: map[string]string{attrScope: "domain-local"}}))
	if got := attrs(); got[attrScope] != "domain-local" || got[attrSort] != "distribution" {
		t.Errorf("changed: %v", got)
	}
	if got := d.one(t, "g").Attrs[attrType]; !slices.Equal(got, []string{"4"}) {
		t.Errorf("groupType: %q", got)
	}
	if _, err := c.Normalize(access.Object{ID: id("group/g"), Attributes: map[string]string{attrScope: "galactic"}}); err == nil {
		t.Error("a scope that there isn't was taken")
	}
	if o, err := c.Normalize(access.Object{ID: id("group/g"), Attributes: map[string]string{attrScope: "Domain-Local"}}); err != nil || o.Attributes[attrScope] != "domain-local" {
		t.Errorf("%v, %v", o, err)
	}
}

func TestGroupTypeNumbers(t *testing.T) {
	for _, c := range []struct{ scope, sort, want string }{
		{"", "", "-2147483646"}, {"global", "security", "-2147483646"}, {"universal", "security", "-2147483640"},
		{"domain-local", "security", "-2147483644"}, {"global", "distribution", "2"}, {"universal", "distribution", "8"},
	} {
		if got := groupTypeOf(c.scope, c.sort); got != c.want {
			t.Errorf("%s %s: %s, want %s", c.scope, c.sort, got, c.want)
		}
		e := &entry{Entry: goldap.NewEntry("cn=x", map[string][]string{attrType: {c.want}})}
		if adComputed(e, attrScope) != or(c.scope, "global") || adComputed(e, attrSort) != or(c.sort, "security") {
			t.Errorf("%s is read as %s %s", c.want, adComputed(e, attrScope), adComputed(e, attrSort))
		}
	}
}

func TestIdentifiers(t *testing.T) {
	const sid = "S-1-5-21-3623811015-3361044348-30300820-1013"
	if got := sidText([]byte(sidBytes(sid))); got != sid {
		t.Errorf("%s becomes %q", sid, got)
	}
	if got := ridWithin("S-1-5-21-3623811015-3361044348-30300820", sid); got != "1013" {
		t.Errorf("rid %q", got)
	}
	for _, bad := range []string{"", "S-1", "x-1-5", "S-1-5-a", "S-1-5" + strings.Repeat("-1", 20)} {
		if sidBytes(bad) != "" {
			t.Errorf("%q was taken", bad)
		}
	}
	for _, bad := range [][]byte{nil, {1}, []byte(sidBytes(sid))[:20]} {
		if got := sidText(bad); got != "" {
			t.Errorf("% x becomes %q", bad, got)
		}
	}
	if got := guidText([]byte{0x78, 0x56, 0x34, 0x12, 0x34, 0x12, 0x78, 0x56, 1, 2, 3, 4, 5, 6, 7, 8}); got != "12345678-1234-5678-0102-030405060708" {
		t.Errorf("guid %q", got)
	}
	if got := quotedUTF16("aé"); got != "\"\x00a\x00\xe9\x00\"\x00" {
		t.Errorf("password %q", got)
	}
}

func FuzzSID(f *testing.F) {
	f.Add([]byte(sidBytes("S-1-5-32-544")))
	f.Add([]byte{1, 0, 0, 0, 0, 0, 0, 5})
	f.Fuzz(func(t *testing.T, b []byte) {
		text := sidText(b)
		if text == "" {
			return
		}
		if n, _ := strconv.Atoi(strings.Split(text, "-")[1]); b[1] > 0 && b[1] <= 15 && n == int(b[0]) && sidBytes(text) != string(b) {
			t.Errorf("% x becomes %s and that % x", b, text, sidBytes(text))
		}
	})
}
