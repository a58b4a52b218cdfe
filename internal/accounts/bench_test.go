package accounts_test

import (
	"testing"

	"amicale/internal/accounts"
	"amicale/internal/people"
)

// BenchmarkSignIn is a whole sign-in through the pages with the real hash; BenchmarkSignInBesidesHash the same with
// a hash that costs next to nothing: it must be at most a tenth.
func BenchmarkSignIn(b *testing.B) { benchmarkSignIn(b, false) }

func BenchmarkSignInBesidesHash(b *testing.B) { benchmarkSignIn(b, true) }

func benchmarkSignIn(b *testing.B, quick bool) {
	s := newSite(b)
	if !quick {
		s.Store = accounts.NewStore(s.db, s.people, s.clock, accounts.Options{Trail: s.trail, Sessions: s.sessions,
			Letters: s.letterWriter})
		s.handler = handlerOf(b, s.house)
	}
	person := s.person(b, "Laure", "Lavaut", s.ly, 2010, "laure@x.example")
	if err := s.people.AddMembership(b.Context(), system, &people.Membership{PersonID: person, AssociationID: s.ly.ID, StartsOn: noon.AddDate(-1, 0, 0), EndsOn: noon.AddDate(1, 0, 0)}); err != nil {
		b.Fatal(err)
	}
	s.account(b, person, good)
	for b.Loop() {
		if got := s.browser("192.0.2.1").signIn("laure.lavaut.ly2010", good); got.status != 303 {
			b.Fatalf("sign-in = %d", got.status)
		}
	}
}

// BenchmarkIdentify is what every request of somebody signed in pays.
func BenchmarkIdentify(b *testing.B) {
	s := newSite(b)
	s.account(b, s.person(b, "Laure", "Lavaut", s.ly, 2010, "laure@x.example"), good)
	browser := s.browser("192.0.2.1")
	browser.signIn("laure.lavaut.ly2010", good)
	sess, err := s.sessions.Load(b.Context(), browser.cookies["amicale"])
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, _, err := s.Identify(b.Context(), sess); err != nil {
			b.Fatal(err)
		}
	}
}
