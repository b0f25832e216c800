package engine

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/declare"
	"github.com/accordhq/accord/engine/resolve"
	"github.com/accordhq/accord/policy"
)

// facts are what the policies are told beside the change itself. What could be made milder by
// the change that is judged comes from the rulebook: owners, labels, modes; and what either side
// calls privileged is. Each document is prepared once and shared.
type facts struct {
	*session
	book     *rulebook
	world    *resolve.World // head's
	whole    *resolve.World // the same with the systems that aren't part of the run
	law      *resolve.World // the rulebook's
	context  *policy.Context
	subjects map[string]*policy.Subject
	places   map[string]*policy.System
	roles    map[string]*policy.Role
	groups   map[string][]string // by person
	renamed  map[string]string   // people, by what they were called before
	bySystem map[string]*system
	desired  map[desiredOf]*resolve.Desired
	others   []*facts    // see twins
	mu       *sync.Mutex // of what evaluates groups, for all twins
}

type desiredOf struct {
	world  *resolve.World
	system string
}

func (s *session) facts(b *rulebook) *facts {
	f := &facts{session: s, book: b, world: s.world(), whole: s.wholeWorld(), law: s.resolved(b), bySystem: map[string]*system{}, mu: &sync.Mutex{}}
	f.prepare()
	for _, sys := range s.systems {
		f.bySystem[sys.decl.ID.Value] = sys
	}
	c := policy.NewContext(s.at, b.decl.Config.Location())
	c.Head, c.Base, c.Author = s.head.Revision.Hash, s.opts.Base, s.authorOf(s.head.commit.Email, s.head.commit.Author)
	if s.newest != nil && c.Base == "" {
		c.Base = s.newest.rev.Hash
	}
	f.context = &c
	return f
}

// prepare makes room for what is prepared once.
func (f *facts) prepare() {
	f.subjects, f.places, f.roles = map[string]*policy.Subject{}, map[string]*policy.System{}, map[string]*policy.Role{}
	f.desired, f.others = map[desiredOf]*resolve.Desired{}, nil
}

// in is a system as a world has it; nil if it hasn't.
func (f *facts) in(w *resolve.World, system string) *resolve.Desired {
	k := desiredOf{w, system}
	d, ok := f.desired[k]
	if !ok {
		d = w.System(system)
		if f.desired == nil { // of facts that only one thing is asked of
			f.desired = map[desiredOf]*resolve.Desired{}
		}
		f.desired[k] = d
	}
	return d
}

// active are the active people among owners, by the rulebook.
func (f *facts) active(owners []declare.Text) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.law.Active(owners)
}

// wholeWorld is head as resolved for any system of the run, with all systems.
func (s *session) wholeWorld() *resolve.World {
	for _, sys := range s.systems {
		return s.worldOf(sys)
	}
	return s.world()
}

// authorOf is the person with that address by the rulebook, else the address or the name itself.
func (s *session) authorOf(email, name string) string {
	if id := s.byEmail(email); id != "" {
		return id
	}
	return cmp.Or(email, name)
}

// subject tells who somebody is; nil for nobody.
func (f *facts) subject(id string) *policy.Subject {
	if id == "" {
		return nil
	}
	if s, ok := f.subjects[id]; ok {
		return s
	}
	p, status, _, ok := f.world.Person(id)
	if !ok {
		f.subjects[id] = nil
		return nil
	}
	s := &policy.Subject{ID: f.lawPerson(id), Type: "person", Name: p.Name.Value, Email: p.Email.Value, Status: string(status), Manager: f.lawPerson(p.Manager.Value),
		Attributes: map[string][]string{}, Groups: f.groupsOf(id), Owners: mapped(values(p.Owners), f.lawOwner), Source: policy.Place{File: p.File, Line: int(p.At.Line)}}
	if p.Service {
		s.Type = "service"
	}
	if _, manager, _, ok := f.world.Person(p.Manager.Value); ok {
		s.ManagerStatus = string(manager)
	}
	for _, a := range p.Attributes {
		s.Attributes[a.Key.Value] = values(a.Values)
	}
	loc := f.head.Repo.Config.Location()
	if from := p.Starts.Start(loc); !from.IsZero() {
		s.Starts = from.UTC().Format(time.RFC3339)
	}
	s.Ends, s.HasEnd, s.DaysLeft = policy.Ends(p.Ends.End(loc), f.at)
	f.subjects[id] = s
	return s
}

func (f *facts) groupsOf(person string) []string {
	if f.world.Few() {
		return mapped(f.world.GroupsOf(person), f.lawGroup)
	}
	if f.groups == nil {
		f.groups = map[string][]string{}
		for _, g := range f.world.Repo.Groups() { // sorted, and so is what comes of it
			for _, m := range f.world.Members(g.ID.Value) {
				f.groups[m] = append(f.groups[m], f.lawGroup(g.ID.Value))
			}
		}
	}
	return f.groups[person]
}

