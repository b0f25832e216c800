package ldap

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/connectors/servertest"
	"github.com/accordhq/accord/engine/access"
)

func inDir(dir string) func(*connectors.Config) {
	return func(c *connectors.Config) { c.Dir = dir }
}

func without(names ...string) func(*connectors.Config) {
	return func(c *connectors.Config) {
		for _, n := range names {
			delete(c.Settings, n)
		}
	}
}

func TestWaysToTheServer(t *testing.T) {
	f := newFar(t)
	f.person("alice")
	pem, err := os.ReadFile(f.slapd.CA)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "ca.pem"), pem, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "empty.pem"), []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	ca := setting("ca_file", text("ca.pem"))
	startTLS := setting("start_tls", connectors.Value{Bool: true})
	good := map[string][]func(*connectors.Config){
		"plain":    {setting("url", text(f.slapd.URL))},
		"StartTLS": {setting("url", text(f.slapd.URL)), startTLS, ca},
		"LDAPS":    {setting("url", text(f.slapd.TLSURL)), ca},
		"EXTERNAL": {setting("url", text(f.slapd.SocketURL)), setting("sasl", text("external")), without("bind_dn", "password")},
	}
	identity := ""
	for name, change := range good {
		st, err := f.open(append(change, inDir(dir))...).Read(t.Context(), connectors.Scope{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if identity == "" {
			identity = st.Identity()
		}
		if st.Identity() != identity || st.Self() != id("entry/"+servertest.SlapdService) {
			t.Errorf("%s: identity %q, self %s", name, st.Identity(), st.Self())
		}
	}
	bad := map[string][]func(*connectors.Config){
		"LDAPS without the CA":    {setting("url", text(f.slapd.TLSURL))},
		"StartTLS without the CA": {setting("url", text(f.slapd.URL)), startTLS},
		"a CA file without one":   {setting("url", text(f.slapd.TLSURL)), setting("ca_file", text("empty.pem"))},
		"a CA file that is gone":  {setting("url", text(f.slapd.TLSURL)), setting("ca_file", text("gone.pem"))},
		"nobody listens":          {setting("url", text("ldap://127.0.0.1:1"))},
	}
	for name, change := range bad {
		if st, err := f.open(append(change, inDir(dir))...).Read(t.Context(), connectors.Scope{}); err == nil || st != nil {
			t.Errorf("%s: was let in", name)
		}
	}
	for name, password := range map[string]string{"wrong": "w-r-o-n-g", "empty": ""} {
		c := f.open(func(c *connectors.Config) {
			c.Secret = secretly(password)
		})
		_, err := c.Read(t.Context(), connectors.Scope{})
		if err == nil || password != "" && (!errors.Is(err, connectors.ErrDenied) || strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), password)) {
			t.Errorf("a password that is %s: %v", name, err)
		}
	}
}

