package inbox

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"amicale/internal/errs"
	"amicale/internal/id"
)

// work is a message with its verdicts, to be written down.
type work struct {
	m       *Message
	taken   []Arrival
	refused []rejected
	done    chan error // gets one value
}

// rejected is a recipient that refused a message.
type rejected struct {
	to  Rcpt
	why *Refusal
}

func (w *work) add(to Rcpt) { w.taken = append(w.taken, Arrival{ID: id.New(), Message: w.m, Rcpt: to}) }

func (w *work) has(to Rcpt) bool {
	return slices.ContainsFunc(w.taken, func(a Arrival) bool { return a.Rcpt.Box == to.Box && strings.EqualFold(a.Rcpt.Address, to.Address) })
}

// What one transaction holds at most.
const (
	mostMessages = 300
	mostOctets   = 32 << 20
	commitWithin = 30 * time.Second
)

// committer writes messages down, as many in one transaction as wait: the disk is waited for once for all of them.
// Everybody's answer waits for the commit of its own.
type committer struct {
	box   *Inbox
	boxes map[string]Box
	o     Options
	queue chan work

	mu    sync.Mutex
	users int           // listeners
	stop  chan struct{} // closed when there is none any more
	ended chan struct{} // closed when nothing is written any more
}

func newCommitter(box *Inbox, boxes map[string]Box, o Options) *committer {
	return &committer{box: box, boxes: boxes, o: o, queue: make(chan work, mostMessages)}
}

// hold keeps the committer running until release, which waits until what was handed in is written.
func (c *committer) hold() (release func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.users++; c.users == 1 {
		c.stop, c.ended = make(chan struct{}), make(chan struct{})
		go c.run(c.stop, c.ended)
	}
	return func() {
		c.mu.Lock()
		c.users--
		last, ended := c.users == 0, c.ended
		if last {
			close(c.stop)
		}
		c.mu.Unlock()
		if last {
			<-ended
		}
	}
}

// do writes one message down and returns once it is on the disk; a refusal says that it is not.
func (c *committer) do(w work) *Refusal {
	if len(w.taken)+len(w.refused) == 0 {
		return nil
	}
	w.done = make(chan error, 1)
	c.mu.Lock()
	ended := c.ended
	c.mu.Unlock()
	var err error
	select {
	case c.queue <- w:
		select {
		case err = <-w.done:
		case <-ended: // its connection was cut, and it comes too late
			return broken()
		}
	case <-ended:
		return broken()
	}
	var no *Refusal
	switch {
	case err == nil:
		return nil
	case errors.As(err, &no):
		return no
	}
	c.o.Log.Error("inbox: a message cannot be taken", "message", w.m.ID.String(), "error", err)
	return broken()
}

func (c *committer) run(stop <-chan struct{}, ended chan<- struct{}) {
	defer close(ended)
	for {
		select {
		case w := <-c.queue:
			c.write(c.gather(w))
		case <-stop:
			for {
				select {
				case w := <-c.queue:
					c.write(c.gather(w))
				default:
					return
				}
			}
		}
	}
}

// gather takes what waits. Those whose message is nearly judged are let in too: a commit costs the same for all.
func (c *committer) gather(first work) []work {
	list, size := []work{first}, len(first.m.Raw)
	for looks := 0; len(list) < mostMessages && size < mostOctets; {
		select {
		case w := <-c.queue:
			list, size = append(list, w), size+len(w.m.Raw)
		default:
			if looks++; looks > 4 {
				return list
			}
			runtime.Gosched()
		}
	}
	return list
}

// write commits the list, and if that fails each on its own: one bad message does not hold up the others.
func (c *committer) write(list []work) {
	err := c.commit(list)
	if err != nil && len(list) > 1 && errs.KindOf(err) != errs.Unavailable {
		c.o.Log.Warn("inbox: messages are taken one by one", "messages", len(list), "error", err)
		for _, w := range list {
			w.done <- c.commit([]work{w})
		}
		return
	}
	for _, w := range list {
		w.done <- err
	}
}

func (c *committer) commit(list []work) (err error) {
	defer func() {
		if p := recover(); p != nil { // a box's fault must not stop everybody's mail
			err = errs.E("inbox.commit", errs.Internal, fmt.Errorf("panic: %v", p))
		}
	}()
	ctx, cancel := context.WithTimeout(context.Background(), commitWithin)
	defer cancel()
	return c.box.db.Tx(ctx, func(ctx context.Context) error {
		if err := c.box.insert(ctx, list); err != nil {
			return err
		}
		by := map[string][]Arrival{}
		for _, w := range list {
			for _, a := range w.taken {
				by[a.Rcpt.Box] = append(by[a.Rcpt.Box], a)
			}
		}
		for _, b := range c.o.Boxes { // in their order, so that two processes lock alike
			if mine := by[b.Name()]; len(mine) > 0 {
				if err := b.Accept(ctx, mine); err != nil {
					return errs.Wrap("inbox.commit "+b.Name(), err)
				}
			}
		}
		return nil
	})
}
