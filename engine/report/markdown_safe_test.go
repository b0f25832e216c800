package report

import (
	"bytes"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	mdhtml "github.com/yuin/goldmark/renderer/html"
	"golang.org/x/net/html"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/plan"
)

// rendered is a page of Markdown as a forge shows it.
type rendered struct {
	text    string // everything but code
	all     string // code too
	open    string // what is read without unfolding
	strange []string
}

// allowedElements are what our pages are made of.
var allowedElements = strings.Fields("html head body h3 h4 p ul li strong em code sub table thead tbody tr th td blockquote details summary a")

// render turns Markdown into what a reader sees, raw HTML let through as forges let it.
func render(t testing.TB, text, link string) rendered {
	t.Helper()
	var b bytes.Buffer
	md := goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithRendererOptions(mdhtml.WithUnsafe()))
	if err := md.Convert([]byte(text), &b); err != nil {
		t.Fatal(err)
	}
	root, err := html.Parse(&b)
	if err != nil {
		t.Fatal(err)
	}
	var out rendered
	var all, plain, open strings.Builder
	var walk func(n *html.Node, code, folded bool)
	walk = func(n *html.Node, code, folded bool) {
		switch n.Type {
		case html.TextNode:
			if all.WriteString(n.Data); !code {
				plain.WriteString(n.Data)
			}
			if !folded {
				open.WriteString(n.Data)
			}
		case html.CommentNode:
			out.strange = append(out.strange, "a comment: "+n.Data)
		case html.ElementNode:
			if !slices.Contains(allowedElements, n.Data) {
				out.strange = append(out.strange, "<"+n.Data+">")
			}
			for _, a := range n.Attr {
				if n.Data == "a" && a.Key == "href" && a.Val == link || a.Key == "style" && n.Data[0] == 't' {
					continue
				}
				out.strange = append(out.strange, n.Data+" "+a.Key+"="+a.Val)
			}
			code = code || n.Data == "code"
			folded = folded || n.Data == "details"
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c, code, folded)
		}
		if n.Type == html.ElementNode && n.Data != "strong" && n.Data != "code" && n.Data != "em" && n.Data != "a" {
			for _, b := range []*strings.Builder{&all, &plain, &open} {
				b.WriteByte('\n')
			}
		}
	}
	walk(root, false, false)
	out.all, out.text, out.open = all.String(), plain.String(), open.String()
	return out
}

// references are what the filters of forges look for in text that isn't code: users, issues,
// merge requests, snippets, labels, milestones, epics, tickets, addresses, emoji.
var references = regexp.MustCompile(`(?i)@[a-z0-9_"]|#[a-z0-9_"]|![0-9]|\$[0-9]|~[a-z0-9_"]|%[a-z0-9"]|&[0-9]|[a-z]:/|www\.[a-z0-9]|\[[a-z_]+:[0-9]|:[a-z_]+:`)

var tickets = regexp.MustCompile(`\b[A-Z]+-[0-9]`)

// nasty are strings that mean something to Markdown, HTML or a forge.
var nasty = []string{
	"@everyone", "#12", "acme/app#3", "!7", "GH-12 PROJ-7", "~bug", `~"two words"`, "%v1", "&5", "$9", "*iteration:1", "[vulnerability:5]",
	"<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "</details>", "<!-- ", "]]>", "&lt;b&gt;", "&#64;all",
	"**bold** _it_ ~~no~~", "`code` ``", "`", "``` \n# heading", "[a](javascript:alert(1))", "![a](https://evil.example/x.png)", "<https://evil.example>",
	"https://evil.example/a", "www.evil.example", "evil@evil.example", "| a | b |", "\n\n# heading\n- item\n/close\n", "/assign @me", "$x^2$", "$`x`$", ":tada: :+1:",
	"trailing\\", "\\", "a\tb", " ", "", "* * *", "---", "1. one", "\x1b[2J", "\u202eevil", "\xff", "[^1]: note", "[x]: https://evil.example", "http://[::1", "[[wiki]]", "==x==", "mailto:a@b.example", "xmpp:a@b.example/c",
}

