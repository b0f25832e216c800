package diff

import (
	"slices"

	"github.com/accordhq/accord/engine/access"
)

// renames plans the renames that documents declare by `previously`, and from there on looks at
// the system as if they were done. An account whose name is in doubt (it is there under several
// names, or it can't be renamed) is given nothing and isn't renamed; but it keeps no more than
// what is declared for its person.
func (d *differ) renames(named []access.Holder) {
	var edit *access.Editor
	for _, h := range named {
		if d.Disputed[h.Account] {
			continue
		}
		old, unseen := d.formerly(h)
		_, now := d.live.Object(h.Account)
		switch {
		case !now && (len(unseen) > 0 || len(old) > 0 && !d.live.Knows(h.Account)):
			hidden := append(unseen, h.Account)[0]
			d.wait(access.Rename, append(unseen, old...)[0], access.ID{}, d.whyUnknown(hidden))
			d.inDoubt(h, append(unseen, old...))
		case len(old) == 0:
		case now || len(old) > 1 || d.others(h, old[0]):
			d.res.Disputed = append(d.res.Disputed, h.Account)
			d.inDoubt(h, old)
		case !d.Describe.Can(access.KindAccount, access.Rename):
			d.wait(access.Rename, old[0], access.ID{}, "this system can't rename accounts; keep the name under accounts")
			d.inDoubt(h, old)
		default:
			c := access.Change{System: d.live.System(), Action: access.Rename, Subject: old[0],
				Before: &access.Value{Name: old[0].Name}, After: &access.Value{Name: h.Account.Name}}
			if edit == nil {
				edit = access.Edit(d.live, d.Describe)
			}
			if edit.Do(c) == nil {
				d.add(c)
			}
		}
	}
	if edit == nil {
		return
	}
	if renamed, err := edit.StateLike(); err == nil {
		d.live = renamed
	}
}

// others reports whether the declaration gives an account to somebody else than the holder.
func (d *differ) others(h access.Holder, id access.ID) bool {
	other, ok := d.want.Holder(id)
	return ok && other.Person != h.Person
}

// formerly sorts the other names of a holder's account: those that are live, and those of which
// that isn't known. A name that is somebody else's by now isn't the holder's, if the holder has
// left or has an account; else it can't be told whose it is.
func (d *differ) formerly(h access.Holder) (live, unseen []access.ID) {
	_, now := d.live.Object(h.Account)
	for _, id := range h.Was {
		if (now || h.Status == access.HolderLeft) && d.others(h, id) {
			continue
		}
		_, there := d.live.Object(id)
		switch {
		case !d.live.Knows(id):
			unseen = append(unseen, id)
		case there:
			live = append(live, id)
		}
	}
	return live, unseen
}

func (d *differ) inDoubt(h access.Holder, names []access.ID) {
	for _, id := range append(slices.Clone(names), h.Account) {
		d.skip[id], d.doubt[id] = true, h.Account
		if d.others(h, id) {
			d.doubt[id] = id
			continue
		}
		o, ok := d.live.Object(id)
		if ok && h.Status == access.HolderLeave && !o.Disabled && d.live.Knows(id) && d.Describe.Can(access.KindAccount, access.Disable) {
			d.disable(id)
		}
	}
}
