package declare

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// decoder turns the nodes of one file into documents.
type decoder struct {
	shapes shapes
	*parsed
	// lost says that there was a document whose id couldn't be read.
	lost bool
}

// kindKeys are the keys that a document may begin with.
func kindKeys() []string {
	return []string{"version", "person", "people", "service", "group", "role", "grant", "system", "exempt"}
}

// The forms of ids and of names.
var (
	idForm        = regexp.MustCompile(`^[a-z0-9]([a-z0-9._@-]*[a-z0-9])?$`)
	attributeName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]*$`)
	envForm       = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	emailForm     = regexp.MustCompile(`^[^@\s]+@[^@\s]+$`)
)

// maxName is how long ids and names may be, in bytes.
const maxName = 100

func (d *decoder) fail(at At, wrong, hint, format string, args ...any) {
	d.issues = append(d.issues, issue{pos: Pos{d.file, at}, wrong: wrong, hint: hint, msg: fmt.Sprintf(format, args...)})
}

func (d *decoder) failNode(n *node, hint, format string, args ...any) {
	d.fail(n.at, n.text, hint, format, args...)
}

// document decodes one document, and reports whether its first key is that of a document.
func (d *decoder) document(n *node) bool {
	kinds := kindKeys()
	if n.kind != mapNode || len(n.kids) == 0 {
		d.lost = true
		d.failNode(n, "begin with one of "+strings.Join(kinds[1:], ", "), "a document is a mapping that says what it is, not %s", n.what())
		return false
	}
	key := &n.kids[0]
	switch key.text {
	case "version":
		if d.file != configFile {
			d.failNode(key, "a document begins with one of "+strings.Join(kinds[1:], ", "), "only accord.yaml at the root of the repository begins with version")
			return false
		}
		d.config = d.decodeConfig(n)
	case "people":
		d.decodePeople(n)
	case "person", "service":
		d.decodePerson(n)
	case "group":
		g := &Group{}
		d.groups = named(d, d.groups, g, &g.ID, n)
	case "role":
		r := &Role{}
		d.roles = named(d, d.roles, r, &r.ID, n)
	case "grant":
		g := &Grant{}
		d.grants = named(d, d.grants, g, &g.ID, n)
	case "system":
		d.decodeSystem(n)
	case "exempt":
		e := &Exempt{}
		d.exempts = named(d, d.exempts, e, &e.ID, n)
	default:
		d.lost = true
		d.unknownKind(n, key)
		return false
	}
	return true
}

func (d *decoder) unknownKind(n, key *node) {
	kinds := kindKeys()
	for i := 2; i < len(n.kids); i += 2 {
		if k := &n.kids[i]; slices.Contains(kinds[1:], k.text) && n.kids[i+1].kind == scalarNode {
			d.failNode(k, "put it first: the first key says what a document is", "%q isn't the first key of its document", k.text)
			return
		}
	}
	hint := "a document begins with one of " + strings.Join(kinds[1:], ", ")
	if near := nearest(key.text, slices.Values(kinds)); near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	d.failNode(key, hint, "%q is not a kind of document", key.text)
}

// named decodes a document of the usual form, its id first. A document without a valid id is
// checked, but isn't taken over.
func named[T document](d *decoder, all []T, v T, id *Text, n *node) []T {
	val := &n.kids[1]
	*v.doc() = Doc{File: d.file, At: val.at}
	ok := d.id(v.kind(), &n.kids[0], val, id)
	d.fields(n, 1, v)
	if !ok {
		d.lost = true
		return all
	}
	return append(all, v)
}

func (d *decoder) id(kind string, key, n *node, id *Text) bool {
	if !d.text(key, n, id) {
		return false
	}
	v := id.Value
	switch {
	case len(v) > maxName:
		d.failNode(n, fmt.Sprintf("it may have %d characters", maxName), "the id of this %s has %d characters", kind, len(v))
	case idForm.MatchString(v):
		return true
	case idForm.MatchString(strings.ToLower(v)):
		d.failNode(n, fmt.Sprintf("write %q", strings.ToLower(v)), "%q can't be the id of a %s: ids are in lower case", v, kind)
	default:
		d.failNode(n, "use lower case letters, digits, and . _ @ - between them", "%q can't be the id of a %s", v, kind)
	}
	return false
}

func (d *decoder) decodeConfig(n *node) *Config {
	c := &Config{Doc: Doc{File: d.file, At: n.kids[0].at}}
	if d.config != nil {
		d.failNode(&n.kids[0], fmt.Sprintf("the first is in line %d", d.config.At.Line), "accord.yaml has a second document that begins with version")
		return d.config
	}
	d.fields(n, 0, c)
	seen := c.Journal
	if seen.Dir.Value != "" && seen.Git.Value != "" {
		d.fail(seen.Git.At, seen.Git.Value, "keep one of them", "the journal is kept in dir or in git, not in both")
	}
	if dir := seen.Dir; dir.Value != "" && !insideRepository(dir.Value) {
		d.fail(dir.At, dir.Value, "write a path relative to accord.yaml", "the journal's folder %q is outside the repository", dir.Value)
	}
	if ref := seen.Git; ref.Value != "" && !validGitRef(ref.Value) {
		d.fail(ref.At, ref.Value, "write it in full, like refs/accord/journal", "%q is not the name of a git ref below refs/accord", ref.Value)
	}
	d.journalRemote(seen)
	for _, p := range c.Policy {
		if !insideRepository(p.Value) || strings.HasPrefix(p.Value, "/") {
			d.fail(p.At, p.Value, "write a path relative to accord.yaml", "the policy folder %q is outside the repository", p.Value)
		}
	}
	return c
}

// journalRemote checks what goes with a journal in git. A remote is only ever named: where it is
// stands in git's own configuration, so that no declaration sends a credential elsewhere.
func (d *decoder) journalRemote(j JournalDecl) {
	remote, token := j.Remote, j.Token
	if j.Git.Value == "" {
		for _, t := range []Text{remote, token.Env, token.File} {
			if t.Value != "" {
				d.fail(t.At, t.Value, "add git: refs/accord/journal, or leave it out", "remote and token go with a journal in git")
				break
			}
		}
	}
	if v := remote.Value; v != "" && v != "." && !remoteForm.MatchString(v) {
		d.fail(remote.At, v, "git remote lists the names; a dot is this repository itself", "%q is not the name of a git remote", v)
	}
	if token.Env.Value != "" && token.File.Value != "" {
		d.fail(token.File.At, token.File.Value, "keep one of them", "the token is in env or in file, not in both")
	}
}

// remoteForm are the names that a remote may have here: no URL and no path.
var remoteForm = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*$`)

