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
	seen := 0
	for path, p := range r.parsed {
		o := other.parsed[path]
		if o != nil {
			seen++
		}
		if p == o && p.blob != "" || o != nil && p.blob != "" && p.blob == o.blob {
			continue
		}
		d.add(p)
		if o != nil {
			d.add(o)
		}
	}
	if seen < len(other.parsed) {
		for path, o := range other.parsed {
			if r.parsed[path] == nil {
				d.add(o)
			}
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
