package newsletters

import (
	"slices"

	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/newsletters/compose"
	"amicale/internal/people"
	"amicale/internal/web"
)

// Modes in which a letter is looked at.
const (
	lightMode = ""
	darkMode  = "sombre"
	textMode  = "texte"
)

type previewProps struct {
	Campaign
	Lang, Mode, Query string
	Phone             bool
	As                id.ID // zero for the example
	AsName            string
	Found             []people.Seen
	Searched          bool
	Shown             Shown
}

// preview shows a letter as somebody would get it.
func (p *Pages) preview(r *web.Request) error {
	c, err := p.read(r)
	if err != nil {
		return err
	}
	q := r.URL.Query()
	props := previewProps{Campaign: c, Lang: versionOf(c, q.Get("lang")), Mode: q.Get("mode"), Phone: q.Get("taille") == "telephone", Query: q.Get("q"), Searched: q.Get("q") != ""}
	if props.As, err = optionalID(q.Get("personne")); err != nil {
		return err
	}
	if !props.As.IsZero() {
		seen, err := p.store.People.See(r.Ctx(), r.Viewer, props.As)
		if err != nil {
			return err
		}
		props.AsName = seen.Name()
	}
	if props.Searched {
		if props.Found, err = p.store.Recipients(r.Ctx(), r.Viewer, c.ID, props.Query, sampleSize); err != nil {
			return err
		}
	}
	if len(c.Langs()) > 0 {
		if props.Shown, err = p.store.Show(r.Ctx(), r.Viewer, c.ID, props.Lang, props.As); err != nil {
			return err
		}
	}
	r.AllowFrames()
	return r.Page(web.Page{Title: r.T("newsletters.preview"), Help: helpSlug, Wide: true, Content: previewPage(props)})
}

// versionOf is the version asked for, or the first there is.
func versionOf(c Campaign, lang string) string {
	langs := c.Langs()
	if len(langs) == 0 || slices.Contains(langs, lang) {
		return lang
	}
	return langs[0]
}

func optionalID(s string) (id.ID, error) {
	if s == "" {
		return id.ID{}, nil
	}
	v, err := id.Parse(s)
	if err != nil {
		return id.ID{}, errs.E("newsletters", errs.NotFound, nil)
	}
	return v, nil
}

// rendered is the letter itself, for the frame.
func (p *Pages) rendered(r *web.Request) error {
	c, err := p.read(r)
	if err != nil {
		return err
	}
	q := r.URL.Query()
	as, err := optionalID(q.Get("personne"))
	if err != nil {
		return err
	}
	shown, err := p.store.Show(r.Ctx(), r.Viewer, c.ID, versionOf(c, q.Get("lang")), as)
	if err != nil {
		return err
	}
	switch q.Get("mode") {
	case textMode:
		return r.Framed("text/plain", []byte(shown.Text))
	case darkMode:
		return r.Framed("text/html", []byte(compose.InTheDark(shown.HTML)))
	}
	return r.Framed("text/html", []byte(shown.HTML))
}
