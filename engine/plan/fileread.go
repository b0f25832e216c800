package plan

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// A plan file is read in three parts: what stands before the steps, the steps, and what follows.
// The first and the last are small, and encoding/json reads them. The steps are read a piece after
// the other, on all processors, by a parser that knows the form that Write gives them. A file in
// any other form, or with anything wrong in it, is read once more, by encoding/json alone: its word
// counts, and its errors are what people see (FuzzReadPlan compares the two).

const (
	// beginOfSteps stands before the first step, endOfStep ends each, endOfSteps follows the last.
	beginOfSteps = "\n \"steps\": ["
	endOfStep    = "\n  }"
	endOfSteps   = "\n ]"
	// pieceSize is how much is read at a time, in bytes; a step that is longer than maxPiece, or a
	// beginning that is, isn't for the parser.
	pieceSize = 1 << 18
	maxPiece  = 64 << 20
)

// decode reads the plan of a file and nothing behind it.
func decode(r io.Reader) (*Plan, error) {
	file, err := seekable(r)
	if err != nil {
		return nil, err
	}
	start, err := file.Seek(0, io.SeekCurrent)
	if err != nil {
		return nil, err
	}
	end, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, err
	}
	if _, err := file.Seek(start, io.SeekStart); err != nil {
		return nil, err
	}
	p, err := decodeForm(&io.LimitedReader{R: file, N: maxFile}, min(end-start, maxFile))
	if !errors.Is(err, errForm) {
		return p, err
	}
	if _, err := file.Seek(start, io.SeekStart); err != nil {
		return nil, err
	}
	return decodeAny(&io.LimitedReader{R: file, N: maxFile})
}

// seekable gives a reader that can be read once more. What can't be is taken in as a whole.
func seekable(r io.Reader) (io.ReadSeeker, error) {
	if s, ok := r.(io.ReadSeeker); ok {
		if _, err := s.Seek(0, io.SeekCurrent); err == nil {
			return s, nil
		}
	}
	b, err := io.ReadAll(io.LimitReader(r, maxFile))
	return bytes.NewReader(b), err
}

// decodeAny reads a plan in whatever form of JSON.
func decodeAny(r io.Reader) (*Plan, error) {
	var p Plan
	if err := decodeStrictly(bufio.NewReaderSize(r, 1<<16), &p); err != nil {
		return nil, err
	}
	return &p, nil
}

// errMore says that something follows the plan.
var errMore = errors.New("more follows after its end")

func decodeStrictly(r io.Reader, p *Plan) error {
	dec := json.NewDecoder(r)
	dec.DisallowUnknownFields()
	if err := dec.Decode(p); err != nil {
		return err
	}
	if _, err := dec.Token(); err != io.EOF {
		return errMore
	}
	return nil
}

// decodeForm reads a plan, of so many bytes, in the form that Write gives it; any other is errForm.
func decodeForm(r io.Reader, size int64) (*Plan, error) {
	in := &pieces{r: r}
	head, err := in.head()
	if err != nil {
		return nil, err
	}
	// The list of steps has a mark, so that another one, before or after, can't pass for it.
	p := Plan{Steps: make([]Step, 0, 1)}
	if decodeStrictly(io.MultiReader(bytes.NewReader(head), strings.NewReader("}")), &p) != nil {
		return nil, errForm
	}
	steps, err := in.steps(int(max(0, size)))
	if err != nil {
		return nil, err
	}
	rest, err := in.tail()
	if err != nil {
		return nil, err
	}
	if decodeStrictly(rest, &p) != nil || len(p.Steps) != 0 || cap(p.Steps) != 1 {
		return nil, errForm
	}
	p.Steps = steps
	return &p, nil
}

// pieces cuts a plan file where it can be cut without reading it: in the form that Write gives it
// every line stands where it belongs, and no string has a line break.
type pieces struct {
	r    io.Reader
	b    []byte // read and not yet handed out
	seen int    // so much of it doesn't have the end of the list
	done bool   // nothing is left to read
	last bool   // the last step was handed out
}

// more reads on.
func (in *pieces) more() error {
	if in.done || len(in.b) > maxPiece {
		return errForm
	}
	n := len(in.b)
	size := max(n, pieceSize)
	in.b = slices.Grow(in.b, size)
	k, err := io.ReadFull(in.r, in.b[n:n+size])
	in.b = in.b[:n+k]
	if in.done = err == io.EOF || err == io.ErrUnexpectedEOF; in.done {
		return nil
	}
	return err
}

