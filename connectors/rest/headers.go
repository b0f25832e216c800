package rest

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxDelay is the longest that a header is believed to ask for; longer ones are taken for it.
const maxDelay = 366 * 24 * time.Hour

// retryAfter reads Retry-After, in seconds or as a date (RFC 9110 §10.2.3). A date that has
// passed means: at once.
func retryAfter(h http.Header, now time.Time) (time.Duration, bool) {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if v == "" {
		return 0, false
	}
	if d, ok := seconds(v); ok {
		return d, true
	}
	at, err := http.ParseTime(v)
	if err != nil {
		return 0, false
	}
	return min(max(at.Sub(now), 0), maxDelay), true
}

// seconds reads a number of seconds, whole or not, that isn't negative.
func seconds(s string) (time.Duration, bool) {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || !(f >= 0) || strings.ContainsAny(s, "xXpP_nN") {
		return 0, false
	}
	if f >= maxDelay.Seconds() {
		return maxDelay, true
	}
	return time.Duration(f * float64(time.Second)), true
}

// rate is what an answer says of a limit: how many requests are left, and for how long.
type rate struct {
	left  int
	reset time.Duration
}

// rateOf reads a rate limit from headers:
//
//   - RateLimit: limit=100, remaining=5, reset=30 and "default";r=5;t=30
//     (draft-ietf-httpapi-ratelimit-headers, older and newer form)
//   - RateLimit-Remaining and RateLimit-Reset (the same draft's oldest form), in seconds
//   - X-RateLimit-Remaining and X-RateLimit-Reset: seconds, or a Unix time as GitHub sends it
//     (https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api)
//   - X-Rate-Limit-Remaining and X-Rate-Limit-Reset, a Unix time
//     (https://developer.okta.com/docs/reference/rl-best-practices/)
func rateOf(h http.Header, now time.Time) (rate, bool) {
	if r, ok := rateField(h.Values("RateLimit")); ok {
		return r, true
	}
	for _, prefix := range []string{"RateLimit-", "X-RateLimit-", "X-Rate-Limit-"} {
		left, err := strconv.Atoi(strings.TrimSpace(h.Get(prefix + "Remaining")))
		if err != nil || left < 0 {
			continue
		}
		if reset, ok := resetIn(strings.TrimSpace(h.Get(prefix+"Reset")), now); ok {
			return rate{left, reset}, true
		}
	}
	return rate{}, false
}

// resetIn reads a reset: seconds from now, or a Unix time in seconds or milliseconds.
func resetIn(s string, now time.Time) (time.Duration, bool) {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil && n > 5e8 {
		at := time.Unix(min(n, 1<<40), 0)
		if n > 1e12 {
			at = time.UnixMilli(min(n, 1<<50))
		}
		return min(max(at.Sub(now), 0), maxDelay), true
	}
	return seconds(s)
}

// rateField reads the RateLimit field. Of several policies the tightest counts: the one with
// the fewest requests left.
func rateField(values []string) (rate, bool) {
	var out rate
	found := false
	for _, v := range values {
		var r rate
		var left, reset bool
		for part := range strings.FieldsFuncSeq(v, func(r rune) bool { return r == ',' || r == ';' }) {
			key, value, _ := strings.Cut(strings.TrimSpace(part), "=")
			n, err := strconv.Atoi(value)
			if err != nil || n < 0 {
				continue
			}
			switch strings.ToLower(key) {
			case "r", "remaining":
				r.left, left = n, true
			case "t", "reset":
				r.reset, reset = min(time.Duration(min(n, 1<<30))*time.Second, maxDelay), true
			}
		}
		if left && reset && (!found || r.left < out.left) {
			out, found = r, true
		}
	}
	return out, found
}

// NextLink gives the target of the Link header with rel="next" (RFC 8288), "" if there is none.
func NextLink(h http.Header) string {
	for _, v := range h.Values("Link") {
		for v != "" {
			start := strings.IndexByte(v, '<')
			if start < 0 {
				break
			}
			end := strings.IndexByte(v[start:], '>')
			if end < 0 {
				break
			}
			target := v[start+1 : start+end]
			params, rest := linkParams(v[start+end+1:])
			if hasRel(params, "next") {
				return strings.TrimSpace(target)
			}
			v = rest
		}
	}
	return ""
}

// linkParams splits the parameters of one link from the links behind it; commas and semicolons
// in quotes belong to a value.
func linkParams(s string) (params []string, rest string) {
	quoted, from := false, 0
	for i := 0; i < len(s); i++ {
		switch {
		case quoted && s[i] == '\\':
			i++
		case s[i] == '"':
			quoted = !quoted
		case !quoted && s[i] == ';':
			params, from = append(params, s[from:i]), i+1
		case !quoted && s[i] == ',':
			return append(params, s[from:i]), s[i+1:]
		}
	}
	return append(params, s[from:]), ""
}

func hasRel(params []string, rel string) bool {
	for _, p := range params {
		key, value, _ := strings.Cut(strings.TrimSpace(p), "=")
		if !strings.EqualFold(strings.TrimSpace(key), "rel") {
			continue
		}
		for r := range strings.FieldsSeq(strings.Trim(strings.TrimSpace(value), `"`)) {
			if strings.EqualFold(r, rel) {
				return true
			}
		}
		return false // only the first rel counts
	}
	return false
}
