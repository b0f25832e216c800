package declare

import (
	"bytes"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/accordhq/accord/engine/access"
)

// Check looks at what the documents say of each other, and of the systems: the descriptions
// of the connectors, by the name that stands under `connector:`, tell which entitlements and
// settings there are. It fills in the usual permission of entitlements that name none.
//
// What the rules of the language leave open it reads so: `required` attributes are required of
// people, not of services; a match under `not` or `except` needs its attributes of everybody,
// services too, since who lacks one would slip through; the description of a resource becomes
// its attribute of that name where its kind has one (engine/resolve does it).
func (r *Repository) Check(connectors map[string]access.Description) Problems {
	if newChecker(r, connectors).quick() {
		r.sound = connectors
		return nil
	}
	c := newChecker(r, connectors)
	c.config()
	people := newChecker(r, connectors) // there are about as many of them as of all the others
	people.attributes = c.attributes
	var beside sync.WaitGroup
	beside.Go(func() {
		people.people()
		people.managers()
	})
	c.groups()
	c.roles()
	c.grants()
	c.systems()
	c.exempts()
	c.previously()
	c.cycles()
	beside.Wait()
	c.issues = append(c.issues, people.issues...)
	if len(c.issues) == 0 {
		r.sound = connectors
	}
	return problems(c.issues, r.source, c.shown)
}

func newChecker(r *Repository, connectors map[string]access.Description) *checker {
	return &checker{
		r: r, connectors: connectors, loc: r.Config.Location(),
		windows: map[string]*window{}, hints: map[string]string{}, lacking: map[string]*lackers{},
		budget: maxComparisons, shown: map[string]map[At]bool{},
	}
}

// checker collects what Check finds.
type checker struct {
	r          *Repository
	connectors map[string]access.Description
	loc        *time.Location
	issues     []issue
	attributes map[string]*attribute
	// broken are the words of files that couldn't be read as a whole: what is referred to may
	// be there.
	broken map[string]bool
	// windows says for each group whether time changes it; nil while that is being found out.
	windows map[string]*window
	lacking map[string]*lackers
	hints   map[string]string
	former  map[string]string
	// budget is how many names may still be compared for hints.
	budget int
	// absent are the resources declared absent.
	absent map[access.Ref]At
	// shown are the settings known to be no secrets.
	shown map[string]map[At]bool
}

// maxComparisons bounds the work for "did you mean" over all problems.
const maxComparisons = 5_000_000

func (c *checker) fail(d *Doc, at At, wrong, hint, format string, args ...any) {
	c.issues = append(c.issues, issue{pos: d.Pos(at), wrong: wrong, hint: hint, msg: fmt.Sprintf(format, args...)})
}

func (c *checker) failText(d *Doc, t Text, hint, format string, args ...any) {
	c.fail(d, t.At, t.Value, hint, format, args...)
}

// The kinds of document that references name, and how messages put them.
const (
	toPerson = "person"
	toGroup  = "group"
	toRole   = "role"
	toSystem = "system"
)

func (c *checker) lookup(kind, id string) document {
	switch kind {
	case toPerson:
		if p := c.r.Person(id); p != nil {
			return p
		}
	case toGroup:
		if g := c.r.Group(id); g != nil {
			return g
		}
	case toRole:
		if r := c.r.Role(id); r != nil {
			return r
		}
	case toSystem:
		if s := c.r.systems[id]; s != nil {
			return s
		}
	}
	return nil
}

func (c *checker) ids(kind string) (iter.Seq[string], int) {
	switch kind {
	case toPerson:
		return idsOf(c.r.People()), len(c.r.People())
	case toGroup:
		return idsOf(c.r.Groups()), len(c.r.Groups())
	case toRole:
		return idsOf(c.r.Roles()), len(c.r.Roles())
	}
	return idsOf(c.r.Systems), len(c.r.Systems)
}

func idsOf[T document](docs []T) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, d := range docs {
			if !yield(d.id().Value) {
				return
			}
		}
	}
}

// ref reports whether the text names a document of one of the kinds, and says so if not.
func (c *checker) ref(d *Doc, t Text, kinds ...string) bool {
	if t.Value == "" {
		return false
	}
	for _, k := range kinds {
		if c.lookup(k, t.Value) != nil {
			return true
		}
	}
	if !c.mayBeBroken(t.Value) {
		c.failText(d, t, c.refHint(t.Value, kinds), "no %s %q", strings.Join(kinds, " or "), t.Value)
	}
	return false
}

// mayBeBroken reports whether the id stands in a file that couldn't be read: then that file's
// problem is reported alone.
func (c *checker) mayBeBroken(id string) bool {
	if c.broken == nil {
		c.broken = map[string]bool{}
		for _, p := range c.r.files.apart() {
			if s := p.source; s.broken {
				for word := range bytes.FieldsFuncSeq(s.data, func(r rune) bool { return !strings.ContainsRune(idRunes, r) }) {
					c.broken[strings.TrimRight(string(word), "._@-")] = true
				}
			}
		}
	}
	return c.broken[id]
}

