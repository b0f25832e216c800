package ldap

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/connectors/servertest"
	"github.com/accordhq/accord/engine/access"
)

// many adds so many accounts.
func (f *far) many(n int) {
	var ldif strings.Builder
	for i := range n {
		fmt.Fprintf(&ldif, "dn: uid=u%d,ou=people,%s\nobjectClass: inetOrgPerson\nuid: u%[1]d\ncn: c\nsn: s\n\n", i, f.suffix)
	}
	f.slapd.LDIF(f.t, ldif.String())
}

// The server allows 50 entries a page, and answers larger pages with nothing but result 11.
func TestPageSizeIsLearned(t *testing.T) {
	f := newFar(t)
	f.many(250)
	c := f.open()
	st := read(t, c)
	if n, _ := st.Size(); n != 251 || !st.Complete() {
		t.Errorf("%d objects, complete %v; want 250 accounts and Accord's own entry", n, st.Complete())
	}
	if got := c.pageSize.Load(); got > 50 || got < 25 {
		t.Errorf("the page size is %d", got)
	}
	f.proxy.counts()
	read(t, c)
	if got := f.proxy.counts()[opSearch]; got > 12 {
		t.Errorf("the second read took %d searches", got)
	}
}

func TestLimitsAreNotTakenForTheEnd(t *testing.T) {
	f := newFar(t)
	f.many(120)
	limits := func(text string) {
		f.slapd.Config(t, "dn: olcDatabase={1}mdb,cn=config\nchangetype: modify\nreplace: olcLimits\nolcLimits: {0}* "+text+"\n")
	}
	for name, text := range map[string]string{
		"all pages together": "size.soft=100 size.hard=100 size.pr=50 size.prtotal=75",
		"no pages":           "size.soft=100 size.hard=100 size.prtotal=disabled",
	} {
		t.Run(name, func(t *testing.T) {
			limits(text)
			st, err := f.open().Read(t.Context(), connectors.Scope{})
			if !errors.Is(err, connectors.ErrIncomplete) || st != nil {
				t.Errorf("state %v, error %v", st != nil, err)
			}
			if err != nil && !strings.Contains(err.Error(), "limit") {
				t.Errorf("the error doesn't name the limit: %v", err)
			}
		})
	}
}

