package repo

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/storer"
)

// minShort is the fewest digits that a shortened hash may have, as in git.
const minShort = 4

// resolve is a resolver of our own. go-git's prefers a shortened hash to a branch that is named
// like one, takes the first of several objects that a shortened hash fits, and sees nothing
// wrong in a tag that hides a branch; for a tool that acts on what it read, each of these is a
// way to be led astray.
func (h *handle) resolve(ctx context.Context, rev string) (Revision, error) {
	if rev == "" {
		rev = "HEAD"
	}
	name, steps := splitRevision(rev)
	if name == "" || name == "@" {
		name = "HEAD"
	}
	id, branch, err := h.name(name)
	if err != nil {
		return Revision{}, err
	}
	c, err := h.peel(id)
	if err != nil {
		return Revision{}, fmt.Errorf("resolving %s: %w", rev, err)
	}
	if steps != "" {
		branch = ""
		if c, err = h.step(ctx, c, steps); err != nil {
			return Revision{}, fmt.Errorf("resolving %s: %w", rev, err)
		}
	}
	return c.revision(branch), nil
}

// splitRevision parts the name from the steps behind it: "main~2^" is main and ~2^.
func splitRevision(rev string) (name, steps string) {
	if i := strings.IndexAny(rev, "~^"); i >= 0 {
		return rev[:i], rev[i:]
	}
	return rev, ""
}

// name finds what a name stands for, and the branch or tag if it is one.
func (h *handle) name(name string) (plumbing.Hash, string, error) {
	if plumbing.IsHash(name) {
		return plumbing.NewHash(name), "", nil
	}
	found, err := h.refs(name)
	if err != nil {
		return plumbing.ZeroHash, "", err
	}
	short, err := h.shortened(name)
	if err != nil {
		return plumbing.ZeroHash, "", err
	}
	for _, id := range short {
		found = append(found, candidate{"commit " + id.String(), "", id})
	}
	if len(found) == 0 {
		return plumbing.ZeroHash, "", h.unknown(name)
	}
	for _, f := range found[1:] {
		if !h.same(f.id, found[0].id) {
			return plumbing.ZeroHash, "", fmt.Errorf("%w: %q is ambiguous: %s or %s", ErrUnknownRevision, name, found[0].what, f.what)
		}
	}
	return found[0].id, found[0].branch, nil
}

// candidate is one thing that a name may mean.
type candidate struct {
	what   string
	branch string
	id     plumbing.Hash
}

// refs looks the name up under the rules of gitrevisions(7).
func (h *handle) refs(name string) ([]candidate, error) {
	var out []candidate
	for _, rule := range plumbing.RefRevParseRules {
		full := plumbing.ReferenceName(fmt.Sprintf(rule, name))
		if full != plumbing.HEAD && full.Validate() != nil {
			continue
		}
		if rule == "%s" && full != plumbing.HEAD && !strings.HasPrefix(name, "refs/") {
			continue // other files in the git folder are none of our business
		}
		ref, err := storer.ResolveReference(h.main, full)
		if errors.Is(err, plumbing.ErrReferenceNotFound) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", full, err)
		}
		out = append(out, candidate{full.String(), shortName(ref.Name()), ref.Hash()})
	}
	return out, nil
}

func shortName(ref plumbing.ReferenceName) string {
	if ref == plumbing.HEAD {
		return "" // detached
	}
	for _, prefix := range []string{"refs/heads/", "refs/tags/", "refs/remotes/"} {
		if s, ok := strings.CutPrefix(ref.String(), prefix); ok {
			return s
		}
	}
	return ref.String()
}

// shortened finds the commits that a shortened hash fits.
func (h *handle) shortened(name string) ([]plumbing.Hash, error) {
	if len(name) < minShort || len(name) >= 40 || strings.Trim(name, "0123456789abcdefABCDEF") != "" {
		return nil, nil
	}
	name = strings.ToLower(name)
	prefix, err := hex.DecodeString(name[:len(name)/2*2])
	if err != nil {
		return nil, err
	}
	var out []plumbing.Hash
	for _, s := range h.stores {
		ids, err := s.HashesWithPrefix(prefix)
		if err != nil {
			return nil, fmt.Errorf("looking for %s: %w", name, err)
		}
		for _, id := range ids {
			if !strings.HasPrefix(id.String(), name) || slices.Contains(out, id) {
				continue
			}
			if _, err := h.peel(id); err == nil {
				out = append(out, id)
			}
		}
	}
	slices.SortFunc(out, func(a, b plumbing.Hash) int { return slices.Compare(a[:], b[:]) })
	return out, nil
}

