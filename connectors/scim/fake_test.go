package scim

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/connectors/connectortest"
	"github.com/accordhq/accord/connectors/servertest"
)

// fake is a service that keeps to one side of a choice that the RFCs leave, or that vendors
// take, and refuses the other.
type fake struct {
	noPatch       bool // no PATCH at all
	onlyActive    bool // PATCH of users for active only, no PUT of groups
	cursor        bool // cursors only
	etag          bool // If-Match is enforced, and asked for
	noValuePath   bool // no filters in the paths of users' PATCHes
	removeByValue bool // members are removed by a list only
	activeText    bool // active is a text only
	hideMembers   bool // groups don't show members, but can be filtered by them
	noDiscovery   bool
	page          int
	config        map[string]any // more of ServiceProviderConfig
	// check looks at every request.
	check func(r *http.Request, kind string, body []byte)
	// answer may take a request itself; false: the usual.
	answer func(w http.ResponseWriter, r *http.Request) bool

	mu    sync.Mutex
	rows  map[string]map[string]map[string]any // Users, Groups → id → row
	order map[string][]string
	rev   int
	asked []string // "GET /Users"
	sent  []string // the bodies of writes
}

func newFake(f *fake) *fake {
	f.rows = map[string]map[string]map[string]any{"Users": {}, "Groups": {}}
	f.order = map[string][]string{}
	if f.page == 0 {
		f.page = 20
	}
	return f
}

// serve gives a far side with the fake behind a proxy.
func (f *fake) serve(t testing.TB) *far {
	t.Helper()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	p := connectortest.NewHTTPProxy(t, server.URL)
	return &far{store: f, proxy: p, url: p.URL + "/v2"}
}

func (f *fake) open(t testing.TB, profile string) connectors.Connector {
	return f.serve(t).open(t, connectors.Settings{"profile": {Text: profile}})
}

func (f *fake) Rows(testing.TB) servertest.ScimRows {
	f.mu.Lock()
	defer f.mu.Unlock()
	rows := servertest.ScimRows{Roles: []string{"auditor", "developer", "owner"}}
	for _, id := range f.order["Users"] {
		rows.Users = append(rows.Users, cloneMap(f.rows["Users"][id]))
	}
	for _, id := range f.order["Groups"] {
		rows.Groups = append(rows.Groups, cloneMap(f.rows["Groups"][id]))
	}
	if f.noDiscovery {
		rows.Roles = nil
	}
	return rows
}

func (f *fake) Put(_ testing.TB, rows servertest.ScimRows) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, u := range rows.Users {
		if f.activeText {
			u["active"] = fmt.Sprint(u["active"])
		}
		f.save("Users", u)
	}
	for _, g := range rows.Groups {
		f.save("Groups", g)
	}
}

// save keeps a row; the caller holds the lock.
func (f *fake) save(kind string, row map[string]any) map[string]any {
	f.rev++
	id, _ := row["id"].(string)
	if id == "" {
		id = fmt.Sprintf("f-%d", f.rev)
	}
	if f.rows[kind][id] == nil {
		f.order[kind] = append(f.order[kind], id)
	}
	row = cloneMap(row)
	row["id"], row["meta"] = id, map[string]any{"version": fmt.Sprintf(`W/"%d"`, f.rev)}
	f.rows[kind][id] = row
	return row
}

func (f *fake) drop(kind, id string) {
	delete(f.rows[kind], id)
	f.order[kind] = slices.DeleteFunc(f.order[kind], func(s string) bool { return s == id })
}

type scimError struct {
	status int
	code   string
	detail string
}

