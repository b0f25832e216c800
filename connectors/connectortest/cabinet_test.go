package connectortest_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/connectors/connectortest"
	"github.com/accordhq/accord/engine/access"
)

// server is the key cabinet itself: what the connector of example_test.go speaks to.
type server struct {
	proxy *connectortest.HTTPProxy

	mu       sync.Mutex
	people   map[string]person
	versions map[string]int
	count    int
}

// perPage is how many people are on a page.
const perPage = 7

func keys() []string { return []string{"archive", "cellar", "front door"} }

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Header.Get("Authorization") != "Bearer "+connectortest.Canary {
		http.Error(w, "who are you?", http.StatusUnauthorized)
		return
	}
	name, one := strings.CutPrefix(r.URL.EscapedPath(), "/people/")
	name, err := url.PathUnescape(name)
	name = strings.ToLower(name)
	switch {
	case err != nil:
		http.Error(w, err.Error(), http.StatusBadRequest)
	case r.URL.Path == "/cabinet":
		s.say(w, map[string]any{"serial": "KC-7", "keys": keys()})
	case r.URL.Path == "/people":
		s.page(w, r.URL.Query().Get("after"))
	case one:
		s.person(w, r, name)
	default:
		http.NotFound(w, r)
	}
}

func (s *server) say(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

func (s *server) page(w http.ResponseWriter, after string) {
	names := slices.Sorted(maps.Keys(s.people))
	i, found := slices.BinarySearch(names, after)
	if found {
		i++
	}
	page, next := []person{}, ""
	for _, n := range names[i:min(i+perPage, len(names))] {
		page = append(page, s.people[n])
		next = n
	}
	if i+perPage >= len(names) {
		next = ""
	}
	s.say(w, map[string]any{"people": page, "next": next, "total": len(names)})
}

func (s *server) person(w http.ResponseWriter, r *http.Request, name string) {
	p, there := s.people[name]
	if r.Method == http.MethodGet {
		if !there {
			http.Error(w, "nobody", http.StatusNotFound)
			return
		}
		w.Header().Set("ETag", fmt.Sprint(s.versions[name]))
		s.say(w, p)
		return
	}
	if match := r.Header.Get("If-Match"); there && match != fmt.Sprint(s.versions[name]) || !there && match != "" {
		http.Error(w, "changed meanwhile", http.StatusPreconditionFailed)
		return
	}
	if r.Method == http.MethodDelete {
		delete(s.people, name)
		w.WriteHeader(http.StatusNoContent)
		return
	}
	p = person{}
	if err := json.NewDecoder(r.Body).Decode(&p); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.put(name, p)
	s.say(w, p)
}

func (s *server) put(name string, p person) {
	s.count++
	p.ID = name
	s.people[name], s.versions[name] = p, s.count
}

// Step 2: reach the far side by other means. Here that is the map behind the service.

func (s *server) Seed(t testing.TB, state *access.State) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for o := range state.Objects() {
		if o.ID.IsAccount() {
			s.put(o.ID.Name, person{Name: o.Attributes["name"], Blocked: o.Disabled})
		}
	}
	for _, g := range state.Grants() {
		p := s.people[g.Subject.Name]
		p.Keys = maps.Clone(p.Keys)
		if p.Keys == nil {
			p.Keys = map[string]string{}
		}
		p.Keys[g.Target.Name] = g.Permission
		s.put(g.Subject.Name, p)
	}
}

func (s *server) Dump(t testing.TB) *access.State {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := access.NewBuilder("cabinet")
	for _, k := range keys() {
		b.Object(access.Object{ID: access.ID{Kind: "key", Name: k}, Reserved: true})
	}
	for name, p := range s.people {
		o := access.Object{ID: access.Account(name), Disabled: p.Blocked, Attributes: map[string]string{}}
		if p.Name != "" {
			o.Attributes["name"] = p.Name
		}
		b.Object(o)
		for k, level := range p.Keys {
			b.Grant(access.Grant{Subject: o.ID, Target: access.ID{Kind: "key", Name: k}, Permission: level})
		}
	}
	state, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return state
}

// cabinetHarness is the whole harness. The transport is what a broken connector's client does
// to the answers; nil for the sound one.
func cabinetHarness(transport http.RoundTripper) connectortest.Harness {
	return connectortest.Harness{
		Type: cabinetType,
		Open: func(t testing.TB) (connectors.Connector, connectortest.System) {
			s := &server{people: map[string]person{}, versions: map[string]int{}}
			web := httptest.NewServer(s)
			t.Cleanup(web.Close)
			s.proxy = connectortest.NewHTTPProxy(t, web.URL)
			cfg := connectortest.Config(t)
			cfg.HTTP = transport
			cfg.Settings = connectors.Settings{"url": {Text: s.proxy.URL}, "token": {Secret: connectors.SecretRef{Env: "TOKEN"}}}
			c, err := cabinetType().Open(cfg)
			if err != nil {
				t.Fatal(err)
			}
			return c, s
		},
		Server: func(testing.TB) string { return "a key cabinet made for the test" },
		Fault: func(_ testing.TB, s connectortest.System, f connectortest.Fault) bool {
			return s.(*server).proxy.Fault(f)
		},
		Watch: func(_ testing.TB, s connectortest.System, seen func()) bool {
			s.(*server).proxy.Watch(seen)
			return true
		},
		Many: 3 * perPage,
	}
}

func TestExample(t *testing.T) {
	t.Parallel()
	connectortest.Run(t, cabinetHarness(nil))
}
