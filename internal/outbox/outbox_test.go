package outbox_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"amicale/internal/clock"
	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/errs"
	"amicale/internal/i18n"
	"amicale/internal/id"
	"amicale/internal/mail"
	"amicale/internal/outbox"
	"amicale/internal/viewer"
)

// turning is a clock that tests turn.
type turning struct{ now atomic.Int64 }

func newTurning() *turning {
	c := &turning{}
	c.now.Store(time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC).UnixMicro())
	return c
}

func (c *turning) clock() time.Time         { return time.UnixMicro(c.now.Load()).UTC() }
func (c *turning) forward(by time.Duration) { c.now.Add(by.Microseconds()) }

var admin = viewer.ForSystem("test")

func options(demo bool) outbox.Options {
	return outbox.Options{From: mail.Address{Name: "Amicale", Address: "ne-pas-repondre@amicale.example"}, Demo: demo}
}

func sample() outbox.Letter {
	return outbox.Letter{
		Kind: "activation.link", To: "Laure Lavaut <laure@exemple.fr>", Person: id.New(), Subject: "Ton lien", Lang: "fr",
		Text: "Voici : https://a.fr/t?x=1&y=2.", HTML: `<a href="https://a.fr/t?x=1&amp;y=2">lien</a>`,
	}
}

func TestTheMailboxOfTheDemonstration(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		c := newTurning()
		box := outbox.New(d, c.clock, options(true))
		if list, err := box.Mailbox(ctx, 10); err != nil || list == nil || len(list) != 0 {
			t.Errorf("Mailbox() of none = %v, %v, want an empty list", list, err)
		}
		boom := errors.New("boom")
		err := d.Tx(ctx, func(ctx context.Context) error {
			if err := box.Send(ctx, sample()); err != nil {
				return err
			}
			return boom
		})
		if !errors.Is(err, boom) {
			t.Fatal(err)
		}
		if err := box.Send(ctx, sample()); err != nil {
			t.Fatal(err)
		}
		second := sample()
		second.Subject, second.Text = "Deux\x00 \xff", "rien"
		second.HTML = ""
		if err := box.Send(ctx, second); err != nil {
			t.Fatal(err)
		}
		list, err := box.Mailbox(ctx, 10)
		if err != nil || len(list) != 2 || list[0].Subject != "Deux �" || !slices.Equal(list[1].Links, []string{"https://a.fr/t?x=1&y=2"}) {
			t.Fatalf("Mailbox() = %+v, %v, want the two committed, newest first", list, err)
		}
		raw, err := json.Marshal(list[1])
		if err != nil {
			t.Fatal(err)
		}
		var fields map[string]any
		if err := json.Unmarshal(raw, &fields); err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]any{"to": "laure@exemple.fr", "from": `"Amicale" <ne-pas-repondre@amicale.example>`, "subject": "Ton lien", "sentAt": "2026-06-01T12:00:00Z"} {
			if fields[name] != want {
				t.Errorf("%s = %v, want %v", name, fields[name], want)
			}
		}
		if len(fields) != 7 {
			t.Errorf("fields %v, want the seven", fields)
		}
		if _, err := outbox.New(d, c.clock, options(false)).Mailbox(ctx, 10); !errors.Is(err, errs.NotFound) {
			t.Errorf("Mailbox() outside the demonstration = %v, want not found", err)
		}
		if s, err := box.Stats(ctx); err != nil || s.Queued != 0 {
			t.Errorf("Stats() = %+v, %v: nothing of the demonstration may wait to leave", s, err)
		}
	})
}

