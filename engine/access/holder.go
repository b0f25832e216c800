package access

import (
	"iter"
	"time"
)

// HolderStatus says what a person's or service's accounts are to be.
type HolderStatus string

// The statuses of a holder at one instant.
const (
	// HolderActive: accounts are wanted where a grant is.
	HolderActive HolderStatus = "active"
	// HolderLeave: accounts are disabled where the system can, else everything is revoked;
	// nothing is deleted.
	HolderLeave HolderStatus = "leave"
	// HolderLeft: everything is taken away, everywhere, first.
	HolderLeft HolderStatus = "left"
	// HolderUpcoming: the first day hasn't come yet.
	HolderUpcoming HolderStatus = "upcoming"
)

// Holder links an account on one system to the person or service it belongs to.
type Holder struct {
	Account ID
	// Was are the names that the account may still have: those it had before the person's
	// document was renamed and, for somebody who left, the one last applied.
	Was []ID
	// Person is the id of the person or service.
	Person  string
	Service bool
	Status  HolderStatus
	// Why points to the line that the status comes from.
	Why Link
	// Since is when the person left, where the declaration tells; zero if it doesn't.
	Since time.Time
	// Wanted says that the account is to be there: the holder has an active grant.
	Wanted bool
}

// Declared is the declared state of one system at one instant, with its explanations. It is
// what the pure packages see of a resolved declaration.
type Declared interface {
	// State holds the accounts that are wanted, the resources that are declared, and what
	// they hold.
	State() *State
	// Holders are all links of accounts to people, sorted by account: wanted or not, leavers
	// included.
	Holders() iter.Seq[Holder]
	// Holder returns the link of one account.
	Holder(account ID) (Holder, bool)
	// Absent are the resources declared absent, each with the line that says so.
	Absent() map[ID]Link
	// Reasons returns why the subject has the permission on the target, for all time, active
	// ones first. Of kinds with levels an empty permission asks for every level.
	Reasons(subject, target ID, permission string) []Reason
	// Line points to the declaration of an object: a resource or an account's person.
	Line(id ID) Link
}
