package forge

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/plan"
)

func TestMarker(t *testing.T) {
	sha := strings.Repeat("a1", 20)
	for _, m := range []Marker{{".", ""}, {"access", sha}, {"emea/access", sha}, {"a b/--><script>\"", ""}, {"---", sha}, {"ünï/%2D", ""}} {
		text := m.String()
		if strings.Contains(text[4:len(text)-3], "--") || strings.Count(text, ">") != 1 || strings.ContainsAny(text, "\n") {
			t.Errorf("%+v is %q, which ends before its end", m, text)
		}
		for _, end := range []string{"", "\n", "\r\ntext", "\ntext"} {
			if got, ok := ParseMarker(text + end); !ok || got != m {
				t.Errorf("%q is read as %+v, %v", text+end, got, ok)
			}
		}
		for _, other := range []string{"> " + text, " " + text, "\n" + text, text + " text", text[1:], strings.ToUpper(text)} {
			if got, ok := ParseMarker(other); ok {
				t.Errorf("%q is taken for a marker: %+v", other, got)
			}
		}
	}
	if (Marker{}).String() != (Marker{Root: "."}).String() {
		t.Error("no root isn't the repository itself")
	}
}

func FuzzMarker(f *testing.F) {
	f.Add("emea/access", "text")
	f.Fuzz(func(t *testing.T, root, text string) {
		if root == "" {
			return
		}
		m := Marker{Root: root, Commit: "0123456789abcdef"}
		if got, ok := ParseMarker(m.String() + "\n" + text); !ok || got != m {
			t.Errorf("%+v comes back as %+v, %v", m, got, ok)
		}
		if got, ok := ParseMarker(text); ok { // whatever is read as a marker is one
			if again, ok := ParseMarker(got.String()); !ok || again != got {
				t.Errorf("%q is read as %+v, which comes back as %+v", text, got, again)
			}
		}
	})
}

// Whatever a run said stands in one block of code, which it can't leave, and none of it is a
// command to GitLab.
func FuzzFailed(f *testing.F) {
	f.Add("accord: reading the plan\n/approve\n```\n</sub>@ada", "ac`cess")
	f.Fuzz(func(t *testing.T, said, root string) {
		page := Page{Root: root, Commit: strings.Repeat("a", 40), Limit: 65_000}
		text := page.FailedText(said)
		if !utf8.ValidString(text) || !strings.HasPrefix(text, "### Access") || strings.Contains(strings.SplitN(text, "\n", 2)[0], "\r") {
			t.Errorf("the text is %q", text)
		}
		if _, after, ok := strings.Cut(text, "text\n"); ok && strings.TrimSpace(said) != "" {
			lines := strings.Split(text, "\n")
			fences := 0
			open := ""
			for _, l := range lines {
				switch {
				case open == "" && strings.HasPrefix(l, "```") && strings.HasSuffix(l, "text"):
					open, fences = strings.TrimSuffix(l, "text"), fences+1
				case open != "" && strings.HasPrefix(l, open) && strings.Trim(l, "`") == "":
					open, fences = "", fences+1
				}
			}
			if fences != 2 || open != "" {
				t.Errorf("%d fences in %q", fences, after)
			}
		}
		for line := range strings.Lines(quiet(text)) {
			if strings.HasPrefix(strings.TrimLeft(line, " \t\u00a0"), "/") {
				t.Errorf("a command: %q", line)
			}
		}
	})
}

func TestFailed(t *testing.T) {
	head := strings.Repeat("b", 40)
	page := Page{Root: "emea", Commit: strings.Repeat("a", 40), Head: head, Link: "https://ci.example/7", Limit: 65_000}
	text := page.FailedText("first\n" + strings.Repeat("noise\n", 5000) + "the end\x1b[2J")
	for _, want := range []string{
		"### Access in `emea`: there is no plan\n", "Planning failed for aaaaaaaaaa", "isn't known.**", "\nthe end\\x1b[2J\n```\n", " lines before\n",
		"This is about aaaaaaaa. The request has moved on to bbbbbbbb since", "[the run](<https://ci.example/7>)",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q isn't in %s", want, text)
		}
	}
	if len(text) > mostSaid+room {
		t.Errorf("it has %d bytes", len(text))
	}
	if strings.Contains(page.FailedText(""), "```") {
		t.Error("nothing was said, and is shown")
	}
}

