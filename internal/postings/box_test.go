package postings_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/inbox"
	"amicale/internal/postings"
)

func TestFindKnowsTheAddressesOfOffers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	for address, want := range map[string]id.ID{
		"emploi@ly.example": w.ly.ID, "EMPLOI@LY.Example": w.ly.ID, "jobs@re.example": w.re.ID, "offres@ly.example": {}, "emploi@elsewhere.example": {}, "emploi@lettres.ly.example": {},
		"emploi": {}, "@ly.example": {}, "": {}, "laure.lavaut.ly2010@ly.example": {}, "emploi+x@ly.example": {},
	} {
		to, err := w.box.Find(t.Context(), inbox.Envelope{}, address)
		if want.IsZero() {
			if !errors.Is(err, errs.NotFound) {
				t.Errorf("Find(%q) = %v, %v, want not found", address, to, err)
			}
		} else if err != nil || to.Owner != want {
			t.Errorf("Find(%q) = %v, %v, want the school's", address, to.Owner, err)
		}
	}
}

func TestScreenSaysWhyItRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	to, err := w.box.Find(t.Context(), inbox.Envelope{}, "emploi@ly.example")
	w.must(err)
	for _, c := range []struct {
		name string
		m    *inbox.Message
		edit func(*inbox.Message)
		code int
		text string
	}{
		{"an offer", envelope(letter([]part{text("a"), pdf("a.pdf"), word("a.docx", docx(t, []string{"x"}))})), nil, 0, ""},
		{"10 MB", envelope(letter([]part{text(strings.Repeat("x", 10<<20-400))})), nil, 0, ""},
		{"more", envelope(letter([]part{text(strings.Repeat("x", 10<<20))})), nil, 552, "10 MB"},
		{"macros by name", envelope(letter([]part{text("a"), other("x/y", "offre.docm")})), nil, 550, "macros"},
		{"macros within", envelope(letter([]part{text("a"), word("offre.docx", docx(t, []string{"x"}, "word/vbaProject.bin", "x"))})), nil, 550, "macros"},
		{"macros in what is passed on", envelope(letter([]part{text("a"), {"message/rfc822", "", within(letter([]part{text("b"), other("x/y", "offre.docm")}))}})), nil, 550, "macros"},
		{"spam", envelope(letter([]part{text("a")})), func(m *inbox.Message) { m.Score = 100 }, 550, "spam"},
		{"nearly spam", envelope(letter([]part{text("a")})), func(m *inbox.Message) { m.Score = 99 }, 0, ""},
		{"a failure notice", envelope(letter([]part{text("a")})), func(m *inbox.Message) { m.Envelope.From = "" }, 550, "automatic"},
		{"a holiday notice", envelope(letter([]part{text("a")}, "Auto-Submitted", "auto-replied (vacation)")), nil, 550, "automatic"},
		{"an offer sent by a program", envelope(letter([]part{text("a")}, "Auto-Submitted", "auto-generated")), nil, 0, ""},
		{"a file that cannot be read", envelope(letter([]part{text("a"), word("a.docx", "x")})), nil, 0, ""},
	} {
		if c.edit != nil {
			c.edit(c.m)
		}
		err := w.box.Screen(t.Context(), c.m, to)
		var no *inbox.Refusal
		switch {
		case c.code == 0 && err != nil:
			t.Errorf("%s: Screen() = %v, want it taken", c.name, err)
		case c.code != 0 && (!errors.As(err, &no) || no.Code != c.code || !strings.Contains(no.Text, c.text) || !strings.HasPrefix(no.Enhanced, "5.")):
			t.Errorf("%s: Screen() = %v, want %d with %q", c.name, err, c.code, c.text)
		case c.code != 0 && strings.ContainsFunc(no.Text, func(r rune) bool { return r > 126 || r < ' ' }):
			t.Errorf("%s: %q holds what an answer of a server cannot", c.name, no.Text)
		}
	}
}

func TestAnOfferBecomesADraft(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		m := envelope(letter([]part{text("Bonjour,\nun poste à Lyon."), pdf("Offre été.pdf"), word("offre.docx", docx(t, []string{"Ingénieur matériaux"})), other("image/png", "logo.png")},
			"Subject", "=?utf-8?q?Offre_d'emploi_:_Ing=C3=A9nieur_mat=C3=A9riaux?=", "From", "Rosa Recrute <rh@rh.acme-industries.fr>"))
		draft := w.arrive(m, "jobs@ly.example")
		if got, files := w.show(draft); !got.ReadAt.IsZero() || got.Subject != "Offre d'emploi : Ingénieur matériaux" || got.Sender != "rh@rh.acme-industries.fr" || got.SenderName != "Rosa Recrute" ||
			!got.Authenticated || got.Lang != "en" || got.State != postings.New || len(files) != 0 {
			t.Errorf("before it is taken apart: %+v", got)
		}
		w.pass(time.Minute)
		w.work()
		got, files := w.show(draft)
		if got.Title != "Ingénieur matériaux" || !got.TitleGuessed || got.Company != "Acme Industries" || !got.CompanyGuessed || got.Files != 1 || !got.ReadAt.Equal(w.now()) ||
			got.Body != "Bonjour,\nun poste à Lyon.\n\n— offre.docx —\n\nIngénieur matériaux" || got.AssociationID != w.ly.ID {
			t.Errorf("draft = %+v", got)
		}
		var said []string
		for _, f := range files {
			said = append(said, fmt.Sprint(f.Name, " ", f.Verdict))
		}
		if fmt.Sprint(said) != "[Offre été.pdf kept offre.docx read logo.png kind]" || len(w.blobs()) != 1 {
			t.Errorf("files %q, kept %q", said, w.blobs())
		}
		if n, err := db.One[int](t.Context(), d, `SELECT count(*) FROM posting_mails`); err != nil || n != 0 {
			t.Errorf("%d messages are kept past their use, %v", n, err)
		}
		if l := w.letters(); len(l) != 1 || l[0].To != "rh@rh.acme-industries.fr" || l[0].Subject != "Offer received: Ingénieur matériaux" || !strings.Contains(l[0].Text, "logo.png") ||
			strings.Contains(l[0].Text, "offre.docx") || !strings.Contains(l[0].Text, "AIL ly") {
			t.Errorf("letters = %+v, want one in English that names what was not taken", l)
		}
		w.work() // nothing is left to do
	})
}

