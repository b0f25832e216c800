//go:build unix

package servertest

import (
	"context"
	"errors"
	"os/exec"
	"sync"
	"testing"
	"time"
)

// Chromium returns the path of a browser for tests that look at pages as people do, installing
// one first if need be (Debian's package chromium). The test starts and ends it itself.
func Chromium(t testing.TB) string {
	t.Helper()
	path, err := sharedChromium()
	if err != nil {
		missing(t, "chromium", err)
	}
	return path
}

var sharedChromium = sync.OnceValues(func() (string, error) {
	if path, ok := findChromium(); ok {
		return path, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	if err := install(ctx, "chromium", "fonts-dejavu-core"); err != nil {
		return "", err
	}
	if path, ok := findChromium(); ok {
		return path, nil
	}
	return "", errors.New("chromium was installed and isn't there")
})

// findChromium looks for a browser under the names that systems give it.
func findChromium() (string, bool) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, true
		}
	}
	return "", false
}
