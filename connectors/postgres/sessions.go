package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// How often, and how far apart, endSessions looks for sessions. It looks at least twice: one
// that was let in just before may not have shown itself the first time.
const (
	sessionLooks = 40
	sessionPause = 10 * time.Millisecond
)

// endSessions ends all sessions of the roles. With gone, only of those that by now don't exist
// or may not log in: so it can be called when it isn't known whether the transaction that
// disabled them was committed. Accord may lack the right (pg_signal_backend, and superuser for
// a superuser's sessions); what stays is logged as a warning and is no error, since the account
// can't log in again.
// https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADMIN-SIGNAL
func (c *connector) endSessions(ctx context.Context, oids []uint32, gone bool) {
	if len(oids) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	s, err := c.acquire(ctx)
	if err != nil {
		c.log.Warn("sessions of accounts without login could not be ended", "system", c.system, "error", err)
		return
	}
	defer c.release(s)
	left, err := s.endSessions(ctx, oids, gone)
	if err != nil || left > 0 {
		c.log.Warn("sessions of accounts without login go on; ending them takes membership in pg_signal_backend, and superuser for those of superusers",
			"system", c.system, "sessions", left, "error", err)
	}
}

func (s *session) endSessions(ctx context.Context, oids []uint32, gone bool) (left int, err error) {
	sql := "select a.pid from pg_stat_activity a where a.usesysid = any($1) and a.pid <> pg_backend_pid()"
	if gone {
		sql += " and not exists (select from pg_roles r where r.oid = a.usesysid and r.rolcanlogin)"
	}
	var denied error
	for look := range sessionLooks {
		var pids []int
		err := s.ask(ctx, query{sql + " order by 1", []arg{oidsArg(oids)}, func(r row) error {
			pids = append(pids, r.int4(0))
			return nil
		}})
		if left = len(pids); err != nil || left == 0 && look > 0 || denied != nil {
			return left, errors.Join(err, denied)
		}
		for _, pid := range pids {
			if _, err := s.exec(ctx, fmt.Sprintf("select pg_terminate_backend(%d)", pid)); err != nil {
				if lost(err) {
					return left, err
				}
				denied = err
			}
		}
		select {
		case <-ctx.Done():
			return left, ctx.Err()
		case <-time.After(sessionPause):
		}
	}
	return left, nil
}
