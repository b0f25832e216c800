package policy

import "time"

// InputVersion is the version of the three inputs; rules see it as input.version. It changes
// when a rule for the old form would misjudge the new one; fields may be added without.
const InputVersion = 1

// NoEnd is days_left of what has no end: a hundred years. A rule that says "at most 90 days"
// so catches it without asking for has_end.
const NoEnd = 36500

// Input is everything that is judged at once.
type Input struct {
	// Now is the instant at which exemptions are tested.
	Now        time.Time
	Changes    []ChangeInput
	Principals []PrincipalInput
	// Plan is judged if its own Plan is set.
	Plan PlanInput
	// Exemptions are those of the repository that rules on people are subject to.
	Exemptions []Exemption
}

// Exemption is a recorded exception from a rule for some people.
type Exemption struct {
	// ID is the id of the document.
	ID string
	// Rule is the name of a rule, with or without deny_ and the like.
	Rule string
	// Who are ids of people and services; groups are resolved by the caller.
	Who []string
	// Until is exclusive.
	Until  time.Time
	Reason string
	File   string
	Line   int
}

// ChangeInput is what a rule of package accord sees. The parts that many changes share are
// pointers, so that equal ones are prepared once; nil stands for a part without values.
type ChangeInput struct {
	Version int      `json:"version" doc:"The version of the input: 1"`
	Change  Change   `json:"change" doc:"The change that is judged"`
	Subject *Subject `json:"subject" doc:"The person or service whose access changes"`
	System  *System  `json:"system" doc:"The system on which it changes"`
	Role    *Role    `json:"role" doc:"The role that the access comes through; its id is empty where there is none"`
	Plan    *Context `json:"plan" doc:"What is the same for every change"`
}

// Change is one change: a step on a system, or what a declaration does to somebody's access.
type Change struct {
	ID           string   `json:"id" doc:"Names the change; the same as in the plan"`
	Class        string   `json:"class" enum:"change|time|drift|settings|existing" doc:"Where the difference comes from: this change, a window, drift, a judging setting; existing when all access is judged"`
	Origin       string   `json:"origin" enum:"step|shift|existing" doc:"A step on a live system, a shift of what is declared, or access that exists"`
	Op           string   `json:"op" enum:"add|remove|update|lengthen|shorten|reason|status|settings" doc:"What the change does; lengthen, shorten and reason are about windows"`
	Action       string   `json:"action" enum:"|create|update|rename|disable|enable|delete|grant|revoke|change-level" doc:"What a step does on the system; empty for others"`
	Kind         string   `json:"kind" enum:"grant|account|resource|person|setting" doc:"What the change is about"`
	System       string   `json:"system" doc:"The system's id"`
	Principal    string   `json:"principal" doc:"The id of the person or service; empty if it is about nobody"`
	Account      string   `json:"account" doc:"Who holds it on the system, kind/name"`
	Role         string   `json:"role" doc:"The role that the access comes through, the outermost of the first reason"`
	Roles        []string `json:"roles" doc:"Every role that the access comes through, sorted"`
	Resource     string   `json:"resource" doc:"What the access is on, kind/name"`
	ResourceKind string   `json:"resource_kind" doc:"Its kind"`
	ResourceName string   `json:"resource_name" doc:"Its name"`
	Permission   string   `json:"permission" doc:"What is held on it"`
	Admin        bool     `json:"admin" doc:"The permission lets its holder give access to others"`
	Privileged   bool     `json:"privileged" doc:"The role or the resource is declared privileged"`
	Leaver       bool     `json:"leaver" doc:"It belongs to the leavers' lane"`
	Held         string   `json:"held" doc:"Why the step isn't carried out; empty if it is"`
	Reasons      []Reason `json:"reasons" doc:"Why the access is wanted"`
	Ends         string   `json:"ends" doc:"The latest end of the reasons, RFC 3339; empty if it has none"`
	HasEnd       bool     `json:"has_end" doc:"Whether it has an end"`
	DaysLeft     int      `json:"days_left" doc:"Days until the end, rounded up; 36500 without an end"`
	Before       Side     `json:"before" doc:"What was"`
	After        Side     `json:"after" doc:"What will be"`
	Cause        Cause    `json:"cause" doc:"What brought it about"`
	Risks        []string `json:"risks" doc:"The names of its risks, sorted"`
	Setting      string   `json:"setting" doc:"The judging setting that changes, as in systems/warehouse.guards"`
	Owners       []string `json:"owners" doc:"The people who answer for what is given: the owners of the resource, else of the role, else of the system"`
	Source       Place    `json:"source" doc:"The line of the declaration that it is about"`
	Author       string   `json:"author" doc:"Who wrote the change"`
}

