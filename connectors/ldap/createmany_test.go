package ldap

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
)

// Names are looked for a hundred at a time, and each entry has an outcome of its own, wherever
// among them it stands.
func TestCreateEachLooksAhead(t *testing.T) {
	f := newFar(t)
	const n, differs, never = 250, 240, 99
	f.person("new130")
	f.ldif("dn: " + f.dn("new240") + "\nobjectClass: inetOrgPerson\nuid: new240\ncn: new240\nsn: new240\nmail: other@example.test\n")
	c := f.open()
	read(t, c)
	var changes []access.Change
	for i := range n {
		changes = append(changes, on(access.Create, fmt.Sprintf("account/new%d", i), nil,
			&access.Value{Attributes: map[string]string{"cn": fmt.Sprintf("new%d", i), "sn": fmt.Sprintf("new%d", i)}}))
	}
	changes[never].After = nil
	f.proxy.counts()
	errs := c.CreateEach(t.Context(), changes)
	for i, err := range errs {
		switch {
		case i == differs && !errors.Is(err, connectors.ErrConflict):
			t.Errorf("%s, which is there and another one: %v", changes[i], err)
		case i == never && err == nil:
			t.Errorf("%s without a value was made", changes[i])
		case i != differs && i != never && err != nil:
			t.Errorf("%s: %v", changes[i], err)
		}
	}
	// Of each hundred names; of the two that are there, alone; and then their entries. Each new
	// connection asks twice who is there.
	if got := f.proxy.counts(); got[opAdd] != n-3 || got[opSearch] != 3+2*2+2*got[opBind] {
		t.Errorf("%d creations took %v", n, got)
	}
	if o, _ := read(t, c).Size(); o != n-1+1 { // and Accord's own entry
		t.Errorf("%d objects are there", o)
	}
}

// If names can't be looked for, nothing is made, and every change is told so.
func TestCreateEachCancelled(t *testing.T) {
	f := newFar(t)
	c := f.open()
	read(t, c)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var changes []access.Change
	for i := range 2*namesAtOnce + 1 {
		changes = append(changes, on(access.Create, fmt.Sprintf("account/new%d", i), nil, &access.Value{}))
	}
	for i, err := range c.CreateEach(ctx, changes) {
		if err == nil {
			t.Errorf("%s: no error", changes[i])
		}
	}
	if got := f.proxy.counts(); got[opAdd] != 0 {
		t.Errorf("something was made: %v", got)
	}
}
