package ldap

import (
	"context"
	"errors"
	"fmt"
	"strings"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/accordhq/accord/connectors"
)

// reply is an error that a server answered with (RFC 4511, section 4.1.9). It holds texts only:
// the library's own error holds the packet, and so perhaps a credential.
type reply struct {
	code uint16
	text string
}

func (e *reply) Error() string {
	name := goldap.LDAPResultCodeMap[e.code]
	if e.text == "" {
		return fmt.Sprintf("%s (result %d)", strings.ToLower(name), e.code)
	}
	return fmt.Sprintf("%s (result %d: %s)", e.text, e.code, strings.ToLower(name))
}

// errLost: the connection broke, or brought something that makes no sense. What the server made
// of the last request isn't known.
var errLost = errors.New("the connection was lost")

// plainError makes an error of the library one that is safe to show.
func plainError(err error) error {
	if err == nil {
		return nil
	}
	var le *goldap.Error
	if errors.As(err, &le) && le.ResultCode < goldap.ErrorNetwork {
		text := ""
		if le.Err != nil {
			text = strings.TrimSpace(strings.Trim(le.Err.Error(), "\x00"))
		}
		return &reply{le.ResultCode, oneLine(text)}
	}
	return fmt.Errorf("%w: %s", errLost, oneLine(err.Error()))
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// resultCode is what the server answered; 0 if it is no answer of a server.
func resultCode(err error) uint16 {
	var r *reply
	if errors.As(err, &r) {
		return r.code
	}
	return 0
}

func isResult(err error, codes ...uint16) bool {
	got := resultCode(err)
	for _, c := range codes {
		if got == c && got != 0 {
			return true
		}
	}
	return false
}

// readError wraps the error of a search in what was being done and the sentinel it stands for.
// Whatever cut a search short makes it incomplete.
func readError(ctx context.Context, doing string, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w", doing, ctx.Err())
	}
	switch code := resultCode(err); code {
	case 0:
		return fmt.Errorf("%s: %w", doing, err)
	case goldap.LDAPResultTimeLimitExceeded, goldap.LDAPResultSizeLimitExceeded, goldap.LDAPResultAdminLimitExceeded:
		return fmt.Errorf("%s: %w: the server's limits for Accord's account cut the answer off: %w", doing, connectors.ErrIncomplete, err)
	case goldap.LDAPResultNoSuchObject:
		return fmt.Errorf("%s: %w: the search base isn't there, or can't be seen by Accord's account: %w", doing, connectors.ErrIncomplete, err)
	case goldap.LDAPResultReferral:
		return fmt.Errorf("%s: %w: another server holds it, and referrals aren't followed: %w", doing, connectors.ErrIncomplete, err)
	case goldap.LDAPResultInvalidCredentials, goldap.LDAPResultInsufficientAccessRights, goldap.LDAPResultInappropriateAuthentication:
		return fmt.Errorf("%s: %w: %w", doing, connectors.ErrDenied, err)
	case goldap.LDAPResultStrongAuthRequired, goldap.LDAPResultConfidentialityRequired:
		return fmt.Errorf("%s: %w: the server wants an encrypted connection (ldaps://, or start_tls): %w", doing, connectors.ErrDenied, err)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// writeError wraps the error of a write. If no answer came, the outcome is unknown, whatever
// else happened.
func writeError(ctx context.Context, doing, lack string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errLost) && ctx.Err() != nil:
		return fmt.Errorf("%s: %w: no answer came: %w", doing, connectors.ErrOutcomeUnknown, ctx.Err())
	case errors.Is(err, errLost):
		return fmt.Errorf("%s: %w: %w", doing, connectors.ErrOutcomeUnknown, err)
	}
	switch code := resultCode(err); code {
	case goldap.LDAPResultInsufficientAccessRights:
		return fmt.Errorf("%s: %w: it takes the right to %s: %w", doing, connectors.ErrDenied, lack, err)
	case goldap.LDAPResultInvalidCredentials, goldap.LDAPResultInappropriateAuthentication:
		return fmt.Errorf("%s: %w: %w", doing, connectors.ErrDenied, err)
	case goldap.LDAPResultStrongAuthRequired, goldap.LDAPResultConfidentialityRequired:
		return fmt.Errorf("%s: %w: the server wants an encrypted connection (ldaps://, or start_tls): %w", doing, connectors.ErrDenied, err)
	case goldap.LDAPResultNoSuchObject, goldap.LDAPResultEntryAlreadyExists, goldap.LDAPResultAttributeOrValueExists,
		goldap.LDAPResultNoSuchAttribute, goldap.LDAPResultAssertionFailed:
		return fmt.Errorf("%s: %w: %w", doing, connectors.ErrConflict, err)
	case goldap.LDAPResultConstraintViolation:
		if strings.Contains(err.Error(), "unique") { // OpenLDAP's overlay "unique"
			return fmt.Errorf("%s: %w: %w", doing, connectors.ErrConflict, err)
		}
	case goldap.LDAPResultUndefinedAttributeType, goldap.LDAPResultInvalidAttributeSyntax, goldap.LDAPResultObjectClassViolation,
		goldap.LDAPResultNamingViolation, goldap.LDAPResultInvalidDNSyntax, goldap.LDAPResultObjectClassModsProhibited:
		return fmt.Errorf("%s: %w: %w", doing, connectors.ErrUnsupported, err)
	case goldap.LDAPResultNotAllowedOnNonLeaf:
		return fmt.Errorf("%s: there are entries below it, which must go first: %w", doing, err)
	case goldap.LDAPResultReferral:
		return fmt.Errorf("%s: this server takes no writes, as a replica; name the provider in the setting url: %w", doing, err)
	}
	return fmt.Errorf("%s: %w", doing, err)
}
