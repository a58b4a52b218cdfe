package imports

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/imports/lists"
	"amicale/internal/jobs"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

// runJob does what was asked of an uploaded file.
const runJob = "imports.run"

type runPayload struct {
	Import id.ID `json:"import"`
}

// Upload is a file for the back office.
type Upload struct {
	Name        string
	Size        int64
	File        io.ReaderAt
	Association id.ID // of rows that name no school; zero if each does
	Actor       string
}

// Upload keeps a file that can be read, as a draft. One that cannot is an Invalid error with the reason in words.
func (s *Store) Upload(ctx context.Context, v viewer.Viewer, u Upload) (Import, error) {
	if !v.Has(viewer.Webmaster) || !u.Association.IsZero() && !v.HasAt(u.Association, viewer.Webmaster) {
		return Import{}, errs.E("imports.Upload", errs.Forbidden, nil)
	}
	i := Import{ID: id.New(), FileName: u.Name, FileSize: u.Size, AssociationID: u.Association, State: Draft, AccountID: v.Account, Actor: u.Actor, CreatedAt: s.now()}
	i.FileKey = "imports/" + i.ID.String() + "/file"
	var err error
	if i.Preview, err = preview(u.Name, u.File, u.Size, nil, false); err != nil {
		return Import{}, err
	}
	if err := s.files.Put(ctx, i.FileKey, io.NewSectionReader(u.File, 0, u.Size), u.Size, "application/octet-stream"); err != nil {
		return Import{}, errs.Wrap("imports.Upload", err)
	}
	if err := s.insertImport(ctx, i); err != nil {
		return Import{}, errs.Wrap("imports.Upload", errors.Join(err, s.files.Delete(ctx, i.FileKey)))
	}
	return i, nil
}

// preview reads how a file would be read. Unless it is strict, a file whose columns say nothing is no error: the
// importer will say which is which.
func preview(name string, f io.ReaderAt, size int64, overrides []lists.Override, strict bool) (Preview, error) {
	t, err := lists.Open(name, f, size)
	if err != nil {
		return Preview{}, err
	}
	defer t.Close()
	m, err := lists.MapColumns(t, overrides)
	if m == nil {
		return Preview{}, err
	}
	p, failed := previewOf(t, m)
	if failed != nil {
		return p, failed
	}
	if why, ok := isReason(err); ok && why.Key == "file_no_columns" && !strict {
		return p, nil
	}
	return p, err
}

// spool copies a kept file to where it can be read at any place. done removes the copy.
func (s *Store) spool(ctx context.Context, key string) (f *os.File, size int64, done func(), err error) {
	from, _, err := s.files.Open(ctx, key)
	if err != nil {
		return nil, 0, nil, err
	}
	defer from.Close()
	f, err = os.CreateTemp("", "amicale-import-*")
	if err != nil {
		return nil, 0, nil, err
	}
	done = func() {
		_ = f.Close()           // only read from here on
		_ = os.Remove(f.Name()) // what stays is swept with the folder of temporary files
	}
	if size, err = io.Copy(f, from); err != nil {
		done()
		return nil, 0, nil, err
	}
	return f, size, done, nil
}

// draft is an import that waits for its importer: not under way, and its file still there.
func (s *Store) draft(ctx context.Context, v viewer.Viewer, which id.ID) (Import, error) {
	i, err := s.Import(ctx, v, which)
	switch {
	case err != nil:
		return i, err
	case i.State.Active():
		return i, errs.New(errs.Conflict, "imports.active")
	case i.FileKey == "":
		return i, errs.New(errs.Conflict, "imports.file_gone")
	}
	return i, nil
}

// Prepare keeps what the importer says of the columns, in their order, and of the school.
func (s *Store) Prepare(ctx context.Context, v viewer.Viewer, which, association id.ID, picked []string) (Import, error) {
	i, err := s.draft(ctx, v, which)
	if err != nil {
		return i, err
	}
	if !association.IsZero() && !v.HasAt(association, viewer.Webmaster) {
		return i, errs.E("imports.Prepare", errs.Forbidden, nil)
	}
	overrides, err := i.Preview.chosen(picked, i.Mapping)
	if err != nil {
		return i, err
	}
	f, size, done, err := s.spool(ctx, i.FileKey)
	if err != nil {
		return i, errs.Wrap("imports.Prepare", err)
	}
	defer done()
	read, err := preview(i.FileName, f, size, overrides, true)
	if err != nil {
		return i, err
	}
	i.Mapping, i.Preview, i.AssociationID = overrides, read, association
	return i, s.savePreview(ctx, i)
}

// Start asks for a run, or a dry one, which begins as soon as it is its turn. What the importer may do at this moment
// is what the run may do.
func (s *Store) Start(ctx context.Context, v viewer.Viewer, which id.ID, dry bool) error {
	i, err := s.draft(ctx, v, which)
	if err != nil {
		return err
	}
	return errs.Wrap("imports.Start", s.db.Tx(ctx, func(ctx context.Context) error {
		if err := s.queueImport(ctx, i.ID, dry, v.Roles); err != nil {
			return err
		}
		return s.queue.Add(ctx, runJob, runPayload{i.ID}, jobs.Options{UniqueKey: i.ID.String()})
	}))
}

