package apply_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/connectors/memory"
	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/apply"
	"github.com/accordhq/accord/engine/journal"
	"github.com/accordhq/accord/engine/plan"
)

// disk is a store of a journal in memory that can fail.
type disk struct {
	mu   sync.Mutex
	data []byte
	left int // appends until one fails; negative: never
}

var errDisk = errors.New("the disk is full")

func (d *disk) Load(context.Context) ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return bytes.Clone(d.data), nil
}

func (d *disk) Append(_ context.Context, line []byte) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.left == 0 {
		return errDisk
	}
	d.left--
	d.data = append(d.data, line...)
	return nil
}

func (d *disk) Truncate(_ context.Context, size int64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.data = d.data[:size]
	return nil
}

func (d *disk) String() string { return "a disk in memory" }

// kinds are the entries of the journal so far: "opened", "begun sys 1: KEY KEY", "ended sys 1 done", …
func (d *disk) entries(t testing.TB) []string {
	t.Helper()
	var out []string
	for e, err := range journal.ReadAll(t.Context(), d) {
		if err != nil {
			t.Fatal(err)
		}
		switch data := e.Data.(type) {
		case journal.Begun:
			var keys []string
			for _, c := range data.Changes {
				keys = append(keys, name(c.Key()))
			}
			out = append(out, fmt.Sprintf("begun %s %d: %s", data.System, data.Unit, strings.Join(keys, ", ")))
		case journal.Ended:
			text := fmt.Sprintf("ended %s %d %s", data.System, data.Unit, data.All)
			for _, r := range data.Except {
				text += fmt.Sprintf(", %s %s", name(r.Key), r.Outcome)
			}
			out = append(out, text)
		case journal.ReadBack:
			text := fmt.Sprintf("readback %s %s", data.System, data.All)
			for _, r := range data.Except {
				text += fmt.Sprintf(", %s %s", name(r.Key), r.Held)
			}
			out = append(out, text)
		case journal.ClosedSystem:
			out = append(out, fmt.Sprintf("closed %s converged=%v leavers=%v", data.System, data.Converged, data.Leavers))
		default:
			out = append(out, string(e.Kind()))
		}
	}
	return out
}

func name(key string) string { return strings.ReplaceAll(key, "account/", "") }

// world is a plan and the systems that it is about.
type world struct {
	*testing.T
	plan  *plan.Plan
	far   map[string]*memory.System
	conns map[string]connectors.Connector
	disk  *disk
	store journal.Store // nil: the disk
	now   func() time.Time
}

func newWorld(t *testing.T) *world {
	return &world{T: t, plan: &plan.Plan{Revision: plan.Revision{Hash: "4f2a91c"}}, far: map[string]*memory.System{}, conns: map[string]connectors.Connector{}, disk: &disk{left: -1}, now: time.Now}
}

// system adds a system with accounts a … z that are in the text, and one folder for each digit;
// grants are written "a1", every one to read.
func (w *world) system(name, live string, options ...memory.Option) *memory.System {
	w.Helper()
	far := memory.New(options...)
	b := access.NewBuilder(name)
	for c := '0'; c <= '9'; c++ {
		b.Object(access.Object{ID: access.ID{Kind: "folder", Name: string(c)}})
	}
	there := map[byte]bool{}
	for f := range strings.FieldsSeq(live) {
		if !there[f[0]] {
			there[f[0]] = true
			b.Object(access.Object{ID: access.Account(f[:1])})
		}
		if len(f) == 2 {
			b.Grant(access.Grant{Subject: access.Account(f[:1]), Target: access.ID{Kind: "folder", Name: f[1:]}, Permission: "read"})
		}
	}
	state, err := b.Build()
	if err != nil {
		w.Fatal(err)
	}
	far.Seed(state)
	w.far[name], w.conns[name] = far, far.Connector(name)
	w.plan.Systems = append(w.plan.Systems, plan.System{Name: name, Identity: "memory " + name})
	return far
}

