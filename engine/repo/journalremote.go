package repo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"
	"github.com/go-git/go-git/v5/plumbing/storer"
	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/go-git/go-git/v5/storage/memory"

	"github.com/accordhq/accord/engine/journal"
)

const (
	// exchangeTime bounds one fetch or push.
	exchangeTime = 5 * time.Minute
	// maxPack is how much a fetch may bring, in bytes.
	maxPack = 4 << 30
)

// place is a remote that keeps a journal.
type place struct {
	name  string // of the remote
	shown string // where it is, without a credential
	url   string
	conf  gitConfig
	token func(context.Context) (string, error)
	// noToken is why there is none.
	noToken error
}

// String names the remote and where it is.
func (p *place) String() string { return p.name + " (" + p.shown + ")" }

// fetch brings what is new behind a commit into the repository, and returns where the ref is;
// zero if it isn't there. Where the repository can't be written to it is kept in memory.
func (p *place) fetch(ctx context.Context, h *journalHandle, ref string, seen plumbing.Hash) (plumbing.Hash, error) {
	head, err := p.fetchInto(ctx, h.main, ref, seen)
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		head, err = p.fetchInto(ctx, h.fresh, ref, seen)
	}
	if err != nil {
		return head, fmt.Errorf("fetching %s from %s: %w", ref, p, err)
	}
	return head, nil
}

func (p *place) fetchInto(ctx context.Context, to storer.Storer, ref string, seen plumbing.Hash) (head plumbing.Hash, err error) {
	outer := ctx
	ctx, cancel := context.WithTimeout(ctx, exchangeTime)
	defer cancel()
	there := false // the remote has answered
	err = p.connect(ctx, func(t transport.Transport, ep *transport.Endpoint, auth transport.AuthMethod) error {
		s, err := t.NewUploadPackSession(ep, auth)
		if err != nil {
			return err
		}
		defer s.Close() // the answer counts, not the goodbye
		refs, err := s.AdvertisedReferencesContext(ctx)
		if errors.Is(err, transport.ErrEmptyRemoteRepository) {
			return nil
		}
		if err != nil {
			return err
		}
		there = true
		head = refs.References[ref]
		if head.IsZero() {
			if found := others(refs.References, ref); len(found) > 0 {
				return fmt.Errorf("there is no %s, and there is a journal in %s already; a second one would know nothing of what the first remembers", ref, strings.Join(found, ", "))
			}
			return nil
		}
		if head == seen || to.HasEncodedObject(head) == nil {
			return nil
		}
		err = fetchPack(ctx, s, refs, to, head, seen)
		there = !cutOff(err)
		return err
	})
	if err != nil && !there {
		err = unreachable(outer, err)
	}
	return head, err
}

// unreachable marks an error of the way to the remote: that of a run which was stopped is none.
func unreachable(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return err
	}
	return fmt.Errorf("%w: %w", journal.ErrUnreachable, err)
}

// cutOff reports whether an answer was cut short, or didn't come in time.
func cutOff(err error) bool {
	var lost net.Error
	return errors.As(err, &lost) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, context.DeadlineExceeded)
}

func fetchPack(ctx context.Context, s transport.UploadPackSession, refs *packp.AdvRefs, to storer.Storer, want, have plumbing.Hash) error {
	req := packp.NewUploadPackRequestFromCapabilities(refs.Capabilities)
	req.Wants = []plumbing.Hash{want}
	if !have.IsZero() {
		req.Haves = []plumbing.Hash{have}
	}
	if refs.Capabilities.Supports(capability.NoProgress) {
		if err := req.Capabilities.Set(capability.NoProgress); err != nil {
			return err
		}
	}
	res, err := s.UploadPack(ctx, req)
	if err != nil {
		return err
	}
	defer res.Close()
	var r io.Reader = res
	switch {
	case req.Capabilities.Supports(capability.Sideband64k):
		r = sideband.NewDemuxer(sideband.Sideband64k, res)
	case req.Capabilities.Supports(capability.Sideband):
		r = sideband.NewDemuxer(sideband.Sideband, res)
	}
	return packfile.UpdateObjectStorage(to, &bounded{r, maxPack})
}

