package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/plan"
)

// Show is everything about one person, group, role or system.
type Show struct {
	// Kind is person, service, group, role or system; Name the id.
	Kind, Name string
	// Link is the document.
	Link     access.Link
	At       time.Time
	Revision plan.Revision
	// Facts are what the document says, and what is known of it, in the order of the report.
	Facts []Fact
	Lists []ShowList
	// Unknown are systems, or parts of them, that couldn't be read, each with why.
	Unknown []ShowUnknown
}

// Fact is one thing that is known.
type Fact struct {
	// Key is a word for machines and people alike, as the language has it where it is a key.
	Key, Value string
	// Link is the line that says so, if one does.
	Link access.Link
}

// ShowUnknown is what couldn't be read.
type ShowUnknown struct{ System, Why string }

// ShowList are several things of a kind.
type ShowList struct {
	// Key names it for machines, Title for people; None is said where there are no items, and
	// empty lists without it are left out of the text.
	Key, Title, None string
	Items            []ShowItem
}

// ShowItem is one of them.
type ShowItem struct {
	// Name is what it is: an id, or an entitlement. System is the one that it is on.
	System, Name string
	// Note says more of it in words.
	Note string
	// State compares what is declared with what is live; empty where that makes no sense.
	State WhoState
	// From and Until bound it.
	From, Until time.Time
	// Chain are the lines that make it so.
	Chain []access.Link
}

// showFull is up to how many items of a list the lines behind them are written unasked.
const showFull = 20

// ShowText writes it as text.
func ShowText(w io.Writer, y Show, o Options) error {
	v := &showView{page: newPage(w, o), verbose: o.Verbose, at: y.At}
	line := v.line(0, 2)
	line.ends(at(y.Link.File, y.Link.Line), v.width)
	line.put(y.Kind+" "+y.Name, strong).end()
	key := 0
	for _, f := range y.Facts {
		key = max(key, columns(f.Key))
	}
	for _, f := range y.Facts {
		line := v.line(2, 2+key+2)
		if f.Link.File != "" && f.Link.File != y.Link.File {
			line.ends(at(f.Link.File, f.Link.Line), v.width)
		}
		line.put(f.Key, faint).column(2+key+2).prose(f.Value, plain).end()
	}
	for _, l := range y.Lists {
		v.list(l)
	}
	if len(y.Unknown) > 0 {
		v.gap()
	}
	for _, u := range y.Unknown {
		v.line(0, 4).put("?", unknown).space(1).prose(strings.TrimSpace(u.System+" "+u.Why), plain).end()
	}
	v.gap()
	v.line(0, 2).prose("declared "+atPlace(y.Revision)+" for "+beginText(y.At), faint).end()
	return v.flush()
}

type showView struct {
	*page
	verbose bool
	at      time.Time
}

func (v *showView) list(l ShowList) {
	if len(l.Items) == 0 && l.None == "" {
		return
	}
	title := l.Title
	if len(l.Items) > 0 {
		title += fmt.Sprintf(" (%d)", len(l.Items))
	}
	v.heading(title)
	if len(l.Items) == 0 {
		v.text(2, 4, l.None)
		return
	}
	system, name, place := 0, 0, 0
	for _, it := range l.Items {
		system = max(system, min(columns(it.System), widestName))
		name = max(name, min(columns(it.Name), widestHolder))
		for _, c := range it.Chain {
			if n := columns(at(c.File, c.Line)); n <= widestRight {
				place = max(place, n)
			}
		}
	}
	full := v.verbose || len(l.Items) <= showFull
	for _, it := range l.Items {
		v.item(it, system, name, place, full)
	}
}

func (v *showView) item(it ShowItem, system, name, place int, full bool) {
	from := 2
	if system > 0 {
		from += system + 2
	}
	line := v.line(2, from+name+2)
	if n := len(it.Chain); n > 0 && (!full || n == 1) {
		line.ends(at(it.Chain[0].File, it.Chain[0].Line), v.width-place)
	}
	line.put(it.System, plain).column(from)
	line.put(it.Name, plain)
	var notes []string
	for _, s := range []string{stateText(it.State), it.Note, v.span(it)} {
		if s != "" {
			notes = append(notes, s)
		}
	}
	if len(notes) > 0 {
		line.column(from+name+2).prose(strings.Join(notes, ", "), plain)
	}
	line.end()
	if full && len(it.Chain) > 1 {
		for _, l := range it.Chain {
			v.line(4, 4+place+2).put(at(l.File, l.Line), faint).column(4+place+2).prose(l.Text, faint).end()
		}
	}
}

