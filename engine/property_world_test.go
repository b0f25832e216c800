package engine_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/accordhq/accord/connectors/memory"
	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/repo"
)

// A world is a declaration, a live system, and a clock, all made up from a seed. Names are few,
// so that declared and live things meet often.
type randomWorld struct {
	r      *rand.Rand
	dir    string
	far    *memory.System
	now    time.Time
	mode   string
	manage []string
	guards string // flow mapping of the system
	leaver string
	hidden []access.ID

	people []randomPerson
}

type randomPerson struct {
	id     string
	status string // as written: active, leave, left, ended, upcoming
	dept   string
}

var (
	targets = []string{"group/g1", "group/g2", "role/r1", "folder/f1", "folder/f2", "app/a1"}
	levels  = map[string][]string{"group": {"member", "owner"}, "role": {"member"}, "folder": {"read", "write", "admin"}, "app": {"use", "audit", "admin"}}
)

func newRandomWorld(t *testing.T, seed uint64) *randomWorld {
	r := rand.New(rand.NewPCG(seed, 7))
	w := &randomWorld{r: r, dir: t.TempDir(), now: time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)}
	batch := []access.BatchUnit{access.BatchNone, access.BatchTarget, access.BatchAll}[r.IntN(3)]
	options := []memory.Option{memory.Batch(batch)}
	if r.IntN(4) == 0 {
		options = append(options, memory.Without(access.KindAccount, access.Disable, access.Enable))
	}
	if r.IntN(3) == 0 {
		options = append(options, memory.Self(access.Account("accord")))
	}
	w.far = memory.New(options...)
	w.mode = pick(r, "authoritative", "authoritative", "additive", "observe")
	for _, p := range []string{"group/*", "role/*", "folder/f1", "app/*"} {
		if r.IntN(3) > 0 {
			w.manage = append(w.manage, p)
		}
	}
	w.guards = pick(r, "{max_removals: 100%, max_leavers: 100%, keep_admins: 0}", "{max_removals: 100%, max_leavers: 100%, keep_admins: 1}", "{max_removals: 3, max_leavers: 1, protect: [p1]}", "{}")
	w.leaver = pick(r, "disable", "keep")
	if _, can := w.far.Describe().Kind(access.KindAccount); can && !w.far.Describe().Can(access.KindAccount, access.Disable) {
		w.leaver = "keep"
	}
	for i := range 3 + r.IntN(6) {
		w.people = append(w.people, randomPerson{
			id:     fmt.Sprintf("p%d", i),
			status: pick(r, "active", "active", "active", "active", "leave", "left", "ended", "upcoming"),
			dept:   pick(r, "eng", "fin"),
		})
	}
	return w
}

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

