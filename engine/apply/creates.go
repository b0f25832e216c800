package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/journal"
)

// objects carries out a layer of changes of objects: creations many at a time where the
// connector offers that, anything else one by one, side by side.
func (r *runner) objects(ctx context.Context, p *part, layer []*StepResult) {
	if !p.creates(layer[0].Change) {
		r.parallel(ctx, p, layer)
		return
	}
	for len(layer) > 0 {
		unit := nextUnit(layer, p.desc.Creates)
		layer = layer[len(unit):]
		if unit = slices.DeleteFunc(unit, func(s *StepResult) bool { return r.skipLost(p, s) }); len(unit) > 0 {
			r.unit(ctx, p, unit, false)
		}
	}
}

// nextUnit are the first steps that may be created in one call: of one kind, and not too many.
func nextUnit(layer []*StepResult, most int) []*StepResult {
	n := 1
	for n < len(layer) && n < most && layer[n].Subject.Kind == layer[0].Subject.Kind {
		n++
	}
	return slices.Clone(layer[:n])
}

// creates reports whether changes like this one are made many in one call.
func (p *part) creates(c access.Change) bool {
	_, ok := p.conn.(connectors.Creator)
	return ok && c.Action == access.Create && p.desc.Creates > 1 && p.desc.Batch != access.BatchAll
}

// eachError is a call in which each change had an outcome of its own, and not all were done.
type eachError []error

// Error tells the first of the errors.
func (e eachError) Error() string {
	i := slices.IndexFunc(e, func(err error) bool { return err != nil })
	return e[i].Error()
}

func createEach(ctx context.Context, c connectors.Creator, changes []access.Change) error {
	errs := c.CreateEach(ctx, changes)
	switch {
	case len(errs) != len(changes):
		return fmt.Errorf("%s: the connector told of %d outcomes instead of %d (%w)", changes[0], len(errs), len(changes), connectors.ErrOutcomeUnknown)
	case slices.ContainsFunc(errs, func(err error) bool { return err != nil }):
		return eachError(errs)
	}
	return nil
}

// outcomes gives each step its own.
func (e eachError) outcomes(steps []*StepResult) (blamed map[int]bool) {
	blamed = map[int]bool{}
	for i, s := range steps {
		s.Outcome, s.Err = journal.Done, e[i]
		switch {
		case errors.Is(e[i], connectors.ErrOutcomeUnknown):
			s.Outcome = journal.Unknown
		case e[i] != nil:
			s.Outcome = journal.Failed
		}
		blamed[i] = e[i] != nil
	}
	return blamed
}
