package bounces_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"amicale/internal/audit"
	"amicale/internal/bounces"
	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/mail"
	"amicale/internal/outbox"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

// Each day of a history is what became of the messages to one address; the verdict is asked for the morning after the last.
func TestWhichHistoriesBreakAnAddress(t *testing.T) {
	t.Parallel()
	full := slices.Repeat([][]mail.Class{{mail.Full}}, 10)
	mended := slices.Clone(full)
	mended[5] = []mail.Class{mail.Full, mail.Delivered}
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		for _, c := range []struct {
			name string
			days [][]mail.Class
			want mail.Class
		}{
			{"dead on two days", [][]mail.Class{{mail.Dead, mail.Dead}, {mail.Dead}}, mail.Dead},
			{"dead on one day", [][]mail.Class{{mail.Dead, mail.Dead, mail.Dead}}, ""},
			{"success in between", [][]mail.Class{{mail.Dead, mail.Dead}, {mail.Delivered, mail.Dead}}, ""},
			{"success at the end", [][]mail.Class{{mail.Dead, mail.Dead}, {mail.Dead, mail.Delivered}}, ""},
			{"success at the beginning", [][]mail.Class{{mail.Delivered, mail.Dead, mail.Dead}, {mail.Dead}}, mail.Dead},
			{"full for ten days", full, mail.Full},
			{"full for nine days", full[1:], ""},
			{"full, and emptied once", mended, ""},
			{"our reputation", slices.Repeat([][]mail.Class{{mail.Reputation, mail.Reputation}}, 12), ""},
			{"a policy", slices.Repeat([][]mail.Class{{mail.Policy, mail.Policy}}, 12), ""},
			{"temporary", slices.Repeat([][]mail.Class{{mail.Temporary, mail.Temporary}}, 12), ""},
			{"vacation", slices.Repeat([][]mail.Class{{mail.Vacation}}, 12), ""},
			{"complaints", slices.Repeat([][]mail.Class{{mail.Complaint}}, 12), ""},
			{"unknown", slices.Repeat([][]mail.Class{{mail.Unknown}}, 12), ""},
		} {
			for _, batched := range []bool{true, false} {
				p := w.add("Laure", "Lavaut", w.ly, email(fmt.Sprintf("%s@exemple.fr", id.New())))
				for _, day := range c.days {
					var list []outbox.Outcome
					for _, class := range day {
						list = append(list, outcome(strings.ToUpper(p.Contacts[0].Value), class))
					}
					if batched {
						w.observe(list...)
					} else {
						for _, o := range list {
							w.observe(o)
						}
					}
					w.tomorrow()
				}
				w.judge()
				broken := !w.dossier(p.ID).Contacts[0].BrokenAt.IsZero()
				if broken != (c.want != "") {
					t.Errorf("%s (batched %v): broken %v, want %q", c.name, batched, broken, c.want)
				}
				if broken {
					if got := w.switches(bounces.Filter{}); len(got) == 0 || got[0].Cause != c.want || got[0].Address != p.Contacts[0].ValueKey {
						t.Errorf("%s: switch %+v, want %q", c.name, got, c.want)
					}
				}
			}
		}
	})
}

