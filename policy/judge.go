package policy

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// Judge evaluates all rules on everything and gives the results, sorted. Any error is an
// ErrJudge (or the context's, when that ended): there is no verdict then, and nothing may pass.
func (j *Judge) Judge(ctx context.Context, in Input) ([]Result, error) {
	run := &judging{Judge: j, known: sync.OnceValue(in.known)}
	var out []Result
	for _, e := range j.entries {
		if _, ok := j.queries[e]; !ok {
			continue
		}
		results, err := run.entry(ctx, e, e.subjects(in))
		if err != nil {
			return nil, err
		}
		out = append(out, results...)
	}
	exempt(out, in)
	sortResults(out)
	return out, nil
}

// known are the ids of changes that a result may name.
func (in *Input) known() map[string]bool {
	known := map[string]bool{"": true}
	for i := range in.Changes {
		known[in.Changes[i].Change.ID] = true
	}
	for i := range in.Principals {
		for k := range in.Principals[i].Holdings {
			known[in.Principals[i].Holdings[k].Change] = true
		}
		for k := range in.Principals[i].Roles {
			known[in.Principals[i].Roles[k].Change] = true
		}
	}
	for _, s := range in.Plan.Settings {
		known[s.Change] = true
	}
	for _, d := range in.Plan.Daily {
		known[d.Change] = true
	}
	return known
}

// subjects are what one package judges: the inputs, and what each is about.
func (e *entry) subjects(in Input) subjects {
	switch e.name {
	case "change":
		return subjects{len(in.Changes), func(i int) any { return &in.Changes[i] }, func(i int) about {
			c := &in.Changes[i].Change
			return about{"change " + c.ID, c.ID, c.Principal, c.Source}
		}}
	case "principal":
		return subjects{len(in.Principals), func(i int) any { return &in.Principals[i] }, func(i int) about {
			p := in.Principals[i].Principal
			if p == nil {
				return about{what: "somebody"}
			}
			return about{p.ID, "", p.ID, p.Source}
		}}
	}
	if in.Plan.Plan == nil {
		return subjects{} // nothing is asked about a plan
	}
	return subjects{1, func(int) any { return &in.Plan }, func(int) about { return about{what: "the plan"} }}
}

type subjects struct {
	n     int
	at    func(i int) any
	about func(i int) about
}

// about says what an input is about, for its results.
type about struct {
	what   string // for errors
	change string
	person string
	place  Place
}

// judging is one call of Judge.
type judging struct {
	*Judge
	known func() map[string]bool // ids of changes that a result may name
}

// screened are the numbers of the inputs that the rules have to be asked about, in order.
func (r *judging) screened(e *entry, s subjects) []int {
	parts := make([][]int, max(1, min(r.opts.Workers, s.n/r.opts.Batch)))
	var wg sync.WaitGroup
	for p := range parts {
		wg.Go(func() {
			m := &memo{}
			for i := s.n * p / len(parts); i < s.n*(p+1)/len(parts); i++ {
				if r.opts.NoIndexing || r.queries[e].screen.asks(s.at(i), m) {
					parts[p] = append(parts[p], i)
				}
			}
		})
	}
	wg.Wait()
	return slices.Concat(parts...)
}

// entry evaluates one package in batches, several at a time.
func (r *judging) entry(ctx context.Context, e *entry, s subjects) ([]Result, error) {
	ask := r.screened(e, s)
	if err := ctx.Err(); err != nil && s.n > 0 {
		return nil, fmt.Errorf("judging %s: %w", e.pkg, err)
	}
	batches := (len(ask) + r.opts.Batch - 1) / r.opts.Batch
	out, errs := make([][]Result, batches), make([]error, batches)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	next := make(chan int)
	var wg sync.WaitGroup
	for range min(r.opts.Workers, batches) {
		wg.Go(func() {
			enc := &encoder{attributes: r.opts.Attributes}
			for i := range next {
				if out[i], errs[i] = r.batch(ctx, e, s, ask[i*r.opts.Batch:min((i+1)*r.opts.Batch, len(ask))], enc); errs[i] != nil {
					cancel()
				}
			}
		})
	}
	for i := range batches {
		next <- i
	}
	close(next)
	wg.Wait()
	var first error
	for _, err := range errs { // the error that stopped the others, not one of those stopped
		if err != nil && (first == nil || errors.Is(first, context.Canceled) && !errors.Is(err, context.Canceled)) {
			first = err
		}
	}
	if first != nil {
		return nil, first
	}
	var all []Result
	for _, b := range out {
		all = append(all, b...)
	}
	return all, nil
}

