package engine

import (
	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/declare"
)

// changedDocs tells which documents the base and head don't have alike, so that a plan can name
// the line that a change comes from. Documents are compared when somebody asks.
type changedDocs struct {
	base, head *declare.Repository
	differs    map[docName]bool
}

type docName struct{ kind, id string }

func newChangedDocs(base, head *declare.Repository) *changedDocs {
	return &changedDocs{base, head, map[docName]bool{}}
}

// changed reports whether the document of a link differs between base and head; was says that
// the link is one of the base.
func (c *changedDocs) changed(l access.Link, was bool) bool {
	in := c.head
	if was {
		in = c.base
	}
	kind, id, ok := in.At(l.File, l.Line)
	if !ok {
		return false
	}
	name := docName{kind, id}
	differs, known := c.differs[name]
	if !known {
		before, after := c.base.Document(kind, id), c.head.Document(kind, id)
		differs = before == nil || after == nil || before != after && declare.Digest(before) != declare.Digest(after)
		c.differs[name] = differs
	}
	return differs
}
