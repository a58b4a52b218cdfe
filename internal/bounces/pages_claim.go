package bounces

import (
	"net/url"
	"time"

	"amicale/internal/errs"
	"amicale/internal/people"
	"amicale/internal/web"
)

// ReturnedPath is the page where a reader says that his mail to the person with that login came back.
func ReturnedPath(login string) string {
	return "/p/" + url.PathEscape(login) + "/courrier-revenu"
}

// claimProps is the form, or once it was sent what may be done instead.
type claimProps struct {
	Offer
	Which, Day, Words string
	Today             string
	Errors            map[string]string
	Sent              bool
	Instead           []people.ContactPoint // of those the reader sees anyway
}

func (p *Pages) newClaim(r *web.Request) error {
	o, err := p.store.Offer(r.Ctx(), r.Actor(), r.PathValue("login"))
	if err != nil {
		return err
	}
	sent := r.URL.Query().Get("signale")
	props := claimProps{Offer: o, Sent: sent != "", Day: p.store.today().Format(time.DateOnly)}
	switch {
	case props.Sent:
		props.Instead = o.Others(sent)
	case len(o.Emails) > 0:
		props.Which = o.Emails[0].ID.String()
	default:
		props.Which = byLifetime
	}
	return p.claimPage(r, props, 0)
}

func (p *Pages) claimPage(r *web.Request, props claimProps, status int) error {
	props.Today = p.store.today().Format(time.DateOnly)
	return r.Page(web.Page{Status: status, Title: r.T("bounces.claim.title"), Help: helpSlug, Content: claimPage(props)})
}

func (p *Pages) createClaim(r *web.Request) error {
	by := r.Actor()
	o, err := p.store.Offer(r.Ctx(), by, r.PathValue("login"))
	if err != nil {
		return err
	}
	f, err := r.Form()
	if err != nil {
		return err
	}
	on, ok := f.Date("day")
	if !ok {
		on = time.Time{}
	}
	c := Claim{Which: f.Text("which"), Day: on, Words: f.Text("words")}
	if _, err = c.check(o, p.store.now()); err == nil {
		err = p.claims.Take(by.Account.String())
	}
	if err == nil {
		err = p.store.AddClaim(r.Ctx(), by, o, c)
	}
	if err == nil {
		return r.Redirect(ReturnedPath(o.Seen.Login) + "?signale=" + url.QueryEscape(c.Which))
	}
	if msgs, ok := r.Refused(err); ok && errs.KindOf(err) != errs.Unavailable {
		return p.claimPage(r, claimProps{Offer: o, Which: c.Which, Day: f.Text("day"), Words: f.Text("words"), Errors: msgs}, web.Status(err))
	}
	return err
}
