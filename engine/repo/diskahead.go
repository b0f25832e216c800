package repo

import (
	"context"
	"io/fs"
	"runtime"
	"strings"
	"sync"
)

// ahead lists the folders on disk that a walker is going to ask for while it is busy with those
// before them: listing one costs a look at every file in it.
type ahead struct {
	*diskSource // for what wasn't listed ahead
	dir         string
	workers     sync.WaitGroup

	mu      sync.Mutex
	more    sync.Cond // there is something in waiting, or it is closed
	waiting []*listedAhead
	listed  map[string]*listedAhead
	closed  bool
}

// listedAhead is a folder that is listed, or will be.
type listedAhead struct {
	path    string
	done    chan struct{}
	entries []entry[fs.FileInfo]
	err     error
}

// openAhead opens a folder on disk; close it.
func openAhead(dir string) (*ahead, error) {
	src, err := openDisk(dir)
	if err != nil {
		return nil, err
	}
	a := &ahead{diskSource: src, dir: dir, listed: map[string]*listedAhead{}}
	a.more.L = &a.mu
	for range min(maxWorkers, runtime.GOMAXPROCS(0)) {
		a.workers.Go(a.work)
	}
	return a, nil
}

func (a *ahead) close() {
	a.mu.Lock()
	a.closed = true
	a.mu.Unlock()
	a.more.Broadcast()
	a.workers.Wait()
	a.diskSource.close()
}

func (a *ahead) work() {
	src, err := openDisk(a.dir)
	if err == nil {
		defer src.close()
	}
	for {
		l := a.next()
		if l == nil {
			return
		}
		if l.err = err; err == nil {
			l.entries, l.err = src.list(context.Background(), l.path, nil)
		}
		close(l.done)
	}
}

// next is the next folder to be listed; nil if there won't be any.
func (a *ahead) next() *listedAhead {
	a.mu.Lock()
	defer a.mu.Unlock()
	for len(a.waiting) == 0 && !a.closed {
		a.more.Wait()
	}
	if a.closed {
		return nil
	}
	l := a.waiting[0]
	a.waiting = a.waiting[1:]
	return l
}

// list implements source.
func (a *ahead) list(ctx context.Context, p string, _ fs.FileInfo) (entries []entry[fs.FileInfo], err error) {
	a.mu.Lock()
	l := a.listed[p]
	delete(a.listed, p)
	a.mu.Unlock()
	if l == nil {
		entries, err = a.diskSource.list(ctx, p, nil)
	} else {
		select {
		case <-l.done:
			entries, err = l.entries, l.err
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	a.ask(p, entries)
	return entries, err
}

// ask has the folders in a folder listed.
func (a *ahead) ask(dir string, entries []entry[fs.FileInfo]) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, e := range entries {
		if e.kind == folder && !strings.HasPrefix(e.name, ".") {
			l := &listedAhead{path: join(dir, e.name), done: make(chan struct{})}
			a.waiting, a.listed[l.path] = append(a.waiting, l), l
		}
	}
	a.more.Broadcast()
}
