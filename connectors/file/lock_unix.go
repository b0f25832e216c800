//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package file

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// lock keeps other writers out until the folder is closed, in this process and in all others
// of the machine (flock(2)). It waits, and asks again rather than sleep in the kernel so that
// the context can end the wait. The lock dies with its holder.
func lock(ctx context.Context, folder *os.File) error {
	for {
		err := unix.Flock(int(folder.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case err == nil:
			return nil
		case !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR):
			return fmt.Errorf("locking the folder: %w", err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for another writer: %w", ctx.Err())
		case <-time.After(2 * time.Millisecond):
		}
	}
}
