package inbox_test

import (
	"testing"

	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/inbox"
)

func TestTaken(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := open(t, d, inbox.Options{}, overSMTP)
		call(t, s.addr).say("< 220 mx.ly.example", "> EHLO there.example", "< 250",
			"> MAIL FROM:<anne@there.example>", "< 250", "> RCPT TO:<laure@ly.example>", "< 250", "> DATA", "< 354",
			letter("Hello"), "< 250 2.0.0 taken as ")
		if n := s.rows(t, inbox.Taken); n != 1 || len(s.shelf.all()) != 1 {
			t.Errorf("%d rows and %d kept after 250, want 1 and 1", n, len(s.shelf.all()))
		}
	})
}
