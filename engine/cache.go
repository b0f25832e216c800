package engine

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sync"
	"time"
	"unsafe"

	"github.com/accordhq/accord/engine/declare"
	"github.com/accordhq/accord/engine/repo"
)

// What a run understood of a repository's files is kept for the next one, which then neither
// reads nor parses what hasn't changed. It is all in one file, by git's names of folders and
// contents:
//
//	"accord cache 1\n", the name of the program (64 hex digits), the length of the listing and its CRC-32C
//	the listing (see repo.Listing), what was compiled (see declare.Compiled)
//
// It can be deleted at any time. What another build of Accord wrote isn't looked at, nor what is
// damaged, nor what others than the user may write to. What is carried out never comes from here:
// apply and offboard read the commit itself.
const (
	cacheMagic  = "accord cache 1\n"
	cacheHeader = len(cacheMagic) + 2*sha256.Size + 8 + 4

	// cacheFrom is from how many files on it is worth its while.
	cacheFrom = 200
	// cacheAge is after which time without being written anew a repository's file goes.
	cacheAge = 60 * 24 * time.Hour
	// cutOffAge is after which time a file that was never finished goes.
	cutOffAge = time.Hour

	cacheSuffix = ".compiled"
)

// cache is what an earlier run left.
type cache struct {
	listing  *repo.Listing
	compiled *declare.Compiled
}

// uncached is the engine for runs that carry something out.
func (e *Engine) uncached() *Engine {
	own := *e
	own.Cache = ""
	return &own
}

// openKept opens what an earlier run left of the declaration's repository.
func (e *Engine) openKept(d *Declaration) {
	if d.cache = e.openCache(d.Root); d.cache != nil {
		d.kept = d.cache.compiled.Kept(e.Descriptions(), d.text)
	}
}

// deriveBeside gives a revision as what the cache holds and what differs from that; nil where that
// can't be done. It costs what differs.
func (e *Engine) deriveBeside(ctx context.Context, d *Declaration, listing *repo.Listing) (*declare.Repository, error) {
	if d.kept == nil {
		return nil, nil
	}
	gone, come, ok := listing.Since(d.cache.listing)
	if !ok {
		return nil, nil
	}
	known := declare.Known{Repo: d.Repo, Compiled: d.cache.compiled, Connectors: e.Descriptions(), Text: d.text}
	return e.deriveKept(ctx, d, gone, come, known)
}

// deriveKept makes of what the cache holds what has these files otherwise, and checks it. Those that
// aren't known and have no content yet are read.
func (e *Engine) deriveKept(ctx context.Context, d *Declaration, gone []string, come []repo.File, known declare.Known) (*declare.Repository, error) {
	if len(come) > mostDerived {
		return nil, nil
	}
	var missing []repo.File
	files := make([]declare.File, 0, len(come))
	for _, f := range come {
		if f.Data != nil || known.Has(f.Path, f.Blob) {
			files = append(files, declare.File{Path: f.Path, Blob: f.Blob, Data: f.Data})
		} else {
			missing = append(missing, f)
		}
	}
	if err := d.git.Read(ctx, d.commit, missing); err != nil {
		return nil, err
	}
	for _, f := range missing {
		if f.Data == nil && f.Size > 0 {
			return nil, nil // too large to be read: which is told where all files are
		}
		files = append(files, declare.File{Path: f.Path, Blob: f.Blob, Data: f.Data})
	}
	r := d.kept.Derive(gone, files, known)
	if r == nil {
		return nil, nil
	}
	return r, r.Check(known.Connectors).Err()
}

// mostDerived is how many files a revision may have otherwise than the cache.
const mostDerived = 10_000

func (e *Engine) cacheFile(root string) string {
	sum := sha256.Sum256([]byte(root))
	return filepath.Join(e.Cache, hex.EncodeToString(sum[:16])+cacheSuffix)
}

// openCache gives what an earlier run left of the repository; nil if there is nothing to be used.
func (e *Engine) openCache(root string) *cache {
	if e.Cache == "" {
		return nil
	}
	c, err := readCache(e.cacheFile(root))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		e.Log.Debug("the cache isn't used", "err", err)
	}
	return c
}

