package diff

import (
	"slices"

	"github.com/accordhq/accord/engine/access"
)

// grants compares who holds what.
func (d *differ) grants() {
	for p := range access.Differences(d.want.State(), d.live) {
		if d.skip[p.Target] || d.Disputed[p.Subject] {
			continue
		}
		if d.skip[p.Subject] {
			d.keepDeclared(p)
			continue
		}
		if !d.live.KnowsGrant(p.Subject, p.Target) && !d.made[p.Subject] {
			if len(p.Want) > 0 {
				hidden := p.Target
				if !d.live.Knows(p.Subject) {
					hidden = p.Subject
				}
				d.wait(access.Give, p.Subject, p.Target, d.whyUnknown(hidden))
			}
			continue
		}
		kind, ok := d.Describe.Kind(p.Target.Kind)
		if !ok || len(p.Want) > 0 && d.dangling(p, kind) {
			continue
		}
		if kind.Ordered {
			d.level(p, kind)
		} else {
			d.set(p)
		}
	}
}

// keepDeclared takes from an account whose name is in doubt what isn't declared for its person.
func (d *differ) keepDeclared(p access.Pair) {
	account, ok := d.doubt[p.Subject]
	if _, there := d.live.Object(p.Subject); !ok || !there || !d.live.KnowsGrant(p.Subject, p.Target) {
		return
	}
	kind, _ := d.Describe.Kind(p.Target.Kind)
	for _, l := range p.Live {
		declared := false
		for _, w := range d.want.State().GrantsOf(account) {
			declared = declared || w.Target == p.Target && (w.Permission == l.Permission || kind.Ordered && !kind.Lowers(l.Permission, w.Permission))
		}
		if l.Standing != access.Implied && !declared {
			d.revoke(l)
		}
	}
}

// dangling finds wishes on a target that is nowhere.
func (d *differ) dangling(p access.Pair, kind access.Kind) bool {
	if _, live := d.live.Object(p.Target); live || kind.Open || d.made[p.Target] {
		return false
	}
	if _, declared := d.want.State().Object(p.Target); declared {
		return false
	}
	d.res.Dangling = append(d.res.Dangling, p.Want...)
	return true
}

// level handles kinds of which a subject has one permission at a time.
func (d *differ) level(p access.Pair, kind access.Kind) {
	want, live := highest(p.Want, kind), highest(p.Live, kind)
	switch {
	case want == nil && live == nil:
	case want != nil && live != nil && want.Permission == live.Permission:
		d.invited(*live)
	case live == nil:
		d.give(*want)
	case want == nil:
		for _, l := range p.Live {
			if l.Standing != access.Implied {
				d.revoke(l)
			}
		}
	case kind.Lowers(live.Permission, want.Permission) && !d.claims(*live):
		d.res.Unclaimed = append(d.res.Unclaimed, *live)
	default:
		d.add(access.Change{Action: access.ChangeLevel, Subject: p.Subject, Target: p.Target,
			Before: &access.Value{Permission: live.Permission}, After: &access.Value{Permission: want.Permission}})
	}
}

// set handles kinds whose permissions are independent of each other.
func (d *differ) set(p access.Pair) {
	for _, w := range p.Want {
		i := slices.IndexFunc(p.Live, func(l access.Grant) bool { return l.Permission == w.Permission && l.Standing != access.Implied })
		if i < 0 {
			d.give(w)
		} else {
			d.invited(p.Live[i])
		}
	}
	for _, l := range p.Live {
		if l.Standing != access.Implied && !slices.ContainsFunc(p.Want, func(w access.Grant) bool { return w.Permission == l.Permission }) {
			d.revoke(l)
		}
	}
}

// invited notes a declared grant that is only an invitation yet.
func (d *differ) invited(g access.Grant) {
	if g.Standing == access.Pending {
		d.res.Pending = append(d.res.Pending, g)
	}
}

// highest is the grant of the highest level that isn't merely implied.
func highest(gs []access.Grant, kind access.Kind) *access.Grant {
	var best *access.Grant
	for i, g := range gs {
		if g.Standing != access.Implied && (best == nil || kind.Level(g.Permission) > kind.Level(best.Permission)) {
			best = &gs[i]
		}
	}
	return best
}

func (d *differ) give(g access.Grant) {
	d.add(access.Change{Action: access.Give, Subject: g.Subject, Target: g.Target, After: &access.Value{Permission: g.Permission}})
}

func (d *differ) revoke(g access.Grant) {
	if o, ok := d.live.Object(g.Subject); ok && o.Reserved {
		return // the system's own arrangements are nobody's news
	}
	if !d.claims(g) {
		d.res.Unclaimed = append(d.res.Unclaimed, g)
		return
	}
	d.add(access.Change{Action: access.Revoke, Subject: g.Subject, Target: g.Target,
		Before: &access.Value{Permission: g.Permission, Standing: g.Standing}})
}

// claims is the rule of the package comment.
func (d *differ) claims(g access.Grant) bool {
	if g.Subject == d.live.Self() {
		return false
	}
	if d.strip[g.Subject] || d.Claims(g.Target) {
		return true
	}
	if g.Subject.IsAccount() {
		return false
	}
	_, declared := d.want.State().Object(g.Subject)
	return declared
}
