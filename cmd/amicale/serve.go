package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"

	"amicale/internal/app"
	"amicale/internal/blob"
	"amicale/internal/clock"
	"amicale/internal/config"
	"amicale/internal/db"
	"amicale/internal/mail"
)

type serveCmd struct {
	config.Settings
}

func (c *serveCmd) Run(ctx context.Context, out console) error {
	if err := c.Complete(); err != nil {
		return err
	}
	s, err := open(ctx, c.Settings, false, listening)
	if err != nil {
		return err
	}
	defer s.close()
	return s.serve(ctx, out, func() error {
		code, err := s.app.SetupCode(ctx)
		if err == nil && code != "" {
			out.say("Nothing is set up yet. Open %s/installation and give this code: %s", c.URL, code)
		}
		return err
	})
}

// site is an opened installation.
type site struct {
	settings config.Settings
	db       *db.DB
	blobs    blob.Store
	app      *app.App
	unlock   func()
}

// openStores opens the database, migrated, and the files.
func openStores(ctx context.Context, s config.Settings) (*site, error) {
	if err := os.MkdirAll(s.Data, 0o700); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	d, err := db.Open(ctx, s.Database, db.Options{})
	if err != nil {
		return nil, err
	}
	if err := d.Migrate(ctx); err != nil {
		d.Close()
		return nil, err
	}
	files, err := blob.Open(ctx, s.Blobs)
	if err != nil {
		d.Close()
		return nil, err
	}
	return &site{settings: s, db: d, blobs: files, unlock: func() {}}, nil
}

// open opens an installation to be served; a second server on the same SQLite file is refused before it listens.
func open(ctx context.Context, s config.Settings, demo bool, listen func(config.Settings) (app.MailOptions, error)) (*site, error) {
	out, err := openStores(ctx, s)
	if err != nil {
		return nil, err
	}
	if out.unlock, err = out.db.Lock(); err != nil {
		out.unlock = func() {}
		out.close()
		return nil, err
	}
	m, err := listen(s)
	if err == nil {
		err = out.build(ctx, demo, m)
	}
	if err != nil {
		out.close()
		return nil, err
	}
	return out, nil
}

func (s *site) build(ctx context.Context, demo bool, m app.MailOptions) error {
	proxies, err := s.settings.Proxies()
	if err != nil {
		return err
	}
	from, err := mail.ParseAddress(s.settings.MailFrom)
	if err != nil {
		return fmt.Errorf("mail-from: %w", err)
	}
	host, err := s.settings.Way()
	if err != nil {
		return err
	}
	s.app, err = app.New(ctx, app.Options{
		DB: s.db, Blobs: s.blobs, Log: s.settings.Logger(os.Stderr), Now: clock.System, URL: s.settings.URL, Proxies: proxies,
		Smarthost: host, MailFrom: from, Mail: m, Demo: demo, Secret: s.settings.Secret,
		Snapshot: filepath.Join(s.settings.Data, "directory.snapshot"), MetricsToken: s.settings.MetricsToken, Version: version,
	})
	return err
}

// serve answers until ctx ends; before says what there is to say before the line that begins with "ready".
func (s *site) serve(ctx context.Context, out console, before func() error) error {
	ln, err := net.Listen("tcp", s.settings.Listen)
	if err != nil {
		return err
	}
	if err := before(); err != nil {
		ln.Close()
		return err
	}
	return s.app.Serve(ctx, ln, func() {
		debug.FreeOSMemory() // what building the index took is not needed again
		out.say("ready %s", s.settings.URL)
	})
}

func (s *site) close() {
	s.db.Close()
	s.unlock()
}
