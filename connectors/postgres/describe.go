package postgres

import (
	"github.com/accordhq/accord/engine/access"
)

// The kinds of object, beside access.KindAccount.
const (
	kindRole      = "role"
	kindAttribute = "attribute"
	kindDatabase  = "database"
	kindSchema    = "schema"
	kindTables    = "tables"
)

// The attributes of objects.
const (
	attrComment     = "comment"          // of accounts
	attrLimit       = "connection_limit" // of accounts
	attrDescription = "description"      // of roles
)

// The permissions on roles, accounts and attributes. Those on the other kinds are levels.
const (
	permMember = "member"
	permAdmin  = "admin"
	permHas    = "has"
)

// describe is static; see the package's documentation for what the words mean.
func describe() access.Description {
	holders := []string{access.KindAccount, kindRole}
	membership := []access.Permission{
		{Name: permMember, Doc: "is a member"},
		{Name: permAdmin, Doc: "is a member WITH ADMIN OPTION: may give the membership to others", Admin: true},
	}
	return access.Description{
		Connector: "postgres",
		Summary:   "Roles, memberships and privileges of a PostgreSQL 15 to 18 server",
		Kinds: []access.Kind{
			{
				Name:     access.KindAccount,
				Verbatim: true,
				Doc:      "A role that may log in, or could until it was disabled; others may be members of it as of any role",
				Actions:  []access.Action{access.Create, access.Update, access.Rename, access.Disable, access.Enable, access.Delete},
				Attributes: []access.Attribute{
					{Name: attrComment, Doc: "the role's COMMENT"},
					{Name: attrLimit, Doc: "how many sessions it may have at a time; no limit if left out"},
				},
				Permissions: membership, Ordered: true, Usual: permMember, Subjects: holders,
			},
			{
				Name:        kindRole,
				Doc:         "A role that can't log in: a group of accounts and of other roles",
				Actions:     []access.Action{access.Create, access.Update, access.Rename, access.Delete},
				Attributes:  []access.Attribute{{Name: attrDescription, Doc: "the role's COMMENT"}},
				Permissions: membership, Ordered: true, Usual: permMember, Subjects: holders,
			},
			{
				Name:        kindAttribute,
				Doc:         "An attribute of roles: superuser, createrole, createdb, replication or bypassrls",
				Permissions: []access.Permission{{Name: permHas, Doc: "bears the attribute itself; attributes aren't inherited", Admin: true}},
				Usual:       permHas, Subjects: holders,
			},
			level(kindDatabase, "A database of the server"),
			level(kindSchema, "A schema of the connected database"),
			level(kindTables, "Everything like a table in a schema of the connected database, its sequences, and those that will be created"),
		},
		Settings: []access.Setting{
			{Name: "dsn", Doc: "Where the server is and who Accord is there: postgres://user:password@host:port/database?sslmode=verify-full, or keyword=value pairs; names host and user", Type: access.SettingSecret, Required: true},
			{Name: "handover", Doc: "The role that gets what a deleted account owns", Type: access.SettingText, Default: "the owner of the database"},
			{Name: "creators", Doc: "The roles whose future tables are covered by grants on tables/SCHEMA", Type: access.SettingTexts, Default: "the owners of the schema's tables, else the owner of the database"},
			{Name: "connect_timeout", Doc: "How long connecting may take", Type: access.SettingDuration, Default: defaultConnectTimeout.String()},
			{Name: "statement_timeout", Doc: "How long one statement may take, waiting for locks included", Type: access.SettingDuration, Default: defaultStatementTimeout.String()},
			{Name: "allow_insecure_tls", Doc: "Accept an sslmode that doesn't verify the server; the dsn must then name it", Type: access.SettingBool, Default: "false"},
		},
		// Everything runs under one lock of the server, so more at a time would only wait.
		Parallel: 1,
		Batch:    access.BatchAll,
		Remains: []access.Remnant{
			{Kind: access.RemnantSession, Text: "sessions are ended, unless Accord's role isn't a member of pg_signal_backend, or, for a superuser's, no superuser: then they go on, and a warning says so"},
			{Kind: access.RemnantOwned, Text: "what the role owns stays its own and goes on to work: functions that run as their owner, subscriptions, jobs of extensions"},
			{Kind: access.RemnantSecret, Text: "passwords of roles that several people use, and those in the configuration of poolers"},
		},
	}
}

// level describes a kind whose permissions are the steps of its ladder, each below its own
// incomplete form where it has one.
func level(kind, doc string) access.Kind {
	k := access.Kind{Name: kind, Doc: doc, Ordered: true, Usual: "read", Subjects: []string{access.KindAccount, kindRole}}
	for i, s := range ladderOf(kind, newestMajor) {
		if kind == kindTables || i > 0 {
			k.Permissions = append(k.Permissions, access.Permission{
				Name: partial(s.name), Doc: "something beyond the level below, but not all of " + s.name, ReadOnly: true,
			})
		}
		k.Permissions = append(k.Permissions, access.Permission{Name: s.name, Doc: s.doc})
	}
	return k
}
