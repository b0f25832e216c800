package engine_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/accordhq/accord/connectors/memory"
	"github.com/accordhq/accord/engine"
	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/notify"
	"github.com/accordhq/accord/engine/plan"
)

func (s *site) drift(o engine.DriftOptions) *engine.Drifted {
	s.Helper()
	o.PlanOptions = s.options()
	d, head, err := s.engine().Drift(s.Context(), o)
	if err != nil {
		s.Fatal(err)
	}
	if err := head.Close(); err != nil {
		s.Fatal(err)
	}
	return d
}

func driftKeys(all []plan.Difference) string {
	var out []string
	for _, d := range all {
		out = append(out, d.Key())
	}
	return strings.Join(out, "; ")
}

// Whoever was invited isn't invited again while the invitation is open: not by the next apply,
// nor by any after it; drift says that it waits for them.
func TestInvitedOnce(t *testing.T) {
	s := newSite(t, map[string][]memory.Option{"hub": {memory.Invites("group")}})
	s.seed("hub", "group/g")
	s.commit("person: al\n---\ngrant: g\nto: [al]\naccess: {hub: [group/g]}\n")
	s.apply(engine.ExitOK)
	writes := len(s.far["hub"].Applied())
	for range 4 {
		s.now = s.now.Add(time.Hour)
		if p := s.plan(); len(p.Steps) > 0 {
			t.Errorf("planned again: %s", p.Steps[0].Change)
		}
		s.apply(engine.ExitOK)
	}
	if got := len(s.far["hub"].Applied()); got != writes {
		t.Errorf("%d writes more", got-writes)
	}
	d := s.drift(engine.DriftOptions{})
	if got := driftKeys(d.Differences); got != "pending-acceptance hub/account/al group/g member" || d.Exit != engine.ExitOK {
		t.Errorf("%q, exit %d", got, d.Exit)
	}
}

// What a system says of who wrote there is shown, and nothing else depends on it.
func TestWhoWroteIt(t *testing.T) {
	s := newSite(t, map[string][]memory.Option{"hub": nil})
	s.seed("hub", "mal read folder/f")
	s.commit("person: al\n")
	f := access.ID{Kind: "folder", Name: "f"}
	s.far["hub"].Trace(access.Trace{Object: f, By: "bob", At: s.now.Add(-time.Hour)}, access.Trace{Object: access.Account("mal"), By: "eve", At: s.now, Created: true},
		access.Trace{Object: access.Account("other"), By: "x"})
	plain, who := s.drift(engine.DriftOptions{}), s.drift(engine.DriftOptions{Who: true})
	if plain.Plan.PlanDigest != who.Plan.PlanDigest || driftKeys(plain.Differences) != driftKeys(who.Differences) {
		t.Error("who wrote it changes the plan")
	}
	got := map[plan.DriftKind]string{}
	for _, d := range who.Differences {
		for _, tr := range d.Traces {
			got[d.Kind] += tr.Object.String() + " " + tr.By + ";"
		}
	}
	if got[plan.DriftUndeclaredAccount] != "account/mal eve;" || got[plan.DriftUndeclaredGrant] != "folder/f bob;" {
		t.Errorf("%v", got)
	}
	for _, d := range plain.Differences {
		if len(d.Traces) > 0 {
			t.Errorf("asked, though nobody wanted to know: %+v", d)
		}
	}
}

// inbox is a webhook that keeps what it gets.
type inbox struct {
	mu   sync.Mutex
	got  []notify.Message
	down bool
}

