package rest

import (
	"context"
	"math/rand/v2"
	"net/http"
	"time"
)

// callKey is where a request's context holds its call.
type callKey struct{}

// call is what is known about one Do, over all its attempts. The attempts follow each other.
type call struct {
	read, safe bool
	began      time.Time
	tries      int
	wait       time.Duration // before the next attempt
	maybe      bool          // an attempt may have been carried out without our knowing
	why        string        // why it isn't tried again
}

// mostPause is the longest pause between attempts that the client makes of itself.
const mostPause = 30 * time.Second

// pause is doubled with each attempt, less up to a half.
func pause(first time.Duration, tries int) time.Duration {
	d := first
	for range tries - 1 {
		d = min(2*d, mostPause)
	}
	return d - rand.N(max(d/2, 1))
}

// checkRetry is the rule of what is repeated; see the package's documentation.
func (c *Client) checkRetry(ctx context.Context, res *http.Response, err error) (bool, error) {
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	k, _ := ctx.Value(callKey{}).(*call)
	if k == nil {
		return false, err
	}
	now := c.opt.Now()
	if !k.again(res, err, now) {
		return false, err
	}
	k.wait = pause(c.opt.Pause, k.tries)
	if res != nil {
		if d, ok := retryAfter(res.Header, now); ok {
			k.wait = d
		} else if r, ok := rateOf(res.Header, now); ok && r.left == 0 && limited(res.StatusCode, res.Header, now) {
			k.wait = max(k.wait, r.reset)
		}
	}
	switch {
	case k.wait > c.opt.MaxWait:
		k.why = "it asks to wait for " + k.wait.Round(time.Second).String() + ", which is longer than the limit"
		return false, err
	case time.Since(k.began)+k.wait > c.opt.MaxElapsed:
		k.why = "there is no time left to try again"
		return false, err
	}
	return true, nil
}

// again reports whether the outcome of an attempt allows another one.
func (k *call) again(res *http.Response, err error, now time.Time) bool {
	switch {
	case err != nil:
		return !hopeless(err) && (k.read || k.safe || neverSent(err))
	case limited(res.StatusCode, res.Header, now):
		return true // refused before anything was done
	}
	switch res.StatusCode {
	case http.StatusBadGateway, http.StatusGatewayTimeout, http.StatusRequestTimeout, http.StatusTooEarly, http.StatusServiceUnavailable:
		if !k.read && res.StatusCode != http.StatusTooEarly {
			k.maybe = true
		}
		return k.read || k.safe
	}
	return false
}

// limited reports whether an answer says that there were too many requests: 429, or 403 in the
// way of GitHub, which names a time to wait or says that none are left
// (https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api).
func limited(status int, h http.Header, now time.Time) bool {
	if status == http.StatusForbidden {
		_, wait := retryAfter(h, now)
		r, ok := rateOf(h, now)
		return wait || ok && r.left == 0
	}
	return status == http.StatusTooManyRequests
}
