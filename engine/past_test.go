package engine

import "testing"

// TestMergedAs: the subjects that forges write for a merged request, and what only looks like one.
func TestMergedAs(t *testing.T) {
	for subject, want := range map[string]string{
		"Merge pull request #812 from acme/root":                           "#812",
		"Merge pull request 'Ada gets root' (#12) from ada/root into main": "#12",
		"Merged in root (pull request #7)":                                 "#7",
		"Ada gets root (#900)":                                             "#900",
		"Ada gets root (!45)":                                              "!45",
		"Merge branch 'root' into 'main'":                                  "",
		"Ada gets root, see #900":                                          "",
		"Merge pull request #x from acme/root":                             "",
		"(#900) is what this undoes":                                       "",
		"":                                                                 "",
	} {
		if got := mergedAs(subject); got != want {
			t.Errorf("%q is merged as %q, not %q", subject, got, want)
		}
	}
}
