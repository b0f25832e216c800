package repo

import (
	"slices"
	"testing"
)

func TestCoAuthors(t *testing.T) {
	got := coAuthors("Give alice more\n\nCo-authored-by: Bob B <bob@acme.example>\nco-authored-BY: carol <carol@acme.example>\nCo-authored-by: nobody\nSee: x <y>\n")
	want := []Author{{"Bob B", "bob@acme.example"}, {"carol", "carol@acme.example"}}
	if !slices.Equal(got, want) {
		t.Errorf("coAuthors = %v, want %v", got, want)
	}
}
