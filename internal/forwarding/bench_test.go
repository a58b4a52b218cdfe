package forwarding_test

import (
	"context"
	"fmt"
	"testing"

	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/id"
	"amicale/internal/inbox"
	"amicale/internal/people"
)

// crowd is a base of that many graduates, each with a redirection; it gives their addresses for life.
func crowd(b *testing.B, w *world, n int) []string {
	b.Helper()
	list := make([]people.Dossier, n)
	out := make([]string, n)
	for i := range list {
		login := fmt.Sprintf("prenom%d.nom.ly2010", i)
		degree := people.Degree{ID: id.New(), AssociationID: w.ly.ID, ClassYear: 2010}
		list[i] = people.Dossier{Person: people.Person{FirstName: "P", BirthSurname: "N"}, Degrees: []people.Degree{degree},
			Logins: []people.Login{{Login: login, DegreeID: degree.ID, Current: true}}, Redirects: []string{fmt.Sprintf("p%d@exemple%d.fr", i, i%20)}}
		out[i] = login + "@ly-alumni.example"
	}
	w.must(w.people.Insert(b.Context(), system, list))
	return out
}

func benchEach(b *testing.B, fn func(b *testing.B, w *world, to []string)) {
	b.Helper()
	for name, open := range map[string]func(testing.TB) *db.DB{"sqlite": dbtest.New, "postgres": dbtest.Postgres} {
		b.Run(name, func(b *testing.B) {
			w := newWorld(b, open(b))
			fn(b, w, crowd(b, w, 20_000))
		})
	}
}

// BenchmarkFind is what one recipient costs at RCPT.
func BenchmarkFind(b *testing.B) {
	benchEach(b, func(b *testing.B, w *world, to []string) {
		n := 0
		for b.Loop() {
			n = (n + 7919) % len(to)
			if _, err := w.box.Find(b.Context(), inbox.Envelope{}, to[n]); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkAccept is what one message costs in a batch of a hundred, in its transaction, without the inbox's own row.
func BenchmarkAccept(b *testing.B) {
	const batch = 100
	benchEach(b, func(b *testing.B, w *world, to []string) {
		var list []inbox.Arrival
		for i := range batch {
			rcpt, err := w.box.Find(b.Context(), inbox.Envelope{}, to[i])
			w.must(err)
			list = append(list, inbox.Arrival{Rcpt: rcpt})
		}
		n := 0
		for b.Loop() {
			if n++; n%batch != 1 {
				continue
			}
			for i := range list {
				list[i].ID, list[i].Message = id.New(), &inbox.Message{Raw: make([]byte, 1500), Envelope: inbox.Envelope{From: "a@b.fr"}}
			}
			if err := w.db.Tx(b.Context(), func(ctx context.Context) error { return w.box.Accept(ctx, list) }); err != nil {
				b.Fatal(err)
			}
		}
	})
}
