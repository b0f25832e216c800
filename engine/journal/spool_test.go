package journal

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/accordhq/accord/engine/access"
)

// memRecord is a record in memory, which many writers share.
type memRecord struct{ data []byte }

// memClient is one writer's view of it.
type memClient struct {
	*memRecord
	known int
	// refuse, if set, is what Extend fails with; lost says that it has added the lines all the same.
	refuse error
	lost   bool
	// away says that nobody answers.
	away bool
}

func (c *memClient) String() string { return "record" }

func (c *memClient) Fetch(context.Context) ([]byte, error) {
	if c.away {
		return nil, ErrUnreachable
	}
	c.known = len(c.data)
	return bytes.Clone(c.data), nil
}

func (c *memClient) Seen(context.Context) ([]byte, error) { return bytes.Clone(c.data[:c.known]), nil }

func (c *memClient) Extend(_ context.Context, lines []byte, _ string) error {
	if c.away {
		return ErrUnreachable
	}
	if c.refuse != nil && !c.lost {
		return c.refuse
	}
	if c.known != len(c.data) {
		return ErrMoved
	}
	c.data = append(c.data, lines...)
	if c.refuse != nil {
		return c.refuse
	}
	c.known = len(c.data)
	return nil
}

// place is one from which runs write.
type place struct {
	testing.TB
	client *memClient
	store  *Spooled
	clock  *time.Time
}

func newPlace(t testing.TB, r *memRecord, clock *time.Time) *place {
	c := &memClient{memRecord: r}
	return &place{t, c, NewSpooled(t.TempDir(), c, func() time.Time { return *clock }), clock}
}

func (p *place) open() *Journal {
	p.Helper()
	j, err := Open(p.Context(), p.store, func() time.Time { return *p.clock })
	if err != nil {
		p.Fatal(err)
	}
	return j
}

func (p *place) add(j *Journal, run string, data ...Data) {
	p.Helper()
	for _, d := range data {
		if err := j.Append(p.Context(), Entry{Run: run, Data: d}); err != nil {
			p.Fatal(err)
		}
		*p.clock = p.clock.Add(time.Minute)
	}
}

func (p *place) publish(j *Journal, m Moment, want error) {
	p.Helper()
	if err := j.Publish(p.Context(), m); !errors.Is(err, want) || want == nil && err != nil {
		p.Fatalf("%s: %v, want %v", m, err, want)
	}
}

func (p *place) settle(want error) Sent {
	p.Helper()
	sent, err := p.store.Settle(p.Context())
	if !errors.Is(err, want) || want == nil && err != nil {
		p.Fatalf("settling: %v, want %v", err, want)
	}
	return sent
}

// kinds are the entries of the record.
func (p *place) kinds() string {
	p.Helper()
	var out []string
	var c chain
	rest, err := c.lines(p.Context(), "record", whole(p.client.data), func(e Entry) { out = append(out, strings.TrimSpace(e.Run+" "+string(e.Kind()))) })
	if err != nil || len(rest) > 0 {
		p.Fatal(err, len(rest))
	}
	return strings.Join(out, ", ")
}

var errNetwork = errors.New("no network")

func change1(action access.Action, account string, class Class) Change {
	c := Change{Change: access.Change{System: "office", Action: action, Subject: access.Account(account)}, Person: account, Class: class}
	if action == access.Revoke || action == access.Give {
		c.Target = access.ID{Kind: "group", Name: "g"}
	}
	return c
}

func unit(n int, c ...Change) (Begun, Ended) {
	return Begun{System: "office", Unit: n, Changes: c}, Ended{System: "office", Unit: n, All: Done}
}

