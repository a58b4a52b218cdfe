package app

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// registerMetrics adds to the requests' own metrics what the site, its database and its process say of themselves.
// No metric is about a person.
func (a *App) registerMetrics() {
	a.metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), newGauges(a),
		a.counters.attempts, a.counters.arrivals)
	for name, pool := range a.o.DB.Pools() {
		a.metrics.MustRegister(collectors.NewDBStatsCollector(pool, name))
	}
}

// gauges asks the stores when it is scraped, so that each process tells the same of the shared database.
type gauges struct {
	app                                *App
	version, up, people, documents     *prometheus.Desc
	lag, waiting, failed, late         *prometheus.Desc
	lettersQueued, lettersFailed, wait *prometheus.Desc
	diskFree, diskTotal                *prometheus.Desc
	mail                               mailGauges

	mu      sync.Mutex
	counted time.Time // when the people were, for counting a million rows takes a while
	count   int
}

// countEvery is how old the number of people may be.
const countEvery = time.Minute

// scrapeTimeout is how long the database may take to answer a scrape.
const scrapeTimeout = 5 * time.Second

func newGauges(a *App) *gauges {
	d := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("amicale_"+name, help, labels, nil)
	}
	return &gauges{
		app:           a,
		mail:          newMailGauges(d),
		version:       d("build_info", "Always 1; the label says which version runs.", "version"),
		up:            d("database_up", "1 when the database answers; when it does not, most other values are missing."),
		people:        d("people", "Persons in the base, counted at most once a minute."),
		documents:     d("directory_documents", "Persons in this process's search index."),
		lag:           d("directory_lag_changes", "Changes this process's search index has not yet taken in."),
		waiting:       d("jobs_waiting", "Jobs that are due, run, or wait for their moment.", "kind"),
		failed:        d("jobs_failed", "Jobs given up; /admin/etat shows why.", "kind"),
		late:          d("jobs_late_seconds", "For how long the oldest job of the kind has been due; 0 when none is.", "kind"),
		lettersQueued: d("letters_queued", "Letters that wait for the smarthost."),
		lettersFailed: d("letters_failed", "Letters given up; /admin/etat shows why."),
		wait:          d("letters_oldest_seconds", "Age of the oldest letter that waits; 0 when none does."),
		diskFree:      d("disk_free_bytes", "Room left on the disk of the data folder."),
		diskTotal:     d("disk_total_bytes", "Size of the disk of the data folder."),
	}
}

// Describe implements prometheus.Collector.
func (g *gauges) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range append([]*prometheus.Desc{g.version, g.up, g.people, g.documents, g.lag, g.waiting, g.failed, g.late,
		g.lettersQueued, g.lettersFailed, g.wait, g.diskFree, g.diskTotal}, g.mail.all()...) {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (g *gauges) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	gauge(g.version, 1, g.app.o.Version)
	gauge(g.documents, float64(g.app.directory.Documents()))
	gauge(g.lag, float64(g.app.directory.Lag()))
	if room, err := SpaceOf(g.app.dataFolder()); err == nil {
		gauge(g.diskFree, float64(room.Free))
		gauge(g.diskTotal, float64(room.Total))
	}
	if err := g.fromDatabase(ctx, gauge); err != nil {
		g.app.o.Log.Warn("metrics: the database does not answer", "error", err)
		gauge(g.up, 0)
		return
	}
	gauge(g.up, 1)
}

// fromDatabase emits nothing half: it reads everything first.
func (g *gauges) fromDatabase(ctx context.Context, gauge func(*prometheus.Desc, float64, ...string)) error {
	kinds, err := g.app.queue.Stats(ctx)
	if err != nil {
		return err
	}
	letters, err := g.app.outbox.Stats(ctx)
	if err != nil {
		return err
	}
	queues, err := g.app.queues(ctx)
	if err != nil {
		return err
	}
	people, err := g.countPeople(ctx)
	if err != nil {
		return err
	}
	now := g.app.o.Now()
	for _, k := range kinds {
		gauge(g.waiting, float64(k.Waiting), k.Kind)
		gauge(g.failed, float64(k.Failed), k.Kind)
		gauge(g.late, since(now, k.Oldest), k.Kind)
	}
	gauge(g.lettersQueued, float64(letters.Queued))
	gauge(g.lettersFailed, float64(letters.Failed))
	gauge(g.wait, since(now, letters.Oldest))
	g.mail.emit(gauge, now, queues, letters.Relayed)
	gauge(g.people, float64(people))
	return nil
}

func (g *gauges) countPeople(ctx context.Context) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if now := g.app.o.Now(); g.counted.IsZero() || now.Sub(g.counted) > countEvery {
		n, err := g.app.people.Count(ctx)
		if err != nil {
			return 0, err
		}
		g.counted, g.count = now, n
	}
	return g.count, nil
}

// since is how many seconds ago t was; 0 for a zero or a future time.
func since(now, t time.Time) float64 {
	if t.IsZero() || t.After(now) {
		return 0
	}
	return now.Sub(t).Seconds()
}
