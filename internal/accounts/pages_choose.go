package accounts

import (
	"context"

	"amicale/internal/errs"
	"amicale/internal/jobs"
	"amicale/internal/web"
)

// ask enqueues a letter to whoever was typed, within the limits.
func (p *Pages) ask(r *web.Request, typed string, enqueue func(context.Context, *jobs.Queue, string) error) error {
	if typed == "" {
		f := errs.Fields{}
		f.Add("who", "accounts.who_missing")
		return f.Err()
	}
	if err := p.doors.letter(web.Subnet(r.IP), typed); err != nil {
		return err
	}
	return enqueue(r.Ctx(), p.queue, typed)
}

func (p *Pages) newReset(r *web.Request) error {
	return p.resetPage(r, 0, linkView{Sent: r.URL.Query().Get("envoye") != ""})
}

func (p *Pages) resetPage(r *web.Request, status int, v linkView) error {
	return r.Page(web.Page{Status: status, Title: r.T("accounts.forgot.title"), Help: "mot-de-passe-oublie", Index: status == 0, Content: forgotForm(v)})
}

// createReset asks for a letter. Whoever is meant, known or not: one job, and the same page.
func (p *Pages) createReset(r *web.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	v := linkView{Typed: f.Text("who")}
	if err := p.ask(r, v.Typed, p.store.AskReset); err != nil {
		msgs, ok := r.Refused(err)
		if !ok {
			return err
		}
		v.Msgs = msgs
		return p.resetPage(r, web.Status(err), v)
	}
	return r.Redirect(signInPath + "/oubli?envoye=1")
}

// chooseView is the page where a password is chosen.
type chooseView struct {
	Name  string
	Login string // for the browser's password manager, and for whoever forgot it
	First bool
	Path  string
	Msgs  map[string]string
}

func (p *Pages) editPassword(r *web.Request) error { return p.choosePage(r, 0, nil) }

func (p *Pages) choosePage(r *web.Request, status int, msgs map[string]string) error {
	l, err := p.store.Peek(r.Ctx(), r.PathValue("token"), ForActivation, ForReset)
	if err != nil {
		return p.deadLink(r, err)
	}
	v := chooseView{First: l.Purpose == ForActivation, Path: r.URL.Path, Msgs: msgs}
	if v.Name, err = p.nameBehind(r, l); err != nil {
		return err
	}
	a := Account{ID: l.Account, Person: l.Person}
	if a.Person.IsZero() {
		if a, err = p.store.ByID(r.Ctx(), l.Account); err != nil {
			return p.deadLink(r, err)
		}
	}
	v.Login = p.store.loginOf(r.Ctx(), a)
	title := "accounts.choose.title"
	if v.First {
		title = "accounts.choose.first_title"
	}
	return r.Page(web.Page{Status: status, Title: r.T(title), Help: "mot-de-passe", Content: chooseForm(v)})
}

// choosePassword sets the password that a link lets its holder choose, and signs in.
func (p *Pages) choosePassword(r *web.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	a, err := p.store.Choose(r.Ctx(), r.PathValue("token"), f.Raw("password"))
	if err != nil {
		if msgs, ok := r.Refused(err); ok {
			return p.choosePage(r, web.Status(err), msgs)
		}
		return p.deadLink(r, err)
	}
	if a, err = p.store.ByID(r.Ctx(), a.ID); err == nil {
		err = p.store.Welcome(r.Ctx(), a)
	}
	if err != nil {
		return p.deadLink(r, err)
	}
	r.Flash(web.Flash{Kind: "success", Key: "accounts.chosen"})
	return p.proceed(r, a, ByChoice, "")
}
