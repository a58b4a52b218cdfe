package accounts

import (
	"context"
	"slices"

	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/ui"
	"amicale/internal/viewer"
	"amicale/internal/web"
)

// accessesView is the staff's list of who may do what.
type accessesView struct {
	List         []Access
	Associations people.Associations
	Grantable    []ui.Option // roles the viewer may give
	At           []ui.Option // associations where he may
	Admin        bool
	Query        string
	Typed        New
	Who          string
	Msgs         map[string]string
	NotFound     bool
}

func (p *Pages) listAccesses(r *web.Request) error {
	v := accessesView{Query: r.URL.Query().Get("q")}
	if v.Query != "" {
		found, err := p.meant(r, v.Query)
		if err == nil {
			return r.Redirect(accessPath + "/" + found.String())
		}
		if errs.KindOf(err) != errs.NotFound {
			return err
		}
		v.NotFound = true
	}
	return p.accessesPage(r, 0, v)
}

// meant is the account of a login or an address, for staff who may see it.
func (p *Pages) meant(r *web.Request, typed string) (id.ID, error) {
	found, err := p.store.Find(r.Ctx(), typed, "")
	if err != nil {
		return id.ID{}, err
	}
	if found.Account.ID.IsZero() {
		return id.ID{}, errs.E("accounts.meant", errs.NotFound, nil)
	}
	_, err = p.store.AccessOf(r.Ctx(), r.Viewer, found.Account.ID)
	return found.Account.ID, err
}

func (p *Pages) accessesPage(r *web.Request, status int, v accessesView) error {
	var err error
	if v.List, err = p.store.Accesses(r.Ctx(), r.Viewer); err != nil {
		return err
	}
	if v.Associations, err = p.store.people.Associations(r.Ctx()); err != nil {
		return err
	}
	v.Admin = r.Viewer.IsFederationAdmin()
	for _, a := range v.Associations {
		if r.Viewer.HasAt(a.ID, viewer.Webmaster) {
			v.At = append(v.At, ui.Option{Value: a.Code, Label: a.Name})
		}
	}
	if v.Admin {
		v.At = append(v.At, ui.Option{Label: r.T("accounts.access.federation")})
	}
	for _, role := range slices.Backward(RoleNames()) { // what gives the least comes first
		if v.Admin || role == viewer.Secretary || role == viewer.Editor {
			v.Grantable = append(v.Grantable, ui.Option{Value: string(role), Label: r.T(roleKey(role))})
		}
	}
	return r.Page(web.Page{Status: status, Title: r.T("accounts.access.title"), Help: "roles", Wide: true, Content: accessesPage(v)})
}

// associationOf is the association of a code; "" is the federation.
func (p *Pages) associationOf(ctx context.Context, code string) (id.ID, error) {
	if code == "" {
		return id.ID{}, nil
	}
	list, err := p.store.people.Associations(ctx)
	if err != nil {
		return id.ID{}, err
	}
	a, ok := list.ByCode(code)
	if !ok {
		return id.ID{}, errs.E("accounts.associationOf "+code, errs.NotFound, nil)
	}
	return a.ID, nil
}

// grant gives a role to whoever the login means; a person without an account gets one, without a password.
func (p *Pages) grant(r *web.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	association, err := p.associationOf(r.Ctx(), f.Text("association"))
	if err != nil {
		return err
	}
	if err := p.store.GrantTo(r.Ctx(), r.Viewer, f.Text("who"), viewer.RoleName(f.Text("role")), association); err != nil {
		if msgs, ok := r.Refused(err); ok {
			return p.accessesPage(r, web.Status(err), accessesView{Who: f.Text("who"), Msgs: msgs})
		}
		return err
	}
	return r.Done(accessPath, "accounts.access.granted")
}

// createStaff makes an account for somebody who is no graduate and sends the link to choose a password.
func (p *Pages) createStaff(r *web.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	n := New{Login: f.Text("login"), Name: f.Text("name"), Email: f.Text("email")}
	a, err := p.store.CreateStaff(r.Ctx(), r.Viewer, n)
	if err != nil {
		if msgs, ok := r.Refused(err); ok {
			return p.accessesPage(r, web.Status(err), accessesView{Typed: n, Msgs: msgs})
		}
		return err
	}
	if err := p.store.SendReset(r.Ctx(), r.Viewer, a.ID); err != nil {
		return err
	}
	return r.Done(accessPath+"/"+a.ID.String(), "accounts.access.created")
}

// accessView is one account as the staff see it.
type accessView struct {
	Access       Access
	Associations people.Associations
	MayHelp      bool
	MayTake      map[id.ID]bool // roles by identifier
}

func (p *Pages) showAccess(r *web.Request) error {
	account, err := r.ID("account")
	if err != nil {
		return err
	}
	v := accessView{MayTake: map[id.ID]bool{}}
	if v.Access, err = p.store.AccessOf(r.Ctx(), r.Viewer, account); err != nil {
		return err
	}
	if v.MayHelp, err = p.store.MayHelp(r.Ctx(), r.Viewer, account); err != nil {
		return err
	}
	if v.Associations, err = p.store.people.Associations(r.Ctx()); err != nil {
		return err
	}
	for _, role := range v.Access.Roles {
		v.MayTake[role.ID] = MayGrant(r.Viewer, role.Name, role.Association)
	}
	return r.Page(web.Page{Title: v.Access.ShownName, Help: "roles", Content: accessPage(v)})
}

// act runs a change to the account in the path and says that it is done.
func (p *Pages) act(r *web.Request, done string, change func(ctx context.Context, account id.ID) error) error {
	account, err := r.ID("account")
	if err != nil {
		return err
	}
	to := accessPath + "/" + account.String()
	if err := change(r.Ctx(), account); err != nil {
		if errs.KindOf(err) != errs.Conflict {
			return err
		}
		if m, ok := errs.MessageOf(err); ok {
			r.Flash(web.Flash{Kind: "error", Key: m.Key})
			return r.Redirect(to)
		}
		return err
	}
	return r.Done(to, done)
}

func (p *Pages) revoke(r *web.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	association, err := p.associationOf(r.Ctx(), f.Text("association"))
	if err != nil {
		return err
	}
	account, err := r.ID("account")
	if err != nil {
		return err
	}
	if err := p.store.Revoke(r.Ctx(), r.Viewer, account, viewer.RoleName(f.Text("role")), association); err != nil {
		if m, ok := errs.MessageOf(err); ok && errs.KindOf(err) == errs.Conflict {
			r.Flash(web.Flash{Kind: "error", Key: m.Key})
			return r.Redirect(accessPath)
		}
		return err
	}
	return r.Done(accessPath, "accounts.access.revoked")
}

func (p *Pages) resetFactors(r *web.Request) error {
	return p.act(r, "accounts.access.factors_reset", func(ctx context.Context, a id.ID) error { return p.store.ResetFactors(ctx, r.Viewer, a) })
}

func (p *Pages) sendReset(r *web.Request) error {
	return p.act(r, "accounts.access.link_sent", func(ctx context.Context, a id.ID) error { return p.store.SendReset(ctx, r.Viewer, a) })
}

func (p *Pages) closeAccount(r *web.Request) error {
	return p.act(r, "accounts.access.closed", func(ctx context.Context, a id.ID) error { return p.store.Close(ctx, r.Viewer, a, true) })
}

func (p *Pages) openAccount(r *web.Request) error {
	return p.act(r, "accounts.access.opened", func(ctx context.Context, a id.ID) error { return p.store.Close(ctx, r.Viewer, a, false) })
}
