package inbox

import (
	"context"
	"slices"
	"strings"

	"amicale/internal/clock"
	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/id"
)

// Inbox is the list of what arrived.
type Inbox struct {
	db    *db.DB
	clock clock.Clock
}

// New makes the inbox over d.
func New(d *db.DB, c clock.Clock) *Inbox { return &Inbox{db: d, clock: c} }

const columns = `id, message_id, box, owner_id, recipient, sender, header_from, subject, message_key, size, remote, auth, score, state, reason, at`

// rowsAtOnce bounds the rows of one INSERT: longer statements gain nothing.
const rowsAtOnce = 100

// insert writes one row a message and recipient.
func (b *Inbox) insert(ctx context.Context, list []work) error {
	var rows [][]any
	for _, w := range list {
		auth := db.ToJSON(w.m.Auth)
		for _, a := range w.taken {
			rows = append(rows, row(a.ID, w.m, auth, a.Rcpt, Taken, ""))
		}
		for _, r := range w.refused {
			rows = append(rows, row(id.New(), w.m, auth, r.to, Refused, r.why.Error()))
		}
	}
	one := `(` + db.In(16) + `)`
	for part := range slices.Chunk(rows, rowsAtOnce) {
		_, err := b.db.Exec(ctx, `INSERT INTO inbox (`+columns+`) VALUES `+strings.Repeat(one+`, `, len(part)-1)+one, slices.Concat(part...)...)
		if err != nil {
			return errs.Wrap("inbox.insert", err)
		}
	}
	return nil
}

func row(slip id.ID, m *Message, auth db.JSON[Auth], to Rcpt, state SlipState, reason string) []any {
	remote := ""
	if m.Remote.IsValid() && m.Account.IsZero() {
		remote = m.Remote.String()
	}
	return []any{slip, m.ID, to.Box, to.Owner, cleaned(to.Address, mostAddress), cleaned(m.Envelope.From, mostAddress), m.From, m.Subject, m.Key,
		len(m.Raw), remote, auth, m.Score, string(state), cleaned(reason, 500), m.At}
}
