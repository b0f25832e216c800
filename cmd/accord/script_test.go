package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/accordhq/accord/connectors/servertest"
)

const scripts = "../../testdata/script"

// begin is the clock of every script until it says `asof`.
const begin = "2026-11-23T10:00:00Z"

var update = flag.Bool("update", false, "write what is printed now into the scripts that compare it (cmp stdout …)")

// TestMain makes this test binary the accord command of the scripts.
func TestMain(m *testing.M) {
	testscript.Main(servertest.Wrap(m), map[string]func(){"accord": func() { os.Exit(run(clock(), nil)) }})
}

// TestScripts runs the specification of the command line: one script for each behaviour, with
// the real main, git and file system. script_cmds_test.go has the commands that scripts have
// beside those of testscript.
func TestScripts(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Fatal("the scripts need git: ", err)
	}
	files, err := filepath.Glob(filepath.Join(scripts, "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatal("no scripts: ", err)
	}
	for _, f := range files {
		if data, err := os.ReadFile(f); err != nil || !bytes.HasPrefix(data, []byte("# ")) {
			t.Errorf("%s: a script begins with a comment that says what it specifies (%v)", f, err)
		}
	}
	testscript.Run(t, testscript.Params{
		Dir:                scripts,
		Setup:              setup,
		UpdateScripts:      *update,
		RequireUniqueNames: true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"approve":   approve,
			"asof":      asof,
			"conforms":  conforms,
			"commit":    commit,
			"crowd":     crowd,
			"edit":      edit,
			"exits":     exits,
			"forge":     forgeCommand,
			"git":       git,
			"hold":      hold,
			"interrupt": interrupt,
			"json":      jsonValue,
			"kill9":     kill9,
			"listen":    listen,
			"live":      live,
			"opa-eval":  opaEval,
			"staff":     staff,
			"steps":     steps,
		},
	})
}

// setup gives a script a home, an identity and a clock of its own: nothing of the machine's
// reaches it.
func setup(env *testscript.Env) error {
	home := filepath.Join(env.WorkDir, ".home")
	if err := os.Mkdir(home, 0o755); err != nil {
		return err
	}
	config := "[user]\n\tname = Robin Day\n\temail = robin@example.com\n[init]\n\tdefaultBranch = main\n[gc]\n\tauto = 0\n[core]\n\tfsync = none\n"
	if err := os.WriteFile(filepath.Join(home, ".gitconfig"), []byte(config), 0o644); err != nil {
		return err
	}
	env.Setenv("HOME", home)
	env.Setenv("XDG_CONFIG_HOME", filepath.Join(home, ".config"))
	env.Setenv("GIT_CONFIG_NOSYSTEM", "1")
	env.Setenv("GIT_CEILING_DIRECTORIES", filepath.Dir(env.WorkDir))
	env.Setenv("GIT_TERMINAL_PROMPT", "0")
	env.Setenv("TZ", "UTC")
	env.Setenv("ACCORD_ACTOR", "robin")
	env.Values[forgeKey{}] = &scriptForge{self: "accord-ci", author: "cleo-c", emails: map[string]string{}}
	setNow(env.Setenv, begin)
	// A program under the race detector sleeps for a second at its end unless told otherwise.
	env.Setenv("GORACE", strings.TrimSpace("atexit_sleep_ms=10 "+os.Getenv("GORACE")))
	return nil
}

// setNow sets the clock of accord and of git.
func setNow(setenv func(key, value string), instant string) {
	setenv("ACCORD_NOW", instant)
	setenv("GIT_AUTHOR_DATE", instant)
	setenv("GIT_COMMITTER_DATE", instant)
}

// usage stops a script that uses a command wrongly.
func usage(ts *testscript.TestScript, ok bool, format string, args ...any) {
	if !ok {
		ts.Fatalf("usage: %s", fmt.Sprintf(format, args...))
	}
}

// clock is the clock of ACCORD_NOW, which only this test binary knows of.
func clock() func() time.Time {
	at, err := time.Parse(time.RFC3339, os.Getenv("ACCORD_NOW"))
	if err != nil {
		return time.Now
	}
	return func() time.Time { return at }
}