// Side is one side of a change. Of a shift, has_end and until are those of the declared access.
type Side struct {
	Present    bool              `json:"present" doc:"Whether it was, or will be, there"`
	Permission string            `json:"permission" doc:"The permission of a grant"`
	Until      string            `json:"until" doc:"The latest end, RFC 3339; empty without one"`
	HasEnd     bool              `json:"has_end" doc:"Whether it has an end"`
	DaysLeft   int               `json:"days_left" doc:"Days until the end, rounded up; 36500 without an end"`
	Disabled   bool              `json:"disabled" doc:"Of accounts"`
	Name       string            `json:"name" doc:"The object's name, of renames"`
	Value      string            `json:"value" doc:"The value of a status or a setting"`
	Attributes map[string]string `json:"attributes" doc:"The attributes that the change is about"`
}

// Reason is one way in which an access is declared.
type Reason struct {
	Grant    string   `json:"grant" doc:"The id of the grant at the head of the chain"`
	Roles    []string `json:"roles" doc:"The roles it came through, the outermost first"`
	From     string   `json:"from" doc:"The beginning, RFC 3339; empty without one"`
	Until    string   `json:"until" doc:"The end (exclusive), RFC 3339; empty without one"`
	HasEnd   bool     `json:"has_end" doc:"Whether it has an end"`
	DaysLeft int      `json:"days_left" doc:"Days until the end, rounded up; 36500 without an end"`
	Ticket   string   `json:"ticket" doc:"The grant's ticket"`
	Note     string   `json:"note" doc:"The grant's reason, in words"`
	File     string   `json:"file" doc:"The file at the head of the chain"`
	Line     int      `json:"line" doc:"The line there"`
}

// Cause is what brought a change about.
type Cause struct {
	Kind string `json:"kind" enum:"|leaver|leave|declared|removed|window|drift|renamed|idle" doc:"The kind of cause"`
	Text string `json:"text" doc:"One sentence"`
	File string `json:"file" doc:"The file it points to"`
	Line int    `json:"line" doc:"The line there"`
}

// Place is a line of the declaration.
type Place struct {
	File string `json:"file" doc:"The path in the repository"`
	Line int    `json:"line" doc:"The line, from 1; 0 if it isn't known"`
}

// Subject is a person or service, as declared.
type Subject struct {
	ID            string              `json:"id" doc:"The id"`
	Type          string              `json:"type" enum:"|person|service" doc:"Which of the two; empty if the account belongs to nobody"`
	Name          string              `json:"name" doc:"The full name"`
	Email         string              `json:"email" doc:"The address"`
	Status        string              `json:"status" enum:"|active|leave|left|upcoming" doc:"The status at the time of the plan, with dates considered"`
	Manager       string              `json:"manager" doc:"The id of the manager; empty if none is declared"`
	ManagerStatus string              `json:"manager_status" enum:"|active|leave|left|upcoming" doc:"The manager's status; empty if there is no such person"`
	Attributes    map[string][]string `json:"attributes" attrs:"true" doc:"The attributes of accord.yaml, each a list; empty where the person bears none"`
	Groups        []string            `json:"groups" doc:"The groups the person belongs to, sorted"`
	Owners        []string            `json:"owners" doc:"Who answers for a service"`
	Starts        string              `json:"starts" doc:"The first day, RFC 3339; empty without one"`
	Ends          string              `json:"ends" doc:"The end of the last day, RFC 3339; empty without one"`
	HasEnd        bool                `json:"has_end" doc:"Whether a last day is declared"`
	DaysLeft      int                 `json:"days_left" doc:"Days until then; 36500 without one"`
	Source        Place               `json:"source" doc:"The document"`
}

// System is a system, as declared.
type System struct {
	ID        string            `json:"id" doc:"The id"`
	Connector string            `json:"connector" doc:"Which connector speaks to it"`
	Mode      string            `json:"mode" enum:"|observe|additive|authoritative" doc:"What Accord may do there"`
	Owners    []string          `json:"owners" doc:"The people who answer for it, groups resolved, sorted"`
	Labels    map[string]string `json:"labels" doc:"Its labels"`
}

