package postings_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/inbox"
	"amicale/internal/postings"
	"amicale/internal/viewer"
)

func TestEditDecideReopen(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx, editor := t.Context(), staff(viewer.Editor, w.ly.ID)
		draft := w.offer([]part{text("Un poste.")}, "Subject", "Offre : Ingénieur")
		old := w.seen(draft)
		w.refused("an empty form", w.Edit(ctx, editor, old, postings.Words{}), errs.Invalid)
		w.refused("a long title", w.Edit(ctx, editor, old, postings.Words{Title: strings.Repeat("x", 201), Body: "a"}), errs.Invalid)
		w.must(w.Edit(ctx, editor, old, postings.Words{Title: " Ingénieur qualité ", Company: "Acme SA", Body: "Un poste à Lyon."}))
		got, _ := w.show(draft)
		if got.Title != "Ingénieur qualité" || got.TitleGuessed || got.Company != "Acme SA" || got.CompanyGuessed || got.Body != "Un poste à Lyon." {
			t.Errorf("after Edit(): %+v", got)
		}
		w.refused("what was seen before", w.Edit(ctx, editor, old, postings.Words{Title: "a", Body: "b"}), errs.Conflict)

		w.refused("a letter that there is not", w.Decide(ctx, editor, w.seen(draft), postings.Decision{Keep: true, Reply: 9}), errs.Invalid)
		w.refused("nonsense for a letter", w.Decide(ctx, editor, w.seen(draft), postings.Decision{Keep: true, Reply: -1}), errs.Invalid)
		w.must(w.Decide(ctx, editor, w.seen(draft), postings.Decision{Keep: true, Reply: 1, Words: "À bientôt.", Note: "rien"}))
		if got, _ = w.show(draft); got.State != postings.Kept || got.DecidedBy != "editor" || got.Note != "" || !got.DecidedAt.Equal(w.now()) {
			t.Errorf("after Decide(): %+v", got)
		}
		w.refused("a second decision", w.Decide(ctx, editor, w.seen(draft), postings.Decision{Note: "non"}), errs.Conflict)
		w.must(w.Reopen(ctx, editor, w.seen(draft)))
		w.refused("what is open already", w.Reopen(ctx, editor, w.seen(draft)), errs.Conflict)
		w.refused("a refusal without a why", w.Decide(ctx, editor, w.seen(draft), postings.Decision{}), errs.Invalid)
		w.must(w.Decide(ctx, editor, w.seen(draft), postings.Decision{Reply: 2}))
		if got, _ = w.show(draft); got.State != postings.Refused || got.Note != "Offre incomplète" {
			t.Errorf("a refusal by letter: %+v, want its title as the note", got)
		}
		if got, want := w.actions(draft), []string{"posting.edited", "posting.kept", "posting.reopened", "posting.refused"}; !slices.Equal(got, want) {
			t.Errorf("trail = %q, want %q", got, want)
		}
		l := w.letters()[1:] // the first said that it came
		if len(l) != 2 || !strings.Contains(l[0].Text, "L’offre est gardée.") || !strings.Contains(l[0].Text, "À bientôt.") || l[0].Subject != "À propos de l’offre : Ingénieur qualité" ||
			!strings.Contains(l[1].Text, "Il manque à l’offre") || l[0].To != "rh@acme.example" {
			t.Errorf("letters = %+v", l)
		}
		row, err := db.One[string](ctx, d, `SELECT headers FROM outbox ORDER BY created_at DESC, id DESC LIMIT 1`)
		w.must(err)
		for _, want := range []string{`"Reply-To":"emploi@ly.example"`, `"In-Reply-To":"\u003c1@acme.example\u003e"`} {
			if !strings.Contains(row, want) {
				t.Errorf("headers %s, want %s", row, want)
			}
		}
	})
}

func TestNobodyUnprovenIsWrittenTo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	m := envelope(letter([]part{text("Un poste.")}))
	m.Auth.DMARC = inbox.None
	draft := w.arrive(m, "emploi@ly.example")
	w.work()
	w.refused("a letter", w.Decide(t.Context(), federation(), w.seen(draft), postings.Decision{Reply: 1}), errs.Invalid)
	w.refused("words", w.Decide(t.Context(), federation(), w.seen(draft), postings.Decision{Note: "non", Words: "non"}), errs.Invalid)
	w.must(w.Decide(t.Context(), federation(), w.seen(draft), postings.Decision{Note: "non"}))
	if len(w.letters()) != 0 {
		t.Errorf("letters = %+v, want none", w.letters())
	}
}

func TestAnOfferNotYetReadIsNotKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	draft := w.arrive(envelope(letter([]part{text("Un poste.")})), "emploi@ly.example")
	w.refused("kept unread", w.Decide(t.Context(), federation(), w.seen(draft), postings.Decision{Keep: true}), errs.Invalid)
	before := w.seen(draft)
	w.work()
	w.refused("a page from before it was read", w.Edit(t.Context(), federation(), before, postings.Words{Title: "a", Body: "b"}), errs.Conflict)
	w.must(w.Decide(t.Context(), federation(), w.seen(draft), postings.Decision{Keep: true}))
}