// TestSpoolPublishes: what is published is on the record and not in the spool any more, and the
// journal goes on from there.
func TestSpoolPublishes(t *testing.T) {
	r, clock := &memRecord{}, day0
	one, two := newPlace(t, r, &clock), newPlace(t, r, &clock)
	j := one.open()
	one.add(j, "a", Opened{Actor: "robin"})
	one.publish(j, Opening, nil)
	if got := two.open().Memory().Open(); len(got) != 1 || got[0].Actor != "robin" {
		t.Fatalf("%+v", got)
	}
	one.add(j, "a", Note{Topic: "x"}, Note{Topic: "y"})
	one.publish(j, SystemClosed, nil)
	one.publish(j, SystemClosed, nil) // nothing new
	one.add(j, "a", Closed{})
	one.publish(j, Closing, nil)
	if got := one.kinds(); got != "a opened, a note, a note, a closed" {
		t.Error(got)
	}
	if spool, err := one.store.spool.Load(t.Context()); err != nil || len(spool) > 0 {
		t.Errorf("%s %v", spool, err)
	}
	one.add(j, "", Note{Topic: "z"})
	one.publish(j, Closing, nil)
	if rep, err := Verify(t.Context(), two.store, j.Head()); err != nil || rep.Entries != 5 || rep.Unsent != 0 {
		t.Errorf("%+v %v", rep, err)
	}
}

// TestSpoolLoser: who isn't the first to open is told who was, and leaves nothing behind.
func TestSpoolLoser(t *testing.T) {
	r, clock := &memRecord{}, day0
	one, two := newPlace(t, r, &clock), newPlace(t, r, &clock)
	j1, j2 := one.open(), two.open()
	one.add(j1, "a", Opened{Actor: "robin", Systems: []string{"office", "safe", "wiki", "db"}})
	two.add(j2, "b", Opened{Actor: "alice"})
	one.publish(j1, Opening, nil)
	err := j2.Publish(t.Context(), Opening)
	var held *HeldError
	if !errors.As(err, &held) || held.Run != "a" || held.Actor != "robin" || !held.Since.Equal(day0) {
		t.Fatal(err)
	}
	if want := "a by robin, since 2026-11-23 10:00:00 on office, safe, wiki and 1 more;"; !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %s", err, want)
	}
	if spool, err := two.store.spool.Load(t.Context()); err != nil || len(spool) > 0 {
		t.Errorf("left behind: %s %v", spool, err)
	}
	// It comes to its end before the other one looks: what was planned is out of date all the same.
	j2 = two.open()
	two.add(j2, "c", Opened{Actor: "alice"})
	one.add(j1, "a", Closed{})
	one.publish(j1, Closing, nil)
	two.publish(j2, Opening, ErrMoved)
	two.settle(nil)
	if got := one.kinds(); got != "a opened, a closed" {
		t.Error(got)
	}
}

// TestSpoolUrgent: a run that can't wait leaves the record to the one that has it open, at every
// moment, and what it did is there once that one is over.
func TestSpoolUrgent(t *testing.T) {
	r, clock := &memRecord{}, day0
	one, two := newPlace(t, r, &clock), newPlace(t, r, &clock)
	j := one.open()
	one.add(j, "a", Opened{Actor: "robin"})
	one.publish(j, Opening, nil)

	k := two.open()
	two.add(k, "b", Opened{Actor: "alice", Offboard: "dora"})
	two.publish(k, Urgent, ErrHeld)
	b, e := unit(1, change1(access.Disable, "dora", ClassLeaver))
	two.add(k, "b", b, e)
	two.publish(k, SystemClosed, ErrHeld)
	two.add(k, "b", Closed{})
	two.publish(k, Closing, ErrHeld)
	two.settle(ErrHeld) // the spool fits as it is, and would cut off a all the same

	one.add(j, "a", Closed{})
	one.publish(j, Closing, nil)
	if sent := two.settle(nil); !sent.Late || sent.Entries != 5 {
		t.Errorf("%+v", sent)
	}
	if kinds := one.kinds(); kinds != "a opened, a closed, late, b opened, b begun, b ended, b closed" {
		t.Errorf("the record is %s", kinds)
	}

	// With nobody at work it is known at once.
	k = two.open()
	two.add(k, "c", Opened{Actor: "alice", Offboard: "emil"})
	two.publish(k, Urgent, nil)
}

