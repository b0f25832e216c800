package main

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/accordhq/accord/engine"
)

// TestPolicyReadme follows the page on policies in the README: its files, put into the
// repository of accord init, are sound, and the commands print what the page shows.
func TestPolicyReadme(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	files, err := fs.Sub(start, "start")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(dir, files); err != nil {
		t.Fatal(err)
	}
	config, err := os.ReadFile(filepath.Join(dir, "accord.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) {
		t.Helper()
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	_, page, _ := strings.Cut(string(readme), "\n## Policies\n")
	write("accord.yaml", string(config)+"policy: [policy]\n")
	rule := between(t, page, "```rego\npackage accord\n", "```\n")
	write("policy/books.rego", rule)
	write("policy/books.yaml", between(t, page, "```yaml\nbooks:\n", "```\n"))
	write("policy/books_test.rego", between(t, page, "```rego\npackage accord_test\n", "```\n"))
	write("change.json", between(t, page, "$ cat change.json\n", "$ "))
	write("exempt.yaml", between(t, page, "```yaml\nexempt: ", "```\n"))
	write("pipeline/plan.rego", between(t, page, "$ cat pipeline/plan.rego\n", "$ "))

	shows := func(command string, exit int) {
		t.Helper()
		var out bytes.Buffer
		a := &app{in: strings.NewReader(""), out: &out, err: &out, now: func() time.Time { return time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC) }}
		args := strings.Fields(strings.ReplaceAll(command, "change.json", filepath.Join(dir, "change.json")))
		if got := a.main(t.Context(), append(args, "-C", dir)); got != exit {
			t.Errorf("%s: exit %d, want %d", command, got, exit)
		}
		if want := "$ accord " + command + "\n" + out.String(); !strings.Contains(page, want) {
			t.Errorf("the README doesn't show\n%s", want)
		}
	}
	shows("policy test", engine.ExitOK)
	shows("policy try --change change.json", engine.ExitRefused)
	write("policy/books.rego", strings.Replace(rule, "change.op", "change.opp", 1))
	shows("validate", engine.ExitFailed)
}

// between gives what stands from the second line of one text, which is in it, up to another.
func between(t *testing.T, page, from, to string) string {
	t.Helper()
	i := strings.Index(page, from)
	if i < 0 {
		t.Fatalf("the README has no %q", from)
	}
	page = page[i+1+strings.Index(from, "\n"):]
	j := strings.Index(page, to)
	if j < 0 {
		t.Fatalf("nothing ends %q", from)
	}
	return page[:j]
}
