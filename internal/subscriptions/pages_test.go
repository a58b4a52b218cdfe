package subscriptions_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/i18n"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/subscriptions"
	"amicale/internal/ui"
	"amicale/internal/viewer"
	"amicale/internal/web"
)

const page = subscriptions.Path

// rows are how many rows of the table there are and what stands in them, so that any change shows.
func (w *world) rows() string {
	w.t.Helper()
	type row struct {
		ID      id.ID
		Wants   bool
		Current bool
	}
	list, err := db.All[row](w.t.Context(), w.db, `SELECT id, wants, current FROM subscription_choices ORDER BY id`)
	w.must(err)
	return fmt.Sprint(list)
}

// fields are what a browser sends of the page's form: what is ticked, and the hidden companions.
func fields(a answer, but ...string) []string {
	var out []string
	a.doc().Find(`form[action="` + page + `"] input`).Each(func(_ int, in *goquery.Selection) {
		_, checked := in.Attr("checked")
		value := in.AttrOr("value", "")
		if in.AttrOr("type", "") == "checkbox" {
			for _, v := range but {
				checked = checked != (v == value)
			}
			if !checked {
				return
			}
		}
		out = append(out, in.AttrOr("name", ""), value)
	})
	return out
}

func TestWhoMayOpenThePage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	ada := w.add("Ada", "Byron")
	for _, c := range []struct {
		name      string
		v         viewer.Viewer
		get, post int
	}{
		{"guest", viewer.Viewer{}, 303, 401},
		{"graduate", person(ada).Viewer, 200, 303},
		{"recruiter", viewer.Viewer{Kind: viewer.Recruiter, Account: id.New()}, 403, 403},
		{"editor", staff(viewer.Editor, w.ly.ID).Viewer, 403, 403},
		{"webmaster", staff(viewer.Webmaster, w.ly.ID).Viewer, 403, 403},
		{"federation", staff(viewer.FederationAdmin, id.ID{}).Viewer, 403, 403},
	} {
		w.get(c.v, page).want(c.name, c.get)
		for _, to := range []string{page, page + "/pause", page + "/pause/fin"} {
			w.post(c.v, to).want(c.name+" "+to, c.post)
		}
	}
}

func TestThePageSavesWhatWasMoved(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ada := w.add("Ada", "Byron")
		v := person(ada).Viewer
		first := w.get(v, page).want("at first", 200, "Magazine INTERFACE", "AIL ly", "La Fédé", "Rien encore")
		if n := first.doc().Find(`input[type=checkbox][checked]`).Length(); n != 12 {
			t.Errorf("%d boxes are ticked, want all of two senders and six kinds", n)
		}
		news := w.ly.ID.String() + ".news"
		w.post(v, page, fields(first, news)...).want("one box less", 303)
		if w.wants(ada, w.ly.ID, subscriptions.News) || !w.wants(ada, w.ly.ID, subscriptions.Events) {
			t.Error("the box that was moved, and no other, must count")
		}
		// In the meantime a click in a letter: a form shown before it must not take it back.
		w.must(w.Leave(t.Context(), subscriptions.Letter{Person: ada, Sender: w.ly.ID, Kind: subscriptions.Events}))
		w.post(v, page, fields(first, news)...).want("an old page", 303)
		if w.wants(ada, w.ly.ID, subscriptions.Events) {
			t.Error("an old page took back a click in a letter unseen")
		}
		second := w.get(v, page).want("afterwards", 200, "Arrêté depuis une lettre le 1er juin 2026.", "Un clic dans une lettre", "Toi, sur cette page", "Ton opposition")
		w.post(v, page, append(fields(second), "all", w.ly.ID.String())...).want("everything of one", 303)
		w.post(v, page, append(fields(w.get(v, page)), "none", subscriptions.Federation.String())...).want("nothing of the other", 303)
		for _, k := range subscriptions.Kinds() {
			if !w.wants(ada, w.ly.ID, k) || w.wants(ada, subscriptions.Federation, k) {
				t.Errorf("%s: want all of the school and nothing of the federation", k)
			}
		}
		before := w.rows()
		typed := append(fields(w.get(v, page), news), "was", id.New().String()+".news.on")
		again := w.post(v, page, typed...).want("a sender that is none of his", 422, "Ta page avait vieilli")
		if n := again.doc().Find(`input[type=checkbox][checked]`).Length(); n != 5 {
			t.Errorf("a refused form has %d boxes ticked, want the five that were", n)
		}
		w.post(v, page, "was", "x", "was", "y.z.on", "on", "", "on", "a.b.c.d").want("nonsense", 303)
		if w.rows() != before {
			t.Error("nonsense changed something")
		}
	})
}

