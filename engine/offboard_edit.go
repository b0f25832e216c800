package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/accordhq/accord/engine/amend"
	"github.com/accordhq/accord/engine/declare"
	"github.com/accordhq/accord/engine/report"
)

// declareLeft makes the commit by which the declaration says that a person left: `status: left`
// in their document, on a branch that starts at HEAD. What stands in the way is told, and is
// nothing that the offboarding itself fails for.
func (e *Engine) declareLeft(ctx context.Context, o OffboardOptions, b *report.Offboarded) report.LeftEdit {
	edit := report.LeftEdit{Branch: Leave{Person: b.Person}.branch()}
	if err := e.commitLeft(ctx, o, b, &edit); err != nil {
		edit.Error = err.Error()
	}
	return edit
}

func (e *Engine) commitLeft(ctx context.Context, o OffboardOptions, b *report.Offboarded, edit *report.LeftEdit) error {
	d, err := e.load(ctx, Source{Dir: o.Dir})
	if d != nil {
		defer d.Close()
	}
	if d == nil || d.git == nil || d.Repo == nil {
		return err
	}
	p := d.Repo.Person(b.Person) // what is wrong elsewhere in the files doesn't matter
	switch {
	case p == nil && err != nil:
		return fmt.Errorf("HEAD can't be read whole, and no document of %s was found: %s", b.Person, firstLine(err))
	case p == nil:
		edit.Branch, edit.Needless = "", b.Person+" isn't declared any more: nothing has to be changed."
		return nil
	case p.Status.Value == "left":
		edit.Branch, edit.Needless = "", fmt.Sprintf("%s:%d says already that %s left.", p.File, p.Status.At.Line, b.Person)
		return nil
	}
	edit.File = p.File
	kind := "person"
	if p.Service {
		kind = "service"
	}
	message := fmt.Sprintf("Declare that %s left\n\n%s's access was taken away on %s by %s (run %s).", b.Person, b.Person, e.Now().UTC().Format("2006-01-02 15:04 MST"), e.Actor, b.Run)
	if o.Reason != "" {
		message += "\n\n" + report.Clean(o.Reason)
	}
	at, err := d.commitOn(ctx, edit.Branch, message, e, func(read func(string) ([]byte, error)) (map[string][]byte, error) {
		data, err := read(p.File)
		if err != nil {
			return nil, err
		}
		out, err := amend.Set(data, amend.Doc{Kind: kind, ID: b.Person}, "left", "status")
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.File, err)
		}
		if err := onlyLeft(p.File, data, out, b.Person); err != nil {
			return nil, err
		}
		return map[string][]byte{p.File: out}, nil
	})
	if err != nil {
		return err
	}
	edit.Commit = at
	edit.Push, err = d.pushCommand(edit.Branch)
	return err
}

// onlyLeft holds an edited file to what the language makes of it: the person's status is the one
// thing that is another.
func onlyLeft(file string, before, after []byte, person string) error {
	was, _ := declare.Parse([]declare.File{{Path: file, Data: before}})
	is, _ := declare.Parse([]declare.File{{Path: file, Data: after}})
	p := is.Person(person)
	if p == nil || p.Status.Value != "left" || was.NumPeople() != is.NumPeople() {
		return errors.New(file + ": the change doesn't read as it was meant; write status: left by hand")
	}
	return nil
}
