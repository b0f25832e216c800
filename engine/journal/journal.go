package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"
)

// The errors that callers act upon.
var (
	// ErrBroken: the chain doesn't hold. See BrokenError for where.
	ErrBroken = errors.New("the journal is broken")
	// ErrHead: the given head isn't in the chain: the journal was cut, or is another one.
	ErrHead = errors.New("the journal doesn't contain that head")
	// ErrReadOnly: the journal was opened for reading.
	ErrReadOnly = errors.New("the journal was opened for reading only")
	// ErrVersion: a newer version of Accord has written to the journal.
	ErrVersion = errors.New("the journal was written by a newer version of Accord")
)

// BrokenError tells where a chain breaks. It is an ErrBroken.
type BrokenError struct {
	Store string
	Line  int // from 1
	Why   string
}

// Error names the place and the reason.
func (e *BrokenError) Error() string {
	return fmt.Sprintf("%s:%d: %v: %s", e.Store, e.Line, ErrBroken, e.Why)
}

// Unwrap gives ErrBroken.
func (e *BrokenError) Unwrap() error { return ErrBroken }

// Journal is one open journal. It is safe for concurrent use, and several processes may have
// one journal open if its store is Shared.
type Journal struct {
	store    Store
	now      func() time.Time
	readOnly bool
	queue    queue
	held     error // who was at work when this run opened; set before it begins anything

	mu     sync.Mutex
	chain  chain
	torn   int64 // bytes behind the last whole line
	unsure bool  // an Append failed: what is in the store must be looked at again
	mem    *memory
	lent   bool // mem was handed out and must not be changed any more
}

// Open reads the journal, verifies its chain and replays it. It writes nothing: a torn tail is
// dropped by the first Append. A journal that isn't there yet is empty.
func Open(ctx context.Context, s Store, now func() time.Time) (*Journal, error) {
	j := &Journal{store: s, now: now, mem: newMemory()}
	src, err := read(ctx, s)
	if err != nil {
		return nil, err
	}
	defer src.close()
	if err := j.take(ctx, src); err != nil {
		return nil, err
	}
	return j, nil
}

// OpenReadOnly is Open for those who must not write, such as planning: Append fails.
func OpenReadOnly(ctx context.Context, s Store) (*Journal, error) {
	j, err := Open(ctx, s, nil)
	if err == nil {
		j.readOnly = true
	}
	return j, err
}

// take verifies and replays what stands behind the part that is already known.
func (j *Journal) take(ctx context.Context, src *source) error {
	rest, err := j.chain.lines(ctx, j.store.String(), src, func(e Entry) {
		j.memory().replay(e)
	})
	j.torn = int64(len(rest))
	return err
}

// memory gives the memory for changing it.
func (j *Journal) memory() *memory {
	if j.lent {
		j.mem, j.lent = j.mem.clone(), false
	}
	return j.mem
}

// catchUp takes the lock of a shared store, reads what others have appended, and drops a torn
// tail. On an error nothing is locked.
func (j *Journal) catchUp(ctx context.Context) (unlock func(), err error) {
	unlock = func() {}
	shared, ok := j.store.(Shared)
	if ok {
		if unlock, err = shared.Lock(ctx); err != nil {
			return nil, err
		}
	}
	if err := j.refresh(ctx, shared); err != nil {
		unlock()
		return nil, err
	}
	return unlock, nil
}

func (j *Journal) refresh(ctx context.Context, shared Shared) (err error) {
	var tail []byte
	switch {
	case shared != nil:
		tail, err = shared.LoadFrom(ctx, j.chain.size)
	case j.unsure || j.torn > 0:
		tail, err = j.reload(ctx)
	}
	if err != nil {
		return err
	}
	if s, ok := j.store.(*Spooled); ok {
		j.chain.elsewhere = s.start()
	}
	if err := j.take(ctx, whole(tail)); err != nil {
		return err
	}
	j.unsure = false
	if j.torn == 0 {
		return nil
	}
	return j.recover(ctx, tail[int64(len(tail))-j.torn:])
}

func (j *Journal) reload(ctx context.Context) ([]byte, error) {
	data, err := j.store.Load(ctx)
	if err != nil {
		return nil, err
	}
	if int64(len(data)) < j.chain.size {
		return nil, &BrokenError{j.store.String(), int(j.chain.seq), "it has become shorter"}
	}
	return data[j.chain.size:], nil
}

func (j *Journal) recover(ctx context.Context, torn []byte) error {
	if err := j.store.Truncate(ctx, j.chain.size); err != nil {
		return fmt.Errorf("dropping a torn line: %w", err)
	}
	j.torn = 0
	_, err := j.writeSome(ctx, []Entry{{Data: recovered(torn)}})
	return err
}

// Memory returns what the record knows now. Later entries don't change it.
func (j *Journal) Memory() Memory {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lent = true
	return Memory{j.mem}
}

// Head is the hash of the last entry, "" if there is none. Kept elsewhere it lets Verify tell
// whether the journal was cut.
func (j *Journal) Head() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.chain.head
}

// Torn is the number of bytes of a line that was cut short, which the next Append will drop.
func (j *Journal) Torn() int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.torn
}

// String says where the journal is.
func (j *Journal) String() string { return j.store.String() }

// Entries reads the journal anew and yields its entries in order, verified. The last pair may
// be an error; entries that came before it are good. A torn tail isn't an entry.
func (j *Journal) Entries(ctx context.Context) iter.Seq2[Entry, error] {
	return ReadAll(ctx, j.store)
}

