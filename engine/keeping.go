package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/declare"
	"github.com/accordhq/accord/engine/journal"
	"github.com/accordhq/accord/engine/repo"
)

// defaultJournalDir is the folder of the journal where accord.yaml names none. Beside a journal
// in git it holds the spool and the locks.
const defaultJournalDir = ".accord"

// spoolLock is the name of the lock on the spool; no system can be called so.
const spoolLock = "the journal"

// keeping is where a journal is kept.
type keeping struct {
	store journal.Store
	// dir is the folder of the journal or of its spool, and of the locks.
	dir string
	// spooled is the store, if the record is kept in git.
	spooled *journal.Spooled
	ref     string // in git
	line    int    // of accord.yaml
}

// journalConfig is the configuration that says where the journal is: that of --base, so that no
// change can put the memory aside by which it is judged.
func (s *session) journalConfig() *declare.Config {
	if s.tip != nil {
		return s.tip.Config
	}
	return s.head.Repo.Config
}

// keeping finds the journal that a configuration names.
func (e *Engine) keeping(d *Declaration, c *declare.Config) (keeping, error) {
	j := c.Journal
	k := keeping{dir: filepath.Join(d.Root, defaultJournalDir), ref: j.Git.Value, line: max(int(j.Dir.At.Line), int(j.Git.At.Line), 1)}
	if k.ref == "" {
		if j.Dir.Value != "" {
			k.dir = filepath.Join(d.Root, filepath.FromSlash(j.Dir.Value))
		}
		k.store = journal.Dir(k.dir)
		return k, nil
	}
	if d.git == nil {
		return k, fmt.Errorf("accord.yaml:%d: the journal is to be in git, and this is no git repository", k.line)
	}
	o := repo.JournalOptions{Ref: k.ref, Remote: j.Remote.Value, Actor: e.Actor, Now: e.Now}
	if j.Token.Env.Value != "" || j.Token.File.Value != "" {
		o.Token = func(ctx context.Context) (string, error) {
			secret, err := e.secret(ctx, connectors.SecretRef{Env: j.Token.Env.Value, File: j.Token.File.Value})
			return secret.Reveal(), err
		}
	}
	record, err := repo.OpenJournal(d.Root, o)
	if err != nil {
		return k, fmt.Errorf("accord.yaml:%d: %w", k.line, err)
	}
	k.spooled = journal.NewSpooled(k.dir, record, e.Now)
	k.store = k.spooled
	return k, nil
}

// remember opens the journal.
func (s *session) remember(ctx context.Context, write bool) (err error) {
	if err := s.head.ownJournal(ctx, s.kept); err != nil {
		return err
	}
	run := ctx
	if s.opts.Leave != nil {
		bounded, cancel := context.WithTimeout(ctx, leaveFetchTime)
		defer cancel()
		ctx = bounded
	}
	if !write {
		if s.journal, err = s.aside.open(ctx, s.kept.store); err != nil && s.dispensable(ctx, err) {
			s.notes = append(s.notes, "the journal couldn't be read, and isn't needed for what the declaration changes against "+s.opts.Base)
			return nil
		}
	} else if err = s.settle(ctx); err == nil {
		s.journal, err = journal.Open(ctx, s.kept.store, s.Now)
	}
	if err != nil && (write || s.opts.Leave != nil) && mayGoOn(run, s.kept, err) {
		err = s.goOn(run, write, err)
	}
	if err != nil {
		return err
	}
	s.memory = s.journal.Memory()
	for _, r := range s.memory.Open() {
		if write && s.kept.spooled != nil && s.opts.Leave == nil && s.away == nil {
			return journal.HeldBy(r)
		}
		s.notes = append(s.notes, openRun(r, s.kept.spooled != nil))
	}
	return nil
}

// aside is the journal at its usual place, which a run that only looks reads while it reads the
// declaration. Only that tells where the journal is; what was read elsewhere counts for nothing.
type aside struct {
	store   journal.Store
	cancel  context.CancelFunc
	done    chan struct{} // closed when the journal, or why there is none, is known
	journal *journal.Journal
	err     error
}

// journalAside begins to read; nil where nothing can be.
func journalAside(ctx context.Context, src Source) *aside {
	root, err := repo.FindRoot(src.Dir)
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	a := &aside{store: journal.Dir(filepath.Join(root, defaultJournalDir)), cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(a.done)
		a.journal, a.err = journal.OpenReadOnly(ctx, a.store)
	}()
	return a
}

// open gives the journal of a store for reading: what was read aside, if that is it.
func (a *aside) open(ctx context.Context, store journal.Store) (*journal.Journal, error) {
	if a == nil || a.store != store {
		return journal.OpenReadOnly(ctx, store)
	}
	<-a.done
	return a.journal, a.err
}

// stop ends the reading, and returns when nothing is read any more.
func (a *aside) stop() {
	if a != nil {
		a.cancel()
		<-a.done
	}
}

// leaveFetchTime bounds how long somebody's leaving waits for the record of the journal.
const leaveFetchTime = time.Minute

// mayGoOn reports whether what must not wait goes on without the record of the journal: nobody
// could be asked for it. Where there is an answer, and it isn't what was there before, nothing
// goes on.
func mayGoOn(ctx context.Context, k keeping, err error) bool {
	return k.spooled != nil && ctx.Err() == nil && errors.Is(err, journal.ErrUnreachable) && !unsound(err)
}

