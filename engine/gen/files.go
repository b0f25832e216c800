package gen

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/accordhq/accord/engine/access"
	"github.com/accordhq/accord/engine/declare"
)

const mailDomain = "@acme.example"

// perFolder is how many files a folder holds: git and file systems both suffer from folders
// with many thousands.
const perFolder = 100

// Files are the documents of the newest revision, sorted by path, and a .gitignore that keeps
// the live states out of git.
func (o *Organisation) Files() []declare.File {
	out := []declare.File{
		{Path: ".gitignore", Data: []byte("/live/\n/.accord/\n")},
		{Path: "accord.yaml", Data: o.config()},
		{Path: "company.yaml", Data: []byte(company)},
	}
	for i := range o.systems {
		out = append(out, declare.File{Path: "systems/" + o.systems[i].id + ".yaml", Data: o.systemDoc(i)})
	}
	for d := range o.depts {
		out = append(out, declare.File{Path: "departments/" + o.depts[d] + ".yaml", Data: o.deptDocs(d)})
	}
	for first := 0; first < len(o.people); first += o.PerFile {
		path, data := o.peopleFile(first, nil)
		out = append(out, declare.File{Path: path, Data: data})
	}
	for i := range o.projects {
		out = append(out, declare.File{Path: o.projectPath(i), Data: o.projectDocs(&o.projects[i], len(o.projects[i].members))})
	}
	slices.SortFunc(out, func(a, b declare.File) int { return strings.Compare(a.Path, b.Path) })
	return out
}

// company is what everybody gets by being there.
const company = `group: employees
description: Everybody with a contract of employment
members: [{match: {employment: employee}}]
---
role: everybody
description: What nobody can work without
access:
  office: [app/mail, app/chat]
  directory: [group/staff]
---
grant: everybody
to: [{match: {employment: [employee, contractor]}}]
roles: [everybody]
reason: Nobody can work without
---
grant: handbook
to: [{group: employees}]
access: {drive: [folder/handbook]}
---
grant: reviews
to: [{match: {title: "Senior *"}}]
access: {office: [app/reviews]}
reason: They review the work of others
`

func (o *Organisation) config() []byte {
	return fmt.Appendf(nil, `# %d people on %d systems, made from the seed %d.
version: 1
timezone: Europe/Berlin
attributes:
  department: {values: [%s], required: true}
  employment: {values: [employee, contractor, service], required: true}
  team: {}
  title: {}
  site: {}
guards: {max_removals: 20%%, max_leavers: 20%%}
`, len(o.people), len(o.systems), o.Seed, strings.Join(o.depts, ", "))
}

func (o *Organisation) systemDoc(i int) []byte {
	s := o.systems[i]
	var b bytes.Buffer
	fmt.Fprintf(&b, "system: %s\nconnector: %s\nowners: [%s]\n", s.id, o.Connector, o.people[1+i%len(o.depts)].id)
	if o.Connector == "file" {
		fmt.Fprintf(&b, "config: {path: live/%s.state.yaml, create: true}\n", s.id)
	}
	switch i {
	case office:
		b.WriteString("accounts:\n  attributes: {name: \"{name}\", email: \"{email}\"}\n")
	case directory:
		b.WriteString("accounts:\n  name: \"{email}\"\n")
	}
	b.WriteString("mode: authoritative\nmanage: [\"*/*\"]\n")
	if len(s.targets) > 0 {
		b.WriteString("resources:\n")
	}
	for _, t := range slices.SortedFunc(slices.Values(s.targets), access.ID.Compare) {
		fmt.Fprintf(&b, "  %s: {}\n", t)
	}
	return b.Bytes()
}

// deptDocs are the groups, roles and grants of a department and its teams.
func (o *Organisation) deptDocs(d int) []byte {
	var b bytes.Buffer
	dept, head := o.depts[d], o.people[1+d].id
	fmt.Fprintf(&b, "group: %s\nowners: [%s]\nmembers:\n  - %s\n", dept, head, head)
	for t := range o.teams {
		if o.teams[t].dept == d {
			fmt.Fprintf(&b, "  - group: %s\n", o.teams[t].id)
		}
	}
	if i := o.excepted[d]; i >= 0 {
		fmt.Fprintf(&b, "except: [%s] # on loan to somebody else\n", o.people[i].id)
	}
	tool := o.systems[o.tool(d)].id
	fmt.Fprintf(&b, "---\nrole: %s\nowners: [%s]\nincludes: [everybody]\naccess:\n  %s: [role/%s, {folder/%s: write}]\n", dept, head, tool, dept, dept)
	fmt.Fprintf(&b, "---\ngrant: %s\nto: [{group: %s}]\nroles: [%s]\nreason: The work of the department\n", dept, dept, dept)
	fmt.Fprintf(&b, "---\ngrant: %s-head\nto: [%s]\naccess: {%s: [{folder/%s: admin}]}\n", dept, head, tool, dept)
	fmt.Fprintf(&b, "---\ngrant: %s-news\nto: [{reports: %s}]\naccess: {drive: [folder/%s-news]}\n", dept, head, dept)
	for t := range o.teams {
		if o.teams[t].dept != d {
			continue
		}
		id, lead, tool := o.teams[t].id, o.people[o.teams[t].lead].id, o.systems[o.tool(t)].id
		fmt.Fprintf(&b, "---\ngroup: %s\nowners: [%s]\nmembers: [{match: {team: %s}}]\n", id, lead, id)
		fmt.Fprintf(&b, "---\nrole: %s\nowners: [%s]\naccess: {%s: [group/%s, app/%s]}\n", id, lead, tool, id, id)
		fmt.Fprintf(&b, "---\ngrant: %s\nto: [{group: %s}]\nroles: [%s]\n", id, id, id)
	}
	return b.Bytes()
}