// The figure to hold: a day on which a fifth of one provider's replies blame us, and much else that it says of mailboxes
// is not to be believed. Failures of the day before stand ready, so that one more day would break every address.
func TestADayThatBlamesUsBreaksNobody(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		for _, a := range []struct {
			name  string
			hours func(h int) bounces.Hour
			want  int // addresses of the provider that are marked
		}{
			{"a fifth of each hour", func(int) bounces.Hour { return bounces.Hour{Sent: 70, Reputation: 20, Failed: 10} }, 0},
			{"a fifth of little mail", func(int) bounces.Hour { return bounces.Hour{Sent: 3, Reputation: 1, Failed: 1} }, 0},
			{"a fifth of the day, in the morning", func(h int) bounces.Hour {
				if h < 5 {
					return bounces.Hour{Reputation: 100}
				}
				return bounces.Hour{Sent: 90, Failed: 10}
			}, 0},
			{"a quiet day", func(int) bounces.Hour { return bounces.Hour{Sent: 90, Failed: 10} }, 50},
		} {
			t.Run(a.name, func(t *testing.T) {
				w := newWorld(t, fresh(t, d))
				var addresses []string
				for i := range 50 {
					addresses = append(addresses, fmt.Sprintf("p%d@wanadoo.example", i))
					w.add("Laure", fmt.Sprint("Lavaut", string(rune('a'+i%26)), i), w.ly, email(addresses[i]), email(fmt.Sprintf("q%d@exemple.fr", i)))
				}
				other := w.add("Autre", "Serveur", w.ly, email("x@google.example"), email("y@exemple.fr"))
				elsewhere := outcome("x@google.example", mail.Dead)
				elsewhere.Destination = "google"
				for _, address := range addresses {
					w.observe(outcome(address, mail.Dead))
				}
				w.observe(elsewhere)
				midnight := w.clock().Truncate(24 * time.Hour).Add(24 * time.Hour)
				for h := range 24 {
					w.turn(midnight.Add(time.Duration(h) * time.Hour))
					row := a.hours(h)
					row.Destination, row.Hour = "orange", w.clock()
					w.answers(row)
					for i, address := range addresses {
						if i%4 == h%4 {
							w.observe(outcome(address, mail.Dead), outcome(address, mail.Reputation))
						}
					}
					w.observe(elsewhere)
					w.judge()
				}
				for range 3 {
					w.tomorrow()
					w.judge()
				}
				marked := 0
				for _, s := range w.switches(bounces.Filter{}) {
					if s.Destination == "orange" {
						marked++
					}
				}
				if marked != a.want {
					t.Errorf("%d addresses are marked, want %d", marked, a.want)
				}
				if got := w.writesTo(other.ID); got != "y@exemple.fr ✗x@google.example" {
					t.Errorf("another provider's dead address: %q", got)
				}
			})
		}
	})
}

// fresh is another database of the same engine.
func fresh(t *testing.T, like *db.DB) *db.DB {
	t.Helper()
	if like.Postgres() {
		return dbtest.Postgres(t)
	}
	return dbtest.New(t)
}

func TestTheNextAddressTakesOver(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.forwarding.reserve["both@x.fr"] = "reserve@x.fr"
		w.forwarding.reserve["waits@x.fr"] = ""
		for _, c := range []struct {
			name    string
			who     []tweak
			dies    string
			writes  string // afterwards, and what is broken
			whats   string // of the switches, what → took
			letter  string // "" for none
			says    []string
			not     []string
			actions int
		}{
			{"the next confirmed one", []tweak{email("a1@x.fr"), email("pro1@x.fr", professional), email("b1@x.fr")}, "a1@x.fr", "b1@x.fr ✗a1@x.fr",
				"contact→b1@x.fr", "broken b1@x.fr", []string{"a1@x.fr", "désormais", "n’existe plus"}, []string{"adresse à vie"}, 1},
			{"a professional one, as contact", []tweak{email("a2@x.fr"), email("pro2@x.fr", professional)}, "a2@x.fr", "pro2@x.fr ✗a2@x.fr",
				"contact→pro2@x.fr", "broken pro2@x.fr", nil, nil, 1},
			{"one that was never confirmed reads nothing of the other", []tweak{email("a3@x.fr"), email("b3@x.fr", unconfirmed)}, "a3@x.fr", "b3@x.fr ✗a3@x.fr",
				"contact→b3@x.fr", "broken b3@x.fr", []string{"a…@x.fr"}, []string{"a3@x.fr"}, 1},
			{"a spare one", []tweak{email("a4@x.fr"), email("b4@x.fr")}, "b4@x.fr", "a4@x.fr ✗b4@x.fr",
				"spare→", "broken a4@x.fr", []string{"Nous continuons à t’écrire ici"}, []string{"désormais"}, 1},
			{"the only one", []tweak{email("a5@x.fr")}, "a5@x.fr", " ✗a5@x.fr", "contact→", "", nil, nil, 1},
			{"a target with a reserve", []tweak{email("both@x.fr"), email("b6@x.fr")}, "both@x.fr", "b6@x.fr ✗both@x.fr",
				"contact→b6@x.fr forwarding→reserve@x.fr", "broken b6@x.fr", []string{"l’autre adresse que tu avais choisie"}, nil, 1},
			{"a target without", []tweak{email("waits@x.fr"), email("b7@x.fr")}, "waits@x.fr", "b7@x.fr ✗waits@x.fr",
				"contact→b7@x.fr forwarding→", "broken b7@x.fr", []string{"dis-nous où l’envoyer"}, nil, 1},
			{"somebody deceased", []tweak{email("a8@x.fr"), email("b8@x.fr"), func(d *people.Dossier) { d.Status = people.Deceased }}, "a8@x.fr", "b8@x.fr ✗a8@x.fr",
				"contact→b8@x.fr", "", nil, nil, 1},
		} {
			p := w.add("Laure", "Lavaut", w.ly, c.who...)
			before := len(w.letters())
			w.dies(c.dies)
			w.judge()
			w.judge() // once is enough
			if got := w.writesTo(p.ID); got != c.writes {
				t.Errorf("%s: %q is written to, want %q", c.name, got, c.writes)
			}
			var whats []string
			for _, s := range w.switches(bounces.Filter{}) {
				if s.PersonID == p.ID {
					whats = append(whats, string(s.What)+"→"+s.Took)
				}
			}
			slices.Sort(whats)
			if got := strings.Join(whats, " "); got != c.whats {
				t.Errorf("%s: switches %q, want %q", c.name, got, c.whats)
			}
			if got := w.actions(p); len(got) != c.actions {
				t.Errorf("%s: the trail says %v", c.name, got)
			}
			sent := w.letters()[before:]
			if c.letter == "" && len(sent) > 0 || c.letter != "" && !slices.Equal(sent, []string{c.letter}) {
				t.Errorf("%s: letters %v, want %q", c.name, sent, c.letter)
				continue
			}
			if c.letter == "" {
				continue
			}
			text := w.lastLetter().Text
			for _, s := range c.says {
				if !strings.Contains(text, s) {
					t.Errorf("%s: the letter lacks %q:\n%s", c.name, s, text)
				}
			}
			for _, s := range c.not {
				if strings.Contains(text, s) {
					t.Errorf("%s: the letter says %q:\n%s", c.name, s, text)
				}
			}
		}
		w.forwarding.reserve["old@target.fr"] = "new@target.fr"
		w.dies("old@target.fr", "stranger@nowhere.fr")
		w.judge()
		if got := w.switches(bounces.Filter{}); !got[0].PersonID.IsZero() || got[0].Address != "old@target.fr" || got[0].Took != "new@target.fr" {
			t.Errorf("a target that nobody has among his addresses: %+v", got[0])
		}
		n, err := db.One[int](t.Context(), d, `SELECT count(*) FROM bounce_failures`)
		if err != nil || n != 0 {
			t.Errorf("%d failures are kept of addresses that were judged, %v", n, err)
		}
	})
}

