package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/declare"
	"github.com/accordhq/accord/engine/journal"
	"github.com/accordhq/accord/engine/report"
	"github.com/accordhq/accord/engine/resolve"
)

// WhyOptions ask why somebody has an access, or why not.
type WhyOptions struct {
	PlanOptions
	Person string
	// Entitlement is SYSTEM/KIND/NAME, with ": PERMISSION" behind it if a certain permission is
	// meant; empty: everything that the person holds.
	Entitlement string
	// History asks for what was done about it before, by the journal.
	History bool
}

// Why explains one person's access. Nothing is written.
func (e *Engine) Why(ctx context.Context, o WhyOptions) (*report.Why, error) {
	ref, permission, err := parseEntitlement(o.Entitlement)
	if err != nil {
		return nil, err
	}
	if o.Entitlement != "" {
		o.Systems = []string{ref.System}
	}
	o.person = o.Person
	s, err := e.prepare(ctx, o.PlanOptions, false)
	if err != nil {
		return nil, err
	}
	defer s.close()
	w := s.world()
	p, status, link, ok := w.Person(o.Person)
	if !ok {
		return nil, s.noPerson(o.Person)
	}
	out := &report.Why{Person: o.Person, Name: p.Name.Value, Status: status, StatusLink: link}
	past, err := s.past(ctx, s.about(w, o.Person, ref.System, ref.ID))
	if err != nil {
		return nil, err
	}
	x := &whyer{session: s, world: w, person: o.Person, past: past}
	if o.History {
		out.History = []report.Event{}
		for _, ev := range past.Events {
			out.History = append(out.History, past.event(ctx, ev))
		}
	}
	if o.Entitlement != "" {
		if err := knownKind(ref, x.systems[0].description(s)); err != nil {
			return nil, err
		}
		out.Items = []report.WhyItem{x.item(ctx, ref, permission)}
		return out, nil
	}
	for _, h := range w.Holdings(o.Person) {
		out.Items = append(out.Items, x.item(ctx, access.Ref{System: h.System, ID: h.Target}, h.Permission))
	}
	return out, nil
}

func parseEntitlement(s string) (access.Ref, string, error) {
	if s == "" {
		return access.Ref{}, "", nil
	}
	name, permission := s, ""
	if i := strings.LastIndex(s, ": "); i > 0 {
		name, permission = s[:i], strings.TrimSpace(s[i+1:])
	}
	ref, err := access.ParseRef(name)
	return ref, permission, err
}

// world is the declaration as resolved for this session.
func (s *session) world() *resolve.World {
	w := &resolve.World{}
	for _, sys := range s.systems {
		if w.Repo == nil {
			*w = *s.worldOf(sys)
			w.Systems = nil
		}
		w.Systems = append(w.Systems, sys.want)
	}
	if w.Repo == nil {
		w, _ = resolve.Resolve(resolve.Input{Repo: s.head.Repo, At: s.at})
	}
	return w
}

func (s *session) worldOf(sys *system) *resolve.World {
	if sys.rev != nil {
		return sys.rev.head
	}
	return s.plain
}

func (s *session) noPerson(id string) error {
	return none("person or service", id, s.head.Repo.People(), func(p *declare.Person) string { return p.ID.Value })
}

func (s *session) noSystem(id string) error {
	return none("system", id, s.head.Repo.Systems, func(d *declare.System) string { return d.ID.Value })
}

// none says that a document isn't declared, and which one was probably meant.
func none[D any](what, id string, all []D, name func(D) string) error {
	near := declare.Nearest(id, func(yield func(string) bool) {
		for _, d := range all {
			if !yield(name(d)) {
				return
			}
		}
	})
	if near != "" {
		return fmt.Errorf("no %s %q is declared; did you mean %q?", what, id, near)
	}
	return fmt.Errorf("no %s %q is declared", what, id)
}

type whyer struct {
	*session
	world  *resolve.World
	person string
	past   *past
}

func (x *whyer) item(ctx context.Context, ref access.Ref, permission string) report.WhyItem {
	sys := x.systems[slices.IndexFunc(x.systems, func(s *system) bool { return s.decl.ID.Value == ref.System })]
	it := report.WhyItem{System: ref.System, Target: sys.canonical(ref.ID), Permission: permission}
	account, ok := sys.want.AccountOf(x.person)
	if ok {
		it.Account = account.Name
		x.declared(&it, sys, account)
		it.Live = x.live(sys, account, it.Target, it.Permission, it.Declared)
		x.since(ctx, &it, sys, account)
	}
	for _, r := range sys.want.Reasons(account, it.Target, it.Permission) {
		if !it.Declared || r.Active(x.at) {
			it.Reasons = append(it.Reasons, report.WhyReason{Reason: r, Commits: x.commits(ctx, r.Chain)})
		}
	}
	if it.Declared {
		it.Until = latest(it.Reasons, x.at)
		return it
	}
	for i, d := range x.world.Denials(x.person, ref.System, it.Target, it.Permission) {
		it.Denials = append(it.Denials, report.Denial{Links: d.Links})
		if i == 0 {
			it.Smallest, it.Owners = strings.Join(x.withReturn(d.Fixes), " and "), d.Owners
		}
	}
	if len(it.Denials) == 0 && !given(sys.want, it.Target, it.Permission) {
		x.nobody(&it, sys)
	}
	return it
}

