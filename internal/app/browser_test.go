package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"amicale/internal/app"
	"amicale/internal/app/demo"
	"amicale/internal/clock"
	"amicale/internal/dbtest"
	"amicale/internal/domains"
	"amicale/internal/mail"
	"amicale/internal/outbox"
	"amicale/internal/ui"
	"amicale/internal/webtest"
)

// maxShift is what a page may move while it comes: a browser under load may paint the bar before its last button was
// read. Anything that comes late moves ten times as much.
const maxShift = 0.004

// maxFirstPage is what a first visit may take on the wire, in bytes (DESIGN §4).
const maxFirstPage = 100_000

// watch notes in the page what must not happen: scripts that fail, refusals by the policy, shifts of the layout that
// nobody asked for.
const watch = `window.seen = {errors: [], refused: [], shifts: []};
addEventListener("error", e => seen.errors.push(e.message));
addEventListener("unhandledrejection", e => seen.errors.push(String(e.reason)));
addEventListener("securitypolicyviolation", e => seen.refused.push(e.violatedDirective + " " + e.blockedURI));
const named = s => s.node ? (s.node.tagName || s.node.parentNode?.tagName) + "." + (s.node.className || s.node.data) + " " + JSON.stringify(s.previousRect) + " to " + JSON.stringify(s.currentRect) : "something";
new PerformanceObserver(l => { for (const e of l.getEntries()) if (!e.hadRecentInput) seen.shifts.push({at: e.startTime, value: e.value, what: e.sources.map(named)}); }).observe({type: "layout-shift", buffered: true});
// While the page is still coming in, a busy machine draws a part of it: that is no shift of the page.
window.shifts = () => seen.shifts.filter(s => s.at >= performance.getEntriesByType("navigation")[0].domInteractive);`

// sideways names what makes the page scroll sideways.
const sideways = `document.documentElement.scrollWidth <= innerWidth ? "" : [...document.querySelectorAll("body *")].filter(e => !e.closest(".table thead") && e.getBoundingClientRect().right > innerWidth + 1 && !e.closest(".tabs, .visually-hidden")).map(e => e.tagName + "." + e.className).slice(0, 5).join(" ") || "something"`

// axe finds what stands in the way of people who see, hear or move otherwise.
const axe = `axe.run().then(r => r.violations.map(v => v.id + ": " + v.nodes.map(n => n.html.slice(0, 160) + " " + n.any.map(a => a.message).join(" ")).join("\n  ")).join("\n"))`

// listening is a whole demonstration that answers on this machine, at its true address.
func listening(t *testing.T) (w *webtest.World, url string) {
	t.Helper()
	w, ln, url := built(t, app.MailOptions{})
	answering(t, w, ln)
	return w, url
}

// built is a whole demonstration at its true address, where nobody answers yet.
func built(t *testing.T, m app.MailOptions, extra ...int) (w *webtest.World, ln net.Listener, url string) {
	t.Helper()
	w = webtest.New(t, dbtest.New(t), extra...)
	ln = loopback(t)
	url = "http://" + ln.Addr().String()
	var err error
	w.App, err = app.New(t.Context(), app.Options{DB: w.DB, Blobs: w.Blob, Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError})), Now: clock.System, URL: url,
		MailFrom: mail.Address{Name: "Amicale", Address: "ne-pas-repondre@annuaire.example"}, Demo: true, Version: "test", Mail: m})
	if err != nil {
		t.Fatal(err)
	}
	return w, ln, url
}

func loopback(t *testing.T) net.Listener {
	t.Helper()
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return ln
}

// answering serves the site until the test ends.
func answering(t *testing.T, w *webtest.World, ln net.Listener) {
	t.Helper()
	s := serveOn(t, w.App, ln)
	t.Cleanup(func() {
		s.stop()
		if err := <-s.done; err != nil {
			t.Errorf("Serve() = %v", err)
		}
	})
}

