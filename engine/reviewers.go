package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/accordhq/accord/engine/declare"
	"github.com/accordhq/accord/engine/forge"
	"github.com/accordhq/accord/engine/repo"
)

// EvidenceOptions say by what the accounts of a forge are known.
type EvidenceOptions struct {
	// Source is the declaration that tells who is who. It must be a revision that the change has
	// no say in: whoever could name the accounts could approve for others.
	Source
	// System is the declared system whose accounts are those of the forge.
	System string
	// Host names the forge.
	Host string
}

// Reviewer is somebody whose approval was found on a forge.
type Reviewer struct {
	Login string
	// Person is their id; "" if nobody has the account, and Why tells what was looked at.
	Person string
	Why    string
	At     time.Time
	Commit string
	// Here says that the commit is in this clone; if it isn't the approval can't count here.
	Here bool
}

// Evidence makes the file of approvals of what a forge says. Somebody's account is the one that
// their document names for the system, else the one by the system's rule; where nobody has it,
// the address that the forge shows counts, unless its person is declared under another account.
// An account that is nobody's stands in the evidence under a name that nobody can have.
func (e *Engine) Evidence(ctx context.Context, o EvidenceOptions, in forge.Evidence) (*Approvals, []Reviewer, error) {
	d, err := e.Load(ctx, o.Source)
	if err != nil {
		return nil, nil, fmt.Errorf("reading who is who: %w", err)
	}
	defer d.Close()
	for _, of := range []string{in.Request.Head, in.Request.MergedAs} {
		if err := d.apart(ctx, of); err != nil {
			return nil, nil, err
		}
	}
	who, err := newRoster(d.Repo, o.System)
	if err != nil {
		return nil, nil, err
	}
	out := &Approvals{FormatVersion: 1, Approvals: []Approval{}}
	var found []Reviewer
	for _, a := range in.Approvals {
		r := Reviewer{Login: a.By.Login, At: a.At, Commit: a.Commit}
		r.Person, r.Why = who.person(a.By)
		rev, err := d.git.Resolve(ctx, a.Commit)
		r.Here = err == nil && rev.Hash == a.Commit
		found = append(found, r)
		by := cmp.Or(r.Person, r.Login+" ("+o.Host+")") // no id holds a space
		out.Approvals = append(out.Approvals, Approval{By: by, At: a.At, Commit: a.Commit})
	}
	for _, u := range in.Authors {
		out.Authors = append(out.Authors, who.anyOf(u)...)
	}
	slices.Sort(out.Authors)
	out.Authors = slices.Compact(out.Authors)
	return out, found, ctx.Err()
}

// apart refuses to learn who is who from a declaration that holds the change at hand.
func (d *Declaration) apart(ctx context.Context, change string) error {
	if d.git == nil || d.Revision.Worktree {
		return errors.New("who is who is told by a commit, not by a folder")
	}
	rev, err := d.git.Resolve(ctx, change)
	if change == "" || err != nil || rev.Hash != change {
		return ctx.Err() // nothing here holds what isn't here
	}
	at, err := d.git.MergeBase(ctx, d.commit, rev)
	if errors.Is(err, repo.ErrNoMergeBase) {
		return nil
	}
	if err == nil && at.Hash == change {
		err = fmt.Errorf("%s holds the change itself, which mustn't tell who is who: name the revision before it with --base", d.commit.Short)
	}
	return err
}

// roster knows people by their accounts on a forge and by their addresses. Logins of the forges
// and addresses are compared without regard to case.
type roster struct {
	system   string
	accounts map[string][]string // login: people
	emails   map[string][]string
	declared map[string]string // people whose document names an account: that account
}

