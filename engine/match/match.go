// Package match tells whose account each live account is. It is pure: a state, people and
// rules in, links and disputes out.
//
// Each live account comes out as one of
//
//	linked     it is one person's, by the account's id, an attribute or its name
//	unmatched  it is nobody's: an orphan
//	disputed   the rules say different things of it, or it is one of several that are the same
//	           person's; nothing is done to it, nor to the account that the people would have
//	protected  a guard protects it; only its name can link it
//
// and people without any account are unlinked: theirs is yet to be made.
package match

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/accordhq/accord/engine/access"
)

// Rule is one way to tell whose account one is.
type Rule struct {
	// By is id, name or attribute.
	By string
	// Attribute is that of the live account, where By is attribute.
	Attribute string
}

// The ways.
const (
	ByID        = "id"
	ByName      = "name"
	ByAttribute = "attribute"
)

// String is how reports name the rule.
func (r Rule) String() string {
	if r.By == ByAttribute {
		return r.Attribute
	}
	return r.By
}

// Person is somebody who has or would have an account.
type Person struct {
	ID string
	// Account is the account as declared.
	Account access.ID
	// Values are what the attribute of each rule has to be, by the place of the rule; empty: it
	// can't match.
	Values []string
}

// Input is what is matched.
type Input struct {
	Live   *access.State
	Rules  []Rule
	People []Person
	// Known tells whose account had the id that the system assigned when it was last seen.
	Known map[string]string
	// Protected accounts are linked by nothing but their name.
	Protected func(access.ID) bool
}

// Link says that an account is somebody's although it isn't called as declared.
type Link struct {
	Account access.ID `json:"account"`
	Person  string    `json:"person"`
	// By is the rule that says so.
	By Rule `json:"-"`
	// Declared is the name that the account would have.
	Declared access.ID `json:"declared"`
}

// Dispute is an account of which it can't be told whose it is.
type Dispute struct {
	Account access.ID `json:"account"`
	// People are those who may be meant, sorted.
	People []string `json:"people"`
	Why    string   `json:"why"`
}

// Result is whose the accounts are.
type Result struct {
	// Links are those under another name than declared, sorted by account.
	Links []Link
	// Disputes are sorted by account.
	Disputes []Dispute
	// Owners are the people of all accounts that are linked.
	Owners map[access.ID]string
}

// claim is what one rule says of one account.
type claim struct {
	person string
	rule   Rule
}

// Match links. Its cost is linear in the accounts and the people.
func Match(in Input) Result {
	m := newMatcher(in)
	byAccount := map[access.ID][]claim{}
	byPerson := map[string][]access.ID{}
	for o := range in.Live.Objects() {
		if !o.ID.IsAccount() || o.Reserved || o.ID == in.Live.Self() {
			continue
		}
		claims := m.claims(o)
		if len(claims) == 0 {
			continue
		}
		byAccount[o.ID] = claims
		for _, p := range peopleOf(claims) {
			byPerson[p] = append(byPerson[p], o.ID)
		}
	}
	out := Result{Owners: map[access.ID]string{}}
	for _, id := range slices.SortedFunc(maps.Keys(byAccount), access.ID.Compare) {
		claims := byAccount[id]
		people := peopleOf(claims)
		switch others := byPerson[people[0]]; {
		case len(people) > 1:
			out.Disputes = append(out.Disputes, Dispute{id, people, "it is " + said(claims)})
		case len(others) > 1:
			out.Disputes = append(out.Disputes, Dispute{id, people, fmt.Sprintf("%s are all accounts of %s", names(others), people[0])})
		default:
			out.Owners[id] = people[0]
			if declared := m.account[people[0]]; declared != id {
				out.Links = append(out.Links, Link{id, people[0], claims[0].rule, declared})
			}
		}
	}
	return out
}

type matcher struct {
	Input
	byName  map[access.ID][]string
	byValue []map[string][]string // by rule, folded
	account map[string]access.ID
}

func newMatcher(in Input) *matcher {
	m := &matcher{Input: in, byName: map[access.ID][]string{}, byValue: make([]map[string][]string, len(in.Rules)), account: map[string]access.ID{}}
	for i := range in.Rules {
		m.byValue[i] = map[string][]string{}
	}
	for _, p := range in.People {
		m.account[p.ID] = p.Account
		m.byName[p.Account] = append(m.byName[p.Account], p.ID)
		for i, v := range p.Values {
			if v != "" && in.Rules[i].By == ByAttribute {
				m.byValue[i][strings.ToLower(v)] = append(m.byValue[i][strings.ToLower(v)], p.ID)
			}
		}
	}
	return m
}

// claims are what the rules say of an account, in their order.
func (m *matcher) claims(o access.Object) []claim {
	protected := m.Protected != nil && m.Protected(o.ID)
	var out []claim
	for i, r := range m.Rules {
		var people []string
		switch {
		case r.By == ByName:
			people = m.byName[o.ID]
		case protected:
		case r.By == ByID:
			if p, ok := m.Known[o.Native]; ok && o.Native != "" {
				if _, there := m.account[p]; there {
					people = []string{p}
				}
			}
		default:
			people = m.byValue[i][strings.ToLower(o.Attributes[r.Attribute])]
		}
		for _, p := range people {
			out = append(out, claim{p, r})
		}
	}
	return out
}

func peopleOf(claims []claim) []string {
	var out []string
	for _, c := range claims {
		out = append(out, c.person)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// said writes "ada's by mail and ben's by name".
func said(claims []claim) string {
	var out []string
	for _, c := range claims {
		if text := fmt.Sprintf("%s's by %s", c.person, c.rule); !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	return strings.Join(out, " and ")
}

func names(ids []access.ID) string {
	var out []string
	for _, id := range ids {
		out = append(out, id.Name)
	}
	return strings.Join(out, " and ")
}
