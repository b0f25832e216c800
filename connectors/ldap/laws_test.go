package ldap

import (
	"bufio"
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/connectors/connectortest"
	"github.com/accordhq/accord/connectors/servertest"
	"github.com/accordhq/accord/engine/access"
)

// shape is one way in which directories are laid out.
type shape struct {
	name       string
	groupClass string
	posix      bool // accounts are posixAccounts too
	attribute  bool // disabling by an attribute, and leavers move
	suffix     string
	record     string
}

func TestConformance(t *testing.T) {
	t.Parallel() // with the laws of Active Directory; what shares this server has run before
	for _, s := range []shape{
		{name: "inetOrgPerson and groupOfNames", groupClass: "groupOfNames", suffix: suffix, record: "testdata/laws.txt"},
		{name: "posixAccount and groupOfUniqueNames", groupClass: "groupOfUniqueNames", posix: true, suffix: suffix},
		{name: "no overlays and leavers move", groupClass: "groupOfNames", attribute: true, suffix: plainSuffix},
	} {
		t.Run(s.name, func(t *testing.T) { connectortest.Run(t, s.harness()) })
	}
}

func (sh shape) harness() connectortest.Harness {
	return connectortest.Harness{
		Type:   Type,
		Open:   sh.open,
		Server: func(t testing.TB) string { return "OpenLDAP " + short(servertest.Slapd(t).Version) + ", " + sh.name },
		Watch: func(t testing.TB, s connectortest.System, seen func()) bool {
			s.(*lawful).way.Watch(seen)
			return true
		},
		Fault: func(t testing.TB, s connectortest.System, fault connectortest.Fault) bool {
			l := s.(*lawful)
			switch fault {
			case connectortest.FaultRead:
				l.slapd.Config(t, "dn: "+l.database()+"\nchangetype: modify\nreplace: olcLimits\nolcLimits: {0}* size.soft=5 size.hard=5 size.pr=5 size.prtotal=10\n")
			case connectortest.FaultDenied:
				l.slapd.Config(t, "dn: "+l.database()+"\nchangetype: modify\nreplace: olcAccess\n"+
					"olcAccess: {0}to attrs=userPassword by anonymous auth by * none\nolcAccess: {1}to * by users read by * none\n")
			default:
				return l.way.Fault(fault)
			}
			return true
		},
		Values: sh.values,
		Record: sh.record,
		Name: func(kind string, i int) string {
			return fmt.Sprintf("law %s %d", kind, i) // with spaces
		},
	}
}

// values are such as the schema allows and Accord doesn't fill in by itself.
func (sh shape) values(kind, attribute string) []string {
	a, _ := standard().attr(kind, attribute)
	switch attribute {
	case "cn", "sn":
		return []string{"Alice Liddell", "Bob, the \"other\"", "Zoë"}
	case "mail":
		return []string{"a@acme.example", "a@acme.example\nb@acme.example", ""}
	case "telephoneNumber", "mobile":
		return []string{"+49 30 1234", "+49 30 5678", ""}
	case "employeeType":
		if sh.attribute {
			return []string{""}
		}
	case "gidNumber":
		if kind == kindPosix {
			return []string{"7001", "7002"}
		}
	}
	switch attribute {
	case "uidNumber", "gidNumber", "homeDirectory", "loginShell", "gecos":
		if !sh.posix {
			return []string{""}
		}
	}
	switch attribute {
	case "uidNumber", "gidNumber":
		return []string{"4001", "4002", "4003"}
	case "homeDirectory":
		return []string{"/home/a", "/srv/home/b c"}
	case "loginShell":
		return []string{"/bin/bash", "/bin/zsh", ""}
	case "gecos":
		return []string{"Alice", "Bob", ""}
	}
	if a.single {
		return []string{"one", "another text", ""}
	}
	return []string{"one", "another text", "two\nvalues", ""}
}

// lawful is the far side as the laws see it, by OpenLDAP's own tools.
type lawful struct {
	sh    shape
	slapd *servertest.SlapdServer
	way   *connectortest.TCPProxy
}

// isWrite tells the messages that change something.
func isWrite(message []byte) bool {
	_, op, err := readMessage(bufio.NewReader(bytes.NewReader(message)))
	return err == nil && slices.Contains([]byte{opAdd, opModify, opModifyDN, opDelete}, op)
}

// isPage tells the searches that are paged: all but those for one entry.
func isPage(message []byte) bool { return bytes.Contains(message, []byte(controlPaging)) }

