package forwarding_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/errs"
	"amicale/internal/forwarding"
	"amicale/internal/id"
	"amicale/internal/mail"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

const day = 24 * time.Hour

func TestPauseHoldsMail(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		p := w.someone("Laure", "Lavaut")
		w.must(w.store.Pause(t.Context(), self(p), noon.Add(3*day)))
		for range 2 {
			_, err := w.deliver(w.box, w.message("ami@ailleurs.fr", "x"), laure)
			w.must(err)
		}
		w.later(2 * day)
		w.run()
		if got := brief(w.sent("forward")); got != "held, held" {
			t.Errorf("during the pause: %s, want both held", got)
		}
		own, err := w.store.Own(t.Context(), self(p).Viewer)
		if err != nil || own.Waiting != 2 || own.Way != forwarding.Paused {
			t.Errorf("Own() = %d waiting, %s, %v", own.Waiting, own.Way, err)
		}
		w.later(day)
		w.run()
		if got := brief(w.sent("forward")); got != "laure@exemple.fr queued, laure@exemple.fr queued" {
			t.Errorf("after the pause: %s", got)
		}
		w.must(w.store.Pause(t.Context(), self(p), w.now().Add(3*day)))
		_, err = w.deliver(w.box, w.message("ami@ailleurs.fr", "x"), laure)
		w.must(err)
		w.must(w.store.Resume(t.Context(), self(p)))
		w.run()
		if got := brief(w.sent("forward")); strings.Contains(got, "held") {
			t.Errorf("ended early: %s", got)
		}
		w.wantLetters("nobody was asked")
		if got := w.actions(p); got != "paused paused resumed" {
			t.Errorf("the trail says %s", got)
		}
	})
}

// TestWhatWaitedGoesToEveryTarget: one copy waited, and as many leave as there are targets, each with a return address
// of its own.
func TestWhatWaitedGoesToEveryTarget(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		p := w.someone("Laure", "Lavaut")
		for _, c := range []struct {
			mode forwarding.Mode
			want string
		}{
			{forwarding.ToAll, "laure@exemple.fr queued, laure@travail.fr queued"},
			{forwarding.InTurn, "laure@exemple.fr queued"},
		} {
			w.choose(p, c.mode, "laure@exemple.fr", "1", "laure@travail.fr", "2")
			w.must(w.store.Pause(t.Context(), self(p), noon.Add(3*day)))
			_, err := w.deliver(w.box, w.message("ami@ailleurs.fr", "x"), laure)
			w.must(err)
			before := w.sent("forward")
			w.must(w.store.Resume(t.Context(), self(p)))
			w.run()
			returns, text := map[string]bool{}, ""
			out := slices.DeleteFunc(w.sent("forward"), func(s sent) bool { return s.Ref != before[len(before)-1].Ref })
			for _, one := range out {
				returns[one.Sender] = true
				text += one.Head + string(one.Raw)
			}
			if got := brief(out); got != c.want || len(returns) != len(out) || strings.Count(text, "Delivered-To: "+laure) != len(out) {
				t.Errorf("%s: %s with return addresses %v, want %s with one each\n%s", c.mode, got, returns, c.want, text)
			}
		}
	})
}