func TestSharedAddress(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		one := w.add("Laure", "Lavaut", w.ly, email("couple@x.fr"), email("laure@x.fr"))
		two := w.add("Luc", "Lavaut", w.re, email("luc@x.fr"), email("couple@x.fr"))
		w.dies("couple@x.fr")
		w.judge()
		if a, b := w.writesTo(one.ID), w.writesTo(two.ID); a != "laure@x.fr ✗couple@x.fr" || b != "luc@x.fr ✗couple@x.fr" {
			t.Errorf("written to at %q and %q", a, b)
		}
	})
}

func TestStrangersAreNotCounted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	p := w.add("Laure", "Lavaut", w.ly, email("a@x.fr"))
	for range 2 {
		for _, kind := range []string{"submission", "report"} {
			o := outcome("a@x.fr", mail.Dead)
			o.Kind = kind
			w.observe(o, o)
		}
		w.tomorrow()
	}
	w.judge()
	if got := w.writesTo(p.ID); got != "a@x.fr" {
		t.Errorf("written to at %q: a member's own letters to outsiders count", got)
	}
}

// A server that takes a message and reports on it afterwards says nothing by taking it.
func TestAcceptedThenReturned(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		send := func(address string) id.ID {
			o := outcome(address, mail.Delivered)
			w.observe(o)
			return o.ID
		}
		back := func(address string, row id.ID) {
			w.must(w.Reported(t.Context(), bounces.Report{Row: row, Address: address, Class: mail.Dead, At: w.clock()}))
		}
		late := w.add("Laure", "Lavaut", w.ly, email("late@x.fr"), email("b1@x.fr"))
		for range 3 {
			row := send("late@x.fr")
			back("late@x.fr", row)
			back("late@x.fr", row) // the same again, or a copy of it: once
			w.tomorrow()
		}
		w.judge()
		if got := w.writesTo(late.ID); got != "b1@x.fr ✗late@x.fr" {
			t.Errorf("three returned on three days: %q is written to", got)
		}
		replayed := w.add("Luc", "Martin", w.ly, email("replayed@x.fr"), email("b2@x.fr"))
		row := send("replayed@x.fr")
		for range 3 {
			back("replayed@x.fr", row)
			w.tomorrow()
		}
		w.judge()
		if got := w.writesTo(replayed.ID); got != "replayed@x.fr" {
			t.Errorf("one message reported on thrice: %q is written to", got)
		}
		mended := w.add("Anne", "Petit", w.ly, email("mended@x.fr"), email("b3@x.fr"))
		for range 2 {
			back("mended@x.fr", send("mended@x.fr"))
			w.tomorrow()
		}
		send("mended@x.fr") // and nothing came back
		w.tomorrow()
		w.tomorrow()
		w.judge()
		back("mended@x.fr", send("mended@x.fr"))
		w.tomorrow()
		w.judge()
		if got := w.writesTo(mended.ID); got != "mended@x.fr" {
			t.Errorf("a message arrived in between: %q is written to", got)
		}
		send("late@x.fr")
		w.run()
		if got := w.writesTo(late.ID); got != "b1@x.fr ✗late@x.fr" {
			t.Errorf("a server that always takes mail took some: %q", got)
		}
		w.tomorrow()
		w.tomorrow()
		w.judge()
		if got := w.writesTo(late.ID); got != "b1@x.fr" {
			t.Errorf("and nothing came back for a day: %q", got)
		}
	})
}

