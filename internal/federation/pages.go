package federation

import (
	"bytes"
	"context"
	"embed"
	"image"
	_ "image/jpeg" // logos come as JPEG too
	"image/png"
	"io"
	"net/http"
	"strconv"
	"time"

	"amicale/internal/blob"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/ui"
	"amicale/internal/viewer"
	"amicale/internal/web"
)

// Messages are the package's texts.
//
//go:embed messages.*.toml
var Messages embed.FS

// Where the pages stand.
const (
	SetupPath        = "/installation"
	publicPath       = "/association"
	adminPath        = "/admin/federation"
	associationsPath = "/admin/associations"
)

// Pages shows the associations to everybody and their settings to the staff.
type Pages struct {
	store  *Store
	people *people.Store
	blobs  blob.Store
	limits *web.Limits
}

// NewPages makes the pages.
func NewPages(s *Store, p *people.Store, b blob.Store, limits *web.Limits) *Pages {
	return &Pages{s, p, b, limits}
}

// Routes are the federation's addresses.
func (p *Pages) Routes() []web.Route {
	return []web.Route{
		{Pattern: "GET " + publicPath, Handler: web.Public(p.list)},
		{Pattern: "GET " + publicPath + "/{code}", Handler: web.Public(p.show)},
		{Pattern: "GET " + publicPath + "/{code}/logo", Handler: web.Public(p.logo)},
		{Pattern: "GET /couleurs.css", Handler: web.Public(p.accents)},
		{Pattern: "GET " + SetupPath, Handler: web.Public(p.newSetup)},
		{Pattern: "POST " + SetupPath, Handler: web.Public(p.createSetup)},
		{Pattern: "GET " + adminPath, Handler: web.Staff(p.edit, viewer.FederationAdmin)},
		{Pattern: "POST " + adminPath, Handler: web.Staff(p.update, viewer.FederationAdmin)},
		{Pattern: "GET " + associationsPath, Handler: web.Staff(p.listAssociations, viewer.Webmaster)},
		{Pattern: "GET " + associationsPath + "/{code}", Handler: web.Staff(p.editAssociation, viewer.Webmaster)},
		{Pattern: "POST " + associationsPath + "/{code}", Handler: web.Staff(p.updateAssociation, viewer.Webmaster)},
	}
}

func (p *Pages) list(r *web.Request) error {
	f, err := p.store.Current(r.Ctx())
	if err != nil {
		return err
	}
	all, err := p.people.Associations(r.Ctx())
	if err != nil {
		return err
	}
	return r.Page(web.Page{Title: r.T("federation.title"), Description: f.Intro, Index: true, Content: publicListPage(f, all)})
}

// byCode is the association named in the path.
func (p *Pages) byCode(ctx context.Context, code string) (people.Association, error) {
	all, err := p.people.Associations(ctx)
	if err != nil {
		return people.Association{}, err
	}
	a, ok := all.ByCode(code)
	if !ok {
		return a, errs.E("federation "+code, errs.NotFound, nil)
	}
	return a, nil
}

func (p *Pages) show(r *web.Request) error {
	a, err := p.byCode(r.Ctx(), r.PathValue("code"))
	if err != nil {
		return err
	}
	return p.Show(r, a)
}

// Show is an association's public page; its own host shows it as front page.
func (p *Pages) Show(r *web.Request, a people.Association) error {
	f, err := p.store.Current(r.Ctx())
	if err != nil {
		return err
	}
	return r.Page(web.Page{Title: a.Name, Description: a.School, Index: true, Content: publicPage(f, a, r.Site.Origin)})
}

func (p *Pages) logo(r *web.Request) error {
	a, err := p.byCode(r.Ctx(), r.PathValue("code"))
	if err != nil {
		return err
	}
	if a.Logo == "" {
		return errs.E("federation.logo "+a.Code, errs.NotFound, nil)
	}
	file, _, err := p.blobs.Open(r.Ctx(), a.Logo)
	if err != nil {
		return err
	}
	defer file.Close()
	r.W.Header().Set("Content-Type", "image/png")
	r.W.Header().Set("Cache-Control", "public, max-age=86400")
	_, err = io.Copy(r.W, file)
	return err
}