// idRunes are the characters of ids.
const idRunes = "abcdefghijklmnopqrstuvwxyz0123456789._@-"

func (c *checker) refHint(id string, kinds []string) string {
	key := strings.Join(kinds, " ") + " " + id
	if h, ok := c.hints[key]; ok {
		return h
	}
	h := c.newRefHint(id, kinds)
	c.hints[key] = h
	return h
}

func (c *checker) newRefHint(id string, kinds []string) string {
	if now := c.formerly(kinds, id); now != "" {
		return now
	}
	for _, k := range []string{toPerson, toGroup, toRole, toSystem} {
		if doc := c.lookup(k, id); doc != nil {
			hint := fmt.Sprintf("%s is a %s (%s)", id, doc.kind(), doc.doc().Pos(doc.doc().At).fileLine())
			if k == toGroup && slices.Contains(kinds, toPerson) {
				hint += fmt.Sprintf("; write {group: %s}", id)
			}
			return hint
		}
	}
	var near document
	best := ""
	for _, k := range kinds {
		names, n := c.ids(k)
		if c.budget -= n; c.budget < 0 {
			return ""
		}
		if name := nearest(id, names); name != "" && (best == "" || distance(id, name, 9) < distance(id, best, 9)) {
			best, near = name, c.lookup(k, name)
		}
	}
	if near == nil {
		return fmt.Sprintf("no document begins with %s: %s", kinds[0], id)
	}
	return fmt.Sprintf("did you mean %q (%s)?", best, near.doc().Pos(near.doc().At).fileLine())
}

// formerly finds the document that was called so before.
func (c *checker) formerly(kinds []string, id string) string {
	if c.former == nil {
		c.former = map[string]string{}
		for d := range c.r.documents() {
			for _, p := range d.doc().Previously {
				c.former[namespace(d)+" "+p.Value] = fmt.Sprintf("it is called %q now (%s)", d.id().Value, d.doc().Pos(d.doc().At).fileLine())
			}
		}
	}
	for _, k := range kinds {
		if now, ok := c.former[k+" "+id]; ok {
			return now
		}
	}
	return ""
}

// documents yields every document with an id, kind by kind.
func (r *Repository) documents() iter.Seq[document] {
	return func(yield func(document) bool) {
		_ = each(r.People(), yield) && each(r.Groups(), yield) && each(r.Roles(), yield) &&
			each(r.Grants(), yield) && each(r.Systems, yield) && each(r.Exempts, yield)
	}
}

func each[T document](docs []T, yield func(document) bool) bool {
	for _, d := range docs {
		if !yield(d) {
			return false
		}
	}
	return true
}

// namespace is the kind within which ids are unique: people and services share one.
func namespace(d document) string {
	if k := d.kind(); k != "service" {
		return k
	}
	return toPerson
}

func (c *checker) owners(d document, owners []Text) {
	for _, o := range owners {
		if c.ref(d.doc(), o, toPerson, toGroup) && namespace(d) == toPerson && o.Value == d.id().Value {
			c.failText(d.doc(), o, "name a person or a group", "a service can't answer for itself")
		}
	}
}

// interval refuses one that ends before it begins.
func (c *checker) interval(d *Doc, from, until Date, fromKey, untilKey string) {
	if from.IsZero() || until.IsZero() || from.Start(c.loc).Before(until.End(c.loc)) {
		return
	}
	c.fail(d, until.At, until.Text, fmt.Sprintf("%s is %s in line %d", fromKey, from.Text, from.At.Line), "%s %s isn't after %s %s", untilKey, until.Text, fromKey, from.Text)
}

// previously checks that former ids belong to one document each, and to none by now.
func (c *checker) previously() {
	type claim struct {
		doc document
		at  At
	}
	claims := map[string]claim{}
	byName := map[string]document{}
	for d := range c.r.documents() {
		byName[namespace(d)+" "+d.id().Value] = d
	}
	for d := range c.r.documents() {
		for _, p := range d.doc().Previously {
			key := namespace(d) + " " + p.Value
			if now, ok := byName[key]; ok {
				c.failText(d.doc(), p, fmt.Sprintf("it is declared in %s", now.doc().Pos(now.doc().At).fileLine()), "%q is still the id of a %s", p.Value, now.kind())
				continue
			}
			if first, ok := claims[key]; ok {
				c.failText(d.doc(), p, fmt.Sprintf("%s %q says so in %s", first.doc.kind(), first.doc.id().Value, first.doc.doc().Pos(first.at).fileLine()), "two documents were called %q before", p.Value)
				continue
			}
			claims[key] = claim{d, p.At}
		}
	}
}

// anyOf lists names for a hint: the nearest one, or all of them if there is none.
func anyOf(name string, names []string, label string) string {
	if near := nearest(name, slices.Values(names)); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	if len(names) == 0 {
		return "there are none"
	}
	return label + " " + strings.Join(names, ", ")
}

func (c *checker) connectorNames() []string { return slices.Sorted(maps.Keys(c.connectors)) }
