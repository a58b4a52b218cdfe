package app

import (
	"context"
	"errors"
	"time"

	"amicale/internal/accounts"
	"amicale/internal/activation"
	"amicale/internal/desk"
	"amicale/internal/errs"
	"amicale/internal/federation"
	"amicale/internal/i18n"
	"amicale/internal/id"
	"amicale/internal/imports"
	"amicale/internal/people"
	"amicale/internal/registry"
	"amicale/internal/viewer"
)

// firstAccount lets the set-up page make the first account.
type firstAccount struct{ accounts *accounts.Store }

func (f firstAccount) CreateFirst(ctx context.Context, w federation.Webmaster, association id.ID) error {
	system := viewer.ForSystem("set-up")
	acc, err := f.accounts.CreateStaff(ctx, system, accounts.New{Login: w.Login, Name: w.Name, Email: w.Email})
	if err != nil {
		return errs.Prefix("webmaster_", err)
	}
	if err := f.accounts.SetPassword(ctx, acc.ID, w.Password, id.ID{}); err != nil {
		return errs.Prefix("webmaster_", err)
	}
	if err := f.accounts.Grant(ctx, system, acc.ID, viewer.Webmaster, association); err != nil {
		return err
	}
	return f.accounts.Grant(ctx, system, acc.ID, viewer.FederationAdmin, id.ID{})
}

// activationLinks gives activation the accounts' single-use links.
type activationLinks struct{ app *App }

func (l activationLinks) IssueLink(ctx context.Context, k activation.Link) (string, error) {
	return l.app.accounts.IssueLink(ctx, accounts.Link{Purpose: accounts.ForActivation, Person: k.Person, Email: k.Email, TTL: k.TTL})
}

