// Package connectors defines what Accord asks of a system's connector. The contract stands in
// the comments of this file; the laws of connectors/connectortest hold each connector to it;
// connectors/memory is the reference.
//
// A connector knows one kind of system. It translates between that system and the vocabulary
// of engine/access, and decides nothing: what is to change, in which order, and whether it is
// allowed, is the engine's. It never prints, never reads the environment, never keeps state
// between runs, and starts no goroutine that outlives a call.
package connectors

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/accordhq/accord/engine/access"
)

// Reader is the half of a connector that can't change anything. It is all that planning gets.
type Reader interface {
	// Describe says what the connector can do. It is static: the same value each time, with
	// no I/O and no secrets, and it works on a connector that never connected.
	Describe() access.Description

	// Normalize rewrites an object as declared into the form in which Read would return it:
	// case, defaults, spelling of names, attributes that can't be told apart. Names of
	// subjects and targets of grants pass through it as objects without attributes.
	// It does no I/O, changes nothing it was given, and is idempotent; what was read comes
	// back as it was. It may be called at any time, also while a Read is under way. A name or an
	// attribute that the system can't hold is an error that says what the system allows. Two
	// declared names that become one are twins; the engine refuses them, so Normalize must map
	// all names that the system takes for the same to one form.
	Normalize(access.Object) (access.Object, error)

	// Read says what is on the system: everything, or, if the scope names objects, these and
	// the grants that they hold. It sees only committed truth (never a cache), sets the
	// identity of the target and, if there is one, Accord's own account.
	//
	// An answer is complete or says what it lacks: what couldn't be seen for want of a right,
	// because a page failed or an answer made no sense, is marked by Builder.Unknown, or the
	// whole Read fails with an error (ErrIncomplete, ErrDenied, …) and a nil state. Nothing
	// that wasn't seen may look as if it weren't there. A scoped read agrees with the whole
	// read about all that it covers; a named object that isn't there is simply not in it.
	// Read returns promptly with the context's error when that is done.
	Read(context.Context, Scope) (*access.State, error)

	// Close frees what the connector holds. Calling it again is harmless; so is closing one
	// that never connected.
	Close() error
}

// Connector can also write.
type Connector interface {
	Reader

	// Apply makes one change true and nothing else. It is called only with actions that
	// Describe names, for any change in any order that the plan's dependencies allow, by up to
	// Description.Parallel goroutines.
	//
	//   - It is idempotent: what is already true is no error, so that a change whose reply was
	//     lost can be repeated.
	//   - It refuses with ErrConflict, changing nothing, what is neither as Change.Before nor as
	//     Change.After says.
	//   - It refuses with ErrUnsupported, changing nothing, what Describe excludes, and with
	//     ErrDenied what Accord's own account may not do.
	//   - If it can't be known whether the change took place, the error is ErrOutcomeUnknown;
	//     the engine then reads back instead of repeating.
	//   - Cancelled before it began, it changes nothing.
	//
	// Disable means that the account can't be used from then on, as far as the system lets
	// itself be told: sessions that are open are ended too where the system can do that.
	Apply(context.Context, access.Change) error
}

// Batcher is the optional ability to take several changes as one unit. Without it each
// change is applied by itself.
type Batcher interface {
	// ApplyBatch makes all changes true, or none: on an error nothing is changed (except with
	// ErrOutcomeUnknown). They come in order, and are such as Description.Batch allows in one
	// unit. ApplyBatch ends where single Apply calls in the same order would end. When a batch
	// fails, the engine takes out the changes that a BatchError blames and repeats the rest;
	// without one it splits the batch, so that in the end one bad change holds back only itself.
	// Batches of one target each come from up to Description.Parallel goroutines.
	ApplyBatch(context.Context, []access.Change) error
}

// SeriesBatcher is the optional ability of a Batcher to ask less often for what several batches are
// about: an account that is put into five groups needn't be looked up five times.
type SeriesBatcher interface {
	Batcher

	// Series gives a Batcher for batches that come close upon one another, as the grants of one run
	// do. It does what ApplyBatch does, except that what it was told of a subject (that it is there,
	// and where) may serve the other batches of the series, for the time of Fresh at most and only
	// where it would be accepted. What is refused it has looked up anew, and what is held it never
	// remembers. Whether a subject went away in that short time is told by reading back.
	Series() Batcher
}

// Fresh is for how long a series may go by what it was told of a subject.
const Fresh = 2 * time.Second

// Creator is the optional ability to make many objects faster together than one at a time, with
// Description.Creates above one. Each is made, or isn't, by itself.
type Creator interface {
	// CreateEach makes objects of one kind, of which none depends on another, and tells what
	// became of each, in their order: nil, or the error that Apply would return for it. One that
	// fails is no reason to leave out others. It begins as many writes at a time as the
	// description allows calls of Apply, and isn't called beside other calls that write.
	CreateEach(context.Context, []access.Change) []error
}

// BatchError tells which changes made a batch fail. Nothing was changed.
type BatchError struct {
	// Failed has the error of each change that is to blame, by its index in the batch.
	Failed map[int]error
}

