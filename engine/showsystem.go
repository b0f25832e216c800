package engine

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/declare"
	"github.com/accordhq/accord/engine/journal"
	"github.com/accordhq/accord/engine/plan"
	"github.com/accordhq/accord/engine/report"
)

func (x *shower) system(d *declare.System) error {
	x.doc(d.Doc)
	x.textFact(d.Doc, "description", d.Description)
	x.fact("owners", strings.Join(values(d.Owners), ", "))
	x.textFact(d.Doc, "state", d.State)
	x.textFact(d.Doc, "connector", d.Connector)
	for _, s := range d.Config {
		x.factAt("config "+s.Key.Value, settingText(s), access.Link{File: d.File, Line: int(s.Key.At.Line)})
	}
	x.fact("mode", string(mode(d)))
	x.fact("manage", strings.Join(values(d.Manage), ", "))
	x.fact("drift", driftKey(d))
	x.fact("priority", strconv.Itoa(priority(d)))
	x.fact("guards", guardsSaid(guards(x.head.Repo.Config, d)))
	x.fact("accounts", accountsSaid(d))
	x.labels(d.Labels)
	if len(x.systems) == 0 { // released
		return nil
	}
	sys := x.systems[0]
	if sys.live != nil {
		x.fact("identity", sys.live.Identity())
		x.fact("Accord's account", sys.live.Self().String())
		x.fact("live", counts(sys.live))
	}
	x.fact("declared", counts(sys.want.State()))
	if err := x.applied(sys); err != nil {
		return err
	}
	x.resources(sys)
	return x.drift(sys)
}

func driftKey(d *declare.System) string {
	if d.Drift.Value == "" {
		return "revert"
	}
	return d.Drift.Value
}

// userinfo is what stands between the scheme and the host of an address.
var userinfo = regexp.MustCompile(`://[^/@\s]*@`)

// settingText is a setting as it may be shown: a reference to a secret says where that is, and an
// address loses what stands before its host.
func settingText(s declare.Setting) string {
	switch {
	case s.Env.Value != "":
		return "from the environment: " + s.Env.Value
	case s.File.Value != "":
		return "from the file " + s.File.Value
	}
	return userinfo.ReplaceAllString(strings.Join(values(s.Values), ", "), "://…@")
}

func guardsSaid(g plan.Guards) string {
	limit := func(l plan.Limit) string {
		if l.IsPercent {
			return fmt.Sprintf("%g%%", l.Percent)
		}
		return strconv.Itoa(l.Count)
	}
	out := fmt.Sprintf("max_removals %s, max_leavers %s, keep_admins %d", limit(g.MaxRemovals), limit(g.MaxLeavers), g.KeepAdmins)
	return out + lead(", protect ", strings.Join(g.Protect, " "))
}

func accountsSaid(d *declare.System) string {
	a := d.Accounts
	name := a.Name.Value
	if name == "" {
		name = "{person}"
	}
	out := "named " + name + "; " + leaverText(d)
	if a.Create.Set && !a.Create.Value {
		out += "; never created here"
	}
	return out
}

// counts are the objects of a state by kind, and its grants.
func counts(st *access.State) string {
	n := map[string]int{}
	disabled := 0
	for o := range st.Objects() {
		n[o.ID.Kind]++
		if o.ID.IsAccount() && o.Disabled {
			disabled++
		}
	}
	var out []string
	for _, kind := range slices.SortedFunc(maps.Keys(n), func(a, b string) int { return access.ID{Kind: a}.Compare(access.ID{Kind: b}) }) {
		text := fmt.Sprintf("%d %s", n[kind], kind)
		if kind == access.KindAccount && disabled > 0 {
			text += fmt.Sprintf(" (%d disabled)", disabled)
		}
		out = append(out, text)
	}
	_, grants := st.Size()
	return strings.Join(append(out, report.Count(grants, "grant", "grants")), ", ")
}

// applied tells from the journal when the system was brought to what, and when it was last read
// completely, by an apply or by a look at drift that was recorded.
func (x *shower) applied(sys *system) error {
	p, err := x.past(x.ctx, func(journal.Change) bool { return false })
	if err != nil {
		return err
	}
	said := func(rev string, at time.Time) string {
		text := fmt.Sprintf("%.7s on %s", rev, at.UTC().Format("2006-01-02 15:04"))
		if c, ok := p.commit(x.ctx, rev); ok {
			text += fmt.Sprintf(" %q", c.Subject)
		}
		return text
	}
	if rev, at, ok := x.lastApplied(sys.decl); ok {
		x.fact("last applied", said(rev, at))
	} else {
		x.fact("last applied", "never")
	}
	if rev, at, ok := x.lastBy(sys.decl, x.memory.LeaversUpTo); ok {
		x.fact("leavers up to", said(rev, at))
	}
	var last time.Time
	for _, name := range namesOf(sys.decl) {
		if at, ok := x.memory.LastRead(name); ok && at.After(last) {
			last = at
		}
	}
	if !last.IsZero() {
		x.fact("last complete read", last.UTC().Format("2006-01-02 15:04"))
	}
	return nil
}

// resources are those that the document declares.
func (x *shower) resources(sys *system) {
	var out []report.ShowItem
	for _, res := range sys.decl.Resources {
		var notes []string
		if res.State.Value == "absent" {
			notes = append(notes, "declared absent")
		}
		for _, e := range slices.Concat(res.Access, res.MemberOf) {
			notes = append(notes, "holds "+e.Target.String()+": "+e.Permission)
		}
		if len(res.Owners) > 0 {
			notes = append(notes, "owned by "+strings.Join(values(res.Owners), ", "))
		}
		out = append(out, report.ShowItem{Name: res.ID.String(), Note: strings.Join(notes, ", "), Chain: []access.Link{{File: sys.decl.File, Line: int(res.At.Line), Text: res.ID.String() + " is declared"}}})
	}
	x.list("resources", "Resources that the document declares", "", out)
}

// drift lists how the system differs from what was last applied, and what nobody declares.
func (x *shower) drift(sys *system) error {
	if sys.live == nil {
		return nil
	}
	p, err := x.plan(x.ctx, false)
	if p == nil {
		return err // a judge that can't judge leaves the plan
	}
	var out []report.ShowItem
	for _, st := range p.Steps {
		if st.Class != plan.ClassDrift {
			continue
		}
		note := lead("of ", st.Person)
		if st.Held != nil {
			note = strings.TrimPrefix(note+", not touched: "+string(st.Held.Why), ", ")
		}
		out = append(out, report.ShowItem{Name: strings.Replace(st.String(), st.System+"/", "", 1), Note: note})
	}
	for _, s := range p.Systems {
		for _, id := range s.Orphans {
			out = append(out, report.ShowItem{Name: id.String(), Note: "an account that nobody declares"})
		}
		for _, e := range s.Unclaimed {
			out = append(out, report.ShowItem{Name: fmt.Sprintf("%s %s %s", e.Subject, e.Permission, e.Target), Note: "declared by nobody, and not managed"})
		}
	}
	x.list("drift", "Open drift", "None.", out)
	return nil
}
