package scim

import (
	"slices"
	"time"

	"github.com/accordhq/accord/engine/access"
)

// The kinds besides accounts.
const (
	kindGroup       = "group"
	kindRole        = "role"
	kindEntitlement = "entitlement"
)

// The permissions.
const (
	permMember = "member"
	permHas    = "has"
)

// parallel is how many changes are carried out at a time.
const parallel = 4

// settle is how long a write may stay invisible. The protocol promises nothing; hosted
// directories answer from replicas.
const settle = 10 * time.Second

// The schemas (RFC 7643 §8.7, RFC 7644 §8).
const (
	schemaUser       = "urn:ietf:params:scim:schemas:core:2.0:User"
	schemaGroup      = "urn:ietf:params:scim:schemas:core:2.0:Group"
	schemaEnterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	schemaPatch      = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
)

// attribute is one attribute of a user or a group that can be declared.
type attribute struct {
	name, doc string
	// path leads to it in the resource; its parts are joined by "." in a PATCH, and an
	// extension's schema by ":".
	path []string
	// inside is the sub-attribute that bears the value of a complex one that is written whole.
	inside string
}

// The attributes with rules of their own.
const (
	attrEmail      = "email"
	attrExternalID = "externalId"
)

// userAttributes are named as RFC 7643 names them, without the complex attribute or the
// extension that they stand in.
func userAttributes() []attribute {
	core := func(name, doc string) attribute { return attribute{name: name, doc: doc, path: []string{name}} }
	name := func(name, doc string) attribute {
		return attribute{name: name, doc: doc, path: []string{"name", name}}
	}
	work := func(name, doc string) attribute {
		return attribute{name: name, doc: doc, path: []string{schemaEnterprise, name}}
	}
	return []attribute{
		core("displayName", "The name that is shown"),
		name("givenName", "First name (name.givenName)"),
		name("familyName", "Last name (name.familyName)"),
		name("middleName", "Middle name (name.middleName)"),
		{name: attrEmail, doc: "The address that is marked primary, or the only one (emails)"},
		core("nickName", "How the person is called"),
		core("title", "Job title"),
		core("userType", "Relation to the organisation, as Contractor or Employee"),
		core("preferredLanguage", "Language, as de or en-US"),
		core("locale", "Region for dates and numbers, as en-US"),
		core("timezone", "Time zone, as Europe/Berlin"),
		core(attrExternalID, "The identifier that the provisioning side gives"),
		work("employeeNumber", "Number in the organisation (enterprise extension, as all below)"),
		work("costCenter", "Cost centre"),
		work("organization", "Organisation"),
		work("division", "Division"),
		work("department", "Department"),
		{name: "manager", doc: "The manager's SCIM id (manager.value)", path: []string{schemaEnterprise, "manager"}, inside: "value"},
	}
}

func groupAttributes() []attribute {
	return []attribute{{name: attrExternalID, doc: "The identifier that the provisioning side gives", path: []string{attrExternalID}}}
}

func attributesOf(kind string) []attribute {
	switch kind {
	case access.KindAccount:
		return userAttributes()
	case kindGroup:
		return groupAttributes()
	}
	return nil
}

func attributeOf(kind, name string) (attribute, bool) {
	all := attributesOf(kind)
	i := slices.IndexFunc(all, func(a attribute) bool { return a.name == name })
	if i < 0 {
		return attribute{}, false
	}
	return all[i], true
}

// describe is static; see the package's documentation for what the words mean.
func describe() access.Description {
	attributes := func(kind string) (out []access.Attribute) {
		for _, a := range attributesOf(kind) {
			out = append(out, access.Attribute{Name: a.name, Doc: a.doc})
		}
		return out
	}
	has := func(kind, doc string) access.Kind {
		return access.Kind{
			Name: kind, Doc: doc, Open: true, Usual: permHas,
			Permissions: []access.Permission{{Name: permHas, Doc: "stands among the values"}},
		}
	}
	return access.Description{
		Connector: "scim",
		Summary:   "Users, groups, roles and entitlements of a SCIM 2.0 service (RFC 7643, RFC 7644)",
		Kinds: []access.Kind{
			{
				Name:       access.KindAccount,
				Folded:     true,
				Doc:        "A User, named by its userName in lower case; disabled means active is false",
				Actions:    []access.Action{access.Create, access.Update, access.Rename, access.Disable, access.Enable, access.Delete},
				Attributes: attributes(access.KindAccount),
			},
			{
				Name:        kindGroup,
				Doc:         "A Group, named by its displayName",
				Actions:     []access.Action{access.Create, access.Update, access.Rename, access.Delete},
				Attributes:  attributes(kindGroup),
				Permissions: []access.Permission{{Name: permMember, Doc: "is among the members"}},
				Usual:       permMember,
				Subjects:    []string{access.KindAccount, kindGroup},
			},
			has(kindRole, "A value of the user's attribute roles"),
			has(kindEntitlement, "A value of the user's attribute entitlements"),
		},
		Settings: settings(),
		Parallel: parallel,
		Settle:   settle,
		Batch:    access.BatchTarget,
		Remains: []access.Remnant{
			{Kind: access.RemnantSession, Text: "sessions that are open: SCIM can't end them; whether the service does when it deactivates a user is its own affair"},
			{Kind: access.RemnantKey, Text: "API tokens, SSH keys and authorised apps of the user: SCIM doesn't know them; whether they work for a deactivated user is the service's own affair"},
			{Kind: access.RemnantSecret, Text: "tokens and webhooks of teams and integrations that the user could see"},
		},
	}
}

func settings() []access.Setting {
	return []access.Setting{
		{Name: "base_url", Doc: "Where Users and Groups are found, as https://api.acme.example/scim/v2", Type: access.SettingText, Required: true},
		{Name: "profile", Doc: "Whose service it is, for what it does differently", Type: access.SettingText, Default: profileStandard, Values: profileNames()},
		{Name: "token", Doc: "Bearer token", Type: access.SettingSecret},
		{Name: "user", Doc: "User for basic authentication", Type: access.SettingText},
		{Name: "password", Doc: "Password for basic authentication", Type: access.SettingSecret},
		{Name: "token_url", Doc: "Where OAuth tokens are had (client credentials)", Type: access.SettingText},
		{Name: "client_id", Doc: "OAuth client", Type: access.SettingText},
		{Name: "client_secret", Doc: "Secret of the OAuth client", Type: access.SettingSecret},
		{Name: "scopes", Doc: "OAuth scopes", Type: access.SettingTexts},
		{Name: "page_size", Doc: "How many resources to ask for at a time", Type: access.SettingNumber, Default: "200, or what the service allows"},
		{Name: "proxy", Doc: "HTTP proxy, without a password", Type: access.SettingText},
		{Name: "ca_file", Doc: "Certificates (PEM) that the service is verified with", Type: access.SettingPath},
	}
}
