package main

import (
	"maps"
	"strings"
	"testing"
	"time"
)

// forgeCI is how the templates of one forge are started for what happens on it.
type forgeCI struct {
	name string
	// polls says that one job looks after all requests, now and then: it doesn't fail where one of
	// them is refused, and no status is pending meanwhile.
	polls bool
	// check and plan are started by a request, plan also by its approval; merged by main having
	// moved, hourly by the clock. Each gives the jobs in their order with what surrounds them.
	check, plan, approved func(*ciWorld, *ciRequest) []started
	merged, hourly        func(*ciWorld) []started
}

type started struct {
	job   ciJob
	event ciEvent
}

// ciForges are those that there are templates for.
func ciForges(t testing.TB) []forgeCI {
	return []forgeCI{githubCI(t), gitlabCI(t), giteaCI(t), cronCI(t)}
}

// TestExampleCI runs the accord lines of every template as its forge would: for requests of a
// branch and of a fork, a review, merges, and on a schedule.
func TestExampleCI(t *testing.T) {
	for _, ci := range ciForges(t) {
		for name, test := range map[string]func(*testing.T, *ciWorld, forgeCI){
			"branch": ciBranch, "fork": ciFork, "wrong": ciWrong, "approval": ciApproved, "squashed": ciSquashed,
			"waiting": ciWaiting, "refused": ciRefused, "schedule": ciSchedule, "broken forge": ciBrokenForge,
		} {
			t.Run(ci.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				test(t, newCIWorld(t), ci)
			})
		}
	}
}

const (
	benGetsTools = "grant: tools\nto: [ada, ben]\naccess: {office: [group/tools]}\n---\ngrant: soon-over\nto: [cleo]\naccess: {office: [group/tools]}\nuntil: 2026-11-30\n"
	benGetsVault = "grant: vault\nto: [ada, ben]\naccess: {office: [group/vault]}\n"
)

// all runs jobs, which must end as told, and gives what they printed.
func (w *ciWorld) all(t testing.TB, failed bool, jobs []started) string {
	t.Helper()
	var out strings.Builder
	bad := false
	for _, s := range jobs {
		res := w.run(s.job, s.event)
		out.WriteString(res.Out)
		bad = bad || res.Failed
	}
	if bad != failed {
		t.Fatalf("failed: %v, want %v:\n%s", bad, failed, out.String())
	}
	return out.String()
}

func wants(t testing.TB, what, got string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if bare, not := strings.CutPrefix(part, "!"); strings.Contains(got, bare) == not {
			t.Errorf("%s: %q is wrong in:\n%s", what, part, got)
		}
	}
}

// ciBranch: a request of a branch gets its plan, and what was merged is applied.
func ciBranch(t *testing.T, w *ciWorld, ci forgeCI) {
	r := w.request(1, "ben", false, map[string]string{"access.yaml": benGetsTools})
	if ci.check != nil {
		wants(t, "check", w.all(t, false, ci.check(w, r)), "group/tools: member", "ben")
	}
	if ci.plan != nil {
		w.all(t, false, ci.plan(w, r))
		wants(t, "comment", r.comment1(t), "ben", "group/tools: member", "gives access to **1 person**")
		wants(t, "status", r.status(t), "success ", "1 to give")
		if first := r.Statuses[r.Head][0]; !ci.polls && !strings.HasPrefix(first, "pending ") {
			t.Errorf("the first status is %q, and a run that dies after it leaves it behind", first)
		}
	}
	w.merge(r)
	w.all(t, false, ci.merged(w))
	if !w.live("ben", "tools") {
		t.Errorf("ben hasn't got what was merged:\n%s", w.read("live/office.state.yaml"))
	}
	if ci.plan != nil && w.forge.called != nil {
		t.Errorf("somebody was called: %q", w.forge.called)
	}
}

// ciFork: that of a fork is treated alike, and nothing that it brings is run or checked out where
// there are secrets; that is what run looks after.
func ciFork(t *testing.T, w *ciWorld, ci forgeCI) {
	r := w.request(2, "ben", true, map[string]string{
		"access.yaml": benGetsTools,
		// It points the system elsewhere and does away with the rule: both are the base's.
		"office.yaml":       strings.Replace(ciFiles["office.yaml"], "office.state", "elsewhere.state", 1),
		"vault.yaml":        benGetsVault,
		"policy/vault.rego": "package accord\n\nwarn_never contains \"x\" if input.change.op == \"status\"\n",
	})
	if ci.check != nil {
		w.all(t, true, ci.check(w, r)) // its own rules fail their own tests
	}
	if ci.plan != nil {
		w.all(t, !ci.polls, ci.plan(w, r))
		wants(t, "comment", r.comment1(t), "vault", "require_approval_vault")
		wants(t, "status", r.status(t), "fail", "refus")
	}
}

