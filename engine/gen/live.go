package gen

import (
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/accordhq/accord/engine/access"
)

// Live is what is on a system: State, and the drift that the options ask for. It is nil if
// there is no such system.
func (o *Organisation) Live(name string) *access.State {
	s := o.system(name)
	if s == nil {
		return nil
	}
	if o.Drift == 0 {
		return o.build(s, s.held, nil)
	}
	h := fnv.New64a()
	io.WriteString(h, name)
	r := rand.New(rand.NewPCG(o.Seed, h.Sum64()))
	held, extra := o.drift(r, s)
	return o.build(s, held, extra)
}

// stray is a grant of an account that is nobody's any more, or never was anybody's.
type stray struct {
	account string
	target  int32
	level   level
}

// drift leaves grants out and puts others in. Nothing that administers is touched, so that no
// guard of the last administrator stands in the way.
func (o *Organisation) drift(r *rand.Rand, s *system) (held []holding, extra []stray) {
	has := make(map[[2]int32]bool, len(s.held))
	for _, h := range s.held {
		has[[2]int32{h.person, h.target}] = true
	}
	for _, h := range s.held {
		if h.level == admin || r.Float64() >= o.Drift/2 {
			held = append(held, h)
		}
		if r.Float64() >= o.Drift/2 {
			continue
		}
		other := s.held[r.IntN(len(s.held))]
		if at := [2]int32{h.person, other.target}; other.level != admin && !has[at] {
			has[at] = true
			held = append(held, holding{h.person, other.target, other.level})
		}
	}
	for i := range o.people {
		if p := &o.people[i]; (p.status == left || p.status == ended) && len(s.held) > 0 && r.Float64() < o.Drift {
			other := s.held[r.IntN(len(s.held))]
			extra = append(extra, stray{o.account(s, p), other.target, calm(other.level)})
		}
	}
	for n := range int(o.Drift*float64(len(s.held))/20) + 1 {
		if len(s.held) > 0 {
			other := s.held[r.IntN(len(s.held))]
			extra = append(extra, stray{fmt.Sprintf("temp-%02d", n), other.target, calm(other.level)})
		}
	}
	return held, extra
}

// calm is a level that administers nothing.
func calm(l level) level {
	if l == admin {
		return write
	}
	return l
}

// account is how the person is called on the system.
func (o *Organisation) account(s *system, p *person) string {
	if s == o.systems[directory] {
		return p.id + mailDomain
	}
	return p.id
}

// build makes the state of a system: its resources, and an account for everybody who holds
// something there by the declaration or by drift.
func (o *Organisation) build(s *system, held []holding, extra []stray) *access.State {
	b := access.NewBuilder(s.id)
	for _, t := range s.targets {
		b.Object(access.Object{ID: t})
	}
	there := make(map[int32]bool, len(s.held)/2)
	account := func(i int32) access.ID {
		p := &o.people[i]
		id := access.Account(o.account(s, p))
		if !there[i] {
			there[i] = true
			obj := access.Object{ID: id, Disabled: p.status == leave}
			if s == o.systems[office] {
				obj.Attributes = map[string]string{"name": p.name, "email": p.id + mailDomain}
			}
			b.Object(obj)
		}
		return id
	}
	for _, h := range s.held { // whose grants are all missing still has the account
		account(h.person)
	}
	for _, h := range held {
		b.Grant(access.Grant{Subject: account(h.person), Target: s.targets[h.target], Permission: h.level.String()})
	}
	named := map[string]bool{}
	for _, x := range extra {
		id := access.Account(x.account)
		if !named[x.account] {
			named[x.account] = true
			b.Object(access.Object{ID: id})
		}
		b.Grant(access.Grant{Subject: id, Target: s.targets[x.target], Permission: x.level.String()})
	}
	state, err := b.Build()
	if err != nil {
		panic(err) // no id is given twice: populate counts them
	}
	return state
}

// WriteState writes a state as the file connector keeps it.
func WriteState(w io.Writer, s *access.State) error {
	var b strings.Builder
	b.WriteString("# What " + s.System() + " really grants. Accord reads and writes this file as it would an API.\nversion: 1\n")
	for _, kind := range []string{access.KindAccount, "group", "role", "folder", "app"} {
		first := true
		for o := range s.Objects() {
			if o.ID.Kind != kind {
				continue
			}
			if first {
				b.WriteString(kind + "s:\n")
				first = false
			}
			writeObject(&b, s, o)
		}
	}
	b.WriteString("...\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func writeObject(b *strings.Builder, s *access.State, o access.Object) {
	fmt.Fprintf(b, "  %s:", o.ID.Name)
	empty := b.Len()
	for _, k := range []string{"name", "email"} {
		if v := o.Attributes[k]; v != "" {
			fmt.Fprintf(b, "\n    %s: %s", k, v)
		}
	}
	if o.Disabled {
		b.WriteString("\n    disabled: true")
	}
	lines := map[string][]string{}
	var on []string
	for _, g := range s.GrantsOf(o.ID) {
		t := g.Target.String()
		if lines[t] == nil {
			on = append(on, t)
		}
		lines[t] = append(lines[t], g.Permission)
	}
	if len(on) > 0 {
		b.WriteString("\n    access:")
	}
	for _, t := range on {
		slices.Sort(lines[t])
		value := lines[t][0]
		if len(lines[t]) > 1 {
			value = "[" + strings.Join(lines[t], ", ") + "]"
		}
		fmt.Fprintf(b, "\n      %s: %s", t, value)
	}
	if b.Len() == empty {
		b.WriteString(" {}")
	}
	b.WriteByte('\n')
}
