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

// ledgerPart is a part of a ledger that is being made, with numbers of its own.
type ledgerPart struct {
	things numbering[thing]
	notes  numbering[string]
	causes numbering[access.Cause]
	whos   numbering[who]
	items  []item
	likes  []like
}

func newLedgerPart() ledgerPart {
	return ledgerPart{things: newNumbering[thing](), notes: newNumbering[string](), causes: newNumbering[access.Cause](), whos: numbering[who]{compare: compareWho}}
}

// ledgerOf puts entries into a ledger.
func ledgerOf(entries []entry) *ledger {
	l := ledgerFrom(len(entries), func(from, to int) *ledgerPart {
		p := newLedgerPart()
		for i := from; i < to; i++ {
			p.add(&entries[i])
		}
		return &p
	})
	l.entries = entries
	return l
}

func (p *ledgerPart) add(e *entry) {
	it := item{p.things.number(e.row.thing()), p.notes.number(e.row.notes), p.causes.number(e.cause), p.whos.number(e.who)}
	k := like{it.thing, it.notes}
	if isJoiner(e) {
		r := likeRow(e)
		k = like{p.things.number(r.thing()), p.notes.number(r.notes)}
	}
	p.items, p.likes = append(p.items, it), append(p.likes, k)
}

// ledgerFrom makes a ledger of n things that are read; each processor reads a part of them.
func ledgerFrom(n int, read func(from, to int) *ledgerPart) *ledger {
	parts := make([]*ledgerPart, processors(n))
	var wg sync.WaitGroup
	for i := range parts {
		wg.Go(func() { parts[i] = read(n*i/len(parts), n*(i+1)/len(parts)) })
	}
	wg.Wait()
	l := &ledger{more: newNumbering[string]()}
	var things, notes, causes, whos [][]int32
	wg.Go(func() {
		l.things, things = settled(parts, func(p *ledgerPart) *numbering[thing] { return &p.things }, (*thing).compare)
	})
	wg.Go(func() {
		l.notes, notes = settled(parts, func(p *ledgerPart) *numbering[string] { return &p.notes }, func(a, b *string) int { return strings.Compare(*a, *b) })
	})
	wg.Go(func() {
		l.causes, causes = settled(parts, func(p *ledgerPart) *numbering[access.Cause] { return &p.causes }, compareCause)
		l.place, l.places = numbered(l.causes, placeOf, compareCause)
	})
	wg.Go(func() {
		l.whos, whos = settled(parts, func(p *ledgerPart) *numbering[who] { return &p.whos }, compareWho)
		l.id, l.ids = bare(l.whos)
	})
	wg.Wait()
	for i, p := range parts {
		wg.Go(func() {
			for k, it := range p.items {
				p.items[k] = item{things[i][it.thing], notes[i][it.notes], causes[i][it.cause], whos[i][it.who]}
			}
			for k, r := range p.likes {
				p.likes[k] = like{things[i][r.thing], notes[i][r.notes]}
			}
		})
	}
	wg.Wait()
	var items [][]item
	var likes [][]like
	for _, p := range parts {
		items, likes = append(items, p.items), append(likes, p.likes)
	}
	l.items, l.likes = slices.Concat(items...), slices.Concat(likes...)
	return l
}

// settled joins what the parts have numbered. It gives the values in order, and for each part the
// places there by its own numbers.
func settled[K comparable](parts []*ledgerPart, of func(*ledgerPart) *numbering[K], compare func(a, b *K) int) (values []K, places [][]int32) {
	all := of(parts[0])
	places = make([][]int32, len(parts))
	for i, p := range parts[1:] {
		places[i+1] = all.join(of(p))
	}
	values, places[0] = inOrder(all.list, compare)
	for _, numbers := range places[1:] {
		for k, n := range numbers {
			numbers[k] = places[0][n]
		}
	}
	return values, places
}

// bare gives whos without their accounts, and the number of each: those of one stand together.
func bare(whos []who) (numbers []int32, ids []who) {
	numbers, ids = make([]int32, len(whos)), make([]who, 0, len(whos))
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
