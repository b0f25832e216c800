package connectortest

import (
	"bytes"
	"net"
	"slices"
	"sync"
	"testing"
	"time"
)

// Sent tells one kind of message of the client from others, by what it sends at a time. A
// protocol in which a client sends a message and waits for its answer sends one at a time.
type Sent func(message []byte) bool

// Containing tells messages in which these bytes stand.
func Containing(word string) Sent {
	return func(message []byte) bool { return bytes.Contains(message, []byte(word)) }
}

// TCPProxy stands between a connector and a server and breaks the connections between them. It
// knows nothing of the protocol: Writes and Pages tell it which messages write, and which ask
// for a page of a listing. A harness gives its Addr to the connector and lets Fault call its
// Fault. It is safe for concurrent use.
type TCPProxy struct {
	addr, target string

	mu     sync.Mutex
	writes Sent
	pages  Sent
	watch  func()
	healed chan struct{} // closed by Heal
	read   Fault         // what the server's messages meet, except answers to writes
	write  Fault         // what the next write meets
	hang   bool
	asked  int // how many pages were asked for since read was set
	conns  []net.Conn
	closed bool // the test is over
}

// NewTCPProxy starts a proxy before the server at the target, host:port. It ends with the test.
func NewTCPProxy(t testing.TB, target string) *TCPProxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("a proxy before %s: %v", target, err)
	}
	never := func([]byte) bool { return false }
	p := &TCPProxy{addr: l.Addr().String(), target: target, writes: never, pages: never, healed: make(chan struct{})}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { p.serve(c) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		p.Heal()
		p.mu.Lock()
		p.closed = true
		p.mu.Unlock()
		p.End()
		wg.Wait()
	})
	return p
}

// Addr is where the connector finds the server, host:port.
func (p *TCPProxy) Addr() string { return p.addr }

// Writes tells the proxy which messages write. Without it none do.
func (p *TCPProxy) Writes(is Sent) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.writes = is
}

// Pages tells the proxy which messages ask for a page of a listing, or for one of the parts
// that a whole Read is made of. Without it there is no FaultRead and no FaultPageTwo.
func (p *TCPProxy) Pages(is Sent) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pages = is
}

// Watch calls the function whenever a write arrives, before it is passed on: what
// Harness.Watch asks for.
func (p *TCPProxy) Watch(seen func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.watch = seen
}

// Fault makes the fault happen; false if a TCP proxy can't. FaultRead breaks the connection at
// the first page that is asked for, FaultPageTwo at each but the first.
func (p *TCPProxy) Fault(f Fault) bool {
	base, write := f.split()
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case base == FaultHang:
		p.hang = true
	case base == FaultLostReply, write && slices.Contains([]Fault{FaultSlow, FaultCut, FaultReset}, base):
		p.write = base
	case !write && slices.Contains([]Fault{FaultSlow, FaultCut, FaultReset, FaultRead, FaultPageTwo}, base):
		p.read, p.asked = base, 0
	default:
		return false
	}
	return true
}

// Heal ends all faults and all watching.
func (p *TCPProxy) Heal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.healed)
	p.healed = make(chan struct{})
	p.read, p.write, p.hang, p.watch = "", "", false, nil
}

// End ends all connections that are open.
func (p *TCPProxy) End() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		c.Close()
	}
	p.conns = nil
}

// link is one connection through the proxy.
type link struct {
	*TCPProxy
	client, server net.Conn
	broken         Fault // what the answer to the message before meets; under the proxy's lock
}

func (p *TCPProxy) serve(client net.Conn) {
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		client.Close()
		return
	}
	l := &link{TCPProxy: p, client: client, server: server}
	p.mu.Lock()
	p.conns = append(p.conns, client, server)
	closed := p.closed
	p.mu.Unlock()
	if closed {
		p.End()
	}
	var wg sync.WaitGroup
	wg.Go(l.answers)
	l.asks()
	if tcp, ok := server.(*net.TCPConn); ok {
		_ = tcp.CloseWrite() // what was sent still takes effect
	}
	wg.Wait()
	client.Close()
	server.Close()
}

// chunk is how much is passed on at a time.
const chunk = 1 << 20

// asks passes on what the client sends.
func (l *link) asks() {
	buf := make([]byte, chunk)
	for {
		n, err := l.client.Read(buf)
		if err != nil {
			return
		}
		f, seen := l.meets(buf[:n])
		if seen != nil {
			seen()
		}
		switch f {
		case FaultHang:
			continue // the server never hears of it
		case FaultRead, FaultPageTwo:
			l.client.Close()
			return
		case FaultReset:
			l.reset()
			return
		}
		if _, err := l.server.Write(buf[:n]); err != nil {
			return
		}
	}
}

// meets says what a message meets on its way to the server, and notes what its answer meets.
func (l *link) meets(message []byte) (f Fault, seen func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	write := l.writes(message)
	if write {
		seen = l.watch
	}
	if l.hang {
		return FaultHang, seen
	}
	if write {
		f, l.write = l.write, ""
		l.broken = f
		return f, seen
	}
	l.broken = ""
	switch l.read {
	case FaultRead, FaultPageTwo:
		if !l.pages(message) {
			return "", seen
		}
		l.asked++
		if l.read == FaultPageTwo && l.asked == 1 {
			return "", seen
		}
		return l.read, seen
	case FaultSlow, FaultCut:
		l.broken = l.read
		return "", seen
	}
	return l.read, seen
}

// answers passes on what the server sends.
func (l *link) answers() {
	defer l.client.Close()
	buf := make([]byte, chunk)
	for {
		n, err := l.server.Read(buf)
		if err != nil {
			return
		}
		l.mu.Lock()
		f, hang, healed := l.broken, l.hang, l.healed
		l.mu.Unlock()
		switch {
		case hang:
			continue
		case f == FaultLostReply:
			return // and the client's connection is closed: nobody tells it
		case f == FaultCut:
			_, _ = l.client.Write(buf[:n/2])
			return
		case f == FaultSlow:
			if !l.trickle(buf[:n], healed) {
				return
			}
			continue
		}
		if _, err := l.client.Write(buf[:n]); err != nil {
			return
		}
	}
}

// trickle passes an answer on in small pieces; false if the client has gone.
func (l *link) trickle(answer []byte, healed <-chan struct{}) bool {
	for i := range slowPieces {
		select {
		case <-time.After(slowPause):
		case <-healed:
		}
		if _, err := l.client.Write(answer[len(answer)*i/slowPieces : len(answer)*(i+1)/slowPieces]); err != nil {
			return false
		}
	}
	return true
}

// reset ends the client's connection by a reset.
func (l *link) reset() {
	if tcp, ok := l.client.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	l.client.Close()
}
