package ldap

import (
	"strings"
	"testing"
	"time"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/connectors/servertest"
	"github.com/accordhq/accord/engine/access"
)

// A real OpenLDAP says who made an entry and who wrote it last, of those that are there, and
// asking writes nothing. It can be asked through the reading half, too.
func TestTraces(t *testing.T) {
	f := newFar(t)
	f.person("zed")
	f.person("ada")
	f.group("tools", f.dn("zed"))
	c := connectors.ReadOnly(f.open()).(connectors.Auditor)
	ids := []access.ID{access.Account("zed"), access.Account("nobody"), {Kind: "group", Name: "tools"}}
	before, err := c.Traces(t.Context(), ids)
	if err != nil {
		t.Fatal(err)
	}
	if len(before) != 2 || before[0].Object != ids[0] || before[1].Object != ids[2] {
		t.Fatalf("%+v", before)
	}
	for _, tr := range before {
		if !tr.Created || !strings.Contains(strings.ToLower(tr.By), "cn=") || time.Since(tr.At).Abs() > time.Hour {
			t.Errorf("%+v", tr)
		}
	}
	// Accord's own account writes the group: it is the last writer, not who made it.
	if err := f.open().Apply(t.Context(), access.Change{System: "directory", Action: access.Give, Subject: access.Account("ada"), Target: ids[2],
		After: &access.Value{Permission: "member"}}); err != nil {
		t.Fatal(err)
	}
	after, err := c.Traces(t.Context(), ids[2:])
	if err != nil || len(after) != 2 {
		t.Fatalf("%+v, %v", after, err)
	}
	if last := after[1]; last.Created || !strings.EqualFold(last.By, servertest.SlapdService) || last.At.Before(after[0].At) {
		t.Errorf("%+v", after)
	}
}

func TestMoment(t *testing.T) {
	want := time.Date(2026, 11, 21, 9, 14, 0, 0, time.UTC)
	for in, ok := range map[string]bool{"20261121091400Z": true, "20261121091400.0Z": true, "20261121091400.123456Z": true, "": false, "20261121": false, "20261121101400+0100": false} {
		if got := moment(in); got.Equal(want) != ok || !ok && !got.IsZero() {
			t.Errorf("%q reads as %s", in, got)
		}
	}
}
