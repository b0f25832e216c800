package plan

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/accordhq/accord/engine/access"
)

// ErrFile says that a plan file can't be used.
var ErrFile = errors.New("not a usable plan file")

// maxFile bounds what Read takes in: well above a million steps with their reasons.
const maxFile = 4 << 30

// Write writes the plan file: JSON, the same bytes for the same plan. Lists are written one entry
// after the other, so that no more than one of them is held as text.
func Write(w io.Writer, p *Plan) error {
	b := bufio.NewWriterSize(w, 1<<16)
	if err := stream(b, p); err != nil {
		return fmt.Errorf("writing the plan: %w", err)
	}
	if err := b.Flush(); err != nil {
		return fmt.Errorf("writing the plan: %w", err)
	}
	return nil
}

// Read reads a plan file strictly: unknown keys, another format version, or content that
// doesn't match the digests in it are errors (ErrFile). The digests guard against accidents
// and careless edits; against a forger it is the fresh plan of `apply` that counts.
func Read(r io.Reader) (*Plan, error) {
	p, err := decode(r)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFile, err)
	}
	if p.FormatVersion != FormatVersion {
		return nil, fmt.Errorf("%w: its format version is %d, this accord reads %d; plan again", ErrFile, p.FormatVersion, FormatVersion)
	}
	if p.Engine != EngineVersion {
		return nil, fmt.Errorf("%w: it was made by engine %q, this is %q; plan again", ErrFile, p.Engine, EngineVersion)
	}
	sorted, err := p.check()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFile, err)
	}
	if digestOf(p, sorted) != p.PlanDigest || len(p.Shifts) > 0 && ChangeDigest(p.Shifts) != p.ChangeDigest {
		return nil, fmt.Errorf("%w: it was edited, its content and its digest differ; plan again", ErrFile)
	}
	return p, nil
}

// check looks for what the rest of the engine takes for granted. It gives the order of the steps by key.
func (p *Plan) check() ([]keyed, error) {
	wrong := -1
	for i := range p.Steps {
		s := &p.Steps[i]
		if s.key == "" {
			s.key = s.Change.Key()
		}
		if wrong < 0 && s.lacks() != nil {
			wrong = i
		}
	}
	sorted := byKey(p.Steps)
	if i := twice(sorted); i >= 0 && (wrong < 0 || i < wrong) {
		return nil, fmt.Errorf("step %d (%s) is there twice", i+1, p.Steps[i].Key())
	}
	if wrong >= 0 {
		return nil, fmt.Errorf("step %d%w", wrong+1, p.Steps[wrong].lacks())
	}
	return sorted, nil
}

// lacks says what a step doesn't have.
func (s *Step) lacks() error {
	switch {
	case s.System == "":
		return errors.New(" names no system")
	case s.Check() != nil:
		return fmt.Errorf(": %w", s.Check())
	case s.Before == nil && s.Action != access.Create && s.Action != access.Give,
		s.After == nil && (s.Action == access.Disable || s.Action == access.Enable):
		return fmt.Errorf(" (%s) lacks a value", s.Action)
	}
	return nil
}