// tab is a Chromium of its own at a site.
type tab struct {
	t      *testing.T
	ctx    context.Context
	url    string
	script bool // JavaScript runs

	mu         sync.Mutex
	complaints []string
	bytes      float64 // received so far

	examined map[string]bool // paths that axe has seen in this state
}

func newTab(t *testing.T, url string, width int64, script bool) *tab {
	t.Helper()
	if testing.Short() {
		t.Skip("short")
	}
	if !ui.Bundled() {
		dbtest.Skip(t, "the bundle is not built: run web/build.sh")
	}
	path := os.Getenv("AMICALE_TEST_CHROMIUM")
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); path == "" && err == nil {
			path = found
		}
	}
	if path == "" {
		dbtest.Skip(t, "no Chromium: set AMICALE_TEST_CHROMIUM to run this")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.Flag("lang", "fr-FR"), chromedp.Flag("accept-lang", "fr-FR"))
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	b := &tab{t: t, ctx: ctx, url: url, script: script, examined: map[string]bool{}}
	b.must(chromedp.Do(ctx, chromedp.EmulateViewport(width, 800)))
	b.must(chromedp.Listen(ctx, b.hear))
	_, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !script})
	b.must(err)
	if script {
		_, err = chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: watch})
		b.must(err)
	}
	return b
}

func (b *tab) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatalf("%v\nso far: %q", err, b.complaints)
	}
}

// hear notes what the browser complains about, what it asks for elsewhere, and how much comes.
func (b *tab) hear(ev any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	complain := func(format string, args ...any) { b.complaints = append(b.complaints, fmt.Sprintf(format, args...)) }
	switch e := ev.(type) {
	case *network.EventRequestWillBeSent:
		if u := e.Request.URL; !strings.HasPrefix(u, b.url+"/") && !strings.HasPrefix(u, "data:") && !strings.HasPrefix(u, "blob:") {
			complain("a request leaves for %s", u)
		}
	case *network.EventLoadingFinished:
		b.bytes += e.EncodedDataLength
	case *runtime.EventConsoleAPICalled:
		if e.Type == "error" || e.Type == "warning" || e.Type == "assert" {
			text, _ := json.Marshal(e.Args)
			complain("console %s: %s", e.Type, text)
		}
	case *runtime.EventExceptionThrown:
		complain("exception: %s", e.ExceptionDetails.Text)
	case *log.EventEntryAdded:
		if e.Entry.Level == "error" {
			complain("%s: %s (%s)", e.Entry.Source, e.Entry.Text, e.Entry.URL)
		}
	}
}

// quiet fails the test for each complaint since the last time.
func (b *tab) quiet(where string) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.complaints {
		b.t.Errorf("%s: %s", where, c)
	}
	b.complaints = nil
}

func eval[T any](b *tab, script string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%s: %v", script, err)
	}
	return v
}

// until waits for a condition in the page.
func (b *tab) until(condition string) {
	b.t.Helper()
	for range 200 {
		if eval[bool](b, condition) {
			return
		}
		time.Sleep(30 * time.Millisecond)
	}
	b.t.Fatalf("never true: %s\n%.800s", condition, b.text())
}

// visit asks for an address of the site, or a whole one from a letter, and looks at the page.
func (b *tab) visit(at string) {
	b.t.Helper()
	if strings.HasPrefix(at, "/") {
		at = b.url + at
	}
	b.must(chromedp.Do(b.ctx, chromedp.Navigate(at)))
	b.look(at)
}

// press clicks and looks at the page this leads to.
func (b *tab) press(selector string) {
	b.t.Helper()
	b.follow(selector)
	b.look("after " + selector)
}

// follow clicks on what leads to another page, which may soon lead to a third by itself.
func (b *tab) follow(selector string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 20*time.Second)
	defer cancel()
	res, err := chromedp.RunResponse(ctx, chromedp.Click(chromedp.CSS(selector)))
	if err != nil {
		b.t.Fatalf("click on %s: %v\nat %s: %.600s", selector, err, b.where(), b.text())
	}
	if res.Status >= 400 {
		b.t.Fatalf("click on %s: status %d\n%.600s", selector, res.Status, b.text())
	}
}

