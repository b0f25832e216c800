package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// source is where the lines of a journal come from: memory, or a file that is read as far as its
// lines are gone through. A journal may be long, and what memory keeps of it is little.
type source struct {
	data []byte // what was read and isn't gone through yet; good until more is read
	left int64  // how much is still to be read
	file *os.File
	buf  []byte // in which data stands, of a file
}

// firstRead is how much of a file is read at once; more where a line is longer.
const firstRead = 1 << 20

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

// fill reads on.
func (s *source) fill() error {
	if len(s.data) == len(s.buf) {
		s.buf = make([]byte, min(int64(max(firstRead, 2*len(s.buf))), s.size()))
	}
	n := copy(s.buf, s.data)
	free := s.buf[n:]
	free = free[:min(int64(len(free)), s.left)]
	read, err := io.ReadFull(s.file, free)
	s.data, s.left = s.buf[:n+read], s.left-int64(read)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) { // it has become shorter
		s.left, err = 0, nil
	}
	return err
}

// rest returns all that is left.
func (s *source) rest(name string) ([]byte, error) {
	for s.left > 0 {
		if err := s.fill(); err != nil {
			return nil, fmt.Errorf("reading the journal %s: %w", name, err)
		}
	}
	return s.data, nil
}
