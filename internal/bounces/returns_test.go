package bounces_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"amicale/internal/bounces"
	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/inbox"
	"amicale/internal/mail"
	"amicale/internal/outbox"
)

// campaigns is what returns need of newsletters and of subscriptions.
type campaigns struct {
	to  map[id.ID]string
	log []string
}

func (c *campaigns) RecipientOf(_ context.Context, row id.ID) (string, id.ID, error) {
	to, ok := c.to[row]
	if !ok {
		return "", id.ID{}, errs.E("campaigns", errs.NotFound, nil)
	}
	return to, id.ID{}, nil
}

func (c *campaigns) Failed(_ context.Context, _ id.ID, class mail.Class, _ mail.Reply) error {
	c.log = append(c.log, "failed "+string(class))
	return nil
}

func (c *campaigns) Unwanted(_ context.Context, _ id.ID, by bounces.Answer) error {
	c.log = append(c.log, "unwanted "+string(by))
	return nil
}

func (c *campaigns) Complained(_ context.Context, _ id.ID, address string) error {
	c.log = append(c.log, "complained "+address)
	return nil
}

var tokens = mail.NewTokens([]byte("a secret of the installation"))

func (w *world) returns(c *campaigns) *bounces.Returns {
	return bounces.NewReturns(w.Store, bounces.ReturnsOptions{Tokens: tokens, Domain: "amicale.example", Recipients: c, Refusals: c})
}

// letterTo posts a letter of the site and gives its row.
func (w *world) letterTo(address string) id.ID {
	w.t.Helper()
	w.must(w.outbox.Send(w.t.Context(), outbox.Letter{Kind: "test", To: address, Subject: "S", Text: "T"}))
	row, err := db.One[id.ID](w.t.Context(), w.db, `SELECT id FROM outbox ORDER BY created_at DESC, id DESC LIMIT 1`)
	w.must(err)
	return row
}

// passOn passes a message on and gives the delivery's row.
func (w *world) passOn(kind, from, to string) id.ID {
	w.t.Helper()
	r := []outbox.Relayed{{Raw: []byte("Subject: x\r\n\r\nx\r\n"), Each: []outbox.Delivery{{ID: id.New(), Stream: mail.Forwarding, Kind: kind, Ref: id.New(), From: from, To: to}}}}
	w.must(w.outbox.Relay(w.t.Context(), r))
	return r[0].Each[0].ID
}

// arrive hands a message over as the server does: the recipient, then the message, then the acceptance in a transaction.
func (w *world) arrive(b inbox.Box, from, to, raw string) error {
	w.t.Helper()
	e := inbox.Envelope{ID: id.New(), From: from, At: w.clock()}
	rcpt, err := b.Find(w.t.Context(), e, to)
	if err != nil {
		return err
	}
	m := &inbox.Message{Envelope: e, Raw: []byte(raw)}
	if err := b.Screen(w.t.Context(), m, rcpt); err != nil {
		return err
	}
	return w.db.Tx(w.t.Context(), func(ctx context.Context) error {
		return b.Accept(ctx, []inbox.Arrival{{ID: id.New(), Message: m, Rcpt: rcpt}})
	})
}

func refusedWith(err error) string {
	var r *inbox.Refusal
	if errors.As(err, &r) {
		return fmt.Sprint(r.Code, " ", r.Enhanced)
	}
	if errors.Is(err, errs.NotFound) {
		return "not mine"
	}
	return fmt.Sprint(err)
}

const vacation = "Auto-Submitted: auto-replied\r\nSubject: Absent\r\n\r\nJe suis en congé.\r\n"

func TestWhoseReturnsAreTaken(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		b := w.returns(&campaigns{})
		letter := tokens.Make(mail.LetterToken, w.letterTo("a@x.fr"))
		last := map[bool]string{true: "b", false: "a"}[strings.HasSuffix(letter, "a")]
		for _, c := range []struct{ from, to, raw, want string }{
			{"", letter + "@retour.amicale.example", vacation, "<nil>"},
			{"", letter + "@retour.ly-alumni.example", vacation, "<nil>"},
			{"", strings.ToUpper(letter) + "@LETTRES.LY-Alumni.example.", vacation, "<nil>"},
			{"", letter + "@ly-alumni.example", vacation, "not mine"},
			{"", letter + "@retour.elsewhere.example", vacation, "not mine"},
			{"", letter + "@amicale.example", vacation, "not mine"},
			{"", "postmaster@retour.amicale.example", vacation, "not mine"},
			{"", "nobody", vacation, "not mine"},
			{"", letter[:len(letter)-1] + last + "@retour.amicale.example", vacation, "550 5.1.1"},
			{"", "r-laure@retour.amicale.example", vacation, "550 5.1.1"},
			{"", tokens.Make(mail.LetterToken, id.New()) + "@retour.amicale.example", vacation, "550 5.1.1"},
			{"", tokens.Make(mail.DeliveryToken, id.New()) + "@retour.amicale.example", vacation, "550 5.1.1"},
			{"", tokens.Make(mail.CampaignToken, id.New()) + "@lettres.ly-alumni.example", vacation, "550 5.1.1"},
			{"laure@x.fr", letter + "@retour.amicale.example", "Subject: Bonjour\r\n\r\nMerci pour ton mail !\r\n", "550 5.7.1"},
			{"", letter + "@retour.amicale.example", "\x00 nothing that is known", "<nil>"},
		} {
			if got := refusedWith(w.arrive(b, c.from, c.to, c.raw)); got != c.want {
				t.Errorf("from <%s> to %s: %s, want %s", c.from, c.to, got, c.want)
			}
		}
	})
}