// fill types into a field that may hold something already.
func (b *tab) fill(selector, text string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 20*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.SendKeys(chromedp.CSS(selector), text)); err != nil {
		b.t.Fatalf("fill %s: %v\nat %s: %.600s", selector, err, b.where(), b.text())
	}
}

func (b *tab) where() string {
	at, err := chromedp.Run(b.ctx, chromedp.Location())
	b.must(err)
	return at
}

// text is what the page says.
func (b *tab) text() string { return b.words("body") }

// words are what one element says.
func (b *tab) words(selector string) string {
	var text string
	var err error
	for range 10 { // what is just being replaced has no text
		ctx, cancel := context.WithTimeout(b.ctx, 20*time.Second)
		text, err = chromedp.Run(ctx, chromedp.Text(chromedp.CSS(selector)))
		cancel()
		if err == nil {
			return strings.Join(strings.Fields(strings.ReplaceAll(text, "\u2060", "")), " ") // where a line may end is nobody's word
		}
		time.Sleep(50 * time.Millisecond)
	}
	return selector + ": " + err.Error()
}

// says fails the test unless the page holds each text.
func (b *tab) says(texts ...string) {
	b.t.Helper()
	got := b.text()
	for _, s := range texts {
		if !strings.Contains(got, s) {
			b.t.Fatalf("%s lacks %q: %.1200s", b.where(), s, got)
		}
	}
}

// look holds a page to what every page promises: nobody complains, nothing shifts, nothing is wider than the window,
// axe finds nothing in the light nor in the dark.
func (b *tab) look(name string) {
	b.t.Helper()
	if b.script {
		at := b.where()
		settled := `document.fonts.ready.then(() => new Promise(done => setTimeout(() => done(true), 50)))`
		shift := `shifts().reduce((sum, s) => sum + s.value, 0)`
		eval[bool](b, settled)
		if eval[float64](b, shift) > maxShift { // a busy machine may have drawn a part of it: what shifts does so again
			b.must(chromedp.Do(b.ctx, chromedp.Reload()))
			eval[bool](b, settled)
		}
		if got := eval[string](b, `[...seen.errors, ...seen.refused].join("; ")`); got != "" {
			b.t.Errorf("%s (%s): the page complains: %s", name, at, got)
		}
		if got := eval[float64](b, shift); got > maxShift {
			b.t.Errorf("%s (%s): layout shift %.4f, want none: %s", name, at, got, eval[string](b, `shifts().flatMap(s => s.what).join("; ")`))
		}
		if wide := eval[string](b, sideways); wide != "" {
			b.t.Errorf("%s (%s): wider than the window: %s", name, at, wide)
		}
		// One look at each page is enough, and one more at each that says what was wrong or done.
		if key := eval[string](b, `location.pathname + " " + document.querySelectorAll(".toast, .alert, dialog[open]").length`); !b.examined[key] {
			b.examined[key] = true
			b.axe(name, at)
		}
	}
	b.quiet(name)
}

func (b *tab) axe(name, at string) {
	b.t.Helper()
	source, err := os.ReadFile(filepath.Join("..", "..", "web", "node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		dbtest.Skip(b.t, "axe-core is not there: run npm ci in web")
	}
	eval[bool](b, string(source)+";true")
	// What lies below the window is drawn when somebody scrolls there; here it is looked at as well.
	eval[bool](b, `(s => { s.replaceSync("* { content-visibility: visible !important; transition: none !important; }"); document.adoptedStyleSheets = [s]; return true; })(new CSSStyleSheet())`)
	for _, theme := range []string{"light", "dark"} {
		b.emulate("prefers-color-scheme", theme)
		if found := eval[string](b, axe); found != "" {
			b.t.Errorf("%s (%s), %s: axe finds\n%s", name, at, theme, found)
		}
	}
	b.emulate("prefers-color-scheme", "light")
	eval[bool](b, `(document.adoptedStyleSheets = [], true)`)
}

func (b *tab) emulate(feature, value string) {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: feature, Value: value}, {Name: "prefers-reduced-motion", Value: "reduce"}}})
	b.must(err)
}

