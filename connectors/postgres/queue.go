package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
)

// phase orders the statements of one part: nothing in a part depends on a later phase.
type phase int

const (
	phaseCreate phase = iota // roles and their comments
	phaseAlter               // login, attributes, limits, comments
	phaseRevoke
	phaseGrant
	phases
)

// statement is SQL, and what to say if it fails.
type statement struct {
	sql     string
	changes []int  // indexes of the changes it serves
	lack    string // the right it takes
}

// queue collects the statements of a part. Those that differ only in who gets or loses
// something become one: an entry is SQL around a list of grantees.
type queue struct {
	phases [phases][]*entry
	merge  map[mergeKey]*entry
}

type mergeKey struct {
	phase      phase
	head, tail string
}

type entry struct {
	mergeKey
	lack    string
	who     []string // quoted
	changes []int
}

// add queues a statement that stands alone.
func (q *queue) add(p phase, change int, lack, sql string) {
	q.phases[p] = append(q.phases[p], &entry{mergeKey: mergeKey{p, sql, ""}, lack: lack, changes: []int{change}})
}

// addFor queues a statement about one grantee, to be merged with its like.
func (q *queue) addFor(p phase, change int, lack, head, who, tail string) {
	key := mergeKey{p, head, tail}
	e := q.merge[key]
	if e == nil {
		e = &entry{mergeKey: key, lack: lack}
		if q.merge == nil {
			q.merge = map[mergeKey]*entry{}
		}
		q.merge[key] = e
		q.phases[p] = append(q.phases[p], e)
	}
	e.who = append(e.who, ident(who))
	e.changes = append(e.changes, change)
}

// maxGrantees bounds the length of one statement.
const maxGrantees = 500

// statements gives everything queued, in order.
func (q *queue) statements() []statement {
	var all []statement
	for _, entries := range q.phases {
		for _, e := range entries {
			if len(e.who) == 0 {
				all = append(all, statement{e.head, e.changes, e.lack})
				continue
			}
			for lo := 0; lo < len(e.who); lo += maxGrantees {
				hi := min(lo+maxGrantees, len(e.who))
				all = append(all, statement{e.head + strings.Join(e.who[lo:hi], ", ") + e.tail, e.changes[lo:hi], e.lack})
			}
		}
	}
	return all
}

// maxMessage bounds how much SQL goes to the server at a time.
const maxMessage = 256 << 10

// run sends statements, many in one message, inside the transaction.
func (w *work) run(ctx context.Context, part []access.Change, all []statement) error {
	for len(all) > 0 {
		var b strings.Builder
		n := 0
		for n < len(all) && (n == 0 || b.Len()+len(all[n].sql) < maxMessage) {
			b.WriteString(all[n].sql)
			b.WriteString(";\n")
			n++
		}
		if err := w.send(ctx, b.String(), part, all[:n]); err != nil {
			return err
		}
		all = all[n:]
	}
	return nil
}

// send runs one message. Each statement answers once, so that the number of answers tells
// which one failed.
func (w *work) send(ctx context.Context, sql string, part []access.Change, sent []statement) error {
	w.s.notices = w.s.notices[:0]
	results := w.s.pg.Exec(ctx, sql)
	done := 0
	for results.NextResult() {
		if _, err := results.ResultReader().Close(); err != nil {
			break
		}
		done++
		if err := w.refused(); err != nil && done <= len(sent) {
			_ = results.Close()
			return fmt.Errorf("%s: %w", sent[done-1].about(part), err)
		}
	}
	err := results.Close()
	if err == nil && done == len(sent) {
		return nil
	}
	st := sent[min(done, len(sent)-1)]
	if err == nil {
		err = fmt.Errorf("%w: %d statements were sent, %d answered", connectors.ErrIncomplete, len(sent), done)
	}
	return explain(ctx, st.about(part), st.lack, err)
}

// refused turns PostgreSQL's warnings that a grant or revocation had no effect into errors:
// it gives them where Accord lacks the right for some of what it asked.
func (w *work) refused() error {
	i := slices.IndexFunc(w.s.notices, func(n *pgconn.Notice) bool {
		return n.Code == codeWarnNotGranted || n.Code == codeWarnNotRevoked
	})
	if i < 0 {
		return nil
	}
	return fmt.Errorf("%w: %s; it takes the grant option, or membership in the owner", connectors.ErrDenied, w.s.notices[i].Message)
}

// about names the changes that a statement serves.
func (st statement) about(part []access.Change) string {
	first := part[st.changes[0]].String()
	if len(st.changes) > 1 {
		return fmt.Sprintf("%s and %d like it", first, len(st.changes)-1)
	}
	return first
}
