package amend

import (
	"fmt"
	"strings"
	"testing"
)

// BenchmarkSet changes the last of many people of one file, on lines of their own and on one.
func BenchmarkSet(b *testing.B) {
	for _, n := range []int{500, 5000} {
		for name, sep := range map[string]string{"lines": "\n  - ", "line": ", "} {
			var people []string
			for i := range n {
				people = append(people, fmt.Sprintf("{person: p%d, name: Somebody}", i))
			}
			text := "people: [" + strings.Join(people, sep) + "]\n"
			if name == "lines" {
				text = "people:" + sep + strings.Join(people, sep) + "\n"
			}
			b.Run(fmt.Sprintf("%d on %s", n, name), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := Set([]byte(text), Doc{"person", fmt.Sprintf("p%d", n-1)}, "left", "status"); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