// letter waits for the newest letter to an address whose text holds a word, as the demonstration's mailbox gives it.
func (b *tab) letter(to, word string) outbox.Posted {
	b.t.Helper()
	for range 300 {
		req, err := http.NewRequestWithContext(b.ctx, http.MethodGet, b.url+"/dev/mailbox.json", nil)
		b.must(err)
		res, err := http.DefaultClient.Do(req)
		b.must(err)
		var list []outbox.Posted
		err = json.NewDecoder(res.Body).Decode(&list)
		res.Body.Close()
		b.must(err)
		i := slices.IndexFunc(list, func(l outbox.Posted) bool { return l.To == to && strings.Contains(l.Text, word) && len(l.Links) > 0 })
		if i >= 0 {
			return list[i]
		}
		time.Sleep(30 * time.Millisecond)
	}
	b.t.Fatalf("no letter to %s", to)
	return outbox.Posted{}
}

func (b *tab) signOut() {
	b.t.Helper()
	if b.script {
		b.must(chromedp.Do(b.ctx, chromedp.Click(chromedp.CSS("header .menu summary"))))
		b.press(`header .menu form[action="/deconnexion"] button`)
	} else {
		b.visit("/deconnexion")
		b.press(`main form[action="/deconnexion"] button`)
	}
	b.says("Te voilà déconnecté")
}

// signIn goes through the form. The button must say at once that it was heard: a hash takes its time.
func (b *tab) signIn(who, password string) {
	b.t.Helper()
	b.visit("/connexion")
	b.fill("main [name=who]", who)
	b.fill("main [name=password]", password)
	const button = `main form[action="/connexion"] .button-primary`
	if b.script {
		// Read within the click's own task, before anything can come from the network.
		ctx, cancel := context.WithTimeout(b.ctx, 20*time.Second)
		defer cancel()
		var busy string
		_, err := chromedp.RunResponse(ctx, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
			var err error
			busy, err = chromedp.Evaluate[string](`(b => { b.click(); return String(b.getAttribute("aria-busy")); })(document.querySelector('`+button+`'))`)(ctx, t)
			return err
		}))
		b.must(err)
		if busy != "true" {
			b.t.Errorf("after the click on %s, aria-busy = %q, want true", button, busy)
		}
		b.look("after signing in")
	} else {
		b.press(button)
	}
	b.says("Mon menu")
}

// faceFile is a small portrait on disk, for the file field.
func faceFile(t *testing.T) string {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 600, 500))
	for y := range 500 {
		for x := range 600 {
			img.Set(x, y, color.RGBA{uint8(x / 3), uint8(y / 2), 120, 255})
		}
	}
	var out bytes.Buffer
	if err := png.Encode(&out, img); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "moi.png")
	if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestBrowserMainPath(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		width  int64
		script bool
	}{{"360 px", 360, true}, {"1280 px", 1280, true}, {"360 px without JavaScript", 360, false}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, url := listening(t)
			b := newTab(t, url, c.width, c.script)
			arrive(b)
			b.signIn(webtest.Webmaster, demo.Password)
			importList(b)
			b.signOut()
			activate(b)
			b.signOut()
			b.signIn("Océane Kerbrat-L’Hôte LY 2010", "un cheval bai dans la neige")
			complete(b)
			b.signOut()
			b.signIn(webtest.Member, demo.Password)
			find(b)
			b.signOut()
		})
	}
}

// arrive opens the site for the first time.
func arrive(b *tab) {
	b.t.Helper()
	b.visit("/")
	b.says("Diplômés : activer votre compte")
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.bytes < 5_000 || b.bytes > maxFirstPage {
		b.t.Errorf("the first page takes %.0f bytes on the wire, want at most %d", b.bytes, maxFirstPage)
	}
	b.t.Logf("the first page takes %.0f bytes on the wire", b.bytes)
}

