package accounts

import (
	"cmp"
	"context"
	"strconv"
	"strings"

	"github.com/boombuler/barcode/qr"

	"amicale/internal/errs"
	"amicale/internal/i18n"
	"amicale/internal/id"
	"amicale/internal/ui"
	"amicale/internal/web"
)

// Tabs are the pages of the settings, this one marked, of this feature and of others.
func (p *Pages) Tabs(r *web.Request) []ui.Tab {
	list := append([]Tab{{Key: "accounts.tab.general", URL: settingsPath}, {Key: "accounts.tab.security", URL: SecurePath}}, p.o.Tabs...)
	var out []ui.Tab
	for _, t := range list {
		if t.Network && !r.Viewer.InNetwork() {
			continue
		}
		current := r.URL.Path == t.URL || t.URL != settingsPath && strings.HasPrefix(r.URL.Path, t.URL+"/")
		out = append(out, ui.Tab{Label: r.T(t.Key), URL: t.URL, Current: current})
	}
	return out
}

// elsewhere is what people look for among the settings and find on pages of their own; only who has a profile has them.
func elsewhere(r *web.Request) []ui.NavItem {
	if !r.Viewer.InNetwork() {
		return nil
	}
	return []ui.NavItem{
		{Label: r.T("accounts.elsewhere.profile"), URL: "/moi/profil"}, {Label: r.T("accounts.elsewhere.preview"), URL: "/moi/profil/apercu"},
		{Label: r.T("accounts.elsewhere.views"), URL: "/moi/consultations"}, {Label: r.T("accounts.elsewhere.data"), URL: "/moi/donnees"},
	}
}

// settingsTrail is the way from my space to a page of the settings.
func settingsTrail(ctx context.Context, title string) []ui.Crumb {
	out := []ui.Crumb{{Label: i18n.T(ctx, "accounts.settings.kicker"), URL: "/moi"}}
	if settings := i18n.T(ctx, "accounts.settings.title"); settings != title {
		out = append(out, ui.Crumb{Label: settings, URL: settingsPath})
	}
	return append(out, ui.Crumb{Label: title})
}

func (p *Pages) settings(r *web.Request) error {
	return r.Page(web.Page{Title: r.T("accounts.settings.title"), Content: settingsPage(p.Tabs(r), i18n.Lang(r.Ctx()), elsewhere(r))})
}

// updateSettings keeps the language, for pages and letters.
func (p *Pages) updateSettings(r *web.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	lang := f.Text("lang")
	if err := p.store.SaveLanguage(r.Ctx(), r.Viewer, lang); err != nil {
		return err
	}
	r.SpeakLanguage(lang)
	return r.Done(settingsPath, "accounts.saved")
}

// securityView is the security page.
type securityView struct {
	Account    Account
	Keys       bool // passkeys are possible here
	MustSecure bool
	Login      string
	Passkeys   []Passkey
	Recovery   int // codes left
	Sessions   []web.Session
	Current    id.ID // this session
	Good       []Entry
	Failed     []Entry
	Msgs       map[string]string
}

func (p *Pages) security(r *web.Request) error { return p.securityPage(r, 0, nil) }

// shownEntries is how many sign-ins the page lists.
const shownEntries = 10

func (p *Pages) securityPage(r *web.Request, status int, msgs map[string]string) error {
	v := securityView{Keys: p.offersKeys(r), MustSecure: r.Identity.MustSecure, Login: r.Identity.Login, Current: r.Session.ID, Msgs: msgs}
	for _, read := range []func() error{
		func() (err error) { v.Account, err = p.store.ByID(r.Ctx(), r.Viewer.Account); return },
		func() (err error) { v.Passkeys, err = p.store.Passkeys(r.Ctx(), r.Viewer.Account); return },
		func() (err error) { v.Recovery, err = p.store.RecoveryLeft(r.Ctx(), r.Viewer); return },
		func() (err error) { v.Sessions, err = p.sessions.ByAccount(r.Ctx(), r.Viewer.Account); return },
		func() (err error) { v.Good, v.Failed, err = p.store.Entries(r.Ctx(), r.Viewer, shownEntries); return },
	} {
		if err := read(); err != nil {
			return err
		}
	}
	return r.Page(web.Page{Status: status, Title: r.T("accounts.security.title"), Help: "double-verification", Content: securityPage(p.Tabs(r), v)})
}

func (p *Pages) updatePassword(r *web.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	// A session left open must not be a place to guess the password.
	if err := p.doors.step.Take("password " + r.Viewer.Account.String()); err != nil {
		return p.refusedPassword(r, limited())
	}
	if err := p.store.ChangePassword(r.Ctx(), r.Viewer, f.Raw("present"), f.Raw("password"), r.Session.ID); err != nil {
		return p.refusedPassword(r, err)
	}
	p.doors.step.Forget("password " + r.Viewer.Account.String())
	return r.Done(SecurePath, "accounts.password_changed")
}

func (p *Pages) refusedPassword(r *web.Request, err error) error {
	if msgs, ok := r.Refused(err); ok {
		return p.securityPage(r, web.Status(err), msgs)
	}
	return err
}

