package report

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/plan"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func sortedSystems(p *plan.Plan) []plan.System {
	return slices.SortedStableFunc(slices.Values(p.Systems), func(a, b plan.System) int { return strings.Compare(a.Name, b.Name) })
}

func sortedIDs(ids []access.ID) []access.ID {
	return slices.SortedFunc(slices.Values(ids), access.ID.Compare)
}

// idName is an ID in a list of names: accounts by their name alone.
func idName(id access.ID) string {
	if id.IsAccount() {
		return quoteName(id.Name)
	}
	return quoteName(id.String())
}

func idNames(ids []access.ID) []string {
	var out []string
	for _, id := range sortedIDs(ids) {
		out = append(out, idName(id))
	}
	return out
}

// edgeRows are grants that nobody touches, a row for each target and permission.
func edgeRows(edges []plan.Edge) []blockRow {
	type key struct {
		target     access.ID
		permission string
	}
	subjects := map[key][]access.ID{}
	for _, e := range edges {
		k := key{e.Target, e.Permission}
		subjects[k] = append(subjects[k], e.Subject)
	}
	keys := slices.SortedFunc(maps.Keys(subjects), func(a, b key) int {
		return cmp.Or(a.target.Compare(b.target), strings.Compare(a.permission, b.permission))
	})
	var out []blockRow
	for _, k := range keys {
		out = append(out, blockRow{row: row{what: entitlement(k.target, k.permission)}, names: idNames(subjects[k])})
	}
	return out
}