// importList brings a list in through the back office, tried first.
func importList(b *tab) {
	b.t.Helper()
	b.visit("/admin/imports")
	list := filepath.Join(b.t.TempDir(), "diplômés.csv")
	b.must(os.WriteFile(list, []byte("Nom;Prénom;Promo;E-mail;Téléphone;Département\r\nKerbrat-L’Hôte;Océane;2010;oceane.kerbrat@exemple.fr;04 65 71 00 55;Informatique\r\nLe Bihan;Yann;2010;;;Génie civil\r\n;Sans-Nom;2010;;;\r\n"), 0o600))
	b.must(chromedp.Do(b.ctx, chromedp.SetUploadFiles(chromedp.CSS(`main input[type=file]`), []string{list})))
	b.press(`main form[action="/admin/imports"] .button-primary`)
	for _, button := range []string{`main form[action$="/essayer"] .button-primary`, `main button[formaction$="/importer"]`} {
		b.follow(button)
		for range 200 { // the page looks after its own progress; without JavaScript it is asked for again
			if !b.has("#progression") {
				break
			}
			if time.Sleep(50 * time.Millisecond); !b.script {
				b.must(chromedp.Do(b.ctx, chromedp.Reload()))
			}
		}
		b.look("after " + button)
	}
	b.says("Terminé", "Bilan")
}

// has reports whether the page holds something.
func (b *tab) has(selector string) bool {
	b.t.Helper()
	nodes, err := chromedp.Run(b.ctx, chromedp.Nodes(chromedp.CSS(selector), chromedp.AtLeast(0)))
	b.must(err)
	return len(nodes) > 0
}

// activate opens an account from the surname and the class alone.
func activate(b *tab) {
	b.t.Helper()
	b.press(`main a[href="/connexion/activer"]`)
	b.fill("main [name=surname]", "kerbrat l'hote")
	b.fill("main [name=year]", "2010")
	b.press(`main form[action="/connexion/activer"] .button-primary`)
	b.fill("main [name=email]", "oceane.kerbrat@exemple.fr")
	b.fill("main [name=phone]", "04 65 71 00 55")
	b.press(`main form[action="/connexion/activer/envoi"] .button-primary`)
	l := b.letter("oceane.kerbrat@exemple.fr", "oceane.kerbrat-l-hote.ly2010")
	b.visit(l.Links[0])
	b.says("Océane")
	b.fill("main [name=password]", "un cheval bai dans la neige")
	b.press("main form .button-primary")
	b.says("Bonjour Océane")
}

// complete fills in a headline, a photo and an e-mail that a link confirms.
func complete(b *tab) {
	b.t.Helper()
	b.visit("/moi/profil")
	b.fill("#presentation-headline", "Apprentie ingénieure, énergies marines")
	b.press(`form[action="/moi/profil/presentation"] button[type=submit]`)
	b.must(chromedp.Do(b.ctx, chromedp.SetUploadFiles(chromedp.CSS(`form[action="/moi/profil/photo"] input[type=file]`), []string{faceFile(b.t)})))
	b.press(`form[action="/moi/profil/photo"] button[type=submit]`)
	if err := chromedp.Do(b.ctx, chromedp.WaitReady(chromedp.CSS(`#photo img[src^="/moi/profil/photo/"]`))); err != nil {
		b.t.Fatal(err)
	}
	b.must(chromedp.Do(b.ctx, chromedp.Click(chromedp.CSS(`#emails details:not([open]):has(input[name=kind]) > summary`))))
	b.fill("#nouveau-email-value", "oceane@ailleurs.example")
	b.press(`#emails form[action="/moi/profil/coordonnees"] .actions button[type=submit]`)
	l := b.letter("oceane@ailleurs.example", "/moi/profil/email/")
	b.visit(l.Links[0])
	b.press(`main form[action^="/moi/profil/email/"] button`)
	b.says("oceane@ailleurs.example")
}

