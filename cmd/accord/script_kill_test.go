package main

import (
	"bytes"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// kill9 N accord …: starts the command N times and ends it each time by SIGKILL at a random
// moment: before it has begun to write, or after it has added some lines to the journal.
// After each kill the journal must be sound. A command that comes to its end by itself fails
// the script: the world was too small.
func kill9(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) >= 2, "kill9 N COMMAND [ARG…]")
	times, err := strconv.Atoi(args[0])
	ts.Check(err)
	seed := rand.Uint64()
	ts.Logf("[seed %d]", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	for i := range times {
		lines, delay := r.IntN(30), time.Duration(r.IntN(3000))*time.Microsecond
		if i == 0 {
			lines = max(lines, 5) // at least one run is cut off in the middle
		}
		killOnce(ts, args[1:], lines, delay)
		ts.Check(ts.Exec("accord", "journal", "verify"))
	}
}

func killOnce(ts *testscript.TestScript, args []string, lines int, delay time.Duration) {
	path, err := exec.LookPath(args[0])
	ts.Check(err)
	cmd := exec.Command(path, args[1:]...)
	cmd.Dir = ts.MkAbs(".")
	for _, key := range []string{"PATH", "HOME", "TMPDIR", "GORACE", "ACCORD_NOW", "ACCORD_ACTOR", "GIT_CONFIG_NOSYSTEM", "TZ"} {
		cmd.Env = append(cmd.Env, key+"="+ts.Getenv(key))
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	before := journalLines(ts)
	ts.Check(cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	tick := time.NewTicker(200 * time.Microsecond)
	defer tick.Stop()
	for journalLines(ts)-before < lines {
		select {
		case err := <-ended:
			ts.Fatalf("%v ended by itself before it was killed: %v\n%s", args, err, out.String())
		case <-tick.C:
		}
	}
	time.Sleep(delay)
	ts.Check(cmd.Process.Kill())
	if err := <-ended; err == nil {
		ts.Fatalf("%v ended by itself before it was killed\n%s", args, out.String())
	}
	ts.Logf("[killed after %d lines of the journal]\n", journalLines(ts)-before)
}

func journalLines(ts *testscript.TestScript) int {
	data, err := os.ReadFile(ts.MkAbs(".accord/journal.jsonl"))
	if os.IsNotExist(err) {
		return 0
	}
	ts.Check(err)
	return strings.Count(string(data), "\n")
}
