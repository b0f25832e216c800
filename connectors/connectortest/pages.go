package connectortest

import (
	"bytes"
	"context"
	"fmt"
)

// pages is a journal's store in memory: the laws are about connectors, and syncing each line
// to disk would be most of their time.
type pages struct{ text []byte }

func (p *pages) Load(context.Context) ([]byte, error) { return bytes.Clone(p.text), nil }

func (p *pages) Append(_ context.Context, line []byte) error {
	p.text = append(p.text, line...)
	return nil
}

func (p *pages) Truncate(_ context.Context, size int64) error {
	if size < 0 || size > int64(len(p.text)) {
		return fmt.Errorf("cutting %d bytes at %d", len(p.text), size)
	}
	p.text = p.text[:size]
	return nil
}

func (p *pages) String() string { return "memory" }