// What a mail program writes to the address in List-Unsubscribe ends that kind of letters, and is no report.
func TestLettersAreLeftByMail(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	row := id.New()
	c := &campaigns{to: map[id.ID]string{row: "a@x.fr"}}
	b := w.returns(c)
	campaign, letter := tokens.Make(mail.CampaignToken, row), tokens.Make(mail.LetterToken, w.letterTo("a@x.fr"))
	for _, m := range []struct{ to, from, raw, want string }{
		{campaign, "a@x.fr", "Subject: unsubscribe\r\n\r\n", "<nil>"},
		{campaign, "other@y.fr", "From: x\r\nSUBJECT:  Unsubscribe \r\n\r\nThis message was sent by a program.\r\n", "<nil>"},
		{campaign, "a@x.fr", "Subject: Re: unsubscribe\r\n\r\n", "550 5.7.1"},
		{campaign, "a@x.fr", "Subject: x\r\nSubject: unsubscribe\r\n\r\n", "550 5.7.1"},
		{campaign, "a@x.fr", "From: x\r\n\r\nSubject: unsubscribe\r\n", "550 5.7.1"},
		{letter, "a@x.fr", "Subject: unsubscribe\r\n\r\n", "550 5.7.1"},
	} {
		if got := refusedWith(w.arrive(b, m.from, m.to+"@lettres.ly-alumni.example", m.raw)); got != m.want {
			t.Errorf("%q: %s, want %s", m.raw, got, m.want)
		}
	}
	if want := []string{"unwanted unsubscribe", "unwanted unsubscribe"}; !slices.Equal(c.log, want) {
		t.Errorf("told %q, want %q", c.log, want)
	}
}

// A guess costs no reading: this box has no database.
func TestAForgedTokenAsksNobody(t *testing.T) {
	t.Parallel()
	b := bounces.NewReturns(bounces.NewStore(bounces.Deps{}), bounces.ReturnsOptions{Tokens: tokens, Domain: "amicale.example"})
	forged := mail.NewTokens([]byte("another secret of theirs")).Make(mail.LetterToken, id.New())
	for _, to := range []string{forged + "@retour.amicale.example", "r-x@lettres.ly-alumni.example", "laure@retour.amicale.example"} {
		if _, err := b.Find(t.Context(), inbox.Envelope{}, to); err == nil {
			t.Errorf("Find(%s) = nil", to)
		}
	}
}

// What the corpus' reports say is written down against the address of the row, once for each kind of row, and told to
// whom the message belongs. What a report says is mail's to know.
func TestReturnsOfTheCorpus(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(dbtest.Samples(t), "bounces")
	files, err := filepath.Glob(filepath.Join(dir, "*.eml"))
	if err != nil || len(files) == 0 {
		t.Fatal("no samples in", dir, err)
	}
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		c := &campaigns{to: map[id.ID]string{}}
		b := w.returns(c)
		wantLog, wantForward, counted := []string(nil), []string(nil), map[mail.Class]int{}
		for _, path := range files {
			raw, err := os.ReadFile(path)
			w.must(err)
			class := mail.Unknown
			report, ok := mail.ParseReport(raw)
			if ok {
				class = report.Class
			}
			campaign := id.New()
			c.to[campaign] = "campaign@x.fr"
			for _, to := range []string{
				tokens.Make(mail.LetterToken, w.letterTo("letter@x.fr")), tokens.Make(mail.DeliveryToken, w.passOn("forward", "sender@y.fr", "target@x.fr")),
				tokens.Make(mail.DeliveryToken, w.passOn("forward", "", "null@x.fr")), tokens.Make(mail.DeliveryToken, w.passOn("submission", "me@y.fr", "outside@x.fr")),
				tokens.Make(mail.CampaignToken, campaign),
			} {
				if err := w.arrive(b, "", to+"@retour.ly-alumni.example", string(raw)); err != nil {
					t.Fatalf("%s: %v", filepath.Base(path), err)
				}
			}
			switch class {
			case mail.Complaint:
				wantLog = append(wantLog, "complained letter@x.fr", "failed complaint", "unwanted complaint")
			case mail.Vacation, mail.Delivered:
			default:
				told := fmt.Sprintf("returned %s %d", class, report.Reply.Code)
				wantLog, wantForward = append(wantLog, "failed "+string(class)), append(wantForward, told, told)
			}
			if class == mail.Dead || class == mail.Full || class == mail.Reputation {
				counted[class]++
			}
		}
		if !slices.Equal(c.log, wantLog) {
			t.Errorf("campaigns were told %d things, want %d", len(c.log), len(wantLog))
		}
		if !slices.Equal(w.forwarding.log, wantForward) {
			t.Errorf("forwarding was told %d things, want %d: a report on a report is only written down", len(w.forwarding.log), len(wantForward))
		}
		type row struct {
			Address string
			Class   mail.Class
			N       int
		}
		rows, err := db.All[row](t.Context(), d, `SELECT address, class, CAST(sum(failures) AS BIGINT) AS n FROM bounce_failures GROUP BY address, class`)
		w.must(err)
		if len(rows) != 4*len(counted) {
			t.Errorf("%d kinds of failures are kept, want %d at four addresses", len(rows), len(counted))
		}
		for _, r := range rows {
			if r.N != counted[r.Class] || r.Address == "outside@x.fr" {
				t.Errorf("%s has %d of %s, want %d", r.Address, r.N, r.Class, counted[r.Class])
			}
		}
		t.Logf("%d files: %v", len(files), counted)
	})
}
