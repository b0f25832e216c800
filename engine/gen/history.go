package gen

import (
	"bufio"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/accordhq/accord/engine/declare"
)

// Commit is one step of the history: what it changes, and who did it when.
type Commit struct {
	Message, Author, Email string
	Time                   time.Time
	// Files have new content; Data is nil where the file is taken away.
	Files []declare.File
}

// event is something that happened to one file, and how the file was before.
type event struct {
	message string
	file    declare.File
	after   declare.File
}

// History yields the commits that lead to Files: the first one brings everything in as it was
// then, each of the others changes one file (somebody joins, moves, leaves; a project takes
// somebody in). There are fewer than asked for where the organisation is too small for as many.
// Every commit holds a valid declaration.
func (o *Organisation) History(commits int) iter.Seq[Commit] {
	return func(yield func(Commit) bool) {
		events := o.events(max(0, commits-1))
		at := Now().Add(-time.Duration(len(events)+1) * time.Hour)
		first := Commit{Message: "Declare who may use what", Author: o.people[1].name, Email: o.people[1].id + mailDomain, Time: at}
		first.Files = o.Files()
		for _, e := range events {
			i, _ := slices.BinarySearchFunc(first.Files, e.file.Path, func(f declare.File, p string) int { return strings.Compare(f.Path, p) })
			first.Files[i].Data = e.file.Data
		}
		first.Files = slices.DeleteFunc(first.Files, func(f declare.File) bool { return f.Data == nil })
		if !yield(first) {
			return
		}
		for n, e := range events {
			who := &o.people[1+n%len(o.depts)]
			if !yield(Commit{Message: e.message, Author: who.name, Email: who.id + mailDomain,
				Time: at.Add(time.Duration(n+1) * time.Hour), Files: []declare.File{e.after}}) {
				return
			}
		}
	}
}

// events happen to one file each, so that they can come in any order.
func (o *Organisation) events(n int) []event {
	r := rand.New(rand.NewPCG(o.Seed, 7))
	named := o.named()
	touched := map[string]event{}
	var order []string
	add := func(e event) {
		if _, ok := touched[e.file.Path]; !ok {
			touched[e.file.Path] = e
			order = append(order, e.file.Path)
		}
	}
	for try := 0; len(order) < n && try < 20*n; try++ {
		if len(o.projects) > 0 && r.IntN(4) == 0 {
			o.tookIn(r.IntN(len(o.projects)), add)
			continue
		}
		i := 1 + len(o.depts) + r.IntN(len(o.people)-1-len(o.depts))
		first := i / o.PerFile * o.PerFile
		p := &o.people[i]
		if p.lead || p.service {
			continue
		}
		was, message := o.before(r, i, named[i])
		path, data := o.peopleFile(first, func(q *person) bool { return q.id != p.id || was(q) })
		if len(data) == 0 {
			data = nil
		}
		_, now := o.peopleFile(first, nil)
		add(event{message, declare.File{Path: path, Data: data}, declare.File{Path: path, Data: now}})
	}
	out := make([]event, len(order))
	for i, path := range order {
		out[i] = touched[path]
	}
	return out
}

// before says how somebody was before the last thing that happened to them.
func (o *Organisation) before(r *rand.Rand, i int, named bool) (was func(*person) bool, message string) {
	p := &o.people[i]
	switch {
	case p.status == left:
		return func(q *person) bool { q.status = active; return true }, p.name + " has left"
	case !named && r.IntN(2) == 0:
		return func(*person) bool { return false }, p.name + " joins " + o.teams[p.team].id
	}
	other := (p.team + 1 + r.IntN(len(o.teams)-1)) % len(o.teams)
	return func(q *person) bool {
		q.team, q.dept, q.manager = other, o.teams[other].dept, o.teams[other].lead
		return true
	}, p.name + " moves to " + o.teams[p.team].id
}

// tookIn is a project before its last member came.
func (o *Organisation) tookIn(i int, add func(event)) {
	p := &o.projects[i]
	if len(p.members) < 2 {
		return
	}
	last := o.people[p.members[len(p.members)-1]].name
	add(event{p.id + " takes in " + last,
		declare.File{Path: o.projectPath(i), Data: o.projectDocs(p, len(p.members)-1)},
		declare.File{Path: o.projectPath(i), Data: o.projectDocs(p, len(p.members))}})
}

// named are the people whom other documents name.
func (o *Organisation) named() map[int]bool {
	out := map[int]bool{}
	for _, p := range o.projects {
		for _, i := range slices.Concat(p.members, p.gone, p.coming, []int{p.owner}) {
			out[i] = true
		}
	}
	for _, i := range o.excepted {
		out[i] = true
	}
	return out
}

// WriteHistory writes the commits in the form that git fast-import reads (git-fast-import(1)),
// onto a branch. An empty repository has them in a few seconds, whatever the size.
func (o *Organisation) WriteHistory(w io.Writer, branch string, commits int) error {
	b := bufio.NewWriterSize(w, 1<<20)
	data := func(d []byte) {
		fmt.Fprintf(b, "data %d\n", len(d))
		b.Write(d)
		b.WriteByte('\n')
	}
	for c := range o.History(commits) {
		fmt.Fprintf(b, "commit refs/heads/%s\nauthor %s <%s> %d +0000\ncommitter %s <%s> %d +0000\n", branch, c.Author, c.Email, c.Time.Unix(), c.Author, c.Email, c.Time.Unix())
		data([]byte(c.Message + "\n"))
		for _, f := range c.Files {
			if f.Data == nil {
				fmt.Fprintf(b, "D %s\n", f.Path)
				continue
			}
			fmt.Fprintf(b, "M 100644 inline %s\n", f.Path)
			data(f.Data)
		}
	}
	if err := b.Flush(); err != nil {
		return fmt.Errorf("writing the history: %w", err)
	}
	return nil
}
