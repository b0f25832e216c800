package access

import "slices"

// names are the IDs that occur in a state, sorted, each by an index. Of each kind there are many,
// so that a kind is kept once and is told by the index.
type names struct {
	kinds []kindRange
	list  []string
}

// kindRange is a kind and the index behind its last name.
type kindRange struct {
	kind string
	end  uint32
}

// id is the ID with that index.
func (n *names) id(i uint32) ID {
	for k := range n.kinds {
		if i < n.kinds[k].end {
			return ID{n.kinds[k].kind, n.list[i]}
		}
	}
	return ID{}
}

// find gives the index of an ID.
func (n *names) find(id ID) (int, bool) {
	from := uint32(0)
	for _, k := range n.kinds {
		if k.kind == id.Kind {
			i, ok := slices.BinarySearch(n.list[from:k.end], id.Name)
			return int(from) + i, ok
		}
		from = k.end
	}
	return 0, false
}

// near gives the index of an ID, or where it would stand, going from the index on. Names that are
// asked for in order take a step or two each.
func (n *names) near(id ID, at int) (int, bool) {
	from := 0
	for _, k := range n.kinds {
		end := int(k.end)
		if k.kind != id.Kind {
			from = end
			continue
		}
		at = min(max(at, from), end)
		if at > from && n.list[at-1] >= id.Name {
			at = from
		}
		step := 1
		for at+step <= end && n.list[at+step-1] < id.Name {
			at, step = at+step, 2*step
		}
		i, ok := slices.BinarySearch(n.list[at:min(at+step, end)], id.Name)
		return at + i, ok
	}
	return at, false
}

// mark is what is known of an ID beside its name.
type mark uint8

const (
	// there: it is an object, and not only the end of a grant.
	there mark = 1 << iota
	disabled
	reserved
)

// facts are what is known of each name, by its index. What no object has takes no memory.
type facts struct {
	marks      []mark
	objects    int // how many are there
	attributes []map[string]string
	natives    []string
}

// take notes an object, and reports whether there was none at the index.
func (f *facts) take(i int, o Object) bool {
	if f.marks[i]&there != 0 {
		return false
	}
	f.objects++
	f.marks[i] = there
	if o.Disabled {
		f.marks[i] |= disabled
	}
	if o.Reserved {
		f.marks[i] |= reserved
	}
	if o.Attributes != nil {
		f.attributes = reach(f.attributes, i)
		f.attributes[i] = o.Attributes
	}
	if o.Native != "" {
		f.natives = reach(f.natives, i)
		f.natives[i] = o.Native
	}
	return true
}

// fill gives an object what is known of it.
func (f *facts) fill(i int, o *Object) {
	o.Disabled, o.Reserved = f.marks[i]&disabled != 0, f.marks[i]&reserved != 0
	if i < len(f.attributes) {
		o.Attributes = f.attributes[i]
	}
	if i < len(f.natives) {
		o.Native = f.natives[i]
	}
}

// ranked gives the facts in another order: by index, which one is to stand there.
func (f *facts) ranked(order []uint32) facts {
	out := facts{marks: make([]mark, len(order)), objects: f.objects}
	if len(f.attributes) > 0 {
		out.attributes = make([]map[string]string, len(order))
	}
	if len(f.natives) > 0 {
		out.natives = make([]string, len(order))
	}
	for i, was := range order {
		out.marks[i] = f.marks[was]
		if int(was) < len(f.attributes) {
			out.attributes[i] = f.attributes[was]
		}
		if int(was) < len(f.natives) {
			out.natives[i] = f.natives[was]
		}
	}
	return out
}

// reach makes a list long enough for an index.
func reach[T any](list []T, i int) []T {
	if i < len(list) {
		return list
	}
	return append(list, make([]T, i+1-len(list))...)
}
