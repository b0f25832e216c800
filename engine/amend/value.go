package amend

import "slices"

// value is what a node means: what is compared before a changed file is given out.
type value struct {
	kind kind
	text string
	null bool
	kids []*value
}

func values(nodes []*node) []*value {
	out := make([]*value, len(nodes))
	for i, n := range nodes {
		out[i] = valueOf(n)
	}
	return out
}

func valueOf(n *node) *value { return &value{n.kind, n.text, n.null, values(n.kids)} }

// find goes down by the indexes of kids.
func (v *value) find(route []int) *value {
	for _, i := range route {
		v = v.kids[i]
	}
	return v
}

func equal(a, b []*value) bool { return slices.EqualFunc(a, b, same) }

func same(a, b *value) bool {
	return a.kind == b.kind && a.text == b.text && a.null == b.null && equal(a.kids, b.kids)
}