func (e scimError) Error() string { return e.detail }

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	f.mu.Lock()
	defer f.mu.Unlock()
	path := strings.TrimPrefix(r.URL.Path, "/v2/")
	kind, id, _ := strings.Cut(path, "/")
	f.asked = append(f.asked, r.Method+" /"+kind)
	if r.Method != "GET" {
		f.sent = append(f.sent, string(body))
	}
	if f.check != nil {
		f.check(r, kind, body)
	}
	if f.answer != nil && f.answer(w, r) {
		return
	}
	status, out, err := f.do(r, kind, id, body)
	if err != nil {
		e, ok := err.(scimError)
		if !ok {
			e = scimError{400, "invalidSyntax", err.Error()}
		}
		status, out = e.status, map[string]any{"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:Error"}, "scimType": e.code, "detail": e.detail, "status": strconv.Itoa(e.status)}
	}
	w.Header().Set("Content-Type", "application/scim+json")
	w.WriteHeader(status)
	if out != nil {
		_ = json.NewEncoder(w).Encode(out)
	}
}

func (f *fake) do(r *http.Request, kind, id string, body []byte) (int, any, error) {
	if r.Header.Get("Authorization") != "Bearer "+connectortest.Canary {
		return 0, nil, scimError{401, "", "who are you?"}
	}
	db := f.rows[kind]
	if db == nil {
		return f.discovery(kind)
	}
	if r.Method == "GET" && id == "" {
		return f.list(r, kind)
	}
	var in map[string]any
	if len(body) > 0 {
		if err := json.Unmarshal(body, &in); err != nil {
			return 0, nil, err
		}
	}
	if id == "" {
		if err := f.unique(kind, in, ""); err != nil {
			return 0, nil, err
		}
		if err := f.wellFormed(kind, in); err != nil {
			return 0, nil, err
		}
		return 201, f.save(kind, in), nil
	}
	row := db[id]
	if row == nil {
		return 0, nil, scimError{404, "", "no " + kind + " " + id}
	}
	if v := r.Header.Get("If-Match"); f.etag && r.Method != "GET" && v != row["meta"].(map[string]any)["version"] {
		return 0, nil, scimError{412, "", "If-Match " + v}
	}
	switch r.Method {
	case "GET":
		return 200, f.shown(kind, row), nil
	case "DELETE":
		f.drop(kind, id)
		return 204, nil, nil
	case "PUT":
		if f.onlyActive && kind == "Groups" {
			return 0, nil, scimError{405, "", "no PUT of groups"}
		}
		in["id"] = id
	case "PATCH":
		if f.noPatch {
			return 0, nil, scimError{501, "", "no PATCH"}
		}
		var err error
		if in, err = f.patch(kind, row, in); err != nil {
			return 0, nil, err
		}
	}
	if err := f.unique(kind, in, id); err != nil {
		return 0, nil, err
	}
	if err := f.wellFormed(kind, in); err != nil {
		return 0, nil, err
	}
	return 200, f.shown(kind, f.save(kind, in)), nil
}

func (f *fake) shown(kind string, row map[string]any) map[string]any {
	row = maps.Clone(row)
	if kind == "Groups" && f.hideMembers {
		delete(row, "members")
	}
	return row
}

func (f *fake) unique(kind string, in map[string]any, self string) error {
	for id, row := range f.rows[kind] {
		if kind == "Users" && id != self && strings.EqualFold(row["userName"].(string), in["userName"].(string)) {
			return scimError{409, "uniqueness", "userName is taken"}
		}
	}
	return nil
}

// wellFormed refuses what a strict service would.
func (f *fake) wellFormed(kind string, in map[string]any) error {
	if _, ok := in["schemas"].([]any); !ok {
		return scimError{400, "invalidSyntax", "no schemas"}
	}
	_, text := in["active"].(string)
	if kind == "Users" && in["active"] != nil && text != f.activeText {
		return scimError{400, "invalidValue", fmt.Sprintf("active is %v", in["active"])}
	}
	if _, ext := in[schemaEnterprise]; ext != slices.Contains(in["schemas"].([]any), any(schemaEnterprise)) {
		return scimError{400, "invalidSyntax", "the enterprise extension and schemas don't agree"}
	}
	return nil
}

