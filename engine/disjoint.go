package engine

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/declare"
)

// disjoint holds back systems that turn out to be one and don't keep to things of their own:
// both manage the same, or one disables accounts that are idle, and would take those for idle
// that have their grants by the other.
func (s *session) disjoint() {
	byIdentity := map[string][]*system{}
	for _, sys := range s.systems {
		if sys.live != nil && sys.live.Identity() != "" {
			byIdentity[sys.live.Identity()] = append(byIdentity[sys.live.Identity()], sys)
		}
	}
	for _, same := range byIdentity {
		for i, one := range same {
			for _, other := range same[:i] {
				if why := overlap(other, one); why != "" {
					err := fmt.Errorf("%s and %s are the same system (%s) and %s", other.decl.ID.Value, one.decl.ID.Value, one.live.Identity(), why)
					one.err, other.err = cmp.Or(one.err, err), cmp.Or(other.err, err)
				}
			}
		}
		for _, sys := range same {
			if sys.err != nil {
				sys.live = nil
			}
		}
	}
}

func overlap(a, b *system) string {
	if a.ruled.accounts.Idle.Value == "disable" || b.ruled.accounts.Idle.Value == "disable" {
		return "one of them disables idle accounts"
	}
	ofA, ofB, live := a.ruled.claims, b.ruled.claims, b.live
	for o := range live.Objects() {
		if ofA(o.ID) && ofB(o.ID) {
			return "both manage " + o.ID.String()
		}
	}
	for _, g := range live.Grants() { // there may be grants on what isn't listed
		if _, listed := live.Object(g.Target); !listed && ofA(g.Target) && ofB(g.Target) {
			return "both manage " + g.Target.String()
		}
	}
	return ""
}

// claims tells which targets `manage` names.
func claims(d *declare.System) func(access.ID) bool {
	return func(id access.ID) bool {
		return slices.ContainsFunc(d.Manage, func(p declare.Text) bool { return declare.GlobID(p.Value, id) })
	}
}
