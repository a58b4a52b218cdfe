package registry_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/a-h/templ"

	"amicale/internal/dbtest"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/registry"
	"amicale/internal/viewer"
	"amicale/internal/web"
)

// note is a feature's part of a record, with a form that asks for a word.
type note struct {
	trail func(d people.Dossier) []string // of the record it is drawn on
	words []string                        // what was saved, for whom
}

func (n *note) show(r *web.Request, d people.Dossier) (templ.Component, error) {
	typed := ""
	if r.Method == "POST" {
		f, err := r.Form()
		if err != nil {
			return nil, err
		}
		typed = f.Text("word")
	}
	text := fmt.Sprintf("panel of %s, typed %q, after %v", d.Name(), typed, n.trail(d))
	return templ.Raw("<p>" + templ.EscapeString(text) + "</p>"), nil
}

func (n *note) save(r *web.Request, person id.ID) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	word := f.Text("word")
	if word == "forbidden" {
		return errs.E("note", errs.Forbidden, nil)
	}
	if word != "good" {
		return errs.Msg("registry.too_long")
	}
	n.words = append(n.words, r.Identity.Name+" "+person.String())
	return nil
}

func TestPanels(t *testing.T) {
	t.Parallel()
	n := &note{}
	silent := func(*web.Request, people.Dossier) (templ.Component, error) { return nil, nil }
	w := newWorld(t, dbtest.New(t), registry.Panel{Show: n.show, Form: "mot", Done: "registry.done.names", Save: n.save}, registry.Panel{Show: silent})
	n.trail = w.actions
	laure := w.add("Laure", "Lavaut", w.ly, 2010)
	path := registry.Path + "/" + laure.ID.String()
	secretary, webmaster := actor(viewer.Secretary, w.ly.ID), actor(viewer.Webmaster, w.ly.ID)
	self := viewer.Actor{Viewer: viewer.Viewer{Kind: viewer.Network, Account: id.New(), Person: laure.ID}}

	w.want("the secretary reads", secretary, path, 200, "panel of Laure Lavaut, typed &#34;&#34;, after [staff.viewed_record]")
	w.wantPost("refused", webmaster, path+"/mot", []string{"word", "<bad>"}, 422, "C’est trop long", "panel of Laure Lavaut, typed &#34;&lt;bad&gt;&#34;")
	w.wantPost("not for him", webmaster, path+"/mot", []string{"word", "forbidden"}, 403)
	for _, c := range []struct {
		what string
		by   viewer.Actor
		want int
	}{{"guest", viewer.Actor{}, 401}, {"graduate", self, 403}, {"editor", actor(viewer.Editor, w.ly.ID), 403}, {"a refused form, elsewhere", actor(viewer.Webmaster, w.re.ID), 404}} {
		status, body := w.ask(c.by, path+"/mot", "word", "bad")
		if status != c.want || strings.Contains(body, "panel of") {
			t.Errorf("%s: status %d, want %d, and no panel: %.300s", c.what, status, c.want, body)
		}
	}
	w.wantPost("saved", secretary, path+"/mot", []string{"word", "good"}, 303)
	if want := secretary.Name + " " + laure.ID.String(); len(n.words) != 1 || n.words[0] != want {
		t.Errorf("saved %q, want once %q", n.words, want)
	}
	if _, body := w.ask(webmaster, path+"/fusion"); strings.Contains(body, "panel of") {
		t.Error("the page that merges shows panels")
	}
}

// The trail speaks in the words of the whole house; an action without any goes by its name.
func TestTrailWords(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	laure := w.add("Laure", "Lavaut", w.ly, 2010)
	w.must(w.SaveNames(t.Context(), federation(), laure.ID, people.Names{FirstName: "Laure", BirthSurname: "Petit"}))
	secretary := actor(viewer.Secretary, w.ly.ID) // to whom no form to change names is offered
	w.want("the trail", secretary, registry.Path+"/"+laure.ID.String(), 200, "Modifier les noms", "staff.viewed_record")
}
