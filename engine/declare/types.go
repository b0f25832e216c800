package declare

import (
	"time"

	"github.com/accordhq/accord/engine/access"
)

// The documents of the language, one Go type each. The decoder (decode.go) and the JSON Schema
// (schema.go) are both driven by these types and their tags, so they can't disagree:
//
//	yaml:"key"            the key in YAML
//	yaml:"key,required"   it must be there
//	doc:"…"               one sentence for editors
//	enum:"a|b"            the only values of a text
//
// Every scalar keeps its place in the file: each error and each link of a reason is a line.

// At is a place in a file; lines and columns count from 1, columns in characters.
type At struct {
	Line int32
	Col  int32
}

// Pos is a place in the repository.
type Pos struct {
	File string
	At
}

// Text is a scalar. Its value is the text as written: 0123 stays 0123.
type Text struct {
	Value string
	At    At
}

// Bool is true or false; Set tells whether it was written.
type Bool struct {
	Value bool
	Set   bool
	At    At
}

// Date is a day of the repository's calendar, or an exact instant (RFC 3339).
type Date struct {
	Text string
	// Day is the plain date at midnight UTC; zero if Instant is set.
	Day time.Time
	// Instant is exact; zero if Day is set.
	Instant time.Time
	At      At
}

// Days is a span in whole days, written "30d".
type Days struct {
	Days int
	Set  bool
	At   At
}

// Limit is a share in percent ("10%") or a count (20).
type Limit struct {
	Percent float64
	Count   int
	// IsPercent tells which of the two was written.
	IsPercent bool
	Set       bool
	At        At
}

// Pair is one key of a mapping whose keys are free, with a text as its value.
type Pair struct {
	Key   Text
	Value Text
}

// Doc is what every document has. It isn't a key of its own.
type Doc struct {
	// File is the path inside the repository, with slashes. At is the place of the id.
	File string
	At   At
	// Previously are the ids under which the document was known before.
	Previously []Text `yaml:"previously" doc:"Ids that this document had before: a rename, not a leaver and a joiner"`
}

// Pos gives the place of something in the document's file.
func (d Doc) Pos(at At) Pos { return Pos{d.File, at} }

// Config is accord.yaml, the root of an access repository.
type Config struct {
	Doc
	Version    Text        `yaml:"version,required" enum:"1" doc:"The version of the language"`
	Timezone   Text        `yaml:"timezone" doc:"IANA time zone of plain dates; UTC if left out"`
	Attributes []AttrDecl  `yaml:"attributes" doc:"The attributes that people and services may bear"`
	Guards     Guards      `yaml:"guards" doc:"Guards of every system that says nothing else"`
	Policy     []Text      `yaml:"policy" doc:"Folders of Rego policies and their data"`
	Rules      []Rule      `yaml:"rules" doc:"Built-in rules and their parameters"`
	Journal    JournalDecl `yaml:"journal" doc:"Where the journal is kept"`
	Notify     []Notify    `yaml:"notify" doc:"Who is told the news of drift and of applies"`
}

// Location is the time zone of plain dates. Check has seen to it that it exists.
func (c *Config) Location() *time.Location {
	if c == nil || c.Timezone.Value == "" {
		return time.UTC
	}
	loc, err := time.LoadLocation(c.Timezone.Value)
	if err != nil {
		return time.UTC
	}
	return loc
}

// AttrDecl declares one attribute of people and services.
type AttrDecl struct {
	Name     Text   // the key
	Values   []Text `yaml:"values" doc:"The only values it may have; any if left out"`
	Required Bool   `yaml:"required" doc:"Every person must have it"`
}

// Rule is a built-in rule with its parameters, kept as the YAML it was written in.
type Rule struct {
	Name   Text
	Params any // plain maps, lists, strings, numbers and booleans
}

// JournalDecl says where the journal is: a folder or a git ref, not both.
type JournalDecl struct {
	Dir Text `yaml:"dir" doc:"A folder, relative to accord.yaml; .accord if left out"`
	Git Text `yaml:"git" doc:"A git ref of this repository below refs/accord, as in refs/accord/journal"`
	// Remote and Token go with Git.
	Remote Text      `yaml:"remote" doc:"The name of the git remote that keeps the ref: origin if left out; a dot is this repository itself"`
	Token  SecretRef `yaml:"token" doc:"Where the token for that remote is, if git's own configuration holds no credential"`
}

// SecretRef says where a secret is: an environment variable or a file.
type SecretRef struct {
	Env  Text `yaml:"env" doc:"The environment variable that holds it"`
	File Text `yaml:"file" doc:"The file that holds it"`
}

// Guards are the limits that hold with no policy loaded.
type Guards struct {
	MaxRemovals Limit    `yaml:"max_removals" doc:"How much a plan, and a rolling day, may take away: a share of what was seen (never fewer than 5), or a count"`
	MaxLeavers  Limit    `yaml:"max_leavers" doc:"How many people a plan, and a rolling day, may take for leavers: a share (never fewer than 5), or a count"`
	Protect     []Text   `yaml:"protect" doc:"Accounts (or kind/name) that are never touched; globs"`
	KeepAdmins  *Text    `yaml:"keep_admins" doc:"How many usable administrators each target keeps that has any; 1 if left out"`
	Flapping    Flapping `yaml:"flapping" doc:"When drift that was corrected again and again isn't corrected any more, but asked about"`
}

