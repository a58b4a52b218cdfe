package ui

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"
	"github.com/chromedp/chromedp"
)

// The policy that web sets, as strict as can be: whatever it refuses shows as a violation in watchScript.
const testPolicy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'"

// watchScript counts what must not happen: errors, refusals by the policy, shifts of the layout.
const watchScript = `window.seen = {errors: [], refused: [], shift: 0};
addEventListener("error", e => seen.errors.push(e.message));
addEventListener("securitypolicyviolation", e => seen.refused.push(e.violatedDirective + " " + e.blockedURI));
new PerformanceObserver(l => { for (const e of l.getEntries()) seen.shift += e.value; }).observe({type: "layout-shift", buffered: true});`

// tooWide names what makes the page scroll sideways; what scrolls within itself is not looked into.
const tooWide = `document.documentElement.scrollWidth <= innerWidth ? "" : [...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest(".tabs, .visually-hidden")).map(e => e.tagName + "." + e.className).slice(0, 5).join(" ") || "something"`

// browser skips without Chromium or the bundle, unless AMICALE_NO_SKIP demands them.
func browser(t *testing.T) context.Context {
	t.Helper()
	skip := t.Skip
	if os.Getenv("AMICALE_NO_SKIP") != "" {
		skip = t.Fatal
	}
	if testing.Short() {
		t.Skip("short")
	}
	if !Bundled() {
		skip("the bundle is not built: run web/build.sh")
	}
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		skip("no Chromium on this machine")
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox)
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), opts...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	return ctx
}

// site serves the living page and small pages for the scripts' work.
func site(t *testing.T) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle(AssetPrefix, AssetHandler())
	show := func(pattern string, frame Frame, body func(*http.Request) templ.Component) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			var buf bytes.Buffer
			if err := pageOf(frame, body(r)).Render(testContext(t, "fr"), &buf); err != nil {
				t.Error(err)
			}
			html := strings.Replace(buf.String(), "<head>", `<head><script src="/watch.js"></script>`, 1)
			if theme := r.URL.Query().Get("theme"); theme != "" {
				html = strings.Replace(html, "<html", `<html data-theme="`+theme+`"`, 1)
			}
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.Header().Set("Content-Security-Policy", testPolicy)
			fmt.Fprint(w, html)
		})
	}
	full := fullFrame()
	full.Flash = nil
	show("GET /composants", full, func(*http.Request) templ.Component { return Showcase() })
	joined := full
	joined.Search.Form, joined.Search.Value = FacetsID, ""
	show("GET /annuaire", joined, liveExample)
	mux.HandleFunc("GET /watch.js", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		fmt.Fprint(w, watchScript)
	})
	mux.HandleFunc("GET /accents.css", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/css")
		if err := Accents(w, []AccentColour{{"ly", "#e42618"}, {"re", "#f39200"}, {"ro", "#0074b7"}, {"to", "#7a1f5c"}, {"st", "#2e9e3f"}, {"cv", "#5b4bb5"}}); err != nil {
			t.Error(err)
		}
	})
	mux.HandleFunc("/lent", func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(5 * time.Second):
		case <-r.Context().Done():
		}
	})
	mux.HandleFunc("GET /axe.js", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, filepath.Join(webFolder, "node_modules", "axe-core", "axe.min.js"))
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}

// liveExample answers what it was asked, so that the test sees which request came.
func liveExample(r *http.Request) templ.Component {
	asked := r.URL.Query()
	panel := FacetPanelProps{Action: "/annuaire", Live: "resultats", Beside: true, Results: 3, Groups: []FacetGroup{
		{Title: "École", Name: "ecole", Values: []FacetValue{{Value: "ly", Label: "Lyon", Count: 2, Selected: asked.Get("ecole") == "ly"}, {Value: "re", Label: "Rennes", Count: 1}}},
		{Title: "Promo", Name: "promo", Values: []FacetValue{{Value: "2010", Label: "2010", Count: 3}}},
	}}
	count := ResultsBar("Trouvé : " + asked.Get("q") + " " + asked.Get("ecole"))
	return templ.Join(FacetPanel(panel), templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		return Results("resultats").Render(templ.WithChildren(ctx, count), w)
	}))
}

func value[T any](t *testing.T, ctx context.Context, script string) T {
	t.Helper()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatalf("%s: %v", script, err)
	}
	return v
}

// until waits for a condition in the page.
func until(t *testing.T, ctx context.Context, condition string) {
	t.Helper()
	for range 100 {
		if value[bool](t, ctx, condition) {
			return
		}
		time.Sleep(30 * time.Millisecond)
	}
	t.Errorf("never true: %s", condition)
}

func open(t *testing.T, ctx context.Context, url string, width int64) {
	t.Helper()
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(width, 800), chromedp.Navigate(url)); err != nil {
		t.Fatal(err)
	}
}

// quiet asserts that nothing was refused by the policy and no script failed.
func quiet(t *testing.T, ctx context.Context) {
	t.Helper()
	if got := value[string](t, ctx, `[...seen.errors, ...seen.refused].join("; ")`); got != "" {
		t.Errorf("the page complains: %s", got)
	}
}