// batch evaluates the inputs of these numbers.
func (r *judging) batch(ctx context.Context, e *entry, s subjects, ask []int, enc *encoder) ([]Result, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("judging %s: %w", e.pkg, err)
	}
	terms, abouts := make([]*ast.Term, len(ask)), make([]about, len(ask))
	for i, k := range ask {
		abouts[i] = s.about(k)
		v := s.at(k)
		if !r.opts.NoIndexing {
			v = r.queries[e].screen.pick(v, &memo{})
		}
		terms[i] = enc.input(r.queries[e].shape, v)
		if enc.err != nil {
			return nil, fmt.Errorf("%w: the input for %s: %v", ErrJudge, abouts[i].what, enc.err)
		}
	}
	sets, err := r.eval(ctx, e, terms)
	if err != nil {
		return nil, r.blame(ctx, e, terms, abouts, err)
	}
	var out []Result
	for i, set := range sets {
		results, err := r.read(set, abouts[i])
		if err != nil {
			return nil, err
		}
		out = append(out, results...)
	}
	return out, nil
}

// input encodes one whole input.
func (e *encoder) input(s *shape, v any) *ast.Term {
	e.err = nil
	return e.object(s, reflect.ValueOf(v).Elem())
}

// eval gives, for each input, the set of its results.
func (r *judging) eval(ctx context.Context, e *entry, terms []*ast.Term, options ...rego.EvalOption) ([]ast.Set, error) {
	limited, cancel := context.WithTimeout(ctx, r.opts.Deadline)
	defer cancel()
	in := ast.NewObject([2]*ast.Term{ast.StringTerm("batch"), ast.ArrayTerm(terms...)})
	options = append([]rego.EvalOption{rego.EvalParsedInput(in), rego.EvalRuleIndexing(!r.opts.NoIndexing)}, options...)
	rs, err := r.queries[e].Eval(limited, options...)
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("judging %s: %w", e.pkg, ctx.Err())
	case limited.Err() != nil:
		return nil, slow{fmt.Errorf("%w: the rules of package %s took longer than %s for %d inputs", ErrJudge, e.pkg, r.opts.Deadline, len(terms))}
	case err != nil:
		return nil, err
	case len(rs) != 1 || len(rs[0].Expressions) != 1:
		return nil, fmt.Errorf("%w: package %s gave no result", ErrJudge, e.pkg)
	}
	t, _ := rs[0].Expressions[0].Value.(*ast.Term)
	if t == nil {
		return nil, fmt.Errorf("%w: package %s gave no result", ErrJudge, e.pkg)
	}
	list, ok := t.Value.(*ast.Array)
	if !ok || list.Len() != len(terms) {
		return nil, fmt.Errorf("%w: package %s didn't give a result for every input", ErrJudge, e.pkg)
	}
	out := make([]ast.Set, list.Len())
	for i := range out {
		if out[i], ok = list.Elem(i).Value.(ast.Set); !ok {
			return nil, fmt.Errorf("%w: package %s gave a %s for an input", ErrJudge, e.pkg, ast.ValueName(list.Elem(i).Value))
		}
	}
	return out, nil
}

// slow is the error of a deadline.
type slow struct{ error }

func (s slow) Unwrap() error { return s.error }

// blame finds the input at which a batch failed.
func (r *judging) blame(ctx context.Context, e *entry, terms []*ast.Term, abouts []about, err error) error {
	if ctx.Err() != nil {
		return err
	}
	what := ""
	if len(terms) == 1 {
		what = abouts[0].what
	} else if !errors.As(err, new(slow)) {
		for i := range terms {
			if _, one := r.eval(ctx, e, terms[i:i+1]); one != nil {
				what, err = abouts[i].what, one
				break
			}
		}
	}
	if what != "" {
		what = " on " + what
	}
	var te *topdown.Error
	if errors.As(err, &te) && te.Location != nil {
		return fmt.Errorf("%w%s: %s:%d:%d: %s", ErrJudge, what, te.Location.File, te.Location.Row, te.Location.Col, te.Message)
	}
	if errors.Is(err, ErrJudge) {
		return fmt.Errorf("%w%s", err, what)
	}
	return fmt.Errorf("%w%s: %s", ErrJudge, what, strings.TrimSpace(err.Error()))
}
