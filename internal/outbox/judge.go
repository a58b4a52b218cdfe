package outbox

import (
	"time"

	"amicale/internal/mail"
	"amicale/internal/outbox/client"
)

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
		d.took(w.at)
		return Outcome{Parcel: it.Parcel, State: Sent, Reply: reply, Class: mail.Delivered}
	case reply.Code == 421 || reply.Code < 500 && class == mail.Reputation || signInFirst(reply): // RFC 5321 §3.8: not this message, all of them
		w.closeFor(now, reply)
		out := w.again(it.Parcel, reply, class, d.until)
		out.Uncounted = out.State == Queued
		return out
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
func (w *walker) brokenOff(it *item, f *client.Failure) Outcome {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ctx.Err() == nil { // else it was we
		w.strike(w.box.clock(), f.Told())
	}
	return w.again(it.Parcel, f.Told(), mail.Temporary, time.Time{})
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
	w.d.close(w.d.preset, now, why)
	w.d.probing, w.d.breaks = true, 0
	w.o.Log.WarnContext(w.ctx, "a destination takes no mail of ours for now", "destination", w.d.key, "until", w.d.until, "stage", why.Stage, "code", why.Code,
		"enhanced", why.Enhanced) // what it said may name an address: it stands with the parcel
}

// unserved is a destination that opens no line to us. When others stand it has enough of them; when it said so, it
// rests; else those servers do.
func (w *walker) unserved(it *item, f *client.Failure) bool {
	if w.ctx.Err() != nil {
		return false // what nobody began is put back in the end
	}
	now, why := w.box.clock(), f.Told()
	w.mu.Lock()
	if w.d.open+w.d.opening > 0 && (f.Stage == "connect" || f.Stage == "hello") {
		w.d.crowded(now, why)
		w.d.push(it, w.at)
		w.mu.Unlock()
		return false
	}
	if f.Reply.Code != 0 {
		w.closeFor(now, why)
	} else if !w.at.shut(now) {
		w.at.close(w.d.preset, now, why)
		w.d.answered(now, why)
		w.d.probing = len(w.d.lanes) == 1
		w.o.Log.WarnContext(w.ctx, "mail servers do not answer", "servers", w.at.hosts, "until", w.at.until, "stage", f.Stage, "error", f.Err)
	}
	w.d.limit = w.d.preset.Connections // it is not their number
	w.refused = f
	w.mu.Unlock()
	w.later([]*item{it})
	w.rest()
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
		l *lane
	}
	now := r.box.clock()
	back := map[place][]*item{}
	var over []settling
	for _, it := range list {
		if now.Before(it.Since.Add(lifetime)) {
			back[place{it.feed, it.lane}] = append(back[place{it.feed, it.lane}], it)
			continue
		}
		_, why := r.closing(it)
		over = append(over, settling{it, Outcome{Parcel: it.Parcel, State: Failed, Reply: why, Class: mail.Temporary, Destination: it.dest.key}})
	}
	for p, items := range back {
		if err := r.giveUntil(p.f, items); err != nil {
			r.o.Log.ErrorContext(r.ctx, "mail for a closed destination waits for its lease to end", "error", err)
		}
		r.done(items...)
	}
	r.settle(over)
}

// giveUntil gives parcels of one lane back.
func (r *run) giveUntil(f *feed, items []*item) error {
	at, why := r.closing(items[0])
	list := make([]Parcel, len(items))
	for i, it := range items {
		list[i] = it.Parcel
	}
	if f.keeper != nil {
		return f.keeper.PutOff(r.base, list, at, why)
	}
	return f.Release(r.base, list, at)
}

// closing is until when the servers that the item needs rest, and why.
func (r *run) closing(it *item) (time.Time, mail.Reply) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if it.lane.until.After(it.dest.until) {
		return it.lane.until, it.lane.last
	}
	return it.dest.until, it.dest.last
}