// Flapping says when drift counts as flapping.
type Flapping struct {
	Times  *Text `yaml:"times" doc:"How often it was corrected; 3 if left out, 0 for never"`
	Within Days  `yaml:"within" doc:"In which time, as in 7d, which is meant if it is left out"`
}

// Person is somebody, or a service: a non-human identity with owners who answer for it.
type Person struct {
	Doc
	ID         Text
	Service    bool
	Name       Text   `yaml:"name" doc:"Full name"`
	Email      Text   `yaml:"email" doc:"Address, used by account rules"`
	Status     Text   `yaml:"status" enum:"active|leave|left" doc:"active if left out; leave disables, left takes everything away"`
	Starts     Date   `yaml:"starts" doc:"First day"`
	Ends       Date   `yaml:"ends" doc:"Last day"`
	Manager    Text   `yaml:"manager" doc:"The person this one reports to"`
	Owners     []Text `yaml:"owners" doc:"Who answers for a service: people or groups"`
	Attributes []Attr `yaml:"attributes" doc:"Attributes declared in accord.yaml"`
	Accounts   []Pair `yaml:"accounts" doc:"Account names by system, where they differ from the system's rule"`
}

// Attr is one attribute with its values, in the order written.
type Attr struct {
	Key    Text
	Values []Text
}

// Get returns the values of an attribute.
func (p *Person) Get(key string) []Text {
	for _, a := range p.Attributes {
		if a.Key.Value == key {
			return a.Values
		}
	}
	return nil
}

// Group is a named set of people and services.
type Group struct {
	Doc
	ID          Text
	Description Text   `yaml:"description" doc:"What the group is for"`
	Owners      []Text `yaml:"owners" doc:"Who answers for it: people or groups"`
	Members     []Term `yaml:"members" doc:"Who belongs to it: the union of the entries"`
	Only        []Term `yaml:"only" doc:"Keep only these"`
	Except      []Term `yaml:"except" doc:"Never these"`
	Labels      []Pair `yaml:"labels" doc:"For policies and reports"`
}

// TermKind says which form an entry of a set expression has.
type TermKind string

// The forms of a term.
const (
	TermPerson  TermKind = "person"  // alice, or {person: alice, until: …}
	TermGroup   TermKind = "group"   // {group: sre}
	TermMatch   TermKind = "match"   // {match: {department: engineering, title: [SRE, "Staff *"]}}
	TermReports TermKind = "reports" // {reports: bob}: everyone below bob
	TermAll     TermKind = "all"     // {all: […]}: in each of them
	TermAny     TermKind = "any"     // {any: […]}: in one of them
	TermNot     TermKind = "not"     // {not: …}: everyone else
)

// Term is one entry of a set expression.
type Term struct {
	Kind TermKind
	At   At
	// Name is the person, the group, or the one reported to.
	Name Text
	// Match are all the keys that must match, each by any of its values (globs).
	Match []Attr
	// Terms are those inside all, any and not (not has one).
	Terms []Term
	// From and Until bound the term in time; both optional, only where it isn't negative.
	From, Until Date
	// Reason is a remark, shown by `accord why`.
	Reason Text
}

// Windowed reports whether the term itself (not what is inside it) is bounded in time.
func (t *Term) Windowed() bool { return t.From.Text != "" || t.Until.Text != "" }

// Entitlement is something on a system that can be granted: kind/name, with the usual
// permission of that kind or a named one.
type Entitlement struct {
	System Text
	Target access.ID
	// Permission is filled in by Check where the usual one was meant.
	Permission string
	At         At
}

// Role is a bundle of entitlements across systems.
type Role struct {
	Doc
	ID          Text
	Description Text          `yaml:"description" doc:"What the role is for"`
	Owners      []Text        `yaml:"owners" doc:"Who answers for it: people or groups"`
	Includes    []Text        `yaml:"includes" doc:"Roles that this one contains"`
	Access      []Entitlement `yaml:"access" doc:"What it gives, by system"`
	Privileged  Bool          `yaml:"privileged" doc:"For policies: holding it is sensitive"`
	Exclusive   []Text        `yaml:"exclusive" doc:"Roles that nobody may hold beside this one"`
	Labels      []Pair        `yaml:"labels" doc:"For policies and reports"`
}

// Grant says who gets what, and for how long.
type Grant struct {
	Doc
	ID     Text
	To     []Term        `yaml:"to,required" doc:"Who gets it: a set expression"`
	Roles  []Text        `yaml:"roles" doc:"Roles that are given"`
	Access []Entitlement `yaml:"access" doc:"Entitlements that are given, by system"`
	From   Date          `yaml:"from" doc:"First day, or an instant"`
	Until  Date          `yaml:"until" doc:"Last day, or an instant"`
	Reason Text          `yaml:"reason" doc:"Why"`
	Ticket Text          `yaml:"ticket" doc:"Where it was asked for"`
	Labels []Pair        `yaml:"labels" doc:"For policies and reports"`
}

