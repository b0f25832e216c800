package connectortest

// Law is one thing that every connector does.
type Law struct {
	// Name is "group/name", the path of its subtest.
	Name string
	// Doc says to the connector's author what is wanted, and why.
	Doc string
	// always: it can't be waived.
	always bool
	check  func(*trial)
}

// Laws lists all laws, in the order in which a connector is written.
func Laws() []Law {
	return []Law{
		{Name: "describe/static", check: describeStatic, Doc: `Describe returns the same value each time, before and after connecting, and asks
nobody. The engine plans from it without a connection, and its value is part of published tables.`},
		{Name: "describe/complete", check: describeComplete, Doc: `The description holds together: accounts are there, permissions have a usual one, subjects
are kinds, Batch is what the connector implements. Everything that can be declared and planned is derived from it.`},

		{Name: "read/empty", check: readEmpty, Doc: `Reading a fresh system logs in, and returns what is there with the identity of the target.
The identity is the same each time: two systems with one identity share one lock.`},
		{Name: "read/sees-everything", check: readSeesEverything, Doc: `Read returns exactly what is there, over more than two pages. An account that is overlooked
keeps its access for ever.`},
		{Name: "read/scoped-agrees", check: readScopedAgrees, Doc: `Reading named objects says about them what reading everything says, with all that they hold.
Each write is verified by such a read, and a leaver is found by one.`},
		{Name: "read/standing", check: readStanding, Doc: `What is only an invitation is pending, and what follows from something else is implied. The
first counts as there, the second can neither satisfy a wish nor be revoked.`},
		{Name: "read/all-or-error", check: readAllOrError, always: true, Doc: `When a part can't be read, the whole Read fails with no state, or the state says what it
doesn't know. A missing page that looks like missing accounts would undo what it doesn't show.`},
		{Name: "read/waits-when-told", check: readWaitsWhenTold, Doc: `An answer that says "later" (429, with or without Retry-After) or that is slow is waited for,
and asked for again no earlier than it says. Systems with many accounts answer so every day.`},
		{Name: "read/honours-context", check: readHonoursContext, Doc: `A Read whose context is done returns the context's error promptly. One slow system must not
hold up the leavers of all others.`},

		{Name: "normalize/idempotent", check: normalizeIdempotent, Doc: `Normalizing twice is normalizing once. Otherwise the same declaration would differ from
itself.`},
		{Name: "normalize/keeps-what-was-read", check: normalizeKeeps, Doc: `What Read returned comes back from Normalize as it was. Otherwise what is live could never
be declared.`},
		{Name: "normalize/pure", check: normalizePure, Doc: `Normalize leaves what it was given alone, needs no connection, and refuses kinds, attributes
and empty names that the system doesn't have. It runs on every declared object of a repository, at any time.`},
		{Name: "normalize/predicts-read", check: normalizePredicts, Doc: `An object that is created as Normalize gave it is read back the same. Otherwise every plan
would want to correct what the last one did.`},
		{Name: "normalize/maps-twins", check: normalizeTwins, Doc: `Two names that the system takes for one become one by Normalize. The engine refuses such
twins, but only Normalize can tell it.`},

		{Name: "apply/declared", check: applyDeclared, Doc: `Each action that Describe names takes effect, and each that it doesn't name is refused with
ErrUnsupported. The plan promises exactly what the description says.`},
		{Name: "apply/nothing-else", check: applyNothingElse, always: true, Doc: `A change changes what it names and nothing beside it. A reviewer approved this one
difference.`},
		{Name: "apply/twice-is-once", check: applyTwice, Doc: `What is already true is no error and changes nothing. A run that was cut off is simply
repeated.`},
		{Name: "apply/lost-reply", check: applyLostReply, Doc: `When a write took effect and its reply was lost, Apply says ErrOutcomeUnknown (or finds out
by itself), and repeating it succeeds. Retrying must not make a second account.`},
		{Name: "apply/knows-its-outcome", check: applyKnowsItsOutcome, always: true, Doc: `Whatever breaks on the way of a write, no error means done, and an error that isn't
ErrOutcomeUnknown means not done. The journal believes it, and a revocation that wasn't would never be tried again.`},
		{Name: "apply/refuses-stale", check: applyRefusesStale, always: true, Doc: `What is neither as planned before nor as wanted after is refused with ErrConflict, and nothing
is changed. Somebody else changed it meanwhile, and nobody has reviewed the sum of both.`},
		{Name: "apply/spares-reserved", check: applySparesReserved, Doc: `What belongs to the system itself is neither changed nor deleted nor given anything. Such
objects can be targets of grants, nothing more.`},
		{Name: "apply/cancelled", check: applyCancelled, Doc: `An Apply whose context is done before it began changes nothing and returns the context's
error; once it is done half-way, no further write reaches the system. Stopping a run means stopping it.`},
		{Name: "apply/batch-agrees", check: applyBatchAgrees, Doc: `A batch ends where its changes end one by one, and a batch of which one change is refused
changes nothing; in a series (SeriesBatcher) just so. The journal records a batch as one unit of work.`},
		{Name: "apply/creations-agree", check: applyCreationsAgree, Doc: `Objects that are made many in one call are as if made one by one, each fails by itself, and
what became of each is told truly. A day on which a hundred people join must not hang on one of them.`},
		{Name: "apply/levels", check: applyLevels, Doc: `Of levels a subject holds one: through the production path, up and down are one change each
and leave the one behind. Two levels at once would show the lower and keep the higher.`},
		{Name: "apply/settles", check: applySettles, Doc: `What was written is read back at once, or within the settle time that the description says,
and is asked for once, its reply lost or not. Whoever repeats what can't be seen yet invites people twice.`},
		{Name: "apply/converges", check: applyConverges, Doc: `Made to be as declared, through the production path, a system is as declared, and doing it
again finds nothing to do. This is the promise that everything else serves.`},

		{Name: "errors/kinds", check: errorsKinds, Doc: `Conflicts and unsupported changes are recognised by errors.Is, and the message names the
object. The engine acts on the kind, a person on the name.`},
		{Name: "errors/denied", check: errorsDenied, Doc: `Where Accord's own account lacks a right, the error is ErrDenied and nothing is changed.
Retrying doesn't help there; somebody has to give it the right.`},
		{Name: "errors/no-secrets", check: errorsNoSecrets, always: true, Doc: `The credential stands in no error, no log line, no description and no state, whatever goes
wrong. All of these end up in merge requests.`},

		{Name: "plan/cannot-write", check: planCannotWrite, Doc: `Wrapped by connectors.ReadOnly the connector still reads and nothing about it can write.
That is all the planning half of the engine ever gets.`},
		{Name: "plan/unknown-waits", check: planUnknownWaits, always: true, Doc: `Through the production path, a part that is unknown leads to no removal and no creation. It
is the third value beside "there" and "not there", and removals have to be earned.`},
		{Name: "close/harmless", check: closeHarmless, Doc: `Close can be called on a connector that never connected, and again. Every path of the engine
ends in it.`},
		{Name: "names/odd", check: namesOdd, Doc: `A name that Normalize accepts works everywhere, whatever is in it: spaces, quotes, other
scripts, reserved words, the greatest length. People have such names.`},
		{Name: "race/parallel", check: raceParallel, Doc: `As many Apply calls at a time as the description says, with reads between them, end where
they would end one after another, be they about many accounts or all about one. Run it with -race.`},
		{Name: "import/round-trips", check: importRoundTrips, Doc: `What is live can be imported: the declaration made from it plans to nothing. The first day with
a system that exists begins so, and nobody would trust a plan that wants to change what it was made from.`},
	}
}
