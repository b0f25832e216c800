//go:build unix

package engine_test

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/accordhq/accord/engine"
	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/gen"
)

// benchSizes are those that ACCORD_BENCH_SIZES names (as in "M,XL"), S and M if it isn't set: the
// larger ones take minutes and gigabytes.
func benchSizes(b *testing.B) (out []gen.Size) {
	names := os.Getenv("ACCORD_BENCH_SIZES")
	if names == "" {
		names = "S,M"
	}
	for name := range strings.SplitSeq(names, ",") {
		s, err := gen.SizeOf(name)
		if err != nil {
			b.Fatal(err)
		}
		out = append(out, s)
	}
	return out
}

// BenchmarkOrganisation measures what people wait for, on companies of growing size: validating,
// planning without systems and with them, planning a pull request that changes one file, drift
// of one grant in a hundred, asking why. The time of the processors is given beside that on the
// wall, because it doesn't depend on what else the machine does.
//
//	ACCORD_BENCH_SIZES=M,XL go test ./engine -run '^$' -bench Organisation -benchtime 1x
func BenchmarkOrganisation(b *testing.B) {
	for _, size := range benchSizes(b) {
		var calm, drifted *organisation
		world := func(o **organisation, drift float64) func(testing.TB) *organisation {
			return func(t testing.TB) *organisation {
				if *o == nil {
					*o = writeOrganisation(t, b.TempDir(), gen.Options{Size: size, Seed: 1, Drift: drift}, 20, true)
				}
				return *o
			}
		}
		as, off := world(&calm, 0), world(&drifted, 0.01)
		for _, m := range []struct {
			name string
			in   func(testing.TB) *organisation
			do   func(*organisation) error
		}{
			{"validate", as, validates},
			{"plan-offline", as, plans(func(o *engine.PlanOptions) { o.NoLive = true }, 0)},
			{"plan-base", as, plans(func(o *engine.PlanOptions) { o.NoLive, o.Base = true, "HEAD~1" }, 0)},
			{"plan-nothing", as, plans(func(*engine.PlanOptions) {}, 0)},
			{"drift", off, plans(func(*engine.PlanOptions) {}, size.Grants/200)},
			{"why", as, asks},
		} {
			b.Run(size.Name+"/"+m.name, func(b *testing.B) {
				o := m.in(b)
				b.ReportAllocs()
				runtime.GC()
				start := processors(b)
				b.ResetTimer()
				for b.Loop() {
					if err := m.do(o); err != nil {
						b.Fatal(err)
					}
				}
				used := processors(b) - start
				b.ReportMetric(float64(used.Milliseconds())/float64(b.N), "cpu-ms/op")
				b.ReportMetric(float64(used.Nanoseconds())/float64(b.N)/float64(size.Grants), "cpu-ns/grant")
			})
		}
	}
}

// processors is the time that the process had of the processors.
func processors(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func validates(o *organisation) error {
	d, err := o.engine().Validate(context.Background(), engine.Source{Dir: o.dir})
	if err != nil {
		return err
	}
	return d.Close()
}

func plans(set func(*engine.PlanOptions), least int) func(*organisation) error {
	return func(o *organisation) error {
		opts := o.options()
		set(&opts)
		p, d, err := o.engine().Plan(context.Background(), opts)
		if err != nil {
			return err
		}
		if n := len(p.Steps); n < least || least == 0 && n > 0 {
			return fmt.Errorf("%d steps", n)
		}
		return d.Close()
	}
}

func asks(o *organisation) error {
	opts := o.options()
	opts.NoLive = true
	w, err := o.engine().Why(context.Background(), engine.WhyOptions{PlanOptions: opts, Person: o.Someone(77)})
	if err == nil && len(w.Items) < 5 {
		err = fmt.Errorf("%d items", len(w.Items))
	}
	return err
}

// BenchmarkDiffMillion compares what a company declares with what is live, both in memory, for
// all systems, as the product does it. Most grants are the same on both sides, as in every
// plan but the first.
func BenchmarkDiffMillion(b *testing.B) {
	for _, size := range benchSizes(b) {
		b.Run(size.Name, func(b *testing.B) {
			org, err := gen.New(gen.Options{Size: size, Seed: 1, Drift: 0.001})
			if err != nil {
				b.Fatal(err)
			}
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			var want, live []*access.State
			for _, name := range org.Systems() {
				want, live = append(want, org.State(name)), append(live, org.Live(name))
			}
			runtime.GC()
			runtime.ReadMemStats(&after)
			b.ReportAllocs()
			start := processors(b)
			b.ResetTimer()
			n := 0
			for b.Loop() {
				n = 0
				for i := range want {
					for range access.Differences(want[i], live[i]) {
						n++
					}
				}
			}
			if n < size.Grants/2000 || n > size.Grants/100 {
				b.Fatalf("%d differences", n)
			}
			b.ReportMetric(float64((processors(b)-start).Microseconds())/1000/float64(b.N), "cpu-ms/op")
			b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(2*size.Grants), "B/grant-and-side")
			runtime.KeepAlive(want)
			runtime.KeepAlive(live)
		})
	}
}
