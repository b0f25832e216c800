package adopt_test

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/adopt"
	"github.com/accordhq/accord/engine/declare"
)

const boss = "person: boss\n"

// lines are the written documents without the head, one after the other.
func lines(t *testing.T, res *adopt.Result) string {
	t.Helper()
	var out []string
	for line := range strings.Lines(string(text(t, res))) {
		if !strings.HasPrefix(line, "#") {
			out = append(out, line)
		}
	}
	return strings.Join(out, "")
}

func gaps(res *adopt.Result) []string {
	var out []string
	for _, g := range res.Gaps {
		line := string(g.Kind) + " " + g.Subject.String()
		if !g.Target.IsZero() {
			line += " " + g.Permission + " " + g.Target.String()
		}
		out = append(out, line+": "+g.Why)
	}
	return out
}

func TestAdopt(t *testing.T) {
	const things = "object group/x\nobject group/y\nobject folder/f\nobject app/a\n"
	sys := strings.TrimSuffix(office, "\n")
	tests := []struct {
		name, live string
		docs       []string
		want       string
		gaps       []string
		notes      []string
	}{
		{"nothing", things, []string{office, boss}, "", nil, nil},
		{"people and what they hold", things + "object ada name=Ada_L mail=ada@x\nobject ben\nada member group/x\nben member group/x\nben owner group/y", []string{office, boss},
			"people:\n  - {person: ada, name: \"Ada L\", email: \"ada@x\"}\n  - {person: ben}\n---\ngrant: office-x\nto: [ada, ben]\naccess:\n  office: [group/x]\n---\n" +
				"grant: office-y-owner\nto: [ben]\naccess:\n  office: [{group/y: owner}]\n", nil, nil},
		{"many people with the same things", things + "object a\nobject b\nobject c\na member group/x\nb member group/x\nc member group/x\na use app/a\nb use app/a\nc use app/a\nc write folder/f", []string{office, boss},
			"people:\n  - {person: a}\n  - {person: b}\n  - {person: c}\n---\ngroup: a\nmembers: [a, b, c]\n---\ngrant: office-a\nto: [{group: a}]\naccess:\n  office: [app/a, group/x]\n---\n" +
				"grant: office-f-write\nto: [c]\naccess:\n  office: [{folder/f: write}]\n", nil, nil},
		{"what is declared isn't written again", things + "object ada\nada member group/x\nada use app/a", []string{office, boss, "person: ada\n", "grant: g\nto: [ada]\naccess: {office: [group/x]}\n"},
			"grant: office-a\nto: [ada]\naccess:\n  office: [app/a]\n", nil, nil},
		{"an account by another name", things + "object A.L\nA.L member group/x", []string{office, boss, "person: a.l\n"},
			"people:\n  - {person: a.l-office, accounts: {office: A.L}}\n---\ngrant: office-x\nto: [a.l-office]\naccess:\n  office: [group/x]\n", nil,
			[]string{"A.L on office became a.l-office, as a.l is taken (doc2.yaml:1); if they are the same, put accounts: {office: A.L} there instead"}},
		{"services", "object svc-1", []string{office, boss}, "service: svc-1\nowners: [boss]\n", nil, nil},
		{"disabled", things + "object a disabled\na member group/x\nobject b disabled", []string{office, boss},
			"people:\n  - {person: a, status: leave}\n---\ngrant: office-x\nto: [a]\naccess:\n  office: [group/x]\n",
			[]string{"disabled account/b: it is disabled and holds nothing that can be declared"},
			[]string{"1 disabled account holds something: its person is declared on leave, which counts on every system"}},
		{"disabled, and declared active", things + "object a disabled\na member group/x", []string{office, boss, "person: a\n"}, "",
			[]string{"disabled account/a member group/x: the account is disabled, and a is declared active (doc2.yaml:1)"}, nil},
		{"people who left and people to come", things + "object a\na member group/x\nobject b\nb member group/x", []string{office, boss, "people: [{person: a, status: left}, {person: b, starts: 2027-01-01}]\n"}, "",
			[]string{"person account/a member group/x: a has left (doc2.yaml:1)", "person account/b member group/x: b hasn't started yet (doc2.yaml:1)"}, nil},
		{"on leave", things + "object a disabled\na member group/x\nobject b\nb member group/x", []string{office, boss, "people: [{person: a, status: leave}, {person: b, status: leave}]\n"},
			"grant: office-x\nto: [a]\naccess:\n  office: [group/x]\n", []string{"person account/b member group/x: b is on leave (doc2.yaml:1)"}, nil},
		{"the system's own", "self me\nobject me\nobject group/z reserved\nobject root reserved\nroot owner group/z\nobject a\na member group/z", []string{office, boss},
			"people:\n  - {person: a}\n---\ngrant: office-z\nto: [a]\naccess:\n  office: [group/z]\n",
			[]string{"self account/me: it is the account that Accord itself uses"}, []string{"2 objects belong to the system itself and aren't declared"}},
		{"standings", things + "object a\na member group/x pending\na member group/y implied", []string{office, boss},
			"people:\n  - {person: a}\n---\ngrant: office-x\nto: [a]\naccess:\n  office: [group/x]\n", nil,
			[]string{"1 invitation wasn't accepted yet; it is declared like what is held", "1 grant follows from others and needs no line"}},
		{"what can only be seen", things + "object a\na some folder/f\na member group/none", []string{office, boss}, "people:\n  - {person: a}\n",
			[]string{"read-only account/a some folder/f: it can be seen, not granted: it isn't one of the levels that are given", "unlisted account/a member group/none: the system doesn't list group/none"}, nil},
		{"nested groups", things + "group/x member group/y\ngroup/x write folder/f\nfolder/f open vault/v\nobject vault/v", []string{office, boss},
			"resources:\n  group/x:\n    access: [{folder/f: write}, group/y]\n", []string{`resource folder/f open vault/v: a folder can't be declared on this system`}, nil},
		{"nested in what is declared", things + "group/x member group/y\ngroup/x write folder/f", []string{sys + "\nresources: {group/x: {access: [group/y]}}\n", boss},
			"resources:\n  group/x: # line 6 has it already: add\n    access: [{folder/f: write}]\n", nil, nil},
		{"a resource that would lose something", things + "group/x member group/y\ngroup/x some folder/f", []string{office, boss}, "",
			[]string{"read-only group/x some folder/f: it can be seen, not granted: it isn't one of the levels that are given",
				"resource group/x member group/y: declared, it would lose what else it holds, which can't be declared"}, nil},
		{"declared higher", things + "object a\na read folder/f", []string{office, boss, "person: a\n", "grant: g\nto: [a]\naccess: {office: [{folder/f: write}]}\n"}, "",
			[]string{"declared account/a read folder/f: it is declared as write"}, nil},
		{"names and attributes by rule", things + "object alo mail=ada.lo@x name=Ada comment=Ada!\nalo member group/x\nobject ben name=Ben comment=Benny\nben member group/x\nobject cy\ncy member group/x",
			[]string{sys + "\naccounts: {attributes: {comment: '{name}!'}}\n", boss},
			"people:\n  - {person: alo, name: Ada, email: \"ada.lo@x\"}\n---\ngrant: office-x\nto: [alo]\naccess:\n  office: [group/x]\n",
			[]string{`attributes account/ben: its comment is "Benny", and the system's document would make it "Ben!"`,
				"attributes account/cy: the system's document asks for its comment, and the account doesn't tell what that is made from"}, nil},
		{"accounts named by address", "object ada@x\nobject ben@x\nobject ben@y", []string{sys + "\naccounts: {name: '{email}'}\n", "person: boss\nemail: boss@x\n"},
			"people:\n  - {person: ada, email: \"ada@x\"}\n  - {person: ben, email: \"ben@x\"}\n  - {person: \"ben@y\", email: \"ben@y\"}\n", nil, nil},
		{"what accord.yaml asks of people", "object ada comment=it\nobject ben comment=hr\nobject cy\nobject svc-1", []string{"version: 1\nattributes: {team: {values: [it], required: true}}\n",
			sys + "\naccounts: {attributes: {comment: '{attributes.team}'}}\n", "person: boss\nattributes: {team: it}\n"},
			"people:\n  - {person: ada, attributes: {team: it}}\n---\nservice: svc-1\nowners: [boss]\n",
			[]string{`attributes account/ben: accord.yaml doesn't allow team to be "hr"`, "attributes account/cy: accord.yaml requires the attribute team, which the account doesn't tell"}, nil},
		{"two accounts that match one person", "object a mail=x@y\nobject b mail=X@y", []string{sys + "\naccounts: {match: [{mail: '{email}'}, name]}\n", boss}, "",
			[]string{"disputed account/a: another account has the same mail, by which accounts are matched", "disputed account/b: another account has the same mail, by which accounts are matched"}, nil},
		{"idle accounts that a rule would disable", "object a", []string{sys + "\naccounts: {idle: disable}\n", boss}, "",
			[]string{"idle account/a: it holds nothing that can be declared, and idle: disable would disable it"}, nil},
		{"declared absent", things + "object a\na member group/x\ngroup/x member group/y", []string{sys + "\nresources: {group/x: {state: absent}}\n", boss}, "people:\n  - {person: a}\n",
			[]string{"declared account/a member group/x: group/x is declared absent", "resource group/x member group/y: it is declared absent"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			trip := newTrip(t, state(t, tt.live), tt.docs...)
			before := trip.changes()
			res := trip.adopt("svc-*")
			if d := gocmp.Diff(tt.want, lines(t, res)); d != "" {
				t.Errorf("written (-want +got):\n%s", d)
			}
			if d := gocmp.Diff(tt.gaps, gaps(res)); d != "" {
				t.Errorf("gaps (-want +got):\n%s", d)
			}
			if d := gocmp.Diff(tt.notes, res.Notes); d != "" {
				t.Errorf("notes (-want +got):\n%s", d)
			}
			if !strings.Contains(tt.name, "nested in") { // whose fragment is for a person to merge
				trip.take(res, nil)
				trip.expressed(res, before)
			}
		})
	}
}

