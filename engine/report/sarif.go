package report

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/plan"
)

// SARIF 2.1.0 (OASIS, sarif-v2.1.0-os): what is found, on the lines of the declaration that it
// is about. Section numbers below are of that specification.
const (
	sarifVersion = "2.1.0"
	sarifSchema  = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
	// sarifHome is where what is about no line is shown: viewers want a place for everything.
	sarifHome = "accord.yaml"
)

type sarifLog struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct {
	Tool        sarifTool         `json:"tool"`
	Automation  sarifAutomation   `json:"automationDetails"`
	Invocations []sarifInvocation `json:"invocations"`
	Results     []sarifResult     `json:"results"`
	ColumnKind  string            `json:"columnKind"`
	Properties  map[string]string `json:"properties,omitempty"`
}

type sarifAutomation struct {
	ID string `json:"id"`
}

type sarifTool struct {
	Driver sarifDriver `json:"driver"`
}

type sarifDriver struct {
	Name  string      `json:"name"`
	Rules []sarifRule `json:"rules"`
}

type sarifRule struct {
	ID         string            `json:"id"`
	Name       string            `json:"name,omitempty"`
	Short      sarifText         `json:"shortDescription"`
	Help       sarifText         `json:"help"`
	Config     sarifConfig       `json:"defaultConfiguration"`
	Properties map[string]string `json:"properties,omitempty"`
}

type sarifConfig struct {
	Level string `json:"level"`
}

type sarifText struct {
	Text string `json:"text"`
}

type sarifInvocation struct {
	Successful    bool                `json:"executionSuccessful"`
	Notifications []sarifNotification `json:"toolExecutionNotifications,omitempty"`
}

type sarifNotification struct {
	Level   string    `json:"level"`
	Message sarifText `json:"message"`
}

type sarifResult struct {
	RuleID       string             `json:"ruleId"`
	RuleIndex    int                `json:"ruleIndex"`
	Level        string             `json:"level"`
	Message      sarifText          `json:"message"`
	Locations    []sarifLocation    `json:"locations"`
	Related      []sarifLocation    `json:"relatedLocations,omitempty"`
	Fingerprints map[string]string  `json:"partialFingerprints"`
	Suppressions []sarifSuppression `json:"suppressions,omitempty"`
}

type sarifLocation struct {
	ID       int           `json:"id,omitempty"`
	Physical sarifPhysical `json:"physicalLocation"`
	Message  *sarifText    `json:"message,omitempty"`
}

type sarifPhysical struct {
	Artifact sarifArtifact `json:"artifactLocation"`
	Region   *sarifRegion  `json:"region,omitempty"`
}

type sarifArtifact struct {
	URI string `json:"uri"`
}

type sarifRegion struct {
	Line   int `json:"startLine"`
	Column int `json:"startColumn,omitempty"`
}

type sarifSuppression struct {
	Kind   string `json:"kind"`
	Status string `json:"status"`
	Why    string `json:"justification"`
}

// The levels of results (§3.27.10).
const (
	sarifError   = "error"
	sarifWarning = "warning"
	sarifNote    = "note"
)

// sarif collects results and the rules that they are of.
type sarif struct {
	run   sarifRun
	index map[string]int
	seen  map[string]int
}

func newSARIF(what string) *sarif {
	return &sarif{
		run: sarifRun{Tool: sarifTool{sarifDriver{Name: "accord", Rules: []sarifRule{}}}, Automation: sarifAutomation{"accord/" + what + "/"},
			Invocations: []sarifInvocation{{Successful: true}}, Results: []sarifResult{}, ColumnKind: "unicodeCodePoints"},
		index: map[string]int{}, seen: map[string]int{},
	}
}

// rule is what a result is of: its name, what that means, and how to get on.
type sarifKind struct {
	id, title, help, level string
	severity               string
}

// found adds a result. The key names what it is about by things that outlive the lines: two
// runs give one result one fingerprint though the file was edited above it.
func (s *sarif) found(k sarifKind, key, text, file string, line, column int) *sarifResult {
	i, ok := s.index[k.id]
	if !ok {
		i = len(s.run.Tool.Driver.Rules)
		s.index[k.id] = i
		r := sarifRule{ID: k.id, Short: sarifPlain(cmp.Or(k.title, k.id)), Help: sarifPlain(cmp.Or(k.help, k.title, k.id)), Config: sarifConfig{k.level}}
		if k.severity != "" {
			r.Properties = map[string]string{"severity": Clean(k.severity)}
		}
		s.run.Tool.Driver.Rules = append(s.run.Tool.Driver.Rules, r)
	}
	print := fmt.Sprintf("%q %q", k.id, key)
	if s.seen[print]++; s.seen[print] > 1 {
		print += fmt.Sprintf(" %d", s.seen[print])
	}
	sum := sha256.Sum256([]byte(print))
	s.run.Results = append(s.run.Results, sarifResult{RuleID: k.id, RuleIndex: i, Level: k.level, Message: sarifPlain(text),
		Locations: []sarifLocation{{Physical: sarifPlace(file, line, column)}}, Fingerprints: map[string]string{"accord/v1": hex.EncodeToString(sum[:16])}})
	return &s.run.Results[len(s.run.Results)-1]
}

