package connectortest

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
)

// promptly is how long a Read may take to notice that its context is done.
const promptly = 3 * time.Second

func readEmpty(t *trial) {
	b := t.open()
	got := b.read()
	t.Logf("the connector met %s", got.Identity())
	if got.Identity() == "" {
		t.Errorf("the state has no identity")
	}
	if got.System() != SystemName {
		t.Errorf("the state is of the system %q, want the configured name %q", got.System(), SystemName)
	}
	if !got.Whole() || !got.Complete() {
		t.Errorf("the state of a fresh system isn't complete: %v", got.Unknowns())
	}
	t.same("a fresh system", differences(b.fresh, got, leniency{implied: true}))
	if again := b.read(); again.Identity() != got.Identity() || again.Self() != got.Self() {
		t.Errorf("a second read has another identity or self: %q %s", again.Identity(), again.Self())
	}
	if named := b.read(access.Account("nobody")); named.Identity() != got.Identity() || named.Self() != got.Self() {
		t.Errorf("a read of one account has another identity or self: %q %s", named.Identity(), named.Self())
	}
	if self := got.Self(); !self.IsZero() {
		if _, ok := got.Object(self); !ok {
			t.Errorf("Accord's own account %s isn't among the objects", self)
		}
	}
}

func readSeesEverything(t *trial) {
	states := []struct {
		name string
		make func(*bed) *access.State
	}{
		{"everything", func(b *bed) *access.State { return b.maker.everything() }},
		{"many", func(b *bed) *access.State { return b.maker.many(b.maker.pages()) }},
		{"random", func(b *bed) *access.State { return b.maker.random(t.rand("read")) }},
	}
	for _, s := range states {
		b := t.open()
		want := s.make(b)
		b.seed(want)
		seeded := b.dump()
		if d := differences(merged(t, b.fresh, want), seeded, leniency{implied: true, loose: func(access.ID) bool { return true }}); len(d) > 0 {
			t.same("the harness: Dump doesn't return what Seed put there: "+s.name, d)
			continue
		}
		got := b.read()
		if !got.Complete() {
			t.Errorf("%s: the state isn't complete: %v", s.name, got.Unknowns())
		}
		t.same(s.name, differences(seeded, got, leniency{implied: true}))
	}
}

func readScopedAgrees(t *trial) {
	b := t.open()
	b.seed(b.maker.everything())
	whole := b.read()
	var all []access.ID
	for o := range whole.Objects() {
		all = append(all, o.ID)
	}
	missing, _ := b.maker.thing(access.KindAccount, 9)
	scopes := [][]access.ID{{missing}, all, append([]access.ID{missing}, all...)}
	for _, id := range all {
		scopes = append(scopes, []access.ID{id}, []access.ID{id, missing, id})
	}
	for _, ids := range scopes {
		got := b.read(ids...)
		if got.Whole() {
			t.Errorf("a read of %v claims to answer for everything", ids)
		}
		for _, id := range ids {
			if !got.Knows(id) {
				t.Errorf("a read of %s doesn't know it: %v", id, got.Unknowns())
			}
		}
		if !t.same("a read of named objects", differences(narrow(t, whole, ids), narrow(t, got, ids), leniency{})) {
			return
		}
	}
	none, err := b.Read(t.Context(), connectors.Scope{IDs: []access.ID{}})
	if err != nil {
		t.Fatalf("a read of no objects: %v", err)
	}
	if none.Whole() || none.Knows(missing) {
		t.Errorf("a read of no objects claims to know something")
	}
	readNamedOfMany(t)
}

// namedAtMost is how many objects the engine names in one read at most.
const namedAtMost = 200

// readNamedOfMany names as many objects as the engine ever does, in no order, some of which
// aren't there: connectors cut such a question into several.
func readNamedOfMany(t *trial) {
	b := t.open()
	b.seed(b.maker.many(b.maker.pages()))
	whole := b.read()
	var ids []access.ID
	for o := range whole.Objects() {
		ids = append(ids, o.ID)
	}
	r := t.rand("scoped")
	r.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
	left := ids[min(len(ids), namedAtMost-10):]
	ids = slices.Clone(ids[:len(ids)-len(left)])
	for i := range 10 {
		if id, ok := b.maker.thing(access.KindAccount, 100_000+i); ok && b.maker.makes(access.KindAccount) {
			ids = slices.Insert(ids, r.IntN(len(ids)), id)
		}
	}
	got := b.read(ids...)
	t.same("a read of many named objects", differences(narrow(t, whole, ids), narrow(t, got, ids), leniency{}))
	for _, id := range ids {
		if !got.Knows(id) {
			t.Fatalf("a read of %d named objects doesn't know %s, which is one of them: %v", len(ids), id, got.Unknowns())
		}
	}
	for _, id := range left {
		if got.Knows(id) {
			t.Fatalf("a read of named objects claims to know %s, which wasn't named", id)
		}
	}
}

func readStanding(t *trial) {
	b := t.open()
	everything := b.maker.everything()
	d := access.NewBuilder(SystemName)
	for o := range everything.Objects() {
		d.Object(o)
	}
	for i, g := range everything.Grants() {
		g.Standing = []access.Standing{access.Held, access.Pending, access.Implied}[i%3]
		d.Grant(g)
	}
	b.seed(build(t, d))
	want := b.dump()
	seen := map[access.Standing]bool{}
	for _, g := range want.Grants() {
		seen[g.Standing] = true
	}
	if !seen[access.Pending] && !seen[access.Implied] {
		t.Skipf("on this system a grant is held or isn't there")
	}
	whole := b.read()
	t.same("standings", differences(want, whole, leniency{implied: !seen[access.Implied]}))
	ids := idsOf(whole)
	t.same("standings of named objects", differences(narrow(t, whole, ids), narrow(t, b.read(ids...), ids), leniency{}))
}

func readHonoursContext(t *trial) {
	b := t.open()
	b.seed(b.maker.everything())
	for _, ids := range [][]access.ID{nil, {access.Account("anybody")}} {
		got, err := b.Read(b.cancelled(), connectors.Scope{IDs: ids})
		if !errors.Is(err, context.Canceled) || got != nil {
			t.Errorf("a cancelled read of %v: state %v, error %v; want no state and context.Canceled", ids, got != nil, err)
		}
	}
	tried := false
	for _, f := range []Fault{FaultHang, FaultSlow, FaultTooMany} {
		if b.arm(f) {
			tried = true
			b.giveUp(f)
			b = t.open()
			b.seed(b.maker.everything())
		}
	}
	if !tried {
		t.partly("nothing here answers too late; only contexts that are done beforehand were tried")
	}
}

// giveUp reads with a context that is soon over, on a system that answers too late for it.
func (b *bed) giveUp(f Fault) {
	ctx, cancel := context.WithTimeout(b.Context(), 50*time.Millisecond)
	defer cancel()
	type answer struct {
		state *access.State
		err   error
	}
	done := make(chan answer, 1)
	go func() {
		state, err := b.Read(ctx, connectors.Scope{})
		done <- answer{state, err}
	}()
	select {
	case got := <-done:
		if !errors.Is(got.err, context.DeadlineExceeded) || got.state != nil {
			b.Errorf("with the fault %q: a read that takes too long: state %v, error %v; want no state and context.DeadlineExceeded", f, got.state != nil, got.err)
		}
	case <-time.After(promptly):
		b.Errorf("with the fault %q: after %v a read hasn't noticed that its context was cancelled", f, promptly)
	}
}
