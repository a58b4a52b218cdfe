package newsletters_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	netmail "net/mail"
	"strings"
	"testing"
	"time"

	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/mail"
	"amicale/internal/newsletters"
	"amicale/internal/newsletters/compose"
	"amicale/internal/newsletters/segments"
	"amicale/internal/outbox"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

func TestWhoMayWrite(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		w.add("Lavaut", w.ly, 2010, nil)
		of := w.draft(nil)
		federations := w.draft(func(c *newsletters.Campaign) { c.SenderID = id.ID{} })
		for _, c := range []struct {
			name           string
			by             viewer.Actor
			own, federated bool
			list           error
		}{
			{"federation", federation(), true, true, nil},
			{"editor", w.editor(), true, false, nil},
			{"webmaster", actor(viewer.Webmaster, w.ly.ID), true, false, nil},
			{"secretary", actor(viewer.Secretary, w.ly.ID), false, false, errs.Forbidden},
			{"editor elsewhere", actor(viewer.Editor, w.re.ID), false, false, nil},
			{"member", viewer.Actor{Viewer: viewer.Viewer{Kind: viewer.Network, Account: id.New(), Person: id.New(), Member: true}}, false, false, errs.Forbidden},
			{"guest", viewer.Actor{}, false, false, errs.Forbidden},
		} {
			for campaign, may := range map[id.ID]bool{of.ID: c.own, federations.ID: c.federated} {
				_, err := w.ByID(ctx, c.by.Viewer, campaign)
				if (err == nil) != may || err != nil && !errors.Is(err, errs.NotFound) {
					t.Errorf("%s: ByID = %v, want %v", c.name, err, may)
				}
				_, err = w.segments.Count(ctx, c.by.Viewer, w.show(campaign).Ask())
				if (err == nil) != may {
					t.Errorf("%s: Count = %v, want %v", c.name, err, may)
				}
				for what, run := range map[string]func() error{
					"Save":   func() error { x := w.show(campaign); return w.Save(ctx, c.by, x) },
					"Start":  func() error { return w.Start(ctx, c.by, campaign, 99) },
					"Pause":  func() error { return w.Pause(ctx, c.by, campaign) },
					"Resume": func() error { return w.Resume(ctx, c.by, campaign) },
					"Stop":   func() error { return w.Stop(ctx, c.by, campaign) },
					"Test":   func() error { return w.Test(ctx, c.by, campaign, "fr", "fede@exemple.fr") },
				} {
					if err := run(); errors.Is(err, errs.NotFound) == may {
						t.Errorf("%s: %s = %v, may %v", c.name, what, err, may)
					}
				}
			}
			_, _, err := w.List(ctx, c.by.Viewer, newsletters.Filter{Size: 10})
			if !errors.Is(err, c.list) {
				t.Errorf("%s: List = %v, want %v", c.name, err, c.list)
			}
			_, err = w.Create(ctx, c.by, newsletters.Campaign{SenderID: w.ly.ID, Kind: newsletters.News, Title: "x"})
			if (err == nil) != c.own {
				t.Errorf("%s: Create = %v", c.name, err)
			}
		}
		list, n, err := w.List(ctx, actor(viewer.Editor, w.re.ID).Viewer, newsletters.Filter{Size: 10})
		if err != nil || n != 0 || len(list) != 0 {
			t.Errorf("the editor of Rennes sees %d letters of others: %v", n, err)
		}
	})
}