func TestListsAndPauseOnThePage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	ada := w.add("Ada", "Byron", listed("mailing", false, -1000))
	v := person(ada).Viewer
	first := w.get(v, page).want("with a refusal of old", 200, "Tu avais déjà dit non", "Refus noté avant ce site, le 5 septembre 2023.", "Tous les mails", "(coupon &lt;2019&gt;)")
	if n := first.doc().Find(`input[type=checkbox][checked]`).Length(); n != 2 {
		t.Errorf("%d boxes are ticked, want the paper of two senders", n)
	}
	w.post(v, page, fields(first, w.ly.ID.String()+".magazine")...).want("one yes", 303)
	if !w.wants(ada, w.ly.ID, subscriptions.Magazine) || w.wants(ada, w.ly.ID, subscriptions.News) {
		t.Error("what he asks for counts, and the old refusal for all else")
	}
	w.post(v, page+"/pause").want("pause", 303)
	w.get(v, page).want("paused", 200, "Tout est en pause jusqu’au 1er septembre 2026").without("paused", `action="`+page+`/pause"`)
	if w.wants(ada, w.ly.ID, subscriptions.Magazine) {
		t.Error("a pause lets something through")
	}
	w.post(v, page+"/pause/fin").want("resume", 303)
	w.get(v, page).want("resumed", 200, "Reprise", "Souffler un peu").without("resumed", "Tout est en pause jusqu")
}

func TestTheHistoryHasPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	ada := w.add("Ada", "Byron")
	for n := range 25 {
		w.must(w.Choose(t.Context(), person(ada), map[cell]bool{{w.ly.ID, subscriptions.News}: n%2 == 1}))
		w.pass(1000)
	}
	for at, want := range map[string]int{"": 20, "?page=2": 5, "?page=9": 0, "?page=x": 20} {
		if got := w.get(person(ada).Viewer, page+at).want(at, 200).doc().Find(`#historique tbody tr`).Length(); got != want {
			t.Errorf("%s: %d rows, want %d", at, got, want)
		}
	}
}

// oneClick is the request of a mail provider (RFC 8058 §3.2): no cookie, no origin, no form of ours.
func (w *world) oneClick(path string) answer {
	w.t.Helper()
	req := httptest.NewRequest("POST", origin+path, strings.NewReader("List-Unsubscribe=One-Click"))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return w.send(viewer.Viewer{}, req)
}

func TestOneClick(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ada := w.add("Ada", "Byron", func(d *people.Dossier) {
			d.Contacts = []people.ContactPoint{{Kind: people.Email, Value: "ada@secret.example", Origin: "import"}}
		})
		link, all := w.Links(w.site.Bundle.With(t.Context(), "fr"), ada, w.ly.ID, "events")
		if all != origin+page || len(link) > 150 {
			t.Errorf("Links() = %q, %q", link, all)
		}
		path := strings.TrimPrefix(link, origin)

		// Scanners look at every link of a letter.
		before := w.rows()
		asked := w.get(viewer.Viewer{}, path).want("GET", 200, "Ne plus recevoir ces lettres ?", "« Événements » (AIL ly)", all[len(origin):])
		head := w.send(viewer.Viewer{}, httptest.NewRequest("HEAD", origin+path, nil))
		w.get(person(ada).Viewer, path).want("GET signed in", 200).without("GET", "Ada", "Byron", "secret")
		if asked.without("GET", "Ada", "Byron", "secret"); head.status != 200 || w.rows() != before || len(w.actions(ada)) != 0 {
			t.Errorf("looking changed something: %s", w.rows())
		}

		for range 3 { // providers repeat it
			got := w.oneClick(path).want("one click", 200, "C’est fait")
			if got.header.Get("Location") != "" || len(got.header.Values("Set-Cookie")) != 0 {
				t.Errorf("one click leads on or sets a cookie: %v", got.header)
			}
		}
		if w.wants(ada, w.ly.ID, subscriptions.Events) || !w.wants(ada, w.ly.ID, subscriptions.News) || len(w.actions(ada)) != 1 {
			t.Errorf("one click: rows %s, trail %q, want that kind stopped once", w.rows(), w.actions(ada))
		}
		w.get(viewer.Viewer{}, path).want("GET afterwards", 200, "C’est déjà arrêté", path+"/retour")

		// From the page's own buttons, as a browser sends them.
		w.post(viewer.Viewer{}, path+"/retour").want("taken back", 200, "C’est repris")
		w.post(viewer.Viewer{}, path+"/retour").want("taken back twice", 200, "C’est repris")
		if !w.wants(ada, w.ly.ID, subscriptions.Events) {
			t.Error("the click was not taken back")
		}
		w.post(viewer.Viewer{}, path).want("the button", 200, "C’est fait", path+"/retour")
		w.must(w.Choose(t.Context(), person(ada), map[cell]bool{{w.ly.ID, subscriptions.Events}: true}))
		w.must(w.Choose(t.Context(), person(ada), map[cell]bool{{w.ly.ID, subscriptions.Events}: false}))
		w.post(viewer.Viewer{}, path+"/retour").want("what she said herself stays", 200, "Cela se change sur la page des abonnements")

		// A page of somebody else's must not send it from a visitor's browser.
		req := httptest.NewRequest("POST", origin+path, nil)
		req.Header.Set("Origin", "https://evil.example")
		req.Header.Set("Sec-Fetch-Site", "cross-site")
		w.send(viewer.Viewer{}, req).want("from elsewhere", 403)
	})
}