// StopLinks takes back what was done to an account since, and leaves alone what its owner had before.
func (l activationLinks) StopLinks(ctx context.Context, person id.ID, since time.Time) error {
	if err := l.app.accounts.DropLinksOf(ctx, person); err != nil {
		return err
	}
	acc, err := l.app.accounts.ByPerson(ctx, person)
	if errors.Is(err, errs.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if acc.HasPassword && !acc.PasswordAt.Before(since) {
		if err := l.app.accounts.TakeBack(ctx, acc, since); err != nil {
			return err
		}
	}
	if err := l.app.submission.RevokePasswords(ctx, person, since); err != nil {
		return err
	}
	list, err := l.app.sessions.ByAccount(ctx, acc.ID)
	if err != nil {
		return err
	}
	for _, s := range list {
		if s.CreatedAt.Before(since) {
			continue
		}
		if err := l.app.sessions.Revoke(ctx, acc.ID, s.ID); err != nil {
			return err
		}
	}
	return nil
}

// claimsDesk takes for activation what it does not decide.
type claimsDesk struct{ desk *desk.Store }

func (d claimsDesk) OpenCase(ctx context.Context, c activation.Case) (id.ID, error) {
	n := desk.NewCase{Kind: desk.Kind(c.Kind), Association: c.Association, Person: c.Person, UniqueKey: c.UniqueKey, Reason: desk.Reason(c.Reason),
		Claim: c.Claim, Lang: c.Lang, Detail: desk.Detail{At: c.LinkAt, Opened: c.Opened}}
	if c.Scan != nil {
		scan := desk.Scan(*c.Scan)
		n.Scan = &scan
	}
	return d.desk.OpenClaim(ctx, viewer.ForSystem("activation"), n)
}

func (d claimsDesk) Stopped(ctx context.Context, persons []id.ID) ([]id.ID, error) {
	return d.desk.Stopped(ctx, viewer.ForSystem("activation"), persons)
}

// deskLinks sends for the desk the links of its decisions, and takes them back. It asks the app for activation when a
// link leaves, for each of the two needs the other.
type deskLinks struct{ app *App }

func (l deskLinks) Invite(ctx context.Context, by viewer.Actor, i desk.Invitation) error {
	return l.app.activation.Invite(ctx, viewer.Actor(by), activation.Invitation(i))
}

func (l deskLinks) MayInvite(ctx context.Context, by viewer.Actor, d people.Dossier) error {
	return l.app.activation.MayInvite(ctx, viewer.Actor(by), d)
}

func (l deskLinks) StopLinks(ctx context.Context, person id.ID, since time.Time) error {
	return activationLinks(l).StopLinks(ctx, person, since)
}

// staffOf tells the desk whom to alert.
type staffOf struct{ accounts *accounts.Store }

func (s staffOf) AccountsWithRole(ctx context.Context, role viewer.RoleName, association id.ID) ([]desk.Holder, error) {
	return holders(ctx, s.accounts, role, association, func(h accounts.Holder) desk.Holder {
		return desk.Holder{Name: h.Name, Email: h.Email, Lang: h.Lang}
	})
}

// holders are those who hold a role at an association, each as the feature that asks knows him.
func holders[T any](ctx context.Context, s *accounts.Store, role viewer.RoleName, association id.ID, as func(accounts.Holder) T) ([]T, error) {
	list, err := s.AccountsWithRole(ctx, role, association)
	if err != nil {
		return nil, err
	}
	out := make([]T, len(list))
	for i, h := range list {
		out[i] = as(h)
	}
	return out, nil
}

// emailLinks gives profiles the accounts' links that confirm an address.
type emailLinks struct{ accounts *accounts.Store }

// emailLinkTTL is how long a link that confirms an address holds.
const emailLinkTTL = 48 * time.Hour

func (l emailLinks) IssueEmailLink(ctx context.Context, person id.ID, email string) (string, error) {
	return l.accounts.IssueLink(ctx, accounts.Link{Purpose: accounts.ForEmail, Person: person, Email: email, TTL: emailLinkTTL})
}

func (l emailLinks) PeekEmailLink(ctx context.Context, token string) (id.ID, string, error) {
	k, err := l.accounts.Peek(ctx, token, accounts.ForEmail)
	return k.Person, k.Email, err
}

func (l emailLinks) UseEmailLink(ctx context.Context, token string) (id.ID, string, error) {
	k, err := l.accounts.UseLink(ctx, token, accounts.ForEmail)
	return k.Person, k.Email, err
}

// invite lets the staff's record of a person send the link that opens an account.
func (a *App) invite(ctx context.Context, i registry.Invite) error {
	return a.activation.Invite(ctx, viewer.Actor(i.By), activation.Invitation{Person: i.Person, Email: i.Email, Lang: i.Lang})
}

// importsDesk puts on the desk what an import does not decide.
type importsDesk struct{ desk *desk.Store }

func (d importsDesk) Open(ctx context.Context, c imports.Case) error {
	return d.desk.Open(ctx, viewer.ForSystem("import"), desk.NewCase{
		Kind: desk.Kind(c.Kind), Association: c.Association, Person: c.Person, Other: c.Other, UniqueKey: c.UniqueKey,
		Reason: desk.FromImport, Lang: i18n.Langs()[0],
		Detail: desk.Detail{Field: c.Field, Base: c.Base, File: c.File, Source: c.Source, Why: c.Why.Text(i18n.Langs()[0]), Degree: c.Degree},
	})
}

// Imports is where lists come in; the console uses it.
func (a *App) Imports() *imports.Store { return a.imports }

// mayInvite reports whether a member of the staff may send a link that opens, or reopens, a person's account, or close
// it: a link into an account that may do more than its sender would be a way to borrow its rights.
func (a *App) mayInvite(ctx context.Context, v viewer.Viewer, person id.ID) (bool, error) {
	acc, err := a.accounts.ByPerson(ctx, person)
	if errors.Is(err, errs.NotFound) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	return a.accounts.MayHelp(ctx, v, acc.ID)
}
