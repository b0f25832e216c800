package connectortest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/adopt"
	"github.com/accordhq/accord/engine/declare"
	"github.com/accordhq/accord/engine/diff"
	"github.com/accordhq/accord/engine/resolve"
)

// importRoundTrips imports what is live, by the engine's own means, and plans with it.
func importRoundTrips(t *trial) {
	b := t.open()
	b.seed(b.maker.everything())
	b.roundTrip()
	r := t.rand("import")
	b = t.open()
	b.seed(b.maker.random(r))
	b.roundTrip()
}

func (b *bed) roundTrip() {
	b.Helper()
	live := b.settled()
	in := importInput(b, live)
	res := adopt.Adopt(in)
	b.Logf("imported: %d people, %d groups, %d grants, %d resources; %d can't be", len(res.People), len(res.Groups), len(res.Grants), len(res.Resources), len(res.Gaps))
	if more := adopt.Adopt(in); !slices.EqualFunc(res.Gaps, more.Gaps, func(x, y adopt.Gap) bool { return x == y }) {
		b.Errorf("importing the same state again leaves out something else")
	}
	want, err := imported(b, res, live)
	if err != nil {
		b.Fatalf("what was made of the live state isn't sound: %v", err)
	}
	gap := res.Gap()
	result := diff.Diff(want, live, diff.Scope{
		Describe: b.desc, At: time.Now(), Claims: func(access.ID) bool { return true }, Create: true, Leaver: diff.LeaverDisable,
		DisabledSince: func(access.ID) (time.Time, bool) { return time.Time{}, false },
	})
	var left []access.Change
	for _, c := range result.Changes {
		if !gap(c.Subject, c.Target) {
			left = append(left, c)
		}
	}
	if len(left) > 0 {
		b.Errorf("imported, and planning finds %d changes, the first %s", len(left), left[0])
	}
	for _, w := range result.Waiting {
		b.Errorf("imported, and %s of %s waits: %s", w.Action, w.Subject, w.Why)
	}
	for _, g := range res.Gaps {
		if why := b.unexcused(g, live); why != "" {
			b.Errorf("%s %s %s can't be imported: %s; %s", g.Subject, g.Permission, g.Target, g.Why, why)
		}
	}
}

// unexcused tells why a gap is the connector's fault; "" if it lies in the system's nature.
func (b *bed) unexcused(g adopt.Gap, live *access.State) string {
	switch g.Kind {
	case adopt.GapSelf, adopt.GapDisabled, adopt.GapResource:
		return ""
	case adopt.GapReadOnly:
		kind, _ := b.desc.Kind(g.Target.Kind)
		if p, ok := kind.Permission(g.Permission); ok && p.ReadOnly {
			return ""
		}
		return "Read reports what Describe doesn't know, or excludes"
	case adopt.GapUnlisted:
		return "Read reports a grant of or on something that it doesn't list"
	}
	if _, there := b.fresh.Object(g.Subject); there {
		return "" // it came with the system
	}
	return "it is what Normalize made of a usual name"
}

func importInput(b *bed, live *access.State) adopt.Input {
	none, _ := access.NewBuilder(live.System()).Build()
	r, sys := importTo(b, live.System(), "")
	return adopt.Input{
		Repo: r, System: sys, Describe: b.desc, Normalize: b.Normalize, Live: live, Declared: none,
		Owner: func(access.ID) (adopt.Owner, bool) { return adopt.Owner{}, false },
	}
}

// importTo is a repository that declares the system and nothing else.
func importTo(t testing.TB, system, resources string, files ...declare.File) (*declare.Repository, *declare.System) {
	text := fmt.Sprintf("system: %s\nconnector: tested\nmode: authoritative\nmanage: ['*/*']\n%s", system, resources)
	r, problems := declare.Parse(append(files, declare.File{Path: "accord.yaml", Data: []byte("version: 1\n")}, declare.File{Path: "system.yaml", Data: []byte(text)}))
	if err := problems.Err(); err != nil {
		t.Fatalf("what was made of the live state can't be read: %v", err)
	}
	return r, r.System(system)
}

// imported is what the documents declare once they are read back from their text.
func imported(b *bed, res *adopt.Result, live *access.State) (*resolve.Desired, error) {
	texts, err := adopt.Write(res, adopt.Head{System: live.System(), Connector: "tested", At: time.Now()}, nil)
	if err != nil {
		return nil, err
	}
	var files []declare.File
	for i, text := range texts {
		files = append(files, declare.File{Path: fmt.Sprintf("imported-%d.yaml", i), Data: text})
	}
	r, _ := importTo(b, live.System(), res.Fragment(), files...)
	desc := b.desc
	desc.Settings = nil // the connector is there already
	if err := r.Check(map[string]access.Description{"tested": desc}).Err(); err != nil {
		return nil, err
	}
	w, problems := resolve.Resolve(resolve.Input{Repo: r, At: time.Now(), Connectors: map[string]resolve.Connector{live.System(): {Describe: b.desc, Normalize: b.Normalize}}})
	return w.System(live.System()), problems.Err()
}
