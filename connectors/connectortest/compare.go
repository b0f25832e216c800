package connectortest

import (
	"fmt"
	"maps"
	"slices"

	"github.com/accordhq/accord/engine/access"
)

// difference is one thing in which a state isn't as expected.
type difference struct {
	subject, target access.ID // target is zero for objects
	text            string
}

func (d difference) String() string { return d.text }

// leniency is what a comparison overlooks.
type leniency struct {
	// implied grants on either side.
	implied bool
	// loose tells of which objects only the attributes that are wanted must be there: systems
	// fill in others when they create an object.
	loose func(access.ID) bool
	// pending tells which grants may be invitations where they are wanted held: those that were
	// just given.
	pending func(access.Grant) bool
	// extra tells which objects may be there though nobody wants them.
	extra func(access.ID) bool
}

// invited reports whether a grant may be an invitation, and is one.
func (l leniency) invited(want, got access.Grant) bool {
	return l.pending != nil && want.Standing == access.Held && got.Standing == access.Pending && l.pending(want)
}

// doneBy is the leniency for what changes have made: what was created may have more attributes,
// and what was given may be an invitation.
func doneBy(changes ...access.Change) leniency {
	return leniency{
		implied: true,
		loose: func(id access.ID) bool {
			return slices.ContainsFunc(changes, func(c access.Change) bool { return c.Action == access.Create && c.Subject == id })
		},
		pending: func(g access.Grant) bool {
			return slices.ContainsFunc(changes, func(c access.Change) bool {
				return c.Action.OnGrant() && c.Subject == g.Subject && c.Target == g.Target
			})
		},
	}
}

// asDeclared is the leniency for what was declared: all that is there may have been made so.
func asDeclared() leniency {
	return leniency{implied: true, loose: func(access.ID) bool { return true }, pending: func(access.Grant) bool { return true }}
}

// differences lists in what got differs from want, sorted. Native isn't compared.
func differences(want, got *access.State, l leniency) []difference {
	var out []difference
	for o := range want.Objects() {
		g, ok := got.Object(o.ID)
		if !ok {
			out = append(out, difference{o.ID, access.ID{}, fmt.Sprintf("%s is missing", o.ID)})
			continue
		}
		out = append(out, objectDifferences(o, g, l.loose != nil && l.loose(o.ID))...)
	}
	for o := range got.Objects() {
		if _, ok := want.Object(o.ID); !ok && (l.extra == nil || !l.extra(o.ID)) {
			out = append(out, difference{o.ID, access.ID{}, fmt.Sprintf("%s is there and shouldn't be", o.ID)})
		}
	}
	for _, g := range want.Grants() {
		if l.implied && g.Standing == access.Implied {
			continue
		}
		_, has, ok := got.Find(g.Subject, g.Target, g.Permission)
		if !ok || l.implied && has.Standing == access.Implied {
			out = append(out, difference{g.Subject, g.Target, fmt.Sprintf("%s is missing", g)})
		} else if has.Standing != g.Standing && !l.invited(g, has) {
			out = append(out, difference{g.Subject, g.Target, fmt.Sprintf("%s is %s, want %s", g, has.Standing, g.Standing)})
		}
	}
	for _, g := range got.Grants() {
		if l.implied && g.Standing == access.Implied {
			continue
		}
		if _, has, ok := want.Find(g.Subject, g.Target, g.Permission); !ok || l.implied && has.Standing == access.Implied {
			out = append(out, difference{g.Subject, g.Target, fmt.Sprintf("%s is there and shouldn't be", g)})
		}
	}
	return out
}

func objectDifferences(want, got access.Object, loose bool) []difference {
	var out []difference
	add := func(format string, args ...any) {
		out = append(out, difference{want.ID, access.ID{}, want.ID.String() + ": " + fmt.Sprintf(format, args...)})
	}
	if want.Disabled != got.Disabled {
		add("disabled is %v, want %v", got.Disabled, want.Disabled)
	}
	if want.Reserved != got.Reserved {
		add("reserved is %v, want %v", got.Reserved, want.Reserved)
	}
	keys := slices.Collect(maps.Keys(want.Attributes))
	if !loose {
		keys = append(keys, slices.Collect(maps.Keys(got.Attributes))...)
	}
	slices.Sort(keys)
	for _, k := range slices.Compact(keys) {
		if want.Attributes[k] != got.Attributes[k] {
			add("%s is %q, want %q", k, got.Attributes[k], want.Attributes[k])
		}
	}
	return out
}

// about keeps the differences that a change is about, or with false all others.
func about(c access.Change, all []difference, is bool) []difference {
	renamed := access.ID{}
	if c.Action == access.Rename {
		renamed = access.ID{Kind: c.Subject.Kind, Name: c.After.Name}
	}
	return slices.DeleteFunc(slices.Clone(all), func(d difference) bool {
		var hit bool
		switch {
		case c.Action.OnGrant():
			hit = d.subject == c.Subject && d.target == c.Target
		case c.Action == access.Rename, c.Action == access.Delete:
			hit = slices.ContainsFunc([]access.ID{d.subject, d.target}, func(id access.ID) bool {
				return id == c.Subject || id == renamed && !renamed.IsZero()
			})
		default:
			hit = d.subject == c.Subject && d.target.IsZero()
		}
		return hit != is
	})
}

// same reports an error for each difference, up to a few.
func (t *trial) same(what string, diffs []difference) bool {
	t.Helper()
	const most = 8
	for i, d := range diffs {
		if i == most {
			t.Errorf("%s: and %d differences more", what, len(diffs)-most)
			break
		}
		t.Errorf("%s: %s", what, d)
	}
	return len(diffs) == 0
}