// peopleFile is the file that begins with this person; change lets it be as it was once, and
// reports whether the person was there.
func (o *Organisation) peopleFile(first int, change func(*person) bool) (path string, data []byte) {
	var b bytes.Buffer
	end := min(first+o.PerFile, len(o.people))
	folder := fmt.Sprintf("people/%03d/", first/o.PerFile/perFolder)
	if o.PerFile > 1 {
		path = fmt.Sprintf("%s%05d.yaml", folder, first/o.PerFile)
	} else {
		path = folder + o.people[first].id + ".yaml"
	}
	for i := first; i < end; i++ {
		p := o.people[i]
		if change != nil && !change(&p) {
			continue
		}
		if b.Len() > 0 {
			b.WriteString("---\n")
		}
		o.personDoc(&b, i, &p)
	}
	return path, b.Bytes()
}

func (o *Organisation) personDoc(b *bytes.Buffer, i int, p *person) {
	if p.service {
		fmt.Fprintf(b, "service: %s\nname: %s\nemail: %s%s\nowners: [%s]\nattributes: {department: %s, employment: service}\n",
			p.id, p.name, p.id, mailDomain, o.people[1+p.dept].id, o.depts[p.dept])
		fmt.Fprintf(b, "---\ngrant: %s\nto: [%s]\naccess: {%s: [app/api]}\n", p.id, p.id, o.systems[o.tool(i)].id)
		return
	}
	fmt.Fprintf(b, "person: %s\nname: %s\nemail: %s%s\n", p.id, p.name, p.id, mailDomain)
	switch p.status {
	case left:
		b.WriteString("status: left\n")
	case leave:
		b.WriteString("status: leave\n")
	}
	fmt.Fprintf(b, "starts: %s\n", p.starts)
	if p.ends != "" {
		fmt.Fprintf(b, "ends: %s\n", p.ends)
	}
	if p.manager >= 0 {
		fmt.Fprintf(b, "manager: %s\n", o.people[p.manager].id)
	}
	employment, team := "employee", ""
	if p.contractor {
		employment = "contractor"
	}
	if p.team >= 0 {
		team = ", team: " + o.teams[p.team].id
	}
	fmt.Fprintf(b, "attributes: {department: %s, employment: %s%s, title: %s, site: %s}\n", o.depts[p.dept], employment, team, p.title, p.site)
}

func (o *Organisation) projectPath(i int) string {
	return fmt.Sprintf("projects/%03d/%s.yaml", i/perFolder, o.projects[i].id)
}

// projectDocs are a group by hand and the grant to it, with so many of its members.
func (o *Organisation) projectDocs(p *project, members int) []byte {
	var b bytes.Buffer
	owner := o.people[p.owner].id
	fmt.Fprintf(&b, "group: %s\nowners: [%s]\nmembers:\n", p.id, owner)
	for _, i := range p.members[:members] {
		fmt.Fprintf(&b, "  - %s\n", o.people[i].id)
	}
	for _, i := range p.gone {
		fmt.Fprintf(&b, "  - {person: %s, until: %s, reason: moved on}\n", o.people[i].id, pastDay)
	}
	for _, i := range p.coming {
		fmt.Fprintf(&b, "  - {person: %s, from: %s}\n", o.people[i].id, futureDay)
	}
	what := fmt.Sprintf("[group/%s, app/%s]", p.id, p.id)
	if p.single {
		what = fmt.Sprintf("[group/%s]", p.id)
	}
	fmt.Fprintf(&b, "---\ngrant: %s\nto: [{group: %s}]\naccess: {%s: %s}\n", p.id, p.id, o.systems[p.system].id, what)
	switch p.window {
	case ended:
		fmt.Fprintf(&b, "until: %s\n", pastDay)
	case upcoming:
		fmt.Fprintf(&b, "from: %s\n", futureDay)
	}
	fmt.Fprintf(&b, "reason: Project %s\nticket: OPS-%s\n", p.id, p.id[1:])
	return b.Bytes()
}
