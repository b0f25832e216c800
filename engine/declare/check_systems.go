package declare

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/accordhq/accord/engine/access"
)

func (c *checker) systems() {
	for _, s := range c.r.Systems {
		c.owners(s, s.Owners)
		for i := range s.Resources {
			c.owners(s, s.Resources[i].Owners)
		}
		c.templates(s)
		if s.Connector.Value == "" {
			continue
		}
		desc, ok := c.connectors[s.Connector.Value]
		if !ok {
			c.failText(&s.Doc, s.Connector, anyOf(s.Connector.Value, c.connectorNames(), "there are"), "there is no connector %q", s.Connector.Value)
			continue
		}
		c.settings(s, desc)
		c.accounts(s, desc)
		c.resources(s, desc)
		c.protect(&s.Doc, s.Guards, desc.Kinds)
		for _, m := range s.Manage {
			kind, name, ok := strings.Cut(m.Value, "/")
			if !ok || kind == "" || name == "" {
				c.failText(&s.Doc, m, "write kind/name or kind/*", "%q is not written as kind/name", m.Value)
				continue
			}
			c.patternKind(&s.Doc, m, kind, desc.Kinds)
		}
	}
}

// settings checks config against what the connector says of its settings.
func (c *checker) settings(s *System, desc access.Description) {
	var names []string
	for _, want := range desc.Settings {
		names = append(names, want.Name)
		if want.Required && !slices.ContainsFunc(s.Config, func(g Setting) bool { return g.Key.Value == want.Name }) {
			c.failText(&s.Doc, s.Connector, fmt.Sprintf("add it under config: %s", lowerFirst(want.Doc)), "connector %s needs the setting %q", desc.Connector, want.Name)
		}
	}
	for i := range s.Config {
		set := &s.Config[i]
		k := slices.IndexFunc(desc.Settings, func(w access.Setting) bool { return w.Name == set.Key.Value })
		if k < 0 {
			c.failText(&s.Doc, set.Key, anyOf(set.Key.Value, names, "its settings are"), "connector %s has no setting %q", desc.Connector, set.Key.Value)
			continue
		}
		c.setting(s, set, desc.Settings[k])
	}
}

func (c *checker) setting(s *System, set *Setting, want access.Setting) {
	reference := set.Env.Value != "" || set.File.Value != ""
	if !reference && !set.List && len(set.Values) == 0 {
		return // its shape was wrong already
	}
	if want.Type == access.SettingSecret {
		if !reference {
			value := ""
			if len(set.Values) == 1 && !set.List {
				value = set.Values[0].Value
			}
			c.fail(&s.Doc, set.At, value, fmt.Sprintf("write {env: %s} or {file: PATH}, and change the secret: it was seen", envName(s.ID.Value, set.Key.Value)), "%s is a secret and can't stand in the repository", set.Key.Value)
		}
		return
	}
	c.show(s, set)
	if reference {
		c.fail(&s.Doc, set.At, "", "write the value itself", "%s is no secret and can't be a reference", set.Key.Value)
		return
	}
	if want.Type == access.SettingTexts {
		if !set.List {
			c.failText(&s.Doc, set.Values[0], fmt.Sprintf("write [%s]", set.Values[0].Value), "%s wants a list", set.Key.Value)
		}
		for _, v := range set.Values {
			c.settingValue(s, v, want)
		}
		return
	}
	if set.List {
		c.fail(&s.Doc, set.At, "", "write it without brackets", "%s wants one value, not a list", set.Key.Value)
		return
	}
	c.settingValue(s, set.Values[0], want)
}

// show lets the values of a setting that is no secret be shown.
func (c *checker) show(s *System, set *Setting) {
	if c.shown[s.File] == nil {
		c.shown[s.File] = map[At]bool{}
	}
	for _, v := range set.Values {
		c.shown[s.File][v.At] = true
	}
}

func envName(parts ...string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' {
			return r
		}
		return '_'
	}, strings.ToUpper(strings.Join(parts, "_")))
}

