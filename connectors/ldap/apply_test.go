package ldap

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/connectors/servertest"
	"github.com/accordhq/accord/engine/access"
)

func TestOneModifyPerGroup(t *testing.T) {
	f := newFar(t)
	f.many(60)
	f.group("g")
	c := f.open()
	read(t, c)
	f.proxy.counts()
	var batch []access.Change
	for i := range 60 {
		batch = append(batch, give(fmt.Sprintf("account/u%d", i), "group/g"))
	}
	if err := c.ApplyBatch(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	// Names fit one filter, but the server gives 31 entries a page.
	if got := f.proxy.counts(); got[opModify] != 1 || got[opSearch] > 4 {
		t.Errorf("60 grants took %v", got)
	}
	if got := f.values("cn=g,"+groups, "member"); len(got) != 61 {
		t.Errorf("%d members", len(got))
	}
	// Some are there already, some aren't: result 20, and then what is missing.
	mixed := []access.Change{revoke("account/u1", "group/g"), revoke("account/u2", "group/g")}
	apply(t, c, mixed...)
	f.proxy.counts()
	if err := c.ApplyBatch(t.Context(), append(batch[:5:5], revoke("account/u50", "group/g"))); err != nil {
		t.Fatal(err)
	}
	if got := f.proxy.counts(); got[opModify] != 2 {
		t.Errorf("a batch that was partly true took %v", got)
	}
	if got := f.values("cn=g,"+groups, "member"); len(got) != 60 || slices.Contains(got, f.dn("u50")) {
		t.Errorf("%d members", len(got))
	}
}

// The last member of a groupOfNames can't go (result 65) unless something takes its place.
func TestLastMember(t *testing.T) {
	f := newFarOn(t, servertest.Slapd(t), plainSuffix)
	f.person("alice")
	f.person("bob")
	f.ldif("dn: cn=a,ou=groups,SUFFIX\nobjectClass: groupOfNames\ncn: a\nmember: " + f.dn("alice") + "\n\n" +
		"dn: cn=b,ou=groups,SUFFIX\nobjectClass: groupOfUniqueNames\ncn: b\nuniqueMember: " + f.dn("alice") + "\nuniqueMember: " + f.dn("bob") + "\n\n" +
		"dn: cn=c,ou=groups,SUFFIX\nobjectClass: groupOfNames\ncn: c\nmember: " + f.dn("alice") + "\n\n" +
		"dn: cn=d,ou=groups,SUFFIX\nobjectClass: organizationalRole\ncn: d\nroleOccupant: " + f.dn("alice") + "\n")
	c := f.open()
	apply(t, c, revoke("account/alice", "group/a"))
	if err := c.ApplyBatch(t.Context(), []access.Change{revoke("account/alice", "group/b"), revoke("account/bob", "group/b")}); err != nil {
		t.Fatal(err)
	}
	apply(t, c, on(access.Delete, "account/alice", &access.Value{}, nil)) // which takes it out of c and d
	nobody := []string{"cn=nobody," + plainSuffix}
	for dn, want := range map[string][]string{"cn=a": nobody, "cn=b": nobody, "cn=c": nobody, "cn=d": nil} {
		attr := map[string]string{"cn=b": attrUnique, "cn=d": attrOccupant}[dn]
		if got := f.values(dn+",ou=groups,"+plainSuffix, or(attr, attrMember)); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", dn, got, want)
		}
	}
	for _, g := range read(t, c).Grants() {
		t.Errorf("read: %s", g)
	}
}

// Where the overlay refint has a refint_nothing, that DN takes the place of the last member.
func TestRefintNothing(t *testing.T) {
	f := newFar(t)
	f.person("alice")
	f.ldif("dn: cn=a,ou=groups,SUFFIX\nobjectClass: groupOfNames\ncn: a\nmember: " + f.dn("alice") + "\n")
	f.ldif("dn: " + f.dn("alice") + "\nchangetype: delete\n")
	c := f.open()
	for range 200 { // the overlay works in the background
		if got := f.values("cn=a,"+groups, attrMember); slices.Equal(got, []string{servertest.SlapdService}) {
			break
		}
	}
	for _, g := range read(t, c).Grants() {
		t.Errorf("read: %s", g)
	}
	st := read(t, f.open(setting("placeholders", texts("cn=nobody,"+suffix))))
	wantGrants(t, st, "entry/"+servertest.SlapdService, "member group/a") // it isn't known to be nobody
}