// System is one place where access is held.
type System struct {
	Doc
	ID          Text
	Connector   Text         `yaml:"connector,required" doc:"Which connector speaks to it"`
	State       Text         `yaml:"state" enum:"active|released" doc:"released: no longer managed, the step before the document is deleted"`
	Description Text         `yaml:"description" doc:"What the system is"`
	Owners      []Text       `yaml:"owners" doc:"Who answers for it: people or groups"`
	Config      []Setting    `yaml:"config" doc:"The connector's settings; secrets are references"`
	Accounts    AccountRules `yaml:"accounts" doc:"How accounts are named, made and ended"`
	Resources   []Resource   `yaml:"resources" doc:"Objects that this repository brings into being, and what they hold"`
	Mode        Text         `yaml:"mode" enum:"observe|additive|authoritative" doc:"observe (the default) never writes; additive takes away only what it gave; authoritative makes it so"`
	Manage      []Text       `yaml:"manage" doc:"Targets (kind/name, globs) whose grants this repository claims"`
	Drift       Text         `yaml:"drift" enum:"revert|propose|report" doc:"What becomes of drift; revert if left out"`
	Priority    *Text        `yaml:"priority" doc:"Earlier systems come first in the leavers' lane; 100 if left out"`
	Guards      Guards       `yaml:"guards" doc:"Guards of this system, where they differ from accord.yaml"`
	Labels      []Pair       `yaml:"labels" doc:"For policies and reports"`
}

// Setting is one key of `config:`; the connector's description tells its type.
type Setting struct {
	Key Text
	// Values are the texts of a scalar (one) or a list.
	Values []Text
	List   bool
	// Env and File are set where the value is a reference to a secret.
	Env, File Text
	At        At
}

// AccountRules say how the accounts of one system are named, made and ended.
type AccountRules struct {
	Name        Text        `yaml:"name" doc:"Template of account names: {person} (the default), {email}, {email.local}, {attributes.NAME}"`
	Attributes  []Pair      `yaml:"attributes" doc:"Attributes kept as declared; templates with {name} besides"`
	Match       []MatchRule `yaml:"match" doc:"How accounts that exist are linked to people, in this order: id (what the system assigned, as remembered), {ATTRIBUTE: template}, name; [id, name] if left out"`
	Create      Bool        `yaml:"create" doc:"false: only link accounts that exist"`
	Credential  Text        `yaml:"credential" enum:"none|link|command" doc:"How a new account gets its first credential"`
	Idle        Text        `yaml:"idle" enum:"report|disable" doc:"What becomes of an account when no grant remains"`
	Leaver      Text        `yaml:"leaver" enum:"disable|delete|keep" doc:"What becomes of a leaver's account"`
	DeleteAfter Days        `yaml:"delete_after" doc:"How long a leaver's disabled account is kept, as in 30d"`
}

// MatchRule is one way to tell whose account one is.
type MatchRule struct {
	At At
	// By is id, name, or, with Attribute and Value set, attribute.
	By string
	// Attribute is that of the live account, Value the template that it has to equal, whatever
	// the case.
	Attribute, Value Text
}

// The ways to tell whose account one is.
const (
	MatchID        = "id"
	MatchName      = "name"
	MatchAttribute = "attribute"
)

// Resource is an object that the repository declares under a system.
type Resource struct {
	ID          access.ID
	At          At
	Description Text          `yaml:"description" doc:"What it is for"`
	State       Text          `yaml:"state" enum:"present|absent" doc:"absent is the only way in which a resource is deleted"`
	Owners      []Text        `yaml:"owners" doc:"Who answers for it: people or groups"`
	Access      []Entitlement `yaml:"access" doc:"What the resource itself holds on this system"`
	MemberOf    []Entitlement `yaml:"member_of" doc:"Resources of this system that it belongs to"`
	Attributes  []Pair        `yaml:"attributes" doc:"Attributes kept as declared"`
	Privileged  Bool          `yaml:"privileged" doc:"For policies: holding it is sensitive"`
	Labels      []Pair        `yaml:"labels" doc:"For policies and reports"`
}

// Exempt is a recorded exception from a rule.
type Exempt struct {
	Doc
	ID     Text
	Rule   Text   `yaml:"rule,required" doc:"The rule that is excepted from"`
	Who    []Text `yaml:"who,required" doc:"People, services or groups"`
	Until  Date   `yaml:"until,required" doc:"Last day"`
	Reason Text   `yaml:"reason,required" doc:"Why"`
}

// Resource returns the resource declared under the system, or nil.
func (s *System) Resource(id access.ID) *Resource {
	for i := range s.Resources {
		if s.Resources[i].ID == id {
			return &s.Resources[i]
		}
	}
	return nil
}
