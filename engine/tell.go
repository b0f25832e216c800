package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/declare"
	"github.com/accordhq/accord/engine/journal"
	"github.com/accordhq/accord/engine/notify"
	"github.com/accordhq/accord/engine/plan"
)

// Delivery is a message that was due.
type Delivery struct {
	// To is the name of the notification, Title what it says in a line.
	To, Title string
	// Err tells why it couldn't be delivered; nil: it was.
	Err error
}

func undelivered(all []Delivery) bool {
	return slices.ContainsFunc(all, func(d Delivery) bool { return d.Err != nil })
}

// A reminder of what is still open is due a day after the last message; an hour less, as a run
// once a day doesn't begin at the same second.
const remindAfter = 23 * time.Hour

// tell tells everybody under notify what they don't know yet: what the journal says that is new
// since they were told. What could be delivered is remembered, so that it isn't told again; what
// couldn't is told by the next run. The entries of notify are judging settings: those of the
// revision that judges count.
func (s *session) tell(ctx context.Context, p *plan.Plan, all []plan.Difference) ([]Delivery, error) {
	var out []Delivery
	var done []journal.Data
	var wg sync.WaitGroup
	var mu sync.Mutex
	for _, n := range s.notify {
		news := s.memory.News(n.Name.Value)
		m, due := s.message(&n, news, p, all)
		if !due {
			continue
		}
		wg.Go(func() {
			err := s.sender(&n).Send(ctx, m)
			if err != nil {
				err = fmt.Errorf("telling %s: %w", n.Name.Value, err)
			}
			mu.Lock()
			defer mu.Unlock()
			out = append(out, Delivery{n.Name.Value, m.Title(), err})
			if err == nil {
				done = append(done, journal.Told{To: n.Name.Value, Upto: news.Upto, Reminder: len(m.News) == 0})
			}
		})
	}
	wg.Wait()
	slices.SortFunc(out, func(a, b Delivery) int { return strings.Compare(a.To, b.To) })
	slices.SortFunc(done, func(a, b journal.Data) int { return strings.Compare(a.(journal.Told).To, b.(journal.Told).To) })
	if len(done) == 0 {
		return out, nil
	}
	return out, s.appendLook(context.WithoutCancel(ctx), done...)
}

// message puts together what somebody is to be told, and whether it is due.
func (s *session) message(n *declare.Notify, news journal.News, p *plan.Plan, all []plan.Difference) (notify.Message, bool) {
	wants := func(kind string) bool {
		on := n.Rules().On
		return len(on) == 0 || slices.ContainsFunc(on, func(t declare.Text) bool { return t.Value == kind })
	}
	m := notify.Message{FormatVersion: notify.FormatVersion, Repository: filepath.Base(s.root), Revision: p.Revision.Hash, At: s.Now().UTC(), First: news.First, News: []notify.News{}, Open: []notify.Open{}}
	known := map[string]*plan.Difference{}
	for i := range all {
		known[all[i].Key()] = &all[i]
	}
	for _, list := range []struct {
		events eventsOf
		of     []journal.Sighting
	}{{opened, news.Open}, {gone, news.Gone}, {passed, news.Passed}} {
		for _, o := range list.of {
			one, kind := pieceOf(o, list.events, known)
			if wants(kind) && one.Event != "" {
				m.News = append(m.News, one)
			}
		}
	}
	if wants("partly") {
		for _, r := range news.Partly {
			m.News = append(m.News, notify.News{Event: notify.Partly, Run: r.Run, Actor: r.Actor, Why: r.Outcome, Since: r.Time})
		}
	}
	m.Sort()
	m.Open = s.openCounts(wants)
	m.ID = messageID(m, n.Name.Value, news.Upto)
	last := news.Told
	if news.Reminded.After(last) {
		last = news.Reminded
	}
	remind := n.Rules().Digest.Value != "never" && len(m.Open) > 0 && !last.IsZero() && m.At.Sub(last) >= remindAfter
	return m, len(m.News) > 0 || remind
}

func messageID(m notify.Message, to string, upto uint64) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %d %s", m.Repository, to, upto, m.At.Format(time.RFC3339Nano)))
	return hex.EncodeToString(sum[:12])
}