// goOn takes what was last seen here of the record for the journal. That is enough to take
// access away from those who left, and for nothing else.
func (s *session) goOn(ctx context.Context, write bool, why error) (err error) {
	s.away = why
	if write {
		if err = s.kept.spooled.GoOn(ctx, why); err == nil {
			s.journal, err = journal.Open(ctx, s.kept.store, s.Now)
		}
	} else {
		s.journal, err = s.kept.lastSeen(ctx, why)
	}
	if err != nil {
		return errors.Join(why, err)
	}
	s.byWhat = "nothing was ever seen of it here, so this goes by the declaration alone"
	if _, at, ok := s.journal.Memory().LastRevision(); ok {
		s.byWhat = "this goes by what was last seen of it here, in which the last apply is of " + at.UTC().Format("2006-01-02 15:04:05")
	}
	s.byWhat += ", and takes access from those who left, nothing else"
	s.notes = append(s.notes, why.Error()+"; "+s.byWhat)
	return nil
}

// lastSeen opens the journal as it was last seen here, for reading.
func (k keeping) lastSeen(ctx context.Context, why error) (*journal.Journal, error) {
	k.spooled.AsSeen(why)
	return journal.OpenReadOnly(ctx, k.store)
}

// dispensable reports whether a plan can do without a journal that can't be fetched: one that
// compares two revisions, as in a job for a fork's request, which holds no credential. What is wrong
// with a journal that could be had is always an error.
func (s *session) dispensable(ctx context.Context, err error) bool {
	return s.kept.spooled != nil && s.opts.NoLive && s.opts.Base != "" && ctx.Err() == nil && !unsound(err)
}

// unsound reports whether an error speaks of what the journal says, not of the way to it.
func unsound(err error) bool {
	for _, is := range []error{journal.ErrHeld, journal.ErrMoved, journal.ErrRewound, journal.ErrBroken, journal.ErrVersion} {
		if errors.Is(err, is) {
			return true
		}
	}
	return false
}

// settle sends what an earlier run couldn't. If that fails again the run may still do what must
// not wait.
func (s *session) settle(ctx context.Context) error {
	if s.kept.spooled == nil {
		return nil
	}
	_, err := s.kept.spooled.Settle(ctx)
	if unsound(err) && !(s.opts.Leave != nil && errors.Is(err, journal.ErrHeld)) || errors.Is(err, journal.ErrUnreachable) {
		return err
	}
	if s.unsent = err; err != nil {
		s.notes = append(s.notes, err.Error())
	}
	return ctx.Err()
}

// ownJournal refuses a journal that the declaration brings along, or puts in the place of another
// one: by what it remembers the declaration is judged.
func (d *Declaration) ownJournal(ctx context.Context, k keeping) error {
	rel, err := filepath.Rel(d.Root, k.dir)
	if err != nil {
		return fmt.Errorf("finding the journal: %w", err)
	}
	if d.git != nil && !d.Revision.Worktree {
		if files, err := d.git.PolicyFiles(ctx, d.commit, []string{filepath.ToSlash(rel)}); err == nil && len(files) > 0 {
			return fmt.Errorf("the commit holds the folder of the journal, %s; it must not: git rm --cached -r %s, and ignore it", rel, rel)
		}
	}
	for _, pattern := range []string{"*", "*/*"} {
		folders, _ := filepath.Glob(filepath.Join(d.Root, pattern)) // the pattern is well formed
		for _, folder := range folders {
			name := filepath.Join(folder, journal.FileName)
			if _, err := os.Lstat(name); err != nil {
				continue
			}
			other, _ := filepath.Rel(d.Root, folder)
			switch {
			case k.ref != "":
				return fmt.Errorf("accord.yaml:%d: the journal is to be in %s, and there is one in %s already; accord journal push --from %s takes it over, so that nothing is forgotten", k.line, k.ref, other, other)
			case filepath.Dir(name) != k.dir:
				return fmt.Errorf("accord.yaml:%d: the journal is to be in %s, and there is one in %s already; move that folder, so that nothing is forgotten", k.line, rel, other)
			}
		}
	}
	return d.otherRefs(k, rel)
}

// otherRefs refuses a journal beside one in git that was seen here, or that waits to be sent.
func (d *Declaration) otherRefs(k keeping, rel string) error {
	if d.git == nil {
		return nil
	}
	refs, err := d.git.JournalRefs()
	if err != nil || slices.Contains(refs, k.ref) {
		return err
	}
	if len(refs) > 0 {
		place := rel
		if k.ref != "" {
			place = k.ref
		}
		return fmt.Errorf("accord.yaml:%d: the journal is to be in %s, and there is one in %s already, which would be forgotten; if it is to be, git update-ref -d %s", k.line, place, refs[0], refs[0])
	}
	spool := filepath.Join(k.dir, journal.SpoolName)
	if info, err := os.Stat(spool); err == nil && info.Size() > 0 && k.ref == "" {
		return fmt.Errorf("accord.yaml:%d: the journal is to be in %s, and %s waits to be sent to one in git", k.line, rel, filepath.Join(rel, journal.SpoolName))
	}
	return nil
}
