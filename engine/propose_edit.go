package engine

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/accordhq/accord/engine/amend"
	"github.com/accordhq/accord/engine/declare"
	"github.com/accordhq/accord/engine/plan"
)

// undeclare takes out the one line that declares a grant, where there is one that declares nothing
// else.
func (p *proposing) undeclare(s *plan.Step) (why string) {
	switch {
	case s.Person == "":
		return "a resource holds it by the system's document; edit that"
	case len(s.Reasons) != 1:
		return fmt.Sprintf("it is declared by %d reasons; accord why tells them", len(s.Reasons))
	case len(s.Reasons[0].Roles) > 0:
		return fmt.Sprintf("it comes by the role %s, which others may have too", s.Reasons[0].Roles[0])
	}
	g := p.grant(s.Reasons[0].Grant)
	if g == nil {
		return "the grant that declares it can't be found"
	}
	who := -1
	for i, t := range g.To {
		if t.Kind == declare.TermPerson && t.Name.Value == s.Person {
			who = i
		}
	}
	doc := amend.Doc{Kind: "grant", ID: g.ID.Value}
	single := len(g.Access) == 1 && len(g.Roles) == 0
	place := fmt.Sprintf("%s:%d", g.File, g.At.Line)
	switch {
	case who < 0:
		return "grant " + g.ID.Value + " gives it to more than this person by a rule or a group (" + place + ")"
	case len(g.To) > 1 && !single:
		return "grant " + g.ID.Value + " gives several things to several people (" + place + ")"
	case len(g.To) > 1:
		return p.edit(g.File, func(data []byte) ([]byte, error) { return amend.Remove(data, doc, who, "to") })
	case single:
		return p.edit(g.File, func(data []byte) ([]byte, error) { return amend.Drop(data, doc) })
	}
	return p.edit(g.File, func(data []byte) ([]byte, error) { return withoutAccess(data, doc, g, s) })
}

// withoutAccess takes one entitlement out of a grant that has others.
func withoutAccess(data []byte, doc amend.Doc, g *declare.Grant, s *plan.Step) ([]byte, error) {
	at, n := -1, 0
	for _, e := range g.Access {
		if e.System.Value != s.System {
			continue
		}
		if e.Target == s.Target && e.Permission == s.After.Permission {
			at = n
		}
		n++
	}
	switch {
	case at < 0:
		return nil, errors.New("it is written under another name")
	case n > 1:
		return amend.Remove(data, doc, at, "access", s.System)
	}
	out, err := amend.RemoveKey(data, doc, "access", s.System)
	if errors.Is(err, amend.ErrOnly) {
		return amend.RemoveKey(data, doc, "access")
	}
	return out, err
}

// grant is a grant as the files have it by now. Permissions are filled in as declare.Check does.
func (p *proposing) grant(id string) *declare.Grant {
	g := p.head.Repo.Grant(id)
	if g == nil {
		return nil
	}
	file := g.File
	r, _ := declare.Parse([]declare.File{{Path: file, Data: p.files[file]}})
	usual := map[string]string{}
	for _, k := range p.sys.description(p.session).Kinds {
		usual[k.Name] = k.Usual
	}
	for _, g := range r.Grants() {
		if g.ID.Value != id {
			continue
		}
		for n := range g.Access {
			if e := &g.Access[n]; e.Permission == "" {
				e.Permission = usual[e.Target.Kind]
			}
		}
		return g
	}
	return nil
}

// restate writes into the declaration what an attribute is on the system, where the declaration
// says it for this person or resource alone.
func (p *proposing) restate(s *plan.Step) (why string) {
	for k := range s.After.Attributes {
		now := s.Before.Attributes[k]
		if now == "" {
			return "the " + k + " was taken out there; take it out of the declaration by hand"
		}
		if !s.Subject.IsAccount() {
			why = p.edit(p.sys.decl.File, func(data []byte) ([]byte, error) {
				res := p.sys.want.Resource(s.Subject)
				if res == nil || !slices.ContainsFunc(res.Attributes, func(a declare.Pair) bool { return a.Key.Value == k }) {
					return nil, errors.New("no line of the declaration says it for this resource alone")
				}
				return amend.Set(data, amend.Doc{Kind: "system", ID: p.opts.System}, now, "resources", res.ID.String(), "attributes", k)
			})
		} else {
			why = p.restatePerson(s, k, now)
		}
		if why != "" {
			return why
		}
	}
	return ""
}

func (p *proposing) restatePerson(s *plan.Step, attribute, now string) string {
	person := p.head.Repo.Person(s.Person)
	i := slices.IndexFunc(p.sys.decl.Accounts.Attributes, func(a declare.Pair) bool { return a.Key.Value == attribute })
	if person == nil || i < 0 {
		return "no line of the declaration says it for this person alone"
	}
	pattern := p.sys.decl.Accounts.Attributes[i].Value.Value
	t, err := declare.ParseTemplate(pattern)
	if keys := t.Keys(); err != nil || len(keys) != 1 || pattern != "{"+keys[0]+"}" || keys[0] != "name" && keys[0] != "email" && !strings.HasPrefix(keys[0], "attributes.") {
		return fmt.Sprintf("the %s is made by the rule %q, not declared for this person alone", attribute, pattern)
	} else if name, ok := strings.CutPrefix(keys[0], "attributes."); ok {
		return p.edit(person.File, func(data []byte) ([]byte, error) { return amend.Set(data, docOf(person), now, "attributes", name) })
	} else {
		return p.edit(person.File, func(data []byte) ([]byte, error) { return amend.Set(data, docOf(person), now, keys[0]) })
	}
}

func docOf(p *declare.Person) amend.Doc {
	if p.Service {
		return amend.Doc{Kind: "service", ID: p.ID.Value}
	}
	return amend.Doc{Kind: "person", ID: p.ID.Value}
}

// edit changes a file; one of which nothing would be left is deleted.
func (p *proposing) edit(file string, change func([]byte) ([]byte, error)) (why string) {
	data, ok := p.files[file]
	if !ok {
		return file + " can't be read"
	}
	out, err := change(data)
	switch {
	case errors.Is(err, amend.ErrOnly) && strings.HasPrefix(err.Error(), "taking out grant: "):
		delete(p.files, file)
		return ""
	case err != nil:
		return file + ": " + err.Error()
	}
	p.files[file] = out
	return ""
}