// validGitRef follows the rules of git-check-ref-format(1), for full names alone. Journals have
// refs/accord to themselves, so that none can stand in the place of a branch, and another one
// than the declared is found.
func validGitRef(s string) bool {
	if !strings.HasPrefix(s, "refs/accord/") || strings.HasSuffix(s, ".") || strings.ContainsAny(s, " ~^:?*[\\\x7f") || strings.Contains(s, "..") || strings.Contains(s, "@{") {
		return false
	}
	parts := strings.Split(s, "/")
	return len(parts) >= 3 && !slices.ContainsFunc(parts, func(p string) bool {
		return p == "" || p[0] == '.' || strings.ContainsFunc(p, unicode.IsControl) || strings.HasSuffix(p, ".lock")
	})
}

func (d *decoder) decodePeople(n *node) {
	key, list := &n.kids[0], &n.kids[1]
	for i := 2; i < len(n.kids); i += 2 {
		d.failNode(&n.kids[i], "people stands by itself", "%q is not a key beside people", n.kids[i].text)
	}
	if list.kind != listNode {
		d.lost = true
		d.failNode(key, "write - person: ID below it", "people wants a list of persons, not %s", list.what())
		return
	}
	for i := range list.kids {
		p := &list.kids[i]
		switch {
		case p.kind != mapNode || len(p.kids) == 0:
			d.lost = true
			d.failNode(p, "write - person: ID", "an entry of people is a mapping that begins with person, not %s", p.what())
		case p.kids[0].text == "person":
			d.decodePerson(p)
		case p.kids[0].text == "service":
			d.lost = true
			d.failNode(&p.kids[0], "make it a document of its own", "a service can't stand under people")
		default:
			d.lost = true
			d.failNode(&p.kids[0], "put person first", "an entry of people begins with person, not with %q", p.kids[0].text)
		}
	}
}

func (d *decoder) decodePerson(n *node) {
	p := &Person{Service: n.kids[0].text == "service"}
	d.people = named(d, d.people, p, &p.ID, n)
	if e := p.Email; e.Value != "" && !emailForm.MatchString(e.Value) {
		d.fail(e.At, e.Value, "write it like alice@acme.example", "%q is not an address", e.Value)
	}
	switch {
	case p.Service && !hasEntries(n, "owners"):
		d.failNode(&n.kids[1], "name the people or groups that answer for it under owners", "service %q has no owners", p.ID.Value)
	case !p.Service && len(p.Owners) > 0:
		d.fail(keyAt(n, "owners"), "owners", "did you mean manager? Only a service has owners", "a person has no owners")
	}
	if p.Service && p.Manager.Value != "" {
		d.fail(keyAt(n, "manager"), "manager", "name who answers for it under owners", "a service has no manager")
	}
}

func (d *decoder) decodeSystem(n *node) {
	s := &System{}
	d.systems = named(d, d.systems, s, &s.ID, n)
	for i := range s.Resources {
		r := &s.Resources[i]
		for _, list := range [][]Entitlement{r.Access, r.MemberOf} {
			for j := range list {
				list[j].System = s.ID
			}
		}
	}
}

// hasEntries reports whether the mapping has something under the key, whatever it is.
func hasEntries(n *node, key string) bool {
	for i := 0; i < len(n.kids); i += 2 {
		if n.kids[i].text == key {
			return n.kids[i+1].kind == scalarNode || len(n.kids[i+1].kids) > 0
		}
	}
	return false
}

func hasKey(n *node, key string) bool { return keyAt(n, key) != At{} }

// keyAt is the place of a key of a mapping.
func keyAt(n *node, key string) At {
	for i := 0; i < len(n.kids); i += 2 {
		if n.kids[i].text == key {
			return n.kids[i].at
		}
	}
	return At{}
}
