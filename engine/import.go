package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/adopt"
	"github.com/accordhq/accord/engine/declare"
	"github.com/accordhq/accord/engine/observe"
	"github.com/accordhq/accord/engine/plan"
	"github.com/accordhq/accord/engine/repo"
	"github.com/accordhq/accord/engine/resolve"
)

// ErrUnread says that a system couldn't be read, or not completely.
var ErrUnread = errors.New("it can't be read completely")

// ImportOptions say what is to be imported.
type ImportOptions struct {
	// Dir is the access repository or a folder inside it; it is read as it is, committed or not.
	Dir    string
	System string
	// Out is the file, relative to the root of the repository; "" means imported/SYSTEM.yaml.
	Out string
	// Services are globs of account names that belong to services, Owners are who answers for
	// these: people or groups that are declared, or imported here; the system's if left out.
	Services, Owners []string
	// DryRun writes nothing.
	DryRun bool
	Allow  []plan.Allow
	// Timeout is how long the system may take to be read; zero means two minutes.
	Timeout  time.Duration
	Progress func(observe.Result)
}

// Imported is what became of an import.
type Imported struct {
	System string
	// File and Line are where the system's document begins.
	File string
	Line int
	// Accounts and Grants are how many were read.
	Accounts, Grants int
	// Files are those that are (or, in a dry run, would be) written; none if everything is
	// declared already.
	Files []repo.File
	// Documents are what is in them beside what was there.
	Documents *adopt.Result
	// Written says that the files are in their place.
	Written bool
}

// Import writes what is live on a system, and isn't declared yet, into files of their own. No
// document that exists is touched: a file is only added to if an import wrote it and nobody has
// edited it since. Before anything is written it is planned with, in memory: what is written may
// lead to no step on any system. The system is only read; one that can't be read completely is
// ErrUnread.
func (e *Engine) Import(ctx context.Context, o ImportOptions) (_ *Imported, err error) {
	s, err := e.prepare(ctx, PlanOptions{Source: Source{Dir: o.Dir, Worktree: true}, Systems: []string{o.System}, Allow: o.Allow, Timeout: o.Timeout, Progress: o.Progress}, false)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if len(s.systems) == 0 {
		return nil, fmt.Errorf("importing %s: its document says that it is released", o.System)
	}
	i := &importing{session: s, sys: s.systems[0], opts: o}
	return i.run(ctx)
}

// importing is one run of import.
type importing struct {
	*session
	sys  *system
	opts ImportOptions
	res  *adopt.Result
	// was is the file that is added to; nil if there is none.
	was   []byte
	files []repo.File
}

func (i *importing) run(ctx context.Context) (*Imported, error) {
	if err := i.readable(); err != nil {
		return nil, fmt.Errorf("importing %s: %w", i.opts.System, err)
	}
	if len(i.opts.Owners) == 0 {
		i.opts.Owners = values(i.sys.decl.Owners)
	}
	if len(i.opts.Services) > 0 && len(i.opts.Owners) == 0 {
		return nil, fmt.Errorf("importing %s: a service needs somebody who answers for it; name them with --owner", i.opts.System)
	}
	dir, err := i.place()
	if err != nil {
		return nil, fmt.Errorf("importing %s: %w", i.opts.System, err)
	}
	defer dir.close()
	i.res = adopt.Adopt(i.input())
	out := &Imported{System: i.opts.System, File: i.sys.decl.File, Line: int(i.sys.decl.At.Line), Documents: i.res}
	for obj := range i.sys.live.Objects() {
		if obj.ID.IsAccount() {
			out.Accounts++
		}
	}
	_, out.Grants = i.sys.live.Size()
	if !i.res.Empty() {
		if i.was, err = dir.last(); err == nil {
			err = i.write(dir)
		}
		if err != nil {
			return nil, fmt.Errorf("importing %s: %w", i.opts.System, err)
		}
		out.Files = i.files
	}
	if err := i.verify(ctx); err != nil {
		return nil, fmt.Errorf("importing %s: %w; nothing was written", i.opts.System, err)
	}
	if i.opts.DryRun || len(i.files) == 0 {
		return out, nil
	}
	if err := dir.put(i.files, i.was); err != nil {
		return nil, fmt.Errorf("importing %s: %w", i.opts.System, err)
	}
	out.Written = true
	return out, nil
}

// readable refuses what isn't known as a whole: what wasn't seen would be taken for nothing.
func (i *importing) readable() error {
	switch sys := i.sys; {
	case sys.err != nil:
		return fmt.Errorf("%w: %w", ErrUnread, sys.err)
	case sys.live == nil && len(i.refusals) > 0:
		r := i.refusals[0]
		return fmt.Errorf("%w: %s; --allow %s:%s", ErrUnread, r.Text, r.Name, r.Ref)
	case sys.live == nil:
		return fmt.Errorf("%w: %s", ErrUnread, sys.notRead)
	case sys.baseErr != "":
		return fmt.Errorf("%w: %s", ErrUnread, sys.baseErr)
	case !sys.live.Complete():
		var parts []string
		for _, u := range sys.live.Unknowns() {
			parts = append(parts, strings.TrimPrefix(u.ID.String()+" ", " ")+"("+u.Why+")")
		}
		return fmt.Errorf("%w: unknown: %s", ErrUnread, strings.Join(parts, ", "))
	}
	return nil
}

