package engine_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/connectors/memory"
	"github.com/accordhq/accord/engine"
	"github.com/accordhq/accord/engine/plan"
	"github.com/accordhq/accord/engine/report"
)

// company is a random declaration with everything that one person's access can hang on: rules over
// attributes and managers, nested groups with windows, roles within roles, names of accounts that
// clash, ids that change.
type company struct {
	r     *rand.Rand
	dir   string
	files map[string]string
	// clash lets two people be given one account: never from the beginning.
	clash bool
}

const (
	companyPeople = 14
	companyGroups = 5
	companyRoles  = 4
	companyGrants = 6
	// fillers are people with nothing: below some number of files nothing is kept at all.
	fillers = 200
)

func newCompany(t *testing.T, seed uint64) *company {
	c := &company{r: rand.New(rand.NewPCG(seed, 11)), dir: t.TempDir(), files: map[string]string{}}
	c.files["accord.yaml"] = "version: 1\nattributes: {dept: {values: [eng, fin, ops]}, login: {}}\n" +
		pick(c.r, "", "", "rules: {leavers_hold_nothing: {}, manager_active: {}, owner_active: {}}\n", "rules: {segregation_of_duties: [[r0, r1]], temporary_access: {}}\n")
	c.files[".gitignore"] = ".accord/\n"
	for i := range fillers {
		c.files[fmt.Sprintf("fill/%03d.yaml", i)] = fmt.Sprintf("person: x%03d\nname: Xi\nemail: x%03d@acme.example\nattributes: {dept: ops, login: x%03d}\n", i, i, i)
	}
	for i := range companyPeople {
		c.files[fmt.Sprintf("people/p%02d.yaml", i)] = c.person(i)
	}
	for i := range companyGroups {
		c.files[fmt.Sprintf("groups/g%d.yaml", i)] = c.group(i)
	}
	for i := range companyRoles {
		c.files[fmt.Sprintf("roles/r%d.yaml", i)] = c.role(i)
	}
	for i := range companyGrants {
		c.files[fmt.Sprintf("grants/a%d.yaml", i)] = c.grant(i)
	}
	for _, name := range []string{"one", "two", "three"} {
		c.files["systems/"+name+".yaml"] = fmt.Sprintf("system: %s\nconnector: %s\nmanage: [\"*/*\"]\nmode: authoritative\naccounts: {name: %q, attributes: {name: %q}}\nresources:\n  group/in: {access: [{folder/f1: read}]}\n",
			name, pick(c.r, "memory", "memory", "folded"), pick(c.r, "{person}", "{person}", "{attributes.login}", "{email.local}"), pick(c.r, "{name}", "{person}"))
	}
	return c
}

func (c *company) anyone() string { return fmt.Sprintf("p%02d", c.r.IntN(companyPeople)) }

// person is i's document; managers are those with lower numbers, so that nobody is their own.
func (c *company) person(i int) string {
	id := fmt.Sprintf("p%02d", i)
	login, mail, own := id, id, id
	if c.clash {
		login, mail, own = pick(c.r, id, id, id, id, c.anyone()), pick(c.r, id, id, id, id, c.anyone()), pick(c.r, id, c.anyone())
	}
	text := fmt.Sprintf("person: %s\nname: %s\nemail: %s@acme.example\nattributes: {dept: %s, login: %s}\n", id, pick(c.r, "Ada", "Ben"), mail, pick(c.r, "eng", "fin"), login)
	if i > 0 && c.r.IntN(3) > 0 {
		text += fmt.Sprintf("manager: p%02d\n", c.r.IntN(i))
	}
	text += pick(c.r, "", "", "", "", "status: leave\n", "status: left\n", "ends: 2026-11-01\n", fmt.Sprintf("ends: 2026-12-%02d\n", 1+c.r.IntN(28)), "ends: 2027-01-31\n", "starts: 2026-12-24\n")
	text += pick(c.r, "", "", "", "", "accounts: {one: "+own+"}\n", fmt.Sprintf("accounts: {two: P%02d}\n", i))
	text += pick(c.r, "", "", "", "", "", fmt.Sprintf("previously: [q%02d]\n", i))
	return text
}

