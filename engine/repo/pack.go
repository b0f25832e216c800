package repo

import (
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"hash"
	"io"
	"strconv"

	"github.com/go-git/go-git/v5/plumbing"
	githash "github.com/go-git/go-git/v5/plumbing/hash"

	"github.com/go-git/go-git/v5/plumbing/format/packfile"
)

// A commit's declarations are mostly small blobs in one pack, many thousands of them. go-git reads each
// by itself: it makes an index of the places, seeks, reads a block, and makes the id of what deltas are
// based on. A packReader goes through a pack once instead. It reads blobs and nothing else, and gives
// no content that doesn't have its id; what it can't read, for whatever reason, is left to go-git, which
// also says what is wrong.
//
// The format is git's (gitformat-pack). Its zlib streams and deltas are read by libraries.

// errNotMine says that go-git has to read an object.
var errNotMine = errors.New("not an object that is read by itself")

// The limits of one packReader.
const (
	packWindow = 128 << 10 // bytes that are read at a time
	maxBases   = 32 << 20  // bytes of contents that are kept as bases of deltas
	maxChain   = 4096      // deltas one on the other; git makes 4095 at most
)

// The types of a pack's entries that matter.
const (
	packBlob     = 3
	packOfsDelta = 6
	packRefDelta = 7
)

// packReader reads blobs from packs, best in the order of their places. Not safe for concurrent use.
type packReader struct {
	pack *pack

	window []byte // of the pack
	start  int64  // the place of the window
	next   int    // the place in the window that is read next

	inflater io.ReadCloser
	bases    map[int64][]byte // contents by their places
	kept     int              // bytes of these
	hash     hash.Hash
}

// turnTo begins another pack.
func (r *packReader) turnTo(p *pack) {
	if r.pack != p {
		r.pack, r.window, r.next, r.bases, r.kept = p, r.window[:0], 0, map[int64][]byte{}, 0
	}
}

// blob reads the content of a blob; nil if it is larger than the limit. The error is errNotMine or
// another that go-git says better.
func (r *packReader) blob(at int64, id plumbing.Hash, limit int64) (data []byte, size int64, err error) {
	data, size, err = r.object(at, limit)
	if err == nil && data != nil && r.hashOf(data) != id {
		err = fmt.Errorf("the content at %d isn't %s", at, id)
	}
	return data, size, err
}

// hashOf is the id of a blob.
func (r *packReader) hashOf(data []byte) (id plumbing.Hash) {
	if r.hash == nil {
		r.hash = githash.New(githash.CryptoType)
	}
	r.hash.Reset()
	var head [32]byte
	r.hash.Write(append(strconv.AppendInt(append(head[:0], "blob "...), int64(len(data)), 10), 0))
	r.hash.Write(data)
	r.hash.Sum(id[:0])
	return id
}

// object reads the entry at a place, with all that it is based on.
func (r *packReader) object(at, limit int64) (data []byte, size int64, err error) {
	var deltas [][]byte
	var places []int64
	for {
		var known bool
		if data, known = r.bases[at]; known {
			break
		}
		e, err := r.entry(at)
		if err != nil {
			return nil, 0, err
		}
		if e.kind == packBlob {
			if e.size > limit && len(deltas) == 0 {
				return nil, e.size, nil
			}
			if data, err = r.inflate(e.size); err != nil {
				return nil, 0, err
			}
			r.keep(at, data)
			break
		}
		delta, err := r.inflate(e.size)
		if err != nil {
			return nil, 0, err
		}
		size, err := deltaSize(delta)
		if err != nil {
			return nil, 0, err
		}
		if size > limit && len(deltas) == 0 {
			return nil, size, nil
		}
		if size > largeObject || len(deltas) == maxChain {
			return nil, 0, errNotMine
		}
		deltas, places, at = append(deltas, delta), append(places, at), e.base
	}
	for i := len(deltas) - 1; i >= 0; i-- {
		if data, err = packfile.PatchDelta(data, deltas[i]); err != nil {
			return nil, 0, err
		}
		r.keep(places[i], data)
	}
	return data, int64(len(data)), nil
}

