package notify

import (
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/plan"
)

var update = flag.Bool("update", false, "write the golden files anew")

var now = time.Date(2026, 11, 23, 10, 2, 11, 0, time.UTC)

// everything is a message with some of everything.
func everything() Message {
	zed, tools := access.Account("zed"), access.ID{Kind: "group", Name: "tools"}
	m := Message{FormatVersion: FormatVersion, ID: "51d0be2c", Repository: "access", Revision: "4f2a91c", At: now, News: []News{
		{Event: Readable, System: "wiki", Kind: plan.DriftUnknown, Subject: access.ID{Kind: "group"}},
		{Event: Gone, System: "office", Kind: plan.DriftMissingGrant, Subject: access.Account("ada"), Target: tools, Detail: "member", Since: now.Add(-48 * time.Hour)},
		{Event: New, System: "office", Kind: plan.DriftUndeclaredGrant, Subject: zed, Target: tools, Detail: "member", Fate: plan.FateReverted, Since: now,
			Traces: []access.Trace{{Object: tools, By: "cn=bob", At: now.Add(-time.Hour)}}},
		{Event: New, System: "office", Kind: plan.DriftUndeclaredAccount, Subject: zed, Fate: plan.FateLeft},
		{Event: New, System: "office", Kind: plan.DriftExpired, Subject: access.Account("c-dyer"), Detail: "disable", Person: "carol", Fate: plan.FateRefused},
		{Event: Passed, System: "office", Kind: plan.DriftUndeclaredGrant, Subject: zed, Target: tools, Detail: "owner", Since: now.Add(-time.Hour)},
		{Event: Flapping, System: "warehouse", Kind: plan.DriftUndeclaredGrant, Subject: zed, Target: access.ID{Kind: "role", Name: "writer"}, Detail: "member"},
		{Event: Unreadable, System: "wiki", Kind: plan.DriftUnknown, Why: "reading wiki: 502"},
		{Event: Unreadable, System: "hr", Kind: plan.DriftUnknown, Subject: access.ID{Kind: "group"}, Why: "page two answered 403"},
		{Event: Settled, System: "office", Kind: plan.DriftUndeclaredGrant, Detail: ManyDetail},
		{Event: Partly, Run: "20261123T100211Z-9c1f07aa-0a1b2c", Actor: "ada", Since: now, Why: "applied in part"},
	}, Open: []Open{{"office", plan.DriftUndeclaredGrant, 3, now.Add(-48 * time.Hour)}, {"wiki", plan.DriftUnknown, 1, time.Time{}}}}
	m.Sort()
	return m
}

// hostile is a message whose names try to be something else.
func hostile() Message {
	const name = "<!channel> @here `*_~ &amp; <https://evil.example|x>```\r\nBcc: x@evil.example\x1b[2J\u202e"
	return Message{ID: "x", Repository: name, At: now, News: []News{
		{Event: New, System: "office", Kind: plan.DriftUndeclaredGrant, Subject: access.Account(name), Target: access.ID{Kind: "group", Name: name}, Detail: name, Person: name, Fate: plan.FateReverted,
			Traces: []access.Trace{{Object: access.Account(name), By: name}}},
		{Event: Unreadable, System: "wiki", Kind: plan.DriftUnknown, Why: name},
	}, Open: []Open{}}
}

func many() Message {
	m := Message{ID: "x", Repository: "access", At: now, First: true}
	for i := range 300 {
		m.News = append(m.News, News{Event: New, System: "office", Kind: plan.DriftUndeclaredAccount, Subject: access.Account(strings.Repeat("a", 200) + string(rune('a'+i%26)))})
	}
	return m
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := "testdata/" + name
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got):\n%s", file, d)
	}
}

func TestMessage(t *testing.T) {
	for name, m := range map[string]Message{
		"everything": everything(), "hostile": hostile(), "many": many(),
		"reminder": {ID: "x", Repository: "access", At: now, Open: everything().Open},
	} {
		t.Run(name, func(t *testing.T) {
			golden(t, name+".txt", m.Title()+"\n\n"+strings.Join(m.Lines(), "\n")+"\n")
			golden(t, name+".slack", slackText(m)+"\n")
			data, err := json.MarshalIndent(m, "", " ")
			if err != nil {
				t.Fatal(err)
			}
			if name != "many" {
				golden(t, name+".json", string(data)+"\n")
			}
		})
	}
}

// FuzzText: no name, however it is made, acts on a terminal, leaves its line, or is control to
// Slack.
func FuzzText(f *testing.F) {
	f.Add("zed", "tools", "member", "502")
	f.Fuzz(func(t *testing.T, name, target, detail, why string) {
		m := Message{Repository: name, At: now, News: []News{
			{Event: New, System: "office", Kind: plan.DriftUndeclaredGrant, Subject: access.Account(name), Target: access.ID{Kind: "group", Name: target}, Detail: detail, Person: why},
			{Event: Unreadable, System: "office", Kind: plan.DriftUnknown, Why: why},
			{Event: Partly, Run: name, Actor: target, Why: detail},
		}}
		for _, l := range append(m.Lines(), m.Title()) {
			if strings.ContainsFunc(l, unicode.IsControl) || !utf8.ValidString(l) {
				t.Errorf("%q", l)
			}
		}
		text := slackText(m)
		plain := strings.NewReplacer("&amp;", "", "&lt;", "", "&gt;", "").Replace(text)
		if strings.ContainsAny(plain, "<>&") || strings.Count(text, "```") != 2 || strings.Count(text, "`") != 6 || strings.Count(text, "*") != 2 {
			t.Errorf("%q", text)
		}
		if strings.Contains(strings.ReplaceAll(text, "@\u200b", ""), "@") {
			t.Errorf("a mention: %q", text)
		}
	})
}
