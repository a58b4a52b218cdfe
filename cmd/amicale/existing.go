package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"amicale/internal/blob"
	"amicale/internal/config"
	"amicale/internal/db"
)

// openExisting opens the database and files of an installation beside whoever serves it, without migrating: a
// command must not change the tables under a running server of another version.
func openExisting(ctx context.Context, s config.Settings) (*site, error) {
	if path, ok := strings.CutPrefix(s.Database, "sqlite:"); ok {
		if _, err := os.Stat(path); os.IsNotExist(err) {
			return nil, fmt.Errorf("there is no database at %s: give --data or --database, or run amicale serve first", path)
		}
	}
	d, err := db.Open(ctx, s.Database, db.Options{})
	if err != nil {
		return nil, err
	}
	files, err := blob.Open(ctx, s.Blobs)
	if err != nil {
		d.Close()
		return nil, err
	}
	return &site{settings: s, db: d, blobs: files, unlock: func() {}}, nil
}

// openBuilt opens an installation that has this program's tables, with all its features, for what is done beside the
// server.
func openBuilt(ctx context.Context, s config.Settings) (*site, error) {
	out, err := openExisting(ctx, s)
	if err != nil {
		return nil, err
	}
	if err = out.current(ctx); err == nil {
		err = out.build(ctx, false, mailOptions(s))
	}
	if err != nil {
		out.close()
		return nil, err
	}
	return out, nil
}

// current makes sure that the database has this program's tables.
func (s *site) current(ctx context.Context) error {
	have, err := s.db.SchemaVersion(ctx)
	if err != nil {
		return err
	}
	want, err := s.db.LatestSchema()
	switch {
	case err != nil:
		return err
	case have == 0:
		return fmt.Errorf("the database is empty: run amicale serve and set the site up first")
	case have < want:
		return fmt.Errorf("the database is of an older version (%d, this program wants %d): start this version's amicale serve once", have, want)
	case have > want:
		return fmt.Errorf("the database is of a newer version (%d, this program knows %d): use the newer program", have, want)
	}
	return nil
}
