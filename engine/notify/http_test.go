package notify

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/connectors/rest"
)

func secret(s string) rest.SecretFunc {
	return func(context.Context) (connectors.Secret, error) { return connectors.NewSecret(s), nil }
}

// fake is a server that answers as it is told, in turn, and then with 200.
type fake struct {
	*httptest.Server
	mu     sync.Mutex
	bodies []string
	heads  []http.Header
}

func newFake(t *testing.T, answers ...func(http.ResponseWriter)) *fake {
	f := &fake{}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		f.mu.Lock()
		n := len(f.bodies)
		f.bodies, f.heads = append(f.bodies, string(body)), append(f.heads, r.Header)
		f.mu.Unlock()
		if n < len(answers) {
			answers[n](w)
			return
		}
		_, _ = io.WriteString(w, "ok")
	}))
	t.Cleanup(f.Close)
	return f
}

func status(code int) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) { http.Error(w, "no: "+strconv.Itoa(code), code) }
}

// lost takes the request and hangs up.
func lost(w http.ResponseWriter) {
	c, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	_ = c.Close()
}

func slowDown(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "0")
	w.WriteHeader(http.StatusTooManyRequests)
}

var quick = HTTP{Now: func() time.Time { return now }, Pause: time.Millisecond}

// What goes wrong on the way is tried again, with the same message; what was refused isn't.
func TestFaults(t *testing.T) {
	for _, test := range []struct {
		name    string
		answers []func(http.ResponseWriter)
		posts   int
		wrong   string
	}{
		{"well", nil, 1, ""},
		{"429", []func(http.ResponseWriter){slowDown, slowDown}, 3, ""},
		{"500 and 503", []func(http.ResponseWriter){status(502), status(503)}, 3, ""},
		{"a lost reply", []func(http.ResponseWriter){lost}, 2, ""},
		{"never well", []func(http.ResponseWriter){status(503), status(503), status(503), status(503)}, attempts, "503"},
		{"no such webhook", []func(http.ResponseWriter){status(404)}, 1, "404"},
		{"no longer allowed", []func(http.ResponseWriter){status(403)}, 1, "403"},
		{"elsewhere", []func(http.ResponseWriter){func(w http.ResponseWriter) {
			w.Header().Set("Location", "https://elsewhere.example/")
			w.WriteHeader(http.StatusFound)
		}}, 1, "it redirects to another host"},
		{"a login page", []func(http.ResponseWriter){func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, "<!doctype html><title>Log in</title>")
		}}, 1, "Log in"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFake(t, test.answers...)
			const hidden = "/services/T0/B0/hunter2"
			for name, send := range map[string]func() error{
				"slack": func() error { return Slack{URL: secret(f.URL + hidden), HTTP: quick}.Send(t.Context(), everything()) },
				"webhook": func() error {
					return Webhook{URL: secret(f.URL + hidden), Hidden: true, Key: secret("k1"), HTTP: quick}.Send(t.Context(), everything())
				},
			} {
				f.bodies, f.heads = nil, nil
				err := send()
				if (err == nil) != (test.wrong == "") || err != nil && !strings.Contains(err.Error(), test.wrong) {
					t.Errorf("%s: got %v, want %q", name, err, test.wrong)
				}
				if err != nil && strings.Contains(err.Error(), "hunter2") {
					t.Errorf("%s tells the credential: %v", name, err)
				}
				if len(f.bodies) != test.posts {
					t.Errorf("%s: %d posts, want %d", name, len(f.bodies), test.posts)
				}
				for i := range f.bodies {
					if f.bodies[i] != f.bodies[0] || f.heads[i].Get("webhook-id") != f.heads[0].Get("webhook-id") {
						t.Errorf("%s: another message at attempt %d", name, i+1)
					}
				}
			}
		})
	}
}

// What a webhook posts can be verified, and read.
func TestWebhook(t *testing.T) {
	f := newFake(t)
	if err := (Webhook{URL: secret(f.URL + "/hook?x=1"), Key: secret("whsec_aGVsbG8="), HTTP: quick}).Send(t.Context(), everything()); err != nil {
		t.Fatal(err)
	}
	h, body := f.heads[0], f.bodies[0]
	at, err := strconv.ParseInt(h.Get("webhook-timestamp"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	if want := Signature([]byte("hello"), h.Get("webhook-id"), time.Unix(at, 0), []byte(body)); h.Get("webhook-signature") != want || h.Get("webhook-id") != "51d0be2c" {
		t.Errorf("%v", h)
	}
	if h.Get("Content-Type") != "application/json" {
		t.Errorf("it comes as %q", h.Get("Content-Type"))
	}
	var m Message
	d := json.NewDecoder(strings.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil || len(m.News) != len(everything().News) || m.FormatVersion != FormatVersion {
		t.Errorf("%v, %d news", err, len(m.News))
	}
}

// The signature is that of the specification's own example.
func TestSignature(t *testing.T) {
	key, err := signingKey("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	got := Signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if _, err := signingKey("whsec_hunter2!"); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
}

// Addresses that nothing should be posted to.
func TestWrongAddress(t *testing.T) {
	for _, address := range []string{"", "hooks.slack.example/hunter2", "http://hooks.slack.example/hunter2", "ftp://hooks.slack.example/hunter2", "https://user:hunter2@hooks.slack.example/", "%hunter2"} {
		err := Slack{URL: secret(address), HTTP: quick}.Send(t.Context(), everything())
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: got %v", address, err)
		}
	}
	missing := errors.New("the environment variable SLACK_URL is not set")
	none := failing(missing)
	if err := (Slack{URL: none}).Send(t.Context(), everything()); !errors.Is(err, missing) {
		t.Errorf("got %v", err)
	}
	if err := (Webhook{URL: secret("https://x.example"), Key: none}).Send(t.Context(), everything()); !errors.Is(err, missing) {
		t.Errorf("got %v", err)
	}
}

// The end of the run ends the waiting.
func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	f := newFake(t, func(w http.ResponseWriter) { cancel(); lost(w) })
	if err := (Slack{URL: secret(f.URL), HTTP: HTTP{Pause: time.Hour}}).Send(ctx, everything()); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func failing(err error) rest.SecretFunc {
	return func(context.Context) (connectors.Secret, error) { return connectors.Secret{}, err }
}
