package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func itoa(n int) string { return strconv.Itoa(n) }

// gitlabCI starts the jobs that GitLab's rules pick for a pipeline.
func gitlabCI(t testing.TB) forgeCI {
	jobs, rules, vars := gitlabFile(t)
	pipeline := func(w *ciWorld, source, ref, sha string, more map[string]string, payload any) []started {
		env := map[string]string{
			"GITLAB_CI": "true", "CI_PROJECT_ID": "42", "CI_API_V4_URL": w.forge.url + "/api/v4", "CI_COMMIT_SHA": sha, "CI_PIPELINE_SOURCE": source,
			"CI_DEFAULT_BRANCH": "main", "CI_JOB_URL": "https://gitlab.example/jobs/1", "CI_PIPELINE_ID": "7", "CI_JOB_TOKEN": "of-the-job", "GITLAB_USER_LOGIN": "robin",
		}
		maps.Copy(env, vars)
		maps.Copy(env, more)
		if !slices.ContainsFunc(rules, func(rule string) bool { return gitlabRule(t, rule, env) }) {
			return nil
		}
		var out []started
		for _, name := range slices.Sorted(maps.Keys(jobs)) {
			j := jobs[name]
			if !slices.ContainsFunc(j.Rules, func(r struct{ If string }) bool { return gitlabRule(t, r.If, env) }) {
				continue
			}
			e := ciEvent{Name: source, Vars: env, Payload: payload, Ref: ref, Image: true}
			// Protected variables are for protected branches, and scoped to one environment each.
			switch {
			case env["CI_COMMIT_BRANCH"] != "main":
			case j.Environment.Name == "accord-read":
				e.Secrets = map[string]string{"WAREHOUSE_DSN": ciReadDSN, "GITLAB_TOKEN": ciReadToken}
			case j.Environment.Name == "accord-apply":
				e.Secrets = map[string]string{"WAREHOUSE_DSN": ciWriteDSN, "GITLAB_TOKEN": ciWriteToken, "NOTIFY_URL": w.forge.url + "/call"}
			}
			e.Trusted = e.Secrets != nil
			out = append(out, started{j.job(name), e})
		}
		return out
	}
	onMain := map[string]string{"CI_COMMIT_BRANCH": "main"}
	webhook := func(w *ciWorld, r *ciRequest) []started {
		return pipeline(w, "trigger", "refs/heads/main", w.main(), onMain, map[string]any{
			"object_kind": "merge_request", "object_attributes": map[string]any{"iid": r.Number, "target_project_id": 42, "last_commit": map[string]any{"id": r.Head}},
		})
	}
	return forgeCI{
		name: "gitlab",
		check: func(w *ciWorld, r *ciRequest) []started {
			ref := fmt.Sprintf("refs/merge-requests/%d/head", r.Number)
			return pipeline(w, "merge_request_event", ref, r.Head, map[string]string{
				"CI_MERGE_REQUEST_IID": itoa(r.Number), "CI_MERGE_REQUEST_PROJECT_ID": "42", "CI_MERGE_REQUEST_DIFF_BASE_SHA": w.main(),
			}, nil)
		},
		plan: webhook, approved: webhook,
		merged: func(w *ciWorld) []started { return pipeline(w, "push", "refs/heads/main", w.main(), onMain, nil) },
		hourly: func(w *ciWorld) []started { return pipeline(w, "schedule", "refs/heads/main", w.main(), onMain, nil) },
	}
}

