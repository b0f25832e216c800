//go:build unix

package servertest

import "testing"

func TestGiteaAnswers(t *testing.T) {
	s := Gitea(t)
	if s.Version != giteaVersion {
		t.Errorf("it calls itself %q", s.Version)
	}
	token := s.NewUser(t, "sam", "read:user")
	var me struct{ Login, Email string }
	s.API(t, token, "GET", "user", nil, &me)
	if me.Login != "sam" || me.Email != "sam@example.test" {
		t.Errorf("the token is %+v's", me)
	}
	if err := s.call(token, "POST", "user/repos", map[string]any{"name": "x"}, nil); err == nil {
		t.Error("a token that may only read made a repository")
	}
}
