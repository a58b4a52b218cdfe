package app

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"amicale/internal/app/demo"
	"amicale/internal/directory"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/ui"
	"amicale/internal/viewer"
	"amicale/internal/web"
)

// Measured is one line of a measurement; times in milliseconds, memory in megabytes (10^6 octets).
type Measured struct {
	Name      string  `json:"name"`
	N         int     `json:"n"`
	P50       float64 `json:"p50_ms"`
	P95       float64 `json:"p95_ms"`
	P99       float64 `json:"p99_ms"`
	PerSecond float64 `json:"per_second"`
	Heap      float64 `json:"heap_mb"`
	RSS       float64 `json:"rss_mb"`
	// Ratio is to the alternative named in Of, by the medians: 0.5 is half of its speed. RatioPerSecond is the same by
	// the means, which on a machine shared with others say more about them.
	Ratio          float64 `json:"ratio,omitempty"`
	RatioPerSecond float64 `json:"ratio_per_second,omitempty"`
	Of             string  `json:"of,omitempty"`
	*Passed                // of mail only
}

// Passed is what a measurement of mail says besides.
type Passed struct {
	CPU     float64 `json:"cpu_ms"` // the measured process' time on a processor for one message
	Lost    int     `json:"lost"`   // acknowledged, and never came out
	Twice   int     `json:"twice"`  // deliveries beyond the first
	Refused int     `json:"refused"`
}

// compare says how fast m is beside an alternative.
func (m *Measured) compare(of Measured) {
	m.Ratio, m.RatioPerSecond, m.Of = of.P50/m.P50, m.PerSecond/of.PerSecond, of.Name
}

// Summarize makes a line of the times that n repetitions took.
func Summarize(name string, took []time.Duration) Measured {
	slices.Sort(took)
	if len(took) == 0 {
		return Measured{Name: name}
	}
	at := func(q float64) float64 {
		return float64(took[min(len(took)-1, int(q*float64(len(took))))]) / float64(time.Millisecond)
	}
	var sum time.Duration
	for _, d := range took {
		sum += d
	}
	m := Measured{Name: name, N: len(took), P50: at(.50), P95: at(.95), P99: at(.99), PerSecond: float64(len(took)) / sum.Seconds()}
	m.Memory()
	return m
}

// Memory fills in what the process holds now.
func (m *Measured) Memory() {
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	m.Heap, m.RSS = float64(mem.HeapAlloc)/1e6, rss()
}

// BenchSearch measures the directory's questions as a member, with all facets of that tier.
func (a *App) BenchSearch(ctx context.Context, n int) ([]Measured, error) {
	asks, err := a.sampleAsks(ctx, n)
	if err != nil {
		return nil, err
	}
	member := viewer.Viewer{Kind: viewer.Network, Account: id.New(), Person: id.New(), Member: true}
	var out []Measured
	for _, class := range []string{"name prefix", "full name", "one typing error", "name and class", "filters", "broad filter"} {
		took := make([]time.Duration, 0, n)
		for _, ask := range asks[class] {
			start := time.Now()
			if _, err := a.directory.Count(ctx, member, ask); err != nil {
				return nil, err
			}
			took = append(took, time.Since(start))
		}
		out = append(out, Summarize("search "+class, took))
	}
	return out, nil
}

// sampleAsks draws questions from the people there are, so that they are as skewed as the base.
func (a *App) sampleAsks(ctx context.Context, n int) (map[string][]directory.Ask, error) {
	r := rand.New(rand.NewPCG(1, 2))
	system := viewer.ForSystem("measurement")
	var sample []people.Dossier
	err := a.people.EachDossier(ctx, system, id.ID{}, func(d *people.Dossier) error {
		if len(sample) < n {
			sample = append(sample, *d)
		} else if i := r.IntN(1 << 20); i < n {
			sample[i] = *d
		}
		return nil
	})
	if err != nil || len(sample) == 0 {
		return nil, err
	}
	out := map[string][]directory.Ask{}
	for range n {
		d := sample[r.IntN(len(sample))]
		full := d.FirstName + " " + d.Surname()
		year := ""
		if len(d.Degrees) > 0 {
			year = fmt.Sprint(d.Degrees[0].ClassYear)
		}
		surname := []rune(d.Surname())
		prefix := string(surname[:min(len(surname), 2+r.IntN(4))])
		out["name prefix"] = append(out["name prefix"], directory.Ask{Text: prefix})
		out["full name"] = append(out["full name"], directory.Ask{Text: full})
		out["one typing error"] = append(out["one typing error"], directory.Ask{Text: mistype(r, full)})
		out["name and class"] = append(out["name and class"], directory.Ask{Text: string(surname) + " " + year})
		var narrow, broad directory.Ask
		narrow.Filters[directory.Class] = []string{year}
		narrow.Filters[directory.School] = []string{"ly", "re"}
		broad.Filters[directory.School] = []string{"ly"}
		out["filters"] = append(out["filters"], narrow)
		out["broad filter"] = append(out["broad filter"], broad)
	}
	return out, nil
}

// mistype makes one typing error in a word of at least four letters.
func mistype(r *rand.Rand, s string) string {
	words := strings.Fields(s)
	for i, w := range words {
		if runes := []rune(w); len(runes) >= 5 {
			at := 1 + r.IntN(len(runes)-2)
			runes[at], runes[at+1] = runes[at+1], runes[at]
			words[i] = string(runes)
			break
		}
	}
	return strings.Join(words, " ")
}

