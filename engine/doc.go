// Package engine brings live access into accord with a declaration. This is the page to read
// first; it says where any line of code belongs.
//
//	git commit ──▶ declare ──▶ resolve ─┐
//	                                    ├─▶ diff ──▶ plan ──▶ policy, guards ──▶ (review) ──▶ apply ──▶ read back
//	systems ─────▶ observe ─────────────┘   pure     pure      pure data                      the only step that writes
//
// # The packages
//
//	access    the words: refs, objects, grants, states, changes, descriptions of connectors
//	repo      files at a revision, without checkout; what changed; who wrote a line; commits on
//	          branches of Accord's own; the journal in a git ref
//	declare   YAML to documents, strictly; every error with its line; the JSON Schema
//	resolve   documents and an instant to the desired state of each system, with reasons
//	observe   the live state of many systems at once; one that can't answer holds back no other
//	match     whose each live account is: by the system's id, an attribute, its name
//	adopt     what is live and undeclared, in the words of the repository, for import
//	amend     one key, entry or document of a YAML file changed in place, every other byte as it was
//	diff      two states and a scope to changes; what isn't known is waited for
//	plan      changes to steps: class, cause, risks, guards, order, digests, the plan file
//	journal   the append-only, hash-chained record; Accord's only memory; spooled where it is kept elsewhere
//	apply     carries out a plan, unit by unit, with the journal before and after; reads back
//	report    plans, drift, results and answers to text, JSON and CSV; plans to Markdown, HTML, SARIF
//	          and JUnit; all wording and colour
//	forge     merge requests of GitHub, GitLab, Gitea: one comment in place, statuses, approvals
//	notify    the news to Slack, a signed webhook, or mail
//	gen       believable companies of any size from a seed, for tests and benchmarks
//
// Package policy, beside engine, compiles Rego rules and asks them. Which revision's rules and
// settings judge is decided in rulebook.go and settings.go; what they are asked is put together
// in facts.go, questions.go (changes), holdings.go (what people would hold) and figures.go (the
// plan); judging.go and verdicts.go turn answers into refusals, approvals.go weighs evidence,
// approvedchange.go finds what an approved commit was a change of, reviewers.go makes evidence of
// what a forge says.
//
// Package engine itself joins them: Load, Plan, Apply, Offboard, Drift, Import, Who, Why, Show, … What is decided is decided in
// a pure package (resolve, diff, plan), which can be tested without a file, a clock or a
// system. What touches the world (repo, observe, journal, apply) decides nothing. Connectors
// translate (see connectors/connector.go), cmd/accord has flags and exit codes.
//
// What a run understood is kept for the next one in cache.go; documents are read out of it when
// somebody asks for them (declare/kept.go, found by declare/index.go). Which revisions are known to be
// sound is in sound.go, how one vouches for the next in vouch.go; focus.go decides when a run looks at
// no more than what a change touches, or at one person, and validatebefore.go when validating looks at
// no more than what differs. Nothing that is carried out comes from there. What memory makes of a
// journal is worked out per system when it is first asked for (journal/effects.go).
// What head is compared with is loaded in bases.go and resolved in resolving.go. A run doesn't wait where
// it needn't: the journal at its usual place is read beside the declaration (aside, keeping.go), and
// systems of which it is certain that they are read, as a whole and by a connection that nobody has to
// agree to, while it is resolved what is declared (readAhead, reading.go).
//
// Whose access is taken away at once is in offboard.go (the run), leave.go (what of it differs
// from any run: what is read, what is planned) and withheld.go (why nothing is given back).
// drift.go looks at drift, record.go remembers it, tell.go decides what is news and to whom;
// propose*.go write the change that adopts it. who.go, why.go, show*.go, expiring.go and audit.go
// answer; past.go is the journal's history beside git's commits. keeping.go says which journal
// counts, pending.go which merges wait.
//
// # Where does my line belong?
//
//   - A new key in YAML: declare/types.go, and its meaning in resolve.
//   - A new way to say why something is or isn't so: resolve/reasons.go or explain.go.
//   - What is or isn't touched: diff (one rule, in its package comment).
//   - Whether a step may run: plan/guards.go; policy/builtin where it is a rule. In which order: plan/order.go.
//   - A field that rules see: policy/input.go, and the file above that fills it in.
//   - What is written to a system, and what is remembered of it: apply, journal.
//   - How something is said: report. A new key of a plan: plan/plan.go, then go test ./engine/plan
//     -run TestSchema -update-schema.
//   - A field of plan.Step: plan/plan.go, plan/steptext.go (written) and plan/stepread.go (read);
//     FuzzSteps fails until both know it. What the rules are asked is put together on all
//     processors: sidebyside.go.
//   - A new question about access: a file in engine for the answer, one in report for its forms.
//   - A kind of difference: plan/drift.go. A way to tell people: notify, declare/notify.go.
//   - A forge, or what is asked of one: forge. A change that Accord makes to a file: amend, repo.Commit.
//   - What YAML the scanner takes: declare/scan.go, which leaves to the library what it isn't sure of.
//   - Why a shift is there, for a million of them: shiftcauses.go, and resolve/responsible.go, which is
//     held to Reasons.
//   - What a state file may hold: connectors/file/parse.go; written.go there reads the form that Accord
//     writes itself. How loosely a system compares names: access.Kind.Verbatim, Folded and access.Fold.
//   - A field of people, groups, roles and grants also goes through declare/codec.go, one of systems through
//     codec_system.go; whether one document can make another one wrong, through declare/derive.go; whose
//     access hangs on it, through resolve/about.go (Touched).
//   - Whatever goes through all people, groups, roles or grants reads all of them: a run about one change
//     asks for those that it needs, by id, by place or by an index (declare/repository.go, index.go). A
//     form of set expressions also has its atoms in declare/index.go, or somebody is left out.
//   - A new system: a folder under connectors, joined in connectors/all.
//
// # What holds everywhere
//
// The plan is a contract: Plan and Apply make it the same way, and Apply runs nothing that the
// reviewed plan doesn't hold. Planning gets only the reading half of a connector. Nothing is
// taken away on the word of what wasn't seen. The same input gives the same bytes: everything
// is sorted before it leaves a package. Errors name what was being done and to what; the ones
// that the engine acts upon are sentinels.
package engine
