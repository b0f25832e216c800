package plan

import (
	"fmt"
	"slices"
	"time"

	"github.com/accordhq/accord/engine/access"
)

// flapping holds drift that Accord has corrected again and again: somebody else writes it, too,
// and neither will win. Who is right is a question for people. It is answered by declaring what
// the other one does, by taking it out of `manage`, or by stopping the other one; `--allow
// flapping:REF` corrects it once more.
//
// The hold is no refusal. Like drift that is only reported it keeps nobody's plan from being
// applied. The steps of leavers are never held, nor what a window or a change takes away.
func (b *builder) flapping() {
	for _, p := range b.parts {
		limit := p.Guards.Flaps()
		if limit.Times == 0 || p.Memory.Corrected == nil {
			continue
		}
		for i := range p.steps {
			s := &p.steps[i]
			if s.Held != nil || s.Leaver || s.Class != ClassDrift {
				continue
			}
			n := p.Memory.Corrected(s.Change)
			if n < limit.Times {
				continue
			}
			text := fmt.Sprintf("corrected %d times within %s, and there again", n, days(limit.Within))
			s.Risks = append(s.Risks, access.Risk{Name: access.RiskFlapping, Text: text})
			if !slices.Contains(b.in.Allow, Allow{access.RiskFlapping, s.Ref().String()}) {
				s.Held = &Hold{Why: HeldFlapping, Text: text}
			}
		}
	}
}

func days(d time.Duration) string {
	if n := int(d / (24 * time.Hour)); n != 1 {
		return fmt.Sprintf("%d days", n)
	}
	return "a day"
}