// everywhere is a plan in which a string stands wherever one from outside can stand.
func everywhere(s string) *plan.Plan {
	m := newPlan("github", "wiki")
	m.Base, m.Revision.Branch, m.Notes, m.Complete = s, s, []string{s}, false
	m.Judged = &plan.Judgement{By: s, Rules: []string{s}}
	m.Systems[1].Error = s
	m.Systems[0].Unknown = []access.Unknown{{ID: access.ID{Kind: "team", Name: s}, Why: s}}
	m.Systems[0].Orphans = []access.ID{access.Account(s)}
	m.Systems[0].Missing = []access.ID{access.Account(s)}
	m.Systems[0].Disputes = []plan.Dispute{{Account: access.Account(s), People: []string{s}, Why: s}}
	m.Systems = append(m.Systems, plan.System{Name: s})
	for _, p := range []string{"a", "b", "c"} {
		m.revoke("github", p, "team/"+s, s, account(s+p), by(access.CauseRemoved, s, 3, s))
		m.give("github", s+p, "team/two", s, by(access.CauseDeclared, s, 4, s), func(st *plan.Step) {
			st.Reasons = []access.Reason{{Grant: s, Chain: []access.Link{{File: s, Line: 1, Text: s}, {File: s, Line: 2, Text: s}}}}
		})
	}
	m.step(s, access.Disable, access.Account(s), s, leaver, by(access.CauseLeaver, s, 1, s))
	m.step("github", access.Update, access.Account(s), "", by(access.CauseDeclared, s, 5, s), func(st *plan.Step) {
		st.Before, st.After = &access.Value{}, &access.Value{Attributes: map[string]string{s: s}}
	})
	m.refuse(access.RiskMassRevoke, "github/team/"+s, s, m.revoke("github", "d", "team/"+s, "member"))
	r := m.refuse(access.RiskPolicy, s, s)
	r.Finding = &plan.Finding{Kind: plan.FindingApproval, Rule: s, Text: s, Title: s, Severity: s, Remediation: s, Approvers: []string{s}, Unfit: []string{s}, File: s, Line: 2, RuleFile: s, RuleLine: 1}
	m.Findings = []plan.Finding{{Kind: plan.FindingWarn, Rule: s, Text: s, File: s, Line: 1}, {Kind: plan.FindingApproved, Rule: s, Text: s, ApprovedBy: []string{s}}, {Kind: plan.FindingException, Rule: s, Text: s, Exempt: s}}
	m.Settings = []plan.Setting{{Change: s, Kind: "guards", Setting: s, Before: s, After: s, File: s, Line: 1}}
	m.Flips = []plan.Flip{{On: "plan", From: plan.FindingDeny, Rule: s, Text: s, File: s, Line: 1}}
	m.Shifts = []access.Shift{{Kind: access.ShiftSettings, System: s, From: "a", To: "b"}, {Kind: access.ShiftLengthen, Person: s, System: "github", Target: access.ID{Kind: "team", Name: s}, Permission: s, Cause: access.Cause{Text: s, File: s, Line: 1}}}
	return m.Plan
}

// checkSafe wants a page to hold nothing but what we meant: no element, link or reference that
// a string brought in.
func checkSafe(t testing.TB, text, link string) {
	t.Helper()
	for line := range strings.Lines(text) {
		if line = strings.TrimSuffix(line, "\n"); Clean(line) != line {
			t.Errorf("not safe to print: %q", line)
		}
		if strings.HasPrefix(strings.TrimSpace(line), "/") {
			t.Errorf("an order to the forge: %q", line)
		}
	}
	r := render(t, text, link)
	for _, s := range r.strange {
		t.Errorf("the page holds %s", s)
	}
	if at := references.FindStringIndex(r.text); at != nil {
		t.Errorf("a reference in %q", r.text[max(at[0]-30, 0):min(at[1]+30, len(r.text))])
	}
	if at := tickets.FindStringIndex(r.text); at != nil {
		t.Errorf("a reference in %q", r.text[max(at[0]-30, 0):min(at[1]+30, len(r.text))])
	}
}

const wholePlan = "https://ci.example/job/7?a=1"

// pages are what is written of a plan with a string everywhere, at every detail.
func pages(t testing.TB, s string) []string {
	t.Helper()
	p := everywhere(s)
	var out []string
	for d := detailFull; d < detailEnd; d++ {
		m := newMarkdown(p, MarkdownOptions{Link: wholePlan, Title: s, Limit: 1 << 20})
		m.write(d)
		out = append(out, m.b.String())
	}
	var b strings.Builder
	if err := FailedMarkdown(&b, []Problem{{File: s, Line: 1, Column: 2, Text: s, Hint: s}}, MarkdownOptions{Link: wholePlan, Title: s}); err != nil {
		t.Fatal(err)
	}
	return append(out, b.String())
}

func TestMarkdownIsSafe(t *testing.T) {
	for _, s := range nasty {
		for _, page := range pages(t, s) {
			checkSafe(t, page, wholePlan)
		}
		if t.Failed() {
			t.Fatalf("with %q", s)
		}
	}
}

