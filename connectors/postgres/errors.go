package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/accordhq/accord/connectors"
)

// The SQLSTATEs that mean something to the engine.
// https://www.postgresql.org/docs/current/errcodes-appendix.html
const (
	codeDenied           = "42501" // insufficient_privilege
	codeUnsupported      = "0A000" // feature_not_supported
	codeReservedName     = "42939" // reserved_name
	codeBadGrant         = "0LP01" // invalid_grant_operation
	codeDependents       = "2BP01" // dependent_objects_still_exist
	codeDuplicate        = "42710" // duplicate_object
	codeUndefinedObject  = "42704" // undefined_object
	codeUndefinedSchema  = "3F000" // invalid_schema_name
	codeUndefinedTable   = "42P01" // undefined_table
	codeUndefinedDB      = "3D000" // invalid_catalog_name
	codeReadOnly         = "25006" // read_only_sql_transaction
	codeCanceled         = "57014" // query_canceled
	codeNotLogin         = "28000" // invalid_authorization_specification
	codeWrongPassword    = "28P01" // invalid_password
	codeInternal         = "XX000" // internal_error
	codeUniqueViolation  = "23505" // unique_violation
	codeWarnNotGranted   = "01007" // privilege_not_granted
	codeWarnNotRevoked   = "01006" // privilege_not_revoked
	concurrentlyModified = "tuple concurrently"
)

// explain wraps an error in what was being done and, where the engine acts on it, in the
// sentinel that it stands for. lack says which right the action needs; it is added to what the
// server says when that is that a right is lacking.
func explain(ctx context.Context, doing, lack string, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", doing, ctx.Err())
	}
	var pe *pgconn.PgError
	if !errors.As(err, &pe) {
		return fmt.Errorf("%s: %w", doing, err)
	}
	says := pe.Message
	if pe.Detail != "" {
		says += " (" + strings.ReplaceAll(pe.Detail, "\n", "; ") + ")"
	}
	switch pe.Code {
	case codeDenied:
		if lack != "" {
			says += "; it takes " + lack
		}
		return fmt.Errorf("%s: %w: %s", doing, connectors.ErrDenied, says)
	case codeNotLogin, codeWrongPassword:
		return fmt.Errorf("%s: %w: %s", doing, connectors.ErrDenied, says)
	case codeUnsupported, codeReservedName, codeBadGrant:
		return fmt.Errorf("%s: %w: %s", doing, connectors.ErrUnsupported, says)
	case codeDuplicate, codeUniqueViolation, codeUndefinedObject, codeUndefinedSchema, codeUndefinedTable, codeUndefinedDB:
		return fmt.Errorf("%s: %w: %s", doing, connectors.ErrConflict, says)
	case codeInternal:
		if strings.Contains(pe.Message, concurrentlyModified) {
			return fmt.Errorf("%s: %w: somebody else changed the same at this moment: %s", doing, connectors.ErrConflict, says)
		}
	case codeDependents:
		return fmt.Errorf("%s: what others were given by way of it must go first: %s", doing, says)
	case codeReadOnly:
		return fmt.Errorf("%s: the server takes no writes, as a standby or by its settings: %s", doing, says)
	case codeCanceled:
		return fmt.Errorf("%s: the server gave up, perhaps waiting for a lock (see statement_timeout): %s", doing, says)
	}
	return fmt.Errorf("%s: %s (SQLSTATE %s)", doing, says, pe.Code)
}

// lost reports whether the error is of the connection rather than an answer of the server:
// what the server made of the last statement is then not known.
func lost(err error) bool {
	var pe *pgconn.PgError
	return err != nil && !(errors.As(err, &pe) && pe.Severity != "FATAL" && pe.Severity != "PANIC")
}
