package gen

import (
	"fmt"
	"math/rand/v2"

	"github.com/accordhq/accord/engine/access"
)

// Organisation is one company: its documents, its systems and its history. It doesn't change
// and may be used concurrently.
type Organisation struct {
	Options
	depts    []string
	teams    []team
	people   []person
	systems  []*system
	projects []project
	excepted []int // by department, who is left out of it; -1: nobody
}

// New makes the organisation. It fails if the size can't be: too few people for a company, or
// fewer grants than the rules give by themselves, about nine each.
func New(opts Options) (*Organisation, error) {
	o := &Organisation{Options: opts}
	switch {
	case o.Size.People < 50:
		return nil, fmt.Errorf("making an organisation: %d people are too few; 50 have departments and teams", o.Size.People)
	case o.Size.Systems < common:
		return nil, fmt.Errorf("making an organisation: %d systems are too few; there are at least %d", o.Size.Systems, common)
	case o.Drift < 0 || o.Drift > 1:
		return nil, fmt.Errorf("making an organisation: a drift of %v isn't a share from 0 to 1", o.Drift)
	}
	if o.PerFile < 1 {
		o.PerFile = 1
	}
	if o.Connector == "" {
		o.Connector = "file"
	}
	r := rand.New(rand.NewPCG(o.Seed, uint64(o.Size.People)))
	o.populate(r)
	o.connect(r)
	if n := o.grants(); n != o.Size.Grants {
		return nil, fmt.Errorf("making an organisation: the rules alone give %d people %d grants, more than the %d wanted", o.Size.People, n, o.Size.Grants)
	}
	return o, nil
}

func (o *Organisation) grants() (n int) {
	for _, s := range o.systems {
		n += len(s.held)
	}
	return n
}

// Systems are the names of the systems, in the order in which they were made.
func (o *Organisation) Systems() []string {
	out := make([]string, len(o.systems))
	for i, s := range o.systems {
		out[i] = s.id
	}
	return out
}

// Someone is the id of a person who holds access at Now, by any number.
func (o *Organisation) Someone(n int) string {
	for {
		if p := &o.people[n%len(o.people)]; p.status == active && !p.service {
			return p.id
		}
		n++
	}
}

// State is what the declaration gives the accounts of a system at Now; nil if there is no such
// system.
func (o *Organisation) State(name string) *access.State {
	s := o.system(name)
	if s == nil {
		return nil
	}
	return o.build(s, s.held, nil)
}

func (o *Organisation) system(name string) *system {
	for _, s := range o.systems {
		if s.id == name {
			return s
		}
	}
	return nil
}
