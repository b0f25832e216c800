package repo

import (
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/accordhq/accord/engine/journal"
)

// serveSSH is an SSH server that runs git's own programs for whoever has the key, and returns
// its address.
func serveSSH(t *testing.T, host ssh.Signer, user ssh.PublicKey) string {
	t.Helper()
	config := &ssh.ServerConfig{PublicKeyCallback: func(c ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if c.User() != "git" || string(key.Marshal()) != string(user.Marshal()) {
			return nil, fmt.Errorf("unknown key of %s", c.User())
		}
		return nil, nil
	}}
	config.AddHostKey(host)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go serveSSHConn(c, config)
		}
	}()
	return l.Addr().String()
}

func serveSSHConn(c net.Conn, config *ssh.ServerConfig) {
	defer c.Close()
	conn, channels, requests, err := ssh.NewServerConn(c, config)
	if err != nil {
		return
	}
	defer conn.Close()
	go ssh.DiscardRequests(requests)
	for open := range channels {
		ch, requests, err := open.Accept()
		if err != nil {
			return
		}
		go func() {
			for r := range requests {
				if r.Type != "exec" {
					_ = r.Reply(false, nil)
					continue
				}
				_ = r.Reply(true, nil)
				_, _ = ch.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{runGit(string(r.Payload[4:]), ch)}))
				ch.Close()
			}
		}()
	}
}

var gitExec = regexp.MustCompile(`^(git-upload-pack|git-receive-pack) '([^']+)'$`)

func runGit(line string, ch ssh.Channel) uint32 {
	m := gitExec.FindStringSubmatch(line)
	if m == nil {
		return 127
	}
	cmd := exec.Command("git", strings.TrimPrefix(m[1], "git-"), m[2])
	cmd.Stdout, cmd.Stderr = ch, ch.Stderr()
	in, err := cmd.StdinPipe()
	if err != nil || cmd.Start() != nil {
		return 126
	}
	go func() {
		_, _ = io.Copy(in, ch)
		in.Close()
	}()
	if cmd.Wait() != nil {
		return 1
	}
	return 0
}

// serveAgent is an SSH agent that holds one key.
func serveAgent(t *testing.T, key ed25519.PrivateKey) {
	t.Helper()
	ring := agent.NewKeyring()
	if err := ring.Add(agent.AddedKey{PrivateKey: key}); err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "agent") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	l, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _ = agent.ServeAgent(ring, c) }()
		}
	}()
	t.Setenv("SSH_AUTH_SOCK", filepath.Join(dir, "s"))
}

func newKey(t *testing.T) (ed25519.PrivateKey, ssh.Signer) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return key, signer
}

// TestJournalOverSSH: the agent's key opens the journal, and a host that isn't known is not
// spoken with.
func TestJournalOverSSH(t *testing.T) {
	bare, one, _ := twoClones(t)
	_, host := newKey(t)
	key, user := newKey(t)
	addr := serveSSH(t, host, user.PublicKey())
	serveAgent(t, key)
	known := filepath.Join(t.TempDir(), "known_hosts")
	write := func(key ssh.PublicKey) {
		t.Helper()
		if err := os.WriteFile(known, []byte(knownhosts.Line([]string{knownhosts.Normalize(addr)}, key)+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("SSH_KNOWN_HOSTS", known)
	one.run("remote", "set-url", "origin", "ssh://git@"+addr+bare.dir)

	_, other := newKey(t)
	write(other.PublicKey())
	if _, err := journal.OpenReadOnly(t.Context(), newWriter(t, one.dir).store); err == nil || !strings.Contains(err.Error(), "knownhosts") {
		t.Errorf("a host with another key: %v", err)
	}
	write(host.PublicKey())
	w := newWriter(t, one.dir)
	w.whole("a")
	w.sound(3)
	bare.run("fsck", "--strict")

	stranger, _ := newKey(t)
	serveAgent(t, stranger)
	if _, err := journal.OpenReadOnly(t.Context(), newWriter(t, one.dir).store); err == nil || !strings.Contains(err.Error(), "unable to authenticate") {
		t.Errorf("a stranger's key: %v", err)
	}
}
