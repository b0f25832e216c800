package diff_test

import (
	"slices"
	"testing"
	"time"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/diff"
)

func sortLines(s []string) { slices.Sort(s) }

// TestLeavers: what becomes of the account of somebody who left.
func TestLeavers(t *testing.T) {
	rule := func(r diff.LeaverRule, days int, since time.Time, not ...access.Action) diff.Scope {
		s := scope()
		s.Leaver, s.DeleteAfter, s.Describe = r, time.Duration(days)*24*time.Hour, without("account", not...)
		s.Claims = func(access.ID) bool { return false }
		s.DisabledSince = func(access.ID) (time.Time, bool) { return since, !since.IsZero() }
		return s
	}
	const left = "al alice left"
	const live = "object role/x\nobject app/a\nal member role/x\nal use app/a pending\nal admin app/a implied\n"
	tests := []struct {
		name, holders, live string
		scope               diff.Scope
		out                 []string
	}{
		{"disable, and take everything", left, "object al\n" + live, rule(diff.LeaverDisable, 0, time.Time{}),
			[]string{"disable al (leaver)", "revoke al use app/a pending (leaver)", "revoke al member role/x (leaver)"}},
		{"keep", left, "object al\n" + live, rule(diff.LeaverKeep, 0, time.Time{}), []string{"revoke al use app/a pending (leaver)", "revoke al member role/x (leaver)"}},
		{"delete", left, "object al\n", rule(diff.LeaverDelete, 0, time.Time{}), []string{"delete al (leaver)", "disable al (leaver)"}},
		{"delete, and not all is known", left, "object al\n? folder/f", rule(diff.LeaverDelete, 0, time.Time{}), []string{"disable al (leaver)", "waits: delete al"}},
		{"delete what can't be disabled", left, "object al\n", rule(diff.LeaverDelete, 0, time.Time{}, access.Disable), []string{"delete al (leaver)"}},
		{"can be neither disabled nor deleted", left, "object al\n" + live, rule(diff.LeaverDelete, 0, time.Time{}, access.Disable, access.Delete), []string{"revoke al use app/a pending (leaver)", "revoke al member role/x (leaver)"}},
		{"disabled already", left, "object al disabled\n", rule(diff.LeaverDisable, 0, time.Time{}), nil},
		{"to be deleted later", left, "object al disabled\n", rule(diff.LeaverDisable, 30, now.Add(-30*24*time.Hour+time.Second)), nil},
		{"to be deleted now", left, "object al disabled\n", rule(diff.LeaverDisable, 30, now.Add(-30*24*time.Hour)), []string{"delete al (leaver)"}},
		{"due, but somebody else disabled it", left, "object al disabled\n", rule(diff.LeaverDisable, 30, time.Time{}), nil},
		{"due, but somebody enabled it", left, "object al\n", rule(diff.LeaverDisable, 30, now.Add(-90*24*time.Hour)), []string{"disable al (leaver)"}},
		{"due, but kept", left, "object al disabled\n", rule(diff.LeaverKeep, 30, now.Add(-90*24*time.Hour)), nil},
		{"not there", left, "object bo\n", rule(diff.LeaverDisable, 0, time.Time{}), []string{"orphan: bo"}},
		{"not known", left, "object al\n" + live + "? al", rule(diff.LeaverDisable, 0, time.Time{}), []string{"waits: disable al"}},
		{"a grant that isn't known", left, "object al\n" + live + "? role/x", rule(diff.LeaverDisable, 0, time.Time{}), []string{"disable al (leaver)", "revoke al use app/a pending (leaver)"}},
		{"under a former name", "al alice left a.l", "object a.l\n", rule(diff.LeaverDisable, 0, time.Time{}), []string{"disable a.l (leaver)"}},
		{"under both names", "al alice left a.l", "object al\nobject a.l\n", rule(diff.LeaverDisable, 0, time.Time{}), []string{"disable a.l (leaver)", "disable al (leaver)"}},
		{"under a former name, perhaps", "al alice left a.l", "object al\n? a.l", rule(diff.LeaverDisable, 0, time.Time{}), []string{"disable al (leaver)", "waits: disable a.l"}},
		{"the present name isn't known", "al alice left a.l", "? al\n", rule(diff.LeaverDisable, 0, time.Time{}), []string{"waits: disable al"}},
		{"a former name is somebody else's", "al alice left bo\nbo bob active", "object bo\n", rule(diff.LeaverDisable, 0, time.Time{}), []string{"idle: bo"}},
		{"remembered twice", "a.l alice left\nal alice left a.l", "object al\nobject a.l\n", rule(diff.LeaverDisable, 0, time.Time{}), []string{"disable a.l (leaver)", "disable al (leaver)"}},
		{"on leave where nothing can be disabled", "al alice leave", "object al\n" + live, rule(diff.LeaverDisable, 0, time.Time{}, access.Disable),
			[]string{"revoke al use app/a pending", "revoke al member role/x"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := diff.Diff(declare("", tt.holders), state(tt.live), tt.scope)
			r.Idle = slices.DeleteFunc(r.Idle, func(id access.ID) bool { return id == access.Account("al") })
			same(t, lines(r), tt.out...)
		})
	}
}

