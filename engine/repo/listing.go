package repo

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/go-git/go-git/v5/plumbing"
)

// Listing is which declarations a commit holds, and in which folders: enough to list those of
// another commit by reading only the folders that differ. Files that it has in common with another
// listing aren't held twice, and those of one that was written down are read when they are asked for.
type Listing struct {
	folders []listed // as they are met; the access root is the first
	own     []File   // sorted by path, as all are; of them only Path and Blob are set
	parts   []shared // of the other listing, where there is one
	beside  *Listing
	written *written // set where the files were written down; nothing else of files is then

	once  sync.Once
	files []File
}

// shared are the files from one to another of the other listing, behind so many own ones.
type shared struct{ behind, from, to int }

// listed is a folder and what is below it.
type listed struct {
	path     string
	tree     plumbing.Hash
	from, to int // of Files
	next     int // the first of folders behind it
}

// Len is how many files there are.
func (l *Listing) Len() int {
	if l.written != nil {
		return l.written.len()
	}
	n := len(l.own)
	for _, p := range l.parts {
		n += p.to - p.from
	}
	return n
}

// Files are all files, sorted by path; of them only Path and Blob are set. They must not be changed.
func (l *Listing) Files() []File {
	l.once.Do(func() {
		switch {
		case l.written != nil:
			l.files = l.written.files(0, l.written.len())
		case len(l.parts) == 0:
			l.files = l.own
		default:
			l.files = make([]File, 0, l.Len())
			at := 0
			for _, p := range l.parts {
				l.files = append(l.files, l.own[at:p.behind]...)
				l.files = append(l.files, l.beside.some(p.from, p.to)...)
				at = p.behind
			}
			l.files = append(l.files, l.own[at:]...)
		}
	})
	return l.files
}

// some are the files from one to another.
func (l *Listing) some(from, to int) []File {
	if l.written != nil {
		return l.written.files(from, to)
	}
	return l.Files()[from:to]
}

// Since is in what the files differ from those of the listing beside which it was made: the paths
// that aren't there any more, and the files that are new or have another content, both sorted. It
// isn't ok for any other listing.
func (l *Listing) Since(other *Listing) (gone []string, come []File, ok bool) {
	if l == other {
		return nil, nil, true
	}
	if l.beside != other || other == nil {
		return nil, nil, false
	}
	var before []File
	at := 0
	for _, p := range l.parts {
		before = append(before, other.some(at, p.from)...)
		at = p.to
	}
	before = append(before, other.some(at, other.Len())...)
	gone, come = Unlike(before, l.own)
	return gone, come, true
}

// Unlike are the paths that are only in the first list, and the files that are in the second alone or
// have another content there. Both are sorted by path, as what it gives.
func Unlike(before, after []File) (gone []string, come []File) {
	for _, f := range after {
		for len(before) > 0 && before[0].Path < f.Path {
			gone, before = append(gone, before[0].Path), before[1:]
		}
		if len(before) > 0 && before[0].Path == f.Path {
			same := before[0].Blob == f.Blob
			if before = before[1:]; same {
				continue
			}
		}
		come = append(come, f)
	}
	for _, f := range before {
		gone = append(gone, f.Path)
	}
	return gone, come
}

// Tree is git's name of the folder that was listed, with all that is in it; the same name means the
// same content.
func (l *Listing) Tree() string {
	if len(l.folders) == 0 || l.folders[0].tree.IsZero() {
		return "" // there is a link, which may lead out of it
	}
	return l.folders[0].tree.String()
}

// List lists the declarations of a commit, by the rules of Files. What the other listing, which
// may be nil, has in common with it is taken from there.
func (r *Repo) List(ctx context.Context, rev Revision, other *Listing) (*Listing, error) {
	out, err := r.list(ctx, rev, other)
	if err != nil {
		return nil, fmt.Errorf("reading the files of %s: %w", rev.Short, err)
	}
	return out, nil
}

func (r *Repo) list(ctx context.Context, rev Revision, other *Listing) (*Listing, error) {
	out := &Listing{}
	same := false
	err := r.use(func(h *handle) error {
		src, err := r.source(h, rev)
		if err != nil {
			return err
		}
		if same = other != nil && len(other.folders) > 0 && other.folders[0].tree == src.root; same {
			return nil
		}
		out.beside = other
		w := src.walker(&out.own)
		l := &lister{out: out, other: other}
		w.enter, w.leave, w.linked = l.enter, l.leave, l.linked
		l.open("", src.root)
		defer l.leave()
		return w.declarations(ctx, src.root)
	})
	if same {
		return other, nil
	}
	if err == nil && !slices.IsSortedFunc(out.own, compareFiles) { // never: git sorts trees likewise
		err = errors.New("the folders of the commit aren't in git's order")
	}
	return out, err
}

// lister keeps the listing while a walker goes through the folders.
type lister struct {
	out, other *Listing
	inside     []int // the folders that are being walked
	at         int   // the first folder of other that isn't before the walker's
	taken      int   // how many files were taken over
}

// count is how many files there are by now.
func (l *lister) count() int { return len(l.out.own) + l.taken }

func (l *lister) open(p string, tree plumbing.Hash) {
	l.inside = append(l.inside, len(l.out.folders))
	l.out.folders = append(l.out.folders, listed{path: p, tree: tree, from: l.count()})
}

func (l *lister) leave() {
	f := &l.out.folders[l.inside[len(l.inside)-1]]
	l.inside = l.inside[:len(l.inside)-1]
	f.to, f.next = l.count(), len(l.out.folders)
}

