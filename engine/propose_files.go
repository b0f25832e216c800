package engine

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/repo"
	"github.com/accordhq/accord/engine/resolve"
)

// onlyHere holds what people gain and lose by a proposal to what it is about.
func (p *proposing) onlyHere(before, after *look) error {
	about := map[edge]bool{}
	for _, c := range before.real.Changes {
		if p.gone[c.String()] && c.Action.OnGrant() {
			about[edge{c.Subject, c.Target, ""}] = true
		}
	}
	then, now := before.world.System(p.opts.System), after.world.System(p.opts.System)
	for _, sh := range resolve.Compare(before.world, after.world) {
		switch sh.Kind {
		case access.ShiftGain, access.ShiftLose, access.ShiftLengthen, access.ShiftShorten:
		default:
			continue
		}
		account, ok := now.AccountOf(sh.Person)
		if !ok {
			account, _ = then.AccountOf(sh.Person)
		}
		if sh.Person == "" {
			account = sh.Subject
		}
		if sh.System != p.opts.System || !about[edge{account, sh.Target, ""}] {
			return fmt.Errorf("with the proposal %s would also %s %s on %s; nothing is proposed", sh.Person, sh.Kind, sh.Target, sh.System)
		}
	}
	return nil
}

// commit puts the proposal on a branch.
func (p *proposing) commit(ctx context.Context, original map[string][]byte) error {
	changed := changedFiles(original, p.files)
	if len(changed) == 0 {
		return nil
	}
	branch := "accord/drift-" + p.opts.System
	message := fmt.Sprintf("Adopt the drift on %s\n\n%d adopted, %d no longer declared, %d declared as it is now; seen %s.", p.opts.System,
		p.report.Adopted, p.report.Removed, p.report.Changed, p.at.UTC().Format("2006-01-02 15:04 MST"))
	at, _, err := p.head.git.Commit(ctx, repo.Draft{Branch: branch, Parent: p.head.commit, Message: message, Actor: p.Actor, At: p.Now(), Anew: true,
		Edit: func(func(string) ([]byte, error)) (map[string][]byte, error) { return changed, nil }})
	if err != nil {
		return err
	}
	p.report.Branch, p.report.Commit = branch, at.Hash
	p.report.Push, err = p.head.pushCommand(branch)
	return err
}

// changedFiles are the files that are to be written; nil deletes one.
func changedFiles(was, is map[string][]byte) map[string][]byte {
	out := map[string][]byte{}
	for name, data := range is {
		if old, ok := was[name]; !ok || !bytes.Equal(old, data) {
			out[name] = data
		}
	}
	for name := range was {
		if _, ok := is[name]; !ok {
			out[name] = nil
		}
	}
	return out
}

// patch is the difference as git apply reads it.
func patch(was, is map[string][]byte) []byte {
	var b bytes.Buffer
	changed := changedFiles(was, is)
	for _, name := range sortedKeys(changed) {
		from, to := "a/"+name, "b/"+name
		if _, ok := was[name]; !ok {
			from = "/dev/null"
		}
		if changed[name] == nil {
			to = "/dev/null"
		}
		d := diff.Diff(from, was[name], to, changed[name])
		if _, rest, ok := bytes.Cut(d, []byte("\n")); ok { // its first line is no part of the format
			b.Write(rest)
		}
	}
	return b.Bytes()
}

func clone(m map[string][]byte) map[string][]byte { return maps.Clone(m) }

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
