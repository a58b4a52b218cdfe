package forwarding_test

import (
	"testing"

	"github.com/a-h/templ"

	"amicale/internal/forwarding"
	"amicale/internal/mail"
	"amicale/internal/people"
	"amicale/internal/viewer"
	"amicale/internal/web"
)

// partRoutes put what the feature shows on others' pages on pages of its own, for whoever asks.
func (s *site) partRoutes(p *forwarding.Pages) []web.Route {
	var out []web.Route
	for path, part := range map[string]func(*web.Request, people.Dossier) (templ.Component, error){"/espace/": p.Home, "/fiche/": p.Record} {
		out = append(out, web.Route{Pattern: "GET " + path + "{id}", Handler: web.Public(func(r *web.Request) error {
			person, err := r.ID("id")
			if err != nil {
				return err
			}
			c, err := part(r, s.dossier(person))
			if err != nil {
				return err
			}
			if c == nil {
				c = templ.Raw("rien")
			}
			return r.Page(web.Page{Content: c})
		})})
	}
	return out
}

func TestHomePart(t *testing.T) {
	t.Parallel()
	s := newSite(t, forwarding.PageOptions{})
	p := s.someone("Laure", "Lavaut", func(d *people.Dossier) { d.Logins = []people.Login{{Login: "llavaut", Origin: "import"}} })
	me, at := self(p).Viewer, "/espace/"+p.ID.String()
	doc := s.want("at first", s.ask(me, at, nil), 200, "Mon adresse à vie", "Aucun message depuis trente jours", "-llavaut@", "-courrier", "-forwarding.")
	if got := doc.Find("[data-copy]").AttrOr("data-copy", ""); got != laure {
		t.Errorf("the button copies %q, want %s", got, laure)
	}
	for range 3 {
		_, err := s.deliver(s.box, s.message("ami@ailleurs.fr", "x"), laure)
		s.must(err)
	}
	list := s.sent("forward")
	s.fate(mail.Delivered, list[0])
	s.want("on their way", s.ask(me, at, nil), 200, "3 messages depuis trente jours", "-attend")
	s.fate(mail.Dead, list[1])
	s.fate(mail.Temporary, list[2])
	doc = s.want("later", s.ask(me, at, nil), 200, "3 messages depuis trente jours", "Un message attend encore. Un message n’est pas arrivé.", "-ami@")
	if doc.Find(`.alert a[href="`+forwarding.PassagesPath+`"]`).Length() != 1 {
		t.Error("no link leads to what became of them")
	}
	s.lang = "en"
	s.want("in English", s.ask(me, at, nil), 200, "3 messages in thirty days", "One message still waits. One message did not arrive.", "-forwarding.")

	nameless := s.someone("Anne", "Roy", func(d *people.Dossier) { d.Degrees = nil })
	s.want("who has no login", s.ask(self(nameless).Viewer, "/espace/"+nameless.ID.String(), nil), 200, "rien")
}

func TestRecordPart(t *testing.T) {
	t.Parallel()
	s := newSite(t, forwarding.PageOptions{})
	p := s.someone("Laure", "Lavaut", func(d *people.Dossier) {
		d.Logins = []people.Login{{Login: "llavaut", Origin: "import"}}
		d.Contacts = append(d.Contacts, people.ContactPoint{Kind: people.Email, Value: "laure@reserve.fr", ConfirmedAt: noon, Origin: "person"})
	})
	imported := s.someone("Lise", "Martin", func(d *people.Dossier) {
		d.ActivatedAt, d.Contacts, d.Redirects = d.DeceasedOn, nil, []string{"lise@ancien.fr"}
	})
	lost := s.someone("Luc", "Martin", func(d *people.Dossier) { d.ActivatedAt, d.Contacts = d.DeceasedOn, nil })
	dead := s.someone("Jean", "Martin", func(d *people.Dossier) { d.Status = people.Deceased })
	nameless := s.someone("Anne", "Roy", func(d *people.Dossier) { d.Degrees[0].ClassYear = 0 })
	webmaster, secretary := staffOf(s.ly, viewer.Webmaster), staffOf(s.ly, viewer.Secretary)
	at := func(d people.Dossier) string { return "/fiche/" + d.ID.String() }

	_, err := s.deliver(s.box, s.message("ami@ailleurs.fr", "secret"), laure)
	s.must(err)
	s.want("nothing said", s.ask(secretary, at(p), nil), 200, laure, "llavaut@ly-alumni.example", "Ancienne adresse", "Il passe.", "n’a encore rien choisi", "laure@exemple.fr",
		"Un message depuis trente jours.", "Normal", "-jamais confirmée", "-laure@travail.fr", "-ami@", "-Bonjour", "-Plusieurs", "-forwarding.")
	s.choose(p, forwarding.InTurn, "laure@exemple.fr", "1", "laure@travail.fr", "2", "laure@reserve.fr", "reserve")
	s.must(s.store.Pause(t.Context(), self(p), s.now().Add(5*day)))
	s.want("chosen, paused", s.ask(webmaster, at(p), nil), 200, "en pause jusqu’au 6 juin 2026", "laure@travail.fr", "En réserve", "laure@reserve.fr", "L’une après l’autre", "-rien choisi")
	s.must(s.store.Resume(t.Context(), self(p)))
	_, err = s.store.Died(t.Context(), system, p.ID, "laure@travail.fr")
	s.must(err)
	s.want("one dead", s.ask(webmaster, at(p), nil), 200, "Il passe.", "N’arrive plus à", "refusé depuis plusieurs jours")
	s.want("the older system's", s.ask(webmaster, at(imported), nil), 200, "lise@ancien.fr", "Connue de l’ancien annuaire", "Aucun message")
	s.want("nowhere to go", s.ask(webmaster, at(lost), nil), 200, "Il est refusé")
	s.want("deceased", s.ask(webmaster, at(dead), nil), 200, "Ses adresses à vie sont fermées", "-jean@exemple.fr")
	s.want("without a login", s.ask(webmaster, at(nameless), nil), 200, "Pas encore d’adresse à vie", "-anne@exemple.fr")

	for what, v := range map[string]viewer.Viewer{"a guest": {}, "somebody else": self(imported).Viewer, "an editor": staffOf(s.ly, viewer.Editor), "staff elsewhere": staffOf(s.re, viewer.Webmaster)} {
		s.want(what, s.ask(v, at(p), nil), 404, "-exemple.fr", "-travail.fr")
	}
}
