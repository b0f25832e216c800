package repo

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync/atomic"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/idxfile"
	"github.com/go-git/go-git/v5/storage/filesystem/dotgit"
	"golang.org/x/sync/errgroup"
)

// pack is one pack of the repository. It is safe for concurrent use.
type pack struct {
	number int
	index  *idxfile.MemoryIndex
	file   readerAtCloser
}

type readerAtCloser interface {
	io.ReaderAt
	io.Closer
}

// find gives the place of an object. The index's own way to find one also remembers each that was found.
func (p *pack) find(id plumbing.Hash) (int64, bool) {
	if len(p.index.FanoutMapping) <= int(id[0]) {
		return 0, false
	}
	k := p.index.FanoutMapping[id[0]]
	if k < 0 || k >= len(p.index.Names) {
		return 0, false
	}
	names := p.index.Names[k]
	lo, hi := 0, len(names)/len(id)
	for lo < hi {
		mid := (lo + hi) / 2
		switch c := bytes.Compare(names[mid*len(id):(mid+1)*len(id)], id[:]); {
		case c < 0:
			lo = mid + 1
		case c > 0:
			hi = mid
		default:
			at := binary.BigEndian.Uint32(p.index.Offset32[k][4*mid:])
			return int64(at), at < 1<<31 // beyond, it stands in another table: a pack of more than 2 GiB
		}
	}
	return 0, false
}

// packs opens all packs; those that can't be read are left out.
func (r *Repo) packs() (out []*pack, err error) {
	err = r.use(func(h *handle) error {
		for _, s := range h.stores {
			dir := dotgit.New(s.Filesystem())
			names, err := dir.ObjectPacks()
			if err != nil {
				continue
			}
			for _, name := range names {
				if p := openPack(dir, name); p != nil {
					p.number = len(out)
					out = append(out, p)
				}
			}
		}
		return nil
	})
	return out, err
}

func openPack(dir *dotgit.DotGit, name plumbing.Hash) *pack {
	index, err := dir.ObjectPackIdx(name)
	if err != nil {
		return nil
	}
	defer index.Close()
	p := &pack{index: idxfile.NewMemoryIndex()}
	if err := idxfile.NewDecoder(index).Decode(p.index); err != nil {
		return nil
	}
	if p.file, err = dir.ObjectPack(name); err != nil {
		return nil
	}
	return p
}

// stored is where a file's content stands.
type stored struct {
	pack *pack
	at   int64
	file *File
}

// loadPacked reads the contents that stand in packs, in the order of their places. What it can't read
// stays as it is.
func (r *Repo) loadPacked(ctx context.Context, list []File, limit int64, total *atomic.Int64) (err error) {
	packs, err := r.packs()
	if err != nil {
		return err
	}
	defer func() {
		for _, p := range packs {
			err = errors.Join(err, p.file.Close())
		}
	}()
	all := placesOf(packs, list)
	var next atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	for range min(maxWorkers, runtime.GOMAXPROCS(0)) {
		group.Go(func() error {
			var reader packReader
			for {
				from := int(next.Add(batch)) - batch
				if from >= len(all) {
					return nil
				}
				if err := reader.load(ctx, all[from:min(from+batch, len(all))], limit, total); err != nil {
					return err
				}
			}
		})
	}
	return group.Wait()
}

// placesOf finds the files' contents in the packs, sorted by their places.
func placesOf(packs []*pack, list []File) []stored {
	all := make([]stored, 0, len(list))
	for i := range list {
		id := plumbing.NewHash(list[i].Blob)
		for _, p := range packs {
			if at, ok := p.find(id); ok {
				all = append(all, stored{p, at, &list[i]})
				break
			}
		}
	}
	slices.SortFunc(all, func(a, b stored) int {
		return cmp.Or(cmp.Compare(a.pack.number, b.pack.number), cmp.Compare(a.at, b.at))
	})
	return all
}

func (r *packReader) load(ctx context.Context, list []stored, limit int64, total *atomic.Int64) error {
	for _, s := range list {
		if err := ctx.Err(); err != nil {
			return err
		}
		r.turnTo(s.pack)
		data, size, err := r.blob(s.at, plumbing.NewHash(s.file.Blob), limit)
		if err != nil {
			continue
		}
		if data != nil && total.Add(size) > MaxTotal {
			return tooMuch()
		}
		s.file.Data, s.file.Size = data, size
	}
	return nil
}

// loaded reports whether a file's content was read, or is too large to be.
func (f *File) loaded() bool { return f.Data != nil || f.Size > 0 }

func tooMuch() error {
	return fmt.Errorf("%w: the files are larger than %d bytes together", ErrRefused, MaxTotal)
}
