package report

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/accordhq/accord/engine/plan"
)

func TestPlanHTML(t *testing.T) {
	for _, f := range fixtures {
		t.Run(f.name, func(t *testing.T) {
			var b bytes.Buffer
			if err := PlanHTML(&b, f.plan(), ""); err != nil {
				t.Fatal(err)
			}
			checkHTML(t, b.String())
			// The style and the script are in files of their own.
			short := strings.NewReplacer(pageCSS, "", pageJS, "", sealed(pageCSS), "STYLE", sealed(pageJS), "SCRIPT")
			golden(t, "plan-"+f.name+".html", func(b *bytes.Buffer) error {
				var page bytes.Buffer
				if err := PlanHTML(&page, f.plan(), ""); err != nil {
					return err
				}
				_, err := short.WriteString(b, page.String())
				return err
			})
		})
	}
}

// htmlPagesElements are what a page is made of.
var htmlPageElements = strings.Fields("html head meta title style body a header div h1 h2 h3 p button ul ol li table thead tbody tr td th main section form input datalist option select output details summary span code strong footer kbd script")

// checkHTML wants a page in which nothing but ours is markup, and which loads nothing.
func checkHTML(t testing.TB, text string) (steps []*html.Node) {
	t.Helper()
	for line := range strings.Lines(text) {
		if line = strings.TrimSuffix(line, "\n"); Clean(line) != line {
			t.Errorf("not safe to print: %q", line)
		}
	}
	root, err := html.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	scripts, styles := 0, 0
	var walk func(n *html.Node)
	walk = func(n *html.Node) {
		if n.Type == html.ElementNode {
			if !slices.Contains(htmlPageElements, n.Data) {
				t.Errorf("the page holds <%s>", n.Data)
			}
			for _, a := range n.Attr {
				if strings.HasPrefix(a.Key, "on") || a.Key == "style" || a.Key == "src" || a.Key == "href" && a.Val != "#steps" {
					t.Errorf("the page holds %s=%q", a.Key, a.Val)
				}
				if n.Data == "li" && a.Key == "data-system" {
					steps = append(steps, n)
				}
			}
			switch n.Data {
			case "script":
				scripts++
			case "style":
				styles++
			}
		}
		if n.Type == html.CommentNode {
			t.Errorf("the page holds a comment: %s", n.Data)
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
	}
	walk(root)
	if scripts != 1 || styles != 1 {
		t.Errorf("%d scripts and %d styles", scripts, styles)
	}
	return steps
}

func TestHTMLIsSafe(t *testing.T) {
	for _, s := range nasty {
		var b bytes.Buffer
		if err := PlanHTML(&b, everywhere(s), s); err != nil {
			t.Fatal(err)
		}
		if checkHTML(t, b.String()); t.Failed() {
			t.Fatalf("with %q", s)
		}
	}
}

func FuzzHTML(f *testing.F) {
	for _, s := range nasty {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 500 {
			return
		}
		var b bytes.Buffer
		if err := PlanHTML(&b, everywhere(s), s); err != nil {
			t.Fatal(err)
		}
		checkHTML(t, b.String())
	})
}

// Every step is on the page, once.
func TestHTMLTellsEveryStep(t *testing.T) {
	for seed := range uint64(30) {
		p := randomPlan(seed)
		var b bytes.Buffer
		if err := PlanHTML(&b, p, ""); err != nil {
			t.Fatal(err)
		}
		keys := map[string]int{}
		for _, n := range checkHTML(t, b.String()) {
			keys[textOf(n)]++
		}
		told := 0
		for i := range p.Steps {
			key := Clean(p.Steps[i].Key())
			for text, n := range keys {
				if strings.HasSuffix(text, key) {
					told += n
					break
				}
			}
		}
		if told != len(p.Steps) {
			t.Errorf("seed %d: %d of %d steps are told", seed, told, len(p.Steps))
		}
	}
}

func textOf(n *html.Node) string {
	if n.Type == html.TextNode {
		return n.Data
	}
	var b strings.Builder
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		b.WriteString(textOf(c))
	}
	return b.String()
}

func BenchmarkPlanHTML(b *testing.B) {
	p := steps10k()
	b.ReportAllocs()
	for b.Loop() {
		var out bytes.Buffer
		if err := PlanHTML(&out, p, ""); err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(out.Len()))
	}
}

func BenchmarkPlanMarkdown(b *testing.B) {
	p := steps10k()
	b.ReportAllocs()
	for b.Loop() {
		var out bytes.Buffer
		if err := PlanMarkdown(&out, p, MarkdownOptions{Limit: 65536}); err != nil {
			b.Fatal(err)
		}
	}
}

// steps10k is a plan of ten thousand steps.
func steps10k() *plan.Plan { return huge(4762)() }
