package connectortest

import (
	"slices"
	"strings"
	"testing"
)

// Try holds a connector to one law without failing the test, for tests outside of the package.
func Try(t testing.TB, h Harness, law string) (failed bool, said string) {
	laws := Laws()
	i := slices.IndexFunc(laws, func(l Law) bool { return l.Name == law })
	if i < 0 {
		t.Fatalf("there is no law %s", law)
	}
	r := record(t, func(t testing.TB) { hold(t, h, laws[i], 1) })
	return r.Failed(), strings.Join(r.failures, "\n")
}

// Caught lists the laws that catch one of the memory connector's mistakes.
func Caught() []string {
	var out []string
	for _, m := range mistakes() {
		out = append(out, m.laws...)
	}
	return out
}
