package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// ciEvent is what starts a job, and what surrounds it then.
type ciEvent struct {
	Name string
	// Vars are the CI's own variables, Context what expressions may name, Payload the event.
	Vars, Context map[string]string
	Payload       any
	// Ref is what is checked out unless a step says otherwise.
	Ref string
	// Secrets are all that the job's environment or repository holds, by name.
	Secrets map[string]string
	// Trusted jobs hold credentials: what they check out must be main.
	Trusted bool
	// Image jobs find accord in their image.
	Image bool
}

// ciResult is how a job ended.
type ciResult struct {
	Failed bool
	Out    string
	// Envs are the environments of the steps that ran, by their names.
	Envs map[string]map[string]string
}

// run runs a job as the CI would.
func (w *ciWorld) run(job ciJob, e ciEvent) ciResult {
	w.t.Helper()
	w.jobs++
	x := &ciJobRun{w: w, job: job, e: e, dir: fmt.Sprintf("job%d/work", w.jobs), temp: fmt.Sprintf("job%d/temp", w.jobs), set: map[string]string{}, res: ciResult{Envs: map[string]map[string]string{}}}
	for _, d := range []string{x.dir, x.temp} {
		if err := os.MkdirAll(w.path(d), 0o755); err != nil {
			w.t.Fatal(err)
		}
	}
	x.begin()
	for _, s := range job.Steps {
		x.step(s)
	}
	if job.After != "" {
		x.set["CI_JOB_STATUS"] = map[bool]string{true: "failed", false: "success"}[x.res.Failed]
		failed := x.res.Failed
		x.step(ciStep{Name: "after", If: "always()", Run: job.After})
		x.res.Failed = failed
	}
	w.keepLive(filepath.Dir(x.dir))
	x.nothingLeaks()
	return x.res
}

type ciJobRun struct {
	w    *ciWorld
	job  ciJob
	e    ciEvent
	dir  string // of the clone
	temp string
	set  map[string]string // by earlier steps
	path []string
	res  ciResult
}

// begin writes the event, and checks out where the CI itself does so.
func (x *ciJobRun) begin() {
	data, err := json.Marshal(x.e.Payload)
	if err != nil {
		x.w.t.Fatal(err)
	}
	x.w.write(x.temp+"/event.json", string(data))
	if x.e.Image {
		x.path = append(x.path, x.w.accord)
	}
	if strings.HasPrefix(x.job.File, "gitlab/") {
		x.checkout(x.e.Ref)
	}
}

func (x *ciJobRun) env(s ciStep) map[string]string {
	env := x.w.env()
	env["CI"] = "true"
	maps.Copy(env, x.e.Vars)
	for key, value := range map[string]string{"RUNNER_TEMP": x.temp, "GITHUB_EVENT_PATH": x.temp + "/event.json", "GITHUB_ENV": x.temp + "/env", "GITHUB_PATH": x.temp + "/path", "TRIGGER_PAYLOAD": x.temp + "/event.json"} {
		env[key] = x.w.path(value)
	}
	if strings.HasPrefix(x.job.File, "gitlab/") {
		maps.Copy(env, x.e.Secrets) // GitLab's are variables of the whole job
	}
	for _, more := range []map[string]string{x.job.Env, s.Env} {
		for key, value := range more {
			env[key] = expression(x.w.t, value, x.e.Context)
		}
	}
	maps.Copy(env, x.set)
	if env["ACCORD_STATE"] != "" {
		env["ACCORD_STATE"] = x.w.path(x.dir)
	}
	env["PATH"] = strings.Join(append(slices.Clone(x.path), env["PATH"]), ":")
	return env
}

func (x *ciJobRun) step(s ciStep) {
	x.w.t.Helper()
	env := x.env(s)
	if !condition(x.w.t, s.If, x.res.Failed, env) {
		return
	}
	if s.Uses != "" {
		ref := x.e.Ref
		if s.With["ref"] != "" {
			ref = "refs/heads/" + expression(x.w.t, s.With["ref"], x.e.Context)
		}
		x.checkout(ref)
		if s.With["persist-credentials"] == "false" { // nothing can be fetched any more
			x.w.git(x.dir, "remote", "set-url", "origin", "https://127.0.0.1:1/acme/access.git")
		}
		return
	}
	if strings.Contains(s.Run, "${{") {
		x.w.t.Errorf("%s: the step %q has an expression in its script, which is a way to run what somebody wrote into a title", x.job, s.Name)
	}
	x.res.Envs[s.Name] = env
	out, err := bash(x.w.t, x.w.path(x.dir), env, "set -e\n"+map[bool]string{true: "set -o pipefail\n"}[strings.HasPrefix(x.job.File, "gitlab/")]+s.Run)
	x.res.Out += out
	x.res.Failed = x.res.Failed || err != nil
	if _, exit := err.(*exec.ExitError); err != nil && !exit {
		x.w.t.Fatal(err)
	}
	assignments(x.w.t, x.w.path(x.temp+"/env"), x.set)
	if data, err := os.ReadFile(x.w.path(x.temp + "/path")); err == nil {
		x.path = strings.Fields(string(data))
	}
	x.onlyMain(s)
}

// checkout makes the clone as the CI or its action does: every branch, and one revision.
func (x *ciJobRun) checkout(ref string) {
	x.w.git(x.dir, "init", "-q")
	x.w.git(x.dir, "remote", "add", "origin", x.w.path("origin.git"))
	x.w.git(x.dir, "fetch", "-q", "--no-tags", "origin", "+refs/heads/*:refs/remotes/origin/*", "+"+ref+":refs/remotes/checkout")
	x.w.git(x.dir, "checkout", "-q", "--detach", "refs/remotes/checkout")
}

// onlyMain looks whether a job that holds credentials has anything but main checked out.
func (x *ciJobRun) onlyMain(s ciStep) {
	x.w.t.Helper()
	if !x.e.Trusted {
		return
	}
	for _, clone := range []string{x.dir, x.dir + "/access"} {
		if _, err := os.Stat(x.w.path(clone + "/.git")); err != nil {
			continue
		}
		if got := x.w.git(clone, "rev-parse", "HEAD"); got != x.w.main() {
			x.w.t.Errorf("%s: after %q %s is checked out, not main", x.job, s.Name, got)
		}
		if _, err := os.Stat(x.w.path(clone + "/brought-by-the-request")); err == nil {
			x.w.t.Errorf("%s: after %q a file of the request is in the folder", x.job, s.Name)
		}
	}
}

// nothingLeaks looks for secrets in the log, for what a request brought having been run, and in
// a job that has no right to one for any secret at all.
func (x *ciJobRun) nothingLeaks() {
	x.w.t.Helper()
	canaries := []string{ciReadToken, ciWriteToken, ciReadDSN, ciWriteDSN}
	for _, c := range canaries {
		if strings.Contains(x.res.Out, c) {
			x.w.t.Errorf("%s: %s is in the log:\n%s", x.job, c, x.res.Out)
		}
		for name, env := range x.res.Envs {
			if i := slices.IndexFunc(list(env), func(v string) bool { return strings.Contains(v, c) }); i >= 0 && !x.e.Trusted {
				x.w.t.Errorf("%s: the step %q has a secret: %s", x.job, name, list(env)[i])
			}
		}
	}
	if _, err := os.Stat(x.w.path("it-was-run")); err == nil {
		x.w.t.Errorf("%s: what the request brought was run", x.job)
	}
}
