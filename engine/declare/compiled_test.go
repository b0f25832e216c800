package declare

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/accordhq/accord/engine/access"
)

// TestCompiled: what comes out of a record is as if it had been parsed: documents, problems, the
// lines that these show, and what Check fills in.
func TestCompiled(t *testing.T) {
	desc := map[string]access.Description{"c": {Kinds: []access.Kind{{Name: "role", Usual: "member", Subjects: []string{access.KindAccount, "role"},
		Permissions: []access.Permission{{Name: "member"}, {Name: "admin"}}, Actions: []access.Action{access.Create}}}}}
	taken, wrong := 0, 0
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 6))
		old, now := revision(r), revision(r)
		before, _ := ParseBeside(filesOf(old), Known{})
		c, err := OpenCompiled(string(before.Compile()))
		if err != nil {
			t.Fatal(err)
		}
		if c.Len() > before.Compilable(nil) {
			t.Fatalf("seed %d: %d contents of %d files", seed, c.Len(), before.Compilable(nil))
		}
		files := filesOf(now)
		want, problems := ParseBeside(files, Known{})
		problems = problems.Merge(want.Check(desc))
		known := Known{Compiled: c, Text: func(_, blob string) []byte { return []byte(blob) }}
		for i, f := range files {
			if known.Has(f.Path, now[f.Path]) {
				files[i].Data = nil
				taken++
			}
		}
		got, found := ParseBeside(files, known)
		found = found.Merge(got.Check(desc))
		if diff := cmp.Diff(problems, found); diff != "" {
			t.Fatalf("seed %d: problems (- parsed, + compiled)\n%s", seed, diff)
		}
		if diff := cmp.Diff(documentsOf(want), documentsOf(got), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("seed %d: (- parsed, + compiled)\n%s", seed, diff)
		}
		wrong += min(1, len(problems))
	}
	if taken < 300 || wrong < 20 {
		t.Errorf("%d files came out of a record, %d revisions were wrong: the test looks at too little", taken, wrong)
	}
}

// everything has every form of the documents that a record holds.
const everything = `person: a
previously: [a0, a1]
name: Ä "quoted"
email: a@x.example
status: leave
starts: 2026-01-31
ends: 2026-11-25T18:00:00.25+01:00
manager: b
attributes: {k: [x, y], l: z}
accounts: {s: aa}
---
service: s1
owners: [a]
attributes: {}
---
group: g
description: d
owners: [a, g]
labels: {x: y}
members:
  - a
  - {person: a, from: 2026-01-01T00:00:00Z, until: 2027-01-01, reason: r}
  - {match: {k: [x, "y*"]}}
  - {reports: a}
  - {all: [{any: [a, {group: g}]}, {not: a}]}
only: [a]
except: [b]
---
role: r
description: d
owners: [a]
includes: [r2]
access: {s: [role/x, {role/y: admin}]}
privileged: true
exclusive: [r3]
labels: {x: y}
---
grant: g
to: [a, {group: g}]
roles: [r]
access: {s: [role/x]}
from: 2026-11-01T00:00:00-11:30
until: 2026-12-01
reason: w
ticket: T-1
labels: {x: y}
---
system: s
connector: c
previously: [s0]
state: active
description: d
owners: [a]
config:
  word: value
  many: [x, y]
  secret: {env: SECRET}
  other: {file: secret.txt}
accounts:
  name: "{email.local}"
  attributes: {comment: "{name}"}
  match: [id, {mail: "{email}"}, name]
  create: false
  credential: none
  idle: report
  leaver: delete
  delete_after: 30d
resources:
  role/x: {description: d, state: present, owners: [a], access: [{role/y: admin}], member_of: [role/z], attributes: {comment: c}, privileged: true, labels: {x: y}}
mode: additive
manage: ["role/*"]
drift: report
priority: 10
guards: {max_removals: 5.5%, max_leavers: 20, protect: ["svc_*"], keep_admins: 2, flapping: {times: 3, within: 7d}}
labels: {x: y}
`

// TestCompiledEverything: no form of a document is lost, also those of texts that weren't
// written. The test fails if there is a field that the text above doesn't fill.
func TestCompiledEverything(t *testing.T) {
	files := []File{{Path: configFile, Data: []byte("version: 1\n")}, {Path: "all.yaml", Blob: "1", Data: []byte(everything)}}
	want, problems := ParseBeside(files, Known{})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	c, err := OpenCompiled(string(want.Compile()))
	if err != nil {
		t.Fatal(err)
	}
	if c.Len() != 1 {
		t.Fatalf("%d contents", c.Len())
	}
	files[1].Data = nil
	got, problems := ParseBeside(files, Known{Compiled: c})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	p, q := want.files.get("all.yaml"), got.files.get("all.yaml")
	if p == q {
		t.Fatal("it was parsed")
	}
	if diff := cmp.Diff(p.source.literals, q.source.literals, cmp.AllowUnexported(literal{})); diff != "" || len(p.source.literals) == 0 {
		t.Errorf("literals (- parsed, + compiled)\n%s", diff)
	}
	if diff := cmp.Diff(p, q, cmp.AllowUnexported(parsed{}), cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".source" }, cmp.Ignore())); diff != "" {
		t.Errorf("(- parsed, + compiled)\n%s", diff)
	}
	filled := map[string]bool{}
	fields(reflect.ValueOf(p), filled)
	for _, name := range slices.Sorted(maps.Keys(filled)) {
		if !filled[name] && !strings.HasPrefix(name, "parsed.") && name != "Term.Name.At" {
			t.Errorf("%s isn't filled by the text of this test", name)
		}
	}
}

