package declare

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/accordhq/accord/engine/access"
)

func loadValid(t *testing.T) *Repository {
	t.Helper()
	r, ps := load(valid(t))
	if err := ps.Err(); err != nil {
		t.Fatalf("problems:\n%v", err)
	}
	return r
}

func ids[T document](docs []T) []string { return slices.Collect(idsOf(docs)) }

func TestRepository(t *testing.T) {
	r := loadValid(t)
	got := map[string][]string{
		"people": ids(r.People()), "groups": ids(r.Groups()), "roles": ids(r.Roles()),
		"grants": ids(r.Grants()), "systems": ids(r.Systems), "exempts": ids(r.Exempts),
	}
	want := map[string][]string{
		"people":  {"0123", "42", "alice", "bob", "ci-bot"},
		"groups":  {"core", "everybody"},
		"roles":   {"backend-engineer", "employee", "payments-approver"},
		"grants":  {"prod-db-oncall"},
		"systems": {"github", "warehouse"},
		"exempts": {"oncall-sod"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if r.Person("alice") == nil || r.Person("ci-bot") == nil || r.Group("core") == nil || r.Role("employee") == nil || r.System("github") == nil {
		t.Error("a document can't be found by its id")
	}
	if r.Person("core") != nil || r.Group("alice") != nil || r.Role("x") != nil || r.System("x") != nil {
		t.Error("a document is found that isn't there")
	}
}

func TestConfig(t *testing.T) {
	c := loadValid(t).Config
	if c.Location().String() != "Europe/Berlin" {
		t.Errorf("location %s", c.Location())
	}
	keep := Text{"2", At{9, 101}}
	want := &Config{
		Doc:      Doc{File: "accord.yaml", At: At{2, 1}},
		Version:  Text{"1", At{2, 10}},
		Timezone: Text{"Europe/Berlin", At{3, 11}},
		Attributes: []AttrDecl{
			{Name: Text{"department", At{5, 3}}, Values: []Text{{"engineering", At{5, 25}}, {"finance", At{5, 38}}, {"people", At{5, 47}}}, Required: Bool{true, true, At{5, 66}}},
			{Name: Text{"employment", At{6, 3}}, Values: []Text{{"employee", At{6, 25}}, {"contractor", At{6, 35}}}},
			{Name: Text{"title", At{7, 3}}},
			{Name: Text{"cost-centre", At{8, 3}}},
		},
		Guards: Guards{
			MaxRemovals: Limit{Percent: 10, IsPercent: true, Set: true, At: At{9, 24}},
			MaxLeavers:  Limit{Count: 20, Set: true, At: At{9, 42}},
			Protect:     []Text{{"root", At{9, 56}}, {"svc_*", At{9, 62}}, {"role/*admin*", At{9, 71}}},
			KeepAdmins:  &keep,
			Flapping:    Flapping{Times: &Text{"5", At{9, 122}}, Within: Days{14, true, At{9, 133}}},
		},
		Policy: []Text{{"policy", At{10, 10}}, {"shared/rules", At{10, 18}}},
		Rules: []Rule{
			{Text{"dormant", At{12, 3}}, map[string]any{
				"days": int64(90), "ratio": 0.5, "strict": true, "names": []any{"a", "b"}, "note": "90", "nested": map[string]any{"a": int64(-1)},
			}},
			{Text{"segregation_of_duties", At{13, 3}}, map[string]any{}},
			{Text{"plain", At{14, 3}}, "yes"},
		},
		Journal: JournalDecl{Dir: Text{".accord", At{15, 16}}},
		Notify: []Notify{
			{At: At{17, 5}, Name: Text{"ops", At{17, 12}}, Slack: &SlackNotify{URL: Reference{Env: Text{"SLACK_URL", At{18, 16}}, At: At{18, 10}},
				NotifyRules: NotifyRules{On: []Text{{"drift", At{19, 10}}, {"flapping", At{19, 17}}}, Digest: Text{"never", At{20, 13}}}}},
			{At: At{21, 5}, Name: Text{"siem", At{21, 14}}, Webhook: &WebhookNotify{
				URL: Reference{Value: Text{"https://siem.acme.example/accord", At{22, 10}}, At: At{22, 10}},
				Key: Reference{File: Text{"/run/secrets/siem", At{23, 17}}, At: At{23, 10}}}},
			{At: At{24, 5}, Name: Text{"oncall", At{24, 11}}, Mail: &MailNotify{
				Server: Text{"mail.acme.example:587", At{25, 13}}, TLS: Text{"starttls", At{26, 10}}, From: Text{"accord@acme.example", At{27, 11}},
				To:   []Text{{"oncall@acme.example", At{28, 10}}, {"ada@acme.example", At{28, 31}}},
				User: Text{"accord", At{29, 11}}, Password: Reference{Env: Text{"SMTP_PASSWORD", At{30, 21}}, At: At{30, 15}}}},
		},
	}
	if diff := cmp.Diff(want, c); diff != "" {
		t.Error(diff)
	}
}

func TestPerson(t *testing.T) {
	r := loadValid(t)
	p := r.Person("alice")
	if p.Service || p.Name.Value != "Alice Liddell" || p.Status.Value != "active" || p.Manager != (Text{"bob", At{11, 14}}) {
		t.Errorf("alice is %+v", p)
	}
	if p.Pos(p.At) != (Pos{"people.yaml", At{5, 13}}) {
		t.Errorf("alice is at %s", p.Pos(p.At))
	}
	if p.Starts.Text != "2026-01-10" || p.Starts.Day.IsZero() || !p.Ends.Day.IsZero() || p.Ends.Instant.UTC().Format("15:04") != "17:00" {
		t.Errorf("dates %+v %+v", p.Starts, p.Ends)
	}
	if diff := cmp.Diff([]Text{{"SRE", At{12, 73}}, {"Staff SRE", At{12, 78}}}, p.Get("title")); diff != "" {
		t.Error(diff)
	}
	if p.Get("cost-centre")[0].Value != "0123" || p.Get("nothing") != nil {
		t.Errorf("attributes %+v", p.Attributes)
	}
	if diff := cmp.Diff([]Pair{{Text{"warehouse", At{13, 16}}, Text{"alice-l", At{13, 27}}}, {Text{"github", At{13, 36}}, Text{"007", At{13, 44}}}}, p.Accounts); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]Text{{"alice.smith", At{14, 18}}}, p.Previously); diff != "" {
		t.Error(diff)
	}
	if no := r.Person("0123"); no.Name.Value != "no" || no.Status.Value != "left" {
		t.Errorf("0123 is %+v", no)
	}
	if bot := r.Person("ci-bot"); !bot.Service || len(bot.Owners) != 2 {
		t.Errorf("ci-bot is %+v", bot)
	}
}