func TestReportsThatBlameUsFreezeADomain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	p := w.add("Laure", "Lavaut", w.ly, email("a@x.fr"))
	for range 3 {
		for _, r := range []bounces.Report{
			{Address: "a@x.fr", Class: mail.Dead}, {Address: "a@x.fr", Class: mail.Dead}, {Address: "b@x.fr", Class: mail.Reputation},
		} {
			r.Row, r.At = id.New(), w.clock()
			w.must(w.Reported(t.Context(), r))
		}
		w.tomorrow()
	}
	w.judge()
	if got := w.writesTo(p.ID); got != "a@x.fr" {
		t.Errorf("written to at %q: reports of a domain that blames us count", got)
	}
}

func TestHealing(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.forwarding.reserve["a@x.fr"] = "reserve@x.fr"
		p := w.add("Laure", "Lavaut", w.ly, email("a@x.fr"), email("b@x.fr"))
		broken := func() {
			t.Helper()
			w.dies("a@x.fr")
			w.judge()
			if got := w.writesTo(p.ID); got != "b@x.fr ✗a@x.fr" {
				t.Fatalf("written to at %q", got)
			}
		}
		broken()
		w.observe(outcome("a@x.fr", mail.Delivered))
		w.run()
		if got := w.writesTo(p.ID); got != "b@x.fr" || w.switches(bounces.Filter{})[0].EndedHow != bounces.Delivered {
			t.Errorf("a message arrived: written to at %q; it works, and nothing moves back by itself", got)
		}
		w.must(w.people.PreferEmail(t.Context(), system, p.ID, "a@x.fr"))
		broken()
		w.must(w.people.ConfirmEmail(t.Context(), p.ID, "a@x.fr", "person"))
		w.must(w.Confirmed(t.Context(), p.ID, " A@x.fr"))
		if got := w.writesTo(p.ID); got != "a@x.fr" {
			t.Errorf("its owner followed the link: written to at %q", got)
		}
		broken()
		w.must(w.people.ConfirmEmail(t.Context(), p.ID, "a@x.fr", "activation")) // by a link that was not ours
		w.judge()
		if got := w.writesTo(p.ID); got != "a@x.fr" || len(w.switches(bounces.Filter{Open: true})) != 0 {
			t.Errorf("confirmed elsewhere: written to at %q", got)
		}
		broken()
		w.must(w.people.RemoveContact(t.Context(), system, p.ID, w.dossier(p.ID).Contacts[0].ID))
		w.judge()
		if got := w.switches(bounces.Filter{}); len(w.switches(bounces.Filter{Open: true})) != 0 || got[0].EndedHow != bounces.Removed {
			t.Errorf("removed: %+v", got[0])
		}
		want := []string{"broken a@x.fr known=true", "works a@x.fr"}
		if got := w.forwarding.log; !slices.Equal(got, slices.Concat(want, want, want, want[:1])) {
			t.Errorf("forwarding was told %v", got)
		}
	})
}

