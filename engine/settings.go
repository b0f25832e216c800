package engine

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/accordhq/accord/engine/declare"
	"github.com/accordhq/accord/engine/plan"
	"github.com/accordhq/accord/engine/repo"
)

// fork is where a pull request parted from the revision that judges it; nil where that is the
// revision itself. What differs from the one and not from the other isn't the request's doing.
func (s *session) fork() *declare.Repository {
	if s.opts.Base == "" || s.newest == nil || s.newest.decl == s.book.decl {
		return nil
	}
	return s.newest.decl
}

// weigh decides which settings hold in this run, and what head changes in them.
func (s *session) weigh(ctx context.Context) error {
	if s.newest == nil && s.head.git != nil {
		s.authors = []repo.Author{{Name: s.head.commit.Author, Email: s.head.commit.Email}}
	}
	if s.newest != nil && s.newest.decl != s.head.Repo && s.head.git != nil {
		var err error
		if s.authors, err = s.head.git.Authors(ctx, s.newest.rev, s.head.commit); err != nil {
			return err
		}
	}
	for _, hash := range slices.Sorted(maps.Keys(s.bases)) {
		b := s.bases[hash]
		if b == nil || b.decl == s.head.Repo {
			continue
		}
		p, err := s.head.policiesAt(ctx, b.rev, b.decl)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			b.policies = "unreadable"
		default:
			b.policies = p.Digest
		}
	}
	s.settings = s.changedSettings()
	if fork := s.fork(); fork != nil {
		there, err := s.head.policiesAt(ctx, s.newest.rev, fork)
		if err != nil {
			return err
		}
		mine := map[string]bool{}
		for _, c := range settingsBetween(fork, s.head.Repo, there, s.own.policies) {
			mine[c.Setting] = true
		}
		s.settings = slices.DeleteFunc(s.settings, func(c plan.Setting) bool { return !mine[c.Setting] })
	}
	for _, sys := range s.systems {
		s.rule(sys)
	}
	return nil
}

// changedSettings lists the judging settings that head changes against those that judge it.
func (s *session) changedSettings() []plan.Setting {
	if s.book.decl == s.head.Repo {
		return nil
	}
	return settingsBetween(s.book.decl, s.head.Repo, s.book.policies, s.own.policies)
}

func settingsBetween(was, is *declare.Repository, before, after *Policies) []plan.Setting {
	c := &settingsDiff{}
	if before != nil && before != after { // else the ones before can't be had
		c.policies(before, after)
	}
	c.config(was.Config, is.Config)
	c.exempts(was, is)
	c.owners(was, is)
	c.systems(was, is)
	for i := range c.out {
		c.out[i].Change = "setting " + c.out[i].Setting
		c.out[i].Pending = c.out[i].Before != ""
	}
	slices.SortFunc(c.out, func(a, b plan.Setting) int {
		return cmp.Or(strings.Compare(a.Setting, b.Setting), strings.Compare(a.Kind, b.Kind))
	})
	return c.out
}

type settingsDiff struct{ out []plan.Setting }

// put notes a setting whose values differ. Long values are named by their digest.
func (c *settingsDiff) put(kind, setting string, before, after string, pos declare.Pos) {
	if before != after {
		c.out = append(c.out, plan.Setting{Kind: kind, Setting: setting, Before: before, After: after, File: pos.File, Line: int(pos.Line)})
	}
}

func (c *settingsDiff) policies(was, is *Policies) {
	files := func(p *Policies) map[string]string {
		out := map[string]string{}
		for _, f := range p.Sources {
			out[f.Path] = declare.Digest(string(f.Data))
		}
		return out
	}
	before, after := files(was), files(is)
	for _, name := range union(before, after) {
		c.put("policy", name, before[name], after[name], declare.Pos{File: name})
	}
}

func (c *settingsDiff) config(was, is *declare.Config) {
	digest := func(v any, set bool) string {
		if !set {
			return ""
		}
		return declare.Digest(v)
	}
	pos := declare.Pos{File: is.File}
	rules := func(cfg *declare.Config) (map[string]string, map[string]declare.Pos) {
		out, at := map[string]string{}, map[string]declare.Pos{}
		for _, r := range cfg.Rules {
			out[r.Name.Value], at[r.Name.Value] = declare.Digest(fmt.Sprintf("%#v", r.Params)), cfg.Pos(r.Name.At)
		}
		return out, at
	}
	before, _ := rules(was)
	after, at := rules(is)
	for _, name := range union(before, after) {
		p, ok := at[name]
		if !ok {
			p = pos
		}
		c.put("config", "accord.yaml rules."+name, before[name], after[name], p)
	}
	c.put("config", "accord.yaml policy", texts(was.Policy), texts(is.Policy), pos)
	c.put("config", "accord.yaml attributes", digest(was.Attributes, len(was.Attributes) > 0), digest(is.Attributes, len(is.Attributes) > 0), pos)
	c.put("config", "accord.yaml timezone", was.Timezone.Value, is.Timezone.Value, pos)
	c.put("config", "accord.yaml journal", journalText(was.Journal), journalText(is.Journal), pos)
	c.put("config", "accord.yaml notify", digest(was.Notify, len(was.Notify) > 0), digest(is.Notify, len(is.Notify) > 0), pos)
	c.put("guards", "accord.yaml guards", guardsText(was.Guards), guardsText(is.Guards), pos)
}

