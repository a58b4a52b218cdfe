package app

import (
	"context"
	"fmt"
	"strings"

	"amicale/internal/id"
	"amicale/internal/newsletters"
	"amicale/internal/newsletters/compose"
	"amicale/internal/viewer"
)

// StartCampaign starts a letter of some 7 kB with two links from the first association to everybody whom it reaches,
// for a measurement, and says how many they are.
func (a *App) StartCampaign(ctx context.Context) (int, error) {
	all, err := a.people.Associations(ctx)
	if err != nil || len(all) == 0 {
		return 0, fmt.Errorf("app.StartCampaign: no association: %w", err)
	}
	by := viewer.Actor{Viewer: viewer.Viewer{Kind: viewer.Staff, Account: id.New(), Roles: []viewer.Role{{Name: viewer.FederationAdmin}}}, Name: "measurement"}
	body := "Bonjour {{prenom}} {{nom}}, promo {{promo}}.\n\n" + strings.Repeat("Des nouvelles de tout le monde, et ce que l’association prépare pour l’année qui vient.\n\n", 12) +
		"[Le gala](https://exemple.fr/gala) et [l’emploi](https://exemple.fr/emploi)."
	words := compose.Written{Subject: "{{prenom}}, les nouvelles", Preheader: "Ce mois-ci", Body: body}
	c := newsletters.Campaign{SenderID: all[0].ID, Kind: newsletters.News, Title: "Measurement", Versions: map[string]compose.Written{"fr": words, "en": words}}
	made, err := a.newsletters.Create(ctx, by, c)
	if err != nil {
		return 0, fmt.Errorf("app.StartCampaign: %w", err)
	}
	if c, err = a.newsletters.ByID(ctx, by.Viewer, made); err != nil {
		return 0, err
	}
	n, err := a.newsletters.Segments.Count(ctx, by.Viewer, c.Ask())
	if err != nil {
		return 0, err
	}
	return n.Reached, a.newsletters.Start(ctx, by, made, n.Reached)
}
