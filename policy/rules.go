package policy

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// Kind says what a result asks for.
type Kind string

// The kinds of result.
const (
	// Deny refuses; violation is the same under conftest's other name.
	Deny Kind = "deny"
	// Warn says something and refuses nothing.
	Warn Kind = "warn"
	// RequireApproval refuses until somebody entitled approves.
	RequireApproval Kind = "require_approval"
	// Exception is a refusal or demand that an exception or an exemption has lifted.
	Exception Kind = "exception"
)

var ruleName = regexp.MustCompile(`^(deny|violation|warn|require_approval|exception)((?:_[a-zA-Z0-9]+)*)$`)

// rule is one definition of a rule that judges.
type rule struct {
	id     int
	kind   Kind
	name   string // as written, deny_on_friday; of built-in rules the rule's own name
	suffix string // on_friday; what an exception or exemption names
	pkg    string
	entry  *entry
	notes
	file      string
	line, col int
}

// notes are what # METADATA says.
type notes struct {
	title, severity, remediation string
}

// parseName reads the name of a rule; ok is false if it isn't one that judges.
func parseName(name string) (kind Kind, suffix string, ok bool) {
	m := ruleName.FindStringSubmatch(name)
	if m == nil {
		return "", "", false
	}
	kind = Kind(m[1])
	if kind == "violation" {
		kind = Deny
	}
	return kind, strings.TrimPrefix(m[2], "_"), true
}

// finder collects the rules that judge and what is wrong with their form.
type finder struct {
	entries []*entry
	rules   []*rule
	errs    Errors
	used    map[string]bool // names of rules that something refers to
}

// find looks through one module of a package that judges.
func (f *finder) find(e *entry, m *ast.Module, builtin string) {
	for _, r := range m.Rules {
		name := string(r.Head.Ref()[0].Value.(ast.Var))
		p := Problem{File: r.Loc().File, Line: r.Loc().Row, Col: r.Loc().Col}
		kind, suffix, ok := parseName(name)
		if !ok {
			if near := nearKind(name); builtin == "" && !f.used[name] && (near != "" || r.Head.RuleKind() == ast.MultiValue) {
				p.Text, p.Hint = fmt.Sprintf("the rule %s judges nothing and nothing refers to it", name), "those that judge are deny, violation, warn and require_approval, with or without _suffix"
				if near != "" {
					p.Hint = fmt.Sprintf("did you mean %q?", near)
				}
				f.errs = append(f.errs, p)
			}
			continue
		}
		if r.Head.RuleKind() != ast.MultiValue || len(r.Head.Ref()) != 1 || len(r.Head.Args) > 0 {
			p.Text, p.Hint = fmt.Sprintf("%s must be a set of results", name), fmt.Sprintf("write: %s contains msg if { … }", name)
			f.errs = append(f.errs, p)
			continue
		}
		out := &rule{id: len(f.rules), kind: kind, name: name, suffix: suffix, pkg: e.pkg, entry: e, file: p.File, line: p.Line, col: p.Col}
		if builtin != "" {
			out.name, out.suffix, out.pkg = builtin, builtin, m.Package.Path.String()[len("data."):]
		}
		out.notes = notesOf(m, r)
		f.rules = append(f.rules, out)
	}
}

// tidy makes a suffix one that a rule may have: each _ is followed by a letter or digit.
func tidy(rest string) string {
	out := ""
	for _, part := range strings.FieldsFunc(rest, func(r rune) bool { return r == '_' }) {
		out += "_" + part
	}
	return out
}

// nearKind gives the name that somebody who wrote this probably had in mind.
func nearKind(name string) string {
	word, rest, _ := strings.Cut(name, "_")
	if rest != "" {
		rest = "_" + rest
	}
	for _, k := range []string{"deny", "violation", "warn", "exception"} {
		if word == k && ruleName.MatchString(k+tidy(rest)) {
			return k + tidy(rest)
		}
		if word == k+"s" || distance(word, k) == 1 || k == "deny" && (word == "denies" || word == "denied") || k == "warn" && word == "warning" {
			return k + rest
		}
	}
	for _, w := range []string{"require", "requires", "required"} {
		if word == w {
			return "require_approval"
		}
	}
	if d := distance(name, "require_approval"); d > 0 && d <= 3 {
		return "require_approval"
	}
	return ""
}

// notesOf reads the metadata of one definition: its own, else that of the document or the
// package.
func notesOf(m *ast.Module, r *ast.Rule) notes {
	var n notes
	take := func(a *ast.Annotations) {
		set(&n.title, a.Title)
		set(&n.severity, custom(a, "severity"))
		set(&n.remediation, custom(a, "remediation"))
		set(&n.remediation, a.Description)
	}
	for _, a := range r.Annotations {
		take(a)
	}
	for _, a := range m.Annotations {
		if a.Scope == "document" && a.GetTargetPath().Equal(m.Package.Path.Append(ast.StringTerm(string(r.Head.Name)))) {
			take(a)
		}
	}
	for _, a := range m.Annotations {
		if a.Scope == "package" || a.Scope == "subpackages" {
			take(a)
		}
	}
	return n
}

func set(to *string, v string) {
	if *to == "" {
		*to = v
	}
}

func custom(a *ast.Annotations, key string) string {
	s, _ := a.Custom[key].(string)
	return s
}

// referred are the words by which the rules of these modules refer to anything.
func referred(modules []*ast.Module) map[string]bool {
	used := map[string]bool{}
	note := func(t *ast.Term) bool {
		switch v := t.Value.(type) {
		case ast.Var:
			used[string(v)] = true
		case ast.String:
			used[string(v)] = true
		}
		return false
	}
	for _, m := range modules {
		for _, r := range m.Rules {
			for ; r != nil; r = r.Else {
				ast.WalkTerms(r.Body, note)
				for _, t := range []*ast.Term{r.Head.Key, r.Head.Value} {
					if t != nil {
						ast.WalkTerms(t, note)
					}
				}
			}
		}
	}
	return used
}

// nearestPackage gives the package that judges and that was probably meant.
func nearestPackage(pkg string) string {
	names := []string{"accord", "accord.principal", "accord.plan"}
	if n := nearest(pkg, names); n != "" && !strings.HasPrefix(pkg, "accord.") {
		return n
	}
	if rest, ok := strings.CutPrefix(pkg, "accord."); ok {
		if i := slices.IndexFunc(names[1:], func(n string) bool { return distance(n[len("accord."):], rest) <= 3 }); i >= 0 {
			return names[1+i]
		}
	}
	return "accord"
}
