package outbox

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"amicale/internal/config"
	"amicale/internal/mail"
)

// CourierOptions tune a courier; a zero field takes the value named.
type CourierOptions struct {
	Smarthost   config.Smarthost
	Hello       string        // the name we greet the smarthost with: "localhost"
	Connections int           // at once: 2
	Lease       time.Duration // how long a dead courier's letters stay untouched: 15 minutes
	Poll        time.Duration // how often to look for what came due or was posted by another process: 2 seconds
	Idle        time.Duration // how long a connection is kept without a letter: 10 seconds
	Grace       time.Duration // how long a letter under way may take once told to stop: 10 seconds
	TLS         *tls.Config   // nil: the machine's authorities
	Log         *slog.Logger
	// Observe is told of every letter that was sent, put off or refused, for the metrics. It may be nil.
	Observe func(state State, took time.Duration)
}

func (o CourierOptions) filled() CourierOptions {
	set := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	set(&o.Lease, 15*time.Minute)
	set(&o.Poll, 2*time.Second)
	set(&o.Idle, 10*time.Second)
	set(&o.Grace, 10*time.Second)
	if o.Connections == 0 {
		o.Connections = 2
	}
	if o.Hello == "" {
		o.Hello = "localhost"
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Observe == nil {
		o.Observe = func(State, time.Duration) {}
	}
	return o
}

// Courier takes letters to the smarthost. Any number of them, in any number of processes, may share a database.
type Courier struct {
	box  *Outbox
	o    CourierOptions
	dial dialler
}

// NewCourier makes a courier of the outbox.
func NewCourier(box *Outbox, o CourierOptions) *Courier {
	o = o.filled()
	return &Courier{box: box, o: o, dial: dialler{host: o.Smarthost, hello: o.Hello, tls: o.TLS}}
}

// Run delivers until the context ends; then each connection finishes the letter under way. Without a smarthost
// letters wait.
func (c *Courier) Run(ctx context.Context) error {
	if c.o.Smarthost.IsZero() {
		<-ctx.Done()
		return nil
	}
	var all sync.WaitGroup
	for range c.o.Connections {
		all.Go(func() { c.round(ctx) })
	}
	all.Wait()
	return nil
}

// DeliverDue delivers what is due now, each letter once, over one connection. It is for tests and for commands.
func (c *Courier) DeliverDue(ctx context.Context) error {
	w := &walk{Courier: c}
	defer w.hangUp()
	for {
		n, err := w.batch(ctx)
		if err != nil || n == 0 {
			return err
		}
	}
}

// walk is one connection's way through the queue.
type walk struct {
	*Courier
	line *line
}

func (c *Courier) round(ctx context.Context) {
	w := &walk{Courier: c}
	defer w.hangUp()
	const longest = time.Minute
	for pause := c.o.Poll; ctx.Err() == nil; {
		bell := c.box.next()
		n, err := w.batch(ctx)
		if err != nil {
			c.o.Log.ErrorContext(ctx, "mail does not leave", "smarthost", c.o.Smarthost.String(), "error", err)
			pause, bell = min(2*pause, longest), nil
			w.hangUp()
		} else {
			pause = c.o.Poll
		}
		if n > 0 && err == nil {
			continue
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
		case <-bell:
		case <-timer.C:
		}
		timer.Stop()
		if w.line != nil && time.Since(w.line.used) > c.o.Idle {
			w.hangUp()
		}
	}
}

func (w *walk) hangUp() {
	if w.line != nil {
		w.line.hangUp()
		w.line = nil
	}
}

// batch takes some letters and delivers them one by one. Its error is the smarthost's or the database's; the
// letters not tried are put back.
func (w *walk) batch(ctx context.Context) (int, error) {
	const size = 20
	const slowest = 9 * time.Minute // one letter, with every timeout of the conversation
	base := context.WithoutCancel(ctx)
	if due, err := w.box.due(base); err != nil || !due {
		return 0, err
	}
	list, err := w.box.claim(base, w.o.Lease, size)
	if err != nil {
		return 0, err
	}
	begun := time.Now()
	for i, p := range list {
		if ctx.Err() != nil || i > 0 && time.Since(begun) > w.o.Lease-slowest {
			return i, w.box.putBack(base, list[i:], w.box.clock(), "")
		}
		if err := w.deliver(ctx, p); err != nil {
			var f *failure
			if !errors.As(err, &f) { // the database does not answer: the lease brings the letters back
				return i, err
			}
			return i, errors.Join(err, w.closedFor(base, list[i:], err))
		}
	}
	return len(list), nil
}

// closedFor puts letters back when the smarthost serves nobody: soon again, without counting it against them,
// unless their time is over.
func (w *walk) closedFor(ctx context.Context, list []parcel, why error) error {
	now := w.box.clock()
	var rest []parcel
	for _, p := range list {
		if now.Before(p.CreatedAt.Add(lifetime)) {
			rest = append(rest, p)
		} else if err := w.box.markFailed(ctx, p.ID, errorText(why)); err != nil {
			return err
		}
	}
	return w.box.putBack(ctx, rest, now.Add(time.Minute), errorText(why))
}

// deliver tries one letter and writes down what came of it. Its error is only what stops the batch.
func (w *walk) deliver(ctx context.Context, p parcel) error {
	start, base := time.Now(), context.WithoutCancel(ctx)
	letter, err := p.letter()
	var message []byte
	if err == nil {
		message, err = mail.Compose(letter)
	}
	if err != nil {
		return w.box.markFailed(base, p.ID, errorText(err))
	}
	err = w.converse(ctx, letter, message)
	var f *failure
	switch {
	case err == nil:
		w.o.Observe(Sent, time.Since(start))
		return w.remember(base, p)
	case errors.As(err, &f) && f.verdict == closed:
		return err
	case errors.As(err, &f) && f.verdict == refused:
		w.o.Log.WarnContext(ctx, "letter refused", "letter", p.ID.String(), "stage", f.stage) // what the server said may name the address: it stands with the letter
		w.o.Observe(Failed, time.Since(start))
		return w.box.markFailed(base, p.ID, errorText(err))
	}
	at, ok := retryAt(p.CreatedAt, w.box.clock(), p.Attempts)
	if !ok {
		w.o.Observe(Failed, time.Since(start))
		return w.box.markFailed(base, p.ID, errorText(err))
	}
	w.o.Observe(Queued, time.Since(start))
	return w.box.later(base, p, at, errorText(err))
}

// converse hands the letter over, on the kept line if it still answers, else on a new one.
func (w *walk) converse(ctx context.Context, l mail.Letter, message []byte) error {
	for {
		kept := w.line != nil
		if !kept {
			var err error
			if w.line, err = w.dial.open(context.WithoutCancel(ctx)); err != nil {
				return err
			}
		}
		conn, grace := w.line.conn, w.o.Grace
		stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Now().Add(grace)) })
		err := w.line.hand(l.From.Address, l.To.Address, message)
		stop()
		if err == nil {
			return nil
		}
		if broken(err) || w.line.reset() != nil {
			w.hangUp()
		}
		var f *failure
		if kept && w.line == nil && errors.As(err, &f) && f.stage == "mail" {
			continue // the smarthost had closed the kept line before this letter began
		}
		return err
	}
}

// remember writes down that a letter left. It insists: what is forgotten here would leave twice.
func (w *walk) remember(ctx context.Context, p parcel) error {
	var err error
	for wait := 50 * time.Millisecond; wait < 5*time.Second; wait *= 2 {
		if err = w.box.markSent(ctx, p.ID); err == nil {
			return nil
		}
		time.Sleep(wait)
	}
	w.o.Log.ErrorContext(ctx, "a letter left and this could not be written down", "letter", p.ID.String(), "error", err)
	return err
}

// errorText is what the table keeps of an answer: valid text of bounded length.
func errorText(err error) string {
	const most = 1000
	s := clean(err.Error())
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "")
	}
	return s
}
