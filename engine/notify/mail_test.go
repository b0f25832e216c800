package notify

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"log"
	"math/big"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// post is an SMTP server with TLS that keeps what it gets.
type post struct {
	addr  string
	roots *x509.CertPool

	mu      sync.Mutex
	letters []letter
	refuse  error // what it says to a letter
	user    string
}

type letter struct {
	from string
	to   []string
	data []byte
	tls  bool
}

type session struct {
	p *post
	c *smtp.Conn
	letter
}

func (p *post) NewSession(c *smtp.Conn) (smtp.Session, error) {
	_, tls := c.TLSConnectionState()
	return &session{p: p, c: c, letter: letter{tls: tls}}, nil
}

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if password != "hunter2" {
			return &smtp.SMTPError{Code: 535, Message: "no such user with " + password}
		}
		s.p.mu.Lock()
		defer s.p.mu.Unlock()
		s.p.user = user
		return nil
	}), nil
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error { s.from = from; return nil }
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error   { s.to = append(s.to, to); return nil }
func (s *session) Reset()                                      { s.letter = letter{tls: s.tls} }
func (s *session) Logout() error                               { return nil }

func (s *session) Data(r io.Reader) error {
	var err error
	if s.data, err = io.ReadAll(r); err != nil {
		return err
	}
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	if s.p.refuse != nil {
		return s.p.refuse
	}
	s.p.letters = append(s.p.letters, s.letter)
	return nil
}

// newPost starts a server: with TLS from the first byte, with STARTTLS, or without any.
func newPost(t *testing.T, e Encryption) *post {
	t.Helper()
	cert, roots := certificate(t)
	p := &post{roots: roots}
	s := smtp.NewServer(p)
	s.Domain, s.ErrorLog = "localhost", log.New(io.Discard, "", 0)
	if e != NoTLS {
		s.TLSConfig = &tls.Config{Certificates: []tls.Certificate{cert}}
	}
	s.AllowInsecureAuth = e == NoTLS
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.addr = l.Addr().String()
	if e == TLS {
		l = tls.NewListener(l, s.TLSConfig)
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() {
		_ = s.Close()
		_ = l.Close() // s may not have begun yet
		<-done
	})
	return p
}

// certificate is one for 127.0.0.1 that nobody but the test believes.
func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	made := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, made, made, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}

func (p *post) mail(e Encryption) Mail {
	return Mail{Server: p.addr, Encryption: e, From: "accord@acme.example", To: []string{"ops@acme.example", "ada@acme.example"}, Roots: p.roots, Timeout: 5 * time.Second}
}

// read takes a letter apart.
func (l letter) read(t *testing.T) (mail.Header, string) {
	t.Helper()
	m, err := mail.ReadMessage(bytes.NewReader(l.data))
	if err != nil {
		t.Fatal(err)
	}
	var body io.Reader = m.Body
	if m.Header.Get("Content-Transfer-Encoding") == "quoted-printable" {
		body = quotedprintable.NewReader(body)
	}
	text, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	return m.Header, strings.ReplaceAll(string(text), "\r\n", "\n")
}

// Mail arrives by each way, logged in where that is private, whole, and as what it is.
func TestMail(t *testing.T) {
	for _, e := range []Encryption{StartTLS, TLS, NoTLS} {
		t.Run(string(e), func(t *testing.T) {
			p := newPost(t, e)
			m := p.mail(e)
			user := ""
			if e != NoTLS {
				user = "accord"
				m.User, m.Password = user, secret("hunter2")
			}
			if err := m.Send(t.Context(), everything()); err != nil {
				t.Fatal(err)
			}
			if len(p.letters) != 1 || p.user != user {
				t.Fatalf("%d letters by %q", len(p.letters), p.user)
			}
			l := p.letters[0]
			if l.tls != (e != NoTLS) || l.from != "accord@acme.example" || strings.Join(l.to, " ") != "ops@acme.example ada@acme.example" {
				t.Errorf("%+v", l)
			}
			h, body := l.read(t)
			subject, err := (&mime.WordDecoder{}).DecodeHeader(h.Get("Subject"))
			sent := everything()
			if err != nil || subject != sent.Title() || body != strings.Join(sent.Lines(), "\n")+"\n" {
				t.Errorf("%v %q\n%s", err, subject, body)
			}
			if h.Get("Message-ID") != "<51d0be2c@acme.example>" || h.Get("Auto-Submitted") != "auto-generated" {
				t.Errorf("%v", h)
			}
			if at, err := h.Date(); err != nil || !at.Equal(now.Truncate(time.Second)) {
				t.Errorf("dated %s, %v", at, err)
			}
		})
	}
}

// Names from outside make no headers and no further receivers.
func TestMailHostile(t *testing.T) {
	p := newPost(t, NoTLS)
	if err := p.mail(NoTLS).Send(t.Context(), hostile()); err != nil {
		t.Fatal(err)
	}
	l := p.letters[0]
	if h, _ := l.read(t); h.Get("Bcc") != "" || len(l.to) != 2 {
		t.Errorf("%v to %v", h, l.to)
	}
	if bytes.Contains(l.data, []byte{0x1b}) {
		t.Error("an escape in it")
	}
}

// Nothing is sent where the way isn't private, the server isn't who it should be, or it refuses;
// and no error tells the password.
func TestMailFails(t *testing.T) {
	for _, test := range []struct {
		name   string
		server Encryption
		change func(*Mail, *post)
		wrong  string
	}{
		{"no STARTTLS", NoTLS, func(m *Mail, _ *post) { m.Encryption = StartTLS }, "STARTTLS"},
		{"a certificate of nobody", StartTLS, func(m *Mail, _ *post) { m.Roots = nil }, "certificate"},
		{"a certificate of nobody, at once", TLS, func(m *Mail, _ *post) { m.Roots = nil }, "certificate"},
		{"a wrong password", StartTLS, func(m *Mail, _ *post) { m.User, m.Password = "accord", secret("hunter3") }, "535"},
		{"a password in the clear", NoTLS, func(m *Mail, _ *post) { m.Encryption, m.User, m.Password = StartTLS, "accord", secret("hunter2") }, "STARTTLS"},
		{"a password without TLS", NoTLS, func(m *Mail, _ *post) { m.User, m.Password = "accord", secret("hunter2") }, "mechanism"},
		{"refused", StartTLS, func(_ *Mail, p *post) { p.refuse = &smtp.SMTPError{Code: 554, Message: "no room"} }, "no room"},
		{"not now", StartTLS, func(_ *Mail, p *post) { p.refuse = &smtp.SMTPError{Code: 451, Message: "later"} }, "later"},
		{"nobody there", StartTLS, func(m *Mail, _ *post) { m.Server = "127.0.0.1:1" }, "refused"},
		{"no port", StartTLS, func(m *Mail, _ *post) { m.Server = "127.0.0.1:smtp" }, "no mail server"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newPost(t, test.server)
			m := p.mail(test.server)
			test.change(&m, p)
			err := m.Send(t.Context(), everything())
			if err == nil || !strings.Contains(err.Error(), test.wrong) {
				t.Errorf("got %v, want %q", err, test.wrong)
			}
			if err != nil && strings.Contains(err.Error(), "hunter") {
				t.Errorf("it tells the password: %v", err)
			}
			if len(p.letters) > 0 {
				t.Error("a letter arrived")
			}
		})
	}
	missing := errors.New("not set")
	p := newPost(t, NoTLS)
	m := p.mail(NoTLS)
	m.Password = failing(missing)
	if err := m.Send(t.Context(), everything()); !errors.Is(err, missing) {
		t.Errorf("got %v", err)
	}
}
