package accounts

import (
	"context"
	"net/http"

	"amicale/internal/errs"
	"amicale/internal/web"
)

// signInView is the form as the page shows it.
type signInView struct {
	Typed string
	Next  string
	Keys  bool // passkeys are possible here
	Msgs  map[string]string
}

// new shows the form; somebody signed in already goes on.
func (p *Pages) new(r *web.Request) error {
	to := next(r.URL.Query().Get("next"))
	if r.Viewer.SignedIn() {
		if to == "" {
			to = "/"
		}
		return r.Redirect(to)
	}
	return p.signInPage(r, 0, signInView{Next: to, Typed: r.URL.Query().Get("qui")})
}

func (p *Pages) signInPage(r *web.Request, status int, v signInView) error {
	v.Keys = p.offersKeys(r)
	return r.Page(web.Page{Status: status, Title: r.T("accounts.signin.title"), Help: "se-connecter", Index: status == 0, Content: signInForm(v)})
}

// create signs in with a password.
func (p *Pages) create(r *web.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	v := signInView{Typed: f.Text("who"), Next: next(f.Text("next"))}
	a, err := p.attempt(r, v.Typed, f.Raw("password"))
	if err != nil {
		msgs, ok := r.Refused(err)
		if !ok {
			return err
		}
		v.Msgs = msgs
		return p.signInPage(r, web.Status(err), v)
	}
	return p.proceed(r, a, ByPassword, v.Next)
}

// attempt finds out whether the password opens the account that was meant. Nobody's account costs the same time and
// says the same.
func (p *Pages) attempt(r *web.Request, typed, password string) (Account, error) {
	if err := filledIn(typed, password); err != nil {
		return Account{}, err
	}
	at := place{device: device(r), address: web.Subnet(r.IP)}
	found, err := p.store.Find(r.Ctx(), typed, at.device)
	if err != nil {
		return Account{}, err
	}
	if at.browser, at.nearby, err = p.store.Known(r.Ctx(), found.Account.ID, at.device, r.IP); err != nil {
		return Account{}, err
	}
	if err := p.doors.try(at, found); err != nil {
		return Account{}, err
	}
	ok, err := p.store.Verify(r.Ctx(), found.Account, password, at.known())
	if err != nil {
		return Account{}, err
	}
	if ok {
		err = p.store.Welcome(r.Ctx(), found.Account)
		if err == nil {
			p.doors.passed(at, found)
			return found.Account, nil
		}
		if errs.KindOf(err) != errs.NotFound {
			return Account{}, err
		}
	}
	p.doors.failed(at)
	if err := p.store.Failed(r.Ctx(), found.Account.ID, p.entry(r, ByPassword)); err != nil {
		return Account{}, err
	}
	if _, _, isAddress := cutAddress(typed); isAddress {
		return Account{}, errs.Msg("accounts.refused_address")
	}
	return Account{}, errs.Msg("accounts.refused")
}

func filledIn(typed, password string) error {
	f := errs.Fields{}
	if typed == "" {
		f.Add("who", "accounts.who_missing")
	}
	if password == "" {
		f.Add("password", "accounts.password_missing")
	}
	return f.Err()
}

func (p *Pages) entry(r *web.Request, how How) Entry {
	return Entry{How: how, IP: r.IP, UserAgent: r.UserAgent()}
}

// step is what a sign-in under way remembers between the password and the second factor.
type step struct {
	How  How    `json:"how"`
	Next string `json:"next"`
}

// proceed lets somebody in who proved one thing, or asks for the second where the account has one.
func (p *Pages) proceed(r *web.Request, a Account, how How, to string) error {
	if !a.Secured() {
		return p.enter(r, a, how, to)
	}
	token, err := p.store.issue(r.Ctx(), Link{Purpose: forStep, Account: a.ID, TTL: stepTTL}, step{How: how, Next: to})
	if err != nil {
		return err
	}
	setCookie(r, stepName, token, stepTTL)
	return r.Redirect(signInPath + "/verification")
}

