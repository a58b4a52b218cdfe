package profiles

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"amicale/internal/errs"
	"amicale/internal/people"
	"amicale/internal/web"
)

func (p *Pages) showData(r *web.Request) error {
	return r.Page(web.Page{Title: r.T("profile.data.title"), Help: "mes-droits", Content: dataPage()})
}

func (p *Pages) export(r *web.Request) ([]byte, error) {
	if err := p.heavy.Take(r.Viewer.Account.String()); err != nil {
		return nil, err
	}
	e, err := p.store.Export(r.Ctx(), r.Viewer)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(e); err != nil {
		return nil, errs.E("profiles.export", errs.Internal, err)
	}
	return b.Bytes(), nil
}

func (p *Pages) downloadJSON(r *web.Request) error {
	data, err := p.export(r)
	if err != nil {
		return err
	}
	return download(r, "application/json; charset=utf-8", "amicale-mes-donnees.json", data)
}

// downloadZip gives the same data with the photo, which JSON cannot hold.
func (p *Pages) downloadZip(r *web.Request) error {
	data, err := p.export(r)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	files := map[string][]byte{"donnees.json": data}
	pic, err := p.store.OwnPhoto(r.Ctx(), r.Viewer, LargePhoto)
	if err == nil {
		files["photo.jpg"] = pic.Data
	} else if !errors.Is(err, errs.NotFound) {
		return err
	}
	for _, name := range []string{"donnees.json", "photo.jpg"} {
		if files[name] == nil {
			continue
		}
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write(files[name])
		}
		if err != nil {
			return errs.E("profiles.downloadZip", errs.Internal, err)
		}
	}
	if err := z.Close(); err != nil {
		return errs.E("profiles.downloadZip", errs.Internal, err)
	}
	return download(r, "application/zip", "amicale-mes-donnees.zip", b.Bytes())
}

func download(r *web.Request, contentType, name string, data []byte) error {
	h := r.W.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(data)))
	r.W.WriteHeader(http.StatusOK)
	_, _ = r.W.Write(data) // a visitor who left early is no fault of the handler's
	return nil
}

// eraseProps is what somebody should know before he asks to be forgotten.
type eraseProps struct {
	D     people.Dossier
	Email string // where the link goes; "" when no address was confirmed
	Token string // set on the last page
	Error string
}

func (p *Pages) eraseProps(r *web.Request) (eraseProps, error) {
	d, err := p.store.Own(r.Ctx(), r.Viewer)
	return eraseProps{D: d, Email: proven(d)}, err
}

func (p *Pages) showErasure(r *web.Request) error {
	props, err := p.eraseProps(r)
	if err != nil {
		return err
	}
	return r.Page(web.Page{Title: r.T("profile.erase.title"), Help: "mes-droits", Content: erasePage(props)})
}

func (p *Pages) askErasure(r *web.Request) error {
	err := p.letters.Take(r.Viewer.Account.String())
	to := ""
	if err == nil {
		to, err = p.store.AskErasure(r.Ctx(), r.Actor())
	}
	if msgs, ok := r.Refused(err); ok {
		props, ownErr := p.eraseProps(r)
		if ownErr != nil {
			return ownErr
		}
		props.Error = msgs[""]
		return r.Page(web.Page{Status: web.Status(err), Title: r.T("profile.erase.title"), Help: "mes-droits", Content: erasePage(props)})
	}
	if err != nil {
		return err
	}
	r.Flash(web.Flash{Kind: "success", Key: "profile.erase.sent", Data: map[string]string{"Email": to}})
	return r.Redirect(pathErase)
}

func (p *Pages) showLastWord(r *web.Request) error {
	props, err := p.eraseProps(r)
	if err != nil {
		return err
	}
	props.Token = r.PathValue("token")
	if err := p.store.MayErase(r.Ctx(), r.Viewer, props.Token); err != nil {
		return p.deadLink(r, err, pathErase)
	}
	return r.Page(web.Page{Title: r.T("profile.erase.last"), Help: "mes-droits", Content: lastWordPage(props)})
}

func (p *Pages) erase(r *web.Request) error {
	err := p.store.Erase(r.Ctx(), r.Actor(), r.PathValue("token"))
	if errors.Is(err, errs.NotFound) {
		return p.deadLink(r, err, pathErase)
	}
	if msgs, ok := r.Refused(err); ok { // a feature that may not let him go says why
		props, ownErr := p.eraseProps(r)
		if ownErr != nil {
			return ownErr
		}
		props.Token, props.Error = r.PathValue("token"), msgs[""]
		return r.Page(web.Page{Status: web.Status(err), Title: r.T("profile.erase.last"), Help: "mes-droits", Content: lastWordPage(props)})
	}
	if err != nil {
		return err
	}
	if err := r.SignOut(); err != nil {
		return err
	}
	return r.Done("/", "profile.erase.done")
}
