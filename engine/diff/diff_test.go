package diff_test

import (
	"testing"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/diff"
)

const active = "al alice active\nbo bob active"

// TestGrants: what is given and taken.
func TestGrants(t *testing.T) {
	const objects = "object al\nobject bo\nobject role/x\nobject role/y\nobject folder/f\nobject app/a\n"
	tests := []struct {
		name, want, live string
		out              []string
	}{
		{"nothing to do", "al read folder/f\nal use app/a", "al read folder/f\nal use app/a", nil},
		{"give", "al member role/x", "", []string{"grant al member role/x"}},
		{"take", "", "al member role/x", []string{"revoke al member role/x"}},
		{"an invitation counts as there", "al read folder/f\nal use app/a", "al read folder/f pending\nal use app/a pending", nil},
		{"an invitation is taken back", "", "al read folder/f pending\nal use app/a pending", []string{"revoke al use app/a pending", "revoke al read folder/f pending"}},
		{"what is implied doesn't satisfy a wish", "al read folder/f\nal use app/a", "al read folder/f implied\nal use app/a implied", []string{"grant al use app/a", "grant al read folder/f"}},
		{"what is implied isn't revoked", "", "al admin folder/f implied\nal use app/a implied", nil},
		{"of the same held and implied the better counts", "", "al use app/a\nal use app/a implied", []string{"revoke al use app/a"}},
		{"raise", "al admin folder/f", "al read folder/f", []string{"change-level al read to admin folder/f"}},
		{"lower", "al read folder/f", "al admin folder/f", []string{"change-level al admin to read folder/f"}},
		{"a level is held beside a higher implied one", "al read folder/f", "al read folder/f\nal admin folder/f implied", nil},
		{"a level is missing below a higher implied one", "al read folder/f", "al admin folder/f implied", []string{"grant al read folder/f"}},
		{"two levels at once are both taken", "", "al read folder/f\nal admin folder/f pending", []string{"revoke al admin folder/f pending", "revoke al read folder/f"}},
		{"permissions without an order are apart", "al use app/a\nal audit app/a", "al audit app/a\nal admin app/a", []string{"grant al use app/a", "revoke al admin app/a"}},
		{"resources hold grants", "role/x member role/y\nrole/x read folder/f", "role/y read folder/f", []string{"grant role/x read folder/f", "grant role/x member role/y", "revoke role/y read folder/f"}},
		{"grants of nobody known", "", "zed member role/x", []string{"revoke zed member role/x"}},
		{"a kind that the connector doesn't know", "", "al hold thing/t", nil},
		{"an open kind", "al get url/u", "bo get url/v", []string{"grant al get url/u", "revoke bo get url/v"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := diff.Diff(declare(objects+tt.want, active), state(objects+tt.live), scope())
			same(t, lines(r), tt.out...)
		})
	}
}

// TestClaims: only what the repository claims is taken away, and what it doesn't is reported.
func TestClaims(t *testing.T) {
	const live = `
object al
object bo
object root reserved
object accord
self accord
object role/x
object role/mine
object folder/f
object folder/g
al read folder/f
al read folder/g
role/x read folder/g
role/mine read folder/g
root admin folder/f
accord admin folder/f
bo admin folder/g
`
	s := scope()
	s.Claims = func(target access.ID) bool { return target == id("folder/f") }
	same(t, lines(diff.Diff(declare("object al\nobject bo\nobject role/mine\nbo read folder/g\n", active), state(live), s)),
		"revoke al read folder/f",
		"revoke role/mine read folder/g",
		"unclaimed: accord admin folder/f",
		"unclaimed: al read folder/g",
		"unclaimed: bo admin folder/g", // lowering takes too
		"unclaimed: role/x read folder/g")
	same(t, lines(diff.Diff(declare("object al\nobject bo\nobject role/mine\nbo admin folder/g\nal write folder/g\nrole/mine read folder/g\n", "al alice left\nbo bob active"), state(live), s)),
		"disable al (leaver)",
		"revoke al read folder/f (leaver)",
		"change-level al read to write folder/g (leaver)",
		"unclaimed: accord admin folder/f",
		"unclaimed: role/x read folder/g")
}