func (p *Pages) updateNotice(r *web.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	if err := p.store.SaveNotice(r.Ctx(), r.Viewer, f.Checked("notice")); err != nil {
		return err
	}
	return r.Done(SecurePath, "accounts.saved")
}

func (p *Pages) removeSession(r *web.Request) error {
	session, err := r.ID("id")
	if err != nil {
		return err
	}
	if err := p.sessions.Revoke(r.Ctx(), r.Viewer.Account, session); err != nil {
		return err
	}
	return r.Done(SecurePath, "accounts.session_closed")
}

func (p *Pages) removeSessions(r *web.Request) error {
	if err := p.sessions.RevokeOthers(r.Ctx(), r.Viewer.Account, r.Session.ID); err != nil {
		return err
	}
	return r.Done(SecurePath, "accounts.sessions_closed")
}

// codesView is the page that sets codes up.
type codesView struct {
	On     bool
	Drawn  string // the QR code as the path of an SVG
	Size   int    // its side in modules
	Secret string // in groups of four, for typing
	URL    string // opens the application on this device
	Msgs   map[string]string
}

func (p *Pages) showCodes(r *web.Request) error { return p.codesPage(r, 0, nil) }

func (p *Pages) codesPage(r *web.Request, status int, msgs map[string]string) error {
	v := codesView{Msgs: msgs}
	a, err := p.store.ByID(r.Ctx(), r.Viewer.Account)
	if err != nil {
		return err
	}
	v.On = a.HasCodes
	address, secret, err := p.store.PendingCodes(r.Ctx(), r.Viewer, p.o.Site, codesName(r))
	switch {
	case err == nil:
		v.URL, v.Secret = address, grouped(secret)
		if v.Drawn, v.Size, err = drawQR(address); err != nil {
			return err
		}
	case errs.KindOf(err) != errs.NotFound:
		return err
	}
	return r.Page(web.Page{Status: status, Title: r.T("accounts.codes.title"), Help: "double-verification", Content: codesPage(p.Tabs(r), v)})
}

// grouped writes a secret for typing.
func grouped(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if i > 0 && i%4 == 0 {
			b.WriteByte(' ')
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// drawQR is a QR code as the path of an SVG whose unit is a module, with the quiet zone of four (ISO/IEC 18004 §5.3.8).
func drawQR(text string) (path string, size int, err error) {
	const quiet = 4
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return "", 0, errs.E("accounts.drawQR", errs.Internal, err)
	}
	side := code.Bounds().Dx()
	var b strings.Builder
	for y := range side {
		for x := 0; x < side; x++ {
			from := x
			for x < side {
				if shade, _, _, _ := code.At(x, y).RGBA(); shade != 0 {
					break
				}
				x++
			}
			if x > from {
				n := strconv.Itoa(x - from)
				b.WriteString("M" + strconv.Itoa(from+quiet) + " " + strconv.Itoa(y+quiet) + "h" + n + "v1h-" + n + "z")
			}
		}
	}
	return b.String(), side + 2*quiet, nil
}

func (p *Pages) startCodes(r *web.Request) error {
	if _, _, err := p.store.StartCodes(r.Ctx(), r.Viewer, p.o.Site, codesName(r)); err != nil {
		return err
	}
	return r.Redirect(SecurePath + "/codes")
}

// createCodes turns codes on with a first one.
func (p *Pages) createCodes(r *web.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	if err := p.doors.step.Take(r.Viewer.Account.String()); err != nil {
		return err
	}
	recovery, err := p.store.ConfirmCodes(r.Ctx(), r.Viewer, f.Text("code"), r.Session.ID)
	if err != nil {
		if msgs, ok := r.Refused(err); ok {
			return p.codesPage(r, web.Status(err), msgs)
		}
		return err
	}
	p.doors.step.Forget(r.Viewer.Account.String())
	if err := p.sessions.Strengthen(r.Ctx(), r.Session.ID); err != nil {
		return err
	}
	if len(recovery) == 0 {
		return r.Done(SecurePath, "accounts.codes_on")
	}
	return p.recoveryPage(r, recovery)
}

func (p *Pages) removeCodes(r *web.Request) error {
	if err := p.store.StopCodes(r.Ctx(), r.Viewer); err != nil {
		return err
	}
	return r.Done(SecurePath, "accounts.codes_off")
}

// createRecovery shows new recovery codes this once: the database does not know them.
func (p *Pages) createRecovery(r *web.Request) error {
	codes, err := p.store.RenewRecovery(r.Ctx(), r.Viewer)
	if err != nil {
		if msgs, ok := r.Refused(err); ok {
			return p.securityPage(r, web.Status(err), msgs)
		}
		return err
	}
	return p.recoveryPage(r, codes)
}

func (p *Pages) recoveryPage(r *web.Request, codes []string) error {
	return r.Page(web.Page{Title: r.T("accounts.recovery.title"), Help: "double-verification", Content: recoveryCodesPage(p.Tabs(r), codes)})
}

// codesName is what an application for codes shows of the account: recruiters have no login.
func codesName(r *web.Request) string { return cmp.Or(r.Identity.Login, r.Identity.Name) }
