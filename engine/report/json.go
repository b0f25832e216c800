package report

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
)

// writeJSON writes a document, indented, that is safe to print.
func writeJSON(w io.Writer, doc any) error {
	b := bufio.NewWriterSize(&jsonGuard{w: w}, 1<<16)
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(doc); err != nil {
		return fmt.Errorf("writing JSON: %w", err)
	}
	if err := b.Flush(); err != nil {
		return fmt.Errorf("writing JSON: %w", err)
	}
	return nil
}

// list is never null in JSON.
func list[T any](in []T) []T {
	if in == nil {
		return []T{}
	}
	return in
}