// What is shown of a string is the string itself, whatever it means to Markdown.
func TestMarkdownShowsStrings(t *testing.T) {
	for _, s := range nasty {
		for name, escape := range map[string]func(string) string{"text": mdText, "code": mdCode} {
			got := strings.ReplaceAll(strings.TrimSpace(render(t, "- x "+escape(s)+" y", "").all), "\u200b", "")
			got = strings.Join(strings.Fields(got), " ")
			want := Clean(s)
			if name == "code" && strings.TrimSpace(want) == "" {
				want = `"` + want + `"`
			}
			if want = strings.Join(strings.Fields("x "+want+" y"), " "); got != want {
				t.Errorf("%s: %q is shown as %q", name, want, got)
			}
		}
	}
}

func FuzzMarkdown(f *testing.F) {
	for _, s := range nasty {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 500 {
			return
		}
		for _, page := range pages(t, s) {
			checkSafe(t, page, wholePlan)
		}
	})
}

// A link that isn't the address of a page becomes none.
func TestMarkdownLink(t *testing.T) {
	for _, s := range []string{"javascript:alert(1)", "data:text/html,x", "//x", "x", "https://", "\x00"} {
		if r := render(t, mdLink("x", s), "no"); len(r.strange) > 0 {
			t.Errorf("%q: %v", s, r.strange)
		}
	}
	for _, s := range []string{"https://a.example/b(c)_d?e=<f>&g=`h`", `https://a.example/\)`} {
		if got := mdLink("x", s); strings.ContainsAny(strings.TrimSuffix(strings.TrimPrefix(got, "[x](<"), ">)"), "<>` ") {
			t.Errorf("%q: %s", s, got)
		}
	}
}

// Whatever a plan holds and however short the page has to be: who loses something is named, in
// the open, or the page says first how many aren't and where.
func TestMarkdownHidesNoRemoval(t *testing.T) {
	left := regexp.MustCompile(`\*\*This comment is not the whole plan: (\d+) removal`)
	cuts := 0
	for seed := range uint64(80) {
		p := randomPlan(seed)
		if seed%16 == 0 {
			p = huge(int(seed)*20 + 100)()
		}
		if seed%16 == 8 { // one line takes two things from many, and gives a third
			m := newPlan("github", "warehouse")
			for _, person := range people(30 + int(seed)) {
				why := by(access.CauseRemoved, "groups/a.yaml", 2, "no longer: a includes group b")
				m.revoke("github", person, "team/one", "member", why)
				m.revoke("warehouse", person, "role/two", "member", why)
				m.give("github", person, "team/three", "member", why)
			}
			p = m.Plan
		}
		for _, limit := range []int{0, 65536, 12000, 6000, LeastLimit} {
			var b bytes.Buffer
			if err := PlanMarkdown(&b, p, MarkdownOptions{Limit: limit, Link: wholePlan}); err != nil {
				t.Fatal(err)
			}
			if limit > 0 && b.Len() > limit {
				t.Fatalf("seed %d: %d bytes, the limit is %d", seed, b.Len(), limit)
			}
			text := b.String()
			missing := 0
			if m := left.FindStringSubmatch(text); m != nil {
				missing, _ = strconv.Atoi(m[1])
				cuts++
			}
			told := map[string]bool{}
			for _, w := range strings.FieldsFunc(render(t, text, wholePlan).open, func(r rune) bool { return strings.ContainsRune(" \n,:()", r) }) {
				told[w] = true
			}
			hidden := 0
			for i := range p.Steps {
				s := &p.Steps[i]
				if aside(s) || s.Action == access.Give {
					continue
				}
				name := nameOf(entry{step: s, who: whoOf(s)})
				name, _, _ = strings.Cut(name, " ")
				if w := whoOf(s); w.person == "" && w.subject.IsAccount() {
					name = w.subject.Name
				}
				if !told[name] {
					hidden++
				}
			}
			if hidden > missing {
				t.Fatalf("seed %d, limit %d: %d steps aren't told, and %d are said to be missing:\n%s", seed, limit, hidden, missing, text)
			}
			if p.Run() == nil && !p.Complete && (strings.Contains(text, "Nothing changes") || strings.Contains(text, "changes nobody's access.") && !strings.Contains(text, "Incomplete")) {
				t.Fatalf("seed %d: an incomplete plan looks like no changes:\n%s", seed, text)
			}
		}
	}
	if cuts < 10 {
		t.Errorf("only %d pages were cut", cuts)
	}
}
