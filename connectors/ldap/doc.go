// Package ldap connects Accord to directories: OpenLDAP and others that follow the RFCs
// (`connector: ldap`), and Active Directory with Samba's domain controllers
// (`connector: activedirectory`). Each refuses to work with a server of the other sort.
//
//	system: directory
//	connector: ldap
//	config:
//	  url: ldaps://ldap.acme.example
//	  ca_file: pki/ca.pem
//	  bind_dn: cn=accord,dc=acme,dc=example
//	  password: {env: LDAP_PASSWORD}
//	  base: dc=acme,dc=example
//	  account_base: ou=people,dc=acme,dc=example
//	  group_base: ou=groups,dc=acme,dc=example
//	  password_policy: cn=default,ou=policies,dc=acme,dc=example
//
// In a domain bind_dn may be a user principal name, and a password goes over an encrypted
// connection only:
//
//	connector: activedirectory
//	config:
//	  url: ldaps://dc1.ad.acme.example
//	  bind_dn: accord@ad.acme.example
//	  password: {env: AD_PASSWORD}
//	  base: DC=ad,DC=acme,DC=example
//	  account_base: OU=Staff,DC=ad,DC=acme,DC=example
//	  group_base: OU=Groups,DC=ad,DC=acme,DC=example
//	  disabled_base: OU=Left,OU=Staff,DC=ad,DC=acme,DC=example
//
// # What the words mean
//
//	kind        what it is in the directory                            permissions
//	account     an entry that fits account_filter and has a name       -
//	group       groupOfNames, groupOfUniqueNames, groupOfMembers       (partial,) member
//	posixgroup  posixGroup of RFC 2307, which names accounts           member
//	role        organizationalRole and its roleOccupant                member
//	entry       any other entry that is a member of something          -
//
// In Active Directory there are account, group and entry. All kinds of group but posixgroup
// can have groups as members; what follows from nesting is implied (nested_groups), and so is
// membership in an account's primary group (gidNumber, primaryGroupID), which can't be revoked.
//
//   - An account's name is its uid (setting account_name), in Active Directory sAMAccountName,
//     as is a group's; elsewhere that is its cn. Names are unique below the bases, without
//     regard to case and spaces, which is how directories compare them; Accord writes them in
//     lower case. Two entries with one name are twins: nothing is known of that name until one
//     is renamed or a base or filter leaves it out. The same goes for an entry with several
//     names of which none stands in its DN.
//   - Where a group's entry is a posixGroup too (draft-howard-rfc2307bis) it is of kind group,
//     and its accounts are members in both member and memberUid. One that is in one of them
//     holds partial, which can't be wished for: a wish for member completes it.
//   - Members outside the bases, of other classes, or gone are of kind entry, by their DN, or
//     memberuid=NAME where a group names an account that isn't there. They can be revoked. The
//     DNs of the setting placeholders stand for nobody and are left out.
//   - Attributes with several values are written one to a line, in any order.
//   - An object's native id is its entryUUID, or its objectGUID.
//
// # Creating
//
// A new account gets the classes of account_classes and lies right below account_base, named by
// the attribute account_rdn. What isn't declared comes from account_template, a list of
// attribute=text with {name}, {ATTRIBUTE} of those that are declared, and {next:LOW-HIGH}: the
// number after the highest in use in that span, or when that is full the lowest free one. Of
// several lines for one attribute the first that can be filled in counts.
//
//	account_classes: [inetOrgPerson, posixAccount]
//	account_template: ["cn={givenName} {sn}", "cn={name}", "sn={name}", "uidNumber={next:10000-59999}",
//	                   "gidNumber=100", "homeDirectory=/home/{name}", "loginShell=/bin/bash"]
//
// A groupOfNames or groupOfUniqueNames is never empty: new ones get the first DN of
// placeholders, and so does one that loses its last member. Where the overlay memberof refuses
// members that aren't there (memberof-dangling error), let that be an entry that nobody can use.
// If the overlay refint has a refint_nothing, list that DN too.
//
// New accounts have no password; giving them one is somebody else's business. A domain doesn't
// let an account in use be without: there a new one gets a random password that is kept nowhere.
//
// # Disabling
//
//   - disable: ppolicy locks the account by pwdAccountLockedTime 000001010000Z. The server lets
//     locked accounts in all the same unless a password policy with pwdLockout TRUE applies to
//     them. No client can ask which one that is, so name the server's default (ppolicy_default)
//     in password_policy; an entry's own pwdPolicySubentry counts before it. Where none applies
//     disabling is refused, and a lock is not taken for one.
//   - disable: attribute adds disabled_value, such as nsAccountLock=TRUE or
//     loginShell=/usr/sbin/nologin, and removes it again for enabled_value, if there is one. That
//     attribute can't be declared then.
//   - In a domain it is a bit of userAccountControl.
//
// With disabled_base disabled accounts are moved right below that, and back below account_base
// when they are enabled. Connections that are open stay so: the protocol has no means to end
// them.
//
// # What can't be seen
//
// An answer that a limit of the server cut short (results 3, 4 and 11) is an error, never a short
// list; pages are halved until the server takes them. Give Accord's account room:
// size.prtotal=unlimited in OpenLDAP. Referrals to other servers aren't followed, since the
// credential is for this one: what they cover is unknown, or, with referrals: ignore, left out.
// Members are read from the groups themselves, also for a single account; memberOf is kept by an
// overlay that may be missing or late, and nothing is concluded from it. An entry that the
// rights hide can't be told from one that isn't there: see below which rights it takes.
//
// # Applying
//
// All changes of a group's members in a batch are one modify. Other changes are made on the
// entry as it was read: by the assertion control (RFC 4528) where the server has it, else by
// naming the values that are to go. Renaming, moving and deleting see to the groups below the
// base that name the entry, with or without the overlay refint; that takes several requests, and
// if the connection is lost between them the rest is done over a new one. Entries that have
// others below them can't be deleted.
//
// Reserved are Accord's own entry and, in a domain, what belongs to it: everything with a
// relative identifier below 1000 (Administrator, krbtgt, Domain Admins, …), everything of
// BUILTIN, and critical system objects. They can be granted, and that is all.
//
// # Rights
//
// To read, the account needs to see entry, objectClass, entryUUID, the names, the attributes
// listed by `accord connectors`, members, and of the lock pwdAccountLockedTime and
// pwdPolicySubentry; of the policy pwdLockout, and of the naming context entryUUID. To write in
// OpenLDAP:
//
//	olcAccess: to dn.subtree="ou=people,dc=acme,dc=example" attrs=userPassword
//	  by self write by anonymous auth by * none
//	olcAccess: to dn.subtree="ou=people,dc=acme,dc=example"
//	  by dn.exact="cn=accord,dc=acme,dc=example" write by users read
//	olcAccess: to dn.subtree="ou=groups,dc=acme,dc=example"
//	  by dn.exact="cn=accord,dc=acme,dc=example" write by users read
//	olcAccess: to *
//	  by dn.exact="cn=accord,dc=acme,dc=example" read by anonymous auth by * none
//	olcLimits: dn.exact="cn=accord,dc=acme,dc=example" size.pr=1000 size.prtotal=unlimited
//
// It needs no passwords, not even to read. In a domain delegate to it, on the OUs of accounts and
// groups: create, delete and move user and group objects, write their properties, and reset
// passwords (for new accounts). Members of protected groups such as Domain Admins are guarded by
// AdminSDHolder, which takes such rights away every hour; there the error says so.
//
// # Connection and identity
//
// Use ldaps://, or ldap:// with start_tls; the server's certificate is verified against ca_file
// or the system's. An unencrypted connection is refused (loopback aside) unless allow_plaintext
// is set, and by a domain in any case (result 8). Over ldapi:// sasl: external takes the place of
// a password. Up to six connections are used (connections).
//
// The identity is the naming context with its entryUUID, or the domain with its objectGUID, and
// so the same on all replicas.
//
// Active Directory gives at most 1,500 members at a time, and Accord asks for the rest. In
// account_filter and group_filter every filter of RFC 4515 may stand, such as
// (memberOf=cn=staff,…) or (!(employeeType=robot)).
package ldap
