//go:build unix

package servertest

import (
	"context"
	"testing"
)

func TestSambaAnswers(t *testing.T) {
	s := Samba(t)
	c, err := s.Dial(context.Background(), 389)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	s.LDIF(t, "dn: OU=t,"+SambaDomain+"\nobjectClass: organizationalUnit\n\n")
	if got := s.Search(t, "OU=t,"+SambaDomain, "(objectClass=*)", "ou"); len(got) != 1 || got[0].Attrs["ou"][0] != "t" {
		t.Errorf("got %+v", got)
	}
	s.Delete(t, "OU=t,"+SambaDomain)
	if got := s.Search(t, SambaDomain, "(ou=t)"); len(got) != 0 {
		t.Errorf("left behind: %+v", got)
	}
}
