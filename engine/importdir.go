package engine

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/accordhq/accord/engine/repo"
)

// importDir is where an import's files go. Nothing outside the repository can be reached by it,
// through links neither.
type importDir struct {
	root  *os.Root
	first string // the first file
	// parts is how many files there are already.
	parts int
}

// place finds the place, and refuses what no document may stand in.
func (i *importing) place() (*importDir, error) {
	out := i.opts.Out
	if out == "" {
		out = path.Join("imported", i.opts.System+".yaml")
	}
	name := path.Clean(filepath.ToSlash(out))
	ext := path.Ext(name)
	switch {
	case !filepath.IsLocal(filepath.FromSlash(name)) || strings.ContainsAny(name, "\\\x00"):
		return nil, fmt.Errorf("%s isn't inside the repository; write a path relative to accord.yaml", out)
	case ext != ".yaml" && ext != ".yml":
		return nil, fmt.Errorf("%s isn't a document: its name doesn't end in .yaml", out)
	case name == "accord.yaml" || strings.HasPrefix(name, ".") || strings.Contains(name, "/."):
		return nil, fmt.Errorf("%s isn't read as a document; name another file", out)
	}
	for _, p := range i.head.Repo.Config.Policy {
		if strings.HasPrefix(name, path.Clean(p.Value)+"/") {
			return nil, fmt.Errorf("%s would be in the policy folder %s, where no documents are", out, p.Value)
		}
	}
	root, err := os.OpenRoot(i.head.Root)
	if err != nil {
		return nil, fmt.Errorf("opening the repository: %w", err)
	}
	d := &importDir{root: root, first: name}
	for {
		if _, err := root.Lstat(filepath.FromSlash(d.name(d.parts + 1))); errors.Is(err, fs.ErrNotExist) {
			return d, nil
		} else if err != nil {
			d.close()
			return nil, err
		}
		d.parts++
	}
}

func (d *importDir) close() { d.root.Close() }

// name is that of a part; the first is 1, and 0 stands for it too.
func (d *importDir) name(part int) string {
	if part <= 1 {
		return d.first
	}
	ext := path.Ext(d.first)
	return fmt.Sprintf("%s-%d%s", strings.TrimSuffix(d.first, ext), part, ext)
}

// other is a name that one could give instead.
func (d *importDir) other() string {
	ext := path.Ext(d.first)
	return strings.TrimSuffix(d.first, ext) + "-new" + ext
}

// last is what the last part holds, which is added to; nil if there is none.
func (d *importDir) last() ([]byte, error) {
	if d.parts == 0 {
		return nil, nil
	}
	data, err := d.root.ReadFile(filepath.FromSlash(d.name(d.parts)))
	if err != nil {
		return nil, err
	}
	if len(data) == 0 {
		data = []byte("\n") // it was made by somebody
	}
	return data, nil
}

// put writes the files: all of them beside their places first, so that each is there whole or
// not at all. The first goes in the place of what it adds to, if that is still as it was read.
func (d *importDir) put(files []repo.File, was []byte) (err error) {
	var done []string
	defer func() {
		for _, tmp := range done {
			err = errors.Join(err, d.root.Remove(tmp))
		}
	}()
	if err := d.root.MkdirAll(filepath.FromSlash(path.Dir(d.first)), 0o777); err != nil {
		return err
	}
	for _, f := range files {
		tmp := filepath.FromSlash(path.Join(path.Dir(f.Path), fmt.Sprintf(".accord-%d-%s", os.Getpid(), path.Base(f.Path))))
		if err := d.writeNew(tmp, f.Data); err != nil {
			return fmt.Errorf("writing %s: %w", f.Path, err)
		}
		done = append(done, tmp)
	}
	for n, f := range files {
		if err := d.same(f.Path, n == 0, was); err != nil {
			return err
		}
		if err := d.root.Rename(done[0], filepath.FromSlash(f.Path)); err != nil {
			return fmt.Errorf("writing %s: %w", f.Path, err)
		}
		done = done[1:]
	}
	return nil
}

// same refuses a place where somebody has written meanwhile.
func (d *importDir) same(name string, first bool, was []byte) error {
	if first && was != nil {
		if now, err := d.last(); err != nil || !bytes.Equal(now, was) {
			return errors.Join(err, fmt.Errorf("%s was changed meanwhile, and isn't touched", name))
		}
		return nil
	}
	if _, err := d.root.Lstat(filepath.FromSlash(name)); !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(err, fmt.Errorf("%s is there meanwhile, and isn't touched", name))
	}
	return nil
}

func (d *importDir) writeNew(name string, data []byte) error {
	f, err := d.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}
