package declare

import (
	"slices"
	"sort"
	"strings"
	"sync"
)

// table is every document of one kind, sorted by id. Either all of them are there, or they are read
// from what was kept when somebody asks for them (see kept.go); nobody outside can tell which.
type table[T any, D docOf[T]] struct {
	list  []D
	index map[string]D // of the list; where it is nil the list is searched
	late  *late[T, D]  // set where the list isn't
}

// docOf is a pointer to a document.
type docOf[T any] interface {
	*T
	document
}

// all are the documents; the list must not be changed.
func (t *table[T, D]) all() []D {
	if t.late != nil {
		return t.late.all()
	}
	return t.list
}

func (t *table[T, D]) len() int {
	if t.late != nil {
		return t.late.len()
	}
	return len(t.list)
}

// get is the document with the id, or nil.
func (t *table[T, D]) get(id string) D {
	if t.index != nil {
		return t.index[id]
	}
	if i, ok := t.find(id); ok {
		return t.at(i)
	}
	return nil
}

// at is the document at a place of the list.
func (t *table[T, D]) at(i int) D {
	if t.late != nil {
		return t.late.at(i)
	}
	return t.list[i]
}

// find is the place of an id.
func (t *table[T, D]) find(id string) (int, bool) {
	if t.late != nil {
		return t.late.find(id)
	}
	return findID(t.list, id)
}

func findID[D document](list []D, id string) (int, bool) {
	return slices.BinarySearchFunc(list, id, func(d D, id string) int { return strings.Compare(d.id().Value, id) })
}

// late is the documents of a record, but for some, and others beside them.
type late[T any, D docOf[T]] struct {
	from   *keptDocs[T, D]
	gone   []int // places in the record of those that aren't there, sorted
	come   []D   // sorted by id
	places []int // of these in the list

	once sync.Once
	list []D
}

// newLate takes documents out of those of a record and puts others in; nil if an id would be there
// twice.
func newLate[T any, D docOf[T]](from *keptDocs[T, D], gone, come []D) *late[T, D] {
	l := &late[T, D]{from: from, come: slices.Clone(come)}
	for _, d := range gone {
		if i, ok := from.find(d.id().Value); ok {
			l.gone = append(l.gone, i)
		}
	}
	slices.Sort(l.gone)
	slices.SortFunc(l.come, compareDocs[D])
	for k, d := range l.come {
		i, there := from.find(d.id().Value)
		if there && !l.isGone(i) || k > 0 && l.come[k-1].id().Value == d.id().Value {
			return nil
		}
		l.places = append(l.places, i-less(l.gone, i)+k)
	}
	return l
}

// less is how many of the sorted numbers are less than n.
func less(sorted []int, n int) int {
	i, _ := slices.BinarySearch(sorted, n)
	return i
}

func (l *late[T, D]) isGone(i int) bool {
	_, ok := slices.BinarySearch(l.gone, i)
	return ok
}

func (l *late[T, D]) len() int { return l.from.len() - len(l.gone) + len(l.come) }

func (l *late[T, D]) at(i int) D {
	k, ok := slices.BinarySearch(l.places, i)
	if ok {
		return l.come[k]
	}
	return l.from.at(l.recorded(i - k))
}

// recorded is the place in the record of one of those that are left of it.
func (l *late[T, D]) recorded(left int) int {
	gone, _ := slices.BinarySearchFunc(l.gone, left, func(g, left int) int {
		if g-less(l.gone, g) <= left {
			return -1
		}
		return 1
	})
	return left + gone
}

// place is the place in the list of one in the record; it isn't ok where that is gone.
func (l *late[T, D]) place(i int) (int, bool) {
	if l.isGone(i) || i >= l.from.len() {
		return 0, false
	}
	left := i - less(l.gone, i)
	k := sort.Search(len(l.places), func(k int) bool { return l.places[k]-k > left })
	return left + k, true
}

func (l *late[T, D]) find(id string) (int, bool) {
	if k, ok := findID(l.come, id); ok {
		return l.places[k], true
	}
	i, ok := l.from.find(id)
	if !ok {
		return 0, false
	}
	return l.place(i)
}

func (l *late[T, D]) all() []D {
	l.once.Do(func() {
		all := l.from.all()
		if len(l.gone)+len(l.come) == 0 {
			l.list = all
			return
		}
		l.list = make([]D, l.len())
		for i := range l.list {
			if k, ok := slices.BinarySearch(l.places, i); ok {
				l.list[i] = l.come[k]
			} else {
				l.list[i] = all[l.recorded(i-k)]
			}
		}
	})
	return l.list
}
