package forwarding_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/forwarding"
	"amicale/internal/id"
	"amicale/internal/inbox"
	"amicale/internal/mail"
	"amicale/internal/outbox"
	"amicale/internal/people"
)

const laure = "laure.lavaut.ly2010@ly-alumni.example"

// nobodyKnows leaves no way to reach somebody.
func nobodyKnows(d *people.Dossier) { d.Contacts, d.ActivatedAt = nil, time.Time{} }

func TestWhoHasAnAddress(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.someone("Laure", "Lavaut", func(d *people.Dossier) {
			d.Logins = []people.Login{{Login: "LLavaut_10", Origin: "import"}}
			d.Degrees = append(d.Degrees, people.Degree{AssociationID: w.re.ID, ClassYear: 2014, Diploma: people.Doctorate})
		})
		w.someone("Jean", "Mort", func(d *people.Dossier) { d.Status = people.Deceased })
		w.someone("Anne", "Roy")
		w.someone("Anne", "Roy")
		w.someone("Nemo", "Perdu", nobodyKnows)
		w.someone("Paul", "Oublié", func(d *people.Dossier) { d.Contacts = nil })
		gone := w.someone("Zoé", "Partie")
		w.must(w.people.Erase(t.Context(), system, gone.ID, w.store.Eraser()))
		double, stays := w.someone("Lise", "Double"), w.someone("Lise", "Unique")
		_, err := w.people.Merge(t.Context(), system, double.ID, stays.ID, w.store.Merger())
		w.must(err)
		w.must(w.people.ReserveStaffLogin(t.Context(), "bureau.ly"))
		for address, want := range map[string]string{
			laure: "", "Laure.Lavaut.LY2010@LY-Alumni.Example": "", "laure lavaut ly 2010@ly-alumni.example": "", "láure.lavaut.ly2010@ly-alumni.example": "",
			"laure.lavaut.re2014@re-alumni.example": "", "llavaut_10@ly-alumni.example": "", "llavaut_10@re-alumni.example": "",
			"lise.double.ly2010@ly-alumni.example": "", "anne.roy-2.ly2010@ly-alumni.example": "",
			"laure.lavaut.ly2010@re-alumni.example":        "not found", // another school's
			"laure.lavaut.re2014@ly-alumni.example":        "not found",
			"laure.lavaut.ly2010+achats@ly-alumni.example": "not found",
			"lavaut@ly-alumni.example":                     "not found", "anne.roy@ly-alumni.example": "not found", "roy.ly2010@ly-alumni.example": "not found",
			"jean.mort.ly2010@ly-alumni.example": "not found", "zoe.partie.ly2010@ly-alumni.example": "not found", "bureau.ly@ly-alumni.example": "not found",
			"laure.lavaut.ly2010@ailleurs.example": "not found", "laure.lavaut.ly2010@retour.ly-alumni.example": "not found",
			"@ly-alumni.example": "not found", "laure.lavaut.ly2010": "not found", "": "not found",
			"nemo.perdu.ly2010@ly-alumni.example":  "550 5.2.1", // nothing is known of where to, and nobody can be asked
			"paul.oublie.ly2010@ly-alumni.example": "",          // asked on the site: mail waits
		} {
			rcpt, err := w.box.Find(t.Context(), inbox.Envelope{}, address)
			if got := answer(err); got != want || want == "" && (rcpt.Owner.IsZero() || rcpt.Address != address) {
				t.Errorf("Find(%q) = %q for %v, want %q", address, got, rcpt.Owner, want)
			}
		}
		if rcpt, err := w.box.Find(t.Context(), inbox.Envelope{}, "lise.double.ly2010@ly-alumni.example"); err != nil || rcpt.Owner != stays.ID {
			t.Errorf("a double's address is %v's (%v), want %v's", rcpt.Owner, err, stays.ID)
		}
	})
}

