package declare

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/accordhq/accord/engine/access"
)

// edge leads from one thing to another, and knows its line.
type edge struct {
	to   string
	doc  *Doc
	text Text
}

// The bounds of what is reported of cycles: enough to mend them one by one.
const (
	maxCycles = 20
	maxHops   = 8
)

func (c *checker) cycles() {
	c.groupCycles(idsOf(c.r.Groups()))
	c.roleCycles(idsOf(c.r.Roles()))
	for _, s := range c.r.Systems {
		c.resourceCycles(s)
	}
}

// groupCycles finds those that can be reached from the groups.
func (c *checker) groupCycles(from iter.Seq[string]) {
	c.findCycles(from, "groups contain each other", func(id string) []edge {
		g := c.r.Group(id)
		if g == nil {
			return nil
		}
		return slices.Concat(groupEdges(g, g.Members), groupEdges(g, g.Only), groupEdges(g, g.Except))
	})
}

func (c *checker) roleCycles(from iter.Seq[string]) {
	c.findCycles(from, "roles include each other", func(id string) []edge {
		r := c.r.Role(id)
		if r == nil {
			return nil
		}
		var out []edge
		for _, i := range r.Includes {
			out = append(out, edge{i.Value, &r.Doc, i})
		}
		return out
	})
}

// managers finds people who report to each other.
func (c *checker) managers() {
	c.findCycles(idsOf(c.r.People()), "people report to each other", func(id string) []edge {
		p := c.r.Person(id)
		if p == nil || p.Manager.Value == "" {
			return nil
		}
		return []edge{{p.Manager.Value, &p.Doc, p.Manager}}
	})
}

func groupEdges(g *Group, terms []Term) []edge {
	var out []edge
	for i := range terms {
		if terms[i].Kind == TermGroup {
			out = append(out, edge{terms[i].Name.Value, &g.Doc, terms[i].Name})
		}
		out = append(out, groupEdges(g, terms[i].Terms)...)
	}
	return out
}

func (c *checker) resourceCycles(s *System) {
	next := make(map[string][]edge, len(s.Resources))
	for _, r := range s.Resources {
		for _, m := range r.MemberOf {
			name := r.ID.String()
			next[name] = append(next[name], edge{m.Target.String(), &s.Doc, Text{m.Target.String(), m.At}})
		}
	}
	names := func(yield func(string) bool) {
		for _, id := range slices.SortedFunc(resourceIDs(s), access.ID.Compare) {
			if !yield(id.String()) {
				return
			}
		}
	}
	c.findCycles(names, "resources are members of each other", func(id string) []edge { return next[id] })
}

func resourceIDs(s *System) iter.Seq[access.ID] {
	return func(yield func(access.ID) bool) {
		for i := range s.Resources {
			if !yield(s.Resources[i].ID) {
				return
			}
		}
	}
}

// findCycles walks the graph depth first, each node once, and reports each edge that leads
// back into the path to it: every cycle that is left after mending the others has one.
func (c *checker) findCycles(nodes iter.Seq[string], what string, next func(string) []edge) {
	const open, done = 1, 2
	state := map[string]int{}
	var path []edge // path[i] leads to the i-th open node; the first edge is empty
	found := 0
	var visit func(string)
	visit = func(id string) {
		state[id] = open
		for _, e := range next(id) {
			switch state[e.to] {
			case open:
				if found++; found <= maxCycles {
					from := slices.IndexFunc(path, func(p edge) bool { return p.to == e.to })
					c.cycle(what, append(slices.Clone(path[from+1:]), e))
				}
			case 0:
				path = append(path, e)
				visit(e.to)
				path = path[:len(path)-1]
			}
		}
		state[id] = done
	}
	for id := range nodes {
		if state[id] == 0 {
			path = append(path[:0], edge{to: id})
			visit(id)
		}
	}
}

// cycle reports the edges of a cycle, from its first name in the alphabet on.
func (c *checker) cycle(what string, edges []edge) {
	last := 0
	for i, e := range edges {
		if e.to < edges[last].to {
			last = i
		}
	}
	edges = slices.Concat(edges[last+1:], edges[:last+1])
	names := []string{edges[len(edges)-1].to}
	var places []string
	for i, e := range edges {
		if i >= maxHops && i < len(edges)-1 {
			if i == maxHops {
				names = append(names, "…")
			}
			continue
		}
		names = append(names, e.to)
		places = append(places, e.doc.Pos(e.text.At).fileLine())
	}
	first := edges[0]
	hint := "take it away"
	if len(edges) > 1 {
		hint = fmt.Sprintf("take one of these away: %s", strings.Join(places, ", "))
	}
	c.failText(first.doc, first.text, hint, "%s: %s", what, strings.Join(names, " → "))
}