// TestUnknown: nothing is concluded about what wasn't seen.
func TestUnknown(t *testing.T) {
	const live = "object al\nobject bo disabled\nobject role/x\nobject role/y\nal member role/y\nbo member role/y\n"
	const want = "object al comment=new\nobject bo\nobject cy\nobject role/x\nal member role/x\nbo member role/x\ncy member role/x\n"
	const holders = active + "\ncy cynthia active"
	tests := []struct {
		name, unknown string
		out           []string
	}{
		{"everything", "?", []string{"waits: update al", "waits: update bo", "waits: update cy", "waits: update role/x"}},
		{"one account", "? al", []string{"revoke bo member role/y", "grant bo member role/x", "enable bo", "waits: update al", "waits: create cy"}},
		{"one target", "? role/x", []string{"enable bo", "revoke bo member role/y", "revoke al member role/y", "update al map[comment:]→map[comment:new]",
			"waits: create cy", "waits: update role/x"}},
		{"another target", "? role/y", []string{"update al map[comment:]→map[comment:new]", "grant al member role/x", "enable bo", "grant bo member role/x", "waits: create cy"}},
		{"a kind", "? role/", []string{"update al map[comment:]→map[comment:new]", "enable bo", "waits: create cy", "waits: update role/x"}},
		{"all accounts", "? account/", []string{"waits: update al", "waits: update bo", "waits: update cy"}},
		{"something else", "? folder/f", []string{"update al map[comment:]→map[comment:new]", "grant al member role/x", "revoke al member role/y",
			"enable bo", "grant bo member role/x", "revoke bo member role/y", "waits: create cy"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := lines(diff.Diff(declare(want, holders), state(live+tt.unknown), scope()))
			wanted := tt.out
			sortLines(got)
			sortLines(wanted)
			same(t, got, wanted...)
		})
	}
}

// TestUnknownTarget: a wish on an undeclared target that can't be seen is waited for, and is no
// error.
func TestUnknownTarget(t *testing.T) {
	same(t, lines(diff.Diff(declare("object al\nal member role/x\n", active), state("object al\n? role/x"), scope())), "waits: grant al role/x")
	same(t, lines(diff.Diff(declare("object al\nal member role/x\n", active), state("object al\n"), scope())), "dangling: al member role/x")
	same(t, lines(diff.Diff(declare("object al\nobject role/x\nal member role/x\n", active), state("object al\n"), scope())), "grant al member role/x", "create role/x")
	same(t, lines(diff.Diff(declare("object al\nobject role/x\nal member role/x\n", active), state("object al\n? role/y"), scope())), "waits: create role/x")
}

// TestObjects: creating, changing, enabling, disabling and deleting.
func TestObjects(t *testing.T) {
	keep := scope()
	keep.Create = false
	idle := scope()
	idle.IdleDisable = true
	can := func(kind string, not ...access.Action) diff.Scope {
		s := scope()
		s.Describe = without(kind, not...)
		return s
	}
	tests := []struct {
		name, want, holders, live string
		absent                    []string
		scope                     diff.Scope
		out                       []string
	}{
		{"create", "object al comment=c\nobject role/x\n", active, "", nil, scope(), []string{"create al", "create role/x"}},
		{"only linked", "object al\nobject role/x\nal member role/x\n", active, "", nil, keep, []string{"create role/x", "missing: al"}},
		{"can't be created", "object al\nobject role/x\nal member role/x\n", active, "", nil, can("account", access.Create), []string{"create role/x", "missing: al"}},
		{"a resource can't be created", "object al\nobject role/x\nal member role/x\n", active, "object al", nil, can("role", access.Create), []string{"waits: create role/x"}},
		{"on leave before there was an account", "object al disabled\nobject role/x\nal member role/x\n", "al alice leave", "object role/x", nil, scope(), nil},
		{"on leave", "object al disabled\n", "al alice leave", "object al", nil, scope(), []string{"disable al"}},
		{"back from leave", "object al\n", active, "object al disabled", nil, scope(), []string{"enable al"}},
		{"can't be enabled", "object al\n", active, "object al disabled", nil, can("account", access.Enable), []string{"waits: enable al"}},
		{"only what is declared of an object matters", "object al a=1\n", active, "object al a=1 b=2", nil, scope(), nil},
		{"an attribute differs", "object al a=1 c=3\n", active, "object al a=2 b=2", nil, scope(), []string{"update al map[a:2 c:]→map[a:1 c:3]"}},
		{"can't be changed", "object al a=1\n", active, "object al", nil, can("account", access.Update), []string{"waits: update al"}},
		{"absent", "", active, "object role/x\nobject role/y", []string{"role/x", "role/z"}, scope(), []string{"delete role/x"}},
		{"absent, and not all is known", "", active, "object role/x\n? folder/f", []string{"role/x", "role/z"}, scope(), []string{"waits: delete role/x"}},
		{"absent, and not known itself", "", active, "? role/z", []string{"role/z"}, scope(), []string{"waits: delete role/z"}},
		{"orphans and idle accounts", "object al\n", active, "object al\nobject bo\nobject zed\nobject root reserved\nobject me\nself me", nil, scope(), []string{"orphan: zed", "idle: bo"}},
		{"idle accounts are disabled", "object al\n", active, "object al\nobject bo\nobject zed", nil, idle, []string{"disable bo", "orphan: zed"}},
		{"idle but unknown", "object al\n", active, "object al\nobject bo\n? bo", nil, idle, []string{"idle: bo"}},
		{"idle and disabled", "object al\n", active, "object al\nobject bo disabled", nil, idle, nil},
		{"on leave without any grant", "", "al alice leave", "object al", nil, scope(), []string{"disable al"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			same(t, lines(diff.Diff(declare(tt.want, tt.holders, tt.absent...), state(tt.live), tt.scope)), tt.out...)
		})
	}
}
