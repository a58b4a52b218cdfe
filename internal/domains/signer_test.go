package domains_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-msgauth/dkim"

	"amicale/internal/clock"
	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/domains"
	"amicale/internal/mail"
)

const letter = "From: AIL <ne-pas-repondre@lettres.ail.example>\r\nTo: Laure <laure@exemple.example>\r\nSubject: =?utf-8?q?No=C3=ABl?=\r\n" +
	"Date: Fri, 27 Nov 2026 08:00:00 +0000\r\nMessage-ID: <1@lettres.ail.example>\r\nMIME-Version: 1.0\r\n" +
	"List-Unsubscribe: <https://annuaire.example/d/1>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nList-Id: <news.ail.example>\r\n" +
	"Feedback-ID: noel:news:ly:amicale\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nBonjour,  \r\n\r\n.à bientôt\t\r\n\r\n\r\n"

// ours are the domains of the tests' installation.
func ours(domain string) bool {
	return domain == "localhost" || strings.HasSuffix(domain, "annuaire.example") || strings.HasSuffix(domain, "ail.example")
}

// published answers for the records of every key that must be published.
func published(t testing.TB, s *domains.Store, names ...string) func(string) ([]string, error) {
	t.Helper()
	zone := map[string][]string{}
	for _, d := range names {
		keys, err := s.Keys(t.Context(), d)
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range keys {
			zone[k.Host()] = []string{k.Record()}
		}
	}
	return func(name string) ([]string, error) {
		if v, ok := zone[name]; ok {
			return v, nil
		}
		return nil, errors.New("no such name: " + name)
	}
}

// verdict is what a receiver says of each signature: its selector's end and whether it verifies.
func verdict(t testing.TB, message string, lookup func(string) ([]string, error)) string {
	t.Helper()
	list, err := dkim.VerifyWithOptions(strings.NewReader(message), &dkim.VerifyOptions{LookupTXT: lookup})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, v := range list {
		word := "pass"
		if v.Err != nil {
			word = "fail"
		}
		out = append(out, v.Domain+" "+word)
	}
	return strings.Join(out, ", ")
}

func TestSignaturesVerify(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := domains.NewStore(d, clock.System)
		signer := domains.NewSigner(s, ours)
		plain := strings.NewReplacer("List-Unsubscribe", "X-A", "List-Id", "X-B", "Feedback-ID", "X-C", "lettres.ail.example", "ail.example").Replace(letter)
		for _, c := range []struct {
			name    string
			stream  mail.Stream
			from    string
			message string
			change  func(string) string // on the way
			want    string
		}{
			{"newsletter", mail.Campaigns, "lettres.ail.example", letter, nil, "lettres.ail.example pass, lettres.ail.example pass"},
			{"name in capitals", mail.Campaigns, "Lettres.AIL.example.", letter, nil, "lettres.ail.example pass, lettres.ail.example pass"},
			{"the federation's newsletter", mail.Campaigns, "lettres.annuaire.example", letter, nil, "lettres.annuaire.example pass, lettres.annuaire.example pass"},
			{"own letter", mail.Notifications, "annuaire.example", plain, nil, "annuaire.example pass, annuaire.example pass"},
			{"written as the lifetime address", mail.Forwarding, "ail.example", plain, nil, "ail.example pass, ail.example pass"},
			{"passed on", mail.Forwarding, "poste.example", plain, nil, ""},
			{"own letter under an association", mail.Notifications, "ail.example", plain, nil, "ail.example pass, ail.example pass"},
			{"nobody's name", mail.Notifications, "localhost", plain, nil, ""},
			{"white space changed", mail.Campaigns, "lettres.ail.example", letter, func(m string) string { return strings.Replace(m, "Bonjour,  ", "Bonjour, ", 1) }, "lettres.ail.example pass, lettres.ail.example pass"},
			{"body changed", mail.Campaigns, "lettres.ail.example", letter, func(m string) string { return m + "footer\r\n" }, "lettres.ail.example fail, lettres.ail.example fail"},
			{"subject added", mail.Campaigns, "lettres.ail.example", letter, func(m string) string { return "Subject: other\r\n" + m }, "lettres.ail.example fail, lettres.ail.example fail"},
			{"sender added", mail.Campaigns, "lettres.ail.example", letter, func(m string) string { return "From: x@y.example\r\n" + m }, "lettres.ail.example fail, lettres.ail.example fail"},
			{"one-click taken away", mail.Campaigns, "lettres.ail.example", letter, func(m string) string {
				return strings.Replace(m, "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n", "", 1)
			}, "lettres.ail.example fail, lettres.ail.example fail"},
			{"list field added to an own letter", mail.Notifications, "annuaire.example", plain, func(m string) string { return "List-Unsubscribe: <https://x.example>\r\n" + m }, "annuaire.example fail, annuaire.example fail"},
			{"through a discussion list", mail.Forwarding, "ail.example", plain, func(m string) string { return "List-Id: <x.example>\r\nList-Unsubscribe: <https://x.example>\r\n" + m }, "ail.example pass, ail.example pass"},
			{"two fields of a name", mail.Forwarding, "ail.example", "Cc: a@x.example\r\nCc: b@x.example\r\n" + plain, nil, "ail.example pass, ail.example pass"},
			{"without a body", mail.Forwarding, "ail.example", "From: x@ail.example\r\n\r\n", nil, "ail.example pass, ail.example pass"},
			{"without an end of its header", mail.Forwarding, "ail.example", "From: x@ail.example", func(m string) string { return m + "\r\n\r\n" }, "ail.example pass, ail.example pass"},
			{"bare line ends, as they arrive", mail.Forwarding, "ail.example", strings.ReplaceAll(plain, "\r\n", "\n"), func(m string) string {
				return strings.ReplaceAll(strings.ReplaceAll(m, "\r\n", "\n"), "\n", "\r\n")
			}, "ail.example pass, ail.example pass"},
		} {
			headers, err := signer.Sign(c.stream, c.from, []byte(c.message))
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
				continue
			}
			message := headers + c.message
			if c.change != nil {
				message = c.change(message)
			}
			lookup := published(t, s, "ail.example", "lettres.ail.example", "annuaire.example", "lettres.annuaire.example")
			if got := verdict(t, message, lookup); got != c.want {
				t.Errorf("%s: a receiver says %q, want %q", c.name, got, c.want)
			}
		}
	})
}

