package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/accordhq/accord/engine"
)

// approve FILE WHAT WHO…: writes evidence that they approved WHAT: a plan file (its change
// digest counts) or a git revision, at the script's clock.
func approve(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) >= 3, "approve FILE PLAN|REVISION WHO…")
	at, err := time.Parse(time.RFC3339, ts.Getenv("ACCORD_NOW"))
	ts.Check(err)
	var what engine.Approval
	if data, err := os.ReadFile(ts.MkAbs(args[1])); err == nil {
		var plan struct{ ChangeDigest string }
		ts.Check(json.Unmarshal(data, &plan))
		what.Change = plan.ChangeDigest
	} else {
		cmd := exec.Command("git", "rev-parse", args[1])
		cmd.Dir = ts.MkAbs(".")
		out, err := cmd.Output()
		ts.Check(err)
		what.Commit = strings.TrimSpace(string(out))
	}
	file := engine.Approvals{FormatVersion: 1}
	for _, who := range args[2:] {
		if author, ok := strings.CutPrefix(who, "author="); ok {
			file.Authors = append(file.Authors, author)
			continue
		}
		what.By, what.At = who, at
		file.Approvals = append(file.Approvals, what)
	}
	data, err := json.MarshalIndent(file, "", " ")
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), append(data, '\n'), 0o644))
}
