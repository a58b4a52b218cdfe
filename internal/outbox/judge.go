package outbox

import (
	"time"

	"amicale/internal/mail"
)

// opening reports whether the line broke before any message was spoken of.
func (f *failure) opening() bool {
	switch f.stage {
	case "connect", "hello", "tls", "auth":
		return true
	}
	return false
}

// mostBreaks is how many lines in a row may break, or messages be refused because of us, until the destination rests.
const mostBreaks = 5

// buried is a parcel whose domain takes no mail.
func buried(it *item, why *deadEnd) Outcome {
	return Outcome{Parcel: it.Parcel, State: Failed, Reply: why.reply, Class: why.class}
}

// again is a parcel put off as its schedule says, and not before that time; given up when its days are over.
func (r *run) again(p Parcel, why mail.Reply, class mail.Class, notBefore time.Time) Outcome {
	out := Outcome{Parcel: p, State: Queued, Reply: why, Class: class}
	at, ok := retryAt(p.Since, r.box.clock(), p.Attempts)
	if !ok {
		out.State = Failed
		return out
	}
	if at.Before(notBefore) {
		at = notBefore
	}
	out.NextAt = at
	return out
}

// judge says what an answer means for the parcel, and remembers what it means for the destination.
func (w *walker) judge(it *item, reply mail.Reply) Outcome {
	now, class := w.box.clock(), mail.Classify(reply)
	w.mu.Lock()
	defer w.mu.Unlock()
	d := w.d
	switch {
	case reply.Code < 300:
		d.took()
		return Outcome{Parcel: it.Parcel, State: Sent, Reply: reply, Class: mail.Delivered}
	case reply.Code == 421 || reply.Code < 500 && class == mail.Reputation || signInFirst(reply): // RFC 5321 §3.8: not this message, all of them
		w.closeFor(now, reply)
		p := it.Parcel
		p.Attempts = max(0, p.Attempts-1)
		return w.again(p, reply, class, d.closed)
	case reply.Permanent():
		if d.answered(now, reply); class == mail.Reputation {
			w.strike(now, reply)
		} else {
			d.breaks = 0
		}
		return Outcome{Parcel: it.Parcel, State: Failed, Reply: reply, Class: class}
	}
	d.answered(now, reply)
	d.breaks = 0
	return w.again(it.Parcel, reply, class, time.Time{})
}

// signInFirst is RFC 4954 §6: the smarthost does not know us any more.
func signInFirst(r mail.Reply) bool { return r.Code == 530 || r.Code == 535 || r.Code == 538 }

// brokenOff is a line that broke between the first word about the message and the last.
func (w *walker) brokenOff(it *item, f *failure) Outcome {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ctx.Err() == nil { // else it was we
		w.strike(w.box.clock(), f.told())
	}
	return w.again(it.Parcel, f.told(), mail.Temporary, time.Time{})
}

// strike counts against the destination. The lock is held.
func (w *walker) strike(now time.Time, why mail.Reply) {
	w.d.answered(now, why)
	if w.d.breaks++; w.d.breaks >= mostBreaks {
		w.closeFor(now, why)
	}
}

// closeFor lets the destination rest, once for all who find it so. The lock is held.
func (w *walker) closeFor(now time.Time, why mail.Reply) {
	if w.d.shut(now) {
		return
	}
	w.d.close(now, why)
	w.o.Log.WarnContext(w.ctx, "a destination takes no mail of ours for now", "destination", w.d.key, "until", w.d.closed, "stage", why.Stage, "code", why.Code,
		"enhanced", why.Enhanced) // what it said may name an address: it stands with the parcel
}

// unserved is a destination that opens no line to us. When others stand it has enough of them; else it rests.
func (w *walker) unserved(it *item, f *failure) bool {
	if w.ctx.Err() != nil {
		return false // what nobody began is put back in the end
	}
	now, why := w.box.clock(), f.told()
	w.mu.Lock()
	if w.d.open > 0 && f.stage == "connect" {
		w.d.crowded(now, why)
		w.d.pushBack(it, w.at)
		w.mu.Unlock()
		return false
	}
	w.closeFor(now, why)
	w.refused = f
	late := append(w.d.empty(), it)
	w.mu.Unlock()
	w.later(late)
	return false
}

// settling is a parcel outside of a walker, and what became of it.
type settling struct {
	it  *item
	out Outcome
}

// settle makes outcomes durable, all of them together.
func (r *run) settle(list []settling) {
	waiting := make([]*result, 0, len(list))
	for _, s := range list {
		res := &result{Outcome: s.out, feed: s.it.feed, done: make(chan error, 1)}
		r.commits.in <- res
		waiting = append(waiting, res)
	}
	for i, res := range waiting {
		if err := <-res.done; err != nil {
			r.o.Log.ErrorContext(r.ctx, "what became of a message could not be written down", "parcel", res.ID.String(), "error", err)
		}
		r.done(list[i].it)
		r.observe(res.Outcome, 0)
	}
}

// later gives parcels back whose destination is closed, until it opens; those whose days are over are given up.
func (r *run) later(list []*item) {
	type place struct {
		f *feed
		d *destination
	}
	now := r.box.clock()
	back := map[place][]*item{}
	var over []settling
	for _, it := range list {
		if now.Before(it.Since.Add(lifetime)) {
			back[place{it.feed, it.dest}] = append(back[place{it.feed, it.dest}], it)
			continue
		}
		_, why := r.closing(it.dest)
		over = append(over, settling{it, Outcome{Parcel: it.Parcel, State: Failed, Reply: why, Class: mail.Temporary, Destination: it.dest.key}})
	}
	for p, items := range back {
		if err := r.giveUntil(p.f, p.d, items); err != nil {
			r.o.Log.ErrorContext(r.ctx, "mail for a closed destination waits for its lease to end", "error", err)
		}
		r.done(items...)
	}
	r.settle(over)
}

func (r *run) giveUntil(f *feed, d *destination, items []*item) error {
	at, why := r.closing(d)
	list := make([]Parcel, len(items))
	for i, it := range items {
		list[i] = it.Parcel
	}
	if f.keeper != nil {
		return f.keeper.PutOff(r.base, list, at, why)
	}
	return f.Release(r.base, list, at)
}

// closing is until when a destination rests, and why.
func (r *run) closing(d *destination) (time.Time, mail.Reply) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return d.closed, d.last
}