func TestNoTarget(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		p := w.someone("Laure", "Lavaut")
		w.choose(p, forwarding.ToAll, "laure@exemple.fr", "1")
		w.run()
		w.wantLetters("it went there before")
		w.must(w.people.RemoveContact(t.Context(), self(p).Viewer, p.ID, p.Contacts[0].ID)) // in the profile, which knows nothing of it
		arrive := func() string {
			t.Helper()
			_, err := w.deliver(w.box, w.message("ami@ailleurs.fr", "x"), laure)
			return answer(err)
		}
		if got := arrive() + arrive(); got != "" {
			t.Fatalf("mail is refused: %s", got)
		}
		w.run()
		w.wantLetters("asked once", "no_target laure@travail.fr")
		w.later(3 * day)
		w.run()
		w.wantLetters("and again", "no_target_again laure@travail.fr")
		w.later(2*day - time.Second)
		w.run()
		if got := arrive(); got != "" {
			t.Errorf("just before the end: %s", got)
		}
		w.later(time.Second)
		w.run()
		w.wantLetters("the end", "closed laure@travail.fr")
		if got := arrive(); got != "550 5.2.1" {
			t.Errorf("after five days: %q, want 550 5.2.1", got)
		}
		if got := len(w.sent("report")); got != 2 {
			t.Errorf("%d reports, want of the two that waited five days", got)
		}
		list, _, err := w.store.Passages(t.Context(), self(p).Viewer, "", 10, 0)
		if err != nil || len(list) != 3 || list[0].Legs[0].GivenUp || !list[2].Legs[0].GivenUp || !list[2].Legs[0].MayResend() || list[0].Legs[0].MayResend() {
			t.Errorf("Passages() = %+v, %v", list, err)
		}
		if err := w.store.Resend(t.Context(), self(p).Viewer, list[2].ID, list[2].Legs[0].Delivery); !errors.Is(err, errs.Conflict) {
			t.Errorf("Resend() without a target = %v, want a conflict", err)
		}
		w.choose(p, forwarding.ToAll, "laure@travail.fr", "1")
		w.run()
		if got := brief(w.sent("forward")); got != "held, held, laure@travail.fr queued" {
			t.Errorf("with a target: %s, want what was given up to stay", got)
		}
		if got := arrive(); got != "" {
			t.Errorf("with a target: %s", got)
		}
		w.must(w.store.Resend(t.Context(), self(p).Viewer, list[2].ID, list[2].Legs[0].Delivery))
		if got := brief(w.sent("forward")); got != "held, laure@travail.fr queued, laure@travail.fr queued, laure@travail.fr queued" {
			t.Errorf("sent on: %s", got)
		}
		w.wantLetters("nothing more", []string(nil)...)
	})
}

// An address that only an import knew, and that its owner then takes out of the profile, is used no more; one of the
// older system's forwarding is, until he says otherwise.
func TestKnownTargetsUntilTheyAreTakenAway(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		imported := w.someone("Laure", "Lavaut", func(d *people.Dossier) { d.Contacts[0].ConfirmedAt, d.Contacts[0].Origin = time.Time{}, "import" })
		redirected := w.someone("Anne", "Roy", func(d *people.Dossier) { d.Redirects = []string{"anne@ancien.fr"} })
		w.choose(imported, forwarding.ToAll, "laure@exemple.fr", "1")
		w.choose(redirected, forwarding.ToAll, "anne@ancien.fr", "1")
		route := func(p people.Dossier) string {
			t.Helper()
			own, err := w.store.Own(t.Context(), self(p).Viewer)
			w.must(err)
			return strings.Join(own.Settings.Route(), " ")
		}
		if got := route(imported) + " " + route(redirected); got != "laure@exemple.fr anne@ancien.fr" {
			t.Errorf("mail goes to %s", got)
		}
		w.must(w.people.RemoveContact(t.Context(), self(imported).Viewer, imported.ID, imported.Contacts[0].ID))
		w.must(w.people.RemoveContact(t.Context(), self(redirected).Viewer, redirected.ID, redirected.Contacts[0].ID))
		if got := route(imported) + "," + route(redirected); got != ",anne@ancien.fr" {
			t.Errorf("afterwards mail goes to %s", got)
		}
	})
}

