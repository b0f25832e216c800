// Package access is Accord's vocabulary: the words that every other package speaks and that
// none of them redefines. It imports nothing of this module, does no I/O and knows no system.
//
//	ID, Ref      the name of one thing in a system, and across systems
//	Object       an account, group, role or resource, with its attributes
//	Grant        an edge: a subject holds a permission on a target
//	State        one system at one moment, and what is not known about it
//	Description  what a connector says of itself: kinds, permissions, abilities
//	Change       one difference to be made true: action, before, after
//	Reason       why somebody has, or is to have, an access: a chain of file:line links
//	Cause        why a change stands in a plan
//	Risk         what makes a change dangerous
//
// Everything that crosses a package border is plain data; text and colour are made from it at
// the edge (engine/report). The words are the field's: an account belongs to a person or a
// service; an entitlement is something on a system that can be granted; an orphan is an
// account that nobody declares; drift is a difference that no declaration caused.
package access