// The certificate must be for the host that the url names, however that is reached: the server's
// is for localhost and 127.0.0.1.
func TestCertificateIsForTheHost(t *testing.T) {
	f := newFar(t)
	for _, host := range []string{"127.0.0.1", "localhost", "127.0.0.2"} {
		address := "127.0.0.1:0"
		if host == "127.0.0.2" {
			address = host + ":0"
		}
		for scheme, startTLS := range map[string]bool{"ldap": true, "ldaps": false} {
			l, err := net.Listen("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			far := strings.TrimPrefix(map[bool]string{true: f.slapd.URL, false: f.slapd.TLSURL}[startTLS], scheme+"://")
			p := serveProxy(t, raw{l}, func() (net.Conn, error) { return net.Dial("tcp", far) })
			_, port, err := net.SplitHostPort(p.addr)
			if err != nil {
				t.Fatal(err)
			}
			c := f.open(inDir(f.slapd.Dir), setting("url", text(scheme+"://"+host+":"+port)), setting("ca_file", text(filepath.Base(f.slapd.CA))),
				setting("start_tls", connectors.Value{Bool: startTLS}))
			st, err := c.Read(t.Context(), connectors.Scope{})
			switch {
			case host != "127.0.0.2" && err != nil:
				t.Errorf("%s://%s: %v", scheme, host, err)
			case host == "127.0.0.2" && (err == nil || st != nil || !strings.Contains(err.Error(), "certificate") || !strings.Contains(err.Error(), host)):
				t.Errorf("%s://%s: %v", scheme, host, err)
			}
		}
	}
}

func TestSettings(t *testing.T) {
	cfg := (&far{t: t, suffix: suffix, proxy: &proxy{addr: "127.0.0.1:389"}, log: &logged{}}).config
	for _, c := range []struct {
		change []func(*connectors.Config)
		want   string
	}{
		{nil, ""},
		{[]func(*connectors.Config){setting("url", text("ldap://directory.example"))}, "start_tls"},
		{[]func(*connectors.Config){setting("url", text("ldap://directory.example")), setting("allow_plaintext", connectors.Value{Bool: true})}, ""},
		{[]func(*connectors.Config){setting("url", text("ldap://directory.example")), setting("start_tls", connectors.Value{Bool: true})}, ""},
		{[]func(*connectors.Config){setting("url", text("ldaps://directory.example")), setting("start_tls", connectors.Value{Bool: true})}, "start_tls"},
		{[]func(*connectors.Config){setting("url", text("http://directory.example"))}, "scheme"},
		{[]func(*connectors.Config){setting("url", text("ldaps://"))}, "host"},
		{[]func(*connectors.Config){setting("url", text("ldapi://"))}, "socket"},
		{[]func(*connectors.Config){setting("url", text("ldaps://cn=me:pw@host"))}, "url"},
		{[]func(*connectors.Config){without("password")}, "password"},
		{[]func(*connectors.Config){setting("bind_dn", text("me"))}, "bind_dn"},
		{[]func(*connectors.Config){setting("sasl", text("external"))}, "external"},
		{[]func(*connectors.Config){without("base")}, "base"},
		{[]func(*connectors.Config){setting("account_base", text("ou=people,dc=elsewhere"))}, "account_base"},
		{[]func(*connectors.Config){setting("account_filter", text("(uid=a"))}, "account_filter"},
		{[]func(*connectors.Config){setting("account_template", texts("cn"))}, "account_template"},
		{[]func(*connectors.Config){setting("account_template", texts("cn={name"))}, "account_template"},
		{[]func(*connectors.Config){setting("account_template", texts("uidNumber={next:9-1}"))}, "account_template"},
		{[]func(*connectors.Config){setting("account_template", texts("uidNumber=1{next:1-9}"))}, "account_template"},
		{[]func(*connectors.Config){setting("disable", text("attribute"))}, "disabled_value"},
		{[]func(*connectors.Config){setting("disabled_value", text("a=b"))}, "disabled_value"},
		{[]func(*connectors.Config){setting("disable", text("attribute")), setting("disabled_value", text("a=b")), setting("enabled_value", text("c=d"))}, "enabled_value"},
		{[]func(*connectors.Config){setting("placeholders", texts("nobody"))}, "placeholders"},
		{[]func(*connectors.Config){setting("account_name", text("uid)(cn=*"))}, "account_name"},
	} {
		_, err := Type().Open(cfg(c.change...))
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("want an error about %q, got %v", c.want, err)
		}
	}
}

