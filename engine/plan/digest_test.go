package plan

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/accordhq/accord/engine/access"
)

// What a digest covers is encoded as encoding/json would, whatever the strings hold and whichever
// fields are set.
func FuzzCanonical(f *testing.F) {
	f.Add(uint64(1), "alice", "team/sre")
	f.Add(uint64(2), `a "quoted" \ name`, "<b>&amp;</b>")
	f.Add(uint64(3), "tab\tline\nzero\x00del\x7f", "\u2028\u2029 zoë 日本")
	f.Add(uint64(4), "\xff\xfe broken \xe2\x80", "\xa8")
	f.Add(uint64(5), "", "/")
	f.Fuzz(func(t *testing.T, seed uint64, a, b string) {
		r := rand.New(rand.NewPCG(seed, 0))
		for range 20 {
			var s access.Shift
			fill(r, reflect.ValueOf(&s).Elem(), a, b)
			got := appendShift(nil, &s)
			s.Cause = access.Cause{}
			sameJSON(t, s, got)
			var p Fingerprint
			fill(r, reflect.ValueOf(&p).Elem(), a, b)
			sameJSON(t, p, appendFingerprint(nil, &p))
		}
	})
}

func sameJSON(t *testing.T, v any, got []byte) {
	t.Helper()
	want, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Fatalf("%+v\ngot  %s\nwant %s", v, got, want)
	}
}

// fill sets fields at random, those of a later version too: whoever adds one has to encode it.
func fill(r *rand.Rand, v reflect.Value, a, b string) {
	if r.IntN(3) == 0 { // stays zero
		return
	}
	switch x := v.Addr().Interface().(type) {
	case *time.Time:
		zones := []*time.Location{time.UTC, time.Local, time.FixedZone("", -(9*3600 + 1800)), time.FixedZone("east", 7200)}
		*x = time.Unix(r.Int64N(4e9)-1e9, []int64{0, 0, 5e8, r.Int64N(1e9)}[r.IntN(4)]).In(zones[r.IntN(4)])
		if r.IntN(8) == 0 {
			*x = time.Time{}.In(zones[3]) // zero, in another zone
		}
		return
	case *access.Standing:
		*x = access.Standing(r.IntN(3))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString([]string{a, b, a + b, "plain", "role/readonly", "", "\x1f~ \x7f"}[r.IntN(7)])
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int:
		v.SetInt(r.Int64N(1000))
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), r.IntN(4), 4))
		for i := range v.Len() {
			fill(r, v.Index(i), a, b)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for i := range r.IntN(4) {
			e := reflect.New(v.Type().Elem()).Elem()
			fill(r, e, a, b)
			v.SetMapIndex(reflect.ValueOf([]string{a, b, fmt.Sprint("k", i)}[r.IntN(3)]), e)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(r, v.Elem(), a, b)
	case reflect.Struct:
		for i := range v.NumField() {
			fill(r, v.Field(i), a, b)
		}
	default:
		panic("no values for " + v.Type().String())
	}
}

// Digests of what was encoded by hand are those that encoding/json gives.
func TestDigestAsJSON(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	p := &Plan{Systems: []System{{Name: "s"}}}
	change, whole := newDigest("change "+EngineVersion), newDigest("plan "+EngineVersion)
	whole.add("system", "s", "", Mode(""), Guards{})
	whole.add("judged", []string(nil))
	var shifts []access.Shift
	for i := range 50 {
		var s access.Shift
		fill(r, reflect.ValueOf(&s).Elem(), "a", "ü")
		shifts = append(shifts, s)
		s.Cause = access.Cause{}
		change.add("shift", s)
		step := Step{Change: access.Change{System: "s", Action: access.Disable, Subject: access.Account(fmt.Sprintf("a%02d", i))}, Leaver: i%7 == 0}
		word := "step"
		switch i % 4 {
		case 1:
			step.Held, word = &Hold{Why: HeldRefused}, "refused"
		case 2:
			step.Held, word = &Hold{Why: HeldFlapping}, "flapping"
		case 3:
			step.Held, word = &Hold{Why: HeldObserve}, ""
		}
		p.Steps = append(p.Steps, step)
		if word != "" {
			whole.add(word, step.Fingerprint())
		}
	}
	if got, want := ChangeDigest(shifts), change.sum(); got != want {
		t.Errorf("change digest %s, want %s", got, want)
	}
	if got, want := planDigest(p), whole.sum(); got != want {
		t.Errorf("plan digest %s, want %s", got, want)
	}
}

// BenchmarkDigest: the digests of so many shifts and steps.
func BenchmarkDigest(b *testing.B) {
	const n = 50_000
	p := &Plan{}
	shifts := make([]access.Shift, n)
	until := time.Date(2026, 12, 31, 23, 0, 0, 0, time.UTC)
	for i := range n {
		person, target := fmt.Sprintf("person.%05d", i%5000), access.ID{Kind: "role", Name: fmt.Sprintf("team-%03d", i/50)}
		shifts[i] = access.Shift{Kind: access.ShiftGain, Person: person, System: "warehouse", Target: target, Permission: "member", After: []access.Span{{Until: until}}}
		p.Steps = append(p.Steps, Step{Change: access.Change{System: "warehouse", Action: access.Give, Subject: access.Account(person), Target: target, After: &access.Value{Permission: "member"}}})
	}
	b.Run("change", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			ChangeDigest(shifts)
		}
	})
	b.Run("plan", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			planDigest(p)
		}
	})
}
