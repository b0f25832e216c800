package forge

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What CI sets is understood, for each kind of job that may speak about a request.
func TestDetect(t *testing.T) {
	a, b := strings.Repeat("a", 40), strings.Repeat("b", 40)
	actions := map[string]string{
		"GITHUB_ACTIONS": "true", "GITHUB_API_URL": "https://ghe.example/api/v3", "GITHUB_REPOSITORY": "acme/access", "GITHUB_SHA": b,
		"GITHUB_SERVER_URL": "https://ghe.example", "GITHUB_RUN_ID": "99", "GITHUB_RUN_NUMBER": "5",
	}
	gitlab := map[string]string{
		"GITLAB_CI": "true", "CI_API_V4_URL": "https://git.example/api/v4", "CI_PROJECT_ID": "12", "CI_JOB_URL": "https://git.example/j/1", "CI_PIPELINE_ID": "44", "CI_COMMIT_SHA": b,
	}
	gh := Target{Kind: GitHub, API: "https://ghe.example/api/v3", Repo: "acme/access", Link: "https://ghe.example/acme/access/actions/runs/99", Tokens: []string{"GITHUB_TOKEN"}}
	gt := Target{Kind: Gitea, API: "https://ghe.example/api/v3", Repo: "acme/access", Link: "https://ghe.example/acme/access/actions/runs/5", Tokens: []string{"GITEA_TOKEN", "GITHUB_TOKEN"}}
	gl := Target{Kind: GitLab, API: "https://git.example/api/v4", Repo: "12", Link: "https://git.example/j/1", Pipeline: "44", Commit: b, Tokens: []string{"GITLAB_TOKEN"}}
	tests := []struct {
		name  string
		base  map[string]string
		more  map[string]string
		event string
		want  func() Target
	}{
		{"a pull request on GitHub", actions, map[string]string{"GITHUB_REF": "refs/pull/7/merge"}, `{"number": 7, "pull_request": {"number": 7, "head": {"sha": "` + a + `"}}}`,
			func() Target { t := gh; t.Request, t.Commit, t.Merge = 7, a, b; return t }},
		{"its target", actions, map[string]string{"GITHUB_REF": "refs/heads/main"}, `{"pull_request": {"number": 7, "head": {"sha": "` + a + `"}}}`,
			func() Target { t := gh; t.Request, t.Commit = 7, a; return t }},
		{"a comment on it", actions, map[string]string{"GITHUB_REF": "refs/heads/main"}, `{"issue": {"number": 7, "pull_request": {"url": "x"}}}`,
			func() Target { t := gh; t.Request = 7; return t }},
		{"a comment on an issue", actions, map[string]string{"GITHUB_REF": "refs/heads/main"}, `{"issue": {"number": 7}}`,
			func() Target { t := gh; t.Commit = b; return t }},
		{"a run after another", actions, map[string]string{"GITHUB_REF": "refs/heads/main"}, `{"workflow_run": {"head_sha": "` + a + `", "pull_requests": [{"number": 7}]}}`,
			func() Target { t := gh; t.Request, t.Commit = 7, a; return t }},
		{"a run after that of a fork", actions, map[string]string{"GITHUB_REF": "refs/heads/main"}, `{"workflow_run": {"head_sha": "` + a + `", "pull_requests": []}}`,
			func() Target { t := gh; t.Commit = a; return t }},
		{"a push", actions, map[string]string{"GITHUB_REF": "refs/heads/main"}, `{"after": "` + b + `"}`,
			func() Target { t := gh; t.Commit = b; return t }},
		{"a schedule, without an event", actions, map[string]string{"GITHUB_REF": "refs/heads/main"}, ``,
			func() Target { t := gh; t.Commit = b; return t }},
		{"Gitea", actions, map[string]string{"GITEA_ACTIONS": "true", "GITHUB_REF": "refs/pull/7/head", "GITHUB_SHA": a}, `{"pull_request": {"number": 7, "head": {"sha": "` + a + `"}}}`,
			func() Target { t := gt; t.Request, t.Commit = 7, a; return t }},
		{"Forgejo", actions, map[string]string{"GITEA_ACTIONS": "true", "FORGEJO_ACTIONS": "true"}, `{"after": "` + b + `"}`,
			func() Target { t := gt; t.Kind, t.Commit, t.Tokens = Forgejo, b, Default(Forgejo).Tokens; return t }},
		{"a merge request on GitLab", gitlab, map[string]string{"CI_MERGE_REQUEST_IID": "7", "CI_MERGE_REQUEST_PROJECT_ID": "12"}, ``,
			func() Target { t := gl; t.Request = 7; return t }},
		{"its merged result", gitlab, map[string]string{"CI_MERGE_REQUEST_IID": "7", "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": a}, ``,
			func() Target { t := gl; t.Request, t.Commit, t.Merge, t.Pipeline = 7, a, b, ""; return t }},
		{"that of a fork", gitlab, map[string]string{"CI_MERGE_REQUEST_IID": "7", "CI_MERGE_REQUEST_PROJECT_ID": "3"}, ``,
			func() Target { t := gl; t.Request, t.Repo, t.Pipeline = 7, "3", ""; return t }},
		{"a branch on GitLab", gitlab, nil, ``, func() Target { return gl }},
	}
	for _, tt := range tests {
		env := map[string]string{}
		for _, m := range []map[string]string{tt.base, tt.more} {
			for k, v := range m {
				env[k] = v
			}
		}
		if tt.event != "" {
			env["GITHUB_EVENT_PATH"] = filepath.Join(t.TempDir(), "event.json")
			must(t, os.WriteFile(env["GITHUB_EVENT_PATH"], []byte(tt.event), 0o600))
		}
		got, found, err := Detect(func(k string) string { return env[k] })
		if err != nil || !found {
			t.Errorf("%s: %v, %v", tt.name, found, err)
		}
		if d := cmp.Diff(tt.want(), got); d != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, d)
		}
	}
	if _, found, err := Detect(func(string) string { return "" }); found || err != nil {
		t.Errorf("without any CI: %v, %v", found, err)
	}
	for _, env := range []map[string]string{
		{"GITHUB_ACTIONS": "true", "GITHUB_EVENT_PATH": filepath.Join(t.TempDir(), "missing")},
		{"GITLAB_CI": "true", "CI_MERGE_REQUEST_IID": "seven"},
	} {
		if _, _, err := Detect(func(k string) string { return env[k] }); err == nil {
			t.Errorf("no error for %v", env)
		}
	}
}

func FuzzEvent(f *testing.F) {
	f.Add(`{"pull_request": {"number": 7, "head": {"sha": "abc"}}}`)
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(t.TempDir(), "event.json")
		must(t, os.WriteFile(path, []byte(text), 0o600))
		var target Target
		_ = target.event(path)
	})
}

// A target that can't be right is refused before anything is sent.
func TestOpenRefuses(t *testing.T) {
	for _, target := range []Target{
		{Kind: GitHub, API: "https://api.github.com", Repo: "access"},
		{Kind: GitHub, API: "https://api.github.com", Repo: "a/b/c"},
		{Kind: GitHub, API: "http://ghe.example", Repo: "a/b"},
		{Kind: GitLab, API: "https://gitlab.com/api/v4"},
		{Kind: Gitea, Repo: "a/b"},
		{Kind: "sourcehut", API: "https://x.example", Repo: "a/b"},
	} {
		if _, err := target.Open(Options{}); err == nil {
			t.Errorf("%+v was opened", target)
		}
	}
}
