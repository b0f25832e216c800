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
	p, err := decodeForm(&io.LimitedReader{R: file, N: maxFile})
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

// decodeForm reads a plan in the form that Write gives it; any other is errForm.
func decodeForm(r io.Reader) (*Plan, error) {
	in := &pieces{r: r}
	head, err := in.head()
	if err != nil {
		return nil, err
	}
	// The list of steps has a mark, so that another one, before or after, can't pass for it.
	p := Plan{Steps: make([]Step, 0, 1)}
	if decodeStrictly(io.MultiReader(bytes.NewReader(head), strings.NewReader("}")), &p) != nil || !marked(&p) {
		return nil, errForm
	}
	steps, err := in.steps()
	if err != nil {
		return nil, err
	}
	rest, err := in.tail()
	if err != nil {
		return nil, err
	}
	if decodeStrictly(rest, &p) != nil || !marked(&p) {
		return nil, errForm
	}
	p.Steps = steps
	return &p, nil
}

func marked(p *Plan) bool { return len(p.Steps) == 0 && cap(p.Steps) == 1 }

// pieces cuts a plan file where it can be cut without reading it: in the form that Write gives it
// every line stands where it belongs, and no string has a line break.
type pieces struct {
	r    io.Reader
	b    []byte // read and not yet handed out
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

// next is a piece of the list: whole steps, with what separates them; nil after the last.
func (in *pieces) next() ([]byte, error) {
	for !in.last {
		if i := bytes.Index(in.b, []byte(endOfStep+endOfSteps)); i >= 0 {
			i += len(endOfStep)
			piece := in.b[:i:i]
			in.b, in.last = in.b[i+len(endOfSteps):], true
			return piece, nil
		}
		if len(in.b) >= pieceSize {
			if i := bytes.LastIndex(in.b, []byte(endOfStep+",\n")); i >= 0 {
				i += len(endOfStep)
				piece := in.b[:i:i]
				in.b = append(make([]byte, 0, len(in.b)-i-1+2*pieceSize), in.b[i+1:]...)
				return piece, nil
			}
		}
		if err := in.more(); err != nil {
			return nil, err
		}
	}
	return nil, nil
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

// read is what a parser made of a piece.
type read struct {
	steps []Step
	err   error
}

// steps reads the list of steps.
func (in *pieces) steps() ([]Step, error) {
	type job struct {
		piece []byte
		out   chan read
	}
	workers := runtime.GOMAXPROCS(0)
	jobs, order := make(chan job), make(chan chan read, 2*workers)
	var failed atomic.Bool
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			p := newStepParser()
			for j := range jobs {
				steps, err := p.parse(j.piece)
				if err != nil {
					failed.Store(true)
				}
				j.out <- read{steps, err}
			}
		})
	}
	var all [][]Step
	var wrong error
	wg.Go(func() {
		for out := range order {
			got := <-out
			if all = append(all, got.steps); got.err != nil {
				wrong = got.err
			}
		}
	})
	var err error
	for piece := []byte(nil); !failed.Load(); {
		if piece, err = in.next(); piece == nil || err != nil {
			break
		}
		j := job{piece, make(chan read, 1)}
		order <- j.out
		jobs <- j
	}
	close(jobs)
	close(order)
	wg.Wait()
	if err == nil {
		err = wrong
	}
	if err != nil {
		return nil, err
	}
	return joinSteps(all), nil
}

// joinSteps makes one list of several, letting go of each as soon as it is in.
func joinSteps(all [][]Step) []Step {
	n := 0
	for _, steps := range all {
		n += len(steps)
	}
	out := make([]Step, 0, n)
	for i, steps := range all {
		out, all[i] = append(out, steps...), nil
	}
	return out
}
