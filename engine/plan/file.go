package plan

import (
	"bufio"
	"encoding/json"
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
	lr := &io.LimitedReader{R: r, N: maxFile}
	dec := json.NewDecoder(bufio.NewReaderSize(lr, 1<<16))
	dec.DisallowUnknownFields()
	var p Plan
	if err := dec.Decode(&p); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFile, err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, fmt.Errorf("%w: more follows after its end", ErrFile)
	}
	if p.FormatVersion != FormatVersion {
		return nil, fmt.Errorf("%w: its format version is %d, this accord reads %d; plan again", ErrFile, p.FormatVersion, FormatVersion)
	}
	if p.Engine != EngineVersion {
		return nil, fmt.Errorf("%w: it was made by engine %q, this is %q; plan again", ErrFile, p.Engine, EngineVersion)
	}
	if err := p.check(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFile, err)
	}
	if planDigest(&p) != p.PlanDigest || len(p.Shifts) > 0 && ChangeDigest(p.Shifts) != p.ChangeDigest {
		return nil, fmt.Errorf("%w: it was edited, its content and its digest differ; plan again", ErrFile)
	}
	return &p, nil
}

// check looks for what the rest of the engine takes for granted.
func (p *Plan) check() error {
	seen := map[string]bool{}
	for i := range p.Steps {
		s := &p.Steps[i]
		s.key = s.Change.Key()
		switch {
		case s.System == "":
			return fmt.Errorf("step %d names no system", i+1)
		case s.Check() != nil:
			return fmt.Errorf("step %d: %w", i+1, s.Check())
		case s.Before == nil && s.Action != access.Create && s.Action != access.Give,
			s.After == nil && (s.Action == access.Disable || s.Action == access.Enable):
			return fmt.Errorf("step %d (%s) lacks a value", i+1, s.Action)
		case seen[s.Key()]:
			return fmt.Errorf("step %d (%s) is there twice", i+1, s.Key())
		}
		seen[s.Key()] = true
	}
	return nil
}
