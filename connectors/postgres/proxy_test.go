package postgres

import (
	"net"
	"net/url"
	"strconv"
	"testing"

	"github.com/accordhq/accord/connectors/connectortest"
)

// proxy stands between a connector and the server, and breaks connections.
type proxy struct{ *connectortest.TCPProxy }

func (f *far) proxy() *proxy {
	f.t.Helper()
	return &proxy{connectortest.NewTCPProxy(f.t, net.JoinHostPort("127.0.0.1", strconv.Itoa(f.pg.Port)))}
}

// dsn is the DSN through the proxy.
func (p *proxy) dsn(t testing.TB, dsn string) string {
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal("not a URL")
	}
	u.Host = p.Addr()
	return u.String()
}

// at arms the proxy: when the client sends the word, the connection breaks; reach tells whether
// that message still reaches the server.
func (p *proxy) at(word string, reach bool) {
	f := connectortest.FaultReset.OnWrite()
	if reach {
		f = connectortest.FaultLostReply
	}
	p.Writes(connectortest.Containing(word))
	p.Fault(f)
}

// always is at, from now on each time, with nothing reaching the server.
func (p *proxy) always(word string) {
	p.Pages(connectortest.Containing(word))
	p.Fault(connectortest.FaultRead)
}

// silence lets nothing through any more.
func (p *proxy) silence() { p.Fault(connectortest.FaultHang) }
