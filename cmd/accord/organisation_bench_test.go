//go:build unix

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/accordhq/accord/engine"
	"github.com/accordhq/accord/engine/gen"
)

// BenchmarkOrganisation runs whole processes on generated companies and prints a table: of each
// command the median and the spread of the time on the wall, the time of the processors and the
// peak of memory, and how the latter two grow with the grants from one size to the next (1.0 is
// linear). It takes the sizes that ACCORD_BENCH_SIZES names, S and M if it isn't set:
//
//	ACCORD_BENCH_SIZES=S,M,L,XL go test ./cmd/accord -run '^$' -bench Organisation -benchtime 5x
//
// Run it on a quiet machine, or trust the time of the processors alone. Allocations are in the
// benchmark of the same name in ./engine.
func BenchmarkOrganisation(b *testing.B) {
	program := filepath.Join(b.TempDir(), "accord")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		b.Fatalf("building: %v\n%s", err, out)
	}
	names := os.Getenv("ACCORD_BENCH_SIZES")
	if names == "" {
		names = "S,M"
	}
	var rows []processRow
	for name := range strings.SplitSeq(names, ",") {
		size, err := gen.SizeOf(name)
		if err != nil {
			b.Fatal(err)
		}
		calm := companyOnDisk(b, gen.Options{Size: size, Seed: 1})
		drifted := companyOnDisk(b, gen.Options{Size: size, Seed: 1, Drift: 0.01})
		empty := companyOnDisk(b, gen.Options{Size: size, Seed: 1})
		for _, c := range []struct {
			name   string
			exit   int
			before func()
			args   []string
		}{
			{"validate", engine.ExitOK, nil, []string{"-C", calm.dir, "validate"}},
			{"plan --live=false", engine.ExitChanges, nil, []string{"-C", calm.dir, "plan", "--live=false"}},
			{"plan --live=false --base HEAD~1", engine.ExitChanges, nil, []string{"-C", calm.dir, "plan", "--live=false", "--base", "HEAD~1"}},
			{"plan, nothing to do", engine.ExitOK, nil, []string{"-C", calm.dir, "plan"}},
			{"drift of 1 %", engine.ExitChanges, nil, []string{"-C", drifted.dir, "drift"}},
			{"why, one person", engine.ExitOK, nil, []string{"-C", calm.dir, "why", calm.someone}},
			{"apply, from empty systems", engine.ExitOK, func() { clearSystems(b, empty.dir) }, []string{"-C", empty.dir, "apply", "--yes"}},
			{"plan --live=false, kept", engine.ExitChanges, nil, []string{"-C", calm.dir, "plan", "--live=false"}},
			{"plan --live=false --base HEAD~1, kept", engine.ExitChanges, nil, []string{"-C", calm.dir, "plan", "--live=false", "--base", "HEAD~1"}},
			{"the same with --rev HEAD, kept", engine.ExitChanges, nil, []string{"-C", calm.dir, "plan", "--live=false", "--base", "HEAD~1", "--rev", "HEAD"}},
			{"plan --live=false, all is applied, kept", engine.ExitOK, nil, []string{"-C", empty.dir, "plan", "--live=false"}},
			{"validate, kept", engine.ExitOK, nil, []string{"-C", calm.dir, "validate"}},
			{"why, one person, kept", engine.ExitOK, nil, []string{"-C", calm.dir, "why", calm.someone}},
		} {
			b.Run(size.Name+"/"+strings.ReplaceAll(c.name, " ", "-"), func(b *testing.B) {
				row := processRow{size: size, name: c.name, cache: "off"}
				if strings.HasSuffix(c.name, "kept") { // what earlier runs left is there
					row.cache = filepath.Join(calm.dir, ".git", "kept")
					for range 2 {
						(&processRow{cache: row.cache}).run(b, program, c.exit, c.args)
					}
				}
				for b.Loop() {
					if c.before != nil {
						c.before()
					}
					row.run(b, program, c.exit, c.args)
				}
				if n := len(rows); n > 0 && rows[n-1].size == size && rows[n-1].name == c.name {
					rows = rows[:n-1] // the framework tried with fewer runs first
				}
				rows = append(rows, row)
				b.ReportMetric(float64(median(row.cpu).Milliseconds()), "cpu-ms")
				b.ReportMetric(float64(median(row.peak))/1024, "MiB")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
	printRows(rows)
}

// companyDir is a company on disk.
type companyDir struct{ dir, someone string }

// companyOnDisk has orggen make it. Its windows are about gen.Now, and for years after.
func companyOnDisk(b *testing.B, o gen.Options) companyDir {
	b.Helper()
	dir := filepath.Join(b.TempDir(), "company")
	args := []string{"run", "../../engine/gen/orggen", "-size", o.Size.Name, "-seed", strconv.FormatUint(o.Seed, 10),
		"-drift", strconv.FormatFloat(o.Drift*100, 'f', -1, 64), "-history", "20", dir}
	if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
		b.Fatalf("orggen: %v\n%s", err, out)
	}
	org, err := gen.New(o)
	if err != nil {
		b.Fatal(err)
	}
	return companyDir{dir, org.Someone(77)}
}

// clearSystems takes away what an apply left.
func clearSystems(b *testing.B, dir string) {
	b.Helper()
	states, err := filepath.Glob(filepath.Join(dir, "live", "*"))
	if err != nil {
		b.Fatal(err)
	}
	for _, path := range append(states, filepath.Join(dir, ".accord")) {
		if err := os.RemoveAll(path); err != nil {
			b.Fatal(err)
		}
	}
}

// processRow is what the runs of one command took.
type processRow struct {
	size      gen.Size
	name      string
	cache     string // ACCORD_CACHE
	wall, cpu []time.Duration
	peak      []int64 // KiB
}

func (r *processRow) run(b *testing.B, program string, exit int, args []string) {
	b.Helper()
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), "ACCORD_CACHE="+r.cache)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	start := time.Now()
	err := cmd.Run()
	r.wall = append(r.wall, time.Since(start))
	if code := cmd.ProcessState.ExitCode(); code != exit {
		b.Fatalf("%v: exit %d, not %d: %v\n%s", args, code, exit, err, stderr.String())
	}
	r.cpu = append(r.cpu, cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime())
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		r.peak = append(r.peak, usage.Maxrss)
	}
}

// printRows prints the table, each size below the one before.
func printRows(rows []processRow) {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\nsize\tcommand\truns\twall\tfrom\tto\tprocessors\tpeak\tgrowth: time\tmemory\t")
	last := map[string]processRow{}
	for _, r := range rows {
		seconds := func(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }
		time, memory := "", ""
		if l, ok := last[r.name]; ok {
			grants := float64(r.size.Grants) / float64(l.size.Grants)
			time = fmt.Sprintf("%.2f", float64(median(r.cpu))/float64(median(l.cpu))/grants)
			memory = fmt.Sprintf("%.2f", float64(median(r.peak))/float64(median(l.peak))/grants)
		}
		last[r.name] = r
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%s\t%s\t%s\t%d MiB\t%s\t%s\t\n", r.size.Name, r.name, len(r.wall), seconds(median(r.wall)),
			seconds(slices.Min(r.wall)), seconds(slices.Max(r.wall)), seconds(median(r.cpu)), median(r.peak)/1024, time, memory)
	}
	w.Flush()
}