func TestBaseThatIsNotThere(t *testing.T) {
	f := newFar(t)
	for _, name := range []string{"account_base", "group_base", "disabled_base"} {
		_, err := f.open(setting(name, text("ou=nowhere,"+suffix))).Read(t.Context(), connectors.Scope{})
		if !errors.Is(err, connectors.ErrIncomplete) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := f.open(setting("base", text("dc=other")), setting("account_base", text("")), setting("group_base", text(""))).Read(t.Context(), connectors.Scope{})
	if !errors.Is(err, connectors.ErrIncomplete) {
		t.Errorf("a base of another directory: %v", err)
	}
}

func TestReferrals(t *testing.T) {
	f := newFar(t)
	f.person("alice")
	f.ldif("dn: ou=abroad,ou=people,SUFFIX\nobjectClass: referral\nobjectClass: extensibleObject\nou: abroad\nref: ldap://127.0.0.1:1/ou=abroad\n")
	for _, ids := range [][]string{nil, {"account/alice"}} {
		st := read(t, f.open(), ids...)
		if st.Complete() && ids == nil || st.Knows(id("account/alice")) || !st.Knows(id("group/x")) && ids == nil {
			t.Errorf("%v: %v", ids, st.Unknowns())
		}
		if _, ok := st.Object(id("account/alice")); !ok {
			t.Errorf("%v: alice isn't there", ids)
		}
		st = read(t, f.open(setting("referrals", text("ignore"))), ids...)
		if !st.Knows(id("account/alice")) {
			t.Errorf("%v, ignoring referrals: %v", ids, st.Unknowns())
		}
	}
}

func TestSpellingsOfDNs(t *testing.T) {
	f := newFarOn(t, servertest.Slapd(t), plainSuffix)
	f.person("alice")
	f.ldif("dn: cn=Liddell\\, Bob,ou=people,SUFFIX\nobjectClass: inetOrgPerson\nuid: Bob\ncn: Liddell, Bob\nsn: b\n")
	f.ldif("dn: cn=a,ou=groups,SUFFIX\nobjectClass: groupOfNames\ncn: a\nmember: UID=Alice , OU = People,dc=PLAIN, dc=test\nmember: CN=liddell\\2C  bob,ou=people,SUFFIX\n")
	f.ldif("dn: cn=Two  Spaces,ou=groups,SUFFIX\nobjectClass: groupOfUniqueNames\ncn: Two  Spaces\nuniqueMember: UID=alice,ou=people,SUFFIX\nuniqueMember: uid=bob,ou=people,SUFFIX#'0101'B\n")
	withUID := "entry/uid=bob,ou=people," + plainSuffix + "#'0101'B" // one of several that had the DN (RFC 4517, section 3.3.21)
	c := f.open()
	for _, ids := range [][]string{nil, {"account/alice", "account/bob", "group/two spaces", withUID}} {
		st := read(t, c, ids...)
		wantGrants(t, st, withUID, "member group/two spaces")
		wantGrants(t, st, "account/alice", "member group/a", "member group/two spaces")
		wantGrants(t, st, "account/bob", "member group/a")
		if _, ok := st.Object(id("group/two spaces")); !ok {
			t.Errorf("%v: the group isn't there", ids)
		}
	}
	apply(t, c, revoke("account/alice", "group/a"), revoke("account/bob", "group/a"), revoke("account/alice", "group/two spaces"), revoke(withUID, "group/two spaces"))
	wantGrants(t, read(t, c), withUID)
	if got := f.values("cn=a,ou=groups,"+plainSuffix, "member"); !slices.Equal(got, []string{"cn=nobody," + plainSuffix}) {
		t.Errorf("left: %q", got)
	}
}

func TestTwinsAreUnknown(t *testing.T) {
	f := newFarOn(t, servertest.Slapd(t), plainSuffix)
	f.ldif("dn: ou=b,ou=people,SUFFIX\nobjectClass: organizationalUnit\nou: b\n\n" +
		"dn: uid=Twin,ou=b,ou=people,SUFFIX\nobjectClass: inetOrgPerson\nuid: Twin\ncn: x\nsn: x\n\n" +
		"dn: cn=two,ou=people,SUFFIX\nobjectClass: inetOrgPerson\nuid: one\nuid: other\ncn: two\nsn: x\n")
	f.person("twin")
	f.person("alice")
	f.group("g", f.dn("twin"), f.dn("alice"))
	c := f.open()
	for _, ids := range [][]string{nil, {"account/alice", "account/twin", "account/one", "account/other"}} {
		st := read(t, c, ids...)
		for _, name := range []string{"account/twin", "account/one", "account/other"} {
			if st.Knows(id(name)) {
				t.Errorf("%v: %s is known", ids, name)
			}
		}
		if !st.Knows(id("account/alice")) {
			t.Errorf("%v: alice isn't known: %v", ids, st.Unknowns())
		}
	}
	for _, name := range []string{"account/twin", "account/one"} {
		if err := c.Apply(t.Context(), on(access.Delete, name, &access.Value{}, nil)); !errors.Is(err, connectors.ErrConflict) {
			t.Errorf("deleting %s: %v", name, err)
		}
		if err := c.Apply(t.Context(), give(name, "group/g")); !errors.Is(err, connectors.ErrConflict) {
			t.Errorf("granting to %s: %v", name, err)
		}
	}
}

// A group can name what is no account: the bind entry of an application, an entry that is gone
// where no overlay cleans up, a user that only a host knows.
func TestStrangers(t *testing.T) {
	f := newFarOn(t, servertest.Slapd(t), plainSuffix)
	f.person("alice")
	f.group("g", f.dn("alice"), "cn=app,"+plainSuffix, f.dn("gone"))
	f.ldif("dn: cn=p,ou=groups,SUFFIX\nobjectClass: posixGroup\ncn: p\ngidNumber: 5\nmemberUid: alice\nmemberUid: Alice\nmemberUid: root\n")
	c := f.open()
	app, gone, root, big := "entry/cn=app,"+plainSuffix, "entry/"+f.dn("gone"), "entry/memberuid=root", "entry/memberuid=Alice"
	for _, ids := range [][]string{nil, {app, gone, root, big, "account/alice"}} {
		st := read(t, c, ids...)
		wantGrants(t, st, app, "member group/g")
		wantGrants(t, st, gone, "member group/g")
		wantGrants(t, st, root, "member posixgroup/p")
		wantGrants(t, st, big, "member posixgroup/p")
		wantGrants(t, st, "account/alice", "member group/g", "member posixgroup/p")
		if _, ok := st.Object(id(root)); !ok {
			t.Errorf("%v: the stranger isn't an object", ids)
		}
	}
	apply(t, c, revoke(app, "group/g"), revoke(gone, "group/g"), revoke(root, "posixgroup/p"), revoke(big, "posixgroup/p"))
	if got := f.values("cn=p,ou=groups,"+plainSuffix, "memberUid"); !slices.Equal(got, []string{"alice"}) {
		t.Errorf("left: %q", got)
	}
	if got := f.values("cn=g,ou=groups,"+plainSuffix, "member"); !slices.Equal(got, []string{"cn=nobody," + plainSuffix, f.dn("alice")}) {
		t.Errorf("left: %q", got)
	}
	if err := c.Apply(t.Context(), give(app, "group/g")); !errors.Is(err, connectors.ErrConflict) {
		t.Errorf("granting to an entry that isn't there: %v", err)
	}
	apply(t, c, give("entry/ou=people,"+plainSuffix, "group/g"))
	wantGrants(t, read(t, c), "entry/ou=people,"+plainSuffix, "member group/g")
}

// A stranger that has become an account meanwhile isn't one any more.
func TestStrangersThatWereMeanwhileMadeAccounts(t *testing.T) {
	f := newFarOn(t, servertest.Slapd(t), plainSuffix)
	f.group("g", f.dn("late"), "cn=inner,ou=groups,"+plainSuffix)
	f.ldif("dn: cn=p,ou=groups,SUFFIX\nobjectClass: posixGroup\ncn: p\ngidNumber: 5\nmemberUid: late\n")
	c := f.open()
	late, inner, uid := "entry/"+f.dn("late"), "entry/cn=inner,ou=groups,"+plainSuffix, "entry/memberuid=late"
	st := read(t, c)
	wantGrants(t, st, late, "member group/g")
	wantGrants(t, st, uid, "member posixgroup/p")
	f.person("late")
	f.group("inner")
	for _, ch := range []access.Change{revoke(late, "group/g"), revoke(inner, "group/g"), revoke(uid, "posixgroup/p")} {
		if err := c.Apply(t.Context(), ch); !errors.Is(err, connectors.ErrConflict) {
			t.Errorf("%s: %v", ch, err)
		}
	}
	wantGrants(t, read(t, c), "account/late", "member group/g", "member posixgroup/p")
}

func TestNesting(t *testing.T) {
	f := newFar(t)
	f.person("alice")
	f.group("inner", f.dn("alice"))
	f.group("middle", "cn=inner,"+groups)
	f.group("outer", "cn=middle,"+groups)
	f.ldif("dn: cn=inner," + groups + "\nchangetype: modify\nadd: member\nmember: cn=outer," + groups + "\n") // a circle
	f.ldif("dn: cn=lead,ou=groups,SUFFIX\nobjectClass: organizationalRole\ncn: lead\nroleOccupant: cn=outer," + groups + "\n")
	for _, ids := range [][]string{nil, {"account/alice", "group/inner"}} {
		st := read(t, f.open(), ids...)
		wantGrants(t, st, "account/alice", "member group/inner", "member group/middle (implied)", "member group/outer (implied)", "member role/lead (implied)")
		wantGrants(t, st, "group/inner", "member group/middle", "member group/outer (implied)", "member role/lead (implied)")
		st = read(t, f.open(setting("nested_groups", text("ignore"))), ids...)
		wantGrants(t, st, "account/alice", "member group/inner")
	}
}

func TestPrimaryGroupIsImplied(t *testing.T) {
	f := newFar(t)
	f.ldif("dn: uid=alice,ou=people,SUFFIX\nobjectClass: inetOrgPerson\nobjectClass: posixAccount\nuid: alice\ncn: a\nsn: a\nuidNumber: 4001\ngidNumber: 70\nhomeDirectory: /\n\n" +
		"dn: cn=staff,ou=groups,SUFFIX\nobjectClass: posixGroup\ncn: staff\ngidNumber: 70\n")
	for _, ids := range [][]string{nil, {"account/alice"}} {
		wantGrants(t, read(t, f.open(), ids...), "account/alice", "member posixgroup/staff (implied)")
	}
}

// A group of rfc2307bis has member and memberUid, and some programs look at the one, some at
// the other.
func TestBothMemberAndMemberUid(t *testing.T) {
	f := newFarOn(t, servertest.SlapdBis(t), suffix)
	f.person("alice")
	f.person("bob")
	f.person("carol")
	f.ldif("dn: cn=g,ou=groups,SUFFIX\nobjectClass: groupOfMembers\nobjectClass: posixGroup\ncn: g\ngidNumber: 5\n" +
		"member: " + f.dn("alice") + "\nmember: " + f.dn("bob") + "\nmemberUid: alice\nmemberUid: carol\n")
	f.group("inner")
	c := f.open(setting("posixgroup_classes", texts("posixGroup", "namedObject")))
	for _, ids := range [][]string{nil, {"account/alice", "account/bob", "account/carol"}} {
		st := read(t, c, ids...)
		wantGrants(t, st, "account/alice", "member group/g")
		wantGrants(t, st, "account/bob", "partial group/g")
		wantGrants(t, st, "account/carol", "partial group/g")
	}
	complete := access.Change{System: "directory", Action: access.ChangeLevel, Subject: id("account/bob"), Target: id("group/g"),
		Before: &access.Value{Permission: permPartial}, After: &access.Value{Permission: permMember}}
	carol := revoke("account/carol", "group/g")
	if err := c.Apply(t.Context(), carol); !errors.Is(err, connectors.ErrConflict) {
		t.Errorf("revoking more than is held: %v", err)
	}
	if err := c.Apply(t.Context(), give("account/carol", "group/g")); !errors.Is(err, connectors.ErrConflict) {
		t.Errorf("giving where a part is held: %v", err)
	}
	carol.Before.Permission = permPartial
	if err := c.ApplyBatch(t.Context(), []access.Change{complete, carol, give("group/inner", "group/g")}); err != nil {
		t.Fatal(err)
	}
	apply(t, c, complete)
	if got := f.values("cn=g,"+groups, "memberUid"); !slices.Equal(got, []string{"alice", "bob"}) {
		t.Errorf("memberUid: %q", got)
	}
	if got := f.values("cn=g,"+groups, "member"); !slices.Equal(got, []string{"cn=inner," + groups, f.dn("alice"), f.dn("bob")}) {
		t.Errorf("member: %q", got)
	}
	apply(t, c, on(access.Create, "posixgroup/new", nil, &access.Value{}), give("account/bob", "posixgroup/new"),
		on(access.Rename, "account/bob", &access.Value{Name: "bob"}, &access.Value{Name: "robert"}), on(access.Delete, "account/alice", &access.Value{}, nil))
	wantGrants(t, read(t, c), "account/robert", "member group/g", "member posixgroup/new")
	if got := f.values("cn=g,"+groups, "memberUid"); !slices.Equal(got, []string{"robert"}) {
		t.Errorf("memberUid: %q", got)
	}
}

func TestSelfAmongTheAccounts(t *testing.T) {
	f := newFar(t)
	f.ldif("dn: uid=accord,ou=people,SUFFIX\nobjectClass: inetOrgPerson\nuid: accord\ncn: a\nsn: a\nuserPassword: " + servertest.SlapdPassword + "\n")
	c := f.open(setting("bind_dn", text("UID=Accord, ou=people,"+suffix)))
	for _, ids := range [][]string{nil, {"account/other"}, {"account/accord"}} {
		st := read(t, c, ids...)
		if st.Self() != id("account/accord") {
			t.Errorf("%v: self is %s", ids, st.Self())
		}
	}
	if o, _ := read(t, c).Object(id("account/accord")); !o.Reserved || o.Native == "" {
		t.Errorf("%+v", o)
	}
	for _, ch := range []access.Change{disable("account/accord"), on(access.Delete, "account/accord", &access.Value{}, nil)} {
		if err := c.Apply(t.Context(), ch); !errors.Is(err, connectors.ErrUnsupported) {
			t.Errorf("%s: %v", ch, err)
		}
	}
}

func TestHangEndsWithTheTimeout(t *testing.T) {
	f := newFar(t)
	c := f.open(setting("timeout", connectors.Value{Period: 200 * time.Millisecond}))
	read(t, c)
	f.proxy.arm(func(p *proxy) { p.stall = true })
	start := time.Now()
	if _, err := c.Read(t.Context(), connectors.Scope{}); err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if took := time.Since(start); took > 3*time.Second {
		t.Errorf("it took %v", took)
	}
	f.proxy.arm(func(p *proxy) { p.stall = false })
	read(t, c) // over a new connection
}

// Servers and firewalls close connections that nobody uses.
func TestConnectionsThatWereClosedMeanwhile(t *testing.T) {
	f := newFar(t)
	f.person("alice")
	f.group("g")
	c := f.open()
	for range 5 {
		read(t, c)
		f.proxy.cut()
		read(t, c)
		f.proxy.cut()
		apply(t, c, give("account/alice", "group/g"))
		f.proxy.cut()
		apply(t, c, disable("account/alice"))
		f.proxy.cut()
		apply(t, c, enable("account/alice"))
	}
}

func TestManyNamesAreReadAsAWhole(t *testing.T) {
	f := newFar(t)
	f.many(10)
	var ids []string
	for i := range wholeAbove + 5 {
		ids = append(ids, fmt.Sprintf("account/u%d", i))
	}
	st := read(t, f.open(), ids...)
	if n, _ := st.Size(); n != 10 || st.Whole() || !st.Knows(id("account/u299")) || st.Knows(id("group/g")) {
		t.Errorf("%d objects, whole %v", n, st.Whole())
	}
}