func readCache(name string) (*cache, error) {
	data, err := readOwn(name)
	if err != nil {
		return nil, err
	}
	return parseCache(data)
}

// readOwn reads a file that nobody but the user may write to, as far as can be told.
func readOwn(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	if info.Mode().Perm()&0o022 != 0 && runtime.GOOS != "windows" {
		return "", fmt.Errorf("%s: others may write to it", name)
	}
	data := make([]byte, info.Size())
	half := len(data) / 2 // mostly it takes its time to make room, which two can do
	var behind error
	var both sync.WaitGroup
	both.Go(func() { _, behind = f.ReadAt(data[half:], int64(half)) })
	_, err = f.ReadAt(data[:half], 0)
	both.Wait()
	if err = errors.Join(err, behind); err != nil {
		return "", err
	}
	return unsafe.String(unsafe.SliceData(data), len(data)), nil // nobody changes it from here on
}

func parseCache(data string) (*cache, error) {
	if len(data) < cacheHeader || data[:len(cacheMagic)] != cacheMagic {
		return nil, errors.New("it isn't one")
	}
	head, data := data[len(cacheMagic):cacheHeader], data[cacheHeader:]
	if head[:2*sha256.Size] != programName() {
		return nil, errors.New("another build of the program wrote it")
	}
	numbers := []byte(head[2*sha256.Size:])
	n := binary.BigEndian.Uint64(numbers)
	if n > uint64(len(data)) || binary.BigEndian.Uint32(numbers[8:]) != listingSum(data[:n]) {
		return nil, errors.New("it is damaged")
	}
	var c cache
	var wrong, err error
	var both sync.WaitGroup
	both.Go(func() { c.listing, wrong = repo.ReadListing(data[:n]) })
	c.compiled, err = declare.OpenCompiled(data[n:])
	both.Wait()
	if err = errors.Join(wrong, err); err != nil {
		return nil, err
	}
	return &c, nil
}

func listingSum(s string) uint32 {
	return crc32.Checksum(unsafe.Slice(unsafe.StringData(s), len(s)), crc32.MakeTable(crc32.Castagnoli))
}

// keepCache leaves what was understood of a sound declaration for the next run, unless that comes
// of what was kept already but for a few files.
func (e *Engine) keepCache(d *Declaration) {
	if e.Cache == "" || d.listing == nil || d.listing.Len() < cacheFrom {
		return
	}
	if d.cache != nil && d.Repo.Kept() && d.Repo.Compilable(d.cache.compiled) <= d.listing.Len()/100 {
		return
	}
	if err := e.writeCache(d); err != nil {
		e.Log.Debug("the cache wasn't written", "err", err)
	}
}

func (e *Engine) writeCache(d *Declaration) error {
	compiled, listing := d.Repo.Compile(), d.listing.Append(nil)
	if compiled == nil {
		return errors.New("it would be too long")
	}
	var head bytes.Buffer
	head.WriteString(cacheMagic + programName())
	head.Write(binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(nil, uint64(len(listing))), listingSum(string(listing))))
	name := e.cacheFile(d.Root)
	if err := writeAtOnce(name, head.Bytes(), listing, compiled); err != nil {
		return err
	}
	e.sweepCache(name)
	return nil
}

// sweepCache removes files of repositories that nobody works with any more, and what was left by
// runs that were cut off.
func (e *Engine) sweepCache(but string) {
	for pattern, age := range map[string]time.Duration{"*" + cacheSuffix: cacheAge, "*.sound": cacheAge, "new-*": cutOffAge} {
		names, _ := filepath.Glob(filepath.Join(e.Cache, pattern))
		for _, name := range names {
			if info, err := os.Stat(name); err == nil && name != but && e.Now().Sub(info.ModTime()) > age {
				_ = os.Remove(name)
			}
		}
	}
}

// programName names this very build: two builds may understand a file otherwise.
func programName() string {
	h := sha256.New()
	if info, ok := debug.ReadBuildInfo(); ok {
		fmt.Fprintln(h, info)
	}
	if exe, err := os.Executable(); err == nil {
		if info, err := os.Stat(exe); err == nil {
			fmt.Fprintln(h, info.Size(), info.ModTime().UnixNano())
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}