func (f *fake) discovery(kind string) (int, any, error) {
	if f.noDiscovery || kind == "Me" {
		return 0, nil, scimError{404, "", "nothing here"}
	}
	switch kind {
	case "ServiceProviderConfig":
		on := func(v bool) any { return map[string]any{"supported": v} }
		out := map[string]any{"patch": on(!f.noPatch), "etag": on(f.etag), "filter": map[string]any{"supported": true, "maxResults": f.page}}
		if f.cursor {
			out["pagination"] = map[string]any{"cursor": true, "index": false}
		}
		maps.Copy(out, f.config)
		return 200, out, nil
	case "Schemas":
		value := map[string]any{"name": "value", "canonicalValues": []string{"auditor", "developer", "owner"}}
		return 200, map[string]any{"Resources": []any{map[string]any{"id": schemaUser, "attributes": []any{map[string]any{"name": "roles", "subAttributes": []any{value}}}}}}, nil
	}
	return 0, nil, scimError{404, "", "no " + kind}
}

var filterForm = regexp.MustCompile(`^(\S+) eq ("(?:[^"\\]|\\.)*")$`)

func (f *fake) list(r *http.Request, kind string) (int, any, error) {
	q := r.URL.Query()
	var match func(row map[string]any) bool
	if filter := q.Get("filter"); filter != "" {
		m := filterForm.FindStringSubmatch(filter)
		var v string
		if m == nil || json.Unmarshal([]byte(m[2]), &v) != nil {
			return 0, nil, scimError{400, "invalidFilter", filter}
		}
		match = func(row map[string]any) bool {
			if m[1] == "members.value" {
				return slices.ContainsFunc(resource(row).members(), func(m member) bool { return m.id == v })
			}
			return strings.EqualFold(text(row[m[1]]), v)
		}
	}
	all := []any{}
	for _, id := range f.order[kind] {
		if row := f.rows[kind][id]; match == nil || match(row) {
			all = append(all, f.shown(kind, row))
		}
	}
	count := f.page
	if n, err := strconv.Atoi(q.Get("count")); err == nil {
		count = min(n, f.page)
	}
	from := 0
	out := map[string]any{"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:ListResponse"}, "totalResults": len(all), "itemsPerPage": 1000}
	if f.cursor {
		if q.Has("startIndex") || !q.Has("cursor") {
			return 0, nil, scimError{400, "invalidValue", "cursors only"}
		}
		if c := q.Get("cursor"); c != "" {
			n, err := strconv.Atoi(strings.TrimPrefix(c, "at-"))
			if err != nil {
				return 0, nil, scimError{400, "invalidCursor", c}
			}
			from = n
		}
		if from+count < len(all) {
			out["nextCursor"] = fmt.Sprintf("at-%d", from+count)
		}
	} else if n, err := strconv.Atoi(q.Get("startIndex")); err == nil {
		from = n - 1
		out["startIndex"] = n
	}
	out["Resources"] = all[min(from, len(all)):min(from+count, len(all))]
	return 200, out, nil
}

// TestConformanceOfOthers holds the connector to the laws at services that take the other
// side: PUT instead of PATCH, cursors instead of positions, and what vendors make of PATCH.
func TestConformanceOfOthers(t *testing.T) {
	tests := []struct {
		name, profile string
		make          func() *fake
	}{
		{"PUT, cursors and entity tags", "", func() *fake { return &fake{noPatch: true, cursor: true, etag: true} }},
		{"what Entra ID sends", "entra-client", func() *fake { return &fake{removeByValue: true, activeText: true, noDiscovery: true} }},
		{"users by PUT, groups by PATCH", "zoom", func() *fake { return &fake{onlyActive: true, noValuePath: true} }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			connectortest.Run(t, harness(func(t testing.TB) (connectors.Connector, *far) {
				f := newFake(tt.make()).serve(t)
				return f.open(t, connectors.Settings{"profile": {Text: tt.profile}}), f
			}, func(testing.TB) string { return "a fake: " + tt.name }))
		})
	}
}

// writeOf makes an answer that does something right before each write is carried out.
func writeOf(do func()) func(http.ResponseWriter, *http.Request) bool {
	return func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method != "GET" {
			do()
		}
		return false
	}
}

// refuseWrites makes an answer that refuses some writes.
func refuseWrites(which func() bool) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == "GET" || !which() {
			return false
		}
		http.Error(w, "you may not", http.StatusForbidden)
		return true
	}
}
