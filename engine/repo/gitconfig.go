package repo

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/format/config"
)

const (
	// maxGitConfig is how large a file of git's configuration may be, in bytes.
	maxGitConfig = 16 << 20
	// maxIncludes is how deep such files may include one another, as in git.
	maxIncludes = 10
)

// gitConfig is git's configuration: the files of the machine, of the user and of the repository,
// with what they include, in git's order. Where a key may be given once, the last one counts.
type gitConfig []*config.Config

// config reads the configuration that holds for the repository (git-config(1)).
func (g gitDir) config() (gitConfig, error) {
	var files []string
	if os.Getenv("GIT_CONFIG_NOSYSTEM") == "" {
		files = append(files, envOr("GIT_CONFIG_SYSTEM", "/etc/gitconfig"))
	}
	home, _ := os.UserHomeDir() // without a home there is no file in it
	if global, ok := os.LookupEnv("GIT_CONFIG_GLOBAL"); ok {
		files = append(files, global)
	} else if home != "" {
		files = append(files, filepath.Join(envOr("XDG_CONFIG_HOME", filepath.Join(home, ".config")), "git", "config"), filepath.Join(home, ".gitconfig"))
	}
	files = append(files, filepath.Join(g.common, "config"))
	if g.dot != g.common {
		files = append(files, filepath.Join(g.dot, "config.worktree"))
	}
	var out gitConfig
	for _, name := range files {
		if err := out.read(name, home, g.dot, 0); err != nil {
			return nil, fmt.Errorf("reading git's configuration: %w", err)
		}
	}
	return out, nil
}

func envOr(key, or string) string {
	if v, ok := os.LookupEnv(key); ok {
		return v
	}
	return or
}

// read adds a file and what it includes. A file that isn't there adds nothing.
func (c *gitConfig) read(name, home, dot string, depth int) error {
	if name == "" {
		return nil
	}
	if depth > maxIncludes {
		return fmt.Errorf("%s: files include one another more than %d deep", name, maxIncludes)
	}
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxGitConfig))
	if err != nil {
		return err
	}
	parsed := config.New()
	if err := config.NewDecoder(bytes.NewReader(data)).Decode(parsed); err != nil {
		return fmt.Errorf("%s: it can't be parsed", name) // the reason would quote a line, which may hold a credential
	}
	*c = append(*c, parsed)
	for _, path := range parsed.Section("include").OptionAll("path") {
		if err := c.read(atHome(path, home, filepath.Dir(name)), home, dot, depth+1); err != nil {
			return err
		}
	}
	for _, s := range parsed.Section("includeIf").Subsections {
		pattern, ok := strings.CutPrefix(s.Name, "gitdir:")
		if !ok || !inGitDir(atHome(pattern, home, filepath.Dir(name)), dot) {
			continue
		}
		for _, path := range s.OptionAll("path") {
			if err := c.read(atHome(path, home, filepath.Dir(name)), home, dot, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

// atHome resolves a path of the configuration.
func atHome(path, home, dir string) string {
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		return filepath.Join(home, rest) + trailing(path)
	}
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path) + trailing(path)
}

func trailing(path string) string {
	if strings.HasSuffix(path, "/") {
		return "/"
	}
	return ""
}

// inGitDir reports whether a git folder is the one of an includeIf, or below it where it ends in
// a slash. In a pattern a star stands for a part of one name.
func inGitDir(pattern, dot string) bool {
	for _, at := range []string{pattern, realPath(pattern)} {
		fits, err := filepath.Match(at, dot)
		if err == nil && fits || at == dot || strings.HasSuffix(at, "/") && strings.HasPrefix(dot+"/", at) {
			return true
		}
	}
	return false
}

func realPath(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real + trailing(path)
	}
	return path
}

// remotes names the remotes.
func (c gitConfig) remotes() map[string]bool {
	out := map[string]bool{}
	for _, f := range c {
		for _, s := range f.Section("remote").Subsections {
			if s.HasOption("url") {
				out[s.Name] = true
			}
		}
	}
	return out
}

// remoteURL is where a remote is pushed to and fetched from. A remote that is pushed to elsewhere
// (pushurl) keeps its journal there: what is read must be what was written.
func (c gitConfig) remoteURL(name string) string {
	last := ""
	for _, key := range []string{"url", "pushurl"} {
		for _, f := range c {
			if v := f.Section("remote").Subsection(name).OptionAll(key); len(v) > 0 {
				last = v[len(v)-1]
			}
		}
	}
	return c.instead(last)
}

// instead rewrites a URL by url.BASE.insteadOf: the longest that fits counts.
func (c gitConfig) instead(raw string) string {
	longest, base := "", ""
	for _, f := range c {
		for _, s := range f.Section("url").Subsections {
			for _, of := range s.OptionAll("insteadOf") {
				if strings.HasPrefix(raw, of) && len(of) > len(longest) {
					longest, base = of, s.Name
				}
			}
		}
	}
	return base + raw[len(longest):]
}

// http gives the values of http.KEY and of http.URL.KEY for the URLs that fit, in order. An empty
// value takes back those before it.
func (c gitConfig) http(key string, to *url.URL) []string {
	var out []string
	add := func(values []string) {
		for _, v := range values {
			if out = append(out, v); v == "" {
				out = nil
			}
		}
	}
	for _, f := range c {
		section := f.Section("http")
		add(section.OptionAll(key))
		for _, s := range section.Subsections {
			if fitsURL(s.Name, to) {
				add(s.OptionAll(key))
			}
		}
	}
	return out
}

// fitsURL reports whether http.PATTERN is about a URL (git-config(1), http.<url>.*). Wildcards in
// host names aren't known here, so that such a pattern is about none.
func fitsURL(pattern string, to *url.URL) bool {
	p, err := url.Parse(pattern)
	if err != nil || p.Scheme != to.Scheme || !strings.EqualFold(p.Hostname(), to.Hostname()) || portOf(p) != portOf(to) {
		return false
	}
	if p.User != nil && (to.User == nil || p.User.Username() != to.User.Username()) {
		return false
	}
	path := strings.TrimSuffix(p.Path, "/")
	return path == "" || to.Path == path || strings.HasPrefix(to.Path, path+"/")
}

func portOf(u *url.URL) string {
	switch port := u.Port(); {
	case port != "":
		return port
	case u.Scheme == "https":
		return "443"
	}
	return "80"
}
