package connectortest

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/connectors/memory"
)

func TestTables(t *testing.T) {
	path := filepath.Join(t.TempDir(), "laws.txt")
	r := Record{Server: "a map", Faults: []Fault{FaultHang, FaultRead}}
	for _, l := range Laws() {
		o := Outcome{l.Name, Holds, ""}
		switch l.Name {
		case "read/standing":
			o = Outcome{l.Name, Beside, "no invitations"}
		case "read/honours-context":
			o.Why = "nothing hangs"
		case "apply/lost-reply":
			o = Outcome{l.Name, Waived, "a map has no replies"}
		}
		r.Outcomes = append(r.Outcomes, o)
	}
	types := []connectors.Type{memory.New().Type()}
	tables := func() (string, error) { return Tables(types, func(string) string { return path }) }
	if _, err := tables(); err == nil || !strings.Contains(err.Error(), "-update-laws") {
		t.Errorf("without a record: %v", err)
	}
	if err := writeRecords(path, []Record{r}); err != nil {
		t.Fatal(err)
	}
	got, err := tables()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| `memory` | A system in a map: the reference for connectors, and the far side of tests | a map | 4 | one change | at once |",
		"| `memory` | `account` | ✓ | ✓ | ✓ | ✓ | ✓ | ✓ |  |  |",
		"| `memory` | `folder` | ✓ | ✓ | ✓ |  |  | ✓ | read < write < admin | account, group, role |",
		"| `memory` | `app` | ✓ | ✓ | ✓ |  |  | ✓ | use, audit, admin | account, group, role |",
		"| `read/empty` | ✓ |", "| `read/standing` | – |", "| `apply/lost-reply` | **waived** (2) |", "| `read/honours-context` | ✓ (1) |",
		"1. `memory`, a map, `read/honours-context`: nothing hangs", "2. `memory`, a map, `apply/lost-reply`: a map has no replies",
		"| `memory` | a map | hang, read |",
	} {
		if !strings.Contains(got, want+"\n") {
			t.Errorf("nowhere: %s", want)
		}
	}
	for _, change := range []func(*Record){
		func(r *Record) { r.Outcomes = r.Outcomes[1:] },
		func(r *Record) { r.Outcomes[0].Result = "perhaps" },
	} {
		change(&r)
		if err := writeRecords(path, []Record{r}); err != nil {
			t.Fatal(err)
		}
		if _, err := tables(); err == nil {
			t.Error("a record that can't be was shown")
		}
	}
}
