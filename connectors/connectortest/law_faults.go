package connectortest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
)

// patience is how long a Read may take under a fault before its context is done, which is an
// error like any other.
const patience = 5 * time.Second

// under calls check for each of the faults that the harness can make happen, after it was
// armed, each on a system of its own that holds what fill makes.
func (t *trial) under(faults []Fault, fill func(*bed) *access.State, check func(b *bed, f Fault, truth *access.State)) (tried []Fault) {
	t.Helper()
	var b *bed
	var truth *access.State
	for _, f := range faults {
		if b == nil { // else the one before met no fault
			b = t.open()
			b.seed(fill(b))
			truth = b.dump()
		}
		if !b.arm(f) {
			continue
		}
		tried = append(tried, f)
		check(b, f, truth)
		b = nil
	}
	return tried
}

func readAllOrError(t *trial) {
	all, certain := readFaults()
	paged := []Fault{FaultPageTwo, FaultUnauthorized} // those that strike late in an answer
	single := slices.DeleteFunc(slices.Clone(all), func(f Fault) bool { return slices.Contains(paged, f) })
	few := func(b *bed) *access.State { return b.maker.many(20) }
	check := func(scoped bool) func(*bed, Fault, *access.State) {
		return func(b *bed, f Fault, truth *access.State) {
			scope := connectors.Scope{}
			if scoped {
				scope.IDs = idsOf(truth)
			}
			b.allOrError(f, scope, truth, slices.Contains(certain, f))
		}
	}
	tried := t.under(single, few, check(false))
	if !slices.Contains(tried, FaultRead) {
		t.Fatalf("the harness can't make a read fail (FaultRead); without it this law shows nothing")
	}
	t.under(slices.DeleteFunc(tried, func(f Fault) bool { return !slices.Contains(certain, f) }), few, check(true))
	t.under(paged, func(b *bed) *access.State { return b.maker.many(b.maker.pages()) }, check(false))
}

func idsOf(s *access.State) []access.ID {
	var out []access.ID
	for o := range s.Objects() {
		out = append(out, o.ID)
	}
	return out
}

// allOrError reads under a fault. One that is certain must leave its mark.
func (b *bed) allOrError(f Fault, scope connectors.Scope, truth *access.State, certain bool) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), patience)
	defer cancel()
	got, err := b.Read(ctx, scope)
	switch {
	case err != nil && got != nil:
		b.Errorf("with the fault %q: a Read that failed (%v) returned a state all the same", f, err)
	case err == nil && got == nil:
		b.Errorf("with the fault %q: Read returned neither a state nor an error", f)
	case err == nil:
		lost := b.trustworthy(f, truth, got)
		if lost == 0 && certain && got.Complete() {
			b.Errorf("the harness: the fault %q made nothing fail, everything was read", f)
		}
	}
}

// trustworthy checks that what isn't in the state isn't claimed to be absent, and counts it.
func (b *bed) trustworthy(f Fault, truth, got *access.State) (lost int) {
	b.Helper()
	for o := range truth.Objects() {
		if _, ok := got.Object(o.ID); ok {
			continue
		}
		lost++
		if got.Knows(o.ID) {
			b.Errorf("with the fault %q: a part couldn't be read, and %s looks as if it weren't there", f, o.ID)
			return lost
		}
	}
	for _, g := range truth.Grants() {
		if _, _, ok := got.Find(g.Subject, g.Target, g.Permission); ok || g.Standing == access.Implied {
			continue
		}
		lost++
		if got.KnowsGrant(g.Subject, g.Target) {
			b.Errorf("with the fault %q: a part couldn't be read, and %s looks as if it weren't there", f, g)
			return lost
		}
	}
	return lost
}

func readWaitsWhenTold(t *trial) {
	few := func(b *bed) *access.State { return b.maker.many(20) }
	tried := t.under([]Fault{FaultTooMany, FaultTooManyBare, FaultSlow}, few, func(b *bed, f Fault, truth *access.State) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start := time.Now()
		got, err := b.Read(ctx, connectors.Scope{})
		took := time.Since(start)
		if err != nil {
			t.Errorf("with the fault %q: Read gave up: %v", f, err)
			return
		}
		t.same(fmt.Sprintf("with the fault %q", f), differences(truth, got, leniency{implied: true}))
		if f == FaultTooMany && took < tooMany*RetryAfter {
			t.Errorf("with the fault %q: told %d times to wait %v, Read was through after %v", f, tooMany, RetryAfter, took)
		}
	})
	if len(tried) == 0 {
		t.Skipf("nothing between connector and system tells it to wait")
	}
}

func applyKnowsItsOutcome(t *trial) {
	faults := slices.DeleteFunc(writeFaults(), func(f Fault) bool { return f == FaultLostReply || f == FaultDenied })
	everything := func(b *bed) *access.State { return b.maker.everything() }
	tried := t.under(faults, everything, func(b *bed, f Fault, _ *access.State) {
		left := 99
		if base, _ := f.split(); base == FaultTooMany || base == FaultTooManyBare || base == FaultSlow {
			left = 2 // they take their time
		}
		met := map[access.Action]bool{}
		b.walkOn(func(c access.Change) bool {
			if met[c.Action] || left == 0 {
				return b.apply(c)
			}
			met[c.Action] = true
			left--
			return b.arm(f) && b.knows(f, c)
		}, func(c access.Change, diffs []difference) {
			t.same(fmt.Sprintf("with the fault %q: %s, repeated", f, c), diffs)
		})
	})
	if len(tried) == 0 {
		t.Skipf("the harness can't break a write on its way")
	}
}

// knows applies a change under a fault, checks that what is said of the outcome is so, and
// repeats it.
func (b *bed) knows(f Fault, c access.Change) bool {
	b.Helper()
	before := b.dump()
	want := b.after(before, c)
	ctx, cancel := context.WithTimeout(b.Context(), patience)
	defer cancel()
	err := b.Apply(ctx, c)
	now := b.dump()
	done, undone := differences(want, now, doneBy(c)), differences(before, now, leniency{implied: true})
	switch {
	case err == nil && len(done) > 0:
		b.same(fmt.Sprintf("with the fault %q: %s is said to be done", f, c), done)
		return false
	case errors.Is(err, connectors.ErrOutcomeUnknown) && len(done) > 0 && len(undone) > 0:
		b.same(fmt.Sprintf("with the fault %q: %s is neither done nor not done", f, c), done)
		return false
	case err != nil && !errors.Is(err, connectors.ErrOutcomeUnknown) && len(undone) > 0:
		b.same(fmt.Sprintf("with the fault %q: %s is said not to be done (%v)", f, c, err), undone)
		return false
	}
	if err = b.Apply(b.Context(), c); err != nil {
		err = b.Apply(b.Context(), c) // the first may have met the fault, if no write did before
	}
	if err != nil {
		b.Errorf("with the fault %q: %s, repeated: %v", f, c, err)
	}
	return err == nil
}

// after is what a change makes of a state.
func (b *bed) after(s *access.State, changes ...access.Change) *access.State {
	b.Helper()
	e := access.Edit(s, b.desc)
	for _, c := range changes {
		if err := e.Do(c); err != nil {
			b.Fatalf("the suite made up an impossible change: %v", err)
		}
	}
	out, err := e.State()
	if err != nil {
		b.Fatalf("the suite made up an impossible change: %v", err)
	}
	return out
}
