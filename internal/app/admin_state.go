package app

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"amicale/internal/audit"
	"amicale/internal/errs"
	"amicale/internal/i18n"
	"amicale/internal/id"
	"amicale/internal/jobs"
	"amicale/internal/outbox"
	"amicale/internal/ui"
	"amicale/internal/viewer"
	"amicale/internal/web"
)

// backupMade is what the trail calls a finished backup: its latest entry says when the last one was.
const backupMade = "site.backup"

// How much of the queue the page shows.
const (
	shownFailed   = 50
	shownWaiting  = 500 // looked through for those that failed at least once
	oldBackup     = 7 * 24 * time.Hour
	slowDirectory = 1000 // changes behind
)

// siteState is what the page of the site's state shows.
type siteState struct {
	version, database, smarthost string
	size                         int64 // of the SQLite file; 0 on PostgreSQL
	people, documents            int
	lag                          int64
	kinds                        []jobs.Stat
	givenUp, struggling          []jobs.Job
	letters                      outbox.Stats
	failed                       []outbox.Slip
	backup                       time.Time // zero when none is known
	space                        Space
	spaceKnown                   bool
	demo, mailless               bool
	now                          time.Time
}

func (a *App) state(r *web.Request) error {
	s, err := a.readState(r.Ctx(), r.Viewer)
	if err != nil {
		return err
	}
	return r.Page(web.Page{Title: r.T("app.admin.state"), Wide: true, Content: statePage(s)})
}

func (a *App) readState(ctx context.Context, v viewer.Viewer) (s siteState, err error) {
	s = siteState{version: a.o.Version, database: "PostgreSQL", size: a.databaseSize(), demo: a.o.Demo, now: a.o.Now(),
		documents: a.directory.Documents(), lag: a.directory.Lag(), smarthost: a.o.Smarthost.String(),
		mailless: !a.o.Demo && a.o.Smarthost.IsZero()}
	if !a.o.DB.Postgres() {
		s.database = "SQLite"
	}
	if room, err := SpaceOf(a.dataFolder()); err == nil {
		s.space, s.spaceKnown = room, true
	}
	if s.people, err = a.people.Count(ctx); err != nil {
		return s, err
	}
	if s.kinds, err = a.queue.Stats(ctx); err != nil {
		return s, err
	}
	if s.givenUp, err = a.queue.Failed(ctx, shownFailed); err != nil {
		return s, err
	}
	waiting, err := a.queue.Waiting(ctx, shownWaiting)
	if err != nil {
		return s, err
	}
	for _, j := range waiting {
		if j.LastError != "" {
			s.struggling = append(s.struggling, j)
		}
	}
	if s.letters, err = a.outbox.Stats(ctx); err != nil {
		return s, err
	}
	if s.failed, err = a.outbox.List(ctx, v, outbox.Failed, shownFailed); err != nil {
		return s, err
	}
	s.backup, err = LastBackup(ctx, a.o.DB)
	return s, err
}

// lastFailure is when the latest of the jobs shown was given up: forgetting reaches no further than what was seen.
func (s siteState) lastFailure() string {
	var at time.Time
	for _, j := range s.givenUp {
		if j.FailedAt.After(at) {
			at = j.FailedAt
		}
	}
	return at.Format(time.RFC3339Nano)
}

// regular reports whether a kind stands for something done now and then, whose next time always waits.
func regular(k jobs.Stat) bool { return strings.HasPrefix(k.Kind, "every:") }

// waiting is how many jobs wait to be done, without the regular ones.
func (s siteState) waiting() (n int) {
	for _, k := range s.kinds {
		if !regular(k) {
			n += k.Waiting
		}
	}
	return n
}

func (s siteState) stats(ctx context.Context) []ui.StatProps {
	number := func(n int) string { return i18n.Number(ctx, n) }
	return []ui.StatProps{
		{Value: number(s.people), Label: i18n.T(ctx, "app.state.people")},
		{Value: number(s.documents), Label: i18n.T(ctx, "app.state.directory"), Hint: i18n.N(ctx, "app.state.lag", int(s.lag))},
		{Value: number(s.waiting()), Label: i18n.T(ctx, "app.state.jobs_waiting")},
		{Value: number(s.letters.Queued), Label: i18n.T(ctx, "app.state.letters_waiting"), URL: leavingPath},
	}
}

