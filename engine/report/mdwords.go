package report

import (
	"strings"

	"github.com/accordhq/accord/engine/access"
)

// emoji repeats what a line says, as colour does on a terminal.
func emoji(k style) string {
	switch k {
	case drastic:
		return "⛔"
	case taken:
		return "➖"
	case given:
		return "➕"
	case changed:
		return "🔁"
	}
	return "❔"
}

// line says a change in a sentence of a page. The subject is whom it is about; implied where a
// heading says it, and "" for a line that names one or counts several itself.
func (m *markdown) line(l storyLine, subject string) string {
	n := len(l.entries)
	many := n > 1
	switch {
	case many:
		subject = "**" + Count(n, noun(l.entries), noun(l.entries)) + "**"
	case subject == "":
		subject = mdSubject(l.entries[0])
	case subject == implied:
		subject = ""
	}
	out := emoji(l.kind) + " " + strings.TrimSpace(m.says(l, subject, many))
	if l.notes != "" && l.action != access.Update {
		out += ", " + mdText(l.notes)
	}
	return out
}

// implied is the subject of a line whose heading names whom it is about.
const implied = "\x00"

// mdSubject names whom an entry is about.
func mdSubject(e entry) string {
	switch {
	case e.who.person != "":
		return mdStrong(e.who.listed())
	case e.who.subject.IsAccount():
		return "the account " + mdStrong(quoteName(e.who.subject.Name))
	}
	return mdStrong(e.who.listed())
}

// says is the sentence without its notes. What happens to an account or a resource is said of
// that, everything else of the subject.
func (m *markdown) says(l storyLine, subject string, many bool) string {
	on := ""
	if l.system != "" {
		on = " on " + mdStrong(l.system)
	}
	verb := func(one, more string) string {
		if many {
			return subject + " " + more
		}
		return subject + " " + one
	}
	switch l.action {
	case access.Give:
		return verb("gains ", "gain ") + mdCode(l.what) + on
	case access.Revoke:
		return verb("loses ", "lose ") + mdCode(l.what) + on
	case access.ChangeLevel:
		return verb("moves to another level, ", "move to another level, ") + mdCode(l.what) + on
	case "":
		return m.declares(l, verb, on)
	}
	thing, is := mdCode(l.what), " is "
	switch {
	case many && l.what == "":
		thing, is = "the accounts of "+subject, " are "
		if noun(l.entries) == "accounts" {
			thing = subject
		}
	case l.what == "":
		thing = "the account " + mdCode(l.entries[0].step.Subject.Name)
		if p := l.entries[0].who.person; p != "" && subject != "" {
			thing += " of " + mdStrong(p)
		}
	case many:
		is = " is, for " + subject + ", "
	}
	return thing + on + is + done(l)
}

// done is what happens to an object.
func done(l storyLine) string {
	switch l.action {
	case access.Create:
		return "created"
	case access.Update:
		return "updated: " + mdText(l.notes)
	case access.Rename:
		return "renamed"
	case access.Disable:
		return "disabled"
	case access.Enable:
		return "enabled again"
	case access.Delete:
		return "deleted"
	}
	return mdText(string(l.action))
}

// declares says what the declaration alone changes.
func (m *markdown) declares(l storyLine, verb func(one, more string) string, on string) string {
	switch {
	case l.kind == given:
		return verb("gains ", "gain ") + mdCode(l.what) + on
	case l.kind == taken:
		return verb("loses ", "lose ") + mdCode(l.what) + on
	case strings.Contains(l.what, "/"):
		return verb("keeps ", "keep ") + mdCode(l.what) + on
	}
	return verb("is declared otherwise: ", "are declared otherwise: ") + mdText(l.what) + on
}