// find looks for her with the first letters: no key sends the form where there is JavaScript.
func find(b *tab) {
	b.t.Helper()
	b.visit("/annuaire")
	field := `input[type=search][name=q]`
	if b.script {
		b.fill("#recherche", "ker")
		b.until(`document.querySelector("#resultats").innerText.includes("Océane Kerbrat") && location.search.includes("q=ker")`)
		b.look("first keystrokes")
	} else {
		ctx, cancel := context.WithTimeout(b.ctx, 20*time.Second)
		defer cancel()
		_, err := chromedp.RunResponse(ctx, chromedp.SendKeys(chromedp.CSS(field), "ker oce\r"))
		b.must(err)
	}
	b.says("Océane Kerbrat-L’Hôte", "énergies marines")
	b.press(`#resultats a[href^="/p/oceane.kerbrat"]`)
	b.says("Océane Kerbrat-L’Hôte", "énergies marines", "oceane.kerbrat@exemple.fr")
	if b.script && !eval[bool](b, `[...document.images].filter(i => i.src.includes("/photo/")).every(i => i.complete && i.naturalWidth > 0) && [...document.images].some(i => i.src.includes("/p/oceane"))`) {
		b.t.Error("her photo is not shown")
	}
}

// key presses keys in whatever has the focus.
func (b *tab) key(keys string) {
	b.t.Helper()
	b.must(chromedp.Do(b.ctx, chromedp.KeyEvent(keys)))
}

// tabTo goes on by the Tab key until the focus is where the selector says, and is visible there.
func (b *tab) tabTo(selector string) {
	b.t.Helper()
	for range 60 {
		b.key("\t")
		if eval[bool](b, `document.activeElement.matches('`+selector+`')`) {
			outline := eval[string](b, `(e => { const drawn = s => s.outlineStyle !== "none" && parseFloat(s.outlineWidth) > 0;
				return e.matches(":focus-visible") && (drawn(getComputedStyle(e)) || drawn(getComputedStyle(e, "::after"))) ? "" : e.outerHTML.slice(0, 200); })(document.activeElement)`)
			if outline != "" {
				b.t.Errorf("the focus cannot be seen on %s", outline)
			}
			return
		}
	}
	b.t.Fatalf("the Tab key never reaches %s on %s", selector, b.where())
}

// enter presses Enter and waits for the page this leads to.
func (b *tab) enter() {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 20*time.Second)
	defer cancel()
	_, err := chromedp.RunResponse(ctx, chromedp.KeyEvent("\r"))
	b.must(err)
}

func TestBrowserKeyboardOnly(t *testing.T) {
	t.Parallel()
	_, url := listening(t)
	b := newTab(t, url, 1280, true)
	b.must(chromedp.Do(b.ctx, chromedp.Navigate(url+"/")))
	b.key("\t")
	if !eval[bool](b, `document.activeElement.matches('a[href="#contenu"]') && document.activeElement.getBoundingClientRect().top >= 0`) {
		t.Error("the first Tab does not lead to a visible way past the navigation")
	}
	b.tabTo(`a[href^="/connexion"]`)
	b.enter()
	b.tabTo("main [name=who]")
	b.key("Laure.Lavaut.LY.2010")
	b.tabTo("main [name=password]")
	b.key(demo.Password)
	b.enter()
	b.says("Bonjour Laure")
	b.tabTo("#recherche")
	b.key("lefev brun")
	b.enter()
	b.says("Bruno Lefèvre")
	b.tabTo(`#resultats a[href^="/p/"]`)
	b.enter()
	b.says("Bruno Lefèvre")
	b.tabTo("header .menu summary")
	b.key(" ")
	if !eval[bool](b, `document.querySelector("header .menu").open`) {
		t.Error("the space bar does not open the menu")
	}
	b.tabTo(`header .menu form[action="/deconnexion"] button`)
	b.enter()
	b.says("Te voilà déconnecté")
	b.quiet("keyboard")
}