// TestManage: what isn't claimed is suggested by its kind, once.
func TestManage(t *testing.T) {
	live := state(t, "object group/x\nobject app/a\nobject app/b\nobject a\na member group/x\na use app/a\na use app/b")
	trip := newTrip(t, live, strings.Replace(office, "'*/*'", "'group/*', app/b", 1), boss)
	if d := gocmp.Diff([]string{"app/*"}, trip.adopt().Manage); d != "" {
		t.Error(d)
	}
}

// TestAgain: a second import adds what is new behind what the first wrote, byte for byte; a file
// that was edited is refused.
func TestAgain(t *testing.T) {
	const live = "object group/x\nobject ada\nada member group/x\n"
	trip := newTrip(t, state(t, live), office, boss)
	first := trip.take(trip.adopt(), nil)
	trip.live = state(t, live+"object ben\nben member group/x\nada get url/u\n")
	res := trip.adopt()
	second := trip.take(res, first)
	trip.expressed(res, nil)
	_, body, _ := bytes.Cut(first, []byte("\n"))
	_, both, _ := bytes.Cut(second, []byte("\n"))
	rest, ok := bytes.CutPrefix(both, body)
	if !ok {
		t.Fatalf("what was there isn't as it was:\n%s", second)
	}
	for _, want := range []string{"{person: ben}", "grant: office-u\nto: [ada]", "grant: office-x-2\nto: [ben]"} {
		if !strings.Contains(string(rest), want) {
			t.Errorf("%q isn't in what was added:\n%s", want, rest)
		}
	}
	for _, wrong := range [][]byte{append(slices.Clone(second), "# mine\n"...), bytes.Replace(second, []byte("ada"), []byte("adb"), 1), []byte("person: x\n"), []byte("\n")} {
		if _, err := adopt.Write(res, adopt.Head{}, wrong); !errors.Is(err, adopt.ErrEdited) {
			t.Errorf("an edited file gives %v", err)
		}
	}
}

