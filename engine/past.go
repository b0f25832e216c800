package engine

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/declare"
	"github.com/accordhq/accord/engine/journal"
	"github.com/accordhq/accord/engine/repo"
	"github.com/accordhq/accord/engine/report"
	"github.com/accordhq/accord/engine/resolve"
)

// past is what the journal knows of what was done, with the commits of git.
type past struct {
	*session
	*journal.History
	commits map[string]repo.Revision // by full id; the zero Revision: git doesn't have it
}

// past reads the journal once more for the changes that are asked about; nil: all.
func (s *session) past(ctx context.Context, keep func(journal.Change) bool) (*past, error) {
	h, err := journal.ReadHistory(s.journal.Entries(ctx), keep)
	if err != nil {
		return nil, fmt.Errorf("looking into the past: %w", err)
	}
	return &past{session: s, History: h, commits: map[string]repo.Revision{}}, nil
}

// about keeps what concerns a person: under the ids and accounts that they have or had, on one
// system and target, or on all.
func (s *session) about(w *resolve.World, person, system string, target access.ID) func(journal.Change) bool {
	people := []string{person}
	if p := s.head.Repo.Person(person); p != nil {
		people = append(people, values(p.Previously)...)
	}
	var accounts []access.Ref
	for _, d := range w.Systems {
		id, ok := d.AccountOf(person)
		if !ok {
			continue
		}
		all := []access.ID{id}
		if h, ok := d.Holder(id); ok {
			all = append(all, h.Was...)
		}
		for _, name := range namesOf(d.Decl) {
			for _, id := range all {
				accounts = append(accounts, access.Ref{System: name, ID: id})
			}
		}
	}
	var systems []string
	if d := s.head.Repo.System(system); d != nil {
		systems = namesOf(d)
	}
	return journal.About(people, accounts, systems, target)
}

// event is one change as a report tells it.
func (p *past) event(ctx context.Context, ev journal.Event) report.Event {
	out := report.Event{Time: ev.Time, Change: ev.Change.Change, Person: ev.Person, Class: string(ev.Class), Outcome: string(ev.Outcome), Seen: string(ev.Seen),
		Error: ev.Error, Holds: ev.Holds()}
	r := ev.Run
	out.Run, out.Actor, out.Revision, out.PlanDigest, out.ChangeDigest = r.ID, r.Actor, r.Revision, r.PlanDigest, r.ChangeDigest
	if out.Worktree = r.Worktree || r.Revision == journal.Worktree; !out.Worktree {
		if c, ok := p.commit(ctx, r.Revision); ok {
			out.Commit = report.Commit{Short: c.Short, Time: c.Time, Author: c.Author, Subject: c.Subject, Note: lead("merged as ", mergedAs(c.Subject))}
		}
	}
	out.Approvals = approvalsOf(r.Approved, ev.Demands())
	return out
}

// approvalsOf are the approvals of a run, each with the rules whose demands it met here.
func approvalsOf(a *journal.Approved, met []journal.Demand) []report.Approval {
	if a == nil {
		return nil
	}
	var out []report.Approval
	for _, one := range a.Approvals {
		r := report.Approval{By: one.By, At: one.At, Change: one.Change, Commit: one.Commit}
		for _, d := range met {
			if slices.Contains(d.By, one.By) && !slices.Contains(r.Rules, d.Rule) {
				r.Rules = append(r.Rules, d.Rule)
			}
		}
		out = append(out, r)
	}
	return out
}

// commit finds a commit that a run applied.
func (p *past) commit(ctx context.Context, hash string) (repo.Revision, bool) {
	if p.head.git == nil || hash == "" {
		return repo.Revision{}, false
	}
	c, ok := p.commits[hash]
	if !ok {
		if found, err := p.head.git.Resolve(ctx, hash); err == nil && found.Hash == hash {
			c = found
		}
		p.commits[hash] = c
	}
	return c, c.Hash != ""
}

// given is the change by which Accord gave what is held now, and that nothing took back since: to
// the person, or to the account.
func (p *past) given(sys *declare.System, person string, account, target access.ID, permission string) (journal.Event, bool) {
	names := namesOf(sys)
	var out journal.Event
	found := false
	for _, ev := range p.Events {
		theirs := ev.Person == person || ev.Subject == account
		if ev.Target != target || !ev.Action.OnGrant() || !theirs || !slices.Contains(names, ev.System) || !ev.Holds() {
			continue
		}
		gives := ev.After != nil && ev.After.Permission == permission
		takes := ev.Before != nil && ev.Before.Permission == permission
		switch {
		case gives && ev.Outcome == journal.Already && found: // it was there, by what is known of already
		case gives:
			out, found = ev, true
		case takes:
			found = false
		}
	}
	return out, found
}

// approvers are those who approved a commit, or what a run applied from it, by the journal.
func (p *past) approvers(hashes ...string) []string {
	var out []string
	for _, r := range p.Runs {
		if r.Approved == nil {
			continue
		}
		for _, a := range r.Approved.Approvals {
			if slices.Contains(hashes, a.Commit) || slices.Contains(hashes, r.Revision) {
				out = append(out, a.By)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// asMerged are the subjects by which forges name the pull or merge request that a commit merges:
// "Merge pull request #812 from …" (GitHub), "Merge pull request 'title' (#812) from … into …"
// (Gitea, Forgejo), "Merged in … (pull request #812)" (Bitbucket), and "Title (#812)" or
// "Title (!812)" of one that was squashed.
var asMerged = regexp.MustCompile(`^Merge pull request (#\d+)\b|\((?:pull request )?([#!]\d+)\)(?: from \S+)?(?: into \S+)?$`)

// mergedAs is the number of the pull or merge request that a commit's subject names; "" for none.
func mergedAs(subject string) string {
	m := asMerged.FindStringSubmatch(subject)
	if m == nil {
		return ""
	}
	return m[1] + m[2]
}

// note says how a line's commit came onto the branch, and who approved it.
func (p *past) note(b repo.BlameLine) string {
	var parts []string
	hashes := []string{b.Hash}
	switch {
	case b.Merge != nil:
		hashes = append(hashes, b.Merge.Hash)
		if n := mergedAs(b.Merge.Subject); n != "" {
			parts = append(parts, "merged as "+n)
		} else {
			parts = append(parts, "merged by "+b.Merge.Short+" "+b.Merge.Subject)
		}
	case mergedAs(b.Subject) != "":
		parts = append(parts, "merged as "+mergedAs(b.Subject))
	}
	if by := p.approvers(hashes...); len(by) > 0 {
		parts = append(parts, "approved by "+strings.Join(by, " and "))
	}
	return strings.Join(parts, ", ")
}

// lead puts words before a text, if there is one.
func lead(words, text string) string {
	if text == "" {
		return ""
	}
	return words + text
}
