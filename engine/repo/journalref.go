package repo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/memory"

	"github.com/accordhq/accord/engine/journal"
)

// JournalOptions say where a journal is kept in git.
type JournalOptions struct {
	// Ref is the full name of the ref, below refs/accord.
	Ref string
	// Remote is the name of the remote that keeps it; "" is origin if there is one, else the
	// repository itself, and "." the repository itself in any case.
	Remote string
	// Token gives the token for a remote that is reached by HTTP; "" or nil: there is none. It
	// goes before what git's own configuration holds.
	Token func(context.Context) (string, error)
	// Actor is who the commits are by, Now the clock.
	Actor string
	Now   func() time.Time
}

// JournalRef is the record of a journal in a git ref (see journal.Record). It is safe for
// concurrent use. It never touches the working copy, its index or its branches.
//
// Each commit of the ref has one parent, or none if it is the first, and a tree of segments:
// 000/000/000.jsonl, 000/000/001.jsonl and so on, whose lines one behind the other are the
// journal. A commit only ever adds segments, so that one push costs a blob, a commit and three
// small trees, however long the journal is.
//
// The repository remembers by a ref of its own, of the same name, which commit it has seen last.
// What is there now must go on from it, commit by commit and segment by segment; else the
// journal was rewound or replaced (journal.ErrRewound).
type JournalRef struct {
	o     JournalOptions
	git   gitDir
	place *place // nil: the repository itself

	mu    sync.Mutex
	fresh *memory.Storage // what couldn't be kept in the repository
	head  plumbing.Hash   // what Fetch has read and Extend added; zero: nothing
	sent  *attempt
}

// attempt is a push of which it isn't known whether it got through.
type attempt struct {
	*newCommit
	lines int // how many bytes of lines it brought
}

// OpenJournal finds the repository around a folder, as Open does, and where its journal is kept.
func OpenJournal(dir string, o JournalOptions) (*JournalRef, error) {
	r, err := Open(dir)
	if err != nil {
		return nil, err
	}
	if err := r.Close(); err != nil {
		return nil, err
	}
	j := &JournalRef{o: o, git: r.git, fresh: memory.NewStorage()}
	if j.place, err = r.git.place(o.Remote); err != nil {
		return nil, fmt.Errorf("finding the journal %s: %w", o.Ref, err)
	}
	if j.place != nil {
		j.place.token = o.Token
	}
	return j, nil
}

// String names the ref and, without a credential, the remote.
func (j *JournalRef) String() string {
	if j.place == nil {
		return j.o.Ref
	}
	return j.o.Ref + " of " + j.place.String()
}

// Fetch reads the whole record, after what is new of it was fetched.
func (j *JournalRef) Fetch(ctx context.Context) (lines []byte, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	err = j.use(func(h *journalHandle) error {
		head, err := j.catchUp(ctx, h)
		if err != nil {
			return err
		}
		lines, err = h.lines(ctx, head)
		j.head, j.sent = head, nil
		return err
	})
	return lines, err
}

// Seen reads the record as far as it was fetched here or by somebody else in this repository.
func (j *JournalRef) Seen(ctx context.Context) (lines []byte, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	err = j.use(func(h *journalHandle) error {
		head, err := h.ref(j.o.Ref)
		if err != nil {
			return err
		}
		lines, err = h.lines(ctx, head)
		j.head, j.sent = head, nil
		return err
	})
	return lines, err
}

// catchUp fetches what is new, and holds it to what was seen before. What was seen is read
// first: another process may see more meanwhile.
func (j *JournalRef) catchUp(ctx context.Context, h *journalHandle) (plumbing.Hash, error) {
	seen, err := h.ref(j.o.Ref)
	if err != nil || j.place == nil {
		return seen, err
	}
	head, err := j.place.fetch(ctx, h, j.o.Ref, seen)
	if err != nil {
		return head, err
	}
	if head == seen {
		return head, nil
	}
	if head.IsZero() {
		return head, fmt.Errorf("%w: %s is gone from %s, and was at %.12s when it was last seen here", journal.ErrRewound, j.o.Ref, j.place, seen)
	}
	if err := h.grown(ctx, seen, head); err != nil {
		return head, fmt.Errorf("%s at %.12s: %w", j, head, err)
	}
	h.remember(j.o.Ref, head, seen)
	return head, nil
}

// Extend adds lines to the record by one commit on top of the one that was read last.
func (j *JournalRef) Extend(ctx context.Context, lines []byte, title string) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.use(func(h *journalHandle) error {
		err := j.extend(ctx, h, lines, title)
		if err != nil && !errors.Is(err, journal.ErrMoved) && !errors.Is(err, journal.ErrUnreachable) && j.place != nil && ctx.Err() == nil {
			// The answer may be what was lost, not the push; or somebody was faster.
			err = j.extendAgain(ctx, h, lines, title, err)
		}
		return err
	})
}

