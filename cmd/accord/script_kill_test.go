package main

import (
	"bytes"
	"errors"
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
		lines, delay := r.IntN(20), time.Duration(r.IntN(3000))*time.Microsecond
		if i == times-1 {
			lines = max(lines, 5) // the last one is cut off in the middle
		}
		if _, _, state := signalOnce(ts, os.Kill, lines, delay, args[1:]); state.Exited() {
			ts.Fatalf("%v ended by itself before it was killed", args[1:])
		}
		ts.Check(ts.Exec("accord", "journal", "verify"))
	}
}

// interrupt CODE accord …: sends the command the signal of Ctrl-C when it has begun to write,
// and wants that exit code.
func interrupt(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) >= 2, "interrupt CODE COMMAND [ARG…]")
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	stdout, stderr, state := signalOnce(ts, os.Interrupt, 5, 0, args[1:])
	ts.Stdout().Write(stdout)
	ts.Stderr().Write(stderr)
	if state.ExitCode() != want {
		ts.Fatalf("exit code %d, want %d", state.ExitCode(), want)
	}
}

// signalOnce starts a command, sends it a signal when it has added so many lines to the journal
// and a while has passed, and waits for its end.
func signalOnce(ts *testscript.TestScript, sig os.Signal, lines int, delay time.Duration, args []string) (stdout, stderr []byte, state *os.ProcessState) {
	path, err := exec.LookPath(args[0])
	ts.Check(err)
	cmd := exec.Command(path, args[1:]...)
	cmd.Dir = ts.MkAbs(".")
	for _, key := range []string{"PATH", "HOME", "TMPDIR", "GORACE", "ACCORD_NOW", "ACCORD_ACTOR", "GIT_CONFIG_NOSYSTEM", "TZ"} {
		cmd.Env = append(cmd.Env, key+"="+ts.Getenv(key))
	}
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	before := journalLines(ts)
	ts.Check(cmd.Start())
	ended := make(chan struct{})
	go func() { cmd.Wait(); close(ended) }()
	tick := time.NewTicker(200 * time.Microsecond)
	defer tick.Stop()
	for journalLines(ts)-before < lines {
		select {
		case <-ended:
			ts.Fatalf("%v ended by itself: %v\n%s%s", args, cmd.ProcessState, out.String(), errs.String())
		case <-tick.C:
		}
	}
	time.Sleep(delay)
	if err := cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		ts.Check(err)
	}
	<-ended
	ts.Logf("[%v after %d lines of the journal]\n", sig, journalLines(ts)-before)
	return out.Bytes(), errs.Bytes(), cmd.ProcessState
}

func journalLines(ts *testscript.TestScript) int {
	data, err := os.ReadFile(ts.MkAbs(".accord/journal.jsonl"))
	if os.IsNotExist(err) {
		return 0
	}
	ts.Check(err)
	return strings.Count(string(data), "\n")
}
