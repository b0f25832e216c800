package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/accordhq/accord/engine"
	"github.com/accordhq/accord/engine/report"
)

// propose writes the change that adopts drift: as a patch, with a word about it on stderr, or on
// branches.
func (a *app) propose(c *cobra.Command, o engine.PlanOptions, f planFlags, how, format string) error {
	if how != "patch" && how != "commit" {
		return usageError{errors.New("--propose is patch or commit")}
	}
	progress := a.readProgress()
	o.Progress = progress.read
	p, err := a.engine().Propose(c.Context(), engine.ProposeOptions{PlanOptions: o, Commit: how == "commit"})
	progress.clear()
	if errors.Is(err, engine.ErrNoProposal) {
		return usageError{err}
	}
	if err != nil {
		return err
	}
	a.exit = p.Exit
	for _, s := range p.Systems {
		if s.Error != "" && a.exit != engine.ExitIncomplete {
			a.exit = engine.ExitFailed
		}
	}
	switch {
	case format == "json":
		return report.ProposalJSON(a.out, *p)
	case how == "commit":
		return report.ProposalText(a.out, *p, a.reportOptions(f))
	}
	return errors.Join(report.ProposalPatch(a.out, *p), report.ProposalText(a.err, *p, report.Options{}))
}