// since fills in by which change of Accord's the access came to be there.
func (x *whyer) since(ctx context.Context, it *report.WhyItem, sys *system, account access.ID) {
	if it.Live == "no" || it.Live == "" && !it.Declared || it.Permission == "" {
		return
	}
	ev, ok := x.past.given(sys.decl, x.person, account, it.Target, it.Permission)
	if !ok {
		return
	}
	e := x.past.event(ctx, ev)
	it.Given = &e
	if it.Live == "held" && ev.Outcome != journal.Already {
		it.Since = ev.Time.In(x.head.Repo.Config.Location())
	}
}

// nobody tells of an access that no grant gives to anybody: which roles have it all the same,
// with which permissions the target is given, and what else was probably meant.
func (x *whyer) nobody(it *report.WhyItem, sys *system) {
	it.Nobody = true
	if !sys.names(it.Target) {
		it.Nearest = sys.nearest(it.Target)
		return
	}
	it.Offers = x.world.Offers(it.System, it.Target, it.Permission)
	it.Others = sys.want.Given(it.Target)
}

// given reports whether some grant gives it to somebody, at some time.
func given(d *resolve.Desired, target access.ID, permission string) bool {
	all := d.Given(target)
	return permission == "" && len(all) > 0 || slices.Contains(all, permission)
}

// declared fills in what is declared now. Of a kind with levels the one that counts is meant
// where none was asked for, and a higher one answers for a lower.
func (x *whyer) declared(it *report.WhyItem, sys *system, account access.ID) {
	asked := it.Permission
	for _, g := range sys.want.State().GrantsOf(account) {
		if g.Target == it.Target && x.enough(sys, g, asked) {
			it.Declared, it.Permission = true, g.Permission
		}
	}
}

// enough reports whether a grant gives what was asked for, or of levels more.
func (x *whyer) enough(sys *system, g access.Grant, asked string) bool {
	kind, _ := sys.description(x.session).Kind(g.Target.Kind)
	return asked == "" || g.Permission == asked || kind.Ordered && kind.Level(g.Permission) > kind.Level(asked)
}

// live is how the access is on the system: of what isn't declared a higher level counts too.
func (x *whyer) live(sys *system, account, target access.ID, permission string, exact bool) string {
	if sys.live == nil {
		return ""
	}
	if !sys.live.KnowsGrant(account, target) {
		return "unknown"
	}
	for _, g := range sys.live.GrantsOf(account) {
		if g.Target == target && (g.Permission == permission || !exact && x.enough(sys, g, permission)) {
			return g.Standing.String()
		}
	}
	return "no"
}

// latest is the last end of the reasons that hold now; zero: without end.
func latest(reasons []report.WhyReason, at time.Time) time.Time {
	var out time.Time
	for _, r := range reasons {
		if !r.Active(at) {
			continue
		}
		if r.Until.IsZero() {
			return time.Time{}
		}
		if r.Until.After(out) {
			out = r.Until
		}
	}
	return out
}

// commits finds who wrote the lines of a chain. What git can't tell is left out.
func (x *whyer) commits(ctx context.Context, chain []access.Link) []report.Commit {
	if x.head.git == nil || x.head.Revision.Worktree {
		return nil
	}
	var out []report.Commit
	for _, l := range chain {
		lines, err := x.head.git.Blame(ctx, x.head.commit, l.File)
		if err != nil || l.Line < 1 || l.Line > len(lines) {
			x.Log.Debug("no commit for a line", "file", l.File, "line", l.Line, "err", err)
			continue
		}
		b := lines[l.Line-1]
		c := report.Commit{File: l.File, Line: l.Line, Short: b.Short, Time: b.Time, Author: b.Author, Subject: b.Subject}
		c.Note = x.past.note(b)
		if b.Boundary { // it was there before; by whom stands in what the clone lacks
			c.Author, c.Subject, c.Note = "", "", "or earlier: the clone is shallow and ends here; git fetch --unshallow brings who wrote it"
		}
		out = append(out, c)
	}
	return out
}