// sarifPlain is a text in which nothing is a link (§3.11.6).
func sarifPlain(s string) sarifText {
	return sarifText{strings.NewReplacer(`\`, `\\`, "[", `\[`, "]", `\]`).Replace(Clean(s))}
}

func sarifPlace(file string, line, column int) sarifPhysical {
	if file == "" {
		file, line = sarifHome, 1
	}
	parts := strings.Split(file, "/")
	for i, p := range parts {
		parts[i] = strings.ReplaceAll(url.PathEscape(p), ":", "%3A") // else a scheme to some
	}
	p := sarifPhysical{Artifact: sarifArtifact{strings.Join(parts, "/")}}
	if line > 0 {
		p.Region = &sarifRegion{Line: line, Column: max(column, 0)}
	}
	return p
}

func (s *sarif) notify(level, text string) {
	in := &s.run.Invocations[0]
	in.Notifications = append(in.Notifications, sarifNotification{level, sarifPlain(text)})
}

func (s *sarif) write(w io.Writer) error {
	return writeJSON(w, sarifLog{Schema: sarifSchema, Version: sarifVersion, Runs: []sarifRun{s.run}})
}

// PlanSARIF writes what is found in a plan as SARIF: what rules and guards refuse or remark,
// what is dangerous, which judging settings change, and what couldn't be read.
func PlanSARIF(w io.Writer, p *plan.Plan) error {
	v := newView(io.Discard, p, Options{})
	s := newSARIF("plan")
	s.run.Properties = map[string]string{"planDigest": p.PlanDigest}
	if len(p.Shifts) > 0 {
		s.run.Properties["changeDigest"] = p.ChangeDigest
	}
	for _, n := range p.Notes {
		s.notify(sarifNote, n)
	}
	s.refusals(v)
	for _, f := range p.Findings {
		s.finding(f, sarifWarning)
	}
	s.settings(p)
	s.risks(v)
	s.unread(p)
	return s.write(w)
}

func (s *sarif) refusals(v *view) {
	for _, r := range v.plan.Refusals {
		if r.Finding != nil {
			res := s.finding(*r.Finding, sarifError)
			if r.Allowed {
				res.allow("allowed by name")
			}
			continue
		}
		help := "Change the declaration, or if it is meant allow it for one plan with --allow " + string(r.Name) + ":REF."
		if r.Final {
			help = "It can't be allowed: change the declaration."
		}
		var file string
		var line int
		for _, st := range v.named(r) {
			if st.Cause.File != "" {
				file, line = st.Cause.File, st.Cause.Line
				break
			}
		}
		res := s.found(sarifKind{id: "guard/" + Clean(string(r.Name)), title: "Refused: " + string(r.Name), help: help, level: sarifError}, r.Ref, r.Text, file, line, 0)
		if r.Allowed {
			res.allow("allowed by --allow " + shellWord(string(r.Name)+":"+r.Ref))
		}
	}
}

// allow marks a result as one that somebody agreed to (§3.35).
func (r *sarifResult) allow(why string) {
	r.Suppressions = append(r.Suppressions, sarifSuppression{Kind: "external", Status: "accepted", Why: Clean(why)})
}

// finding adds what a rule says; refused is the level of what isn't carried out because of it.
func (s *sarif) finding(f plan.Finding, level string) *sarifResult {
	switch f.Kind {
	case plan.FindingException, plan.FindingApproved:
		level = sarifNote
	}
	k := sarifKind{id: "policy/" + Clean(strings.TrimPrefix(f.Package+".", ".")+f.Rule), title: f.Title, help: f.Remediation, level: level, severity: f.Severity}
	if f.Kind == plan.FindingApproval && k.help == "" {
		k.help = "Somebody who answers for it has to approve."
	}
	text := f.Text
	if f.Kind == plan.FindingApproval {
		text += " (" + approversText(f) + ")"
	}
	r := s.found(k, f.Change+" "+f.Person+" "+f.Text, text, f.File, f.Line, 0)
	if f.RuleFile != "" {
		r.Related = []sarifLocation{{ID: 1, Physical: sarifPlace(f.RuleFile, f.RuleLine, 0), Message: &sarifText{"the rule"}}}
	}
	switch {
	case f.Kind == plan.FindingApproved:
		r.allow("approved by " + strings.Join(f.ApprovedBy, ", "))
	case f.Exempt == "exception":
		r.allow("excepted by a rule of the policies")
	case f.Exempt != "":
		r.allow("excepted by the exemption " + f.Exempt)
	}
	return r
}

func (s *sarif) settings(p *plan.Plan) {
	for _, x := range p.Settings {
		_, text := settingChange(x)
		s.found(sarifKind{id: "judging-setting", title: "A setting by which access is judged changes", help: "Until it is agreed to, the setting before it judges.", level: sarifWarning},
			x.Change, x.Setting+text, x.File, x.Line, 0)
	}
	for _, f := range p.Flips {
		level := sarifNote
		if loosens(f) {
			level = sarifWarning
		}
		s.found(sarifKind{id: "judged-otherwise", title: "Judged otherwise under the rules of this change", level: sarifWarning},
			f.On+" "+f.Rule+" "+f.Text, fmt.Sprintf("%s → %s: %s: %s", verdictWord(f.From), verdictWord(f.To), f.Rule, f.Text), f.File, f.Line, 0).Level = level
	}
}

// riskKinds are the risks that are told of steps, gravest first.
var riskKinds = []struct {
	name  access.RiskName
	title string
	level string
}{
	{access.RiskIrreversible, "It can't be undone", sarifWarning},
	{access.RiskDeletes, "An account is deleted", sarifWarning},
	{access.RiskGrantsAdmin, "Administrative access is given", sarifWarning},
	{access.RiskAdopts, "An account that is there already is taken over", sarifNote},
}

// risks tells each risk once for each line that brings it about.
func (s *sarif) risks(v *view) {
	entries := v.pick(shown)
	for _, k := range riskKinds {
		var with []entry
		for _, e := range entries {
			if slices.ContainsFunc(e.step.Risks, func(r access.Risk) bool { return r.Name == k.name }) {
				with = append(with, e)
			}
		}
		for _, st := range stories(with) {
			for _, l := range st.lines {
				names := l.names()
				who := strings.Join(names[:min(len(names), 10)], ", ")
				if n := len(names); n > 10 {
					who += fmt.Sprintf(" and %d more", n-10)
				}
				what := strings.Trim(string(l.action)+" "+l.what, " ")
				s.found(sarifKind{id: "risk/" + string(k.name), title: k.title, level: k.level}, strings.Join([]string{l.system, what, st.cause.File, st.person}, " "),
					fmt.Sprintf("%s: %s on %s, %s", k.title, what, l.system, who), st.cause.File, st.cause.Line, 0)
			}
		}
	}
}

// unread tells what isn't known, which is never the same as nothing.
func (s *sarif) unread(p *plan.Plan) {
	for _, sys := range sortedSystems(p) {
		for _, f := range unknowns(sys) {
			s.found(sarifKind{id: "not-read", title: "A system couldn't be read whole", help: "There may be more to do than the plan tells. Plan again once it can be read.", level: sarifWarning},
				sys.Name+" "+f.text, sys.Name+": "+strings.TrimSpace(f.text+" "+strings.Join(f.names, ", ")), "", 0, 0)
		}
	}
	if !p.Complete && len(p.Systems) > 0 {
		s.notify(sarifWarning, "the plan is incomplete: not every system could be read whole")
	}
}

// FailedSARIF is what stands in the place of PlanSARIF where no plan could be made.
func FailedSARIF(w io.Writer, problems []Problem) error {
	s := newSARIF("plan")
	s.run.Invocations[0].Successful = false
	s.notify(sarifError, noPlan)
	s.problems(problems)
	return s.write(w)
}

// ProblemsSARIF writes what is wrong with a declaration; nothing where it is sound.
func ProblemsSARIF(w io.Writer, problems []Problem) error {
	s := newSARIF("validate")
	s.problems(problems)
	return s.write(w)
}

func (s *sarif) problems(problems []Problem) {
	for _, p := range problems {
		text := p.Text
		if p.Hint != "" {
			text += ": " + p.Hint
		}
		s.found(sarifKind{id: "declaration", title: "The declaration is wrong", help: "Nothing is planned or applied until it is sound.", level: sarifError}, p.File+" "+p.Text, text, p.File, p.Line, p.Column)
	}
}
