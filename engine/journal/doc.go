// Package journal is the append-only record of everything that Accord does, and Accord's only
// memory between runs.
//
// A journal is a file of JSON lines. Each line is one entry: its number, its time, the run that
// wrote it, the hash of the line before, what happened, and its own hash:
//
//	{"v":1,"seq":2,"time":"2026-11-23T10:02:11.1Z","run":"…","kind":"begun","prev":"…","data":{…},"hash":"…"}
//
// The hash is the SHA-256, in lower-case hex, of the line's bytes without the `,"hash":"…"`
// part (so the bytes that are hashed are again a JSON object). Each entry names the hash of its
// predecessor; so no line can be changed, taken out, put in or moved without breaking the chain
// from there on. The end can be cut off unseen: who wants to notice keeps a hash elsewhere and
// hands it to Verify.
//
// Whatever a later version changes, a line begins with its version and ends with its hash, so a
// journal that a newer Accord has written to (ErrVersion) isn't taken for a broken one.
//
// A line that was cut short at the end of the file is what a crash in mid-write leaves behind,
// and not tampering: such a tail is dropped at the next Append, and the entry "recovered"
// records how much of it there was. Anything else that doesn't fit is ErrBroken, and nothing is
// appended to a broken journal.
//
// Memory is what the record amounts to: the last applied revision of each system, which accounts
// Accord disabled and since when, what it took away lately, what it corrected how often, and
// which runs never came to their end, and who approved what was carried out. Without a journal Accord is more careful, never wrong; so
// Memory, too, takes the careful side wherever an outcome isn't known.
//
// Every command reads and verifies the journal whole, and asks little of it. So a file is read as
// far as its lines are gone through, memory keeps what was begun packed (a change takes some 20
// bytes), and what that amounts to is worked out system by system when somebody asks. Nothing of it
// is kept between runs: the journal is the one memory.
//
// # A record that is kept elsewhere
//
// Spooled keeps the lines of a journal in a Record, such as a git ref, that many runners write
// to. What a run appends is durable in its spool first, a file beside it; Publish adds it to the
// record. That is done when a run opens, when it is done with a system, and when it closes.
//
// One run at a time has such a journal open, whichever systems it is about: names of systems don't
// tell whether they are one and the same system, and a record with one writer at a time needs
// nobody to put entries in order. The record itself decides: it is only ever added to where this
// run has read it, so of two runs that open at once one is refused (ErrHeld), having done nothing.
// A run that was planned by an older record is refused as well (ErrMoved). No run is closed because
// another one finds it open: nobody can know of another machine whether it still is at work. A
// person closes it (Closed.By, Closed.Reason). If the run goes on all the same, it can't publish
// any more, and only takes access away from then on. A run that can't wait (Urgent) doesn't: it
// stays in its spool as long as another one is open, and so does what a look remembers.
//
// What couldn't be published stays in the spool, and is sent by the next run or by hand (Settle).
// If others have written to the record meanwhile, the spooled lines are chained anew behind
// theirs: a Late entry says how many there are, and by which hashes they were known where they
// were written. Their times, runs and data stay byte for byte, and only their numbers and hashes
// change. That is done only while no run is open. Memory takes late entries for what they are: they
// count towards limits at their own time, and never put back what is known from later. Of a run that
// somebody else had closed they still tell what it did.
//
// What was spooled by a runner that is gone for good is lost with it: of its last units the record
// then says no more than that the run was open, or that they were begun. As ever that is careful,
// not wrong: what was done is seen when the systems are read again.
//
// Entries hold refs, names and values of changes, as plans do; never a credential.
package journal
