package scim

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/connectors/rest"
	"github.com/accordhq/accord/engine/access"
)

// service is what a service says of itself (RFC 7644 §4). What it doesn't say is as the RFC
// has it.
type service struct {
	patch, filter, etag bool
	// cursor: listings are walked by cursor (RFC 9865); implied: without asking for it.
	cursor, implied bool
	pageSize        int
	users, groups   string // endpoints; groups "" if there are none
	// roles and entitlements are the values that the schema names.
	roles, entitlements []string
	// askMembers: groups show their members only when asked; noMembers: never (RFC 7643 §2.4).
	askMembers, noMembers bool
	self                  access.ID
}

// The shapes of what is discovered (RFC 7643 §5 to §7, RFC 9865 §4).
type (
	flag struct {
		Supported *bool `json:"supported"`
	}
	providerConfig struct {
		Patch  flag `json:"patch"`
		ETag   flag `json:"etag"`
		Filter struct {
			flag
			MaxResults int `json:"maxResults"`
		} `json:"filter"`
		Pagination struct {
			Cursor      bool   `json:"cursor"`
			Index       *bool  `json:"index"`
			Default     string `json:"defaultPaginationMethod"`
			MaxPageSize int    `json:"maxPageSize"`
		} `json:"pagination"`
	}
	resourceTypes struct {
		Resources []struct {
			Name     string `json:"name"`
			ID       string `json:"id"`
			Endpoint string `json:"endpoint"`
		} `json:"Resources"`
	}
	schemaAttribute struct {
		Name            string            `json:"name"`
		CanonicalValues []string          `json:"canonicalValues"`
		Returned        string            `json:"returned"`
		SubAttributes   []schemaAttribute `json:"subAttributes"`
	}
	schemas struct {
		Resources []struct {
			ID         string            `json:"id"`
			Attributes []schemaAttribute `json:"attributes"`
		} `json:"Resources"`
	}
)

// discover asks the service about itself, once in the connector's life. Whoever comes
// meanwhile waits.
func (c *connector) discover(ctx context.Context) (*service, error) {
	select {
	case c.once <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-c.once }()
	if c.found != nil {
		return c.found, nil
	}
	s := &service{patch: true, filter: true, pageSize: 200, users: "Users", groups: "Groups"}
	var config providerConfig
	if _, err := c.ask(ctx, "ServiceProviderConfig", &config); err != nil {
		return nil, err
	}
	c.configure(s, config)
	var types resourceTypes
	if ok, err := c.ask(ctx, "ResourceTypes", &types); err != nil {
		return nil, err
	} else if ok {
		s.endpoints(types)
	}
	if c.prof.noGroups {
		s.groups = ""
	}
	var all schemas
	if _, err := c.ask(ctx, "Schemas", &all); err != nil {
		return nil, err
	}
	s.learn(all)
	if err := c.whoAmI(ctx, s); err != nil {
		return nil, err
	}
	c.log.DebugContext(ctx, "scim service", "patch", s.patch, "filter", s.filter, "etag", s.etag, "cursor", s.cursor, "page", s.pageSize)
	c.found = s
	return s, nil
}

// ask reads one of the discovery endpoints; false if the service doesn't have it, or not for
// us: they are optional in practice.
func (c *connector) ask(ctx context.Context, path string, into any) (bool, error) {
	res, err := c.client.Do(ctx, rest.Request{Method: http.MethodGet, Path: path, Lack: "the right to read " + path})
	switch rest.Status(err) {
	case http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented:
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("discovering the service: %w", err)
	}
	if err := res.JSON(into); err != nil {
		return false, fmt.Errorf("discovering the service: %w", err)
	}
	return true, nil
}

func (c *connector) configure(s *service, config providerConfig) {
	is := func(f flag, otherwise bool) bool {
		if f.Supported == nil {
			return otherwise
		}
		return *f.Supported
	}
	s.patch = is(config.Patch, true) || c.prof.noPut
	s.filter = is(config.Filter.flag, true)
	s.etag = is(config.ETag, false)
	p := config.Pagination
	s.cursor = p.Cursor && (p.Default == "cursor" || p.Index != nil && !*p.Index)
	s.implied = p.Default == "cursor"
	if c.pageSize > 0 {
		s.pageSize = c.pageSize
	}
	for _, most := range []int{config.Filter.MaxResults, p.MaxPageSize, c.prof.pageSize} {
		if most > 0 {
			s.pageSize = min(s.pageSize, most)
		}
	}
}

