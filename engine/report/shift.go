package report

import (
	"slices"
	"strings"

	"github.com/accordhq/accord/engine/access"
)

// declared writes what the declaration itself changes, where no step tells: on systems that
// weren't read. With Verbose all of it.
func (v *view) declared() {
	parts := v.declaredAlone()
	if v.o.Verbose && !v.noneRead() {
		parts = []part{{"Declared, whatever the systems hold", everyShift}}
	}
	for _, part := range parts {
		if l := v.shiftLedger(part.of); len(l.items) > 0 {
			v.heading(part.title)
			v.blocks(v.o.grouper(true).blocks(l), 2)
		}
	}
}

// part is a titled piece of what is declared.
type part struct {
	title string
	of    func(*access.Shift) bool
}

func everyShift(*access.Shift) bool { return true }

// declaredAlone is what the declaration changes where no step tells it.
func (v *view) declaredAlone() []part {
	if v.noneRead() {
		return []part{{"Changes", everyShift}}
	}
	unread := map[string]bool{}
	for _, s := range v.plan.Systems {
		unread[s.Name] = s.NotRead != "" || s.Error != ""
	}
	return []part{
		{"Declared on systems that weren't read", func(s *access.Shift) bool { return unread[s.System] }},
		{"Declared otherwise, with nothing to do for it now", func(s *access.Shift) bool {
			return !unread[s.System] && (s.Kind == access.ShiftLengthen || s.Kind == access.ShiftShorten || s.Kind == access.ShiftStatus && !toldBySteps(s))
		}},
	}
}

// toldBySteps reports whether steps tell what becomes of a person's status.
func toldBySteps(s *access.Shift) bool {
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
	for i := range v.plan.Shifts {
		s := &v.plan.Shifts[i]
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
func settingText(s *access.Shift) row {
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

// shifts are the entries of what a part is about.
func (v *view) shifts(of func(*access.Shift) bool) []entry {
	n := 0
	for i := range v.plan.Shifts {
		if s := &v.plan.Shifts[i]; s.Kind != access.ShiftSettings && of(s) {
			n++
		}
	}
	out := make([]entry, 0, n)
	for i := range v.plan.Shifts {
		s := &v.plan.Shifts[i]
		if s.Kind == access.ShiftSettings || !of(s) {
			continue
		}
		e := entry{who: whoseShift(s), cause: s.Cause}
		kind, what, notes := sayShift(s)
		e.row = row{kind: kind, system: s.System, what: what, notes: notes}
		out = append(out, e)
	}
	return out
}

// whoseShift is whom a shift is about.
func whoseShift(s *access.Shift) who {
	if s.Person == "" {
		return who{system: s.System, subject: s.Subject}
	}
	return who{person: s.Person}
}

// sayShift gives a shift's symbol, what it is about, and how it changes.
func sayShift(s *access.Shift) (kind style, what, notes string) {
	kind, notes = shiftText(s)
	if s.Kind == access.ShiftStatus {
		if what, from, to, ok := factOf(s); ok {
			return kind, what, from + " → " + to
		}
		return kind, "status", notes
	}
	return kind, entitlement(s.Target, s.Permission), notes
}

// factOf takes apart what is declared of a person beside the status: an attribute, the manager.
func factOf(s *access.Shift) (what, from, to string, ok bool) {
	what, from, _ = strings.Cut(s.From, " ")
	is, to, _ := strings.Cut(s.To, " ")
	return what, from, to, what == is && !slices.Contains([]string{"active", "leave", "left", "gone"}, is)
}

func shiftText(s *access.Shift) (style, string) {
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

func fromTo(s *access.Shift) string {
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
