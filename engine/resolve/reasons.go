package resolve

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/declare"
)

// Reasons implements access.Declared.
func (d *Desired) Reasons(subject, target access.ID, permission string) []access.Reason {
	if res := d.Resource(subject); res != nil {
		return d.resourceReasons(subject, res, target, permission)
	}
	h, ok := d.Holder(subject)
	if !ok {
		return nil
	}
	var out []access.Reason
	for _, permission := range d.permissions(target, permission) {
		for _, row := range d.rowsOf(h.Person, entitlement{target, permission}) {
			out = append(out, d.reason(row))
		}
	}
	at := instant(d.loc.at, never, d.loc.zone)
	slices.SortStableFunc(out, func(a, b access.Reason) int {
		if a.Active(at) != b.Active(at) {
			if a.Active(at) {
				return -1
			}
			return 1
		}
		return cmp.Or(a.From.Compare(b.From), a.Until.Compare(b.Until), cmp.Compare(a.Grant, b.Grant))
	})
	return out
}

// permissions are the one that was asked for, or all that there are on the target.
func (d *Desired) permissions(target access.ID, permission string) []string {
	if permission != "" {
		return []string{permission}
	}
	kind, _ := d.Connector.Describe.Kind(target.Kind)
	var out []string
	for _, p := range kind.Permissions {
		out = append(out, p.Name)
	}
	return out
}

// rowsOf are the rows by which one person gets one entitlement.
func (d *Desired) rowsOf(person string, e entitlement) []row {
	i, ok := d.loc.find(person)
	ent, ok2 := d.entIndex[e]
	if !ok || !ok2 {
		return nil
	}
	lo := sort.Search(len(d.rows), func(k int) bool { return d.rows[k].compare(i, ent) >= 0 })
	hi := lo + sort.Search(len(d.rows)-lo, func(k int) bool { return d.rows[lo+k].compare(i, ent) > 0 })
	return d.rows[lo:hi]
}

func (d *Desired) reason(row row) access.Reason {
	from, until := row.span.times(d.loc.zone)
	w := d.way(row)
	r := access.Reason{From: from, Until: until, Permission: d.ents[row.ent].permission, Grant: w.grant.ID.Value, Ticket: w.grant.Ticket.Value, Note: w.grant.Reason.Value}
	for _, h := range w.what.roles {
		r.Roles = append(r.Roles, h.role.ID.Value)
	}
	r.Chain = append(r.Chain, d.head(w)...)
	r.Chain = append(r.Chain, memberLinks(d.loc, d.loc.person(row.person), w.who, nil)...)
	return r
}

// headOf names the part of a chain that everybody shares who gets something in the same way.
type headOf struct {
	grant *declare.Grant
	term  *declare.Term
	what  *bundle
}

// head gives the links from the grant to the entitlement. They are made once for all who get
// it so: a grant to a large group would repeat them for each member.
func (d *Desired) head(w *way) []access.Link {
	key := headOf{w.grant, w.who.term, w.what}
	d.headMu.Lock()
	defer d.headMu.Unlock()
	links, ok := d.heads[key]
	if !ok {
		links = append([]access.Link{grantLink(w)}, roleLinks(w.what)...)
		if d.heads == nil {
			d.heads = map[headOf][]access.Link{}
		}
		d.heads[key] = links
	}
	return links
}

func grantLink(w *way) access.Link {
	var what string
	if len(w.what.roles) > 0 {
		what = "role " + w.what.roles[0].role.ID.Value
	} else {
		what = entText(w.what.ent)
	}
	text := fmt.Sprintf("grant %s gives %s to %s", w.grant.ID.Value, what, termText(w.who.term))
	if w.grant.Until.Text != "" {
		text += " until " + w.grant.Until.Text
	}
	return access.Link{File: w.grant.File, Line: int(w.who.term.At.Line), Text: text}
}

// includeLinks are the lines by which one role includes the next.
func includeLinks(way []hop) []access.Link {
	var out []access.Link
	for i, h := range way {
		if i > 0 {
			out = append(out, access.Link{File: h.file, Line: int(h.at.Line),
				Text: fmt.Sprintf("role %s includes %s", way[i-1].role.ID.Value, h.role.ID.Value)})
		}
	}
	return out
}

func roleLinks(b *bundle) []access.Link {
	out := includeLinks(b.roles)
	if n := len(b.roles); n > 0 {
		last := b.roles[n-1].role
		out = append(out, access.Link{File: last.File, Line: int(b.ent.At.Line),
			Text: fmt.Sprintf("role %s gives %s on %s", last.ID.Value, entText(b.ent), b.ent.System.Value)})
	}
	return out
}

// memberLinks follow the path from a term to the person. The group is the document that the term
// stands in; nil: a grant, whose own line names the term already.
func memberLinks(all *people, person *declare.Person, who *path, group *declare.Group) []access.Link {
	return appendMemberLinks(nil, all, person, who, group, true)
}

