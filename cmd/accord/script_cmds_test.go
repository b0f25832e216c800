package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"gopkg.in/yaml.v3"

	"github.com/accordhq/accord/engine/journal"
)

// exits N accord …: runs a command and wants exactly that exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) >= 2, "exits CODE COMMAND [ARG…]")
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var exit *exec.ExitError
	switch err := ts.Exec(args[1], args[2:]...); {
	case errors.As(err, &exit):
		got = exit.ExitCode()
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// asof INSTANT: moves the clock.
func asof(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 1, "asof INSTANT")
	_, err := time.Parse(time.RFC3339, args[0])
	ts.Check(err)
	setNow(ts.Setenv, args[0])
}

// git ARG…: the git command, under an identity and a clock of the script's own.
func git(ts *testscript.TestScript, neg bool, args []string) {
	if err := ts.Exec("git", args...); (err != nil) != neg {
		ts.Fatalf("git %v: %v", args, err)
	}
}

// commit MESSAGE: commits everything, in a new repository if there is none. What the script
// compares with (*.txt) isn't part of it, so that commits keep their ids when that is updated.
func commit(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 1, "commit MESSAGE")
	if _, err := os.Stat(ts.MkAbs(".git")); os.IsNotExist(err) {
		ts.Check(ts.Exec("git", "init", "-q"))
		exclude := "/.home/\n/.tmp/\n*.txt\n*.new\n"
		ts.Check(os.WriteFile(ts.MkAbs(".git/info/exclude"), []byte(exclude), 0o644))
	}
	ts.Check(ts.Exec("git", "add", "-A"))
	ts.Check(ts.Exec("git", "commit", "-q", "--allow-empty", "-m", args[0]))
}

// edit FILE OLD NEW: replaces a text that stands in the file once; \n is a line end.
func edit(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 3, "edit FILE OLD NEW")
	text := ts.ReadFile(args[0])
	from, to := strings.ReplaceAll(args[1], `\n`, "\n"), strings.ReplaceAll(args[2], `\n`, "\n")
	if n := strings.Count(text, from); n != 1 {
		ts.Fatalf("%q stands %d times in %s:\n%s", from, n, args[0], text)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Replace(text, from, to, 1)), 0o644))
}

// live SYSTEM PATTERN…: looks at the far side by other means than the connector. The system's
// file (live/SYSTEM.state.yaml, or the path given) is taken as lines like these, and each
// pattern must match one of them as a whole (with `!`: none of them does):
//
//	alice
//	alice name Alice Liddell
//	alice disabled
//	alice folder/books write
//	group/desk
//	group/desk folder/visitors write
func live(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, len(args) >= 2, "[!] live SYSTEM PATTERN…")
	name := args[0]
	if !strings.Contains(name, "/") {
		name = "live/" + name + ".state.yaml"
	}
	facts := readFacts(ts, ts.MkAbs(name))
	for _, pattern := range args[1:] {
		re, err := regexp.Compile("^(?:" + pattern + ")$")
		ts.Check(err)
		if slices.ContainsFunc(facts, re.MatchString) == neg {
			ts.Fatalf("%s: %q is %s\n%s", name, pattern, map[bool]string{true: "there", false: "not there"}[neg], strings.Join(facts, "\n"))
		}
	}
}

func readFacts(ts *testscript.TestScript, file string) []string {
	data, err := os.ReadFile(file)
	ts.Check(err)
	var kinds map[string]yaml.Node
	ts.Check(yaml.Unmarshal(data, &kinds))
	var facts []string
	for plural, node := range kinds {
		if node.Kind != yaml.MappingNode {
			continue // version
		}
		var objects map[string]map[string]any
		ts.Check(node.Decode(&objects))
		for name, values := range objects {
			if kind := strings.TrimSuffix(plural, "s"); kind != "account" {
				name = kind + "/" + name
			}
			facts = append(facts, name)
			facts = append(facts, objectFacts(name, values)...)
		}
	}
	slices.Sort(facts)
	return facts
}

func objectFacts(name string, values map[string]any) (facts []string) {
	for key, v := range values {
		switch v := v.(type) {
		case bool:
			if v {
				facts = append(facts, name+" "+key)
			}
		case map[string]any:
			for target, permissions := range v {
				list, ok := permissions.([]any)
				if !ok {
					list = []any{permissions}
				}
				for _, p := range list {
					facts = append(facts, fmt.Sprintf("%s %s %v", name, target, p))
				}
			}
		default:
			facts = append(facts, fmt.Sprintf("%s %s %v", name, key, v))
		}
	}
	return facts
}

// hold SYSTEM: this process takes the lock of a system, as another apply would, to the end of
// the script.
func hold(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 1, "hold SYSTEM")
	unlock, err := journal.LockRun(ts.MkAbs(".accord"), args)
	ts.Check(err)
	ts.Defer(unlock)
}

// crowd N: writes people.yaml and live/office.state.yaml for N people who have left and still
// have everything, and N who have joined and have nothing.
func crowd(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 1, "crowd N")
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	var people, live strings.Builder
	people.WriteString("people:\n")
	live.WriteString("version: 1\naccounts:\n")
	for i := range n {
		fmt.Fprintf(&people, "  - {person: left%03d, status: left, attributes: {team: office}}\n  - {person: new%03d, attributes: {team: office}}\n", i, i)
		fmt.Fprintf(&live, "  left%03d:\n    access:\n      folder/books: write\n      group/staff: member\n", i)
	}
	live.WriteString("groups:\n  staff: {}\nfolders:\n  books: {}\n...\n")
	ts.Check(os.MkdirAll(ts.MkAbs("live"), 0o755))
	ts.Check(os.WriteFile(ts.MkAbs("people.yaml"), []byte(people.String()), 0o644))
	ts.Check(os.WriteFile(filepath.Join(ts.MkAbs("live"), "office.state.yaml"), []byte(live.String()), 0o644))
}

// staff N: writes people.yaml for N people who all work in engineering.
func staff(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 1, "staff N")
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	var people strings.Builder
	people.WriteString("people:\n")
	for i := range n {
		fmt.Fprintf(&people, "  - {person: staff%03d, attributes: {department: engineering}}\n", i+1)
	}
	ts.Check(os.WriteFile(ts.MkAbs("people.yaml"), []byte(people.String()), 0o644))
}
