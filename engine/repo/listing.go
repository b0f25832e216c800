package repo

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
)

// Listing is which declarations a commit holds, and in which folders: enough to list those of
// another commit by reading only the folders that differ.
type Listing struct {
	// Files are sorted by path; of them only Path and Blob are set. They must not be changed.
	Files   []File
	folders []listed // as they are met; the access root is the first
}

// listed is a folder and what is below it.
type listed struct {
	path     string
	tree     plumbing.Hash
	from, to int // of Files
	next     int // the first of folders behind it
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
		w := src.walker(&out.Files)
		l := &lister{out: out, other: other}
		w.enter, w.leave, w.linked = l.enter, l.leave, l.linked
		l.open("", src.root)
		defer l.leave()
		return w.declarations(ctx, src.root)
	})
	if same {
		return other, nil
	}
	if err == nil && !slices.IsSortedFunc(out.Files, compareFiles) { // never: git sorts trees likewise
		err = errors.New("the folders of the commit aren't in git's order")
	}
	return out, err
}

// lister keeps the listing while a walker goes through the folders.
type lister struct {
	out, other *Listing
	inside     []int // the folders that are being walked
	at         int   // the first folder of other that isn't before the walker's
}

func (l *lister) open(p string, tree plumbing.Hash) {
	l.inside = append(l.inside, len(l.out.folders))
	l.out.folders = append(l.out.folders, listed{path: p, tree: tree, from: len(l.out.Files)})
}

func (l *lister) leave() {
	f := &l.out.folders[l.inside[len(l.inside)-1]]
	l.inside = l.inside[:len(l.inside)-1]
	f.to, f.next = len(l.out.Files), len(l.out.folders)
}

func (l *lister) enter(p string, tree plumbing.Hash) (int, bool) {
	known, ok := l.find(p)
	if !ok || known.tree != tree {
		l.open(p, tree)
		return 0, false
	}
	files, folders := len(l.out.Files)-known.from, len(l.out.folders)-l.at
	l.out.Files = append(l.out.Files, l.other.Files[known.from:known.to]...)
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
	out = binary.AppendUvarint(out, uint64(len(l.Files)))
	for _, f := range l.Files {
		text(f.Path)
		id := plumbing.NewHash(f.Blob)
		out = append(out, id[:]...)
	}
	return out
}

// ReadListing reads what Append wrote; all of the data is one listing.
func ReadListing(data string) (*Listing, error) {
	r := &listingReader{in: data}
	l := &Listing{folders: make([]listed, r.number(1))}
	for i := range l.folders {
		f := &l.folders[i]
		f.path = r.take(r.number(1))
		copy(f.tree[:], r.take(len(f.tree)))
		f.from, f.to, f.next = r.number(0), r.number(0), r.number(0)
	}
	l.Files = make([]File, r.number(1))
	for i := range l.Files {
		l.Files[i].Path = r.take(r.number(1))
		l.Files[i].Blob = r.take(len(plumbing.ZeroHash))
	}
	if r.failed || r.in != "" || !l.sound() {
		return nil, ErrListing
	}
	ids := make([]byte, 0, len(l.Files)*2*len(plumbing.ZeroHash))
	for _, f := range l.Files {
		ids = hex.AppendEncode(ids, []byte(f.Blob))
	}
	all := string(ids)
	for i := range l.Files {
		l.Files[i].Blob, all = all[:2*len(plumbing.ZeroHash)], all[2*len(plumbing.ZeroHash):]
	}
	return l, nil
}

// sound reports whether the numbers of the folders can be followed: each lies within the one that
// is around it.
func (l *Listing) sound() bool {
	inside := []listed{{to: len(l.Files), next: len(l.folders)}}
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
	return slices.IsSortedFunc(l.Files, compareFiles)
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