// The rights that the package's documentation names are enough, and it takes the right to write.
func TestLeastRights(t *testing.T) {
	f := newFar(t)
	f.person("alice")
	f.ldif("dn: ou=left,ou=people,SUFFIX\nobjectClass: organizationalUnit\nou: left\n")
	rights := func(to string) {
		who := " by dn.exact=" + servertest.SlapdService
		f.slapd.Config(t, "dn: olcDatabase={1}mdb,cn=config\nchangetype: modify\nreplace: olcAccess\n"+
			"olcAccess: {0}to dn.subtree="+people+" attrs=userPassword by self write by anonymous auth by * none\n"+
			"olcAccess: {1}to dn.subtree="+people+who+" "+to+" by users read\n"+
			"olcAccess: {2}to dn.subtree="+groups+who+" "+to+" by users read\n"+
			"olcAccess: {3}to *"+who+" read by anonymous auth by * none\n")
	}
	rights("write")
	c := f.open(setting("disabled_base", text("ou=left,"+people)))
	changes := []access.Change{
		on(access.Create, "account/bob", nil, &access.Value{}), on(access.Create, "group/g", nil, &access.Value{}), on(access.Create, "posixgroup/p", nil, &access.Value{}),
		give("account/bob", "group/g"), give("account/bob", "posixgroup/p"),
		on(access.Update, "account/bob", &access.Value{Attributes: map[string]string{"title": ""}}, &access.Value{Attributes: map[string]string{"title": "x"}}),
		disable("account/bob"), enable("account/bob"),
		on(access.Rename, "account/bob", &access.Value{Name: "bob"}, &access.Value{Name: "rob"}),
		revoke("account/rob", "group/g"), on(access.Delete, "group/g", &access.Value{}, nil),
	}
	apply(t, c, changes...)
	st := read(t, c)
	wantGrants(t, st, "account/rob", "member posixgroup/p")
	if !st.Complete() || strings.Contains(st.Identity(), " at ") {
		t.Errorf("identity %q, unknown %v", st.Identity(), st.Unknowns())
	}
	rights("read")
	for _, ch := range []access.Change{disable("account/alice"), on(access.Delete, "account/alice", &access.Value{}, nil), changes[1]} {
		if err := c.Apply(t.Context(), ch); !errors.Is(err, connectors.ErrDenied) || !strings.Contains(err.Error(), "the right to") {
			t.Errorf("%s: %v", ch, err)
		}
	}
}

func TestWrongFlavour(t *testing.T) {
	f := newFar(t)
	cfg := f.config()
	c, err := ActiveDirectory().Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Read(t.Context(), connectors.Scope{}); err == nil || !strings.Contains(err.Error(), "connector: ldap") {
		t.Errorf("got %v", err)
	}
}

func TestNormalizeValues(t *testing.T) {
	cfg := (&far{t: t, suffix: suffix, proxy: &proxy{addr: "127.0.0.1:389"}, log: &logged{}}).config
	c, err := Type().Open(cfg(setting("disable", text("attribute")), setting("disabled_value", text("employeeType=left"))))
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []struct{ attr, in, want string }{
		{"mail", "b@x\na@x\n\n a@x ", "a@x\nb@x"}, {"title", "  ", ""}, {"displayName", "A\nB", "error"},
		{"uidNumber", "0042", "42"}, {"uidNumber", "-1", "error"}, {"employeeType", "staff", "error"}, {"employeeType", "", ""}, {"cn", "a\x00", "error"},
	} {
		o, err := c.Normalize(access.Object{ID: id("account/a"), Attributes: map[string]string{v.attr: v.in}})
		if err != nil && v.want != "error" || err == nil && o.Attributes[v.attr] != v.want {
			t.Errorf("%s %q becomes %q, %v", v.attr, v.in, o.Attributes[v.attr], err)
		}
	}
	for _, v := range []struct{ in, want string }{
		{"account/Alice", "account/alice"}, {"group/Platform  Team", "group/platform team"}, {"entry/CN=App, dc=X", "entry/cn=app,dc=x"},
	} {
		if o, err := c.Normalize(access.Object{ID: id(v.in)}); err != nil || o.ID != id(v.want) {
			t.Errorf("%s becomes %s, %v", v.in, o.ID, err)
		}
	}
	for _, bad := range []string{"entry/app", "account/a\u200bb", "account/" + strings.Repeat("x", maxName+1), "account/ "} {
		if o, err := c.Normalize(access.Object{ID: access.ID{Kind: strings.SplitN(bad, "/", 2)[0], Name: strings.SplitN(bad, "/", 2)[1]}}); err == nil {
			t.Errorf("%q was taken, as %s", bad, o.ID)
		}
	}
}
