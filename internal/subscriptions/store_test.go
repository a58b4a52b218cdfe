package subscriptions_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/subscriptions"
	"amicale/internal/viewer"
)

type cell = subscriptions.Cell

func TestChoicesTheirHistoryAndTheTrail(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ada := w.add("Ada", "Byron", func(d *people.Dossier) {
			d.Memberships = []people.Membership{{AssociationID: w.re.ID, StartsOn: day0.AddDate(-3, 0, 0), EndsOn: day0.AddDate(-2, 0, 0), Origin: "import"}}
		})
		o, err := w.Overview(t.Context(), person(ada).Viewer, ada)
		w.must(err)
		if len(o.Senders) != 3 || o.Senders[0].Name != "La Fédé" || len(o.History) != 0 {
			t.Fatalf("Overview() = %+v, want the federation, the school of the degree and that of the membership", o)
		}
		if !w.wants(ada, w.ly.ID, subscriptions.News) {
			t.Error("who never said anything is not written to")
		}
		w.must(w.Choose(t.Context(), person(ada), map[cell]bool{{w.ly.ID, subscriptions.News}: false, {w.ly.ID, subscriptions.Events}: true, {subscriptions.Federation, subscriptions.News}: false}))
		w.pass(time.Hour)
		w.must(w.Choose(t.Context(), person(ada), map[cell]bool{{w.ly.ID, subscriptions.News}: false})) // nothing new
		w.must(w.Choose(t.Context(), person(ada), map[cell]bool{{w.ly.ID, subscriptions.News}: true}))
		for c, want := range map[cell]bool{{w.ly.ID, subscriptions.News}: true, {subscriptions.Federation, subscriptions.News}: false, {w.re.ID, subscriptions.News}: true} {
			if got := w.wants(ada, c.Sender, c.Kind); got != want {
				t.Errorf("%v: wants = %v, want %v", c, got, want)
			}
		}
		o, err = w.Overview(t.Context(), staff(viewer.Webmaster, w.ly.ID).Viewer, ada)
		w.must(err)
		if len(o.History) != 3 || !o.History[0].Wants || o.History[0].Basis != subscriptions.Consent || o.History[2].Basis != subscriptions.Objection || !o.History[0].At.Equal(w.now()) {
			t.Errorf("history = %+v, want three words, the newest first", o.History)
		}
		want := []string{"subscriptions.changed Elle map[off:news on:]", "subscriptions.changed Elle map[off:news on:]", "subscriptions.changed Elle map[off: on:news]"}
		if got := w.actions(ada); !slices.Equal(got, want) {
			t.Errorf("trail = %q, want %q", got, want)
		}
		w.refused("a sender he does not belong to", w.Choose(t.Context(), person(ada), map[cell]bool{{id.New(), subscriptions.News}: false}), errs.Invalid)
		w.refused("no kind", w.Choose(t.Context(), person(ada), map[cell]bool{{w.ly.ID, "pause"}: false}), errs.Invalid)
		w.refused("somebody without a person", w.Choose(t.Context(), staff(viewer.Webmaster, w.ly.ID), nil), errs.Forbidden)
	})
}

func TestAPauseEndsByItselfOrWhenAsked(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ada := w.add("Ada", "Byron")
		w.must(w.Resume(t.Context(), person(ada))) // from nothing
		w.must(w.Pause(t.Context(), person(ada)))
		if w.wants(ada, w.ly.ID, subscriptions.Magazine) || w.wants(ada, subscriptions.Federation, subscriptions.Paper) {
			t.Error("a pause lets something through")
		}
		w.pass(93 * 24 * time.Hour)
		if !w.wants(ada, w.ly.ID, subscriptions.Magazine) {
			t.Error("a pause outlives its end")
		}
		w.must(w.Pause(t.Context(), person(ada)))
		w.must(w.Resume(t.Context(), person(ada)))
		if !w.wants(ada, w.ly.ID, subscriptions.Magazine) {
			t.Error("a pause outlives its being ended")
		}
		if got := w.actions(ada); len(got) != 3 {
			t.Errorf("trail = %q, want twice a pause and an end", got)
		}
	})
}

