// Command accord brings access into accord with what git declares.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/accordhq/accord/engine"
)

// version is set by the linker for releases; otherwise the build info tells it.
var version string

func main() {
	p := new(pacer)
	p.set(paceUsual)
	os.Exit(run(time.Now, p))
}

// run is main with an exit code, a clock and a pacer, so that scripts in tests run the real thing at an
// instant of their own. The program itself takes the clock from nowhere else: whoever could set
// it could open windows early.
func run(now func() time.Time, p *pacer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	go func() { // a second signal ends the process at once
		<-ctx.Done()
		stop()
	}()
	app := &app{in: os.Stdin, out: os.Stdout, err: os.Stderr, now: now, pacer: p}
	return app.main(ctx, os.Args[1:])
}

// app is the program with what it reads from and writes to.
type app struct {
	in  io.Reader
	out io.Writer
	err io.Writer

	flags globals
	now   func() time.Time // the clock
	pacer *pacer           // nil: the collector is left alone
	exit  int
}

// main parses the words of a command line and carries them out.
func (a *app) main(ctx context.Context, args []string) int {
	root := a.root()
	root.SetArgs(args)
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return a.exit
	}
	return a.fail(err)
}

// usageError is a command line that makes no sense.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// exitError carries the exit code of a command that has said everything already.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit %d", int(e)) }

// fail says what went wrong and gives the exit code.
func (a *app) fail(err error) int {
	var code exitError
	if errors.As(err, &code) {
		return int(code)
	}
	a.printError(err)
	var usage usageError
	if errors.As(err, &usage) {
		return engine.ExitUsage
	}
	return engine.ExitFailed
}

func programVersion() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && (v == "" || v == "(devel)") {
			return "devel-" + s.Value[:min(12, len(s.Value))]
		}
	}
	if v == "" {
		return "devel"
	}
	return v
}
