package desk_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"amicale/internal/activation"
	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/desk"
	"amicale/internal/desktest"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/viewer"
)

func TestDeskIsForItsStaff(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := desktest.New(t, d)
		laure := w.Add(desktest.Graduate("Laure", "Lavaut", w.Ly, 2010, "laure@exemple.fr"))
		w.AskFor("Lavaut", 2010, "autre@exemple.fr")
		c := w.One()
		other, secretary, editor := desktest.Actor(viewer.Webmaster, w.Re.ID), desktest.Actor(viewer.Secretary, w.Ly.ID), desktest.Actor(viewer.Editor, w.Ly.ID)
		graduateSelf := viewer.Actor{Viewer: viewer.Viewer{Kind: viewer.Network, Account: id.New(), Person: laure.ID}}
		for who, want := range map[*viewer.Actor]errs.Kind{&other: errs.NotFound, &secretary: errs.Forbidden, &editor: errs.Forbidden, &graduateSelf: errs.Forbidden, {}: errs.Forbidden} {
			_, err := w.Show(t.Context(), *who, c.ID, "")
			w.Refused("show to "+who.Name, err, want)
			w.Refused("send by "+who.Name, w.SendLink(t.Context(), *who, desktest.At(c), laure.ID, "autre@exemple.fr"), want)
			w.Refused("refuse by "+who.Name, w.Refuse(t.Context(), *who, desktest.At(c), "non"), want)
			w.Refused("take by "+who.Name, w.Take(t.Context(), *who, desktest.At(c), true), want)
			w.Refused("create by "+who.Name, w.Create(t.Context(), *who, desktest.At(c), desktest.Addition()), want)
			_, _, err = w.Scan(t.Context(), *who, c.ID)
			w.Refused("scan for "+who.Name, err, want)
		}
		if list, _, err := w.List(t.Context(), other.Viewer, desk.Filter{}, 10, 0); err != nil || len(list) != 0 {
			t.Errorf("List() for another school = %d cases, %v", len(list), err)
		}
		if c2 := w.One(); c2.Version != c.Version {
			t.Error("a refused action changed the case")
		}
		f, err := w.Show(t.Context(), w.Webmaster(), c.ID, "")
		if err != nil || len(f.Matches) != 1 || f.Matches[0].Dossier.ID != laure.ID {
			t.Fatalf("Show() = %+v, %v; want Laure beside the claim", f.Matches, err)
		}
		if got := w.Actions(c); !slices.Contains(got, "staff.viewed_record") {
			t.Errorf("the trail = %v, want that her coordinates were read", got)
		}
	})
}

func TestSendLinkFromTheDesk(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := desktest.New(t, d)
		laure := w.Add(desktest.Graduate("Laure", "Lavaut", w.Ly, 2010, "laure@exemple.fr"))
		elsewhere := w.Add(desktest.Graduate("Luc", "Lavaut", w.Re, 2010, "luc@exemple.fr"))
		w.AskFor("Lavaut", 2010, "nouvelle@exemple.fr")
		w.Letters()
		by, c := w.Webmaster(), w.One()
		w.Must("transfer", w.Transfer(t.Context(), desktest.Federation(), desktest.At(c), w.Ly.ID))
		w.Letters()
		c = w.One()
		w.Refused("to a person of another school", w.SendLink(t.Context(), by, desktest.At(c), elsewhere.ID, "nouvelle@exemple.fr"), errs.NotFound)
		w.Refused("to no address", w.SendLink(t.Context(), by, desktest.At(c), laure.ID, "nouvelle"), errs.Invalid)
		w.Must("take", w.Take(t.Context(), by, desktest.At(c), true))
		w.Refused("from a page seen before that", w.SendLink(t.Context(), desktest.Federation(), desktest.At(c), laure.ID, "nouvelle@exemple.fr"), errs.Conflict)
		c = w.One()
		if c.Assignee != by.Name || !c.Busy(w.Now()) {
			t.Errorf("assignee = %q, want %q at work", c.Assignee, by.Name)
		}
		w.Must("send", w.SendLink(t.Context(), by, desktest.At(c), laure.ID, "nouvelle@exemple.fr"))
		w.WantLetters("sent from the desk", "link nouvelle@exemple.fr", "notice laure@exemple.fr")
		c = w.Closed()[0]
		if c.Outcome != desk.LinkSent || c.PersonID != laure.ID || len(w.Cases()) != 0 {
			t.Errorf("case = %+v", c)
		}
		w.Refused("again", w.SendLink(t.Context(), by, desktest.At(c), laure.ID, "nouvelle@exemple.fr"), errs.Conflict)
		w.Must("undo", w.Reopen(t.Context(), by, desktest.At(c)))
		if len(w.Links.Stopped) != 1 || w.One().State != desk.Open {
			t.Errorf("undone: %d links stopped, case %+v", len(w.Links.Stopped), w.One())
		}
		want := []string{"case.opened", "case.transferred", "case.taken", "activation.link_sent", "case.link_sent", "case.reopened"}
		if got := w.Actions(c); !slices.Equal(got, want) {
			t.Errorf("the trail = %v, want %v", got, want)
		}
	})
}

