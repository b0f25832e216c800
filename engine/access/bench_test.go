package access_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/accordhq/accord/engine/access"
)

// BenchmarkBuild makes the state of a system of 10,000 accounts with five grants each: as most
// connectors give them, in order, and as they might come.
func BenchmarkBuild(b *testing.B) {
	for _, sorted := range []bool{true, false} {
		var accounts []access.ID
		for i := range 10_000 {
			accounts = append(accounts, access.Account(fmt.Sprintf("person-%05d", i)))
		}
		if !sorted {
			r := rand.New(rand.NewPCG(1, 1))
			r.Shuffle(len(accounts), func(i, j int) { accounts[i], accounts[j] = accounts[j], accounts[i] })
		}
		b.Run(map[bool]string{true: "sorted", false: "shuffled"}[sorted], func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				build := access.NewBuilder("sys")
				for i, id := range accounts {
					build.Object(access.Object{ID: id})
					for j := range 5 {
						build.Grant(access.Grant{Subject: id, Target: access.ID{Kind: "group", Name: groups[(i+j*7)%len(groups)]}, Permission: "member"})
					}
				}
				if _, err := build.Build(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

var groups = func() (out []string) {
	for i := range 50 {
		out = append(out, fmt.Sprint("group-", i))
	}
	return out
}()
