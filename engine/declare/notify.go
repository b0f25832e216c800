package declare

import (
	"fmt"
	"net"
	"net/mail"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Notify is one entry of `notify:`: who is told the news of drift and of applies, and how. The
// first key says how, its value is the name of the entry.
type Notify struct {
	At   At
	Name Text
	// One of these is set.
	Slack   *SlackNotify
	Webhook *WebhookNotify
	Mail    *MailNotify
}

// Rules are what all kinds have in common.
func (n *Notify) Rules() NotifyRules {
	switch {
	case n.Slack != nil:
		return n.Slack.NotifyRules
	case n.Webhook != nil:
		return n.Webhook.NotifyRules
	}
	return n.Mail.NotifyRules
}

// NotifyRules say what is told, and how often.
type NotifyRules struct {
	On     []Text `yaml:"on" doc:"What is told: drift (also when it is gone), unreadable (systems, also when they can be read again), flapping, partly (applies that ended in part); all of it if left out"`
	Digest Text   `yaml:"digest" enum:"daily|never" doc:"daily (the default): once a day what is still open, where there is nothing new"`
}

// SlackNotify posts to an incoming webhook of Slack, or of what speaks like it.
type SlackNotify struct {
	URL Reference `yaml:"url,required" doc:"The webhook, by reference: who knows it can post"`
	NotifyRules
}

// WebhookNotify posts JSON, signed as Standard Webhooks has it.
type WebhookNotify struct {
	URL Reference `yaml:"url,required" doc:"Where to post; https, or http to this machine"`
	Key Reference `yaml:"key" doc:"The key that messages are signed with (HMAC-SHA256), by reference"`
	NotifyRules
}

// MailNotify sends mail by SMTP.
type MailNotify struct {
	Server   Text      `yaml:"server,required" doc:"The SMTP server, as HOST:PORT; 587 if the port is left out, 465 with tls: tls"`
	TLS      Text      `yaml:"tls" enum:"starttls|tls|none" doc:"starttls (the default) and tls verify the server; none only to this machine"`
	From     Text      `yaml:"from,required" doc:"The sender's address"`
	To       []Text    `yaml:"to,required" doc:"The addresses that it goes to"`
	User     Text      `yaml:"user" doc:"The user to log in with"`
	Password Reference `yaml:"password" doc:"The user's password, by reference"`
	NotifyRules
}

// Reference is a text, or says where a secret is: an environment variable or a file.
type Reference struct {
	Value     Text
	Env, File Text
	At        At
}

// IsSet reports whether there is one.
func (r Reference) IsSet() bool { return r.At != At{} }

// newsKinds are the words of `on`.
func newsKinds() []string { return []string{"drift", "unreadable", "flapping", "partly"} }

// notifyKinds are the first keys of an entry of `notify:`.
func notifyKinds() []string { return []string{"slack", "webhook", "mail"} }

func (d *decoder) notify(key, n *node) []Notify {
	if n.kind != listNode { // there may be a webhook in it
		d.hide(n)
	}
	if !d.list(key, n) {
		return nil
	}
	var out []Notify
	seen := map[string]At{}
	for i := range n.kids {
		e := &n.kids[i]
		if e.kind != mapNode || len(e.kids) == 0 || !slices.Contains(notifyKinds(), e.kids[0].text) {
			d.hide(e)
			d.failNode(e, "begin with slack: NAME, webhook: NAME or mail: NAME", "an entry of notify says how and to whom it tells")
			continue
		}
		kind, value := &e.kids[0], &e.kids[1]
		o := Notify{At: kind.at}
		if !d.id(kind.text, kind, value, &o.Name) {
			d.hideRules(e)
			continue
		}
		if first, ok := seen[o.Name.Value]; ok {
			d.failNode(value, fmt.Sprintf("the first is in line %d", first.Line), "two entries of notify are called %q", o.Name.Value)
			d.hideRules(e)
			continue
		}
		seen[o.Name.Value] = o.Name.At
		switch kind.text {
		case "slack":
			o.Slack = &SlackNotify{}
			d.fields(e, 1, o.Slack)
			d.secretOnly("url", o.Slack.URL)
		case "webhook":
			o.Webhook = &WebhookNotify{}
			d.fields(e, 1, o.Webhook)
			d.webhookURL(o.Webhook.URL)
			d.secretOnly("key", o.Webhook.Key)
		case "mail":
			o.Mail = &MailNotify{}
			d.fields(e, 1, o.Mail)
			d.mail(o.Mail)
		}
		for _, on := range o.Rules().On {
			if !slices.Contains(newsKinds(), on.Value) {
				hint := "write " + orList(newsKinds())
				if near := nearest(on.Value, slices.Values(newsKinds())); near != "" {
					hint = fmt.Sprintf("did you mean %q?", near)
				}
				d.fail(on.At, on.Value, hint, "%q is nothing that is told", on.Value)
			}
		}
		out = append(out, o)
	}
	return out
}

// hideRules hides what stands behind the name of an entry that isn't looked at any further.
func (d *decoder) hideRules(e *node) {
	for i := 3; i < len(e.kids); i += 2 {
		d.hide(&e.kids[i])
	}
}

// secret decodes a text, or {env: NAME} or {file: PATH}. Texts aren't shown: they may be what
// should have been a reference.
func (d *decoder) secret(key, n *node, r *Reference) {
	r.At = n.at
	if n.kind == mapNode {
		var s Setting
		d.reference(key, n, &s)
		r.Env, r.File = s.Env, s.File
		return
	}
	d.hide(n)
	d.text(key, n, &r.Value)
}

// secretOnly refuses a secret that stands in the repository itself.
func (d *decoder) secretOnly(key string, r Reference) {
	if r.Value.Value != "" {
		d.fail(r.At, r.Value.Value, "write {env: NAME} or {file: PATH}", "%s is a secret, and secrets never stand in the repository", key)
	}
}

func (d *decoder) webhookURL(r Reference) {
	if r.Value.Value == "" {
		return
	}
	u, err := url.Parse(r.Value.Value)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" || u.Scheme != "https" && !(u.Scheme == "http" && loopback(u.Hostname())) {
		d.fail(r.At, r.Value.Value, "write https://HOST/PATH, or {env: NAME} where it holds a secret", "url is no address that can be posted to")
	}
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (d *decoder) mail(m *MailNotify) {
	host := m.Server.Value
	if h, port, err := net.SplitHostPort(host); err == nil {
		host = h
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			host = ""
		}
	}
	if m.Server.Value != "" && (host == "" || strings.ContainsAny(host, "/@ ")) {
		d.fail(m.Server.At, m.Server.Value, "write HOST or HOST:PORT, like mail.acme.example:587", "%q is no mail server", m.Server.Value)
	} else if m.TLS.Value == "none" && !loopback(host) {
		d.fail(m.TLS.At, m.TLS.Value, "write starttls or tls", "tls: none would send everything in the clear; it is for this machine only")
	} else if m.TLS.Value == "none" && m.Password.IsSet() {
		d.fail(m.TLS.At, m.TLS.Value, "write starttls or tls, or leave user and password out", "no password is sent in the clear")
	}
	for _, t := range append([]Text{m.From}, m.To...) {
		if a, err := mail.ParseAddress(t.Value); t.Value != "" && (err != nil || a.Address != t.Value) {
			d.fail(t.At, t.Value, "write it like alice@acme.example", "%q is not an address", t.Value)
		}
	}
	if (m.User.Value != "") != m.Password.IsSet() {
		at, wrong := m.User.At, m.User.Value
		if m.User.Value == "" {
			at, wrong = m.Password.At, ""
		}
		d.fail(at, wrong, "give both, or none", "user and password go together")
	}
	d.secretOnly("password", m.Password)
}

// notifySchema is the schema of `notify:`.
func (s *schema) notifySchema() object {
	var forms []any
	for i, zero := range []any{SlackNotify{}, WebhookNotify{}, MailNotify{}} {
		kind := notifyKinds()[i]
		form := s.mapping(reflect.TypeOf(zero))
		properties := form["properties"].(object)
		properties[kind] = def("id")
		if kind == "webhook" { // the only one that need be no secret
			properties["url"] = object{"anyOf": []any{def("text"), def("secret")}, "description": properties["url"].(object)["description"]}
		}
		properties["on"] = object{"type": "array", "items": object{"enum": scalars(newsKinds())}, "uniqueItems": true, "description": properties["on"].(object)["description"]}
		form["required"] = append(form["required"].([]string), kind)
		slices.Sort(form["required"].([]string))
		forms = append(forms, form)
	}
	return object{"type": "array", "items": object{"oneOf": forms}}
}
