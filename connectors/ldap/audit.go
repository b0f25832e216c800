package ldap

import (
	"context"
	"slices"
	"strings"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
)

var _ connectors.Auditor = (*connector)(nil)

// The attributes in which a directory itself says who wrote an entry, and when: operational ones
// (RFC 4512, 3.4) that OpenLDAP keeps by default. Active Directory says when, and not who.
var (
	writers = []string{"creatorsName", "createTimestamp", "modifiersName", "modifyTimestamp"}
	dates   = []string{"whenCreated", "whenChanged"}
)

// Traces tells who wrote the entries of accounts and groups last, and who made them. Who put a
// member into a group is only known as long as nobody wrote that group since.
func (c *connector) Traces(ctx context.Context, ids []access.ID) ([]access.Trace, error) {
	s, err := c.acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer c.release(s)
	more := writers
	if c.flavour.ad {
		more = dates
	}
	l, err := c.lookupWith(ctx, s, ids, slices.Concat(c.accountAttrs(), more), slices.Concat(c.groupAttrs(false), more))
	if err != nil {
		return nil, readError(ctx, "asking "+c.system+" who wrote what", err)
	}
	var out []access.Trace
	for _, id := range ids {
		if e, err := l.one(id); err == nil && e != nil {
			out = append(out, traces(id, e.Entry)...)
		}
	}
	return out, nil
}

// traces reads the making and the last write of an entry; they are one if nobody wrote it since.
func traces(id access.ID, e *goldap.Entry) []access.Trace {
	get := func(names ...string) string {
		for _, n := range names {
			if v := e.GetEqualFoldAttributeValue(n); v != "" {
				return v
			}
		}
		return ""
	}
	made := access.Trace{Object: id, By: get("creatorsName"), At: moment(get("createTimestamp", "whenCreated")), Created: true}
	last := access.Trace{Object: id, By: get("modifiersName"), At: moment(get("modifyTimestamp", "whenChanged"))}
	var out []access.Trace
	if made.By != "" || !made.At.IsZero() {
		out = append(out, made)
	}
	if (last.By != "" || !last.At.IsZero()) && (last.By != made.By || !last.At.Equal(made.At)) {
		out = append(out, last)
	}
	return out
}

// moment reads a generalized time in UTC (RFC 4517, 3.3.13), the fraction left out; zero if it
// isn't one.
func moment(s string) time.Time {
	digits, rest, _ := strings.Cut(s, ".")
	if rest != "" {
		digits += "Z"
	}
	t, err := time.Parse("20060102150405Z", digits)
	if err != nil {
		return time.Time{}
	}
	return t
}