func (c *settingsDiff) exempts(was, is *declare.Repository) {
	list := func(r *declare.Repository) map[string]*declare.Exempt {
		out := map[string]*declare.Exempt{}
		for _, e := range r.Exempts {
			out[e.ID.Value] = e
		}
		return out
	}
	before, after := list(was), list(is)
	for _, id := range union(before, after) {
		text := func(e *declare.Exempt) string {
			if e == nil {
				return ""
			}
			return fmt.Sprintf("%s for %s until %s: %s", e.Rule.Value, texts(e.Who), e.Until.Text, e.Reason.Value)
		}
		var pos declare.Pos
		if e := cmp.Or(after[id], before[id]); e != nil {
			pos = e.Pos(e.At)
		}
		c.put("exempt", "exempt "+id, text(before[id]), text(after[id]), pos)
	}
}

// owned is a document that people answer for.
type owned struct {
	kind, id string
	owners   []declare.Text
	pos      declare.Pos
	doc      any
}

func ownedRole(x *declare.Role) owned { return owned{"role", x.ID.Value, x.Owners, x.Pos(x.At), x} }

func ownedGroup(x *declare.Group) owned { return owned{"group", x.ID.Value, x.Owners, x.Pos(x.At), x} }

func ownedService(x *declare.Person) owned {
	return owned{"service", x.ID.Value, x.Owners, x.Pos(x.At), x}
}

// ownedBut lists what has owners, resources too, leaving out what stands in files that another
// revision has as well, where these tell it all.
func ownedBut(r *declare.Repository, d declare.Difference) []owned {
	if d.Rest {
		return ownedOf(r, true)
	}
	var out []owned
	for id := range d.Roles {
		if x := r.Role(id); x != nil {
			out = append(out, ownedRole(x))
		}
	}
	for id := range d.Groups {
		if x := r.Group(id); x != nil {
			out = append(out, ownedGroup(x))
		}
	}
	for id := range d.People {
		if x := r.Person(id); x != nil && x.Service {
			out = append(out, ownedService(x))
		}
	}
	return out
}

// ownedOf lists everything that has owners: roles, groups, services and systems, and with
// resources also those.
func ownedOf(r *declare.Repository, resources bool) []owned {
	var out []owned
	for _, x := range r.Roles() {
		out = append(out, ownedRole(x))
	}
	for _, x := range r.Groups() {
		out = append(out, ownedGroup(x))
	}
	for _, x := range r.Services() {
		out = append(out, ownedService(x))
	}
	for _, x := range r.Systems {
		out = append(out, owned{"system", x.ID.Value, x.Owners, x.Pos(x.At), x})
		for i := range x.Resources {
			if res := &x.Resources[i]; resources {
				out = append(out, owned{"resource", x.ID.Value + "/" + res.ID.String(), res.Owners, x.Pos(res.At), res})
			}
		}
	}
	return out
}

// owners compares who answers for what. What is new has no owners before; what is gone needs
// none.
func (c *settingsDiff) owners(was, is *declare.Repository) {
	differs := is.DifferenceTo(was)
	before := map[string]string{}
	for _, o := range ownedBut(was, differs) {
		before[o.kind+" "+o.id] = texts(o.owners)
	}
	for _, o := range ownedBut(is, differs) {
		if b, there := before[o.kind+" "+o.id]; there {
			c.put("owners", "owners of "+o.kind+" "+o.id, b, texts(o.owners), o.pos)
		}
	}
	for id := range differs.Roles {
		if b, r := was.Role(id), is.Role(id); b != nil && r != nil {
			c.put("config", "exclusive of role "+id, texts(b.Exclusive), texts(r.Exclusive), r.Pos(r.At))
			c.put("config", "privileged of role "+id, yes(b.Privileged.Value), yes(r.Privileged.Value), r.Pos(r.At))
		}
	}
	for id := range differs.People { // evidence of approvals names people by their addresses
		if b, p := was.Person(id), is.Person(id); b != nil && p != nil && !strings.EqualFold(b.Email.Value, p.Email.Value) {
			c.put("owners", "address of "+id, b.Email.Value, p.Email.Value, p.Pos(cmp.Or(p.Email.At, p.At)))
		}
	}
	if !slices.ContainsFunc(slices.Collect(maps.Keys(differs.Groups)), was.MayAnswer) {
		return
	}
	members := func(r *declare.Repository, id string) string {
		g := r.Group(id)
		if g == nil {
			return ""
		}
		return declare.Digest([]any{g.Members, g.Only, g.Except})
	}
	for _, id := range ownerGroups(was) { // who is in such a group answers as well
		if g := is.Group(id); g != nil {
			c.put("owners", "members of group "+id, members(was, id), members(is, id), g.Pos(g.At))
		}
	}
}

