package engine_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/accordhq/accord/connectors/memory"
	"github.com/accordhq/accord/engine"
	"github.com/accordhq/accord/engine/access"
)

// keptCompany is a small company whose first plan has left what it learned.
func keptCompany(t *testing.T) (c *company, plain, keeping *engine.Engine, o engine.PlanOptions, focusedRuns *int) {
	t.Helper()
	n := 0
	c = newCompany(t, 1)
	gitIn(t, c.dir, "init", "-q", "-b", "main")
	c.commit(t, "first")
	plain, keeping = engines(t, time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC), &n)
	o = engine.PlanOptions{Source: engine.Source{Dir: c.dir}, NoLive: true}
	if got := planned(t, keeping, o); strings.HasPrefix(got, "error") {
		t.Fatal(got)
	}
	return c, plain, keeping, o, &n
}

// kept are the files in the cache's folder.
func kept(t *testing.T, e *engine.Engine) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(e.Cache, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// TestCacheIsTheUsersOwn: what is kept nobody else can read, and what others could have written isn't
// used, nor what is damaged or of another build.
func TestCacheIsTheUsersOwn(t *testing.T) {
	_, plain, keeping, o, _ := keptCompany(t)
	want := planned(t, plain, o)
	names := kept(t, keeping)
	if len(names) != 2 {
		t.Fatalf("kept %q, want what was compiled and what is sound", names)
	}
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has the mode %v", name, info.Mode())
		}
	}
	spoil := map[string]func(name string, data []byte) error{
		"cut off": func(name string, data []byte) error { return os.WriteFile(name, data[:len(data)/2], 0o600) },
		"changed": func(name string, data []byte) error { data[len(data)*2/3] ^= 1; return os.WriteFile(name, data, 0o600) },
		"empty":   func(name string, _ []byte) error { return os.WriteFile(name, nil, 0o600) },
		"another build": func(name string, data []byte) error {
			data[len("accord cache 1\n")+3] ^= 1
			return os.WriteFile(name, data, 0o600)
		},
		"of others": func(name string, _ []byte) error { return os.Chmod(name, 0o622) },
		"a folder": func(name string, _ []byte) error {
			if err := os.Remove(name); err != nil {
				return err
			}
			return os.Mkdir(name, 0o700)
		},
	}
	for what, do := range spoil {
		for _, name := range names {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if err := do(name, bytes.Clone(data)); err != nil {
				t.Fatal(err)
			}
			if got := planned(t, keeping, o); got != want {
				t.Errorf("%s, %s: the plan is another one", filepath.Ext(name), what)
			}
			_ = os.RemoveAll(name)
			if err := os.WriteFile(name, data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestCacheIsntWritable: a folder that can't be written is no error.
func TestCacheIsntWritable(t *testing.T) {
	_, plain, keeping, o, _ := keptCompany(t)
	keeping.Cache = filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(keeping.Cache, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, want := planned(t, keeping, o), planned(t, plain, o); got != want || strings.HasPrefix(got, "error") {
		t.Error("the plan is another one")
	}
}

// TestSoundEndsWithTheDay: that a revision was sound holds until something changes with time, and
// then for all that this isn't about; and not before the instant that it was found at.
func TestSoundEndsWithTheDay(t *testing.T) {
	c, plain, keeping, o, focusedRuns := keptCompany(t)
	c.files["people/p00.yaml"] = "person: p00\nname: Ada\nemail: p00@acme.example\nattributes: {dept: fin, login: p00}\n"
	// As long as zz is here and holds nothing, nobody minds whose account zz would have; a leaver's is taken away.
	c.files["people/zz.yaml"] = "person: zz\nname: Zoe\nemail: zz@acme.example\nends: 2026-11-25\nattributes: {dept: ops, login: zz}\naccounts: {one: p00}\n"
	c.files["people/zy.yaml"] = "person: zy\nname: Zoe\nemail: zy@acme.example\nends: 2026-11-24\nattributes: {dept: ops, login: zy}\n"
	for name, text := range c.files {
		c.files[name] = strings.ReplaceAll(text, "eng, ops", "eng")
	}
	c.commit(t, "somebody leaves tomorrow")
	for _, name := range kept(t, keeping) { // beside an older revision, in which nobody does, it could be looked at by what it touches
		if strings.HasSuffix(name, ".sound") {
			if err := os.Remove(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	planned(t, keeping, o)
	c.files["people/p01.yaml"] = "person: p01\nname: Ben\nemail: p01@acme.example\nattributes: {dept: eng, login: p01}\n"
	c.commit(t, "change")
	o.Base = "HEAD~1"
	for _, at := range []struct {
		time           string
		focused, sound bool
	}{
		{"2026-11-23T09:59:59Z", false, true}, {"2026-11-23T10:00:00Z", true, true}, {"2026-11-24T23:59:59Z", true, true},
		{"2026-11-25T00:00:00Z", true, true}, {"2026-11-26T00:00:00Z", false, false},
	} {
		now, err := time.Parse(time.RFC3339, at.time)
		if err != nil {
			t.Fatal(err)
		}
		plain.Now, keeping.Now = func() time.Time { return now }, func() time.Time { return now }
		before := *focusedRuns
		// The first run at an instant may learn that the base is sound; it doesn't rely on that yet.
		got, want := planned(t, keeping, o), planned(t, plain, o)
		if got != want || strings.HasPrefix(got, "error") == at.sound {
			t.Errorf("%s: the plan is another one, or isn't sound or wrong as it should be:\n%.200s", at.time, got)
		}
		if is := *focusedRuns > before; is != at.focused {
			t.Errorf("%s: looked at a part: %v, want %v", at.time, is, at.focused)
		}
	}
}

// TestSoundGoesOn: a revision that nobody planned as a whole is known to be sound by what it has
// otherwise than one that was: main after some merges, and a change that was planned before.
func TestSoundGoesOn(t *testing.T) {
	c, plain, keeping, o, focusedRuns := keptCompany(t)
	for i := range 4 {
		c.files["people/p01.yaml"] = fmt.Sprintf("person: p01\nname: Ben %d\nemail: p01@acme.example\nattributes: {dept: %s, login: p01}\n", i, []string{"eng", "fin"}[i%2])
		c.commit(t, "change")
		if i%2 == 0 {
			continue // two at a time
		}
		before := *focusedRuns
		o.Base = "HEAD~1"
		if got, want := planned(t, keeping, o), planned(t, plain, o); got != want || strings.HasPrefix(got, "error") {
			t.Errorf("%d: the plan is another one", i)
		}
		if *focusedRuns == before {
			t.Errorf("%d: everybody was resolved", i)
		}
	}
	// A base with which something is wrong vouches for nothing.
	c.files["people/p02.yaml"] = "person: p02\nname: Cy\nemail: p01@acme.example\nattributes: {dept: eng, login: p01}\n"
	c.commit(t, "two with one account")
	c.files["people/p03.yaml"] = "person: p03\nname: Di\nemail: p03@acme.example\nattributes: {dept: eng, login: p03}\n"
	c.commit(t, "change")
	before := *focusedRuns
	if got, want := planned(t, keeping, o), planned(t, plain, o); got != want || !strings.HasPrefix(got, "error") {
		t.Errorf("the plan is another one, or there is one at all:\n%s", got)
	}
	if *focusedRuns != before {
		t.Error("a part was looked at beside a revision that isn't sound")
	}
}

// TestCacheGoesWithAge: what a repository left that nobody works with any more is removed when
// something new is kept; what is young stays.
func TestCacheGoesWithAge(t *testing.T) {
	_, _, keeping, o, _ := keptCompany(t)
	old, young := filepath.Join(keeping.Cache, "old.compiled"), filepath.Join(keeping.Cache, "young.compiled")
	cut, writing := filepath.Join(keeping.Cache, "new-1"), filepath.Join(keeping.Cache, "new-2")
	for name, age := range map[string]time.Duration{old: 61 * 24 * time.Hour, young: time.Hour, cut: 2 * time.Hour, writing: time.Minute} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(name, time.Time{}, keeping.Now().Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range kept(t, keeping) {
		if base := filepath.Base(name); strings.HasSuffix(base, ".sound") || strings.HasSuffix(base, ".compiled") && base != "old.compiled" && base != "young.compiled" {
			if err := os.Remove(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	planned(t, keeping, o)
	for _, name := range []string{old, cut} {
		if _, err := os.Stat(name); !os.IsNotExist(err) {
			t.Errorf("%s is still there: %v", name, err)
		}
	}
	for _, name := range []string{young, writing} {
		if _, err := os.Stat(name); err != nil {
			t.Error(err)
		}
	}
}

// TestApplyReadsTheCommit: nothing that is carried out comes from what earlier runs kept, even where
// somebody managed to put another declaration there.
func TestApplyReadsTheCommit(t *testing.T) {
	far := memory.New()
	c := &company{dir: t.TempDir(), files: map[string]string{"accord.yaml": "version: 1\n", ".gitignore": ".accord/\n", "grant.yaml": "grant: a\nto: [p000]\naccess: {one: [group/g]}\n",
		"s.yaml": "system: one\nconnector: memory\nmode: authoritative\nmanage: [\"*/*\"]\nresources: {group/g: {}}\n"}}
	for i := range fillers {
		c.files[fmt.Sprintf("p%03d.yaml", i)] = fmt.Sprintf("person: p%03d\n", i)
	}
	gitIn(t, c.dir, "init", "-q", "-b", "main")
	c.commit(t, "first")
	_, e := engines(t, time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC), new(int))
	e.Types[0] = far.Type()
	o := engine.PlanOptions{Source: engine.Source{Dir: c.dir}}
	if got := planned(t, e, o); !strings.Contains(got, "p000") {
		t.Fatal(got)
	}
	for _, name := range kept(t, e) {
		if strings.HasSuffix(name, ".compiled") {
			poison(t, name, "p000", "evil")
		}
	}
	if got := planned(t, e, o); !strings.Contains(got, "evil") {
		t.Fatal("the poison doesn't work: the test shows nothing")
	}
	if _, err := e.Apply(t.Context(), engine.ApplyOptions{PlanOptions: o}); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"p000": true, "evil": false} {
		if _, ok := far.Dump().Object(access.Account(name)); ok != want {
			t.Errorf("the account %s is there: %v", name, ok)
		}
	}
}

// poison changes a text in what was compiled, under a checksum that fits.
func poison(t *testing.T, name, from, to string) {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	const magic = "accord compiled 2\n"
	body := data[bytes.Index(data, []byte(magic))+len(magic)+12:]
	copy(body[bytes.Index(body, []byte(from)):], to)
	binary.BigEndian.PutUint32(data[len(data)-len(body)-4:], crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)))
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
}
