package report

import (
	"slices"
	"strings"

	"github.com/accordhq/accord/engine/access"
)

// declared writes what the declaration itself changes, where no step tells: on systems that
// weren't read. With Verbose all of it.
func (v *view) declared() {
	if v.o.Verbose && !v.noneRead() {
		v.section("Declared, whatever the systems hold", v.shifts(func(access.Shift) bool { return true }), true)
		return
	}
	for _, part := range v.declaredAlone() {
		v.section(part.title, part.entries, true)
	}
}

// part is a titled piece of a report.
type part struct {
	title   string
	entries []entry
}

// declaredAlone is what the declaration changes where no step tells it.
func (v *view) declaredAlone() []part {
	if v.noneRead() {
		return []part{{"Changes", v.shifts(func(access.Shift) bool { return true })}}
	}
	unread := map[string]bool{}
	for _, s := range v.plan.Systems {
		unread[s.Name] = s.NotRead != "" || s.Error != ""
	}
	return []part{
		{"Declared on systems that weren't read", v.shifts(func(s access.Shift) bool { return unread[s.System] })},
		{"Declared otherwise, with nothing to do for it now", v.shifts(func(s access.Shift) bool {
			return !unread[s.System] && (s.Kind == access.ShiftLengthen || s.Kind == access.ShiftShorten || s.Kind == access.ShiftStatus && !v.told(s))
		})},
	}
}

// told reports whether steps tell what becomes of a person's status.
func (v *view) told(s access.Shift) bool {
	to, _, _ := strings.Cut(s.To, " ")
	switch to {
	case "active", "leave", "left", "gone":
		return true
	}
	return false
}

// settings writes which settings change: what a system is, how it is guarded, who is exempt.
// No step shows them, so they are always told.
func (v *view) settings() {
	begun := false
	for _, s := range v.plan.Shifts {
		if s.Kind != access.ShiftSettings || v.toldAsJudging(s.System) {
			continue
		}
		if !begun {
			v.heading("Settings")
			begun = true
		}
		what := settingText(s)
		line := v.line(2, 4)
		line.put(symbols[what.kind], what.kind).space(1).prose(what.notes, plain).end()
	}
}

// settingText names a document that judges or is judged: accord.yaml, a system, an exemption.
func settingText(s access.Shift) row {
	name := s.System
	if name != "accord.yaml" && !strings.Contains(name, " ") {
		name = "system " + name
	}
	switch {
	case s.From == "":
		return row{kind: given, notes: name + " is new"}
	case s.To == "":
		return row{kind: taken, notes: name + " is gone"}
	case strings.HasPrefix(name, "system "):
		return row{kind: changed, notes: name + ": its settings or resources change"}
	}
	return row{kind: changed, notes: name + " changes"}
}

func (v *view) shifts(filter func(access.Shift) bool) []entry {
	n := 0
	for _, s := range v.plan.Shifts {
		if s.Kind != access.ShiftSettings && filter(s) {
			n++
		}
	}
	out := make([]entry, 0, n)
	for _, s := range v.plan.Shifts {
		if s.Kind == access.ShiftSettings || !filter(s) {
			continue
		}
		e := entry{who: who{person: s.Person}, cause: s.Cause}
		if s.Person == "" {
			e.who = who{system: s.System, subject: s.Subject}
		}
		e.row = row{system: s.System, what: entitlement(s.Target, s.Permission)}
		e.row.kind, e.row.notes = shiftText(s)
		if s.Kind == access.ShiftStatus {
			e.row.what = "status"
			if what, from, to, ok := factOf(s); ok {
				e.row.what, e.row.notes = what, from+" → "+to
			}
		}
		out = append(out, e)
	}
	return out
}

// factOf takes apart what is declared of a person beside the status: an attribute, the manager.
func factOf(s access.Shift) (what, from, to string, ok bool) {
	what, from, _ = strings.Cut(s.From, " ")
	is, to, _ := strings.Cut(s.To, " ")
	return what, from, to, what == is && !slices.Contains([]string{"active", "leave", "left", "gone"}, is)
}

func shiftText(s access.Shift) (style, string) {
	switch s.Kind {
	case access.ShiftLose:
		return taken, ""
	case access.ShiftGain:
		return given, spansText(s.After)
	case access.ShiftLengthen:
		return changed, "longer: " + fromTo(s)
	case access.ShiftShorten:
		return changed, "shorter: " + fromTo(s)
	case access.ShiftReason:
		return changed, "for other reasons"
	case access.ShiftStatus:
		to := strings.Fields(s.To)
		if len(to) > 0 && slices.Contains([]string{"left", "gone", "leave"}, to[0]) {
			return drastic, s.From + " → " + s.To
		}
		return changed, s.From + " → " + s.To
	}
	return changed, s.From + " → " + s.To
}

func fromTo(s access.Shift) string {
	before, after := spansText(s.Before), spansText(s.After)
	if before == "" {
		before = "without end"
	}
	if after == "" {
		after = "without end"
	}
	return before + " → " + after
}

// spansText says when; nothing where it is always.
func spansText(spans []access.Span) string {
	var out []string
	for _, s := range spans {
		var parts []string
		if !s.From.IsZero() {
			parts = append(parts, "from "+beginText(s.From))
		}
		if !s.Until.IsZero() {
			parts = append(parts, "until "+endText(s.Until))
		}
		if len(parts) > 0 {
			out = append(out, strings.Join(parts, " "))
		}
	}
	return strings.Join(out, " and ")
}