// Role is a role, as declared.
type Role struct {
	ID         string            `json:"id" doc:"The id"`
	Privileged bool              `json:"privileged" doc:"Declared privileged"`
	Owners     []string          `json:"owners" doc:"The people who answer for it, groups resolved, sorted"`
	Exclusive  []string          `json:"exclusive" doc:"Roles that nobody may hold beside it"`
	Labels     map[string]string `json:"labels" doc:"Its labels"`
}

// Context is what is the same for everything that is judged. The calendar is that of the
// repository's time zone.
type Context struct {
	At       string `json:"at" doc:"The instant of the plan, RFC 3339, UTC"`
	Date     string `json:"date" doc:"Its day, as in 2026-11-23"`
	Weekday  string `json:"weekday" enum:"|monday|tuesday|wednesday|thursday|friday|saturday|sunday" doc:"Its day of the week"`
	Minute   int    `json:"minute" doc:"Minutes since midnight"`
	Timezone string `json:"timezone" doc:"The repository's time zone"`
	Head     string `json:"head" doc:"The revision that is planned"`
	Base     string `json:"base" doc:"The revision that it is compared with; empty without one"`
	Author   string `json:"author" doc:"Who wrote the head revision"`
	Changes  int    `json:"changes" doc:"How many changes are judged"`
}

// PrincipalInput is what a rule of package accord.principal sees: one person or service and
// everything that would be held after the plan, on all systems.
type PrincipalInput struct {
	Version   int        `json:"version" doc:"The version of the input: 1"`
	Principal *Subject   `json:"principal" doc:"The person or service"`
	Holdings  []Holding  `json:"holdings" doc:"Everything that would be held, also through nested groups, sorted by key"`
	Roles     []HeldRole `json:"roles" doc:"Every role that would be held, sorted"`
	Plan      *Context   `json:"plan" doc:"What is the same for everybody"`
}

// Holding is one access that a person would have.
type Holding struct {
	Key          string   `json:"key" doc:"system/kind/name of what it is on"`
	System       string   `json:"system" doc:"The system's id"`
	Resource     string   `json:"resource" doc:"What the access is on, kind/name"`
	ResourceKind string   `json:"resource_kind" doc:"Its kind"`
	ResourceName string   `json:"resource_name" doc:"Its name"`
	Permission   string   `json:"permission" doc:"What is held on it"`
	Roles        []string `json:"roles" doc:"The roles that it comes through, sorted"`
	Via          []string `json:"via" doc:"The resources that it comes through by nesting, from the account on; empty if it is held directly"`
	Added        bool     `json:"added" doc:"This plan adds it; always, when all access is judged"`
	Change       string   `json:"change" doc:"The id of the change that adds it; empty if none does"`
	Admin        bool     `json:"admin" doc:"The permission lets its holder give access to others"`
	Privileged   bool     `json:"privileged" doc:"The role or the resource is declared privileged"`
	Pending      bool     `json:"pending" doc:"An invitation that wasn't accepted yet"`
	Until        string   `json:"until" doc:"The latest end, RFC 3339; empty without one"`
	HasEnd       bool     `json:"has_end" doc:"Whether it has an end"`
	DaysLeft     int      `json:"days_left" doc:"Days until the end, rounded up; 36500 without an end"`
	Reasons      []Reason `json:"reasons" doc:"Why it is held; empty if nothing declares it"`
}

// HeldRole is one role that a person would have.
type HeldRole struct {
	ID         string `json:"id" doc:"The role's id"`
	Added      bool   `json:"added" doc:"This plan adds it; always, when all access is judged"`
	Change     string `json:"change" doc:"The id of a change that adds it; empty if none does"`
	Privileged bool   `json:"privileged" doc:"Declared privileged"`
}

// PlanInput is what a rule of package accord.plan sees: the plan in figures.
type PlanInput struct {
	Version          int             `json:"version" doc:"The version of the input: 1"`
	Plan             *Context        `json:"plan" doc:"When, from what, by whom"`
	Counts           Counts          `json:"counts" doc:"The whole plan"`
	BySystem         []SystemCounts  `json:"by_system" doc:"By system, with what is live there and what the past day did"`
	ByRole           []NamedCounts   `json:"by_role" doc:"By role"`
	ByDepartment     []NamedCounts   `json:"by_department" doc:"By the attribute department"`
	PastDay          Counts          `json:"past_day" doc:"What the past 24 hours did, by the journal"`
	LosingEverything []string        `json:"losing_everything" doc:"People who would hold nothing afterwards, leavers left out; sorted"`
	Unreadable       []string        `json:"unreadable" doc:"Systems that couldn't be read completely, sorted"`
	Settings         []SettingChange `json:"settings" doc:"Judging settings that the head changes"`
	Owned            []Owned         `json:"owned" doc:"Every role, group and service, with who answers for it"`
	Daily            []Daily         `json:"daily" doc:"How often a privilege was and would be given to a person today"`
}

