package adopt_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/adopt"
	"github.com/accordhq/accord/engine/declare"
	"github.com/accordhq/accord/engine/diff"
	"github.com/accordhq/accord/engine/resolve"
)

var at = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

// describe is a system with something of everything: levels, independent permissions, what can
// only be seen, what can't be listed, what can't be created.
func describe() access.Description {
	all := []access.Action{access.Create, access.Update, access.Rename, access.Delete}
	holders := []string{access.KindAccount, "group"}
	return access.Description{Connector: "fake", Parallel: 1, Kinds: []access.Kind{
		{Name: access.KindAccount, Actions: append([]access.Action{access.Disable, access.Enable}, all...),
			Attributes: []access.Attribute{{Name: "name"}, {Name: "mail"}, {Name: "comment"}}},
		{Name: "group", Actions: all, Attributes: []access.Attribute{{Name: "description"}}, Ordered: true, Usual: "member", Subjects: holders,
			Permissions: []access.Permission{{Name: "member"}, {Name: "owner", Admin: true}}},
		{Name: "folder", Ordered: true, Usual: "read", Subjects: holders,
			Permissions: []access.Permission{{Name: "some", ReadOnly: true}, {Name: "read"}, {Name: "write"}}},
		{Name: "app", Actions: all, Usual: "use", Permissions: []access.Permission{{Name: "use"}, {Name: "audit"}}},
		{Name: "url", Permissions: []access.Permission{{Name: "get"}}, Usual: "get", Open: true},
		{Name: "vault", Actions: all, Subjects: []string{access.KindAccount, "folder"}, Permissions: []access.Permission{{Name: "open"}, {Name: "on"}}},
	}}
}

// normalize refuses empty names; kind url is in lower case.
func normalize(o access.Object) (access.Object, error) {
	if o.ID.Name == "" {
		return o, fmt.Errorf("normalizing %s: a name can't be empty", o.ID)
	}
	if o.ID.Kind == "url" {
		o.ID.Name = strings.ToLower(o.ID.Name)
	}
	return o, nil
}

// office is the system's document.
const office = "system: office\nconnector: fake\nmode: authoritative\nmanage: ['*/*']\nowners: [boss]\n"

// trip is an import in memory.
type trip struct {
	testing.TB
	files []declare.File // of the repository; accord.yaml among them
	live  *access.State
	repo  *declare.Repository
	want  *resolve.Desired
}

func newTrip(t testing.TB, live *access.State, docs ...string) *trip {
	t.Helper()
	tr := &trip{TB: t, live: live, files: []declare.File{{Path: "accord.yaml", Data: []byte("version: 1\n")}}}
	for i, d := range docs {
		if strings.HasPrefix(d, "version:") {
			tr.files[0].Data = []byte(d)
			continue
		}
		tr.files = append(tr.files, declare.File{Path: fmt.Sprintf("doc%d.yaml", i), Data: []byte(d)})
	}
	tr.load()
	return tr
}

// load reads and resolves the repository.
func (t *trip) load() {
	t.Helper()
	r, problems := declare.Parse(t.files)
	problems = problems.Merge(r.Check(map[string]access.Description{"fake": describe()}))
	if err := problems.Err(); err != nil {
		t.Fatalf("the declaration isn't sound: %v", err)
	}
	w, problems := resolve.Resolve(resolve.Input{Repo: r, At: at, Connectors: map[string]resolve.Connector{"office": {Describe: describe(), Normalize: normalize}}})
	if err := problems.Err(); err != nil {
		t.Fatalf("the declaration can't be resolved: %v", err)
	}
	t.repo, t.want = r, w.System("office")
}

func (t *trip) adopt(services ...string) *adopt.Result {
	t.Helper()
	return adopt.Adopt(adopt.Input{
		Repo: t.repo, System: t.repo.System("office"), Describe: describe(), Normalize: normalize, Live: t.live,
		Declared: t.want.State(), Services: services, Owners: []string{"boss"}, Resource: t.want.Resource,
		Absent: func(id access.ID) bool { _, ok := t.want.Absent()[id]; return ok },
		Owner: func(id access.ID) (adopt.Owner, bool) {
			h, ok := t.want.Holder(id)
			return adopt.Owner{Person: h.Person, Account: h.Account, Status: h.Status, Why: h.Why}, ok
		},
	})
}

// changes are what a plan would do if everything were claimed.
func (t *trip) changes() []access.Change {
	return diff.Diff(t.want, t.live, diff.Scope{Describe: describe(), At: at, Create: true, Leaver: diff.LeaverDisable,
		Claims:        func(access.ID) bool { return true },
		DisabledSince: func(access.ID) (time.Time, bool) { return time.Time{}, false },
	}).Changes
}

// take puts what was made into the repository: the files beside the documents, the fragment into
// the system's document.
func (t *trip) take(res *adopt.Result, was []byte) []byte {
	t.Helper()
	files, err := adopt.Write(res, adopt.Head{System: "office", Connector: "fake", At: at}, was)
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range files {
		name := fmt.Sprintf("imported/office-%d.yaml", i)
		t.files = slices.DeleteFunc(t.files, func(f declare.File) bool { return f.Path == name })
		t.files = append(t.files, declare.File{Path: name, Data: f})
	}
	if text := res.Fragment(); text != "" {
		for i, f := range t.files {
			if strings.HasPrefix(string(f.Data), "system: office\n") {
				if strings.Contains(string(f.Data), "\nresources:\n") {
					text = strings.TrimPrefix(text, "resources:\n")
				}
				t.files[i].Data = append(slices.Clone(f.Data), text...)
			}
		}
	}
	t.load()
	return files[len(files)-1]
}

// expressed reports the changes that an import left over and that aren't among its gaps.
func (t *trip) expressed(res *adopt.Result, before []access.Change) {
	t.Helper()
	for _, c := range t.changes() {
		known := slices.ContainsFunc(before, func(b access.Change) bool { return b.Action != access.Revoke && b.String() == c.String() })
		if !known && !res.Gap()(c.Subject, c.Target) {
			t.Errorf("imported, and yet the plan would %s", c)
		}
	}
}

func id(s string) access.ID {
	if !strings.Contains(s, "/") {
		return access.Account(s)
	}
	v, err := access.ParseID(s)
	if err != nil {
		panic(err)
	}
	return v
}

// state reads lines: "object al disabled reserved KEY=VALUE", "al read folder/x pending",
// "self al".
func state(t testing.TB, text string) *access.State {
	t.Helper()
	b := access.NewBuilder("office").Identity("fake")
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		switch {
		case len(f) == 0:
		case f[0] == "self":
			b.Self(id(f[1]))
		case f[0] == "object":
			o := access.Object{ID: id(f[1]), Attributes: map[string]string{}}
			for _, w := range f[2:] {
				if k, v, ok := strings.Cut(w, "="); ok {
					o.Attributes[k] = strings.ReplaceAll(v, "_", " ")
				}
				o.Disabled, o.Reserved = o.Disabled || w == "disabled", o.Reserved || w == "reserved"
			}
			b.Object(o)
		default:
			g := access.Grant{Subject: id(f[0]), Permission: f[1], Target: id(f[2])}
			if len(f) > 3 {
				if err := g.Standing.UnmarshalText([]byte(f[3])); err != nil {
					t.Fatal(err)
				}
			}
			b.Grant(g)
		}
	}
	s, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return s
}