// declare writes the declaration and commits it.
func (w *randomWorld) declare(t *testing.T) {
	t.Helper()
	var b strings.Builder
	b.WriteString("people:\n")
	for _, p := range w.people {
		extra := map[string]string{"leave": ", status: leave", "left": ", status: left", "ended": ", ends: 2026-11-01", "upcoming": ", starts: 2027-02-01"}[p.status]
		fmt.Fprintf(&b, "  - {person: %s, name: Person %s, attributes: {dept: %s}%s}\n", p.id, p.id, p.dept, extra)
	}
	files := map[string]string{"people.yaml": b.String(), "groups.yaml": w.groups(), "grants.yaml": w.grants(), "system.yaml": w.system(),
		"accord.yaml": "version: 1\nattributes: {dept: {values: [eng, fin]}}\n", ".gitignore": ".accord/\n"}
	var names []string
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(w.dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	if id, err := repo.Init(w.dir, "world", names, w.now); err != nil {
		t.Fatal(err)
	} else if id == "" {
		gitIn(t, w.dir, "add", "-A")
		gitIn(t, w.dir, "-c", "user.name=T", "-c", "user.email=t@example.com", "commit", "-q", "--allow-empty", "-m", "next")
	}
}

func (w *randomWorld) groups() string {
	var b strings.Builder
	for i := range 3 {
		fmt.Fprintf(&b, "---\ngroup: team%d\nmembers:\n", i)
		for range 1 + w.r.IntN(3) {
			fmt.Fprintf(&b, "  - %s\n", pick(w.r, w.person(), "match: {dept: eng}", "{person: "+w.person()+", until: 2026-11-10}", "{person: "+w.person()+", until: 2027-01-31}"))
		}
		if i > 0 && w.r.IntN(2) == 0 {
			fmt.Fprintf(&b, "  - group: team%d\n", i-1)
		}
		if w.r.IntN(3) == 0 {
			fmt.Fprintf(&b, "except: [%s]\n", w.person())
		}
	}
	return b.String()
}

func (w *randomWorld) person() string { return pick(w.r, w.people...).id }

func (w *randomWorld) grants() string {
	var b strings.Builder
	for i := range 1 + w.r.IntN(5) {
		kind, name, _ := strings.Cut(pick(w.r, targets...), "/")
		fmt.Fprintf(&b, "---\ngrant: g%d\nto: [%s]\naccess: {sys: [{%s/%s: %s}]}\n", i,
			pick(w.r, w.person(), "group: team0", "group: team1", "group: team2"), kind, name, pick(w.r, levels[kind]...))
		b.WriteString(pick(w.r, "", "", "until: 2026-11-20\n", "until: 2027-03-31\n", "from: 2026-12-01\n"))
	}
	return b.String()
}

func (w *randomWorld) system() string {
	idle := pick(w.r, "report", "disable")
	if !w.far.Describe().Can(access.KindAccount, access.Disable) {
		idle = "report"
	}
	return fmt.Sprintf("system: sys\nconnector: memory\nmode: %s\nmanage: [%s]\nguards: %s\naccounts: {leaver: %s, idle: %s, create: %v, attributes: {name: \"{name}\"}}\nresources:\n  group/g3: {access: [%s]}\n",
		w.mode, `"`+strings.Join(append(w.manage, "app/none"), `", "`)+`"`, w.guards, w.leaver, idle, w.r.IntN(4) > 0,
		pick(w.r, "", "{folder/f1: read}", "{folder/f2: write}"))
}

// seed fills the live system: the targets, some accounts of declared people and of nobody, and
// grants at random; some things can't be seen.
func (w *randomWorld) seed(t *testing.T) {
	t.Helper()
	b := access.NewBuilder("sys")
	for _, s := range targets {
		id, _ := access.ParseID(s)
		b.Object(access.Object{ID: id})
	}
	can := w.far.Describe().Can(access.KindAccount, access.Disable)
	var subjects []access.ID
	for _, name := range []string{"p0", "p1", "p2", "p3", "p4", "p5", "stranger", "robot", "accord"} {
		if w.r.IntN(3) == 0 && name != "accord" {
			continue
		}
		b.Object(access.Object{ID: access.Account(name), Disabled: can && name != "accord" && w.r.IntN(5) == 0})
		subjects = append(subjects, access.Account(name))
	}
	subjects = append(subjects, access.ID{Kind: "group", Name: "g1"})
	held := map[string]bool{}
	for range 4 + w.r.IntN(14) {
		kind, name, _ := strings.Cut(pick(w.r, targets...), "/")
		subject, target := pick(w.r, subjects...), access.ID{Kind: kind, Name: name}
		if subject == target || held[subject.String()+target.String()] {
			continue
		}
		held[subject.String()+target.String()] = true
		b.Grant(access.Grant{Subject: subject, Target: target, Permission: pick(w.r, levels[kind]...)})
	}
	state, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	w.far.Seed(state)
	if w.r.IntN(3) == 0 {
		w.hidden = []access.ID{pick(w.r, append(subjects, access.ID{Kind: "folder", Name: "f1"}, access.ID{Kind: "app"})...)}
		for _, id := range w.hidden {
			w.far.Hide(id, "it can't be seen")
		}
	}
}

// hides reports whether the live state can't tell about the object.
func (w *randomWorld) hides(id access.ID) bool {
	for _, h := range w.hidden {
		if h == id || h.Name == "" && h.Kind == id.Kind {
			return true
		}
	}
	return false
}

// change moves people about for a second commit: joiners, movers, leavers, vanished documents.
func (w *randomWorld) change() {
	for i := range w.people {
		switch w.r.IntN(6) {
		case 0:
			w.people[i].status = pick(w.r, "active", "leave", "left")
		case 1:
			w.people[i].dept = pick(w.r, "eng", "fin")
		}
	}
	if w.r.IntN(2) == 0 {
		w.people = w.people[1:]
	}
}
