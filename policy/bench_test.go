//go:build unix

package policy

import (
	"fmt"
	"syscall"
	"testing"
	"time"
)

// BenchmarkJudge judges changes with the five rules of house and nine built-in ones, the
// principals (one for five changes) and the plan included, and says what one change costs and
// how that grows with their number. In a quiet plan one change of fifty breaks a rule; in a
// loud one each breaks three. The time of the processors is given beside that on the wall,
// because it doesn't depend on what else the machine does.
func BenchmarkJudge(b *testing.B) {
	for _, quiet := range []bool{true, false} {
		for _, n := range []int{1_000, 10_000, 100_000} {
			b.Run(fmt.Sprintf("quiet=%v/changes=%d", quiet, n), func(b *testing.B) {
				j := judge(b, Options{Rules: allOn(), Attributes: []string{"department", "employment"}}, house...)
				in := company(n)
				if quiet {
					hush(in)
				}
				b.ReportAllocs()
				found := 0
				start := cpu(b)
				for b.Loop() {
					rs, err := j.Judge(b.Context(), in)
					if err != nil {
						b.Fatal(err)
					}
					found = len(rs)
				}
				per := float64(b.N) * float64(n)
				b.ReportMetric(float64((cpu(b)-start).Microseconds())/per, "cpu-µs/change")
				b.ReportMetric(float64(b.Elapsed().Microseconds())/per, "µs/change")
				b.ReportMetric(float64(found)/float64(n), "results/change")
			})
		}
	}
}

// hush lets only one change of fifty break a rule.
func hush(in Input) {
	role := &Role{ID: "quiet"}
	for i := range in.Changes {
		c := &in.Changes[i].Change
		if i%50 == 0 {
			continue
		}
		c.Op, c.HasEnd, c.DaysLeft, c.Privileged = "add", true, 30, false
		in.Changes[i].Role = role
		c.System, c.Role, c.Roles = "system9", "quiet", []string{"quiet"}
	}
	for i := range in.Principals {
		in.Principals[i].Holdings = in.Principals[i].Holdings[:4]
	}
}

// cpu is the time that the process had of the processors.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkCompile compiles the rules of house and every built-in rule.
func BenchmarkCompile(b *testing.B) {
	for b.Loop() {
		judge(b, Options{Rules: allOn(), Attributes: []string{"department", "employment"}}, house...)
	}
}