func (c *company) term(deep bool, below int) string {
	n := 7
	if !deep {
		n = 4
	}
	switch c.r.IntN(n) {
	case 0:
		return c.anyone()
	case 1:
		if below > 0 {
			return fmt.Sprintf("{group: g%d}", c.r.IntN(below))
		}
		return c.anyone()
	case 2:
		return "{match: {dept: [" + pick(c.r, "eng", "fin", `"e*"`, "eng, ops") + "]}}"
	case 3:
		return "{reports: " + c.anyone() + "}"
	case 4:
		return "{all: [" + c.term(false, below) + ", " + c.term(false, below) + "]}"
	case 5:
		return "{any: [" + c.term(false, below) + ", " + c.term(false, below) + "]}"
	}
	return "{all: [{match: {dept: [eng, fin]}}, {not: " + c.anyone() + "}]}"
}

func (c *company) terms(below int) string {
	var out []string
	for range 1 + c.r.IntN(3) {
		out = append(out, c.term(true, below))
	}
	return strings.Join(out, ", ")
}

// group is i's document; groups hold those with lower numbers, so that there is no circle.
func (c *company) group(i int) string {
	text := fmt.Sprintf("group: g%d\nmembers: [%s]\n", i, c.terms(i))
	switch c.r.IntN(6) {
	case 0:
		text += "except: [" + c.anyone() + "]\n"
	case 1:
		text += "only: [{match: {dept: eng}}]\n"
	case 2:
		text = fmt.Sprintf("group: g%d\nmembers: [{person: %s, until: %s}, %s]\n", i, c.anyone(), pick(c.r, "2026-11-10", "2027-02-01"), c.terms(i))
	}
	return text + pick(c.r, "", "owners: ["+c.anyone()+"]\n")
}

func (c *company) access() string {
	kind, name, _ := strings.Cut(pick(c.r, targets...), "/")
	return fmt.Sprintf("{%s: [{%s/%s: %s}]}", pick(c.r, "one", "two", "three"), kind, name, pick(c.r, levels[kind]...))
}

func (c *company) role(i int) string {
	text := fmt.Sprintf("role: r%d\naccess: %s\n", i, c.access())
	if i > 0 && c.r.IntN(2) == 0 {
		text += fmt.Sprintf("includes: [r%d]\n", c.r.IntN(i))
	}
	if i > 0 && c.clash {
		text += pick(c.r, "", "", "exclusive: [r0]\n")
	}
	return text + pick(c.r, "", "", "privileged: true\n", "owners: ["+c.anyone()+"]\n")
}

func (c *company) grant(i int) string {
	to := c.terms(companyGroups)
	what := pick(c.r, fmt.Sprintf("roles: [r%d]\n", c.r.IntN(companyRoles)), "access: "+c.access()+"\n")
	return fmt.Sprintf("grant: a%d\nto: [%s]\n%s", i, to, what) + pick(c.r, "", "", "until: 2026-11-20\n", "until: 2027-03-31\n", "from: 2026-12-01\n", "reason: why\n")
}

// edit changes a few documents, or takes some away.
func (c *company) edit() {
	for range 1 + c.r.IntN(2) {
		switch i := c.r.IntN(20); {
		case i < 10:
			n := c.r.IntN(companyPeople)
			if c.files[fmt.Sprintf("people/p%02d.yaml", n)] = c.person(n); n > 9 && c.r.IntN(6) == 0 {
				delete(c.files, fmt.Sprintf("people/p%02d.yaml", n))
			}
		case i < 13:
			n := c.r.IntN(companyGroups)
			c.files[fmt.Sprintf("groups/g%d.yaml", n)] = c.group(n)
		case i < 15:
			n := c.r.IntN(companyRoles)
			c.files[fmt.Sprintf("roles/r%d.yaml", n)] = c.role(n)
		case i < 19:
			n := c.r.IntN(companyGrants)
			if c.files[fmt.Sprintf("grants/a%d.yaml", n)] = c.grant(n); c.r.IntN(4) == 0 {
				delete(c.files, fmt.Sprintf("grants/a%d.yaml", n))
			}
		default:
			c.files["accord.yaml"] += "timezone: Europe/Berlin\n"
			c.files["accord.yaml"] = strings.Replace(c.files["accord.yaml"], "timezone: Europe/Berlin\ntimezone: Europe/Berlin\n", "timezone: Europe/Berlin\n", 1)
		}
	}
}

