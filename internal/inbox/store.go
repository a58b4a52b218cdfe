package inbox

import (
	"context"
	"slices"
	"time"

	"amicale/internal/clock"
	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/viewer"
)

// Inbox is the list of what arrived.
type Inbox struct {
	db    *db.DB
	clock clock.Clock
}

// New makes the inbox over d.
func New(d *db.DB, c clock.Clock) *Inbox { return &Inbox{db: d, clock: c} }

const columns = `id, message_id, box, owner_id, recipient, sender, header_from, subject, message_key, size, remote, auth, score, state, reason, at`

// insert writes one row a message and recipient.
func (b *Inbox) insert(ctx context.Context, list []work) error {
	var rows []any
	for _, w := range list {
		auth := db.ToJSON(w.m.Auth)
		for _, a := range w.taken {
			rows = append(rows, row(a.ID, w.m, auth, a.Rcpt, Taken, "")...)
		}
		for _, r := range w.refused {
			rows = append(rows, row(id.New(), w.m, auth, r.to, Refused, r.why.Error())...)
		}
	}
	return errs.Wrap("inbox.insert", b.db.InsertMany(ctx, `inbox (`+columns+`)`, 16, rows, ``))
}

func row(slip id.ID, m *Message, auth db.JSON[Auth], to Rcpt, state SlipState, reason string) []any {
	remote := ""
	if m.Remote.IsValid() && m.Account.IsZero() {
		remote = m.Remote.String()
	}
	return []any{slip, m.ID, to.Box, to.Owner, cleaned(to.Address, mostAddress), cleaned(m.Envelope.From, mostAddress), m.From, m.Subject, m.Key,
		len(m.Raw), remote, auth, m.Score, string(state), cleaned(reason, 500), m.At}
}

// ByOwner is what came for an owner, in a box, since a moment, or ever when it is zero; the newest first. The caller
// owns the box and has checked who asks.
func (b *Inbox) ByOwner(ctx context.Context, box string, owner id.ID, since time.Time, p Page) (List, error) {
	if since.IsZero() {
		since = time.Unix(0, 0)
	}
	l, err := b.list(ctx, `box = ? AND owner_id = ? AND at >= ?`, []any{box, owner, since}, p)
	return l, errs.Wrap("inbox.ByOwner", err)
}

// ByID is one that came for an owner in a box; NotFound when it is somebody else's. The caller has checked who asks.
func (b *Inbox) ByID(ctx context.Context, box string, owner, slip id.ID) (Slip, error) {
	l, err := b.list(ctx, `box = ? AND owner_id = ? AND id = ?`, []any{box, owner, slip}, Page{Size: 1})
	if err == nil && len(l.Rows) == 0 {
		err = errs.NotFound
	}
	if err != nil {
		return Slip{}, errs.Wrap("inbox.ByID "+slip.String(), err)
	}
	return l.Rows[0], nil
}

// ByIDs are slips by their identifiers; those kept no longer are missing. The caller owns their box and knows whose they
// are.
func (b *Inbox) ByIDs(ctx context.Context, slips []id.ID) (map[id.ID]Slip, error) {
	list, err := b.slips(ctx, `id IN (`+db.In(len(slips))+`)`, db.Args(slips))
	out := make(map[id.ID]Slip, len(list))
	for _, sl := range list {
		out[sl.ID] = sl
	}
	return out, errs.Wrap("inbox.ByIDs", err)
}

// Recent is what arrived last in the state named, or in any when it is empty, for the federation's admins.
func (b *Inbox) Recent(ctx context.Context, v viewer.Viewer, state SlipState, p Page) (List, error) {
	if !v.IsFederationAdmin() {
		return List{}, errs.E("inbox.Recent", errs.Forbidden, nil)
	}
	where, args := `TRUE`, []any{}
	if state != "" {
		where, args = `state = ?`, []any{string(state)}
	}
	l, err := b.list(ctx, where, args, p)
	return l, errs.Wrap("inbox.Recent", err)
}

func (b *Inbox) list(ctx context.Context, where string, args []any, p Page) (List, error) {
	total, err := db.One[int](ctx, b.db, `SELECT count(*) FROM inbox WHERE `+where, slices.Clone(args)...)
	if err != nil {
		return List{}, err
	}
	size, offset := p.limits()
	rows, err := b.slips(ctx, where+` ORDER BY at DESC, id DESC LIMIT ? OFFSET ?`, append(args, size, offset))
	return List{Rows: rows, Total: total}, err
}

func (b *Inbox) slips(ctx context.Context, where string, args []any) ([]Slip, error) {
	type row struct {
		Auth db.JSON[Auth] // before the slip's own, so that the column goes here
		Slip
	}
	var out []Slip
	err := db.Each(ctx, b.db, `SELECT `+columns+` FROM inbox WHERE `+where, args, func(r *row) error {
		r.Slip.Auth = r.Auth.V
		out = append(out, r.Slip)
		return nil
	})
	return out, err
}

// Counts is how many messages were taken and refused since a moment, by box, for the metrics and the back office.
func (b *Inbox) Counts(ctx context.Context, since time.Time) ([]Count, error) {
	list, err := db.All[Count](ctx, b.db, `SELECT box, state, count(*) AS n FROM inbox WHERE at >= ? GROUP BY box, state ORDER BY box, state`, since)
	return list, errs.Wrap("inbox.Counts", err)
}

// Purge forgets what arrived before that time.
func (b *Inbox) Purge(ctx context.Context, before time.Time) (int64, error) {
	n, err := b.db.Exec(ctx, `DELETE FROM inbox WHERE at < ?`, before)
	return n, errs.Wrap("inbox.Purge", err)
}

// Erase forgets what came for an owner in a box.
func (b *Inbox) Erase(ctx context.Context, box string, owner id.ID) error {
	_, err := b.db.Exec(ctx, `DELETE FROM inbox WHERE box = ? AND owner_id = ?`, box, owner)
	return errs.Wrap("inbox.Erase", err)
}

// Merge makes what came for one owner another's, when the two turn out to be one.
func (b *Inbox) Merge(ctx context.Context, box string, from, to id.ID) error {
	_, err := b.db.Exec(ctx, `UPDATE inbox SET owner_id = ? WHERE box = ? AND owner_id = ?`, to, box, from)
	return errs.Wrap("inbox.Merge", err)
}
