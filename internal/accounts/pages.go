package accounts

import (
	"errors"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"amicale/internal/clock"
	"amicale/internal/errs"
	"amicale/internal/jobs"
	"amicale/internal/viewer"
	"amicale/internal/web"
)

// SecurePath is where staff get the second factor they need; see web.Site.
const SecurePath = settingsPath + "/securite"

const (
	signInPath   = "/connexion"
	settingsPath = "/moi/parametres"
	accessPath   = "/admin/acces"
)

// Tab is a further page of the settings; its label is a message key.
type Tab struct {
	Key, URL string
	Network  bool // of students and graduates only
}

// PageOptions are what the pages need to know of the site.
type PageOptions struct {
	Origin string // the canonical address: passkeys belong to its host
	Site   string // the federation's name, as authenticators show it
	Now    clock.Clock
	// Tabs are the settings pages of other features, after this one's own.
	Tabs []Tab
}

// Pages are the screens of signing in, of a person's own settings, and of the staff's accesses.
type Pages struct {
	store    *Store
	sessions *web.Sessions
	queue    *jobs.Queue
	o        PageOptions
	doors    doors
	passkeys *webauthn.WebAuthn // nil where browsers know none
	keyHost  string
}

// NewPages makes the screens. It fails when the site's address is none.
func NewPages(s *Store, sessions *web.Sessions, q *jobs.Queue, o PageOptions) (*Pages, error) {
	p := &Pages{store: s, sessions: sessions, queue: q, o: o, doors: newDoors(o.Now)}
	u, err := url.Parse(o.Origin)
	if err == nil && u.Hostname() == "" {
		err = errors.New("an address without a host")
	}
	if err == nil {
		p.passkeys, p.keyHost, err = passkeysAt(*u, o.Site)
	}
	if err != nil {
		return nil, errs.E("accounts.NewPages "+o.Origin, errs.Invalid, err)
	}
	return p, nil
}

// passkeysAt makes the ceremonies of a site, and says on which host browsers take part: a name reached over https, or
// localhost (WebAuthn §5.1.2). A loopback address stands for localhost, where the same site answers.
func passkeysAt(u url.URL, site string) (*webauthn.WebAuthn, string, error) {
	host := u.Hostname()
	if a, err := netip.ParseAddr(host); err == nil {
		if !a.IsLoopback() {
			return nil, "", nil
		}
		host = "localhost"
		if port := u.Port(); port != "" {
			u.Host = net.JoinHostPort(host, port)
		} else {
			u.Host = host
		}
	}
	if u.Scheme != "https" && host != "localhost" {
		return nil, "", nil
	}
	w, err := webauthn.New(&webauthn.Config{RPID: host, RPDisplayName: site, RPOrigins: []string{u.String()}, AttestationPreference: protocol.PreferNoAttestation})
	return w, host, err
}

// offersKeys reports whether the visitor's browser can use passkeys here: they belong to one host.
func (p *Pages) offersKeys(r *web.Request) bool {
	u := url.URL{Host: r.Host}
	return p.passkeys != nil && strings.EqualFold(u.Hostname(), p.keyHost)
}

// Routes are all addresses of this feature.
func (p *Pages) Routes() []web.Route {
	return slices.Concat(p.doorRoutes(), p.keyRoutes(), p.settingsRoutes(), p.accessRoutes())
}

// keyRoutes are what the script of passkeys talks to; they answer nowhere else than where passkeys are offered.
func (p *Pages) keyRoutes() []web.Route {
	offered := func(h web.Handle) web.Handle {
		return func(r *web.Request) error {
			if !p.offersKeys(r) {
				return errs.E("accounts.passkeys", errs.NotFound, nil)
			}
			return h(r)
		}
	}
	return []web.Route{
		{Pattern: "POST /connexion/verification/cle/debut", Handler: web.Public(offered(p.beginStepKey))},
		{Pattern: "POST /connexion/verification/cle", Handler: web.Public(offered(p.finishStepKey))},
		{Pattern: "POST /connexion/cle/debut", Handler: web.Public(offered(p.beginKey))},
		{Pattern: "POST /connexion/cle", Handler: web.Public(offered(p.finishKey))},
		{Pattern: "POST /moi/parametres/securite/cles/debut", Handler: web.SignedIn(offered(p.beginNewKey))},
		{Pattern: "POST /moi/parametres/securite/cles", Handler: web.SignedIn(offered(p.createKey))},
	}
}