// Who never chose is not asked for long: an address that becomes known lets his mail go.
func TestATargetBecomesKnown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	p := w.someone("Paul", "Oublié", func(d *people.Dossier) { d.Contacts = nil })
	_, err := w.deliver(w.box, w.message("ami@ailleurs.fr", "x"), "paul.oublie.ly2010@ly-alumni.example")
	w.must(err)
	w.run()
	w.wantLetters("nowhere to write to")
	w.must(w.people.ConfirmEmail(t.Context(), p.ID, "paul@exemple.fr", "person"))
	w.later(10 * time.Minute)
	w.run()
	if got := brief(w.sent("forward")); got != "paul@exemple.fr queued" {
		t.Errorf("deliveries %s", got)
	}
	w.later(6 * day)
	if _, err := w.deliver(w.box, w.message("ami@ailleurs.fr", "x"), "paul.oublie.ly2010@ly-alumni.example"); err != nil {
		t.Errorf("later mail: %v", err)
	}
	w.run()
	w.wantLetters("nor afterwards")
}

func TestAPauseEndsWithoutATarget(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	p := w.someone("Laure", "Lavaut")
	w.must(w.store.Pause(t.Context(), self(p), noon.Add(20*day)))
	_, err := w.deliver(w.box, w.message("ami@ailleurs.fr", "x"), laure)
	w.must(err)
	w.must(w.people.UnconfirmEmails(t.Context(), p.ID, noon.Add(-time.Hour)))
	w.run()
	w.later(20 * day)
	w.run()
	w.wantLetters("asked when the pause ends", "no_target laure@exemple.fr")
	if got := brief(w.sent("forward")); got != "held" {
		t.Errorf("deliveries %s", got)
	}
	w.later(5*day + 10*time.Minute)
	w.run()
	if got := len(w.sent("report")); got != 1 {
		t.Errorf("%d reports five days later, want 1", got)
	}
}

func TestRoomForWaitingMail(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	p := w.someone("Laure", "Lavaut")
	w.must(w.store.Pause(t.Context(), self(p), noon.Add(3*day)))
	_, err := w.db.Exec(t.Context(), `INSERT INTO forwarding_held (delivery_id, slip_id, person_id, size, why, since) VALUES (?, ?, ?, ?, 'paused', ?)`, id.New(), id.New(), p.ID, 100<<20-200, noon)
	w.must(err)
	if _, err := w.deliver(w.box, w.message("ami@ailleurs.fr", "x"), laure); err != nil {
		t.Errorf("a small one: %v", err)
	}
	_, err = w.deliver(w.box, w.message("ami@ailleurs.fr", strings.Repeat("x", 500)), laure)
	if got := answer(err); got != "452 4.2.2" {
		t.Errorf("beyond: %q, want 452 4.2.2", got)
	}
}

// An address dies: the reserve takes over where one was named, else mail waits; and all of it back.
func TestTheReserveTakesOver(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		named := w.someone("Laure", "Lavaut")
		w.choose(named, forwarding.ToAll, "laure@exemple.fr", "1", "laure@travail.fr", "reserve")
		unnamed := w.someone("Anne", "Roy", func(d *people.Dossier) { d.Redirects = []string{"anne@ancien.fr"} })
		w.letters()
		to := func(address string) string {
			t.Helper()
			before := len(w.sent("forward"))
			_, err := w.deliver(w.box, w.message("ami@ailleurs.fr", "x"), address)
			w.must(err)
			list := w.sent("forward")[before:]
			return brief(list)
		}
		got, err := w.store.Died(t.Context(), system, named.ID, "Laure@exemple.fr")
		if err != nil || !got.Was || strings.Join(got.Route, " ") != "laure@travail.fr" {
			t.Errorf("Died() = %+v, %v", got, err)
		}
		if got := to(laure); got != "laure@travail.fr queued" {
			t.Errorf("the reserve: %s", got)
		}
		if got, err := w.store.Died(t.Context(), system, named.ID, "nobody@exemple.fr"); err != nil || got.Was || len(got.Route) != 1 {
			t.Errorf("Died() of an address that is none of his = %+v, %v", got, err)
		}
		w.wantLetters("the reserve needs no question")
		w.must(w.store.Revived(t.Context(), system, named.ID, "laure@exemple.fr"))
		if got := to(laure); got != "laure@exemple.fr queued" {
			t.Errorf("back: %s", got)
		}
		got, err = w.store.Died(t.Context(), system, unnamed.ID, "anne@ancien.fr")
		if err != nil || !got.Was || len(got.Route) != 0 {
			t.Errorf("Died() without a reserve = %+v, %v", got, err)
		}
		if got := to("anne.roy.ly2010@ly-alumni.example"); got != "held" {
			t.Errorf("without a reserve: %s, want it to wait", got)
		}
		w.run()
		w.wantLetters("asked", "no_target anne@exemple.fr")
		staff := viewer.Viewer{Kind: viewer.Staff, Account: id.New(), Roles: []viewer.Role{{Name: viewer.Webmaster, Association: w.ly.ID}}}
		w.must(w.store.Revived(t.Context(), staff, unnamed.ID, "anne@ancien.fr"))
		w.run()
		if got := brief(w.sent("forward")[2:]); got != "anne@ancien.fr queued" {
			t.Errorf("revived: %s", got)
		}
		if got := w.actions(unnamed); got != "target_dead target_revived" {
			t.Errorf("the trail says %s", got)
		}
		elsewhere := viewer.Viewer{Kind: viewer.Staff, Account: id.New(), Roles: []viewer.Role{{Name: viewer.Webmaster, Association: w.re.ID}}}
		if _, err := w.store.Died(t.Context(), elsewhere, named.ID, "laure@exemple.fr"); !errors.Is(err, errs.NotFound) {
			t.Errorf("Died() by the staff of another school = %v, want not found", err)
		}
	})
}

