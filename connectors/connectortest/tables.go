package connectortest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
)

// tried is a connector with the records of its laws.
type tried struct {
	access.Description
	records []Record
}

// Tables writes, as Markdown, what connectors say of themselves and what became of their laws.
// The record of each is the file that Harness.Record names. A connector without one, or whose
// record lacks a law, is an error.
func Tables(types []connectors.Type, record func(connector string) string) (string, error) {
	var all []tried
	for _, typ := range types {
		records, err := ReadRecords(record(typ.Name))
		if err != nil {
			return "", fmt.Errorf("%s: %w; set Harness.Record and run its laws with -update-laws", typ.Name, err)
		}
		all = append(all, tried{typ.Describe(), records})
	}
	laws, err := lawTable(all)
	if err != nil {
		return "", err
	}
	return strings.Join([]string{overview(all), actionTable(all), laws, faultTable(all)}, "\n"), nil
}

// row writes a line of a table.
func row(cells ...string) string {
	for i, c := range cells {
		cells[i] = strings.ReplaceAll(c, "|", "\\|")
	}
	return "| " + strings.Join(cells, " | ") + " |\n"
}

func head(cells ...string) string {
	return row(cells...) + strings.Repeat("| --- ", len(cells)) + "|\n"
}

func overview(all []tried) string {
	b := head("connector", "what it is", "its laws run against", "calls at a time", "in one unit", "seen after")
	for _, c := range all {
		var servers []string
		for _, r := range c.records {
			servers = append(servers, r.Server)
		}
		unit := map[access.BatchUnit]string{access.BatchNone: "one change", access.BatchTarget: "grants on one target", access.BatchAll: "any changes"}[c.Batch]
		settle := "at once"
		if c.Settle > 0 {
			settle = c.Settle.String() + " at most"
		}
		b += row("`"+c.Connector+"`", c.Summary, strings.Join(servers, ", "), fmt.Sprint(c.Parallel), unit, settle)
	}
	return "### Connectors\n\n" + b
}

func actionTable(all []tried) string {
	columns := []access.Action{access.Create, access.Update, access.Rename, access.Disable, access.Enable, access.Delete}
	titles := []string{"connector", "kind"}
	for _, a := range columns {
		titles = append(titles, string(a))
	}
	b := head(append(titles, "what can be granted on it", "to")...)
	for _, c := range all {
		for _, k := range c.Kinds {
			cells := []string{"`" + c.Connector + "`", "`" + k.Name + "`"}
			for _, a := range columns {
				cells = append(cells, tick(c.Can(k.Name, a)))
			}
			b += row(append(cells, permissions(k), holders(k))...)
		}
	}
	return "### Kinds and actions\n\nGrants are given and revoked wherever something can be granted; levels, written with `<`, are changed in one step.\n\n" + b
}

func tick(yes bool) string {
	if yes {
		return "✓"
	}
	return ""
}

func permissions(k access.Kind) string {
	var names []string
	for _, p := range k.Permissions {
		if !p.ReadOnly {
			names = append(names, p.Name)
		}
	}
	if k.Ordered {
		return strings.Join(names, " < ")
	}
	return strings.Join(names, ", ")
}

func holders(k access.Kind) string {
	if len(k.Permissions) == 0 {
		return ""
	}
	var out []string
	for _, s := range append([]string{access.KindAccount}, k.Subjects...) {
		if k.Holds(s) && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return strings.Join(out, ", ")
}

// lawTable has a row for each law, and says below why some are waived.
func lawTable(all []tried) (string, error) {
	titles := []string{"law"}
	for _, c := range all {
		for _, r := range c.records {
			titles = append(titles, "`"+c.Connector+"` "+r.Server)
		}
	}
	b := head(titles...)
	var notes []string // on waivers and on what wasn't tried
	for _, l := range Laws() {
		cells := []string{"`" + l.Name + "`"}
		for _, c := range all {
			for _, r := range c.records {
				i := slices.IndexFunc(r.Outcomes, func(o Outcome) bool { return o.Law == l.Name })
				if i < 0 {
					return "", fmt.Errorf("the record of %s against %s says nothing of %s; run its laws with -update-laws", c.Connector, r.Server, l.Name)
				}
				o := r.Outcomes[i]
				cell := map[Result]string{Holds: "✓", Beside: "–", Waived: "**waived**"}[o.Result]
				if cell == "" {
					return "", fmt.Errorf("the record of %s against %s says %q of %s", c.Connector, r.Server, o.Result, l.Name)
				}
				if o.Result == Waived || o.Result == Holds && o.Why != "" {
					notes = append(notes, fmt.Sprintf("%d. `%s`, %s, `%s`: %s", len(notes)+1, c.Connector, r.Server, l.Name, o.Why))
					cell += fmt.Sprintf(" (%d)", len(notes))
				}
				cells = append(cells, cell)
			}
		}
		b += row(cells...)
	}
	b = "### Laws\n\n✓ holds, with a note where a part wasn't tried; – is about something that the connector or its far side doesn't have.\n\n" + b
	if len(notes) > 0 {
		b += "\nWaived, or tried in part:\n\n" + strings.Join(notes, "\n") + "\n"
	}
	return b, nil
}

func faultTable(all []tried) string {
	b := head("connector", "against", "faults that its laws ran through")
	for _, c := range all {
		for _, r := range c.records {
			var names []string
			for _, f := range r.Faults {
				names = append(names, string(f))
			}
			b += row("`"+c.Connector+"`", r.Server, strings.Join(names, ", "))
		}
	}
	return "### Faults\n\n" + b
}
