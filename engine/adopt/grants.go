package adopt

import (
	"slices"
	"strings"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/declare"
)

// fewest is how many people hold several things together before they become a group.
const fewest = 3

// set is the same people and all that they hold together.
type set struct {
	people []string
	access []Entitlement
}

// bundle turns what people hold into grants: one for each thing and its people; people who hold
// several things together, and nobody else holds these, become a group with one grant of all.
// There is never a document for each edge.
func (a *adopter) bundle() {
	holders := map[Entitlement][]string{}
	for person, wishes := range a.held {
		for _, e := range wishes {
			holders[e] = append(holders[e], person)
		}
	}
	byPeople := map[string]*set{}
	for e, people := range holders {
		slices.Sort(people)
		people = slices.Compact(people)
		key := strings.Join(people, "\n") // no id holds one
		if byPeople[key] == nil {
			byPeople[key] = &set{people: people}
		}
		byPeople[key].access = append(byPeople[key].access, e)
	}
	sets := make([]*set, 0, len(byPeople))
	for _, s := range byPeople {
		slices.SortFunc(s.access, Entitlement.compare)
		sets = append(sets, s)
	}
	slices.SortFunc(sets, func(x, y *set) int { return x.access[0].compare(y.access[0]) })
	for _, s := range sets {
		a.grants(s)
	}
	slices.SortFunc(a.res.Groups, func(x, y Group) int { return strings.Compare(x.ID, y.ID) })
	slices.SortFunc(a.res.Grants, func(x, y Grant) int { return strings.Compare(x.ID, y.ID) })
}

func (a *adopter) grants(s *set) {
	if len(s.access) > 1 && len(s.people) >= fewest {
		name := a.nameOf(s.access[max(0, slices.IndexFunc(s.access, func(e Entitlement) bool { return e.Usual }))])
		group := a.taken.groups.free(name, a.system()+"-"+name)
		a.taken.groups.take(group)
		a.res.Groups = append(a.res.Groups, Group{group, s.people})
		a.res.Grants = append(a.res.Grants, Grant{ID: a.grantID(group), Group: group, Access: s.access})
		return
	}
	for _, e := range s.access {
		a.res.Grants = append(a.res.Grants, Grant{ID: a.grantID(a.nameOf(e)), People: s.people, Access: []Entitlement{e}})
	}
}

// nameOf calls an entitlement by its target's name, and by its permission where that isn't the
// usual one.
func (a *adopter) nameOf(e Entitlement) string {
	name := slug(e.Target.Name)
	if name == "" {
		name = slug(e.Target.Kind)
	}
	if !e.Usual {
		name += "-" + slug(e.Permission)
	}
	return orElse(cut(name, maxID), "access")
}

func (a *adopter) grantID(name string) string {
	id := a.taken.grants.free(a.system() + "-" + name)
	a.taken.grants.take(id)
	return id
}

// resources finds what resources hold themselves. A resource that is declared claims all that it
// holds, so one that holds something besides that can't be declared is left out as a whole.
func (a *adopter) resources() {
	for o := range a.Live.Objects() {
		if o.ID.IsAccount() || o.Reserved {
			continue
		}
		wishes, gaps := a.edges(o.ID)
		var res *declare.Resource
		if a.Resource != nil {
			res = a.Resource(o.ID)
		}
		if wishes = a.missing(Owner{Account: o.ID}, o.ID, wishes); len(wishes) == 0 && len(gaps) == 0 {
			continue
		}
		a.res.Gaps = append(a.res.Gaps, gaps...)
		why := a.undeclarable(o, res)
		if why == "" && len(gaps) > 0 && res == nil {
			why = "declared, it would lose what else it holds, which can't be declared"
		}
		switch {
		case len(wishes) == 0:
		case why != "":
			for _, e := range wishes {
				a.gap(GapResource, o.ID, e.Target, e.Permission, why)
			}
		default:
			a.res.Resources = append(a.res.Resources, Resource{o.ID, wishes, res})
		}
	}
}

// undeclarable tells why a resource can't be declared; "" if it can, or is.
func (a *adopter) undeclarable(o access.Object, res *declare.Resource) string {
	switch {
	case a.Absent != nil && a.Absent(o.ID):
		return "it is declared absent"
	case res != nil:
		return ""
	case !a.Describe.Can(o.ID.Kind, access.Create):
		return "a " + o.ID.Kind + " can't be declared on this system"
	case !writableTarget(o.ID):
		return "the language can't hold its name"
	}
	n, err := a.normalize(access.Object{ID: o.ID})
	if err != nil || n.ID != o.ID {
		return "the connector takes its name for another one"
	}
	for k, v := range n.Attributes {
		if o.Attributes[k] != v {
			return "declared, it would be changed"
		}
	}
	return ""
}