func TestBrowserLooksAtEveryPage(t *testing.T) {
	t.Parallel()
	w, ln, url := built(t, app.MailOptions{}, 300) // so many that a letter failed for somebody
	livedMail(t, w)
	answering(t, w, ln)
	openCase(t, w)
	checkMail(t, w)
	looked := map[string]bool{} // each page once, as the first who sees it; at the other width for what is too wide
	for _, c := range []struct {
		who   string
		width int64
	}{{"", 360}, {webtest.Member, 1280}, {webtest.Webmaster, 360}, {webtest.Federation, 1280}} {
		t.Run(fmt.Sprintf("%s %d px", c.who, c.width), func(t *testing.T) {
			b := newTab(t, url, c.width, true)
			if c.who != "" {
				b.signIn(c.who, demo.Password)
			}
			for pattern, at := range onePerPattern(t, w, crawl(t, w.As(c.who), "/")) {
				if looked[pattern] {
					continue
				}
				looked[pattern] = true
				b.visit(at)
				b.must(chromedp.Do(b.ctx, chromedp.EmulateViewport(360+1280-c.width, 800)))
				if wide := eval[string](b, sideways); wide != "" {
					t.Errorf("%s at %d px is wider than the window: %s", at, 360+1280-c.width, wide)
				}
				b.must(chromedp.Do(b.ctx, chromedp.EmulateViewport(c.width, 800)))
			}
		})
	}
	for _, pattern := range mailPages() {
		if !looked[pattern] {
			t.Errorf("nobody looked at %s", pattern)
		}
	}
}

// nowhere is a DNS that holds nothing.
type nowhere struct{}

func (nowhere) gone(name string) error {
	return &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}
func (n nowhere) LookupTXT(_ context.Context, s string) ([]string, error) { return nil, n.gone(s) }
func (n nowhere) LookupMX(_ context.Context, s string) ([]*net.MX, error) { return nil, n.gone(s) }
func (n nowhere) LookupIPAddr(_ context.Context, s string) ([]net.IPAddr, error) {
	return nil, n.gone(s)
}
func (n nowhere) LookupAddr(_ context.Context, s string) ([]string, error) { return nil, n.gone(s) }
func (nowhere) LookupCNAME(_ context.Context, s string) (string, error)    { return s, nil }

// checkMail leaves a report about Lyon's mail domain, with all that must be published.
func checkMail(t *testing.T, w *webtest.World) {
	t.Helper()
	setup := domains.Setup{Domain: "ail.example", Association: true, MailHost: "courrier.ail.example", SiteHost: "annuaire.ail.example", Receives: true}
	c := domains.NewChecker(domains.NewStore(w.DB, w.App.Now), domains.CheckerOptions{Resolver: nowhere{}, Client: &http.Client{Transport: http.NewFileTransport(http.Dir(t.TempDir()))}})
	if _, err := c.Check(t.Context(), setup); err != nil {
		t.Fatal(err)
	}
}

// onePerPattern are addresses of whole pages, one for each route.
func onePerPattern(t *testing.T, w *webtest.World, pages map[string]*webtest.Answer) map[string]string {
	t.Helper()
	mux := http.NewServeMux()
	for _, rt := range w.App.Routes() {
		mux.Handle(rt.Pattern, http.NotFoundHandler())
	}
	best := map[string]string{}
	for at, a := range pages {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://x"+at, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, pattern := mux.Handler(req)
		if a.Status != http.StatusOK || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") || strings.HasPrefix(at, "/dev/") {
			continue
		}
		if have, ok := best[pattern]; !ok || len(at) < len(have) || len(at) == len(have) && at < have {
			best[pattern] = at
		}
	}
	if len(best) < 5 {
		t.Fatalf("only %d pages: %v", len(best), best)
	}
	return best
}
