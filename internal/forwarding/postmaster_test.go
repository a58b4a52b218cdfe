package forwarding_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/errs"
	"amicale/internal/forwarding"
	"amicale/internal/id"
	"amicale/internal/inbox"
)

func TestPostmaster(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		staff := map[id.ID][]string{w.ly.ID: {"al@exemple.fr", "bo@exemple.fr"}, {}: {"admin@exemple.fr"}}
		box := forwarding.NewPostmaster(w.store, "amicale.example", func(_ context.Context, a id.ID) ([]string, error) { return staff[a], nil })
		for _, c := range []struct{ to, want string }{
			{"postmaster@ly-alumni.example", "al@exemple.fr queued, bo@exemple.fr queued"},
			{"Postmaster@LY-alumni.example", "al@exemple.fr queued, bo@exemple.fr queued"},
			{"abuse@retour.ly-alumni.example", "al@exemple.fr queued, bo@exemple.fr queued"},
			{"webmaster@lettres.ly-alumni.example", "al@exemple.fr queued, bo@exemple.fr queued"},
			{"postmaster@re-alumni.example", "admin@exemple.fr queued"}, // nobody there yet: the federation
			{"postmaster@amicale.example", "admin@exemple.fr queued"},
			{"postmaster@ailleurs.example", ""},
			{"laure.lavaut.ly2010@ly-alumni.example", ""},
			{"postmaster", ""},
		} {
			before := len(w.sent("postmaster"))
			_, err := w.deliver(box, w.message("ami@ailleurs.fr", "Bonjour"), c.to)
			if c.want == "" {
				if !errors.Is(err, errs.NotFound) {
					t.Errorf("%s: %v, want it to be somebody else’s", c.to, err)
				}
				continue
			}
			got := w.sent("postmaster")[before:]
			if err != nil || brief(got) != c.want {
				t.Errorf("%s goes to %q, %v, want %q", c.to, brief(got), err, c.want)
			}
			for _, s := range got {
				if !strings.HasPrefix(s.Sender, "r-") || strings.Contains(s.Head, "exemple.fr") {
					t.Errorf("%s: sender %q, head %q", c.to, s.Sender, s.Head)
				}
			}
		}
		var refusal *inbox.Refusal
		spam := w.message("ami@ailleurs.fr", "Bonjour")
		spam.Score = 150
		if _, err := w.deliver(box, spam, "abuse@ly-alumni.example"); !errors.As(err, &refusal) || refusal.Code != 550 {
			t.Errorf("spam to abuse@: %v, want 550", err)
		}
		staff[id.ID{}] = nil
		if _, err := w.deliver(box, w.message("", "Bonjour"), "postmaster@re-alumni.example"); !errors.As(err, &refusal) || refusal.Code != 450 {
			t.Errorf("nobody looks after it: %v, want 450", err)
		}
	})
}
