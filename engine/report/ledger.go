package report

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"github.com/accordhq/accord/engine/access"
)

// ledger holds entries as numbers. A plan may have a million of them, of which many say the same of
// others: each text is there once, and what is sorted, compared and brought together are numbers.
// All lists are sorted as they are told, so that the numbers compare as what they stand for.
type ledger struct {
	things []thing
	notes  []string
	causes []access.Cause
	places []access.Cause // causes without what is told of each by their name; see placeOf
	place  []int32        // by cause
	whos   []who
	ids    []who   // whos without the account
	id     []int32 // by who
	items  []item
	// entries are those of steps, by item; nil: the items are about what is only declared. likes
	// says how each row reads where many have the like.
	entries []entry
	likes   []like

	mu   sync.Mutex
	more numbering[string] // notes that were made later; numbered from the end of notes on
}

// thing is a row without its notes.
type thing struct {
	kind         style
	risky        bool
	system, what string
}

func (r *row) thing() thing { return thing{r.kind, r.risky, r.system, r.what} }

func (t *thing) compare(o *thing) int {
	return cmp.Or(order(t.kind)-order(o.kind), first(o.risky)-first(t.risky), strings.Compare(t.system, o.system), strings.Compare(t.what, o.what))
}

func (t *thing) row(notes string) row { return row{t.kind, t.risky, t.system, t.what, notes} }

// item is one entry.
type item struct{ thing, notes, cause, who int32 }

// like is a row.
type like struct{ thing, notes int32 }

// ledgerPart makes a ledger, or a part of one.
type ledgerPart struct {
	things numbering[thing]
	notes  numbering[string]
	causes numbering[access.Cause]
	whos   numbering[who]
	items  []item
}

func newLedgerPart() ledgerPart {
	return ledgerPart{newNumbering[thing](), newNumbering[string](), newNumbering[access.Cause](), numbering[who]{compare: compareWho}, nil}
}

// ledgerOf puts entries into a ledger.
func ledgerOf(entries []entry) *ledger {
	m := newLedgerPart()
	m.items = make([]item, len(entries))
	likes := make([]like, len(entries))
	for i := range entries {
		e := &entries[i]
		m.items[i] = item{m.things.number(e.row.thing()), m.notes.number(e.row.notes), m.causes.number(e.cause), m.whos.number(e.who)}
		likes[i] = like{m.items[i].thing, m.items[i].notes}
		if isJoiner(e) {
			r := likeRow(*e)
			likes[i] = like{m.things.number(r.thing()), m.notes.number(r.notes)}
		}
	}
	l, things, notes := ledgerFrom([]*ledgerPart{&m})
	for i, k := range likes {
		likes[i] = like{things[k.thing], notes[k.notes]}
	}
	l.entries, l.likes = entries, likes
	return l
}

// ledgerFrom joins the parts of a ledger. It also gives the numbers that the things and notes of the
// first part have.
func ledgerFrom(parts []*ledgerPart) (l *ledger, things, notes []int32) {
	of := make([]struct{ things, notes, causes, whos []int32 }, len(parts))
	all := parts[0]
	for i, p := range parts[1:] {
		of[i+1].things, of[i+1].notes = all.things.join(&p.things), all.notes.join(&p.notes)
		of[i+1].causes, of[i+1].whos = all.causes.join(&p.causes), all.whos.join(&p.whos)
	}
	l = &ledger{more: newNumbering[string]()}
	var causes, whos []int32
	var wg sync.WaitGroup
	wg.Go(func() { l.things, things = inOrder(all.things.list, (*thing).compare) })
	wg.Go(func() {
		l.notes, notes = inOrder(all.notes.list, func(a, b *string) int { return strings.Compare(*a, *b) })
	})
	wg.Go(func() {
		l.causes, causes = inOrder(all.causes.list, compareCause)
		l.place, l.places = numbered(l.causes, placeOf, compareCause)
	})
	wg.Go(func() {
		l.whos, whos = inOrder(all.whos.list, compareWho)
		l.id, l.ids = bare(l.whos)
	})
	wg.Wait()
	n := 0
	for _, p := range parts {
		n += len(p.items)
	}
	l.items = make([]item, n)
	at := 0
	for i, p := range parts {
		to, of := l.items[at:at+len(p.items)], of[i]
		at += len(p.items)
		wg.Go(func() {
			for k, it := range p.items {
				if i > 0 {
					it = item{of.things[it.thing], of.notes[it.notes], of.causes[it.cause], of.whos[it.who]}
				}
				to[k] = item{things[it.thing], notes[it.notes], causes[it.cause], whos[it.who]}
			}
		})
	}
	wg.Wait()
	return l, things, notes
}

