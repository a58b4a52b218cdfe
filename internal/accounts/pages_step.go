package accounts

import (
	"encoding/json"

	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/web"
)

// stepView is the page of the second factor.
type stepView struct {
	Codes    bool // a code of an application is possible
	Passkeys bool
	Msgs     map[string]string
}

// pending is the account whose password was right in this browser a moment ago, with the secret that says so.
func (p *Pages) pending(r *web.Request) (Account, string, error) {
	c, err := r.Cookie(stepName)
	if err != nil {
		return Account{}, "", errs.E("accounts.pending", errs.NotFound, err)
	}
	l, err := p.store.Peek(r.Ctx(), c.Value, forStep)
	if err != nil {
		return Account{}, "", err
	}
	a, err := p.store.ByID(r.Ctx(), l.Account)
	return a, c.Value, err
}

func (p *Pages) newStep(r *web.Request) error {
	a, _, err := p.pending(r)
	if err != nil {
		return p.startAgain(r, err)
	}
	return p.stepPage(r, 0, a, nil)
}

// startAgain sends back to the form when the second factor was waited for too long.
func (p *Pages) startAgain(r *web.Request, err error) error {
	if errs.KindOf(err) != errs.NotFound {
		return err
	}
	r.Flash(web.Flash{Kind: "info", Key: "accounts.step.again"})
	return r.Redirect(signInPath)
}

func (p *Pages) stepPage(r *web.Request, status int, a Account, msgs map[string]string) error {
	v := stepView{Codes: a.HasCodes, Passkeys: a.Passkeys > 0 && p.offersKeys(r), Msgs: msgs}
	return r.Page(web.Page{Status: status, Title: r.T("accounts.step.title"), Help: "double-verification", Content: stepForm(v)})
}

// createStep takes a code of the application, or a recovery code.
func (p *Pages) createStep(r *web.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	a, token, err := p.pending(r)
	if err != nil {
		return p.startAgain(r, err)
	}
	if err := p.checkStep(r, a, f.Text("code")); err != nil {
		msgs, ok := r.Refused(err)
		if !ok {
			return err
		}
		return p.stepPage(r, web.Status(err), a, msgs)
	}
	to, err := p.finishStep(r, a.ID, token)
	if err != nil {
		return p.startAgain(r, err)
	}
	return r.Redirect(to)
}

// checkStep tries what was typed as a code and, being longer, as a recovery code.
func (p *Pages) checkStep(r *web.Request, a Account, code string) error {
	if err := p.doors.step.Take(a.ID.String()); err != nil {
		return limited()
	}
	const longest = 10 // six digits with whatever people put between them
	check := p.store.CheckCode
	if len(code) > longest {
		check = p.store.UseRecovery
	}
	if err := check(r.Ctx(), a.ID, code); err != nil {
		if errs.KindOf(err) == errs.Invalid {
			if e := p.store.Failed(r.Ctx(), a.ID, p.entry(r, ByPassword)); e != nil {
				return e
			}
		}
		return err
	}
	p.doors.step.Forget(a.ID.String())
	return nil
}

// finishStep uses up the step and opens the session; it gives where to go.
func (p *Pages) finishStep(r *web.Request, account id.ID, token string) (string, error) {
	_, data, err := p.store.use(r.Ctx(), token, forStep)
	if err != nil {
		return "", err
	}
	var was step
	if err := json.Unmarshal(data, &was); err != nil {
		return "", errs.E("accounts.finishStep", errs.Internal, err)
	}
	a, err := p.store.ByID(r.Ctx(), account)
	if err != nil {
		return "", err
	}
	if err := p.store.Welcome(r.Ctx(), a); err != nil {
		return "", err
	}
	setCookie(r, stepName, "", 0)
	if err := p.open(r, a, was.How); err != nil {
		return "", err
	}
	return landing(a, next(was.Next)), nil
}