func TestUniqueOverlay(t *testing.T) {
	f := newFar(t)
	f.ldif("dn: uid=alice,ou=people,SUFFIX\nobjectClass: account\nobjectClass: simpleSecurityObject\nuid: alice\nuserPassword: x\n\n" +
		"dn: cn=printer,ou=people,SUFFIX\nobjectClass: device\nobjectClass: uidObject\ncn: printer\nuid: bob\n")
	c := f.open()
	for _, name := range []string{"account/alice", "account/bob"} { // results 68 and 19
		err := c.Apply(t.Context(), on(access.Create, name, nil, &access.Value{}))
		if !errors.Is(err, connectors.ErrConflict) || !strings.Contains(err.Error(), name) {
			t.Errorf("creating %s: %v", name, err)
		}
	}
}

func TestLockedAccountsStayOut(t *testing.T) {
	f := newFar(t)
	f.person("alice")
	f.ldif("dn: " + f.dn("alice") + "\nchangetype: modify\nadd: userPassword\nuserPassword: alicepw\n")
	c := f.open()
	if err := f.slapd.Bind(f.dn("alice"), "alicepw"); err != nil {
		t.Fatal(err)
	}
	apply(t, c, disable("account/alice"), disable("account/alice"))
	if err := f.slapd.Bind(f.dn("alice"), "alicepw"); err == nil {
		t.Error("a disabled account was let in")
	}
	if o, _ := read(t, c, "account/alice").Object(id("account/alice")); !o.Disabled {
		t.Error("it isn't read as disabled")
	}
	apply(t, c, enable("account/alice"), enable("account/alice"))
	if err := f.slapd.Bind(f.dn("alice"), "alicepw"); err != nil {
		t.Errorf("an account that was enabled again: %v", err)
	}
	apply(t, c, on(access.Create, "account/bob", nil, &access.Value{Disabled: true}))
	if o, _ := read(t, c).Object(id("account/bob")); !o.Disabled {
		t.Error("created disabled, and isn't")
	}
}

// Without a policy that enforces it the server stores the lock, and lets the account in.
func TestLocksWithoutEffect(t *testing.T) {
	f := newFar(t)
	f.person("alice")
	f.ldif("dn: cn=lax,SUFFIX\nobjectClass: device\nobjectClass: pwdPolicy\ncn: lax\npwdAttribute: userPassword\npwdLockout: FALSE\n\n" +
		"dn: uid=locked,ou=people,SUFFIX\nobjectClass: inetOrgPerson\nuid: locked\ncn: x\nsn: x\npwdAccountLockedTime: 000001010000Z\n\n" +
		"dn: uid=own,ou=people,SUFFIX\nobjectClass: inetOrgPerson\nuid: own\ncn: x\nsn: x\npwdAccountLockedTime: 000001010000Z\npwdPolicySubentry: cn=default,SUFFIX\n\n" +
		"dn: uid=failed,ou=people,SUFFIX\nobjectClass: inetOrgPerson\nuid: failed\ncn: x\nsn: x\npwdAccountLockedTime: 20260101000000Z\n")
	for name, policy := range map[string]string{"none named": "", "no pwdLockout": "cn=lax," + suffix, "not there": "cn=nowhere," + suffix} {
		t.Run(name, func(t *testing.T) {
			c := f.open(setting("password_policy", text(policy)))
			err := c.Apply(t.Context(), disable("account/alice"))
			if !errors.Is(err, connectors.ErrUnsupported) || !strings.Contains(err.Error(), "policy") {
				t.Errorf("disabling: %v", err)
			}
			err = c.Apply(t.Context(), on(access.Create, "account/new", nil, &access.Value{Disabled: true}))
			if !errors.Is(err, connectors.ErrUnsupported) {
				t.Errorf("creating disabled: %v", err)
			}
			st := read(t, c)
			for who, want := range map[string]bool{"account/locked": false, "account/own": true, "account/failed": false} {
				if o, _ := st.Object(id(who)); o.Disabled != want {
					t.Errorf("%s: disabled is %v", who, o.Disabled)
				}
			}
			if got := f.values(f.dn("alice"), attrLocked); len(got) > 0 {
				t.Errorf("locked all the same: %q", got)
			}
		})
	}
	if o, _ := read(t, f.open()).Object(id("account/locked")); !o.Disabled {
		t.Error("with the policy it isn't disabled")
	}
}

