//go:build unix

package report

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/accordhq/accord/connectors/servertest"
	"github.com/accordhq/accord/engine/plan"
)

func TestMain(m *testing.M) { servertest.Main(m) }

// browser is a page in Chromium, without network, that keeps what the console says.
type browser struct {
	t   *testing.T
	ctx context.Context
	url string

	mu      sync.Mutex
	console []string
}

// open writes the page of a plan to a file and opens it.
func open(t *testing.T, p *plan.Plan) *browser {
	t.Helper()
	path := servertest.Chromium(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "plan.html")
	var b bytes.Buffer
	if err := PlanHTML(&b, p, "Access after <Alice> moves to SRE"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.UserDataDir(filepath.Join(dir, "profile")), chromedp.WindowSize(1280, 900),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND"), chromedp.WSURLReadTimeout(2*time.Minute))
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	w := &browser{t: t, ctx: ctx, url: "file://" + file}
	if err := chromedp.Listen(ctx, w.hear); err != nil {
		t.Fatal(err)
	}
	w.run(chromedp.Navigate(w.url), chromedp.WaitVisible(chromedp.CSS("#bar")))
	return w
}

// hear keeps what the console says: a call of a script, an error, a refusal of the policy.
func (w *browser) hear(event any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		w.console = append(w.console, string(e.Type))
	case *runtime.EventExceptionThrown:
		w.console = append(w.console, e.ExceptionDetails.Text)
	case *cdplog.EventEntryAdded:
		w.console = append(w.console, e.Entry.Text)
	}
}

// run carries out actions, which have two minutes.
func (w *browser) run(actions ...chromedp.Action[chromedp.Void]) {
	w.t.Helper()
	get(w, chromedp.Steps(actions...))
}

// get carries out an action and gives what it returns.
func get[T any](w *browser, action chromedp.Action[T]) T {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, 2*time.Minute)
	defer cancel()
	out, err := chromedp.Run(ctx, action)
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

// eval evaluates an expression.
func eval[T any](w *browser, expression string) T {
	w.t.Helper()
	return get(w, chromedp.Evaluate[T](expression))
}

// call is a command of the browser's protocol as an action.
func call[P, R any](c cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, c, params)
		return err
	})
}

// visible is what the rows that are shown say, without what is folded.
func (w *browser) visible() []string {
	w.t.Helper()
	return eval[[]string](w, `Array.from(document.querySelectorAll(".steps > li")).filter(r => r.checkVisibility()).map(r => r.querySelector("summary").textContent.replace(/\s+/g, " ").trim())`)
}

// wants waits until so many rows are shown, each of which holds the text.
func (w *browser) wants(n int, text string) {
	w.t.Helper()
	_, err := chromedp.Run(w.ctx, chromedp.Poll[bool](fmt.Sprintf(`document.querySelectorAll(".steps > li:not([hidden])").length === %d`, n), chromedp.WithPollingTimeout(20*time.Second)))
	rows := w.visible()
	if err != nil {
		w.t.Errorf("waiting for %d rows: %v", n, err)
	}
	if len(rows) != n {
		w.t.Errorf("%d rows are shown, not %d: %q", len(rows), n, rows)
	}
	for _, r := range rows {
		if !strings.Contains(r, text) {
			w.t.Errorf("%q is shown, though it doesn't hold %q", r, text)
		}
	}
}

// filter opens the page anew under an address that holds a filter.
func (w *browser) filter(fragment string) {
	w.t.Helper()
	w.run(chromedp.Navigate("about:blank"), chromedp.Navigate(w.url+"#"+fragment), chromedp.WaitVisible(chromedp.CSS("#bar")))
}

// quiet wants nothing on the console: neither an error nor a refusal of the policy.
func (w *browser) quiet() {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.console {
		w.t.Errorf("the console says %s", c)
	}
}

// shot writes a picture where somebody asks for it, to look at.
func (w *browser) shot(name string) {
	w.t.Helper()
	dir := os.Getenv("ACCORD_SHOTS")
	if dir == "" {
		return
	}
	png := get(w, chromedp.CaptureScreenshot())
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644); err != nil {
		w.t.Fatal(err)
	}
}