// ciWrong: what can't be planned is said, in the place of the plan that was there.
func ciWrong(t *testing.T, w *ciWorld, ci forgeCI) {
	if ci.plan == nil {
		t.Skip("there are no requests")
	}
	r := w.request(3, "ben", false, nil)
	w.all(t, false, ci.plan(w, r))
	wants(t, "comment", r.comment1(t), "!no plan")
	r = w.request(3, "ben", false, map[string]string{"access.yaml": "grant: tools\nto: [nobody]\naccess: {office: [group/tools]}\n"})
	if ci.check != nil {
		wants(t, "check", w.all(t, true, ci.check(w, r)), `no person "nobody"`)
	}
	w.all(t, true, ci.plan(w, r))
	wants(t, "comment", r.comment1(t), "there is no plan", `access.yaml:2:6: no person "nobody"`, r.Head)
	wants(t, "status", r.status(t), "there is no plan")
	if s := r.status(t); strings.HasPrefix(s, "success") {
		t.Errorf("the status is %s", s)
	}
}

// ciApproved: what needs an approval fails until somebody entitled approves; the review starts
// the plan again.
func ciApproved(t *testing.T, w *ciWorld, ci forgeCI) {
	if ci.plan == nil {
		t.Skip("there are no requests")
	}
	r := w.request(4, "ben", false, map[string]string{"vault.yaml": benGetsVault})
	if ci.check != nil {
		w.all(t, false, ci.check(w, r)) // it can't know of approvals, so it isn't the one that refuses
	}
	w.all(t, !ci.polls, ci.plan(w, r))
	wants(t, "status before", r.status(t), "fail", "refus")
	w.now = w.now.Add(time.Hour)
	r.Approvals = []ciApproval{{By: "ben", Commit: r.Head, At: w.now}} // its author
	w.all(t, !ci.polls, ci.approved(w, r))
	wants(t, "comment", r.comment1(t), "ben")
	wants(t, "status of his own", r.status(t), "fail", "refus")
	r.Approvals = append(r.Approvals, ciApproval{By: "ada", Commit: r.Head, At: w.now})
	w.all(t, false, ci.approved(w, r))
	wants(t, "comment", r.comment1(t), "ada")
	wants(t, "status", r.status(t), "success ")
	// A push takes the approval away.
	w.now = w.now.Add(time.Hour)
	r = w.request(4, "ben", false, map[string]string{"vault.yaml": strings.Replace(benGetsVault, "ben", "ben, cleo", 1)})
	w.now = w.now.Add(time.Hour)
	w.all(t, !ci.polls, ci.plan(w, r))
	wants(t, "status of a push", r.status(t), "fail", "refus")
}

// ciSquashed: an approval counts at apply, though the commit that was approved is in no branch.
func ciSquashed(t *testing.T, w *ciWorld, ci forgeCI) {
	if ci.plan == nil {
		t.Skip("there are no approvals")
	}
	r := w.request(5, "ben", true, map[string]string{"vault.yaml": benGetsVault})
	w.now = w.now.Add(time.Hour)
	r.Approvals = []ciApproval{{By: "ada", Commit: r.Head, At: w.now}}
	w.merge(r)
	wants(t, "apply", w.all(t, false, ci.merged(w)), "2 of 2 done and read back")
	if !w.live("ben", "vault") {
		t.Error("what was approved isn't applied")
	}
}

// ciWaiting: of several merges that wait each is applied by itself, with its own approvals.
func ciWaiting(t *testing.T, w *ciWorld, ci forgeCI) {
	if ci.plan == nil {
		t.Skip("there are no approvals")
	}
	for n, to := range []string{"ada, ben", "ada, ben, cleo"} {
		r := w.request(6+n, "ben", false, map[string]string{"vault.yaml": strings.Replace(ciFiles["vault.yaml"], "ada", to, 1)})
		w.now = w.now.Add(time.Hour)
		r.Approvals = []ciApproval{{By: "ada", Commit: r.Head, At: w.now}}
		w.merge(r)
	}
	w.all(t, false, ci.merged(w))
	if !w.live("ben", "vault") || !w.live("cleo", "vault") {
		t.Errorf("not all is applied:\n%s", w.read("live/office.state.yaml"))
	}
}

// ciRefused: an apply that is refused is red, calls somebody, and holds back nothing else.
func ciRefused(t *testing.T, w *ciWorld, ci forgeCI) {
	w.merge(w.request(8, "ben", false, map[string]string{"vault.yaml": benGetsVault})) // nobody approved
	w.merge(w.request(9, "ben", false, map[string]string{"people.yaml": strings.Replace(ciFiles["people.yaml"], "person: cleo", "person: cleo, status: left", 1)}))
	w.all(t, true, ci.merged(w))
	if w.live("ben", "vault") || w.live("cleo", "tools") {
		t.Errorf("ben has what nobody approved, or cleo, who left, has something:\n%s", w.read("live/office.state.yaml"))
	}
	if ci.name != "cron" && (len(w.forge.called) != 1 || !strings.Contains(w.forge.called[0], "refused")) {
		t.Errorf("called: %q", w.forge.called)
	}
}

