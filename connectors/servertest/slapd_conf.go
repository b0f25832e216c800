//go:build unix

package servertest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// slapdConf is the server's configuration. Its own configuration database is there to be
// changed by tests (see Config); the numbers of the databases are {1} and {2}.
func slapdConf(dir, cert, key string, bis bool) string {
	schema := "include /etc/ldap/schema/nis.schema"
	if bis {
		schema = slapdSchemaBis
	}
	return strings.NewReplacer("SCHEMA", schema, "DIR", dir, "CERT", cert, "KEY", key, "SUFFIX", SlapdSuffix, "PLAIN", SlapdPlainSuffix,
		"ADMIN", slapdAdmin, "ROOTPW", slapdAdminPW, "SVC", SlapdService, "POLICY", SlapdPolicy).Replace(`
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
SCHEMA
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload memberof
moduleload refint
moduleload unique
moduleload ppolicy
pidfile DIR/slapd.pid
argsfile DIR/slapd.args
TLSCertificateFile CERT
TLSCertificateKeyFile KEY
TLSProtocolMin 3.3
threads 4
authz-regexp "gidNumber=[0-9]*\\+uidNumber=[0-9]*,cn=peercred,cn=external,cn=auth" "SVC"

database config
rootdn "cn=config"
rootpw ROOTPW

database mdb
suffix "SUFFIX"
rootdn "ADMIN"
rootpw ROOTPW
directory DIR/db
maxsize 1073741824
dbnosync
index objectClass eq
index uid,cn,mail,member,memberOf,uniqueMember,roleOccupant,memberUid,uidNumber,gidNumber,entryUUID,entryCSN eq
limits * size.soft=100 size.hard=500 size.pr=50 size.prtotal=unlimited
access to attrs=userPassword by self write by anonymous auth by dn.exact="SVC" write by * none
access to * by dn.exact="SVC" write by users read by * none
overlay memberof
memberof-group-oc groupOfNames
memberof-member-ad member
memberof-refint TRUE
overlay refint
refint_attributes member memberOf uniqueMember roleOccupant
refint_nothing "SVC"
overlay unique
unique_uri ldap:///ou=people,SUFFIX?uid?sub
overlay ppolicy
ppolicy_default "POLICY"

database mdb
suffix "PLAIN"
rootdn "ADMIN"
directory DIR/plain
maxsize 1073741824
dbnosync
index objectClass eq
index uid,cn,member,uniqueMember,roleOccupant,memberUid,uidNumber,gidNumber,entryUUID,entryCSN eq
limits * size=unlimited
access to attrs=userPassword by self write by anonymous auth by dn.exact="SVC" write by * none
access to * by dn.exact="SVC" write by users read by * none
`)
}

// slapdSchemaBis is what matters of the schema of draft-howard-rfc2307bis: posixGroup goes
// beside another class, so that a group can have member and memberUid. The server itself brings
// uidNumber and gidNumber.
const slapdSchemaBis = `attributetype ( 1.3.6.1.1.1.1.2 NAME 'gecos' EQUALITY caseIgnoreIA5Match SUBSTR caseIgnoreIA5SubstringsMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.26 SINGLE-VALUE )
attributetype ( 1.3.6.1.1.1.1.3 NAME 'homeDirectory' EQUALITY caseExactIA5Match SYNTAX 1.3.6.1.4.1.1466.115.121.1.26 SINGLE-VALUE )
attributetype ( 1.3.6.1.1.1.1.4 NAME 'loginShell' EQUALITY caseExactIA5Match SYNTAX 1.3.6.1.4.1.1466.115.121.1.26 SINGLE-VALUE )
attributetype ( 1.3.6.1.1.1.1.12 NAME 'memberUid' EQUALITY caseExactIA5Match SUBSTR caseExactIA5SubstringsMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.26 )
objectclass ( 1.3.6.1.1.1.2.0 NAME 'posixAccount' SUP top AUXILIARY MUST ( cn $ uid $ uidNumber $ gidNumber $ homeDirectory ) MAY ( userPassword $ loginShell $ gecos $ description ) )
objectclass ( 1.3.6.1.1.1.2.2 NAME 'posixGroup' SUP top AUXILIARY MUST gidNumber MAY ( cn $ userPassword $ memberUid $ description ) )
objectclass ( 1.3.6.1.4.1.42.2.27.1.2.1 NAME 'groupOfMembers' SUP top STRUCTURAL MUST cn MAY ( member $ businessCategory $ seeAlso $ owner $ ou $ o $ description ) )
objectclass ( 1.3.6.1.4.1.5322.13.1.1 NAME 'namedObject' SUP top STRUCTURAL MAY cn )
`

