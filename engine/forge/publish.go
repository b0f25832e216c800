package forge

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/accordhq/accord/connectors"
)

// Note is what a comment is to say.
type Note struct {
	// Root is the access root that it is for (see Marker).
	Root string
	// Commit is the commit of the request that it speaks of, Head the one on top of the request;
	// "" where that isn't known.
	Commit, Head string
	// Text is Markdown.
	Text string
}

// Posted says what became of a note.
type Posted struct {
	// URL leads to the comment.
	URL string
	// Created says that there was none before; Newer that it was left alone, since it speaks of
	// the commit on top already and the note of an older one.
	Created, Newer bool
	// Strange are who else wrote a comment for the same access root: somebody who pretends, or
	// the account that was used before. They aren't touched, and what they say isn't this note.
	Strange []string
}

// mostPosts is how often a comment is written whose earlier writing may have got lost.
const mostPosts = 3

// Publish makes the note the one comment of its access root: it edits the one that is there,
// else writes one, and removes others of its own. Between runs that do so at the same time the
// last one wins, and one comment remains.
func Publish(ctx context.Context, f Forge, n Note) (Posted, error) {
	p := &publisher{f: f, note: n}
	p.body = Marker{Root: n.Root, Commit: n.Commit}.String() + "\n" + n.Text
	if len(p.body) > f.Limit() {
		return Posted{}, fmt.Errorf("commenting: the comment has %d bytes, more than the %d that %s takes", len(p.body), f.Limit(), f.Host())
	}
	var err error
	if p.self, p.known, err = f.Self(ctx); err != nil {
		return Posted{}, err
	}
	out, err := p.run(ctx)
	out.Strange = slices.Sorted(maps.Keys(p.strange))
	return out, err
}

type publisher struct {
	f     Forge
	note  Note
	body  string
	self  User
	known bool
	// strange are the authors of others' comments for the access root.
	strange map[string]bool
}

func (p *publisher) run(ctx context.Context) (Posted, error) {
	var last error
	// What somebody removed meanwhile, or what may be done or not, is looked at again.
	again := func(err error) bool {
		if errors.Is(err, ErrGone) || errors.Is(err, connectors.ErrOutcomeUnknown) && ctx.Err() == nil {
			last = err
			return true
		}
		return false
	}
	for range mostPosts {
		own, err := p.own(ctx)
		if err != nil {
			return Posted{}, err
		}
		if len(own) > 0 {
			out, err := p.settle(ctx, own)
			if again(err) {
				continue
			}
			return out, err
		}
		c, err := p.f.Post(ctx, p.body)
		if again(err) {
			continue
		}
		if err != nil {
			return Posted{}, err
		}
		if !p.known { // now it is known who we are
			p.self, p.known = c.Author, true
		}
		// Another run may have done the same at this moment.
		if own, err = p.own(ctx); err != nil {
			return Posted{}, err
		}
		if !slices.ContainsFunc(own, func(o Comment) bool { return o.ID == c.ID }) {
			own = append(own, c) // a listing that lags behind, or another run removed it
		}
		out, err := p.settle(ctx, own)
		if again(err) {
			continue
		}
		out.Created = err == nil && out.URL == c.URL
		return out, err
	}
	return Posted{}, fmt.Errorf("commenting: it was tried %d times: %w", mostPosts, last)
}

// own finds the comments of the access root that the token's own account wrote, the oldest
// first. Where it isn't known who that is, the accounts of bots are taken for it.
func (p *publisher) own(ctx context.Context) ([]Comment, error) {
	want := Marker{Root: p.note.Root}.root()
	var out []Comment
	p.strange = map[string]bool{}
	for c, err := range p.f.Comments(ctx) {
		if err != nil {
			return nil, err
		}
		switch m, ok := ParseMarker(c.Body); {
		case !ok || m.Root != want:
		case p.known && c.Author.is(p.self), !p.known && c.Author.Bot:
			out = append(out, c)
		default:
			p.strange[cmp.Or(c.Author.Login, "somebody")] = true
		}
	}
	slices.SortFunc(out, byAge)
	return out, nil
}

func byAge(a, b Comment) int { return cmp.Compare(a.ID, b.ID) }

// settle makes the oldest comment say what the note says, and removes the others.
func (p *publisher) settle(ctx context.Context, own []Comment) (Posted, error) {
	slices.SortFunc(own, byAge)
	keep := own[0]
	out := Posted{URL: keep.URL}
	newer := func(c Comment) bool {
		m, _ := ParseMarker(c.Body)
		return p.note.Head != "" && m.Commit == p.note.Head && p.note.Commit != p.note.Head
	}
	switch i := slices.IndexFunc(own, newer); {
	case i >= 0:
		out.Newer = true
		if i > 0 { // the newer text is on a comment that goes
			if err := p.f.Edit(ctx, keep.ID, own[i].Body); err != nil {
				return out, err
			}
		}
	case keep.Body != p.body:
		if err := p.f.Edit(ctx, keep.ID, p.body); err != nil {
			return out, err
		}
	}
	for _, c := range own[1:] {
		if err := p.f.Remove(ctx, c.ID); err != nil {
			return out, err
		}
	}
	return out, nil
}
