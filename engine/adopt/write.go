package adopt

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/accordhq/accord/engine/declare"
)

// Head says what the comment at the head of a file tells.
type Head struct {
	System, Connector string
	// At is when the system was read.
	At time.Time
}

// The limits of one file: what declare reads (1 MiB), and below it the size at which the next
// file begins.
const (
	maxFile   = 1 << 20
	nextFile  = 900_000
	maxPeople = 500 // in one document
)

// Write makes files of documents, the first of which goes on after what stands in was; each is
// small enough to be read. A second file and more are only made of very large systems.
func Write(r *Result, h Head, was []byte) ([][]byte, error) {
	var files [][]byte
	body := head(h, len(was) > 0)
	if len(was) > 0 {
		old, err := unseal(was)
		if err != nil {
			return nil, err
		}
		body = old + body
	}
	fresh := true // nothing but comments since the last "---"
	for _, d := range documents(r) {
		switch {
		case len(d) > maxFile-4096:
			return nil, fmt.Errorf("one document would have %d bytes, more than one file may have", len(d))
		case len(body)+len(d) > nextFile && !(fresh && len(files) > 0):
			files = append(files, seal(body))
			body, fresh = head(h, false), true
		}
		if !fresh {
			body += "---\n"
		}
		body += d
		fresh = false
	}
	return append(files, seal(body)), nil
}

func head(h Head, more bool) string {
	if more {
		return fmt.Sprintf("---\n# What %s has granted besides, taken over by `accord import %s` on %s.\n", h.System, h.System, h.At.UTC().Format(time.DateOnly))
	}
	return fmt.Sprintf("# What %s (connector %s) granted on %s, taken over by `accord import %s`.\n"+
		"# It is yours: rename, regroup and move it as you like. An import adds to this file only as long\n"+
		"# as nobody has edited it; afterwards it writes to another one (--out).\n",
		h.System, h.Connector, h.At.UTC().Format("2006-01-02 15:04 MST"), h.System)
}

// ErrEdited says that a file isn't as an import wrote it.
var ErrEdited = errors.New("it wasn't written by an import, or was edited since")

var sealed = regexp.MustCompile(`^# accord import, sha256 ([0-9a-f]{64})\n`)

// seal puts a digest of the text before it, by which an edit is noticed.
func seal(body string) []byte {
	return []byte("# accord import, sha256 " + digest(body) + "\n" + body)
}

// unseal gives the text back; ErrEdited if it isn't the one that was sealed.
func unseal(data []byte) (string, error) {
	m := sealed.FindSubmatch(data)
	if m == nil {
		return "", ErrEdited
	}
	body := string(data[len(m[0]):])
	if digest(body) != string(m[1]) {
		return "", ErrEdited
	}
	return body, nil
}

func digest(body string) string {
	sum := sha256.Sum256([]byte(body))
	return hex.EncodeToString(sum[:])
}

// Documents are the documents of a result as YAML, parted by lines of "---"; "" if there are none.
func Documents(r *Result) string { return strings.Join(documents(r), "---\n") }

// documents are the documents as YAML, each ending with a line end.
func documents(r *Result) []string {
	var out []string
	var people []string
	flush := func() {
		if len(people) > 0 {
			out = append(out, "people:\n"+strings.Join(people, ""))
			people = nil
		}
	}
	for _, p := range r.People {
		if p.Service {
			continue
		}
		people = append(people, "  - {"+strings.Join(personFields(p, "person", r), ", ")+"}\n")
		if len(people) == maxPeople {
			flush()
		}
	}
	flush()
	for _, p := range r.People {
		if p.Service {
			out = append(out, strings.Join(personFields(p, "service", r), "\n")+"\n")
		}
	}
	for _, g := range r.Groups {
		out = append(out, "group: "+declare.Scalar(g.ID)+"\n"+list("members", g.Members))
	}
	for _, g := range r.Grants {
		d := "grant: " + declare.Scalar(g.ID) + "\n"
		if g.Group != "" {
			d += "to: [{group: " + declare.Scalar(g.Group) + "}]\n"
		} else {
			d += list("to", g.People)
		}
		out = append(out, d+"access:\n"+entitlements("  "+declare.Scalar(r.System), "  ", g.Access))
	}
	return out
}

func personFields(p Person, kind string, r *Result) []string {
	out := []string{kind + ": " + declare.Scalar(p.ID)}
	add := func(key, v string) {
		if v != "" {
			out = append(out, key+": "+declare.Scalar(v))
		}
	}
	if p.Service {
		out = append(out, "owners: ["+join(p.Owners)+"]")
	}
	add("name", p.Name)
	add("email", p.Email)
	if p.Leave {
		add("status", "leave")
	}
	if len(p.Attributes) > 0 {
		var all []string
		for _, at := range p.Attributes {
			all = append(all, declare.Scalar(at.Key)+": "+declare.Scalar(at.Value))
		}
		out = append(out, "attributes: {"+strings.Join(all, ", ")+"}")
	}
	if p.Account != "" {
		out = append(out, "accounts: {"+declare.Scalar(r.System)+": "+declare.Scalar(p.Account)+"}")
	}
	return out
}

// width is how long a line may be before a list gets one line for each entry.
const width = 100

// list writes a key with ids: on one line if they fit, else a line each.
func list(key string, ids []string) string {
	if one := key + ": [" + join(ids) + "]\n"; len(one) <= width {
		return one
	}
	var b strings.Builder
	b.WriteString(key + ":\n")
	for _, id := range ids {
		b.WriteString("  - " + declare.Scalar(id) + "\n")
	}
	return b.String()
}

func join(texts []string) string {
	var out []string
	for _, t := range texts {
		out = append(out, declare.Scalar(t))
	}
	return strings.Join(out, ", ")
}

// YAML is the entitlement as an entry of a list.
func (e Entitlement) YAML() string {
	if e.Usual {
		return declare.Scalar(e.Target.String())
	}
	return "{" + declare.Scalar(e.Target.String()) + ": " + declare.Scalar(e.Permission) + "}"
}

// entitlements writes a list of them under a key.
func entitlements(key, indent string, all []Entitlement) string {
	var words []string
	for _, e := range all {
		words = append(words, e.YAML())
	}
	if one := key + ": [" + strings.Join(words, ", ") + "]\n"; len(one) <= width {
		return one
	}
	return key + ":\n" + indent + "  - " + strings.Join(words, "\n"+indent+"  - ") + "\n"
}

// Fragment is what the system's document lacks under resources, as YAML with that key; "" if it
// lacks nothing. Of a resource that is declared already only what is to be added stands there.
func (r *Result) Fragment() string {
	if len(r.Resources) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("resources:\n")
	for _, res := range r.Resources {
		b.WriteString("  " + declare.Scalar(res.ID.String()) + ":")
		if res.Declared != nil {
			b.WriteString(fmt.Sprintf(" # line %d has it already: add", res.Declared.At.Line))
		}
		b.WriteString("\n" + entitlements("    access", "    ", res.Access))
	}
	return b.String()
}
