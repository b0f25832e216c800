package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/adopt"
	"github.com/accordhq/accord/engine/amend"
	"github.com/accordhq/accord/engine/declare"
	"github.com/accordhq/accord/engine/plan"
	"github.com/accordhq/accord/engine/repo"
	"github.com/accordhq/accord/engine/report"
)

// ProposeOptions say what drift is to be adopted.
type ProposeOptions struct {
	// PlanOptions name the declaration and the systems: of several those, else all whose `drift` is
	// propose.
	PlanOptions
	// Commit makes a branch accord/drift-SYSTEM for each system; else there is one patch of all.
	Commit bool
}

// ErrNoProposal says that no system asks for proposals, and none was named.
var ErrNoProposal = errors.New("no system says drift: propose; name one with --system")

// Propose writes the change of the declaration that adopts the drift of systems: what was given
// there and isn't declared as a grant, as an import would write it; what is declared and was taken
// away without the one line that declares it; what was changed as it is now. No system is written
// to. What it proposes it has planned with: of the differences that a proposal is about nothing
// is left, no other comes, and nobody gains or loses anything anywhere else.
func (e *Engine) Propose(ctx context.Context, o ProposeOptions) (_ *report.Proposal, err error) {
	s, err := e.prepare(ctx, o.PlanOptions, false)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if o.Commit && (s.head.git == nil || s.head.Revision.Worktree) {
		return nil, errors.New("a branch can be made of a commit only, not of the folder as it is")
	}
	p, err := s.plan(ctx, false)
	if err != nil {
		return nil, err
	}
	out := &report.Proposal{Plan: p, Exit: ExitOfDrift(p)}
	original, err := s.sources(ctx)
	if err != nil {
		return nil, err
	}
	files, any := clone(original), false
	for _, sys := range s.systems {
		if len(o.Systems) == 0 && sys.decl.Drift.Value != "propose" {
			continue
		}
		any = true
		if o.Commit {
			files = clone(original)
		}
		one := &proposing{importing: importing{session: s, sys: sys, opts: ImportOptions{System: sys.decl.ID.Value}}, files: files, was: files}
		one.report.System = sys.decl.ID.Value
		if err := one.run(ctx, p); err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			one.report.Error, one.files = err.Error(), one.was
		}
		if o.Commit && one.report.Error == "" {
			if err := one.commit(ctx, original); err != nil {
				one.report.Error = err.Error()
			}
		}
		files = one.files
		out.Systems = append(out.Systems, one.report)
	}
	if !any {
		return nil, ErrNoProposal
	}
	if !o.Commit {
		out.Patch = patch(original, files)
	}
	return out, nil
}

// sources are the declarations' files by path.
func (s *session) sources(ctx context.Context) (map[string][]byte, error) {
	var list []repo.File
	var err error
	if s.head.Revision.Worktree || s.head.git == nil {
		list, err = repo.Worktree(ctx, s.head.Root)
	} else {
		list, err = s.head.git.Files(ctx, s.head.commit)
	}
	out := map[string][]byte{}
	for _, f := range list {
		if f.Data != nil || f.Size == 0 {
			out[f.Path] = f.Data
		}
	}
	return out, err
}

// proposing is the work on one system. What it changes is in files; files themselves are shared
// and never changed.
type proposing struct {
	importing
	files, was map[string][]byte
	report     report.Proposed
	// gone are the steps that are proposed to become needless, by what they are about.
	gone map[string]bool
	// keep are the live grants that are to be declared.
	keep map[edge]bool
}

func (p *proposing) cant(s *plan.Step, why string) {
	p.report.Cannot = append(p.report.Cannot, report.Cannot{What: s.Change.String(), Why: why})
}

// run proposes for the steps of a plan that are drift here.
func (p *proposing) run(ctx context.Context, all *plan.Plan) error {
	if err := p.readable(); err != nil {
		return err
	}
	p.files, p.gone, p.keep = clone(p.was), map[string]bool{}, map[edge]bool{}
	for i := range all.Steps {
		s := &all.Steps[i]
		if s.System != p.opts.System || s.Class != plan.ClassDrift || s.Leaver {
			continue
		}
		if why := p.step(s); why != "" {
			p.cant(s, why)
			continue
		}
		p.gone[s.Change.String()] = true
	}
	if len(p.gone) == 0 {
		return nil
	}
	if err := p.adopt(ctx, all); err != nil {
		return err
	}
	return p.prove(ctx)
}

// step changes the files for one difference, or notes what is to be adopted; why tells what stands
// against it.
func (p *proposing) step(s *plan.Step) (why string) {
	if keeps := s.Action == access.Revoke || s.Action == access.ChangeLevel; keeps && !s.Subject.IsAccount() && p.sys.want.Resource(s.Subject) == nil {
		return s.Subject.String() + " isn't declared itself: declared, it would lose what else it holds; accord import takes all of it over"
	}
	switch s.Action {
	case access.Revoke:
		p.keep[edge{s.Subject, s.Target, s.Before.Permission}] = true
		p.report.Adopted++
		return ""
	case access.ChangeLevel:
		p.keep[edge{s.Subject, s.Target, s.Before.Permission}] = true
		if s.Takes(p.sys.description(p.session)) {
			p.report.Adopted++
			return "" // the higher wish counts
		}
		if why = p.undeclare(s); why == "" {
			p.report.Changed++
		}
	case access.Give:
		if why = p.undeclare(s); why == "" {
			p.report.Removed++
		}
	case access.Update:
		if why = p.restate(s); why == "" {
			p.report.Changed++
		}
	case access.Create:
		why = "the account or resource was deleted there; take out what declares it, or let accord apply make it"
	case access.Enable:
		why = "the account was disabled there; a person's status counts on every system (status: leave, status: left)"
	default:
		why = "no line of the declaration says it"
	}
	if why != "" {
		delete(p.keep, edge{s.Subject, s.Target, permissionBefore(s)})
	}
	return why
}

