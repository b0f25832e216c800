package ldap

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/accordhq/accord/connectors/servertest"
	"github.com/accordhq/accord/engine/access"
)

// The sizes of the benchmarks: 10,000 accounts and 500 groups with 100 members each.
const (
	benchAccounts = 10_000
	benchGroups   = 500
	benchMembers  = 100
)

// benchChanges are what it takes to fill an empty directory, as the engine cuts them: the
// grants of a group together.
func benchChanges() (objects []access.Change, batches [][]access.Change) {
	for i := range benchAccounts {
		objects = append(objects, on(access.Create, fmt.Sprintf("account/u%05d", i), nil, &access.Value{
			Attributes: map[string]string{"cn": fmt.Sprintf("User %d", i), "sn": "User", "mail": fmt.Sprintf("u%d@example.test", i)}}))
	}
	for g := range benchGroups {
		group := fmt.Sprintf("group/g%03d", g)
		objects = append(objects, on(access.Create, group, nil, &access.Value{}))
		var batch []access.Change
		for m := range benchMembers {
			batch = append(batch, give(fmt.Sprintf("account/u%05d", (g*37+m*101)%benchAccounts), group))
		}
		batches = append(batches, batch)
	}
	return objects, batches
}

// benchLDIF is the same as a person would write it for ldapadd.
func benchLDIF(suffix string) string {
	var b strings.Builder
	for i := range benchAccounts {
		fmt.Fprintf(&b, "dn: uid=u%05d,ou=people,%s\nobjectClass: inetOrgPerson\nuid: u%05[1]d\ncn: User %[1]d\nsn: User\nmail: u%[1]d@example.test\n\n", i, suffix)
	}
	for g := range benchGroups {
		fmt.Fprintf(&b, "dn: cn=g%03d,ou=groups,%s\nobjectClass: groupOfNames\ncn: g%03[1]d\nmember: cn=nobody,%[2]s\n", g, suffix)
		for m := range benchMembers {
			fmt.Fprintf(&b, "member: uid=u%05d,ou=people,%s\n", (g*37+m*101)%benchAccounts, suffix)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// tool runs one of OpenLDAP's own as the service entry, and gives the time that it took.
func tool(b *testing.B, url, name string, args ...string) time.Duration {
	b.Helper()
	cmd := exec.Command(name, append([]string{"-x", "-H", url, "-D", servertest.SlapdService, "-w", servertest.SlapdPassword}, args...)...)
	start := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%s: %v\n%s", name, err, out[max(0, len(out)-1000):])
	}
	return time.Since(start)
}

// BenchmarkNothingToDo reads a directory that is as it should be, and what a plan asks of the
// connector besides. "tools/s" is what ldapsearch takes for the same entries in pages.
func BenchmarkNothingToDo(b *testing.B) {
	f := newFarOn(b, servertest.Slapd(b), plainSuffix)
	f.slapd.LDIF(b, benchLDIF(plainSuffix))
	c := f.open(setting("url", text(f.slapd.URL)))
	read(b, c)
	b.ResetTimer()
	for b.Loop() {
		st := read(b, c)
		if n, g := st.Size(); n != benchAccounts+benchGroups+1 || g != benchGroups*benchMembers {
			b.Fatalf("%d objects, %d grants", n, g)
		}
		for o := range st.Objects() {
			if _, err := c.Normalize(o); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.StopTimer()
	took := tool(b, f.slapd.URL, "ldapsearch", "-LLL", "-E", "pr=500/noprompt", "-b", plainSuffix, "(|(uid=*)(objectClass=groupOfNames))")
	b.ReportMetric(took.Seconds(), "tools/s")
}

// BenchmarkFromEmpty fills an empty directory with as many goroutines as the description allows,
// and counts requests for each change. "tools/s" is what ldapadd takes for the same.
func BenchmarkFromEmpty(b *testing.B) {
	objects, batches := benchChanges()
	var requests int
	for b.Loop() {
		b.StopTimer()
		f := newFarOn(b, servertest.Slapd(b), plainSuffix)
		c := f.open(setting("url", text(f.slapd.URL)))
		b.StartTimer()
		for some := range slices.Chunk(objects, c.Describe().Creates) { // as the engine does
			if err := errors.Join(c.CreateEach(b.Context(), some)...); err != nil {
				b.Fatal(err)
			}
		}
		series := c.Series()
		inParallel(c.Describe().Parallel, batches, func(batch []access.Change) error { return series.ApplyBatch(b.Context(), batch) }, b)
		b.StopTimer()
		if n, g := read(b, c).Size(); n != benchAccounts+benchGroups+1 || g != benchGroups*benchMembers {
			b.Fatalf("%d objects, %d grants", n, g)
		}
		requests = c.requests()
		b.StartTimer()
	}
	b.StopTimer()
	b.ReportMetric(float64(requests)/float64(benchAccounts+benchGroups+benchGroups*benchMembers), "requests/change")
	f := newFarOn(b, servertest.Slapd(b), plainSuffix)
	file := filepath.Join(b.TempDir(), "all.ldif")
	if err := os.WriteFile(file, []byte(benchLDIF(plainSuffix)), 0o600); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(tool(b, f.slapd.URL, "ldapadd", "-f", file).Seconds(), "tools/s")
}

func inParallel[T any](n int, all []T, do func(T) error, b *testing.B) {
	b.Helper()
	var wg sync.WaitGroup
	work := make(chan T)
	for range n {
		wg.Go(func() {
			for v := range work {
				if err := do(v); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for _, v := range all {
		work <- v
	}
	close(work)
	wg.Wait()
}

// requests counts what was sent over the connections that are kept.
func (c *connector) requests() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, s := range c.idle {
		n += s.operations
	}
	return n
}
