package connectortest

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// recordFlag writes Harness.Record. A flag has to be there before the tests are run, hence a
// package variable.
var recordFlag = flag.Bool("update-laws", false, "write what became of connectortest's laws into the connector's record")

// Record is what became of all laws against one server.
type Record struct {
	Server string
	// Faults are those that the harness could make happen, sorted.
	Faults   []Fault
	Outcomes []Outcome // in the order of the laws
}

// Outcome is what became of one law.
type Outcome struct {
	Law    string
	Result Result
	Why    string // why it is beside the point, or waived; or what of it wasn't tried
}

// Result says what became of a law that didn't fail.
type Result string

const (
	// Holds: the law was tried, and holds.
	Holds Result = "holds"
	// Beside: the law is about something that the connector or its system doesn't have, or
	// that the harness can't make happen.
	Beside Result = "beside"
	// Waived: the law is broken, for a reason that is given.
	Waived Result = "waived"
)

// The first words of a record's lines that aren't about a law.
const (
	serverLine = "server"
	faultsLine = "faults"
)

// ReadRecords reads a connector's testdata/laws.txt.
func ReadRecords(path string) ([]Record, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the record of the laws: %w", err)
	}
	var out []Record
	for n, line := range strings.Split(string(text), "\n") {
		word, rest, _ := strings.Cut(line, " ")
		if strings.HasPrefix(line, "#") || line == "" {
			continue
		}
		if word == serverLine {
			out = append(out, Record{Server: rest})
			continue
		}
		if len(out) == 0 {
			return nil, fmt.Errorf("reading the record of the laws: %s:%d: no server was named", path, n+1)
		}
		r := &out[len(out)-1]
		if word == faultsLine {
			for f := range strings.FieldsSeq(rest) {
				r.Faults = append(r.Faults, Fault(f))
			}
			continue
		}
		result, why, _ := strings.Cut(rest, ": ")
		r.Outcomes = append(r.Outcomes, Outcome{word, Result(result), why})
	}
	return out, nil
}

// writeRecords writes a connector's testdata/laws.txt.
func writeRecords(path string, all []Record) error {
	var b strings.Builder
	b.WriteString("# What became of the laws of connectors/connectortest, against each server. Written by the\n" +
		"# connector's tests with -update-laws, compared by them without; connectors/README.md shows it.\n")
	slices.SortFunc(all, func(a, b Record) int { return cmp.Compare(a.Server, b.Server) })
	for _, r := range all {
		fmt.Fprintf(&b, "\n%s %s\n%s", serverLine, r.Server, faultsLine)
		for _, f := range r.Faults {
			fmt.Fprintf(&b, " %s", f)
		}
		b.WriteString("\n")
		for _, o := range r.Outcomes {
			b.WriteString(o.String() + "\n")
		}
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(b.String()), 0o644)
}

// String is the outcome's line.
func (o Outcome) String() string {
	if o.Why == "" {
		return fmt.Sprintf("%s %s", o.Law, o.Result)
	}
	return fmt.Sprintf("%s %s: %s", o.Law, o.Result, o.Why)
}

// keeper collects what becomes of the laws in one run.
type keeper struct {
	mu     sync.Mutex
	record Record
	faults map[Fault]bool
	failed bool
}

// watching is the harness with its faults noted.
func (k *keeper) watching(h Harness) Harness {
	fault := h.Fault
	if fault == nil {
		return h
	}
	h.Fault = func(t testing.TB, s System, f Fault) bool {
		can := fault(t, s, f)
		k.mu.Lock()
		defer k.mu.Unlock()
		k.faults[f] = k.faults[f] || can
		return can
	}
	return h
}

// note takes down the outcome of a law, at the end of its subtest.
func (k *keeper) note(t testing.TB, law, waived, why string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	o := Outcome{law, Holds, why}
	switch {
	case t.Failed():
		k.failed = true
		return
	case waived != "":
		o.Result, o.Why = Waived, waived
	case t.Skipped():
		o.Result = Beside
	}
	o.Why = strings.Join(strings.Fields(o.Why), " ")
	k.record.Outcomes = append(k.record.Outcomes, o)
}

// settle compares the record with what was recorded before, or writes it.
func (k *keeper) settle(t testing.TB, h Harness, laws []Law) {
	t.Helper()
	if h.Record == "" || k.failed {
		return
	}
	whole := len(k.record.Outcomes) == len(laws) // else -run left some out
	for f, can := range k.faults {
		if can {
			k.record.Faults = append(k.record.Faults, f)
		}
	}
	slices.Sort(k.record.Faults)
	all, err := ReadRecords(h.Record)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	i := slices.IndexFunc(all, func(r Record) bool { return r.Server == k.record.Server })
	if *recordFlag {
		if !whole {
			t.Fatalf("a part of the laws can't be recorded; run them all")
		}
		if i >= 0 {
			all = slices.Delete(all, i, i+1)
		}
		if err := writeRecords(h.Record, append(all, k.record)); err != nil {
			t.Fatalf("recording the laws: %v", err)
		}
		return
	}
	if i < 0 {
		t.Errorf("%s has no record of the laws against %q; -update-laws writes it, and then `go test ./connectors/all -update` the table of connectors/README.md", h.Record, k.record.Server)
		return
	}
	for _, d := range recordDifferences(all[i], k.record, whole) {
		t.Errorf("%s says otherwise (-update-laws writes it anew): %s", h.Record, d)
	}
}

// recordDifferences says in what a run differs from its record.
func recordDifferences(was, now Record, whole bool) []string {
	var out []string
	lines := func(r Record) []string {
		var all []string
		for _, o := range r.Outcomes {
			all = append(all, o.String())
		}
		return all
	}
	before, after := lines(was), lines(now)
	for _, l := range after {
		if !slices.Contains(before, l) {
			out = append(out, "now "+l)
		}
	}
	if !whole {
		return out
	}
	for _, l := range before {
		if !slices.Contains(after, l) {
			out = append(out, "no longer "+l)
		}
	}
	if !slices.Equal(was.Faults, now.Faults) {
		out = append(out, fmt.Sprintf("faults %v, and were %v", now.Faults, was.Faults))
	}
	return out
}