// giteaCI starts the workflow of the access repository, and those of the repository beside it
// that holds the secrets.
func giteaCI(t testing.TB) forgeCI {
	run := func(w *ciWorld, names ...string) []started {
		var out []started
		for _, j := range actionsJobs(t, "gitea/access-run/.gitea/workflows/accord.yml") {
			if !slices.Contains(names, j.Name) {
				continue
			}
			e := ciEvent{Name: "schedule", Payload: map[string]any{}, Trusted: true, Image: true, Context: map[string]string{}, Vars: map[string]string{
				"GITEA_ACTIONS": "true", "GITHUB_ACTIONS": "true", "GITHUB_API_URL": "https://nowhere.example/api/v1", "GITHUB_REPOSITORY": "acme/access-run",
				"GITHUB_REF": "refs/heads/main", "GITHUB_SHA": strings.Repeat("0", 40), "GITHUB_SERVER_URL": "https://git.acme.example/", "GITHUB_RUN_ID": "9", "GITHUB_RUN_NUMBER": "9",
			}}
			for name, value := range map[string]string{
				"PLAN_TOKEN": ciReadToken, "APPLY_TOKEN": ciWriteToken, "WAREHOUSE_READ_DSN": ciReadDSN, "WAREHOUSE_WRITE_DSN": ciWriteDSN, "NOTIFY_URL": w.forge.url + "/call",
			} {
				e.Context["secrets."+name] = value
			}
			out = append(out, started{w.inImage(j, "--forge gitea --api "+w.forge.url+"/api/v1 --repo acme/access"), e})
		}
		return out
	}
	plan := func(w *ciWorld, _ *ciRequest) []started { return run(w, "plan") }
	return forgeCI{
		name: "gitea", polls: true,
		check: func(w *ciWorld, r *ciRequest) []started {
			var out []started
			for _, j := range actionsJobs(t, "gitea/access/.gitea/workflows/accord-check.yml") {
				j.Steps = slices.Clone(j.Steps)
				j.Steps[0].Run = w.remote(j.Steps[0].Run, `"${GITHUB_SERVER_URL%/}/$GITHUB_REPOSITORY.git"`)
				out = append(out, started{j, ciEvent{
					Name: "pull_request", Image: true, Ref: "refs/pull/" + itoa(r.Number) + "/head",
					Context: map[string]string{"secrets.GITEA_TOKEN": "of-the-job", "github.event.pull_request.number": itoa(r.Number)},
					Payload: map[string]any{"number": r.Number, "pull_request": map[string]any{"number": r.Number, "head": map[string]any{"sha": r.Head}}},
					Vars: map[string]string{
						"GITEA_ACTIONS": "true", "GITHUB_ACTIONS": "true", "GITHUB_API_URL": w.forge.url + "/api/v1", "GITHUB_REPOSITORY": "acme/access",
						"GITHUB_REF": "refs/pull/" + itoa(r.Number) + "/head", "GITHUB_SERVER_URL": "https://git.acme.example/", "GITHUB_RUN_ID": "9", "GITHUB_RUN_NUMBER": "9",
					},
				}})
			}
			return out
		},
		plan: plan, approved: plan,
		merged: func(w *ciWorld) []started { return run(w, "apply") },
		hourly: func(w *ciWorld) []started { return run(w, "apply") },
	}
}

// cronCI runs the scripts of a host, each with the variables of its own file.
func cronCI(t testing.TB) forgeCI {
	run := func(w *ciWorld, name string) []started {
		j := ciJob{File: "cron/" + name, Name: name, Steps: []ciStep{{Name: name, Run: "/usr/local/lib/accord/" + name}}}
		token, dsn := ciReadToken, ciReadDSN
		if name == "apply" {
			token, dsn = ciWriteToken, ciWriteDSN
		}
		j.Env = map[string]string{"ACCORD_REPO": "", "ACCORD_FORGE": "", "ACCORD_STATE": "/var/lib/accord", "ACCORD_GIT_TOKEN": token, "GITLAB_TOKEN": token, "WAREHOUSE_DSN": dsn}
		return []started{{w.inImage(j, "--forge gitlab --api "+w.forge.url+"/api/v4 --repo 42"), ciEvent{Trusted: true, Image: true}}}
	}
	plan := func(w *ciWorld, _ *ciRequest) []started { return run(w, "plan") }
	return forgeCI{
		name: "cron", polls: true, plan: plan, approved: plan,
		merged: func(w *ciWorld) []started { return run(w, "apply") },
		hourly: func(w *ciWorld) []started { return run(w, "apply") },
	}
}

// inImage puts a job where its image's scripts, its forge and its repository are.
func (w *ciWorld) inImage(j ciJob, forge string) ciJob {
	w.t.Helper()
	for _, key := range []string{"ACCORD_REPO", "ACCORD_FORGE", "ACCORD_STATE"} {
		if _, there := j.Env[key]; !there {
			w.t.Fatalf("%s: %s isn't set", j, key)
		}
	}
	j.Env = maps.Clone(j.Env)
	j.Env["ACCORD_REPO"], j.Env["ACCORD_FORGE"] = w.path("origin.git"), forge
	j.Steps = slices.Clone(j.Steps)
	for i, s := range j.Steps {
		if strings.HasPrefix(s.Run, "/usr/local/lib/accord/") {
			j.Steps[i].Run = w.cronDir() + strings.TrimPrefix(s.Run, "/usr/local/lib/accord")
		}
	}
	return j
}

// cronDir is the folder of the scripts, as the image has it.
func (w *ciWorld) cronDir() string {
	w.t.Helper()
	dir := w.path("lib")
	if _, err := os.Stat(dir); err == nil {
		return dir
	}
	if err := os.CopyFS(dir, os.DirFS(ciExamples+"/cron")); err != nil {
		w.t.Fatal(err)
	}
	return dir
}

// remote names the bare repository where a script names the forge.
func (w *ciWorld) remote(script, url string) string {
	w.t.Helper()
	if !strings.Contains(script, url) {
		w.t.Fatalf("the script doesn't name %s:\n%s", url, script)
	}
	return strings.Replace(script, url, w.path("origin.git"), 1)
}
