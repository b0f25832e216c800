package main

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

const ciExamples = "../../examples/ci"

// ciJob is one job of a template, whatever forge's.
type ciJob struct {
	File, Name string
	// Env is that of the workflow and the job; Environment is the name of the environment whose
	// secrets it may use.
	Env         map[string]string
	Environment string
	Permissions map[string]string
	Timeout     string
	Lock        string // of the group of which one runs at a time
	Image       string
	Steps       []ciStep
	// After runs when the job has ended, whether it failed or not (GitLab).
	After string
}

// ciStep is one step: a script, or the action that checks out.
type ciStep struct {
	Name, If, Run string
	Uses          string            `yaml:"uses"`
	With          map[string]string `yaml:"with"`
	Env           map[string]string `yaml:"env"`
}

// String names the job in errors.
func (j ciJob) String() string { return j.File + ": " + j.Name }

// text is all that the job runs.
func (j ciJob) text() string {
	var b strings.Builder
	for _, s := range j.Steps {
		b.WriteString(s.Run + "\n")
	}
	return b.String() + j.After
}

// strictly decodes a template; a key that isn't known is an error.
func strictly(t testing.TB, file string, into any) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(ciExamples, file))
	if err != nil {
		t.Fatal(err)
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	if err := dec.Decode(into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

// workflow is a file of Actions, as far as the templates use its language.
type workflow struct {
	Name        string
	On          map[string]map[string]any `yaml:"on"`
	Permissions map[string]string
	Concurrency map[string]string
	Env         map[string]string
	Jobs        map[string]struct {
		Needs       string
		If          string
		RunsOn      string `yaml:"runs-on"`
		Timeout     string `yaml:"timeout-minutes"`
		Environment string
		Permissions map[string]string
		Concurrency map[string]string
		Container   struct{ Image string }
		Steps       []ciStep
	}
}

// actionsJobs reads the jobs of a workflow.
func actionsJobs(t testing.TB, file string) []ciJob {
	t.Helper()
	var w struct {
		workflow `yaml:",inline"`
		Schedule any `yaml:"-"`
	}
	data, err := os.ReadFile(filepath.Join(ciExamples, file))
	if err != nil {
		t.Fatal(err)
	}
	// `on: {schedule: [{cron: …}]}` is a list where the other events have a map.
	data = regexp.MustCompile(`(?m)^    - cron: (.*)$`).ReplaceAll(data, []byte("    cron: $1"))
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	if err := dec.Decode(&w.workflow); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	var out []ciJob
	for _, name := range slices.Sorted(maps.Keys(w.Jobs)) {
		j := w.Jobs[name]
		job := ciJob{File: file, Name: name, Env: w.Env, Environment: j.Environment, Permissions: j.Permissions, Timeout: j.Timeout, Lock: j.Concurrency["group"], Image: j.Container.Image, Steps: j.Steps}
		if job.Permissions == nil {
			job.Permissions = w.Permissions
		}
		if job.Lock == "" {
			job.Lock = w.Concurrency["group"]
		}
		out = append(out, job)
	}
	return out
}

// gitlabKeys are the keywords that the template uses (https://docs.gitlab.com/ci/yaml/).
type gitlabJob struct {
	Image         string
	Interruptible bool
	Timeout       string
	Needs         []string
	Rules         []struct{ If string }
	Environment   struct{ Name, Action string }
	ResourceGroup string   `yaml:"resource_group"`
	Script        []string `yaml:"script"`
	AfterScript   []string `yaml:"after_script"`
}

// gitlabFile reads the template of GitLab: its jobs with the rules by which they run.
func gitlabFile(t testing.TB) (jobs map[string]gitlabJob, rules []string, vars map[string]string) {
	t.Helper()
	var file struct {
		Workflow  struct{ Rules []struct{ If string } }
		Default   gitlabJob
		Variables map[string]string
		Jobs      map[string]gitlabJob `yaml:",inline"`
	}
	strictly(t, "gitlab/.gitlab-ci.yml", &file)
	for _, r := range file.Workflow.Rules {
		rules = append(rules, r.If)
	}
	for name, j := range file.Jobs {
		if j.Image == "" {
			j.Image = file.Default.Image
			file.Jobs[name] = j
		}
	}
	return file.Jobs, rules, file.Variables
}

// job makes a ciJob of one of GitLab's.
func (g gitlabJob) job(name string) ciJob {
	return ciJob{
		File: "gitlab/.gitlab-ci.yml", Name: name, Environment: g.Environment.Name, Timeout: g.Timeout, Lock: g.ResourceGroup, Image: g.Image,
		Steps: []ciStep{{Name: "script", Run: strings.Join(g.Script, "\n")}}, After: strings.Join(g.AfterScript, "\n"),
	}
}

// gitlabRule decides a rule of the template: comparisons of variables and texts, joined by && or ||.
func gitlabRule(t testing.TB, rule string, vars map[string]string) bool {
	t.Helper()
	value := func(s string) string {
		if name, ok := strings.CutPrefix(s, "$"); ok {
			return vars[name]
		}
		return strings.Trim(s, `"`)
	}
	for _, either := range strings.Split(rule, "||") {
		holds := true
		for _, both := range strings.Split(either, "&&") {
			f := strings.Fields(both)
			if len(f) != 3 || f[1] != "==" {
				t.Fatalf("the rule %q isn't understood", rule)
			}
			holds = holds && value(f[0]) == value(f[2])
		}
		if holds {
			return true
		}
	}
	return false
}

// expression evaluates what stands between ${{ and }}: names, with || between them.
func expression(t testing.TB, s string, context map[string]string) string {
	t.Helper()
	return regexp.MustCompile(`\$\{\{(.*?)\}\}`).ReplaceAllStringFunc(s, func(m string) string {
		for _, name := range strings.Split(m[3:len(m)-2], "||") {
			name = strings.TrimSpace(name)
			if v, known := context[name]; known {
				return v
			}
			if !strings.HasPrefix(name, "github.event.") && !strings.HasPrefix(name, "secrets.") {
				t.Fatalf("the expression %q isn't known here", m)
			}
		}
		return "" // what the event or the environment hasn't
	})
}

// condition decides the if: of a step.
func condition(t testing.TB, s string, failed bool, env map[string]string) bool {
	t.Helper()
	run := !failed
	for _, part := range strings.Split(s, "&&") {
		switch part = strings.TrimSpace(part); {
		case part == "":
		case part == "always()":
			run = true
		case part == "failure()":
			run = failed
		default:
			m := regexp.MustCompile(`^env\.(\w+) != ''$`).FindStringSubmatch(part)
			if m == nil {
				t.Fatalf("the condition %q isn't known here", s)
			}
			if env[m[1]] == "" {
				return false
			}
		}
	}
	return run
}

// assignments reads what a step wrote to GITHUB_ENV.
func assignments(t testing.TB, file string, env map[string]string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		name, value, ok := strings.Cut(strings.TrimRight(line, "\n"), "=")
		if !ok {
			t.Fatal(fmt.Errorf("%q in GITHUB_ENV is no assignment", line))
		}
		env[name] = value
	}
}