func TestUndo(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ly := w.add("Laure", "Lavaut", w.ly, email("a@x.fr"), email("b@x.fr"))
		re := w.add("Luc", "Martin", w.re, email("c@x.fr"), email("d@x.fr"))
		chose := w.add("Anne", "Petit", w.ly, email("e@x.fr"), email("f@x.fr"), email("g@x.fr"))
		w.forwarding.reserve["a@x.fr"] = "reserve@x.fr"
		w.dies("a@x.fr", "c@x.fr", "e@x.fr")
		w.judge()
		w.must(w.people.PreferEmail(t.Context(), system, chose.ID, "g@x.fr"))
		of := func(p people.Dossier) bounces.Switch {
			t.Helper()
			list := w.switches(bounces.Filter{})
			return list[slices.IndexFunc(list, func(s bounces.Switch) bool { return s.PersonID == p.ID && s.What != bounces.Forwarding })]
		}
		webmaster, secretary := actor(viewer.Webmaster, w.ly.ID), actor(viewer.Secretary, w.re.ID)
		if err := w.Undo(t.Context(), self(ly), of(ly).ID); !errors.Is(err, errs.Forbidden) {
			t.Errorf("the person herself: %v", err)
		}
		if err := w.Undo(t.Context(), webmaster, of(re).ID); !errors.Is(err, errs.NotFound) {
			t.Errorf("another school's webmaster: %v", err)
		}
		w.must(w.Undo(t.Context(), webmaster, of(ly).ID))
		if got := w.writesTo(ly.ID); got != "a@x.fr" || of(ly).EndedBy != "webmaster" || !slices.Contains(w.forwarding.log, "works a@x.fr") {
			t.Errorf("undone: written to at %q, %+v, forwarding %v", got, of(ly), w.forwarding.log)
		}
		if got := w.lastLetter(); got.To != "a@x.fr" || got.Kind != "bounces.restored" || !strings.Contains(got.Text, "c’est ici que nous t’écrivons") {
			t.Errorf("the person was told %q at %s", got.Text, got.To)
		}
		if err := w.Undo(t.Context(), webmaster, of(ly).ID); !errors.Is(err, errs.Conflict) {
			t.Errorf("undone twice: %v", err)
		}
		w.must(w.Undo(t.Context(), webmaster, of(chose).ID))
		if got := w.writesTo(chose.ID); got != "g@x.fr" {
			t.Errorf("she chose another meanwhile: written to at %q", got)
		}
		w.must(w.Undo(t.Context(), secretary, of(re).ID))
		w.judge()
		if got := w.writesTo(re.ID); got != "c@x.fr" {
			t.Errorf("the failures that were judged count again: %q", got)
		}
	})
}

func TestUndoDay(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		var persons []people.Dossier
		for i, a := range []people.Association{w.ly, w.ly, w.re} {
			persons = append(persons, w.add("Laure", fmt.Sprint("Lavaut", i), a, email(fmt.Sprintf("a%d@x.fr", i)), email(fmt.Sprintf("b%d@x.fr", i))))
		}
		google := w.add("Luc", "Martin", w.ly, email("g@x.fr"), email("h@x.fr"))
		for range 2 {
			o := outcome("g@x.fr", mail.Dead)
			o.Destination = "google"
			w.observe(o, o)
			for i := range persons {
				a := fmt.Sprintf("a%d@x.fr", i)
				w.observe(outcome(a, mail.Dead), outcome(a, mail.Dead))
			}
			w.tomorrow()
		}
		w.judge()
		on := w.clock()
		works := func() (out string) {
			for _, p := range append(slices.Clone(persons), google) {
				out += w.writesTo(p.ID)[:1]
			}
			return out
		}
		for _, c := range []struct {
			by          viewer.Actor
			day         time.Time
			destination string
			n           int
			want        string
		}{
			{federation(), on.AddDate(0, 0, -1), "", 0, "bbbh"},
			{federation(), on, "yahoo", 0, "bbbh"},
			{actor(viewer.Secretary, w.re.ID), on, "google", 0, "bbbh"},
			{actor(viewer.Webmaster, w.ly.ID), on, "orange", 2, "aabh"},
			{federation(), on, "", 2, "aaag"},
			{federation(), on, "", 0, "aaag"},
		} {
			n, err := w.UndoDay(t.Context(), c.by, c.day, c.destination)
			w.run()
			if err != nil || n != c.n || works() != c.want {
				t.Errorf("UndoDay(%s, %q) = %d, %v, then %s; want %d, %s", c.by.Name, c.destination, n, err, works(), c.n, c.want)
			}
		}
		if _, err := w.UndoDay(t.Context(), self(google), on, ""); !errors.Is(err, errs.Forbidden) {
			t.Errorf("UndoDay() by a graduate = %v", err)
		}
		l, err := w.trail.ForPerson(t.Context(), federation().Viewer, persons[0].Subject(), audit.Page{})
		if err != nil || l.Rows[0].Action != "address.restored" || l.Rows[0].Actor != "webmaster" {
			t.Errorf("the trail says %+v, %v", l.Rows, err)
		}
	})
}