// head is what stands before the steps, without the comma.
func (in *pieces) head() ([]byte, error) {
	for seen := 0; ; {
		if i := bytes.Index(in.b[seen:], []byte(beginOfSteps+"\n")); i >= 0 {
			head := in.b[:seen+i]
			in.b = in.b[seen+i+len(beginOfSteps):]
			if !bytes.HasPrefix(head, []byte("{\n \"")) || !bytes.HasSuffix(head, []byte(",")) {
				return nil, errForm
			}
			return head[:len(head)-1], nil
		}
		seen = max(0, len(in.b)-len(beginOfSteps))
		if err := in.more(); err != nil {
			return nil, err
		}
	}
}

// next is a piece of the list: whole steps, with what separates them; nil after the last. What is
// read on goes into the space.
func (in *pieces) next(space []byte) ([]byte, error) {
	for !in.last {
		if end := endOfList(in.b[in.seen:], endOfStep+endOfSteps); end >= 0 {
			end += in.seen
			piece := in.b[:end-len(endOfSteps)]
			in.b, in.last = in.b[end:], true
			return piece, nil
		}
		in.seen = max(0, len(in.b)-len(endOfStep+endOfSteps))
		if len(in.b) >= pieceSize {
			if i := bytes.LastIndex(in.b, []byte(endOfStep+",\n")); i >= 0 {
				i += len(endOfStep)
				piece := in.b[:i]
				in.b = append(space[:0], in.b[i+1:]...)
				in.seen = max(0, in.seen-i-1)
				return piece, nil
			}
		}
		if err := in.more(); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// endOfList is the place behind the first line that ends a list as given, which has one bracket;
// -1 if there is none. Brackets are rare, line breaks aren't.
func endOfList(b []byte, end string) int {
	for at := 0; ; {
		i := bytes.IndexByte(b[at:], ']')
		if i < 0 {
			return -1
		}
		at += i + 1
		if at >= len(end) && string(b[at-len(end):at]) == end {
			return at
		}
	}
}

// tail is an object of what follows the steps.
func (in *pieces) tail() (io.Reader, error) {
	for len(in.b) < len(",\n \"") && !in.done {
		if err := in.more(); err != nil {
			return nil, err
		}
	}
	switch {
	case bytes.HasPrefix(in.b, []byte(",\n \"")):
		in.b = in.b[1:]
	case !bytes.HasPrefix(in.b, []byte("\n}")):
		return nil, errForm
	}
	return io.MultiReader(strings.NewReader("{"), bytes.NewReader(in.b), in.r), nil
}

// batch is a piece, and what a parser made of it. Batches are used again and again.
type batch struct {
	piece []byte
	steps []Step
	err   error
	done  chan struct{}
}

// longStep is how long a step is, in bytes, in a file for which the list has space from the
// beginning; of shorter ones there are more than fit.
const longStep = 512

// steps reads the list of steps of a file of so many bytes.
func (in *pieces) steps(size int) ([]Step, error) {
	workers := runtime.GOMAXPROCS(0)
	free, jobs, order := make(chan *batch, 2*workers), make(chan *batch), make(chan *batch, 2*workers)
	for range cap(free) {
		free <- &batch{done: make(chan struct{}, 1)}
	}
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			p := newStepParser()
			for b := range jobs {
				b.steps, b.err = p.parse(b.piece, b.steps[:0])
				b.done <- struct{}{}
			}
		})
	}
	var failed atomic.Bool
	var out []Step
	wg.Go(func() {
		for b := range order {
			<-b.done
			if b.err != nil {
				failed.Store(true)
			} else if out == nil {
				out = make([]Step, 0, max(len(b.steps), size/longStep))
			}
			out = append(out, b.steps...)
			clear(b.steps)
			free <- b
		}
	})
	var err error
	for !failed.Load() {
		b := <-free
		if b.piece, err = in.next(b.piece); b.piece == nil || err != nil {
			break
		}
		order <- b
		jobs <- b
	}
	close(jobs)
	close(order)
	wg.Wait()
	if failed.Load() {
		return nil, errForm
	}
	return out, err
}