func TestLeaversMove(t *testing.T) {
	f := newFar(t)
	f.person("alice")
	f.group("g", f.dn("alice"))
	f.ldif("dn: ou=left,SUFFIX\nobjectClass: organizationalUnit\nou: left\n")
	c := f.open(setting("disabled_base", text("ou=left,"+suffix)))
	native := func() string { o, _ := read(t, c).Object(id("account/alice")); return o.Native }
	before := native()
	apply(t, c, disable("account/alice"))
	if got := f.slapd.Search(t, "ou=left,"+suffix, "(uid=alice)", attrLocked); len(got) != 1 || len(got[0].Attrs[attrLocked]) != 1 {
		t.Fatalf("moved: %+v", got)
	}
	wantGrants(t, read(t, c, "account/alice"), "account/alice", "member group/g")
	if err := c.Apply(t.Context(), on(access.Create, "account/alice", nil, &access.Value{})); !errors.Is(err, connectors.ErrConflict) {
		t.Errorf("creating one who is away: %v", err)
	}
	// A move that was cut off after the lock is completed.
	f.ldif("dn: uid=alice,ou=left,SUFFIX\nchangetype: modrdn\nnewrdn: uid=alice\ndeleteoldrdn: 1\nnewsuperior: " + people + "\n")
	apply(t, c, disable("account/alice"))
	if got := f.slapd.Search(t, "ou=left,"+suffix, "(uid=alice)", "cn"); len(got) != 1 {
		t.Errorf("not moved again")
	}
	apply(t, c, enable("account/alice"))
	if got := f.slapd.Search(t, people, "(uid=alice)", "cn"); len(got) != 1 || native() != before || before == "" {
		t.Errorf("not moved back: %+v, %q was %q", got, native(), before)
	}
	wantGrants(t, read(t, c), "account/alice", "member group/g")
}

func TestNumbersAreAllocatedOnce(t *testing.T) {
	f := newFarOn(t, servertest.Slapd(t), plainSuffix)
	f.ldif("dn: uid=old,ou=people,SUFFIX\nobjectClass: inetOrgPerson\nobjectClass: posixAccount\nuid: old\ncn: x\nsn: x\nuidNumber: 10005\ngidNumber: 1\nhomeDirectory: /\n")
	c := f.open(setting("account_classes", texts("inetOrgPerson", "posixAccount")),
		setting("account_template", texts("cn={givenName} {sn}", "cn={name}", "sn={name}", "uidNumber={next:10000-10012}", "gidNumber=100", "homeDirectory=/home/{name}")))
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			if err := c.Apply(t.Context(), on(access.Create, fmt.Sprintf("account/n%d", i), nil, &access.Value{})); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	apply(t, c, on(access.Create, "account/own", nil, &access.Value{Attributes: map[string]string{"uidNumber": "7", "givenName": "Own", "sn": "One"}}),
		on(access.Create, "posixgroup/p", nil, &access.Value{}))
	var numbers []string
	for _, e := range f.slapd.Search(t, plainSuffix, "(uidNumber=*)", "uidNumber") {
		numbers = append(numbers, e.Attrs["uidNumber"]...)
	}
	slices.Sort(numbers)
	if want := []string{"10005", "10006", "10007", "10008", "10009", "10010", "10011", "7"}; !slices.Equal(numbers, want) {
		t.Errorf("numbers %q, want %q", numbers, want)
	}
	if got := f.values(f.dn("own"), "cn"); !slices.Equal(got, []string{"Own One"}) {
		t.Errorf("cn: %q", got)
	}
	for i, want := range []string{"10012", "10000", "10001"} { // the highest first, and then what is free
		name := fmt.Sprintf("m%d", i)
		apply(t, c, on(access.Create, "account/"+name, nil, &access.Value{}))
		if got := f.values(f.dn(name), "uidNumber"); !slices.Equal(got, []string{want}) {
			t.Errorf("%s: %q, want %s", name, got, want)
		}
	}
	full := f.open(setting("account_classes", texts("inetOrgPerson", "posixAccount")),
		setting("account_template", texts("cn=x", "sn=x", "uidNumber={next:10005-10006}", "gidNumber=1", "homeDirectory=/")))
	if err := full.Apply(t.Context(), on(access.Create, "account/late", nil, &access.Value{})); err == nil || !strings.Contains(err.Error(), "uidNumber") {
		t.Errorf("where none is free: %v", err)
	}
}

