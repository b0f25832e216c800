package forge

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// Marker is the first line of a comment: it can't be seen, and says for which access root and
// which commit the comment is.
type Marker struct {
	// Root is the access root in its git repository, with slashes; "." is the repository itself.
	Root string
	// Commit is the commit that the comment speaks of; "" if it speaks of none.
	Commit string
}

var markerForm = regexp.MustCompile(`^<!-- accord plan root="([^"\s<>]+)" commit="([0-9a-f]{0,64})" -->(?:\r?\n|$)`)

// String writes the marker. A path can hold what would end an HTML comment: such characters are
// written as in a URL.
func (m Marker) String() string {
	root := strings.ReplaceAll(url.PathEscape(m.root()), "--", "-%2D")
	return fmt.Sprintf(`<!-- accord plan root="%s" commit="%s" -->`, root, m.Commit)
}

func (m Marker) root() string {
	if m.Root == "" {
		return "."
	}
	return m.Root
}

// ParseMarker reads the marker of a comment. It has to be the very beginning: a comment that
// quotes another one isn't that one.
func ParseMarker(body string) (Marker, bool) {
	m := markerForm.FindStringSubmatch(body)
	if m == nil {
		return Marker{}, false
	}
	root, err := url.PathUnescape(m[1])
	if err != nil {
		return Marker{}, false
	}
	return Marker{Root: root, Commit: m[2]}, true
}
