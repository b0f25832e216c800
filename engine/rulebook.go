package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/declare"
	"github.com/accordhq/accord/engine/journal"
	"github.com/accordhq/accord/engine/plan"
	"github.com/accordhq/accord/engine/repo"
	"github.com/accordhq/accord/engine/resolve"
	"github.com/accordhq/accord/policy"
)

// rulebook is by what a declaration is judged: the policies, accord.yaml, exemptions, owners and
// the settings of systems of a revision that the judged one had no say in. That is the tip of
// --base; without it the revision whose settings hold by the journal: the last one that was
// applied and that nothing of was refused.
type rulebook struct {
	name string // what the reader calls it; "" where it is the declaration's own
	rev  repo.Revision
	decl *declare.Repository
	// own says that the declaration judges itself: it is that revision, or there is no other.
	own      bool
	policies *Policies
	judge    *policy.Judge // nil: no rule judges
	world    *resolve.World
	// why tells why the revision that should judge can't; the declaration's own policies may
	// then only judge if that is allowed by name.
	why string
	// onlyPolicies says that with that allowance nothing but policies may change.
	onlyPolicies bool
}

// bootstrapRef is what --allow names beside policy-bootstrap.
const bootstrapRef = "accord.yaml"

// loadBook finds by what head is judged, and compiles it. Head's own policies have to be sound
// in any case: they judge what comes next.
func (s *session) loadBook(ctx context.Context) error {
	own, err := s.ownBook(ctx)
	if err != nil {
		return err
	}
	s.own, s.book, s.policies = own, own, own.policies.Digest
	rev, decl, name, why, err := s.judging(ctx)
	switch {
	case err != nil:
		return err
	case why != "":
		own.why = why
		return nil
	case decl == nil:
		if own.policies.Any() {
			own.why = "no revision has been applied yet whose rules could judge these"
		}
		return nil
	case rev.Hash == s.head.Revision.Hash:
		own.rev, own.name = rev, name
		return nil
	}
	return s.bookOf(ctx, rev, decl, name)
}

func (s *session) ownBook(ctx context.Context) (*rulebook, error) {
	if wrong, err := s.head.wrongFolders(ctx); len(wrong) > 0 || err != nil {
		return nil, errors.Join(err, wrong.Err())
	}
	p, err := s.head.Policies(ctx)
	if err != nil {
		return nil, err
	}
	b := &rulebook{decl: s.head.Repo, own: true, policies: p}
	if p.Any() {
		if b.judge, err = p.Compile(ctx); err == nil {
			err = p.wrongExemptions(b.judge)
		}
		if err != nil {
			return nil, err
		}
	}
	return b, nil
}

