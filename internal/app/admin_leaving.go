package app

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"amicale/internal/bounces"
	"amicale/internal/i18n"
	"amicale/internal/mail"
	"amicale/internal/outbox"
	"amicale/internal/ui"
	"amicale/internal/viewer"
	"amicale/internal/web"
)

// leavingPath is where the back office tells of mail that leaves.
const leavingPath = mailPath + "/depart"

// How much the page shows.
const (
	queuesSize   = 30
	shownAnswers = 30
	answersOf    = 24 * time.Hour
)

// leavingRoutes are the page of what leaves, for who runs the site.
func (a *App) leavingRoutes() []web.Route {
	return []web.Route{
		{Pattern: "GET " + leavingPath, Handler: web.Staff(a.leaving, viewer.FederationAdmin)},
		{Pattern: "POST " + leavingPath + "/{delivery}/relancer", Handler: web.Staff(a.retryDelivery, viewer.FederationAdmin)},
	}
}

// leavingView is what waits to leave, what servers said, and what was given up.
type leavingView struct {
	tabs    []ui.Tab
	now     time.Time
	stats   outbox.Stats
	waiting int
	oldest  time.Time // of what waits; zero when nothing does
	queues  []outbox.Queue
	pager   ui.PagerProps
	answers []answers
	failed  []outbox.Trace
}

// answers are those of a destination, summed up.
type answers struct {
	destination              string
	sent, failed, reputation int
}

func (a *App) leaving(r *web.Request) error {
	v := leavingView{tabs: mailTabs(r), now: a.o.Now()}
	all, err := a.courier.Queues(r.Ctx(), r.Viewer)
	if err != nil {
		return err
	}
	for _, q := range all {
		v.waiting += q.Waiting
		if v.oldest.IsZero() || !q.Oldest.IsZero() && q.Oldest.Before(v.oldest) {
			v.oldest = q.Oldest
		}
	}
	paging := r.Paging(queuesSize)
	from := min(paging.Offset(), len(all))
	v.queues = all[from:min(from+paging.Size, len(all))]
	v.pager = ui.PagerProps{Page: paging.Page, Pages: paging.Pages(len(all)), URL: func(n int) string { return paging.URL(r.URL, n) }}
	hours, err := a.outbox.Hours(r.Ctx(), r.Viewer, v.now.Add(-answersOf))
	if err != nil {
		return err
	}
	v.answers = sumUp(hours)
	if v.stats, err = a.outbox.Stats(r.Ctx()); err != nil {
		return err
	}
	if v.failed, err = a.outbox.ListDeliveries(r.Ctx(), r.Viewer, outbox.Failed, shownFailed); err != nil {
		return err
	}
	return r.Page(web.Page{Title: r.T("app.leaving"), Wide: true, Content: leavingPage(v)})
}

// sumUp adds up the hours of each destination, those that blame us most first.
func sumUp(hours []outbox.Hour) []answers {
	by := map[string]answers{}
	for _, h := range hours {
		sum := by[h.Destination]
		by[h.Destination] = answers{h.Destination, sum.sent + h.Sent, sum.failed + h.Failed, sum.reputation + h.Reputation}
	}
	out := slices.SortedFunc(maps.Values(by), func(x, y answers) int {
		return cmp.Or(cmp.Compare(y.reputation, x.reputation), cmp.Compare(y.failed, x.failed), cmp.Compare(y.sent, x.sent), cmp.Compare(x.destination, y.destination))
	})
	return out[:min(len(out), shownAnswers)]
}

func (v leavingView) summary(ctx context.Context) []ui.StatProps {
	since := ""
	if !v.oldest.IsZero() {
		since = i18n.T(ctx, "app.leaving.since", i18n.Data{"When": i18n.DateTime(ctx, v.oldest)})
	}
	number := func(n int) string { return i18n.Number(ctx, n) }
	return []ui.StatProps{
		{Value: number(v.waiting), Label: i18n.T(ctx, "app.leaving.waiting"), Hint: since},
		{Value: number(v.stats.Relayed.Held), Label: i18n.T(ctx, "app.leaving.held")},
		{Value: number(v.stats.Relayed.Failed), Label: i18n.T(ctx, "app.leaving.failed")},
	}
}

// destinationText is a destination as people call it.
func destinationText(ctx context.Context, name string) string {
	return wordsFor(ctx, name, "app.destination.")
}

func (v leavingView) queueRows(ctx context.Context) (rows [][]ui.Cell) {
	for _, q := range v.queues {
		state := ui.BadgeProps{Text: i18n.T(ctx, "app.leaving.open"), Tone: ui.Success}
		if q.ClosedUntil.After(v.now) {
			state = ui.BadgeProps{Text: i18n.T(ctx, "app.leaving.closed", i18n.Data{"When": i18n.DateTime(ctx, q.ClosedUntil)}), Tone: ui.Warning}
		}
		oldest := ""
		if !q.Oldest.IsZero() {
			oldest = i18n.DateTime(ctx, q.Oldest)
		}
		rows = append(rows, []ui.Cell{{Text: destinationText(ctx, q.Destination)}, {Text: i18n.Number(ctx, q.Waiting)}, {Content: words(oldest)},
			{Text: strconv.Itoa(q.Connections)}, {Content: ui.Badge(state)}, {Content: answered(replyText(q.Last))}})
	}
	return rows
}

func (v leavingView) answerRows(ctx context.Context) (rows [][]ui.Cell) {
	for _, one := range v.answers {
		rows = append(rows, []ui.Cell{{Text: destinationText(ctx, one.destination)}, {Text: i18n.Number(ctx, one.sent)}, {Text: i18n.Number(ctx, one.failed)},
			{Text: i18n.Number(ctx, one.reputation)}})
	}
	return rows
}

// failedRows show no address in full: where somebody's mail goes is nobody's affair but his.
func (v leavingView) failedRows(ctx context.Context) (rows [][]ui.Cell) {
	for _, t := range v.failed {
		retry := postButton(leavingPath+"/"+t.ID.String()+"/relancer", i18n.T(ctx, "app.state.retry"))
		rows = append(rows, []ui.Cell{{Text: wordsFor(ctx, t.Kind, "app.delivery.")}, {Content: words(bounces.Mask(t.Recipient))}, {Text: i18n.DateTime(ctx, t.DoneAt)},
			{Text: strconv.Itoa(t.Attempts)}, {Content: answered(replyText(t.Reply, t.Recipient))}, {Content: retry}})
	}
	return rows
}

// replyText is what a server said, without the address it names.
func replyText(r mail.Reply, secrets ...string) string {
	code := ""
	if r.Code != 0 {
		code = strings.TrimSpace(fmt.Sprint(r.Code, " ", r.Enhanced))
	}
	return strings.TrimSpace(code + " " + mail.Scrub(r.Text, secrets...))
}

// retryDelivery lets a message that was given up be tried again.
func (a *App) retryDelivery(r *web.Request) error {
	delivery, err := r.ID("delivery")
	if err != nil {
		return err
	}
	err = a.o.DB.Tx(r.Ctx(), func(ctx context.Context) error {
		if err := a.outbox.RetryDelivery(ctx, r.Viewer, delivery); err != nil {
			return err
		}
		return a.note(ctx, r, "delivery.retried", delivery.String(), nil)
	})
	return a.told(r, leavingPath, err, "app.leaving.retried")
}
