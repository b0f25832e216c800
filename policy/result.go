package policy

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// Result is what one rule says about one input.
type Result struct {
	Kind Kind `json:"kind"`
	// Rule is its name: deny_on_friday, or the name of a built-in rule. Package is where it stands.
	Rule    string `json:"rule"`
	Package string `json:"package"`
	Msg     string `json:"msg"`
	// Title, Severity and Remediation come from # METADATA, unless the result has its own.
	Title       string `json:"title,omitempty"`
	Severity    string `json:"severity,omitempty"`
	Remediation string `json:"remediation,omitempty"`
	// Change is the id of the change that it is about; empty: none in particular.
	Change string `json:"change,omitempty"`
	Person string `json:"person,omitempty"`
	// Approvers are those who may meet a demand; nil: the rule doesn't say.
	Approvers []string `json:"approvers,omitempty"`
	// File and Line are the declaration that it is about.
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
	// Exempt says by what an exception was made: the id of an exemption, or the rule exception.
	Exempt string `json:"exempt,omitempty"`
	// At is the place of the rule.
	At Place `json:"at"`
	// Metadata are the other keys of the result.
	Metadata map[string]any `json:"metadata,omitempty"`

	suffix string
}

// read turns the set of one input into results. Whatever isn't a result is an error.
func (r *judging) read(set ast.Set, a about) ([]Result, error) {
	if set.Len() == 0 {
		return nil, nil
	}
	var out []Result
	var lifted []string
	for _, t := range set.Slice() {
		rule, value, err := r.origin(t)
		if err != nil {
			return nil, err
		}
		if rule.kind == Exception {
			names, err := r.lifts(rule, value)
			if err != nil {
				return nil, err
			}
			lifted = append(lifted, names...)
			continue
		}
		one, err := r.result(rule, value, a)
		if err != nil {
			return nil, fmt.Errorf("%w: %s:%d: %s on %s %w", ErrJudge, rule.file, rule.line, rule.name, a.what, err)
		}
		out = append(out, one)
	}
	for i := range out {
		if out[i].Kind != Warn && slices.Contains(lifted, out[i].suffix) {
			out[i].Kind, out[i].Exempt = Exception, "exception"
		}
	}
	return out, nil
}

// origin takes apart [id, result].
func (r *judging) origin(t *ast.Term) (*rule, ast.Value, error) {
	pair, ok := t.Value.(*ast.Array)
	if ok && pair.Len() == 2 {
		if n, ok := pair.Elem(0).Value.(ast.Number); ok {
			if id, ok := n.Int(); ok && id >= 0 && id < len(r.rules) {
				return r.rules[id], pair.Elem(1).Value, nil
			}
		}
	}
	return nil, nil, fmt.Errorf("%w: a result of no known rule: %v", ErrJudge, t)
}

// lifts reads what an exception yields: a list of suffixes of rules that are there.
func (r *judging) lifts(by *rule, v ast.Value) ([]string, error) {
	names, err := stringsOf(v)
	if err != nil {
		return nil, fmt.Errorf("%w: %s:%d: %s must yield a list of rules' suffixes: %w", ErrJudge, by.file, by.line, by.name, err)
	}
	for _, n := range names {
		if !slices.ContainsFunc(r.rules, func(o *rule) bool { return o.kind != Exception && o.suffix == n && o.entry == by.entry }) {
			return nil, fmt.Errorf("%w: %s:%d: %s names %q, but no rule of package %s ends so", ErrJudge, by.file, by.line, by.name, n, by.entry.pkg)
		}
	}
	return names, nil
}

// result reads one result: a text, or an object with a msg.
func (r *judging) result(rule *rule, v ast.Value, a about) (Result, error) {
	out := Result{Kind: rule.kind, Rule: rule.name, Package: rule.pkg, Title: rule.title, Severity: rule.severity,
		Remediation: rule.remediation, Change: a.change, Person: a.person, File: a.place.File, Line: a.place.Line,
		At: Place{rule.file, rule.line}, suffix: rule.suffix}
	switch v := v.(type) {
	case ast.String:
		out.Msg = string(v)
	case ast.Object:
		if err := out.fill(v); err != nil {
			return out, err
		}
	default:
		return out, fmt.Errorf("gave a %s, not a text or an object with msg", ast.ValueName(v))
	}
	if strings.TrimSpace(out.Msg) == "" {
		return out, fmt.Errorf("gave no msg")
	}
	if !r.known()[out.Change] {
		return out, fmt.Errorf("names the change %q, which isn't in the plan", out.Change)
	}
	return out, nil
}