// enter opens the session. It is strong where the account has a second factor: enter is then reached only with it.
func (p *Pages) enter(r *web.Request, a Account, how How, to string) error {
	if err := p.open(r, a, how); err != nil {
		return err
	}
	return r.Redirect(landing(a, to))
}

func landing(a Account, to string) string {
	if to == "" {
		return homeOf(a.Kind)
	}
	return to
}

func (p *Pages) open(r *web.Request, a Account, how How) error {
	session := func(ctx context.Context) error { return r.SignIn(ctx, a.ID, a.Secured()) }
	if err := p.store.Entered(r.Ctx(), a, p.entry(r, how), keepDevice(r), session); err != nil {
		return err
	}
	if a.Lang != "" {
		r.SpeakLanguage(a.Lang)
	}
	return nil
}

// linkView is the page where a link by mail is asked for, or where it was.
type linkView struct {
	Typed string
	Sent  bool
	Msgs  map[string]string
}

func (p *Pages) newLink(r *web.Request) error {
	return p.linkPage(r, 0, linkView{Sent: r.URL.Query().Get("envoye") != ""})
}

func (p *Pages) linkPage(r *web.Request, status int, v linkView) error {
	return r.Page(web.Page{Status: status, Title: r.T("accounts.link.title"), Help: "lien-par-mail", Content: linkForm(v)})
}

// createLink asks for a letter. Whoever is meant, known or not: one job, and the same page.
func (p *Pages) createLink(r *web.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	v := linkView{Typed: f.Text("who")}
	if err := p.ask(r, v.Typed, p.store.AskSignIn); err != nil {
		msgs, ok := r.Refused(err)
		if !ok {
			return err
		}
		v.Msgs = msgs
		return p.linkPage(r, web.Status(err), v)
	}
	return r.Redirect(signInPath + "/lien?envoye=1")
}

// showLink asks for a click: programs that open the links of letters must not use them up.
func (p *Pages) showLink(r *web.Request) error {
	l, err := p.store.Peek(r.Ctx(), r.PathValue("token"), ForSignIn)
	if err != nil {
		return p.deadLink(r, err)
	}
	name, err := p.nameBehind(r, l)
	if err != nil {
		return err
	}
	return r.Page(web.Page{Title: r.T("accounts.link.use_title"), Help: "lien-par-mail", Content: linkUse(name, r.URL.Path)})
}

// nameBehind is whose link it is: who holds it knows.
func (p *Pages) nameBehind(r *web.Request, l Link) (string, error) {
	name, err := p.store.nameOf(r.Ctx(), Account{ID: l.Account, Person: l.Person})
	if errs.KindOf(err) == errs.NotFound {
		return "", nil
	}
	return name, err
}

func (p *Pages) useLink(r *web.Request) error {
	l, err := p.store.UseLink(r.Ctx(), r.PathValue("token"), ForSignIn)
	if err != nil {
		return p.deadLink(r, err)
	}
	a, err := p.store.accountOf(r.Ctx(), l)
	if err == nil {
		err = p.store.Welcome(r.Ctx(), a)
	}
	if err != nil {
		return p.deadLink(r, err)
	}
	return p.proceed(r, a, ByLink, "")
}

// deadLink says that a link was used or is too old, and how to get another. Other errors stay what they are.
func (p *Pages) deadLink(r *web.Request, err error) error {
	if errs.KindOf(err) != errs.NotFound {
		return err
	}
	return r.Page(web.Page{Status: http.StatusNotFound, Title: r.T("accounts.dead.title"), Content: linkDead(r.Viewer.SignedIn())})
}

// leave shows a button: nothing changes on GET.
func (p *Pages) leave(r *web.Request) error {
	if !r.Viewer.SignedIn() {
		return r.Redirect("/")
	}
	return r.Page(web.Page{Title: r.T("accounts.leave.title"), Content: leaveForm()})
}

// remove ends the session.
func (p *Pages) remove(r *web.Request) error {
	if err := r.SignOut(); err != nil {
		return err
	}
	return r.Done("/", "accounts.left")
}
