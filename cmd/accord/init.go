package main

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/accordhq/accord/engine/repo"
)

// start is the repository that init makes.
//
//go:embed all:start
var start embed.FS

func (a *app) initCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "init [DIR]",
		Short: "Make an access repository that plans at once",
		Long: `Init writes a small access repository into DIR (or the current folder): a few people, a
group, a role, a grant, and one system that is kept in a file. It overwrites nothing.
Outside of git it makes a git repository with a first commit.

Exit codes: 0 done, 1 it failed, 64 wrong usage.`,
		Args: exactArgs(0, 1, "at most one folder"),
		RunE: func(_ *cobra.Command, args []string) error {
			dir := a.flags.dir
			if len(args) == 1 {
				dir = a.within(args[0])
			}
			return a.init(dir)
		},
	}
}

// within is a folder that is named as seen from --dir; one that begins at the root stays what it is.
func (a *app) within(dir string) string {
	if filepath.IsAbs(dir) {
		return dir
	}
	return filepath.Join(a.flags.dir, dir)
}

func (a *app) init(dir string) error {
	files, err := startFiles()
	if err != nil {
		return err
	}
	var taken []string
	for _, f := range files {
		if _, err := os.Lstat(filepath.Join(dir, f.name)); err == nil {
			taken = append(taken, f.name)
		}
	}
	if len(taken) > 0 {
		return fmt.Errorf("%s is there already in %s; init overwrites nothing", strings.Join(taken, ", "), dir)
	}
	var names []string
	for _, f := range files {
		path := filepath.Join(dir, filepath.FromSlash(f.name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			return fmt.Errorf("making the repository: %w", err)
		}
		if err := os.WriteFile(path, f.data, 0o666); err != nil {
			return fmt.Errorf("making the repository: %w", err)
		}
		fmt.Fprintln(a.out, " ", f.name)
		names = append(names, f.name)
	}
	commit, err := repo.Init(dir, "Access, declared", names, a.engine().Now())
	if err != nil {
		return err
	}
	at := ""
	if a.flags.dir != "." || dir != "." {
		at = " -C " + dir
	}
	if commit == "" {
		fmt.Fprintf(a.out, "Commit these files. Next: accord plan%s\n", at)
		return nil
	}
	fmt.Fprintf(a.out, "Committed as %.7s. Next: accord plan%s\n", commit, at)
	return nil
}

type startFile struct {
	name string
	data []byte
}

// startFiles lists the embedded files, sorted, under the names that they get.
func startFiles() ([]startFile, error) {
	var out []startFile
	err := fs.WalkDir(start, "start", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := start.ReadFile(path)
		out = append(out, startFile{strings.TrimPrefix(path, "start/"), data})
		return err
	})
	if err == nil && len(out) == 0 {
		err = errors.New("no files are embedded")
	}
	return out, err
}
