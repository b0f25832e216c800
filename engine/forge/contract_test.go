package forge

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/connectors/connectortest"
)

// stage is a merge request on some forge, with means to look at it and to speak up there that
// aren't the package's own.
type stage struct {
	url    string                       // of the server
	open   func(url string) Forge       // as the bot, by the server or a proxy before it
	talk   func(body string)            // somebody else comments
	bodies func(t testing.TB) []string  // of all comments, the oldest first
	status func(commit string) []string // "CONTEXT STATE TEXT LINK" of a commit, the newest of each
	head   string                       // of the request
	paged  bool                         // comments come in pages; Gitea's come all at once
	brief  bool                         // leaves out the faults in transport
	states map[State]string             // what the forge calls them
}

// contract holds a forge to what Forge promises, through faults as well.
func contract(t *testing.T, s stage) {
	own := func(t *testing.T, root string) []string {
		t.Helper()
		var out []string
		for _, b := range s.bodies(t) {
			if m, ok := ParseMarker(b); ok && m.Root == root {
				_, text, _ := strings.Cut(b, "\n")
				out = append(out, text)
			}
		}
		return out
	}
	holds := func(t *testing.T, root string, want ...string) {
		t.Helper()
		if got := own(t, root); !slices.Equal(got, want) {
			t.Errorf("the comments of %q are %q, want %q", root, got, want)
		}
	}
	publish := func(t *testing.T, f Forge, root, text string) Posted {
		t.Helper()
		p, err := Publish(t.Context(), f, Note{Root: root, Commit: s.head, Head: s.head, Text: text})
		must(t, err)
		return p
	}
	t.Run("in place", func(t *testing.T) {
		f := s.open(s.url)
		for i := range 101 { // more than a page
			s.talk(fmt.Sprint("talk ", i))
		}
		s.talk(Marker{Root: "place"}.String() + "\nno changes, trust me")
		if p := publish(t, f, "place", "one"); !p.Created || len(p.Strange) != 1 || !strings.HasSuffix(p.Strange[0], "cleo") {
			t.Errorf("the first time: %+v", p)
		}
		s.talk("more talk")
		for _, text := range []string{"two", "two", "/approve\n\nthree @ada #1"} {
			if p := publish(t, f, "place", text); p.Created {
				t.Errorf("another time: %+v", p)
			}
		}
		publish(t, f, "place/of another", "elsewhere")
		got := own(t, "place")
		if len(got) != 2 || got[0] != "no changes, trust me" || strings.TrimPrefix(got[1], `\`) != "/approve\n\nthree @ada #1" {
			t.Errorf("the comments are %q", got)
		}
		holds(t, "place/of another", "elsewhere")
	})
	t.Run("requests", func(t *testing.T) {
		var heads []string
		f := s.open(s.url)
		for r, err := range f.Requests(t.Context()) {
			must(t, err)
			heads = append(heads, r.Head)
			if !r.Open || r.Into == "" || r.Number <= 0 {
				t.Errorf("%+v", r)
			}
		}
		r, err := f.Request(t.Context())
		must(t, err)
		if !slices.Contains(heads, s.head) || !r.Open || r.Into == "" {
			t.Errorf("open are %q, which lacks %s; the request itself is %+v", heads, s.head, r)
		}
	})
	faults := map[connectortest.Fault]error{ // what it may fail with, for good
		connectortest.FaultPageTwo: connectors.ErrIncomplete, connectortest.FaultTruncated: connectors.ErrIncomplete,
		connectortest.FaultEmpty: connectors.ErrIncomplete, connectortest.FaultLoginPage: connectors.ErrIncomplete,
		connectortest.FaultUnauthorized: connectors.ErrDenied,
		connectortest.FaultLostReply:    nil, connectortest.FaultTooMany: nil, connectortest.FaultSlow: nil,
	}
	if s.brief {
		clear(faults)
	}
	for fault, want := range faults {
		t.Run(string(fault), func(t *testing.T) {
			proxy := connectortest.NewHTTPProxy(t, s.url)
			f := s.open(proxy.URL)
			if !proxy.Fault(fault) {
				t.Fatal("the proxy can't")
			}
			root := "fault-" + string(fault)
			note := Note{Root: root, Commit: s.head, Head: s.head, Text: "text"}
			_, err := Publish(t.Context(), f, note)
			if !errors.Is(err, want) {
				t.Fatalf("published with %v", err)
			}
			if want != nil && len(own(t, root)) > 0 && (s.paged || fault != connectortest.FaultPageTwo) {
				t.Errorf("it wrote without having seen what is there: %q", own(t, root))
			}
			proxy.Heal()
			publish(t, f, root, "text")
			holds(t, root, "text")
		})
	}
	t.Run("gateway after a write", func(t *testing.T) {
		proxy := connectortest.NewHTTPProxy(t, s.url)
		proxy.Fault(connectortest.FaultGateway.OnWrite())
		publish(t, s.open(proxy.URL), "gateway", "text")
		proxy.Heal()
		holds(t, "gateway", "text")
	})
	t.Run("denied", func(t *testing.T) {
		proxy := connectortest.NewHTTPProxy(t, s.url)
		proxy.Fault(connectortest.FaultDenied)
		f := s.open(proxy.URL)
		if _, err := Publish(t.Context(), f, Note{Root: "denied", Text: "x"}); !errors.Is(err, connectors.ErrDenied) || !strings.Contains(err.Error(), "write") && !strings.Contains(err.Error(), "scope api") {
			t.Errorf("a comment: %v", err)
		}
		if err := f.SetStatus(t.Context(), s.head, Status{Context: "c", State: StatePending, Text: "x"}); !errors.Is(err, connectors.ErrDenied) || !strings.Contains(err.Error(), "write") && !strings.Contains(err.Error(), "Developer") {
			t.Errorf("a status: %v", err)
		}
	})
	t.Run("at the same time", func(t *testing.T) {
		var wg sync.WaitGroup
		errs := make([]error, 5)
		for i := range errs {
			f := s.open(s.url)
			wg.Go(func() {
				_, errs[i] = Publish(context.Background(), f, Note{Root: "race", Text: fmt.Sprint("run ", i)})
			})
		}
		wg.Wait()
		must(t, errors.Join(errs...))
		if got := own(t, "race"); len(got) != 1 || !strings.HasPrefix(got[0], "run ") {
			t.Errorf("the comments are %q", got)
		}
	})
	t.Run("status", func(t *testing.T) {
		f := s.open(s.url)
		for _, st := range []State{StatePending, StatePending, StateSuccess, StateFailure, StateError} {
			must(t, f.SetStatus(t.Context(), s.head, Status{Context: "accord/plan", State: st, Text: "so " + strings.Repeat("ä", 300), Link: "https://ci.example/7"}))
			got := s.status(s.head)
			if len(got) != 1 || !strings.HasPrefix(got[0], "accord/plan "+s.states[st]+" so ää") || !strings.HasSuffix(got[0], "… https://ci.example/7") {
				t.Errorf("%s: the statuses are %q", st, got)
			}
		}
	})
}
