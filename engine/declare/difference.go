package declare

// Difference is what one revision has otherwise than another: the ids of the documents in files that
// differ, on either side. A document whose file differs need not differ itself.
type Difference struct {
	People, Groups, Roles, Grants map[string]bool
	// Rest says that something else may differ as well: accord.yaml, systems, files without a name
	// of their content.
	Rest bool
}

// DifferenceTo compares file by file. It costs next to nothing for what the one repository took
// over from the other (see ParseBeside).
func (r *Repository) DifferenceTo(other *Repository) Difference {
	d := Difference{People: map[string]bool{}, Groups: map[string]bool{}, Roles: map[string]bool{}, Grants: map[string]bool{}}
	if paths, ok := r.files.differing(&other.files); ok {
		for _, path := range paths {
			a, b := r.files.get(path), other.files.get(path)
			if a != b && (a == nil || b == nil || a.blob == "" || a.blob != b.blob) {
				d.add(a)
				d.add(b)
			}
		}
		return d
	}
	a, b := r.files.all(), other.files.all()
	for len(a) > 0 || len(b) > 0 {
		switch {
		case len(b) == 0 || len(a) > 0 && a[0].file < b[0].file:
			d.add(a[0])
			a = a[1:]
		case len(a) == 0 || b[0].file < a[0].file:
			d.add(b[0])
			b = b[1:]
		default:
			if a[0] != b[0] && (a[0].blob == "" || a[0].blob != b[0].blob) {
				d.add(a[0])
				d.add(b[0])
			}
			a, b = a[1:], b[1:]
		}
	}
	return d
}

func (d *Difference) add(p *parsed) {
	if p == nil {
		return
	}
	d.Rest = d.Rest || p.blob == "" || p.config != nil || len(p.systems) > 0
	note(d.People, p.people)
	note(d.Groups, p.groups)
	note(d.Roles, p.roles)
	note(d.Grants, p.grants)
}

func note[T document](into map[string]bool, docs []T) {
	for _, d := range docs {
		into[d.id().Value] = true
	}
}

// At names the document that a line of a file belongs to, as in "person" and its id.
func (r *Repository) At(file string, line int) (kind, id string, ok bool) {
	p := r.files.get(file)
	if p == nil {
		return "", "", false
	}
	best := int32(0)
	look := func(d document) bool {
		if at := d.doc().At.Line; at <= int32(line) && at > best {
			best, kind, id, ok = at, namespace(d), d.id().Value, true
		}
		return true
	}
	_ = each(p.people, look) && each(p.groups, look) && each(p.roles, look) && each(p.grants, look) && each(p.systems, look)
	return kind, id, ok
}

// Document is the document of a kind with that id; nil if there is none. A service is a person, too.
func (r *Repository) Document(kind, id string) any {
	switch kind {
	case toPerson:
		return orNil(r.Person(id))
	case "service":
		if p := r.Person(id); p != nil && p.Service {
			return p
		}
	case toGroup:
		return orNil(r.Group(id))
	case toRole:
		return orNil(r.Role(id))
	case toSystem:
		return orNil(r.systems[id])
	case "grant":
		return orNil(r.Grant(id))
	}
	return nil
}

func orNil[T any](p *T) any {
	if p == nil {
		return nil
	}
	return p
}