func TestMailGoesToTheTargets(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		p := w.someone("Laure", "Lavaut")
		w.someone("Anne", "Roy", func(d *people.Dossier) {
			d.Redirects = []string{"anne@ancien.fr", "Anne.Roy@vieux.fr", "loop@re-alumni.example"}
		})
		w.someone("Marc", "Importé", func(d *people.Dossier) {
			d.ActivatedAt, d.Contacts[0].ConfirmedAt, d.Contacts[0].Origin = time.Time{}, time.Time{}, "import"
		})
		w.someone("Luc", "Saisi", func(d *people.Dossier) { d.Contacts[0].ConfirmedAt, d.Contacts[0].Origin = time.Time{}, "staff" })
		w.choose(p, forwarding.ToAll, "laure@exemple.fr", "2", "laure@travail.fr", "1")
		m := w.message("ami@ailleurs.fr", "Salut\r\n.\r\n"+strings.Repeat("x", 3000))
		ids, err := w.deliver(w.box, m, "Laure.Lavaut.LY2010@ly-alumni.example", "anne.roy.ly2010@ly-alumni.example", "marc.importe.ly2010@ly-alumni.example", "luc.saisi.ly2010@ly-alumni.example")
		w.must(err)
		list := w.sent("forward")
		if got, want := brief(list), "Anne.Roy@vieux.fr queued, anne@ancien.fr queued, held, laure@exemple.fr queued, laure@travail.fr queued, marc@exemple.fr queued"; got != want {
			t.Errorf("deliveries %s, want %s", got, want)
		}
		for _, s := range list {
			local, domain, _ := strings.Cut(s.Sender, "@")
			kind, row, ok := w.tokens.Parse(local)
			if !ok || kind != mail.DeliveryToken || row != s.ID || domain != "retour.ly-alumni.example" {
				t.Errorf("the sender of the envelope is %q, want a return token of the delivery", s.Sender)
			}
			if string(s.Raw) != string(m.Raw) {
				t.Error("the message changed")
			}
			if s.Ref == ids[0] && s.Head != m.Trace+"Delivered-To: "+laure+"\r\n" {
				t.Errorf("the head is %q", s.Head)
			}
			if strings.Contains(s.Head, "exemple.fr") || strings.Contains(s.Head, "travail.fr") || strings.Contains(s.Head, "ancien") {
				t.Errorf("the head tells where the address leads: %q", s.Head)
			}
		}
		if n, err := db.One[int](t.Context(), d, `SELECT count(*) FROM outbox_bodies`); err != nil || n != 1 {
			t.Errorf("%d bodies of one message (%v)", n, err)
		}
		_, err = w.deliver(w.box, w.message("", "a report"), laure)
		w.must(err)
		for _, s := range w.sent("forward")[len(list):] {
			if s.Sender != "" {
				t.Errorf("the null sender became %q", s.Sender)
			}
		}
	})
}

func TestNothingLeavesForWhatIsRolledBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	w.someone("Laure", "Lavaut")
	rcpt, err := w.box.Find(t.Context(), inbox.Envelope{}, laure)
	w.must(err)
	if err := w.box.Accept(t.Context(), []inbox.Arrival{{ID: id.New(), Message: w.message("a@b.fr", "x"), Rcpt: inbox.Rcpt{Data: "another box's"}}, {ID: id.New(), Message: w.message("a@b.fr", "x"), Rcpt: rcpt}}); err == nil {
		t.Error("Accept() took another box's recipient")
	}
	if got := brief(w.sent("forward")); got != "" {
		t.Errorf("deliveries %s, want none", got)
	}
}

func TestScreen(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	p := w.someone("Laure", "Lavaut")
	set := func(s forwarding.Strictness) {
		t.Helper()
		own, err := w.store.Own(t.Context(), self(p).Viewer)
		w.must(err)
		w.must(w.store.Save(t.Context(), self(p), forwarding.Wish{Mode: forwarding.ToAll, Strictness: s, Places: map[string]forwarding.Place{"laure@exemple.fr": "1"}}, own.Settings.Version()))
	}
	for _, tt := range []struct {
		strictness forwarding.Strictness
		score      int
		want       string
	}{
		{forwarding.Lax, 149, ""}, {forwarding.Lax, 150, "550 5.7.1"}, {forwarding.Normal, 99, ""}, {forwarding.Normal, 100, "550 5.7.1"},
		{forwarding.Strict, 59, ""}, {forwarding.Strict, 60, "550 5.7.1"},
	} {
		set(tt.strictness)
		m := w.message("ami@ailleurs.fr", "x")
		m.Score = tt.score
		_, err := w.deliver(w.box, m, laure)
		if got := answer(err); got != tt.want {
			t.Errorf("%s with a score of %d: %q, want %q", tt.strictness, tt.score, got, tt.want)
		}
	}
	for head, want := range map[string]string{
		"Delivered-To: " + strings.ToUpper(laure): "554 5.4.6", "Delivered-To: <" + laure + ">": "554 5.4.6", "Delivered-To: somebody@ly-alumni.example": "", "X-Delivered-To: " + laure: "",
	} {
		m := w.message("ami@ailleurs.fr", "x")
		m.Raw = append([]byte("Received: from x\r\n"+head+"\r\n"), m.Raw...)
		m.Head, _ = mail.ReadHeader(m.Raw) // as the inbox gives it
		_, err := w.deliver(w.box, m, "laure lavaut ly 2010@ly-alumni.example")
		if got := answer(err); got != want {
			t.Errorf("%s: %q, want %q", head, got, want)
		}
	}
}

