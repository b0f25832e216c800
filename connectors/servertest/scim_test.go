//go:build unix

package servertest

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

func scimDo(t *testing.T, s *ScimServer, method, url, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.Token)
	req.Header.Set("Content-Type", "application/scim+json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

// The storage is the tenants' own, reachable by SCIM and by the side door alike.
func TestScim(t *testing.T) {
	s := Scim(t)
	t.Log(s.Version)
	one, url := s.NewTenant()
	two, other := s.NewTenant()
	const alice = `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"Alice","roles":[{"value":"owner"}]}`
	if status, body := scimDo(t, s, "POST", url+"/Users", alice); status != 201 {
		t.Fatalf("creating: %d %s", status, body)
	}
	if status, body := scimDo(t, s, "POST", url+"/Users", strings.Replace(alice, "Alice", "aLICE", 1)); status != 409 {
		t.Errorf("creating it in another spelling: %d %s", status, body)
	}
	rows := s.Rows(t, one)
	if len(rows.Users) != 1 || rows.Users[0]["userName"] != "Alice" || len(rows.Roles) != 3 || len(rows.Entitlements) != 3 {
		t.Errorf("the side door shows %+v", rows)
	}
	if rows := s.Rows(t, two); len(rows.Users) != 0 {
		t.Errorf("the other tenant has %+v", rows.Users)
	}
	s.Put(t, two, ScimRows{Groups: []map[string]any{{"id": "g1", "displayName": "sre", "schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:Group"}}}})
	if status, body := scimDo(t, s, "GET", other+"/Groups/g1", ""); status != 200 || !strings.Contains(body, `"sre"`) {
		t.Errorf("what came by the side door: %d %s", status, body)
	}
	s.Remove(t, two, "Group", "g1")
	if status, _ := scimDo(t, s, "GET", other+"/Groups/g1", ""); status != 404 {
		t.Errorf("removed by the side door, and there: %d", status)
	}
	s.Token = "another"
	if status, _ := scimDo(t, s, "GET", url+"/Users", ""); status != 401 {
		t.Errorf("with another token: %d", status)
	}
	s.Token = scimToken
}
