package report

import (
	"bytes"
	"errors"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/plan"
)

// ran is a run that left something of everything behind.
func ran() Run {
	p := drifted()
	m := maker{p}
	m.step("github", access.Disable, access.Account("carol-d"), "carol", leaver, class(plan.ClassTime))
	m.revoke("github", "carol", "team/payments", "member", leaver, class(plan.ClassTime), func(s *plan.Step) {
		s.Was = []access.Reason{{Until: now.Add(-72 * time.Hour)}}
	})
	d := looked(p)
	steps := make([]*plan.Step, len(p.Steps))
	for i := range p.Steps {
		steps[i] = &p.Steps[i]
	}
	return Run{Command: "drift", Plan: p, Differences: d.Differences, Pending: PendingRemovals(steps, d.Differences, now), At: now, Took: 1500 * time.Millisecond, Exit: 6, Undelivered: 1,
		Read: map[string]time.Time{"github": now, "wiki": now.Add(-time.Hour)}}
}

// parse reads metrics as Prometheus itself does.
func parse(t *testing.T, data []byte) map[string]*dto.MetricFamily {
	t.Helper()
	p := expfmt.NewTextParser(model.LegacyValidation)
	out, err := p.TextToMetricFamilies(bytes.NewReader(data))
	if err != nil {
		t.Fatalf("%v\n%s", err, data)
	}
	return out
}

// sample is the value of a series; its labels are names and values in turn.
func sample(t *testing.T, all map[string]*dto.MetricFamily, name string, labels ...string) float64 {
	t.Helper()
	for _, m := range all[name].GetMetric() {
		have := map[string]string{}
		for _, l := range m.GetLabel() {
			have[l.GetName()] = l.GetValue()
		}
		fits := true
		for i := 0; i < len(labels); i += 2 {
			fits = fits && have[labels[i]] == labels[i+1]
		}
		if fits {
			return m.GetGauge().GetValue()
		}
	}
	t.Errorf("no series %s of %q", name, labels)
	return 0
}

func TestMetrics(t *testing.T) {
	text := golden(t, "metrics.prom", func(b *bytes.Buffer) error { return Metrics(b, ran()) })
	all := parse(t, []byte(text))
	for name, f := range all {
		if f.GetHelp() == "" || f.GetType() != dto.MetricType_GAUGE || name[:7] != "accord_" {
			t.Errorf("%s: %s %q", name, f.GetType(), f.GetHelp())
		}
	}
	for _, want := range []struct {
		value  float64
		name   string
		labels []string
	}{
		{6, "accord_run_exit_code", []string{"command", "drift"}},
		{1.5, "accord_run_duration_seconds", nil},
		{1, "accord_undelivered_notifications", nil},
		{0, "accord_system_readable", []string{"system", "wiki"}},
		{1, "accord_system_readable", []string{"system", "github"}},
		{float64(now.Add(-time.Hour).UnixNano()) / 1e9, "accord_system_last_complete_read_timestamp_seconds", []string{"system", "wiki"}},
		{3, "accord_drift_differences", []string{"system", "github", "kind", "undeclared-grant"}},
		{0, "accord_drift_differences", []string{"system", "github", "kind", "pending-acceptance"}},
		{1, "accord_leavers_holding", []string{"system", "github"}},
		{(72 * time.Hour).Seconds(), "accord_oldest_pending_removal_age_seconds", []string{"system", "github"}},
		{0, "accord_oldest_pending_removal_age_seconds", []string{"system", "warehouse"}},
	} {
		if got := sample(t, all, want.name, want.labels...); got != want.value {
			t.Errorf("%s of %q is %v, want %v", want.name, want.labels, got, want.value)
		}
	}
	for _, m := range all["accord_system_last_complete_read_timestamp_seconds"].GetMetric() {
		for _, l := range m.GetLabel() {
			if l.GetValue() == "directory" {
				t.Error("a read that nobody knows of has a time")
			}
		}
	}
}

// No name breaks the format.
func TestMetricsHostile(t *testing.T) {
	r := ran()
	r.Plan = newPlan("a\"b\\c\nd{x=\"1\"} 7\xff").Plan
	var b bytes.Buffer
	if err := Metrics(&b, r); err != nil {
		t.Fatal(err)
	}
	if got := sample(t, parse(t, b.Bytes()), "accord_system_readable", "system", "a\"b\\c\nd{x=\"1\"} 7\uFFFD"); got != 1 {
		t.Errorf("got %v", got)
	}
	broken := errors.New("no room")
	if err := Metrics(brokenWriter{broken}, r); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}
