package declare

import (
	"testing"
	"time"
)

func mustDate(t *testing.T, s string) Date {
	t.Helper()
	d, msg, hint := parseDate(s)
	if msg != "" {
		t.Fatalf("%s: %s (%s)", s, msg, hint)
	}
	return d
}

func TestDates(t *testing.T) {
	for _, c := range []struct{ zone, date, start, end string }{
		{"UTC", "2026-11-25", "2026-11-25T00:00:00Z", "2026-11-26T00:00:00Z"},
		{"UTC", "2024-02-29", "2024-02-29T00:00:00Z", "2024-03-01T00:00:00Z"},
		{"UTC", "2026-12-31", "2026-12-31T00:00:00Z", "2027-01-01T00:00:00Z"},
		{"UTC", "9999-12-31", "9999-12-31T00:00:00Z", "10000-01-01T00:00:00Z"},
		// An instant is itself, in any zone.
		{"Asia/Tokyo", "2026-11-25T18:00:00.5+01:00", "2026-11-25T17:00:00.5Z", "2026-11-25T17:00:00.5Z"},
		// Days of 23 and of 25 hours.
		{"Europe/Berlin", "2026-03-29", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"},
		{"Europe/Berlin", "2026-10-25", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"},
		// Midnight doesn't exist: the clock goes from 23:59:59 to 01:00.
		{"America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"},
		{"America/Sao_Paulo", "2018-11-03", "2018-11-03T03:00:00Z", "2018-11-04T03:00:00Z"},
		{"Africa/Cairo", "2026-04-24", "2026-04-23T22:00:00Z", "2026-04-24T21:00:00Z"},
		// Midnight is there once, though the hour before it twice.
		{"America/Sao_Paulo", "2018-02-17", "2018-02-17T02:00:00Z", "2018-02-18T03:00:00Z"},
		// Midnight is there twice: the day begins with the first.
		{"America/Havana", "2026-11-01", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z"},
		// The day doesn't exist at all.
		{"Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00Z", "2011-12-30T10:00:00Z"},
	} {
		loc, err := time.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		d := mustDate(t, c.date)
		if got := d.Start(loc).UTC().Format(time.RFC3339Nano); got != c.start {
			t.Errorf("%s in %s starts at %s, want %s", c.date, c.zone, got, c.start)
		}
		if got := d.End(loc).UTC().Format(time.RFC3339Nano); got != c.end {
			t.Errorf("%s in %s ends at %s, want %s", c.date, c.zone, got, c.end)
		}
	}
}

// TestDaysMeet: in every zone a day ends where the next one begins, and its first and its last
// moment are moments of that day.
func TestDaysMeet(t *testing.T) {
	for _, zone := range []string{"UTC", "Europe/Berlin", "Europe/Dublin", "America/Sao_Paulo", "America/Havana", "Atlantic/Azores", "Asia/Gaza", "Australia/Lord_Howe", "Africa/Cairo"} {
		loc, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 366 * 20 {
			day := time.Date(2008, 1, 1+i, 0, 0, 0, 0, time.UTC)
			d, next := Date{Day: day, Text: "x"}, Date{Day: day.AddDate(0, 0, 1), Text: "x"}
			start, end := d.Start(loc), d.End(loc)
			if !end.Equal(next.Start(loc)) || !start.Before(end) {
				t.Fatalf("%s in %s is from %s to %s, the next from %s", day.Format(time.DateOnly), zone, start, end, next.Start(loc))
			}
			want := day.Format(time.DateOnly)
			if first, last := start.Format(time.DateOnly), end.Add(-time.Nanosecond).Format(time.DateOnly); first != want || last != want {
				t.Fatalf("%s in %s goes from %s to %s", want, zone, start, end)
			}
		}
	}
}

func TestNoDate(t *testing.T) {
	var d Date
	if !d.Start(time.UTC).IsZero() || !d.End(time.UTC).IsZero() || !d.IsZero() {
		t.Error("no date has a start or an end")
	}
}

func TestDateForms(t *testing.T) {
	for _, s := range []string{"2026-11-25T18:00:00Z", "2026-11-25T18:00:00+01:00", "2026-11-25T18:00:00.123456789-11:30", "1900-01-01"} {
		if d := mustDate(t, s); d.Text != s || d.IsZero() {
			t.Errorf("%s gives %+v", s, d)
		}
	}
	for _, s := range []string{"", "2026", "2026-1-2", "2026-11-25 ", "2026-11-25T18:00Z", "2026-11-25T18:00:00", "2026-11-25t18:00:00z", "2026-11-25T7:00:00Z", "2026-11-25T18:00:00,5Z",
		"2026-11-25T18:00:00+25:00", "2026-11-31", "2025-02-29", "0000-01-01", "20260-01-01", "now", "+3d", "3 days ago", "forever", "２０２６-11-25"} {
		if d, msg, hint := parseDate(s); msg == "" || hint == "" || !d.IsZero() {
			t.Errorf("%q is taken for %+v (%q, %q)", s, d, msg, hint)
		}
	}
}
