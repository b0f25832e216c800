package engine

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/accordhq/accord/connectors/file"
	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/declare"
	"github.com/accordhq/accord/engine/gen"
	"github.com/accordhq/accord/engine/plan"
	"github.com/accordhq/accord/engine/resolve"
)

// plainCauses finds causes by making all the reasons of a shift: slow, and plain enough to be
// believed.
type plainCauses struct{ *shiftCauses }

func (x plainCauses) cause(sh *access.Shift) access.Cause {
	switch sh.Kind {
	case access.ShiftSettings, access.ShiftStatus:
		return x.shiftCauses.cause(sh)
	case access.ShiftLose:
		return x.lost(sh)
	}
	d := x.system[sh.System]
	if d == nil {
		return access.Cause{}
	}
	l, ok := plan.Responsible(d.Reasons(subjectOf(d, sh, sh.Person), sh.Target, sh.Permission), false, x.changed)
	if !ok {
		return access.Cause{}
	}
	if p, _, _, ok := x.head.Person(sh.Person); ok && x.changed != nil {
		own := access.Link{File: p.File, Line: int(p.At.Line), Text: "declared otherwise: " + sh.Person}
		if x.changed(own, false) && !x.changed(l, false) {
			l = own
		}
	}
	return access.Cause{Kind: access.CauseDeclared, Text: l.Text, File: l.File, Line: l.Line}
}

func (x plainCauses) lost(sh *access.Shift) access.Cause {
	if sh.Person != "" {
		_, status, _, ok := x.head.Person(sh.Person)
		if !ok || status == access.HolderLeft || status == access.HolderLeave {
			return x.shiftCauses.lost(sh)
		}
	}
	d := x.was[sh.System]
	if d == nil {
		return access.Cause{Kind: access.CauseRemoved, Text: "no longer declared"}
	}
	l, ok := plan.Responsible(d.Reasons(subjectOf(d, sh, x.before(sh.Person)), sh.Target, sh.Permission), true, x.changed)
	if !ok {
		return access.Cause{Kind: access.CauseRemoved, Text: "no longer declared"}
	}
	return access.Cause{Kind: access.CauseRemoved, Text: "no longer: " + l.Text, File: l.File, Line: l.Line}
}

// TestCausesAgree holds the causes of shifts to those found the plain way: of everything, and of
// what is new, gone or otherwise between two revisions.
func TestCausesAgree(t *testing.T) {
	org, err := gen.New(gen.Options{Size: gen.Size{Name: "small", People: 250, Grants: 3000, Systems: 5}, Seed: 3, Connector: "file"})
	if err != nil {
		t.Fatal(err)
	}
	tree := map[string]string{}
	var revisions []map[string]string
	for c := range org.History(30) {
		for _, f := range c.Files {
			if tree[f.Path] = string(f.Data); f.Data == nil {
				delete(tree, f.Path)
			}
		}
		now := map[string]string{}
		for path, data := range tree {
			now[path] = data
		}
		revisions = append(revisions, now)
	}
	last := revisions[len(revisions)-1]
	edited := map[string]string{}
	for path, data := range last { // a group by rule, a role and a system say something else
		data = strings.ReplaceAll(data, "match: {title: \"Senior *\"}", "match: {title: [\"Senior *\", \"Lead *\"]}")
		data = strings.ReplaceAll(data, "office: [app/mail, app/chat]", "office: [app/chat]")
		edited[path] = strings.ReplaceAll(data, "drive: [folder/handbook]", "drive: [{folder/handbook: write}]")
	}
	seen := map[access.CauseKind]int{}
	for _, c := range []struct {
		name       string
		base, head map[string]string
	}{{"everything", nil, last}, {"since the first", revisions[0], last}, {"back to the first", last, revisions[0]}, {"edited", last, edited}} {
		x := &shiftCauses{}
		var previous []*declare.Repository
		if c.base != nil {
			x.base = worldAt(t, c.base)
			previous = append(previous, x.base.Repo)
		}
		x.head = worldAt(t, c.head, previous...)
		if c.base != nil {
			x.changed = newChangedDocs(x.base.Repo, x.head.Repo).changed
		}
		x.index(x.head.Repo)
		got := resolve.Compare(x.base, x.head)
		want := resolve.Compare(x.base, x.head)
		if len(got) == 0 {
			t.Fatalf("%s: no shifts", c.name)
		}
		x.explain(got)
		for i := range want {
			want[i].Cause = plainCauses{x}.cause(&want[i])
			seen[want[i].Cause.Kind]++
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%s: (- the plain way, + explain)\n%s", c.name, diff)
		}
	}
	for _, kind := range []access.CauseKind{access.CauseDeclared, access.CauseRemoved, access.CauseLeaver} {
		if seen[kind] == 0 {
			t.Errorf("no shift had a cause of the kind %s: the test looks at too little (%v)", kind, seen)
		}
	}
}

// worldAt resolves the files of one revision.
func worldAt(t *testing.T, tree map[string]string, previous ...*declare.Repository) *resolve.World {
	t.Helper()
	var files []declare.File
	for path, data := range tree {
		files = append(files, declare.File{Path: path, Data: []byte(data)})
	}
	r, problems := declare.Parse(files)
	if problems = problems.Merge(r.Check(map[string]access.Description{"file": file.Describe()})); len(problems) > 0 {
		t.Fatal(problems[:min(3, len(problems))])
	}
	conns := map[string]resolve.Connector{}
	for _, s := range r.Systems {
		conns[s.ID.Value] = resolve.Connector{Describe: file.Describe()}
	}
	w, problems := resolve.Resolve(resolve.Input{Repo: r, At: gen.Now(), Connectors: conns, Previous: previous})
	if len(problems) > 0 {
		t.Fatal(problems[:min(3, len(problems))])
	}
	return w
}
