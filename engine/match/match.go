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
	Live  *access.State
	Rules []Rule
	// People are those whom an id or an attribute may name.
	People []Person
	// Named are the ids of the people whose account is called so, sorted, those of People among
	// them. It is asked about live accounts only. Nil: People are everybody.
	Named func(account access.ID) []string
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

	matcher *matcher
	owners  map[access.ID]string // of accounts that more than their name was told of; "": disputed
}

// Owner is the person to whom an account is linked, "" if it is nobody's or disputed.
func (r Result) Owner(id access.ID) string {
	if p, ok := r.owners[id]; ok || r.matcher == nil {
		return p
	}
	if o, ok := r.matcher.Live.Object(id); ok && r.matcher.linkable(o) {
		if people := r.matcher.names(id); len(people) == 1 {
			return people[0]
		}
	}
	return ""
}

// claim is what one rule says of one account.
type claim struct {
	person string
	rule   Rule
}

// claimed is an account of which more than its name is told, or the name is that of several.
type claimed struct {
	id     access.ID
	claims []claim
	people []string // sorted
}

// Match links. Its cost is linear in the accounts and the people.
func Match(in Input) Result {
	m := newMatcher(in)
	var all []claimed // sorted, as the objects are
	byPerson := make(map[string][]access.ID, len(in.People))
	for o := range in.Live.Objects() {
		if !m.linkable(o) {
			continue
		}
		if len(in.People) == 0 && len(m.names(o.ID)) < 2 {
			continue // nobody has an account but by its name, and has no other
		}
		claims := m.claims(o)
		if len(claims) == 0 {
			continue
		}
		people := peopleOf(claims)
		all = append(all, claimed{o.ID, claims, people})
		for _, p := range people {
			byPerson[p] = append(byPerson[p], o.ID)
		}
	}
	out := Result{matcher: m, owners: make(map[access.ID]string, len(all))}
	for _, c := range all {
		switch others := byPerson[c.people[0]]; {
		case len(c.people) > 1:
			out.Disputes = append(out.Disputes, Dispute{c.id, c.people, "it is " + said(c.claims)})
			out.owners[c.id] = ""
		case len(others) > 1:
			out.Disputes = append(out.Disputes, Dispute{c.id, c.people, fmt.Sprintf("%s are all accounts of %s", names(others), c.people[0])})
			out.owners[c.id] = ""
		default:
			out.owners[c.id] = c.people[0]
			if declared, ok := m.account[c.people[0]]; ok && declared != c.id {
				out.Links = append(out.Links, Link{c.id, c.people[0], c.claims[0].rule, declared})
			}
		}
	}
	return out
}

type matcher struct {
	Input
	byName  map[access.ID][]string // where Named doesn't tell
	byValue []map[string][]string  // by rule, folded
	account map[string]access.ID
	called  bool // ByName is a rule
}

// linkable reports whether an object is an account that may be somebody's.
func (m *matcher) linkable(o access.Object) bool {
	return o.ID.IsAccount() && !o.Reserved && o.ID != m.Live.Self()
}

// names are the people of whom a rule says so by the account's name.
func (m *matcher) names(id access.ID) []string {
	switch {
	case !m.called:
		return nil
	case m.Named != nil:
		return m.Named(id)
	}
	return m.byName[id]
}

func newMatcher(in Input) *matcher {
	m := &matcher{Input: in, byName: map[access.ID][]string{}, byValue: make([]map[string][]string, len(in.Rules)), account: make(map[string]access.ID, len(in.People))}
	for i, r := range in.Rules {
		m.byValue[i] = map[string][]string{}
		m.called = m.called || r.By == ByName
	}
	for _, p := range in.People {
		m.account[p.ID] = p.Account
		if in.Named == nil {
			m.byName[p.Account] = append(m.byName[p.Account], p.ID)
		}
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
	out := make([]claim, 0, len(m.Rules))
	for i, r := range m.Rules {
		var people []string
		switch {
		case r.By == ByName:
			people = m.names(o.ID)
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
	out := make([]string, len(claims))
	for i, c := range claims {
		out[i] = c.person
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
