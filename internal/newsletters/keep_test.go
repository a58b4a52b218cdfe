package newsletters_test

import (
	"testing"
	"time"

	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/mail"
)

// TestLeasesAreShortAndKept is about what the courier holds: prolonged, put off with the reason, and due again when the
// process that held it died.
func TestLeasesAreShortAndKept(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		w.crowd(w.ly, 30)
		w.started(nil)
		list, err := w.source.Claim(ctx, time.Minute, 10, nil)
		w.must(err)
		w.must(w.source.Hold(ctx, list, w.now().Add(time.Hour)))
		w.must(w.source.PutOff(ctx, list[:2], w.now().Add(2*time.Hour), mail.Reply{Code: 421, Text: "busy", Stage: "connect"}))
		w.must(w.source.Recover(ctx, w.now().Add(time.Minute)))
		if got := len(w.claim(100)); got != 20 {
			t.Errorf("%d claimed beside those held, want the 20 others", got)
		}
		w.must(w.source.Recover(ctx, w.now().Add(90*time.Minute)))
		again := w.claim(100)
		if len(again) != 28 {
			t.Errorf("%d claimed once their process is known to be dead, want all but the two put off", len(again))
		}
		waiting, err := w.source.Waiting(ctx)
		w.must(err)
		total := 0
		for _, one := range waiting {
			total += one.Count
		}
		if total != 30 {
			t.Errorf("Waiting() = %+v, want 30 in all", waiting)
		}
	})
}
