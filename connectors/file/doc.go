// Package file is the connector of a system that is one file in the repository: written by
// Accord, pleasant to read, review and edit by hand. It is the system to begin with, and the
// one for access that no machine enforces: keys in a cabinet, a list at the front desk.
//
//	# Who has what on reception.
//	version: 1
//	accounts:
//	  alice:
//	    name: Alice Liddell
//	    access:
//	      app/badges: [use, audit]
//	      group/desk: owner
//	  bob:
//	    disabled: true
//	groups:
//	  desk:
//	    description: The front desk
//	    access:
//	      folder/visitors: write
//	folders:
//	  visitors: {}
//	apps:
//	  badges: {}
//	...
//
// The last line, three dots, says that the file is whole. A file without it was cut off, and
// what is missing from it must not look as if it had been taken away: reading it fails with
// connectors.ErrIncomplete, as does everything that the reader doesn't know: unknown keys,
// keys that are there twice, anchors and aliases, names that nothing stands for. A file that
// is missing fails too unless the setting "create" says that the system is a new one.
//
// Writing sorts everything, keeps the comment at the top and drops all others. It replaces
// the file in one step (a temporary file beside it, synced and renamed), so that a reader, or
// a crash at any moment, finds the old content or the new one. Writers exclude each other by
// a lock on the folder and read the file again under it, so that nobody's change is lost; an
// edit by hand that comes between is noticed and built upon.
//
// Reading and writing take time and memory in proportion to the file: with 10,000 accounts of
// 5 grants each, about 25 ms to read it as Accord writes it, 200 ms if it was edited into
// something else (BenchmarkParse, BenchmarkParseYAML; see written.go), and 130 ms to change it
// (BenchmarkApply). Every change writes the whole file, so that changes one by one grow with the
// square; Description.Batch is access.BatchAll so that a plan needs one write.
package file
