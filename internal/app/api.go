package app

import (
	_ "embed"
	"net/http"

	"amicale/internal/web"
)

// openapi describes the API (OpenAPI 3.1). A test holds it against the routes.
//
//go:embed openapi.json
var openapi []byte

func (a *App) apiRoutes() []web.Route {
	return []web.Route{
		{Pattern: "GET /api/v1/openapi.json", Handler: web.Public(a.describe)},
		{Pattern: "GET /api/v1/associations", Handler: web.Public(a.apiAssociations)},
		{Pattern: "GET /api/v1/me", Handler: web.SignedIn(a.apiMe)},
	}
}

func (a *App) describe(r *web.Request) error {
	r.W.Header().Set("Content-Type", "application/json; charset=utf-8")
	r.W.Header().Set("Cache-Control", "public, max-age=3600")
	_, _ = r.W.Write(openapi) // a visitor who left early is no fault of ours
	return nil
}

type apiAssociation struct {
	Code       string `json:"code"`
	Name       string `json:"name"`
	School     string `json:"school"`
	Host       string `json:"host"`
	MailDomain string `json:"mailDomain"`
	Color      string `json:"color"`
}

func (a *App) apiAssociations(r *web.Request) error {
	all, err := a.people.Associations(r.Ctx())
	if err != nil {
		return err
	}
	out := []apiAssociation{}
	for _, x := range all {
		out = append(out, apiAssociation{x.Code, x.Name, x.School, x.Host, x.MailDomain, x.Color})
	}
	return r.JSON(http.StatusOK, map[string]any{"associations": out})
}

type apiRole struct {
	Role        string `json:"role"`
	Association string `json:"association,omitempty"`
}

func (a *App) apiMe(r *web.Request) error {
	all, err := a.people.Associations(r.Ctx())
	if err != nil {
		return err
	}
	roles := []apiRole{}
	for _, x := range r.Viewer.Roles {
		at, _ := all.ByID(x.Association)
		roles = append(roles, apiRole{string(x.Name), at.Code})
	}
	return r.JSON(http.StatusOK, map[string]any{
		"name": r.Identity.Name, "login": r.Identity.Login, "member": r.Viewer.Member, "network": r.Viewer.InNetwork(), "roles": roles,
	})
}