func (s siteState) facts(ctx context.Context) []ui.Fact {
	t := func(key string) string { return i18n.T(ctx, "app.state."+key) }
	database := ui.Fact{Term: t("database"), Text: s.database}
	if s.size > 0 {
		database.Note = bytesText(ctx, s.size)
	}
	facts := []ui.Fact{{Term: t("version"), Text: s.version}, database}
	switch {
	case s.demo:
		facts = append(facts, ui.Fact{Term: t("mail"), Text: t("mail_demo")})
	case s.mailless:
		facts = append(facts, ui.Fact{Term: t("mail"), Text: t("mail_none")})
	default:
		facts = append(facts, ui.Fact{Term: t("mail"), Text: s.smarthost})
	}
	backup := ui.Fact{Term: t("backup"), Text: t("backup_unknown"), Note: t("backup_how")}
	if !s.backup.IsZero() {
		backup = ui.Fact{Term: t("backup"), Text: i18n.DateTime(ctx, s.backup)}
	}
	facts = append(facts, backup)
	if s.spaceKnown {
		facts = append(facts, ui.Fact{Term: t("disk"), Text: i18n.T(ctx, "app.state.disk_free", i18n.Data{"Free": bytesText(ctx, s.space.Free), "Total": bytesText(ctx, s.space.Total)})})
	}
	return facts
}

// alerts is what somebody should act on, the gravest first.
func (s siteState) alerts(ctx context.Context) (out []ui.AlertProps) {
	add := func(yes bool, tone ui.Tone, key string) {
		if yes {
			out = append(out, ui.AlertProps{Tone: tone, Title: i18n.T(ctx, "app.state."+key), Text: i18n.T(ctx, "app.state."+key+"_next")})
		}
	}
	add(s.spaceKnown && s.space.Scarce(), ui.Danger, "alert_disk")
	add(s.mailless, ui.Danger, "alert_mail")
	add(s.lag > slowDirectory, ui.Warning, "alert_lag")
	add(!s.demo && !s.backup.IsZero() && s.now.Sub(s.backup) > oldBackup, ui.Warning, "alert_backup")
	return out
}

func (s siteState) kindRows(ctx context.Context) (rows [][]ui.Cell) {
	for _, k := range s.kinds {
		if !regular(k) {
			rows = append(rows, []ui.Cell{{Text: k.Kind}, {Text: i18n.Number(ctx, k.Waiting)}, {Text: i18n.Number(ctx, k.Failed)}, {Content: words(i18n.DateTime(ctx, k.Oldest))}})
		}
	}
	return rows
}

// regularRows are what is done now and then, with the next time.
func (s siteState) regularRows(ctx context.Context) (rows [][]ui.Cell) {
	for _, k := range s.kinds {
		if regular(k) {
			rows = append(rows, []ui.Cell{{Text: strings.TrimPrefix(k.Kind, "every:")}, {Text: i18n.DateTime(ctx, k.Oldest)}})
		}
	}
	return rows
}

// jobRows lists jobs with their errors; those given up can be run again.
func jobRows(ctx context.Context, list []jobs.Job) (rows [][]ui.Cell) {
	for _, j := range list {
		when, action := j.RunAt, ui.Cell{}
		if !j.FailedAt.IsZero() {
			when = j.FailedAt
			action.Content = postButton(statePath+"/travaux/"+j.ID.String()+"/relancer", i18n.T(ctx, "app.state.retry"))
		}
		rows = append(rows, []ui.Cell{{Text: j.Kind}, {Text: i18n.DateTime(ctx, when)}, {Text: strconv.Itoa(j.Attempts)}, {Content: errorText(firstLine(j.LastError))}, action})
	}
	return rows
}

func letterRows(ctx context.Context, list []outbox.Slip) (rows [][]ui.Cell) {
	for _, l := range list {
		retry := postButton(statePath+"/lettres/"+l.ID.String()+"/relancer", i18n.T(ctx, "app.state.retry"))
		rows = append(rows, []ui.Cell{{Text: l.Subject}, {Content: words(l.Recipient)}, {Text: i18n.DateTime(ctx, l.CreatedAt)}, {Content: errorText(firstLine(l.LastError))}, {Content: retry}})
	}
	return rows
}

