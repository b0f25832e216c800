package policy

import (
	"context"
	"fmt"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
)

// Try judges one change and gives the trace of the decision: what was evaluated, where, and
// what held. The trace is for people; its form isn't stable. It is there also beside an error.
func (j *Judge) Try(ctx context.Context, change ChangeInput) (trace string, results []Result, err error) {
	e := j.entries[0]
	if _, ok := j.queries[e]; !ok {
		return "", nil, fmt.Errorf("%w: no rule of package %s judges", ErrJudge, e.pkg)
	}
	s := e.subjects(Input{Changes: []ChangeInput{change}})
	what := s.about(0)
	enc := &encoder{attributes: j.opts.Attributes}
	term := enc.input(e.shape, s.at(0))
	if enc.err != nil {
		return "", nil, fmt.Errorf("%w: the input for %s: %v", ErrJudge, what.what, enc.err)
	}
	run := &judging{Judge: j, known: func() map[string]bool { return map[string]bool{"": true, change.Change.ID: true} }}
	// Without the rule index every rule is entered, so that the trace shows where it failed.
	tracer := newTracer(j.rules)
	sets, err := run.eval(ctx, e, []*ast.Term{term}, rego.EvalQueryTracer(tracer), rego.EvalRuleIndexing(false))
	if err != nil {
		return tracer.String(), nil, run.blame(ctx, e, []*ast.Term{term}, []about{what}, err)
	}
	results, err = run.read(sets[0], what)
	sortResults(results)
	return tracer.String(), results, err
}
