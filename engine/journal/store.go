package journal

import "context"

// Store keeps the lines of one journal. It knows nothing of what they say.
type Store interface {
	// Load returns all lines as they are. A journal that doesn't exist yet is empty, and
	// Load doesn't make it.
	Load(ctx context.Context) ([]byte, error)
	// Append adds whole lines, each with its newline, at the end. When it returns nil they are
	// durable: they survive a crash of the process and of the machine. When it returns an
	// error they may be there wholly, in part or not at all.
	Append(ctx context.Context, lines []byte) error
	// Truncate cuts the journal to that size, durably. It is only ever used to drop
	// last lines that a crash had cut short.
	Truncate(ctx context.Context, size int64) error
	// String says where the journal is, for messages.
	String() string
}

// Shared is implemented by stores that other processes may append to at the same time. Runs on
// different systems share one journal.
type Shared interface {
	Store
	// Lock keeps all other writers out until unlock is called.
	Lock(ctx context.Context) (unlock func(), err error)
	// LoadFrom returns what stands behind the offset; it fails if the journal is shorter.
	LoadFrom(ctx context.Context, offset int64) ([]byte, error)
}