// firstLine leaves out the stack of a panic; the log has it.
func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}

// bytesText is a size as people say it: 340 Mo, 1,2 Go.
func bytesText(ctx context.Context, n int64) string {
	unit, size := "kb", float64(n)/1e3
	for _, u := range []string{"mb", "gb", "tb"} {
		if size < 1000 {
			break
		}
		unit, size = u, size/1e3
	}
	text := strconv.FormatFloat(size, 'f', 0, 64)
	if size < 10 && unit != "kb" {
		text = strconv.FormatFloat(size, 'f', 1, 64)
		if i18n.Lang(ctx) == "fr" {
			text = strings.Replace(text, ".", ",", 1)
		}
	}
	return i18n.T(ctx, "app.size_"+unit, i18n.Data{"N": text})
}

// retryJob lets a job that was given up run again.
func (a *App) retryJob(r *web.Request) error {
	job, err := r.ID("id")
	if err != nil {
		return err
	}
	err = a.o.DB.Tx(r.Ctx(), func(ctx context.Context) error {
		kind, err := a.kindOf(ctx, job)
		if err != nil {
			return err
		}
		if err := a.queue.Retry(ctx, job); err != nil {
			return err
		}
		return a.note(ctx, r, "job.retried", job.String(), map[string]any{"kind": kind})
	})
	return a.told(r, statePath, err, "app.state.job_retried")
}

// kindOf is the kind of a job that was given up; "" when it is further back than the page shows.
func (a *App) kindOf(ctx context.Context, job id.ID) (string, error) {
	list, err := a.queue.Failed(ctx, shownFailed)
	for _, j := range list {
		if j.ID == job {
			return j.Kind, err
		}
	}
	return "", err
}

// forgetJobs removes the jobs that were given up, those that the page showed and older ones.
func (a *App) forgetJobs(r *web.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	until, err := time.Parse(time.RFC3339Nano, f.Text("until"))
	if err != nil {
		return errs.E("app.forgetJobs", errs.Invalid, err)
	}
	err = a.o.DB.Tx(r.Ctx(), func(ctx context.Context) error {
		n, err := a.queue.Forget(ctx, until.Add(time.Microsecond))
		if err != nil || n == 0 {
			return err
		}
		return a.note(ctx, r, "job.forgotten", "", map[string]any{"count": n})
	})
	return a.told(r, statePath, err, "app.state.jobs_forgotten")
}

// retryLetter lets a letter that was given up be tried again.
func (a *App) retryLetter(r *web.Request) error {
	letter, err := r.ID("id")
	if err != nil {
		return err
	}
	err = a.o.DB.Tx(r.Ctx(), func(ctx context.Context) error {
		if err := a.outbox.Retry(ctx, r.Viewer, letter); err != nil {
			return err
		}
		return a.note(ctx, r, "letter.retried", letter.String(), nil)
	})
	return a.told(r, statePath, err, "app.state.letter_retried")
}

func (a *App) note(ctx context.Context, r *web.Request, action, object string, detail map[string]any) error {
	return a.trail.Record(ctx, audit.Entry{Actor: r.Viewer, ActorName: r.Identity.Name, Action: action, Object: object, Detail: detail})
}

// told goes back to a page and says what became of it: somebody else may have been faster.
func (a *App) told(r *web.Request, page string, err error, key string) error {
	switch {
	case err == nil:
		return r.Done(page, key)
	case errors.Is(err, errs.Conflict), errors.Is(err, errs.NotFound):
		r.Flash(web.Flash{Kind: "info", Key: "app.state.nothing_left"})
		return r.Redirect(page)
	}
	return err
}

func jobColumns(ctx context.Context) []ui.Column {
	return []ui.Column{
		{Label: i18n.T(ctx, "app.state.kind")}, {Label: i18n.T(ctx, "app.state.when")}, {Label: i18n.T(ctx, "app.state.attempts"), Numeric: true},
		{Label: i18n.T(ctx, "app.state.error")}, {Label: i18n.T(ctx, "app.state.retry"), Bare: true},
	}
}