// The rule stands twice, in Go for a page and in SQL for fifty thousand recipients: they must never part.
func TestTheRuleInSQLIsTheRule(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		rnd := rand.New(rand.NewPCG(1, 2))
		senders := []id.ID{subscriptions.Federation, w.ly.ID}
		var all []id.ID
		for n := range 60 {
			var edits []func(*people.Dossier)
			for range rnd.IntN(3) {
				edits = append(edits, listed([]string{"mailing", "paper"}[rnd.IntN(2)], rnd.IntN(4) == 0, rnd.IntN(20)-10))
			}
			all = append(all, w.add("P", fmt.Sprint("n", n), edits...))
		}
		for range 600 {
			p, s := all[rnd.IntN(len(all))], senders[rnd.IntN(2)]
			k := subscriptions.Kinds()[rnd.IntN(6)]
			switch rnd.IntN(7) {
			case 0, 1, 2:
				w.must(w.Choose(t.Context(), person(p), map[cell]bool{{s, k}: rnd.IntN(2) == 0}))
			case 3:
				w.must(w.Leave(t.Context(), subscriptions.Letter{Person: p, Sender: s, Kind: k}))
			case 4:
				w.must(w.Return(t.Context(), subscriptions.Letter{Person: p, Sender: s, Kind: k}))
			case 5:
				w.must(w.Refuse(t.Context(), system(), p, cell{s, k}, subscriptions.ByComplaint))
			case 6:
				if rnd.IntN(4) == 0 {
					w.must(w.Pause(t.Context(), person(p)))
				} else {
					w.must(w.Resume(t.Context(), person(p)))
				}
			}
			w.pass(30 * time.Minute)
		}
		var yes, no int
		for _, s := range senders {
			for _, k := range subscriptions.Kinds() {
				refusing, err := w.Refusing(t.Context(), s, string(k), all)
				w.must(err)
				for _, p := range all {
					o, err := w.Overview(t.Context(), viewer.ForSystem("test"), p)
					w.must(err)
					want := o.Standing.Wants(s, k, w.now())
					if refusing[p] == want {
						t.Fatalf("%v %s: the statement refuses %v, the rule wants %v: %+v", s, k, refusing[p], want, o.Standing)
					}
					if want {
						yes++
					} else {
						no++
					}
				}
			}
		}
		if yes < 50 || no < 50 {
			t.Errorf("%d yes, %d no: the sample says little", yes, no)
		}
	})
}

func TestRefusingInBulk(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		list := make([]people.Dossier, 1000)
		for i := range list {
			list[i] = people.Dossier{Person: people.Person{FirstName: "A", BirthSurname: fmt.Sprint("B", i)}, Degrees: []people.Degree{{AssociationID: w.ly.ID, ClassYear: 2001, Diploma: people.Engineer}}}
			if i%3 == 0 {
				listed("mailing", false, -100)(&list[i])
			}
		}
		w.must(w.people.Insert(t.Context(), viewer.ForSystem("test"), list))
		var all []id.ID
		want := map[id.ID]bool{}
		for i, p := range list {
			all = append(all, p.ID)
			if i%3 == 0 {
				want[p.ID] = true
			}
		}
		if got, err := w.Refusing(t.Context(), w.ly.ID, "news", all); err != nil || !maps.Equal(got, want) {
			t.Errorf("Refusing() = %d persons, %v, want the %d who refused", len(got), err, len(want))
		}
		_, err := w.Refusing(t.Context(), w.ly.ID, "pause", all)
		w.refused("a kind that there is not", err, errs.Invalid)
		if got, err := w.Refusing(t.Context(), w.ly.ID, "news", nil); err != nil || len(got) != 0 {
			t.Errorf("Refusing() of nobody = %v, %v", got, err)
		}
	})
}

