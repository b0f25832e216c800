package forge

import (
	"context"
	"errors"
	"iter"
	"testing"

	"github.com/accordhq/accord/connectors"
)

// shaky is a forge with one comment, whose edits are told as lost for a while: they were made or
// not.
type shaky struct {
	Forge
	comment     Comment
	lost, edits int
	made        bool
}

func (s *shaky) Limit() int                               { return 1000 }
func (s *shaky) Host() string                             { return "shaky" }
func (s *shaky) Self(context.Context) (User, bool, error) { return User{ID: 1, Login: "ci"}, true, nil }

func (s *shaky) Comments(context.Context) iter.Seq2[Comment, error] {
	return func(yield func(Comment, error) bool) { yield(s.comment, nil) }
}

func (s *shaky) Edit(_ context.Context, _ int64, body string) error {
	if s.edits++; s.edits <= s.lost {
		if s.made {
			s.comment.Body = body
		}
		return connectors.ErrOutcomeUnknown
	}
	s.comment.Body = body
	return nil
}

// TestPublishLostEdit: an edit whose outcome isn't known is looked at again, and not for ever.
func TestPublishLostEdit(t *testing.T) {
	for _, c := range []struct {
		name        string
		lost, edits int
		made        bool
		want        error
	}{
		{"made", 1, 1, true, nil},
		{"not made", 1, 2, false, nil},
		{"never", 100, mostPosts, false, connectors.ErrOutcomeUnknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &shaky{lost: c.lost, made: c.made}
			s.comment = Comment{ID: 7, Author: User{ID: 1, Login: "ci"}, Body: Marker{Root: "."}.String() + "\nold"}
			_, err := Publish(t.Context(), s, Note{Root: ".", Text: "new"})
			if !errors.Is(err, c.want) || c.want == nil && err != nil || s.edits != c.edits {
				t.Errorf("%d edits, %v; want %d, %v", s.edits, err, c.edits, c.want)
			}
			if c.want == nil && s.comment.Body != (Marker{Root: "."}).String()+"\nnew" {
				t.Errorf("the comment is %q", s.comment.Body)
			}
		})
	}
}
