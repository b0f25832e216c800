package declare

import (
	"encoding/binary"
	"math"

	"github.com/accordhq/accord/engine/access"
)

// coder goes through the fields of documents, either writing or reading them: one order for
// both. Exactly one of w and r is set. A field that is missing here would be lost; a test fills
// every field there is and looks for it.
type coder struct {
	w *writer
	r *reader

	// What is read comes from pieces of memory for many.
	files        slab[parsed]
	sources      slab[source]
	people       slab[Person]
	groups       slab[Group]
	roles        slab[Role]
	grants       slab[Grant]
	allPeople    slab[*Person]
	allGroups    slab[*Group]
	allRoles     slab[*Role]
	allGrants    slab[*Grant]
	allTexts     slab[Text]
	allAttrs     slab[Attr]
	allPairs     slab[Pair]
	allTerms     slab[Term]
	entitlements slab[Entitlement]
	systems      slab[System]
	allSystems   slab[*System]
	settings     slab[Setting]
	rules        slab[MatchRule]
	resources    slab[Resource]
	literals     slab[literal]
	texted       slab[Text]
}

// slab hands out slices of larger ones.
type slab[T any] struct{ free []T }

// slabSize is how many there are in a piece, if one thing alone doesn't need more.
const slabSize = 256

func (s *slab[T]) take(n int) []T {
	if n == 0 {
		return []T{}
	}
	if n > len(s.free) {
		s.free = make([]T, max(n, slabSize))
	}
	out := s.free[:n:n]
	s.free = s.free[n:]
	return out
}

func (c *coder) file(p *parsed) {
	list(c, &p.people, &c.allPeople, func(c *coder, p **Person) { whole(c, p, &c.people, (*coder).person) })
	list(c, &p.groups, &c.allGroups, func(c *coder, g **Group) { whole(c, g, &c.groups, (*coder).group) })
	list(c, &p.roles, &c.allRoles, func(c *coder, r **Role) { whole(c, r, &c.roles, (*coder).role) })
	list(c, &p.grants, &c.allGrants, func(c *coder, g **Grant) { whole(c, g, &c.grants, (*coder).grant) })
	list(c, &p.systems, &c.allSystems, func(c *coder, s **System) { whole(c, s, &c.systems, (*coder).system) })
	list(c, &p.source.literals, &c.literals, func(c *coder, l *literal) {
		c.at(&l.at)
		c.string(&l.text)
	})
}

func (c *coder) person(p *Person) {
	c.doc(&p.Doc)
	c.text(&p.ID)
	c.flag(&p.Service)
	c.text(&p.Name)
	c.text(&p.Email)
	c.text(&p.Status)
	c.date(&p.Starts)
	c.date(&p.Ends)
	c.text(&p.Manager)
	c.texts(&p.Owners)
	c.attrs(&p.Attributes)
	c.pairs(&p.Accounts)
}

func (c *coder) group(g *Group) {
	c.doc(&g.Doc)
	c.text(&g.ID)
	c.text(&g.Description)
	c.texts(&g.Owners)
	c.terms(&g.Members)
	c.terms(&g.Only)
	c.terms(&g.Except)
	c.pairs(&g.Labels)
}

func (c *coder) role(r *Role) {
	c.doc(&r.Doc)
	c.text(&r.ID)
	c.text(&r.Description)
	c.texts(&r.Owners)
	c.texts(&r.Includes)
	c.access(&r.Access)
	c.yes(&r.Privileged)
	c.texts(&r.Exclusive)
	c.pairs(&r.Labels)
}

func (c *coder) grant(g *Grant) {
	c.doc(&g.Doc)
	c.text(&g.ID)
	c.terms(&g.To)
	c.texts(&g.Roles)
	c.access(&g.Access)
	c.date(&g.From)
	c.date(&g.Until)
	c.text(&g.Reason)
	c.text(&g.Ticket)
	c.pairs(&g.Labels)
}

// doc leaves the file's path out: the same content may stand elsewhere.
func (c *coder) doc(d *Doc) {
	if c.r != nil {
		d.File = c.r.path
	}
	c.at(&d.At)
	c.texts(&d.Previously)
}

func (c *coder) terms(ts *[]Term) { list(c, ts, &c.allTerms, (*coder).term) }

func (c *coder) term(t *Term) {
	c.string((*string)(&t.Kind))
	c.at(&t.At)
	c.text(&t.Name)
	c.attrs(&t.Match)
	c.terms(&t.Terms)
	c.date(&t.From)
	c.date(&t.Until)
	c.text(&t.Reason)
}

