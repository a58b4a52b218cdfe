package outbox

import (
	"context"
	"errors"
	"slices"
	"time"

	"amicale/internal/errs"
	"amicale/internal/mail"
	"amicale/internal/outbox/client"
)

// walker is one connection's way through what waits for a destination.
type walker struct {
	*run
	d    *destination
	at   *lane
	line *client.Conn // nil: none is open
	wake chan struct{}
	res  *result
}

func (w *walker) walk() {
	defer w.leave()
	for it := w.next(); it != nil; it = w.next() {
		if !w.deliver(it) {
			return
		}
	}
}

// leave hangs up, and sees that what came meanwhile is not forgotten.
func (w *walker) leave() {
	w.hangUp()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.d.walkers--
	w.at.users--
	if w.d.backlog() > 0 && w.ctx.Err() == nil {
		w.serve(w.d, w.at)
	}
}

func (w *walker) hangUp() {
	if w.line == nil {
		return
	}
	w.line.HangUp()
	w.lost()
}

// lost forgets a line that was closed.
func (w *walker) lost() {
	w.line = nil
	w.mu.Lock()
	w.d.open--
	w.mu.Unlock()
}

// next waits for a parcel; nil when there is nothing to wait for any more.
func (w *walker) next() *item {
	for {
		w.mu.Lock()
		if w.ctx.Err() != nil || w.d.walkers > max(1, w.d.most()) {
			w.mu.Unlock()
			return nil
		}
		it, changed := w.pick()
		if it == nil {
			w.d.parked = append(w.d.parked, w)
		}
		w.mu.Unlock()
		if changed {
			w.hangUp() // the line leads to other servers
		}
		if it != nil {
			return it
		}
		if !w.park() {
			return nil
		}
	}
}

// pick takes what waits for the servers at the other end of the line, else for others of the destination. The lock is
// held.
func (w *walker) pick() (it *item, changed bool) {
	it = w.at.pop()
	if it == nil {
		for _, l := range w.d.lanes {
			if it = l.pop(); it != nil {
				w.at.users--
				l.users++
				w.at, changed = l, true
				break
			}
		}
	}
	if it == nil {
		return nil, false
	}
	if w.d.count(it, -1) {
		w.run.wake()
	}
	w.reinforce(w.d, w.at)
	return it, changed
}

// park waits for something to do; false when nothing came for a while, or nothing will.
func (w *walker) park() bool {
	timer := time.NewTimer(w.o.Idle)
	defer timer.Stop()
	select {
	case <-w.wake:
		return true
	case <-w.over:
	case <-w.ctx.Done():
	case <-timer.C:
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	i := slices.Index(w.d.parked, w)
	if i >= 0 {
		w.d.parked = slices.Delete(w.d.parked, i, i+1)
		return false
	}
	<-w.wake // it was woken at this very moment
	return true
}

// deliver tries one parcel and returns when what came of it is durable; false when the walker has to leave.
func (w *walker) deliver(it *item) bool {
	if !w.keepPace() {
		w.giveBack(it)
		return false
	}
	w.commits.busy.Add(1)
	defer w.commits.busy.Add(-1)
	begun := time.Now()
	w.res.posted = nil
	out, err := w.attempt(it)
	var f *client.Failure
	switch {
	case errors.As(err, &f) && f.Opening():
		return w.unserved(it, f)
	case err != nil:
		out = w.brokenOff(it, f)
	case out.State == "":
		out = w.judge(it, out.Reply)
	}
	if out.Reply.Stage != "message" { // else it did not come as far
		out.Destination = w.d.key
	}
	w.write(it, out)
	w.observe(out, time.Since(begun))
	return !w.rest()
}

// write makes the outcome durable.
func (w *walker) write(it *item, out Outcome) {
	w.res.Outcome, w.res.feed = out, it.feed
	if err := w.commits.settle(w.res); err != nil {
		w.o.Log.ErrorContext(w.ctx, "what became of a message could not be written down", "parcel", it.ID.String(), "state", string(out.State), "error", err)
	}
	w.done(it)
}

func (r *run) observe(out Outcome, took time.Duration) {
	r.o.Observe(Sending{Stream: out.Stream, State: out.State, Class: out.Class, Destination: Label(out.Destination), Took: took})
}

// rest puts off what waits for whom was closed meanwhile, and reports whether that is so for the walker.
func (w *walker) rest() bool {
	var late []*item
	w.mu.Lock()
	now := w.box.clock()
	all, here := w.d.shut(now), w.at.shut(now)
	if all || here {
		late = w.d.empty(func(l *lane) bool { return all || l == w.at })
	}
	w.mu.Unlock()
	w.later(late)
	return all || here
}

// keepPace waits until the destination's rate allows a message; false when told to stop.
func (w *walker) keepPace() bool {
	if w.d.pace == nil || w.once {
		return true
	}
	wait := w.d.pace.Reserve().Delay()
	if wait == 0 {
		return true
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-w.ctx.Done():
		return false
	}
}

func (w *walker) giveBack(it *item) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.d.pushBack(it, w.at)
}

