// Command orggen makes an access repository of a given size, with the systems that it is
// about, to try Accord and to measure it:
//
//	go run ./engine/gen/orggen -size M -drift 1 /tmp/company
//	accord -C /tmp/company plan
//
// The systems are files under live/, which git ignores. The same flags give the same bytes.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"

	"github.com/accordhq/accord/engine/gen"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "orggen:", err)
		}
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	f := flag.NewFlagSet("orggen", flag.ContinueOnError)
	f.Usage = func() {
		fmt.Fprintf(f.Output(), "usage: orggen [flags] FOLDER\n\nMakes an access repository with its systems in a new folder. It needs git.\n\n")
		f.PrintDefaults()
	}
	size := f.String("size", "S", "S, M, L or XL: 100, 5,000, 22,000 or 100,000 people")
	seed := f.Uint64("seed", 1, "another seed makes another company")
	drift := f.Float64("drift", 0, "by how many percent of the grants the systems differ from the declaration")
	history := f.Int("history", 100, "how many commits, if the size has room for as many")
	perFile := f.Int("per-file", 1, "how many people share a file")
	empty := f.Bool("empty", false, "leave the systems empty: everything is still to be given")
	if err := f.Parse(args); err != nil {
		return err
	}
	if f.NArg() != 1 {
		f.Usage()
		return fmt.Errorf("it takes one folder, not %d", f.NArg())
	}
	s, err := gen.SizeOf(*size)
	if err != nil {
		return err
	}
	o, err := gen.New(gen.Options{Size: s, Seed: *seed, PerFile: *perFile, Drift: *drift / 100})
	if err != nil {
		return err
	}
	dir := f.Arg(0)
	if err := write(ctx, o, dir, *history); err != nil {
		return err
	}
	if !*empty {
		if err := writeLive(o, dir); err != nil {
			return err
		}
	}
	fmt.Fprintf(out, "%s has %d people with %d grants on %d systems. Next: accord -C %s plan\n", dir, s.People, s.Grants, s.Systems, dir)
	return nil
}

// write makes the repository with its history. The folder must not be there yet, or be empty.
func write(ctx context.Context, o *gen.Organisation, dir string, history int) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	there, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	if len(there) > 0 {
		return fmt.Errorf("%s isn't empty", dir)
	}
	git := func(in io.Reader, args ...string) error {
		cmd := exec.CommandContext(ctx, "git", append([]string{"-C", dir}, args...)...)
		cmd.Stdin = in
		if text, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("git %s: %w\n%s", args[0], err, text)
		}
		return nil
	}
	if err := git(nil, "init", "-q", "-b", "main"); err != nil {
		return err
	}
	r, w := io.Pipe()
	go func() { w.CloseWithError(o.WriteHistory(w, "main", history)) }()
	err = git(r, "fast-import", "--quiet")
	r.CloseWithError(err)
	if err != nil {
		return err
	}
	if err := git(nil, "reset", "-q", "--hard"); err != nil {
		return err
	}
	return git(nil, "gc", "-q")
}

func writeLive(o *gen.Organisation, dir string) error {
	if err := os.MkdirAll(filepath.Join(dir, "live"), 0o755); err != nil {
		return err
	}
	for _, name := range o.Systems() {
		f, err := os.Create(filepath.Join(dir, "live", name+".state.yaml"))
		if err != nil {
			return err
		}
		if err := errors.Join(gen.WriteState(f, o.Live(name)), f.Close()); err != nil {
			return err
		}
	}
	return nil
}