// input puts together what documents are made from.
func (i *importing) input() adopt.Input {
	sys := i.sys
	t, _ := i.connector(sys.decl.Connector.Value)
	return adopt.Input{
		Repo: i.head.Repo, System: sys.decl, Describe: t.Describe(), Normalize: sys.conn.Normalize,
		Live: sys.live, Declared: sys.want.State(), Services: i.opts.Services, Owners: i.opts.Owners,
		Owner: func(id access.ID) (adopt.Owner, bool) {
			h, ok := sys.want.Holder(id)
			if person := sys.matched.Owner(id); !ok && person != "" {
				if account, has := sys.want.AccountOf(person); has {
					h, ok = sys.want.Holder(account)
				}
			}
			o := adopt.Owner{Person: h.Person, Account: h.Account, Status: h.Status, Why: h.Why}
			if account, has := sys.want.AccountOf(h.Person); has {
				o.Account = account
			}
			return o, ok
		},
		Disputed: func(id access.ID) bool { return sys.disputed[id] },
		Resource: sys.want.Resource,
		Absent:   func(id access.ID) bool { _, ok := sys.want.Absent()[id]; return ok },
	}
}

// write makes the files.
func (i *importing) write(dir *importDir) error {
	h := adopt.Head{System: i.opts.System, Connector: i.sys.decl.Connector.Value, At: i.at}
	texts, err := adopt.Write(i.res, h, i.was)
	if errors.Is(err, adopt.ErrEdited) {
		return fmt.Errorf("%s isn't touched: %w; name another file with --out, as in --out %s", dir.name(dir.parts), err, dir.other())
	}
	if err != nil {
		return err
	}
	for n, text := range texts {
		i.files = append(i.files, repo.File{Path: dir.name(max(dir.parts, 1) + n), Data: text, Size: int64(len(text))})
	}
	return nil
}

// verify plans with what is to be written, as it is read back from its bytes: it must lead to no
// step that there wasn't before, here with and without what is suggested for the system's
// document, nor on any other system; and, were everything claimed, to none but what couldn't be
// expressed.
func (i *importing) verify(ctx context.Context) error {
	before, err := i.look(ctx, i.head.Repo)
	if err != nil {
		return err
	}
	written, err := i.reread(ctx)
	if err != nil {
		return err
	}
	looks := []*declare.Repository{written}
	if len(i.res.Resources) > 0 {
		more, err := i.reread(ctx)
		if err == nil {
			err = i.suggest(more)
		}
		if err != nil {
			return err
		}
		looks = append(looks, more)
	}
	for n, r := range looks {
		after, err := i.look(ctx, r)
		if err != nil {
			return err
		}
		if err := after.against(before, i.res, n == len(looks)-1); err != nil {
			return err
		}
	}
	return nil
}

// reread reads the repository with the new files in it.
func (i *importing) reread(ctx context.Context) (*declare.Repository, error) {
	files, err := repo.Worktree(ctx, i.head.Root)
	if err != nil {
		return nil, fmt.Errorf("reading what would be written: %w", err)
	}
	files = slices.DeleteFunc(files, func(f repo.File) bool {
		return slices.ContainsFunc(i.files, func(n repo.File) bool { return n.Path == f.Path })
	})
	r, _, err := i.Engine.read(append(files, i.files...), declare.Known{})
	if err != nil {
		return nil, fmt.Errorf("reading what would be written: %w", err)
	}
	return r, nil
}

// suggest puts the lines that are suggested for the system's document into it, as they are read
// from their text.
func (i *importing) suggest(r *declare.Repository) error {
	text := fmt.Sprintf("system: %q\nconnector: %q\n%s", i.opts.System, i.sys.decl.Connector.Value, i.res.Fragment())
	only, problems := declare.Parse([]declare.File{{Path: "accord.yaml", Data: []byte("version: 1\n")}, {Path: "fragment.yaml", Data: []byte(text)}})
	if err := problems.Err(); err != nil {
		return fmt.Errorf("reading what would be suggested: %w", err)
	}
	sys := r.System(i.opts.System)
	for n, res := range only.System(i.opts.System).Resources {
		if was := i.res.Resources[n].Declared; was != nil {
			old := sys.Resource(was.ID)
			old.Access = append(slices.Clone(old.Access), res.Access...)
			continue
		}
		sys.Resources = append(sys.Resources, res)
	}
	if err := r.Check(i.Descriptions()).Err(); err != nil {
		return fmt.Errorf("reading what would be suggested: %w", err)
	}
	return nil
}

// everywhere resolves a declaration for all systems; of those that aren't imported from only by
// what their connectors say of themselves.
func (i *importing) everywhere(r *declare.Repository) (*resolve.World, error) {
	conns := map[string]resolve.Connector{}
	for _, d := range r.Systems {
		if t, ok := i.connector(d.Connector.Value); ok {
			conns[d.ID.Value] = resolve.Connector{Describe: t.Describe()}
		}
	}
	for name, c := range i.conns {
		conns[name] = c
	}
	b := i.sys.rev
	if b == nil {
		b = i.last
	}
	w, problems := resolve.Resolve(resolve.Input{Repo: r, At: i.at, Connectors: conns, Previous: i.before(b), Former: i.former(), Found: i.found, Offboarded: i.offboarded()})
	return w, problems.Err()
}
