package file

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
)

// conn is a connector on one file. It holds nothing open between calls.
type conn struct {
	cfg    connectors.Config
	desc   access.Description
	place  place
	create bool
}

// open checks the settings; it does no I/O.
func open(cfg connectors.Config) (connectors.Connector, error) {
	path := cfg.Settings[SettingPath].Text
	if path == "" {
		return nil, fmt.Errorf("opening %s: the setting %q is missing", cfg.System, SettingPath)
	}
	if !filepath.IsLocal(filepath.FromSlash(path)) || filepath.Clean(path) == "." {
		return nil, fmt.Errorf("opening %s: %q is not a file inside the repository", cfg.System, path)
	}
	if cfg.Dir == "" {
		return nil, fmt.Errorf("opening %s: it isn't known where the repository is", cfg.System)
	}
	return &conn{cfg, Describe(), place{cfg.Dir, path}, cfg.Settings[SettingCreate].Bool}, nil
}

// Describe is static.
func (c *conn) Describe() access.Description { return Describe() }

// Normalize checks names and drops empty attributes; case matters in a file.
func (c *conn) Normalize(o access.Object) (access.Object, error) { return normalize(c.desc, o) }

// Close has nothing to free.
func (c *conn) Close() error { return nil }

// Read reads the file whole, whatever the scope. It takes no lock: the file is replaced in one
// step.
func (c *conn) Read(ctx context.Context, scope connectors.Scope) (*access.State, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("reading %s: %w", c.cfg.System, err)
	}
	state, err := c.read()
	if err == nil && !scope.Whole() {
		state, err = only(state, scope.IDs)
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", c.cfg.System, err)
	}
	return state, nil
}

func (c *conn) read() (_ *access.State, err error) {
	f, err := c.place.open()
	if err != nil {
		return nil, c.at(missingFolder(err))
	}
	defer func() { err = errors.Join(err, f.close()) }()
	data, _, err := f.read()
	if err != nil && !(c.create && errors.Is(err, errMissing)) {
		return nil, c.at(err)
	}
	got, err := c.parse(f, data)
	if err != nil {
		return nil, err
	}
	return got.state, nil
}

// parse reads the file's content; nil stands for a file that isn't there yet.
func (c *conn) parse(f *folder, data []byte) (*content, error) {
	begin := func() *access.Builder { return access.NewBuilder(c.cfg.System).Identity("file " + f.identity) }
	if data == nil {
		state, err := begin().Build()
		return &content{defaultHeader, state}, err
	}
	got, err := parse(c.desc, begin, data)
	if err != nil {
		return nil, fmt.Errorf("%s:%w: %w", c.place.path, err, connectors.ErrIncomplete)
	}
	return got, nil
}

// at names the file in an error, and says what to do where it is missing.
func (c *conn) at(err error) error {
	if errors.Is(err, errMissing) {
		return fmt.Errorf("%s: %w; if the system is a new one, its config needs %s: true", c.place.path, err, SettingCreate)
	}
	return fmt.Errorf("%s: %w", c.place.path, err)
}

// only narrows a state to some objects and what they hold.
func only(s *access.State, ids []access.ID) (*access.State, error) {
	b := access.NewBuilder(s.System()).Identity(s.Identity()).Only(ids...)
	ids = slices.Clone(ids)
	slices.SortFunc(ids, access.ID.Compare)
	for _, id := range slices.Compact(ids) {
		if o, ok := s.Object(id); ok {
			b.Object(o)
		}
		for _, g := range s.GrantsOf(id) {
			b.Grant(g)
		}
	}
	return b.Build()
}

// Apply makes one change true, by writing the whole file.
func (c *conn) Apply(ctx context.Context, change access.Change) error {
	return c.ApplyBatch(ctx, []access.Change{change})
}

// ApplyBatch makes all changes true with one write, or none.
func (c *conn) ApplyBatch(ctx context.Context, changes []access.Change) (err error) {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("writing %s: %w", c.cfg.System, err)
	}
	for _, change := range changes {
		if err := check(c.desc, change); err != nil {
			return err
		}
	}
	if c.cfg.ReadOnly {
		return fmt.Errorf("writing %s: it was opened for reading: %w", c.cfg.System, connectors.ErrDenied)
	}
	f, err := c.place.open()
	if err != nil {
		return fmt.Errorf("writing %s: %w", c.cfg.System, c.at(missingFolder(err)))
	}
	defer func() { err = errors.Join(err, f.close()) }()
	err = f.update(ctx, func(old []byte) ([]byte, error) {
		if old == nil && !c.create {
			return nil, c.at(errMissing)
		}
		return c.edit(f, old, changes)
	})
	if err != nil {
		return fmt.Errorf("writing %s: %w", c.cfg.System, err)
	}
	return nil
}

// edit gives the content after the changes, nil if it is the same as before.
func (c *conn) edit(f *folder, old []byte, changes []access.Change) ([]byte, error) {
	got, err := c.parse(f, old)
	if err != nil {
		return nil, err
	}
	e := access.Edit(got.state, c.desc)
	for _, change := range changes {
		if o, ok := got.state.Object(change.Subject); ok && o.Reserved {
			return nil, fmt.Errorf("%s: the file says that it is reserved: %w", change, connectors.ErrUnsupported)
		}
		if err := e.Do(change); err != nil {
			return nil, fmt.Errorf("%w: %w", connectors.ErrConflict, err)
		}
	}
	state, err := e.State()
	if err != nil {
		return nil, err
	}
	now := render(c.desc, &content{got.header, state})
	if bytes.Equal(now, render(c.desc, got)) {
		return nil, nil
	}
	return now, nil
}