// appendMemberLinks appends them, with their texts or, for who only asks where they stand, without.
func appendMemberLinks(out []access.Link, all *people, person *declare.Person, who *path, group *declare.Group, texts bool) []access.Link {
	for p := who; p != nil; p = p.inner {
		if group != nil {
			l := access.Link{File: group.File, Line: int(p.term.At.Line)}
			if texts {
				l.Text = includesText(group, p.term)
			}
			out = append(out, l)
		}
		switch p.term.Kind {
		case declare.TermMatch:
			out = appendMatchLinks(out, person, p.term, texts)
		case declare.TermReports:
			out = appendReportLinks(out, all, person, p.term.Name.Value, texts)
		}
		if p.group != nil {
			group = p.group
		}
	}
	return out
}

func appendMatchLinks(out []access.Link, person *declare.Person, term *declare.Term, texts bool) []access.Link {
	for _, key := range term.Match {
		for _, v := range person.Get(key.Key.Value) {
			if !matches(key, v.Value) {
				continue
			}
			l := access.Link{File: person.File, Line: int(v.At.Line)}
			if texts {
				l.Text = fmt.Sprintf("%s's %s is %q", person.ID.Value, key.Key.Value, v.Value)
			}
			out = append(out, l)
			break
		}
	}
	return out
}

func appendReportLinks(out []access.Link, all *people, person *declare.Person, top string, texts bool) []access.Link {
	for n := 0; person != nil && person.ID.Value != top && n <= all.len(); n++ {
		l := access.Link{File: person.File, Line: int(person.Manager.At.Line)}
		if texts {
			l.Text = fmt.Sprintf("%s reports to %s", person.ID.Value, person.Manager.Value)
		}
		out = append(out, l)
		i, ok := all.find(person.Manager.Value)
		if !ok {
			break
		}
		person = all.person(i)
	}
	return out
}

func includesText(g *declare.Group, t *declare.Term) string {
	text := g.ID.Value + " includes " + termText(t)
	if t.Kind == declare.TermPerson {
		text = g.ID.Value + " names " + t.Name.Value
	}
	if t.Until.Text != "" {
		text += " until " + t.Until.Text
	}
	if t.Reason.Value != "" {
		text += " (" + t.Reason.Value + ")"
	}
	return text
}

func matches(key declare.Attr, value string) bool {
	return slices.ContainsFunc(key.Values, func(want declare.Text) bool { return declare.Glob(want.Value, value) })
}

// termText says in words who a term means.
func termText(t *declare.Term) string {
	switch t.Kind {
	case declare.TermPerson:
		return t.Name.Value
	case declare.TermGroup:
		return "group " + t.Name.Value
	case declare.TermReports:
		return "everyone below " + t.Name.Value
	case declare.TermMatch:
		var keys []string
		for _, k := range t.Match {
			var values []string
			for _, v := range k.Values {
				values = append(values, fmt.Sprintf("%q", v.Value))
			}
			keys = append(keys, k.Key.Value+" is "+strings.Join(values, " or "))
		}
		return "everyone whose " + strings.Join(keys, " and ")
	case declare.TermNot:
		return "everyone but " + termsText(t.Terms, "")
	case declare.TermAll:
		return "everyone who is in all of: " + termsText(t.Terms, "; ")
	}
	return "everyone who is in one of: " + termsText(t.Terms, "; ")
}

func termsText(terms []declare.Term, sep string) string {
	var out []string
	for i := range terms {
		out = append(out, termText(&terms[i]))
	}
	return strings.Join(out, sep)
}

// entText is an entitlement as a person would write it.
func entText(e *declare.Entitlement) string {
	return e.Target.String() + ": " + e.Permission
}

func (d *Desired) resourceReasons(subject access.ID, res *declare.Resource, target access.ID, permission string) []access.Reason {
	var out []access.Reason
	for _, e := range slices.Concat(res.Access, res.MemberOf) {
		if d.target(e.Target) == target && (permission == "" || e.Permission == permission) {
			out = append(out, access.Reason{Permission: e.Permission, Chain: []access.Link{{File: d.Decl.File, Line: int(e.At.Line),
				Text: fmt.Sprintf("%s is declared to hold %s", subject, entText(&e))}}})
		}
	}
	return out
}

// Line implements access.Declared.
func (d *Desired) Line(id access.ID) access.Link {
	if res := d.Resource(id); res != nil {
		return access.Link{File: d.Decl.File, Line: int(res.At.Line), Text: id.String() + " is declared"}
	}
	if l, ok := d.Absent()[id]; ok {
		return l
	}
	if h, ok := d.Holder(id); ok {
		if i, ok := d.loc.find(h.Person); ok {
			p := d.loc.person(i)
			return access.Link{File: p.File, Line: int(p.At.Line), Text: p.ID.Value}
		}
		return h.Why
	}
	return access.Link{File: d.Decl.File, Line: int(d.Decl.At.Line), Text: d.Decl.ID.Value}
}
