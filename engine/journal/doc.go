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
// Entries hold refs, names and values of changes, as plans do; never a credential.
package journal