func TestQuiet(t *testing.T) {
	in := "/merge\n  /approve\nnot /this\n\t/label ~x\n\u00a0/close\r\n"
	want := "\\/merge\n  \\/approve\nnot /this\n\t\\/label ~x\n\u00a0\\/close\r\n"
	if got := quiet(in); got != want {
		t.Errorf("got %q", got)
	}
}

func TestVerdict(t *testing.T) {
	step := func(a access.Action, held *plan.Hold) plan.Step {
		return plan.Step{Change: access.Change{Action: a}, Held: held}
	}
	ok := plan.System{Name: "office"}
	tests := []struct {
		plan  plan.Plan
		state State
		text  string
	}{
		{plan.Plan{Systems: []plan.System{ok}}, StateSuccess, "nothing to do"},
		{plan.Plan{Systems: []plan.System{ok}, Steps: []plan.Step{step(access.Give, nil), step(access.Revoke, nil), step(access.Give, &plan.Hold{})}}, StateSuccess, "1 to take away, 1 to give"},
		{plan.Plan{Systems: []plan.System{ok}, Refusals: []plan.Refusal{{}, {Allowed: true}}}, StateFailure, "1 refusal; nothing is to be carried out"},
		{plan.Plan{Systems: []plan.System{{Name: "wiki", Error: "502"}, {Name: "mail", Unknown: []access.Unknown{{}}}, {Name: "db", BaseError: "gone"}}}, StateFailure, "not read completely: wiki mail db; nothing is to be carried out"},
		{plan.Plan{Systems: []plan.System{{Name: "wiki", NotRead: "no credentials"}}, Shifts: []access.Shift{{}, {}}}, StateSuccess, "2 declared accesses change; 1 system not read"},
		{plan.Plan{Systems: []plan.System{{Name: "wiki", NotRead: "no credentials"}}}, StateSuccess, "nothing to do; 1 system not read"},
		{plan.Plan{Systems: []plan.System{ok}, Settings: []plan.Setting{{}}}, StateSuccess, "1 judging setting changes"},
	}
	for _, tt := range tests {
		if got := Verdict(&tt.plan); got.State != tt.state || got.Text != tt.text {
			t.Errorf("got %s, %q; want %s, %q", got.State, got.Text, tt.state, tt.text)
		}
	}
	if Context(".") != "accord/plan" || Context("emea") != "accord/plan (emea)" {
		t.Error("the context isn't right")
	}
}

// A comment stays below the limit with everything that is around the plan.
func TestPlanText(t *testing.T) {
	p := &plan.Plan{FormatVersion: plan.FormatVersion, Engine: plan.EngineVersion, Complete: true, Systems: []plan.System{{Name: "office"}}}
	for i := range 3000 {
		p.Steps = append(p.Steps, plan.Step{Change: access.Change{Action: access.Revoke, System: "office", Subject: access.Account(strings.Repeat("x", 20) + string(rune('a'+i%26)) + strings.Repeat("y", i%40)),
			Target: access.ID{Kind: "group", Name: "g"}, Before: &access.Value{Permission: "member"}}, Class: plan.ClassChange})
	}
	page := Page{Root: "emea", Commit: strings.Repeat("a", 40), Head: strings.Repeat("b", 40), Link: "https://ci.example/7", Limit: 20_000}
	text, err := page.PlanText(p)
	must(t, err)
	if len(text) > page.Limit-500 || !strings.Contains(text, "Access in emea") || !strings.Contains(text, "moved on to bbbbbbbb") || !strings.Contains(text, "updated in place") {
		t.Errorf("%d bytes: %.500s", len(text), text)
	}
}