func TestAlerts(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		hour := w.clock().Truncate(time.Hour)
		w.answers(bounces.Hour{Destination: "orange", Hour: hour, Sent: 30, Reputation: 3})
		w.answers(bounces.Hour{Destination: "tiny.example", Hour: hour, Sent: 1, Reputation: 1})
		w.must(w.Alert(t.Context()))
		w.must(w.Alert(t.Context()))
		if got := w.letters(); !slices.Equal(got, []string{"frozen admin@federation.example"}) {
			t.Errorf("letters = %v, want one", got)
		}
		if text := w.lastLetter().Text; !strings.Contains(text, "orange, 15 juin 2026 : 3 réponses sur 33") || strings.Contains(text, "tiny") {
			t.Errorf("the letter says:\n%s", text)
		}
		days, err := w.FrozenDays(t.Context(), actor(viewer.Secretary, w.ly.ID).Viewer)
		if err != nil || len(days) != 2 || !days[0].Whole {
			t.Errorf("FrozenDays() = %+v, %v", days, err)
		}
		if _, err := w.FrozenDays(t.Context(), viewer.Viewer{Kind: viewer.Network}); !errors.Is(err, errs.Forbidden) {
			t.Errorf("FrozenDays() for a graduate = %v", err)
		}
		w.add("Laure", "Lavaut", w.ly, email("a@x.fr"))
		other := w.add("Luc", "Martin", w.re, email("b@x.fr"))
		w.tomorrow() // what came back today counts for nobody
		w.dies("a@x.fr", "b@x.fr")
		w.judge()
		w.must(w.Alert(t.Context()))
		w.must(w.Alert(t.Context()))
		want := []string{"frozen admin@federation.example", "lost admin@federation.example", "lost webmaster@ly.example"}
		got := w.letters()
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("letters = %v, want %v", got, want)
		}
		for _, c := range []struct {
			v    viewer.Viewer
			want int
		}{{federation().Viewer, 2}, {actor(viewer.Webmaster, w.ly.ID).Viewer, 1}, {actor(viewer.Secretary, w.re.ID).Viewer, 1}} {
			if list, n, err := w.LostContacts(t.Context(), c.v, id.ID{}, 10, 0); err != nil || n != c.want || len(list) != c.want {
				t.Errorf("LostContacts() = %d of %d, %v; want %d", len(list), n, err, c.want)
			}
		}
		c := people.ContactPoint{PersonID: other.ID, Kind: people.Email, Purpose: people.Personal, Value: "found@x.fr", Audience: viewer.Members}
		w.must(w.people.SaveContact(t.Context(), system, &c))
		if list, n, err := w.LostContacts(t.Context(), federation().Viewer, w.re.ID, 10, 0); err != nil || n != 0 || len(list) != 0 {
			t.Errorf("found again: %d lost, %v", n, err)
		}
	})
}

func TestSweep(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.observe(outcome("a@x.fr", mail.Dead))
		w.must(w.Reported(t.Context(), bounces.Report{Row: id.New(), Address: "a@x.fr", Class: mail.Full, At: w.clock()}))
		count := func() int {
			n, err := db.One[int](t.Context(), d, `SELECT (SELECT count(*) FROM bounce_failures) + (SELECT count(*) FROM bounce_reports)`)
			w.must(err)
			return n
		}
		w.turn(noon.AddDate(0, 0, 59))
		w.run()
		before := count()
		w.turn(noon.AddDate(0, 0, 62))
		w.run()
		if before != 3 || count() != 0 {
			t.Errorf("%d rows after 59 days, %d after 62; want 3, 0", before, count())
		}
	})
}
