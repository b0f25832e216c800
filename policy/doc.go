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
// In these the rules deny, violation, warn and require_approval, with or without a suffix
// (deny_on_friday), yield texts or objects with a msg; exception yields lists of suffixes that
// don't apply to this input.
//
// A judge that can't judge never lets pass: an error of a rule, a result of another shape and a
// batch that takes too long are errors (ErrJudge), and so is a policy without any rule
// (ErrCompile). A policy sees its input and its data, nothing else: there is no network, no
// clock, no randomness and no environment in it.
package policy
