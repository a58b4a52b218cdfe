package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/schollz/progressbar/v3"

	"amicale/internal/app"
	"amicale/internal/backup"
	"amicale/internal/blob"
	"amicale/internal/config"
	"amicale/internal/db"
	"amicale/internal/errs"
)

type backupCmd struct {
	config.Settings
	File string `arg:"" help:"Where the backup goes, or - for the standard output. A file of that name is replaced once the new one is whole."`
}

// Run saves everything while the site serves.
func (c *backupCmd) Run(ctx context.Context, out console) error {
	if err := c.Complete(); err != nil {
		return err
	}
	s, err := openExisting(ctx, c.Settings)
	if err != nil {
		return err
	}
	defer s.close()
	if version, err := s.db.SchemaVersion(ctx); err != nil || version == 0 {
		return errors.Join(err, errors.New("the database is empty: there is nothing to save"))
	}
	var saved backup.Manifest
	bar := meter(-1, "saved")
	count := &counter{}
	write := func(w io.Writer) (err error) {
		saved, err = backup.Backup(ctx, s.db, s.blobs, io.MultiWriter(w, count, bar))
		return err
	}
	if c.File == "-" {
		err = write(out)
	} else {
		err = writeWhole(c.File, write)
	}
	_ = bar.Finish() // drawing only
	if err != nil {
		return fullDisk(err, c.File, "Nothing was written there")
	}
	if err := app.NoteBackup(ctx, s.db, count.n); err != nil {
		fmt.Fprintln(os.Stderr, "amicale: the backup is good, but the site could not note that it was made:", err)
	}
	if c.File != "-" {
		out.say("saved %d rows and %d files into %s (%s)", saved.Total(), saved.Blobs, c.File, size(count.n))
	}
	return nil
}

type restoreCmd struct {
	config.Settings
	File string `arg:"" help:"A backup, or - for the standard input."`
}

// Run brings a backup back into an empty installation that nobody serves.
func (c *restoreCmd) Run(ctx context.Context, out console) error {
	if err := c.Complete(); err != nil {
		return err
	}
	in, length, err := input(c.File)
	if err != nil {
		return err
	}
	defer in.Close()
	s, err := openEmpty(ctx, c.Settings)
	if err != nil {
		return err
	}
	defer s.close()
	bar := meter(length, "read")
	back, err := backup.Restore(ctx, s.db, s.blobs, io.TeeReader(in, bar))
	_ = bar.Finish() // drawing only
	switch {
	case errors.Is(err, backup.ErrNotEmpty):
		return fmt.Errorf("%w, for instance with --data NEWFOLDER; nothing was changed", err)
	case errors.Is(err, backup.ErrDamaged):
		return fmt.Errorf("%w; nothing was restored. Try another backup", err)
	case errors.Is(err, backup.ErrNewer):
		return fmt.Errorf("%w; nothing was restored. Install that version first", err)
	case err != nil:
		return fullDisk(err, c.Data, "Nothing was restored")
	}
	if err := app.NoteRestore(ctx, s.db); err != nil {
		return err
	}
	out.say("restored %d rows and %d files; start the site with the same settings: amicale serve", back.Total(), back.Blobs)
	return nil
}

// input is what a backup is read from, and its length; -1 when that is not known.
func input(file string) (io.ReadCloser, int64, error) {
	if file == "-" {
		return os.Stdin, -1, nil
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, 0, fmt.Errorf("the backup cannot be read: %w", err)
	}
	st, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, st.Size(), nil
}

// openEmpty opens an installation to restore into, unmigrated: the backup says which tables it needs.
func openEmpty(ctx context.Context, s config.Settings) (*site, error) {
	if err := os.MkdirAll(s.Data, 0o700); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	d, err := db.Open(ctx, s.Database, db.Options{})
	if err != nil {
		return nil, err
	}
	out := &site{settings: s, db: d, unlock: func() {}}
	unlock, err := d.Lock()
	if err != nil {
		out.close()
		return nil, err
	}
	out.unlock = unlock
	if out.blobs, err = blob.Open(ctx, s.Blobs); err != nil {
		out.close()
		return nil, err
	}
	return out, nil
}

// writeWhole writes a file beside its place and puts it there when it is whole and on the disk: whatever happens in
// between, what stood there before stays, and nothing half-written is left.
func writeWhole(path string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.part")
	if err != nil {
		return err
	}
	err = write(f)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name()) // the cause says more
		return err
	}
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// fullDisk says in plain words that there is no room, where that is the cause.
func fullDisk(err error, where, unharmed string) error {
	said, _ := errs.MessageOf(err)
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, blob.ErrFull) || said.Key == "web.disk_full" {
		return fmt.Errorf("the disk of %s is full. %s; make room and run this again (%w)", where, unharmed, err)
	}
	return err
}

// counter counts what passes.
type counter struct{ n int64 }

func (c *counter) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	return len(p), nil
}

// meter draws on a terminal how many bytes have passed, of how many when that is known; nothing elsewhere.
func meter(length int64, what string) *progressbar.ProgressBar {
	info, err := os.Stderr.Stat()
	visible := err == nil && info.Mode()&os.ModeCharDevice != 0
	return progressbar.NewOptions64(length, progressbar.OptionSetWriter(os.Stderr), progressbar.OptionSetVisibility(visible),
		progressbar.OptionSetDescription(what), progressbar.OptionShowBytes(true), progressbar.OptionClearOnFinish(),
		progressbar.OptionThrottle(100*time.Millisecond))
}

// size is a number of bytes as people say it.
func size(n int64) string {
	value, unit := float64(n), 0
	for value >= 1000 && unit < 4 {
		value, unit = value/1000, unit+1
	}
	digits := 0
	if unit > 0 && value < 10 {
		digits = 1
	}
	return fmt.Sprintf("%.*f %s", digits, value, [...]string{"bytes", "kB", "MB", "GB", "TB"}[unit])
}
