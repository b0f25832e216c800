package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"hash"
	"slices"
	"strings"

	"github.com/accordhq/accord/engine/access"
)

// planDigest covers what the plan does and by which rules: every step that is carried out,
// refused, or asked about (what it is about, action, before, after, lane), the guards, the policies
// that judged, and the engine's version.
func planDigest(p *Plan) string {
	h := newDigest("plan " + EngineVersion)
	for _, s := range p.Systems {
		h.add("system", s.Name, s.Connector, s.Mode, s.Guards)
	}
	if p.Judged == nil {
		h.add("judged", []string(nil))
	} else {
		h.add("judged", p.Judged.Rules, p.Judged.Digest)
	}
	type keyed struct {
		key  string
		step *Step
	}
	steps := make([]keyed, len(p.Steps))
	for i := range p.Steps {
		steps[i] = keyed{p.Steps[i].Key(), &p.Steps[i]}
	}
	slices.SortFunc(steps, func(a, b keyed) int { return strings.Compare(a.key, b.key) })
	for _, k := range steps {
		s := k.step
		switch {
		case s.Held == nil:
			h.step("step", s)
		case s.Held.Why == HeldRefused:
			h.step("refused", s)
		case s.Held.Why == HeldFlapping:
			h.step("flapping", s)
		}
	}
	return h.sum()
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

// step adds a step under a word, as add does.
func (d *digest) step(word string, s *Step) {
	f := s.Fingerprint()
	d.buf = append(appendString(d.buf[:0], word), '\n')
	d.buf = append(appendFingerprint(d.buf, &f), '\n')
	d.h.Write(d.buf)
}

func (d *digest) sum() string { return hex.EncodeToString(d.h.Sum(nil)) }
