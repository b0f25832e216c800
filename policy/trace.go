package policy

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/topdown"
)

const (
	// maxTrace is how many lines of a trace are kept; a loop would fill the memory.
	maxTrace = 2000
	// maxTraceText is how many characters of a value or an expression are shown.
	maxTraceText = 100
)

// tracer writes down which rules were entered and which of their lines held, in the words of
// the policy: what the driver and the compiler add is left out. It is a topdown.QueryTracer.
//
// The compiler takes expressions apart: `input.change.op in {…}` becomes a variable of its own
// making that stands for input.change.op, and a call. parts has the text that such a variable
// stands for, and the line about a part gives way to the one about the whole.
type tracer struct {
	rules []*rule
	lines []traceLine
	more  int            // lines beyond maxTrace
	depth map[uint64]int // of queries that are shown
	parts map[ast.Var]string
}

// traceLine is one line. The line that says that an expression is evaluated gives way to the one
// that says that it failed, if nothing came between.
type traceLine struct {
	place string
	depth int
	op    topdown.Op
	text  string
	note  string
	query uint64
}

func newTracer(rules []*rule) *tracer {
	return &tracer{rules: rules, depth: map[uint64]int{}, parts: map[ast.Var]string{}}
}

// Enabled makes OPA call the tracer.
func (t *tracer) Enabled() bool { return true }

// Config asks for the values of variables.
func (t *tracer) Config() topdown.TraceConfig { return topdown.TraceConfig{PlugLocalVars: true} }

// TraceEvent notes one event.
func (t *tracer) TraceEvent(e topdown.Event) {
	depth, shown := t.depth[e.ParentID]
	if e.Op == topdown.EnterOp {
		if own := t.shows(e.Location); own || shown {
			if _, isRule := e.Node.(*ast.Rule); isRule && shown || !own {
				depth++
			}
			t.depth[e.QueryID] = depth
		}
	}
	depth, shown = t.depth[e.QueryID]
	if !shown || !t.shows(e.Location) {
		return
	}
	line := traceLine{place: fmt.Sprintf("%s:%d", e.Location.File, e.Location.Row), depth: depth, op: e.Op, query: e.QueryID}
	switch n := e.Node.(type) {
	case *ast.Rule:
		if e.Op != topdown.EnterOp && e.Op != topdown.ExitOp {
			return
		}
		line.text = t.name(n)
	case *ast.Expr:
		if e.Op != topdown.EvalOp && e.Op != topdown.FailOp {
			return
		}
		line.depth++
		if line.text = string(n.Location.Text); line.text == "" || !n.Negated && strings.HasPrefix(line.text, "not ") {
			return // the second is what stands behind not: it would be told twice
		}
		if n.IsEquality() {
			if v, ok := n.Operand(0).Value.(ast.Var); ok {
				t.parts[v] = line.text
			}
		}
		if e.Op == topdown.FailOp {
			line.note = t.values(n, e)
		}
	default:
		return
	}
	t.add(line)
}

// shows reports whether a place is in a policy.
func (t *tracer) shows(l *ast.Location) bool {
	return l != nil && l.File != "" && l.File != driverFile
}

func (t *tracer) add(l traceLine) {
	for l.op == topdown.EvalOp || l.op == topdown.FailOp {
		n := len(t.lines) - 1
		if n < 0 || !l.holds(t.lines[n]) {
			break
		}
		t.lines = t.lines[:n]
	}
	if len(t.lines) == maxTrace {
		t.more++
		return
	}
	t.lines = append(t.lines, l)
}

// holds reports whether a line is about a part of the expression that this one is about.
func (l traceLine) holds(o traceLine) bool {
	return o.op == topdown.EvalOp && o.place == l.place && o.query == l.query && o.depth == l.depth && strings.Contains(l.text, o.text)
}

// name is the name of a rule as its author wrote it.
func (t *tracer) name(r *ast.Rule) string {
	name := strings.TrimPrefix(r.Ref().String(), "data.")
	for _, j := range t.rules {
		if j.defines(r) && r.Module != nil && packageOf(r.Module) == driverPackage {
			if name = j.pkg + "." + j.name; strings.HasSuffix(j.pkg, "."+j.name) { // a built-in rule
				name = j.pkg
			}
		}
	}
	return name
}

// values tells what the parts of an expression were that didn't hold.
func (t *tracer) values(x *ast.Expr, e topdown.Event) string {
	var out []string
	note := func(name string, v ast.Value) {
		if text := name + " is " + shorten(v.String()); !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	ast.WalkTerms(x, func(term *ast.Term) bool {
		switch v := term.Value.(type) {
		case ast.Ref:
			if v[0].Equal(ast.InputRootDocument) && v.IsGround() && e.Input() != nil && len(v) > 1 {
				if found, err := e.Input().Value.Find(v[1:]); err == nil {
					note(v.String(), found)
				}
				return true
			}
		case ast.Var:
			name := t.parts[v]
			if m := e.LocalMetadata[v]; m.Name != "" && !m.Name.IsGenerated() {
				name = string(m.Name)
			}
			if bound := e.Plug(ast.NewTerm(v)); name != "" && bound.IsGround() {
				note(firstLine(name), bound.Value)
			}
		}
		return false
	})
	return strings.Join(out, ", ")
}

// String writes the trace, a line each: where, what became of it, and what stands there.
func (t *tracer) String() string {
	width := 0
	for _, l := range t.lines {
		width = max(width, len(l.place))
	}
	var b strings.Builder
	for _, l := range t.lines {
		fmt.Fprintf(&b, "%-*s  %s%-5s %s", width, l.place, strings.Repeat("  ", l.depth), l.op, firstLine(l.text))
		if l.note != "" {
			b.WriteString("   (" + l.note + ")")
		}
		b.WriteByte('\n')
	}
	if t.more > 0 {
		fmt.Fprintf(&b, "and %d more lines\n", t.more)
	}
	return b.String()
}

// firstLine is the beginning of a text that may have several lines.
func firstLine(s string) string {
	line, rest, _ := strings.Cut(strings.TrimSpace(s), "\n")
	if strings.TrimSpace(rest) != "" {
		return shorten(strings.TrimRight(line, " \t\r")) + " …"
	}
	return shorten(strings.TrimRight(line, " \t\r"))
}

func shorten(s string) string {
	if utf8.RuneCountInString(s) <= maxTraceText {
		return s
	}
	return string([]rune(s)[:maxTraceText-1]) + "…"
}