// An address that is nobody's own is found by what mail was passed on to it.
func TestAiming(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		old := func(addresses ...string) func(*people.Dossier) {
			return func(d *people.Dossier) { d.Redirects = addresses }
		}
		alone := w.someone("Anne", "Roy", old("couple@ancien.fr"))
		both := w.someone("Jean", "Roy", old("Couple@ancien.fr", "jean@ancien.fr"))
		chose := w.someone("Laure", "Lavaut", old("couple@ancien.fr"))
		w.choose(chose, forwarding.ToAll, "laure@exemple.fr", "1", "couple@ancien.fr", "")
		kept := w.someone("Marc", "Petit", old("couple@ancien.fr"))
		w.choose(kept, forwarding.ToAll, "couple@ancien.fr", "1")
		w.someone("Eve", "Petit", func(d *people.Dossier) {
			d.Contacts[0].Value, d.Redirects = "couple@ancien.fr", []string{"couple@ancien.fr"}
		})
		want := func(what string, state forwarding.State, persons ...people.Dossier) {
			t.Helper()
			got, err := w.store.Aiming(t.Context(), system, "COUPLE@ancien.fr", state)
			w.must(err)
			var ids []id.ID
			for _, p := range persons {
				ids = append(ids, p.ID)
			}
			slices.SortFunc(ids, func(a, b id.ID) int { return bytes.Compare(a[:], b[:]) })
			if !slices.Equal(got, ids) {
				t.Errorf("%s: Aiming(%s) = %v, want %v", what, state, got, ids)
			}
		}
		want("at first", forwarding.Good, alone, both, kept)
		want("at first", forwarding.Dead)
		for _, p := range []people.Dossier{alone, both} {
			got, err := w.store.Died(t.Context(), system, p.ID, "couple@ancien.fr")
			if err != nil || !got.Was || len(got.Route) != len(p.Redirects)-1 {
				t.Errorf("Died(%s) = %+v, %v", p.FirstName, got, err)
			}
		}
		want("two know that it died", forwarding.Good, kept)
		want("two know that it died", forwarding.Dead, alone, both)
		w.must(w.store.Revived(t.Context(), system, alone.ID, "couple@ancien.fr"))
		want("one is back", forwarding.Dead, both)
		if _, err := w.store.Aiming(t.Context(), self(alone).Viewer, "couple@ancien.fr", forwarding.Good); !errors.Is(err, errs.Forbidden) {
			t.Errorf("Aiming() for a person = %v, want forbidden", err)
		}
	})
}

