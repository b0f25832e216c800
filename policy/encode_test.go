package policy

import (
	"fmt"
	"testing"
)

// TestEncoderForgets: however many people and lists there are, an encoder keeps only so many,
// and what it has forgotten it encodes again.
func TestEncoderForgets(t *testing.T) {
	e := entries()[0]
	enc := &encoder{}
	first := map[int]string{}
	for round := range 2 {
		for i := range 2*maxShared + 10 {
			id := fmt.Sprintf("person%d", i)
			c := ChangeInput{Subject: &Subject{ID: id}}
			c.Change.Class, c.Change.Origin, c.Change.Op, c.Change.Kind = "change", "step", "add", "grant"
			c.Change.Owners, c.Change.Reasons = []string{id}, []Reason{{Grant: id, Line: i, HasEnd: i%2 == 0}}
			term := enc.input(e.shape, &c)
			if enc.err != nil {
				t.Fatal(enc.err)
			}
			if i%1000 == 0 {
				if text := term.String(); round == 0 {
					first[i] = text
				} else if text != first[i] {
					t.Errorf("%s, then %s", first[i], text)
				}
			}
		}
	}
	if len(enc.shared) > maxShared || len(enc.texts) > maxTexts {
		t.Errorf("%d things and %d texts are kept", len(enc.shared), len(enc.texts))
	}
	for s, known := range enc.lists {
		if len(known) > maxLists {
			t.Errorf("%d lists of %s are kept", len(known), s.typ)
		}
	}
}

// TestListsAreTold: lists that differ only in a part that isn't asked for directly are not
// taken for each other: days_left depends on has_end.
func TestListsAreTold(t *testing.T) {
	j := judge(t, Options{}, file("p.rego", "package accord\n\ndeny contains sprintf(\"%d\", [r.days_left]) if some r in input.change.reasons\n"))
	in := company(3)
	in.Principals = nil
	for i := range in.Changes {
		in.Changes[i].Change.Reasons = []Reason{{Grant: "g", HasEnd: i == 1, DaysLeft: 5}}
	}
	got, err := j.Judge(t.Context(), in)
	if err != nil || len(got) != 3 || got[0].Msg != "36500" || got[1].Msg != "5" || got[2].Msg != "36500" {
		t.Errorf("got %v, %v", got, err)
	}
}
