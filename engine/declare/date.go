package declare

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // the same zones on every machine, also where none are installed
)

// Start is the instant at which the date begins: local midnight of a plain day, an instant
// itself. It is the zero time if the date is absent.
func (d Date) Start(loc *time.Location) time.Time {
	if d.Day.IsZero() {
		return d.Instant
	}
	y, m, day := d.Day.Date()
	return midnight(y, m, day, loc)
}

// End is the instant before which the date ends (intervals are half-open): local midnight of
// the day after a plain day, an instant itself. It is the zero time if the date is absent.
func (d Date) End(loc *time.Location) time.Time {
	if d.Day.IsZero() {
		return d.Instant
	}
	y, m, day := d.Day.Date()
	return midnight(y, m, day+1, loc)
}

// IsZero reports whether there is no date.
func (d Date) IsZero() bool { return d.Day.IsZero() && d.Instant.IsZero() }

// midnight is the first instant of a day. Where clocks are put forward at midnight the day
// begins later, and where they are put back to midnight it begins at the first of the two.
func midnight(y int, m time.Month, d int, loc *time.Location) time.Time {
	t := time.Date(y, m, d, 0, 0, 0, 0, loc)
	want := time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	start, end := t.ZoneBounds()
	if local := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC); local.Before(want) {
		return end // midnight doesn't exist, and the library went back
	}
	if start.IsZero() {
		return t
	}
	_, before := start.Add(-time.Nanosecond).Zone()
	_, now := t.Zone()
	if first := t.Add(time.Duration(now-before) * time.Second); first.Before(start) && now < before {
		return first
	}
	return t
}

var (
	exactForm    = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$`)
	instantForm  = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}[Tt ]\d`)
	relativeForm = regexp.MustCompile(`(?i)^(now|today|tomorrow|yesterday|in |next |last |after |[+-]? ?\d+ ?(s|m|h|d|w|y|sec|min|hour|day|week|month|year)s?( ago)?$)`)
	endlessForm  = regexp.MustCompile(`(?i)^(never|forever|for ever|always|indefinite|indefinitely|none|permanent|unlimited|infinity)$`)
)

const anyDate = "write a day like 2026-11-25 or an instant like 2026-11-25T18:00:00Z"

// parseDate reads a plain day or an RFC 3339 instant. The message and the hint are for people;
// the message is empty if the text is a date.
func parseDate(s string) (d Date, msg, hint string) {
	d.Text = s
	y, month, day, plain := dayOf(s)
	if plain {
		hint = impossibleDay(y, month, day)
	}
	if plain && hint == "" { // as nearly all are
		d.Day = time.Date(y, time.Month(month), day, 0, 0, 0, 0, time.UTC)
		return d, "", ""
	}
	bad := fmt.Sprintf("%q is not a date", s)
	switch {
	case plain:
		return d, bad, hint
	case relativeForm.MatchString(s):
		return d, fmt.Sprintf("%q is relative: it would mean another day each time it is read", s), anyDate
	case endlessForm.MatchString(s):
		return d, bad, "leave the key out if there is no end"
	case !instantForm.MatchString(s):
		return d, bad, anyDate
	}
	if hint := impossibleDate(s[:10]); hint != "" {
		return d, bad, hint
	}
	var t time.Time
	// The library takes more than RFC 3339 allows, hence the form.
	if err := t.UnmarshalText([]byte(s)); err != nil || !exactForm.MatchString(s) {
		return d, fmt.Sprintf("%q is not an instant", s), "write it with seconds and a zone, like " + s[:10] + "T18:00:00Z or " + s[:10] + "T18:00:00+01:00"
	}
	d.Instant = t
	return d, "", ""
}

// again makes a date of a text that was one before.
func (d *Date) again() bool {
	if len(d.Text) != len("2026-11-25") {
		return d.Instant.UnmarshalText([]byte(d.Text)) == nil
	}
	y, month, day, ok := dayOf(d.Text)
	d.Day = time.Date(y, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	return ok
}

// dayOf reads the form of a plain day, 2026-11-25; there may be no such day.
func dayOf(s string) (y, m, d int, ok bool) {
	if len(s) != len("2026-11-25") {
		return 0, 0, 0, false
	}
	for i := range len(s) {
		if hyphen := i == 4 || i == 7; hyphen && s[i] != '-' || !hyphen && (s[i] < '0' || s[i] > '9') {
			return 0, 0, 0, false
		}
	}
	number := func(s string) (n int) {
		for i := range len(s) {
			n = n*10 + int(s[i]-'0')
		}
		return n
	}
	return number(s[:4]), number(s[5:7]), number(s[8:]), true
}

func impossibleDate(s string) string {
	y, m, d, ok := dayOf(s)
	if !ok {
		return ""
	}
	return impossibleDay(y, m, d)
}

// impossibleDay says why there is no such day, or "".
func impossibleDay(y, m, d int) string {
	if y < 1900 {
		return fmt.Sprintf("the year %04d can't be meant; years from 1900 on are taken", y)
	}
	if m < 1 || m > 12 {
		return "a year has months 01 to 12; " + anyDate
	}
	last := time.Date(y, time.Month(m)+1, 0, 0, 0, 0, 0, time.UTC).Day()
	if d >= 1 && d <= last {
		return ""
	}
	near := fmt.Sprintf("%04d-%02d-%02d", y, m, min(max(d, 1), last))
	return fmt.Sprintf("%s %d has %d days; write %s or an instant like %sT18:00:00Z", time.Month(m), y, last, near, near)
}

// days reads "30d".
func parseDays(s string) (int, bool) {
	digits, ok := strings.CutSuffix(s, "d")
	if !ok {
		return 0, false
	}
	n, ok := wholeNumber(digits)
	return n, ok && n <= 36500
}

// wholeNumber reads digits alone: no sign, no leading zeros, at most nine.
func wholeNumber(s string) (int, bool) {
	if s == "" || len(s) > 9 || len(s) > 1 && s[0] == '0' || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.Atoi(s)
	return n, err == nil
}
