package declare

import "math"

// The fields of systems, in the order in which records hold them; see codec.go.

func (c *coder) system(s *System) {
	c.doc(&s.Doc)
	c.text(&s.ID)
	c.text(&s.Connector)
	c.text(&s.State)
	c.text(&s.Description)
	c.texts(&s.Owners)
	list(c, &s.Config, &c.settings, (*coder).setting)
	c.accountRules(&s.Accounts)
	list(c, &s.Resources, &c.resources, (*coder).resource)
	c.text(&s.Mode)
	c.texts(&s.Manage)
	c.text(&s.Drift)
	c.maybe(&s.Priority)
	c.guards(&s.Guards)
	c.pairs(&s.Labels)
}

func (c *coder) setting(s *Setting) {
	c.text(&s.Key)
	c.texts(&s.Values)
	c.flag(&s.List)
	c.text(&s.Env)
	c.text(&s.File)
	c.at(&s.At)
}

func (c *coder) accountRules(a *AccountRules) {
	c.text(&a.Name)
	c.pairs(&a.Attributes)
	list(c, &a.Match, &c.rules, func(c *coder, m *MatchRule) {
		c.at(&m.At)
		c.string(&m.By)
		c.text(&m.Attribute)
		c.text(&m.Value)
	})
	c.yes(&a.Create)
	c.text(&a.Credential)
	c.text(&a.Idle)
	c.text(&a.Leaver)
	c.days(&a.DeleteAfter)
}

func (c *coder) resource(r *Resource) {
	c.id(&r.ID)
	c.at(&r.At)
	c.text(&r.Description)
	c.text(&r.State)
	c.texts(&r.Owners)
	c.access(&r.Access)
	c.access(&r.MemberOf)
	c.pairs(&r.Attributes)
	c.yes(&r.Privileged)
	c.pairs(&r.Labels)
}

func (c *coder) guards(g *Guards) {
	c.limit(&g.MaxRemovals)
	c.limit(&g.MaxLeavers)
	c.texts(&g.Protect)
	c.maybe(&g.KeepAdmins)
	c.maybe(&g.Flapping.Times)
	c.days(&g.Flapping.Within)
}

func (c *coder) limit(l *Limit) {
	bits := math.Float64bits(l.Percent)
	c.uint(&bits)
	l.Percent = math.Float64frombits(bits)
	c.int(&l.Count)
	c.flag(&l.IsPercent)
	c.flag(&l.Set)
	c.at(&l.At)
}

func (c *coder) days(d *Days) {
	c.int(&d.Days)
	c.flag(&d.Set)
	c.at(&d.At)
}

func (c *coder) int(v *int) {
	n := uint64(*v)
	c.uint(&n)
	*v = int(n)
}

// maybe is a text that may not be there at all.
func (c *coder) maybe(t **Text) {
	there := *t != nil
	c.flag(&there)
	if !there {
		return
	}
	if c.r != nil {
		*t = &c.texted.take(1)[0]
	}
	c.text(*t)
}