// bare gives whos without their accounts, and the number of each: those of one stand together.
func bare(whos []who) (numbers []int32, ids []who) {
	numbers = make([]int32, len(whos))
	for i := range whos {
		if w := whos[i].bare(); len(ids) == 0 || ids[len(ids)-1] != w {
			ids = append(ids, w)
		}
		numbers[i] = int32(len(ids) - 1)
	}
	return numbers, ids
}

// numbered makes of each value another one, and gives the numbers of those, in their order.
func numbered[K comparable](list []K, of func(K) K, compare func(a, b *K) int) (numbers []int32, values []K) {
	t := newNumbering[K]()
	numbers = make([]int32, len(list))
	for i, k := range list {
		numbers[i] = t.number(of(k))
	}
	values, at := inOrder(t.list, compare)
	for i, n := range numbers {
		numbers[i] = at[n]
	}
	return numbers, values
}

// all are the items as they came.
func (l *ledger) all() []int32 {
	out := make([]int32, len(l.items))
	for i := range out {
		out[i] = int32(i)
	}
	return out
}

func (l *ledger) byThing(items []int32) []int32 {
	return byNumber(items, len(l.things), func(i int32) int32 { return l.items[i].thing })
}

func (l *ledger) byNotes(items []int32) []int32 {
	return byNumber(items, len(l.notes), func(i int32) int32 { return l.items[i].notes })
}

func (l *ledger) byPlace(items []int32) []int32 {
	return byNumber(items, len(l.places), func(i int32) int32 { return l.place[l.items[i].cause] })
}

func (l *ledger) byWho(items []int32) []int32 {
	return byNumber(items, len(l.whos), func(i int32) int32 { return l.items[i].who })
}

// note gives the number of notes that may have been made only now.
func (l *ledger) note(s string) int32 {
	if i, ok := slices.BinarySearch(l.notes, s); ok {
		return int32(i)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return int32(len(l.notes)) + l.more.number(s)
}

// notesOf gives the notes of a number.
func (l *ledger) notesOf(n int32) string {
	if int(n) < len(l.notes) {
		return l.notes[n]
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.more.list[int(n)-len(l.notes)]
}

func (l *ledger) row(k like) row { return l.things[k.thing].row(l.notesOf(k.notes)) }

// entry gives the entry of an item; nil: it has no step.
func (l *ledger) entry(i int32) *entry {
	if l.entries == nil {
		return nil
	}
	return &l.entries[i]
}

// oneText is what all these items say of their cause; where that differs, the grant that it comes
// through, if it is one.
func (l *ledger) oneText(items []int32) (text string, same bool) {
	cause := l.items[items[0]].cause
	text, same = l.causes[cause].Text, true
	grant := ""
	if l.entries != nil {
		grant = grantOf(&l.entries[items[0]])
	}
	for _, i := range items {
		if c := l.items[i].cause; same && c != cause {
			same = l.causes[c].Text == text
		}
		if grant != "" && grantOf(&l.entries[i]) != grant {
			grant = ""
		}
	}
	if same {
		return text, true
	}
	return lead("through grant ", grant), false
}
