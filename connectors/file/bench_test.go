package file

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/accordhq/accord/connectors"
	"github.com/accordhq/accord/engine/access"
)

// large is a system of so many accounts with five grants each.
func large(tb testing.TB, accounts int) *access.State {
	tb.Helper()
	b := access.NewBuilder("large")
	for i := range 50 {
		b.Object(access.Object{ID: access.ID{Kind: "folder", Name: fmt.Sprint("folder-", i)}})
	}
	for i := range accounts {
		id := access.Account(fmt.Sprintf("person-%d", i))
		b.Object(access.Object{ID: id, Attributes: map[string]string{
			"name": fmt.Sprintf("Person Number %d", i), "email": fmt.Sprintf("person-%d@acme.example", i),
		}})
		for j := range 5 {
			on := access.ID{Kind: "folder", Name: fmt.Sprint("folder-", (i+j*7)%50)}
			b.Grant(access.Grant{Subject: id, Target: on, Permission: "write"})
		}
	}
	s, err := b.Build()
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func BenchmarkParse(b *testing.B) {
	for _, n := range []int{1_000, 10_000} {
		data := render(Describe(), &content{state: large(b, n)})
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if _, err := parse(Describe(), func() *access.Builder { return access.NewBuilder("large") }, data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkRender(b *testing.B) {
	for _, n := range []int{1_000, 10_000} {
		c := &content{state: large(b, n)}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				render(Describe(), c)
			}
		})
	}
}

// One change is a read and a write of the whole file; so is a batch.
func BenchmarkApply(b *testing.B) {
	for _, n := range []int{1_000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			dir := b.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "f"), render(Describe(), &content{state: large(b, n)}), 0o600); err != nil {
				b.Fatal(err)
			}
			c, err := open(connectors.Config{System: "large", Dir: dir, Settings: connectors.Settings{SettingPath: {Text: "f"}}})
			if err != nil {
				b.Fatal(err)
			}
			i := 0
			for b.Loop() {
				i++
				change := access.Change{System: "large", Action: access.Create, Subject: access.Account(fmt.Sprint("new-", i)), After: &access.Value{}}
				if err := c.Apply(b.Context(), change); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
