// Package postgres connects Accord to the roles, memberships and privileges of a PostgreSQL
// server, versions 15 to 18.
//
// # What the words mean
//
//	kind       what it is on the server                     permissions, lowest first
//	account    a role that may log in, or was disabled      member, admin
//	role       a role that may not log in: a group          member, admin
//	attribute  superuser, createrole, createdb,             has
//	           replication, bypassrls
//	database   any database of the server                   read, write, all
//	schema     a schema of the connected database           read, all
//	tables     tables/SCHEMA: what is like a table in it    read, write, all
//
// All of them can be held by accounts and by roles. Only accounts and roles can be created,
// changed, renamed and deleted; the rest is there or isn't.
//
// An account is a role that has LOGIN or a VALID UNTIL; a role has neither. VALID UNTIL is the
// end of a password's life and says nothing of a group, so it marks an account whose LOGIN was
// taken away. Accord gives VALID UNTIL 'infinity', which changes nothing else, to each account
// that it creates, and on disabling to those that have none. Whoever disables an account by
// hand should do the same: a bare NOLOGIN on an account without VALID UNTIL makes a role of
// it, and Accord then says that the account is gone and that its name is taken.
//
//   - Attributes of accounts are comment (COMMENT ON ROLE) and connection_limit; of roles,
//     description (COMMENT ON ROLE). A limit of -1 and an empty comment are the same as none.
//   - New accounts have no password; giving them a credential is somebody else's business.
//   - member is a membership, admin one WITH ADMIN OPTION. Login roles can have members too,
//     so accounts are targets as roles are. What follows from nesting is implied, at level
//     member, whatever the INHERIT and SET options of the memberships on the way. From version
//     16 on several grantors can each have given one membership: it is reported once, and
//     revoked from all of them.
//   - An attribute isn't inherited by members; superuser implies all of them and isn't reported
//     as the others.
//
// # Levels of privileges
//
//	           read       write                            all
//	database   CONNECT    CONNECT, TEMPORARY               CONNECT, TEMPORARY, CREATE
//	schema     USAGE      -                                USAGE, CREATE
//	tables     SELECT     SELECT, INSERT, UPDATE, DELETE   every privilege (MAINTAIN from 17 on)
//	sequences  SELECT     SELECT, USAGE                    SELECT, USAGE, UPDATE
//
// tables/SCHEMA covers tables, partitioned tables, views, materialized views and foreign tables
// of the schema, its sequences (as the last line says), and by default privileges what the
// creators will create there. The creators are those of the setting of that name, else the
// owners of the schema's tables, else the owner of the database; and whoever already has
// default privileges in the schema for the holder. So a holder keeps its level when a creator
// makes a table, and drops below it when somebody else does, which the next plan then shows.
// It needs USAGE on the schema beside it.
//
// Where somebody holds part of a level, Read reports the level partial-X, just below X: some
// privilege beyond the level below X, but not all of X on everything, and nothing beyond X. It
// can't be wished for. To go from it to a lower level is a removal even where that level has to
// be completed on the way; to go to X itself only adds.
//
// What counts as held is what is granted to the holder by name, with or without GRANT OPTION.
// These don't count:
//
//   - what PUBLIC has, and everybody thereby;
//   - what the owner of a database, schema or table has: that is reported as implied ("all" on
//     everything that is owned, partial-all on the tables of a schema of which some are). The
//     level of somebody who owns some tables is that on the others;
//   - privileges on single columns (which go with those on the table when these are revoked);
//   - default privileges of no schema, which are reported as implied on the tables of each;
//   - anything in the schemas of PostgreSQL itself (pg_…, information_schema), and on functions,
//     types, languages, foreign servers, tablespaces and parameters.
//
// A revocation also takes the grant option. It takes what other grantors gave, in their name
// (SET ROLE); that needs membership in them. It fails, changing nothing, where the holder has
// passed the privilege on: what others hold by way of it must go first. Memberships are
// different: those that a former administrator gave are given anew by Accord, and stay.
//
// # What is never changed
//
// Reserved are the roles pg_…, the superuser that initdb made, Accord's own account and the
// pseudo-targets of kind attribute. They can be targets, and that is all. From version 16 on
// the server makes whoever creates a role an administrator of it; where that is Accord it is
// left out of what is read.
//
// # Applying
//
// Everything in a call is one transaction, under an advisory lock that all Accord writers of
// the database take, and what is planned upon is looked at under the lock. Two systems of one
// server (in different databases) don't share the lock; if they change the same role at the
// same moment, one is refused with ErrConflict. Statements of a kind are merged, so that a
// batch costs about what the same SQL by hand costs.
//
//   - Disable takes LOGIN away and then ends the account's sessions, in all databases. That
//     takes membership in pg_signal_backend (and superuser for a superuser's sessions); without
//     it the account is disabled all the same, and a warning is logged that its sessions go
//     on. Other accounts that are members of it can still SET ROLE to it. Enable gives LOGIN
//     back and leaves passwords and VALID UNTIL alone.
//   - Delete hands what the role owns to the role in the setting handover (else, in each
//     database, to the database's owner), revokes what it holds and drops it, in one
//     transaction; its sessions are ended before. If it owns or holds something in other
//     databases of the server, Accord goes there with the same credential. That is tried
//     everywhere first; then the login is taken away, and each database has a transaction of
//     its own. Such a deletion can't be part of a batch. It is refused if the role has passed
//     on privileges on databases, schemas, relations, columns, functions or types, which would
//     go with it; what it passed on of other things does go. Memberships that it gave stay.
//   - Rename keeps everything but a password that is hashed with MD5, which PostgreSQL clears.
//   - A batch that deletes very many roles can exceed the server's lock table
//     (max_locks_per_transaction); it then fails as a whole, and smaller ones work.
//
// # Identity and connection
//
// The identity is "postgres SYSTEM-IDENTIFIER/DATABASE". A physical copy of a server (made from
// a base backup or a snapshot) has the same system identifier and so the same identity. If
// Accord may not call pg_control_system, host and port of the connection stand in its place.
//
// Over a network the connection must verify the server: sslmode=verify-full, or verify-ca. For
// another sslmode both the DSN must name it and the setting allow_insecure_tls be set. Loopback
// addresses and Unix sockets are exempt. Nothing is taken from PG… environment variables, from
// .pgpass, or from a service file. Connect to the server itself or to a pooler in session mode:
// session settings and advisory locks don't survive a pooler in transaction mode.
//
// A connector that is opened for reading only has sessions in which default_transaction_read_only
// is on, and every Read is a read-only transaction.
//
// What Accord's account needs: to read, nothing but a login. To write as a superuser, nothing
// else. Otherwise CREATEROLE (from version 16 on with ADMIN OPTION on the roles it is to
// manage), membership in the owners of the schemas, tables and databases and in the creators,
// and pg_signal_backend.
package postgres
