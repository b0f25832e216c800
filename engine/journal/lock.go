package journal

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// ErrLocked: another run holds a lock that is needed.
var ErrLocked = errors.New("locked by another run")

// LockedError tells what is locked and by whom. It is an ErrLocked.
type LockedError struct {
	// Name is what was to be locked, File its lock file.
	Name, File string
	// Holder is what the holder wrote of itself; zero if it couldn't be read.
	Holder Holder
}

// Holder says who has a lock.
type Holder struct {
	Name  string    `json:"name"`
	PID   int       `json:"pid"`
	Host  string    `json:"host,omitempty"`
	Since time.Time `json:"since"`
}

// Error names the holder.
func (e *LockedError) Error() string {
	if e.Holder.PID == 0 {
		return fmt.Sprintf("%s: %v (%s)", e.Name, ErrLocked, e.File)
	}
	return fmt.Sprintf("%s: %v: process %d on %s, since %s (%s)", e.Name, ErrLocked,
		e.Holder.PID, e.Holder.Host, e.Holder.Since.Format(time.RFC3339), e.File)
}

// Unwrap gives ErrLocked.
func (e *LockedError) Unwrap() error { return ErrLocked }

// LockRun takes one lock for each name, the identities of the systems that a run may write to:
// there is one apply at a time per system. It doesn't wait: if another run holds one of them it
// takes none and returns a LockedError. The locks are files below DIR/locks, locked by the
// kernel, which releases them when the process ends, however it ends. Unlock may be called
// more than once.
func LockRun(dir string, names []string) (unlock func(), err error) {
	locks := filepath.Join(dir, "locks")
	if err := makeLocks(dir); err != nil {
		return nil, fmt.Errorf("locking in %s: %w", dir, err)
	}
	var held []*os.File
	unlock = func() {
		for _, f := range slices.Backward(held) {
			f.Truncate(0) // best effort: the lock itself is the kernel's
			f.Close()
		}
		held = nil
	}
	// All runs take their locks in the same order, so of two runs that want the same ones
	// the first always gets through.
	for _, name := range slices.Compact(slices.Sorted(slices.Values(names))) {
		f, err := lockOne(locks, name)
		if err != nil {
			unlock()
			return nil, fmt.Errorf("locking %w", err)
		}
		held = append(held, f)
	}
	return unlock, nil
}

func makeLocks(dir string) error {
	if err := makeDir(dir); err != nil {
		return err
	}
	root, err := openDir(dir) // which refuses links
	if err != nil {
		return err
	}
	defer root.Close()
	if err := root.Mkdir("locks", 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return nil
}

func lockOne(locks, name string) (*os.File, error) {
	file := lockFile(name)
	f, err := openIn(locks, file, os.O_RDWR|os.O_CREATE)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	ok, err := tryLock(f)
	if err == nil && !ok {
		err = &LockedError{Name: name, File: filepath.Join(locks, file), Holder: readHolder(f)}
	}
	if err == nil {
		err = writeHolder(f, name)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// lockFile makes a file name of an identity: readable, and different for different ones.
func lockFile(name string) string {
	readable := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '.' {
			return r
		}
		return '_'
	}, name)
	sum := sha256.Sum256([]byte(name))
	return strings.TrimLeft(readable[:min(len(readable), 60)], ".") + "-" + hex.EncodeToString(sum[:8]) + ".lock"
}

func writeHolder(f *os.File, name string) error {
	host, err := os.Hostname()
	if err != nil {
		host = "an unnamed host"
	}
	b, err := json.Marshal(Holder{name, os.Getpid(), host, time.Now().UTC().Truncate(time.Second)})
	if err != nil {
		return err
	}
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err = f.WriteAt(append(b, '\n'), 0)
	return err
}

func readHolder(f *os.File) Holder {
	var h Holder
	b, err := io.ReadAll(io.LimitReader(f, 4096))
	if err != nil || json.Unmarshal(b, &h) != nil {
		return Holder{}
	}
	return h
}
