package ldap

import (
	"bufio"
	"io"
	"net"
	"strconv"
	"sync"
	"testing"
)

// proxy stands between a connector and the server. It cuts the client's stream into LDAP
// messages (RFC 4511, section 5.1), counts them by operation, and breaks connections.
type proxy struct {
	addr string

	mu       sync.Mutex
	lose     bool // the next write reaches the server, and its reply is lost
	stall    bool // nothing gets through any more
	cutAfter int  // if positive: cut the connection when so many more messages were sent
	blind    bool // pass everything on without looking
	ops      map[byte]int
	conns    []net.Conn
}

// The tags of requests.
const (
	opBind     = 0x60
	opSearch   = 0x63
	opModify   = 0x66
	opAdd      = 0x68
	opDelete   = 0x4a
	opModifyDN = 0x6c
	opExtended = 0x77
)

func newProxy(t testing.TB, port int) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return serveProxy(t, l, func() (net.Conn, error) { return net.Dial("tcp", "127.0.0.1:"+strconv.Itoa(port)) })
}

// serveProxy is a proxy between a listener and whatever dial connects to.
func serveProxy(t testing.TB, l net.Listener, dial func() (net.Conn, error)) *proxy {
	t.Helper()
	p := &proxy{addr: l.Addr().String(), ops: map[byte]int{}}
	_, p.blind = l.(raw)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { p.serve(c, dial) })
		}
	})
	t.Cleanup(func() { l.Close(); p.cut(); wg.Wait() })
	return p
}

func (p *proxy) arm(change func(*proxy)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(p)
}

// count gives how many requests of a sort were seen, and forgets them all.
func (p *proxy) counts() map[byte]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := p.ops
	p.ops = map[byte]int{}
	return out
}

func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		c.Close()
	}
	p.conns = nil
}

func (p *proxy) serve(client net.Conn, dial func() (net.Conn, error)) {
	defer client.Close()
	server, err := dial()
	if err != nil {
		return
	}
	defer server.Close()
	p.mu.Lock()
	p.conns = append(p.conns, client, server)
	p.mu.Unlock()
	var lost sync.Once
	deaf := make(chan struct{}) // closed: replies are dropped
	var wg sync.WaitGroup
	wg.Go(func() {
		buf := make([]byte, 64<<10)
		for {
			n, err := server.Read(buf)
			select {
			case <-deaf: // the write has been answered, and so was done
				client.Close()
				return
			default:
			}
			if n > 0 {
				if _, werr := client.Write(buf[:n]); werr != nil {
					return
				}
			}
			if err != nil {
				client.Close()
				return
			}
		}
	})
	in := bufio.NewReader(client)
	if p.blind {
		_, _ = io.Copy(server, in)
	}
	for {
		message, op, err := readMessage(in)
		if err != nil {
			break
		}
		drop, lose, cut := p.seen(op)
		if cut {
			break
		}
		if drop {
			continue
		}
		if lose {
			lost.Do(func() { close(deaf) })
		}
		if _, err := server.Write(message); err != nil {
			break
		}
	}
	if half, ok := server.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
	client.Close()
	wg.Wait()
}

// seen says what becomes of a request.
func (p *proxy) seen(op byte) (drop, lose, cut bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ops[op]++
	write := op == opModify || op == opAdd || op == opDelete || op == opModifyDN
	if p.lose && write {
		p.lose = false
		return false, true, false
	}
	if p.cutAfter > 0 {
		p.cutAfter--
		return false, false, p.cutAfter == 0
	}
	return p.stall, false, false
}

// readMessage reads one message and tells its operation.
func readMessage(in *bufio.Reader) (message []byte, op byte, err error) {
	head := make([]byte, 2, 8)
	if _, err := io.ReadFull(in, head); err != nil {
		return nil, 0, err
	}
	length := int(head[1])
	if length >= 0x80 {
		more := make([]byte, length&0x7f)
		if _, err := io.ReadFull(in, more); err != nil {
			return nil, 0, err
		}
		length = 0
		for _, b := range more {
			length = length<<8 | int(b)
		}
		head = append(head, more...)
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(in, body); err != nil {
		return nil, 0, err
	}
	if len(body) > 2 && int(body[1])+2 < len(body) {
		op = body[2+body[1]]
	}
	return append(head, body...), op, nil
}
