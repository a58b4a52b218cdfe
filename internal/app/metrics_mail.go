package app

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"amicale/internal/inbox"
	"amicale/internal/outbox"
	"amicale/internal/viewer"
)

// mailCounters count what this process's couriers and mail servers do. No label is about a person, or about a domain that
// only few people have.
type mailCounters struct {
	attempts *prometheus.CounterVec
	arrivals *prometheus.CounterVec
}

func newMailCounters() *mailCounters {
	return &mailCounters{
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "amicale_mail_attempts_total",
			Help: "Attempts to hand a message over, by what became of it (sent, queued, failed), the class of the answer and whose servers these are."},
			[]string{"stream", "state", "class", "destination"}),
		arrivals: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "amicale_mail_arrivals_total",
			Help: "What the mail servers answered, and for which kind of recipient."}, []string{"what", "box"}),
	}
}

func (c *mailCounters) sending(s outbox.Sending) {
	c.attempts.WithLabelValues(string(s.Stream), string(s.State), string(s.Class), s.Destination).Inc()
}

func (c *mailCounters) arrival(e inbox.Event) { c.arrivals.WithLabelValues(e.What, e.Box).Inc() }

// mailGauges are what waits to leave, as the couriers of all processes see it, and how this one's is served.
type mailGauges struct {
	waiting, oldest, connections, closed *prometheus.Desc
	failed, held                         *prometheus.Desc
}

func newMailGauges(d func(name, help string, labels ...string) *prometheus.Desc) mailGauges {
	return mailGauges{
		waiting:     d("mail_waiting", "Messages that wait to leave: letters, mail passed on, campaigns.", "destination"),
		oldest:      d("mail_oldest_seconds", "Age of the oldest of them; 0 when none waits.", "destination"),
		connections: d("mail_connections", "Connections that this process has open.", "destination"),
		closed:      d("mail_closed", "Destinations that serve this process nothing at the moment.", "destination"),
		failed:      d("forwards_failed", "Messages passed on that nobody took, of thirty days."),
		held:        d("forwards_held", "Messages to lifetime addresses that wait for their owner."),
	}
}

func (g mailGauges) all() []*prometheus.Desc {
	return []*prometheus.Desc{g.waiting, g.oldest, g.connections, g.closed, g.failed, g.held}
}

// queues are the sums of what waits, by the name that metrics give a destination.
func (a *App) queues(ctx context.Context) (map[string]mailQueue, error) {
	list, err := a.courier.Queues(ctx, viewer.ForSystem("metrics"))
	out := map[string]mailQueue{}
	for _, q := range list {
		sum := out[outbox.Label(q.Destination)]
		sum.waiting += q.Waiting
		sum.connections += q.Connections
		if sum.oldest.IsZero() || !q.Oldest.IsZero() && q.Oldest.Before(sum.oldest) {
			sum.oldest = q.Oldest
		}
		if !q.ClosedUntil.IsZero() {
			sum.closed++
		}
		out[outbox.Label(q.Destination)] = sum
	}
	return out, err
}

type mailQueue struct {
	waiting, connections, closed int
	oldest                       time.Time
}

func (g mailGauges) emit(gauge func(*prometheus.Desc, float64, ...string), now time.Time, queues map[string]mailQueue, r outbox.Relays) {
	for name, q := range queues {
		gauge(g.waiting, float64(q.waiting), name)
		gauge(g.oldest, since(now, q.oldest), name)
		gauge(g.connections, float64(q.connections), name)
		gauge(g.closed, float64(q.closed), name)
	}
	gauge(g.failed, float64(r.Failed))
	gauge(g.held, float64(r.Held))
}
