package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/accordhq/accord/engine/declare"
	"github.com/accordhq/accord/engine/repo"
	"github.com/accordhq/accord/policy"
)

// Policies are what one declaration judges by: the files of its policy folders, the built-in
// rules that it switches on, and the attributes that rules may ask for.
type Policies struct {
	Sources []policy.Source
	Options policy.Options
	// Digest names the files and the rules by their content; empty if there are neither.
	Digest string
	decl   *declare.Repository
}

// Any reports whether there is anything to judge by.
func (p *Policies) Any() bool { return p != nil && len(p.Sources)+len(p.Options.Rules) > 0 }

// Compile checks and compiles the policies. What is wrong with them is a declare.Problems.
func (p *Policies) Compile(ctx context.Context) (*policy.Judge, error) {
	j, err := policy.Compile(ctx, p.Sources, p.Options)
	return j, p.problems(err)
}

// wrongExemptions finds exemptions from rules that aren't there: whoever wrote one relies on it.
func (p *Policies) wrongExemptions(j *policy.Judge) error {
	var list []policy.Exemption
	for _, e := range p.decl.Exempts {
		list = append(list, policy.Exemption{ID: e.ID.Value, Rule: e.Rule.Value, Who: values(e.Who), File: e.File, Line: int(e.Rule.At.Line)})
	}
	if wrong := j.CheckExemptions(list); len(wrong) > 0 {
		return p.problems(wrong)
	}
	return nil
}

// Test runs the tests that stand beside the policies.
func (p *Policies) Test(ctx context.Context) (policy.TestReport, error) {
	r, err := policy.Test(ctx, p.Sources, p.Options)
	return r, p.problems(err)
}

// problems tells of wrong policies as of everything else that is wrong with a declaration.
func (p *Policies) problems(err error) error {
	var list policy.Errors
	if !errors.As(err, &list) {
		return err
	}
	var out declare.Problems
	for _, e := range list {
		pos := declare.Pos{File: e.File, At: declare.At{Line: int32(e.Line), Col: int32(e.Col)}}
		if e.File == "" {
			out = append(out, p.decl.Problem(p.ruleAt(e.Text), "", e.Text, e.Hint))
			continue
		}
		out = append(out, declare.Problem{Pos: pos, Source: p.line(e.File, e.Line), Message: e.Text, Hint: e.Hint})
	}
	return declare.Problems(nil).Merge(out)
}

// ruleAt is the place in accord.yaml of the rule that a message begins with or names.
func (p *Policies) ruleAt(text string) declare.Pos {
	c := p.decl.Config
	for _, r := range c.Rules {
		if strings.HasPrefix(text, "rules."+r.Name.Value+":") || strings.HasPrefix(text, "rules."+r.Name.Value+".") ||
			strings.HasSuffix(text, fmt.Sprintf("%q", r.Name.Value)) {
			return c.Pos(r.Name.At)
		}
	}
	return declare.Pos{File: c.File}
}

// maxShown is how long a line may be that a message shows.
const maxShown = 4096

// line is the text of a line of a policy file.
func (p *Policies) line(file string, number int) string {
	i := slices.IndexFunc(p.Sources, func(s policy.Source) bool { return s.Path == file })
	if i < 0 || number < 1 {
		return ""
	}
	for line := range strings.Lines(string(p.Sources[i].Data)) {
		if number--; number == 0 {
			if line = strings.TrimRight(line, "\r\n"); len(line) <= maxShown {
				return line
			}
			break
		}
	}
	return ""
}

// Policies reads the policies of the declaration. It doesn't compile them.
func (d *Declaration) Policies(ctx context.Context) (*Policies, error) {
	return policiesOf(d.Repo, func(folders []string) ([]repo.File, error) {
		if d.Revision.Worktree {
			return repo.WorktreePolicyFiles(ctx, d.Root, folders)
		}
		return d.git.PolicyFiles(ctx, d.commit, folders)
	})
}

// policiesAt reads the policies of another revision.
func (d *Declaration) policiesAt(ctx context.Context, rev repo.Revision, decl *declare.Repository) (*Policies, error) {
	return policiesOf(decl, func(folders []string) ([]repo.File, error) { return d.git.PolicyFiles(ctx, rev, folders) })
}

func policiesOf(decl *declare.Repository, read func(folders []string) ([]repo.File, error)) (*Policies, error) {
	c := decl.Config
	p := &Policies{decl: decl, Options: policy.Options{Rules: map[string]any{}}}
	for _, a := range c.Attributes {
		p.Options.Attributes = append(p.Options.Attributes, a.Name.Value)
	}
	for _, r := range c.Rules {
		if r.Params != false {
			p.Options.Rules[r.Name.Value] = r.Params
		}
	}
	if folders := policyPaths(c); len(folders) > 0 {
		files, err := read(folders)
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			if f.Data == nil && f.Size > 0 {
				return nil, declare.Problems{{Pos: declare.Pos{File: f.Path},
					Message: fmt.Sprintf("the file has %d bytes, more than the %d that are read of a policy", f.Size, repo.MaxPolicyFile), Hint: "split it"}}
			}
			if policyFile(f.Path) {
				p.Sources = append(p.Sources, policy.Source{Path: f.Path, Data: f.Data})
			}
		}
	}
	if p.Any() {
		p.Digest = p.digest()
	}
	return p, nil
}

// policyFile leaves out what people put beside policies for themselves.
func policyFile(path string) bool {
	base := filepath.Base(path)
	return !strings.HasPrefix(base, ".") && !strings.HasSuffix(base, ".md")
}

// policyPaths are the folders that accord.yaml names.
func policyPaths(c *declare.Config) []string {
	var out []string
	for _, p := range c.Policy {
		out = append(out, filepath.ToSlash(filepath.Clean(p.Value)))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// digest is of everything that a verdict can depend on.
func (p *Policies) digest() string {
	h := sha256.New()
	for _, s := range p.Sources {
		fmt.Fprintf(h, "%q %d\n", s.Path, len(s.Data))
		h.Write(s.Data)
	}
	rules, err := json.Marshal(p.Options.Rules) // keys come sorted
	if err != nil {
		rules = fmt.Appendf(nil, "%v", err) // plain YAML: can't be
	}
	fmt.Fprintf(h, "rules %s\nattributes %q\n", rules, p.Options.Attributes)
	return hex.EncodeToString(h.Sum(nil))
}
