package apply_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/connectors/memory"
	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/apply"
	"github.com/accordhq/accord/engine/journal"
	"github.com/accordhq/accord/engine/plan"
)

// BenchmarkRun carries out 50,000 steps on a system that costs nothing: of many accounts, of
// one, as leavers, and in a batch that fails for every hundredth, one blamed at a time.
func BenchmarkRun(b *testing.B) {
	const n = 50000
	grant := func(i, accounts int) plan.Step {
		return plan.Step{Change: access.Change{System: "s", Action: access.Give, Subject: access.Account(fmt.Sprint("a", i%accounts)),
			Target: access.ID{Kind: "role", Name: fmt.Sprint("r", i/accounts)}, After: &access.Value{Permission: "member"}}}
	}
	for name, accounts := range map[string]int{"many": 5000, "one": 1, "leavers": 5000, "blamed": 5000} {
		b.Run(name, func(b *testing.B) {
			p := &plan.Plan{Systems: []plan.System{{Name: "s"}}}
			state := access.NewBuilder("s")
			for i := range min(n, accounts) {
				state.Object(access.Object{ID: access.Account(fmt.Sprint("a", i))})
			}
			for i := range n {
				s := grant(i, accounts)
				if name == "leavers" {
					s.Leaver, s.Action, s.Before, s.After = true, access.Revoke, s.After, nil
				} else {
					state.Grant(access.Grant{Subject: s.Subject, Target: s.Target, Permission: "member"})
				}
				p.Steps = append(p.Steps, s)
			}
			live, err := state.Build()
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				c := &wrapped{Connector: memory.New(memory.Batch(access.BatchAll)).Connector("s")}
				c.apply = func(context.Context, access.Change) error { return nil }
				c.read = func(context.Context, connectors.Scope) (*access.State, error) { return live, nil }
				c.batch = func(_ context.Context, changes []access.Change) error {
					for i, ch := range changes {
						if name == "blamed" && ch.Subject.Name[1:] != "0" && len(ch.Subject.Name) > 3 && ch.Subject.Name[2:] == "00" {
							return &connectors.BatchError{Failed: map[int]error{i: connectors.ErrDenied}}
						}
					}
					return nil
				}
				run(b, p, c)
			}
		})
	}
}

func run(b *testing.B, p *plan.Plan, c connectors.Connector) {
	j, err := journal.Open(b.Context(), &disk{left: -1}, time.Now)
	if err != nil {
		b.Fatal(err)
	}
	res, err := apply.Run(b.Context(), apply.Options{Plan: p, Systems: map[string]connectors.Connector{"s": c}, Journal: j, Run: "r", Now: time.Now,
		Opened: journal.Opened{Revision: "r", PlanDigest: "d", Actor: "test", Systems: []string{"s"}}})
	if err != nil {
		b.Fatal(err)
	}
	if held := res.Count(apply.StepResult.Holds); held < len(res.Steps)*9/10 {
		b.Fatalf("%d of %d hold", held, len(res.Steps))
	}
}
