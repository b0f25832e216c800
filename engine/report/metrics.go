package report

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/plan"
)

// Run is what a run of plan, apply or drift leaves behind, for metrics.
type Run struct {
	// Command is plan, apply or drift.
	Command string
	Plan    *plan.Plan
	// Differences are those that are open at the end of the run.
	Differences []plan.Difference
	// Pending are the steps that still take something away at the end of the run.
	Pending []PendingRemoval
	// Read is when each system was read whole for the last time, as far as is known.
	Read map[string]time.Time
	At   time.Time
	Took time.Duration
	Exit int
	// Undelivered counts notifications that couldn't be delivered.
	Undelivered int
}

// PendingRemoval is something that is still to be taken away.
type PendingRemoval struct {
	System string
	Person string
	Leaver bool
	// Since is when it was due, as far as is known; zero: since now.
	Since time.Time
}

// PendingRemovals are the steps that take something away and weren't done. Since is when the
// window ended or, by the journal, the difference was seen first.
func PendingRemovals(steps []*plan.Step, differences []plan.Difference, at time.Time) []PendingRemoval {
	seen := map[string]time.Time{}
	for _, d := range differences {
		if d.Step != nil {
			seen[d.Step.Key()] = d.Since
		}
	}
	var out []PendingRemoval
	for _, s := range steps {
		kind, _, _ := say(s)
		lowers := s.Action == access.ChangeLevel && (s.Drift == plan.DriftUndeclaredGrant || s.Drift == plan.DriftExpired)
		if kind != taken && kind != drastic && !lowers {
			continue
		}
		r := PendingRemoval{System: s.System, Person: s.Person, Leaver: s.Leaver, Since: seen[s.Key()]}
		for _, why := range s.Was {
			if end := why.Until; !end.IsZero() && !end.After(at) && (r.Since.IsZero() || end.Before(r.Since)) {
				r.Since = end
			}
		}
		out = append(out, r)
	}
	return out
}

// Metrics writes what a run found in Prometheus' text format, for the textfile collector of
// node_exporter (github.com/prometheus/node_exporter, "Textfile Collector"). Every series is
// there each time, so that what is gone falls to 0 rather than out of sight; what isn't known has
// no series.
func Metrics(w io.Writer, r Run) error {
	m := &metrics{w: bufio.NewWriter(w), command: r.Command}
	systems := sortedSystems(r.Plan)
	m.gauge("accord_run_timestamp_seconds", "When the last run of the command ended, in Unix time.", func() {
		m.value(float64(r.At.UnixNano()) / 1e9)
	})
	m.gauge("accord_run_duration_seconds", "How long the last run of the command took.", func() {
		m.value(r.Took.Seconds())
	})
	m.gauge("accord_run_exit_code", "The exit code of the last run of the command: 0 nothing to do or done, 2 changes, 3 refused, 4 stale, 5 in part, 6 incomplete, 1 failed.", func() {
		m.value(float64(r.Exit))
	})
	m.gauge("accord_undelivered_notifications", "How many notifications the last run couldn't deliver.", func() {
		m.value(float64(r.Undelivered))
	})
	m.gauge("accord_system_readable", "Whether the system could be read whole in the last run: 1 or 0.", func() {
		for _, s := range systems {
			m.value(one(s.Readable()), "system", s.Name)
		}
	})
	m.gauge("accord_system_last_complete_read_timestamp_seconds", "When the system was read whole for the last time, in Unix time.", func() {
		for _, s := range systems {
			if at, ok := r.Read[s.Name]; ok {
				m.value(float64(at.UnixNano())/1e9, "system", s.Name)
			}
		}
	})
	m.drift(systems, r.Differences)
	m.pending(systems, r)
	return m.end()
}

type metrics struct {
	w *bufio.Writer
	// command is a label of everything, so that files of several commands can lie side by side.
	command string
	name    string
}

func (m *metrics) drift(systems []plan.System, all []plan.Difference) {
	type key struct {
		system string
		kind   plan.DriftKind
	}
	count, flapping := map[key]int{}, map[string]int{}
	for _, d := range all {
		count[key{d.System, d.Kind}]++
		if d.Fate == plan.FateFlapping {
			flapping[d.System]++
		}
	}
	m.gauge("accord_drift_differences", "Ways in which the system isn't as declared, by kind.", func() {
		for _, s := range systems {
			for _, k := range plan.DriftKinds() {
				m.value(float64(count[key{s.Name, k}]), "system", s.Name, "kind", string(k))
			}
		}
	})
	m.gauge("accord_drift_flapping", "Differences that were corrected again and again, and aren't any more.", func() {
		for _, s := range systems {
			m.value(float64(flapping[s.Name]), "system", s.Name)
		}
	})
}

func (m *metrics) pending(systems []plan.System, r Run) {
	count, age, people := map[string]int{}, map[string]float64{}, map[string][]string{}
	for _, p := range r.Pending {
		count[p.System]++
		if !p.Since.IsZero() {
			age[p.System] = max(age[p.System], r.At.Sub(p.Since).Seconds())
		}
		if p.Leaver && !slices.Contains(people[p.System], p.Person) {
			people[p.System] = append(people[p.System], p.Person)
		}
	}
	m.gauge("accord_pending_removals", "Steps that are still to take something away.", func() {
		for _, s := range systems {
			m.value(float64(count[s.Name]), "system", s.Name)
		}
	})
	m.gauge("accord_oldest_pending_removal_age_seconds", "For how long the oldest removal is due; 0 if none is, or it was seen for the first time.", func() {
		for _, s := range systems {
			m.value(age[s.Name], "system", s.Name)
		}
	})
	m.gauge("accord_leavers_holding", "People who have left and still hold something on the system.", func() {
		for _, s := range systems {
			m.value(float64(len(people[s.Name])), "system", s.Name)
		}
	})
}

// gauge writes one metric with its help.
func (m *metrics) gauge(name, help string, values func()) {
	m.name = name
	fmt.Fprintf(m.w, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name)
	values()
}

// value writes one sample; labels are names and values in turn.
func (m *metrics) value(v float64, labels ...string) {
	m.w.WriteString(m.name + `{command="` + metricEscape(m.command) + `"`)
	for i := 0; i < len(labels); i += 2 {
		m.w.WriteString("," + labels[i] + `="` + metricEscape(labels[i+1]) + `"`)
	}
	m.w.WriteString("} " + strconv.FormatFloat(v, 'f', -1, 64) + "\n")
}

// metricEscape escapes a label's value (prometheus.io/docs/instrumenting/exposition_formats).
func metricEscape(s string) string {
	return strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`).Replace(strings.ToValidUTF8(s, "\uFFFD"))
}

// end gives the first error of writing.
func (m *metrics) end() error { return m.w.Flush() }

func one(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