// accents is the stylesheet of the associations' colours, which are data.
func (p *Pages) accents(r *web.Request) error {
	all, err := p.people.Associations(r.Ctx())
	if err != nil {
		return err
	}
	colours := make([]ui.AccentColour, len(all))
	for i, a := range all {
		colours[i] = ui.AccentColour{Code: a.Code, Hex: a.Color}
	}
	var css bytes.Buffer
	if err := ui.Accents(&css, colours); err != nil {
		return err
	}
	r.W.Header().Set("Content-Type", "text/css; charset=utf-8")
	r.W.Header().Set("Cache-Control", "public, max-age=300")
	http.ServeContent(r.W, r.Request, "", time.Time{}, bytes.NewReader(css.Bytes()))
	return nil
}

func (p *Pages) newSetup(r *web.Request) error {
	if err := p.open(r); err != nil {
		return err
	}
	return r.Page(web.Page{Title: r.T("federation.setup"), Content: setupPage(Setup{}, nil)})
}

// open refuses the set-up page once the site is installed.
func (p *Pages) open(r *web.Request) error {
	done, err := p.store.Installed(r.Ctx())
	if err == nil && done {
		err = errs.E("federation.setup", errs.NotFound, nil)
	}
	return err
}

func (p *Pages) createSetup(r *web.Request) error {
	if err := p.open(r); err != nil {
		return err
	}
	f, err := r.Form()
	if err != nil {
		return err
	}
	in := Setup{
		Code:       f.Text("code"),
		Federation: Federation{Name: f.Text("federation_name"), Contact: f.Text("federation_contact")},
		Association: people.Association{Code: f.Text("association_code"), Name: f.Text("association_name"), School: f.Text("association_school"),
			Host: f.Text("association_host"), MailDomain: f.Text("association_mail_domain"), Color: f.Text("association_color")},
		Webmaster: Webmaster{Name: f.Text("webmaster_name"), Login: f.Text("webmaster_login"), Email: f.Text("webmaster_email"), Password: f.Raw("webmaster_password")},
	}
	err = p.limits.Take("setup " + web.Subnet(r.IP))
	if err == nil {
		err = p.store.Install(r.Ctx(), &in)
	}
	if msgs, ok := r.Refused(err); err != nil && ok {
		return r.Page(web.Page{Status: web.Status(err), Title: r.T("federation.setup"), Content: setupPage(in, msgs)})
	}
	if err != nil {
		return err
	}
	return r.Done("/connexion", "federation.setup_done")
}

func (p *Pages) edit(r *web.Request) error {
	f, err := p.store.Current(r.Ctx())
	if err != nil {
		return err
	}
	return r.Page(web.Page{Title: r.T("federation.settings"), Content: settingsPage(f, nil)})
}

func (p *Pages) update(r *web.Request) error {
	form, err := r.Form()
	if err != nil {
		return err
	}
	f := Federation{Name: form.Text("name"), Contact: form.Text("contact"), Intro: form.Text("intro")}
	err = p.store.Save(r.Ctx(), r.Viewer, f)
	if err == nil {
		return r.Done(adminPath, "federation.saved")
	}
	if msgs, ok := r.Refused(err); ok {
		return r.Page(web.Page{Status: web.Status(err), Title: r.T("federation.settings"), Content: settingsPage(f, msgs)})
	}
	return err
}

func (p *Pages) listAssociations(r *web.Request) error {
	all, err := p.people.Associations(r.Ctx())
	if err != nil {
		return err
	}
	mine := all[:0:0]
	for _, a := range all {
		if r.Viewer.HasAt(a.ID, viewer.Webmaster) {
			mine = append(mine, a)
		}
	}
	return r.Page(web.Page{Title: r.T("federation.associations"), Content: associationsPage(mine, r.Viewer.IsFederationAdmin())})
}

