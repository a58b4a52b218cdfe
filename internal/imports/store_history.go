package imports

import (
	"context"

	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/imports/lists"
	"amicale/internal/viewer"
)

const importColumns = `id, file_name, file_size, file_key, rejects_key, association_id, mapping, preview, dry_run, state, report, problem,
	account_id, actor, roles, created_at, started_at, finished_at`

type importRow struct {
	MappingColumn db.JSON[[]lists.Override] `db:"mapping"`
	PreviewColumn db.JSON[Preview]          `db:"preview"`
	ReportColumn  db.JSON[Report]           `db:"report"`
	ProblemColumn db.JSON[Problem]          `db:"problem"`
	RolesColumn   db.JSON[[]viewer.Role]    `db:"roles"`
	Import
}

func (r importRow) toImport() Import {
	i := r.Import
	i.Mapping, i.Preview, i.Report, i.Problem, i.roles = r.MappingColumn.V, r.PreviewColumn.V, r.ReportColumn.V, r.ProblemColumn.V, r.RolesColumn.V
	return i
}

func (s *Store) insertImport(ctx context.Context, i Import) error {
	_, err := s.db.Exec(ctx, `INSERT INTO imports (`+importColumns+`) VALUES (`+db.In(18)+`)`,
		i.ID, i.FileName, i.FileSize, i.FileKey, i.RejectsKey, i.AssociationID, db.ToJSON(list(i.Mapping)), db.ToJSON(i.Preview), i.DryRun, string(i.State), db.ToJSON(i.Report),
		db.ToJSON(i.Problem), i.AccountID, i.Actor, db.ToJSON(list(i.roles)), i.CreatedAt, i.StartedAt, i.FinishedAt)
	return err
}

// list is never null, which a JSON column could not hold.
func list[T any](v []T) []T {
	if v == nil {
		return []T{}
	}
	return v
}

// record writes the entry of a run that begins; one that came by the back office is there already.
func (r *run) record(ctx context.Context, src Source) error {
	now := r.now()
	if !r.options.Import.IsZero() {
		return r.db.ExecOne(ctx, `UPDATE imports SET state = ?, dry_run = FALSE, started_at = ?, finished_at = NULL, report = ?, problem = ? WHERE id = ?`,
			string(Running), now, db.ToJSON(r.report), db.ToJSON(Problem{}), r.id)
	}
	actor := r.options.Actor
	if actor == "" {
		actor = r.viewer.Reason
	}
	return r.insertImport(ctx, Import{ID: r.id, FileName: src.Name, FileSize: src.Size, AssociationID: r.school.ID, Mapping: r.options.Overrides, State: Running,
		Report: r.report, AccountID: r.viewer.Account, Actor: actor, CreatedAt: now, StartedAt: now})
}

// note writes how far the run is, in the transaction of the batch that brought it there.
func (r *run) note(ctx context.Context, stage Stage, add Counts, line int) error {
	now := r.report
	now.Stage, now.Part = stage, max(0, r.part())
	now.add(add)
	now.Line = max(now.Line, line)
	_, err := r.db.Exec(ctx, `UPDATE imports SET report = ? WHERE id = ?`, db.ToJSON(now), r.id)
	return err
}

func (r *run) conclude(ctx context.Context, state State, p Problem) error {
	_, err := r.db.Exec(ctx, `UPDATE imports SET state = ?, finished_at = ?, report = ?, problem = ? WHERE id = ?`,
		string(state), r.now(), db.ToJSON(r.report), db.ToJSON(p), r.id)
	return err
}

// mine is the condition on the imports that a viewer may see: those he made, and those of his associations.
func mine(v viewer.Viewer) (where string, args []any, err error) {
	own, all := v.Associations(viewer.Webmaster)
	switch {
	case all:
		return `id IS NOT NULL`, nil, nil
	case len(own) == 0:
		return "", nil, errs.E("imports", errs.Forbidden, nil)
	}
	return `(account_id = ? OR association_id IN (` + db.In(len(own)) + `))`, append([]any{v.Account}, db.Args(own)...), nil
}

// Import is one entry of the history; NotFound for those who may not see it.
func (s *Store) Import(ctx context.Context, v viewer.Viewer, which id.ID) (Import, error) {
	where, args, err := mine(v)
	if err != nil {
		return Import{}, err
	}
	r, err := db.One[importRow](ctx, s.db, `SELECT `+importColumns+` FROM imports WHERE id = ? AND `+where, append([]any{which}, args...)...)
	return r.toImport(), errs.Wrap("imports.Import "+which.String(), err)
}