// A webmaster must not come into the account of a graduate of his who administers the federation.
func TestNoLinkIntoAnAccountThatMayDoMore(t *testing.T) {
	t.Parallel()
	w := desktest.New(t, dbtest.New(t))
	admin := w.Add(desktest.Graduate("Laure", "Lavaut", w.Ly, 2010, "laure@exemple.fr"))
	w.Above[admin.ID] = true
	w.AskFor("Lavaut", 2010, "pirate@exemple.fr")
	w.Letters()
	by := w.Webmaster()
	w.Refused("from the desk", w.SendLink(t.Context(), by, desktest.At(w.One()), admin.ID, "pirate@exemple.fr"), errs.Conflict)
	w.Refused("from the record", w.Invite(t.Context(), viewer.Actor(by), activation.Invitation{Person: admin.ID, Email: "pirate@exemple.fr", Lang: "fr"}), errs.Conflict)
	w.WantLetters("refused")
	w.Must("by the federation", w.SendLink(t.Context(), desktest.Federation(), desktest.At(w.One()), admin.ID, "nouvelle@exemple.fr"))
}

func TestAskMoreAnswerRefuse(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := desktest.New(t, d)
		w.Add(desktest.Graduate("Laure", "Lavaut", w.Ly, 2010, "laure@exemple.fr"))
		w.AskFor("Lavaut", 2010, "moi@exemple.fr")
		w.Letters()
		by := w.Webmaster()
		w.Refused("an empty question", w.AskMore(t.Context(), by, desktest.At(w.One()), " "), errs.Invalid)
		w.Must("ask more", w.AskMore(t.Context(), by, desktest.At(w.One()), "Quel département ?\n\nMerci <b>"))
		token := w.LinkIn(desk.AnswerPath)
		if text := w.Mailbox()[0].HTML; !strings.Contains(text, "Quel département") || strings.Contains(text, "<b>") {
			t.Errorf("the letter does not carry the question, or as markup:\n%s", text)
		}
		w.WantLetters("asked", "ask moi@exemple.fr")
		w.Pass(10 * 24 * time.Hour)
		w.Work()
		w.WantLetters("no alarm while the claimant's turn")
		q, err := w.Question(t.Context(), token)
		if err != nil || len(q.Messages) != 1 || q.Messages[0].Author != "" || q.School != "INSA ly" {
			t.Fatalf("Question() = %+v, %v", q, err)
		}
		w.Must("answer", w.Answer(t.Context(), token, "GCU"))
		w.Refused("answer twice", w.Answer(t.Context(), token, "GCU"), errs.NotFound)
		w.WantLetters("answered", "alert webmaster@ly.example")
		f, err := w.Show(t.Context(), by, w.One().ID, "")
		if err != nil || len(f.Messages) != 2 || f.Messages[1].Body != "GCU" || !f.Messages[1].Incoming || f.State != desk.Open {
			t.Fatalf("Show() = %+v, %v", f, err)
		}
		w.Must("refuse", w.Refuse(t.Context(), by, desktest.At(w.One()), "Non."))
		w.WantLetters("refused", "refuse moi@exemple.fr")
		w.Must("undo", w.Reopen(t.Context(), by, desktest.At(w.Closed()[0])))
		w.Must("ask more", w.AskMore(t.Context(), by, desktest.At(w.One()), "Quel département ?"))
		w.Pass(31 * 24 * time.Hour)
		w.Work()
		if c := w.Closed(); len(c) != 1 || c[0].Outcome != desk.Forgotten {
			t.Errorf("a month without an answer: %+v, want forgotten", c)
		}
	})
}

func TestAlarms(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := desktest.New(t, d)
		w.Add(desktest.Graduate("Laure", "Lavaut", w.Ly, 2010, "laure@exemple.fr"))
		w.Add(desktest.Graduate("Paul", "Lenoir", w.Re, 2010, "paul@exemple.fr"))
		w.Work()
		for _, mine := range []string{"a@exemple.fr", "b@exemple.fr"} {
			w.AskFor("Lavaut", 2010, mine)
		}
		w.AskFor("Lenoir", 2010, "c@exemple.fr")
		w.WantLetters("at once", "alert webmaster@ly.example", "alert webmaster@ly.example", "alert federation@exemple.fr")
		for _, c := range []struct {
			after time.Duration
			want  []string
		}{
			{23 * time.Hour, nil},
			{3 * time.Hour, []string{"alarm webmaster@ly.example", "alarm federation@exemple.fr"}},
			{24 * time.Hour, nil},
			{24 * time.Hour, []string{"alarm webmaster@ly.example", "alarm secretary@ly.example", "alarm federation@exemple.fr"}},
			{2 * 24 * time.Hour, nil},
			{2 * 24 * time.Hour, []string{"alarm webmaster@ly.example", "alarm secretary@ly.example", "alarm federation@exemple.fr", "alarm federation@exemple.fr"}},
			{20 * 24 * time.Hour, nil},
		} {
			w.Pass(c.after)
			w.Work()
			w.WantLetters(fmt.Sprint("after ", c.after, " more"), c.want...)
		}
	})
}
