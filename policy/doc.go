// Package policy judges changes of access by rules written in Rego (OPA).
//
//	sources ──Compile──▶ Judge ──Judge(Input)──▶ []Result
//
// The rules of a policy folder are compiled once, strictly, against the published schemas of
// their inputs (see Schemas); the built-in rules of policy/builtin are added to them. There are
// three packages that judge, each with an input of its own:
//
//	accord            once per change           input is ChangeInput
//	accord.principal  once per affected person  input is PrincipalInput
//	accord.plan       once                      input is PlanInput
//
// # Rules
//
// In these packages the rules deny, violation (the same), warn and require_approval, with or
// without a suffix (deny_on_friday), are sets of results. A result is a text, or an object:
//
//	msg                           what is wrong; it must be there
//	change, person, file, line    what it is about, if not about the input's own
//	approvers                     of require_approval: who may approve; the owners, if it isn't there
//	title, severity, remediation  instead of those in # METADATA
//
// Any other key is kept with the result. exception is a set of lists of suffixes: the refusals
// and demands of the rules that end so are lifted for this input, and listed. A rule named
// without a suffix is lifted by "", a built-in one by its name.
//
// # METADATA of a rule, of all rules by its name (scope: document) or of a package gives the
// title, the severity (custom.severity) and what to do (custom.remediation or description).
//
// # Data
//
// data holds what the folder's .json and .yaml files say, wherever they lie: each is a mapping,
// and its keys become keys of data. data.params holds the parameters of built-in rules.
//
// # What makes a judge fail
//
// A judge that can't judge never lets pass. ErrCompile, with every place at once: whatever isn't
// Rego v1; a field, a value, an attribute, a package, a rule or data that doesn't exist, with
// the nearest name that does; a rule that judges nothing, or isn't a set; a package that nothing
// refers to; metadata that nobody reads; a function that needs the network, the clock, chance or
// the machine. ErrJudge, without any result: an error of a rule on some input, a result of
// another shape, a change that isn't in the plan, a batch that takes longer than its deadline.
//
// # Tests
//
// Test runs the test_ rules of files that end in _test.rego, with and without OPA's rule index.
// They have data.accord.fixture.change, .principal and .plan: a whole input each, without
// values, so that a test says only what matters to it:
//
//	given := object.union(fixture.change, {"change": {"op": "add", "kind": "grant"}})
//	count(accord.deny) == 1 with input as given
//
// # Speed
//
// Write what is known as input.change.FIELD == "text", or as in a set of texts, and the rule is
// not even looked at for other changes. Put first what seldom holds: conditions at the beginning
// of a rule that compare a field with a constant or a parameter, look it up in a list, or match it
// are read in Go, also in a helper rule or over the elements of a list (some r in
// input.change.reasons), and OPA isn't asked about an input for which no rule can hold. What isn't
// understood, and what follows it, is OPA's (screen.go says how the two are held to each other).
// Inputs are evaluated in batches, several at a time, and only with the parts that some rule asks
// for: asking for one field of a part is cheaper than handing the whole part to a function.
//
// # Reference of the inputs
//
// This is version 1 of the inputs; their JSON Schemas are schema/change.json, schema/principal.json
// and schema/plan.json. A list of which the fields are told is written [].
//
// Package accord, one change of access:
//
//	change                      object        The change that is judged
//	change.account              text          Who holds it on the system, kind/name
//	change.action               text          What a step does on the system; empty for others: create, update, rename, disable, enable, delete, grant, revoke, change-level
//	change.admin                boolean       The permission lets its holder give access to others
//	change.after                object        What will be
//	change.after.attributes     text by key   The attributes that the change is about
//	change.after.days_left      number        Days until the end, rounded up; 36500 without an end
//	change.after.disabled       boolean       Of accounts
//	change.after.has_end        boolean       Whether it has an end
//	change.after.name           text          The object's name, of renames
//	change.after.permission     text          The permission of a grant
//	change.after.present        boolean       Whether it was, or will be, there
//	change.after.until          text          The latest end, RFC 3339; empty without one
//	change.after.value          text          The value of a status or a setting
//	change.author               text          Who wrote the change
//	change.before               object        What was (as change.after)
//	change.cause                object        What brought it about
//	change.cause.file           text          The file it points to
//	change.cause.kind           text          The kind of cause: leaver, leave, declared, removed, window, drift, renamed, idle
//	change.cause.line           number        The line there
//	change.cause.text           text          One sentence
//	change.class                text          Where the difference comes from: this change, a window, drift, a judging setting; existing when all access is judged: change, time, drift, settings, existing
//	change.days_left            number        Days until the end, rounded up; 36500 without an end
//	change.ends                 text          The latest end of the reasons, RFC 3339; empty if it has none
//	change.has_end              boolean       Whether it has an end
//	change.held                 text          Why the step isn't carried out; empty if it is
//	change.id                   text          Names the change; the same as in the plan
//	change.kind                 text          What the change is about: grant, account, resource, person, setting
//	change.leaver               boolean       It belongs to the leavers' lane
//	change.op                   text          What the change does; lengthen, shorten and reason are about windows: add, remove, update, lengthen, shorten, reason, status, settings
//	change.origin               text          A step on a live system, a shift of what is declared, or access that exists: step, shift, existing
//	change.owners               texts         The people who answer for what is given: the owners of the resource, else of the role, else of the system
//	change.permission           text          What is held on it
//	change.principal            text          The id of the person or service; empty if it is about nobody
//	change.privileged           boolean       The role or the resource is declared privileged
//	change.reasons[]            list          Why the access is wanted
//	change.reasons[].days_left  number        Days until the end, rounded up; 36500 without an end
//	change.reasons[].file       text          The file at the head of the chain
//	change.reasons[].from       text          The beginning, RFC 3339; empty without one
//	change.reasons[].grant      text          The id of the grant at the head of the chain
//	change.reasons[].has_end    boolean       Whether it has an end
//	change.reasons[].line       number        The line there
//	change.reasons[].note       text          The grant's reason, in words
//	change.reasons[].roles      texts         The roles it came through, the outermost first
//	change.reasons[].ticket     text          The grant's ticket
//	change.reasons[].until      text          The end (exclusive), RFC 3339; empty without one
//	change.resource             text          What the access is on, kind/name
//	change.resource_kind        text          Its kind
//	change.resource_name        text          Its name
//	change.risks                texts         The names of its risks, sorted
//	change.role                 text          The role that the access comes through, the outermost of the first reason
//	change.roles                texts         Every role that the access comes through, sorted
//	change.setting              text          The judging setting that changes, as in systems/warehouse.guards
//	change.source               object        The line of the declaration that it is about
//	change.source.file          text          The path in the repository
//	change.source.line          number        The line, from 1; 0 if it isn't known
//	change.system               text          The system's id
//	plan                        object        What is the same for every change
//	plan.at                     text          The instant of the plan, RFC 3339, UTC
//	plan.author                 text          Who wrote the head revision
//	plan.base                   text          The revision that it is compared with; empty without one
//	plan.changes                number        How many changes are judged
//	plan.date                   text          Its day, as in 2026-11-23
//	plan.head                   text          The revision that is planned
//	plan.minute                 number        Minutes since midnight
//	plan.timezone               text          The repository's time zone
//	plan.weekday                text          Its day of the week: monday, tuesday, wednesday, thursday, friday, saturday, sunday
//	role                        object        The role that the access comes through; its id is empty where there is none
//	role.exclusive              texts         Roles that nobody may hold beside it
//	role.id                     text          The id
//	role.labels                 text by key   Its labels
//	role.owners                 texts         The people who answer for it, groups resolved, sorted
//	role.privileged             boolean       Declared privileged
//	subject                     object        The person or service whose access changes
//	subject.attributes          texts by key  The attributes of accord.yaml, each a list; empty where the person bears none
//	subject.days_left           number        Days until then; 36500 without one
//	subject.email               text          The address
//	subject.ends                text          The end of the last day, RFC 3339; empty without one
//	subject.groups              texts         The groups the person belongs to, sorted
//	subject.has_end             boolean       Whether a last day is declared
//	subject.id                  text          The id
//	subject.manager             text          The id of the manager; empty if none is declared
//	subject.manager_status      text          The manager's status; empty if there is no such person: active, leave, left, upcoming
//	subject.name                text          The full name
//	subject.owners              texts         Who answers for a service
//	subject.source              object        The document (as change.source)
//	subject.starts              text          The first day, RFC 3339; empty without one
//	subject.status              text          The status at the time of the plan, with dates considered: active, leave, left, upcoming
//	subject.type                text          Which of the two; empty if the account belongs to nobody: person, service
//	system                      object        The system on which it changes
//	system.connector            text          Which connector speaks to it
//	system.id                   text          The id
//	system.labels               text by key   Its labels
//	system.mode                 text          What Accord may do there: observe, additive, authoritative
//	system.owners               texts         The people who answer for it, groups resolved, sorted
//	version                     number        The version of the input: 1
//
// Package accord.principal, everything that one person or service would hold:
//
//	holdings[]                list     Everything that would be held, also through nested groups, sorted by key
//	holdings[].added          boolean  This plan adds it; always, when all access is judged
//	holdings[].admin          boolean  The permission lets its holder give access to others
//	holdings[].change         text     The id of the change that adds it; empty if none does
//	holdings[].days_left      number   Days until the end, rounded up; 36500 without an end
//	holdings[].has_end        boolean  Whether it has an end
//	holdings[].key            text     system/kind/name of what it is on
//	holdings[].pending        boolean  An invitation that wasn't accepted yet
//	holdings[].permission     text     What is held on it
//	holdings[].privileged     boolean  The role or the resource is declared privileged
//	holdings[].reasons[]      list     Why it is held; empty if nothing declares it (as change.reasons[])
//	holdings[].resource       text     What the access is on, kind/name
//	holdings[].resource_kind  text     Its kind
//	holdings[].resource_name  text     Its name
//	holdings[].roles          texts    The roles that it comes through, sorted
//	holdings[].system         text     The system's id
//	holdings[].until          text     The latest end, RFC 3339; empty without one
//	holdings[].via            texts    The resources that it comes through by nesting, from the account on; empty if it is held directly
//	plan                      object   What is the same for everybody (as plan)
//	principal                 object   The person or service (as subject)
//	roles[]                   list     Every role that would be held, sorted
//	roles[].added             boolean  This plan adds it; always, when all access is judged
//	roles[].change            text     The id of a change that adds it; empty if none does
//	roles[].id                text     The role's id
//	roles[].privileged        boolean  Declared privileged
//	version                   number   The version of the input: 1
//
// Package accord.plan, the plan in figures:
//
//	by_department[]              list     By the attribute department
//	by_department[].adds         number   As in counts
//	by_department[].name         text     Its id
//	by_department[].removes      number   As in counts
//	by_department[].updates      number   As in counts
//	by_role[]                    list     By role (as by_department[])
//	by_system[]                  list     By system, with what is live there and what the past day did
//	by_system[].accounts         number   Accounts that are live
//	by_system[].adds             number   As in counts
//	by_system[].complete         boolean  Whether it could be read completely
//	by_system[].grants           number   Managed grants that are live
//	by_system[].past_adds        number   What was added in the past 24 hours
//	by_system[].past_removes     number   What was removed in the past 24 hours
//	by_system[].removes          number   As in counts
//	by_system[].removes_percent  number   Removals as a share of the managed grants, rounded up
//	by_system[].system           text     The system's id
//	by_system[].updates          number   As in counts
//	counts                       object   The whole plan
//	counts.adds                  number   Grants that are given or raised, accounts and resources that are made
//	counts.leavers               number   Of these, leavers
//	counts.people                number   People and services that are concerned
//	counts.removes               number   Grants that are taken away or lowered, accounts that are disabled or deleted
//	counts.updates               number   Everything else
//	daily[]                      list     How often a privilege was and would be given to a person today
//	daily[].change               text     The id of the change that does; empty if none does
//	daily[].planned              number   How often this plan gives it
//	daily[].principal            text     The id of the person or service
//	daily[].privilege            text     system/kind/name, and :permission
//	daily[].source               object   The line that it is about (as change.source)
//	daily[].system               text     The system's id
//	daily[].today                number   How often it was given today, by the journal
//	losing_everything            texts    People who would hold nothing afterwards, leavers left out; sorted
//	owned[]                      list     Every role, group and service, with who answers for it
//	owned[].active               texts    The active people among them, groups resolved, sorted
//	owned[].changed              boolean  This change is about it or its owners; always, when all access is judged
//	owned[].id                   text     Its id
//	owned[].kind                 text     What it is: role, group, service, system
//	owned[].owners               texts    As declared: people and groups
//	owned[].source               object   The document (as change.source)
//	past_day                     object   What the past 24 hours did, by the journal (as counts)
//	plan                         object   When, from what, by whom (as plan)
//	settings[]                   list     Judging settings that the head changes
//	settings[].after             text     Its value at the head, or a digest; empty if it is gone
//	settings[].before            text     Its value at the base, or a digest; empty if it wasn't there
//	settings[].change            text     The id of the change
//	settings[].kind              text     Which sort of setting: policy, config, exempt, owners, connection, guards, mode, manage, leaver
//	settings[].setting           text     Its path, as in systems/warehouse.guards
//	settings[].source            object   Where it stands (as change.source)
//	unreadable                   texts    Systems that couldn't be read completely, sorted
//	version                      number   The version of the input: 1
package policy