func TestANewKeySignsWithinAMinute(t *testing.T) {
	t.Parallel()
	d, now := dbtest.New(t), startClock()
	here, there := domains.NewStore(d, now.now), domains.NewStore(d, now.now)
	signer, sender := domains.NewSigner(here, ours), domains.Sender{Domain: "ail.example", Stream: mail.Forwarding}
	selector := func() string {
		t.Helper()
		h, err := signer.Sign(mail.Forwarding, "ail.example", []byte(letter))
		if err != nil {
			t.Fatal(err)
		}
		_, s, _ := strings.Cut(h, " s=")
		s, _, _ = strings.Cut(s, ";")
		return s
	}
	if got := selector(); got != "amicale-2026a" {
		t.Fatalf("first selector %q", got)
	}
	if _, err := there.Rotate(t.Context(), sender); err != nil {
		t.Fatal(err)
	}
	now.turn(2 * time.Minute)
	if got := selector(); got != "amicale-2026a" {
		t.Errorf("a key that waits signs: %q", got)
	}
	if err := there.Activate(t.Context(), sender); err != nil {
		t.Fatal(err)
	}
	now.turn(61 * time.Second)
	if got := selector(); got != "amicale-2026b" {
		t.Errorf("a minute after another process activated it: %q, want amicale-2026b", got)
	}
}

func TestKnownKeysSignWhileTheDatabaseIsGone(t *testing.T) {
	t.Parallel()
	d, now := dbtest.New(t), startClock()
	signer := domains.NewSigner(domains.NewStore(d, now.now), ours)
	if h, err := signer.Sign(mail.Forwarding, "ail.example", []byte(letter)); err != nil || h == "" {
		t.Fatal(h, err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	now.turn(time.Hour)
	if h, err := signer.Sign(mail.Forwarding, "ail.example", []byte(letter)); err != nil || !strings.Contains(h, "ail.example") {
		t.Errorf("Sign() with known keys and no database = %q, %v", h, err)
	}
	if _, err := signer.Sign(mail.Notifications, "annuaire.example", []byte(letter)); err == nil {
		t.Error("Sign() with unknown keys and no database = nil, want an error")
	}
}

func BenchmarkSign(b *testing.B) {
	s := domains.NewStore(dbtest.New(b), clock.System)
	keys, err := s.SigningKeys(b.Context(), domains.Sender{Domain: "lettres.ail.example", Stream: mail.Campaigns})
	if err != nil || len(keys) != 2 {
		b.Fatal(keys, err)
	}
	message := []byte(letter + strings.Repeat("Une ligne d'une lettre de la longueur qu'ont les lettres.\r\n", 110)) // 6.7 kB
	for name, some := range map[string][]domains.Key{"both": keys, string(keys[0].Algorithm): keys[:1], string(keys[1].Algorithm): keys[1:]} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := domains.SignWith(some, message); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