func TestFromDraftToNumbers(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		laure := w.add("Lavaut", w.ly, 2010, nil)
		w.add("Lhame", w.ly, 1989, nil)
		refusing := w.add("Refus", w.ly, 2000, nil)
		w.refusals.refuse(refusing, w.ly.ID, newsletters.News)
		w.add("Sans", w.ly, 2000, func(d *people.Dossier) { d.Contacts = nil })
		w.add("Mort", w.ly, 1950, func(d *people.Dossier) { d.Status = people.Deceased })
		w.add("Ailleurs", w.re, 2000, nil)

		c := w.draft(nil)
		n, err := w.segments.Count(ctx, w.editor().Viewer, c.Ask())
		w.must(err)
		if n.Matched != 5 || n.Reached != 2 || n.Left[segments.Refused] != 1 || n.Left[segments.NoAddress] != 1 || n.Left[segments.Deceased] != 1 {
			t.Fatalf("Count = %+v", n)
		}
		w.refused("another number", w.Start(ctx, w.editor(), c.ID, 3), errs.Invalid)
		w.must(w.Start(ctx, w.editor(), c.ID, 2))
		w.refused("started twice", w.Start(ctx, w.editor(), c.ID, 2), errs.Conflict)
		w.refused("edited once started", w.Save(ctx, w.editor(), w.show(c.ID)), errs.Conflict)
		w.run()
		if c = w.show(c.ID); c.State != newsletters.Sending || c.Recipients != 2 || c.MadeAt.IsZero() || c.LeftOut[segments.Refused] != 1 {
			t.Fatalf("after making: %+v", c)
		}

		list := w.claim(10)
		if len(list) != 2 || len(w.claim(10)) != 0 {
			t.Fatalf("%d parcels", len(list))
		}
		for _, p := range list {
			if p.Person == laure {
				w.checkLetter(p)
			}
		}
		w.settle(list, arrived)
		if c = w.show(c.ID); c.State != newsletters.Sent || c.Sent != 2 || c.FinishedAt.IsZero() {
			t.Errorf("after sending: %+v", c)
		}
		if _, err := w.Follow(ctx, c.ID, 1); err != nil {
			t.Error(err)
		}
		if url, err := w.Follow(ctx, c.ID, 0); err != nil || url != "https://exemple.fr/gala" {
			t.Errorf("Follow = %q, %v", url, err)
		}
		_, err = w.Follow(ctx, c.ID, 7)
		w.refused("a link that is not there", err, errs.NotFound)
		for _, click := range []struct {
			sender id.ID
			kind   string
			stays  bool
			want   int
		}{{w.ly.ID, "news", true, 0}, {w.ly.ID, "news", false, 1}, {w.re.ID, "news", false, 1}, {w.ly.ID, "events", false, 1}, {w.ly.ID, "news", true, 0}, {w.ly.ID, "news", false, 1}} {
			w.must(w.Left(ctx, laure, click.sender, click.kind, click.stays))
			if c = w.show(c.ID); c.Unsubscribed != click.want {
				t.Errorf("after %+v: %d unsubscribed", click, c.Unsubscribed)
			}
		}

		// A report comes back.
		r, err := w.RecipientOf(ctx, list[0].ID)
		w.must(err)
		if r.Campaign != c.ID || r.Person != list[0].Person || r.Address != list[0].To || r.Sender != w.ly.ID || r.Kind != newsletters.News {
			t.Errorf("RecipientOf = %+v", r)
		}
		for range 2 {
			w.must(w.Failed(ctx, list[0].ID, mail.Vacation, mail.Reply{}))
			w.must(w.Failed(ctx, list[0].ID, mail.Dead, mail.Reply{Code: 550, Text: "gone"}))
		}
		if c = w.show(c.ID); c.Sent != 1 || c.Failed != 1 {
			t.Errorf("after a report: %d sent, %d failed", c.Sent, c.Failed)
		}
	})
}

