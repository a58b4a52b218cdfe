package profiles

import (
	"context"
	"errors"
	"net/http"

	"amicale/internal/errs"
	"amicale/internal/geo"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/viewer"
	"amicale/internal/web"
)

// contactFields are the fields of a contact point's form, in their order.
func contactFields() []string {
	return []string{"value", "street", "postcode", "city", "country", "purpose", "from", "to", "audience"}
}

func contactForm(c people.ContactPoint) form {
	return form{ID: c.ID.String(), Version: ContactVersion(c), Values: map[string]string{
		"value": c.Value, "street": c.Street, "postcode": c.Postcode, "city": c.City, "country": c.Country, "purpose": string(c.Purpose),
		"from": dateValue(c.ValidFrom), "to": dateValue(c.ValidTo), "audience": string(c.Audience),
	}}
}

// sectionOf is the part of the page where contact points of a kind stand.
func sectionOf(k people.ContactKind) string {
	switch k {
	case people.Phone:
		return formPhones
	case people.Postal:
		return formPostal
	}
	return formEmails
}

// sentContact is a contact point's form as it was sent; a button that names a town fills it in.
func sentContact(formID string, f *web.Form) form {
	out := typedForm(formID, f, contactFields()...)
	if town := f.Text("town"); town != "" {
		out.Values["city"] = town
	}
	return out
}

func typedContact(typed form, kind people.ContactKind, wrong errs.Fields) people.ContactPoint {
	v := typed.Values
	return people.ContactPoint{
		Kind: kind, Purpose: people.Purpose(v["purpose"]), Value: v["value"], Street: v["street"], Postcode: v["postcode"], City: v["city"],
		Country: v["country"], ValidFrom: typed.date("from", wrong), ValidTo: typed.date("to", wrong), Audience: viewer.Audience(v["audience"]),
	}
}

func (p *Pages) createContact(r *web.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	kind := people.ContactKind(f.Text("kind"))
	if kind != people.Email && kind != people.Phone && kind != people.Postal {
		return errs.E("profiles.createContact", errs.Invalid, nil)
	}
	typed := sentContact(newID(kind), f)
	wrong := errs.Fields{}
	c := typedContact(typed, kind, wrong)
	if err = wrong.Err(); err == nil && kind == people.Email {
		err = p.letters.Take(r.Viewer.Account.String())
	}
	if err == nil {
		err = p.store.AddContact(r.Ctx(), r.Actor(), c)
	}
	if err != nil {
		return p.refused(r, typed, err)
	}
	if kind == people.Email {
		return p.saved(r, formEmails, id.ID{}, "profile.email_sent")
	}
	return p.saved(r, sectionOf(kind), id.ID{}, "profile.saved")
}

func (p *Pages) updateContact(r *web.Request) error {
	c, f, err := p.contact(r)
	if err != nil {
		return err
	}
	typed := sentContact(c.ID.String(), f)
	wrong := errs.Fields{}
	in := typedContact(typed, c.Kind, wrong)
	in.ID = c.ID
	var undo id.ID
	if err = wrong.Err(); err == nil {
		undo, err = p.store.ChangeContact(r.Ctx(), r.Actor(), in, typed.Version)
	}
	if err != nil {
		return p.refused(r, typed, err)
	}
	return p.saved(r, sectionOf(c.Kind), undo, "profile.saved")
}

// contact is the viewer's own contact point in the path.
func (p *Pages) contact(r *web.Request) (people.ContactPoint, *web.Form, error) {
	contact, err := r.ID("contact")
	if err != nil {
		return people.ContactPoint{}, nil, err
	}
	d, err := p.store.Own(r.Ctx(), r.Viewer)
	if err != nil {
		return people.ContactPoint{}, nil, err
	}
	c, ok := contactOf(d, contact)
	if !ok {
		return c, nil, errs.New(errs.NotFound, "profile.contact_gone")
	}
	f, err := r.Form()
	return c, f, err
}

func (p *Pages) removeContact(r *web.Request) error {
	return p.oneClick(r, "profile.contact_removed", p.store.RemoveContact)
}

func (p *Pages) preferContact(r *web.Request) error {
	return p.oneClick(r, "profile.email_preferred", p.store.Prefer)
}

func (p *Pages) sendLink(r *web.Request) error {
	return p.oneClick(r, "profile.email_sent", func(ctx context.Context, a viewer.Actor, contact id.ID) (id.ID, error) {
		if err := p.letters.Take(r.Viewer.Account.String()); err != nil {
			return id.ID{}, err
		}
		return id.ID{}, p.store.SendLinkAgain(ctx, a, contact)
	})
}

// oneClick does what a button beside a contact point says; what is refused is said beside it.
func (p *Pages) oneClick(r *web.Request, word string, do func(context.Context, viewer.Actor, id.ID) (id.ID, error)) error {
	c, _, err := p.contact(r)
	if err != nil {
		return err
	}
	undo, err := do(r.Ctx(), r.Actor(), c.ID)
	if err != nil {
		return p.refused(r, contactForm(c), err)
	}
	return p.saved(r, sectionOf(c.Kind), undo, word)
}

// maxTowns is how many towns a postcode proposes.
const maxTowns = 40

// listTowns proposes towns while an address is typed: of a French postcode, else by how the town's name begins.
func (p *Pages) listTowns(r *web.Request) error {
	q := r.URL.Query()
	c := people.ContactPoint{Postcode: q.Get("postcode"), Country: q.Get("country")}
	towns := Towns(c)
	if len(towns) == 0 && len(q.Get("city")) > 1 {
		for _, place := range geo.Suggest(q.Get("city"), c.Country, maxTowns/4) {
			towns = append(towns, place.Name)
		}
	}
	return r.Part(townOptions(towns))
}

// linkProps is what a link from a letter is about.
type linkProps struct {
	Email, Token string
	Done         bool
	SignedIn     bool
}

func (p *Pages) showLink(r *web.Request) error {
	email, err := p.store.LinkedEmail(r.Ctx(), r.PathValue("token"))
	if err != nil {
		return p.deadLink(r, err, pathProfile)
	}
	return r.Page(web.Page{Title: r.T("profile.link.title"), Help: "mes-emails",
		Content: linkPage(linkProps{Email: email, Token: r.PathValue("token"), SignedIn: r.Viewer.SignedIn()})})
}

func (p *Pages) useLink(r *web.Request) error {
	email, err := p.store.ConfirmEmail(r.Ctx(), r.PathValue("token"))
	if err != nil {
		return p.deadLink(r, err, pathProfile)
	}
	if r.Viewer.InNetwork() {
		return r.Done(pathProfile+"#"+formEmails, "profile.email_confirmed")
	}
	return r.Page(web.Page{Title: r.T("profile.link.done"), Help: "mes-emails", Content: linkPage(linkProps{Email: email, Done: true})})
}

// deadLink says what to do with a link that is no good any more.
func (p *Pages) deadLink(r *web.Request, err error, back string) error {
	if !errors.Is(err, errs.NotFound) {
		return err
	}
	return r.Page(web.Page{Status: http.StatusNotFound, Title: r.T("profile.link.dead"), Help: "mes-emails", Content: deadLinkPage(back)})
}
