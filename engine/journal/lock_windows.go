//go:build windows

package journal

import (
	"context"
	"errors"
	"os"
	"time"

	"golang.org/x/sys/windows"
)

// tryLock takes the kernel's lock on the file if it is free. Closing the file releases it.
// Windows keeps others from reading what is locked, so the byte that is locked lies far behind
// the end of the file.
func tryLock(f *os.File) (bool, error) {
	const flags = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	err := windows.LockFileEx(windows.Handle(f.Fd()), flags, 0, 1, 0, &windows.Overlapped{OffsetHigh: 1 << 30})
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return false, nil
	}
	return err == nil, err
}

// lockWait waits for the lock; a writer holds it for one line only.
func lockWait(ctx context.Context, f *os.File) error {
	for {
		ok, err := tryLock(f)
		if ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Millisecond):
		}
	}
}

// syncDir does nothing: on Windows the name of a file is durable with the file.
func syncDir(string) error { return nil }
