package journal

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// maxGroup is how many bytes of entries are written and synced together at most; a longer entry
// goes alone.
const maxGroup = 64 << 10

// queue are entries that wait to be written. Who works side by side shares a sync: while one
// group of entries is on its way to the disk, those that come meanwhile make up the next.
type queue struct {
	mu      sync.Mutex
	waiting []*waiting
}

// waiting is one entry and what became of it. Its outcome is guarded by Journal.mu.
type waiting struct {
	ctx   context.Context
	entry Entry
	done  bool
	err   error
}

// Append records what happened in a run. The journal stamps number, time and hashes. When it
// returns nil the entry is durable; only then may the work that it announces begin. Calls from
// several goroutines may be made durable by one write.
//
// A cancelled context records nothing; what became of work that was cancelled must be recorded
// under a context of its own.
//
// It fails, recording nothing, for an entry that makes no sense: a run opened twice, work in a
// run that isn't open, a unit begun twice or ended without having begun.
func (j *Journal) Append(ctx context.Context, e Entry) error {
	if err := j.append(ctx, e); err != nil {
		return fmt.Errorf("recording %q in the journal %s: %w", e.Kind(), j.store, err)
	}
	return nil
}

func (j *Journal) append(ctx context.Context, e Entry) error {
	if j.readOnly {
		return ErrReadOnly
	}
	if e.Data == nil {
		return errors.New("an entry without data")
	}
	w := &waiting{ctx: ctx, entry: e}
	j.queue.put(w)
	j.mu.Lock()
	defer j.mu.Unlock()
	// Whoever holds the lock writes for all that wait; so it may be done already. What came before
	// this entry comes first.
	for !w.done {
		j.group(j.queue.take())
	}
	return w.err
}

// group writes entries together. Each has its outcome afterwards.
func (j *Journal) group(g []*waiting) {
	ctx := g[0].ctx
	if len(g) > 1 {
		ctx = context.WithoutCancel(ctx) // the end of one context is no reason to fail the others
	}
	end := func(g []*waiting, err error) {
		for _, w := range g {
			w.done, w.err = true, err
		}
	}
	var ready []*waiting
	for _, w := range g {
		if err := w.ctx.Err(); err != nil {
			end([]*waiting{w}, err)
			continue
		}
		ready = append(ready, w)
	}
	if len(ready) == 0 {
		return
	}
	unlock, err := j.catchUp(ctx)
	if err != nil {
		end(ready, err)
		return
	}
	defer unlock()
	var entries []Entry
	var good []*waiting
	for _, w := range ready {
		if err := j.mem.check(w.entry); err != nil {
			end([]*waiting{w}, err)
			continue
		}
		good, entries = append(good, w), append(entries, w.entry)
	}
	for len(entries) > 0 {
		n, err := j.writeSome(ctx, entries)
		switch {
		case err != nil && j.unsure:
			n = len(entries) // the store failed, and nothing more goes to it
		case err != nil:
			n = 1
		}
		end(good[:n], err)
		good, entries = good[n:], entries[n:]
	}
}

// writeSome appends the first entries, as many as go into one write, and tells how many. Its
// error is about the first of them or, with unsure set, about the store.
func (j *Journal) writeSome(ctx context.Context, entries []Entry) (int, error) {
	seq, head := j.chain.seq, j.chain.head
	var lines []byte
	n := 0
	for n < len(entries) {
		e := &entries[n]
		e.Seq, e.Time, e.Prev = seq+1, j.now().UTC().Round(0), head
		line, hash, err := encode(*e)
		if err != nil && n == 0 {
			return 0, err
		}
		if err != nil || n > 0 && len(lines)+len(line) > maxGroup {
			break
		}
		e.Hash = hash
		lines = append(lines, line...)
		seq, head = e.Seq, e.Hash
		n++
	}
	if err := j.store.Append(ctx, lines); err != nil {
		j.unsure = true
		return 0, err
	}
	j.chain.seq, j.chain.head, j.chain.size = seq, head, j.chain.size+int64(len(lines))
	for _, e := range entries[:n] {
		j.memory().replay(e)
	}
	return n, nil
}

func (q *queue) put(w *waiting) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, w)
}

// take takes the first entries that may be written together: the beginnings and the ends of
// different units. Anything else may decide whether what follows makes sense, and goes alone.
func (q *queue) take() []*waiting {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := 0
	seen := map[groupKey]bool{}
	for n < len(q.waiting) {
		key, ok := keyOf(q.waiting[n].entry)
		if n > 0 && (!ok || seen[key]) {
			break
		}
		n++
		if !ok {
			break
		}
		seen[key] = true
	}
	g := q.waiting[:n:n]
	q.waiting = q.waiting[n:]
	return g
}

// groupKey is what a beginning or an end of a unit is about.
type groupKey struct {
	run  string
	unit unitName
}

func keyOf(e Entry) (groupKey, bool) {
	switch d := e.Data.(type) {
	case Begun:
		return groupKey{e.Run, unitName{d.System, d.Unit}}, true
	case Ended:
		return groupKey{e.Run, unitName{d.System, d.Unit}}, true
	}
	return groupKey{}, false
}