// fields notes of every field of every struct whether it is ever set.
func fields(v reflect.Value, filled map[string]bool) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			fields(v.Elem(), filled)
		}
	case reflect.Slice:
		for i := range v.Len() {
			fields(v.Index(i), filled)
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[source]() || v.Type().PkgPath() == "time" {
			return
		}
		for i := range v.NumField() {
			name := v.Type().Name() + "." + v.Type().Field(i).Name
			filled[name] = filled[name] || !v.Field(i).IsZero()
			fields(v.Field(i), filled)
		}
	}
}

// TestCompiledDamaged: a record that isn't as it was written isn't used, wherever it is cut or
// changed.
func TestCompiledDamaged(t *testing.T) {
	r, _ := ParseBeside([]File{{Path: "all.yaml", Blob: "1", Data: []byte(everything)}}, Known{})
	data := r.Compile()
	for i := range data {
		if _, err := OpenCompiled(string(data[:i])); err == nil {
			t.Fatalf("cut off at %d it was taken", i)
		}
		bad := slices.Clone(data)
		bad[i] ^= 1 << (i % 8)
		if _, err := OpenCompiled(string(bad)); err == nil {
			t.Fatalf("with byte %d changed it was taken", i)
		}
	}
}

// TestCompiledUnreadable: what a record promised and doesn't hold is parsed after all.
func TestCompiledUnreadable(t *testing.T) {
	files := []File{{Path: configFile, Data: []byte("version: 1\n")}, {Path: "p.yaml", Blob: "1", Data: []byte("person: a\n")}}
	r, _ := ParseBeside(files, Known{})
	c, err := OpenCompiled(string(r.Compile()))
	if err != nil {
		t.Fatal(err)
	}
	c.sections[secRecords] = c.sections[secRecords][:len(c.sections[secRecords])-1]
	files[1].Data = nil
	got, problems := ParseBeside(files, Known{Compiled: c, Text: func(path, blob string) []byte {
		if path != "p.yaml" || blob != "1" {
			t.Errorf("asked for %s, %s", path, blob)
		}
		return []byte("person: a\n")
	}})
	if len(problems) > 0 || got.Person("a") == nil {
		t.Errorf("%v, %v", got.Person("a"), problems)
	}
}

// FuzzCompiled: whatever the record says, also under a checksum that fits, reading it ends, and
// what is read is either nothing, or documents that can be written again; or it is said that the
// record is damaged.
func FuzzCompiled(f *testing.F) {
	r, _ := ParseBeside([]File{{Path: "all.yaml", Blob: "1", Data: []byte(everything)}}, Known{})
	f.Add(r.Compile()[compiledHeader:])
	tree := keptWorld(rand.New(rand.NewPCG(1, 1)))
	if r, _ = ParseBeside(filesOf(tree), Known{}); len(r.Check(keptConnectors)) > 0 {
		f.Fatal("the company isn't sound")
	}
	f.Add(r.Compile()[compiledHeader:])
	f.Fuzz(func(t *testing.T, body []byte) {
		data := append([]byte(compiledMagic), binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(nil, uint64(len(body))), crc32.Checksum(body, castagnoli))...)
		c, err := OpenCompiled(string(data) + string(body))
		if err != nil {
			return
		}
		again := &coder{r: &reader{}}
		for i := range min(c.Len(), 1000) {
			if p := c.parsed(again, i, "p.yaml", "1", nil); p != nil {
				(&coder{w: &writer{numbers: map[string]uint64{}}}).file(p)
			}
		}
		defer func() {
			if said := recover(); said != nil && !strings.HasPrefix(fmt.Sprint(said), damagedRecord) {
				panic(said)
			}
		}()
		k := c.Kept(keptConnectors, func(_, blob string) []byte { return []byte(blob) })
		if k == nil || k.NumPeople() > 1000 {
			return
		}
		k.Team("p1")
		k.Called("a", "{attributes.dept}", "s")
		k.ByEmail("k@acme.example")
		k.neededKeys()
		k.MayAnswer("g0")
		k.strictGroups()
		if p := k.Person("p1"); p != nil {
			k.About([]*Person{p})
		}
		k.RenamedPeople()
		k.People()
	})
}

// BenchmarkCompiled opens a record and takes every file out of it.
func BenchmarkCompiled(b *testing.B) {
	for _, n := range []int{1_000, 10_000, 100_000} {
		files := []File{{Path: configFile, Data: []byte("version: 1\n")}}
		for i := range n {
			name := fmt.Sprintf("people/%06d.yaml", i)
			files = append(files, File{Path: name, Blob: fmt.Sprintf("%040d", i), Data: fmt.Appendf(nil, "person: p%06d\nname: Somebody\nemail: p%06d@acme.example\nstarts: 2020-01-02\nattributes: {department: d%d, title: x}\n", i, i, i%40)})
		}
		r, _ := ParseBeside(files, Known{})
		data := string(r.Compile())
		b.Run(fmt.Sprintf("%d files", n), func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				c, err := OpenCompiled(data)
				if err != nil {
					b.Fatal(err)
				}
				again := &coder{r: &reader{}}
				for _, f := range files[1:] {
					if c.parsed(again, c.find(f.Blob), f.Path, f.Blob, nil) == nil {
						b.Fatal(f.Path)
					}
				}
			}
		})
	}
}