// TestSpoolUnknownOutcome: lines that were added although nobody said so are not added twice,
// neither by this process nor by the next.
func TestSpoolUnknownOutcome(t *testing.T) {
	r, clock := &memRecord{}, day0
	p := newPlace(t, r, &clock)
	j := p.open()
	p.add(j, "a", Opened{})
	p.client.refuse, p.client.lost = errNetwork, true
	p.publish(j, Opening, errNetwork)
	p.client.refuse, p.client.lost = nil, false

	next := newPlace(t, r, &clock)
	next.store.spool = p.store.spool
	if rep, err := Verify(t.Context(), next.store, ""); err != nil || rep.Entries != 1 || rep.Unsent != 0 {
		t.Errorf("%+v %v", rep, err)
	}
	if sent := next.settle(nil); sent.Entries != 0 {
		t.Errorf("%+v", sent)
	}
	j = next.open()
	next.add(j, "a", Closed{})
	next.publish(j, Closing, nil)
	if got := p.kinds(); got != "a opened, a closed" {
		t.Error(got)
	}
}

// TestSpoolTorn: a line that a crash cut short is dropped on the record, whether the spool
// follows or comes late; a hole in the file is seen for what it is behind a record of any length.
func TestSpoolTorn(t *testing.T) {
	for _, torn := range []string{`{"v":1,"seq":`, "\x00"} {
		for _, moved := range []bool{false, true} {
			r, clock := &memRecord{}, day0
			one, two := newPlace(t, r, &clock), newPlace(t, r, &clock)
			j := two.open()
			two.add(j, "", Note{Topic: "a record of an odd length"})
			two.publish(j, Closing, nil)
			one.client.refuse = errNetwork
			j = one.open()
			one.add(j, "a", Opened{})
			one.publish(j, Opening, errNetwork)
			one.add(j, "a", Closed{})
			one.client.refuse = nil
			file := filepath.Join(filepath.Dir(one.store.spool.String()), SpoolName)
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if torn[0] == 0 { // a hole goes to a border of blocks
				torn = strings.Repeat("\x00", 1024-len(data)%512) + "\n"
			}
			if err := os.WriteFile(file, append(data, torn...), 0o600); err != nil {
				t.Fatal(err)
			}
			if moved {
				j := two.open()
				two.add(j, "b", Opened{}, Closed{})
				two.publish(j, Closing, nil)
			}
			if rep, err := Verify(t.Context(), one.store, ""); err != nil || rep.Torn != 0 {
				t.Fatalf("%q moved %v: %+v %v", torn[:1], moved, rep, err)
			}
			one.settle(nil)
			j = one.open()
			one.add(j, "", Note{Topic: "after"})
			one.publish(j, Closing, nil)
			if got := one.kinds(); !strings.Contains(got, "a opened, a closed, recovered, note") {
				t.Errorf("%q moved %v: %s", torn[:1], moved, got)
			}
		}
	}
}

// TestSpoolTakeOver: a journal in a folder becomes the beginning of an empty one, and of no other.
func TestSpoolTakeOver(t *testing.T) {
	r, clock := &memRecord{}, day0
	p := newPlace(t, r, &clock)
	from := Dir(t.TempDir())
	j, err := Open(t.Context(), from, func() time.Time { return clock })
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.store.TakeOver(t.Context(), from); err == nil {
		t.Error("an empty journal was taken over")
	}
	p.add(j, "a", Opened{})
	if _, err := p.store.TakeOver(t.Context(), from); !errors.Is(err, ErrHeld) {
		t.Error(err)
	}
	p.add(j, "a", Closed{})
	if _, err := p.store.TakeOver(t.Context(), from); err != nil {
		t.Fatal(err)
	}
	if p.open().Head() != j.Head() {
		t.Error("another journal has come out")
	}
	if _, err := p.store.TakeOver(t.Context(), from); err == nil {
		t.Error("it was taken over twice")
	}
}

// TestSpoolRewound: a spool that follows what the record doesn't have is no beginning of one.
func TestSpoolRewound(t *testing.T) {
	r, clock := &memRecord{}, day0
	p := newPlace(t, r, &clock)
	j := p.open()
	p.add(j, "a", Opened{})
	p.publish(j, Opening, nil)
	p.client.refuse = errNetwork
	p.add(j, "a", Closed{})
	p.publish(j, Closing, errNetwork)
	r.data = nil
	p.client.refuse = nil
	if _, err := OpenReadOnly(t.Context(), p.store); !errors.Is(err, ErrRewound) {
		t.Error(err)
	}
	p.settle(ErrRewound)
}

var day0 = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