func TestWhoMayLookAndWhoMayRefuse(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ada, bob := w.add("Ada", "Byron"), w.add("Bob", "Martin")
		for _, c := range []struct {
			name         string
			by           viewer.Actor
			look, refuse errs.Kind // Internal stands for "may"
		}{
			{"guest", viewer.Actor{}, errs.NotFound, errs.NotFound},
			{"herself", person(ada), errs.Internal, errs.Forbidden},
			{"another graduate", person(bob), errs.NotFound, errs.NotFound},
			{"a recruiter", viewer.Actor{Viewer: viewer.Viewer{Kind: viewer.Recruiter, Account: id.New()}}, errs.NotFound, errs.NotFound},
			{"her editor", staff(viewer.Editor, w.ly.ID), errs.NotFound, errs.NotFound},
			{"her secretary", staff(viewer.Secretary, w.ly.ID), errs.Internal, errs.Internal},
			{"her webmaster", staff(viewer.Webmaster, w.ly.ID), errs.Internal, errs.Internal},
			{"another school's webmaster", staff(viewer.Webmaster, w.re.ID), errs.NotFound, errs.NotFound},
			{"the federation", staff(viewer.FederationAdmin, id.ID{}), errs.Internal, errs.Internal},
		} {
			_, err := w.Overview(t.Context(), c.by.Viewer, ada)
			if c.look == errs.Internal {
				w.must(err)
			} else {
				w.refused(c.name+" looks", err, c.look)
			}
			before := len(w.actions(ada))
			err = w.Refuse(t.Context(), c.by, ada, cell{w.ly.ID, subscriptions.Events}, subscriptions.ByStaff)
			if c.refuse != errs.Internal {
				w.refused(c.name+" refuses", err, c.refuse)
				continue
			}
			w.must(err)
			if w.wants(ada, w.ly.ID, subscriptions.Events) || len(w.actions(ada)) != before+1 {
				t.Errorf("%s: the refusal does not hold, or left no trail", c.name)
			}
			w.must(w.Refuse(t.Context(), c.by, ada, cell{w.ly.ID, subscriptions.Events}, subscriptions.ByStaff)) // once more is nothing new
			w.must(w.Choose(t.Context(), person(ada), map[cell]bool{{w.ly.ID, subscriptions.Events}: true}))
		}
		admin := staff(viewer.FederationAdmin, id.ID{})
		w.refused("in the person's name", w.Refuse(t.Context(), admin, ada, cell{w.ly.ID, subscriptions.Events}, subscriptions.ByPerson), errs.Invalid)
		w.refused("no kind", w.Refuse(t.Context(), admin, ada, cell{w.ly.ID, "x"}, subscriptions.ByStaff), errs.Invalid)
		w.refused("no sender", w.Refuse(t.Context(), admin, ada, cell{id.New(), subscriptions.News}, subscriptions.ByStaff), errs.NotFound)
	})
}

func TestALinkTakesBackOnlyItsOwnClick(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ada := w.add("Ada", "Byron")
		w.clicker = ada
		letter := subscriptions.Letter{Person: ada, Sender: w.ly.ID, Kind: subscriptions.News}
		w.must(w.Refuse(t.Context(), staff(viewer.Webmaster, w.ly.ID), ada, cell{w.ly.ID, subscriptions.News}, subscriptions.ByStaff))
		w.must(w.Leave(t.Context(), letter))
		w.must(w.Return(t.Context(), letter))
		if w.wants(ada, w.ly.ID, subscriptions.News) || len(w.clicks) != 0 {
			t.Errorf("a link took back what was told on the phone, or was told of: %q", w.clicks)
		}
		w.must(w.Choose(t.Context(), person(ada), map[cell]bool{{w.ly.ID, subscriptions.News}: true}))
		w.must(w.Leave(t.Context(), letter))
		if w.wants(ada, w.ly.ID, subscriptions.News) || !w.wants(ada, w.ly.ID, subscriptions.Events) || !w.wants(ada, subscriptions.Federation, subscriptions.News) {
			t.Error("a link must stop its kind from its sender, and nothing else")
		}
		w.must(w.Return(t.Context(), letter))
		if !w.wants(ada, w.ly.ID, subscriptions.News) {
			t.Error("the click cannot be taken back")
		}
		w.must(w.Return(t.Context(), letter))
		if want := []string{"true news true", "true news false"}; !slices.Equal(w.clicks, want) {
			t.Errorf("told of the clicks %q, want %q", w.clicks, want)
		}
		gone := subscriptions.Letter{Person: id.New(), Sender: w.ly.ID, Kind: subscriptions.News}
		w.must(w.Leave(t.Context(), gone)) // somebody erased gets nothing any more
		w.must(w.Return(t.Context(), gone))
	})
}