func TestTerms(t *testing.T) {
	g := loadValid(t).Group("everybody")
	if g.Description.Value != "All who work here,\nand the services." {
		t.Errorf("description %q", g.Description.Value)
	}
	kinds := []TermKind{}
	for _, m := range g.Members {
		kinds = append(kinds, m.Kind)
	}
	want := []TermKind{TermPerson, TermPerson, TermPerson, TermMatch, TermMatch, TermReports, TermReports, TermPerson, TermAll, TermAny, TermNot}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Error(diff)
	}
	m := g.Members[3]
	if m.At != (At{10, 5}) || m.Match[0].Key.Value != "department" || m.Match[0].Values[1] != (Text{"f*", At{10, 39}}) || m.Windowed() {
		t.Errorf("match %+v", m)
	}
	if w := g.Members[7]; !w.Windowed() || w.Name.Value != "ci-bot" || w.From.Instant.IsZero() || w.Until.Day.IsZero() || w.Reason.Value != "PROJ-12 migration" {
		t.Errorf("windowed %+v", w)
	}
	if n := g.Members[8]; len(n.Terms) != 3 || n.Terms[1].Terms[1].Name.Value != "bob" || n.Terms[2].Terms[0].Kind != TermPerson {
		t.Errorf("nested %+v", n)
	}
	core := loadValid(t).Group("core")
	if len(core.Only) != 1 || len(core.Except) != 2 || core.Except[0].Name.Value != "42" {
		t.Errorf("core %+v", core)
	}
}

func TestEntitlements(t *testing.T) {
	r := loadValid(t)
	want := []Entitlement{
		{Text{"github", At{35, 3}}, access.ID{Kind: "team", Name: "backend"}, "member", At{35, 12}},
		{Text{"github", At{35, 3}}, access.ID{Kind: "repo", Name: "api"}, "push", At{35, 27}},
		{Text{"warehouse", At{36, 3}}, access.ID{Kind: "role", Name: "readonly"}, "member", At{36, 15}},
	}
	if diff := cmp.Diff(want, r.Role("backend-engineer").Access); diff != "" {
		t.Error(diff)
	}
	g := r.Grants()[0]
	if got := g.Access[0]; got.Permission != "admin" || got.Target.Name != "writer" {
		t.Errorf("named permission: %+v", got)
	}
	if got := g.Access[1].Target.Name; got != "with space: and colon" {
		t.Errorf("name %q", got)
	}
	if g.Reason.Value != "Quarter-end close" || g.Ticket.Value != "OPS-4411" || len(g.To) != 2 {
		t.Errorf("grant %+v", g)
	}
}

