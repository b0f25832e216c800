package rest

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// redacted stands where a credential stood.
const redacted = "[secret]"

// vault remembers the credentials that were sent, to take them out of everything that is said.
type vault struct {
	mu    sync.Mutex
	known []string // the longest first
}

// shortest is the length from which a text is taken for a credential: replacing each "a" would
// tell more than it hides.
const shortest = 4

func (v *vault) add(secrets ...string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, s := range secrets {
		if len(s) < shortest {
			continue
		}
		quoted := strconv.Quote(s)
		text, _ := json.Marshal(s)
		for _, form := range []string{
			s, quoted[1 : len(quoted)-1], string(text[1 : len(text)-1]), url.QueryEscape(s), url.PathEscape(s),
			base64.StdEncoding.EncodeToString([]byte(s)), base64.URLEncoding.EncodeToString([]byte(s)),
		} {
			if !slices.Contains(v.known, form) {
				v.known = append(v.known, form)
			}
		}
	}
	slices.SortStableFunc(v.known, func(a, b string) int { return len(b) - len(a) })
}

func (v *vault) scrub(text string) string {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, s := range v.known {
		text = strings.ReplaceAll(text, s, redacted)
	}
	return text
}

// clean gives an error whose text has no credential in it. What it is stays recognisable.
func (v *vault) clean(err error) error {
	text := v.scrub(err.Error())
	if text == err.Error() {
		return err
	}
	return &cleaned{text, err}
}

// cleaned hides the text of an error. Unwrapping is by Is only, since a part of the chain would
// tell what the whole hides.
type cleaned struct {
	text string
	err  error
}

func (c *cleaned) Error() string        { return c.text }
func (c *cleaned) Is(target error) bool { return errors.Is(c.err, target) }
func (c *cleaned) GoString() string     { return strconv.Quote(c.text) }

// longest is how much of what a server says is repeated, in bytes.
const longest = 300

// quote makes a text from outside fit for an error: without credentials and control
// characters, on one line, cut, in quotes.
func (c *Client) quote(s string) string { return quote(c.secrets.scrub(s)) }

func quote(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) }), " ")
	s = strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) { // invisible, or turning the line round
			return -1
		}
		return r
	}, s)
	if len(s) > longest {
		cut := longest
		for !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut] + "…"
	}
	return strconv.Quote(s)
}
