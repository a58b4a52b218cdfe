package submission

import (
	"time"

	"github.com/a-h/templ"

	"amicale/internal/clock"
	"amicale/internal/errs"
	"amicale/internal/web"
)

// Where the pages stand: in the section of this feature on the page of one's address for life.
const (
	page    = "/moi/parametres/adresse"
	section = "ecrire" // its anchor there
	// Path is where passwords are made.
	Path = page + "/mots-de-passe"
)

// helpSlug is the help page about all of this.
const helpSlug = "adresse-a-vie"

// PageOptions say what the installation offers.
type PageOptions struct {
	// Host is the server that mail programs send by; "" when there is none: then there are no passwords.
	Host     string
	TLS      int // its port with TLS from the first octet; 0: none
	STARTTLS int // its port that begins in clear; 0: none
	// Around shows the section on its page.
	Around func(r *web.Request, section templ.Component, status int) error
	Now    clock.Clock
}

// Pages are what one sees of one's mail programs.
type Pages struct {
	store *Store
	o     PageOptions
	often *web.Limits // of what writes letters
}

// NewPages makes the pages.
func NewPages(s *Store, o PageOptions) *Pages {
	return &Pages{store: s, o: o, often: web.NewLimits(o.Now, 5*time.Minute, 10)}
}

// Routes are the addresses of this feature.
func (p *Pages) Routes() []web.Route {
	return []web.Route{
		{Pattern: "POST " + Path, Handler: web.Network(p.create)},
		{Pattern: "POST " + Path + "/{password}/retirer", Handler: web.Network(p.remove)},
	}
}

// sectionProps are one's mail programs, and the form for another.
type sectionProps struct {
	Own
	Options PageOptions
	Name    string            // as typed
	Msgs    map[string]string // what was refused, by field; under "" what is no field's
}

// Section is that on the page of one's address for life; nil where nobody can send, or who has no such address.
func (p *Pages) Section(r *web.Request) (templ.Component, error) { return p.section(r, sectionProps{}) }

func (p *Pages) section(r *web.Request, props sectionProps) (c templ.Component, err error) {
	if p.o.Host == "" {
		return nil, nil
	}
	props.Options = p.o
	if props.Own, err = p.store.Own(r.Ctx(), r.Viewer); err != nil || len(props.Addresses) == 0 {
		return nil, err
	}
	return writeSection(props), nil
}

// create shows the password in its answer, this once: nobody can show it again.
func (p *Pages) create(r *web.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	if p.o.Host == "" {
		return errs.E("submission.create", errs.NotFound, nil)
	}
	props, secret := sectionProps{Options: p.o, Name: f.Text("name")}, ""
	if err = p.often.Take(r.Viewer.Account.String()); err == nil {
		secret, err = p.store.MakePassword(r.Ctx(), r.Actor(), props.Name)
	}
	if err != nil {
		return p.refused(r, props, err)
	}
	if props.Own, err = p.store.Own(r.Ctx(), r.Viewer); err != nil {
		return err
	}
	return r.Page(web.Page{Title: r.T("submission.password.new"), Help: helpSlug, Content: secretPage(props, secret)})
}

// refused shows the section again with what was typed, and what is wrong with it.
func (p *Pages) refused(r *web.Request, props sectionProps, err error) error {
	msgs, ok := r.Refused(err)
	if !ok {
		return err
	}
	props.Msgs = msgs
	c, failed := p.section(r, props)
	if failed != nil {
		return failed
	}
	return p.o.Around(r, c, web.Status(err))
}

func (p *Pages) remove(r *web.Request) error {
	password, err := r.ID("password")
	if err != nil {
		return err
	}
	if err := p.store.RevokePassword(r.Ctx(), r.Actor(), password); err != nil {
		return err
	}
	return r.Done(page+"#"+section, "submission.removed")
}