// short is a version without what a distribution adds to it.
func short(version string) string {
	parts := strings.SplitN(version, ".", 3)
	return strings.Join(parts[:min(2, len(parts))], ".")
}

func (sh shape) open(t testing.TB) (connectors.Connector, connectortest.System) {
	t.Helper()
	f := newFarOn(t, servertest.Slapd(t), sh.suffix)
	l := &lawful{sh, f.slapd, connectortest.NewTCPProxy(t, strings.TrimPrefix(f.slapd.URL, "ldap://"))}
	l.way.Writes(isWrite)
	l.way.Pages(isPage)
	f.slapd.LDIF(t, "dn: "+servertest.SlapdService+"\nchangetype: modify\nreplace: userPassword\nuserPassword: "+connectortest.Canary+"\n\n"+
		"dn: ou=left,"+sh.suffix+"\nchangetype: add\nobjectClass: organizationalUnit\nou: left\n")
	base := connectortest.Config(t)
	cfg := f.config(func(c *connectors.Config) { c.System, c.Secret, c.Log = base.System, base.Secret, base.Log },
		setting("group_class", text(sh.groupClass)), setting("url", text("ldap://"+l.way.Addr())))
	if sh.posix {
		cfg.Settings["account_classes"] = texts("inetOrgPerson", "posixAccount")
		cfg.Settings["account_template"] = texts("cn={name}", "sn={name}", "uidNumber={next:10000-19999}", "gidNumber=100", "homeDirectory=/home/{name}")
	}
	if sh.attribute {
		cfg.Settings["disable"], cfg.Settings["disabled_value"] = text("attribute"), text("employeeType=disabled")
		cfg.Settings["enabled_value"], cfg.Settings["disabled_base"] = text("employeeType=staff"), text("ou=left,"+sh.suffix)
	}
	c, err := Type().Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c, l
}

func (l *lawful) database() string {
	if l.sh.suffix == plainSuffix {
		return "olcDatabase={2}mdb,cn=config"
	}
	return "olcDatabase={1}mdb,cn=config"
}

// dnOf is where Seed puts things; it shares no quoting with the connector.
func (l *lawful) dnOf(o access.ID, away bool) string {
	var name strings.Builder
	for i, b := range []byte(o.Name) {
		if b >= 0x80 || b < 0x20 || strings.IndexByte(`"+,;<>\=#/`, b) >= 0 || b == ' ' && (i == 0 || i == len(o.Name)-1) {
			fmt.Fprintf(&name, "\\%02X", b)
		} else {
			name.WriteByte(b)
		}
	}
	switch {
	case o.Kind == kindEntry:
		return o.Name
	case o.IsAccount() && away:
		return "uid=" + name.String() + ",ou=left," + l.sh.suffix
	case o.IsAccount():
		return "uid=" + name.String() + ",ou=people," + l.sh.suffix
	}
	return "cn=" + name.String() + ",ou=groups," + l.sh.suffix
}

// Seed adds to what is there, as a person might with ldapadd and ldapmodify.
func (l *lawful) Seed(t testing.TB, s *access.State) {
	t.Helper()
	var ldif strings.Builder
	away := map[access.ID]bool{}
	for o := range s.Objects() {
		away[o.ID] = o.Disabled && l.sh.attribute
		l.seedObject(&ldif, o, l.dnOf(o.ID, away[o.ID]))
	}
	for _, g := range s.Grants() {
		attr, value := "member", l.dnOf(g.Subject, away[g.Subject])
		switch {
		case g.Target.Kind == kindPosix:
			attr, value = "memberUid", g.Subject.Name
		case g.Target.Kind == kindRole:
			attr = "roleOccupant"
		case l.sh.groupClass == "groupOfUniqueNames":
			attr = "uniqueMember"
		}
		ldif.WriteString(servertest.LDIFLine("dn", l.dnOf(g.Target, false)) + "changetype: modify\nadd: " + attr + "\n" + servertest.LDIFLine(attr, value) + "\n")
	}
	if ldif.Len() > 0 {
		l.slapd.LDIF(t, ldif.String())
	}
}