// endpoints takes where users and groups are. A service that lists its types and has no
// groups among them has none.
func (s *service) endpoints(types resourceTypes) {
	users, groups := "", ""
	for _, t := range types.Resources {
		e := strings.Trim(t.Endpoint, "/")
		if e == "" || strings.ContainsAny(e, ":?#") || strings.Contains(e, "..") {
			continue // an address elsewhere is not believed
		}
		switch {
		case strings.EqualFold(t.Name, "User") || strings.EqualFold(t.ID, "User"):
			users = e
		case strings.EqualFold(t.Name, "Group") || strings.EqualFold(t.ID, "Group"):
			groups = e
		}
	}
	if users != "" {
		s.users, s.groups = users, groups
	}
}

// learn takes from the schemas what matters here.
func (s *service) learn(all schemas) {
	for _, schema := range all.Resources {
		for _, a := range schema.Attributes {
			switch {
			case strings.EqualFold(schema.ID, schemaUser) && strings.EqualFold(a.Name, "roles"):
				s.roles = a.canonical()
			case strings.EqualFold(schema.ID, schemaUser) && strings.EqualFold(a.Name, "entitlements"):
				s.entitlements = a.canonical()
			case strings.EqualFold(schema.ID, schemaGroup) && strings.EqualFold(a.Name, "members"):
				s.askMembers = strings.EqualFold(a.Returned, "request")
				s.noMembers = strings.EqualFold(a.Returned, "never")
			}
		}
	}
}

// canonical are the values that a multi-valued attribute may have.
func (a schemaAttribute) canonical() []string {
	for _, sub := range a.SubAttributes {
		if strings.EqualFold(sub.Name, "value") {
			return sub.CanonicalValues
		}
	}
	return nil
}

// whoAmI finds out whether the credential belongs to one of the users (RFC 7644 §3.11).
func (c *connector) whoAmI(ctx context.Context, s *service) error {
	var me resource
	if ok, err := c.ask(ctx, "Me", &me); !ok || err != nil || me.id() == "" {
		return err
	}
	user, ok, err := c.fetch(ctx, s, access.KindAccount, me.id())
	if err != nil {
		return fmt.Errorf("discovering the service: %w", err)
	}
	if name := user.name(access.KindAccount); ok && !nameless(name) {
		s.self = access.Account(name)
	}
	return nil
}

func (s *service) endpoint(kind string) string {
	if kind == kindGroup {
		return s.groups
	}
	return s.users
}

// known are the roles or entitlements that the schema names, as objects.
func (s *service) known(kind string) []access.Object {
	values := s.roles
	if kind == kindEntitlement {
		values = s.entitlements
	}
	var out []access.Object
	for _, v := range values {
		if id := (access.ID{Kind: kind, Name: v}); checkNameOf(id) == nil {
			out = append(out, access.Object{ID: id})
		}
	}
	return out
}

// query is what every request for resources of a kind asks.
func (s *service) query(kind string) url.Values {
	q := url.Values{}
	if kind == kindGroup && s.askMembers {
		q.Set("attributes", "displayName,externalId,members")
	}
	return q
}

// fetch gets one resource by its id; false if it isn't there.
func (c *connector) fetch(ctx context.Context, s *service, kind, id string) (resource, bool, error) {
	endpoint := s.endpoint(kind)
	res, err := c.client.Do(ctx, rest.Request{
		Method: http.MethodGet, Path: endpoint + "/" + rest.Path(id), Query: s.query(kind), Lack: "the right to read " + endpoint,
	})
	if rest.NotFound(err) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	var r resource
	if err := res.JSON(&r); err != nil {
		return nil, false, err
	}
	if r.id() != id {
		return nil, false, res.Doubt("asked for %s, it answers with %q", id, r.id())
	}
	return r, true, nil
}

// attributeName is what roles and entitlements stand in.
func attributeName(kind string) string {
	if kind == kindRole {
		return "roles"
	}
	return "entitlements"
}

var errNoGroups = fmt.Errorf("the service has no groups: %w", connectors.ErrUnsupported)
