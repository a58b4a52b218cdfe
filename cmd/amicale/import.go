package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"

	"amicale/internal/config"
	"amicale/internal/errs"
	"amicale/internal/i18n"
	"amicale/internal/imports"
	"amicale/internal/imports/lists"
	"amicale/internal/viewer"
)

type importCmd struct {
	config.Settings

	Association string   `help:"Code of the association of rows that name no school, e.g. ly." placeholder:"CODE"`
	DryRun      bool     `help:"Read everything, write nothing, and say what would happen."`
	Map         []string `help:"What a column holds, where its header does not say it: FIELD=COLUMN, the column by header or by number. May be repeated." placeholder:"FIELD=COLUMN" sep:"none"`
	Files       []string `arg:"" name:"file" help:"CSV or XLSX files, one after the other." type:"existingfile"`
}

// Run takes the files into the base. It fails unless every row was taken or stands in a reject file.
func (c *importCmd) Run(ctx context.Context, out console) error {
	if err := c.Complete(); err != nil {
		return err
	}
	var overrides []lists.Override
	for _, m := range c.Map {
		o, err := lists.ParseOverride(m)
		if err != nil {
			return fmt.Errorf("--map %s: %w", m, err)
		}
		overrides = append(overrides, o)
	}
	bundle, err := i18n.Load(imports.Messages)
	if err != nil {
		return err
	}
	s, err := openBuilt(ctx, c.Settings)
	if err != nil {
		return err
	}
	defer s.close()
	for _, path := range c.Files {
		if err := c.file(bundle.With(ctx, "en"), out, s.app.Imports(), path, overrides); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	return nil
}

func (c *importCmd) file(ctx context.Context, out console, store *imports.Store, path string, overrides []lists.Override) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	rejects := &rejectFile{path: rejectsPath(path)}
	o := imports.Options{Association: c.Association, Overrides: overrides, DryRun: c.DryRun, Lang: "fr", Actor: "amicale import"}
	if !c.DryRun {
		o.Rejects = rejects
	}
	bar := newImportBar(filepath.Base(path))
	o.Progress = bar.show
	report, err := store.Run(ctx, viewer.ForSystem("amicale import"), imports.Source{Name: filepath.Base(path), R: f, Size: info.Size()}, o)
	bar.close()
	if kept := rejects.close(); err == nil {
		err = kept
	}
	explain(report)
	if err != nil && report.Rows == 0 {
		return said(ctx, err)
	}
	out.say("%s", summary(filepath.Base(path), report, rejects.written))
	return said(ctx, err)
}

// said is an error in words. It says nothing of contexts: an import that was interrupted has not succeeded.
func said(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if why := (lists.Reason{}); errors.As(err, &why) {
		return errors.New(why.Text("en"))
	}
	if m, ok := errs.MessageOf(err); ok {
		return errors.New(i18n.T(ctx, m.Key, m.Data))
	}
	return fmt.Errorf("%s", err)
}

// summary is the one line on what became of a file.
func summary(name string, r imports.Report, rejects string) string {
	var b strings.Builder
	verbs := [4]string{"added", "updated", "unchanged", "rejected"}
	if fmt.Fprintf(&b, "%s: %d rows", name, r.Rows); r.DryRun {
		b.WriteString(" tried, nothing written")
	}
	for i, n := range []int{r.Inserted, r.Updated, r.Unchanged, r.Rejected} {
		fmt.Fprintf(&b, ", %d %s", n, verbs[i])
	}
	if rejects != "" {
		fmt.Fprintf(&b, " (in %s)", filepath.Base(rejects))
	}
	for _, n := range []struct {
		n    int
		text string
	}{{r.Conflicts, "conflicts on the desk"}, {r.Duplicates, "possible doubles on the desk"}, {r.NoClass, "without a class year on the desk"}, {r.Logins, "logins given"}} {
		if n.n > 0 {
			fmt.Fprintf(&b, ", %d %s", n.n, n.text)
		}
	}
	fmt.Fprintf(&b, ", %s", r.Took.Round(100*time.Millisecond))
	return b.String()
}

// explain says on the error output what the importer should look at.
func explain(r imports.Report) {
	if r.Repaired {
		fmt.Fprintln(os.Stderr, "The header was broken by double encoding and has been repaired.")
	}
	if len(r.Unknown) > 0 {
		fmt.Fprintf(os.Stderr, "Columns kept as a note: %s\n", strings.Join(r.Unknown, "; "))
	}
	for i, w := range r.Warnings {
		if i == 20 {
			fmt.Fprintf(os.Stderr, "… and %d other kinds of warnings\n", len(r.Warnings)-i)
			break
		}
		fmt.Fprintf(os.Stderr, "%d × %s (first in line %d)\n", w.N, lists.Warning{Reason: w.Reason, Column: w.Column}.Text("en"), w.Line)
	}
	if !r.DryRun {
		return
	}
	for _, x := range r.Rejects {
		fmt.Fprintf(os.Stderr, "line %d would be rejected: %s\n", x.Line, x.Reason.Text("en"))
	}
}

// rejectsPath stands beside the input: liste.csv → liste.rejets.csv.
func rejectsPath(path string) string {
	path = strings.TrimSuffix(path, ".gz")
	ext := filepath.Ext(path)
	return strings.TrimSuffix(path, ext) + ".rejets" + ext
}

// rejectFile is written aside and put in place once it is whole. Without rejects there is none.
type rejectFile struct {
	path    string
	temp    *os.File
	written string // where it stands; "" if there is none
}

func (f *rejectFile) Write(p []byte) (int, error) {
	if f.temp == nil {
		temp, err := os.CreateTemp(filepath.Dir(f.path), ".rejets-*")
		if err != nil {
			return 0, fmt.Errorf("the reject file cannot be written beside the input: %w", err)
		}
		f.temp = temp
	}
	return f.temp.Write(p)
}

func (f *rejectFile) close() error {
	if f.temp == nil {
		return nil
	}
	err := errors.Join(f.temp.Chmod(0o600), f.temp.Close())
	if err == nil {
		err = os.Rename(f.temp.Name(), f.path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.temp.Name()))
	}
	f.written = f.path
	return nil
}

// importBar draws how far a file is, on a terminal only.
type importBar struct{ bar *progressbar.ProgressBar }

const barSteps = 1000

func newImportBar(name string) *importBar {
	if info, err := os.Stderr.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return &importBar{}
	}
	return &importBar{progressbar.NewOptions(barSteps, progressbar.OptionSetWriter(io.Writer(os.Stderr)), progressbar.OptionSetDescription(name),
		progressbar.OptionSetPredictTime(true), progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(100*time.Millisecond))}
}

func (b *importBar) show(p imports.Progress) {
	if b.bar == nil {
		return
	}
	words := map[imports.Stage]string{imports.Reading: "rows", imports.Renaming: "rows, again", imports.GivingOut: "logins"}[p.Stage]
	n := p.Rows
	if p.Stage == imports.GivingOut {
		n = p.Logins
	}
	b.bar.Describe(fmt.Sprintf("%d %s", n, words))
	if p.Stage == imports.Reading && p.Part >= 0 {
		_ = b.bar.Set(int(p.Part * (barSteps - 1))) // drawing only; the last step is for the end
	}
}

func (b *importBar) close() {
	if b.bar != nil {
		_ = b.bar.Finish() // drawing only
	}
}