// Whoever has lost his only address cannot be asked there.
func TestNobodyIsAskedAtADeadAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	p := w.someone("Laure", "Lavaut", func(d *people.Dossier) { d.Contacts = d.Contacts[:1] })
	other := w.someone("Anne", "Roy", func(d *people.Dossier) { d.Contacts[1].ConfirmedAt = time.Time{} })
	for _, one := range []people.Dossier{p, other} {
		address := one.Contacts[0].Value
		got, err := w.store.Died(t.Context(), system, one.ID, address)
		if err != nil || !got.Was || len(got.Route) != 0 {
			t.Errorf("Died(%s) = %+v, %v", address, got, err)
		}
		_, err = w.people.MarkBroken(t.Context(), system, one.ID, address)
		w.must(err)
	}
	w.run()
	w.wantLetters("asked", "no_target anne@travail.fr")
	w.later(3 * day)
	w.run()
	w.wantLetters("and again", "no_target_again anne@travail.fr")
	if _, err := w.deliver(w.box, w.message("ami@ailleurs.fr", "x"), laure); err != nil {
		t.Errorf("mail to who cannot be asked is refused before its time: %v", err)
	}
}

// Who never said anything gets his mail at the address preferred for letters. Another one takes over for letters only:
// private mail must not reach an employer, or whoever else reads there.
func TestNoOtherAddressTakesOverUnasked(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		p := w.someone("Laure", "Lavaut", func(d *people.Dossier) { d.Contacts[1].Purpose = people.Personal })
		deliver := func() string {
			t.Helper()
			before := len(w.sent("forward"))
			_, err := w.deliver(w.box, w.message("ami@ailleurs.fr", "x"), laure)
			w.must(err)
			return brief(w.sent("forward")[before:])
		}
		if got := deliver(); got != "laure@exemple.fr queued" {
			t.Errorf("at first: %s", got)
		}
		_, err := w.store.Died(t.Context(), system, p.ID, "laure@exemple.fr")
		w.must(err)
		moved, err := w.people.MarkBroken(t.Context(), system, p.ID, "laure@exemple.fr")
		if err != nil || moved.To.Value != "laure@travail.fr" {
			t.Fatalf("MarkBroken() = %+v, %v", moved, err)
		}
		if got := deliver(); got != "held" {
			t.Errorf("while another is preferred: %s, want it to wait", got)
		}
		w.must(w.people.MarkWorking(t.Context(), system, p.ID, "laure@exemple.fr")) // letters go on to the other
		w.must(w.store.Revived(t.Context(), system, p.ID, "laure@exemple.fr"))
		w.run()
		if got := brief(w.sent("forward")[1:]); got != "laure@exemple.fr queued" {
			t.Errorf("back: %s", got)
		}
		if got := deliver(); got != "laure@exemple.fr queued" {
			t.Errorf("from then on: %s", got)
		}
		w.must(w.people.RemoveContact(t.Context(), self(p).Viewer, p.ID, p.Contacts[0].ID))
		if got := deliver(); got != "laure@travail.fr queued" {
			t.Errorf("once its owner took it away: %s, want it where letters go", got)
		}
	})
}

