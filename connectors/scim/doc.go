// Package scim is the connector of services that are provisioned by SCIM 2.0 (RFC 7643, RFC
// 7644): most hosted applications with single sign-on, and some directories.
//
//	system: wiki
//	connector: scim
//	owners: [it]
//	config:
//	  base_url: https://wiki.acme.example/scim/v2
//	  token: {env: WIKI_SCIM_TOKEN}
//	accounts:
//	  name: "{email}"
//	  attributes: {displayName: "{name}", email: "{email}", externalId: "{person}", department: "{attributes.department}"}
//	resources:
//	  group/sre: {}
//	mode: authoritative
//	manage: [group/*, role/editor]
//
//	grant: wiki
//	to: [{group: sre}]
//	access: {wiki: [group/sre, role/editor]}
//
// # Settings
//
// base_url is the address below which Users and Groups are found: https, with the server's
// certificate verified by the system's authorities or those of ca_file; plain http only to this
// machine. One way to log in is named: token (bearer), user and password (basic), or token_url,
// client_id, client_secret and scopes (OAuth client credentials; the access token is kept in
// memory until it expires). proxy is an HTTP proxy, page_size how much is asked for at a time,
// and profile whose service it is (see below).
//
// The token needs read and write access to users and groups. Without the right to write, Accord
// can still plan; the error of an apply names what is missing, if the service says so.
//
// # Kinds
//
//   - account: a User, named by its userName. A userName has no case (RFC 7643 §4.1.1), so it is
//     shown and written in lower case. Disabled means that active is false; sessions that are
//     open are the service's to end, SCIM has no word for them.
//   - group: a Group, named by its displayName, exactly. Accounts and, where the service nests
//     groups, groups are members. Two groups of one name are told apart as "NAME (id:ID)".
//   - role, entitlement: the values of the user's attributes roles and entitlements. Those that
//     the service's schema names are shown as objects; others can be granted all the same.
//
// A user or group whose name can't be declared (none at all, control characters) is shown as
// "(id:ID)", reserved: it is seen and never touched. Users whose names differ by case only are
// unknown until that is put right.
//
// # Attributes
//
// Attributes are named as the RFC names them, without the attribute or extension that they
// stand in: displayName, givenName, familyName, middleName, nickName, title, userType,
// preferredLanguage, locale, timezone, externalId, of the enterprise extension employeeNumber,
// costCenter, organization, division, department and manager (the manager's id on the service),
// and email: the address that is marked primary, or the only one. Other addresses, and all
// that isn't named here, stay as they are. Groups have externalId.
//
// # How it reads
//
// ServiceProviderConfig, ResourceTypes and Schemas are read once in a connector's life; what a
// service doesn't say is as the RFC has it. Listings are walked by position, or by cursor
// (RFC 9865) where that is the service's way, and believed only if they hold together: as many
// resources as totalResults says, none twice, the total the same on each page. One that changed
// meanwhile is read again.
//
// A named user is found by a filter on userName. Since services differ in what their filters
// find (case, escapes), nobody is said to be gone on the word of a filter: then all names are
// listed. The groups of a user are found by reading all groups, for the same reason. Members
// that are nobody, as services leave them behind when a user is deleted, are passed over.
//
// # How it writes
//
// Each change is checked on the resource as it is now, and written by PATCH with a path; by PUT
// of the whole resource where the service has no PATCH. Where it has entity tags the write is
// refused (connectors.ErrConflict) if the resource was changed in between; elsewhere that
// window, a few milliseconds, stays open. What isn't understood of a resource survives a PUT; what
// the service doesn't show can't.
//
// All changes of one group's members are one PATCH (access.BatchTarget), at most 500 members,
// which services take whole or not at all. The ids of the members come from the last listing
// if that is less than two minutes old, so a change of n members costs two calls. Roles and
// entitlements stand on the users, so a batch of those is a write for each user; if one fails,
// those before it are undone, and if that fails as well the outcome is unknown.
//
// Bulk (RFC 7644 §3.7) isn't used: it isn't atomic, it stops or goes on at an error, and a lost
// reply would leave many changes unknown at once.
//
// A PATCH of members is not repeated when its reply was lost: some services would note a member
// twice. A DELETE is.
//
// # Profiles
//
// Services announce little of what they do differently. A profile says it for them; profiles.go
// has the source of each line.
//
//   - standard: as the RFC has it.
//   - okta: services built to what Okta sends. Users are changed by PUT; never deleted.
//   - entra: Microsoft Entra ID's own SCIM API. Users can't be created (that takes a password);
//     groups don't show their members, which costs a query for each user; a PATCH adds at most
//     20 members or removes one.
//   - entra-client: services built to what Entra ID sends. active is a text; members are removed
//     by a list of values.
//   - slack: DELETE only deactivates a user.
//   - github: GitHub Enterprise with managed users. New users need externalId, displayName and
//     email, new groups externalId; no filters in paths. Deleting a user can't be undone there.
//   - github-org: an organisation on GitHub. No groups; disabling would delete.
//   - gitlab, gitlab-group: an instance of GitLab, a group on GitLab.com. No groups; only
//     externalId can be changed; an instance blocks instead of deleting, and in a group
//     disabling would remove the identity.
//   - zoom: users are changed by PUT, and (de)activated by PATCH.
//
// What a profile excludes is refused with connectors.ErrUnsupported and a hint: with deletion
// that only deactivates, set accounts.leaver: disable; with deactivation that deletes, set
// accounts.leaver: delete.
package scim