func (l *lawful) seedObject(ldif *strings.Builder, o access.Object, dn string) {
	line := func(attr, value string) { ldif.WriteString(servertest.LDIFLine(attr, value)) }
	line("dn", dn)
	attrs := maps.Clone(o.Attributes)
	if attrs == nil {
		attrs = map[string]string{}
	}
	defaults := map[string]string{}
	switch o.ID.Kind {
	case access.KindAccount:
		line("objectClass", "inetOrgPerson")
		line("uid", o.ID.Name)
		defaults["cn"], defaults["sn"] = "x", "x"
		if l.sh.posix {
			line("objectClass", "posixAccount")
			defaults["uidNumber"], defaults["gidNumber"], defaults["homeDirectory"] = "1", "1", "/"
		}
		switch {
		case l.sh.attribute && o.Disabled:
			line("employeeType", "disabled")
		case l.sh.attribute:
			line("employeeType", "staff")
		case o.Disabled:
			line("pwdAccountLockedTime", "000001010000Z")
		}
	case kindGroup:
		line("objectClass", l.sh.groupClass)
		line("cn", o.ID.Name)
		line(map[string]string{"groupOfNames": "member", "groupOfUniqueNames": "uniqueMember"}[l.sh.groupClass], "cn=nobody,"+l.sh.suffix)
	case kindPosix:
		line("objectClass", "posixGroup")
		line("cn", o.ID.Name)
		defaults["gidNumber"] = "1"
	case kindRole:
		line("objectClass", "organizationalRole")
		line("cn", o.ID.Name)
	}
	for k, v := range defaults {
		if attrs[k] == "" {
			attrs[k] = v
		}
	}
	for _, k := range slices.Sorted(maps.Keys(attrs)) {
		for v := range strings.SplitSeq(attrs[k], "\n") {
			line(k, v)
		}
	}
	ldif.WriteString("\n")
}

// Dump reads everything with ldapsearch. It tells entries by their DNs as the server spells
// them, which is how Seed and the connector wrote them.
func (l *lawful) Dump(t testing.TB) *access.State {
	t.Helper()
	b := access.NewBuilder("lawful").Self(access.ID{Kind: kindEntry, Name: servertest.SlapdService})
	b.Object(access.Object{ID: access.ID{Kind: kindEntry, Name: servertest.SlapdService}, Reserved: true})
	entries := l.slapd.Search(t, l.sh.suffix, "(|(uid=*)(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=posixGroup)(objectClass=organizationalRole))", "*", "+")
	who := map[string]access.ID{}
	for _, e := range entries {
		if o, ok := l.object(e); ok {
			b.Object(o)
			who[strings.ToLower(e.DN)] = o.ID
			if o.ID.IsAccount() {
				who[e.Attrs["uid"][0]] = o.ID
			}
		}
	}
	for _, e := range entries {
		target := who[strings.ToLower(e.DN)]
		for _, attr := range []string{"member", "uniqueMember", "roleOccupant", "memberUid"} {
			for _, v := range e.Attrs[attr] {
				key := v
				if attr != "memberUid" {
					key = strings.ToLower(v)
				}
				if subject, ok := who[key]; ok && !target.IsZero() {
					b.Grant(access.Grant{Subject: subject, Target: target, Permission: "member"})
				} else if v != "cn=nobody,"+l.sh.suffix {
					t.Fatalf("%s of %s has the stranger %q", attr, e.DN, v)
				}
			}
		}
	}
	s, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (l *lawful) object(e servertest.LDIFEntry) (access.Object, bool) {
	o := access.Object{Attributes: map[string]string{}}
	var kind string
	for _, class := range e.Attrs["objectClass"] {
		switch class {
		case "inetOrgPerson":
			kind = access.KindAccount
		case "groupOfNames", "groupOfUniqueNames":
			kind = kindGroup
		case "posixGroup":
			kind = kindPosix
		case "organizationalRole":
			kind = kindRole
		case "simpleSecurityObject":
			return o, false
		}
	}
	name := e.Attrs["cn"]
	if kind == access.KindAccount {
		name = e.Attrs["uid"]
		o.Disabled = slices.Contains(e.Attrs["pwdAccountLockedTime"], "000001010000Z")
		if l.sh.attribute {
			o.Disabled = slices.Contains(e.Attrs["employeeType"], "disabled")
			if o.Disabled != strings.Contains(e.DN, ",ou=left,") {
				o.Attributes["where"] = e.DN // which nobody wants
			}
		}
	}
	o.ID = access.ID{Kind: kind, Name: strings.ToLower(name[0])}
	for _, a := range standard().attrs(kind) {
		values := slices.Clone(e.Attrs[a.name])
		slices.Sort(values)
		if len(values) > 0 && !(l.sh.attribute && a.name == "employeeType") {
			o.Attributes[a.name] = strings.Join(values, "\n")
		}
	}
	return o, true
}
