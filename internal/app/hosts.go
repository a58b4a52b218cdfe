package app

import (
	"net/url"
	"strings"

	"amicale/internal/people"
	"amicale/internal/web"
)

// hosted is the association whose own host was asked for.
func hosted(r *web.Request, all people.Associations) (people.Association, bool) {
	host, _, _ := strings.Cut(r.Host, ":")
	for _, one := range all {
		if strings.EqualFold(one.Host, host) {
			return one, true
		}
	}
	return people.Association{}, false
}

// elsewhere is where a request to an association's own host is answered instead: only its public page stands there,
// with what the page is made of. Accounts, cookies and passkeys belong to the one canonical address. "" is here.
func (a *App) elsewhere(r *web.Request) (string, error) {
	u, err := url.Parse(a.o.URL)
	if err != nil || strings.EqualFold(u.Host, r.Host) || atAssociation(r.URL.Path) {
		return "", err
	}
	all, err := a.people.Associations(r.Ctx())
	if err != nil {
		return "", err
	}
	if one, ok := hosted(r, all); !ok || strings.EqualFold(one.Host, u.Hostname()) {
		return "", nil
	}
	return a.o.URL + r.URL.RequestURI(), nil
}

// atAssociation are the paths answered on every host.
func atAssociation(path string) bool {
	switch path {
	case "/", "/langue", "/couleurs.css", "/healthz", "/readyz", "/metrics":
		return true
	}
	return strings.HasPrefix(path, "/association/") && strings.HasSuffix(path, "/logo")
}
