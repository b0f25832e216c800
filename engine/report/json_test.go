package report

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/accordhq/accord/engine/plan"
)

// The plan as JSON is the plan file itself, as long as nothing in it acts on a terminal.
func TestPlanJSON(t *testing.T) {
	var file, printed bytes.Buffer
	if err := plan.Write(&file, believable()); err != nil {
		t.Fatal(err)
	}
	if err := PlanJSON(&printed, believable()); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(file.String(), printed.String()); d != "" {
		t.Errorf("-file +printed:\n%s", d)
	}
	printed.Reset()
	if err := PlanJSON(&printed, hostile()); err != nil {
		t.Fatal(err)
	}
	checkClean(t, printed.String())
	if !strings.Contains(printed.String(), `\u202e`) {
		t.Error("the hostile name isn't there")
	}
}