func TestOneMessageToTwoSchoolsIsADraftEach(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	m := envelope(letter([]part{text("a"), pdf("a.pdf")}))
	one, two := w.arrive(m, "emploi@ly.example"), w.arrive(m, "emploi@re.example")
	w.work()
	a, _ := w.show(one)
	b, _ := w.show(two)
	if a.AssociationID != w.ly.ID || b.AssociationID != w.re.ID || len(w.blobs()) != 2 || len(w.letters()) != 1 {
		t.Errorf("%v, %v, files %q, %d letters, want one draft each and one letter", a.AssociationID, b.AssociationID, w.blobs(), len(w.letters()))
	}
}

func TestWhoIsToldThatAnOfferCame(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		say := func(what string, want int, edit func(*inbox.Message), headers ...string) {
			t.Helper()
			before := len(w.letters())
			m := envelope(letter([]part{text("a")}, headers...))
			if edit != nil {
				edit(m)
			}
			w.arrive(m, "emploi@ly.example")
			w.work()
			if got := len(w.letters()) - before; got != want {
				t.Errorf("%s: %d letters, want %d", what, got, want)
			}
		}
		unproven := func(m *inbox.Message) { m.Auth.DMARC = inbox.None }
		say("who is not proven", 0, unproven)
		say("who failed", 0, func(m *inbox.Message) { m.Auth.DMARC = inbox.Fail })
		say("a machine", 0, nil, "Auto-Submitted", "auto-generated")
		say("a list", 0, nil, "List-Id", "<x.y>")
		say("one of our own addresses", 0, nil, "From", "jobs@re.example")
		say("an address that no server takes", 0, nil, "From", "é@acme.example")
		say("nobody", 0, nil, "From", "rien")
		say("a proven sender", 1, nil)
		w.pass(23 * time.Hour)
		say("the same a little later", 0, nil, "From", "RH@acme.example")
		say("another", 1, nil, "From", "autre@acme.example")
		w.pass(time.Hour)
		say("the same a day later", 1, nil)
		for _, l := range w.letters() {
			if l.Subject != "Offre bien reçue : Offre" || strings.Contains(l.Text, "pas été pris") {
				t.Errorf("letter = %q, %q", l.Subject, l.Text)
			}
		}
	})
}

// A process may die between the file and the row, or after either: the job runs again.
func TestTakingApartTwiceIsOnce(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		draft := w.arrive(envelope(letter([]part{text("a"), pdf("a.pdf")})), "emploi@ly.example")
		raw, err := db.One[[]byte](t.Context(), d, `SELECT raw FROM posting_mails WHERE draft_id = ?`, draft)
		w.must(err)
		w.work()
		// As if the row had not been written: the message is back, the file there.
		_, err = d.Exec(t.Context(), `DELETE FROM posting_files`)
		w.must(err)
		_, err = d.Exec(t.Context(), `INSERT INTO posting_mails (draft_id, raw) VALUES (?, ?)`, draft, raw)
		w.must(err)
		w.must(postings.TakeApart(t.Context(), w.Store, draft))
		w.must(postings.TakeApart(t.Context(), w.Store, draft))
		if _, files := w.show(draft); len(files) != 1 || len(w.blobs()) != 1 || len(w.letters()) != 1 {
			t.Errorf("files %v, kept %q, %d letters, want one each", files, w.blobs(), len(w.letters()))
		}
		w.must(postings.TakeApart(t.Context(), w.Store, id.New())) // a draft that is gone
	})
}

func TestHostileHeadersAreKeptOut(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		m := envelope([]byte("From: \"a\x00b\" <x@acme.example>\r\nSubject: a\x00\xff\r\nMessage-ID: <a\x00b> injected\r\n\r\n\x00\xff"))
		m.Subject, m.Key = "a\x00\xffb\r\nBcc: x@y.fr", "<a\x00b>\r\nBcc: x@y.fr"
		draft := w.arrive(m, "emploi@ly.example")
		w.work()
		if got, _ := w.show(draft); strings.ContainsAny(got.Subject+got.MessageKey+got.SenderName, "\x00\r\n") {
			t.Errorf("draft = %q", got.Subject)
		}
		if l := w.letters(); len(l) > 1 {
			t.Errorf("%d letters", len(l))
		}
	})
}