// slapdDefaults takes back what tests do to the configuration.
var slapdDefaults = strings.NewReplacer("SUFFIX", SlapdSuffix, "SVC", SlapdService, "POLICY", SlapdPolicy).Replace(`dn: olcDatabase={1}mdb,cn=config
changetype: modify
replace: olcAccess
olcAccess: {0}to attrs=userPassword by self write by anonymous auth by dn.exact="SVC" write by * none
olcAccess: {1}to * by dn.exact="SVC" write by users read by * none
-
replace: olcLimits
olcLimits: {0}* size.soft=100 size.hard=500 size.pr=50 size.prtotal=unlimited

dn: olcDatabase={2}mdb,cn=config
changetype: modify
replace: olcAccess
olcAccess: {0}to attrs=userPassword by self write by anonymous auth by dn.exact="SVC" write by * none
olcAccess: {1}to * by dn.exact="SVC" write by users read by * none
-
replace: olcLimits
olcLimits: {0}* size=unlimited

dn: olcOverlay={2}unique,olcDatabase={1}mdb,cn=config
changetype: modify
replace: olcUniqueURI
olcUniqueURI: ldap:///ou=people,SUFFIX?uid?sub

dn: olcOverlay={3}ppolicy,olcDatabase={1}mdb,cn=config
changetype: modify
replace: olcPPolicyDefault
olcPPolicyDefault: POLICY
`)

// slapdBase is what a new server holds.
var slapdBase = strings.NewReplacer("SUFFIX", SlapdSuffix, "PLAIN", SlapdPlainSuffix, "POLICY", SlapdPolicy,
	"SVC", SlapdService, "SECRET", SlapdPassword).Replace(`dn: SUFFIX
objectClass: dcObject
objectClass: organization
o: example
dc: example

dn: ou=people,SUFFIX
objectClass: organizationalUnit
ou: people

dn: ou=groups,SUFFIX
objectClass: organizationalUnit
ou: groups

dn: SVC
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: svc
userPassword: SECRET

dn: POLICY
objectClass: device
objectClass: pwdPolicy
cn: default
pwdAttribute: userPassword
pwdLockout: TRUE
pwdMaxFailure: 3

dn: PLAIN
objectClass: dcObject
objectClass: organization
o: plain
dc: plain

dn: ou=people,PLAIN
objectClass: organizationalUnit
ou: people

dn: ou=groups,PLAIN
objectClass: organizationalUnit
ou: groups
`)

// certificate makes a self-signed certificate for a host name and the loopback address, valid
// for a day.
func certificate(dir, host string) (cert, key string, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", "", fmt.Errorf("making a certificate: %w", err)
	}
	t := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: host},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		DNSNames: []string{host, "localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, &private.PublicKey, private)
	if err != nil {
		return "", "", fmt.Errorf("making a certificate: %w", err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return "", "", fmt.Errorf("making a certificate: %w", err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	if err := os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644); err != nil {
		return "", "", fmt.Errorf("making a certificate: %w", err)
	}
	if err := os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}), 0o600); err != nil {
		return "", "", fmt.Errorf("making a certificate: %w", err)
	}
	return cert, key, nil
}