// same reports whether two names lead to one commit.
func (h *handle) same(a, b plumbing.Hash) bool {
	if a == b {
		return true
	}
	ca, errA := h.peel(a)
	cb, errB := h.peel(b)
	return errA == nil && errB == nil && ca.id == cb.id
}

// maxTags is how many tags may point at one another.
const maxTags = 10

// peel goes from a tag to the commit that it names.
func (h *handle) peel(id plumbing.Hash) (*commit, error) {
	for range maxTags {
		o, err := h.object(plumbing.AnyObject, id)
		if errors.Is(err, plumbing.ErrObjectNotFound) {
			return nil, fmt.Errorf("%w: commit %s isn't in this clone; git fetch may bring it", ErrUnknownRevision, id)
		}
		if err != nil {
			return nil, err
		}
		switch o.Type() {
		case plumbing.CommitObject:
			return h.commit(id)
		case plumbing.TagObject:
			t, err := object.DecodeTag(nil, o)
			if err != nil {
				return nil, fmt.Errorf("reading tag %s: %w", id, err)
			}
			id = t.Target
		default:
			return nil, fmt.Errorf("%w: %s is a %s, not a commit", ErrUnknownRevision, id, o.Type())
		}
	}
	return nil, fmt.Errorf("%w: %s is a tag of a tag of a tag", ErrUnknownRevision, id)
}

// step follows ~N, ^ and ^N.
func (h *handle) step(ctx context.Context, c *commit, steps string) (*commit, error) {
	for steps != "" {
		op := steps[0]
		digits := steps[1:]
		digits = digits[:len(digits)-len(strings.TrimLeft(digits, "0123456789"))]
		steps = steps[1+len(digits):]
		n := 1
		if digits != "" {
			var err error
			if n, err = strconv.Atoi(digits); err != nil {
				return nil, fmt.Errorf("%w: %s is no number", ErrUnknownRevision, digits)
			}
		}
		if steps != "" && steps[0] != '~' && steps[0] != '^' || op != '~' && op != '^' {
			return nil, fmt.Errorf("%w: only ~N and ^N may stand behind a name", ErrUnknownRevision)
		}
		var err error
		if op == '~' {
			for ; n > 0 && err == nil; n-- {
				if err = ctx.Err(); err == nil {
					c, err = h.parent(c, 1)
				}
			}
		} else if n > 0 {
			c, err = h.parent(c, n)
		}
		if err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (h *handle) parent(c *commit, n int) (*commit, error) {
	if n > len(c.parents) {
		if h.shallow[c.id] {
			return nil, fmt.Errorf("%w: its history ends at %s; git fetch --unshallow brings the rest", ErrShallow, c.id.String()[:shortLen])
		}
		return nil, fmt.Errorf("%w: %s has %d parents", ErrUnknownRevision, c.id.String()[:shortLen], len(c.parents))
	}
	return h.commit(c.parents[n-1])
}

// unknown explains that there is no such name.
func (h *handle) unknown(name string) error {
	if name == "HEAD" {
		return fmt.Errorf("%w on this branch", ErrNoCommit)
	}
	near := ""
	if refs, err := h.main.IterReferences(); err == nil {
		defer refs.Close()
		best := 3
		refs.ForEach(func(ref *plumbing.Reference) error {
			short := shortName(ref.Name())
			if d := distance(name, short); short != "" && (d < best || d == best && near != "" && short < near) {
				best, near = d, short
			}
			return nil
		})
	}
	if near != "" {
		return fmt.Errorf("%w %q: did you mean %q?", ErrUnknownRevision, name, near)
	}
	hint := "no branch, tag or commit is called so"
	if len(h.shallow) > 0 {
		hint += "; the clone is shallow, git fetch --unshallow may bring it"
	}
	return fmt.Errorf("%w %q: %s", ErrUnknownRevision, name, hint)
}

// distance is the number of letters to change, add or drop (Levenshtein).
func distance(a, b string) int {
	if len(a) > 200 || len(b) > 200 {
		return max(len(a), len(b))
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
