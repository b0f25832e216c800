package connectortest

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
)

func errorsKinds(t *trial) {
	b := t.open()
	b.seed(b.maker.everything())
	kinds := []error{connectors.ErrConflict, connectors.ErrUnsupported}
	for i, list := range [][]access.Change{staleOnly(b.maker.stale(b.dump())), b.maker.undeclared()} {
		for _, c := range list {
			err := b.refuses("the kind of the error", c, kinds[i])
			if err != nil && !strings.Contains(err.Error(), c.Subject.Name) {
				t.Errorf("%s: the error doesn't name %s: %v", c, c.Subject, err)
			}
		}
	}
}

func staleOnly(all []staleChange) []access.Change {
	var out []access.Change
	for _, s := range all {
		out = append(out, s.change)
	}
	return out
}

func errorsDenied(t *trial) {
	b := t.open()
	b.seed(b.maker.everything())
	script := b.maker.script(b.dump())
	if !b.arm(FaultDenied) {
		t.Fatalf("the harness can't take away Accord's right to write (FaultDenied)")
	}
	var tried []access.Action
	for _, c := range script {
		// Later changes build on earlier ones, which were denied: only what could be done
		// here and now, and isn't true already, must be denied for want of a right.
		if slices.Contains(tried, c.Action) || !b.matters(c) {
			continue
		}
		tried = append(tried, c.Action)
		b.refuses("the right is missing", c, connectors.ErrDenied)
	}
}

// matters reports whether a change could be made to what is there, and would change it.
func (b *bed) matters(c access.Change) bool {
	b.Helper()
	before := b.dump()
	e := access.Edit(before, b.desc)
	if e.Do(c) != nil {
		return false
	}
	after, err := e.State()
	if err != nil {
		b.Fatalf("the suite made up an impossible change: %v", err)
	}
	return len(differences(before, after, leniency{})) > 0
}

func errorsNoSecrets(t *trial) {
	asked := 0
	var secret bool
	for _, f := range []Fault{"", FaultRead, FaultLostReply, FaultDenied, FaultHang} {
		r := record(t.TB, func(tb testing.TB) {
			inner := &trial{TB: tb, h: t.h, seed: t.seed}
			b := inner.open()
			secret = slices.ContainsFunc(b.desc.Settings, func(s access.Setting) bool { return s.Type == access.SettingSecret })
			b.provoke(f)
		})
		asked += r.secrets
		for _, line := range append(r.logs, r.failures...) {
			if strings.Contains(line, Canary) {
				t.Errorf("with the fault %q the credential stands in %q", f, around(line))
			}
		}
	}
	if secret && asked == 0 {
		t.Errorf("the harness: the connector has a setting for a credential, but never asked Config's Secret for it")
	}
}

// provoke makes a connector say as much as it ever says, into the test's log.
func (b *bed) provoke(f Fault) {
	b.seed(b.maker.everything())
	before := b.dump()
	script := b.maker.script(before)
	if f != "" && !b.arm(f) {
		return
	}
	ctx, cancel := context.WithTimeout(b.Context(), promptly/10)
	defer cancel()
	say := func(v any) { b.Logf("%v %+v %#v", v, v, v) }
	state, err := b.Read(ctx, connectors.Scope{})
	say(err)
	if state != nil {
		say(state.Identity())
		say(state.Unknowns())
		for o := range state.Objects() {
			say(o)
		}
	}
	if text, err := json.Marshal(b.Describe()); err == nil {
		say(string(text))
	}
	changes := append(staleOnly(b.maker.stale(before)), b.maker.undeclared()...)
	for _, c := range append(changes, script[:min(3, len(script))]...) {
		say(b.Apply(ctx, c))
	}
	if batcher, ok := b.Connector.(connectors.Batcher); ok && len(script) > 0 {
		say(batcher.ApplyBatch(ctx, script[:1]))
	}
	_, err = b.Normalize(access.Object{ID: access.ID{Kind: "no such kind", Name: "x"}})
	say(err)
	say(b.Close())
}

// around gives the words around the credential, which itself isn't printed here either.
func around(line string) string {
	before, after, _ := strings.Cut(line, Canary)
	return before[max(0, len(before)-120):] + "[the credential]" + strings.ReplaceAll(after[:min(120, len(after))], Canary, "[again]")
}
