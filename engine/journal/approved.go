package journal

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// approved is what memory keeps of an Approved: not its sentences and changes, of which a rule
// that reaches many people has many.
type approved struct {
	run       string
	at        time.Time
	change    string
	approvals []Approval
	rules     []string
}

// ApprovedRun is a run that was carried out on approvals.
type ApprovedRun struct {
	Run string
	// Time is when the run began.
	Time time.Time
	// ChangeDigest names the change that was approved.
	ChangeDigest string
	// Approvals are those that were for the change, Rules the names of the rules that demanded
	// one and were met, sorted.
	Approvals []Approval
	Rules     []string
}

// Approved returns the runs that were carried out on approvals at or after the instant, oldest
// first. Which changes an approval let pass stands in the entries themselves (see History).
func (m Memory) Approved(since time.Time) []ApprovedRun {
	if m.m == nil {
		return nil
	}
	var out []ApprovedRun
	for _, a := range m.m.approved {
		if !a.at.Before(since) {
			out = append(out, ApprovedRun{a.run, a.at, a.change, slices.Clone(a.approvals), slices.Clone(a.rules)})
		}
	}
	return out
}

// checkApproved refuses what would prove nothing: nobody's approval, one without its time, or a
// demand that somebody met who isn't among those who approved.
func (m *memory) checkApproved(run string, d Approved) error {
	if _, err := m.open(run); err != nil {
		return err
	}
	if len(d.Approvals) == 0 {
		return errors.New("nobody approved")
	}
	by := map[string]bool{}
	for _, a := range d.Approvals {
		if a.By == "" || a.At.IsZero() {
			return errors.New("an approval needs somebody and a time")
		}
		by[a.By] = true
	}
	for _, demand := range d.Demands {
		if demand.Rule == "" || len(demand.By) == 0 {
			return errors.New("a demand needs a rule and somebody who met it")
		}
		for _, who := range demand.By {
			if !by[who] {
				return fmt.Errorf("%s is said to have met %s, and isn't among those who approved", who, demand.Rule)
			}
		}
	}
	return nil
}

// approve takes in an Approved, in memory of its own: its line may be long.
func (m *memory) approve(e Entry, d Approved) {
	if _, ok := m.runs[e.Run]; !ok {
		return
	}
	a := approved{run: strings.Clone(e.Run), at: e.Time, change: strings.Clone(d.ChangeDigest)}
	for _, one := range d.Approvals {
		a.approvals = append(a.approvals, Approval{strings.Clone(one.By), one.At, strings.Clone(one.Change), strings.Clone(one.Commit)})
	}
	for _, demand := range d.Demands {
		if !slices.Contains(a.rules, demand.Rule) {
			a.rules = append(a.rules, strings.Clone(demand.Rule))
		}
	}
	slices.Sort(a.rules)
	m.approved = append(m.approved, a)
}
