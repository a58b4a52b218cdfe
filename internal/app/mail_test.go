package app_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"amicale/internal/bounces"
	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/id"
	"amicale/internal/mail"
	"amicale/internal/outbox"
	"amicale/internal/people"
	"amicale/internal/viewer"
	"amicale/internal/webtest"
)

// insert adds graduates of Lyon, class of 2001, each changed first, and gives their addresses for life.
func insert(t testing.TB, w *webtest.World, change ...func(*people.Dossier)) (list []people.Dossier, lifetime []string) {
	t.Helper()
	all, err := w.App.People().Associations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ly, _ := all.ByCode("ly")
	system := viewer.ForSystem("test")
	for i, f := range change {
		d := people.Dossier{Person: people.Person{ID: id.New(), FirstName: "Ada", BirthSurname: fmt.Sprintf("Quelconque %c", 'A'+i), Status: people.Graduate},
			Degrees: []people.Degree{{AssociationID: ly.ID, ClassYear: 2001}}}
		f(&d)
		if err := w.App.People().Insert(t.Context(), system, []people.Dossier{d}); err != nil {
			t.Fatal(err)
		}
		if err := w.App.People().GenerateLoginsFor(t.Context(), d.ID); err != nil {
			t.Fatal(err)
		}
		if d, err = w.App.People().Dossier(t.Context(), system, d.ID); err != nil {
			t.Fatal(err)
		}
		list, lifetime = append(list, d), append(lifetime, d.CurrentLogin()+"@"+ly.MailDomain)
	}
	return list, lifetime
}

// targets are where the messages that were passed on to an address for life went, or "held", the oldest first.
func targets(t testing.TB, d *db.DB, lifetime string) string {
	t.Helper()
	list, err := db.All[string](t.Context(), d, `SELECT CASE WHEN d.state = 'held' THEN 'held' ELSE d.recipient END
		FROM outbox_deliveries d JOIN inbox i ON i.id = d.ref WHERE d.kind = 'forward' AND i.recipient = ? ORDER BY d.created_at, d.id`, lifetime)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(list, " ")
}

// An address that is nobody's own heals like another: two people, whose mail an older system sent there, are asked for
// another, and it goes there again once it works.
func TestATargetThatIsNobodysOwnHeals(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := webtest.New(t, d, 5)
		const old = "famille@ancien.example"
		from := func(addresses ...string) func(*people.Dossier) {
			return func(d *people.Dossier) { d.Redirects = addresses }
		}
		_, to := insert(t, w, from(old), from(old, "reserve@ancien.example"), from("other@ancien.example"))
		p := startPost(t, w)
		round := func(what string, want ...string) {
			t.Helper()
			for i, address := range to {
				p.arrives(address)
				w.Run()
				if got := targets(t, d, address); got != want[i] {
					t.Errorf("%s, to %d: %q, want %q", what, i, got, want[i])
				}
			}
		}
		round("at first", old, old+" reserve@ancien.example", "other@ancien.example")
		dies(t, w, old)
		round("dead", old+" held", old+" reserve@ancien.example reserve@ancien.example", "other@ancien.example other@ancien.example")
		w.As(webtest.Federation).Get(bounces.Path).Want(200, "f…@ancien.example")

		err := w.DB.Tx(t.Context(), func(ctx context.Context) error {
			return w.App.Bounces().Observe(ctx, []outbox.Outcome{{Parcel: outbox.Parcel{ID: id.New(), Kind: "forward", To: old}, State: outbox.Sent}})
		})
		if err != nil {
			t.Fatal(err)
		}
		w.Later(25 * time.Hour) // a server that took a message may still report on it
		w.As(webtest.Federation).Post(bounces.Path + "/verdicts").Want(303)
		w.Run()
		w.Run() // what waited goes
		if got := targets(t, d, to[0]); got != old+" "+old {
			t.Errorf("healed: %q, want what waited to go there", got)
		}
		round("healed", old+" "+old+" "+old, old+" reserve@ancien.example reserve@ancien.example "+old+" reserve@ancien.example", "other@ancien.example other@ancien.example other@ancien.example")
	})
}

const complaint = "From: fbl@provider.example\r\nSubject: complaint\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=feedback-report; boundary=b\r\n\r\n" +
	"--b\r\nContent-Type: text/plain\r\n\r\nA complaint.\r\n--b\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\nUser-Agent: x/1\r\nVersion: 1\r\n\r\n" +
	"--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: Des nouvelles\r\n\r\nx\r\n--b--\r\n"

// Whoever complains of a campaign, or writes to the address for it, gets no more of that kind from that sender; all else
// stays as it was.
func TestOneKindFromOneSenderEnds(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := webtest.New(t, d, 5)
		email := func(value string) func(*people.Dossier) {
			return func(d *people.Dossier) {
				d.Contacts = []people.ContactPoint{{Kind: people.Email, Purpose: people.Personal, Value: value, Preferred: true, ConfirmedAt: w.App.Now(), Origin: "import"}}
			}
		}
		list, _ := insert(t, w, email("a@lecteurs.example"), email("b@lecteurs.example"), email("c@lecteurs.example"))
		ly := list[0].Degrees[0].AssociationID
		at := sendToClass(w, ly, "2001")
		if _, err := d.Exec(t.Context(), `UPDATE campaign_recipients SET state = 'sent', done_at = ?`, w.App.Now()); err != nil {
			t.Fatal(err)
		}
		p := startPost(t, w)
		for i, raw := range []string{complaint, "From: b@lecteurs.example\r\nSubject: unsubscribe\r\n\r\n"} {
			row, err := db.One[id.ID](t.Context(), d, `SELECT id FROM campaign_recipients WHERE person_id = ?`, list[i].ID)
			if err != nil {
				t.Fatal(err)
			}
			p.returns(w.App.Tokens().Make(mail.CampaignToken, row), raw)
		}
		var refused []string
		for i, one := range list {
			rows, err := db.All[string](t.Context(), d, `SELECT concat(kind, ' ', origin) FROM subscription_choices WHERE person_id = ? AND sender_id = ? AND NOT wants AND current`, one.ID, ly)
			if err != nil {
				t.Fatal(err)
			}
			o, err := db.One[int](t.Context(), d, `SELECT count(*) FROM subscription_choices WHERE person_id = ?`, one.ID)
			if err != nil {
				t.Fatal(err)
			}
			refused = append(refused, fmt.Sprint(i, rows, o))
		}
		if want := []string{"0 [news complaint] 1", "1 [news one-click] 1", "2 [] 0"}; !slices.Equal(refused, want) {
			t.Errorf("refused are %q, want %q", refused, want)
		}
		n, err := db.One[int](t.Context(), d, `SELECT unsubscribed FROM campaigns`)
		if err != nil || n != 1 {
			t.Errorf("the campaign counts %d who left by it, %v, want 1", n, err)
		}
		w.As(webtest.Webmaster).Get(at + "/suivi").Want(200)
		w.As(webtest.Federation).Get("/admin/journal?action=subscriptions.changed").Want(200, "un signalement comme indésirable", "un clic dans une lettre", "Actualités")
	})
}