func TestSendRefusesWhatCannotLeave(t *testing.T) {
	t.Parallel()
	box := outbox.New(dbtest.New(t), clock.System, options(false))
	for name, spoil := range map[string]func(*outbox.Letter){
		"no address":        func(l *outbox.Letter) { l.To = "" },
		"two addresses":     func(l *outbox.Letter) { l.To = "a@b.fr, c@d.fr" },
		"a line end":        func(l *outbox.Letter) { l.To = "a@b.fr\r\nRCPT TO:<c@d.fr>" },
		"a reserved header": func(l *outbox.Letter) { l.Headers = map[string]string{"Bcc": "c@d.fr"} },
	} {
		l := sample()
		spoil(&l)
		if err := box.Send(t.Context(), l); !errors.Is(err, errs.Invalid) {
			t.Errorf("Send() with %s = %v, want invalid", name, err)
		}
	}
}

func TestSendBodySpeaksTheLanguage(t *testing.T) {
	t.Parallel()
	texts := fstest.MapFS{
		"messages.fr.toml": {Data: []byte("x.subject = \"Bonjour\"\nx.p1 = \"Un lien\"\nx.button = \"Ouvrir\"\n")},
		"messages.en.toml": {Data: []byte("x.subject = \"Hello\"\nx.p1 = \"A link\"\nx.button = \"Open\"\n")},
	}
	b, err := i18n.Load(mail.Messages, texts)
	if err != nil {
		t.Fatal(err)
	}
	box := outbox.New(dbtest.New(t), clock.System, options(true))
	ctx := b.With(t.Context(), "en")
	subject, body := mail.Write(ctx, "x", "https://a.fr/t", nil)
	if err := box.SendBody(ctx, outbox.Letter{Kind: "x", To: "a@b.fr", Subject: subject}, body); err != nil {
		t.Fatal(err)
	}
	list, err := box.Mailbox(ctx, 1)
	if err != nil || len(list) != 1 || list[0].Subject != "Hello" || !strings.Contains(list[0].Text, "A link") || !strings.Contains(list[0].HTML, `lang="en"`) {
		t.Errorf("Mailbox() = %+v, %v, want it in English", list, err)
	}
}

func TestPurgeEraseMergeAndWhoMayRead(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		c := newTurning()
		box := outbox.New(d, c.clock, options(true))
		l := sample()
		if err := box.Send(ctx, l); err != nil {
			t.Fatal(err)
		}
		c.forward(48 * time.Hour)
		if err := box.Send(ctx, l); err != nil {
			t.Fatal(err)
		}
		if n, err := box.Purge(ctx, c.clock().Add(-time.Hour)); err != nil || n != 1 {
			t.Errorf("Purge() = %d, %v, want 1", n, err)
		}
		list, err := box.Mailbox(ctx, 10)
		if err != nil || len(list) != 2 || list[0].Text == "" || list[1].Text != "" || list[1].HTML != "" || len(list[1].Links) != 0 {
			t.Errorf("after Purge(): %+v, %v, want the older without words", list, err)
		}
		laure := viewer.Viewer{Kind: viewer.Network, Account: id.New(), Person: l.Person}
		if got, err := box.ForPerson(ctx, laure, l.Person); err != nil || len(got) != 2 || got[0].State != outbox.Sent {
			t.Errorf("ForPerson() by herself = %+v, %v, want 2", got, err)
		}
		stranger := viewer.Viewer{Kind: viewer.Network, Account: id.New(), Person: id.New()}
		if _, err := box.ForPerson(ctx, stranger, l.Person); !errors.Is(err, errs.Forbidden) {
			t.Errorf("ForPerson() by a stranger = %v, want forbidden", err)
		}
		if _, err := box.List(ctx, laure, outbox.Sent, 10); !errors.Is(err, errs.Forbidden) {
			t.Errorf("List() by a graduate = %v, want forbidden", err)
		}
		other := id.New()
		if err := box.Merge(ctx, l.Person, other); err != nil {
			t.Fatal(err)
		}
		if err := box.Erase(ctx, other); err != nil {
			t.Fatal(err)
		}
		if got, err := box.List(ctx, admin, outbox.Sent, 10); err != nil || len(got) != 0 {
			t.Errorf("after Erase(): %+v, %v, want none", got, err)
		}
	})
}