func TestWhoSeesDrafts(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		draft := w.offer([]part{text("Un poste."), pdf("a.pdf")})
		w.arrive(envelope(letter([]part{text("b")})), "emploi@re.example")
		w.work()
		_, files := w.show(draft)
		for _, c := range []struct {
			name   string
			by     viewer.Actor
			listed int // -1: forbidden
			sees   bool
		}{
			{"guest", viewer.Actor{}, -1, false},
			{"graduate", viewer.Actor{Viewer: viewer.Viewer{Kind: viewer.Network, Account: id.New(), Person: id.New(), Member: true}}, -1, false},
			{"recruiter", viewer.Actor{Viewer: viewer.Viewer{Kind: viewer.Recruiter, Account: id.New()}}, -1, false},
			{"secretary", staff(viewer.Secretary, w.ly.ID), -1, false},
			{"editor", staff(viewer.Editor, w.ly.ID), 1, true},
			{"webmaster", staff(viewer.Webmaster, w.ly.ID), 1, true},
			{"editor elsewhere", staff(viewer.Editor, w.re.ID), 1, false},
			{"federation", federation(), 2, true},
		} {
			_, n, err := w.List(t.Context(), c.by.Viewer, postings.Filter{State: postings.New}, 10, 0)
			if c.listed < 0 {
				w.refused(c.name+" lists", err, errs.Forbidden)
				_, err = w.CountNew(t.Context(), c.by.Viewer)
				w.refused(c.name+" counts", err, errs.Forbidden)
			} else if count, cerr := w.CountNew(t.Context(), c.by.Viewer); err != nil || n != c.listed || cerr != nil || count != n {
				t.Errorf("%s: List() = %d, %v, CountNew() = %d, %v, want %d", c.name, n, err, count, cerr, c.listed)
			}
			_, _, err = w.Show(t.Context(), c.by.Viewer, draft)
			_, r, openErr := w.Open(t.Context(), c.by.Viewer, draft, files[0].ID)
			if openErr == nil {
				r.Close()
			}
			if c.sees {
				w.must(err)
				w.must(openErr)
				continue
			}
			w.refused(c.name+" shows", err, errs.NotFound)
			w.refused(c.name+" opens", openErr, errs.NotFound)
			w.refused(c.name+" edits", w.Edit(t.Context(), c.by, w.seen(draft), postings.Words{Title: "a", Body: "b"}), errs.NotFound)
			w.refused(c.name+" decides", w.Decide(t.Context(), c.by, w.seen(draft), postings.Decision{Note: "non"}), errs.NotFound)
		}
		_, _, err := w.List(t.Context(), staff(viewer.Editor, w.ly.ID).Viewer, postings.Filter{State: postings.New, Association: w.re.ID}, 10, 0)
		w.refused("another school's list", err, errs.Forbidden)
	})
}

func TestDraftsGoAfterHalfAYear(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		old, touched := w.offer([]part{text("a"), pdf("a.pdf")}), w.offer([]part{text("b"), pdf("b.pdf")})
		w.pass(100 * 24 * time.Hour)
		w.must(w.Decide(ctx, federation(), w.seen(touched), postings.Decision{Keep: true}))
		w.pass(79 * 24 * time.Hour)
		w.must(postings.Sweep(ctx, w.Store))
		w.show(old)
		w.pass(2 * 24 * time.Hour)
		w.must(postings.Sweep(ctx, w.Store))
		w.work()
		_, _, err := w.Show(ctx, federation().Viewer, old)
		w.refused("after 181 days", err, errs.NotFound)
		w.show(touched)
		if len(w.blobs()) != 1 || !strings.Contains(w.blobs()[0], touched.String()) {
			t.Errorf("files %q, want those of the other", w.blobs())
		}
		if n, err := db.One[int](ctx, d, `SELECT count(*) FROM posting_answers`); err != nil || n != 0 {
			t.Errorf("%d senders are remembered, %v", n, err)
		}
	})
}

// A process that died before it wrote the row leaves a file that nobody knows.
func TestFilesThatNobodyKnowsGo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	w.pass(time.Since(w.now())) // files have the machine's time
	draft := w.offer([]part{text("a"), pdf("a.pdf")})
	lost := "offres/" + id.New().String() + "/0.pdf"
	waiting := w.arrive(envelope(letter([]part{text("b"), pdf("b.pdf")})), "emploi@ly.example")
	for _, key := range []string{lost, "offres/" + waiting.String() + "/0.pdf", "offres/x/y"} {
		w.must(w.files.Put(t.Context(), key, bytes.NewReader([]byte("x")), 1, "application/pdf"))
	}
	w.pass(time.Hour)
	w.must(postings.Sweep(t.Context(), w.Store))
	if len(w.blobs()) != 4 {
		t.Errorf("files %q, want all four: a new one may still find its row", w.blobs())
	}
	w.pass(25 * time.Hour)
	w.must(postings.Sweep(t.Context(), w.Store))
	if got := w.blobs(); len(got) != 2 || slices.Contains(got, lost) || !strings.Contains(strings.Join(got, " "), draft.String()) || !strings.Contains(strings.Join(got, " "), waiting.String()) {
		t.Errorf("files %q, want those of a draft and of one that is not read yet", got)
	}
}

// Real Word files, through the whole way from the mail to the desk.
func TestRealWordFilesReachTheDesk(t *testing.T) {
	t.Parallel()
	dir := dbtest.Samples(t)
	w := newWorld(t, dbtest.New(t))
	b, err := os.ReadFile(filepath.Join(dir, "docs", "footnotes.docx"))
	w.must(err)
	got, _ := w.show(w.offer([]part{word("offre.docx", string(b))}, "Subject", ""))
	if got.Body == "" || got.Title != "— offre.docx —" && got.Title == "" {
		t.Errorf("draft = %+v", got)
	}
}
