package connectortest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
)

// This file is a whole connector, written along the seven steps of connectors/README.md: for
// the key cabinet of cabinet_test.go, a small HTTP service that knows people, and who may
// borrow or keep which of its keys.

// Step 1: say what it is.

func describeCabinet() access.Description {
	return access.Description{
		Connector: "cabinet",
		Summary:   "A key cabinet: who may borrow and who may keep which key",
		Parallel:  2,
		Settings: []access.Setting{
			{Name: "url", Doc: "Where the cabinet is", Type: access.SettingText, Required: true},
			{Name: "token", Doc: "The credential", Type: access.SettingSecret, Required: true},
		},
		Kinds: []access.Kind{
			{
				Name: access.KindAccount, Doc: "Somebody with a badge",
				Actions:    []access.Action{access.Create, access.Update, access.Disable, access.Enable, access.Delete},
				Attributes: []access.Attribute{{Name: "name", Doc: "Full name"}},
			},
			{
				Name: "key", Doc: "A key on its hook; hooks are made by a locksmith", Ordered: true, Usual: "borrow",
				Permissions: []access.Permission{{Name: "borrow"}, {Name: "keep", Admin: true}},
			},
		},
	}
}

func cabinetType() connectors.Type {
	return connectors.Type{Name: "cabinet", Describe: describeCabinet, Open: func(cfg connectors.Config) (connectors.Connector, error) {
		client := &http.Client{Transport: cfg.HTTP, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		return &cabinet{cfg, strings.TrimSuffix(cfg.Settings["url"].Text, "/"), client}, nil
	}}
}

type cabinet struct {
	cfg    connectors.Config
	url    string
	client *http.Client
}

func (c *cabinet) Describe() access.Description { return describeCabinet() }

func (c *cabinet) Close() error { c.client.CloseIdleConnections(); return nil }

// Step 4: rewrite a wish into the form in which it is read.

func (c *cabinet) Normalize(o access.Object) (access.Object, error) {
	switch name := o.ID.Name; {
	case o.ID.Kind != access.KindAccount && o.ID.Kind != "key":
		return o, fmt.Errorf("normalizing %s: no kind %q", o.ID, o.ID.Kind)
	case name == "" || len(name) > 64 || !utf8.ValidString(name) || strings.TrimSpace(name) != name || strings.ContainsFunc(name, unicode.IsControl):
		return o, fmt.Errorf("normalizing %s %q: a name has 1 to 64 bytes of text, and neither begins nor ends with a space", o.ID.Kind, name)
	}
	o.ID.Name = strings.ToLower(o.ID.Name) // the cabinet takes Bob for bob
	o.Attributes = maps.Clone(o.Attributes)
	for k, v := range o.Attributes {
		switch {
		case k != "name" || !o.ID.IsAccount():
			return o, fmt.Errorf("normalizing %s: no attribute %q", o.ID, k)
		case v == "":
			delete(o.Attributes, k) // no name and an empty one are the same
		}
	}
	return o, nil
}

// Step 3: read.

// person is what the cabinet keeps of somebody.
type person struct {
	ID      string            `json:"id"`
	Name    string            `json:"name"`
	Blocked bool              `json:"blocked"`
	Keys    map[string]string `json:"keys"` // key → borrow, keep
}

func (c *cabinet) Read(ctx context.Context, scope connectors.Scope) (*access.State, error) {
	var about struct {
		Serial string   `json:"serial"`
		Keys   []string `json:"keys"`
	}
	if _, err := c.ask(ctx, http.MethodGet, "/cabinet", "", nil, &about); err != nil {
		return nil, fmt.Errorf("reading %s: %w", c.cfg.System, err)
	}
	b := access.NewBuilder(c.cfg.System).Identity("cabinet " + about.Serial)
	if !scope.Whole() {
		b.Only(scope.IDs...)
	}
	for _, k := range about.Keys {
		if id := key(k); scope.Whole() || slices.Contains(scope.IDs, id) {
			b.Object(access.Object{ID: id, Reserved: true}) // no grants are held by keys
		}
	}
	people, err := c.all(ctx)
	if !scope.Whole() {
		people, err = c.named(ctx, scope.IDs)
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", c.cfg.System, err)
	}
	for _, p := range people {
		p.addTo(b)
	}
	return b.Build()
}

func (p person) addTo(b *access.Builder) {
	o := access.Object{ID: access.Account(p.ID), Disabled: p.Blocked}
	if p.Name != "" {
		o.Attributes = map[string]string{"name": p.Name}
	}
	b.Object(o)
	for k, level := range p.Keys {
		b.Grant(access.Grant{Subject: o.ID, Target: key(k), Permission: level})
	}
}

func key(name string) access.ID { return access.ID{Kind: "key", Name: name} }

func (c *cabinet) all(ctx context.Context) (out []person, err error) {
	var page struct {
		People []person `json:"people"`
		Next   *string  `json:"next"`
		Total  *int     `json:"total"`
	}
	for after := ""; ; after = *page.Next {
		page.Next, page.Total, page.People = nil, nil, nil
		if _, err := c.ask(ctx, http.MethodGet, "/people?after="+url.QueryEscape(after), "", nil, &page); err != nil {
			return nil, err
		}
		out = append(out, page.People...)
		switch {
		case page.Next == nil || page.Total == nil || *page.Next != "" && *page.Next <= after:
			return nil, fmt.Errorf("the page after %q makes no sense: %w", after, connectors.ErrIncomplete)
		case *page.Next == "" && len(out) != *page.Total:
			return nil, fmt.Errorf("%d people of %d: %w", len(out), *page.Total, connectors.ErrIncomplete)
		case *page.Next == "":
			return out, nil
		}
	}
}

func (c *cabinet) named(ctx context.Context, ids []access.ID) (out []person, err error) {
	for _, id := range slices.Compact(slices.SortedFunc(slices.Values(ids), access.ID.Compare)) {
		if !id.IsAccount() {
			continue
		}
		p, _, err := c.person(ctx, id.Name)
		switch {
		case err != nil:
			return nil, err
		case p != nil:
			out = append(out, *p)
		}
	}
	return out, nil
}

// person gives somebody with their version, nil if there is nobody.
func (c *cabinet) person(ctx context.Context, name string) (*person, string, error) {
	p := &person{}
	version, err := c.ask(ctx, http.MethodGet, "/people/"+url.PathEscape(name), "", nil, p)
	switch {
	case errors.Is(err, errNotFound):
		return nil, "", nil
	case err == nil && p.ID != name:
		err = fmt.Errorf("asked for %q and got %q: %w", name, p.ID, connectors.ErrIncomplete)
	}
	return p, version, err
}

// Step 5: write.

func (c *cabinet) Apply(ctx context.Context, change access.Change) error {
	if err := c.check(change); err != nil {
		return fmt.Errorf("%s: %w", change, err)
	}
	err := c.apply(ctx, change)
	for tries := 1; errors.Is(err, errMoved) && tries < 10; tries++ {
		err = c.apply(ctx, change) // whether it still may be made is looked at anew
	}
	if err != nil {
		return fmt.Errorf("%s: %w", change, err)
	}
	return nil
}

// check refuses what the description excludes.
func (c *cabinet) check(change access.Change) error {
	if err := change.Check(); err != nil {
		return err
	}
	d, ref := c.Describe(), change.Ref().ID
	kind, _ := d.Kind(ref.Kind)
	fits := d.Can(ref.Kind, change.Action) && change.Subject.IsAccount()
	for _, v := range []*access.Value{change.Before, change.After} {
		if v != nil && change.Action.OnGrant() {
			fits = fits && kind.Level(v.Permission) >= 0
		}
	}
	if !fits {
		return connectors.ErrUnsupported
	}
	_, err := c.Normalize(access.Object{ID: change.Subject})
	return err
}

// apply gets the person, works out what the change makes of them, and puts that in the place of
// exactly the version that it got.
func (c *cabinet) apply(ctx context.Context, change access.Change) error {
	name := change.Subject.Name
	old, version, err := c.person(ctx, name)
	if err != nil {
		return err
	}
	b := access.NewBuilder(c.cfg.System)
	if old != nil {
		old.addTo(b)
	}
	if change.Action.OnGrant() {
		var about struct{ Keys []string }
		if _, err := c.ask(ctx, http.MethodGet, "/cabinet", "", nil, &about); err != nil {
			return err
		}
		for _, k := range about.Keys {
			b.Object(access.Object{ID: key(k)})
		}
	}
	before, err := b.Build()
	if err != nil {
		return err
	}
	e := access.Edit(before, c.Describe())
	if err := e.Do(change); err != nil {
		return fmt.Errorf("%w: %w", connectors.ErrConflict, err)
	}
	after, err := e.State()
	if err != nil {
		return err
	}
	o, there := after.Object(change.Subject)
	if !there {
		if old == nil {
			return nil // already gone
		}
		_, err := c.ask(ctx, http.MethodDelete, "/people/"+url.PathEscape(name), version, nil, nil)
		return err
	}
	now := person{ID: name, Name: o.Attributes["name"], Blocked: o.Disabled, Keys: map[string]string{}}
	for _, g := range after.GrantsOf(o.ID) {
		now.Keys[g.Target.Name] = g.Permission
	}
	if old != nil && now.Name == old.Name && now.Blocked == old.Blocked && maps.Equal(now.Keys, old.Keys) {
		return nil // already so
	}
	_, err = c.ask(ctx, http.MethodPut, "/people/"+url.PathEscape(name), version, now, nil)
	return err
}

// Step 6: say what went wrong.

var (
	errNotFound = errors.New("not found")
	// errMoved: somebody else wrote in between, perhaps Accord itself about another key.
	errMoved = fmt.Errorf("written by somebody else at the same time: %w", connectors.ErrConflict)
)

// ask makes one request. A version is what a write replaces, "" what must not be there yet.
func (c *cabinet) ask(ctx context.Context, method, path, version string, body, into any) (string, error) {
	for {
		got, wait, err := c.once(ctx, method, path, version, body, into)
		if wait == 0 {
			return got, err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
}

func (c *cabinet) once(ctx context.Context, method, path, version string, body, into any) (got string, wait time.Duration, err error) {
	if err := ctx.Err(); err != nil {
		return "", 0, err
	}
	text, err := json.Marshal(body)
	if err != nil {
		return "", 0, err
	}
	r, err := http.NewRequestWithContext(ctx, method, c.url+path, bytes.NewReader(text))
	if err != nil {
		return "", 0, err
	}
	token, err := c.cfg.Secret(ctx, c.cfg.Settings["token"].Secret)
	if err != nil {
		return "", 0, err
	}
	r.Header.Set("Authorization", "Bearer "+token.Reveal())
	broken := connectors.ErrIncomplete
	if method != http.MethodGet {
		broken = connectors.ErrOutcomeUnknown
		r.Header.Set("If-Match", version)
	}
	res, err := c.client.Do(r)
	if err != nil {
		return "", 0, errors.Join(err, broken)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	switch {
	case res.StatusCode == http.StatusTooManyRequests:
		return "", retryAfter(res), nil
	case res.StatusCode == http.StatusNotFound:
		return "", 0, errNotFound
	case res.StatusCode == http.StatusUnauthorized, res.StatusCode == http.StatusForbidden:
		return "", 0, fmt.Errorf("%s %s: the token may not: %w", method, path, connectors.ErrDenied)
	case res.StatusCode == http.StatusPreconditionFailed:
		return "", 0, errMoved
	case res.StatusCode >= 500:
		return "", 0, fmt.Errorf("%s %s: %s: %w", method, path, res.Status, broken)
	case res.StatusCode >= 300:
		return "", 0, fmt.Errorf("%s %s: %s, which the cabinet never says: %w", method, path, res.Status, connectors.ErrIncomplete)
	case into == nil:
		return "", 0, nil // the status says that it is done, whatever becomes of the rest
	case err != nil:
		return "", 0, errors.Join(err, broken)
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return "", 0, fmt.Errorf("%s %s: %w: %w", method, path, err, connectors.ErrIncomplete)
	}
	return res.Header.Get("ETag"), 0, nil
}

// retryAfter is how long to wait after a 429.
func retryAfter(res *http.Response) time.Duration {
	if n, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && n > 0 {
		return min(time.Duration(n)*time.Second, time.Minute)
	}
	return 50 * time.Millisecond
}
