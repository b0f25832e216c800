// Package amend changes a YAML file in place: one key, one entry of a list, one document. What
// somebody wrote stays as they wrote it: comments, order, blank lines, quotes, line ends.
//
// A YAML library that writes what it read loses some of that. So nothing is written anew: the
// place of the change is looked up in the parsed file, and the bytes there, and no others, are
// replaced. The result is parsed again and compared with what the change means, node by node.
// If it isn't the file as it was with exactly that change, the answer is ErrUnclear and the file
// is for a person to edit: a wrong place can make the change fail, never something else.
//
// What isn't the language's own (anchors, aliases, tags, merge keys) is refused with the file.
package amend

import "errors"

// The errors that callers act upon.
var (
	// ErrNotFound: there is no such document, key or entry.
	ErrNotFound = errors.New("not in the file")
	// ErrOnly: it is the only entry of its list, or the only document of its file; what is left
	// would mean something else, or nothing.
	ErrOnly = errors.New("nothing else is there")
	// ErrUnclear: it is written in a way in which it can't be changed without touching anything
	// else. It is for a person to edit.
	ErrUnclear = errors.New("it has to be edited by hand")
)

// Doc names a document by its first key and id, as in {"person", "alice"}. An entry of a people
// list is a document too.
type Doc struct {
	Kind, ID string
}

// String is the document as it begins.
func (d Doc) String() string { return d.Kind + ": " + d.ID }
