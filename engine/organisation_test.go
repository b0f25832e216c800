package engine_test

import (
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/accordhq/accord/connectors/all"
	"github.com/accordhq/accord/engine"
	"github.com/accordhq/accord/engine/gen"
)

// organisation is a generated company on disk: in git, its systems kept by the file connector.
type organisation struct {
	*gen.Organisation
	dir string
}

// writeOrganisation makes the company in a new folder. Without live its systems are empty.
func writeOrganisation(t testing.TB, dir string, o gen.Options, commits int, live bool) *organisation {
	t.Helper()
	org, err := gen.New(o)
	if err != nil {
		t.Fatal(err)
	}
	git := func(in func(*exec.Cmd), args ...string) {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-C", dir, "-c", "core.fsync=none"}, args...)...)
		if in != nil {
			in(cmd)
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	stream := filepath.Join(t.TempDir(), "stream")
	f, err := os.Create(stream)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := org.WriteHistory(f, "main", commits); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Seek(0, 0); err != nil {
		t.Fatal(err)
	}
	git(nil, "init", "-q", "-b", "main")
	git(func(c *exec.Cmd) { c.Stdin = f }, "fast-import", "--quiet")
	git(nil, "reset", "-q", "--hard")
	git(nil, "gc", "-q")
	if err := os.MkdirAll(filepath.Join(dir, "live"), 0o755); err != nil {
		t.Fatal(err)
	}
	if live {
		for _, name := range org.Systems() {
			var b strings.Builder
			if err := gen.WriteState(&b, org.Live(name)); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "live", name+".state.yaml"), []byte(b.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	return &organisation{org, dir}
}

func (o *organisation) engine() *engine.Engine {
	return &engine.Engine{
		Types: all.Types(), Log: slog.New(slog.DiscardHandler), Now: gen.Now,
		Version: "test", Actor: "test",
	}
}

func (o *organisation) options() engine.PlanOptions {
	return engine.PlanOptions{Source: engine.Source{Dir: o.dir}, Timeout: 10 * time.Minute}
}

// steps plans, and wants nothing to be wrong with the plan.
func (o *organisation) steps(t *testing.T) int {
	t.Helper()
	p, d, err := o.engine().Plan(t.Context(), o.options())
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	for _, s := range p.Systems {
		if s.Error != "" || len(s.Dangling) > 0 {
			t.Errorf("%s: %s, dangling %v", s.Name, s.Error, s.Dangling)
		}
	}
	if len(p.Refusals) > 0 {
		t.Errorf("refused: %v", p.Refusals[:min(3, len(p.Refusals))])
	}
	return len(p.Steps)
}

// TestOrganisation holds the whole way to a company's own bookkeeping: what is as declared has
// an empty plan; from empty systems, and from systems that drifted, apply makes it so, and the
// plan after it is empty again.
func TestOrganisation(t *testing.T) {
	sizes := gen.Sizes()[:2]
	if testing.Short() {
		sizes = sizes[:1]
	}
	for _, size := range sizes {
		for _, world := range []struct {
			name  string
			drift float64
			live  bool
		}{{"as-declared", 0, true}, {"empty", 0, false}, {"drifted", 0.03, true}} {
			if world.name == "empty" && size.Name != "S" {
				continue // 50,000 grants by one plan: a minute, and nothing that the drifted one doesn't show
			}
			t.Run(fmt.Sprintf("%s/%s", size.Name, world.name), func(t *testing.T) {
				o := writeOrganisation(t, t.TempDir(), gen.Options{Size: size, Seed: 5, Drift: world.drift}, 10, world.live)
				n := o.steps(t)
				switch world.name {
				case "as-declared":
					if n != 0 {
						t.Errorf("%d steps, although everything is as declared", n)
					}
					return
				case "empty":
					if n < size.Grants {
						t.Errorf("%d steps from empty, fewer than the %d grants", n, size.Grants)
					}
				default:
					if n < size.Grants/50 || n > size.Grants/20 {
						t.Errorf("%d steps for a drift of 3%% of %d grants", n, size.Grants)
					}
				}
				res, err := o.engine().Apply(t.Context(), engine.ApplyOptions{PlanOptions: o.options()})
				if err != nil {
					t.Fatal(err)
				}
				if res.Exit != engine.ExitOK {
					t.Fatalf("apply exits with %d: %v", res.Exit, res.Plan.Refusals)
				}
				if n := o.steps(t); n != 0 {
					t.Errorf("%d steps after apply", n)
				}
			})
		}
	}
}
