package ldap

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/accordhq/accord/connectors"
)

// base reads one entry; nil if it isn't shown.
func (s *session) base(ctx context.Context, dn string, attrs ...string) (*goldap.Entry, error) {
	req := goldap.NewSearchRequest(dn, goldap.ScopeBaseObject, goldap.NeverDerefAliases, 0, 0, false, "(objectClass=*)", attrs, s.scopeControls())
	var res *goldap.SearchResult
	err := s.do(ctx, func() (err error) { res, err = s.conn.Search(req); return err })
	if err != nil || len(res.Entries) == 0 {
		return nil, err
	}
	if len(res.Entries) > 1 {
		return nil, fmt.Errorf("%w: more than one entry is called %q", connectors.ErrIncomplete, dn)
	}
	return res.Entries[0], s.completeRanges(ctx, res.Entries[0])
}

// scopeControls keep Active Directory from referring to its other partitions, which hold
// neither accounts nor groups of the domain.
func (s *session) scopeControls() []goldap.Control {
	if s.c.flavour.ad && s.supports(controlDomainScope) {
		return []goldap.Control{goldap.NewControlString(controlDomainScope, true, "")}
	}
	return nil
}

// search yields all entries below a DN that fit a filter, in pages (RFC 2696), and gives the
// referrals that stand in for entries elsewhere. An answer that a limit cut short is an error:
// what came before it must not be taken for everything.
func (s *session) search(ctx context.Context, base, filter string, attrs []string, each func(*goldap.Entry) error) (referrals []string, err error) {
	paged := s.supports(controlPaging)
	var cookie []byte
	first := true
	for {
		req := goldap.NewSearchRequest(base, goldap.ScopeWholeSubtree, goldap.NeverDerefAliases, 0, 0, false, filter, attrs, s.scopeControls())
		size := s.c.pageSize.Load()
		if paged {
			req.Controls = append(req.Controls, &goldap.ControlPaging{PagingSize: uint32(size), Cookie: cookie})
		}
		var res *goldap.SearchResult
		err := s.do(ctx, func() (err error) { res, err = s.conn.Search(req); return err })
		if first && paged && size > 1 && isResult(err, goldap.LDAPResultAdminLimitExceeded) && len(res.Entries) == 0 {
			// The server allows smaller pages only, and says so instead of giving such.
			s.c.pageSize.CompareAndSwap(size, max(1, size/2))
			continue
		}
		if err != nil {
			return nil, err
		}
		first = false
		referrals = append(referrals, res.Referrals...)
		for _, e := range res.Entries {
			if err := s.completeRanges(ctx, e); err != nil {
				return nil, err
			}
			s.slim(e)
			if err := each(e); err != nil {
				return nil, err
			}
		}
		next := pageCookie(res)
		if len(next) == 0 {
			return referrals, nil
		}
		if !paged || len(res.Entries) == 0 && len(res.Referrals) == 0 && string(next) == string(cookie) {
			return nil, fmt.Errorf("%w: the server's pages come to no end", connectors.ErrIncomplete)
		}
		cookie = next
	}
}

// slim lets go of what an entry holds twice: the bytes of values, for each of which the library
// keeps half a KiB. Active Directory has values that aren't text.
func (s *session) slim(e *goldap.Entry) {
	if s.c.flavour.ad {
		return
	}
	for _, a := range e.Attributes {
		a.ByteValues = nil
	}
}

func pageCookie(res *goldap.SearchResult) []byte {
	if c, ok := goldap.FindControl(res.Controls, controlPaging).(*goldap.ControlPaging); ok {
		return c.Cookie
	}
	return nil
}

// completeRanges fetches the rest of attributes that Active Directory cut off at some number of
// values, as in "member;range=0-1499" ([MS-ADTS] 3.1.1.3.1.3.3).
func (s *session) completeRanges(ctx context.Context, e *goldap.Entry) error {
	if !s.c.flavour.ad {
		return nil
	}
	for _, a := range e.Attributes {
		name, high, ranged, err := parseRange(a.Name)
		if err != nil {
			return err
		}
		if !ranged {
			continue
		}
		for high >= 0 {
			asked := fmt.Sprintf("%s;range=%d-*", name, high+1)
			more, err := s.rangeOf(ctx, e.DN, asked)
			if err != nil {
				return err
			}
			n, next, ok, err := parseRange(more.Name)
			if err != nil || !ok || !strings.EqualFold(n, name) || next >= 0 && next <= high || next >= 0 && len(more.Values) == 0 {
				return fmt.Errorf("%w: the values of %s come to no end: asked for %q, got %q", connectors.ErrIncomplete, e.DN, asked, more.Name)
			}
			a.Values, a.ByteValues, high = append(a.Values, more.Values...), append(a.ByteValues, more.ByteValues...), next
		}
		a.Name = name
	}
	return nil
}

func (s *session) rangeOf(ctx context.Context, dn, asked string) (*goldap.EntryAttribute, error) {
	req := goldap.NewSearchRequest(dn, goldap.ScopeBaseObject, goldap.NeverDerefAliases, 0, 0, false, "(objectClass=*)", []string{asked}, s.scopeControls())
	var res *goldap.SearchResult
	if err := s.do(ctx, func() (err error) { res, err = s.conn.Search(req); return err }); err != nil {
		return nil, err
	}
	if len(res.Entries) != 1 || len(res.Entries[0].Attributes) != 1 {
		return nil, fmt.Errorf("%w: %q of %s isn't answered", connectors.ErrIncomplete, asked, dn)
	}
	return res.Entries[0].Attributes[0], nil
}

// parseRange reads "member;range=0-1499"; high is -1 for the last part, which ends in "*".
func parseRange(name string) (attr string, high int, ranged bool, err error) {
	attr, option, ok := strings.Cut(name, ";")
	if !ok || !strings.HasPrefix(strings.ToLower(option), "range=") {
		return name, 0, false, nil
	}
	low, end, ok := strings.Cut(option[len("range="):], "-")
	if !ok {
		return "", 0, false, errors.New("a range of values without an end: " + name)
	}
	if end == "*" {
		return attr, -1, true, nil
	}
	from, err1 := strconv.Atoi(low)
	high, err2 := strconv.Atoi(end)
	if err1 != nil || err2 != nil || high < from {
		return "", 0, false, fmt.Errorf("%w: a range of values that can't be read: %q", connectors.ErrIncomplete, name)
	}
	return attr, high, true, nil
}
