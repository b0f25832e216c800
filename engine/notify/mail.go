package notify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail"

	"github.com/accordhq/accord/connectors/rest"
)

// Encryption says how the way to a mail server is kept private.
type Encryption string

// The ways. The first two verify the server.
const (
	StartTLS Encryption = "starttls" // RFC 3207; without it nothing is sent
	TLS      Encryption = "tls"      // from the first byte (RFC 8314)
	NoTLS    Encryption = "none"     // for this machine itself
)

// Mail sends mail by SMTP (RFC 5321).
type Mail struct {
	// Server is HOST or HOST:PORT; without a port 587 is meant, with TLS 465.
	Server     string
	Encryption Encryption
	From       string
	To         []string
	// User and Password log in (RFC 4954); Password nil: nobody does.
	User     string
	Password rest.SecretFunc
	// Roots are who is believed about a server; nil: whom the machine believes.
	Roots *x509.CertPool
	// Timeout is for each step; zero: 15 seconds.
	Timeout time.Duration
}

// Send sends the message to all addresses at once.
func (m Mail) Send(ctx context.Context, msg Message) error {
	host, port, err := m.address()
	if err != nil {
		return err
	}
	letter, err := m.letter(msg)
	if err != nil {
		return err
	}
	password := ""
	if m.Password != nil {
		p, err := m.Password(ctx)
		if err != nil {
			return fmt.Errorf("getting the password: %w", err)
		}
		password = p.Reveal()
	}
	c, err := mail.NewClient(host, m.options(host, port, password)...)
	if err != nil {
		return fmt.Errorf("preparing mail by %s: %w", m.Server, err)
	}
	if err := c.DialAndSendWithContext(ctx, letter); err != nil {
		return fmt.Errorf("sending mail by %s: %w", m.Server, clean(err, password))
	}
	return nil
}

func (m Mail) address() (host string, port int, err error) {
	host, port = m.Server, 587
	if m.Encryption == TLS {
		port = 465
	}
	if h, p, err := net.SplitHostPort(m.Server); err == nil {
		host = h
		if port, err = strconv.Atoi(p); err != nil {
			return "", 0, fmt.Errorf("%q is no mail server", m.Server)
		}
	}
	return host, port, nil
}

func (m Mail) options(host string, port int, password string) []mail.Option {
	timeout := m.Timeout
	if timeout == 0 {
		timeout = oneAttempt
	}
	opts := []mail.Option{mail.WithPort(port), mail.WithTimeout(timeout),
		mail.WithTLSConfig(&tls.Config{ServerName: host, MinVersion: tls.VersionTLS12, RootCAs: m.Roots})}
	switch m.Encryption {
	case TLS:
		opts = append(opts, mail.WithSSL())
	case NoTLS:
		opts = append(opts, mail.WithTLSPolicy(mail.NoTLS))
	default:
		opts = append(opts, mail.WithTLSPolicy(mail.TLSMandatory))
	}
	if m.Password != nil {
		opts = append(opts, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(m.User), mail.WithPassword(password))
	}
	return opts
}

// letter is the message as plain text. It is marked as made by a machine (RFC 3834), so that
// nobody's absence answers it.
func (m Mail) letter(msg Message) (*mail.Msg, error) {
	l := mail.NewMsg(mail.WithNoDefaultUserAgent())
	if err := errors.Join(l.From(m.From), l.To(m.To...)); err != nil {
		return nil, fmt.Errorf("addressing mail: %w", err)
	}
	_, domain, _ := strings.Cut(m.From, "@")
	l.Subject(msg.Title())
	l.SetMessageIDWithValue(msg.ID + "@" + domain)
	l.SetDateWithValue(msg.At)
	l.SetGenHeader("Auto-Submitted", "auto-generated")
	l.SetBodyString(mail.TypeTextPlain, strings.Join(msg.Lines(), "\r\n")+"\r\n")
	return l, nil
}

// clean takes a password out of what a server said.
func clean(err error, password string) error {
	if password == "" || !strings.Contains(err.Error(), password) {
		return err
	}
	return errors.New(strings.ReplaceAll(err.Error(), password, "[secret]"))
}
