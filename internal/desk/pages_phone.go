package desk

import (
	"net/http"

	"amicale/internal/people"
	"amicale/internal/web"
)

// phonePath is the screen on which a webmaster adds somebody who calls.
const phonePath = "/admin/personnes/nouvelle"

type phoneProps struct {
	askProps
	Schools people.Associations // whose desk the viewer keeps
	All     people.Associations
	Doubles []Match // possible ones; the form asks again then
}

func (p *Pages) newPerson(r *web.Request) error {
	typed := typedClaim{}
	typed.Surname = r.URL.Query().Get("nom") // from a search that found nobody
	return p.phoneForm(r, phoneProps{askProps: askProps{Typed: typed}}, 0)
}

func (p *Pages) phoneForm(r *web.Request, props phoneProps, status int) error {
	all, err := p.people.Associations(r.Ctx())
	if err != nil {
		return err
	}
	props.All = all
	for _, a := range all {
		if r.Viewer.HasAt(a.ID, deskRole) {
			props.Schools = append(props.Schools, a)
		}
	}
	if len(props.Schools) == 1 {
		props.Typed.School = props.Schools[0].Code
	}
	return r.Page(web.Page{Status: status, Title: r.T("desk.new_person"), Help: "guichet", Content: phonePage(props)})
}

// createPerson adds a person and sends the link; possible doubles are shown before anything is saved.
func (p *Pages) createPerson(r *web.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	typed := readClaim(f)
	person, doubles, err := p.store.CreateOnPhone(r.Ctx(), r.Actor(), typed.Claim, f.Checked("sure"))
	if msgs, ok := r.Refused(err); err != nil && ok {
		return p.phoneForm(r, phoneProps{askProps: askProps{typed, msgs}}, web.Status(err))
	}
	if err != nil {
		return err
	}
	if len(doubles) > 0 {
		return p.phoneForm(r, phoneProps{askProps: askProps{Typed: typed}, Doubles: doubles}, http.StatusOK)
	}
	return r.Done(recordPath(person), "desk.done.created")
}