func TestBrowserLooksAtEveryComponent(t *testing.T) {
	t.Parallel()
	ctx, server := browser(t), site(t)
	for _, theme := range []string{"light", "dark"} {
		for _, width := range []int64{320, 360, 1280} {
			t.Run(fmt.Sprintf("%s %d", theme, width), func(t *testing.T) {
				open(t, ctx, server.URL+"/composants?theme="+theme, width)
				quiet(t, ctx)
				if got := value[float64](t, ctx, `seen.shift`); got != 0 {
					t.Errorf("layout shift %.4f, want none", got)
				}
				if wide := value[string](t, ctx, tooWide); wide != "" {
					t.Errorf("wider than the window: %s", wide)
				}
				if !value[bool](t, ctx, `document.fonts.check("16px Literata")`) {
					t.Error("the font has not come")
				}
				value[bool](t, ctx, `new Promise((done, failed) => { const s = document.createElement("script"); s.src = "/axe.js"; s.onload = () => done(true); s.onerror = failed; document.head.append(s); })`)
				found := value[string](t, ctx, `axe.run().then(r => r.violations.map(v => v.id + ": " + v.nodes.map(n => n.html.slice(0, 120) + " " + n.any.map(a => a.message).join(" ")).join("\n  ")).join("\n"))`)
				if found != "" {
					t.Errorf("axe finds:\n%s", found)
				}
			})
		}
	}
}

func TestBrowserLiveSearch(t *testing.T) {
	t.Parallel()
	ctx, server := browser(t), site(t)
	open(t, ctx, server.URL+"/annuaire", 1280)
	until(t, ctx, `!!document.querySelector("#recherche")`)
	if err := chromedp.Do(ctx, chromedp.SendKeys(chromedp.CSS("#recherche"), "lav")); err != nil {
		t.Fatal(err)
	}
	until(t, ctx, `document.querySelector(".results-count").textContent.trim() === "Trouvé : lav" && location.search === "?q=lav"`)
	if got := value[string](t, ctx, `document.activeElement.id`); got != "recherche" {
		t.Errorf("the focus went to %q while typing", got)
	}
	// Folding one facet and ticking a box of another: the answer comes, the fold and the focus stay.
	value[bool](t, ctx, `document.querySelector("[data-facet=promo]").open = false, true`)
	value[bool](t, ctx, `(b => (b.focus(), b.click(), true))(document.querySelector("[value=ly]"))`)
	until(t, ctx, `document.querySelector(".results-count").textContent.trim() === "Trouvé : lav ly"`)
	if !value[bool](t, ctx, `!document.querySelector("[data-facet=promo]").open && document.activeElement.value === "ly" && document.querySelector("[value=ly]").checked`) {
		t.Error("the fold, the focus or the tick was lost")
	}
	quiet(t, ctx)
}

func TestBrowserAnswersAtOnce(t *testing.T) {
	t.Parallel()
	ctx, server := browser(t), site(t)
	open(t, ctx, server.URL+"/composants", 1280)
	value[bool](t, ctx, `document.querySelector("form.form").action = "/lent", true`)
	// Read from within the page: leaving it would end the reading.
	got := value[string](t, ctx, `new Promise(done => {
		const button = document.querySelector("form.form .button-primary");
		button.click();
		const first = button.getAttribute("aria-busy");
		setTimeout(() => done([first, button.textContent.trim(), getComputedStyle(document.querySelector(".page-progress")).visibility].join("|")), 450);
	})`)
	if want := "true|Un instant…|visible"; got != want {
		t.Errorf("after a submit = %q, want %q", got, want)
	}
}

func TestBrowserSmallThings(t *testing.T) {
	t.Parallel()
	ctx, server := browser(t), site(t)
	open(t, ctx, server.URL+"/composants", 1280)
	for _, step := range []struct{ name, act, read, want string }{
		{"a password is shown", `document.querySelector(".reveal").click()`, `[document.querySelector("#f-sample-password").type, document.querySelector(".reveal").textContent.trim()].join()`, "text,Cacher"},
		{"and hidden", `document.querySelector(".reveal").click()`, `document.querySelector("#f-sample-password").type`, "password"},
		{"a confirmation is asked", `document.querySelector("[data-confirm]").click()`, `[document.querySelector("#confirm").open, document.querySelector("#confirm p").textContent].join()`, "true,Supprimer cette adresse ?"},
		{"and refused", `document.querySelector("#confirm [value=no]").click()`, `[document.querySelector("#confirm").open, location.search].join()`, "false,"},
		{"a dialog opens", `document.querySelector("a[data-dialog]").click()`, `String(document.querySelector("#sample-dialog").open)`, "true"},
		{"and closes", `document.querySelector("#sample-dialog form button").click()`, `String(document.querySelector("#sample-dialog").open)`, "false"},
		{"Escape closes a menu", `document.querySelector("details.menu").open = true; document.dispatchEvent(new KeyboardEvent("keydown", {key: "Escape", bubbles: true}))`, `String(document.querySelector("details.menu").open)`, "false"},
		{"the dark is chosen and kept", `document.querySelector("[data-theme-choice=dark]").click()`, `[document.documentElement.dataset.theme, localStorage.theme].join()`, "dark,dark"},
		{"and given back", `document.querySelector("[data-theme-choice=auto]").click()`, `[document.documentElement.dataset.theme, localStorage.theme].join()`, ","},
		{"a toast comes as text", `document.body.dispatchEvent(new CustomEvent("toast", {bubbles: true, detail: {text: "Fait <b>"}}))`, `document.querySelector(".toasts .toast-text").innerHTML`, "Fait &lt;b&gt;"},
	} {
		if got := value[string](t, ctx, "(() => { "+step.act+"; return "+step.read+" })()"); got != step.want {
			t.Errorf("%s: %q, want %q", step.name, got, step.want)
		}
	}
	quiet(t, ctx)
}