func TestPassages(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		p, other := w.someone("Laure", "Lavaut"), w.someone("Anne", "Roy")
		for _, from := range []string{"un@ailleurs.fr", "Deux_100%@Ailleurs.fr", "trois@la-bas.fr"} {
			_, err := w.deliver(w.box, w.message(from, "x"), laure)
			w.must(err)
			w.later(time.Minute)
		}
		spam := w.message("spam@spam.example", "x")
		spam.Score = 500
		_, _ = w.deliver(w.box, spam, laure)
		for sender, want := range map[string]int{"": 4, "ailleurs": 2, "AILLEURS": 2, "100%": 1, "%": 1, "_": 1, "!": 0, "personne": 0, "spam": 1} {
			list, total, err := w.store.Passages(t.Context(), self(p).Viewer, sender, 10, 0)
			if err != nil || total != want || len(list) != want {
				t.Errorf("Passages(%q) = %d of %d, %v, want %d", sender, len(list), total, err, want)
			}
		}
		list, total, err := w.store.Passages(t.Context(), self(p).Viewer, "", 2, 2)
		if err != nil || total != 4 || len(list) != 2 || list[1].From != "un@ailleurs.fr" {
			t.Errorf("the second page: %+v of %d, %v", list, total, err)
		}
		if first, _, _ := w.store.Passages(t.Context(), self(p).Viewer, "spam", 1, 0); !strings.HasPrefix(first[0].Refused, "550 5.7.1") || len(first[0].Legs) != 0 {
			t.Errorf("what was refused: %+v", first)
		}
		if _, total, err := w.store.Passages(t.Context(), self(other).Viewer, "", 10, 0); err != nil || total != 0 {
			t.Errorf("another's list has %d (%v)", total, err)
		}
		one := w.sent("forward")[0]
		for name, v := range map[string]viewer.Viewer{"another": self(other).Viewer, "staff": {Kind: viewer.Staff, Account: id.New(), Roles: []viewer.Role{{Name: viewer.FederationAdmin}}}, "guest": {}} {
			if err := w.store.Resend(t.Context(), v, one.Ref, one.ID); !errors.Is(err, errs.NotFound) && !errors.Is(err, errs.Forbidden) {
				t.Errorf("%s: Resend() = %v", name, err)
			}
		}
		if err := w.store.Resend(t.Context(), self(p).Viewer, one.Ref, one.ID); !errors.Is(err, errs.Conflict) {
			t.Errorf("Resend() of what is on its way = %v, want a conflict", err)
		}
		w.fate(mail.Dead, one)
		if err := w.store.Resend(t.Context(), self(p).Viewer, w.sent("forward")[1].Ref, one.ID); !errors.Is(err, errs.NotFound) {
			t.Errorf("Resend() of another message's delivery = %v, want not found", err)
		}
		w.must(w.store.Resend(t.Context(), self(p).Viewer, one.Ref, one.ID))
		w.later(31 * day)
		if _, total, err := w.store.Passages(t.Context(), self(p).Viewer, "", 10, 0); err != nil || total != 0 {
			t.Errorf("after a month there are %d (%v)", total, err)
		}
	})
}

func TestSaveRefusesWhatChangedMeanwhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	p := w.someone("Laure", "Lavaut")
	own, err := w.store.Own(t.Context(), self(p).Viewer)
	w.must(err)
	wish := forwarding.Wish{Mode: forwarding.ToAll, Strictness: forwarding.Strict, Places: map[string]forwarding.Place{"laure@travail.fr": "1"}}
	w.must(w.store.Save(t.Context(), self(p), wish, own.Settings.Version()))
	if err := w.store.Save(t.Context(), self(p), wish, own.Settings.Version()); !errors.Is(err, errs.Conflict) {
		t.Errorf("Save() from an old page = %v, want a conflict", err)
	}
	if err := w.store.Save(t.Context(), viewer.Actor{}, wish, ""); !errors.Is(err, errs.Forbidden) {
		t.Errorf("Save() by a guest = %v, want forbidden", err)
	}
	now, err := w.store.Own(t.Context(), self(p).Viewer)
	w.must(err)
	w.letters()
	w.must(w.store.Save(t.Context(), self(p), wish, now.Settings.Version()))
	wish.Strictness = forwarding.Lax
	w.must(w.store.Save(t.Context(), self(p), wish, now.Settings.Version()))
	w.wantLetters("the targets are the same")
	if got := w.actions(p); got != "targets_changed targets_changed" {
		t.Errorf("the trail says %q, want nothing of saving the same", got)
	}
}

