package ldap

import (
	"slices"
	"time"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
)

// The kinds of object, beside access.KindAccount.
const (
	kindGroup = "group"
	kindPosix = "posixgroup"
	kindRole  = "role"
	kindEntry = "entry"
)

// The permissions on groups.
const (
	permMember  = "member"
	permPartial = "partial"
)

// flavour is one of the two sorts of directory.
type flavour struct {
	connector      string
	ad             bool
	accountName    string
	groupName      string
	accountRDN     string
	accountFilter  string
	accountClasses []string
	groupClass     string
	disableBy      disabling
	kinds          []string // those that can be created
	templates      map[string][]string
	accountAttrs   []attribute
	groupAttrs     map[string][]attribute
}

// attribute is one under management.
type attribute struct {
	name, doc string
	single    bool     // it has one value at most
	values    []string // what it may be; nil: anything
	computed  bool     // it is read from and written to something of another name
}

// Type is the connector for directories that follow the RFCs, OpenLDAP above all.
func Type() connectors.Type {
	f := standard()
	return connectors.Type{Name: f.connector, Describe: f.describe, Open: f.open}
}

// ActiveDirectory is the connector for Active Directory and Samba's domain controllers.
func ActiveDirectory() connectors.Type {
	f := activeDirectory()
	return connectors.Type{Name: f.connector, Describe: f.describe, Open: f.open}
}

// standard is the flavour of RFC 4519, RFC 2798 and RFC 2307.
func standard() *flavour {
	description := attribute{name: "description", doc: "what it is for"}
	number := attribute{name: "gidNumber", doc: "the number of the group", single: true}
	return &flavour{
		connector: "ldap", accountName: "uid", groupName: "cn", accountRDN: "uid",
		accountFilter:  "(|(objectClass=inetOrgPerson)(objectClass=posixAccount))",
		accountClasses: []string{"inetOrgPerson"},
		groupClass:     "groupOfNames",
		disableBy:      byPolicy,
		kinds:          []string{access.KindAccount, kindGroup, kindPosix, kindRole},
		templates: map[string][]string{
			access.KindAccount: {"cn={name}", "sn={name}"},
			kindPosix:          {"gidNumber={next:10000-59999}"},
		},
		accountAttrs: []attribute{
			{name: "cn", doc: "the whole name"},
			{name: "sn", doc: "the surname"},
			{name: "givenName", doc: "the first name"},
			{name: "displayName", doc: "the name to be shown", single: true},
			{name: "mail", doc: "the e-mail addresses"},
			{name: "title", doc: "the job title"},
			description,
			{name: "employeeNumber", doc: "the number that identifies the employee", single: true},
			{name: "employeeType", doc: "the kind of employment"},
			{name: "departmentNumber", doc: "the department"},
			{name: "o", doc: "the organisation"},
			{name: "ou", doc: "the organisational unit"},
			{name: "telephoneNumber", doc: "the telephone numbers"},
			{name: "mobile", doc: "the mobile telephone numbers"},
			{name: "uidNumber", doc: "posixAccount: the number of the user", single: true},
			{name: "gidNumber", doc: "posixAccount: the number of the primary group", single: true},
			{name: "homeDirectory", doc: "posixAccount: the home directory", single: true},
			{name: "loginShell", doc: "posixAccount: the login shell", single: true},
			{name: "gecos", doc: "posixAccount: the GECOS field, ASCII only", single: true},
		},
		groupAttrs: map[string][]attribute{
			kindGroup: {description}, kindRole: {description}, kindPosix: {description, number},
		},
	}
}

