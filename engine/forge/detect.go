package forge

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
)

// Target says which merge request is meant, and where.
type Target struct {
	Kind Kind
	// API is the address of the forge's API: https://api.github.com, https://ghe.example/api/v3,
	// https://gitlab.example/api/v4, https://gitea.example/api/v1.
	API string
	// Repo is OWNER/NAME; on GitLab the path of the project or its number.
	Repo string
	// Request is its number; 0: that of the request which Commit belongs to.
	Request int
	// Commit is the commit of the request that the run is for; "" if that isn't known.
	Commit string
	// Merge is a commit that the CI made of the request and its target to try them together.
	Merge string
	// Link leads to the run.
	Link string
	// Pipeline is GitLab's pipeline that the run is part of.
	Pipeline string
	// Tokens are the variables in which CI jobs have a token for it, the likeliest first.
	Tokens []string
}

// Open makes a forge of the target. Nothing is asked yet.
func (t Target) Open(o Options) (Forge, error) {
	if t.API == "" {
		return nil, fmt.Errorf("the address of the API of %s isn't known; give --api URL", t.Kind)
	}
	switch t.Kind {
	case GitHub:
		return openGitHub(t, o)
	case GitLab:
		if t.Repo == "" {
			return nil, errors.New("the project isn't known; give --repo GROUP/PROJECT")
		}
		return openGitLab(t, o)
	case Gitea, Forgejo:
		return openGitea(t, o)
	}
	return nil, fmt.Errorf("the forge %q isn't one of %s", t.Kind, kinds())
}

func kinds() string {
	var out []string
	for _, k := range Kinds() {
		out = append(out, string(k))
	}
	return strings.Join(out, ", ")
}

// ParseKind reads the name of a forge.
func ParseKind(s string) (Kind, error) {
	for _, k := range Kinds() {
		if string(k) == s {
			return k, nil
		}
	}
	return "", fmt.Errorf("the forge %q isn't one of %s", s, kinds())
}

func (t Target) ownerName() (owner, name string, err error) {
	owner, name, ok := strings.Cut(t.Repo, "/")
	if !ok || owner == "" || name == "" || strings.Contains(name, "/") {
		return "", "", fmt.Errorf("the repository is named OWNER/NAME, not %q; give --repo", t.Repo)
	}
	return owner, name, nil
}

// Default is the target of a forge of which nothing else is known.
func Default(k Kind) Target {
	switch k {
	case GitHub:
		return Target{Kind: k, API: "https://api.github.com", Tokens: []string{"GITHUB_TOKEN"}}
	case GitLab:
		return Target{Kind: k, API: "https://gitlab.com/api/v4", Tokens: []string{"GITLAB_TOKEN"}}
	case Forgejo:
		return Target{Kind: k, Tokens: []string{"FORGEJO_TOKEN", "GITEA_TOKEN", "GITHUB_TOKEN"}}
	}
	return Target{Kind: k, Tokens: []string{"GITEA_TOKEN", "GITHUB_TOKEN"}}
}

// Detect finds the target from the variables that CI sets: GitHub Actions, GitLab CI, Gitea and
// Forgejo Actions. found is false where it is none of them.
func Detect(env func(string) string) (t Target, found bool, err error) {
	switch {
	case env("FORGEJO_ACTIONS") == "true":
		t, err = actions(Forgejo, env)
	case env("GITEA_ACTIONS") == "true":
		t, err = actions(Gitea, env)
	case env("GITHUB_ACTIONS") == "true":
		t, err = actions(GitHub, env)
	case env("GITLAB_CI") == "true":
		t, err = gitlabCI(env)
	default:
		return Target{}, false, nil
	}
	return t, true, err
}

// actions reads the variables of GitHub Actions, which Gitea and Forgejo set as well
// (https://docs.github.com/actions/reference/workflows-and-actions/variables).
func actions(k Kind, env func(string) string) (Target, error) {
	t := Default(k)
	if api := env("GITHUB_API_URL"); api != "" {
		t.API = api
	}
	t.Repo = env("GITHUB_REPOSITORY")
	if server, run := env("GITHUB_SERVER_URL"), env("GITHUB_RUN_ID"); server != "" && run != "" {
		t.Link = server + "/" + t.Repo + "/actions/runs/" + run
		if k != GitHub { // whose pages are called by the number
			t.Link = server + "/" + t.Repo + "/actions/runs/" + env("GITHUB_RUN_NUMBER")
		}
	}
	if m := requestRef.FindStringSubmatch(env("GITHUB_REF")); m != nil {
		t.Request, _ = strconv.Atoi(m[1])
	}
	if path := env("GITHUB_EVENT_PATH"); path != "" {
		if err := t.event(path); err != nil {
			return Target{}, err
		}
	}
	if sha := env("GITHUB_SHA"); sha != t.Commit {
		if t.Commit == "" && t.Request == 0 {
			t.Commit = sha
		} else if requestRef.MatchString(env("GITHUB_REF")) {
			t.Merge = sha
		}
	}
	return t, nil
}

