package memory

import (
	"slices"
	"time"

	"github.com/accordhq/accord/engine/access"
)

// Option changes what kind of system it is.
type Option func(*System)

// Named gives the connector another name than "memory", so that one registry can hold several.
func Named(name string) Option { return func(s *System) { s.desc.Connector = name } }

// Description changes what the connector says of itself, and with it what the system takes.
func Description(change func(*access.Description)) Option { return func(s *System) { change(&s.desc) } }

// Without takes actions away from a kind: Without("account", access.Disable, access.Enable).
func Without(kind string, actions ...access.Action) Option {
	return Description(func(d *access.Description) {
		d.Kinds = slices.Clone(d.Kinds)
		for i, k := range d.Kinds {
			if k.Name == kind {
				d.Kinds[i].Actions = slices.DeleteFunc(slices.Clone(k.Actions), func(a access.Action) bool {
					return slices.Contains(actions, a)
				})
			}
		}
	})
}

// Parallel says how many writes the system takes at a time.
func Parallel(n int) Option { return Description(func(d *access.Description) { d.Parallel = n }) }

// Batch makes the connector a connectors.Batcher that takes such units.
func Batch(u access.BatchUnit) Option {
	return Description(func(d *access.Description) { d.Batch = u })
}

// Creates announces that the connector makes that many objects in one call.
func Creates(n int) Option { return Description(func(d *access.Description) { d.Creates = n }) }

// Settle announces a settle time without any delay: see Delay.
func Settle(d time.Duration) Option {
	return Description(func(desc *access.Description) { desc.Settle = d })
}

// Delay shows each write only so long after it was made, by the clock of Clock, and announces
// it as the settle time. Dump shows the truth at once.
func Delay(d time.Duration) Option {
	return func(s *System) {
		s.delay = d
		s.desc.Settle = d
	}
}

// Clock sets the clock that Delay goes by; time.Now if left out.
func Clock(now func() time.Time) Option { return func(s *System) { s.now = now } }

// CaseBlind makes names that differ in case alone the same name. The system keeps and returns
// them in lower case.
func CaseBlind() Option {
	return func(s *System) {
		s.caseBlind = true
		s.desc.Kinds = slices.Clone(s.desc.Kinds)
		for i := range s.desc.Kinds {
			s.desc.Kinds[i].Verbatim, s.desc.Kinds[i].Folded = false, true
		}
	}
}

// Invites makes grants on these kinds invitations: they are pending until Mark says otherwise.
func Invites(kinds ...string) Option { return func(s *System) { s.invites = kinds } }

// Identity sets the identity that Read reports; "memory SYSTEM" if left out.
func Identity(identity string) Option { return func(s *System) { s.identity = identity } }

// Self sets Accord's own account, as Read reports it.
func Self(id access.ID) Option { return func(s *System) { s.self = id } }

// Token makes the system ask for a credential, in the setting "token"; without it every call
// is denied.
func Token(token string) Option { return func(s *System) { s.token = token } }
