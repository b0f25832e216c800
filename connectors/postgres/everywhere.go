package postgres

import (
	"context"
	"fmt"

	"github.com/accordhq/accord/engine/access"
)

// stripEverywhere takes from a role all that it owns and holds in this and in other databases,
// and begins the transaction in which it is then dropped. See the essay in delete.go.
func (w *work) stripEverywhere(ctx context.Context, d doomed, databases []string) error {
	var others []*session
	defer func() {
		for _, s := range others {
			s.rollback()
			s.close()
		}
	}()
	for _, name := range databases {
		s, err := w.c.connect(ctx, name)
		if err != nil {
			return fmt.Errorf("%s: it owns or holds something in database %s: %w", d.change, ident(name), err)
		}
		others = append(others, s)
	}
	if err := w.rehearse(ctx, d, others); err != nil {
		return err
	}
	if err := w.disarm(ctx, d); err != nil {
		return err
	}
	for _, s := range others {
		if err := s.stripThere(ctx, d); err != nil {
			return fmt.Errorf("deleted only in part: the role is still there, without login and with nothing in database %s: %w", ident(w.s.database), err)
		}
	}
	if err := w.begin(ctx); err != nil {
		return fmt.Errorf("%s: deleted only in part: the role is still there, without login: %w", d.change, err)
	}
	return nil
}

// rehearse tries everything, and takes it back.
func (w *work) rehearse(ctx context.Context, d doomed, others []*session) error {
	here, err := w.s.exec(ctx, "select r.rolname from pg_database d join pg_roles r on r.oid = d.datdba where d.datname = current_database()")
	if err != nil {
		return explain(ctx, d.change, "", err)
	}
	fallback := ""
	if len(here) == 1 {
		fallback = here[0].text(0)
	}
	for _, s := range others {
		if err := s.passedOn(ctx, d); err != nil {
			return err
		}
	}
	if _, err := w.s.exec(ctx, "savepoint rehearsal"); err != nil {
		return explain(ctx, d.change, "", err)
	}
	if err := w.stripHere(ctx, d); err != nil {
		return err
	}
	if _, err := w.s.exec(ctx, "rollback to savepoint rehearsal"); err != nil {
		return explain(ctx, d.change, "", err)
	}
	for _, s := range others {
		if _, err := s.exec(ctx, "begin"); err != nil {
			return explain(ctx, d.change, "", err)
		}
		if err := s.strip(ctx, d, fallback); err != nil {
			return err
		}
		s.rollback()
	}
	return nil
}

// disarm commits what can be done in this database: from here on the role can't log in.
func (w *work) disarm(ctx context.Context, d doomed) error {
	if d.kind() == access.KindAccount {
		if _, err := w.s.exec(ctx, d.sqlDisable()); err != nil {
			return explain(ctx, d.change, lackRole, err)
		}
	}
	if err := w.stripHere(ctx, d); err != nil {
		return err
	}
	return w.commit(ctx, d.change)
}

// stripThere strips the role in another database, for good.
func (s *session) stripThere(ctx context.Context, d doomed) error {
	if _, err := s.exec(ctx, "begin"); err != nil {
		return explain(ctx, d.change, "", err)
	}
	if err := s.strip(ctx, d, ""); err != nil {
		return err
	}
	_, err := s.exec(ctx, "commit")
	return explain(ctx, d.change+": in database "+ident(s.database), "", err)
}
