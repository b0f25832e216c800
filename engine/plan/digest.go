package plan

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"hash"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/accordhq/accord/engine/access"
)

// planDigest covers what the plan does and by which rules: every step that is carried out,
// refused, or asked about (what it is about, action, before, after, lane), the guards, the policies
// that judged, and the engine's version.
func planDigest(p *Plan) string { return digestOf(p, byKey(p.Steps)) }

// digestOf is planDigest, given the order of the steps by key.
func digestOf(p *Plan, sorted []keyed) string {
	h := newDigest("plan " + EngineVersion)
	for _, s := range p.Systems {
		h.add("system", s.Name, s.Connector, s.Mode, s.Guards)
	}
	if p.Judged == nil {
		h.add("judged", []string(nil))
	} else {
		h.add("judged", p.Judged.Rules, p.Judged.Digest)
	}
	chunks := slices.Collect(slices.Chunk(sorted, perChunk))
	err := inOrder(len(chunks), func(i int, b []byte) ([]byte, error) {
		for _, k := range chunks[i] {
			b = appendDigested(b, &p.Steps[k.at])
		}
		return b, nil
	}, func(b []byte) error {
		_, err := h.h.Write(b)
		return err
	})
	if err != nil {
		panic("plan digest: " + err.Error()) // a hash takes everything
	}
	return h.sum()
}

// appendDigested appends what of a step is in the digest: nothing of one that is only shown.
func appendDigested(b []byte, s *Step) []byte {
	word := "step"
	if s.Held != nil {
		switch s.Held.Why {
		case HeldRefused, HeldFlapping:
			word = string(s.Held.Why)
		default:
			return b
		}
	}
	f := s.Fingerprint()
	b = append(appendString(b, word), '\n')
	return append(appendFingerprint(b, &f), '\n')
}

// keyed is the place of a step among those of a plan, and its key.
type keyed struct {
	key string
	at  int
}

// byKey sorts the steps of a plan by their keys.
func byKey(steps []Step) []keyed {
	out := make([]keyed, len(steps))
	for i := range steps {
		out[i] = keyed{steps[i].Key(), i}
	}
	compare := func(a, b keyed) int { return cmp.Or(strings.Compare(a.key, b.key), a.at-b.at) }
	if len(out) < 2*perChunk || runtime.GOMAXPROCS(0) < 2 {
		slices.SortFunc(out, compare)
		return out
	}
	half := len(out) / 2
	var wg sync.WaitGroup
	wg.Go(func() { slices.SortFunc(out[:half], compare) })
	slices.SortFunc(out[half:], compare)
	wg.Wait()
	return merge(out[:half], out[half:], compare)
}

// merge joins two sorted lists.
func merge[T any](a, b []T, compare func(a, b T) int) []T {
	out := make([]T, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		if compare(a[0], b[0]) <= 0 {
			out, a = append(out, a[0]), a[1:]
		} else {
			out, b = append(out, b[0]), b[1:]
		}
	}
	return append(append(out, a...), b...)
}

// twice is the place of the first step that is there already; -1 if there is none.
func twice(sorted []keyed) int {
	first := -1
	for i := range sorted {
		if i > 0 && sorted[i].key == sorted[i-1].key && (first < 0 || sorted[i].at < first) {
			first = sorted[i].at
		}
	}
	return first
}

// ChangeDigest names what the declaration itself changes, whatever the systems hold. Where that
// is written isn't part of it: a line that moves changes nobody's access.
func ChangeDigest(shifts []access.Shift) string {
	h := newDigest("change " + EngineVersion)
	for i := range shifts {
		h.buf = append(appendShift(append(h.buf[:0], "\"shift\"\n"...), &shifts[i]), '\n')
		h.h.Write(h.buf)
	}
	return h.sum()
}

// Fingerprint is what has to be the same for a step to be the same step.
func (s Step) Fingerprint() Fingerprint {
	f := Fingerprint{System: s.System, Action: s.Action, Subject: s.Subject, Target: s.Target, Leaver: s.Leaver}
	if s.Before != nil {
		f.Before = *s.Before
	}
	if s.After != nil {
		f.After = *s.After
	}
	return f
}

// Fingerprint is a step without its explanations.
type Fingerprint struct {
	System  string        `json:"system"`
	Action  access.Action `json:"action"`
	Subject access.ID     `json:"subject"`
	Target  access.ID     `json:"target,omitzero"`
	Before  access.Value  `json:"before,omitzero"`
	After   access.Value  `json:"after,omitzero"`
	Leaver  bool          `json:"leaver,omitempty"`
}

// digest is SHA-256 over JSON values, a line each; encoding/json sorts maps.
type digest struct {
	h   hash.Hash
	enc *json.Encoder
	buf []byte // of what is encoded by hand
}

func newDigest(domain string) *digest {
	d := &digest{h: sha256.New()}
	d.enc = json.NewEncoder(d.h)
	d.add(domain)
	return d
}

func (d *digest) add(values ...any) {
	for _, v := range values {
		// Encoding plain data into a hash can't fail; Encode ends each value by a line feed,
		// which no JSON value holds raw.
		if err := d.enc.Encode(v); err != nil {
			panic("plan digest: " + err.Error())
		}
	}
}

func (d *digest) sum() string { return hex.EncodeToString(d.h.Sum(nil)) }
