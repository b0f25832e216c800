// Package gen makes believable organisations of any size from a seed, for tests, benchmarks and
// trials: people with departments, teams, managers, contractors, movers and leavers; groups by
// rule and by hand, nested; roles that reach across systems; grants with windows; a git history;
// and what is live on every system, differing from the declaration by a stated share.
//
// An Organisation knows by its own bookkeeping, not by resolving its own documents, who holds
// what: State and Live are what the engine can be held to. The same options give the same
// bytes, on every machine.
//
//	people.go    who there is
//	access.go    what they hold, and why
//	files.go     the documents that say so
//	live.go      what is on the systems, with drift
//	history.go   the commits that led there
//	orggen       the command: an access repository on disk
package gen
