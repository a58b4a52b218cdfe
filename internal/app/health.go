package app

import (
	"crypto/subtle"
	"net/http"
	"net/netip"
	"strings"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"amicale/internal/errs"
	"amicale/internal/web"
)

func (a *App) healthRoutes() []web.Route {
	return []web.Route{
		{Pattern: "GET /healthz", Handler: web.Public(a.health)},
		{Pattern: "GET /readyz", Handler: web.Public(a.readiness)},
		{Pattern: "GET /metrics", Handler: web.Public(a.showMetrics)},
	}
}

// health says that the process answers.
func (a *App) health(r *web.Request) error {
	return r.JSON(http.StatusOK, map[string]string{"status": "ok", "version": a.o.Version})
}

// readiness is red until the database answers and the index has caught up.
func (a *App) readiness(r *web.Request) error {
	if err := a.o.DB.Ping(r.Ctx()); err != nil {
		return r.JSON(http.StatusServiceUnavailable, map[string]string{"status": "the database does not answer"})
	}
	if !a.directory.Ready() {
		return r.JSON(http.StatusServiceUnavailable, map[string]string{"status": "the directory is catching up"})
	}
	return r.JSON(http.StatusOK, map[string]string{"status": "ready"})
}

// proxied reports whether a request says that it came by a proxy: one on this machine has its address, and some say so
// in other words than X-Forwarded-For.
func proxied(h http.Header) bool {
	for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip", "Forwarded", "Via"} {
		if h.Get(name) != "" {
			return true
		}
	}
	return false
}

// showMetrics is for this machine, or for who holds the token.
func (a *App) showMetrics(r *web.Request) error {
	ip, err := netip.ParseAddr(r.IP)
	local := err == nil && ip.IsLoopback() && !proxied(r.Header)
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !local && (a.o.MetricsToken == "" || subtle.ConstantTimeCompare([]byte(token), []byte(a.o.MetricsToken)) != 1) {
		return errs.E("app.metrics", errs.NotFound, nil)
	}
	promhttp.HandlerFor(a.metrics, promhttp.HandlerOpts{}).ServeHTTP(r.W, r.Request)
	return nil
}