// ciSchedule: what has ended ends, and what somebody gave by hand is told and reverted.
func ciSchedule(t *testing.T, w *ciWorld, ci forgeCI) {
	w.write("live/office.state.yaml", strings.Replace(ciLive, "  cleo:\n    access:\n", "  cleo:\n    access:\n      group/vault: member\n", 1))
	w.now = time.Date(2026, 12, 2, 10, 0, 0, 0, time.UTC)
	out := w.all(t, false, ci.hourly(w))
	wants(t, "drift", out, "cleo", "group/vault")
	if w.live("cleo", "tools") || w.live("cleo", "vault") || !w.live("ada", "tools") {
		t.Errorf("not as declared:\n%s", w.read("live/office.state.yaml"))
	}
	// Again, in new and empty folders: the journal remembers, there is nothing to do.
	w.all(t, false, ci.hourly(w))
}

// ciBrokenForge: where the approvals can't be had there is no plan, and the comment says so.
func ciBrokenForge(t *testing.T, w *ciWorld, ci forgeCI) {
	if ci.plan == nil {
		t.Skip("there are no requests")
	}
	r := w.request(10, "ben", false, map[string]string{"access.yaml": benGetsTools})
	w.all(t, false, ci.plan(w, r))
	w.forge.broken = "/reviews"
	if ci.name == "gitlab" || ci.name == "cron" {
		w.forge.broken = "/approvals"
	}
	w.all(t, true, ci.plan(w, r))
	wants(t, "comment", r.comment1(t), "there is no plan", "422")
	wants(t, "status", r.status(t), "there is no plan")
}

// githubCI starts the workflows of GitHub.
func githubCI(t testing.TB) forgeCI {
	const dir = "github/.github/workflows/"
	event := func(w *ciWorld, name string, payload any, ref string) ciEvent {
		return ciEvent{
			Name: name, Payload: payload, Ref: ref,
			Vars: map[string]string{
				"GITHUB_ACTIONS": "true", "GITHUB_API_URL": w.forge.url, "GITHUB_REPOSITORY": "acme/access", "GITHUB_REF": ref, "GITHUB_SHA": w.main(),
				"GITHUB_EVENT_NAME": name, "GITHUB_SERVER_URL": "https://github.example", "GITHUB_RUN_ID": "99", "GITHUB_ACTOR": "robin",
			},
			Context: map[string]string{"github.server_url": "https://github.example", "github.repository": "acme/access", "github.run_id": "99"},
		}
	}
	// secrets gives a job what its environment holds, and a token as its permissions are.
	secrets := func(w *ciWorld, s []started) []started {
		for i := range s {
			switch s[i].job.Environment {
			case "accord-read":
				s[i].event.Secrets = map[string]string{"WAREHOUSE_DSN": ciReadDSN}
				s[i].event.Context["github.token"] = ciReadToken
			case "accord-apply":
				s[i].event.Secrets = map[string]string{"WAREHOUSE_DSN": ciWriteDSN, "NOTIFY_URL": w.forge.url + "/call"}
				s[i].event.Context["github.token"] = ciWriteToken
			}
			s[i].event.Context = maps.Clone(s[i].event.Context)
			for k, v := range s[i].event.Secrets {
				s[i].event.Context["secrets."+k] = v
			}
			s[i].event.Trusted = s[i].job.Environment != ""
		}
		return s
	}
	jobs := func(w *ciWorld, file string, e ciEvent) []started {
		var out []started
		for _, j := range actionsJobs(t, dir+file) {
			of := e
			of.Context = maps.Clone(e.Context)
			out = append(out, started{j, of})
		}
		return secrets(w, out)
	}
	pull := func(r *ciRequest) any {
		return map[string]any{"number": r.Number, "pull_request": map[string]any{"number": r.Number, "head": map[string]any{"sha": r.Head}}}
	}
	return forgeCI{
		name: "github",
		check: func(w *ciWorld, r *ciRequest) []started {
			ref := "refs/pull/" + itoa(r.Number) + "/merge"
			return jobs(w, "accord-check.yml", event(w, "pull_request", pull(r), ref))
		},
		plan: func(w *ciWorld, r *ciRequest) []started {
			return jobs(w, "accord-plan.yml", event(w, "pull_request_target", pull(r), "refs/heads/main"))
		},
		approved: func(w *ciWorld, r *ciRequest) []started {
			ref := "refs/pull/" + itoa(r.Number) + "/merge"
			out := jobs(w, "accord-review.yml", event(w, "pull_request_review", pull(r), ref))
			run := map[string]any{"workflow_run": map[string]any{"head_sha": r.Head, "pull_requests": []any{}}}
			return append(out, jobs(w, "accord-plan.yml", event(w, "workflow_run", run, "refs/heads/main"))...)
		},
		merged: func(w *ciWorld) []started {
			return jobs(w, "accord-apply.yml", event(w, "push", map[string]any{"after": w.main()}, "refs/heads/main"))
		},
		hourly: func(w *ciWorld) []started {
			return jobs(w, "accord-apply.yml", event(w, "schedule", map[string]any{}, "refs/heads/main"))
		},
	}
}
