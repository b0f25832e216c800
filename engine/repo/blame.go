package repo

import (
	"container/heap"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
)

// BlameLine tells where one line of a file comes from.
type BlameLine struct {
	// Revision is the commit that wrote the line as it is.
	Revision
	// Merge is the commit that brought it onto the branch, if that is another one.
	Merge *Revision
	// Boundary says that the history of a shallow clone ends there: the line is at least as
	// old as the commit.
	Boundary bool
}

type blameName struct {
	commit plumbing.Hash
	path   string
}

// Blame tells, for each line of a file in a commit, which commit wrote it. A file that was
// moved unchanged keeps its history. Line ends (CRLF or LF) make no difference. What was found
// out is remembered until Close. A file that isn't there is ErrNotThere.
//
// The cost is that of reading the history of the folders on the way to the file, back to its
// oldest line.
func (r *Repo) Blame(ctx context.Context, rev Revision, path string) ([]BlameLine, error) {
	name := blameName{plumbing.NewHash(rev.Hash), path}
	r.mu.Lock()
	lines, ok := r.blames[name]
	r.mu.Unlock()
	if ok {
		return slices.Clone(lines), nil
	}
	err := r.use(func(h *handle) (err error) {
		lines, err = r.blame(ctx, h, rev, path)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("looking for the authors of %s at %s: %w", path, rev.Short, err)
	}
	r.mu.Lock()
	r.blames[name] = lines
	r.mu.Unlock()
	return slices.Clone(lines), nil
}

func (r *Repo) blame(ctx context.Context, h *handle, rev Revision, path string) ([]BlameLine, error) {
	head, err := h.at(rev)
	if err != nil {
		return nil, err
	}
	full := path
	if r.prefix != "" {
		full = r.prefix + "/" + path
	}
	b := &blamer{h: h, lines: map[plumbing.Hash][]int32{}, texts: map[string]int32{}, memo: map[blameName]treeEntry{}, suspects: map[blameName]*suspect{}}
	origins, err := b.run(ctx, head, full)
	if err != nil {
		return nil, err
	}
	merges, err := h.merges(ctx, head, origins)
	if err != nil {
		return nil, err
	}
	out := make([]BlameLine, len(origins))
	for i, c := range origins {
		out[i] = BlameLine{Revision: c.revision(""), Boundary: h.shallow[c.id]}
		if m := merges[c.id]; m != nil {
			rev := m.revision("")
			out[i].Merge = &rev
		}
	}
	return out, nil
}

// blamer goes back through history from one file. Each commit that may have written lines is a
// suspect; it hands those lines on to its parents that its parents have as well, and what
// nobody takes is its own work.
type blamer struct {
	h        *handle
	lines    map[plumbing.Hash][]int32 // by blob: its lines, as numbers
	texts    map[string]int32          // the number of each text
	memo     map[blameName]treeEntry   // by tree and path: what stands there
	suspects map[blameName]*suspect
	queue    byTime
	origins  []*commit
	open     int
}

// suspect is one file in one commit, and which of its lines it may have written.
type suspect struct {
	commit *commit
	path   string
	blob   plumbing.Hash
	lines  []suspectLine
}

type suspectLine struct{ here, final int32 }

func (b *blamer) run(ctx context.Context, head *commit, path string) ([]*commit, error) {
	e, err := b.file(head, path)
	if err != nil {
		return nil, err
	}
	if e.id == plumbing.ZeroHash {
		return nil, fmt.Errorf("%w: no such file", ErrNotThere)
	}
	lines, err := b.blob(e.id)
	if err != nil {
		return nil, err
	}
	b.origins, b.open = make([]*commit, len(lines)), len(lines)
	all := make([]suspectLine, len(lines))
	for i := range all {
		all[i] = suspectLine{int32(i), int32(i)}
	}
	b.suspect(head, path, e.id, all)
	for b.open > 0 && len(b.queue) > 0 {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		c := heap.Pop(&b.queue).(*commit)
		for _, s := range b.of(c) {
			if err := b.pass(ctx, s); err != nil {
				return nil, err
			}
		}
	}
	return b.origins, nil
}

// of takes the suspects of a commit, in the order of their paths.
func (b *blamer) of(c *commit) []*suspect {
	var out []*suspect
	for name, s := range b.suspects {
		if name.commit == c.id {
			out = append(out, s)
			delete(b.suspects, name)
		}
	}
	slices.SortFunc(out, func(a, b *suspect) int { return strings.Compare(a.path, b.path) })
	return out
}

func (b *blamer) suspect(c *commit, path string, blob plumbing.Hash, lines []suspectLine) {
	if len(lines) == 0 {
		return
	}
	name := blameName{c.id, path}
	if s, ok := b.suspects[name]; ok {
		s.lines = append(s.lines, lines...)
		return
	}
	b.suspects[name] = &suspect{c, path, blob, lines}
	heap.Push(&b.queue, c)
}

// pass hands a suspect's lines on to its parents, and lays the rest on the suspect.
func (b *blamer) pass(ctx context.Context, s *suspect) error {
	parents, err := b.parents(ctx, s)
	if err != nil {
		return err
	}
	for _, p := range parents {
		if p.blob == s.blob {
			b.suspect(p.commit, p.path, p.blob, s.lines)
			return nil
		}
	}
	for _, p := range parents {
		if err := b.share(s, p); err != nil {
			return err
		}
	}
	for _, l := range s.lines {
		b.origins[l.final] = s.commit
		b.open--
	}
	return nil
}

// share moves the lines that the parent has too.
func (b *blamer) share(s, parent *suspect) error {
	if len(s.lines) == 0 {
		return nil
	}
	here, err := b.blob(s.blob)
	if err != nil {
		return err
	}
	before, err := b.blob(parent.blob)
	if err != nil {
		return err
	}
	match := matchLines(before, here)
	var kept, passed []suspectLine
	for _, l := range s.lines {
		if at := match[l.here]; at >= 0 {
			passed = append(passed, suspectLine{at, l.final})
		} else {
			kept = append(kept, l)
		}
	}
	s.lines = kept
	b.suspect(parent.commit, parent.path, parent.blob, passed)
	return nil
}

// parents finds the file in the parents of a suspect's commit. If none has it at that path, it
// may have been moved there.
func (b *blamer) parents(ctx context.Context, s *suspect) ([]*suspect, error) {
	var commits []*commit
	var out []*suspect
	for _, id := range s.commit.parents {
		c, err := b.h.commit(id)
		if err != nil {
			return nil, err
		}
		commits = append(commits, c)
		e, err := b.file(c, s.path)
		if err != nil {
			return nil, err
		}
		if e.id != plumbing.ZeroHash {
			out = append(out, &suspect{commit: c, path: s.path, blob: e.id})
		}
	}
	if len(out) > 0 {
		return out, nil
	}
	for _, c := range commits {
		path, err := b.moved(ctx, c, s)
		if err != nil {
			return nil, err
		}
		if path != "" {
			out = append(out, &suspect{commit: c, path: path, blob: s.blob})
		}
	}
	return out, nil
}

// moved looks for a file with the same content that the parent has and the commit hasn't.
func (b *blamer) moved(ctx context.Context, parent *commit, s *suspect) (string, error) {
	d := differ{ctx: ctx, h: b.h}
	root := func(c *commit) *treeEntry { return &treeEntry{mode: filemode.Dir, id: c.tree} }
	if err := d.entries("", root(parent), root(s.commit), 0); err != nil {
		return "", err
	}
	slices.Sort(d.paths)
	for _, p := range d.paths {
		before, err := b.file(parent, p)
		if err != nil {
			return "", err
		}
		if before.id != s.blob {
			continue
		}
		after, err := b.file(s.commit, p)
		if err != nil {
			return "", err
		}
		if after.id == plumbing.ZeroHash {
			return p, nil
		}
	}
	return "", nil
}

// file finds a file that can be blamed; the zero entry if there is none. What stands at a path
// below a tree never changes, so each tree is opened once only.
func (b *blamer) file(c *commit, path string) (treeEntry, error) {
	e, err := b.below(c.tree, path)
	if err != nil || !isFile(e.mode) {
		return treeEntry{}, err
	}
	return e, nil
}

func (b *blamer) below(tree plumbing.Hash, path string) (treeEntry, error) {
	name := blameName{tree, path}
	if e, ok := b.memo[name]; ok {
		return e, nil
	}
	first, rest, deeper := strings.Cut(path, "/")
	e, _, err := b.h.find(tree, first)
	switch {
	case err != nil:
		return e, err
	case deeper && e.mode == filemode.Dir:
		e, err = b.below(e.id, rest)
	case deeper:
		e = treeEntry{}
	}
	if err == nil {
		b.memo[name] = e
	}
	return e, err
}

// blob reads a file's lines and gives each text a number.
func (b *blamer) blob(id plumbing.Hash) ([]int32, error) {
	if l, ok := b.lines[id]; ok {
		return l, nil
	}
	o, err := b.h.object(plumbing.BlobObject, id)
	if err != nil {
		return nil, err
	}
	if o.Size() > MaxFile {
		b.lines[id] = nil // too large to be a declaration: no line is traced through it
		return nil, nil
	}
	data, err := content(o, id)
	if err != nil {
		return nil, err
	}
	var lines []int32
	for line := range strings.Lines(string(data)) {
		line = strings.TrimRight(line, "\r\n")
		n, ok := b.texts[line]
		if !ok {
			n = int32(len(b.texts))
			b.texts[line] = n
		}
		lines = append(lines, n)
	}
	b.lines[id] = lines
	return lines, nil
}