func (c *coder) access(es *[]Entitlement) { list(c, es, &c.entitlements, (*coder).entitlement) }

func (c *coder) entitlement(e *Entitlement) {
	c.text(&e.System)
	c.id(&e.Target)
	c.string(&e.Permission)
	c.at(&e.At)
}

func (c *coder) attrs(as *[]Attr) { list(c, as, &c.allAttrs, (*coder).attr) }

func (c *coder) attr(a *Attr) {
	c.text(&a.Key)
	c.texts(&a.Values)
}

func (c *coder) pairs(ps *[]Pair) { list(c, ps, &c.allPairs, (*coder).pair) }

func (c *coder) pair(p *Pair) {
	c.text(&p.Key)
	c.text(&p.Value)
}

func (c *coder) texts(ts *[]Text) { list(c, ts, &c.allTexts, (*coder).text) }

func (c *coder) text(t *Text) {
	c.string(&t.Value)
	c.at(&t.At)
}

func (c *coder) id(id *access.ID) {
	c.string(&id.Kind)
	c.string(&id.Name)
}

// at is a place. Nothing has the line 0 but what wasn't written, which takes one byte then.
func (c *coder) at(at *At) {
	c.int32(&at.Line)
	if at.Line != 0 {
		c.int32(&at.Col)
	}
}

// date keeps the text alone, and makes of it again what Parse made.
func (c *coder) date(d *Date) {
	c.string(&d.Text)
	if d.Text == "" {
		return
	}
	c.at(&d.At)
	if c.r != nil && !d.again() {
		c.r.failed = true
	}
}

func (c *coder) yes(b *Bool) {
	c.flag(&b.Value)
	c.flag(&b.Set)
	c.at(&b.At)
}

func (c *coder) flag(b *bool) {
	n := uint64(0)
	if *b {
		n = 1
	}
	c.uint(&n)
	*b = n == 1
}

func (c *coder) int32(v *int32) {
	n := uint64(uint32(*v))
	c.uint(&n)
	*v = int32(n)
}

func (c *coder) uint(n *uint64) {
	if c.w != nil {
		c.w.number(*n)
	} else {
		*n = c.r.number()
	}
}

func (c *coder) string(s *string) {
	if c.w != nil {
		c.w.text(*s)
	} else {
		*s = c.r.text()
	}
}

// list is a slice; an empty one that was there stays apart from none at all.
func list[T any](c *coder, s *[]T, from *slab[T], each func(*coder, *T)) {
	if c.w != nil {
		n := uint64(0)
		if *s != nil {
			n = uint64(len(*s)) + 1
		}
		c.w.number(n)
	} else if n := c.r.count(); n > 0 {
		*s = from.take(n - 1)
	}
	for i := range *s {
		each(c, &(*s)[i])
	}
}

// whole is a document that stands for itself.
func whole[T any](c *coder, doc **T, from *slab[T], fields func(*coder, *T)) {
	if c.r != nil {
		*doc = &from.take(1)[0]
	}
	fields(c, *doc)
}

// writer appends numbers and texts.
type writer struct {
	out     []byte
	numbers map[string]uint64
}

func (w *writer) number(n uint64) { w.out = binary.AppendUvarint(w.out, n) }

func (w *writer) text(s string) { w.number(w.numberOf(s)) }

// numberOf is the number of a text in the table.
func (w *writer) numberOf(s string) uint64 {
	n, ok := w.numbers[s]
	if !ok {
		n = uint64(len(w.numbers))
		w.numbers[s] = n
	}
	return n
}

// reader takes them off again. Whatever is wrong sets failed; what is read then is zero.
type reader struct {
	in      string
	at      int
	failed  bool
	strings textTable
	path    string
}

func (r *reader) number() uint64 {
	var n uint64
	for shift := 0; shift < 64 && r.at < len(r.in); shift += 7 {
		b := r.in[r.at]
		r.at++
		n |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return n
		}
	}
	r.failed = true
	return 0
}

// count is a number of things of which each takes a byte at least.
func (r *reader) count() int {
	n := r.number()
	if n > uint64(len(r.in)) || n > math.MaxInt32 {
		r.failed = true
		return 0
	}
	return int(n)
}

func (r *reader) text() string {
	n := r.number()
	if n >= uint64(r.strings.len()) {
		r.failed = true
		return ""
	}
	return r.strings.at(int(n))
}
