package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/accordhq/accord/engine"
)

// TestPolicyExample: what the README of examples/policies promises.
func TestPolicyExample(t *testing.T) {
	const dir = "../../examples/policies"
	for _, tt := range []struct {
		args string
		exit int
		want []string
	}{
		{"validate", engine.ExitOK, []string{"The declaration is sound: 5 people"}},
		{"policy test", engine.ExitOK, []string{"PASS: 3/3\n", "COVERAGE: 100.0%\n"}},
		{"policy try --change " + dir + "/change.json", engine.ExitRefused,
			[]string{"policy/ledger.rego:18 ", "deny_ledger", "ben would get write on folder/ledger and isn't in finance"}},
	} {
		var out, errs bytes.Buffer
		a := &app{in: strings.NewReader(""), out: &out, err: &errs, now: time.Now}
		if exit := a.main(t.Context(), append(strings.Fields(tt.args), "-C", dir)); exit != tt.exit || errs.Len() > 0 {
			t.Errorf("%s: exit %d, want %d: %s", tt.args, exit, tt.exit, errs.String())
		}
		for _, w := range tt.want {
			if !strings.Contains(out.String(), w) {
				t.Errorf("%s: %q stands not in\n%s", tt.args, w, out.String())
			}
		}
	}
}