func (c *company) commit(t *testing.T, message string) {
	t.Helper()
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") {
			if err := os.RemoveAll(filepath.Join(c.dir, e.Name())); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, text := range c.files {
		at := filepath.Join(c.dir, name)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	gitIn(t, c.dir, "add", "-A")
	gitIn(t, c.dir, "-c", "user.name=T", "-c", "user.email=p00@acme.example", "commit", "-q", "--allow-empty", "-m", message)
}

// focused counts the runs that didn't resolve everybody.
type focused struct {
	slog.Handler
	n *int
}

func (f focused) Enabled(context.Context, slog.Level) bool { return true }
func (f focused) Handle(_ context.Context, r slog.Record) error {
	if strings.HasPrefix(r.Message, "only those are resolved") || r.Message == "only what differs is looked at" {
		*f.n++
	}
	return nil
}

// engines are one that keeps nothing, and one that keeps what it learns in a folder and counts what
// comes of that.
func engines(t *testing.T, at time.Time, n *int) (plain, keeping *engine.Engine) {
	folded := memory.New(memory.CaseBlind()).Type()
	folded.Name = "folded"
	plain = &engine.Engine{Types: []connectors.Type{memory.New().Type(), folded}, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return at }, Version: "test", Actor: "test"}
	own := *plain
	own.Cache, own.Log = t.TempDir(), slog.New(focused{slog.DiscardHandler, n})
	return plain, &own
}

// validates holds what is said of a commit, of the folder, and of a folder in which something was
// changed, by an engine that keeps nothing to what one says that does.
func (c *company) validates(t *testing.T, plain, keeping *engine.Engine) {
	t.Helper()
	same := func(what string, src engine.Source) {
		t.Helper()
		if want, got := validated(t, plain, src), validated(t, keeping, src); want != got {
			t.Fatalf("%s: (- all documents, + what differs)\n%s", what, cmp.Diff(want, got))
		}
	}
	same("the commit", engine.Source{Dir: c.dir})
	same("the folder", engine.Source{Dir: c.dir, Worktree: true})
	i := c.r.IntN(companyPeople)
	name := filepath.Join(c.dir, fmt.Sprintf("people/p%02d.yaml", i))
	before, err := os.ReadFile(name)
	if err != nil {
		return // the person is gone
	}
	for _, text := range []string{c.person(i), "person: p00\nname: Twice\n", "person: [\n", "# nobody\n"} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		same("the folder with another "+name, engine.Source{Dir: c.dir, Worktree: true})
	}
	if err := os.WriteFile(name, before, 0o644); err != nil {
		t.Fatal(err)
	}
}

// validated is what is wrong with a declaration, or how much it declares.
func validated(t *testing.T, e *engine.Engine, src engine.Source) string {
	t.Helper()
	d, err := e.Validate(t.Context(), src)
	if err != nil {
		return "error: " + err.Error()
	}
	defer d.Close()
	r := d.Repo
	return fmt.Sprint(r.NumPeople(), len(r.Services()), r.NumGroups(), r.NumRoles(), r.NumGrants(), len(r.Systems), len(r.Exempts))
}

// planned is all that a run tells: the plan as it is written and as it is shown, or what is wrong.
func planned(t *testing.T, e *engine.Engine, o engine.PlanOptions) string {
	t.Helper()
	p, d, err := e.Plan(t.Context(), o)
	if err != nil {
		return "error: " + err.Error()
	}
	defer d.Close()
	var b bytes.Buffer
	if err := plan.Write(&b, p); err != nil {
		t.Fatal(err)
	}
	if err := report.Plan(&b, p, report.Options{Verbose: true}, ""); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(&b, "%v\n", d.Differs)
	return b.String()
}