func (c *checker) settingValue(s *System, v Text, want access.Setting) {
	bad := func(hint string) {
		c.failText(&s.Doc, v, hint, "%s can't be %q", want.Name, v.Value)
	}
	switch want.Type {
	case access.SettingBool:
		if v.Value != "true" && v.Value != "false" {
			bad("write true or false")
		}
	case access.SettingNumber:
		if _, err := strconv.Atoi(v.Value); err != nil || !wholeForm.MatchString(v.Value) {
			bad("write a whole number")
		}
	case access.SettingDuration:
		if _, err := ParsePeriod(v.Value); err != nil {
			bad("write it like 30s, 5m, 2h or 30d")
		}
	case access.SettingPath:
		if !insideRepository(v.Value) {
			bad("write a path inside the repository, relative to accord.yaml")
		}
	}
	if len(want.Values) > 0 && !slices.Contains(want.Values, v.Value) {
		bad(anyOf(v.Value, want.Values, "it can be"))
	}
}

// ParsePeriod reads a span like "30s", "5m", "2h" or "30d", as settings of type duration are
// written. A day has 24 hours.
func ParsePeriod(s string) (time.Duration, error) {
	units := map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour}
	if s != "" {
		n, ok := wholeNumber(s[:len(s)-1])
		unit := units[s[len(s)-1]]
		if ok && unit > 0 && n <= int(100*365*24*time.Hour/unit) {
			return time.Duration(n) * unit, nil
		}
	}
	return 0, fmt.Errorf("%q is not written like 30s, 5m, 2h or 30d", s)
}

// templates checks the names and attributes of accounts as far as that needs no connector.
func (c *checker) templates(s *System) {
	if name := s.Accounts.Name; name.Value != "" {
		t, ok := c.template(s, name)
		switch keys := t.Keys(); {
		case !ok:
		case len(keys) == 0:
			c.failText(&s.Doc, name, "use {person}, {email}, {email.local} or {attributes.NAME}", "everybody would have the same account %q", name.Value)
		case slices.Contains(keys, "name"):
			c.failText(&s.Doc, name, "use {person}, {email}, {email.local} or {attributes.NAME}", "{name} can't name accounts: two people may have the same full name")
		}
	}
	for _, a := range s.Accounts.Attributes {
		c.template(s, a.Value)
	}
}

func (c *checker) template(s *System, t Text) (Template, bool) {
	tmpl, err := ParseTemplate(t.Value)
	if err != nil {
		c.failText(&s.Doc, t, "the keys are {"+strings.Join(templateKeys(), "}, {")+"} and {attributes.NAME}", "%v", err)
		return tmpl, false
	}
	for _, key := range tmpl.Keys() {
		if name, ok := strings.CutPrefix(key, attributesKey); ok && c.attributes != nil && c.attributes[name] == nil {
			c.failText(&s.Doc, t, c.attributeHint(name), "the attribute %q isn't declared", name)
		}
	}
	return tmpl, true
}