func TestLinksThatAreNone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	link, _ := w.Links(t.Context(), w.add("Ada", "Byron"), subscriptions.Federation, "news")
	path := strings.TrimPrefix(link, origin)
	for _, bad := range []string{path[:len(path)-1], path + "a", "/desabonnement/jeton", path[:len(path)-1] + "%E2%84%AA"} {
		w.get(viewer.Viewer{}, bad).want(bad, 404, "Ce lien n’est pas complet")
		w.oneClick(bad).want(bad, 404)
		w.oneClick(bad+"/retour").want(bad, 404)
	}
	if one, all := w.Links(t.Context(), id.New(), w.ly.ID, "pause"); one != all {
		t.Errorf("Links() of a kind that there is not = %q, want the page of all", one)
	}
	gone, _ := w.Links(t.Context(), id.New(), id.New(), "news")
	w.oneClick(strings.TrimPrefix(gone, origin)).want("of somebody and a sender that are no more", 200, "cet expéditeur")
}

// A letter in English leads to pages in English, whatever the browser says, unless the visitor chose a language.
func TestALinkSpeaksTheLanguageOfItsLetter(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	ada := w.add("Ada", "Byron")
	link, _ := w.Links(w.site.Bundle.With(t.Context(), "en"), ada, subscriptions.Federation, "news")
	path := strings.TrimPrefix(link, origin)
	got := w.get(viewer.Viewer{}, path).want("GET", 200, "Stop receiving these letters?", "“News”, from La Fédé")
	if got.header.Get("Content-Language") != "en" {
		t.Errorf("Content-Language %q, want en", got.header.Get("Content-Language"))
	}
	w.oneClick(path).want("one click", 200, "Done")
	req := httptest.NewRequest("GET", origin+path, nil)
	req.Header.Set("Cookie", "amicale-lang=fr")
	w.send(viewer.Viewer{}, req).want("who chose French", 200, "C’est déjà arrêté")
}

func TestTheSettingsTabs(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	tabs := func(r *web.Request) []ui.Tab {
		return []ui.Tab{{Label: "Général", URL: "/moi/parametres"}, {Label: r.T("subscriptions.title"), URL: page, Current: true}}
	}
	var err error
	w.handler, err = w.site.Handler(subscriptions.NewPages(w.Store, tabs, w.now).Routes(), nil)
	w.must(err)
	w.get(person(w.add("Ada", "Byron")).Viewer, page).want("tabs", 200, `aria-current="page"`, "Général")
}

func TestBothLanguagesSayTheSame(t *testing.T) {
	t.Parallel()
	b, err := i18n.Load(subscriptions.Messages)
	if err != nil {
		t.Fatal(err)
	}
	if fr, en := b.Keys("fr"), b.Keys("en"); fmt.Sprint(fr) != fmt.Sprint(en) {
		t.Errorf("keys differ: %d in French, %d in English", len(fr), len(en))
	}
}