func yes(b bool) string {
	if b {
		return "true"
	}
	return ""
}

// ownerGroups are the groups that are named as owners, sorted.
func ownerGroups(r *declare.Repository) []string {
	var out []string
	for _, o := range ownedOf(r, true) {
		for _, t := range o.owners {
			if r.Person(t.Value) == nil && r.Group(t.Value) != nil {
				out = append(out, t.Value)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (c *settingsDiff) systems(was, is *declare.Repository) {
	for _, now := range is.Systems {
		name := now.ID.Value
		at := func(t declare.At) declare.Pos {
			if t.Line == 0 {
				t = now.At
			}
			return now.Pos(t)
		}
		before := managed(was, now)
		if before == nil {
			c.put("connection", "systems/"+name, "", connection(now), at(now.At))
			continue
		}
		path := "systems/" + name + "."
		if now.State.Value == "released" {
			c.put("mode", path+"state", "active", "released", at(now.State.At))
		}
		c.put("connection", path+"config", connection(before), connection(now), at(now.Connector.At))
		c.put("guards", path+"guards", guardsText(before.Guards), guardsText(now.Guards), at(declare.At{}))
		c.put("mode", path+"mode", string(mode(before)), string(mode(now)), at(now.Mode.At))
		c.put("manage", path+"manage", texts(before.Manage), texts(now.Manage), at(declare.At{}))
		c.put("leaver", path+"accounts", leaverText(before), leaverText(now), at(now.Accounts.Leaver.At))
	}
	for _, before := range was.Systems {
		gone := !slices.ContainsFunc(is.Systems, func(d *declare.System) bool { return previousName(was, d) == before.ID.Value })
		if gone {
			c.put("connection", "systems/"+before.ID.Value, connection(before), "", before.Pos(before.At))
		}
	}
}

// connection names where a system's credential goes, without showing anything of it.
func connection(d *declare.System) string {
	return d.Connector.Value + " " + declare.Digest(d.Config)[:12]
}

func leaverText(d *declare.System) string {
	a := d.Accounts
	out := "leaver: " + string(leaver(d))
	if a.DeleteAfter.Set {
		out += fmt.Sprintf(", delete_after: %dd", a.DeleteAfter.Days)
	}
	if a.Idle.Value != "" {
		out += ", idle: " + a.Idle.Value
	}
	return out
}

func guardsText(g declare.Guards) string {
	var parts []string
	limit := func(name string, l declare.Limit) {
		switch {
		case l.Set && l.IsPercent:
			parts = append(parts, fmt.Sprintf("%s: %g%%", name, l.Percent))
		case l.Set:
			parts = append(parts, name+": "+strconv.Itoa(l.Count))
		}
	}
	limit("max_removals", g.MaxRemovals)
	limit("max_leavers", g.MaxLeavers)
	if len(g.Protect) > 0 {
		parts = append(parts, "protect: "+texts(g.Protect))
	}
	if g.Flapping.Times != nil {
		parts = append(parts, "flapping times: "+g.Flapping.Times.Value)
	}
	if g.Flapping.Within.Set {
		parts = append(parts, fmt.Sprintf("flapping within: %dd", g.Flapping.Within.Days))
	}
	if g.KeepAdmins != nil {
		parts = append(parts, "keep_admins: "+g.KeepAdmins.Value)
	}
	return strings.Join(parts, ", ")
}

// journalText names a journal, and where the token for it comes from.
func journalText(j declare.JournalDecl) string {
	out := j.Dir.Value + j.Git.Value
	for _, more := range []struct{ name, value string }{{" of ", j.Remote.Value}, {", token: env ", j.Token.Env.Value}, {", token: file ", j.Token.File.Value}} {
		if more.value != "" {
			out += more.name + more.value
		}
	}
	return out
}

// texts writes a list in its order, as [a, b]; nothing for none.
func texts(in []declare.Text) string {
	if len(in) == 0 {
		return ""
	}
	out := make([]string, len(in))
	for i, t := range in {
		out[i] = t.Value
	}
	return "[" + strings.Join(out, ", ") + "]"
}

// union are the keys of both, sorted.
func union[V any](a, b map[string]V) []string {
	var out []string
	for k := range a {
		out = append(out, k)
	}
	for k := range b {
		out = append(out, k)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