// newCode stands in the path for an association that is not there yet.
const newCode = "nouvelle"

// editable is the association a webmaster may change, or an empty one for the federation's administrator.
func (p *Pages) editable(r *web.Request) (people.Association, error) {
	code := r.PathValue("code")
	if code == newCode && r.Viewer.IsFederationAdmin() {
		return people.Association{Color: "#2b5c8a"}, nil
	}
	a, err := p.byCode(r.Ctx(), code)
	if err == nil && !r.Viewer.HasAt(a.ID, viewer.Webmaster) {
		err = errs.E("federation.edit "+code, errs.Forbidden, nil)
	}
	return a, err
}

func (p *Pages) editAssociation(r *web.Request) error {
	a, err := p.editable(r)
	if err != nil {
		return err
	}
	return r.Page(web.Page{Title: r.T("federation.association"), Content: associationPage(a, nil)})
}

func (p *Pages) updateAssociation(r *web.Request) error {
	a, err := p.editable(r)
	if err != nil {
		return err
	}
	form, err := r.Form()
	if err != nil {
		return err
	}
	if a.ID.IsZero() {
		a.Code = form.Text("code")
	}
	a.Name, a.School, a.Host, a.MailDomain, a.Color = form.Text("name"), form.Text("school"), form.Text("host"), form.Text("mail_domain"), form.Text("color")
	if n, ok := form.Int("position"); ok {
		a.Position = n
	}
	old := a.Logo
	err = p.takeLogo(r, form, &a)
	if err == nil {
		err = p.store.SaveAssociation(r.Ctx(), r.Viewer, &a)
	}
	if err != nil {
		if a.Logo != old {
			_ = p.blobs.Delete(r.Ctx(), a.Logo) // nothing points to it
		}
		if msgs, ok := r.Refused(err); ok {
			a.Logo = old
			return r.Page(web.Page{Status: web.Status(err), Title: r.T("federation.association"), Content: associationPage(a, msgs)})
		}
		return err
	}
	if old != "" && a.Logo != old {
		_ = p.blobs.Delete(r.Ctx(), old) // the new one is in place; a file left over harms nobody
	}
	return r.Done(associationsPath, "federation.saved")
}

// maxLogo bounds a logo's width and height in pixels.
const maxLogo = 2000

// takeLogo re-encodes an uploaded logo, so that nothing but pixels is kept of it.
func (p *Pages) takeLogo(r *web.Request, form *web.Form, a *people.Association) error {
	file, _, err := form.File("logo")
	if err != nil || file == nil {
		return err
	}
	defer file.Close()
	bad := errs.Fields{}
	bad.Add("logo", "federation.logo_bad")
	cfg, _, err := image.DecodeConfig(file)
	if err != nil || cfg.Width > maxLogo || cfg.Height > maxLogo || cfg.Width < 16 || cfg.Height < 16 {
		return bad.Err()
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return errs.E("federation.takeLogo", errs.Internal, err)
	}
	img, _, err := image.Decode(file)
	if err != nil {
		return bad.Err()
	}
	var out bytes.Buffer
	if err := png.Encode(&out, img); err != nil {
		return errs.E("federation.takeLogo", errs.Internal, err)
	}
	a.Logo = "logos/" + id.New().String() + ".png"
	return errs.Wrap("federation.takeLogo", p.blobs.Put(r.Ctx(), a.Logo, &out, int64(out.Len()), "image/png"))
}

// LogoURL is the address of an association's logo, "" when it has none; it changes with the logo.
func LogoURL(a people.Association) string {
	if a.Logo == "" {
		return ""
	}
	return publicPath + "/" + a.Code + "/logo?v=" + strconv.Itoa(len(a.Logo)) + a.Logo[len("logos/"):min(len(a.Logo), len("logos/")+13)]
}
