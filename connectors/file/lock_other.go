//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package file

import (
	"context"
	"errors"
	"fmt"
	"os"
)

// lock refuses: without a lock two writers could lose each other's changes.
func lock(context.Context, *os.File) error {
	return fmt.Errorf("locking the folder: %w on this platform", errors.ErrUnsupported)
}