// steps adds steps to the plan: "+a1" gives, "-a1" revokes, "*a" creates, "!a" disables, "~a1"
// raises to write, "_a1" lowers from write; a leading "L" marks a leaver's, and what follows
// "<" are the places, from 0, of steps that it needs.
func (w *world) steps(system string, texts ...string) {
	for _, text := range texts {
		text, needs, _ := strings.Cut(text, "<")
		s := plan.Step{Class: plan.ClassChange, Person: "p"}
		if s.Leaver = text[0] == 'L'; s.Leaver {
			text = text[1:]
		}
		s.System, s.Subject = system, access.Account(text[1:2])
		if len(text) > 2 {
			s.Target = access.ID{Kind: "folder", Name: text[2:]}
		}
		read, write := &access.Value{Permission: "read"}, &access.Value{Permission: "write"}
		switch text[0] {
		case '+':
			s.Action, s.After = access.Give, read
		case '-':
			s.Action, s.Before = access.Revoke, read
		case '*':
			s.Action, s.After = access.Create, &access.Value{}
		case '!':
			s.Action, s.Before, s.After = access.Disable, &access.Value{}, &access.Value{Disabled: true}
		case '~':
			s.Action, s.Before, s.After = access.ChangeLevel, read, write
		case '_':
			s.Action, s.Before, s.After = access.ChangeLevel, write, read
		}
		for n := range strings.FieldsSeq(needs) {
			var i int
			fmt.Sscan(n, &i)
			s.Needs = append(s.Needs, w.plan.Steps[i].Key())
		}
		w.plan.Steps = append(w.plan.Steps, s)
	}
}

func (w *world) run(ctx context.Context) (*apply.Result, error) {
	w.Helper()
	var store journal.Store = w.disk
	if w.store != nil {
		store = w.store
	}
	j, err := journal.Open(ctx, store, w.now)
	if err != nil {
		w.Fatal(err)
	}
	var names []string
	for n := range w.conns {
		names = append(names, n)
	}
	return apply.Run(ctx, apply.Options{
		Plan: w.plan, Systems: w.conns, Journal: j, Run: "run", Now: w.now,
		Opened: journal.Opened{Revision: "4f2a91c", PlanDigest: "d", Actor: "test", Version: "test", Systems: names},
	})
}

// outcomes runs the plan and lists what became of each step: "done held", "failed", …
func (w *world) outcomes() []string {
	w.Helper()
	res, err := w.run(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	return outcomes(res)
}

func outcomes(res *apply.Result) []string {
	var out []string
	for _, s := range res.Steps {
		out = append(out, strings.TrimSpace(string(s.Outcome)+" "+string(s.Seen)))
	}
	return out
}

// live are the grants on a system, "a1" to read, "a1w" to write, and "a!" a disabled account.
func live(far *memory.System) string {
	var out []string
	d := far.Dump()
	for o := range d.Objects() {
		if o.ID.IsAccount() && o.Disabled {
			out = append(out, o.ID.Name+"!")
		}
	}
	for _, g := range d.Grants() {
		text := g.Subject.Name + g.Target.Name
		if g.Permission == "write" {
			text += "w"
		}
		out = append(out, text)
	}
	return strings.Join(out, " ")
}

func (w *world) want(what string, got []string, want ...string) {
	w.Helper()
	if !slices.Equal(got, want) {
		w.Errorf("%s:\n got  %s\n want %s", what, strings.Join(got, "\n      "), strings.Join(want, "\n      "))
	}
}

// wrapped is a connector with other ways.
type wrapped struct {
	connectors.Connector
	apply func(context.Context, access.Change) error
	batch func(context.Context, []access.Change) error
	read  func(context.Context, connectors.Scope) (*access.State, error)
}

func (c *wrapped) Apply(ctx context.Context, ch access.Change) error {
	if c.apply != nil {
		return c.apply(ctx, ch)
	}
	return c.Connector.Apply(ctx, ch)
}

func (c *wrapped) ApplyBatch(ctx context.Context, chs []access.Change) error {
	if c.batch != nil {
		return c.batch(ctx, chs)
	}
	return c.Connector.(connectors.Batcher).ApplyBatch(ctx, chs)
}

func (c *wrapped) Read(ctx context.Context, s connectors.Scope) (*access.State, error) {
	if c.read != nil {
		return c.read(ctx, s)
	}
	return c.Connector.Read(ctx, s)
}

// wrap puts other ways in front of a system's connector.
func (w *world) wrap(system string, c wrapped) {
	c.Connector = w.conns[system]
	w.conns[system] = &c
}