// Discard removes a draft, or the files of an import that ended; the history keeps what it did.
func (s *Store) Discard(ctx context.Context, v viewer.Viewer, which id.ID) error {
	i, err := s.Import(ctx, v, which)
	if err != nil {
		return err
	}
	if i.State.Active() {
		return errs.New(errs.Conflict, "imports.active")
	}
	return s.discard(ctx, i)
}

func (s *Store) discard(ctx context.Context, i Import) error {
	err := s.db.Tx(ctx, func(ctx context.Context) error {
		if i.State == Draft {
			return s.deleteImport(ctx, i.ID)
		}
		return s.forgetFiles(ctx, i.ID)
	})
	for _, key := range []string{i.FileKey, i.RejectsKey} {
		if err == nil && key != "" {
			err = s.files.Delete(ctx, key)
		}
	}
	return errs.Wrap("imports.Discard "+i.ID.String(), err)
}

// Rejects opens what was not taken; the caller closes it.
func (s *Store) Rejects(ctx context.Context, v viewer.Viewer, which id.ID) (name string, size int64, r io.ReadCloser, err error) {
	i, err := s.Import(ctx, v, which)
	if err != nil {
		return "", 0, nil, err
	}
	if i.RejectsKey == "" {
		return "", 0, nil, errs.E("imports.Rejects "+which.String(), errs.NotFound, nil)
	}
	r, info, err := s.files.Open(ctx, i.RejectsKey)
	return rejectsName(i.FileName, i.Preview.Sheet != ""), info.Size, r, err
}

// perform runs an uploaded file. It can be run again at any moment: what it did stays done.
func (s *Store) perform(ctx context.Context, p runPayload) error {
	i, err := s.Import(ctx, viewer.ForSystem("import"), p.Import)
	if errors.Is(err, errs.NotFound) {
		return nil
	}
	if err != nil || !i.State.Active() && i.State != Stopped {
		return err
	}
	schools, err := s.people.Associations(ctx)
	if err != nil {
		return err
	}
	school, _ := schools.ByID(i.AssociationID)
	report, state, problem, err := s.runUpload(ctx, i, school)
	if errors.Is(err, errs.Conflict) {
		return err // another import is running: later
	}
	if ctx.Err() != nil {
		return ctx.Err() // the process stops, another goes on
	}
	if saved := s.concludeUpload(ctx, i.ID, state, report, problem); saved != nil {
		return saved
	}
	return jobs.Permanent(err)
}

// runUpload copies the file to where it can be read, runs it, and keeps what was not taken.
func (s *Store) runUpload(ctx context.Context, i Import, school people.Association) (Report, State, Problem, error) {
	f, size, done, err := s.spool(ctx, i.FileKey)
	if err != nil {
		return i.Report, Failed, Problem{Key: "imports.file_gone"}, err
	}
	defer done()
	rejects, err := os.CreateTemp("", "amicale-rejects-*")
	if err != nil {
		return i.Report, Stopped, Problem{Key: "imports.failed"}, err
	}
	defer os.Remove(rejects.Name())
	defer rejects.Close()
	last := s.now()
	o := Options{Association: school.Code, Overrides: i.Mapping, DryRun: i.DryRun, Rejects: rejects, Lang: "fr", Import: i.ID, Actor: i.Actor}
	if i.DryRun {
		o.Progress = func(p Progress) { // a run notes it with every batch, a dry one writes nothing else
			if now := s.now(); now.Sub(last) >= time.Second {
				last = now
				_ = s.noteTry(ctx, i.ID, p) // only the page's figures
			}
		}
	}
	importer := viewer.Viewer{Kind: viewer.Staff, Account: i.AccountID, Roles: i.roles}
	report, err := s.Run(ctx, importer, Source{Name: i.FileName, R: f, Size: size}, o)
	if err != nil {
		state, problem := outcomeOf(err, report)
		return report, state, problem, err
	}
	if err := s.keepRejects(ctx, i, rejects, report); err != nil {
		return report, Stopped, Problem{Key: "imports.disk_full"}, err
	}
	if i.DryRun {
		return report, Draft, Problem{}, nil
	}
	return report, Done, Problem{}, nil
}

// keepRejects stores the reject file of a run; that of a dry one is in the report.
func (s *Store) keepRejects(ctx context.Context, i Import, f *os.File, r Report) error {
	if i.DryRun {
		return nil
	}
	key := ""
	if r.Rejected > 0 {
		size, err := f.Seek(0, io.SeekEnd)
		if err != nil {
			return err
		}
		key = "imports/" + i.ID.String() + "/rejects"
		if err := s.files.Put(ctx, key, io.NewSectionReader(f, 0, size), size, "application/octet-stream"); err != nil {
			return fmt.Errorf("rejects: %w", err)
		}
	}
	if err := s.settleFiles(ctx, i.ID, key); err != nil {
		return err
	}
	return s.files.Delete(ctx, i.FileKey) // all that is in it is in the base, or among the rejects
}
