package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/accordhq/accord/engine/access"
)

// Connector tells what a connector can do, as the author of a system's document needs it.
func Connector(w io.Writer, d access.Description) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n\nSettings (config:)\n", d.Connector, d.Summary)
	for _, s := range d.Settings {
		notes := []string{string(s.Type)}
		if s.Type == access.SettingSecret {
			notes = append(notes, "{env: NAME} or {file: PATH}")
		}
		if s.Required {
			notes = append(notes, "required")
		}
		if s.Default != "" {
			notes = append(notes, "default "+s.Default)
		}
		if len(s.Values) > 0 {
			notes = append(notes, "one of "+strings.Join(s.Values, ", "))
		}
		fmt.Fprintf(&b, "  %-18s %s (%s)\n", s.Name, s.Doc, strings.Join(notes, "; "))
	}
	for _, k := range d.Kinds {
		fmt.Fprintf(&b, "\n%s: %s\n", k.Name, k.Doc)
		if len(k.Actions) > 0 {
			var actions []string
			for _, a := range k.Actions {
				actions = append(actions, string(a))
			}
			fmt.Fprintf(&b, "  can be           %s\n", strings.Join(actions, ", "))
		}
		for _, a := range k.Attributes {
			fmt.Fprintf(&b, "  attribute        %s  %s\n", a.Name, a.Doc)
		}
		permissions(&b, k)
		if len(k.Subjects) > 0 {
			fmt.Fprintf(&b, "  can be held by   %s\n", strings.Join(k.Subjects, ", "))
		}
	}
	if len(d.Remains) > 0 {
		b.WriteString("\nOnce an account is disabled and its grants are revoked, there remain\n")
		for _, r := range d.Remains {
			fmt.Fprintf(&b, "  %-16s %s\n", r.Kind, remnant(r))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func permissions(b *strings.Builder, k access.Kind) {
	title := "permissions"
	if k.Ordered {
		title = "levels, rising"
	}
	for i, p := range k.Permissions {
		if i > 0 {
			title = ""
		}
		name := p.Name
		if p.Name == k.Usual {
			name += " (usual)"
		}
		if p.Admin {
			name += " (administers)"
		}
		if p.ReadOnly {
			name += " (only reported)"
		}
		b.WriteString(strings.TrimRight(fmt.Sprintf("  %-16s %s  %s", title, name, p.Doc), " ") + "\n")
	}
}
