package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestOrggen makes a company, and refuses a folder that isn't empty.
func TestOrggen(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "acme")
	var out bytes.Buffer
	args := []string{"-size", "S", "-seed", "2", "-drift", "5", "-history", "8", dir}
	if err := run(t.Context(), args, &out); err != nil {
		t.Fatal(err)
	}
	if want := "100 people with 1000 grants on 3 systems"; !strings.Contains(out.String(), want) {
		t.Errorf("it says %q, not %q", out.String(), want)
	}
	log, err := exec.Command("git", "-C", dir, "rev-list", "--count", "HEAD").Output()
	if err != nil || string(log) != "8\n" {
		t.Errorf("%q commits, %v", log, err)
	}
	if status, err := exec.Command("git", "-C", dir, "status", "--porcelain").Output(); err != nil || len(status) > 0 {
		t.Errorf("the folder isn't as committed: %s, %v", status, err)
	}
	for _, name := range []string{"accord.yaml", "company.yaml", "live/office.state.yaml", "systems/drive.yaml"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
	if err := run(t.Context(), args, &out); err == nil || !strings.Contains(err.Error(), "isn't empty") {
		t.Errorf("a second time: %v", err)
	}
	if err := run(t.Context(), []string{"-size", "XXL", dir + "2"}, &out); err == nil {
		t.Error("XXL is taken for a size")
	}
}
