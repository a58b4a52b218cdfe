package outbox

import (
	"cmp"
	"context"
	"slices"
	"time"

	"amicale/internal/errs"
	"amicale/internal/mail"
	"amicale/internal/viewer"
)

// Queue is what waits for a destination, and how this process finds it.
type Queue struct {
	Destination string // a preset's name or the domain of its servers; a recipient's domain as long as nobody asked whose they are
	Waiting     int
	Oldest      time.Time  // zero when nothing waits
	Connections int        // open now, of this process
	Last        mail.Reply // the last answer that was not good; it may name a recipient
	LastAt      time.Time
	ClosedUntil time.Time // zero: it takes mail
}

// Queues are the destinations for which mail waits, or that are not well, those that wait longest first; for the
// federation's admins.
func (c *Courier) Queues(ctx context.Context, v viewer.Viewer) ([]Queue, error) {
	if !v.IsFederationAdmin() {
		return nil, errs.E("outbox.Queues", errs.Forbidden, nil)
	}
	by := map[string]*Queue{}
	at := func(key string) *Queue {
		if by[key] == nil {
			by[key] = &Queue{Destination: key}
		}
		return by[key]
	}
	for _, f := range c.feeds {
		w, ok := f.Source.(Waiter)
		if !ok {
			continue
		}
		list, err := w.Waiting(ctx)
		if err != nil {
			return nil, errs.Wrap("outbox.Queues", err)
		}
		for _, one := range list {
			q := at(c.destinationOf(one.Domain))
			q.Waiting += one.Count
			if q.Oldest.IsZero() || one.Oldest.Before(q.Oldest) {
				q.Oldest = one.Oldest
			}
		}
	}
	c.addHealth(at)
	out := make([]Queue, 0, len(by))
	for _, q := range by {
		out = append(out, *q)
	}
	slices.SortFunc(out, func(a, b Queue) int {
		if a.Oldest.IsZero() != b.Oldest.IsZero() {
			return cmp.Compare(b.Waiting, a.Waiting)
		}
		return cmp.Or(a.Oldest.Compare(b.Oldest), cmp.Compare(a.Destination, b.Destination))
	})
	return out, nil
}

func (c *Courier) destinationOf(domain string) string {
	if c.route != nil {
		if t, ok, err := c.route.known(domain); ok && err == nil {
			return t.key
		}
	}
	return domain
}

func (c *Courier) addHealth(at func(string) *Queue) {
	now := c.box.clock()
	c.mu.Lock()
	defer c.mu.Unlock()
	for key, d := range c.dests {
		if d.open == 0 && d.last.Stage == "" {
			continue
		}
		q := at(key)
		q.Connections, q.Last, q.LastAt = d.open, d.last, d.lastAt
		q.ClosedUntil = d.until
		for _, l := range d.lanes { // a large one has many, and most of them serve
			if l.shut(now) && (len(d.lanes) == 1 || q.ClosedUntil.IsZero() && d.open == 0) && l.until.After(q.ClosedUntil) {
				q.ClosedUntil = l.until
			}
		}
		if !now.Before(q.ClosedUntil) {
			q.ClosedUntil = time.Time{}
		}
	}
}
