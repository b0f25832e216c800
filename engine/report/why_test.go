package report

import (
	"bytes"
	"testing"
	"time"

	"github.com/accordhq/accord/engine/access"
)

var writer = access.ID{Kind: "role", Name: "writer"}

func day(month time.Month, d int) time.Time { return time.Date(2026, month, d, 0, 0, 0, 0, time.UTC) }

func holds() Why {
	return Why{Person: "alice", Name: "Alice Liddell", Status: access.HolderActive, StatusLink: access.Link{File: "people/alice.yaml", Line: 1},
		Items: []WhyItem{{System: "warehouse", Account: "alice", Target: writer, Permission: "member", Declared: true, Live: "held",
			Since: day(11, 3), Until: day(12, 2),
			Reasons: []WhyReason{{
				Reason: access.Reason{From: day(11, 3), Until: day(12, 2), Grant: "prod-db-oncall", Ticket: "OPS-4411", Note: "Quarter-end close", Chain: []access.Link{
					{File: "grants/oncall.yaml", Line: 3, Text: "grant prod-db-oncall gives role/writer: member to group sre until 2026-12-01"},
					{File: "groups/sre.yaml", Line: 7, Text: `sre includes everyone whose title is "Staff SRE"`},
					{File: "people/alice.yaml", Line: 6, Text: `alice's title is "Staff SRE"`},
				}},
				Commits: []Commit{
					{File: "grants/oncall.yaml", Line: 3, Short: "4f2a91c", Time: day(11, 3), Author: "bob", Subject: "Alice moves to SRE", Note: "merged as #812, approved by carol"},
					{File: "groups/sre.yaml", Line: 7, Short: "1c0ffee", Time: day(10, 3), Author: "Data Platform", Subject: "The group of the SREs, by title rather than by name, so that nobody has to keep a list"},
					{File: "people/alice.yaml", Line: 6, Short: "4f2a91c", Time: day(11, 3), Author: "bob", Subject: "Alice moves to SRE"},
				},
			}, {
				Reason: access.Reason{Grant: "all", Chain: []access.Link{{File: "grants/all.yaml", Line: 2, Text: "grant all gives role/writer: member to alice"}}},
			}},
		}}}
}

func holdsNot() Why {
	return Why{Person: "dave", Status: access.HolderActive, Items: []WhyItem{{System: "warehouse", Account: "ddyer", Target: writer, Permission: "member", Live: "no",
		Denials: []Denial{{Links: []access.Link{
			{File: "grants/oncall.yaml", Line: 3, Text: "grant prod-db-oncall would give it to members of sre"},
			{File: "groups/sre.yaml", Line: 7, Text: `dave's title is "SRE", not "Staff SRE"`},
			{File: "groups/sre.yaml", Line: 11, Text: "and dave is named under except"},
		}}, {Links: []access.Link{{File: "grants/all.yaml", Line: 2, Text: "grant all would give it to alice alone"}}}},
		Smallest: "take dave off groups/sre.yaml:11 and add him to its members", Owners: []string{"bob", "erin"},
	}}}
}

func leaverWhy() Why {
	return Why{Person: "carol", Status: access.HolderLeft, StatusLink: access.Link{File: "people/carol.yaml", Line: 4, Text: "left 2026-11-20"},
		Items: []WhyItem{{System: "warehouse", Target: writer, Live: "held"}}}
}

// everything asks for all that somebody holds; its items are in every state.
func everything() Why {
	y := holds()
	add := func(it WhyItem) { y.Items = append(y.Items, it) }
	reason := []WhyReason{{Reason: access.Reason{Chain: []access.Link{{File: "grants/all.yaml", Line: 2, Text: "grant all gives it"}}}}}
	team := access.ID{Kind: "team", Name: "sre"}
	for _, live := range []string{"pending", "implied", "no", "unknown", ""} {
		add(WhyItem{System: "github", Account: "alice-l", Target: team, Permission: "member", Declared: true, Live: live, Reasons: reason})
	}
	for _, live := range []string{"held", "pending", "implied", "no", "unknown", ""} {
		add(WhyItem{System: "github", Account: "alice-l", Target: team, Permission: "member", Live: live})
	}
	return y
}

func hostileWhy() Why {
	return Why{Person: evil, Name: evil, Status: access.HolderLeave, StatusLink: access.Link{File: evil, Line: 3, Text: evil}, Items: []WhyItem{{
		System: evil, Account: evil + "2", Target: access.ID{Kind: evil, Name: evil}, Permission: evil, Declared: true, Live: "held",
		Reasons: []WhyReason{{Reason: access.Reason{Ticket: evil, Note: evil, Chain: []access.Link{{File: evil, Line: 2, Text: evil}}},
			Commits: []Commit{{File: evil, Short: evil, Author: evil, Subject: evil, Note: evil, Time: now}}}},
		Denials: []Denial{{Links: []access.Link{{File: evil, Line: 2, Text: evil}}}}, Smallest: evil, Owners: []string{evil},
	}}}
}

func TestWhy(t *testing.T) {
	for _, test := range []struct {
		name string
		why  func() Why
		o    Options
	}{
		{"holds", holds, Options{}},
		{"holds-colour", holds, Options{Color: true}},
		{"holds-not", holdsNot, Options{}},
		{"leaver", leaverWhy, Options{}},
		{"everything", everything, Options{}},
		{"nothing", func() Why { return Why{Person: "zoe", Status: access.HolderActive} }, Options{}},
		{"nothing-yet", func() Why {
			return Why{Person: "zoe", Name: "Zoe", Status: access.HolderUpcoming, StatusLink: access.Link{File: "people/zoe.yaml", Line: 3, Text: "starts 2027-01-01"}}
		}, Options{}},
		{"hostile", hostileWhy, Options{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			text := golden(t, "why-"+test.name+".txt", func(b *bytes.Buffer) error { return WhyText(b, test.why(), test.o) })
			checkWidth(t, text, usualWidth)
			checkClean(t, colours.ReplaceAllString(text, ""))
			doc := golden(t, "why-"+test.name+".json", func(b *bytes.Buffer) error { return WhyJSON(b, test.why()) })
			checkClean(t, doc)
			checkJSON(t, doc, &whyDoc{})
		})
	}
}
