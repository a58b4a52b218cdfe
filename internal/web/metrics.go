package web

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

type metric struct{ pattern string }

type metricKey struct{}

func withMetric(ctx context.Context, m *metric) context.Context {
	return context.WithValue(ctx, metricKey{}, m)
}

func metricOf(req *http.Request) *metric {
	m, _ := req.Context().Value(metricKey{}).(*metric)
	return m
}

// Metrics counts requests by route, never by person.
type Metrics struct {
	duration *prometheus.HistogramVec
}

// NewMetrics registers the counters.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "amicale_http_request_seconds", Help: "Time to answer a request, by route and status.",
		Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
	}, []string{"route", "status"})}
	reg.MustRegister(m.duration)
	return m
}

func (m *Metrics) request(pattern string, status int, took time.Duration) {
	if m == nil || pattern == "" {
		return
	}
	m.duration.WithLabelValues(pattern, strconv.Itoa(status)).Observe(took.Seconds())
}