func TestOverview(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	p := w.someone("Laure", "Lavaut")
	for _, v := range []viewer.Viewer{staffOf(w.ly, viewer.Webmaster), staffOf(w.ly, viewer.Secretary), self(p).Viewer} {
		o, err := w.store.Overview(t.Context(), v, p.ID)
		if err != nil || o.Way != forwarding.Open || len(o.Addresses) != 1 || len(o.Settings.Targets) != 1 || o.Settings.Targets[0].Address != "laure@exemple.fr" {
			t.Errorf("Overview() = %+v, %v", o, err)
		}
	}
	for name, v := range map[string]viewer.Viewer{"guest": {}, "another": self(w.someone("Anne", "Roy")).Viewer, "an editor": staffOf(w.ly, viewer.Editor),
		"staff elsewhere": staffOf(w.re, viewer.Webmaster)} {
		if _, err := w.store.Overview(t.Context(), v, p.ID); !errors.Is(err, errs.NotFound) {
			t.Errorf("%s: Overview() = %v, want not found", name, err)
		}
	}
}

func TestReadAt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	p := w.someone("Laure", "Lavaut")
	w.choose(p, forwarding.ToAll, "laure@travail.fr", "1", "laure@exemple.fr", "2")
	if got, err := w.store.ReadAt(t.Context(), self(p).Viewer); err != nil || !slices.Equal(got, []string{"laure@travail.fr", "laure@exemple.fr"}) {
		t.Errorf("ReadAt() = %q, %v", got, err)
	}
	for name, v := range map[string]viewer.Viewer{"guest": {}, "staff": staffOf(w.ly, viewer.Webmaster)} {
		if got, err := w.store.ReadAt(t.Context(), v); !errors.Is(err, errs.Forbidden) {
			t.Errorf("%s: ReadAt() = %q, %v, want forbidden", name, got, err)
		}
	}
}

func TestTally(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		p, other := w.someone("Laure", "Lavaut"), w.someone("Anne", "Roy")
		want := func(what string, want forwarding.Tally) {
			t.Helper()
			if got, err := w.store.Tally(t.Context(), self(p).Viewer); err != nil || got != want {
				t.Errorf("%s: Tally() = %+v, %v, want %+v", what, got, err, want)
			}
		}
		comes := func() sent {
			t.Helper()
			ids, err := w.deliver(w.box, w.message("ami@ailleurs.fr", "x"), laure)
			w.must(err)
			for _, s := range w.sent("forward") {
				if s.Ref == ids[0] {
					return s
				}
			}
			t.Fatal("nothing leaves")
			return sent{}
		}
		want("nothing came", forwarding.Tally{})
		w.fate(mail.Delivered, comes())
		dead := comes()
		w.fate(mail.Dead, dead)
		waits := comes()
		w.fate(mail.Temporary, waits)
		comes() // on its way, which is no waiting
		want("a day", forwarding.Tally{Taken: 4, Waiting: 1, Failed: 1})

		spam := w.message("spam@spam.example", "x")
		spam.Score = 500
		if _, err := w.deliver(w.box, spam, laure); answer(err) != "550 5.7.1" {
			t.Fatal(err)
		}
		w.must(w.store.Pause(t.Context(), self(p), w.now().Add(5*day)))
		comes()
		want("a refusal and a pause", forwarding.Tally{Taken: 5, Refused: 1, Waiting: 2, Failed: 1})

		w.must(w.store.Resend(t.Context(), self(p).Viewer, dead.Ref, dead.ID))
		w.fate(mail.Delivered, dead)
		w.fate(mail.Delivered, waits)
		want("sent on and arrived", forwarding.Tally{Taken: 5, Refused: 1, Waiting: 1})
		if got, err := w.store.Tally(t.Context(), self(other).Viewer); err != nil || got != (forwarding.Tally{}) {
			t.Errorf("another's Tally() = %+v, %v", got, err)
		}
		if _, err := w.store.Tally(t.Context(), viewer.Viewer{}); !errors.Is(err, errs.Forbidden) {
			t.Errorf("a guest's Tally() = %v, want forbidden", err)
		}
		w.later(31 * day)
		want("a month later", forwarding.Tally{})
	})
}
