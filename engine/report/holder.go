package report

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/accordhq/accord/engine/access"
)

// WhoState compares what is declared of a holder with what is live.
type WhoState string

// The states, in the order of a report: first what somebody should look at.
const (
	WhoUndeclared WhoState = "live-not-declared"
	WhoDiffers    WhoState = "other-level" // of levels another one is live
	WhoUnknown    WhoState = "unknown"     // it couldn't be seen
	WhoPending    WhoState = "pending"     // invited, and not accepted yet
	WhoMissing    WhoState = "declared-not-live"
	WhoHeld       WhoState = "declared-and-live"
	WhoImplied    WhoState = "implied"  // it follows from something else that is held there
	WhoNotRead    WhoState = "not-read" // declared; the system wasn't read
)

var whoStates = []struct {
	state WhoState
	title string
}{
	{WhoUndeclared, "Live, not declared"},
	{WhoDiffers, "Live at another level than declared"},
	{WhoUnknown, "Declared, and not seen whether it is live"},
	{WhoPending, "Invited, not accepted yet"},
	{WhoMissing, "Declared, not live"},
	{WhoHeld, "Declared, and live"},
	{WhoImplied, "Live through something else that is held there"},
	{WhoNotRead, "Declared"},
}

func (s WhoState) rank() int {
	return slices.IndexFunc(whoStates, func(o struct {
		state WhoState
		title string
	}) bool {
		return o.state == s
	})
}

// WhoHolder is one way in which somebody holds it.
type WhoHolder struct {
	// Person is whose the account is; empty: nobody's, as far as is known. Name is the name as
	// declared.
	Person, Name string
	Service      bool
	Status       access.HolderStatus
	// Subject is the account, or the resource that holds it.
	Subject access.ID
	// Target is zero for an account that holds nothing.
	Target access.ID
	// Permission is what is declared, Live what is really there; each empty where nothing is.
	Permission, Live string
	State            WhoState
	Declared         bool
	// Via are the resources between, from the one that the subject holds to the one that holds
	// the target; empty: the subject holds it itself.
	Via []access.ID
	// Disabled says that the account can't be used, Own that it is Accord's, Reserved that it is
	// the system's.
	Disabled, Own, Reserved bool
	// From and Until are when the declared access began and ends by itself; zero: no such time.
	From, Until time.Time
	// Reasons are why it is declared now; with Via the chain goes on from the person's own grant
	// to the target.
	Reasons []access.Reason
}

// Compare orders holders: by target, what needs attention first, people before others, by name.
func (h WhoHolder) Compare(o WhoHolder) int {
	return cmp.Or(
		h.Target.Compare(o.Target), cmp.Compare(h.State.rank(), o.State.rank()),
		strings.Compare(h.who(), o.who()), h.Subject.Compare(o.Subject),
		cmp.Compare(len(h.Via), len(o.Via)), slices.CompareFunc(h.Via, o.Via, access.ID.Compare),
		strings.Compare(h.Permission+h.Live, o.Permission+o.Live),
	)
}

// who names the holder for people.
func (h WhoHolder) who() string {
	switch {
	case h.Person != "":
		return h.Person
	case h.Subject.IsAccount():
		return "account " + quoteName(h.Subject.Name)
	}
	return h.Subject.String()
}

// level is the permission as it is, and, where that is another one, as it is declared.
func (h WhoHolder) level() string {
	switch {
	case h.State == WhoDiffers:
		return h.Live + ", declared " + h.Permission
	case h.Permission != "":
		return h.Permission
	}
	return h.Live
}