func (p *Pages) doorRoutes() []web.Route {
	return []web.Route{
		{Pattern: "GET /connexion", Handler: web.Public(p.new)},
		{Pattern: "POST /connexion", Handler: web.Public(p.create)},
		{Pattern: "GET /connexion/lien", Handler: web.Public(p.newLink)},
		{Pattern: "POST /connexion/lien", Handler: web.Public(p.createLink)},
		{Pattern: "GET /connexion/lien/{token}", Handler: web.Public(p.showLink)},
		{Pattern: "POST /connexion/lien/{token}", Handler: web.Public(p.useLink)},
		{Pattern: "GET /connexion/oubli", Handler: web.Public(p.newReset)},
		{Pattern: "POST /connexion/oubli", Handler: web.Public(p.createReset)},
		{Pattern: "GET /connexion/mot-de-passe/{token}", Handler: web.Public(p.editPassword)},
		{Pattern: "POST /connexion/mot-de-passe/{token}", Handler: web.Public(p.choosePassword)},
		{Pattern: "GET /connexion/verification", Handler: web.Public(p.newStep)},
		{Pattern: "POST /connexion/verification", Handler: web.Public(p.createStep)},
		{Pattern: "GET /deconnexion", Handler: web.Public(p.leave)},
		{Pattern: "POST /deconnexion", Handler: web.Public(p.remove)},
	}
}

func (p *Pages) settingsRoutes() []web.Route {
	return []web.Route{
		{Pattern: "GET /moi/parametres", Handler: web.SignedIn(p.settings)},
		{Pattern: "POST /moi/parametres", Handler: web.SignedIn(p.updateSettings)},
		{Pattern: "GET /moi/parametres/securite", Handler: web.SignedIn(p.security)},
		{Pattern: "POST /moi/parametres/securite/mot-de-passe", Handler: web.SignedIn(p.updatePassword)},
		{Pattern: "POST /moi/parametres/securite/avis", Handler: web.SignedIn(p.updateNotice)},
		{Pattern: "POST /moi/parametres/securite/sessions/fermer", Handler: web.SignedIn(p.removeSessions)},
		{Pattern: "POST /moi/parametres/securite/sessions/{id}/fermer", Handler: web.SignedIn(p.removeSession)},
		{Pattern: "GET /moi/parametres/securite/codes", Handler: web.SignedIn(p.showCodes)},
		{Pattern: "POST /moi/parametres/securite/codes/debut", Handler: web.SignedIn(p.startCodes)},
		{Pattern: "POST /moi/parametres/securite/codes", Handler: web.SignedIn(p.createCodes)},
		{Pattern: "POST /moi/parametres/securite/codes/arret", Handler: web.SignedIn(p.removeCodes)},
		{Pattern: "POST /moi/parametres/securite/secours", Handler: web.SignedIn(p.createRecovery)},
		{Pattern: "POST /moi/parametres/securite/cles/{id}", Handler: web.SignedIn(p.renameKey)},
		{Pattern: "POST /moi/parametres/securite/cles/{id}/retirer", Handler: web.SignedIn(p.removeKey)},
	}
}

func (p *Pages) accessRoutes() []web.Route {
	staff := func(h web.Handle) web.Handler { return web.Staff(h, viewer.Webmaster) }
	return []web.Route{
		{Pattern: "GET /admin/acces", Handler: staff(p.listAccesses)},
		{Pattern: "POST /admin/acces/roles", Handler: staff(p.grant)},
		{Pattern: "POST /admin/acces/comptes", Handler: web.Staff(p.createStaff, viewer.FederationAdmin)},
		{Pattern: "GET /admin/acces/{account}", Handler: staff(p.showAccess)},
		{Pattern: "POST /admin/acces/{account}/roles/retirer", Handler: staff(p.revoke)},
		{Pattern: "POST /admin/acces/{account}/second-facteur", Handler: staff(p.resetFactors)},
		{Pattern: "POST /admin/acces/{account}/lien", Handler: staff(p.sendReset)},
		{Pattern: "POST /admin/acces/{account}/fermer", Handler: staff(p.closeAccount)},
		{Pattern: "POST /admin/acces/{account}/ouvrir", Handler: staff(p.openAccount)},
	}
}

// homeOf is where somebody lands who asked for nothing in particular.
func homeOf(k Kind) string {
	switch k {
	case OfNetwork:
		return "/moi"
	case OfStaff:
		return "/admin"
	}
	return "/"
}

// next is where the visitor wanted to go, "" when nowhere in particular; never off the site, nor back to the door.
func next(path string) string {
	path = web.LocalPath(path, "")
	if path == signInPath || strings.HasPrefix(path, signInPath+"/") || strings.HasPrefix(path, signInPath+"?") || strings.HasPrefix(path, "/deconnexion") {
		return ""
	}
	return path
}

// roleKey is the message of a role's name.
func roleKey(role viewer.RoleName) string { return "accounts.role." + string(role) }