// A browser shows the page, filters by what the address or the bar says, by mouse and by keys,
// and has nothing to complain about.
func TestHTMLInBrowser(t *testing.T) {
	w := open(t, believable())
	all := len(believable().Steps)
	w.wants(all, "")
	w.shot("page")
	w.run(chromedp.Evaluate[chromedp.Void](`scrollTo(0, 700)`))
	w.shot("steps")

	if title := get(w, chromedp.Title()); title != "Access after <Alice> moves to SRE" {
		t.Errorf("the title is %q", title)
	}
	w.filter("system=warehouse")
	w.wants(5, "warehouse")
	w.filter("class=drift")
	w.wants(1, "mallory")
	w.filter("action=drastic&person=carol")
	w.wants(2, "carol")
	w.filter("risk=mass-revoke")
	w.filter("risk=refused")
	w.wants(7, "refused")
	w.filter("risk=grants-admin")
	w.wants(1, "team/sre: maintainer")
	w.filter("q=payments+carol")
	w.wants(1, "team/payments")
	w.filter("q=nowhere-to-be-found")
	w.wants(0, "")
	if !eval[bool](w, `document.getElementById("none").checkVisibility()`) {
		t.Error("nothing is shown, and that isn't said")
	}
	w.run(chromedp.Click(chromedp.CSS("#clear")))
	w.wants(all, "")

	// The bar, and what becomes of the address.
	w.run(chromedp.SendKeys(chromedp.CSS(`select[name="system"]`), "w"))
	w.wants(5, "warehouse")
	hash, count := eval[string](w, `location.hash`), eval[string](w, `document.getElementById("count").textContent`)
	if hash != "#system=warehouse" || count != fmt.Sprintf("5 of %d shown", all) {
		t.Errorf("%q, %q", hash, count)
	}
	w.shot("filtered")
	w.run(chromedp.KeyEvent(kb.Escape))
	w.wants(all, "")

	// By keys alone: search, go to the first step, unfold its reasons.
	w.run(chromedp.KeyEvent("/"))
	if at := eval[string](w, `document.activeElement.name`); at != "q" {
		t.Errorf("the key for the search leads to %q", at)
	}
	w.run(chromedp.Evaluate[chromedp.Void](`document.activeElement.value = ""`), chromedp.SendKeys(chromedp.CSS(`input[name="q"]`), "alice maintainer"))
	w.wants(1, "alice")
	w.run(chromedp.Evaluate[chromedp.Void](`document.activeElement.blur()`), chromedp.KeyEvent("j"), chromedp.KeyEvent(kb.Enter))
	more := eval[string](w, `document.querySelector("details[open] .more").innerText`)
	if !strings.Contains(more, `sre includes everyone whose title is "Staff SRE"`) {
		t.Errorf("it unfolds %q", more)
	}
	w.shot("unfolded")
	w.quiet()
}

// Without a script everything is there to read, and the bar isn't.
func TestHTMLWithoutScript(t *testing.T) {
	w := open(t, judged())
	w.run(call(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}), chromedp.Navigate("about:blank"), chromedp.Navigate(w.url))
	w.run(chromedp.WaitVisible(chromedp.CSS("h1")))
	bar := eval[bool](w, `document.getElementById("bar").checkVisibility()`)
	if rows := w.visible(); bar || len(rows) != len(judged().Steps) {
		t.Errorf("bar: %v, rows: %q", bar, rows)
	}
	w.shot("judged")
	w.quiet()
}

// Dark and narrow it is still a page, and on paper what is shown is open.
func TestHTMLMedia(t *testing.T) {
	w := open(t, believable())
	w.run(call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}}))
	w.shot("dark")
	const background = `getComputedStyle(document.body).backgroundColor`
	before := eval[string](w, background)
	w.run(chromedp.Click(chromedp.CSS("#theme")))
	after := eval[string](w, background)
	if before == after || before != "rgb(20, 21, 23)" {
		t.Errorf("dark %s, light %s", before, after)
	}
	w.run(chromedp.EmulateViewport(390, 844))
	if eval[bool](w, `document.documentElement.scrollWidth > innerWidth`) {
		t.Error("on a phone it has to be moved sideways")
	}
	w.shot("phone")
	w.run(chromedp.EmulateViewport(1280, 900), call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"}))
	printed := eval[string](w, `dispatchEvent(new Event("beforeprint")); String(Array.from(document.querySelectorAll("details")).every(d => d.open)) + getComputedStyle(document.getElementById("bar")).display`)
	if printed != "truenone" {
		t.Errorf("on paper: %s", printed)
	}
	w.quiet()
}

// Ten thousand steps open, and the address filters them. The browser itself prints what became of
// the page: to watch every node of so large a document from outside costs far more than the page.
func TestHTMLOfTenThousand(t *testing.T) {
	p := steps10k()
	path, dir := servertest.Chromium(t), t.TempDir()
	file := filepath.Join(dir, "plan.html")
	var b bytes.Buffer
	if err := PlanHTML(&b, p, ""); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 4*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, path, "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir="+filepath.Join(dir, "profile"), "--dump-dom", "file://"+file+"#q=person0042+team").Output()
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("1 of %d shown", len(p.Steps)); len(p.Steps) < 10000 || !bytes.Contains(out, []byte(want)) {
		t.Errorf("%d steps, and the page doesn't say %q", len(p.Steps), want)
	}
}
