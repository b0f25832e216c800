package journal

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"unicode/utf8"
)

// source is where the lines of a journal come from: memory, or a file that is read as far as its
// lines are gone through. A journal may be long, and what memory keeps of it is little.
type source struct {
	data []byte // what was read and isn't gone through yet; good until more is read
	left int64  // how much is still to be read
	file *os.File
	at   int64  // where in the file that begins
	buf  []byte // in which data stands, of a file
	next []byte // as long, for taking turns
}

const (
	// firstRead is how much of a file is in memory at once; more only where a line is longer and
	// has to be there as a whole.
	firstRead = 1 << 20
	// longChange is longer than a change is, mostly: so much of one is in memory when it is read.
	longChange = 64 << 10
)

// streamed is implemented by stores that needn't be in memory as a whole to be read.
type streamed interface {
	// stream returns what Load would. Who calls it closes it.
	stream(ctx context.Context) (*source, error)
}

func whole(data []byte) *source { return &source{data: data} }

// read begins to read a store.
func read(ctx context.Context, s Store) (src *source, err error) {
	if d, ok := s.(streamed); ok {
		src, err = d.stream(ctx)
	} else {
		var data []byte
		data, err = s.Load(ctx)
		src = whole(data)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the journal %s: %w", s, err)
	}
	return src, nil
}

func (d dir) stream(ctx context.Context) (*source, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f, err := d.open(os.O_RDONLY)
	if errors.Is(err, fs.ErrNotExist) {
		return &source{}, nil
	}
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &source{file: f, left: info.Size()}, nil
}

func (s *source) close() {
	if s.file != nil {
		s.file.Close() // nothing was written
	}
}

// size is how much there is from here on.
func (s *source) size() int64 { return int64(len(s.data)) + s.left }

// line returns the next line with its newline, without going on; nil if what is left has none.
func (s *source) line() ([]byte, error) {
	for from := 0; ; {
		if n := bytes.IndexByte(s.data[from:], '\n'); n >= 0 {
			return s.data[:from+n+1], nil
		}
		from = len(s.data)
		if s.left == 0 {
			return nil, nil
		}
		if err := s.fill(); err != nil {
			return nil, err
		}
	}
}

// all reads all that is left.
func (s *source) all() error {
	for s.left > 0 {
		if err := s.fill(); err != nil {
			return err
		}
	}
	return nil
}

// fill reads on.
func (s *source) fill() error {
	if len(s.data) == len(s.buf) {
		s.buf = make([]byte, min(int64(max(firstRead, 2*len(s.buf))), s.size()))
	}
	n := copy(s.buf, s.data)
	free := s.buf[n:]
	read, err := s.file.ReadAt(free[:min(int64(len(free)), s.left)], s.at)
	s.data, s.left, s.at = s.buf[:n+read], s.left-int64(read), s.at+int64(read)
	if errors.Is(err, io.EOF) { // it has become shorter
		s.left, err = 0, nil
	}
	if err != nil {
		return sourceError{err}
	}
	return nil
}

// turn makes the next fill leave the bytes that were read before in their place.
func (s *source) turn() {
	if len(s.next) != len(s.buf) {
		s.next = make([]byte, len(s.buf))
	}
	s.buf, s.next = s.next, s.buf
}

// sourceError is about the file, and not about what stands in it.
type sourceError struct{ error }

func (e sourceError) Unwrap() error { return e.error }

// long reads a Begun whose line is longer than what is in memory, without having all of it there
// at once. It returns 0, and the source as it was, if the next line is another one or anything
// is wrong with it.
func (p *packer) long(src *source) (e Entry, n int64, err error) {
	if src.left > 0 && len(src.data) < longChange {
		if err := src.fill(); err != nil {
			return e, 0, err
		}
	}
	if src.left == 0 || bytes.IndexByte(src.data, '\n') >= 0 {
		return e, 0, nil
	}
	from, size := src.at-int64(len(src.data)), src.size()
	if e, err = p.stream(src); err == nil {
		return e, size - src.size(), nil
	}
	src.data, src.at, src.left = nil, from, size
	if errors.As(err, new(sourceError)) {
		return e, 0, err
	}
	return Entry{}, 0, nil
}

// stream reads a line as far as it is gone through; what is behind is hashed meanwhile. Any error
// but a sourceError stands for what decode has to say.
func (p *packer) stream(src *source) (e Entry, err error) {
	n := bytes.Index(src.data, []byte(lineData)) + len(lineData)
	if n < len(lineData) {
		return e, errLine
	}
	kind, rest, err := decodeHead(&e, string(src.data[:n]))
	if err != nil || kind != KindBegun || rest != "" {
		return e, errLine
	}
	hashed := hashBehind()
	more := func() {
		hashed.parts <- p.b[:p.at]
		src.data = src.data[p.at:]
		if err == nil && src.left > 0 {
			src.turn() // what is being hashed stays where it is
			err = src.fill()
		}
		p.b, p.at = src.data, 0
		if src.left == 0 {
			p.reload = nil
		}
	}
	p.begin(src.data, n, int(min(src.size(), 32*firstRead)))
	p.reload = more
	e.Data = p.data()
	more()
	hash, text := hashed.sum()
	if err != nil {
		return e, err
	}
	const sealed = sealLen + len("\n")
	if p.bad || !text || len(src.data) < sealed || src.data[sealLen] != '\n' {
		return e, errLine
	}
	e.Hash = hash
	if string(src.data[:sealLen]) != lineHash+e.Hash+lineEnd {
		return e, errLine
	}
	src.data = src.data[sealed:]
	return e, nil
}

// behind hashes the parts of a line one after the other, each of whole characters. A part may be
// overwritten when the one after the next was taken.
type behind struct {
	parts chan []byte
	done  chan struct{}
	hash  hash.Hash
	text  bool
}

func hashBehind() *behind {
	h := &behind{parts: make(chan []byte), done: make(chan struct{}), hash: sha256.New(), text: true}
	go func() {
		defer close(h.done)
		for part := range h.parts {
			h.hash.Write(part)
			h.text = h.text && utf8.Valid(part)
		}
	}()
	return h
}

// sum ends it, and returns the hash of a line with that body and whether it is UTF-8.
func (h *behind) sum() (hash string, text bool) {
	close(h.parts)
	<-h.done
	h.hash.Write([]byte{'}'})
	return hex.EncodeToString(h.hash.Sum(nil)), h.text
}