// checkLetter looks at what leaves for Laure.
func (w *world) checkLetter(p outbox.Parcel) {
	w.t.Helper()
	raw, err := p.Message(w.t.Context())
	w.must(err)
	again, err := p.Message(w.t.Context())
	w.must(err)
	if !bytes.Equal(raw, again) {
		w.t.Error("a second attempt is another letter")
	}
	m, text, page := w.open(raw)
	local, domain, _ := strings.Cut(p.From, "@")
	kind, row, ok := mail.NewTokens([]byte("sixteen octets and more")).Parse(local)
	if !ok || kind != mail.CampaignToken || row != p.ID || domain != "lettres.ly.example" {
		w.t.Errorf("envelope %q", p.From)
	}
	for name, want := range map[string]string{
		"From": `"AIL ly" <actualites@lettres.ly.example>`, "To": "lavaut@exemple.fr", "List-Id": "=?utf-8?q?AIL_ly_Actualit=C3=A9s?= <actualites.lettres.ly.example>",
		"Feedback-Id": p.Ref.String() + ":news:ly:amicale", "Precedence": "bulk", "Auto-Submitted": "", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
		"List-Unsubscribe": "<" + origin + "/d/" + p.Person.String() + "news>, <mailto:" + p.From + "?subject=unsubscribe>", "Subject": "Ada, les nouvelles",
	} {
		if got := m.Get(name); got != want {
			w.t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	for _, s := range []string{"Bonjour Ada Lavaut, promo 2010.", origin + "/l/" + p.Ref.String() + "/0", origin + "/moi/abonnements"} {
		if !strings.Contains(text, s) || !strings.Contains(page, s) {
			w.t.Errorf("the letter lacks %q:\n%s\n%s", s, text, page)
		}
	}
	if strings.Contains(text+page, "https://exemple.fr/gala") || strings.Contains(page, "<img") || p.Stream != mail.Campaigns {
		w.t.Error("the letter follows its reader, or is in another stream")
	}
}

// open reads a message as a mailbox does.
func (w *world) open(raw []byte) (h netmail.Header, text, page string) {
	w.t.Helper()
	m, err := netmail.ReadMessage(bytes.NewReader(raw))
	w.must(err)
	_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	w.must(err)
	parts := multipart.NewReader(m.Body, params["boundary"])
	for _, into := range []*string{&text, &page} {
		p, err := parts.NextPart() // decodes quoted-printable
		w.must(err)
		b, err := io.ReadAll(p)
		w.must(err)
		*into = string(b)
	}
	return m.Header, text, page
}

func TestKilledWhileMakingRecipients(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.crowd(w.ly, 1203)
		c := w.draft(nil)
		w.must(w.Start(t.Context(), federation(), c.ID, 1203))
		// One process after another dies before its second step; then two that both believe the first one dead finish.
		for want := 500; want <= 1000; want += 500 {
			ctx, kill := context.WithCancel(t.Context())
			steps := 0
			w.refusals.ask = func() {
				if steps++; steps == 2 {
					kill()
				}
			}
			if err := w.another().MakeRecipients(ctx, c.ID); err == nil || w.show(c.ID).Recipients != want {
				t.Fatalf("%v after %d recipients, want to die after %d", err, w.show(c.ID).Recipients, want)
			}
		}
		w.refusals.ask = nil
		done := make(chan error)
		for range 2 {
			go func() { done <- w.another().MakeRecipients(t.Context(), c.ID) }()
		}
		for range 2 {
			w.must(<-done)
		}
		rows, err := db.One[int](t.Context(), d, `SELECT count(*) FROM campaign_recipients`)
		w.must(err)
		persons, err := db.One[int](t.Context(), d, `SELECT count(DISTINCT person_id) FROM campaign_recipients`)
		w.must(err)
		if c = w.show(c.ID); rows != 1203 || persons != 1203 || c.Recipients != 1203 {
			t.Errorf("%d rows of %d persons, %d counted, want 1203", rows, persons, c.Recipients)
		}
	})
}

