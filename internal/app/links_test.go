package app_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"amicale/internal/dbtest"
	"amicale/internal/webtest"
)

func TestNoPageLeadsNowhere(t *testing.T) {
	t.Parallel()
	w := newCast(t, dbtest.New(t))
	openCase(t, w)
	mux := http.NewServeMux()
	for _, rt := range w.App.Routes() {
		mux.Handle(rt.Pattern, http.NotFoundHandler())
	}
	for _, v := range visitors() {
		pages := crawl(t, w.As(v.login), "/")
		if len(pages) < 20 {
			t.Errorf("%s: only %d pages found from the home page", v.kind, len(pages))
		}
		dead := map[string]bool{}
		for _, at := range slices.Sorted(maps.Keys(pages)) {
			for _, to := range leadsTo(t, at, pages[at]) {
				a := pages[to]
				explains := strings.HasPrefix(at, "/aide/") && a != nil && a.Status == http.StatusForbidden // help speaks of everybody's screens
				if a != nil && a.Status >= 400 && pages[at].Status < 400 && !explains && !dead[to] {
					t.Errorf("%s: %s leads to %s, status %d", v.kind, at, to, a.Status)
					dead[to] = true
				}
			}
			for _, to := range sendsTo(t, at, pages[at]) {
				req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, webtest.Origin+to, nil)
				if err != nil {
					t.Fatal(err)
				}
				if _, pattern := mux.Handler(req); !strings.HasPrefix(pattern, "POST ") {
					t.Errorf("%s: a form of %s is sent to %s, which nobody takes", v.kind, at, to)
				}
			}
		}
	}
}
