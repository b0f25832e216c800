package policy

import (
	"cmp"
	"slices"
	"strings"

	"github.com/accordhq/accord/engine/access"
)

// Reach gives everything that an account holds in a state: its own grants and those of the
// resources it belongs to, nested however deep. Only what each holding is and how it is come by
// is filled in; reasons, roles and what the plan adds are the caller's. A holding that can be
// had in several ways is there once, by the shortest way. The result is sorted by key.
//
// Implied grants, which the system itself derives, count like any other; pending ones are
// marked, and so is whatever follows from them alone.
func Reach(s *access.State, d access.Description, account access.ID) []Holding {
	type at struct {
		id      access.ID
		via     []string
		pending bool
	}
	type held struct {
		target     access.ID
		permission string
	}
	seen := map[held]int{} // index in out
	visited := map[access.ID]bool{}
	var out []Holding
	queue := []at{{id: account}}
	for len(queue) > 0 {
		here := queue[0]
		queue = queue[1:]
		if done, ok := visited[here.id]; ok && (done || here.pending) {
			continue // seen already, and not only by what is pending
		}
		visited[here.id] = !here.pending
		for _, g := range s.GrantsOf(here.id) {
			pending := here.pending || g.Standing == access.Pending
			k := held{g.Target, g.Permission}
			if i, ok := seen[k]; ok {
				if out[i].Pending && !pending {
					out[i].Pending, out[i].Via = false, here.via
				}
			} else {
				kind, _ := d.Kind(g.Target.Kind)
				perm, _ := kind.Permission(g.Permission)
				seen[k] = len(out)
				out = append(out, Holding{Key: access.Ref{System: s.System(), ID: g.Target}.String(), System: s.System(),
					Resource: g.Target.String(), ResourceKind: g.Target.Kind, ResourceName: g.Target.Name,
					Permission: g.Permission, Via: here.via, Admin: perm.Admin, Pending: pending})
			}
			if !g.Target.IsAccount() {
				queue = append(queue, at{g.Target, append(slices.Clone(here.via), g.Target.String()), pending})
			}
		}
	}
	slices.SortFunc(out, func(a, b Holding) int {
		return cmp.Or(strings.Compare(a.Key, b.Key), strings.Compare(a.Permission, b.Permission))
	})
	return out
}

// Eligible reports whether somebody may approve a demand, and if not, why. Approvers are those
// whom the rule named; nil: the owners. Nobody approves what they wrote or what benefits them:
// the beneficiaries are the people who gain, with groups resolved by the caller.
func Eligible(approver string, demand Result, author string, beneficiaries, owners []string) (ok bool, why string) {
	entitled := demand.Approvers
	if entitled == nil {
		entitled = owners
	}
	switch {
	case approver == "":
		return false, "nobody is named"
	case approver == author:
		return false, approver + " wrote the change"
	case slices.Contains(beneficiaries, approver) || approver == demand.Person:
		return false, approver + " benefits from the change"
	case !slices.Contains(entitled, approver):
		return false, approver + " isn't entitled to approve it"
	}
	return true, ""
}