func TestSystem(t *testing.T) {
	s := loadValid(t).System("warehouse")
	if s.Connector.Value != "postgres" || s.Mode.Value != "authoritative" || s.Priority.Value != "10" || s.Guards.KeepAdmins.Value != "0" || s.Guards.MaxRemovals.Percent != 2.5 {
		t.Errorf("system %+v", s)
	}
	wantConfig := []Setting{
		{Key: Text{"dsn", At{7, 3}}, Env: Text{"WAREHOUSE_DSN", At{7, 14}}, At: At{7, 8}},
		{Key: Text{"schemas", At{8, 3}}, Values: []Text{{"public", At{8, 13}}, {"1", At{8, 21}}}, List: true, At: At{8, 12}},
	}
	if diff := cmp.Diff(wantConfig, s.Config[:2]); diff != "" {
		t.Error(diff)
	}
	if host := s.Config[7]; host.Values[0].Value != "" || host.Key.Value != "host" {
		t.Errorf("host %+v", host)
	}
	if a := s.Accounts; !a.Create.Value || a.DeleteAfter.Days != 30 || a.Idle.Value != "disable" || a.Attributes[0].Value.Value != "{name} <{email}>" {
		t.Errorf("accounts %+v", a)
	}
	ro := s.Resource(access.ID{Kind: "role", Name: "readonly"})
	want := &Resource{
		ID: access.ID{Kind: "role", Name: "readonly"}, At: At{24, 3}, Description: Text{"Read everything", At{24, 32}},
		Access:   []Entitlement{{s.ID, access.ID{Kind: "schema", Name: "public"}, "read", At{24, 59}}},
		MemberOf: []Entitlement{{s.ID, access.ID{Kind: "role", Name: "base"}, "member", At{24, 94}}},
	}
	if diff := cmp.Diff(want, ro); diff != "" {
		t.Error(diff)
	}
	if s.Resource(access.ID{Kind: "role", Name: "nobody"}) != nil {
		t.Error("a resource that isn't declared")
	}
	if legacy := s.Resource(access.ID{Kind: "role", Name: "legacy"}); legacy.State.Value != "absent" {
		t.Errorf("legacy %+v", legacy)
	}
}

// TestOrder: the order of the files doesn't matter, nor does where documents stand.
func TestOrder(t *testing.T) {
	in := valid(t)
	a, _ := load(in)
	slices.Reverse(in)
	b, _ := load(in)
	if diff := cmp.Diff(documentsOf(a), documentsOf(b)); diff != "" {
		t.Error(diff)
	}
}

// TestNotDocuments: what isn't part of the declaration isn't read.
func TestNotDocuments(t *testing.T) {
	bad := []byte("[not a document")
	r := repo(t, `
-- accord.yaml --
version: 1
policy: [policy, ./rego/]
journal: {dir: log}
-- db.yml --
system: db
connector: postgres
config: {dsn: {env: X}, ca: state/db.yaml, schemas: [./other.yaml]}
-- state/db.yaml --
version: 1
accounts: {alice: {}}
-- other.yaml --
- 1
-- policy/data.yaml --
limits: 1
-- rego/sub/data.yaml --
limits: 1
-- log/x.yaml --
limits: 1
-- .github/workflows/ci.yaml --
on: push
-- people/.draft.yaml --
x: 1
-- README.md --
# Read me
`)
	if len(r.Systems) != 1 {
		t.Errorf("systems %v", ids(r.Systems))
	}
	for _, name := range []string{"state/db.yaml", "policies/x.yaml", "logs/x.yml"} {
		_, ps := load([]File{{Path: "accord.yaml", Data: []byte("version: 1\npolicy: [policy]\njournal: {dir: log}\n")}, {Path: name, Data: bad}})
		if len(ps) != 1 || ps[0].Pos.File != name {
			t.Errorf("%s: %v", name, ps)
		}
	}
	// A file of documents doesn't vanish because a setting names it.
	_, ps := load([]File{
		{Path: "accord.yaml", Data: []byte("version: 1\n")}, {Path: "p.yaml", Data: []byte("person: alice\n---\nnonsense: x\n")},
		{Path: "db.yaml", Data: []byte("system: db\nconnector: postgres\nconfig: {dsn: {env: X}, ca: p.yaml}\n")},
	})
	if len(ps) != 1 || ps[0].Pos.File != "p.yaml" {
		t.Errorf("problems: %v", ps)
	}
}

// TestPositions: whatever stands at a place is what was read there.
func TestPositions(t *testing.T) {
	r := loadValid(t)
	count := 0
	check := func(file string, at At, value string) {
		if at == (At{}) {
			return
		}
		count++
		rest := r.source(file).from(at)
		if !strings.HasPrefix(rest, value) && !strings.HasPrefix(rest, "\""+value) && !strings.HasPrefix(rest, "|") && !strings.HasPrefix(rest, ">-") {
			t.Errorf("%q isn't at %s, but %q", value, Pos{file, at}, rest)
		}
	}
	var walk func(file string, v reflect.Value)
	walk = func(file string, v reflect.Value) {
		switch v.Kind() {
		case reflect.Pointer:
			if !v.IsNil() {
				walk(file, v.Elem())
			}
		case reflect.Slice:
			for i := range v.Len() {
				walk(file, v.Index(i))
			}
		case reflect.Struct:
			switch x := v.Interface().(type) {
			case Text:
				check(file, x.At, x.Value)
			case Date:
				check(file, x.At, x.Text)
			case Bool:
				check(file, x.At, fmt.Sprint(x.Value))
			case Entitlement:
				check(file, x.At, x.Target.String())
			case time.Time, Doc:
			default:
				for i := range v.NumField() {
					walk(file, v.Field(i))
				}
			}
		}
	}
	walk(configFile, reflect.ValueOf(r.Config))
	for d := range r.documents() {
		walk(d.doc().File, reflect.ValueOf(d))
	}
	if count < 150 {
		t.Errorf("only %d places were looked at", count)
	}
}
