package connectortest

import (
	"encoding/json"
	"reflect"
	"slices"
	"time"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
)

func describeStatic(t *trial) {
	b := t.open()
	first := b.Describe()
	text, err := json.Marshal(first)
	if err != nil {
		t.Fatalf("the description has no JSON form: %v", err)
	}
	b.read()
	for range 2 {
		again := b.Describe()
		if !reflect.DeepEqual(first, again) {
			t.Errorf("two descriptions differ:\n%+v\n%+v", first, again)
		}
		if s, _ := json.Marshal(again); string(s) != string(text) {
			t.Errorf("two descriptions have different JSON")
		}
	}
	other := t.open()
	if !reflect.DeepEqual(first, other.Describe()) {
		t.Errorf("another connector of the same type describes itself differently")
	}
	if t.h.Type != nil {
		if typ := t.h.Type(); typ.Name != first.Connector || !reflect.DeepEqual(first, typ.Describe()) {
			t.Errorf("the type %s describes it differently", typ.Name)
		}
	}
	describeAlone(other)
}

// describeAlone asks for what needs nobody while the far side answers nothing.
func describeAlone(b *bed) {
	if !b.arm(FaultHang) {
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.Describe()
		_, _ = b.Normalize(access.Object{ID: access.Account("somebody")})
	}()
	select {
	case <-done:
	case <-time.After(promptly):
		b.Errorf("Describe or Normalize waits for the system, which answers nothing")
	}
}

func describeComplete(t *trial) {
	b := t.open()
	d := b.desc
	if d.Connector == "" || d.Summary == "" {
		t.Errorf("the name %q or the summary %q is missing", d.Connector, d.Summary)
	}
	if d.Parallel < 1 {
		t.Errorf("Parallel is %d, want at least 1", d.Parallel)
	}
	if d.Settle < 0 {
		t.Errorf("Settle is %v", d.Settle)
	}
	if !slices.Contains([]access.BatchUnit{access.BatchNone, access.BatchTarget, access.BatchAll}, d.Batch) {
		t.Errorf("Batch is %q", d.Batch)
	}
	if _, ok := b.Connector.(connectors.Batcher); ok != (d.Batch != access.BatchNone) {
		t.Errorf("Batch is %q, but ApplyBatch being there is %v", d.Batch, ok)
	}
	if _, ok := b.Connector.(connectors.Creator); !ok && d.Creates > 1 {
		t.Errorf("Creates is %d, but there is no CreateEach", d.Creates)
	}
	if _, ok := d.Kind(access.KindAccount); !ok {
		t.Errorf("there is no kind %q", access.KindAccount)
	}
	unique(t, "kind", d.Kinds, func(k access.Kind) string { return k.Name })
	unique(t, "setting", d.Settings, func(s access.Setting) string { return s.Name })
	for _, k := range d.Kinds {
		describeKind(t, d, k)
	}
	types := []access.SettingType{access.SettingText, access.SettingSecret, access.SettingTexts, access.SettingBool,
		access.SettingDuration, access.SettingNumber, access.SettingPath}
	for _, s := range d.Settings {
		if s.Doc == "" || !slices.Contains(types, s.Type) {
			t.Errorf("setting %s: the doc %q is missing, or the type %q is unknown", s.Name, s.Doc, s.Type)
		}
	}
}

func describeKind(t *trial, d access.Description, k access.Kind) {
	if k.Doc == "" {
		t.Errorf("kind %s: no doc", k.Name)
	}
	unique(t, "action of "+k.Name, k.Actions, func(a access.Action) string { return string(a) })
	unique(t, "attribute of "+k.Name, k.Attributes, func(a access.Attribute) string { return a.Name })
	unique(t, "permission of "+k.Name, k.Permissions, func(p access.Permission) string { return p.Name })
	for _, a := range k.Actions {
		if !slices.Contains(objectActions(), a) {
			t.Errorf("kind %s: %q is no action on objects", k.Name, a)
		}
		if (a == access.Disable || a == access.Enable) && k.Name != access.KindAccount {
			t.Errorf("kind %s: only accounts can be disabled and enabled", k.Name)
		}
	}
	if len(k.Permissions) > 0 {
		if p, ok := k.Permission(k.Usual); !ok || p.ReadOnly {
			t.Errorf("kind %s: the usual permission %q isn't one that can be granted", k.Name, k.Usual)
		}
	} else if k.Ordered || k.Usual != "" || len(k.Subjects) > 0 {
		t.Errorf("kind %s: it has no permissions, and yet an order, a usual one or subjects", k.Name)
	}
	for _, s := range k.Subjects {
		if _, ok := d.Kind(s); !ok {
			t.Errorf("kind %s: the subject %q is no kind", k.Name, s)
		}
	}
}

func objectActions() []access.Action {
	return []access.Action{access.Create, access.Update, access.Rename, access.Disable, access.Enable, access.Delete}
}

func unique[T any](t *trial, what string, all []T, name func(T) string) {
	seen := map[string]bool{}
	for _, v := range all {
		n := name(v)
		if n == "" || seen[n] {
			t.Errorf("%s %q: without a name, or there twice", what, n)
		}
		seen[n] = true
	}
}

func planCannotWrite(t *trial) {
	b := t.open()
	b.seed(b.maker.everything())
	r := connectors.ReadOnly(b.Connector)
	if _, ok := r.(connectors.Connector); ok {
		t.Errorf("the reading half has Apply")
	}
	if _, ok := r.(connectors.Batcher); ok {
		t.Errorf("the reading half has ApplyBatch")
	}
	got, err := r.Read(t.Context(), connectors.Scope{})
	if err != nil {
		t.Fatalf("reading through it: %v", err)
	}
	t.same("reading through it", differences(b.dump(), got, leniency{implied: true}))
	before := b.dump()
	b.read()
	b.unchanged("reading changed the system", before)
}

func closeHarmless(t *trial) {
	c, _ := t.h.Open(t.TB)
	for range 2 {
		if err := c.Close(); err != nil {
			t.Errorf("closing one that never connected: %v", err)
		}
	}
	b := t.open()
	b.read()
	for range 2 {
		if err := b.Close(); err != nil {
			t.Errorf("closing one that was used: %v", err)
		}
	}
}