func (l *lister) enter(p string, tree plumbing.Hash) (int, bool) {
	known, ok := l.find(p)
	if !ok || known.tree != tree {
		l.open(p, tree)
		return 0, false
	}
	files, folders := l.count()-known.from, len(l.out.folders)-l.at
	l.out.parts = append(l.out.parts, shared{len(l.out.own), known.from, known.to})
	l.taken += known.to - known.from
	defer func() { l.at = known.next }()
	for _, f := range l.other.folders[l.at:known.next] {
		f.from, f.to, f.next = f.from+files, f.to+files, f.next+folders
		l.out.folders = append(l.out.folders, f)
	}
	return known.to - known.from, true
}

// linked makes sure that the folders around a link are read again: what it leads to may change
// without them.
func (l *lister) linked() {
	for _, i := range l.inside {
		l.out.folders[i].tree = plumbing.ZeroHash
	}
}

// find looks for a folder of the other listing. Both are walked in one order.
func (l *lister) find(p string) (listed, bool) {
	if l.other == nil {
		return listed{}, false
	}
	for l.at < len(l.other.folders) && l.other.folders[l.at].path+"/" < p+"/" {
		l.at++
	}
	if l.at < len(l.other.folders) && l.other.folders[l.at].path == p {
		return l.other.folders[l.at], true
	}
	return listed{}, false
}

// ErrListing is a record of a listing that can't be read.
var ErrListing = errors.New("not a sound record of a listing")

// Append writes the listing for ReadListing.
func (l *Listing) Append(out []byte) []byte {
	text := func(s string) { out = append(binary.AppendUvarint(out, uint64(len(s))), s...) }
	out = binary.AppendUvarint(out, uint64(len(l.folders)))
	for _, f := range l.folders {
		text(f.path)
		out = append(out, f.tree[:]...)
		for _, n := range []int{f.from, f.to, f.next} {
			out = binary.AppendUvarint(out, uint64(n))
		}
	}
	out = binary.AppendUvarint(out, uint64(l.Len()))
	end := 0
	for _, f := range l.Files() {
		end += len(f.Path)
		out = binary.LittleEndian.AppendUint32(out, uint32(end))
	}
	for _, f := range l.Files() {
		id := plumbing.NewHash(f.Blob)
		out = append(out, id[:]...)
	}
	for _, f := range l.Files() {
		out = append(out, f.Path...)
	}
	return out
}

// ReadListing reads what Append wrote; all of the data is one listing, and none of it may change.
func ReadListing(data string) (*Listing, error) {
	r := &listingReader{in: data}
	l := &Listing{folders: make([]listed, r.number(1))}
	for i := range l.folders {
		f := &l.folders[i]
		f.path = r.take(r.number(1))
		copy(f.tree[:], r.take(len(f.tree)))
		f.from, f.to, f.next = r.number(0), r.number(0), r.number(0)
	}
	n := r.number(4 + len(plumbing.ZeroHash))
	l.written = &written{ends: r.take(4 * n), ids: r.take(n * len(plumbing.ZeroHash))}
	l.written.paths = r.in
	if r.failed || l.written.end(n-1) != len(l.written.paths) || !l.sound() {
		return nil, ErrListing
	}
	return l, nil
}

// written are files as Append wrote them: where the path of each ends, the names of their contents,
// the paths.
type written struct{ ends, ids, paths string }

func (w *written) len() int { return len(w.ends) / 4 }

// end is where the path of a file ends, 0 for the one before the first.
func (w *written) end(i int) int {
	if i < 0 {
		return 0
	}
	return int(binary.LittleEndian.Uint32([]byte(w.ends[4*i : 4*i+4])))
}

// files makes files of those from one to another.
func (w *written) files(from, to int) []File {
	const size = len(plumbing.ZeroHash)
	names := string(hex.AppendEncode(nil, []byte(w.ids[from*size:to*size])))
	out := make([]File, 0, to-from)
	start := w.end(from - 1)
	for i := from; i < to; i++ {
		path := ""
		if end := w.end(i); start <= end && end <= len(w.paths) {
			path, start = w.paths[start:end], end
		}
		out = append(out, File{Path: path, Blob: names[:2*size]})
		names = names[2*size:]
	}
	return out
}

// sound reports whether the numbers of the folders can be followed: each lies within the one that
// is around it.
func (l *Listing) sound() bool {
	inside := []listed{{to: l.Len(), next: len(l.folders)}}
	from := 0
	for i, f := range l.folders {
		for inside[len(inside)-1].next <= i {
			inside = inside[:len(inside)-1]
		}
		if around := inside[len(inside)-1]; f.from < from || f.from > f.to || f.to > around.to || f.next <= i || f.next > around.next {
			return false
		}
		from = f.from
		inside = append(inside, f)
	}
	return true
}

type listingReader struct {
	in     string
	failed bool
}

// number is one that counts things of so many bytes at least.
func (r *listingReader) number(size int) int {
	var n uint64
	for i := 0; i < len(r.in) && i < binary.MaxVarintLen64; i++ {
		b := r.in[i]
		n |= uint64(b&0x7f) << (7 * i)
		if b < 0x80 {
			r.in = r.in[i+1:]
			if n > math.MaxInt32 || size > 0 && n > uint64(len(r.in)/size) {
				break
			}
			return int(n)
		}
	}
	r.failed, r.in = true, ""
	return 0
}

func (r *listingReader) take(n int) string {
	if n > len(r.in) {
		r.failed, r.in = true, ""
		return ""
	}
	s := r.in[:n]
	r.in = r.in[n:]
	return s
}
