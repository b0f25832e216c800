package report

import (
	"testing"
	"time"
)

// Days are those of the zone that the instant is given in.
func TestEndText(t *testing.T) {
	berlin := time.FixedZone("", 3600)
	for _, test := range []struct {
		t          time.Time
		end, begin string
	}{
		{time.Date(2026, 12, 2, 0, 0, 0, 0, time.UTC), "2026-12-01", "2026-12-02"},
		{time.Date(2026, 12, 1, 18, 30, 0, 0, time.UTC), "2026-12-01 18:30", "2026-12-01 18:30"},
		{time.Date(2026, 12, 2, 0, 0, 0, 0, berlin), "2026-12-01", "2026-12-02"},
		{time.Date(2027, 1, 1, 0, 0, 0, 0, berlin), "2026-12-31", "2027-01-01"},
		{time.Date(2026, 12, 2, 1, 0, 0, 0, berlin), "2026-12-02 01:00", "2026-12-02 01:00"},
	} {
		if got := endText(test.t); got != test.end {
			t.Errorf("endText(%s) = %s, want %s", test.t, got, test.end)
		}
		if got := beginText(test.t); got != test.begin {
			t.Errorf("beginText(%s) = %s, want %s", test.t, got, test.begin)
		}
	}
}
