package memory

import (
	"context"
	"fmt"
	"slices"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
)

// write carries out changes as one unit: all or none.
func (s *System) write(ctx context.Context, changes []access.Change) error {
	intercept, watch := s.begin()
	defer s.end()
	if watch != nil {
		watch()
	}
	if intercept != nil {
		for _, c := range changes {
			if err := intercept(ctx, c); err != nil {
				return err
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	s.calls.Writes++
	lost, fault := s.faults.write(changes)
	if fault != nil && !lost {
		return fault
	}
	if err := s.unit(changes); err != nil {
		return err
	}
	return fault
}

// begin counts a write that is under way, and gives what Intercept and Watch set.
func (s *System) begin() (intercept func(context.Context, access.Change) error, watch func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy++
	s.calls.Busiest = max(s.calls.Busiest, s.busy)
	return s.faults.intercept, s.faults.watch
}

func (s *System) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy--
}

// unit carries out changes one by one and takes them back when one of them can't be.
func (s *System) unit(changes []access.Change) error {
	var done []swap
	for _, c := range changes {
		w, err := s.one(s.foldChange(c))
		if err != nil {
			for _, w := range slices.Backward(done) {
				s.live.swap(w.now, w.old)
			}
			return err
		}
		s.live.swap(w.old, w.now)
		done = append(done, w)
	}
	if s.delay > 0 {
		s.late = append(s.late, done...)
	}
	s.applied = append(s.applied, changes...)
	return nil
}

func (s *System) one(c access.Change) (swap, error) {
	if err := s.reserved(c); err != nil {
		return swap{}, err
	}
	old, now, err := s.live.do(s.desc, c)
	if err != nil {
		return swap{}, fmt.Errorf("%w: %w", connectors.ErrConflict, err)
	}
	if c.Action == access.Give && slices.Contains(s.invites, c.Target.Kind) {
		invite(old, now, c)
	}
	return swap{s.now(), old, now}, nil
}

// reserved refuses what would change an object that belongs to the system itself. It may be
// the target of a grant.
func (s *System) reserved(c access.Change) error {
	if s.live.objects[c.Subject].Reserved {
		return fmt.Errorf("%s: %s belongs to the system itself: %w", c, c.Subject, connectors.ErrUnsupported)
	}
	return nil
}

// invite makes a grant that wasn't held before a pending one.
func invite(old, now part, c access.Change) {
	same := func(g access.Grant) bool {
		return g.Subject == c.Subject && g.Target == c.Target && g.Permission == c.After.Permission
	}
	if slices.ContainsFunc(old.grants, func(g access.Grant) bool { return same(g) && g.Standing == access.Held }) {
		return
	}
	if i := slices.IndexFunc(now.grants, func(g access.Grant) bool { return same(g) && g.Standing == access.Held }); i >= 0 {
		now.grants[i].Standing = access.Pending
	}
}