func (i *inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	var m notify.Message
	if err := json.NewDecoder(r.Body).Decode(&m); err != nil || i.down {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	i.got = append(i.got, m)
}

// take empties it: events, and what they are about.
func (i *inbox) take() string {
	i.mu.Lock()
	defer i.mu.Unlock()
	var out []string
	for _, m := range i.got {
		for _, n := range m.News {
			out = append(out, strings.TrimSpace(string(n.Event)+" "+string(n.Kind)+" "+n.Subject.String()))
		}
	}
	i.got = nil
	return strings.Join(out, "; ")
}

// told makes a site tell an inbox.
func (s *site) told(docs string) *inbox {
	s.Helper()
	in := &inbox{}
	server := httptest.NewServer(in)
	s.Cleanup(server.Close)
	s.commit(docs)
	s.notify(server.URL)
	return in
}

func (s *site) notify(address string) {
	s.Helper()
	file := filepath.Join(s.dir, "accord.yaml")
	data, err := os.ReadFile(file)
	if err != nil {
		s.Fatal(err)
	}
	text := strings.Replace(string(data), "version: 1\n", "version: 1\nnotify:\n  - webhook: ops\n    url: "+address+"\n", 1)
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		s.Fatal(err)
	}
	gitIn(s.T, s.dir, "-c", "user.name=T", "-c", "user.email=t@example.com", "commit", "-q", "-a", "-m", "tell")
}

// An apply that ends in part is told, once, with the drift that it saw and put right; if nobody
// could be told, by the next run.
func TestTellPartly(t *testing.T) {
	s := newSite(t, map[string][]memory.Option{"hub": nil})
	s.seed("hub", "mal read folder/f", "folder/g")
	in := s.told("person: al\n---\nperson: bo\n---\ngrant: g\nto: [al, bo]\naccess: {hub: [folder/f, folder/g]}\n")
	s.far["hub"].Deny(access.ID{Kind: "folder", Name: "g"})
	in.down = true
	res, err := s.engine().Apply(t.Context(), engine.ApplyOptions{PlanOptions: s.options()})
	if err != nil || res.Exit != engine.ExitPartly || len(res.Told) != 1 || res.Told[0].Err == nil {
		t.Fatalf("%v, %+v", err, res)
	}
	in.down = false
	s.now = s.now.Add(time.Minute)
	if d := s.drift(engine.DriftOptions{Record: true}); len(d.Told) != 1 || d.Told[0].Err != nil {
		t.Errorf("%+v", d.Told)
	}
	if got := in.take(); !strings.HasPrefix(got, "partly") || !strings.Contains(got, "new undeclared-account account/mal") {
		t.Errorf("told %q", got)
	}
	s.now = s.now.Add(time.Minute)
	if d := s.drift(engine.DriftOptions{Record: true}); len(d.Told) != 0 || in.take() != "" {
		t.Errorf("told again: %+v", d.Told)
	}
}

// Drift that an apply puts right is told as what came and went; what can't be read isn't gone,
// and what flaps is a question.
func TestTellDrift(t *testing.T) {
	s := newSite(t, map[string][]memory.Option{"hub": nil})
	s.seed("hub", "folder/f")
	in := s.told("person: al\n---\ngrant: g\nto: [al]\naccess: {hub: [folder/f]}\n")
	s.apply(engine.ExitOK)
	if got := in.take(); got != "" {
		t.Errorf("told %q before there was anything", got)
	}
	s.drift(engine.DriftOptions{Record: true})
	take := access.Change{System: "hub", Action: access.Revoke, Subject: access.Account("al"), Target: access.ID{Kind: "folder", Name: "f"}, Before: &access.Value{Permission: "read"}}
	var all []string
	for range 4 {
		s.now = s.now.Add(time.Hour)
		s.far["hub"].Do(take)
		s.apply(engine.ExitOK)
		all = append(all, in.take())
	}
	if all[0] != "passed missing-grant account/al" || all[1] != all[0] || all[2] != all[0] || !strings.Contains(all[3], "flapping missing-grant account/al") {
		t.Errorf("told %q", all)
	}
	s.far["hub"].FailRead(1, os.ErrDeadlineExceeded)
	s.now = s.now.Add(time.Hour)
	s.drift(engine.DriftOptions{Record: true})
	if got := in.take(); got != "unreadable unknown" {
		t.Errorf("told %q", got)
	}
	s.now = s.now.Add(time.Hour)
	s.drift(engine.DriftOptions{Record: true})
	if got := in.take(); got != "readable unknown" {
		t.Errorf("told %q", got)
	}
	if !slices.ContainsFunc(s.plan().Steps, func(st plan.Step) bool { return st.Held != nil && st.Held.Why == plan.HeldFlapping }) {
		t.Error("it isn't held")
	}
}