// eventsOf are the events of one list of news: of differences, of what can't be read, of what
// flaps. An empty one isn't told.
type eventsOf struct{ drift, unreadable, flapping notify.Event }

var (
	opened = eventsOf{notify.New, notify.Unreadable, notify.Flapping}
	gone   = eventsOf{notify.Gone, notify.Readable, notify.Settled}
	passed = eventsOf{notify.Passed, "", ""}
)

// pieceOf makes a piece of news of what the journal says, and of what is known of it now; kind is
// the word of `on` that it goes by.
func pieceOf(o journal.Sighting, events eventsOf, known map[string]*plan.Difference) (n notify.News, kind string) {
	key, flaps := strings.CutPrefix(o.Key, flappingWord)
	word, system, subject, target, detail := access.ParseKey(key)
	n = notify.News{Event: events.drift, System: system, Kind: plan.DriftKind(word), Subject: subject, Target: target, Detail: detail, Since: o.Since}
	kind = "drift"
	switch {
	case flaps:
		n.Event, kind = events.flapping, "flapping"
	case n.Kind == plan.DriftUnknown:
		n.Event, kind = events.unreadable, "unreadable"
	}
	if d := known[key]; d != nil {
		n.System, n.Kind, n.Subject, n.Target, n.Detail = d.System, d.Kind, d.Subject, d.Target, d.Detail
		n.Person, n.Fate, n.Why, n.Traces = d.Person, d.Fate, d.Why, d.Traces
	}
	return n, kind
}

// openCounts counts what is open by the journal.
func (s *session) openCounts(wants func(string) bool) []notify.Open {
	out := []notify.Open{}
	for _, system := range s.memory.Looked() {
		byKind := map[plan.DriftKind]*notify.Open{}
		for key, o := range s.memory.OpenDrift(system) {
			word, _, _ := strings.Cut(key, " ")
			kind := plan.DriftKind(word)
			if strings.HasPrefix(key, flappingWord) || kind == plan.DriftUnknown && !wants("unreadable") || kind != plan.DriftUnknown && !wants("drift") {
				continue
			}
			c := byKind[kind]
			if c == nil {
				c = &notify.Open{System: system, Kind: kind, Since: o.Since}
				byKind[kind] = c
			}
			c.Count++
			if o.Since.Before(c.Since) {
				c.Since = o.Since
			}
		}
		for _, k := range plan.DriftKinds() {
			if byKind[k] != nil {
				out = append(out, *byKind[k])
			}
		}
	}
	return out
}

// sender is the way that an entry of notify names.
type sender interface {
	Send(context.Context, notify.Message) error
}

func (s *session) sender(n *declare.Notify) sender {
	http := notify.HTTP{Transport: s.HTTP, Log: s.Log, Now: s.Now}
	switch {
	case n.Slack != nil:
		return notify.Slack{URL: s.reference(n.Slack.URL), HTTP: http}
	case n.Webhook != nil:
		w := notify.Webhook{URL: s.reference(n.Webhook.URL), Hidden: n.Webhook.URL.Value.Value == "", HTTP: http}
		if n.Webhook.Key.IsSet() {
			w.Key = s.reference(n.Webhook.Key)
		}
		return w
	}
	m := notify.Mail{Server: n.Mail.Server.Value, Encryption: notify.Encryption(n.Mail.TLS.Value), From: n.Mail.From.Value, User: n.Mail.User.Value}
	for _, to := range n.Mail.To {
		m.To = append(m.To, to.Value)
	}
	if n.Mail.Password.IsSet() {
		m.Password = s.reference(n.Mail.Password)
	}
	return m
}

// reference resolves a reference at the moment that it is needed.
func (s *session) reference(r declare.Reference) func(context.Context) (connectors.Secret, error) {
	return func(ctx context.Context) (connectors.Secret, error) {
		if r.Value.Value != "" {
			return connectors.NewSecret(r.Value.Value), nil
		}
		return s.secret(ctx, connectors.SecretRef{Env: r.Env.Value, File: r.File.Value})
	}
}
