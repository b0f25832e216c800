package declare

import (
	"iter"
	"maps"
	"slices"
	"strings"
)

// fileTable is what each file of a repository holds, by path. As with documents (see table.go) files
// are either all there, or read from what was kept when somebody asks for them.
type fileTable struct {
	list   []*parsed // sorted by path
	byPath map[string]*parsed
	late   *lateFiles
}

// lateFiles are the files of a record, but for some, and others beside them.
type lateFiles struct {
	from *kept
	gone map[string]bool
	come []*parsed // sorted by path
}

func comparePath(p *parsed, path string) int { return strings.Compare(p.file, path) }

// get is what the file at a path holds; nil if there is no such file.
func (f *fileTable) get(path string) *parsed {
	if f.late == nil {
		return f.byPath[path]
	}
	if i, ok := slices.BinarySearchFunc(f.late.come, path, comparePath); ok {
		return f.late.come[i]
	}
	if f.late.gone[path] {
		return nil
	}
	if i, ok := slices.BinarySearchFunc(f.late.from.others, path, comparePath); ok {
		return f.late.from.others[i]
	}
	if i := f.late.from.find(path); i >= 0 {
		return f.late.from.file(i)
	}
	return nil
}

// blob names the content of the file at a path, "" if there is none.
func (f *fileTable) blob(path string) string {
	if f.late != nil && !f.late.gone[path] {
		if i := f.late.from.find(path); i >= 0 {
			return f.late.from.c.texts.at(f.late.from.c.file(i, fileBlob))
		}
	}
	if p := f.get(path); p != nil {
		return p.blob
	}
	return ""
}

func (f *fileTable) len() int {
	if f.late == nil {
		return len(f.list)
	}
	return len(f.late.from.files) + len(f.late.from.others) - len(f.late.gone) + len(f.late.come)
}

// all are the files, sorted by path; the list must not be changed.
func (f *fileTable) all() []*parsed {
	if f.late == nil {
		return f.list
	}
	k := f.late.from
	k.readAll()
	out := make([]*parsed, 0, len(k.files)+len(k.others)+len(f.late.come))
	for i := range k.files {
		if p := k.file(i); !f.late.gone[p.file] {
			out = append(out, p)
		}
	}
	for _, p := range k.others {
		if !f.late.gone[p.file] {
			out = append(out, p)
		}
	}
	out = append(out, f.late.come...)
	slices.SortFunc(out, func(a, b *parsed) int { return strings.Compare(a.file, b.file) })
	return out
}

// apart are the files that don't come of a record as sound ones.
func (f *fileTable) apart() []*parsed {
	if f.late == nil {
		return f.list
	}
	return slices.Concat(f.late.from.others, f.late.come)
}

// unlike yields at least the files whose content isn't in the record.
func (f *fileTable) unlike(c *Compiled) iter.Seq[*parsed] {
	if f.late != nil && f.late.from.c == c {
		return slices.Values(f.late.come)
	}
	return slices.Values(f.all())
}

// with takes files out and puts others in.
func (f *fileTable) with(gone map[string]bool, come []*parsed) fileTable {
	if f.late != nil {
		return fileTable{late: &lateFiles{f.late.from, gone, come}}
	}
	out := fileTable{list: make([]*parsed, 0, len(f.list)+len(come)), byPath: maps.Clone(f.byPath)}
	for name := range gone {
		delete(out.byPath, name)
	}
	i := 0
	for _, p := range f.list {
		for i < len(come) && come[i].file < p.file {
			out.list = append(out.list, come[i])
			i++
		}
		if !gone[p.file] {
			out.list = append(out.list, p)
		}
	}
	out.list = append(out.list, come[i:]...)
	for _, p := range come {
		out.byPath[p.file] = p
	}
	return out
}

// differing yields each path at which two revisions may have different files, sorted; it isn't ok
// where all of them have to be compared.
func (f *fileTable) differing(o *fileTable) ([]string, bool) {
	if f.late == nil || o.late == nil || f.late.from != o.late.from {
		return nil, false
	}
	paths := map[string]bool{}
	for _, l := range []*lateFiles{f.late, o.late} {
		maps.Copy(paths, l.gone)
		for _, p := range l.come {
			paths[p.file] = true
		}
	}
	return slices.Sorted(maps.Keys(paths)), true
}
