package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"

	"github.com/accordhq/accord/connectors"
)

// session is one connection, and what doesn't change while it lasts.
type session struct {
	pg       *pgconn.PgConn
	major    int    // of the server's version
	database string // connected to
	login    string // session_user: Accord's own account
	user     string // current_user: the same, unless the DSN's options or the login's settings say otherwise
	identity string // see access.State.Identity
	notices  []*pgconn.Notice
}

// connect makes a new connection: to the DSN's database, or, if one is named, to another
// database of the same server.
func (c *connector) connect(ctx context.Context, database string) (*session, error) {
	doing := "connecting to " + c.system
	if database != "" {
		doing += ", database " + ident(database)
	}
	secret, err := c.secret(ctx, c.dsn)
	if err != nil {
		return nil, fmt.Errorf("%s: reading the dsn (%s): %w", doing, c.dsn, err)
	}
	cfg, err := parseDSN(secret.Reveal(), c.allowInsecure, c.connectTimeout)
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w", doing, c.dsn, err)
	}
	if database != "" {
		cfg.Database = database
	}
	s := &session{database: cfg.Database}
	cfg.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) { s.notices = append(s.notices, n) }
	cfg.BuildContextWatcherHandler = func(pg *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: pg, DeadlineDelay: 2 * time.Second}
	}
	limited, cancel := context.WithTimeout(ctx, cfg.ConnectTimeout)
	defer cancel()
	s.pg, err = pgconn.ConnectConfig(limited, cfg)
	if err != nil {
		if inner := errors.Unwrap(err); inner != nil {
			err = inner // without the configuration, which has the password
		}
		return nil, explain(ctx, doing, "", err)
	}
	if err := s.greet(limited, c, net.JoinHostPort(cfg.Host, strconv.Itoa(int(cfg.Port)))); err != nil {
		s.close()
		return nil, explain(ctx, doing, "", err)
	}
	c.log.Debug("connected", "system", c.system, "identity", s.identity, "as", s.login, "version", s.pg.ParameterStatus("server_version"))
	return s, nil
}

// greet checks the version, settles the session and asks who is there. The search path is
// pinned so that no object of somebody's making can stand in for one of the catalog.
func (s *session) greet(ctx context.Context, c *connector, address string) error {
	version := s.pg.ParameterStatus("server_version")
	s.major = majorOf(version)
	if s.major < oldestMajor || s.major > newestMajor {
		return fmt.Errorf("the server is version %q; versions %d to %d are supported", version, oldestMajor, newestMajor)
	}
	sql := fmt.Sprintf(`set search_path = pg_catalog, pg_temp;
		set standard_conforming_strings = on;
		set statement_timeout = %d;
		set idle_in_transaction_session_timeout = %d;
		set lock_timeout = 0;
		set default_transaction_read_only = %t;
		select session_user, current_user, current_database(), has_function_privilege('pg_control_system()', 'execute')`,
		c.statementTimeout.Milliseconds(), (10 * time.Minute).Milliseconds(), c.readOnly)
	rows, err := s.exec(ctx, sql)
	if err != nil {
		return err
	}
	if len(rows) != 1 || len(rows[0]) != 4 {
		return fmt.Errorf("%w: the server didn't say who is connected", connectors.ErrIncomplete)
	}
	s.login, s.user, s.database = rows[0].text(0), rows[0].text(1), rows[0].text(2)
	if rows[0].text(3) != "t" {
		s.identity = "postgres " + address + "/" + s.database
		return nil
	}
	rows, err = s.exec(ctx, "select system_identifier from pg_control_system()")
	if err != nil {
		return err
	}
	s.identity = "postgres " + rows[0].text(0) + "/" + s.database
	return nil
}

// majorOf reads the first number of a version such as "15.18 (Debian 15.18-0)" or "18rc1".
func majorOf(version string) int {
	end := strings.IndexFunc(version, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(version)
	}
	n, _ := strconv.Atoi(version[:end])
	return n
}

// close ends the connection, politely but without waiting long.
func (s *session) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	_ = s.pg.Close(ctx) // what was to be kept is committed
}

// exec runs one or more statements without parameters in one round trip, and gives the rows of
// the last as text.
func (s *session) exec(ctx context.Context, sql string) ([]row, error) {
	s.notices = s.notices[:0]
	results, err := s.pg.Exec(ctx, sql).ReadAll()
	if err != nil {
		return nil, err
	}
	if len(results) == 0 {
		return nil, nil
	}
	last := results[len(results)-1]
	rows := make([]row, len(last.Rows))
	for i := range last.Rows {
		rows[i] = last.Rows[i]
	}
	return rows, last.Err
}

// query is one statement whose answer is taken row by row.
type query struct {
	sql  string
	args []arg
	each func(row) error
}

// ask runs queries in one round trip and gives each its rows. Answers are binary.
func (s *session) ask(ctx context.Context, queries ...query) error {
	var batch pgconn.Batch
	for _, q := range queries {
		values, oids := make([][]byte, len(q.args)), make([]uint32, len(q.args))
		for i, a := range q.args {
			values[i], oids[i] = a.value, a.oid
		}
		batch.ExecParams(q.sql, values, oids, []int16{1}, []int16{1})
	}
	s.notices = s.notices[:0]
	results := s.pg.ExecBatch(ctx, &batch)
	err := s.answers(results, queries)
	if closing := results.Close(); err == nil {
		err = closing
	}
	return err
}

func (s *session) answers(results *pgconn.MultiResultReader, queries []query) error {
	for _, q := range queries {
		if !results.NextResult() {
			// The reader's Close has the error; without one, an answer is missing.
			if err := results.Close(); err != nil {
				return err
			}
			return fmt.Errorf("%w: an answer is missing", connectors.ErrIncomplete)
		}
		rows := results.ResultReader()
		for rows.NextRow() {
			if err := q.each(rows.Values()); err != nil {
				return err
			}
		}
		if _, err := rows.Close(); err != nil {
			return err
		}
	}
	return nil
}

// rollback ends a transaction that came to nothing. If that fails the connection is closed,
// which has the same effect.
func (s *session) rollback() {
	if s.pg.IsClosed() || s.pg.TxStatus() == 'I' {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if _, err := s.exec(ctx, "rollback"); err != nil {
		s.close()
	}
}
