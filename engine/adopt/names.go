package adopt

import (
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/declare"
)

// maxID is how long an id may be, in bytes.
const maxID = 100

// thisImport is where ids stand that are new.
const thisImport = "this import"

// names are the ids that are taken.
type names struct{ people, groups, grants ids }

// ids are those of one kind of document.
type ids struct {
	where map[string]string // by id
	next  map[string]int    // the number that was last put behind a name
}

func newNames(r *declare.Repository) *names {
	none := func() ids { return ids{map[string]string{}, map[string]int{}} }
	n := &names{none(), none(), none()}
	put := func(taken ids, d declare.Doc, id declare.Text) {
		at := fmt.Sprintf("%s:%d", d.File, d.At.Line)
		taken.where[id.Value] = at
		for _, was := range d.Previously {
			if taken.where[was.Value] == "" {
				taken.where[was.Value] = at
			}
		}
	}
	for _, p := range r.People() {
		put(n.people, p.Doc, p.ID)
	}
	for _, g := range r.Groups() {
		put(n.groups, g.Doc, g.ID)
	}
	for _, g := range r.Grants() {
		put(n.grants, g.Doc, g.ID)
	}
	return n
}

// person finds an id for the person of an account: the account's name, of an address what stands
// before the @; with the system's name behind it if that is taken. It isn't taken yet then. The
// note is set where somebody else has the id that one would expect.
func (n *names) person(account, system string) (id, note string) {
	short := slug(account)
	if local, _, ok := strings.Cut(account, "@"); ok && slug(local) != "" {
		short = slug(local)
	}
	if short == "" {
		short = "account"
	}
	id = n.people.free(short, slug(account), short+"-"+system)
	if where := n.people.where[short]; where != "" && where != thisImport {
		note = fmt.Sprintf("%s on %s became %s, as %s is taken (%s); if they are the same, put accounts: {%s: %s} there instead",
			account, system, id, short, where, declare.Scalar(system), declare.Scalar(account))
	}
	return id, note
}

// free is the first of the names that isn't taken, the last one numbered if need be.
func (t ids) free(candidates ...string) string {
	for _, c := range candidates {
		if c = cut(c, maxID); c != "" && t.where[c] == "" {
			return c
		}
	}
	last := candidates[len(candidates)-1]
	for i := max(2, t.next[last]); ; i++ {
		number := fmt.Sprintf("-%d", i)
		if c := cut(last, maxID-len(number)) + number; t.where[c] == "" {
			t.next[last] = i
			return c
		}
	}
}

func (t ids) take(id string) { t.where[id] = thisImport }

// cut shortens an id so that it still is one.
func cut(s string, most int) string {
	if len(s) > most {
		s = s[:most]
	}
	return strings.Trim(s, "._@-")
}

// letters are those that aren't a plain letter with an accent, as they are usually written.
func letters() *strings.Replacer {
	return strings.NewReplacer("ß", "ss", "æ", "ae", "œ", "oe", "ø", "o", "đ", "d", "ð", "d", "ł", "l", "þ", "th", "ı", "i")
}

// slug makes an id of a name: lower case, without accents, everything else a dash.
func slug(name string) string {
	var b strings.Builder
	dash := false
	for _, r := range norm.NFKD.String(letters().Replace(strings.ToLower(name))) {
		switch {
		case unicode.Is(unicode.Mn, r): // the accent of the letter before
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '.' || r == '_' || r == '@':
			b.WriteRune(r)
			dash = false
		case !dash:
			b.WriteByte('-')
			dash = true
		}
	}
	return cut(b.String(), maxID)
}

// writable reports whether a text can stand in a document: on one line, with nothing in it that
// shows a reviewer something else than what is there. It is what declare accepts.
func writable(s string) bool {
	return s != "" && strings.ToValidUTF8(s, "") == s && !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) || r == 0x2028 || r == 0x2029 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
	})
}

// maxKey is how long a key of a flow mapping may be for YAML (1,024 characters), with room for
// the quotes.
const maxKey = 1000

// writableTarget reports whether kind/name can be written as an entitlement.
func writableTarget(id access.ID) bool {
	return writable(id.Kind) && writable(id.Name) && strings.Trim(id.Name, " ") == id.Name && strings.Trim(id.Kind, " ") == id.Kind &&
		!strings.Contains(id.Kind, "/") && len(declare.Scalar(id.String())) <= maxKey
}
