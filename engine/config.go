package engine

import (
	"slices"
	"strconv"
	"time"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/declare"
	"github.com/accordhq/accord/engine/diff"
	"github.com/accordhq/accord/engine/plan"
)

// config turns a system's `config:` into what its connector gets. Check has held every value
// to the connector's description.
func (s *session) config(d *declare.System, desc access.Description, readOnly bool) connectors.Config {
	c := connectors.Config{
		System: d.ID.Value, Settings: connectors.Settings{}, Dir: s.head.Root, ReadOnly: readOnly,
		Secret: s.secret, HTTP: s.HTTP, Log: s.Log.With("system", d.ID.Value), Now: s.Now,
	}
	types := map[string]access.SettingType{}
	for _, t := range desc.Settings {
		types[t.Name] = t.Type
	}
	for _, set := range d.Config {
		var v connectors.Value
		text := ""
		if len(set.Values) > 0 {
			text = set.Values[0].Value
		}
		switch types[set.Key.Value] {
		case access.SettingSecret:
			v.Secret = connectors.SecretRef{Env: set.Env.Value, File: set.File.Value}
		case access.SettingTexts:
			for _, t := range set.Values {
				v.Texts = append(v.Texts, t.Value)
			}
		case access.SettingBool:
			v.Bool = text == "true"
		case access.SettingNumber:
			v.Number, _ = strconv.Atoi(text)
		case access.SettingDuration:
			v.Period, _ = declare.ParsePeriod(text)
		default:
			v.Text = text
		}
		c.Settings[set.Key.Value] = v
	}
	return c
}

// scope gives the rules by which a system is compared.
func scope(sys *system) diff.Scope {
	a := sys.ruled.accounts
	s := diff.Scope{
		Claims:      sys.ruled.claims,
		Disputed:    sys.disputed,
		Create:      !a.Create.Set || a.Create.Value,
		IdleDisable: a.Idle.Value == "disable",
		Leaver:      diff.LeaverDisable,
		DeleteAfter: time.Duration(a.DeleteAfter.Days) * 24 * time.Hour,
	}
	if a.Leaver.Value != "" {
		s.Leaver = diff.LeaverRule(a.Leaver.Value)
	}
	return s
}

// guards are a system's guards over those of accord.yaml over the defaults.
func guards(c *declare.Config, d *declare.System) plan.Guards {
	g := plan.DefaultGuards()
	for _, from := range []declare.Guards{c.Guards, d.Guards} {
		if from.MaxRemovals.Set {
			g.MaxRemovals = limit(from.MaxRemovals)
		}
		if from.MaxLeavers.Set {
			g.MaxLeavers = limit(from.MaxLeavers)
		}
		if from.KeepAdmins != nil {
			g.KeepAdmins, _ = strconv.Atoi(from.KeepAdmins.Value)
		}
		if f, ok := flapping(from.Flapping, g.Flaps()); ok {
			g.Flapping = &f
		}
		for _, p := range from.Protect {
			g.Protect = append(g.Protect, p.Value)
		}
	}
	return g
}

// flapping is what is declared of it, over what held before.
func flapping(d declare.Flapping, f plan.Flapping) (plan.Flapping, bool) {
	if d.Times != nil {
		f.Times, _ = strconv.Atoi(d.Times.Value)
	}
	if d.Within.Set {
		f.Within = time.Duration(d.Within.Days) * 24 * time.Hour
	}
	return f, d.Times != nil || d.Within.Set
}

// stricter takes of both guards what allows less. A share and a count can't be compared: then
// it is what was before.
func stricter(before, now plan.Guards) plan.Guards {
	g := plan.Guards{
		MaxRemovals: stricterLimit(before.MaxRemovals, now.MaxRemovals),
		MaxLeavers:  stricterLimit(before.MaxLeavers, now.MaxLeavers),
		Protect:     now.Protect,
		KeepAdmins:  max(before.KeepAdmins, now.KeepAdmins),
		Flapping:    stricterFlapping(before, now),
	}
	for _, p := range before.Protect {
		if !slices.Contains(g.Protect, p) {
			g.Protect = append(g.Protect, p)
		}
	}
	return g
}

// stricterFlapping is the guard that holds more. Of two that can't be compared it is the one
// before.
func stricterFlapping(before, now plan.Guards) *plan.Flapping {
	was, is := before.Flaps(), now.Flaps()
	if is.Times > 0 && (was.Times == 0 || is.Times <= was.Times && is.Within >= was.Within) {
		return now.Flapping
	}
	return before.Flapping
}

func stricterLimit(before, now plan.Limit) plan.Limit {
	if before.IsPercent == now.IsPercent && (now.Percent < before.Percent || now.Count < before.Count) {
		return now
	}
	return before
}

func limit(l declare.Limit) plan.Limit {
	return plan.Limit{Percent: l.Percent, Count: l.Count, IsPercent: l.IsPercent}
}

func mode(d *declare.System) plan.Mode {
	if d.Mode.Value == "" {
		return plan.Observe
	}
	return plan.Mode(d.Mode.Value)
}

// defaultPriority is the place of systems that don't name one.
const defaultPriority = 100

func priority(d *declare.System) int {
	if d.Priority == nil {
		return defaultPriority
	}
	n, _ := strconv.Atoi(d.Priority.Value)
	return n
}
