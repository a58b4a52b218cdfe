package imports

import (
	"context"
	"errors"
	"time"

	"amicale/internal/audit"
	"amicale/internal/blob"
	"amicale/internal/clock"
	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/geo"
	"amicale/internal/id"
	"amicale/internal/imports/lists"
	"amicale/internal/jobs"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

// Deps is what the store is made of.
type Deps struct {
	DB     *db.DB
	People *people.Store
	Trail  *audit.Trail
	Desk   Desk
	Files  blob.Store  // of uploads; the command line needs none
	Queue  *jobs.Queue // of imports from the back office; the command line needs none
	Now    clock.Clock
}

// Store takes files into the base and keeps the history of imports.
type Store struct {
	db     *db.DB
	people *people.Store
	trail  *audit.Trail
	desk   Desk
	files  blob.Store
	queue  *jobs.Queue
	now    clock.Clock
	batch  int // rows of a transaction
}

// NewStore makes the store.
func NewStore(d Deps) *Store {
	return &Store{db: d.DB, people: d.People, trail: d.Trail, desk: d.Desk, files: d.Files, queue: d.Queue, now: d.Now, batch: batchRows}
}

// system is who writes once the importer's rights on a row were judged: what a list brings was not said by him.
func system() viewer.Viewer { return viewer.ForSystem("import") }

// Run takes a file into the base, a batch of rows a transaction. Whatever ends it, the batches before stand and
// nothing else does; running it again goes on from there, and ends as if it had run once. It is for the webmasters of
// the associations that the rows belong to; a row of another one is rejected. The report is true also beside an error.
func (s *Store) Run(ctx context.Context, v viewer.Viewer, src Source, o Options) (Report, error) {
	began := s.now()
	r, err := s.prepare(ctx, v, src, o)
	if err != nil {
		return Report{DryRun: o.DryRun}, errs.Wrap("imports.Run", err)
	}
	defer r.table.Close()
	if !o.DryRun {
		if err := r.begin(ctx, src); err != nil {
			return r.report, errs.Wrap("imports.Run", errors.Join(err, r.abandon(ctx, err)))
		}
	}
	err = r.all(ctx)
	if err != nil && ctx.Err() != nil {
		err = ctx.Err() // what the database says of being interrupted is many things
	}
	if closing := r.rejects.Close(); err == nil {
		err = closing
	}
	r.report.Took = s.now().Sub(began)
	r.report.sortWarnings()
	if !o.DryRun {
		err = r.end(ctx, err)
	}
	return r.report, errs.Wrap("imports.Run", err)
}

// run is one file on its way in.
type run struct {
	*Store
	viewer   viewer.Viewer
	options  Options
	file     string
	size     int64
	meter    *meter
	school   people.Association // of rows that name none; zero if each does
	schools  people.Associations
	table    *lists.Table
	mapping  *lists.Mapping
	defaults *lists.Defaults
	rejects  *lists.RejectWriter
	id       id.ID
	report   Report
	deferred map[int]id.ID // lines that wait until every login of the file is kept, with their identities
	ghosts   *ghosts       // of a dry run: what would be in the base
	analyzed int           // how many rows are to be new before statistics are taken again
	failures int           // rows in a row that failed for a reason nobody foresaw
}

func (s *Store) prepare(ctx context.Context, v viewer.Viewer, src Source, o Options) (*run, error) {
	schools, err := s.people.Associations(ctx)
	if err != nil {
		return nil, err
	}
	if !v.Has(viewer.Webmaster) {
		return nil, errs.E("imports", errs.Forbidden, nil)
	}
	r := &run{Store: s, viewer: v, options: o, file: src.Name, size: src.Size, meter: &meter{ReaderAt: src.R}, schools: schools,
		id: o.Import, deferred: map[int]id.ID{}, analyzed: batchRows}
	if r.id.IsZero() {
		r.id = id.New()
	}
	if o.Association != "" {
		school, known := schools.ByCode(o.Association)
		if !known {
			return nil, lists.Because("association_unknown", "value", o.Association)
		}
		if !v.HasAt(school.ID, viewer.Webmaster) {
			return nil, errs.E("imports", errs.Forbidden, nil)
		}
		r.school = school
	}
	if o.DryRun {
		r.ghosts = newGhosts()
	}
	return r, r.open(src)
}

// open recognises the file and its columns.
func (r *run) open(src Source) (err error) {
	if r.table, err = lists.Open(src.Name, r.meter, src.Size); err != nil {
		return err
	}
	if r.mapping, err = lists.MapColumns(r.table, r.options.Overrides); err != nil {
		r.table.Close()
		return err
	}
	r.defaults = r.Store.defaults(r.options.Association, r.mapping.Source, r.schools)
	lang := r.options.Lang
	if lang == "" {
		lang = "fr"
	}
	r.rejects = lists.NewRejectWriter(r.options.Rejects, r.table, lang)
	r.report = Report{Import: r.id, DryRun: r.options.DryRun, Encoding: r.table.Encoding, Repaired: r.table.Repaired}
	for _, c := range r.mapping.Unknown() {
		r.report.Unknown = append(r.report.Unknown, c.Header)
	}
	return nil
}

// defaults are what rows fall back on. Identifiers of a list that is one association's are that association's:
// number 12 of one is not number 12 of another.
func (s *Store) defaults(association, software string, schools people.Associations) *lists.Defaults {
	d := &lists.Defaults{Association: association, Today: s.now(), Source: software, Country: func(name string) string {
		code, _ := geo.ParseCountry(name)
		return code
	}}
	switch {
	case association != "" && software != "":
		d.Source = association + "/" + software
	case association != "":
		d.Source = association
	}
	for _, a := range schools {
		d.Associations = append(d.Associations, lists.KnownAssociation{Code: a.Code, Names: []string{a.Name, a.School}})
	}
	return d
}

// all takes the file: every row, then those that waited, then logins for those who have none.
func (r *run) all(ctx context.Context) error {
	if err := r.pass(ctx, Reading, nil); err != nil {
		return err
	}
	if len(r.deferred) > 0 {
		if err := r.pass(ctx, Renaming, r.deferred); err != nil {
			return err
		}
	}
	if r.options.DryRun {
		return nil
	}
	return r.giveLogins(ctx)
}

// pass reads the file once. While one batch is written, the next is read.
func (r *run) pass(ctx context.Context, stage Stage, only map[int]id.ID) error {
	reading := &reading{table: r.table, mapping: r.mapping, defaults: r.defaults, size: r.batch, only: only}
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	for b := range reading.batches(inner) {
		if b.err != nil {
			return b.err
		}
		began := time.Now()
		if err := r.take(ctx, stage, b.items); err != nil {
			return err
		}
		if err := r.analyze(ctx); err != nil {
			return err
		}
		r.tell(stage)
		if !r.options.DryRun {
			pause(ctx, min(time.Since(began)/20, 10*time.Millisecond))
		}
	}
	return ctx.Err()
}

// analyze keeps PostgreSQL's statistics in step with tables that an import multiplies: it would plan the look-ups of
// each batch by how small they were. SQLite takes the indexes anyway, and would read them all.
func (r *run) analyze(ctx context.Context) error {
	if r.options.DryRun || !r.db.Postgres() || r.report.Inserted < r.analyzed {
		return nil
	}
	r.analyzed = 4 * max(r.analyzed, r.report.Inserted)
	return errs.Wrap("imports.analyze", r.db.Analyze(ctx))
}

// pause lets another process write: on SQLite it polls for the lock, and would never find it free.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

func (r *run) tell(stage Stage) {
	if r.options.Progress != nil {
		r.options.Progress(Progress{Stage: stage, Counts: r.report.Counts, Part: r.part()})
	}
}

// part is how much of the file is read, below 0 when it cannot be told: a workbook is read at once.
func (r *run) part() float64 {
	if r.table.Workbook() || r.size == 0 {
		return -1
	}
	return min(1, float64(r.meter.at.Load())/float64(r.size))
}

// take writes one batch, and if something in it cannot be written, row by row, so that the one row alone is lost.
func (r *run) take(ctx context.Context, stage Stage, items []item) error {
	out, err := r.transact(ctx, stage, items)
	if err == nil {
		r.failures = 0
		return r.settle(items, out)
	}
	if fatal(ctx, err) {
		return err
	}
	for i := range items {
		out, err := r.transact(ctx, stage, items[i:i+1])
		switch {
		case err == nil:
			r.failures = 0
		case fatal(ctx, err):
			return err
		default:
			if r.failures++; r.failures > 20 && errs.KindOf(err) == errs.Internal {
				return err // it is not the rows
			}
			out = result{Counts: Counts{Rows: 1, Rejected: 1}, rejects: map[int]error{0: rowError(err)}}
		}
		if err := r.settle(items[i:i+1], out); err != nil {
			return err
		}
	}
	return nil
}

// fatal reports an error that no other row would survive.
func fatal(ctx context.Context, err error) bool {
	return ctx.Err() != nil || errors.Is(err, errs.Unavailable) || errors.Is(err, errLost)
}

// rowError is what the reject file says of a row that could not be written: the kind, not the database's words.
func rowError(err error) error {
	kind := errs.KindOf(err)
	if m, ok := errs.MessageOf(err); ok {
		return lists.Because("row_failed", "detail", m.Key)
	}
	return lists.Because("row_failed", "detail", kind)
}

// settle counts a batch that was committed.
func (r *run) settle(items []item, out result) error {
	r.report.add(out.Counts)
	for i := range items {
		it := &items[i]
		why, rejected := out.rejects[i]
		switch {
		case rejected:
			r.report.reject(it.row, why)
			if r.options.Rejects != nil {
				if err := r.rejects.Write(it.row, why); err != nil {
					return errs.Wrap("imports.rejects", err)
				}
			}
		case !out.postponed[i]:
			r.report.warn(it.row.Line, it.warnings)
		}
		r.report.Line = max(r.report.Line, it.row.Line)
	}
	for i := range out.postponed {
		r.deferred[items[i].row.Line] = items[i].identity
	}
	return nil
}
