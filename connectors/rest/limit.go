package rest

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// limiter holds requests back when the server has said that none are left. It counts down
// what it sends between two answers, so that calls at the same time don't all go at once.
type limiter struct {
	now func() time.Time

	mu    sync.Mutex
	known bool
	left  int
	until time.Time // when the limit starts anew; by the monotonic clock
}

func newLimiter(now func() time.Time) *limiter { return &limiter{now: now} }

// learn takes what an answer says.
func (l *limiter) learn(h http.Header) {
	r, ok := rateOf(h, l.now())
	if !ok {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	until := time.Now().Add(r.reset)
	// Answers may overtake each other: within one window only the lower number is true.
	if l.known && time.Now().Before(l.until) && until.Before(l.until.Add(time.Second)) {
		r.left = min(r.left, l.left)
	}
	l.known, l.left, l.until = true, r.left, until
}

// wait returns when a request may be sent, and counts it.
func (l *limiter) wait(ctx context.Context, most time.Duration) error {
	for {
		d := l.take()
		switch {
		case d <= 0:
			return nil
		case d > most:
			return fmt.Errorf("the rate limit is used up for another %v, which is longer than is waited for", d.Round(time.Second))
		}
		timer := time.NewTimer(d)
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C:
		}
	}
}

// take counts one request, or says how long there is to wait.
func (l *limiter) take() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.known {
		return 0
	}
	d := time.Until(l.until)
	if d <= 0 {
		l.known = false
		return 0
	}
	if l.left > 0 {
		l.left--
		return 0
	}
	return d
}