// bounded is a reader that fails behind a limit.
type bounded struct {
	r    io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return n, fmt.Errorf("the remote sends more than %d bytes", int64(maxPack))
	}
	return n, err
}

// refusedError is the remote's own word that it doesn't take a push.
type refusedError struct{ error }

func (e *refusedError) Unwrap() error { return e.error }

// push is a connection through which a ref can be moved.
type push struct {
	place   *place
	ref     string
	head    plumbing.Hash // where the ref is; zero if it isn't there
	session transport.ReceivePackSession
	can     *capability.List
}

// push connects for pushing, and learns where the ref is.
func (p *place) push(ctx context.Context, ref string) (*push, error) {
	outer := ctx
	ctx, cancel := context.WithTimeout(ctx, exchangeTime)
	defer cancel()
	var out *push
	err := p.connect(ctx, func(t transport.Transport, ep *transport.Endpoint, auth transport.AuthMethod) error {
		s, err := t.NewReceivePackSession(ep, auth)
		if err != nil {
			return err
		}
		refs, err := s.AdvertisedReferencesContext(ctx)
		if err != nil {
			s.Close()
			return err
		}
		out = &push{place: p, ref: ref, head: refs.References[ref], session: s, can: refs.Capabilities}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("pushing %s to %s: %w", ref, p, unreachable(outer, err))
	}
	return out, nil
}

func (p *push) close() { p.session.Close() } // the answer counts, not the goodbye

// send moves the ref from one commit to a new one; it is never forced.
func (p *push) send(ctx context.Context, from plumbing.Hash, c *newCommit) error {
	ctx, cancel := context.WithTimeout(ctx, exchangeTime)
	defer cancel()
	all := memory.NewStorage()
	var ids []plumbing.Hash
	for _, o := range c.objects {
		id, err := all.SetEncodedObject(o)
		if err != nil {
			return err
		}
		ids = append(ids, id)
	}
	var pack bytes.Buffer
	if _, err := packfile.NewEncoder(&pack, all, false).Encode(ids, 0); err != nil {
		return fmt.Errorf("packing: %w", err)
	}
	req := packp.NewReferenceUpdateRequestFromCapabilities(p.can)
	if !p.can.Supports(capability.ReportStatus) {
		return &refusedError{fmt.Errorf("pushing %s to %s: the remote doesn't say what becomes of a push", p.ref, p.place)}
	}
	req.Commands = []*packp.Command{{Name: plumbing.ReferenceName(p.ref), Old: from, New: c.id}}
	req.Packfile = io.NopCloser(&pack)
	said := &remarks{}
	if p.can.Supports(capability.Sideband64k) { // why a hook refuses is told there
		if err := req.Capabilities.Set(capability.Sideband64k); err != nil {
			return err
		}
		req.Progress = said
	}
	report, err := p.session.ReceivePack(ctx, req)
	switch {
	case err != nil:
	case report == nil || len(report.CommandStatuses) != 1 || report.CommandStatuses[0].ReferenceName.String() != p.ref:
		report, err = nil, errors.New("the remote doesn't say what became of it")
	default:
		return nil
	}
	err = fmt.Errorf("pushing %s to %s: %w%s", p.ref, p.place, p.place.clean(err), said)
	if report != nil { // the remote has answered
		return &refusedError{err}
	}
	return err
}

// remarks are what a remote tells for people, as far as it is worth showing.
type remarks struct{ text []byte }

func (r *remarks) Write(p []byte) (int, error) {
	r.text = append(r.text, p[:min(len(p), 500-len(r.text))]...)
	return len(p), nil
}

// String is empty, or begins with a colon.
func (r *remarks) String() string {
	if text := oneLine(string(r.text)); text != "" {
		return ": the remote says: " + text
	}
	return ""
}
