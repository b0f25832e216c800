//go:build unix

package servertest

import (
	"testing"
)

func TestSlapdAnswers(t *testing.T) {
	s := Slapd(t)
	s.Reset(t)
	s.LDIF(t, "dn: uid=a,ou=people,"+SlapdSuffix+"\nobjectClass: inetOrgPerson\nuid: a\ncn: a\n"+LDIFLine("sn", " odd\nvalue")+"\n")
	got := s.Search(t, SlapdSuffix, "(uid=a)", "sn")
	if len(got) != 1 || got[0].DN != "uid=a,ou=people,"+SlapdSuffix || got[0].Attrs["sn"][0] != " odd\nvalue" {
		t.Errorf("got %+v", got)
	}
	if err := s.Bind(SlapdService, SlapdPassword); err != nil {
		t.Error(err)
	}
	if err := s.Bind(SlapdService, "wrong"); err == nil {
		t.Error("a wrong password was let in")
	}
	s.Reset(t)
	if got := s.Search(t, SlapdSuffix, "(uid=a)"); len(got) != 0 {
		t.Errorf("left behind: %+v", got)
	}
}
