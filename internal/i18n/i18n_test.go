package i18n_test

import (
	"context"
	"testing"
	"testing/fstest"
	"time"

	"amicale/internal/i18n"
)

func bundle(t *testing.T) *i18n.Bundle {
	t.Helper()
	b, err := i18n.Load(fstest.MapFS{
		"messages.fr.toml": {Data: []byte("\"x.hi\" = \"Bonjour\"\n\"x.name\" = \"Bonjour {{.Name}}\"\n[\"x.results\"]\none = \"{{.Count}} personne\"\nother = \"{{.Count}} personnes\"\n")},
		"messages.en.toml": {Data: []byte("\"x.hi\" = \"Hello\"\n\"x.name\" = \"Hello {{.Name}}\"\n[\"x.results\"]\none = \"{{.Count}} person\"\nother = \"{{.Count}} people\"\n")},
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestT(t *testing.T) {
	t.Parallel()
	b := bundle(t)
	fr, en := b.With(context.Background(), "fr"), b.With(context.Background(), "en")
	for _, c := range []struct{ got, want string }{
		{i18n.T(fr, "x.hi"), "Bonjour"},
		{i18n.T(en, "x.hi"), "Hello"},
		{i18n.T(en, "x.name", i18n.Data{"Name": "<b>"}), "Hello <b>"},
		{i18n.N(fr, "x.results", 0), "0 personne"},
		{i18n.N(en, "x.results", 0), "0 people"},
		{i18n.N(fr, "x.results", 80000), "80\u202f000 personnes"},
		{i18n.T(fr, "x.none"), "x.none"},
		{i18n.Date(fr, time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)), "1er mai 2026"},
		{i18n.DateTime(en, time.Date(2026, 5, 1, 12, 5, 0, 0, time.UTC)), "1 May 2026 at\u00a014:05"},
		{i18n.Number(en, -1234567), "-1,234,567"},
		{i18n.Match("en-GB,en;q=0.9,fr;q=0.5"), "en"},
		{i18n.Match("de"), "fr"},
		{i18n.Match(""), "fr"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestLoadRefusesTheSameKeyTwice(t *testing.T) {
	t.Parallel()
	one := fstest.MapFS{"messages.fr.toml": {Data: []byte("\"x.hi\" = \"a\"")}, "messages.en.toml": {Data: []byte("\"x.hi\" = \"a\"")}}
	if _, err := i18n.Load(one, one); err == nil {
		t.Error("Load() accepted a key that stands twice")
	}
}