// ReadAll yields the entries of a store in order, verified. The last pair may be an error.
func ReadAll(ctx context.Context, s Store) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		src, err := read(ctx, s)
		if err != nil {
			yield(Entry{}, err)
			return
		}
		defer src.close()
		var c chain
		stopped := errors.New("stopped")
		_, err = c.each(ctx, s.String(), src, nil, func(e Entry) error {
			if !yield(e, nil) {
				return stopped
			}
			return nil
		})
		if err != nil && !errors.Is(err, stopped) {
			yield(Entry{}, err)
		}
	}
}

// Report is what Verify found.
type Report struct {
	// Entries is the number of entries, Head the hash of the last.
	Entries uint64 `json:"entries"`
	Head    string `json:"head"`
	// After is how many entries stand behind the head that was asked for.
	After uint64 `json:"after"`
	// Torn is the length of a last line that was cut short, in bytes.
	Torn int64 `json:"torn"`
	// Unsent is how many of the entries are only spooled here, and not on the record yet.
	Unsent uint64 `json:"unsent,omitempty"`
	// First and Last are the times of the first and the last entry.
	First time.Time `json:"first,omitzero"`
	Last  time.Time `json:"last,omitzero"`
}

// Verify checks every line and the whole chain. If a head is given, it must be the hash of one
// of the entries; so a journal that was cut since, or was put in the place of another, is found
// out (ErrHead). Where the chain is broken (ErrBroken) the report tells of the part before.
func Verify(ctx context.Context, s Store, head string) (Report, error) {
	var r Report
	src, err := read(ctx, s)
	if err != nil {
		return r, err
	}
	defer src.close()
	data := src.data // of a Spooled that is all
	var c chain
	var at uint64
	rest, err := c.lines(ctx, s.String(), src, func(e Entry) {
		if e.Seq == 1 {
			r.First = e.Time
		}
		if e.Hash == head {
			at = e.Seq
		}
		r.Last = e.Time
	})
	r.Entries, r.Head, r.Torn = c.seq, c.head, int64(len(rest))
	if err != nil {
		return r, err
	}
	if head != "" && at == 0 {
		return r, fmt.Errorf("verifying %s: %w: %s", s, ErrHead, head)
	}
	if head != "" {
		r.After = c.seq - at
	}
	spooled, ok := s.(*Spooled)
	if !ok {
		return r, nil
	}
	r.Unsent = uint64(bytes.Count(data[min(spooled.start(), int64(len(data))):], []byte{'\n'}))
	if record, ok := spooled.record.(checker); ok {
		return r, record.Check(ctx)
	}
	return r, nil
}

// chain is how far a journal was verified.
type chain struct {
	seq  uint64
	head string
	size int64
	// elsewhere is how much of size doesn't stand in the file that is read.
	elsewhere int64
}

// lines is each for the journal's own use: what was begun comes packed.
func (c *chain) lines(ctx context.Context, name string, src *source, do func(Entry)) (rest []byte, err error) {
	if src.size() == 0 { // as before most appends
		return nil, nil
	}
	return c.each(ctx, name, src, &packer{}, func(e Entry) error { do(e); return nil })
}

// each goes through whole lines and returns what is left at the end without a newline. With a
// packer what was begun comes packed.
func (c *chain) each(ctx context.Context, name string, src *source, p *packer, do func(Entry) error) (rest []byte, err error) {
	for src.size() > 0 {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		e, n, err := c.next(src, p)
		var unread sourceError
		switch {
		case errors.As(err, &unread):
			return nil, fmt.Errorf("reading the journal %s: %w", name, unread.error)
		case errors.Is(err, ErrVersion):
			return nil, fmt.Errorf("%s:%d: %w", name, c.seq+1, err)
		case err != nil:
			return nil, &BrokenError{name, int(c.seq + 1), err.Error()}
		case n == 0:
			return src.data, nil
		}
		c.seq, c.head, c.size = e.Seq, e.Hash, c.size+n
		if err := do(e); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// zeroFilled reports whether a line is one that a crash left incomplete although its end is
// there: blocks of a file may reach the disk in any order, and those that didn't are zeros. Such
// a hole begins where the line does or at a block's border, and ends at a border; zeros anywhere
// else are somebody's doing. JSON never holds a zero byte. As lines that were written together
// are synced together, others of them may stand behind the hole: no more than maxGroup bytes.
func zeroFilled(line []byte, offset int64) bool {
	const block = 512
	from := bytes.IndexByte(line, 0)
	if from < 0 {
		return false
	}
	to := from
	for line[to] == 0 { // it ends with a newline
		to++
	}
	return (from == 0 || (offset+int64(from))%block == 0) && (offset+int64(to))%block == 0
}

// next reads the next line and tells its length, with its newline; 0 if what is left is none, and
// is in src.data then.
func (c *chain) next(src *source, p *packer) (e Entry, n int64, err error) {
	read := decode
	if p != nil {
		read = p.decode
		if e, n, err = p.long(src); err != nil {
			return e, 0, err
		}
		if n > 0 {
			return e, n, c.follows(e)
		}
	}
	line, err := src.line()
	if err != nil {
		return e, 0, err
	}
	n, left := int64(len(line)), src.size()
	if n == 0 || (n == left || left <= maxGroup) && zeroFilled(line, c.size-c.elsewhere) {
		return e, 0, src.all()
	}
	if e, err = read(line[:n-1]); err == nil {
		err = c.follows(e)
	}
	src.data = src.data[n:]
	return e, n, err
}

func (c *chain) follows(e Entry) error {
	switch {
	case e.Seq != c.seq+1:
		return fmt.Errorf("entry %d stands where %d is expected", e.Seq, c.seq+1)
	case e.Prev != c.head:
		return errors.New("it doesn't follow the entry before")
	}
	return nil
}
