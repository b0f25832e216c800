package postgres

import (
	"bytes"
	"io"
	"net"
	"net/url"
	"strconv"
	"sync"
	"testing"
)

// proxy stands between a connector and the server, and breaks connections.
type proxy struct {
	addr string
	port int

	mu    sync.Mutex
	word  []byte // the message of the client that sets it off; nil: none
	reach bool   // whether that message still reaches the server
	stall bool   // go silent instead of cutting
	again bool   // do so each time, not once
	conns []net.Conn
}

func (f *far) proxy() *proxy {
	f.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		f.t.Fatal(err)
	}
	p := &proxy{addr: l.Addr().String(), port: f.pg.Port}
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
	f.t.Cleanup(func() { l.Close(); p.cut(); wg.Wait() })
	return p
}

// dsn is the DSN through the proxy.
func (p *proxy) dsn(t testing.TB, dsn string) string {
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal("not a URL")
	}
	u.Host = p.addr
	return u.String()
}

// at arms the proxy: when the client sends the word, the connection breaks.
func (p *proxy) at(word string, reach bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.word, p.reach = []byte(word), reach
}

// always is at, from now on each time, with nothing reaching the server.
func (p *proxy) always(word string) {
	p.at(word, false)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.again = true
}

// silence lets nothing through any more.
func (p *proxy) silence() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stall, p.word = true, []byte{} // which everything contains
}

func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		c.Close()
	}
	p.conns = nil
}

func (p *proxy) serve(client net.Conn) {
	server, err := net.Dial("tcp", "127.0.0.1:"+strconv.Itoa(p.port))
	if err != nil {
		client.Close()
		return
	}
	p.mu.Lock()
	p.conns = append(p.conns, client, server)
	p.mu.Unlock()
	var wg sync.WaitGroup
	wg.Go(func() {
		defer client.Close()
		_, _ = io.Copy(client, server)
	})
	buf := make([]byte, 1<<20)
	for {
		n, err := client.Read(buf)
		if err != nil {
			break
		}
		p.mu.Lock()
		hit, reach, stall := p.word != nil && bytes.Contains(buf[:n], p.word), p.reach, p.stall
		if hit && !stall && !p.again {
			p.word = nil
		}
		p.mu.Unlock()
		if hit && stall {
			continue // swallowed: the server never hears of it
		}
		if hit {
			client.Close() // the reply finds nobody
		}
		if !hit || reach {
			if _, err := server.Write(buf[:n]); err != nil {
				break
			}
		}
		if hit {
			break
		}
	}
	if tcp, ok := server.(*net.TCPConn); ok {
		_ = tcp.CloseWrite() // what was sent still takes effect
	}
	wg.Wait()
	server.Close()
}
