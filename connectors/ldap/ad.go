package ldap

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
)

// The attributes and bits of Active Directory that matter here.
// https://learn.microsoft.com/openspecs/windows_protocols/ms-adts
const (
	attrSAM     = "sAMAccountName"
	attrUPN     = "userPrincipalName"
	attrUAC     = "userAccountControl"
	attrSID     = "objectSid"
	attrType    = "groupType"
	attrPrimary = "primaryGroupID"
	attrScope   = "scope"    // computed from groupType
	attrSort    = "category" // computed from groupType

	uacDisabled = 0x0002 // ADS_UF_ACCOUNTDISABLE
	uacNormal   = 0x0200 // ADS_UF_NORMAL_ACCOUNT

	groupGlobal      = 0x00000002
	groupDomainLocal = 0x00000004
	groupUniversal   = 0x00000008
	groupSecurity    = 0x80000000

	firstFreeRID = 1000 // below are the accounts and groups of the domain itself
)

// activeDirectory is the flavour of [MS-ADTS].
func activeDirectory() *flavour {
	single := func(name, doc string) attribute { return attribute{name: name, doc: doc, single: true} }
	return &flavour{
		connector: "activedirectory", ad: true, accountName: attrSAM, groupName: attrSAM, accountRDN: "cn",
		accountFilter:  "(&(objectCategory=person)(objectClass=user))",
		accountClasses: []string{"user"},
		groupClass:     "group",
		disableBy:      byControl,
		kinds:          []string{access.KindAccount, kindGroup},
		templates: map[string][]string{
			access.KindAccount: {"userPrincipalName={name}@{upn_suffix}"},
		},
		accountAttrs: []attribute{
			single("givenName", "the first name"),
			single("sn", "the surname"),
			single("displayName", "the name to be shown"),
			single("mail", "the e-mail address"),
			single(attrUPN, "the name to log in with, as in name@domain"),
			single("title", "the job title"),
			single("description", "what it is for"),
			single("department", "the department"),
			single("company", "the company"),
			single("employeeID", "the number that identifies the employee"),
			single("employeeNumber", "another number of the employee"),
			single("employeeType", "the kind of employment"),
			single("telephoneNumber", "the telephone number"),
			single("mobile", "the mobile telephone number"),
		},
		groupAttrs: map[string][]attribute{kindGroup: {
			single("description", "what it is for"),
			{name: attrScope, doc: "where it can be used: global, universal or domain-local", single: true, computed: true,
				values: []string{"global", "universal", "domain-local"}},
			{name: attrSort, doc: "security, or distribution for mail only", single: true, computed: true,
				values: []string{"security", "distribution"}},
		}},
	}
}

// adAttrs are what is asked of all objects of a domain.
func adAttrs() []string {
	return []string{"objectGUID", attrSID, attrUAC, attrType, attrPrimary, "isCriticalSystemObject", "adminCount"}
}

// checkSAM refuses what can't be the value of sAMAccountName ([MS-SAMR] 3.1.1.6).
func checkSAM(id access.ID) error {
	limit := 256
	if id.IsAccount() {
		limit = 20
	}
	if n := utf8.RuneCountInString(fold(id.Name)); n > limit {
		return fmt.Errorf("the name has %d characters; %d are allowed", n, limit)
	}
	if i := strings.IndexAny(id.Name, `"/\[]:;|=,+*?<>@`); i >= 0 {
		return fmt.Errorf("the name can't hold %q", id.Name[i])
	}
	if strings.HasSuffix(fold(id.Name), ".") {
		return errors.New("the name can't end in a dot")
	}
	if strings.HasSuffix(fold(id.Name), "$") {
		return errors.New("a name that ends in $ is a computer's")
	}
	return nil
}

// adDisabled reports whether the bit is set that keeps an account out.
func adDisabled(e *entry) bool { return uac(e)&uacDisabled != 0 }

func uac(e *entry) int64 {
	n, _ := strconv.ParseInt(e.first(attrUAC), 10, 64)
	return n
}

// adComputed gives the attributes that are bits of groupType.
func adComputed(e *entry, name string) string {
	bits, err := strconv.ParseInt(e.first(attrType), 10, 64)
	if err != nil {
		return ""
	}
	if name == attrSort {
		if uint32(bits)&groupSecurity != 0 {
			return "security"
		}
		return "distribution"
	}
	switch {
	case bits&groupUniversal != 0:
		return "universal"
	case bits&groupGlobal != 0:
		return "global"
	}
	return "domain-local"
}

// groupTypeOf gives groupType as a decimal, signed number of 32 bits. What isn't said stays as
// it was.
func groupTypeOf(scope, sort string) string {
	bits := uint32(groupGlobal)
	switch scope {
	case "universal":
		bits = groupUniversal
	case "domain-local":
		bits = groupDomainLocal
	}
	if sort != "distribution" {
		bits |= groupSecurity
	}
	return strconv.FormatInt(int64(int32(bits)), 10)
}

