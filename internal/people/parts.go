package people

import (
	"context"
	"embed"

	"amicale/internal/id"
	"amicale/internal/viewer"
)

// Messages are the texts of this package, for i18n.Load.
//
//go:embed messages.*.toml
var Messages embed.FS

// The three duties of every feature that keeps something about persons. Each is a small value that the feature
// offers and the app collects; Name is the feature's. They run inside the transaction of Store.Export, Erase or
// Merge, after the right was checked and before the rows of this package change.
type (
	// Exporter gives what the feature holds of a person, for "download my data": a value that can be JSON, or nil.
	Exporter struct {
		Name   string
		Export func(ctx context.Context, v viewer.Viewer, person id.ID) (any, error)
	}
	// Eraser removes what the feature holds of a person, or what in it leads to him.
	Eraser struct {
		Name  string
		Erase func(ctx context.Context, v viewer.Viewer, person id.ID) error
	}
	// Merger makes over to one person what the feature holds of his double.
	Merger struct {
		Name  string
		Merge func(ctx context.Context, v viewer.Viewer, from, into id.ID) error
	}
)

// Message is the key of the text people read for it.
func (s Status) Message() string { return "people.status." + string(s) }

// Message is the key of the text people read for it.
func (d Diploma) Message() string { return "people.diploma." + string(d) }

// Message is the key of the text people read for it.
func (p Purpose) Message() string { return "people.purpose." + string(p) }

// Message is the key of the text people read for it.
func (k ContactKind) Message() string { return "people.kind." + string(k) }

// Message is the key of the text people read for it.
func (f Field) Message() string { return "people.field." + string(f) }

// AudienceMessage is the key of the text people read for an audience.
func AudienceMessage(a viewer.Audience) string { return "people.audience." + string(a) }

// CivilityMessage is the key of the text people read for a civility; "" has one too.
func CivilityMessage(civility string) string {
	if civility == "" {
		return "people.civility.none"
	}
	return "people.civility." + civility
}
