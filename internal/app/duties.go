package app

import (
	"context"
	"errors"
	"math"
	"time"

	"amicale/internal/audit"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

// The duties of every feature that keeps something about persons (DESIGN, rule 5): to give it out, to forget it, to
// make it over to one person of two. A test holds these lists against the tables that have a person's column.

func (a *App) exporters() []people.Exporter {
	acc, _, _ := a.accounts.Parts()
	return []people.Exporter{acc, a.activation.Exporter(), a.desk.Exporter(), a.imports.Exporter(), a.profiles.Exporter(),
		a.subscriptions.Exporter(), a.forwarding.Exporter(), a.submission.Exporter(), a.bounces.Exporter(), a.newsletters.Exporter(), a.ambassadors.Exporter(), a.trailExporter(), a.groundExporter()}
}

func (a *App) erasers() []people.Eraser {
	_, acc, _ := a.accounts.Parts()
	// The trail and the mail lose what names the person before the account that they name him by is gone.
	return []people.Eraser{a.groundEraser(), acc, a.activation.Eraser(), a.desk.Eraser(), a.imports.Eraser(), a.profiles.Eraser(),
		a.subscriptions.Eraser(), a.forwarding.Eraser(), a.submission.Eraser(), a.bounces.Eraser(), a.newsletters.Eraser(), a.ambassadors.Eraser()}
}

func (a *App) mergers() []people.Merger {
	_, _, acc := a.accounts.Parts()
	return []people.Merger{acc, a.activation.Merger(), a.desk.Merger(), a.imports.Merger(), a.profiles.Merger(),
		a.subscriptions.Merger(), a.forwarding.Merger(), a.submission.Merger(), a.bounces.Merger(), a.newsletters.Merger(), a.ambassadors.Merger(), a.groundMerger()}
}

// merge makes two persons one, with all that every feature holds of them.
func (a *App) merge(ctx context.Context, v viewer.Viewer, from, into id.ID) error {
	_, err := a.people.Merge(ctx, v, from, into, a.mergers()...)
	return err
}

// The trail and the mail are no features, but know persons too.

// trailExporter gives who saw or changed the person's data, as "Qui a consulté mes coordonnées" shows it: without the
// details, which may name others.
func (a *App) trailExporter() people.Exporter {
	type entry struct {
		At     time.Time `json:"at"`
		Actor  string    `json:"actor"`
		Action string    `json:"action"`
	}
	return people.Exporter{Name: "trail", Export: func(ctx context.Context, _ viewer.Viewer, person id.ID) (any, error) {
		list, err := a.trail.ForPerson(ctx, viewer.ForSystem("download my data"), viewer.Subject{Person: person}, audit.Page{Size: math.MaxInt32})
		if err != nil || list.Total == 0 {
			return nil, err
		}
		out := make([]entry, len(list.Rows))
		for i, r := range list.Rows {
			out[i] = entry{r.At, r.Actor, r.Action}
		}
		return out, nil
	}}
}

func (a *App) groundExporter() people.Exporter {
	return people.Exporter{Name: "letters", Export: func(ctx context.Context, _ viewer.Viewer, person id.ID) (any, error) {
		return a.outbox.ForPerson(ctx, viewer.ForSystem("download my data"), person)
	}}
}

func (a *App) groundEraser() people.Eraser {
	return people.Eraser{Name: "trail and letters", Erase: func(ctx context.Context, _ viewer.Viewer, person id.ID) error {
		acc, err := a.accounts.ByPerson(ctx, person) // zero for somebody who never opened one
		if err != nil && !errors.Is(err, errs.NotFound) {
			return err
		}
		if err := a.trail.Erase(ctx, person, acc.ID); err != nil {
			return err
		}
		return a.outbox.Erase(ctx, person)
	}}
}

func (a *App) groundMerger() people.Merger {
	return people.Merger{Name: "trail and letters", Merge: func(ctx context.Context, _ viewer.Viewer, from, into id.ID) error {
		if err := a.trail.Merge(ctx, from, into); err != nil {
			return err
		}
		return a.outbox.Merge(ctx, from, into)
	}}
}
