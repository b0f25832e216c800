package declare

import (
	"cmp"
	"fmt"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/accordhq/accord/engine/access"
)

// File is one file of a revision.
type File struct {
	// Path is the path inside the repository, with slashes.
	Path string
	// Blob names the content: what has the same name is the same. It may be empty.
	Blob string
	Data []byte
}

// configFile marks the root of an access repository.
const configFile = "accord.yaml"

// Parse reads the documents of a revision. The files may be all of its files, in any order:
// those that don't end in .yaml or .yml aren't documents, nor are those under a name that
// begins with a dot, in the policy folders and in the journal that accord.yaml names, and
// those that a system's config names as its data.
//
// Parse knows the shape of each document alone, and that ids are unique; Check what the
// documents say of each other. It can be called on the result also if there are problems, and
// then reports nothing that only follows from them. The data must not be changed afterwards:
// lines are shown out of it. The result doesn't depend on the order of the files.
func Parse(files []File) (*Repository, Problems) { return ParseBeside(files, Known{}) }

// Known is what was understood of files before, by the names of their contents.
type Known struct {
	// Repo is another revision; it may be nil.
	Repo *Repository
	// Compiled is what an earlier run left; it may be nil.
	Compiled *Compiled
	// Connectors are those by which the result will be checked; where Repo was found sound by the same
	// ones, what it has is taken over as it is.
	Connectors map[string]access.Description
	// Text gets the content of a file of Compiled, where a line of it is to be shown; nil if it
	// can't be had.
	Text func(path, blob string) []byte
}

// Has reports whether the file needn't be parsed, nor read.
func (k Known) Has(path, blob string) bool { return k.Repo.has(path, blob) || k.Compiled.has(blob) }

// ParseBeside is Parse where a file that is known isn't parsed again and needs no Data; the result
// is the same as if it were.
func ParseBeside(files []File, known Known) (*Repository, Problems) {
	byPath := func(a, b File) int { return strings.Compare(a.Path, b.Path) }
	if !slices.IsSortedFunc(files, byPath) {
		files = slices.Clone(files)
		slices.SortStableFunc(files, byPath)
	}
	if r := known.Repo.derive(files, known); r != nil {
		return r, nil
	}
	r := &Repository{files: fileTable{byPath: make(map[string]*parsed, len(files))}}
	root := &parsed{}
	s := newShapes()
	if i := slices.IndexFunc(files, func(f File) bool { return f.Path == configFile }); i >= 0 {
		root = parseFile(files[i], s)
	}
	files = slices.DeleteFunc(slices.Clone(files), func(f File) bool { return !isDocument(f.Path, root.config) })
	results := parseAll(files, s, known)

	named := configNames(results)
	var issues []issue
	for i, p := range results {
		if p.alien && named[path.Clean(p.file)] {
			continue
		}
		if i > 0 && p.file == results[i-1].file {
			issues = append(issues, issue{pos: Pos{File: p.file}, msg: "the file was given twice"})
			continue
		}
		r.files.byPath[p.file] = p
		r.files.list = append(r.files.list, p)
		issues = append(issues, p.issues...)
		r.add(p)
	}
	issues = append(issues, r.index()...)
	if r.Config == nil {
		issues = append(issues, missingConfig(root))
	}
	r.clean = len(issues) == 0 && len(r.files.list) == len(results)
	return r, problems(issues, r.source, nil)
}

// Problem makes a problem of a place that was found to be wrong later on, with its line. wrong
// is the text that is wrong; "" marks one character.
func (r *Repository) Problem(pos Pos, wrong, message, hint string) Problem {
	src := r.source(pos.File)
	if src == nil {
		src = newSource(nil)
	}
	return src.problem(issue{pos: pos, wrong: wrong, msg: message, hint: hint}, nil)
}

// source is the text of a file; nil if there is no such file.
func (r *Repository) source(file string) *source {
	if p := r.files.get(file); p != nil {
		return p.source
	}
	return nil
}