func TestUpdates(t *testing.T) {
	f := newFar(t)
	f.ldif("dn: cn=Alice Liddell,ou=people,SUFFIX\nobjectClass: inetOrgPerson\nuid: alice\ncn: Alice Liddell\nsn: Liddell\nmail: b@x\nmail: a@x\ntitle: SRE\n")
	f.group("g", "cn=Alice Liddell,"+people)
	c := f.open(setting("account_rdn", text("cn")))
	update := func(before, after map[string]string) error {
		return c.Apply(t.Context(), on(access.Update, "account/alice", &access.Value{Attributes: before}, &access.Value{Attributes: after}))
	}
	o, _ := read(t, c).Object(id("account/alice"))
	if o.Attributes["mail"] != "a@x\nb@x" {
		t.Errorf("mail: %q", o.Attributes["mail"])
	}
	// Several at once, one of which names the entry; in any order of values; in upper case.
	if err := update(map[string]string{"mail": "b@x\na@x", "cn": "Alice Liddell", "title": "SRE"}, map[string]string{"mail": "c@x", "cn": "Alice Hargreaves", "title": "Sre"}); err != nil {
		t.Fatal(err)
	}
	wantGrants(t, read(t, c), "account/alice", "member group/g")
	o, _ = read(t, c).Object(id("account/alice"))
	if o.Attributes["mail"] != "c@x" || o.Attributes["cn"] != "Alice Hargreaves" || o.Attributes["title"] != "Sre" {
		t.Errorf("%v", o.Attributes)
	}
	if err := update(map[string]string{"cn": "Alice Hargreaves"}, map[string]string{"cn": "A\nB"}); !errors.Is(err, connectors.ErrUnsupported) {
		t.Errorf("two values of what names the entry: %v", err)
	}
	f.slapd.Config(t, "dn: olcOverlay={2}unique,olcDatabase={1}mdb,cn=config\nchangetype: modify\nreplace: olcUniqueURI\nolcUniqueURI: ldap:///"+people+"?uid,mail?sub\n")
	if err := update(map[string]string{"mail": "c@x"}, map[string]string{"mail": "d@x"}); err != nil {
		t.Errorf("an attribute that must be unique: %v", err)
	}
	if err := update(map[string]string{"loginShell": ""}, map[string]string{"loginShell": "/bin/sh"}); !errors.Is(err, connectors.ErrUnsupported) {
		t.Errorf("an attribute that the entry's classes don't have: %v", err)
	}
	apply(t, c, on(access.Rename, "account/alice", &access.Value{Name: "alice"}, &access.Value{Name: "ally"}))
	if got := f.values("cn=Alice Hargreaves,"+people, "uid"); !slices.Equal(got, []string{"ally"}) {
		t.Errorf("uid: %q", got)
	}
	apply(t, c, on(access.Create, "account/bob", nil, &access.Value{Attributes: map[string]string{"cn": "Bob, B."}}))
	if got := f.slapd.Search(t, people, "(uid=bob)", "cn"); len(got) != 1 || dnKey(got[0].DN) != `cn=bob\, b.,`+people {
		t.Errorf("bob: %+v", got)
	}
}

