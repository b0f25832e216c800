package gen_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/accordhq/accord/connectors/file"
	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/declare"
	"github.com/accordhq/accord/engine/gen"
	"github.com/accordhq/accord/engine/resolve"
)

// TestOneOfKept: what one person holds, why, and which groups they are in, is the same by a company
// of which only that person is resolved, read out of a record document by document.
func TestOneOfKept(t *testing.T) {
	o := organisation(t, gen.Options{Seed: 4, Size: gen.Size{People: 300, Grants: 3000, Systems: 6}})
	files := o.Files()
	for i := range files {
		files[i].Blob = fmt.Sprintf("%040d", i)
	}
	text := func(path, _ string) []byte {
		return files[slices.IndexFunc(files, func(f declare.File) bool { return f.Path == path })].Data
	}
	descriptions := map[string]access.Description{"file": file.Type().Describe()}
	all, problems := declare.ParseBeside(files, declare.Known{})
	if problems = problems.Merge(all.Check(descriptions)); len(problems) > 0 {
		t.Fatal(problems)
	}
	record, err := declare.OpenCompiled(string(all.Compile()))
	if err != nil {
		t.Fatal(err)
	}
	connectors := map[string]resolve.Connector{}
	for _, s := range all.Systems {
		connectors[s.ID.Value] = resolve.Connector{Describe: descriptions["file"]}
	}
	whole, problems := resolve.Resolve(resolve.Input{Repo: all, At: gen.Now(), Connectors: connectors})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	member := map[string][]string{}
	for _, g := range all.Groups() {
		for _, p := range whole.Members(g.ID.Value) {
			member[p] = append(member[p], g.ID.Value)
		}
	}
	held := 0
	for _, p := range all.People() {
		id := p.ID.Value
		kept := record.Kept(descriptions, text) // of which nothing was read yet
		if kept == nil {
			t.Fatal("nothing was kept")
		}
		one, problems := resolve.Resolve(resolve.Input{Repo: kept, At: gen.Now(), Connectors: connectors, About: map[string]bool{id: true}})
		if len(problems) > 0 || len(one.Beside()) > 0 {
			t.Fatal(problems, one.Beside())
		}
		if diff := cmp.Diff(whole.Holdings(id), one.Holdings(id), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("what %s holds (- all, + one)\n%s", id, diff)
		}
		for _, h := range one.Holdings(id) {
			held++
			if diff := cmp.Diff(whole.System(h.System).Reasons(h.Account, h.Target, h.Permission), one.System(h.System).Reasons(h.Account, h.Target, h.Permission)); diff != "" {
				t.Fatalf("why %s holds %v (- all, + one)\n%s", id, h, diff)
			}
		}
		for name, w := range map[string]*resolve.World{"all": whole, "one": one} {
			if diff := cmp.Diff(member[id], w.GroupsOf(id), cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("the groups of %s, by %s (- members, + person)\n%s", id, name, diff)
			}
		}
	}
	if held < 2000 {
		t.Errorf("%d things are held: the test looks at too little", held)
	}
}