// bookOf makes another revision judge. If its policies can't be used any more, say because
// accord has become stricter, head's may take over, but nothing else may change with them.
func (s *session) bookOf(ctx context.Context, rev repo.Revision, decl *declare.Repository, name string) error {
	b := &rulebook{name: name, rev: rev, decl: decl}
	var err error
	if b.policies, err = s.head.policiesAt(ctx, rev, decl); err == nil && b.policies.Any() {
		if b.policies.Digest == s.own.policies.Digest {
			b.judge = s.own.judge
		} else {
			b.judge, err = b.policies.Compile(ctx)
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err == nil {
		s.book = b
		return nil
	}
	own := *s.own
	own.why = fmt.Sprintf("the policies of %s can't judge any more: %s", name, firstLine(err))
	own.name, own.rev, own.decl, own.own = name, rev, decl, false
	more, err := s.changesMore(ctx, rev, decl)
	if err != nil {
		return err
	}
	own.onlyPolicies = more
	s.book = &own
	return nil
}

// judging names the revision whose settings hold. There may be none; why tells of one that can't
// be had.
func (s *session) judging(ctx context.Context) (rev repo.Revision, decl *declare.Repository, name, why string, err error) {
	if s.opts.Base != "" && s.newest != nil && s.tipRev.Hash != s.head.commit.Hash && s.forked.Hash != s.head.commit.Hash {
		return s.tipRev, s.tip, s.opts.Base, "", nil
	}
	// A base that holds the change already, as after the merge, was chosen with it.
	hash, ok := s.accepted()
	if !ok || s.head.git == nil {
		return repo.Revision{}, nil, "", "", nil
	}
	if b := s.loadRevision(ctx, hash); b != nil {
		return b.rev, b.decl, b.rev.Short, "", nil
	}
	if s.memory.Policies() == "" {
		return repo.Revision{}, nil, "", "", nil
	}
	return repo.Revision{}, nil, "", fmt.Sprintf("the revision %.8s, whose rules hold, can't be read", hash), nil
}

// accepted is the commit whose judging settings hold by the journal.
func (s *session) accepted() (string, bool) { return agreed(s.memory) }

// accepts tells whose settings hold once the plan is applied, and names their policies: head's,
// if the whole of it was judged and nothing of it was refused. What a guard refuses is no doubt
// about the settings.
func (s *session) accepts(p *plan.Plan) (commit, policies string) {
	part := len(s.opts.Systems) > 0 || len(s.opts.Only) > 0 && !slices.Contains(s.opts.Only, plan.ClassChange)
	refused := slices.ContainsFunc(p.Refusals, func(r plan.Refusal) bool {
		return !r.Allowed && (r.Name == access.RiskPolicy || r.Name == access.RiskBootstrap || r.Name == access.RiskConnection)
	})
	if !part && !refused && !p.Revision.Worktree && p.Revision.Hash != "" {
		return p.Revision.Hash, s.policies
	}
	if rev, ok := s.accepted(); ok {
		return rev, s.memory.Policies()
	}
	return journal.NoSettings, ""
}

// changesMore reports whether head changes anything beside policies against a revision.
func (s *session) changesMore(ctx context.Context, rev repo.Revision, decl *declare.Repository) (bool, error) {
	listing, err := s.head.git.List(ctx, rev, s.head.listing)
	if err != nil {
		return false, err
	}
	before, after := blobs(declaredIn(listing, decl.Config)), blobs(s.head.declared())
	folders := slices.Concat(policyPaths(decl.Config), policyPaths(s.head.Repo.Config))
	was, is := *decl.Config, *s.head.Repo.Config
	was.Policy, was.Rules, is.Policy, is.Rules = nil, nil, nil, nil
	if declare.Digest(was) != declare.Digest(is) {
		return true, nil
	}
	for _, name := range slices.Sorted(maps.Keys(after)) {
		if before[name] != after[name] && name != bootstrapRef && !inFolder(name, folders) {
			return true, nil
		}
	}
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if _, kept := after[name]; !kept && !inFolder(name, folders) {
			return true, nil
		}
	}
	return false, nil
}

func blobs(files []declare.File) map[string]string {
	out := make(map[string]string, len(files))
	for _, f := range files {
		out[f.Path] = f.Blob
	}
	return out
}

// bootstrap refuses a plan that nothing can judge; nil if something can, or it was allowed.
func (s *session) bootstrap(steps []*plan.Step) (refusals []plan.Refusal, judged bool) {
	b := s.book
	if b.why == "" {
		return nil, true
	}
	r := plan.Refusal{Name: access.RiskBootstrap, Ref: bootstrapRef, Text: b.why, Steps: keys(steps)}
	if b.onlyPolicies {
		r.Final = true
		r.Text += "; repair them by a change that is about nothing but policies"
	}
	allowed := slices.Contains(s.opts.Allow, plan.Allow{Name: r.Name, Ref: r.Ref})
	return []plan.Refusal{r}, allowed && !r.Final
}

func keys(steps []*plan.Step) []string {
	out := make([]string, len(steps))
	for i, st := range steps {
		out[i] = st.Key()
	}
	return out
}

// resolved is the world in which owners and groups of the rulebook are looked up.
func (s *session) resolved(b *rulebook) *resolve.World {
	if b.world == nil {
		switch base, ok := s.bases[b.rev.Hash]; {
		case b.own:
			b.world = s.world()
		case ok && base != nil && base.decl == b.decl && base.world != nil:
			b.world = base.world
		default:
			// What anybody has by the rulebook isn't asked, only who answers for what.
			b.world, _ = resolve.Resolve(resolve.Input{Repo: b.decl, At: s.at, Connectors: s.conns, About: map[string]bool{}})
		}
	}
	return b.world
}

// trusts reports whether a system may be asked without anybody having to agree: by a connection that
// is the rulebook's as well, or that the run allows by name. Without a rulebook of its own the
// declaration is trusted as a whole.
func (s *session) trusts(sys *system) bool {
	if s.book.own || s.book.decl == s.head.Repo {
		return true
	}
	was := managed(s.book.decl, sys.decl)
	return was != nil && connection(was) == connection(sys.conf) ||
		slices.Contains(s.opts.Allow, plan.Allow{Name: access.RiskConnection, Ref: sys.decl.ID.Value})
}

// distrust keeps from being read what the declaration points elsewhere than the rulebook does,
// or that it brings in: a credential would go where nobody agreed to send it.
//
// An apply still reads a system whose connection changed, by the connection before: whoever left
// there goes. Nothing else is done.
func (s *session) distrust(write bool) {
	for _, sys := range s.systems {
		if s.trusts(sys) {
			continue
		}
		name := sys.decl.ID.Value
		was := managed(s.book.decl, sys.decl)
		text := fmt.Sprintf("%s is new since %s, by whose settings it is judged, and isn't read before somebody agrees", name, s.book.name)
		if was != nil {
			if by := s.ownersApprove(was.Owners); len(by) > 0 {
				s.trusted = append(s.trusted, journal.Demand{Rule: string(access.RiskConnection), Text: "the connection of " + name + " is another one", By: by})
				continue
			}
			text = fmt.Sprintf("the connection of %s is another one than at %s, by whose settings it is judged, and isn't used before somebody agrees", name, s.book.name)
			if owners := s.resolved(s.book).Active(was.Owners); len(owners) > 0 {
				text += "; an owner may, with evidence under --approvals (" + strings.Join(owners, ", ") + ")"
			}
		}
		if write && was != nil && was.Connector.Value == sys.decl.Connector.Value {
			if sys.conn != nil {
				_ = sys.conn.Close() // it never connected
			}
			sys.conf = was
			s.open(sys, write)
		} else {
			sys.notRead = "its connection is new or changed here; it is read once that is agreed to"
		}
		if was != nil || s.opts.Base == "" { // what a pull request adds is for its reviewers
			s.refusals = append(s.refusals, plan.Refusal{Name: access.RiskConnection, Ref: name, Text: text})
		}
	}
}