// requestRef is the ref of a pull request in an Actions job: of its merge with the target, or
// (on Gitea) of its head.
var requestRef = regexp.MustCompile(`^refs/pull/([0-9]{1,9})/(?:merge|head)$`)

// maxEvent bounds the event's file, in bytes; GitHub caps what it sends at 25 MB.
const maxEvent = 32 << 20

// event reads what started an Actions job.
func (t *Target) event(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("reading the event of the job: %w", err)
	}
	defer f.Close()
	type request struct {
		Number int   `json:"number"`
		Head   ghTip `json:"head"`
	}
	var e struct {
		Pull  *request `json:"pull_request"`
		Issue *struct {
			Number int             `json:"number"`
			Pull   json.RawMessage `json:"pull_request"`
		} `json:"issue"`
		Run *struct {
			Head  string    `json:"head_sha"`
			Pulls []request `json:"pull_requests"`
		} `json:"workflow_run"`
		After string `json:"after"`
	}
	if err := json.NewDecoder(io.LimitReader(f, maxEvent)).Decode(&e); err != nil {
		return fmt.Errorf("reading the event of the job in %s: %w", path, err)
	}
	switch {
	case e.Pull != nil:
		t.Request, t.Commit = e.Pull.Number, e.Pull.Head.SHA
	case e.Issue != nil && len(e.Issue.Pull) > 0 && string(e.Issue.Pull) != "null":
		t.Request = e.Issue.Number
	case e.Run != nil:
		t.Commit = e.Run.Head
		if len(e.Run.Pulls) == 1 {
			t.Request = e.Run.Pulls[0].Number
		}
	case e.After != "":
		t.Commit = e.After
	}
	return nil
}

// gitlabCI reads GitLab's variables (https://docs.gitlab.com/ci/variables/predefined_variables/).
// A pipeline of merged results runs on a commit of its own; the request's is beside it.
func gitlabCI(env func(string) string) (Target, error) {
	t := Default(GitLab)
	if api := env("CI_API_V4_URL"); api != "" {
		t.API = api
	}
	t.Repo, t.Link, t.Pipeline = env("CI_PROJECT_ID"), env("CI_JOB_URL"), env("CI_PIPELINE_ID")
	if id := env("CI_MERGE_REQUEST_PROJECT_ID"); id != "" {
		if id != t.Repo { // the pipeline of a fork
			t.Pipeline = ""
		}
		t.Repo = id
	}
	t.Commit = env("CI_COMMIT_SHA")
	if sha := env("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA"); sha != "" && sha != t.Commit {
		t.Commit, t.Merge, t.Pipeline = sha, t.Commit, ""
	}
	if iid := env("CI_MERGE_REQUEST_IID"); iid != "" {
		n, err := strconv.Atoi(iid)
		if err != nil || n <= 0 {
			return Target{}, fmt.Errorf("CI_MERGE_REQUEST_IID is %q, which is no number", iid)
		}
		t.Request = n
	}
	if path := env("TRIGGER_PAYLOAD"); path != "" && env("CI_PIPELINE_SOURCE") == "trigger" {
		return t, t.payload(path)
	}
	return t, nil
}

// payload reads what a webhook handed to the pipeline that it triggered on a branch of the
// project (https://docs.gitlab.com/ci/triggers/#access-webhook-payload). Of a merge request it
// says which one; a payload of another kind says nothing.
func (t *Target) payload(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("reading what triggered the pipeline: %w", err)
	}
	defer f.Close()
	var e struct {
		Kind    string `json:"object_kind"`
		Request struct {
			Number int `json:"iid"`
			Target int `json:"target_project_id"`
			Last   struct {
				ID string `json:"id"`
			} `json:"last_commit"`
		} `json:"object_attributes"`
	}
	if err := json.NewDecoder(io.LimitReader(f, maxEvent)).Decode(&e); err != nil {
		return fmt.Errorf("reading what triggered the pipeline, in TRIGGER_PAYLOAD: %w", err)
	}
	if e.Kind != "merge_request" {
		return nil
	}
	if e.Request.Number <= 0 || strconv.Itoa(e.Request.Target) != t.Repo {
		return fmt.Errorf("the webhook speaks of merge request %d of project %d, and the pipeline is of project %s", e.Request.Number, e.Request.Target, t.Repo)
	}
	// The pipeline is one of the target's branch, not of the request.
	t.Request, t.Commit, t.Pipeline = e.Request.Number, e.Request.Last.ID, ""
	return nil
}