// system tells what a system is.
func (f *facts) system(name string) *policy.System {
	if s, ok := f.places[name]; ok {
		return s
	}
	decl := f.world.Repo.System(name)
	if decl == nil {
		return nil
	}
	s := &policy.System{ID: f.lawID(name), Connector: decl.Connector.Value, Mode: string(mode(decl)), Labels: pairs(decl.Labels)}
	if sys := f.bySystem[name]; sys != nil {
		s.Mode = string(sys.ruled.mode)
	}
	if was := f.lawSystem(name); was != nil {
		s.Owners, s.Labels = f.active(was.Owners), pairs(was.Labels)
	}
	f.places[name] = s
	return s
}

// lawSystem is the rulebook's document of a system; nil if it has none.
func (f *facts) lawSystem(name string) *declare.System {
	decl := f.world.Repo.System(name)
	if decl == nil {
		return f.law.Repo.System(name)
	}
	return f.law.Repo.System(previousName(f.law.Repo, decl))
}

// role tells what a role is.
func (f *facts) role(id string) *policy.Role {
	if id == "" {
		return nil
	}
	if r, ok := f.roles[id]; ok {
		return r
	}
	r := &policy.Role{ID: f.lawRole(id)}
	add := func(decl *declare.Role) {
		if decl != nil {
			r.Privileged = r.Privileged || decl.Privileged.Value
			r.Exclusive = append(r.Exclusive, values(decl.Exclusive)...)
			r.Labels = pairs(decl.Labels)
		}
	}
	add(f.world.Repo.Role(id))
	if was := f.law.Repo.Role(f.lawRole(id)); was != nil {
		add(was)
		r.Owners = f.active(was.Owners)
	}
	slices.Sort(r.Exclusive)
	r.Exclusive = slices.Compact(r.Exclusive)
	f.roles[id] = r
	return r
}

// privileged reports whether either side calls the resource or one of the roles so.
func (f *facts) privileged(system string, target access.ID, roles []string) bool {
	for _, w := range []*resolve.World{f.world, f.law} {
		name := system
		if was := f.lawSystem(system); w == f.law && was != nil {
			name = was.ID.Value
		}
		if d := f.in(w, name); d != nil {
			if r := d.Resource(target); r != nil && r.Privileged.Value {
				return true
			}
		}
	}
	return slices.ContainsFunc(roles, func(id string) bool { r := f.role(id); return r != nil && r.Privileged })
}

// owners answer for something by the rulebook: those of the resource, else of the roles that it
// comes through, the outermost first, else of the system.
func (f *facts) owners(system string, target access.ID, roles []string) []string {
	was := f.lawSystem(system)
	if was != nil {
		if d := f.in(f.law, was.ID.Value); d != nil {
			if r := d.Resource(target); r != nil && len(r.Owners) > 0 {
				return f.active(r.Owners)
			}
		}
	}
	for _, id := range roles {
		if r := f.role(id); r != nil && len(r.Owners) > 0 {
			return r.Owners
		}
	}
	if s := f.system(system); s != nil {
		return s.Owners
	}
	return nil
}

// reasons are those that hold at the instant or begin later, in the form that rules see.
func (f *facts) reasons(in []access.Reason) []policy.Reason {
	var out []policy.Reason
	for _, r := range in {
		one := policy.Reason{Grant: r.Grant, Roles: f.lawRoles(r.Roles), Ticket: r.Ticket, Note: r.Note}
		if !r.From.IsZero() {
			one.From = r.From.UTC().Format(time.RFC3339)
		}
		one.Until, one.HasEnd, one.DaysLeft = policy.Ends(r.Until, f.at)
		if len(r.Chain) > 0 {
			one.File, one.Line = r.Chain[0].File, r.Chain[0].Line
		}
		out = append(out, one)
	}
	return out
}

// rolesOf are the roles of reasons: the outermost of the first one, and all of them, sorted.
func rolesOf(in []access.Reason) (first string, all []string) {
	for _, r := range in {
		if first == "" && len(r.Roles) > 0 {
			first = r.Roles[0]
		}
		all = append(all, r.Roles...)
	}
	slices.Sort(all)
	return first, slices.Compact(all)
}

// outermost are the roles of reasons from the outside in, each once: who owns the bundle that is
// given answers before who owns a part of it.
func outermost(in []access.Reason) []string {
	var out []string
	for _, r := range in {
		for _, id := range r.Roles {
			if !slices.Contains(out, id) {
				out = append(out, id)
			}
		}
	}
	return out
}

func values(in []declare.Text) []string {
	var out []string
	for _, t := range in {
		out = append(out, t.Value)
	}
	return out
}

func pairs(in []declare.Pair) map[string]string {
	if len(in) == 0 {
		return nil
	}
	out := make(map[string]string, len(in))
	for _, p := range in {
		out[p.Key.Value] = p.Value.Value
	}
	return out
}