// describe is static; see the package's documentation for what the words mean.
func (f *flavour) describe() access.Description {
	everything := []access.Action{access.Create, access.Update, access.Rename, access.Disable, access.Enable, access.Delete}
	object := []access.Action{access.Create, access.Update, access.Rename, access.Delete}
	member := access.Permission{Name: permMember, Doc: "is a member"}
	d := access.Description{
		Connector: f.connector,
		Summary:   "Accounts, groups and memberships of an LDAP directory such as OpenLDAP",
		Parallel:  defaultConnections,
		Batch:     access.BatchTarget,
		Creates:   createsAtOnce,
		Kinds: []access.Kind{{Name: access.KindAccount, Folded: true, Doc: "An entry that people or programs log in with",
			Actions: everything, Attributes: declarable(f.accountAttrs)}},
	}
	holders := []string{access.KindAccount, kindGroup, kindEntry}
	if f.ad {
		d.Summary = "Accounts, groups and memberships of a domain of Active Directory"
		d.Kinds = append(d.Kinds, access.Kind{Name: kindGroup, Doc: "A security or distribution group", Actions: object,
			Attributes: declarable(f.groupAttrs[kindGroup]), Permissions: []access.Permission{member}, Usual: permMember, Subjects: holders})
	} else {
		d.Kinds = append(d.Kinds,
			access.Kind{Name: kindGroup, Doc: "A group of entries: groupOfNames, groupOfUniqueNames or groupOfMembers", Actions: object,
				Attributes: declarable(f.groupAttrs[kindGroup]), Ordered: true, Usual: permMember, Subjects: holders,
				Permissions: []access.Permission{
					{Name: permPartial, Doc: "is named by one of member and memberUid, of a group that has both", ReadOnly: true}, member}},
			access.Kind{Name: kindPosix, Doc: "A posixGroup, whose members are names of accounts", Actions: object,
				Attributes: declarable(f.groupAttrs[kindPosix]), Permissions: []access.Permission{member}, Usual: permMember,
				Subjects: []string{access.KindAccount, kindEntry}},
			access.Kind{Name: kindRole, Doc: "An organizationalRole and its occupants", Actions: object,
				Attributes: declarable(f.groupAttrs[kindRole]), Permissions: []access.Permission{member}, Usual: permMember, Subjects: holders})
	}
	d.Kinds = append(d.Kinds, access.Kind{Name: kindEntry,
		Doc: "Any other entry that is a member of something, by its DN: outside the bases, of another class, or gone"})
	d.Settings = f.settings()
	d.Remains = f.remains()
	return d
}

// remains are what a directory can't end. The lifetime of tickets is the default of a domain's
// Kerberos policy (MaxTicketAge, MaxServiceAge in [MS-GPSB] 2.2.1.3).
func (f *flavour) remains() []access.Remnant {
	out := []access.Remnant{
		{Kind: access.RemnantSession, Text: "connections that are bound stay so until they are closed, and so do sessions of programs that asked the directory when they began"},
		{Kind: access.RemnantKey, Text: "public keys, certificates and tokens, where a program takes them without asking whether the account is locked"},
	}
	if f.ad {
		out = append(out,
			access.Remnant{Kind: access.RemnantSession, Text: "Kerberos tickets for services are honoured until they end, by the domain's policy", Ends: 10 * time.Hour},
			access.Remnant{Kind: access.RemnantSession, Text: "machines that are offline go on to accept the last sign-in that they remember"})
	}
	return append(out, access.Remnant{Kind: access.RemnantSecret, Text: "passwords of shared and service accounts"})
}

func declarable(all []attribute) []access.Attribute {
	out := make([]access.Attribute, len(all))
	for i, a := range all {
		out[i] = access.Attribute{Name: a.name, Doc: a.doc}
	}
	return out
}

