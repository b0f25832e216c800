// Package forge speaks to where merge requests live: GitHub (and GitHub Enterprise), GitLab,
// Gitea and Forgejo. It puts a plan on a merge request, sets the status of a commit, and
// collects who approved what.
//
//	t, err := forge.Detect(os.Getenv)            // CI's own variables
//	f, err := t.Open(forge.Options{Secret: …})   // nothing is asked yet
//	r, err := f.Request(ctx)
//	res, err := forge.Publish(ctx, f, forge.Note{Root: "access", Commit: r.Head, Head: r.Head, Text: text})
//	err = f.SetStatus(ctx, r.Head, forge.Verdict(p))
//	e, err := f.Evidence(ctx)
//
//	forge.go                        the contract and its words
//	publish.go, marker.go           one comment for each access repository, in place
//	body.go, verdict.go             what the comment and the status say
//	detect.go                       which forge, repository and request a CI job runs for
//	github.go, gitlab.go, gitea.go  one forge each
//	call.go, reviews.go             what they share
//
// # What is held
//
// A comment never says less than the truth. Where there is no plan the comment says so, loudly,
// in the place of what an earlier push left; a run for an older push doesn't write over what a
// newer one said.
//
// There is one comment for each access root of a git repository. It is found by a hidden
// marker on its first line and by its author, who has to be the one that the token stands for:
// a comment of somebody else isn't touched, whatever it says. Two runs at the same time may
// write two; each then looks again, keeps the oldest and removes the rest of its own. A reply
// that was lost is looked up before anything is written again.
//
// An approval is for a commit. GitHub, Gitea and Forgejo say for which; GitLab says when, and
// the commit is the one that was on top at that time by the request's versions. Where that
// can't be told the approval doesn't count.
//
// Errors name the right that a token lacks. The token goes to the address that it was opened
// for and nowhere else, and never into an error or a log (see connectors/rest).
package forge
