package engine

import (
	"cmp"
	"slices"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/declare"
)

// changedDocs tells which documents the base and head don't have alike, so that a plan can name
// the line that a change comes from. Documents are compared when somebody asks.
type changedDocs struct {
	base, head documents
	differs    map[string]bool // by document
}

// documents are those of one declaration, by what they are called and by where they stand.
type documents struct {
	byKey  map[string]any
	byFile map[string][]documentAt // sorted by line
}

type documentAt struct {
	line int32
	key  string
}

func newChangedDocs(base, head *declare.Repository) *changedDocs {
	return &changedDocs{base: documentsOf(base), head: documentsOf(head), differs: map[string]bool{}}
}

func documentsOf(r *declare.Repository) documents {
	d := documents{byKey: map[string]any{}, byFile: map[string][]documentAt{}}
	add := func(key string, at declare.Doc, doc any) {
		d.byKey[key] = doc
		d.byFile[at.File] = append(d.byFile[at.File], documentAt{at.At.Line, key})
	}
	for _, p := range r.People {
		add("person "+p.ID.Value, p.Doc, p)
	}
	for _, g := range r.Groups {
		add("group "+g.ID.Value, g.Doc, g)
	}
	for _, x := range r.Roles {
		add("role "+x.ID.Value, x.Doc, x)
	}
	for _, g := range r.Grants {
		add("grant "+g.ID.Value, g.Doc, g)
	}
	for _, s := range r.Systems {
		add("system "+s.ID.Value, s.Doc, s)
	}
	for _, list := range d.byFile {
		slices.SortFunc(list, func(a, b documentAt) int { return cmp.Compare(a.line, b.line) })
	}
	return d
}

// at names the document that a line belongs to.
func (d documents) at(l access.Link) (string, bool) {
	list := d.byFile[l.File]
	i, ok := slices.BinarySearchFunc(list, int32(l.Line), func(a documentAt, line int32) int { return cmp.Compare(a.line, line) })
	if !ok {
		i--
	}
	if i < 0 {
		return "", false
	}
	return list[i].key, true
}

// changed reports whether the document of a link differs between base and head; was says that
// the link is one of the base.
func (c *changedDocs) changed(l access.Link, was bool) bool {
	in := c.head
	if was {
		in = c.base
	}
	key, ok := in.at(l)
	if !ok {
		return false
	}
	differs, known := c.differs[key]
	if !known {
		before, after := c.base.byKey[key], c.head.byKey[key]
		differs = before == nil || after == nil || declare.Digest(before) != declare.Digest(after)
		c.differs[key] = differs
	}
	return differs
}