// accounts checks that the connector can do what the rules ask for.
func (c *checker) accounts(s *System, desc access.Description) {
	a := &s.Accounts
	can := func(action access.Action) bool { return desc.Can(access.KindAccount, action) }
	kind, _ := desc.Kind(access.KindAccount)
	for _, attr := range a.Attributes {
		c.objectAttribute(s, attr.Key, kind)
	}
	for i, m := range a.Match {
		if slices.ContainsFunc(a.Match[:i], func(o MatchRule) bool { return o.By == m.By && o.Attribute.Value == m.Attribute.Value }) {
			c.fail(&s.Doc, m.At, "", "", "match names this twice")
		}
		if m.By != MatchAttribute {
			continue
		}
		c.objectAttribute(s, m.Attribute, kind)
		if t, ok := c.template(s, m.Value); ok && len(t.Keys()) == 0 {
			c.failText(&s.Doc, m.Value, "use {email}, {attributes.NAME} or another key", "every account would match %q", m.Value.Value)
		}
	}
	creates := !a.Create.Set || a.Create.Value
	writes := s.Mode.Value == "additive" || s.Mode.Value == "authoritative"
	switch {
	case a.Create.Set && a.Create.Value && !can(access.Create):
		c.fail(&s.Doc, a.Create.At, "true", "write create: false: accounts that exist are linked", "connector %s can't create accounts", desc.Connector)
	case creates && writes && !can(access.Create) && !a.Create.Set:
		c.failText(&s.Doc, s.Mode, "write accounts: {create: false}: accounts that exist are linked", "connector %s can't create accounts", desc.Connector)
	}
	if !creates && (a.Credential.Value == "link" || a.Credential.Value == "command") {
		c.failText(&s.Doc, a.Credential, "leave it out, or let accounts be created", "no account is created that would need a credential")
	}
	if a.Idle.Value == "disable" && !can(access.Disable) {
		c.failText(&s.Doc, a.Idle, "write idle: report", "connector %s can't disable accounts", desc.Connector)
	}
	switch {
	case a.Leaver.Value == "disable" && !can(access.Disable):
		c.failText(&s.Doc, a.Leaver, "leave it out: grants are revoked then", "connector %s can't disable accounts", desc.Connector)
	case a.Leaver.Value == "delete" && !can(access.Delete):
		c.failText(&s.Doc, a.Leaver, "write disable or keep", "connector %s can't delete accounts", desc.Connector)
	}
	if !a.DeleteAfter.Set {
		return
	}
	text := fmt.Sprintf("%dd", a.DeleteAfter.Days)
	switch {
	case a.Leaver.Value == "keep" || a.Leaver.Value == "delete":
		c.fail(&s.Doc, a.DeleteAfter.At, text, "it goes with leaver: disable", "delete_after can't stand beside leaver: %s", a.Leaver.Value)
	case !can(access.Delete):
		c.fail(&s.Doc, a.DeleteAfter.At, text, "leave it out", "connector %s can't delete accounts", desc.Connector)
	case !can(access.Disable):
		c.fail(&s.Doc, a.DeleteAfter.At, text, "write leaver: delete, or leave it out", "connector %s can't disable accounts, and only what was disabled is deleted later", desc.Connector)
	}
}

// objectAttribute checks the name of an attribute against those of a kind.
func (c *checker) objectAttribute(s *System, key Text, kind access.Kind) {
	var names []string
	for _, a := range kind.Attributes {
		names = append(names, a.Name)
	}
	if !slices.Contains(names, key.Value) {
		c.failText(&s.Doc, key, anyOf(key.Value, names, "its attributes are"), "%s %s of %s has no attribute %q", article(kind.Name), kind.Name, s.ID.Value, key.Value)
	}
}

// resources checks what the repository brings into being.
func (c *checker) resources(s *System, desc access.Description) {
	for i := range s.Resources {
		r := &s.Resources[i]
		name := r.ID.String()
		kind, ok := desc.Kind(r.ID.Kind)
		switch {
		case r.ID.IsAccount():
			c.fail(&s.Doc, r.At, name, "accounts belong to people and services", "an account can't be a resource")
			continue
		case !ok:
			c.fail(&s.Doc, r.At, name, anyOf(r.ID.Kind, makeable(desc), "what can be made there is"), "%s has no kind %q", s.ID.Value, r.ID.Kind)
			continue
		}
		absent := r.State.Value == "absent"
		switch {
		case absent && !desc.Can(kind.Name, access.Delete):
			c.failText(&s.Doc, r.State, "delete it by hand, and take it out here", "connector %s can't delete %s %s", desc.Connector, article(kind.Name), kind.Name)
		case absent && (len(r.Access) > 0 || len(r.MemberOf) > 0):
			c.failText(&s.Doc, r.State, "take its access and member_of away", "%s can't be absent and hold something", name)
		case !absent && !desc.Can(kind.Name, access.Create):
			c.fail(&s.Doc, r.At, name, anyOf(kind.Name, makeable(desc), "what can be made there is"), "connector %s can't create %s %s", desc.Connector, article(kind.Name), kind.Name)
		}
		for _, a := range r.Attributes {
			c.objectAttribute(s, a.Key, kind)
			if a.Key.Value == "description" && r.Description.Value != "" {
				c.failText(&s.Doc, a.Key, "keep one of them", "%s has its description twice", name)
			}
		}
		c.entitlements(&s.Doc, r.Access, holder{kind: kind.Name, name: name})
		c.entitlements(&s.Doc, r.MemberOf, holder{kind: kind.Name, name: name})
	}
}

// makeable are the kinds, other than accounts, that the connector can create.
func makeable(d access.Description) []string {
	var names []string
	for _, k := range d.Kinds {
		if k.Name != access.KindAccount && d.Can(k.Name, access.Create) {
			names = append(names, k.Name)
		}
	}
	return names
}