// attempt hands the message over. Its outcome has a state only when that does not hang on an answer.
func (w *walker) attempt(it *item) (Outcome, error) {
	out := Outcome{Parcel: it.Parcel}
	ctx, free := withHeavy(w.base, w.heavy)
	defer free()
	parts, err := w.prepare(ctx, it)
	if err != nil {
		return w.unprepared(it, err), nil
	}
	if w.d.key == mailboxKey {
		if _, ours := it.feed.Source.(letters); !ours { // a letter stands there already
			w.res.posted = posted(it.Parcel, parts)
		}
		out.State, out.Class, out.Reply = Sent, mail.Delivered, mail.Reply{Code: 250, Stage: "data"}
		return out, nil
	}
	m, refusal := client.NewMessage(it.From, it.To, parts)
	if refusal.Code != 0 {
		out.State, out.Class, out.Reply = Failed, mail.Policy, refusal
		return out, nil
	}
	out.Reply, err = w.converse(m)
	return out, err
}

// converse hands the message over, on the kept line if it still answers, else on a new one.
func (w *walker) converse(m client.Message) (mail.Reply, error) {
	if w.line != nil && w.d.preset.Messages > 0 && w.line.Handed() >= w.d.preset.Messages {
		w.hangUp()
	}
	for {
		kept := w.line != nil
		if err := w.open(); err != nil {
			return mail.Reply{}, err
		}
		reply, err := w.line.Hand(m)
		var f *client.Failure
		gone := errors.As(err, &f) && f.Stage == "mail" || err == nil && reply.Code == 421 && reply.Stage == "mail"
		if err != nil || reply.Code == 421 {
			w.line.Close()
			w.lost()
		}
		if kept && gone && w.ctx.Err() == nil {
			continue // the server had closed the kept line before this message began
		}
		return reply, err
	}
}

func (w *walker) open() (err error) {
	if w.line != nil {
		return nil
	}
	w.mu.Lock()
	w.d.opening++
	w.mu.Unlock()
	if w.d.key == smarthostKey {
		w.line, err = w.dial.Smarthost(w.ctx, w.o.Smarthost)
	} else {
		w.line, err = w.dial.MX(w.ctx, w.at.hosts)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.d.opening--
	if err == nil {
		w.d.open++
	}
	return err
}

// unprepared is a message that cannot be made: given up, unless it is the database or the signer that fails.
func (w *walker) unprepared(it *item, err error) Outcome {
	reply := mail.Reply{Stage: "message", Text: mail.ReplyText(err.Error())}
	if errors.Is(err, errs.Unavailable) || errors.Is(err, errUnsigned) || errors.Is(err, context.DeadlineExceeded) {
		w.o.Log.ErrorContext(w.ctx, "a message cannot be made now", "parcel", it.ID.String(), "kind", it.Kind, "error", err)
		return w.again(it.Parcel, reply, mail.Temporary, time.Time{})
	}
	return Outcome{Parcel: it.Parcel, State: Failed, Reply: reply, Class: mail.Unknown}
}