func TestManyClicksAtOnceAreOne(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ada := w.add("Ada", "Byron")
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				if err := w.Leave(t.Context(), subscriptions.Letter{Person: ada, Sender: w.ly.ID, Kind: subscriptions.News}); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if w.wants(ada, w.ly.ID, subscriptions.News) || len(w.actions(ada)) != 1 || len(w.clicks) != 1 {
			t.Errorf("trail = %q, clicks %q, want one refusal", w.actions(ada), w.clicks)
		}
	})
}

func TestExportEraseMerge(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ctx, sys := t.Context(), viewer.ForSystem("test")
		ada, double := w.add("Ada", "Byron"), w.add("Ada", "Byron")
		w.must(w.Choose(ctx, person(ada), map[cell]bool{{w.ly.ID, subscriptions.News}: false, {w.ly.ID, subscriptions.Events}: false}))
		w.pass(time.Hour)
		link := subscriptions.Letter{Person: double, Sender: w.ly.ID, Kind: subscriptions.Careers, Lang: "fr"}
		w.must(w.Choose(ctx, person(double), map[cell]bool{{w.ly.ID, subscriptions.News}: false}))
		w.must(w.Choose(ctx, person(double), map[cell]bool{{w.ly.ID, subscriptions.News}: true, {subscriptions.Federation, subscriptions.Network}: false}))
		w.must(w.Pause(ctx, person(double)))
		w.must(w.Resume(ctx, person(double)))

		_, err := w.people.Merge(ctx, sys, double, ada, w.Merger())
		w.must(err)
		for c, want := range map[cell]bool{{w.ly.ID, subscriptions.News}: true, {w.ly.ID, subscriptions.Events}: false, {subscriptions.Federation, subscriptions.Network}: false,
			{w.ly.ID, subscriptions.Careers}: true} {
			if got := w.wants(ada, c.Sender, c.Kind); got != want {
				t.Errorf("%v after the merge: %v, want %v: the newest word counts", c, got, want)
			}
		}
		w.must(w.Leave(ctx, link)) // out of a letter to the double
		if w.wants(ada, w.ly.ID, subscriptions.Careers) {
			t.Error("the link of the double stops nothing")
		}

		export, err := w.people.Export(ctx, person(ada).Viewer, ada, w.Exporter())
		w.must(err)
		raw, err := json.Marshal(export.Features["subscriptions"])
		w.must(err)
		var said []map[string]any
		w.must(json.Unmarshal(raw, &said))
		if len(said) != 8 || said[0]["sender"] != "AIL ly" || !reflect.DeepEqual(said[7]["origin"], "one-click") || !strings.Contains(string(raw), "La Fédé") {
			t.Errorf("Export() = %s, want eight words, the oldest first", raw)
		}
		w.must(w.people.Erase(ctx, sys, ada, w.Eraser()))
		if n, err := db.One[int](ctx, d, `SELECT count(*) FROM subscription_choices`); err != nil || n != 0 {
			t.Errorf("after Erase(): %d rows, %v", n, err)
		}
		if _, err := w.ReadLink(ctx, subscriptions.NewTokens(secret()).Make(link)); err != nil {
			t.Errorf("ReadLink() of somebody erased = %v, want none: he gets nothing any more", err)
		}
	})
}
