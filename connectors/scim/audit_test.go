package scim

import (
	"testing"
	"time"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/connectors/servertest"
	"github.com/accordhq/accord/engine/access"
)

// SCIM says when, and never who; of what isn't there, or of kinds without a date, nothing.
func TestTraces(t *testing.T) {
	f := newFake(&fake{})
	f.Put(t, servertest.ScimRows{Users: []map[string]any{{"id": "z1", "userName": "zed", "active": true}}})
	f.rows["Users"]["z1"]["meta"] = map[string]any{"created": "2026-11-21T09:14:00Z", "lastModified": "2026-11-22T10:00:00+01:00"}
	c := connectors.ReadOnly(f.open(t, "")).(connectors.Auditor)
	got, err := c.Traces(t.Context(), []access.ID{access.Account("zed"), access.Account("nobody"), {Kind: kindRole, Name: "x"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, tr := range got {
		if tr.By != "" || tr.At.IsZero() || tr.Object != access.Account("zed") {
			t.Errorf("%+v", tr)
		}
	}
	if len(got) != 2 || !got[0].Created || got[1].Created {
		t.Errorf("%+v", got)
	}
}

func TestInstant(t *testing.T) {
	want := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	for in, ok := range map[string]bool{"2026-11-22T09:00:00Z": true, "2026-11-22T10:00:00+01:00": true, "": false, "yesterday": false} {
		if got := instant(in); got.Equal(want) != ok {
			t.Errorf("%q reads as %s", in, got)
		}
	}
}
