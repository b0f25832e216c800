package engine

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A revision that was checked and resolved as a whole needn't be again as long as nothing changes
// with time: a pull request is then looked at by what it touches (see focus.go). Which revisions
// were found sound, and until when that holds, is kept beside the cache, by git's name of the folder.

// sound is one revision of which is known that nothing is wrong with it.
type sound struct {
	tree        string
	commit      string    // that had it
	from, until time.Time // half-open; until may be zero
}

// maxSound is how many are remembered, the newest first.
const maxSound = 50

func (s sound) at(tree string, at time.Time) bool {
	return s.tree == tree && !at.Before(s.from) && (s.until.IsZero() || at.Before(s.until))
}

func (e *Engine) soundFile(root string) string {
	return strings.TrimSuffix(e.cacheFile(root), cacheSuffix) + ".sound"
}

// isSound reports whether the revision of the repository was found sound for the instant.
func (e *Engine) isSound(root, tree string, at time.Time) bool {
	_, ok := e.foundSound(root, tree, at)
	return ok
}

// foundSound is what is known of a revision that was found sound for the instant.
func (e *Engine) foundSound(root, tree string, at time.Time) (sound, bool) {
	if e.Cache == "" || tree == "" {
		return sound{}, false
	}
	all := e.readSound(root)
	i := slices.IndexFunc(all, func(s sound) bool { return s.at(tree, at) })
	if i < 0 {
		return sound{}, false
	}
	return all[i], true
}

// readSound reads what is remembered; nothing if it can't be used.
func (e *Engine) readSound(root string) []sound {
	data, err := readOwn(e.soundFile(root))
	if err != nil {
		return nil
	}
	lines := bufio.NewScanner(strings.NewReader(data))
	if !lines.Scan() || lines.Text() != soundMagic+programName() {
		return nil
	}
	var out []sound
	for lines.Scan() && len(out) < maxSound {
		var s sound
		var from, until int64
		if n, err := fmt.Sscanf(lines.Text(), "%40s %40s %d %d", &s.tree, &s.commit, &from, &until); n != 4 || err != nil {
			return nil
		}
		if s.from = time.UnixMilli(from); until != 0 {
			s.until = time.UnixMilli(until)
		}
		out = append(out, s)
	}
	return out
}

const soundMagic = "accord sound 2 "

// keepSound remembers that nothing is wrong with a revision.
func (e *Engine) keepSound(root string, s sound) {
	if e.Cache == "" || s.tree == "" {
		return
	}
	var b strings.Builder
	fmt.Fprintln(&b, soundMagic+programName())
	for i, s := range append([]sound{s}, e.readSound(root)...) {
		if i > 0 && s.tree == "" || i >= maxSound {
			break
		}
		until := int64(0)
		if !s.until.IsZero() {
			until = s.until.UnixMilli()
		}
		fmt.Fprintln(&b, s.tree, s.commit, s.from.UnixMilli(), until)
	}
	if err := writeAtOnce(e.soundFile(root), []byte(b.String())); err != nil {
		e.Log.Debug("that the revision is sound wasn't remembered", "err", err)
	}
}

// writeAtOnce puts a new file, for the user alone, in the place of the old one at once.
func writeAtOnce(name string, parts ...[]byte) (err error) {
	dir := filepath.Dir(name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, "new-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close(), os.Remove(f.Name()))
		}
	}()
	for _, part := range parts {
		if _, err := f.Write(part); err != nil {
			return err
		}
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
