package engine_test

import (
	"bytes"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/connectors/memory"
	"github.com/accordhq/accord/engine"
	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/plan"
)

// TestSideBySide: a judged plan, and what its rules were asked, are the same bytes however many
// processors there are. The owners of roles and resources are groups, which are evaluated when
// they are asked for.
func TestSideBySide(t *testing.T) {
	dir := t.TempDir()
	writeCrowd(t, dir, 400, true)
	for name, text := range map[string]string{
		"more.yaml": "group: keepers\nowners: [p00001]\nmembers: [{match: {department: d02}}]\n---\ngroup: wardens\nowners: [p00001]\nmembers: [{match: {department: d01}}]\n---\n" +
			"role: r20\nowners: [keepers]\nprivileged: true\naccess: {sys: [group/g05]}\n---\ngrant: more\nto: [{group: wardens}]\nroles: [r20]\nuntil: 2027-01-01\n",
		"sys.yaml": "system: sys\nconnector: sys\nmode: authoritative\nmanage: ['group/*']\nowners: [keepers]\nresources:\n  group/g05: {privileged: true, owners: [keepers]}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	far := memory.New(memory.Named("sys"))
	st := access.NewBuilder("sys")
	for i := range 20 {
		st.Object(access.Object{ID: access.ID{Kind: "group", Name: "g" + string(rune('0'+i/10)) + string(rune('0'+i%10))}})
	}
	state, err := st.Build()
	if err != nil {
		t.Fatal(err)
	}
	far.Seed(state)
	e := &engine.Engine{Types: []connectors.Type{far.Type()}, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Now: func() time.Time { return time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC) }}
	allow, _ := engine.ParseAllow("policy-bootstrap:accord.yaml")
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	var first []byte
	for _, n := range []int{1, 4, 4} {
		runtime.GOMAXPROCS(n)
		var out bytes.Buffer
		o := engine.PlanOptions{Source: engine.Source{Dir: dir, Worktree: true}, Inputs: func(input []byte) error {
			out.Write(append(input, '\n'))
			return nil
		}}
		o.Allow = append(o.Allow, allow)
		p, d, err := e.Plan(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		if err := plan.Write(&out, p); err != nil {
			t.Fatal(err)
		}
		if len(p.Steps) < 1000 || len(p.Refusals) == 0 {
			t.Fatalf("the plan of the test has become poor: %d steps, %d refusals", len(p.Steps), len(p.Refusals))
		}
		if first == nil {
			first = out.Bytes()
		} else if !bytes.Equal(first, out.Bytes()) {
			t.Errorf("with %d processors the plan is another one", n)
		}
	}
}
