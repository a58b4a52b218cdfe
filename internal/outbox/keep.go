package outbox

import (
	"errors"
	"maps"
	"slices"
	"time"
)

// putBack releases what nobody began.
func (r *run) putBack() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	by := map[*feed][]Parcel{}
	for it := range r.inHand {
		by[it.feed] = append(by[it.feed], it.Parcel)
		it.feed.hand--
	}
	clear(r.inHand)
	clear(r.looking)
	for _, d := range r.dests {
		d.empty(func(*lane) bool { return true })
	}
	var all error
	for f, list := range by {
		for part := range slices.Chunk(list, mostOutcomes) {
			all = errors.Join(all, f.Release(r.base, part, r.box.clock()))
		}
	}
	return all
}

// keep prolongs the leases of what is in hand.
func (r *run) keep() {
	tick := time.NewTicker(r.o.Lease / 4)
	defer tick.Stop()
	for {
		select {
		case <-r.commits.ended:
			return
		case <-tick.C:
		}
		for f, list := range r.ageing() {
			for part := range slices.Chunk(list, mostOutcomes) {
				if err := f.keeper.Hold(r.base, part, r.box.clock().Add(f.lease)); err != nil {
					r.o.Log.ErrorContext(r.ctx, "leases of mail cannot be prolonged", "error", err)
				}
			}
		}
		r.sweep()
	}
}

// ageing are the parcels whose lease has lost a third of its time.
func (r *run) ageing() map[*feed][]Parcel {
	out := map[*feed][]Parcel{}
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	for it := range r.inHand {
		if f := it.feed; f.keeper != nil && it.held.Sub(now) < f.lease*2/3 {
			it.held = now.Add(f.lease)
			out[f] = append(out[f], it.Parcel)
		}
	}
	return out
}

// sweep forgets destinations that have had nothing to do for a while.
func (r *run) sweep() {
	const long = time.Hour
	now := r.box.clock()
	r.mu.Lock()
	defer r.mu.Unlock()
	for key, d := range r.dests {
		maps.DeleteFunc(d.lanes, func(_ string, l *lane) bool { return l.n == 0 && l.users == 0 && !l.shut(now) })
		switch {
		case d.walkers > 0 || d.backlog() > 0 || d.shut(now):
			d.quiet = time.Time{}
		case d.quiet.IsZero():
			d.quiet = now
		case now.Sub(d.quiet) > long:
			delete(r.dests, key)
		}
	}
}

// done takes parcels out of hand.
func (r *run) done(list ...*item) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, it := range list {
		if _, ok := r.inHand[it]; !ok {
			continue
		}
		delete(r.inHand, it)
		if it.feed.hand--; it.feed.hand == mostInHand/2 {
			r.wake()
		}
	}
	if len(r.inHand) == 0 {
		r.wake()
	}
}
