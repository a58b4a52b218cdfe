package newsletters

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
	"time"

	"amicale/internal/errs"
	"amicale/internal/i18n"
	"amicale/internal/id"
	"amicale/internal/ui"
	"amicale/internal/web"
)

// public is a letter as the web shows it: nobody's version.
func (p *Pages) public(r *web.Request) error {
	campaign, err := r.ID("id")
	if err != nil {
		return err
	}
	lang := r.URL.Query().Get("lang")
	if lang == "" {
		lang = i18n.Lang(r.Ctx())
	}
	shown, err := p.store.Public(r.Ctx(), campaign, lang)
	if err != nil {
		return err
	}
	r.W.Header().Set("X-Robots-Tag", "noindex")
	r.W.Header().Set("Cache-Control", "public, max-age=300")
	icon := `<link rel="icon" href="` + ui.AssetURL("icon.svg") + `" type="image/svg+xml">`
	return r.Standalone("text/html", []byte(strings.Replace(shown.HTML, "</head>", icon+"\n</head>", 1)))
}

// image is a picture, for mailboxes everywhere.
func (p *Pages) image(r *web.Request) error {
	pic, err := p.store.Picture(r.Ctx(), r.PathValue("name"))
	if err != nil {
		return err
	}
	h := r.W.Header()
	h.Set("Content-Type", pic.Type)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin") // mailboxes on the web show it within their own pages
	http.ServeContent(r.W, r.Request, "", time.Time{}, bytes.NewReader(pic.Data))
	return nil
}

// follow counts a click and leads on, to where the letter said and nowhere else. Who only asks whether there is something
// (HEAD) is not counted.
func (p *Pages) follow(r *web.Request) error {
	campaign, err := id.Parse(r.PathValue("campaign"))
	n, err2 := strconv.Atoi(r.PathValue("number"))
	if err != nil || err2 != nil || n < 0 {
		return errs.E("newsletters.follow", errs.NotFound, nil)
	}
	var to string
	if r.Method == http.MethodHead {
		to, err = p.store.leadsTo(r.Ctx(), campaign, n)
	} else {
		to, err = p.store.Follow(r.Ctx(), campaign, n)
	}
	if err != nil {
		return err
	}
	h := r.W.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	http.Redirect(r.W, r.Request, to, http.StatusFound)
	return nil
}