// span says when it begins, if it hasn't, and when it ends.
func (v *showView) span(it ShowItem) string {
	s := access.Span{Until: it.Until}
	if it.From.After(v.at) {
		s.From = it.From
	}
	return spansText([]access.Span{s})
}

// stateText says how a state differs from what goes without saying.
func stateText(s WhoState) string {
	switch s {
	case WhoUndeclared:
		return "live, not declared"
	case WhoDiffers:
		return "live at another level than declared"
	case WhoUnknown:
		return "not seen whether it is live"
	case WhoPending:
		return "invited, not accepted yet"
	case WhoMissing:
		return "declared, not live"
	case WhoHeld:
		return "live"
	case WhoImplied:
		return "live through something else that is held there"
	}
	return ""
}

// showDoc is the JSON of Show. Lists are never null.
type showDoc struct {
	FormatVersion int           `json:"formatVersion"`
	Kind          string        `json:"kind"`
	Name          string        `json:"name"`
	Link          access.Link   `json:"link"`
	At            time.Time     `json:"at"`
	Revision      plan.Revision `json:"revision"`
	Facts         []showFact    `json:"facts"`
	// Lists are by their key.
	Lists   map[string][]showItem `json:"lists"`
	Unknown []showUnknown         `json:"unknown"`
}

type showFact struct {
	Key   string `json:"key"`
	Value string `json:"value"`
	File  string `json:"file,omitempty"`
	Line  int    `json:"line,omitempty"`
}

type showUnknown struct {
	System string `json:"system,omitempty"`
	Why    string `json:"why"`
}

type showItem struct {
	System string `json:"system,omitempty"`
	Name   string `json:"name"`
	Note   string `json:"note,omitempty"`
	// State is as in the answer to who.
	State WhoState      `json:"state,omitempty"`
	From  time.Time     `json:"from,omitzero"`
	Until time.Time     `json:"until,omitzero"`
	Chain []access.Link `json:"chain"`
}

// ShowJSON writes it as JSON.
func ShowJSON(w io.Writer, y Show) error {
	doc := showDoc{FormatVersion: FormatVersion, Kind: y.Kind, Name: y.Name, Link: y.Link, At: y.At, Revision: y.Revision, Facts: []showFact{}, Lists: map[string][]showItem{}, Unknown: []showUnknown{}}
	for _, f := range y.Facts {
		doc.Facts = append(doc.Facts, showFact{f.Key, f.Value, f.Link.File, f.Link.Line})
	}
	for _, l := range y.Lists {
		items := []showItem{}
		for _, it := range l.Items {
			items = append(items, showItem{it.System, it.Name, it.Note, it.State, it.From, it.Until, list(it.Chain)})
		}
		doc.Lists[l.Key] = items
	}
	for _, u := range y.Unknown {
		doc.Unknown = append(doc.Unknown, showUnknown(u))
	}
	return writeJSON(w, doc)
}

// showColumns are the columns of the CSV, a line for each fact and each item of a list.
var showColumns = []string{"kind", "name", "about", "system", "item", "note", "state", "from", "until", "lines", "as_of", "revision"}

// ShowCSV writes it for auditors: a line for each fact, with its value under note, and for each
// item of a list.
func ShowCSV(w io.Writer, y Show) error {
	t := newTable(w, showColumns...)
	place := func(l access.Link) string { return at(l.File, l.Line) }
	row := func(about, system, item, note, state, from, until, lines string) {
		t.row(y.Kind, y.Name, about, system, item, note, state, from, until, lines, instant(y.At), revision(y.Revision))
	}
	for _, f := range y.Facts {
		row(f.Key, "", "", f.Value, "", "", "", place(f.Link))
	}
	for _, l := range y.Lists {
		for _, it := range l.Items {
			row(l.Key, it.System, it.Name, it.Note, string(it.State), instant(it.From), instant(it.Until), lines(it.Chain))
		}
	}
	for _, u := range y.Unknown {
		row("unknown", u.System, "", u.Why, string(WhoUnknown), "", "", "")
	}
	return t.flush()
}
