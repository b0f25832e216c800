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
	a, b := r.files, other.files
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