// Error tells the first of the errors, in the order of the batch.
func (e *BatchError) Error() string {
	keys := slices.Sorted(maps.Keys(e.Failed))
	if len(keys) == 0 {
		return "the batch failed"
	}
	if len(keys) == 1 {
		return e.Failed[keys[0]].Error()
	}
	return fmt.Sprintf("%v (and %d more)", e.Failed[keys[0]], len(keys)-1)
}

// Unwrap gives the errors, in the order of the batch.
func (e *BatchError) Unwrap() []error {
	var out []error
	for _, k := range slices.Sorted(maps.Keys(e.Failed)) {
		out = append(out, e.Failed[k])
	}
	return out
}

// Scope says what a Read is about.
type Scope struct {
	// IDs are the objects asked for; nil means everything.
	IDs []access.ID
}

// Whole reports whether everything is asked for.
func (s Scope) Whole() bool { return s.IDs == nil }

// The errors that the engine acts upon. Connectors wrap them with what they were doing and
// the ref concerned; a credential is never part of an error.
var (
	// ErrUnsupported: the system can't do this, ever.
	ErrUnsupported = errors.New("not supported by this system")
	// ErrDenied: Accord's own account lacks the right. The message names the right.
	ErrDenied = errors.New("permission denied")
	// ErrConflict: what was planned upon is no longer so. Nothing was changed.
	ErrConflict = errors.New("changed since it was planned")
	// ErrIncomplete: the answer can't be trusted to be whole. There is no state.
	ErrIncomplete = errors.New("incomplete answer")
	// ErrOutcomeUnknown: the change may or may not have taken place.
	ErrOutcomeUnknown = errors.New("outcome unknown")
)

// Type is one kind of connector, as listed by connectors/all.
type Type struct {
	// Name is what stands under `connector:` in a system's document.
	Name string
	// Describe returns what an opened connector's Describe returns.
	Describe func() access.Description
	// Open makes a connector from its configuration. It does no I/O and resolves no secret:
	// the first Read or Apply connects. So Normalize can be used without any access at all.
	Open func(Config) (Connector, error)
}

// Config is all that a connector gets from outside.
type Config struct {
	// System is the system's name in the repository, for errors and refs.
	System string
	// Settings are the values of `config:`, checked against Description.Settings.
	Settings Settings
	// Dir is the folder that settings of type path are relative to: the root of the access
	// repository. Paths were checked to stay inside it.
	Dir string
	// ReadOnly asks that the connection itself can't write, where the system offers that
	// (a read-only transaction, a file opened for reading). Apply is never called then.
	ReadOnly bool
	// Secret resolves a reference at the moment that it is needed.
	Secret func(context.Context, SecretRef) (Secret, error)
	// HTTP is the transport for connectors that speak HTTP; nil means the default.
	HTTP http.RoundTripper
	// Log gets debug messages; never nil, never a credential.
	Log *slog.Logger
	// Now is the clock.
	Now func() time.Time
}

// Settings are a system's `config:` values by key.
type Settings map[string]Value

// Value is one setting; the field that its SettingType names is set.
type Value struct {
	Text   string
	Texts  []string
	Secret SecretRef
	Bool   bool
	Number int
	Period time.Duration
}

// SecretRef says where a secret is to be had: exactly one field is set.
type SecretRef struct {
	Env  string `json:"env,omitempty"`
	File string `json:"file,omitempty"`
}

// String names the reference, which is no secret.
func (r SecretRef) String() string {
	switch {
	case r.Env != "":
		return "env " + r.Env
	case r.File != "":
		return "file " + r.File
	}
	return "no secret"
}

// Secret is a credential that can't be printed by accident.
type Secret struct{ value string }

// NewSecret wraps a credential.
func NewSecret(value string) Secret { return Secret{value} }

// Reveal gives the credential itself, for the one place that hands it to the system.
func (s Secret) Reveal() string { return s.value }

// String never shows the credential.
func (s Secret) String() string { return "[secret]" }

// GoString never shows the credential.
func (s Secret) GoString() string { return "[secret]" }

// MarshalText never shows the credential.
func (s Secret) MarshalText() ([]byte, error) { return []byte("[secret]"), nil }

// LogValue never shows the credential.
func (s Secret) LogValue() slog.Value { return slog.StringValue("[secret]") }

// ReadOnly hides everything but the reading half: not even a type assertion finds the other. An
// Auditor stays one.
func ReadOnly(c Reader) Reader {
	if a, ok := c.(Auditor); ok {
		return readOnlyAuditor{readOnly{c}, a}
	}
	return readOnly{c}
}

type readOnlyAuditor struct {
	readOnly
	a Auditor
}

func (w readOnlyAuditor) Traces(ctx context.Context, ids []access.ID) ([]access.Trace, error) {
	return w.a.Traces(ctx, ids)
}

type readOnly struct{ r Reader }

func (w readOnly) Describe() access.Description                             { return w.r.Describe() }
func (w readOnly) Normalize(o access.Object) (access.Object, error)         { return w.r.Normalize(o) }
func (w readOnly) Read(ctx context.Context, s Scope) (*access.State, error) { return w.r.Read(ctx, s) }
func (w readOnly) Close() error                                             { return w.r.Close() }
