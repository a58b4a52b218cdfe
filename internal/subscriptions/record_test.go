package subscriptions_test

import (
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/a-h/templ"

	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/subscriptions"
	"amicale/internal/viewer"
	"amicale/internal/web"
)

// recordRoutes put the part of somebody's record on a page of its own, and take its form, for whoever asks.
func (w *world) recordRoutes(p *subscriptions.Pages) []web.Route {
	show := func(r *web.Request, message string, status int) error {
		person, err := r.ID("id")
		if err != nil {
			return err
		}
		d, err := w.people.Dossier(r.Ctx(), viewer.ForSystem("test"), person)
		if err != nil {
			return err
		}
		c, err := p.Record(r, d)
		if err != nil {
			return err
		}
		if c == nil {
			c = templ.Raw("rien")
		}
		return r.Page(web.Page{Status: status, Content: templ.Join(templ.Raw(templ.EscapeString(message)), c)})
	}
	at := "/admin/personnes/{id}"
	return []web.Route{
		{Pattern: "GET " + at, Handler: web.Public(func(r *web.Request) error { return show(r, "", 0) })},
		{Pattern: "POST " + at + "/" + subscriptions.RecordForm, Handler: web.Public(func(r *web.Request) error {
			person, err := r.ID("id")
			if err != nil {
				return err
			}
			err = p.Refuse(r, person)
			if msgs, ok := r.Refused(err); err != nil && ok {
				return show(r, msgs[""], web.Status(err))
			} else if err != nil {
				return err
			}
			return r.Redirect("/admin/personnes/" + person.String())
		})},
	}
}

// boxes are the refusals that a page offers, and of those the ticked ones.
func (a answer) boxes() (offered []string, ticked int) {
	a.doc().Find("input[name=refuse]").Each(func(_ int, s *goquery.Selection) {
		offered = append(offered, s.AttrOr("value", ""))
		if _, on := s.Attr("checked"); on {
			ticked++
		}
	})
	return offered, ticked
}

func TestRecordPart(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ada := w.add("Ada", "Lovelace", listed("paper", false, -1))
		bob := w.add("Bob", "Martin")
		dead := w.add("Jean", "Martin", func(d *people.Dossier) { d.Status = people.Deceased })
		secretary, webmaster := staff(viewer.Secretary, w.ly.ID).Viewer, staff(viewer.Webmaster, w.ly.ID).Viewer
		at := func(p id.ID) string { return "/admin/personnes/" + p.String() }
		form := at(ada) + "/" + subscriptions.RecordForm
		events, news := w.ly.ID.String()+".events", subscriptions.Federation.String()+".news"

		page := w.get(secretary, at(ada)).want("secretary", 200, "La Fédé", "AIL ly", "Reçoit tout, sauf\u00a0: Courrier papier.", "Refus noté avant ce site", `action="`+form+`"`).without("secretary", "AIL re", "subscriptions.")
		if offered, ticked := page.boxes(); len(offered) != 10 || ticked != 0 { // of twelve the list refused two
			t.Errorf("%d refusals are offered, %d ticked: %v", len(offered), ticked, offered)
		}
		if a := w.post(secretary, form).want("nothing ticked", 422, "Rien n’est coché"); a.doc().Find("details[open] input[name=refuse]").Length() != 10 || page.doc().Find("details[open]").Length() != 0 {
			t.Error("the form that was refused is not open, or was before")
		}
		if got := w.actions(ada); len(got) != 0 {
			t.Errorf("the trail = %v before anything was refused", got)
		}
		w.post(secretary, form, "refuse", events, "refuse", news).want("refused on the phone", 303)
		for _, c := range []cell{{w.ly.ID, subscriptions.Events}, {subscriptions.Federation, subscriptions.News}} {
			if w.wants(ada, c.Sender, c.Kind) {
				t.Errorf("%v is still sent", c)
			}
		}
		if !w.wants(ada, w.ly.ID, subscriptions.News) || !w.wants(bob, w.ly.ID, subscriptions.Events) {
			t.Error("more was refused than she said")
		}
		if got := strings.Join(w.actions(ada), "; "); strings.Count(got, "subscriptions.changed") != 2 || !strings.Contains(got, "reason:staff") || !strings.Contains(got, "Nom Affiché") {
			t.Errorf("the trail = %s, want two refusals told to the staff", got)
		}
		page = w.get(webmaster, at(ada)).want("afterwards", 200, "Refus noté par l’équipe le")
		if offered, _ := page.boxes(); len(offered) != 8 || strings.Contains(strings.Join(offered, " "), events) {
			t.Errorf("afterwards %v are offered", offered)
		}
		w.post(webmaster, form, "refuse", events).want("once more", 303)
		if got := w.actions(ada); len(got) != 2 {
			t.Errorf("the trail = %v, want nothing of saying the same again", got)
		}
		w.post(webmaster, form, "none", w.ly.ID.String()).want("nothing more from Lyon", 303)
		for _, k := range subscriptions.Kinds() {
			if w.wants(ada, w.ly.ID, k) {
				t.Errorf("Lyon still sends %s", k)
			}
		}
		w.get(secretary, at(ada)).want("nothing of Lyon", 200, "Ne reçoit rien.", "Reçoit tout, sauf\u00a0: Actualités, Courrier papier.")
		if !w.wants(ada, subscriptions.Federation, subscriptions.Careers) {
			t.Error("the federation’s letters went too")
		}

		w.must(w.Choose(t.Context(), person(bob), map[cell]bool{{w.ly.ID, subscriptions.News}: false}))
		w.must(w.Pause(t.Context(), person(bob)))
		w.get(secretary, at(bob)).want("his own word, and a pause", 200, "Reçoit tout.", "Refusé par la personne le", "Tout est en pause jusqu’au")
		stale := w.post(secretary, at(bob)+"/"+subscriptions.RecordForm, "refuse", id.New().String()+".news")
		stale.want("a sender that is no more", 404)
		w.get(secretary, at(dead)).want("deceased", 200, "rien")
	})
}

func TestWhoReadsAndRefusesOnTheRecord(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	ada, bob := w.add("Ada", "Lovelace"), w.add("Bob", "Martin")
	at := "/admin/personnes/" + ada.String()
	for _, c := range []struct {
		name       string
		v          viewer.Viewer
		look, post int
	}{
		{"guest", viewer.Viewer{}, 404, 404},
		{"another graduate", person(bob).Viewer, 404, 404},
		{"herself", person(ada).Viewer, 200, 403}, // her own page is the place
		{"recruiter", viewer.Viewer{Kind: viewer.Recruiter, Account: id.New()}, 404, 404},
		{"editor", staff(viewer.Editor, w.ly.ID).Viewer, 404, 404},
		{"another school's webmaster", staff(viewer.Webmaster, w.re.ID).Viewer, 404, 404},
		{"the federation", staff(viewer.FederationAdmin, id.ID{}).Viewer, 200, 303},
	} {
		w.get(c.v, at).want(c.name+" looks", c.look)
		w.post(c.v, at+"/"+subscriptions.RecordForm, "refuse", w.ly.ID.String()+".events").want(c.name+" refuses", c.post)
		if got := w.wants(ada, w.ly.ID, subscriptions.Events); got != (c.post != 303) {
			t.Errorf("%s: events are sent: %v", c.name, got)
		}
	}
	w.pass(time.Hour)
	w.must(w.Choose(t.Context(), person(ada), map[cell]bool{{w.ly.ID, subscriptions.Events}: true})) // only she takes it back
	if !w.wants(ada, w.ly.ID, subscriptions.Events) {
		t.Error("she cannot take back what the staff noted")
	}
}