// fill takes the keys that mean something from an object; the others are kept as metadata.
func (r *Result) fill(o ast.Object) error {
	texts := map[string]*string{"msg": &r.Msg, "change": &r.Change, "person": &r.Person, "file": &r.File,
		"title": &r.Title, "severity": &r.Severity, "remediation": &r.Remediation}
	return o.Iter(func(k, v *ast.Term) error {
		name, ok := k.Value.(ast.String)
		if !ok {
			return fmt.Errorf("gave an object whose key %v is no text", k)
		}
		key := string(name)
		if to := texts[key]; to != nil {
			s, ok := v.Value.(ast.String)
			if !ok {
				return fmt.Errorf("gave a %s as %s, not a text", ast.ValueName(v.Value), key)
			}
			*to = string(s)
			return nil
		}
		if key != "approvers" && distance(key, "approvers") <= 2 {
			return fmt.Errorf(`gave the key %q; did you mean "approvers"?`, key)
		}
		switch key {
		case "line":
			n, ok := v.Value.(ast.Number)
			i, whole := n.Int()
			if !ok || !whole {
				return fmt.Errorf("gave %v as line, not a whole number", v)
			}
			r.Line = i
			return nil
		case "approvers":
			list, err := stringsOf(v.Value)
			if err != nil {
				return fmt.Errorf("gave approvers that aren't a list of ids: %w", err)
			}
			slices.Sort(list)
			r.Approvers = slices.Compact(list)
			return nil
		}
		b, err := ast.JSON(v.Value)
		if err != nil {
			return err
		}
		if r.Metadata == nil {
			r.Metadata = map[string]any{}
		}
		r.Metadata[key] = b
		return nil
	})
}

// stringsOf reads a list or set of texts. It is never nil.
func stringsOf(v ast.Value) ([]string, error) {
	out := []string{}
	var wrong error
	add := func(t *ast.Term) {
		if s, ok := t.Value.(ast.String); ok {
			out = append(out, string(s))
		} else {
			wrong = fmt.Errorf("%v is a %s", t, ast.ValueName(t.Value))
		}
	}
	switch v := v.(type) {
	case *ast.Array:
		v.Foreach(add)
	case ast.Set:
		v.Foreach(add)
	default:
		return nil, fmt.Errorf("it is a %s", ast.ValueName(v))
	}
	return out, wrong
}

// exempt marks the refusals and demands that a recorded exemption lifts.
func exempt(results []Result, in Input) {
	of := map[string][]*Exemption{} // by person
	for i := range in.Exemptions {
		if x := &in.Exemptions[i]; in.Now.Before(x.Until) {
			for _, who := range x.Who {
				of[who] = append(of[who], x)
			}
		}
	}
	for i := range results {
		r := &results[i]
		if r.Kind != Deny && r.Kind != RequireApproval || r.Person == "" {
			continue
		}
		for _, x := range of[r.Person] {
			if x.names(r.Rule, r.suffix) {
				r.Kind, r.Exempt = Exception, x.ID
				break
			}
		}
	}
}

// names reports whether it is from a rule, called by its name or its suffix.
func (x Exemption) names(rule, suffix string) bool {
	return x.Rule == rule || x.Rule == suffix && x.Rule != ""
}

// sortResults orders them: refusals first, then by what they are about and by rule. Equal ones
// become one.
func sortResults(rs []Result) {
	slices.SortStableFunc(rs, Result.Compare)
}

// Compare orders results by kind (deny, require_approval, warn, exception), change, person,
// package, rule and message.
func (r Result) Compare(o Result) int {
	return cmp.Or(
		cmp.Compare(rank(r.Kind), rank(o.Kind)), strings.Compare(r.Change, o.Change), strings.Compare(r.Person, o.Person),
		strings.Compare(r.Package, o.Package), strings.Compare(r.Rule, o.Rule), strings.Compare(r.Msg, o.Msg),
		strings.Compare(r.At.File, o.At.File), cmp.Compare(r.At.Line, o.At.Line), slices.Compare(r.Approvers, o.Approvers),
		strings.Compare(r.File, o.File), cmp.Compare(r.Line, o.Line), strings.Compare(fingerprint(r.Metadata), fingerprint(o.Metadata)),
	)
}

func rank(k Kind) int { return slices.Index([]Kind{Deny, RequireApproval, Warn, Exception}, k) }

func fingerprint(m map[string]any) string {
	if len(m) == 0 {
		return ""
	}
	b, err := json.Marshal(m) // keys come sorted
	if err != nil {
		return ""
	}
	return string(b)
}

func (p Place) compare(o Place) int {
	return cmp.Or(strings.Compare(p.File, o.File), cmp.Compare(p.Line, o.Line))
}