// Imports is a part of the history, the latest first, and how many there are in all.
func (s *Store) Imports(ctx context.Context, v viewer.Viewer, limit, offset int) ([]Import, int, error) {
	where, args, err := mine(v)
	if err != nil {
		return nil, 0, err
	}
	total, err := db.One[int](ctx, s.db, `SELECT count(*) FROM imports WHERE `+where, args...)
	if err != nil {
		return nil, 0, errs.Wrap("imports.Imports", err)
	}
	var out []Import
	err = db.Each(ctx, s.db, `SELECT `+importColumns+` FROM imports WHERE `+where+` ORDER BY created_at DESC, id DESC LIMIT ? OFFSET ?`,
		append(args, limit, offset), func(r *importRow) error {
			out = append(out, r.toImport())
			return nil
		})
	return out, total, errs.Wrap("imports.Imports", err)
}

func (s *Store) savePreview(ctx context.Context, i Import) error {
	err := s.db.ExecOne(ctx, `UPDATE imports SET mapping = ?, preview = ?, association_id = ? WHERE id = ?`,
		db.ToJSON(list(i.Mapping)), db.ToJSON(i.Preview), i.AssociationID, i.ID)
	return errs.Wrap("imports.Prepare", err)
}

// queueImport makes a draft, or a stopped one, wait for its turn; two requests at once start it once.
func (s *Store) queueImport(ctx context.Context, which id.ID, dry bool, roles []viewer.Role) error {
	n, err := s.db.Exec(ctx, `UPDATE imports SET state = ?, dry_run = ?, report = ?, problem = ?, roles = ?, started_at = ?, finished_at = NULL
		WHERE id = ? AND state NOT IN ('queued', 'running', 'done')`,
		string(Queued), dry, db.ToJSON(Report{DryRun: dry}), db.ToJSON(Problem{}), db.ToJSON(list(roles)), s.now(), which)
	if err == nil && n == 0 {
		err = errs.New(errs.Conflict, "imports.active")
	}
	return err
}

func (s *Store) deleteImport(ctx context.Context, which id.ID) error {
	_, err := s.db.Exec(ctx, `DELETE FROM imports WHERE id = ? AND state = 'draft'`, which)
	return err
}

func (s *Store) forgetFiles(ctx context.Context, which id.ID) error {
	_, err := s.db.Exec(ctx, `UPDATE imports SET file_key = '', rejects_key = '' WHERE id = ?`, which)
	return err
}

// settleFiles notes that the file is no longer needed, and where its rejects are.
func (s *Store) settleFiles(ctx context.Context, which id.ID, rejects string) error {
	_, err := s.db.Exec(ctx, `UPDATE imports SET file_key = '', rejects_key = ? WHERE id = ?`, rejects, which)
	return err
}

// noteTry writes how far a dry run is.
func (s *Store) noteTry(ctx context.Context, which id.ID, p Progress) error {
	_, err := s.db.Exec(ctx, `UPDATE imports SET state = ?, report = ? WHERE id = ?`, string(Running), db.ToJSON(Report{Counts: p.Counts, Stage: p.Stage, Part: max(0, p.Part), DryRun: true}), which)
	return err
}

// concludeUpload writes how an uploaded file ended, unless its run has done so.
func (s *Store) concludeUpload(ctx context.Context, which id.ID, state State, r Report, p Problem) error {
	_, err := s.db.Exec(ctx, `UPDATE imports SET state = ?, report = ?, problem = ?, finished_at = ? WHERE id = ? AND state IN ('queued', 'running')`,
		string(state), db.ToJSON(r), db.ToJSON(p), s.now(), which)
	return err
}

// stale are the imports whose files nobody needs any longer: drafts and stopped ones after a week, rejects after a
// month. Lists of people do not lie about.
func (s *Store) stale(ctx context.Context) ([]Import, error) {
	week, month := s.now().AddDate(0, 0, -7), s.now().AddDate(0, 0, -30)
	var out []Import
	err := db.Each(ctx, s.db, `SELECT `+importColumns+` FROM imports
		WHERE (file_key <> '' AND state NOT IN ('queued', 'running') AND COALESCE(finished_at, created_at) < ?) OR (rejects_key <> '' AND finished_at < ?)`,
		[]any{week, month}, func(r *importRow) error {
			out = append(out, r.toImport())
			return nil
		})
	return out, err
}