func missingConfig(root *parsed) issue {
	is := issue{pos: Pos{File: configFile}, msg: `accord.yaml has no document that begins with "version: 1"`, hint: "write version: 1 as its first line"}
	if root.source == nil {
		is.msg, is.hint = "there is no accord.yaml at the root of the repository", "run accord init, or name the folder that holds it"
	}
	return is
}

// isDocument reports whether the file belongs to the declaration.
func isDocument(file string, c *Config) bool {
	if ext := path.Ext(file); ext != ".yaml" && ext != ".yml" {
		return false
	}
	for part := range strings.SplitSeq(file, "/") {
		if strings.HasPrefix(part, ".") {
			return false
		}
	}
	if c == nil || file == configFile {
		return true
	}
	for _, dir := range c.Policy {
		if within(dir.Value, file) {
			return false
		}
	}
	return !within(c.Journal.Dir.Value, file)
}

// within reports whether the file is in the folder, which is written relative to the root.
func within(dir, file string) bool {
	clean := path.Clean(dir)
	return dir != "" && clean != "." && insideRepository(dir) && strings.HasPrefix(file, clean+"/")
}

// insideRepository reports whether a relative path stays inside the repository.
func insideRepository(p string) bool {
	clean := path.Clean(p)
	return p != "" && !strings.ContainsAny(p, "\\\x00") && !path.IsAbs(p) && !strings.HasPrefix(p, "~") && clean != ".." && !strings.HasPrefix(clean, "../")
}

// configNames are the paths that the systems' settings name.
func configNames(results []*parsed) map[string]bool {
	named := map[string]bool{}
	for _, p := range results {
		for _, s := range p.systems {
			for _, set := range s.Config {
				for _, v := range set.Values {
					named[path.Clean(v.Value)] = true
				}
			}
		}
	}
	return named
}

// parsed is what one file holds. It stays as it is: repositories that have the file share it.
type parsed struct {
	file    string
	blob    string
	source  *source
	issues  []issue
	config  *Config
	people  []*Person
	groups  []*Group
	roles   []*Role
	grants  []*Grant
	systems []*System
	exempts []*Exempt
	// alien says that nothing in the file is a document.
	alien bool
}

func parseAll(files []File, s shapes, known Known) []*parsed {
	results := make([]*parsed, len(files))
	sideBySide(len(files), func(again *coder, i int) { results[i] = known.parse(files[i], again, s) })
	return results
}

// sideBySide does n things, as many at a time as there are processors; each has a coder to read
// records with.
func sideBySide(n int, do func(with *coder, i int)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), n) {
		wg.Go(func() {
			with := &coder{r: &reader{}}
			for {
				to := int(next.Add(parseBatch))
				for i := to - parseBatch; i < min(to, n); i++ {
					do(with, i)
				}
				if to >= n {
					return
				}
			}
		})
	}
	wg.Wait()
}

// parseBatch is how many files a worker takes at a time.
const parseBatch = 16

// parse takes a file from what is known, or parses it.
func (k Known) parse(f File, again *coder, s shapes) *parsed {
	if p := k.parsed(again, f.Path, f.Blob); p != nil {
		return p
	}
	if f.Data == nil && k.Compiled.has(f.Blob) { // of a record that is damaged after all
		f.Data = k.Text(f.Path, f.Blob)
	}
	p := parseFile(f, s)
	p.blob = f.Blob
	return p
}

// parsed is what is known of a file; nil if it isn't.
func (k Known) parsed(with *coder, path, blob string) *parsed {
	if k.Repo.has(path, blob) {
		return k.Repo.files.get(path)
	}
	if i := k.Compiled.find(blob); i >= 0 {
		return k.Compiled.parsed(with, i, path, blob, k.Text)
	}
	return nil
}

// has reports whether the repository, which may be nil, has a file at the path whose content has
// that name.
func (r *Repository) has(path, blob string) bool {
	if r == nil || blob == "" {
		return false
	}
	return r.files.blob(path) == blob
}

func parseFile(f File, s shapes) *parsed {
	p := &parsed{file: f.Path, source: newSource(f.Data)}
	docs, issues, whole := readYAML(f.Path, f.Data)
	d := &decoder{shapes: s, parsed: p}
	known := 0
	for i := range docs {
		if d.document(&docs[i]) {
			known++
		}
	}
	p.alien = known == 0 && (len(docs) > 0 || !whole)
	p.issues = append(issues, p.issues...)
	p.source.broken = !whole || d.lost
	return p
}