// Counts are numbers of changes.
type Counts struct {
	Adds    int `json:"adds" doc:"Grants that are given or raised, accounts and resources that are made"`
	Removes int `json:"removes" doc:"Grants that are taken away or lowered, accounts that are disabled or deleted"`
	Updates int `json:"updates" doc:"Everything else"`
	People  int `json:"people" doc:"People and services that are concerned"`
	Leavers int `json:"leavers" doc:"Of these, leavers"`
}

// SystemCounts are the numbers of one system.
type SystemCounts struct {
	System         string `json:"system" doc:"The system's id"`
	Adds           int    `json:"adds" doc:"As in counts"`
	Removes        int    `json:"removes" doc:"As in counts"`
	Updates        int    `json:"updates" doc:"As in counts"`
	Grants         int    `json:"grants" doc:"Managed grants that are live"`
	Accounts       int    `json:"accounts" doc:"Accounts that are live"`
	RemovesPercent int    `json:"removes_percent" doc:"Removals as a share of the managed grants, rounded up"`
	PastAdds       int    `json:"past_adds" doc:"What was added in the past 24 hours"`
	PastRemoves    int    `json:"past_removes" doc:"What was removed in the past 24 hours"`
	Complete       bool   `json:"complete" doc:"Whether it could be read completely"`
}

// NamedCounts are the numbers of one role or department.
type NamedCounts struct {
	Name    string `json:"name" doc:"Its id"`
	Adds    int    `json:"adds" doc:"As in counts"`
	Removes int    `json:"removes" doc:"As in counts"`
	Updates int    `json:"updates" doc:"As in counts"`
}

// SettingChange is one judging setting that the head changes.
type SettingChange struct {
	Change  string `json:"change" doc:"The id of the change"`
	Kind    string `json:"kind" enum:"policy|config|exempt|owners|connection|guards|mode|manage|leaver" doc:"Which sort of setting"`
	Setting string `json:"setting" doc:"Its path, as in systems/warehouse.guards"`
	Before  string `json:"before" doc:"Its value at the base, or a digest; empty if it wasn't there"`
	After   string `json:"after" doc:"Its value at the head, or a digest; empty if it is gone"`
	Source  Place  `json:"source" doc:"Where it stands"`
}

// Owned is something that people answer for.
type Owned struct {
	Kind    string   `json:"kind" enum:"role|group|service|system" doc:"What it is"`
	ID      string   `json:"id" doc:"Its id"`
	Owners  []string `json:"owners" doc:"As declared: people and groups"`
	Active  []string `json:"active" doc:"The active people among them, groups resolved, sorted"`
	Changed bool     `json:"changed" doc:"This change is about it or its owners; always, when all access is judged"`
	Source  Place    `json:"source" doc:"The document"`
}

// Daily counts one privilege of one person on the calendar day of the plan.
type Daily struct {
	Principal string `json:"principal" doc:"The id of the person or service"`
	System    string `json:"system" doc:"The system's id"`
	Privilege string `json:"privilege" doc:"system/kind/name, and :permission"`
	Today     int    `json:"today" doc:"How often it was given today, by the journal"`
	Planned   int    `json:"planned" doc:"How often this plan gives it"`
	Change    string `json:"change" doc:"The id of the change that does; empty if none does"`
	Source    Place  `json:"source" doc:"The line that it is about"`
}

// Ends gives the three fields in which inputs tell an end: RFC 3339, whether there is one, and
// the days until then, rounded up. The zero time means: no end.
func Ends(until, now time.Time) (text string, has bool, days int) {
	if until.IsZero() {
		return "", false, NoEnd
	}
	left := until.Sub(now)
	days = int(left / (24 * time.Hour))
	if left > 0 && left%(24*time.Hour) > 0 {
		days++
	}
	return until.UTC().Format(time.RFC3339), true, min(days, NoEnd-1)
}

// NewContext fills in what a Context says about the instant, in the repository's zone.
func NewContext(at time.Time, zone *time.Location) Context {
	local := at.In(zone)
	return Context{
		At: at.UTC().Format(time.RFC3339), Date: local.Format(time.DateOnly), Timezone: zone.String(),
		Weekday: weekdays[local.Weekday()], Minute: local.Hour()*60 + local.Minute(),
	}
}

var weekdays = [...]string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}