// pageQuestions is how many questions the results page is measured with, again and again.
const pageQuestions = 200

// BenchPage measures the results page, signed in, against the same pages of constant data behind the same layers
// (no session, no database, no search), in turns; then questions that nobody has asked yet, once each.
func (a *App) BenchPage(ctx context.Context, n int) ([]Measured, error) {
	cookie, err := a.benchCookie(ctx)
	if err != nil {
		return nil, err
	}
	asks, err := a.sampleAsks(ctx, 2*pageQuestions)
	if err != nil {
		return nil, err
	}
	var paths, once []string
	for i, ask := range asks["name prefix"] {
		if i < pageQuestions {
			paths = append(paths, ask.Path())
		}
		once = append(once, asks["full name"][i].Path())
	}
	constant, err := a.constantPages(ctx, cookie, paths)
	if err != nil {
		return nil, err
	}
	var live, still []time.Duration
	for i := range n + len(paths) { // the first round warms up
		at := i % len(paths)
		l, err := timed(ctx, a.handler, paths[at], cookie)
		if err != nil {
			return nil, err
		}
		s, err := timed(ctx, constant, fmt.Sprintf("/constant/%d", at), nil)
		if err != nil {
			return nil, err
		}
		if i >= len(paths) {
			live, still = append(live, l), append(still, s)
		}
	}
	page, base := Summarize("results page", live), Summarize("results page of constant data", still)
	page.compare(base)
	var first []time.Duration
	for _, path := range once {
		took, err := timed(ctx, a.handler, path, cookie)
		if err != nil {
			return nil, err
		}
		first = append(first, took)
	}
	return []Measured{page, base, Summarize("results page of a full name, first time", first)}, nil
}

// timed is how long one request takes, without compression.
func timed(ctx context.Context, h http.Handler, path string, with *http.Cookie) (time.Duration, error) {
	req := httptest.NewRequestWithContext(ctx, http.MethodGet, path, nil)
	if with != nil {
		req.AddCookie(with)
	}
	rec := httptest.NewRecorder()
	start := time.Now()
	h.ServeHTTP(rec, req)
	took := time.Since(start)
	if rec.Code != http.StatusOK {
		return 0, fmt.Errorf("app.timed %s: status %d", path, rec.Code)
	}
	return took, nil
}

// benchCookie signs in the demonstration's member.
func (a *App) benchCookie(ctx context.Context) (*http.Cookie, error) {
	account, err := a.AccountByLogin(ctx, demo.Accounts()[0].Login)
	if err != nil {
		return nil, err
	}
	token, _, err := a.sessions.Start(ctx, account, true, "127.0.0.1", "bench")
	return &http.Cookie{Name: "amicale", Value: token}, err
}

// constantPages is a site whose route /constant/N renders what path N answered when it was asked once.
func (a *App) constantPages(ctx context.Context, cookie *http.Cookie, paths []string) (http.Handler, error) {
	type framed struct {
		frame ui.Frame
		page  web.Page
	}
	var frozen []framed
	capture := *a.site
	capture.Frame = func(r *web.Request, p web.Page) templ.Component {
		frozen = append(frozen, framed{a.frameOf(r, p), p})
		return a.frame(r, p)
	}
	h, err := capture.Handler(directory.NewPages(a.directory, a.people).Routes(), nil)
	if err != nil {
		return nil, err
	}
	for _, path := range paths {
		if _, err := timed(ctx, h, path, cookie); err != nil {
			return nil, err
		}
	}
	still := *a.site
	still.Frame = func(r *web.Request, p web.Page) templ.Component {
		n, err := strconv.Atoi(r.PathValue("n"))
		if err != nil || n >= len(frozen) {
			return a.frame(r, p)
		}
		return drawn(frozen[n].frame, frozen[n].page)
	}
	return still.Handler([]web.Route{{Pattern: "GET /constant/{n}", Handler: web.Public(func(r *web.Request) error {
		return r.Page(web.Page{})
	})}}, nil)
}

// BenchSignIn measures signing in with a password, and how much of it is not the password's hash.
func (a *App) BenchSignIn(ctx context.Context, n int) ([]Measured, error) {
	d := demo.Accounts()[0]
	var all, hash []time.Duration
	for range n {
		form := strings.NewReader("who=" + d.Login + "&password=" + demo.Password)
		req := httptest.NewRequestWithContext(ctx, http.MethodPost, "/connexion", form)
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		rec := httptest.NewRecorder()
		start := time.Now()
		a.handler.ServeHTTP(rec, req)
		all = append(all, time.Since(start))
		if rec.Code != http.StatusSeeOther {
			return nil, fmt.Errorf("app.BenchSignIn: status %d", rec.Code)
		}
		start = time.Now()
		if _, err := a.accounts.Hash(ctx, demo.Password); err != nil {
			return nil, err
		}
		hash = append(hash, time.Since(start))
	}
	whole, alone := Summarize("sign in", all), Summarize("password hash alone", hash)
	whole.Ratio, whole.Of = whole.P50/alone.P50, "time of "+alone.Name
	return []Measured{whole, alone}, nil
}