func TestPauseResumeStop(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		w.crowd(w.ly, 30)
		c := w.started(nil)
		first := w.claim(10)
		w.settle(first[:4], arrived)
		w.must(w.Pause(ctx, w.editor(), c.ID))
		if got := w.claim(10); len(got) != 0 {
			t.Errorf("%d parcels of a paused campaign", len(got))
		}
		// Six were claimed before the pause: their turn comes after it. None leaves, and none is blamed.
		for _, p := range first[4:] {
			if _, err := p.Message(ctx); err == nil {
				t.Fatal("a letter left after the pause")
			}
		}
		w.settle(first[4:], func(int, outbox.Parcel) outbox.Outcome { return outbox.Outcome{State: outbox.Failed} })
		if c = w.show(c.ID); c.State != newsletters.Paused || c.Sent != 4 || c.Failed != 0 || c.Waiting() != 26 {
			t.Fatalf("after the pause: %+v", c)
		}
		w.refused("paused twice", w.Pause(ctx, w.editor(), c.ID), errs.Conflict)
		w.must(w.Resume(ctx, w.editor(), c.ID))
		seen := map[id.ID]bool{}
		for _, p := range first[:4] {
			seen[p.ID] = true
		}
		second := w.claim(15)
		for _, p := range second {
			if seen[p.ID] {
				t.Error("sent again after the resume")
			}
			if seen[p.ID] = true; p.Attempts != 1 {
				t.Errorf("attempt %d, want the first", p.Attempts)
			}
			if _, err := p.Message(ctx); err != nil {
				t.Error(err)
			}
		}
		w.settle(second, arrived)
		w.must(w.Stop(ctx, w.editor(), c.ID))
		w.refused("resumed after the stop", w.Resume(ctx, w.editor(), c.ID), errs.Conflict)
		if c = w.show(c.ID); c.State != newsletters.Stopped || c.Sent != 19 || len(w.claim(10)) != 0 {
			t.Errorf("after the stop: %+v", c)
		}
	})
}

func TestPauseHoldsInAnotherProcess(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	w.crowd(w.ly, 3)
	c := w.started(nil)
	list := w.claim(3)
	if _, err := list[0].Message(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.must(w.another().Pause(t.Context(), w.editor(), c.ID))
	deadline := time.Now().Add(5 * time.Second)
	for {
		if _, err := list[1].Message(t.Context()); err != nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("letters still leave after the pause")
		}
		time.Sleep(20 * time.Millisecond) // the state is read again a moment later
	}
}

func TestExactlyOnceThroughTemporaryFailures(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.crowd(w.ly, 300)
		c := w.started(nil)
		left := map[id.ID]int{}
		busy := func(i int, p outbox.Parcel) outbox.Outcome {
			if p.Attempts <= 2 && p.To[6]%7 == 0 {
				return outbox.Outcome{State: outbox.Queued, Class: mail.Temporary, Reply: mail.Reply{Code: 451}, NextAt: w.now().Add(time.Minute)}
			}
			left[p.Person]++
			return arrived(i, p)
		}
		for range 10 {
			for {
				list := w.claim(40)
				if len(list) == 0 {
					break
				}
				// Some are given back untried, as when a destination is full.
				w.must(w.source.Release(t.Context(), list[:5*len(list)/40], w.now()))
				w.settle(list[5*len(list)/40:], busy)
			}
			w.pass(time.Minute)
		}
		if c = w.show(c.ID); c.State != newsletters.Sent || c.Sent != 300 || len(left) != 300 {
			t.Errorf("%s: %d sent to %d persons, want 300", c.State, c.Sent, len(left))
		}
		for p, n := range left {
			if n != 1 {
				t.Errorf("%s got %d letters", p, n)
			}
		}
	})
}

func TestALeaseThatRanOutComesBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	w.crowd(w.ly, 2)
	c := w.started(nil)
	lost := w.claim(2)
	w.pass(2 * time.Hour)
	again := w.claim(2)
	if len(again) != 2 || again[0].Attempts != 2 {
		t.Fatalf("%d parcels come back", len(again))
	}
	w.settle(again, arrived)
	w.settle(lost, arrived) // the process was only slow
	if c = w.show(c.ID); c.Sent != 2 || c.State != newsletters.Sent {
		t.Errorf("%+v", c)
	}
}