// TestLarge: what one file can't hold goes into several, each of which can be read.
func TestLarge(t *testing.T) {
	b := access.NewBuilder("office").Identity("fake")
	b.Object(access.Object{ID: id("group/x")})
	const people = 20_000
	for i := range people {
		a := access.Object{ID: access.Account(fmt.Sprintf("somebody-%06d", i)), Attributes: map[string]string{"name": "Somebody With A Name", "mail": fmt.Sprintf("s%d@example.com", i)}}
		b.Object(a)
		b.Grant(access.Grant{Subject: a.ID, Target: id("group/x"), Permission: "member"})
	}
	live, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	trip := newTrip(t, live, office, boss)
	res := trip.adopt()
	trip.take(res, nil)
	trip.expressed(res, nil)
	if n := len(trip.files); n < 5 {
		t.Errorf("%d files for %d people", n-3, people)
	}
	for _, f := range trip.files {
		if len(f.Data) > 1<<20 {
			t.Errorf("%s has %d bytes", f.Path, len(f.Data))
		}
	}
	if len(trip.repo.People()) != people+1 {
		t.Errorf("%d people are read back", len(trip.repo.People()))
	}
}

// TestIDs: ids are made of account names that aren't any, each once.
func TestIDs(t *testing.T) {
	b := access.NewBuilder("office").Identity("fake")
	accounts := []string{"Zoë.Ångström", "zoe.angstrom", "Łukasz Weiß", "李雷", "韩梅梅", "王芳", "Boss", "boss@x", "BOSS", strings.Repeat("x", 130), strings.Repeat("X", 130)}
	for _, name := range accounts {
		b.Object(access.Object{ID: access.Account(name)})
	}
	live, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	trip := newTrip(t, live, office, boss)
	res := trip.adopt()
	got := map[string]string{}
	for _, p := range res.People {
		got[cmp.Or(p.Account, p.ID)] = p.ID
	}
	want := map[string]string{"Zoë.Ångström": "zoe.angstrom-office", "zoe.angstrom": "zoe.angstrom", "Łukasz Weiß": "lukasz-weiss", "李雷": "account", "王芳": "account-office", "韩梅梅": "account-office-2",
		"BOSS": "boss-office", "Boss": "boss-office-2", "boss@x": "boss@x", strings.Repeat("X", 130): strings.Repeat("x", 100), strings.Repeat("x", 130): strings.Repeat("x", 98) + "-2"}
	if d := gocmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	trip.take(res, nil)
	trip.expressed(res, nil)
}

// TestOddNames: each odd name either comes back as it was or is a gap.
func TestOddNames(t *testing.T) {
	for _, name := range odd() {
		b := access.NewBuilder("office").Identity("fake")
		a := access.Object{ID: access.Account(name), Attributes: map[string]string{"name": name}}
		b.Object(a).Object(access.Object{ID: access.ID{Kind: "group", Name: name}})
		b.Grant(access.Grant{Subject: a.ID, Target: access.ID{Kind: "group", Name: name}, Permission: "owner"})
		live, err := b.Build()
		if err != nil {
			t.Fatal(err)
		}
		trip := newTrip(t, live, office, boss)
		res := trip.adopt()
		trip.take(res, nil)
		trip.expressed(res, nil)
		for _, g := range res.Gaps {
			if g.Kind != adopt.GapName {
				t.Errorf("%q: %s", name, g.Why)
			}
		}
		if len(res.Gaps) == 0 {
			h, ok := trip.want.Holder(a.ID)
			if p := trip.repo.Person(h.Person); !ok || p == nil || p.Name != (declare.Text{Value: name, At: p.Name.At}) {
				t.Errorf("%q isn't read back: %+v", name, p)
			}
		}
	}
}
