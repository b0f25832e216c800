package declare

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/accordhq/accord/engine/access"
)

// TestParseBeside: what is taken over from another revision is as if it had been parsed: the
// documents, the problems, and what Check fills in, though the connectors differ.
func TestParseBeside(t *testing.T) {
	usual := func(permission string) map[string]access.Description {
		d := access.Description{Kinds: []access.Kind{{Name: "role", Usual: permission, Subjects: []string{access.KindAccount, "role"}, Permissions: []access.Permission{{Name: "member"}, {Name: "admin"}}, Actions: []access.Action{access.Create}}}}
		return map[string]access.Description{"c": d}
	}
	taken, wrong := 0, 0
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 5))
		head, base := revision(r), revision(r)
		h, _ := ParseBeside(filesOf(head), Known{})
		h.Check(usual("admin"))

		files := filesOf(base)
		want, problems := Parse(files)
		problems = problems.Merge(want.Check(usual("member")))
		for i, f := range files {
			if h.has(f.Path, base[f.Path]) {
				files[i].Data = nil
				taken++
			}
		}
		got, found := ParseBeside(files, Known{Repo: h, Connectors: usual("member")})
		found = found.Merge(got.Check(usual("member")))
		if diff := cmp.Diff(problems, found); diff != "" {
			t.Fatalf("seed %d: problems (- parsed, + taken over)\n%s", seed, diff)
		}
		if diff := cmp.Diff(documentsOf(want), documentsOf(got), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("seed %d: (- parsed, + taken over)\n%s", seed, diff)
		}
		wrong += min(1, len(problems))
	}
	if taken < 500 || wrong < 20 || wrong > 190 {
		t.Errorf("%d files were taken over, %d revisions of 200 were wrong: the test looks at too little", taken, wrong)
	}
}

// revision makes a few files; the name of a content is the content itself.
func revision(r *rand.Rand) map[string]string {
	out := map[string]string{configFile: "version: 1\n", "s.yaml": "system: sys\nconnector: c\nresources: {role/x: {}, role/y: {member_of: [role/x]}}\n", "p9.yaml": "person: p9\n"}
	sound := r.IntN(2) == 0
	for i := range 6 {
		name := fmt.Sprintf("f%d.yaml", i)
		switch k := r.IntN(8); {
		case sound && (k == 1 || k == 4): // nothing
		case k == 0:
			out[name] = fmt.Sprintf("person: p%d\n---\ngroup: g%d\nmembers: [p%d]\n", i, i, i)
		case k == 1:
			out[name] = fmt.Sprintf("person: p%d\nnmae: x\n", i)
		case k == 2:
			out[name] = fmt.Sprintf("grant: g%d\nto: [p9]\nroles: []\naccess: {sys: [role/x]}\n", i)
		case k == 3:
			out[name] = fmt.Sprintf("role: r%d\naccess: {sys: [role/x, {role/y: admin}]}\n", i)
		case k == 4:
			out[name] = fmt.Sprintf("person: p%d\nname: [\n", i)
		default:
			out[name] = fmt.Sprintf("person: p%d\n", i)
		}
	}
	return out
}

func filesOf(tree map[string]string) []File {
	var out []File
	for _, path := range slices.Sorted(maps.Keys(tree)) {
		out = append(out, File{Path: path, Blob: tree[path], Data: []byte(tree[path])})
	}
	return out
}
