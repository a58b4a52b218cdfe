package app

import (
	"context"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/id"
	"amicale/internal/inbox"
	"amicale/internal/mail"
	"amicale/internal/outbox"
	"amicale/internal/web"
)

// scrape reads everything there is to measure.
func scrape(t *testing.T, o *office) string {
	t.Helper()
	o.metrics = prometheus.NewRegistry() // the site's own may have been filled already
	web.NewMetrics(o.metrics)
	o.registerMetrics()
	w := httptest.NewRecorder()
	promhttp.HandlerFor(o.metrics, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 {
		t.Fatalf("scrape: %d %s", w.Code, w.Body)
	}
	return w.Body.String()
}

// mailMoves lets a message leave, and leaves three that wait, one that failed and one that is held.
func (o *office) mailMoves(t *testing.T) {
	t.Helper()
	relay := func(list ...outbox.Delivery) {
		t.Helper()
		for i := range list {
			list[i].Kind, list[i].Stream, list[i].Ref = "test", mail.Forwarding, id.New()
		}
		err := o.o.DB.Tx(t.Context(), func(ctx context.Context) error {
			return o.outbox.Relay(ctx, []outbox.Relayed{{Raw: []byte("From: x@mail.example\r\nSubject: x\r\n\r\nx\r\n"), Each: list}})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	relay(outbox.Delivery{To: "gone@mail.example"})
	if err := o.courier.DeliverDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	later := o.o.Now().Add(time.Hour)
	relay(outbox.Delivery{To: "a@mail.example", DueAt: later}, outbox.Delivery{To: "b@other.example", DueAt: later}, outbox.Delivery{To: "c@mail.example", DueAt: later},
		outbox.Delivery{Held: true}, outbox.Delivery{To: "dora@mail.example", DueAt: later})
	if _, err := o.o.DB.Exec(t.Context(), `UPDATE outbox_deliveries SET state = 'failed', done_at = ? WHERE recipient = 'dora@mail.example'`, o.o.Now()); err != nil {
		t.Fatal(err)
	}
	o.counters.arrival(inbox.Event{What: "taken", Box: "forwarding"})
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		o := newOffice(t, d)
		o.giveUp(t)
		o.mailMoves(t)
		got := scrape(t, o)
		for _, line := range []string{
			`amicale_build_info{version="test-version"} 1`, "amicale_database_up 1", "amicale_people 0", "amicale_directory_documents 0",
			"amicale_directory_lag_changes 0", `amicale_jobs_failed{kind="test.broken"} 1`, `amicale_jobs_waiting{kind="test.broken"} 0`,
			`amicale_jobs_late_seconds{kind="test.broken"} 0`, "amicale_letters_queued 0", "amicale_letters_failed 1", "amicale_letters_oldest_seconds 0",
			`amicale_mail_waiting{destination="mailbox"} 3`, `amicale_mail_oldest_seconds{destination="mailbox"} `, `amicale_mail_closed{destination="mailbox"} 0`,
			`amicale_mail_connections{destination="mailbox"} 0`, "amicale_forwards_failed 1", "amicale_forwards_held 1",
			`amicale_mail_attempts_total{class="delivered",destination="mailbox",state="sent",stream="forwarding"} 1`,
			`amicale_mail_arrivals_total{box="forwarding",what="taken"} 1`, "go_goroutines ", "process_resident_memory_bytes ",
		} {
			if !strings.Contains(got, "\n"+line) {
				t.Errorf("the metrics lack %q", line)
			}
		}
		if strings.Contains(got, "mail.example") {
			t.Error("the metrics name an address")
		}
		if !strings.Contains(got, "go_sql_open_connections") {
			t.Error("the metrics lack the connection pools")
		}
	})
}

func TestMetricsOfADatabaseThatIsGone(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	o := newOffice(t, d)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	got := scrape(t, o)
	if !strings.Contains(got, "\namicale_database_up 0") || strings.Contains(got, "\namicale_people ") {
		t.Errorf("the metrics of a closed database: %s", got)
	}
}

// The operators' page names every metric of ours.
func TestMetricsAreDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	o := newOffice(t, dbtest.New(t))
	o.giveUp(t)
	o.mailMoves(t)
	found := regexp.MustCompile(`# TYPE (amicale_[a-z_]+) `).FindAllStringSubmatch(scrape(t, o), -1)
	if len(found) < 10 {
		t.Fatalf("only %d metrics found", len(found))
	}
	names := []string{"amicale_http_request_seconds"} // appears with the first request
	for _, m := range found {
		names = append(names, m[1])
	}
	for _, name := range names {
		if !strings.Contains(string(page), "`"+name+"`") {
			t.Errorf("docs/operations.md does not name %s", name)
		}
	}
}
