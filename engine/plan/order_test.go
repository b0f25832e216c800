package plan_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/plan"
)

// TestOrder: leavers first, earlier systems first among them; then what must exist, what is
// given, what is taken, and deletions last.
func TestOrder(t *testing.T) {
	priority := func(n int) func(*plan.SystemInput) { return func(s *plan.SystemInput) { s.Priority = n } }
	delay := func(s *plan.SystemInput) { s.Scope.Leaver = "delete" }
	p := build(
		system("a", "holder le l left\nal read folder/f\nholder bo b active b.o\nbo read folder/f\nobject cy a=1\nobject di disabled\nabsent folder/x\nobject group/n\nal member group/n\ndi write folder/f\nobject ev",
			"object le\nle read folder/f\nobject b.o\nobject cy\nobject di\ndi read folder/f\nobject folder/x\nal2 read folder/f\nal2 read folder/x\nobject ev disabled", priority(100), delay,
			func(s *plan.SystemInput) { s.Memory.DisabledSince = always }),
		system("b", "holder le l left\nal read folder/f", "object le\nle read folder/f\nobject al", priority(10)),
	)
	same(t, "steps", keys(p),
		"!disable b/le", "!disable a/le", "!revoke b/le folder/f read", "!revoke a/le folder/f read",
		"rename a/b.o", "create a/group/n", "create a/al", "update a/cy", "enable a/ev",
		"grant a/al folder/f read", "grant a/al group/n member", "grant a/bo folder/f read", "grant b/al folder/f read",
		"change-level a/di folder/f",
		"revoke a/al2 folder/f read", "revoke a/al2 folder/x read",
		"disable a/di", "delete a/folder/x", "!delete a/le")
	same(t, "needs", needs(p),
		"grant a/account/al folder/f read ← create a/account/al",
		"grant a/account/al group/n member ← create a/account/al", "grant a/account/al group/n member ← create a/group/n", "grant a/account/bo folder/f read ← rename a/account/b.o",
		"delete a/account/le ← disable a/account/le")
}

// TestExclusive: of two roles that exclude each other the one is given after the other is gone,
// wherever that is; and not at all as long as that can't be done.
func TestExclusive(t *testing.T) {
	build := func(allow []plan.Allow, elsewhere func(person, role string) string, systems ...plan.SystemInput) *plan.Plan {
		return plan.Build(plan.Input{At: now, Systems: systems, Allow: allow, Elsewhere: elsewhere,
			Exclusive: map[string][]string{"pays": {"approves"}, "approves": {"pays"}}})
	}
	const gets = "al read folder/p | role pays"
	const had = "al read folder/a | role outer role approves"
	gains := system("a", gets, "object al\nobject folder/p", base("object al", applied))
	loses := func(live string, more ...func(*plan.SystemInput)) plan.SystemInput {
		return system("b", "object al\nobject folder/a", live, append(more, base(had, applied))...)
	}
	const gain, lose = "grant a/al folder/p read", "revoke b/al folder/a read"

	p := build(nil, nil, gains, loses("al read folder/a"))
	same(t, "on another system", keys(p), lose, gain)
	same(t, "needs", needs(p), "grant a/account/al folder/p read ← revoke b/account/al folder/a read")

	p = build(nil, nil, gains, loses("object al\nobject folder/a"))
	same(t, "gone already", keys(p), gain)

	none := guards(func(g *plan.Guards) { g.MaxRemovals = plan.Limit{} })
	p = build(nil, nil, gains, loses("al read folder/a", none))
	same(t, "the loss is refused", keys(p), lose+" (refused)", gain+" (depends)")
	p = build([]plan.Allow{{Name: access.RiskMassRevoke, Ref: "b"}}, nil, gains, loses("al read folder/a", none))
	same(t, "the loss is allowed", keys(p), lose, gain)

	same(t, "not known", keys(build(nil, nil, gains, loses("al read folder/a\n? folder/a"))), gain+" (depends)")
	same(t, "something else isn't known", keys(build(nil, nil, gains, loses("al read folder/a\n? folder/b"))), lose, gain)
	unread := loses("")
	unread.Live, unread.Error = nil, "no answer"
	same(t, "not read", keys(build(nil, nil, gains, unread)), gain+" (depends)")
	same(t, "not chosen", keys(build(nil, func(person, role string) string {
		if person == "p-al" && role == "approves" {
			return "b"
		}
		return ""
	}, gains)), gain+" (depends)")

	p = build(nil, nil, system("s", "al write folder/p | role pays\nal read folder/a", "al read folder/p\nal write folder/a",
		base("al read folder/p\nal write folder/a | role approves\nal read folder/a", applied)))
	same(t, "levels", keys(p), "change-level s/al folder/a", "change-level s/al folder/p")
}

// TestDeterministic: the order in which systems come in doesn't matter, and the same input
// gives the same bytes.
func TestDeterministic(t *testing.T) {
	var systems []plan.SystemInput
	for i := range 5 {
		systems = append(systems, system(fmt.Sprint("s", i), many(20, "a# read folder/f")+many(5, "holder l# p# left"), many(20, "a# write folder/f")+many(5, "l# read folder/g")+many(9, "object z#")+"? group/", percent(10)))
	}
	text := func() string {
		var b strings.Builder
		if err := plan.Write(&b, plan.Build(plan.Input{At: now, Systems: systems})); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	first := text()
	r := rand.New(rand.NewPCG(3, 4))
	for range 5 {
		r.Shuffle(len(systems), func(i, j int) { systems[i], systems[j] = systems[j], systems[i] })
		if text() != first {
			t.Fatal("another order gives another plan")
		}
	}
}
