//go:build unix

package policy

import (
	"fmt"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// BenchmarkJudge judges changes by every built-in rule, the principals (one for five changes)
// and the plan included, and says what one change costs and how that grows with their number.
// In a plan one change of fifty breaks a rule; with=house adds the five rules of house, and
// with=findings lets most changes break a rule or two of these. The time of the processors is
// given beside that on the wall, because it doesn't depend on what else the machine does.
func BenchmarkJudge(b *testing.B) {
	for _, with := range []string{"", "house", "findings"} {
		for _, n := range []int{1_000, 10_000, 100_000} {
			name, sources := fmt.Sprintf("changes=%d", n), house
			if with == "" {
				sources = nil
			} else {
				name = "with=" + with + "/" + name
			}
			b.Run(name, func(b *testing.B) {
				in := company(n)
				if with != "findings" {
					hush(in)
				}
				measure(b, in, n, "change", Options{Rules: allOn()}, sources...)
			})
		}
	}
}

// BenchmarkPrincipal judges people with ten holdings each, by two hundred pairs of duties among
// others. BenchmarkPlan judges a plan of two hundred systems and a thousand owned things.
func BenchmarkPrincipal(b *testing.B) {
	rules := allOn()
	pairs := []any{}
	for i := range 200 {
		pairs = append(pairs, []any{fmt.Sprintf("system%d/team/t%d", i%10, i), fmt.Sprintf("system%d/team/t%d", (i+3)%10, 200+i)})
	}
	rules["segregation_of_duties"] = pairs
	for _, n := range []int{200, 2_000} {
		b.Run(fmt.Sprintf("people=%d", n), func(b *testing.B) {
			in := company(n * 10)
			hush(in)
			in.Principals, in.Changes = in.Principals[:n], nil
			for i := range in.Principals {
				p := &in.Principals[i]
				for k := len(p.Holdings); k < 10; k++ {
					h := p.Holdings[0]
					h.Resource = fmt.Sprintf("team/t%d", (i+k)%97)
					h.Key = h.System + "/" + h.Resource
					p.Holdings = append(p.Holdings, h)
				}
			}
			measure(b, in, n, "person", Options{Rules: rules})
		})
	}
}

func BenchmarkPlan(b *testing.B) {
	in := company(1000)
	in.Changes, in.Principals = nil, nil
	for i := range 200 {
		in.Plan.BySystem = append(in.Plan.BySystem, SystemCounts{System: fmt.Sprintf("system%d", i), Grants: 5000, Complete: true})
	}
	for i := range 1000 {
		in.Plan.Owned = append(in.Plan.Owned, Owned{Kind: "role", ID: fmt.Sprintf("role%d", i), Owners: []string{"bob"}, Active: []string{"bob"}})
		in.Plan.Daily = append(in.Plan.Daily, Daily{Principal: fmt.Sprintf("person%d", i), System: "erp", Privilege: fmt.Sprintf("erp/role/r%d:member", i), Planned: 1})
	}
	measure(b, in, 1, "plan", Options{Rules: allOn()})
}

// measure judges the input, in which there are n things, again and again.
func measure(b *testing.B, in Input, n int, thing string, o Options, sources ...Source) {
	o.Attributes = []string{"department", "employment"}
	j := judge(b, o, sources...)
	found := 0
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := cpu(b)
	for b.Loop() {
		rs, err := j.Judge(b.Context(), in)
		if err != nil {
			b.Fatal(err)
		}
		found = len(rs)
	}
	used := cpu(b) - start
	runtime.ReadMemStats(&after)
	per := float64(b.N) * float64(n)
	b.ReportMetric(float64(used.Microseconds())/per, "cpu-µs/"+thing)
	b.ReportMetric(float64(b.Elapsed().Microseconds())/per, "µs/"+thing)
	b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/per, "B/"+thing)
	b.ReportMetric(float64(after.Mallocs-before.Mallocs)/per, "allocs/"+thing)
	b.ReportMetric(float64(found)/float64(n), "results/"+thing)
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