// Two writers of the same thing: each change is made on what is there, or refused.
func TestWritersDoNotOverwriteEachOther(t *testing.T) {
	for _, suffix := range []string{suffix, plainSuffix} {
		f := newFarOn(t, servertest.Slapd(t), suffix)
		f.person("alice")
		c := f.open()
		var wg sync.WaitGroup
		var mu sync.Mutex
		done := 0
		for i := range 8 {
			wg.Go(func() {
				err := c.Apply(t.Context(), on(access.Update, "account/alice", &access.Value{Attributes: map[string]string{"title": ""}},
					&access.Value{Attributes: map[string]string{"title": fmt.Sprint(i)}}))
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					done++
				} else if !errors.Is(err, connectors.ErrConflict) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if got := f.values(f.dn("alice"), "title"); done != 1 || len(got) != 1 {
			t.Errorf("%s: %d writers won, title is %q", suffix, done, got)
		}
	}
}

func TestEntriesBelow(t *testing.T) {
	f := newFar(t)
	f.person("alice")
	f.ldif("dn: cn=key,uid=alice,ou=people,SUFFIX\nobjectClass: device\ncn: key\n")
	err := f.open().Apply(t.Context(), on(access.Delete, "account/alice", &access.Value{}, nil))
	if err == nil || !strings.Contains(err.Error(), "below") {
		t.Errorf("got %v", err)
	}
}

// Where a part of a change was done and the rest is refused, it is neither done nor not done.
func TestHalfDone(t *testing.T) {
	f := newFarOn(t, servertest.Slapd(t), plainSuffix)
	f.person("alice")
	f.group("g", f.dn("alice"))
	f.slapd.Config(t, "dn: olcDatabase={2}mdb,cn=config\nchangetype: modify\nreplace: olcAccess\n"+
		"olcAccess: {0}to dn.subtree=ou=people,"+plainSuffix+" by dn.exact="+servertest.SlapdService+" write by * read\nolcAccess: {1}to * by * read\n")
	c := f.open()
	err := c.Apply(t.Context(), on(access.Rename, "account/alice", &access.Value{Name: "alice"}, &access.Value{Name: "ally"}))
	if !errors.Is(err, connectors.ErrOutcomeUnknown) || errors.Is(err, connectors.ErrDenied) || !strings.Contains(err.Error(), "a part") {
		t.Errorf("renaming where groups can't be written: %v", err)
	}
	err = c.Apply(t.Context(), give("account/ally", "group/g"))
	if !errors.Is(err, connectors.ErrDenied) || !strings.Contains(err.Error(), "member of cn=g") {
		t.Errorf("granting where groups can't be written: %v", err)
	}
	f.slapd.Reset(t)
}

func TestChangesPerOperation(t *testing.T) {
	f := newFar(t)
	f.person("alice")
	f.person("bob")
	f.group("g", f.dn("bob"))
	c := f.open()
	read(t, c)
	f.proxy.counts()
	for _, s := range []struct {
		change           access.Change
		searches, writes int
	}{
		{on(access.Create, "account/new", nil, &access.Value{}), 1, 1},
		{on(access.Update, "account/alice", &access.Value{Attributes: map[string]string{"title": "", "mail": ""}}, &access.Value{Attributes: map[string]string{"title": "x", "mail": "y"}}), 1, 1},
		{give("account/alice", "group/g"), 2, 1},
		{revoke("account/alice", "group/g"), 2, 1},
		{disable("account/alice"), 2, 1},
		{enable("account/alice"), 2, 1},
		{on(access.Rename, "account/alice", &access.Value{Name: "alice"}, &access.Value{Name: "ally"}), 2, 1},
		{on(access.Delete, "account/ally", &access.Value{}, nil), 2, 1},
	} {
		apply(t, c, s.change)
		got := f.proxy.counts()
		if writes := got[opAdd] + got[opModify] + got[opDelete] + got[opModifyDN]; got[opSearch] != s.searches || writes != s.writes {
			t.Errorf("%s: %d searches and %d writes, want %d and %d", s.change, got[opSearch], writes, s.searches, s.writes)
		}
	}
}