func (j *JournalRef) extend(ctx context.Context, h *journalHandle, lines []byte, title string) error {
	if j.place == nil {
		c, err := h.build(j.head, lines, j.message(title, lines))
		if err != nil {
			return err
		}
		if err := h.keep(c); err != nil {
			return err
		}
		if err := h.move(j.o.Ref, j.head, c.id); err != nil {
			return err
		}
		j.head = c.id
		return nil
	}
	push, err := j.place.push(ctx, j.o.Ref)
	if err != nil {
		return err
	}
	defer push.close()
	if j.sent != nil && push.head == j.sent.id { // it got through
		lines = lines[min(j.sent.lines, len(lines)):]
		if err := j.settle(h, j.sent.newCommit); err != nil || len(lines) == 0 {
			return err
		}
	}
	if push.head != j.head {
		return fmt.Errorf("%w: %s is at %.12s", journal.ErrMoved, j, push.head)
	}
	c, err := h.build(j.head, lines, j.message(title, lines))
	if err != nil {
		return err
	}
	j.sent = &attempt{c, len(lines)}
	if err := push.send(ctx, j.head, c); err != nil {
		return err
	}
	return j.settle(h, c)
}

// settle takes a commit for the head that is on the remote now.
func (j *JournalRef) settle(h *journalHandle, c *newCommit) error {
	if h.keep(c) == nil {
		h.remember(j.o.Ref, c.id, j.head)
	} else if err := h.hold(c); err != nil { // what isn't written to the disk is fetched the next time
		return err
	}
	j.head, j.sent = c.id, nil
	return nil
}

// extendAgain looks what became of a push that failed, and tries once more unless the remote has
// refused it.
func (j *JournalRef) extendAgain(ctx context.Context, h *journalHandle, lines []byte, title string, first error) error {
	var refused *refusedError
	if errors.As(first, &refused) {
		// It was refused for what it is, or since the ref has moved meanwhile.
		if push, err := j.place.push(ctx, j.o.Ref); err == nil {
			defer push.close()
			if push.head != j.head {
				return fmt.Errorf("%w: %s is at %.12s", journal.ErrMoved, j, push.head)
			}
		}
		return first
	}
	if err := j.extend(ctx, h, lines, title); err != nil {
		if errors.Is(err, journal.ErrMoved) || err.Error() == first.Error() {
			return err
		}
		return errors.Join(first, err)
	}
	return nil
}

// Check goes through every commit of the record that was read last: each must follow one other
// and do nothing but add segments.
func (j *JournalRef) Check(ctx context.Context) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.use(func(h *journalHandle) error {
		if err := h.sound(ctx, j.head); err != nil {
			return fmt.Errorf("%s at %.12s: %w", j, j.head, err)
		}
		return nil
	})
}

func (j *JournalRef) use(do func(*journalHandle) error) error {
	h, err := j.git.open()
	if err != nil {
		return err
	}
	err = do(&journalHandle{handle: h, fresh: j.fresh})
	return errors.Join(err, h.close())
}

// message is the message of a commit, and who it is by.
type message struct {
	by   object.Signature
	text string
}

// message tells people what a commit brings, and the head to keep elsewhere.
func (j *JournalRef) message(title string, lines []byte) message {
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	name := strings.Map(func(r rune) rune {
		if strings.ContainsRune("<>\x00", r) {
			return -1
		}
		return r
	}, oneLine(j.o.Actor))
	if name == "" {
		name = "accord"
	}
	last := lines[:len(lines)-1]
	last = last[bytes.LastIndexByte(last, '\n')+1:]
	text := fmt.Sprintf("%s\n\nEntries: %d\n", oneLine(title), bytes.Count(lines, []byte{'\n'}))
	if _, hash, ok := bytes.Cut(last[max(0, len(last)-len(headMark)-66):], []byte(headMark)); ok {
		text += "Head: " + string(bytes.TrimSuffix(hash, []byte(`"}`))) + "\n"
	}
	return message{object.Signature{Name: name, Email: "accord@" + host, When: j.o.Now().UTC()}, text}
}

// headMark stands before the hash at the end of a line of the journal.
const headMark = `,"hash":"`

// others are journals beside the named one among the refs of a remote, sorted.
func others(refs map[string]plumbing.Hash, ref string) []string {
	var out []string
	for name := range refs {
		if strings.HasPrefix(name, journalRefs) && name != ref {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// journalRefs is where journals are in git.
const journalRefs = "refs/accord/"

// JournalRefs names the refs of the repository that hold journals, or remember those of remotes;
// sorted.
func (r *Repo) JournalRefs() (names []string, err error) {
	err = r.use(func(h *handle) error {
		refs, err := h.main.IterReferences()
		if err != nil {
			return fmt.Errorf("reading refs: %w", err)
		}
		defer refs.Close()
		found := map[string]plumbing.Hash{}
		err = refs.ForEach(func(ref *plumbing.Reference) error {
			found[ref.Name().String()] = ref.Hash()
			return nil
		})
		names = others(found, "")
		return err
	})
	return names, err
}
