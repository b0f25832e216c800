package engine

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/accordhq/accord/engine/declare"
	"github.com/accordhq/accord/engine/report"
)

// ExpiringOptions ask what time alone will bring.
type ExpiringOptions struct {
	PlanOptions
	// Within is how far to look, as in 30d or 12h. Days are those of the repository's calendar.
	Within string
}

// Expiring lists the access that ends by itself within a time, and what begins. It asks the
// declaration alone: plan with At shows the same as steps against what is live.
func (e *Engine) Expiring(ctx context.Context, o ExpiringOptions) (*report.Expiring, error) {
	if err := CheckWithin(o.Within); err != nil {
		return nil, err
	}
	o.NoLive = true
	s, err := e.prepare(ctx, o.PlanOptions, false)
	if err != nil {
		return nil, err
	}
	defer s.close()
	at := s.at.In(s.head.Repo.Config.Location())
	until, err := within(at, o.Within)
	if err != nil {
		return nil, err
	}
	w := s.world()
	out := &report.Expiring{At: at, Until: until, Revision: s.head.Revision}
	for _, t := range w.Turns(until) {
		sys := s.systemOf(t.System)
		x := report.ExpiringTurn{At: t.At, Person: t.Person, System: t.System, Account: t.Account.Name, Target: t.Target, Before: t.Before, After: t.After,
			Gives: t.Gives(sys.description(s)), Reasons: t.Reasons, Because: t.Because, Owners: t.Owners}
		if p := s.head.Repo.Person(t.Person); p != nil {
			x.Name, x.Service, x.Manager = p.Name.Value, p.Service, p.Manager.Value
		}
		out.Turns = append(out.Turns, x)
	}
	return out, nil
}

// CheckWithin reports what is wrong with a time to look ahead.
func CheckWithin(text string) error {
	_, err := within(time.Time{}, text)
	return err
}

// within is the end of a time that begins at an instant.
func within(at time.Time, text string) (time.Time, error) {
	d, err := declare.ParsePeriod(text)
	if err != nil || d <= 0 {
		return at, fmt.Errorf("--within takes a time to look ahead like 30d or 12h, not %q", text)
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.Atoi(days)
		return at.AddDate(0, 0, n), err
	}
	return at.Add(d), nil
}
