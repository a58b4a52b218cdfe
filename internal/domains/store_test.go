package domains_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"amicale/internal/clock"
	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/domains"
	"amicale/internal/mail"
)

func TestSecretIsMadeOnce(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		var all sync.WaitGroup
		got := make([][]byte, 8)
		for i := range got {
			all.Go(func() { // each its own store, as each process has one
				b, err := domains.NewStore(d, clock.System).Secret(context.WithoutCancel(t.Context()), "return tokens")
				if err != nil {
					t.Error(err)
				}
				got[i] = b
			})
		}
		all.Wait()
		for i, b := range got {
			if len(b) != 32 || !bytes.Equal(b, got[0]) {
				t.Errorf("Secret() of store %d has %d octets, or is not the first one's", i, len(b))
			}
		}
		if b, err := domains.NewStore(d, clock.System).Secret(t.Context(), "unsubscribe"); err != nil || bytes.Equal(b, got[0]) {
			t.Errorf("two names have the same secret, or %v", err)
		}
	})
}

func TestSecretOfARolledBackTransactionIsNobodys(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, boom := domains.NewStore(d, clock.System), errors.New("boom")
		var within []byte
		err := d.Tx(t.Context(), func(ctx context.Context) (err error) {
			if within, err = s.Secret(ctx, "return tokens"); err != nil {
				return err
			}
			return boom
		})
		if !errors.Is(err, boom) {
			t.Fatal(err)
		}
		b, err := s.Secret(t.Context(), "return tokens")
		if err != nil || bytes.Equal(b, within) {
			t.Errorf("Secret() after a roll-back = the one that was rolled back, or %v", err)
		}
		again, err := domains.NewStore(d, clock.System).Secret(t.Context(), "return tokens")
		if err != nil || !bytes.Equal(again, b) {
			t.Errorf("another process reads another secret: %v", err)
		}
	})
}

func TestSenders(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		own          string
		associations []string
		want         string
	}{
		{"annuaire.example", []string{"ail.example"}, "annuaire.example/notifications lettres.annuaire.example/campaigns ail.example/forwarding lettres.ail.example/campaigns"},
		{"AIL.example", []string{"ail.example"}, "ail.example/notifications lettres.ail.example/campaigns ail.example/forwarding"},
		{"localhost", nil, ""},
		{"127.0.0.1", nil, ""},
		{"::1", nil, ""},
	} {
		var got []string
		for _, x := range domains.Senders(c.own, c.associations) {
			got = append(got, x.Domain+"/"+string(x.Stream))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("Senders(%s, %v) = %v, want %s", c.own, c.associations, got, c.want)
		}
	}
}

// selectors are the keys' names with what they are: + signs, ? waits, - is retired.
func selectors(keys []domains.Key) string {
	var out []string
	for _, k := range keys {
		mark := "-"
		switch {
		case k.Active:
			mark = "+"
		case k.Waits():
			mark = "?"
		}
		out = append(out, mark+strings.TrimPrefix(k.Selector, "amicale-"))
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

func countKeys(t *testing.T, d *db.DB) int {
	t.Helper()
	n, err := db.One[int](t.Context(), d, `SELECT count(*) FROM dkim_keys`)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestKeysAreMadeOnceAndRotate(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx, now := t.Context(), startClock()
		sender := domains.Sender{Domain: "ail.example", Stream: mail.Forwarding}
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				if _, err := domains.NewStore(d, now.now).SigningKeys(context.WithoutCancel(ctx), sender); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		s := domains.NewStore(d, now.now)
		check := func(when, want string) {
			t.Helper()
			keys, err := s.Keys(ctx, "ail.example")
			if got := selectors(keys); got != want || err != nil {
				t.Errorf("%s: keys %s, %v, want %s", when, got, err, want)
			}
		}
		check("made by four at once", "+2026a +2026a-ed")
		if err := s.Activate(ctx, sender); err != nil {
			t.Fatal(err)
		}
		check("activated with none waiting", "+2026a +2026a-ed")
		for range 2 {
			if _, err := s.Rotate(ctx, sender); err != nil {
				t.Fatal(err)
			}
		}
		check("rotated twice", "+2026a +2026a-ed ?2026b ?2026b-ed")
		if err := s.Activate(ctx, sender); err != nil {
			t.Fatal(err)
		}
		check("activated", "+2026b +2026b-ed -2026a -2026a-ed")
		now.turn(domains.Published - time.Minute)
		check("a week later, nearly", "+2026b +2026b-ed -2026a -2026a-ed")
		now.turn(2 * time.Minute)
		check("a week later", "+2026b +2026b-ed")
		if _, err := s.Rotate(ctx, sender); err != nil {
			t.Fatal(err)
		}
		check("rotated again", "+2026b +2026b-ed ?2026c ?2026c-ed")
		now.turn(60 * 24 * time.Hour)
		if err := s.Sweep(ctx); err != nil {
			t.Fatal(err)
		}
		if n := countKeys(t, d); n != 4 {
			t.Errorf("%d keys after the sweep, want those that sign and those that wait", n)
		}
		other := domains.Sender{Domain: "ail.example", Stream: mail.Notifications}
		keys, err := s.SigningKeys(ctx, other)
		if got := selectors(keys); got != "+2027a +2027a-ed" || err != nil {
			t.Errorf("another stream's keys of the domain: %s, %v, want names of their own and of their year", got, err)
		}
	})
}