// settings are the keys of `config:`.
func (f *flavour) settings() []access.Setting {
	text := func(name, doc, def string, values ...string) access.Setting {
		return access.Setting{Name: name, Doc: doc, Type: access.SettingText, Default: def, Values: values}
	}
	texts := func(name, doc, def string) access.Setting {
		return access.Setting{Name: name, Doc: doc, Type: access.SettingTexts, Default: def}
	}
	required := func(s access.Setting) access.Setting { s.Required = true; return s }
	all := []access.Setting{
		required(text("url", "Where the server is: ldaps://host, ldap://host:port, or ldapi:///path/to/socket", "")),
		{Name: "start_tls", Doc: "Encrypt ldap:// by StartTLS", Type: access.SettingBool},
		{Name: "ca_file", Doc: "The certificates (PEM) that the server's is verified against, instead of the system's", Type: access.SettingPath},
		{Name: "allow_plaintext", Doc: "Let the password go over a network unencrypted", Type: access.SettingBool},
		text("bind_dn", "Who Accord is there: the DN of its own entry", ""),
		{Name: "password", Doc: "The password of that entry", Type: access.SettingSecret},
		required(text("base", "The DN below which everything lies that Accord looks at", "")),
		text("account_base", "The DN below which accounts are, and right below which new ones are made", "base"),
		text("group_base", "The DN below which groups are, and right below which new ones are made", "base"),
		text("disabled_base", "The DN right below which disabled accounts are moved; left out, they stay where they are", ""),
		text("account_filter", "Which entries are accounts", f.accountFilter),
		text("group_filter", "Which groups are looked at, beside their class", ""),
		text("account_name", "The attribute that holds the names of accounts", f.accountName),
		text("account_rdn", "The attribute that names the entries of new accounts", f.accountRDN),
		texts("account_template", "The attributes of new accounts that aren't declared, as attribute=text with {name}, {ATTRIBUTE} and {next:LOW-HIGH}", ""),
		texts("group_template", "The same for new groups", ""),
		text("referrals", "What referrals to other servers mean: that part is unknown, or it is left out", "unknown", "unknown", "ignore"),
		text("nested_groups", "Whether members of a group that is a member of another are reported as implied members of that", "resolve", "resolve", "ignore"),
		{Name: "page_size", Doc: "How many entries to ask for at a time; halved by itself if the server allows fewer", Type: access.SettingNumber, Default: "500"},
		{Name: "connections", Doc: "How many connections to use at most", Type: access.SettingNumber, Default: "6"},
		{Name: "timeout", Doc: "How long the server may take for one answer", Type: access.SettingDuration, Default: "1m"},
	}
	if f.ad {
		return append(all, text("upn_suffix", "What follows the @ in userPrincipalName of new accounts", "the domain's name"))
	}
	return append(all,
		text("sasl", "external: be who the server takes the client's process for (ldapi:// only)", "", "external"),
		texts("account_classes", "The object classes of new accounts", "inetOrgPerson"),
		text("group_class", "The object class of new groups", "groupOfNames", "groupOfNames", "groupOfUniqueNames", "groupOfMembers"),
		texts("posixgroup_template", "The same for new groups of kind posixgroup", "gidNumber={next:10000-59999}"),
		texts("posixgroup_classes", "The object classes of new groups of kind posixgroup; where posixGroup is auxiliary, another one beside it", "posixGroup"),
		texts("role_template", "The same for new groups of kind role", ""),
		texts("placeholders", "DNs that stand for nobody where a group must have a member, refint_nothing among them; the first is the one that Accord uses", "cn=accord-empty-group below group_base"),
		text("disable", "How accounts are disabled: locked by the password policy, or by an attribute", "ppolicy", "ppolicy", "attribute"),
		text("password_policy", "The DN of the policy that applies to accounts that name none of their own (ppolicy_default)", ""),
		text("disabled_value", "attribute=value that disables an account", ""),
		text("enabled_value", "attribute=value that an enabled account gets instead; left out, the value is only removed", ""),
	)
}

// attrs are the attributes of a kind.
func (f *flavour) attrs(kind string) []attribute {
	if kind == access.KindAccount {
		return f.accountAttrs
	}
	return f.groupAttrs[kind]
}

// attr is one attribute of a kind.
func (f *flavour) attr(kind, name string) (attribute, bool) {
	all := f.attrs(kind)
	i := slices.IndexFunc(all, func(a attribute) bool { return a.name == name })
	if i < 0 {
		return attribute{}, false
	}
	return all[i], true
}