func TestTooManyFailuresPause(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.crowd(w.ly, 400)
		for _, c := range []struct {
			name  string
			kind  newsletters.Kind
			fails func(i int) bool
			want  newsletters.State
		}{
			{"one in five from the beginning", newsletters.News, func(i int) bool { return i%5 == 0 }, newsletters.Paused},
			{"one in twenty", newsletters.Events, func(i int) bool { return i%20 == 0 }, newsletters.Sent},
			{"many, but later", newsletters.Careers, func(i int) bool { return i > 220 }, newsletters.Sent},
		} {
			one := w.started(func(x *newsletters.Campaign) { x.Kind = c.kind; x.Title = c.name })
			n := 0
			for list := w.claim(33); len(list) > 0; list = w.claim(33) {
				w.settle(list, func(i int, p outbox.Parcel) outbox.Outcome {
					n++
					if c.fails(n) {
						return dead(i, p)
					}
					return arrived(i, p)
				})
			}
			if one = w.show(one.ID); one.State != c.want {
				t.Errorf("%s: %s with %d failed of %d, want %s", c.name, one.State, one.Failed, one.Sent+one.Failed, c.want)
			}
			if c.want != newsletters.Paused {
				continue
			}
			if n > 150 || one.Reason != "failures" {
				t.Errorf("%s: paused after %d, reason %q", c.name, n, one.Reason)
			}
			w.run()
			letters, err := w.box.Mailbox(t.Context(), 10)
			w.must(err)
			if len(letters) != 3 || !strings.Contains(letters[0].Text+letters[1].Text+letters[2].Text, "refusées") {
				t.Errorf("%s: %d alarms", c.name, len(letters))
			}
			w.must(w.Stop(t.Context(), federation(), one.ID))
		}
	})
}

func TestWhoSaidNoMeanwhileGetsNone(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		all := w.crowd(w.ly, 10)
		c := w.started(nil)
		for _, p := range all[:4] {
			w.refusals.refuse(p, w.ly.ID, newsletters.News)
		}
		list := w.claim(3) // the first ones drawn have all said no: others come in their place
		if len(list) != 3 {
			t.Fatalf("%d parcels, want 3", len(list))
		}
		w.settle(append(list, w.claim(10)...), arrived)
		if c = w.show(c.ID); c.Sent != 6 || c.Skipped != 4 || c.State != newsletters.Sent {
			t.Errorf("%d sent, %d skipped, %s", c.Sent, c.Skipped, c.State)
		}
	})
}

func TestSeveralCampaignsTakeTurns(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	w.crowd(w.ly, 50)
	a, b := w.started(nil), w.started(func(c *newsletters.Campaign) { c.Kind = newsletters.Events })
	got := map[id.ID]int{}
	for _, p := range w.claim(20) {
		got[p.Ref]++
	}
	if got[a.ID] != 10 || got[b.ID] != 10 {
		t.Errorf("%v, want ten each", got)
	}
	if got := w.claim(20, "exemple.fr"); len(got) != 0 {
		t.Errorf("%d parcels for a domain that is full", len(got))
	}
}

func TestScheduled(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx := t.Context()
		w.crowd(w.ly, 2)
		c, other, broken := w.draft(nil), w.draft(nil), w.draft(nil)
		w.refused("the past", w.Schedule(ctx, w.editor(), c.ID, w.now()), errs.Invalid)
		at := w.now().Add(24 * time.Hour)
		for _, x := range []newsletters.Campaign{c, other, broken} {
			w.must(w.Schedule(ctx, w.editor(), x.ID, at))
		}
		w.must(w.Unschedule(ctx, w.editor(), other.ID))
		_, err := d.Exec(ctx, `UPDATE campaigns SET versions = '{"fr":{"subject":"","preheader":"","body":"x"}}' WHERE id = ?`, broken.ID)
		w.must(err)
		w.crowd(w.ly, 1) // whoever comes until then gets it too
		w.pass(23 * time.Hour)
		w.run()
		if c = w.show(c.ID); c.State != newsletters.Scheduled {
			t.Errorf("an hour early: %s", c.State)
		}
		w.pass(2 * time.Hour)
		w.run()
		w.run()
		if c = w.show(c.ID); c.State != newsletters.Sending || c.Recipients != 3 {
			t.Errorf("in time: %s to %d", c.State, c.Recipients)
		}
		if got := w.show(other.ID).State; got != newsletters.Draft {
			t.Errorf("taken back: %s", got)
		}
		if got := w.show(broken.ID).State; got != newsletters.Draft {
			t.Errorf("what cannot leave: %s", got)
		}
		letters, err := w.box.Mailbox(ctx, 10)
		if err != nil || len(letters) != 3 || letters[0].Kind != "newsletters.stuck" {
			t.Errorf("%d letters about it, %v", len(letters), err)
		}
	})
}

