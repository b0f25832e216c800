package engine

import (
	"slices"
	"strings"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/declare"
	"github.com/accordhq/accord/engine/report"
	"github.com/accordhq/accord/engine/resolve"
)

func (x *shower) person(p *declare.Person) error {
	if p.Service {
		x.out.Kind = "service"
	}
	x.doc(p.Doc)
	x.textFact(p.Doc, "name", p.Name)
	x.textFact(p.Doc, "email", p.Email)
	_, status, why, _ := x.world.Person(p.ID.Value)
	text := string(status)
	if why.Text != "" && why.Text != text {
		text += ": " + why.Text
	}
	x.factAt("status", text, why)
	x.factAt("starts", p.Starts.Text, access.Link{File: p.File, Line: int(p.Starts.At.Line)})
	x.factAt("ends", p.Ends.Text, access.Link{File: p.File, Line: int(p.Ends.At.Line)})
	x.textFact(p.Doc, "manager", p.Manager)
	x.fact("owners", strings.Join(values(p.Owners), ", "))
	for _, a := range p.Attributes {
		x.factAt(a.Key.Value, strings.Join(values(a.Values), ", "), access.Link{File: p.File, Line: int(a.Key.At.Line)})
	}
	var below []string
	for _, other := range x.head.Repo.People() {
		if other.Manager.Value == p.ID.Value {
			below = append(below, other.ID.Value)
		}
	}
	x.fact("reports", strings.Join(below, ", "))
	groups := x.world.Memberships("", p.ID.Value)
	of := func(m resolve.Membership) string { return m.Of }
	none := func(resolve.Membership) string { return "" }
	x.list("groups", "Groups, and why", "None.", members(groups, of, none))
	x.list("roles", "Roles, and how", "None.", members(x.world.RoleWays("", p.ID.Value), of, none))
	x.holdings(p.ID.Value)
	ids := []string{p.ID.Value}
	for _, m := range groups {
		if m.Active(x.at) && !slices.Contains(ids, m.Of) {
			ids = append(ids, m.Of)
		}
	}
	x.list("owns", "What they answer for", "", x.owned(ids...))
	x.list("exemptions", "Exemptions from rules", "", x.exemptions(ids))
	return nil
}

// holdings are the accounts of a person and what they hold, system by system.
func (x *shower) holdings(person string) {
	var accounts, held []report.ShowItem
	for _, sys := range x.systems {
		account, ok := sys.want.AccountOf(person)
		if !ok {
			continue
		}
		for _, h := range newWhoer(x.session, sys).of(account) {
			it := report.ShowItem{System: sys.decl.ID.Value, State: h.State}
			if h.Target.IsZero() {
				it.Name, it.Note = h.Subject.Name, x.accountNote(sys, h)
				accounts = append(accounts, it)
				continue
			}
			it.Name, it.Until = h.Target.String()+": "+h.Permission, h.Until
			switch {
			case h.Permission == "":
				it.Name = h.Target.String() + ": " + h.Live
			case h.State == report.WhoDiffers:
				it.Note = "live: " + h.Live
			}
			for _, r := range h.Reasons {
				it.Chain = append(it.Chain, r.Chain...)
			}
			held = append(held, it)
		}
	}
	x.list("accounts", "Accounts", "None.", accounts)
	x.list("access", "Access", "None.", held)
}

// accountNote says what is particular about an account.
func (x *shower) accountNote(sys *system, h report.WhoHolder) string {
	var out []string
	if h.Disabled {
		out = append(out, "disabled")
	}
	for _, name := range namesOf(sys.decl) {
		if at, ok := x.memory.DisabledSince(access.Ref{System: name, ID: h.Subject}); ok {
			out = append(out, "disabled by Accord on "+at.UTC().Format("2006-01-02 15:04"))
			break
		}
	}
	if h.Own {
		out = append(out, "Accord's own")
	}
	return strings.Join(out, ", ")
}

// exemptions are those for any of the ids: a person and the groups that they are in.
func (x *shower) exemptions(ids []string) []report.ShowItem {
	var out []report.ShowItem
	for _, e := range x.head.Repo.Exempts {
		until := e.Until.End(x.head.Repo.Config.Location())
		if !until.IsZero() && !until.After(x.at) {
			continue
		}
		if slices.ContainsFunc(values(e.Who), func(id string) bool { return slices.Contains(ids, id) }) {
			out = append(out, report.ShowItem{Name: e.Rule.Value, Note: e.Reason.Value, Until: until, Chain: []access.Link{{File: e.File, Line: int(e.At.Line), Text: "exempt " + e.ID.Value}}})
		}
	}
	return out
}
