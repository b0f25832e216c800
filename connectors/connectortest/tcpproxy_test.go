package connectortest_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/accordhq/accord/connectors/connectortest"
)

// lines starts a server that answers each line by "ok LINE", and counts those that begin with
// "set", and a proxy before it.
func lines(t *testing.T) (*connectortest.TCPProxy, *atomic.Int32) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	var sets atomic.Int32
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				in := bufio.NewScanner(c)
				for in.Scan() {
					if strings.HasPrefix(in.Text(), "set") {
						sets.Add(1)
					}
					fmt.Fprintf(c, "ok %s\n", in.Text())
				}
			}()
		}
	}()
	p := connectortest.NewTCPProxy(t, l.Addr().String())
	p.Writes(connectortest.Containing("set"))
	p.Pages(connectortest.Containing("page"))
	return p, &sets
}

// talk is a connection through the proxy.
type talk struct {
	net.Conn
	in       *bufio.Reader
	patience time.Duration // after which no answer is taken for none
}

func dial(t *testing.T, p *connectortest.TCPProxy) *talk {
	t.Helper()
	c, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &talk{c, bufio.NewReader(c), 20 * time.Second}
}

// say sends a line and gives the answer, or how it failed.
func (c *talk) say(line string) string {
	_ = c.SetDeadline(time.Now().Add(c.patience))
	if _, err := fmt.Fprintln(c, line); err != nil {
		return "gone"
	}
	answer, err := c.in.ReadString('\n')
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "silence"
	case errors.Is(err, syscall.ECONNRESET):
		return "reset"
	case errors.Is(err, io.EOF) && answer == "":
		return "end"
	case err != nil:
		return "half: " + answer
	}
	return strings.TrimSpace(answer)
}

func TestTCPProxyFaults(t *testing.T) {
	tests := []struct {
		fault connectortest.Fault
		says  []string // what is said and what comes back, each "LINE → ANSWER"
		sets  int32    // how many writes reached the server
	}{
		{"", []string{"get a → ok get a", "set a → ok set a"}, 1},
		{connectortest.FaultRead, []string{"get a → ok get a", "page 1 → end"}, 0},
		{connectortest.FaultPageTwo, []string{"page 1 → ok page 1", "get a → ok get a", "page 2 → end"}, 0},
		{connectortest.FaultCut, []string{"set a → ok set a", "get abcd → half: ok get"}, 1},
		{connectortest.FaultReset, []string{"set a → ok set a", "get a → reset"}, 1},
		{connectortest.FaultSlow, []string{"get a → ok get a", "get a → ok get a"}, 0},
		{connectortest.FaultHang, []string{"get a → silence"}, 0},
		{connectortest.FaultLostReply, []string{"get a → ok get a", "set a → end"}, 1},
		{connectortest.FaultCut.OnWrite(), []string{"get a → ok get a", "set abcd → half: ok set"}, 1},
		{connectortest.FaultReset.OnWrite(), []string{"get a → ok get a", "set a → reset"}, 0},
		{connectortest.FaultSlow.OnWrite(), []string{"set a → ok set a", "get a → ok get a"}, 1},
	}
	for _, tt := range tests {
		t.Run(string(tt.fault), func(t *testing.T) {
			t.Parallel()
			p, sets := lines(t)
			c := dial(t, p)
			if tt.fault == connectortest.FaultHang {
				c.patience = 200 * time.Millisecond
			}
			if tt.fault != "" && !p.Fault(tt.fault) {
				t.Fatal("the proxy can't")
			}
			for _, s := range tt.says {
				line, want, _ := strings.Cut(s, " → ")
				if got := c.say(line); got != want {
					t.Errorf("%s: %q, want %q", line, got, want)
				}
			}
			if got := sets.Load(); got != tt.sets {
				t.Errorf("%d writes reached the server, want %d", got, tt.sets)
			}
			p.Heal()
			if got := dial(t, p).say("page 1"); got != "ok page 1" {
				t.Errorf("once healed: %q", got)
			}
		})
	}
	p, _ := lines(t)
	for _, f := range []connectortest.Fault{"no such fault", connectortest.FaultTooMany, connectortest.FaultRead.OnWrite(), connectortest.FaultDenied} {
		if p.Fault(f) {
			t.Errorf("the proxy says that it can %q", f)
		}
	}
}

// Writes are told before they arrive, and End ends what is open.
func TestTCPProxyWatch(t *testing.T) {
	p, sets := lines(t)
	c := dial(t, p)
	var seen, before int32
	p.Watch(func() { seen++; before = sets.Load() })
	c.say("get a")
	c.say("set a")
	if seen != 1 || before != 0 || sets.Load() != 1 {
		t.Errorf("saw %d writes, after %d had taken effect", seen, before)
	}
	p.End()
	if got := c.say("get a"); got != "end" && got != "gone" && got != "reset" {
		t.Errorf("after the end: %q", got)
	}
}
