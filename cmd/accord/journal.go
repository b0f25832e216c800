package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/accordhq/accord/engine"
	"github.com/accordhq/accord/engine/journal"
	"github.com/accordhq/accord/engine/report"
)

// folder is the declaration in the folder, for what needs no more of it than accord.yaml.
func (a *app) folder() engine.Source { return engine.Source{Dir: a.flags.dir, Worktree: true} }

func (a *app) journalCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "journal",
		Short: "Look at the record of what was applied, and mend it after a run was cut off",
		Args:  exactArgs(0, 0, "a subcommand: show, verify, push or close"),
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(a.journalVerifyCommand(), a.journalShowCommand(), a.journalPushCommand(), a.journalCloseCommand())
	return c
}

func (a *app) journalVerifyCommand() *cobra.Command {
	var head string
	c := &cobra.Command{
		Use:   "verify",
		Short: "Check that nothing in the journal was changed or cut off",
		Long: `Verify checks the chain of hashes from the first entry to the last. A journal that was cut
short is still a valid chain: to detect that, keep the head that verify prints somewhere
else, and give it with --head. A journal in git is fetched; that its ref goes on from what
this clone has seen of it, and that no commit of it did anything but add, is checked as well.

Exit codes: 0 sound, 1 not sound.`,
		Args: exactArgs(0, 0, "no arguments"),
	}
	c.Flags().StringVar(&head, "head", "", "a hash that must be in the chain")
	c.RunE = func(c *cobra.Command, _ []string) error {
		store, err := a.engine().JournalStore(c.Context(), a.folder())
		if err != nil {
			return err
		}
		r, err := journal.Verify(c.Context(), store, head)
		if err != nil {
			return err
		}
		fmt.Fprintf(a.out, "The journal is sound: %s.", report.Count(int(r.Entries), "entry", "entries"))
		if r.Head != "" {
			fmt.Fprintf(a.out, " Head %s", r.Head)
		}
		fmt.Fprintln(a.out)
		if r.Unsent > 0 {
			fmt.Fprintf(a.out, "%s of it %s not sent yet; accord journal push sends %s.\n", report.Count(int(r.Unsent), "entry", "entries"), isAre(int(r.Unsent)), itThem(int(r.Unsent)))
		}
		if r.Torn > 0 {
			fmt.Fprintf(a.out, "Its last line was cut short by a crash (%d bytes); the next run drops it, on the record.\n", r.Torn)
		}
		return nil
	}
	return c
}

func (a *app) journalShowCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "show",
		Short: "Print the journal, an entry a line",
		Args:  exactArgs(0, 0, "no arguments"),
	}
	c.RunE = func(c *cobra.Command, _ []string) error {
		store, err := a.engine().JournalStore(c.Context(), a.folder())
		if err != nil {
			return err
		}
		for e, err := range journal.ReadAll(c.Context(), store) {
			if err != nil {
				return err
			}
			data, err := json.Marshal(e.Data)
			if err != nil {
				return fmt.Errorf("printing the journal: %w", err)
			}
			fmt.Fprintf(a.out, "%d %s %s %s %s\n", e.Seq, e.Time.Format("2006-01-02T15:04:05Z"), e.Run, e.Kind(), data)
		}
		return nil
	}
	return c
}

func isAre(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

func itThem(n int) string {
	if n == 1 {
		return "it"
	}
	return "them"
}

func (a *app) journalPushCommand() *cobra.Command {
	var from string
	c := &cobra.Command{
		Use:   "push",
		Short: "Send what runs couldn't send to the journal in git",
		Long: `Push sends what a run has recorded here and couldn't push, say because the remote couldn't
be reached. The next apply would do so as well. If other runs have written to the journal
since, the entries are added behind theirs, and marked as late; while another run is open
nothing is added.

With --from a journal in a folder becomes the beginning of one in git that is empty yet. Its
file is then called journal.jsonl.pushed.

Exit codes: 0 sent, or nothing to send, 1 it failed, 64 wrong usage.`,
		Args: exactArgs(0, 0, "no arguments"),
	}
	c.Flags().StringVar(&from, "from", "", "take over the journal in this folder, as in --from .accord")
	c.RunE = func(c *cobra.Command, _ []string) error {
		dir := ""
		if from != "" {
			var err error
			if dir, err = filepath.Abs(a.within(from)); err != nil {
				return err
			}
		}
		p, err := a.engine().PushJournal(c.Context(), a.folder(), dir)
		switch {
		case errors.Is(err, engine.ErrNotPublished) && from == "":
			fmt.Fprintln(a.out, "Nothing to send: the journal is in a folder.")
			return nil
		case err != nil:
			return err
		case p.From != "":
			fmt.Fprintf(a.out, "%s of %s %s the beginning of %s now. The file is kept as %s.\n",
				report.Count(p.Entries, "entry", "entries"), p.From, isAre(p.Entries), p.Ref, p.Kept)
		case p.Entries == 0:
			fmt.Fprintln(a.out, "Nothing to send.")
		case p.Late:
			fmt.Fprintf(a.out, "Sent %s to %s, marked as late: others have written to it since.\n", report.Count(p.Entries, "entry", "entries"), p.Ref)
		default:
			fmt.Fprintf(a.out, "Sent %s to %s.\n", report.Count(p.Entries, "entry", "entries"), p.Ref)
		}
		return nil
	}
	return c
}

func (a *app) journalCloseCommand() *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use:   "close [RUN]",
		Short: "End a run that was cut off, on the record",
		Long: `Close ends a run that never came to its end, since its runner was killed, and prints what it
had begun without a known outcome. The next plan shows what is missing. Where the journal is
in git nothing is applied before that. Who closed the run, and why, is on the record.

Make sure that the run is over. If it goes on all the same, it finds that it was closed when
it publishes the next time, and then does nothing more but take access away.

Exit codes: 0 closed, 1 it failed or no such run is open, 64 wrong usage.`,
		Args: exactArgs(0, 1, "at most one run"),
	}
	c.Flags().StringVar(&reason, "reason", "", "why it is closed; it must be given")
	c.RunE = func(c *cobra.Command, args []string) error {
		if strings.TrimSpace(reason) == "" {
			return usageError{errors.New("say with --reason why the run is closed")}
		}
		run, err := a.engine().CloseRun(c.Context(), a.folder(), strings.Join(args, ""), strings.TrimSpace(reason))
		if err != nil {
			return err
		}
		a.closed(run)
		return nil
	}
	return c
}

// closed tells what a run that was closed had begun and never ended.
func (a *app) closed(run *journal.OpenRun) {
	fmt.Fprintf(a.out, "Closed %s by %s, begun %s.\n", report.Clean(run.Run), report.Clean(run.Actor), run.Since.UTC().Format("2006-01-02 15:04:05"))
	unknown := 0
	for _, u := range run.Units {
		for i, outcome := range u.Outcomes() {
			if outcome != journal.Unknown {
				continue
			}
			if unknown++; unknown == 1 {
				fmt.Fprintln(a.out, "Begun, and its outcome isn't known:")
			}
			fmt.Fprintf(a.out, "  ? %-12s %s\n", u.System, report.Clean(u.Changes[i].String()))
		}
	}
	if unknown == 0 {
		fmt.Fprintln(a.out, "As far as the journal knows, all that it had begun was ended.")
	}
	fmt.Fprintln(a.out, "Next: accord plan")
}