func TestInTurn(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		p := w.someone("Laure", "Lavaut", func(d *people.Dossier) {
			d.Contacts = append(d.Contacts, people.ContactPoint{Kind: people.Email, Value: "laure@reserve.fr", ConfirmedAt: noon})
		})
		w.choose(p, forwarding.InTurn, "laure@travail.fr", "1", "laure@exemple.fr", "2", "laure@reserve.fr", "reserve")
		_, err := w.deliver(w.box, w.message("ami@ailleurs.fr", "x"), laure)
		w.must(err)
		step := func(what string, class mail.Class, want string, reports int) {
			t.Helper()
			w.fate(class, w.sent("forward")...)
			if got := brief(w.sent("forward")); got != want {
				t.Errorf("%s: %s, want %s", what, got, want)
			}
			if got := len(w.sent("report")); got != reports {
				t.Errorf("%s: %d reports, want %d", what, got, reports)
			}
		}
		before := w.sent("forward")[0].Sender
		step("put off", mail.Temporary, "laure@travail.fr queued", 0)
		step("the first refuses", mail.Dead, "laure@exemple.fr queued", 0)
		if got := w.sent("forward")[0].Sender; got != before {
			t.Errorf("the return address changed from %s to %s", before, got)
		}
		step("the second refuses", mail.Policy, "laure@exemple.fr failed", 1)
		w.must(w.store.Resend(t.Context(), self(p).Viewer, w.sent("forward")[0].Ref, w.sent("forward")[0].ID))
		step("sent on again: refused", mail.Dead, "laure@travail.fr queued", 1)
		step("the other takes it", mail.Delivered, "laure@travail.fr sent", 1)
		list, total, err := w.store.Passages(t.Context(), self(p).Viewer, "", 10, 0)
		if err != nil || total != 1 || len(list[0].Legs) != 1 || len(list[0].Legs[0].Refused) != 1 || list[0].Legs[0].Refused[0].To != "laure@exemple.fr" {
			t.Errorf("Passages() = %+v, %d, %v", list, total, err)
		}
	})
}

// What the sender reads when nothing arrived, and who is told at all.
func TestReports(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		p := w.someone("Laure", "Lavaut")
		w.choose(p, forwarding.ToAll, "laure@exemple.fr", "1", "laure@travail.fr", "2")
		send := func(m *inbox.Message) []sent {
			t.Helper()
			ids, err := w.deliver(w.box, m, laure)
			w.must(err)
			var out []sent
			for _, s := range w.sent("forward") {
				if s.Ref == ids[0] {
					out = append(out, s)
				}
			}
			return out
		}
		reports := func(what string, want int) []sent {
			t.Helper()
			got := w.sent("report")
			if len(got) != want {
				t.Errorf("%s: %d reports, want %d", what, len(got), want)
			}
			return got
		}
		one := send(w.message("ami@ailleurs.fr", "x"))
		w.fate(mail.Dead, one[0])
		reports("the other may still arrive", 0)
		w.fate(mail.Delivered, one[1])
		reports("the other arrived", 0)

		two := send(w.message("ami@ailleurs.fr", "x"))
		w.fate(mail.Dead, two...)
		list := reports("both refused, at once", 1)
		for _, forged := range []*inbox.Message{w.message("victime@ailleurs.fr", "x"), w.message("", "x"), w.message("autre@ailleurs.fr", "x")} {
			forged.Auth.DMARC = inbox.None
			w.fate(mail.Dead, send(forged)...)
		}
		reports("nobody who may not have written", 1)
		w.must(w.store.Resend(t.Context(), self(p).Viewer, two[0].Ref, two[0].ID))
		w.fate(mail.Dead, two[0])
		reports("he knows already", 1)

		r := list[0]
		if r.Recipient != "ami@ailleurs.fr" || r.Sender != "" || r.State != outbox.Queued {
			t.Errorf("the report goes from %q to %q, %s", r.Sender, r.Recipient, r.State)
		}
		text := string(r.Raw)
		for _, want := range []string{"From: \"Postmaster\" <postmaster@ly-alumni.example>", "Final-Recipient: rfc822; " + laure, "Auto-Submitted: auto-replied", "Status: 5.1.1", "Subject: Bonjour"} {
			if !strings.Contains(text, want) {
				t.Errorf("the report lacks %q:\n%s", want, text)
			}
		}
		for _, secret := range []string{"laure@exemple.fr", "laure@travail.fr", "exemple.fr", "travail.fr"} {
			if strings.Contains(text, secret) {
				t.Errorf("the report discloses %q:\n%s", secret, text)
			}
		}
	})
}

// Two deliveries of one message that fail at the same moment, in two processes: the sender is told, once.
func TestReportsOfTwoAtOnce(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		p := w.someone("Laure", "Lavaut")
		w.choose(p, forwarding.ToAll, "laure@exemple.fr", "1", "laure@travail.fr", "2")
		const rounds = 15
		for range rounds {
			ids, err := w.deliver(w.box, w.message("ami@ailleurs.fr", "x"), laure)
			w.must(err)
			var both sync.WaitGroup
			for _, s := range w.sent("forward") {
				if s.Ref == ids[0] {
					both.Go(func() { w.fate(mail.Dead, s) })
				}
			}
			both.Wait()
		}
		if got := len(w.sent("report")); got != rounds {
			t.Errorf("%d reports of %d messages", got, rounds)
		}
	})
}
