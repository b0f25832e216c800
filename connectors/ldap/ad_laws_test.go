package ldap

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/connectors/connectortest"
	"github.com/accordhq/accord/connectors/servertest"
	"github.com/accordhq/accord/engine/access"
)

const (
	lawOU  = "OU=law," + servertest.SambaDomain
	svcSAM = "accord-svc"
	svcDN  = "cn=accord-svc,cn=users,dc=ad,dc=example,dc=test"
)

func TestConformanceActiveDirectory(t *testing.T) {
	t.Parallel()
	connectortest.Run(t, connectortest.Harness{
		Type:   ActiveDirectory,
		Open:   openDomain,
		Server: func(t testing.TB) string { return "Samba " + short(servertest.Samba(t).Version) },
		Watch: func(t testing.TB, s connectortest.System, seen func()) bool {
			s.(*domain).way.Watch(seen)
			return true
		},
		Fault: func(t testing.TB, s connectortest.System, fault connectortest.Fault) bool {
			d := s.(*domain)
			switch fault {
			case connectortest.FaultDenied:
				d.admin(t, false)
				d.way.End() // rights are looked at when somebody logs in
			default:
				return d.way.Fault(fault)
			}
			return true
		},
		Values: func(kind, attribute string) []string {
			switch attribute {
			case attrScope:
				return []string{"universal"} // what may be a member of what depends on it
			case attrSort:
				return []string{"security", "distribution"}
			case attrUPN:
				if kind == access.KindAccount {
					return []string{""} // it must be unique
				}
			}
			return []string{"one", "another text", ""}
		},
		Record: "testdata/laws-activedirectory.txt",
		Many:   60, // this server makes some 30 accounts a second
	})
}

// domain is a real domain controller as the laws see it, by the tools of OpenLDAP.
type domain struct {
	samba *servertest.SambaServer
	proxy *proxy                  // what the connector connects to, over TLS
	way   *connectortest.TCPProxy // behind that, unencrypted
}