// keep remembers what other entries may be based on.
func (r *packReader) keep(at int64, data []byte) {
	if r.kept += len(data); r.kept > maxBases {
		clear(r.bases)
		r.kept = len(data)
	}
	r.bases[at] = data
}

// packEntry is the head of an entry.
type packEntry struct {
	kind byte
	size int64 // of the content, or of the delta
	base int64 // the place of what a delta is based on
}

// entry reads the head of the entry at a place; what follows is its zlib stream.
func (r *packReader) entry(at int64) (e packEntry, err error) {
	r.seek(at)
	c, err := r.ReadByte()
	if err != nil {
		return e, err
	}
	e.kind, e.size = c>>4&7, int64(c&15)
	for shift := 4; c&0x80 != 0; shift += 7 {
		if c, err = r.ReadByte(); err != nil {
			return e, err
		}
		if e.size |= int64(c&0x7f) << shift; e.size > largeObject || shift > 32 {
			return e, errNotMine
		}
	}
	switch e.kind {
	case packBlob:
	case packOfsDelta:
		e.base, err = r.before(at)
	case packRefDelta:
		var id plumbing.Hash
		if _, err = io.ReadFull(r, id[:]); err == nil {
			var ok bool
			if e.base, ok = r.pack.find(id); !ok {
				err = errNotMine
			}
		}
	default:
		err = errNotMine
	}
	return e, err
}

// before reads how far before a place something stands, and gives the place of that.
func (r *packReader) before(at int64) (int64, error) {
	c, err := r.ReadByte()
	back := int64(c & 0x7f)
	for err == nil && c&0x80 != 0 && back < at {
		c, err = r.ReadByte()
		back = (back+1)<<7 | int64(c&0x7f)
	}
	if err == nil && (back <= 0 || back >= at) {
		err = errNotMine
	}
	return at - back, err
}

// inflate reads the stream that follows, which has to have that size.
func (r *packReader) inflate(size int64) (data []byte, err error) {
	if r.inflater == nil {
		r.inflater, err = zlib.NewReader(r)
	} else {
		err = r.inflater.(zlib.Resetter).Reset(r, nil)
	}
	if err != nil {
		return nil, err
	}
	data = make([]byte, size)
	if _, err := io.ReadFull(r.inflater, data); err != nil {
		return nil, err
	}
	var more [1]byte
	if n, err := r.inflater.Read(more[:]); n != 0 || !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("a content is longer than its %d bytes: %w", size, errNotMine)
	}
	return data, nil
}

// deltaSize is the size of what a delta makes.
func deltaSize(delta []byte) (int64, error) {
	b := bytes.NewReader(delta)
	var size int64
	for range 2 { // the base's, then its own
		size = 0
		for shift := 0; ; shift += 7 {
			c, err := b.ReadByte()
			if err != nil || shift > 35 {
				return 0, errNotMine
			}
			size |= int64(c&0x7f) << shift
			if c&0x80 == 0 {
				break
			}
		}
	}
	return size, nil
}

// seek goes to a place, mostly one in the window.
func (r *packReader) seek(at int64) {
	if at >= r.start && at <= r.start+int64(len(r.window)) {
		r.next = int(at - r.start)
		return
	}
	r.start, r.window, r.next = at, r.window[:0], 0
}

// fill reads the next window.
func (r *packReader) fill() error {
	if r.window == nil {
		r.window = make([]byte, 0, packWindow)
	}
	r.start += int64(len(r.window))
	n, err := r.pack.file.ReadAt(r.window[:packWindow], r.start)
	r.window, r.next = r.window[:n], 0
	if n > 0 {
		return nil
	}
	return unexpected(err)
}

// ReadByte implements io.ByteReader: that way nothing behind a stream is read.
func (r *packReader) ReadByte() (byte, error) {
	if r.next == len(r.window) {
		if err := r.fill(); err != nil {
			return 0, err
		}
	}
	r.next++
	return r.window[r.next-1], nil
}

// Read implements io.Reader.
func (r *packReader) Read(p []byte) (int, error) {
	if r.next == len(r.window) {
		if err := r.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.window[r.next:])
	r.next += n
	return n, nil
}

// unexpected makes the end of a pack an error: nothing that is read here reaches up to it.
func unexpected(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