// add takes the documents of one file into the repository. Those that Check fills in it gets as
// copies.
func (r *Repository) add(p *parsed) {
	r.people.list = append(r.people.list, p.people...)
	r.groups.list = append(r.groups.list, p.groups...)
	for _, role := range p.roles {
		r.roles.list = append(r.roles.list, role.own())
	}
	for _, grant := range p.grants {
		r.grants.list = append(r.grants.list, grant.own())
	}
	for _, system := range p.systems {
		own := *system
		own.Resources = slices.Clone(system.Resources)
		for i := range own.Resources {
			res := &own.Resources[i]
			res.Access, res.MemberOf = slices.Clone(res.Access), slices.Clone(res.MemberOf)
		}
		r.Systems = append(r.Systems, &own)
	}
	r.Exempts = append(r.Exempts, p.exempts...)
	if p.config != nil {
		r.Config = p.config
	}
}

// own is a copy that Check may fill in; so is that of a grant.
func (r *Role) own() *Role {
	own := *r
	own.Access = slices.Clone(r.Access)
	return &own
}

func (g *Grant) own() *Grant {
	own := *g
	own.Access = slices.Clone(g.Access)
	return &own
}

// index sorts the documents, and finds ids that are there twice. The first one stays.
func (r *Repository) index() []issue {
	var issues, ofPeople []issue
	var people sync.WaitGroup // there are about as many of them as of all the others
	people.Go(func() { r.people.list, r.people.index = byID(r.people.list, &ofPeople) })
	r.groups.list, r.groups.index = byID(r.groups.list, &issues)
	r.roles.list, r.roles.index = byID(r.roles.list, &issues)
	r.grants.list, r.grants.index = byID(r.grants.list, &issues)
	r.Systems, r.systems = byID(r.Systems, &issues)
	r.Exempts, _ = byID(r.Exempts, &issues)
	people.Wait()
	return append(issues, ofPeople...)
}

// document is what Check has to know of any kind of document.
type document interface {
	id() Text
	kind() string
	doc() *Doc
}

func compareDocs[T document](a, b T) int {
	if c := strings.Compare(a.id().Value, b.id().Value); c != 0 {
		return c
	}
	x, y := a.doc(), b.doc()
	return cmp.Or(strings.Compare(x.File, y.File), cmp.Compare(x.At.Line, y.At.Line), cmp.Compare(x.At.Col, y.At.Col))
}

func byID[T document](docs []T, issues *[]issue) ([]T, map[string]T) {
	if !slices.IsSortedFunc(docs, compareDocs[T]) {
		slices.SortFunc(docs, compareDocs[T]) // no two are at one place
	}
	m := make(map[string]T, len(docs))
	kept := docs[:0]
	for _, d := range docs {
		id := d.id().Value
		if first, ok := m[id]; ok {
			*issues = append(*issues, issue{
				pos: d.doc().Pos(d.doc().At), wrong: id,
				msg:  fmt.Sprintf("%s %q is declared twice", d.kind(), id),
				hint: fmt.Sprintf("%s is the id of the %s in %s", id, first.kind(), first.doc().Pos(first.doc().At).fileLine()),
			})
			continue
		}
		m[id] = d
		kept = append(kept, d)
	}
	return kept, m
}

func (p *Person) id() Text { return p.ID }
func (g *Group) id() Text  { return g.ID }
func (r *Role) id() Text   { return r.ID }
func (g *Grant) id() Text  { return g.ID }
func (s *System) id() Text { return s.ID }
func (e *Exempt) id() Text { return e.ID }

func (p *Person) kind() string {
	if p.Service {
		return "service"
	}
	return "person"
}
func (g *Group) kind() string  { return "group" }
func (r *Role) kind() string   { return "role" }
func (g *Grant) kind() string  { return "grant" }
func (s *System) kind() string { return "system" }
func (e *Exempt) kind() string { return "exempt" }

func (d *Doc) doc() *Doc { return d }