// newRoster makes a roster; of a system that isn't declared no account is known.
func newRoster(r *declare.Repository, system string) (*roster, error) {
	out := &roster{system: system, accounts: map[string][]string{}, emails: map[string][]string{}, declared: map[string]string{}}
	sys := r.System(system)
	pattern := "{person}"
	if sys != nil && sys.Accounts.Name.Value != "" {
		pattern = sys.Accounts.Name.Value
	}
	rule, err := declare.ParseTemplate(pattern)
	if err != nil {
		return nil, fmt.Errorf("naming the accounts of %s: %w", system, err)
	}
	for _, p := range r.People() {
		id := p.ID.Value
		if email := strings.ToLower(p.Email.Value); email != "" {
			out.emails[email] = append(out.emails[email], id)
		}
		if sys == nil {
			continue
		}
		name := ""
		for _, a := range p.Accounts {
			if a.Key.Value == system {
				name = strings.ToLower(a.Value.Value)
				out.declared[id] = name
			}
		}
		if name == "" {
			if name, err = rule.Expand(p); err != nil {
				continue // who has no account by the rule
			}
			name = strings.ToLower(name)
		}
		out.accounts[name] = append(out.accounts[name], id)
	}
	return out, nil
}

// person finds whose account it is, for sure; why tells why it is nobody's.
func (r *roster) person(u forge.User) (id, why string) {
	if people := r.accounts[strings.ToLower(u.Login)]; len(people) == 1 {
		return people[0], ""
	} else if len(people) > 1 {
		return "", "the account is " + strings.Join(people, "'s and ") + "'s"
	}
	people := r.emails[strings.ToLower(u.Email)]
	switch {
	case u.Email == "":
		return "", "nobody has this account on " + r.system + ", and it shows no address"
	case len(people) == 0:
		return "", "nobody has this account on " + r.system + ", or the address " + u.Email
	case len(people) > 1:
		return "", "the address is " + strings.Join(people, "'s and ") + "'s"
	case r.declared[people[0]] != "":
		return "", people[0] + " has the address, and another account on " + r.system + ": " + r.declared[people[0]]
	}
	return people[0], ""
}

// anyOf is everybody that an author may be: by the account, and by the address as it is.
func (r *roster) anyOf(u forge.User) []string {
	out := slices.Clone(r.accounts[strings.ToLower(u.Login)])
	if u.Email != "" {
		out = append(out, u.Email)
		out = append(out, r.emails[strings.ToLower(u.Email)]...)
	}
	return out
}

// personOf gives the id that somebody is named by, or that belongs to the address.
func (s *session) personOf(who string) string {
	if strings.Contains(who, "@") {
		if id := s.byEmail(who); id != "" {
			return id
		}
	}
	return who
}

// approver is personOf for somebody whose approval is to count: by the rulebook alone. A change
// that gives an owner's document another address mustn't make its holder an owner.
func (s *session) approver(who string) string {
	if strings.Contains(who, "@") {
		if id := emailIn(s.book.decl, who); id != "" {
			return id
		}
	}
	return who
}

// byEmail is the person with that address by the rulebook, else by head; "" for nobody.
func (s *session) byEmail(email string) string {
	for _, r := range []*declare.Repository{s.book.decl, s.head.Repo} {
		if id := emailIn(r, email); id != "" {
			return id
		}
	}
	return ""
}

func emailIn(r *declare.Repository, email string) string {
	if p := r.ByEmail(email); p != nil {
		return p.ID.Value
	}
	return ""
}

// AccessRoot is the folder of an access repository in its git repository, with slashes; "." is
// the git repository itself, or no access repository at all.
func AccessRoot(dir string) (string, error) {
	root, err := repo.FindRoot(dir)
	if errors.Is(err, repo.ErrNoRoot) {
		return ".", nil
	}
	if err != nil {
		return "", err
	}
	git, err := repo.Open(root)
	if errors.Is(err, repo.ErrNoGit) || errors.Is(err, repo.ErrNoCommit) {
		return ".", nil
	}
	if err != nil {
		return "", err
	}
	defer git.Close()
	return cmp.Or(git.Prefix(), "."), nil
}