// TestRenames: an account whose person has another id now keeps what it holds.
func TestRenames(t *testing.T) {
	cant := scope()
	cant.Describe = without("account", access.Rename)
	blind := scope()
	blind.Claims = func(access.ID) bool { return false }
	const want = "object al\nobject role/x\nobject role/y\nal member role/x\nal member role/y\n"
	const role = "object role/x\nobject role/y\nobject role/z\n"
	tests := []struct {
		name, want, holders, live string
		scope                     diff.Scope
		out                       []string
	}{
		{"renamed", want, "al alice active a.l", role + "object a.l\na.l member role/x\na.l member role/z", scope(),
			[]string{"rename a.l to al", "grant al member role/y", "revoke al member role/z"}},
		{"renamed long ago", want, "al alice active a.l", role + "object al\nal member role/x\nal member role/y", scope(), nil},
		{"never there", want, "al alice active a.l", role, scope(), []string{"create al", "grant al member role/x", "grant al member role/y"}},
		{"one of several names", want, "al alice active x a.l y", role + "object a.l\na.l member role/x\na.l member role/y", scope(), []string{"rename a.l to al"}},
		{"two names at once", want, "al alice active a.l", role + "object al\nobject a.l\nal member role/z\na.l member role/x\na.l member role/z", scope(),
			[]string{"revoke a.l member role/z", "revoke al member role/z", "disputed: al"}},
		{"two former names at once", want, "al alice active a.l b.l", role + "object a.l\nobject b.l\na.l member role/z", scope(), []string{"revoke a.l member role/z", "disputed: al"}},
		{"nothing claimed is taken in a dispute", want, "al alice active a.l", role + "object al\nobject a.l\nal member role/z", blind, []string{"unclaimed: al member role/z", "disputed: al"}},
		{"can't be renamed", want, "al alice active a.l", role + "object a.l\na.l member role/x\na.l member role/z", cant,
			[]string{"revoke a.l member role/z", "waits: rename a.l"}},
		{"the old name isn't known", want, "al alice active a.l", role + "? a.l", scope(), []string{"waits: rename a.l"}},
		{"the old name isn't known, but the new one is", want, "al alice active a.l", role + "object al\nal member role/x\nal member role/y\n? a.l", scope(), nil},
		{"the new name isn't known", want, "al alice active a.l", role + "object a.l\na.l member role/z\n? al", scope(), []string{"revoke a.l member role/z", "waits: rename a.l"}},
		{"the old name is somebody else's by now", want + "object a.l\na.l member role/z\n", "a.l bob active\nal alice active a.l", role + "object a.l\nobject al\na.l member role/z\nal member role/x\nal member role/y", scope(), nil},
		{"whose is it", want + "object a.l\na.l member role/z\n", "a.l bob active\nal alice active a.l", role + "object a.l\na.l member role/z\na.l member role/x", scope(),
			[]string{"revoke a.l member role/x", "disputed: al"}},
		{"on leave, in a dispute", "object al disabled\n", "al alice leave a.l", "object al\nobject a.l", scope(), []string{"disable a.l", "disable al", "disputed: al"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			same(t, lines(diff.Diff(declare(tt.want, tt.holders), state(tt.live), tt.scope)), tt.out...)
		})
	}
}