// newDomain gives the server with an empty OU. On the way to it the encryption ends and begins
// anew, so that what lies between sees what goes through.
func newDomain(t testing.TB) *domain {
	t.Helper()
	s := servertest.Samba(t)
	if len(s.Search(t, servertest.SambaDomain, "(&(ou=law)(objectClass=organizationalUnit))", "ou")) > 0 {
		s.Delete(t, lawOU)
	}
	s.LDIF(t, "dn: "+lawOU+"\nobjectClass: organizationalUnit\n\n"+
		"dn: OU=people,"+lawOU+"\nobjectClass: organizationalUnit\n\ndn: OU=groups,"+lawOU+"\nobjectClass: organizationalUnit\n\n"+
		"dn: OU=left,"+lawOU+"\nobjectClass: organizationalUnit\n\n")
	d := &domain{samba: s}
	if len(s.Search(t, servertest.SambaDomain, eq(attrSAM, svcSAM), "cn")) == 0 {
		s.Tool(t, "user", "create", svcSAM, connectortest.Canary)
	}
	d.admin(t, true)
	pem, err := os.ReadFile(s.CA)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	cert, err := tls.LoadX509KeyPair(s.CA, filepath.Join(s.Dir, "key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}})
	if err != nil {
		t.Fatal(err)
	}
	behind, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serveProxy(t, behind, func() (net.Conn, error) {
		raw, err := s.Dial(t.Context(), 636)
		if err != nil {
			return nil, err
		}
		return tls.Client(raw, &tls.Config{ServerName: s.Host, RootCAs: pool}), nil
	})
	d.way = connectortest.NewTCPProxy(t, behind.Addr().String())
	d.way.Writes(isWrite)
	d.way.Pages(isPage)
	d.proxy = serveProxy(t, l, func() (net.Conn, error) { return net.Dial("tcp", d.way.Addr()) })
	return d
}

// admin lets the service account write everywhere, or nowhere.
func (d *domain) admin(t testing.TB, yes bool) {
	t.Helper()
	is := slices.ContainsFunc(d.samba.Search(t, "CN=Domain Admins,CN=Users,"+servertest.SambaDomain, "(objectClass=group)", "member"),
		func(e servertest.LDIFEntry) bool {
			return slices.ContainsFunc(e.Attrs["member"], func(m string) bool { return strings.EqualFold(m, svcDN) })
		})
	switch {
	case yes && !is:
		d.samba.Tool(t, "group", "addmembers", "Domain Admins", svcSAM)
	case !yes && is:
		d.samba.Tool(t, "group", "removemembers", "Domain Admins", svcSAM)
	}
}

// settings are those of a connector for the domain.
func (d *domain) settings() connectors.Settings {
	return connectors.Settings{
		"url": text("ldaps://" + d.proxy.addr), "ca_file": text("cert.pem"), "bind_dn": text(svcSAM + "@ad.example.test"),
		"password": {Secret: connectors.SecretRef{Env: "LDAP_PASSWORD"}}, "base": text(lawOU),
		"account_base": text("OU=people," + lawOU), "group_base": text("OU=groups," + lawOU), "disabled_base": text("OU=left," + lawOU),
	}
}

func openDomain(t testing.TB) (connectors.Connector, connectortest.System) {
	t.Helper()
	d := newDomain(t)
	cfg := connectortest.Config(t)
	cfg.Dir, cfg.Settings = d.samba.Dir, d.settings()
	c, err := ActiveDirectory().Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c, d
}

// dnOf is where Seed puts things.
func (d *domain) dnOf(o access.ID, away bool) string {
	var name strings.Builder
	for i, b := range []byte(o.Name) {
		if b >= 0x80 || strings.IndexByte(`"+,;<>\=#`, b) >= 0 || b == ' ' && (i == 0 || i == len(o.Name)-1) {
			fmt.Fprintf(&name, "\\%02X", b)
		} else {
			name.WriteByte(b)
		}
	}
	switch {
	case o.IsAccount() && away:
		return "CN=" + name.String() + ",OU=left," + lawOU
	case o.IsAccount():
		return "CN=" + name.String() + ",OU=people," + lawOU
	}
	return "CN=" + name.String() + ",OU=groups," + lawOU
}

// Seed adds to what is there. Memberships are added when everything is.
func (d *domain) Seed(t testing.TB, s *access.State) {
	t.Helper()
	var adds, changes strings.Builder
	away := map[access.ID]bool{}
	for o := range s.Objects() {
		away[o.ID] = o.Disabled
		line := func(attr, value string) { adds.WriteString(servertest.LDIFLine(attr, value)) }
		line("dn", d.dnOf(o.ID, o.Disabled))
		line(attrSAM, o.ID.Name)
		attrs := maps.Clone(o.Attributes)
		if o.ID.IsAccount() {
			line("objectClass", "user")
			line(attrUAC, map[bool]string{true: "546", false: "544"}[o.Disabled])
		} else {
			line("objectClass", "group")
			bits := map[string]int64{"global": 2, "universal": 8, "domain-local": 4, "": 2}[attrs[attrScope]]
			if attrs[attrSort] != "distribution" {
				bits -= 1 << 31
			}
			line(attrType, strconv.FormatInt(bits, 10))
			delete(attrs, attrScope)
			delete(attrs, attrSort)
		}
		for _, k := range slices.Sorted(maps.Keys(attrs)) {
			line(k, attrs[k])
		}
		adds.WriteString("\n")
	}
	for _, g := range s.Grants() {
		changes.WriteString(servertest.LDIFLine("dn", d.dnOf(g.Target, false)) + "changetype: modify\nadd: member\n" +
			servertest.LDIFLine("member", d.dnOf(g.Subject, away[g.Subject])) + "\n")
	}
	for _, ldif := range []string{adds.String(), changes.String()} {
		if ldif != "" {
			d.samba.LDIF(t, ldif)
		}
	}
}

// Dump reads everything with ldapsearch.
func (d *domain) Dump(t testing.TB) *access.State {
	t.Helper()
	self := access.ID{Kind: kindEntry, Name: svcDN}
	b := access.NewBuilder("lawful").Self(self)
	b.Object(access.Object{ID: self, Reserved: true})
	entries := d.samba.Search(t, lawOU, "(|(objectClass=user)(objectClass=group))", "*")
	who := map[string]access.ID{}
	for _, e := range entries {
		o := access.Object{ID: access.ID{Kind: kindGroup, Name: strings.ToLower(e.Attrs[attrSAM][0])}, Attributes: map[string]string{}}
		if slices.Contains(e.Attrs["objectClass"], "user") {
			o.ID.Kind = access.KindAccount
			bits, _ := strconv.Atoi(e.Attrs[attrUAC][0])
			o.Disabled = bits&2 != 0
			if o.Disabled != strings.Contains(e.DN, ",OU=left,") {
				o.Attributes["where"] = e.DN // which nobody wants
			}
		} else {
			bits, _ := strconv.ParseInt(e.Attrs[attrType][0], 10, 64)
			o.Attributes[attrScope] = map[int64]string{2: "global", 4: "domain-local", 8: "universal"}[bits&14]
			o.Attributes[attrSort] = map[bool]string{true: "security", false: "distribution"}[bits < 0]
		}
		for _, a := range activeDirectory().attrs(o.ID.Kind) {
			if v := e.Attrs[a.name]; len(v) > 0 && a.name != attrUPN {
				o.Attributes[a.name] = strings.Join(v, "\n")
			}
		}
		b.Object(o)
		who[strings.ToLower(e.DN)] = o.ID
	}
	for _, e := range entries {
		for _, m := range e.Attrs["member"] {
			subject, ok := who[strings.ToLower(m)]
			if !ok {
				t.Fatalf("%s has the stranger %q", e.DN, m)
			}
			b.Grant(access.Grant{Subject: subject, Target: who[strings.ToLower(e.DN)], Permission: "member"})
		}
	}
	s, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// newProxyTo is a proxy to the port of the server that isn't encrypted from the start.
func newProxyTo(t testing.TB, d *domain) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return serveProxy(t, raw{l}, func() (net.Conn, error) { return d.samba.Dial(t.Context(), 389) })
}

// raw marks a listener whose connections turn to TLS half-way, so that messages can't be told.
type raw struct{ net.Listener }