func permissionBefore(s *plan.Step) string {
	if s.Before == nil {
		return ""
	}
	return s.Before.Permission
}

// adopt adds documents for the grants that are to be declared.
func (p *proposing) adopt(ctx context.Context, all *plan.Plan) error {
	if len(p.keep) == 0 {
		return nil
	}
	r, err := p.parsed()
	if err != nil {
		return err
	}
	l, err := p.look(ctx, r)
	if err != nil {
		return err
	}
	in := p.input()
	in.Repo, in.System, in.Declared, in.Live = r, r.System(p.opts.System), l.world.System(p.opts.System).State(), p.drifted()
	in.Owners = values(p.sys.decl.Owners)
	p.res = adopt.Adopt(in)
	p.gaps(all)
	if docs := adopt.Documents(p.res); docs != "" {
		file := "adopted/" + p.opts.System + ".yaml"
		note := fmt.Sprintf("# Given on %s and declared nowhere, seen %s.\n", p.opts.System, p.at.UTC().Format("2006-01-02"))
		if p.files[file], err = amend.Append(p.files[file], note+docs); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	for _, res := range p.res.Resources {
		if why := p.edit(p.sys.decl.File, func(data []byte) ([]byte, error) { return addHeld(data, p.opts.System, res) }); why != "" {
			return errors.New(why)
		}
	}
	return nil
}

// addHeld writes what a resource holds into the system's document.
func addHeld(data []byte, system string, res adopt.Resource) (out []byte, err error) {
	key := res.ID.String()
	if res.Declared != nil {
		key = res.Declared.ID.String()
	}
	for _, e := range res.Access {
		if data, err = amend.Add(data, amend.Doc{Kind: "system", ID: system}, e.YAML(), "resources", key, "access"); err != nil {
			return nil, err
		}
	}
	return data, nil
}

// drifted is what is live, as far as it is to be declared.
func (p *proposing) drifted() *access.State {
	b := access.NewBuilder(p.sys.live.System()).Identity(p.sys.live.Identity()).Self(p.sys.live.Self())
	holds := map[access.ID]bool{}
	for e := range p.keep {
		holds[e.subject] = true
	}
	for o := range p.sys.live.Objects() {
		if !o.ID.IsAccount() || holds[o.ID] {
			b.Object(o)
		}
	}
	for _, g := range p.sys.live.Grants() {
		if p.keep[edge{g.Subject, g.Target, g.Permission}] {
			b.Grant(g)
		}
	}
	st, _ := b.Build() // the objects are those of a state
	return st
}

// gaps takes back what couldn't be expressed.
func (p *proposing) gaps(all *plan.Plan) {
	gap := p.res.Gap()
	for i := range all.Steps {
		s := &all.Steps[i]
		if key := s.Change.String(); s.System == p.opts.System && p.gone[key] && p.keep[edge{s.Subject, s.Target, permissionBefore(s)}] && gap(s.Subject, s.Target) {
			delete(p.gone, key)
			p.report.Adopted = max(0, p.report.Adopted-1)
			why := "it can't be expressed"
			for _, g := range p.res.Gaps {
				if g.Subject == s.Subject && (g.Target.IsZero() || g.Target == s.Target) {
					why = g.Why
				}
			}
			p.cant(s, why)
		}
	}
}

// parsed reads the files as they are now.
func (p *proposing) parsed() (*declare.Repository, error) {
	var files []repo.File
	for _, name := range sortedKeys(p.files) {
		files = append(files, repo.File{Path: name, Data: p.files[name], Size: int64(len(p.files[name]))})
	}
	r, _, err := p.Engine.read(files, declare.Known{})
	if err != nil {
		return nil, fmt.Errorf("reading what would be proposed: %w", err)
	}
	return r, nil
}

// prove plans with the proposal: what it is about is gone, nothing else has come, and nobody
// gains or loses anything that it isn't about.
func (p *proposing) prove(ctx context.Context) error {
	if len(p.gone) == 0 {
		p.files = p.was
		return nil
	}
	before, err := p.look(ctx, p.head.Repo)
	if err != nil {
		return err
	}
	r, err := p.parsed()
	if err != nil {
		return err
	}
	after, err := p.look(ctx, r)
	if err != nil {
		return err
	}
	for _, c := range after.real.Changes {
		if p.gone[c.String()] {
			return fmt.Errorf("it couldn't be shown that the proposal adopts %q; nothing is proposed", c)
		}
	}
	if err := after.against(before, &adopt.Result{}, false); err != nil {
		return fmt.Errorf("%w, with the proposal; nothing is proposed", err)
	}
	return p.onlyHere(before, after)
}
