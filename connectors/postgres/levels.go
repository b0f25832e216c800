package postgres

import (
	"slices"
	"strings"
)

// mask is a set of PostgreSQL's object privileges.
type mask uint16

const (
	privSelect mask = 1 << iota
	privInsert
	privUpdate
	privDelete
	privTruncate
	privReferences
	privTrigger
	privMaintain
	privUsage
	privCreate
	privConnect
	privTemporary
)

// privNames are the privileges' names in the order of their bits, as aclexplode gives them and
// GRANT takes them.
// https://www.postgresql.org/docs/current/ddl-priv.html
func privNames() []string {
	return []string{
		"SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN",
		"USAGE", "CREATE", "CONNECT", "TEMPORARY",
	}
}

// list writes the set as GRANT and REVOKE want it.
func (m mask) list() string {
	var names []string
	for i, name := range privNames() {
		if m&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

// The classes of what a level covers. Databases and schemas have only the first.
const (
	classMain     = iota // the object itself; tables and what is like one
	classSequence        // the sequences of a schema
	classes
)

// step is one level: what its holder has on each thing of each class.
type step struct {
	name, doc string
	has       [classes]mask
}

// ladder are the levels of a kind, lowest first; each holds all of the one below.
type ladder []step

// ladderOf gives the levels of a kind as the major version of the server knows them.
func ladderOf(kind string, major int) ladder {
	switch kind {
	case kindDatabase:
		return ladder{
			{"read", "CONNECT", [classes]mask{privConnect}},
			{"write", "CONNECT and TEMPORARY", [classes]mask{privConnect | privTemporary}},
			{"all", "CONNECT, TEMPORARY and CREATE", [classes]mask{privConnect | privTemporary | privCreate}},
		}
	case kindSchema:
		return ladder{
			{"read", "USAGE", [classes]mask{privUsage}},
			{"all", "USAGE and CREATE", [classes]mask{privUsage | privCreate}},
		}
	case kindTables:
		read, seqRead := privSelect, privSelect
		write, seqWrite := read|privInsert|privUpdate|privDelete, seqRead|privUsage
		all, seqAll := write|privTruncate|privReferences|privTrigger, seqWrite|privUpdate
		if major >= 17 {
			all |= privMaintain
		}
		return ladder{
			{"read", "SELECT, on sequences too", [classes]mask{read, seqRead}},
			{"write", "SELECT, INSERT, UPDATE and DELETE; SELECT and USAGE on sequences", [classes]mask{write, seqWrite}},
			{"all", "every privilege, on sequences too", [classes]mask{all, seqAll}},
		}
	}
	return nil
}

// step finds a level by name.
func (l ladder) step(name string) (step, bool) {
	i := slices.IndexFunc(l, func(s step) bool { return s.name == name })
	if i < 0 {
		return step{}, false
	}
	return l[i], true
}

const partialPrefix = "partial-"

// partial names the incomplete form of a level.
func partial(level string) string { return partialPrefix + level }

// span sums up what somebody holds on many things of one class: how many there are, what is
// held on at least one, what on every one.
type span struct {
	n          int
	some, each mask
}

// add takes n things into account, on each of which m is held.
func (s *span) add(m mask, n int) {
	if n <= 0 {
		return
	}
	if s.n == 0 {
		s.each = m
	}
	s.n += n
	s.some |= m
	s.each &= m
}

// of names the level that the spans amount to: the lowest that holds all that is held
// anywhere, in full if it is held everywhere, else its incomplete form. It is "" if nothing is
// held.
func (l ladder) of(s [classes]span) string {
	if s[classMain].some|s[classSequence].some == 0 {
		return ""
	}
	name := l.lowest(s)
	st, _ := l.step(name)
	if s[classMain].full(st.has[classMain]) && s[classSequence].full(st.has[classSequence]) {
		return name
	}
	return partial(name)
}

// lowest names the lowest level that holds all that is held anywhere: the top one if there is
// a privilege that Accord doesn't know.
func (l ladder) lowest(s [classes]span) string {
	for _, st := range l {
		if s[classMain].some&^st.has[classMain] == 0 && s[classSequence].some&^st.has[classSequence] == 0 {
			return st.name
		}
	}
	return l[len(l)-1].name
}

func (s span) full(m mask) bool { return s.n == 0 || s.each == m }

// single is the spans of one object.
func single(m mask) [classes]span {
	var s [classes]span
	s[classMain].add(m, 1)
	return s
}