func TestWhatStopsALetter(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	w.crowd(w.ly, 1)
	for name, versions := range map[string]map[string]compose.Written{
		"nothing":          nil,
		"no subject":       {"fr": {Body: "x"}},
		"half an English":  {"fr": words()["fr"], "en": {Subject: "Hello"}},
		"a foreign image":  {"fr": {Subject: "x", Body: "![a](https://ailleurs.example/a.png)"}},
		"a link to script": {"fr": {Subject: "x", Body: "[a](javascript:1)"}},
	} {
		c := w.draft(func(c *newsletters.Campaign) { c.Versions = versions })
		w.refused(name, w.Start(t.Context(), w.editor(), c.ID, 1), errs.Invalid)
		if got := w.show(c.ID).State; got != newsletters.Draft {
			t.Errorf("%s: %s", name, got)
		}
	}
	c := w.draft(nil)
	c.Versions = map[string]compose.Written{"fr": {Subject: "{{salaire}}", Body: "x"}}
	err := w.Save(t.Context(), w.editor(), c)
	if m := errs.FieldsOf(err)["fr_subject"]; m.Key != "newsletters.compose.unknown_field" {
		t.Errorf("Save with an unknown field = %v", err)
	}
}

func TestTwoAuthors(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	mine := w.draft(nil)
	theirs := mine
	mine.Title = "Le mien"
	w.must(w.Save(t.Context(), w.editor(), mine))
	w.refused("the second author", w.Save(t.Context(), federation(), theirs), errs.Conflict)
	if got := w.show(mine.ID).Title; got != "Le mien" {
		t.Errorf("title %q", got)
	}
	w.must(w.Remove(t.Context(), w.editor(), mine.ID))
	_, err := w.ByID(t.Context(), federation().Viewer, mine.ID)
	w.refused("removed", err, errs.NotFound)
}

func TestDuties(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx, system := t.Context(), viewer.ForSystem("test")
		gone, from, into := w.add("Oubliee", w.ly, 2001, nil), w.add("Double", w.ly, 2002, nil), w.add("Unique", w.ly, 2002, nil)
		c := w.started(nil)
		out, err := w.people.Export(ctx, system, gone, w.Exporter())
		w.must(err)
		if got, ok := out.Features["newsletters"]; !ok || !strings.Contains(strings.ToLower(sprint(got)), "oubliee@exemple.fr") {
			t.Errorf("Export = %v", out.Features)
		}
		_, err = w.people.Merge(ctx, system, from, into, w.Merger())
		w.must(err)
		w.must(w.people.Erase(ctx, system, gone, w.Eraser()))
		list := w.claim(10)
		if len(list) != 1 || list[0].Person != into {
			t.Fatalf("%d parcels", len(list))
		}
		w.settle(list, arrived)
		if c = w.show(c.ID); c.State != newsletters.Sent || c.Skipped != 2 || c.Recipients != 3 {
			t.Errorf("%+v", c)
		}
		left, err := db.One[int](ctx, d, `SELECT count(*) FROM campaign_recipients WHERE address LIKE 'oubliee%' OR person_id = ?`, from)
		if err != nil || left != 0 {
			t.Errorf("%d rows lead to who is gone, %v", left, err)
		}
	})
}
