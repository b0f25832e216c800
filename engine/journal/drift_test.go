package journal

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// saw is a look at one system.
func saw(system string, words ...string) Drift {
	s := DriftSystem{System: system, Complete: true}
	for _, w := range words {
		if key, gone := strings.CutPrefix(w, "-"); gone {
			s.Gone = append(s.Gone, key)
		} else {
			s.New = append(s.New, w)
		}
	}
	return Drift{Systems: []DriftSystem{s}}
}

// newsText is what wasn't told, in short.
func newsText(n News) string {
	var out []string
	for _, list := range []struct {
		word string
		of   []Sighting
	}{{"open", n.Open}, {"gone", n.Gone}, {"passed", n.Passed}} {
		for _, o := range list.of {
			out = append(out, list.word+" "+o.Key)
		}
	}
	for _, p := range n.Partly {
		out = append(out, "partly "+p.Run)
	}
	return strings.Join(out, ", ")
}

// TestNews: what somebody wasn't told yet, after histories of looks and tellings ("told" tells
// ops all there is).
func TestNews(t *testing.T) {
	for _, test := range []struct {
		name    string
		history []any
		want    string
	}{
		{"nothing", nil, ""},
		{"the first time all that is open", []any{saw("a", "x", "y"), saw("a", "-x")}, "open y"},
		{"told", []any{saw("a", "x"), "told"}, ""},
		{"new", []any{saw("a", "x"), "told", saw("a", "y"), saw("b", "z")}, "open y, open z"},
		{"gone", []any{saw("a", "x", "y"), "told", saw("a", "-x")}, "gone x"},
		{"gone, and told", []any{saw("a", "x", "y"), "told", saw("a", "-x"), "told"}, ""},
		{"came and went", []any{"told", saw("a", "x"), saw("a", "-x")}, "passed x"},
		{"went and came", []any{saw("a", "x"), "told", saw("a", "-x"), saw("a", "x")}, ""},
		{"went, came and went", []any{saw("a", "x"), "told", saw("a", "-x"), saw("a", "x"), saw("a", "-x")}, "gone x"},
		{"came, went and came", []any{"told", saw("a", "x"), saw("a", "-x"), saw("a", "x")}, "open x"},
		{"a look that sees the same", []any{saw("a", "x"), "told", saw("a")}, ""},
		{"seen twice by two at a time", []any{saw("a", "x"), "told", saw("a", "x")}, ""},
		{"gone twice", []any{saw("a", "x"), "told", saw("a", "-x"), saw("a", "-x")}, "gone x"},
		{"in part", []any{"told", 5}, "partly r2"},
		{"in part, and told", []any{5, "told"}, ""},
		{"the last one in part, the first time", []any{5, saw("a")}, "partly r1"},
		{"not those before", []any{5, 0}, ""},
		{"others were told", []any{saw("a", "x"), Told{To: "dev", Upto: 1}}, "open x"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := &memStore{}
			j := mustOpen(t, s)
			for i, h := range test.history {
				switch h := h.(type) {
				case Data:
					mustAppend(t, j, "", h)
				case int:
					run := fmt.Sprint("r", i+1)
					mustAppend(t, j, run, Opened{Actor: "ada", Systems: []string{"a"}}, Closed{Exit: h, Outcome: "x"})
				default:
					mustAppend(t, j, "", Told{To: "ops", Upto: j.Memory().News("ops").Upto})
				}
			}
			for _, m := range []Memory{j.Memory(), mustOpen(t, s).Memory()} {
				if got := newsText(m.News("ops")); got != test.want {
					t.Errorf("got %q, want %q", got, test.want)
				}
			}
		})
	}
}

// A difference is open since the first look that saw it, and what others were told meanwhile
// isn't lost: news that came while a message was on its way are news afterwards.
func TestOpenSince(t *testing.T) {
	j := mustOpen(t, &memStore{})
	mustAppend(t, j, "", saw("a", "x"))
	first := j.Memory().OpenDrift("a")["x"].Since
	before := j.Memory()
	upto := before.News("ops").Upto
	mustAppend(t, j, "", saw("a", "x", "y"), Told{To: "ops", Upto: upto, Reminder: true})
	if got := j.Memory().OpenDrift("a")["x"].Since; first.IsZero() || !got.Equal(first) {
		t.Errorf("open since %s, and then since %s", first, got)
	}
	n := j.Memory().News("ops")
	if newsText(n) != "open y" || n.Reminded.IsZero() || n.First {
		t.Errorf("%+v", n)
	}
	if len(before.OpenDrift("a")) != 1 || !before.News("ops").First {
		t.Error("the snapshot has changed")
	}
	mustAppend(t, j, "", Told{To: "ops", Upto: n.Upto})
	if again := j.Memory().News("ops"); !again.Reminded.Equal(n.Reminded) || !again.Told.After(n.Told) {
		t.Errorf("%+v", again)
	}
}

func TestLastRead(t *testing.T) {
	j := mustOpen(t, &memStore{})
	if _, ok := j.Memory().LastRead("a"); ok {
		t.Error("read before anybody looked")
	}
	mustAppend(t, j, "", saw("a"))
	at, ok := j.Memory().LastRead("a")
	mustAppend(t, j, "", Drift{Systems: []DriftSystem{{System: "a", New: []string{"unknown a"}}}})
	mustAppend(t, j, "r", Opened{}, ClosedSystem{System: "a", Incomplete: true})
	if again, _ := j.Memory().LastRead("a"); !ok || !again.Equal(at) {
		t.Errorf("%s, and after what wasn't whole %s", at, again)
	}
	mustAppend(t, j, "r", ClosedSystem{System: "a"})
	if last, _ := j.Memory().LastRead("a"); !last.After(at) {
		t.Error("an apply that read it whole doesn't count")
	}
	if got := j.Memory().Looked(); !slices.Equal(got, []string{"a"}) {
		t.Errorf("looked at %q", got)
	}
}

// What went long ago is forgotten; what is open never is.
func TestGoneIsForgotten(t *testing.T) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	j, err := Open(t.Context(), &memStore{}, func() time.Time { return at })
	if err != nil {
		t.Fatal(err)
	}
	mustAppend(t, j, "", saw("a", "x", "y"), Told{To: "ops", Upto: 1}, saw("a", "-x"))
	at = at.Add(goneFor + time.Hour)
	mustAppend(t, j, "", saw("a"))
	if n := j.Memory().News("ops"); newsText(n) != "" || len(j.Memory().OpenDrift("a")) != 1 {
		t.Errorf("%q, open %v", newsText(n), j.Memory().OpenDrift("a"))
	}
}