func asked(t *testing.T, e *engine.Engine, o engine.WhyOptions) string {
	t.Helper()
	w, err := e.Why(t.Context(), o)
	if err != nil {
		return "error: " + err.Error()
	}
	var b bytes.Buffer
	if err := report.WhyText(&b, *w, report.Options{}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestFocus: a change that is looked at by what it touches, and a question about one person, get
// the same answer as if everybody were resolved and nothing were kept from earlier runs: the same
// bytes, digests and errors included.
//
// A failure names its company: go test ./engine -run Focus -world N -worlds 10
func TestFocus(t *testing.T) {
	count := *worldCount / 10 // each takes its time: git, and many runs
	focusedRuns, validations, changes, wrong, all := 0, 0, 0, 0, 0
	for seed := *worldFirst; seed < *worldFirst+count; seed++ {
		c := newCompany(t, seed)
		gitIn(t, c.dir, "init", "-q", "-b", "main")
		c.commit(t, "first")
		at := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
		plain, keeping := engines(t, at, &focusedRuns)
		now := func() time.Time { return at }
		plain.Now, keeping.Now = now, now
		applied := c.r.IntN(2) == 0
		if applied {
			if _, err := plain.Apply(t.Context(), engine.ApplyOptions{PlanOptions: engine.PlanOptions{Source: engine.Source{Dir: c.dir}}}); err != nil {
				t.Fatalf("company %d: %v", seed, err)
			}
		}
		c.clash = true
		for step := range 5 {
			o := engine.PlanOptions{Source: engine.Source{Dir: c.dir}, NoLive: true}
			for want, n := planned(t, plain, o), 0; n < 2; n++ { // the second time it may look at what isn't applied yet
				if got := planned(t, keeping, o); got != want {
					t.Fatalf("company %d, before change %d: (- everybody, + whom it touches)\n%s", seed, step, cmp.Diff(want, got))
				}
			}
			if c.r.IntN(3) == 0 {
				at = at.AddDate(0, 0, c.r.IntN(40)) // what was sound has to be known to be so still
			}
			before := maps.Clone(c.files)
			c.edit()
			c.commit(t, "change")
			if step > 0 || !applied { // else the change is what isn't applied yet
				o.Base = "HEAD~1"
			}
			want := planned(t, plain, o)
			for range 2 { // what the first one learned the second one knows
				if got := planned(t, keeping, o); got != want {
					t.Fatalf("company %d, change %d: (- everybody, + whom it touches)\n%s", seed, step, cmp.Diff(want, got))
				}
			}
			if step%2 == 0 {
				validations -= focusedRuns
				c.validates(t, plain, keeping)
				validations += focusedRuns
			}
			for range 3 {
				w := engine.WhyOptions{PlanOptions: engine.PlanOptions{Source: engine.Source{Dir: c.dir}, NoLive: true}, Person: c.anyone()}
				if c.r.IntN(2) == 0 {
					w.Entitlement = pick(c.r, "one", "two", "three") + "/" + pick(c.r, targets...)
				}
				if want, got := asked(t, plain, w), asked(t, keeping, w); got != want {
					t.Fatalf("company %d, change %d, why %s %s: (- everybody, + one)\n%s", seed, step, w.Person, w.Entitlement, cmp.Diff(want, got))
				}
			}
			all++
			if strings.HasPrefix(want, "error: ") {
				wrong++
				c.files = before // else nothing would be sound for a while
				gitIn(t, c.dir, "reset", "-q", "--hard", "HEAD~1")
			} else if strings.Contains(want, `"shifts"`) {
				changes++
			}
		}
	}
	t.Logf("%d changes, %d refused, %d moved access; %d runs looked at a part, %d of them validations", all, wrong, changes, focusedRuns, validations)
	if count >= 15 && (focusedRuns-validations < all/2 || validations < all/2 || changes < all/4 || wrong < all/50) {
		t.Errorf("%d changes, %d refused, %d moved access; %d runs looked at a part: the test looks at too little", all, wrong, changes, focusedRuns)
	}
}