// adReserved reports whether an object belongs to the domain itself: Administrator, krbtgt,
// Domain Users and their like, and everything of BUILTIN.
func adReserved(e *entry) bool {
	sid := e.sid()
	rid, err := strconv.Atoi(sid[strings.LastIndexByte(sid, '-')+1:])
	return strings.EqualFold(e.first("isCriticalSystemObject"), "TRUE") || strings.HasPrefix(sid, "S-1-5-32-") || err == nil && rid < firstFreeRID
}

// guarded reports whether the domain resets the rights on an object every hour (AdminSDHolder),
// so that rights that were delegated to Accord don't last there.
func (e *entry) guarded() bool { n := e.first("adminCount"); return n != "" && n != "0" }

func (e *entry) sid() string { return sidText(e.GetEqualFoldRawAttributeValue(attrSID)) }

// sidText writes a security identifier ([MS-DTYP] 2.4.2.2) as text, as in S-1-5-21-1-2-3-500.
func sidText(b []byte) string {
	if len(b) < 8 || len(b) != 8+4*int(b[1]) {
		return ""
	}
	var authority uint64
	for _, c := range b[2:8] {
		authority = authority<<8 | uint64(c)
	}
	out := fmt.Sprintf("S-%d-%d", b[0], authority)
	for i := 8; i < len(b); i += 4 {
		out += "-" + strconv.FormatUint(uint64(binary.LittleEndian.Uint32(b[i:])), 10)
	}
	return out
}

// sidBytes reads what sidText wrote; "" if it can't.
func sidBytes(text string) string {
	parts := strings.Split(text, "-")
	if len(parts) < 3 || parts[0] != "S" || len(parts) > 18 {
		return ""
	}
	revision, err1 := strconv.ParseUint(parts[1], 10, 8)
	authority, err2 := strconv.ParseUint(parts[2], 10, 48)
	if err1 != nil || err2 != nil {
		return ""
	}
	b := binary.BigEndian.AppendUint64(nil, authority)
	b[0], b[1] = byte(revision), byte(len(parts)-3)
	for _, p := range parts[3:] {
		n, err := strconv.ParseUint(p, 10, 32)
		if err != nil {
			return ""
		}
		b = binary.LittleEndian.AppendUint32(b, uint32(n))
	}
	return string(b)
}

// ridWithin gives the last number of a security identifier of the domain, or "".
func ridWithin(domain, sid string) string {
	rid, ok := strings.CutPrefix(sid, domain+"-")
	if !ok || domain == "" || strings.Contains(rid, "-") {
		return ""
	}
	return rid
}

// guidText writes objectGUID as Active Directory's tools do ([MS-DTYP] 2.3.4.2).
func guidText(b []byte) string {
	if len(b) != 16 {
		return ""
	}
	return fmt.Sprintf("%08x-%04x-%04x-%x-%x", binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint16(b[4:]),
		binary.LittleEndian.Uint16(b[6:]), b[8:10], b[10:])
}

// identifyDomain finds the domain's identifier.
func (s *session) identifyDomain(ctx context.Context, dn string) error {
	e, err := s.base(ctx, dn, "objectGUID", attrSID)
	if err != nil {
		return fmt.Errorf("asking for the identity of %q: %w", dn, err)
	}
	if e == nil || guidText(e.GetRawAttributeValue("objectGUID")) == "" {
		return fmt.Errorf("%w: the domain %q doesn't show its objectGUID", connectors.ErrIncomplete, dn)
	}
	s.domain, s.domainSID = dn, sidText(e.GetRawAttributeValue(attrSID))
	s.identity = "activedirectory " + dnKey(dn) + " " + guidText(e.GetRawAttributeValue("objectGUID"))
	return nil
}

// findSelfInDomain looks for the object of the name that Accord binds with: a DN, a user
// principal name, or DOMAIN\name.
func (s *session) findSelfInDomain(ctx context.Context) error {
	if key, err := canonicalDN(s.c.set.bindDN); err == nil && strings.Contains(s.c.set.bindDN, "=") {
		s.selfDN = key
		return nil
	}
	name := s.c.set.bindDN
	if _, after, ok := strings.Cut(name, `\`); ok {
		name = after
	}
	sam, _, _ := strings.Cut(name, "@")
	found := []string{}
	_, err := s.search(ctx, s.domain, anyOf(eq(attrUPN, name), eq(attrSAM, sam)), []string{attrSAM}, func(e *goldap.Entry) error {
		found = append(found, dnKey(e.DN))
		return nil
	})
	if err != nil {
		return fmt.Errorf("looking for Accord's own account: %w", err)
	}
	if len(found) == 1 {
		s.selfDN = found[0]
	}
	return nil
}

// upnSuffix is the domain's name, as in ad.example.test.
func (s *session) upnSuffix() string {
	if s.c.set.upnSuffix != "" {
		return s.c.set.upnSuffix
	}
	var parts []string
	for p := range strings.SplitSeq(dnKey(s.domain), ",") {
		if dc, ok := strings.CutPrefix(p, "dc="); ok {
			parts = append(parts, dc)
		}
	}
	return strings.Join(parts, ".")
}
