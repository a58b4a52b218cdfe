package domains_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-msgauth/dkim"

	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/domains"
	"amicale/internal/mail"
)

var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

func clock() time.Time { return noon }

const letter = "From: Amicale <lettre@lettres.ail.example>\r\nTo: Laure <laure@exemple.fr>\r\nSubject: =?utf-8?q?=C3=89t=C3=A9?=\r\n" +
	"Date: Mon, 01 Jun 2026 12:00:00 +0000\r\nMessage-ID: <1@lettres.ail.example>\r\nList-Unsubscribe: <https://a.example/d/1>\r\n" +
	"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n\r\nBonjour  \r\n"

func TestSecretIsMadeOnce(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		var all sync.WaitGroup
		got := make([]string, 8)
		for i := range got {
			all.Go(func() {
				b, err := domains.NewStore(d, clock).Secret(t.Context(), "return tokens")
				if err != nil {
					t.Error(err)
				}
				got[i] = string(b)
			})
		}
		all.Wait()
		for _, s := range got {
			if s != got[0] || len(s) != 32 {
				t.Errorf("two processes have different secrets, or one of %d bytes", len(s))
			}
		}
		other, err := domains.NewStore(d, clock).Secret(t.Context(), "unsubscribe")
		if err != nil || string(other) == got[0] {
			t.Errorf("another name has the same secret (%v)", err)
		}
	})
}

// published are the records of the keys, as a resolver would find them.
func published(t *testing.T, s *domains.Store, domain string, stream mail.Stream) map[string]string {
	t.Helper()
	keys, err := s.Keys(t.Context(), domain, stream)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, k := range keys {
		if out[k.Name()], err = k.Record(); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// holding counts the signatures of a message that verify.
func holding(t *testing.T, message string, records map[string]string) (n int) {
	t.Helper()
	list, err := dkim.VerifyWithOptions(strings.NewReader(message), &dkim.VerifyOptions{LookupTXT: func(name string) ([]string, error) {
		return []string{records[name]}, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range list {
		if v.Err == nil {
			n++
		}
	}
	return n
}

func TestSigning(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := domains.NewStore(d, clock)
		signer := domains.NewSigner(s, func(domain string) bool { return domain == "lettres.ail.example" })
		head, err := signer.Sign(mail.Campaigns, "Lettres.AIL.example", []byte(letter))
		if err != nil {
			t.Fatal(err)
		}
		records := published(t, s, "lettres.ail.example", mail.Campaigns)
		if n := holding(t, head+letter, records); n != 2 {
			t.Errorf("%d signatures verify, want that of RSA and that of Ed25519:\n%s", n, head)
		}
		for name, changed := range map[string]string{
			"a second subject": head + "Subject: Autre\r\n" + letter,
			"another body":     head + strings.Replace(letter, "Bonjour", "Bonsoir", 1),
			"no way out":       head + strings.Replace(letter, "https://a.example/d/1", "https://b.example/", 1),
		} {
			if n := holding(t, changed, records); n != 0 {
				t.Errorf("%s: %d signatures still verify", name, n)
			}
		}
		if head, err := signer.Sign(mail.Campaigns, "ailleurs.example", []byte(letter)); err != nil || head != "" {
			t.Errorf("Sign for a domain that is not ours = %q, %v", head, err)
		}
	})
}

func TestStreamsHaveKeysOfTheirOwnAndRotate(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		now := noon
		s := domains.NewStore(d, func() time.Time { return now })
		before := published(t, s, "ail.example", mail.Forwarding)
		for name := range published(t, s, "ail.example", mail.Notifications) {
			if before[name] != "" {
				t.Errorf("two streams share the key %s", name)
			}
		}
		if err := s.Rotate(t.Context(), "ail.example", mail.Forwarding); err != nil {
			t.Fatal(err)
		}
		keys, err := s.Keys(t.Context(), "ail.example", mail.Forwarding)
		if err != nil || len(keys) != 4 || !keys[0].Active || !keys[1].Active || keys[2].Active || before[keys[0].Name()] != "" || before[keys[2].Name()] == "" {
			t.Errorf("after Rotate: %+v, %v: want two new keys that sign and the two old ones", keys, err)
		}
		now = now.AddDate(0, 0, 8)
		if err := s.Rotate(t.Context(), "ail.example", mail.Forwarding); err != nil {
			t.Fatal(err)
		}
		if keys, err := s.Keys(t.Context(), "ail.example", mail.Forwarding); err != nil || len(keys) != 4 {
			t.Errorf("a week later: %d keys, %v: want those of the last rotation and the new ones", len(keys), err)
		}
	})
}

func TestOnePairOfKeysForTwoProcesses(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		var all sync.WaitGroup
		got := make([]map[string]string, 4)
		for i := range got {
			all.Go(func() { got[i] = published(t, domains.NewStore(d, clock), "ail.example", mail.Campaigns) })
		}
		all.Wait()
		for _, m := range got {
			if len(m) != 2 {
				t.Errorf("a process sees %d keys, want 2", len(m))
			}
			for name := range m {
				if got[0][name] == "" {
					t.Errorf("the processes have different keys")
				}
			}
		}
	})
}

func BenchmarkSign(b *testing.B) {
	d := dbtest.New(b)
	s := domains.NewStore(d, clock)
	signer := domains.NewSigner(s, func(string) bool { return true })
	for b.Loop() {
		if _, err := signer.Sign(mail.Campaigns, "lettres.ail.example", []byte(letter)); err != nil {
			b.Fatal(err)
		}
	}
}
