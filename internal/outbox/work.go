package outbox

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"amicale/internal/mail"
)

// run is what lives as long as one call of work.
type run struct {
	*Courier
	ctx     context.Context // ends when the courier is told to stop
	base    context.Context // does not: what left is written down
	commits *committer
	over    chan struct{}  // closed when nothing is left to do
	tasks   sync.WaitGroup // walkers and look-ups
	closed  bool           // nothing more is taken in hand; the courier's lock guards it
}

// work claims, hands out, and in the end puts back what nobody began.
func (c *Courier) work(ctx context.Context) error {
	r := &run{Courier: c, ctx: ctx, base: context.WithoutCancel(ctx), over: make(chan struct{})}
	r.commits = newCommitter(c.box, c.o.Observers, c.o.Log, ctx.Done())
	r.takeUp()
	go r.commits.run(r.base)
	keeping := make(chan struct{})
	go func() { defer close(keeping); r.keep() }()
	if !r.once {
		r.box.atWork.Store(r)
	}
	err := r.claims()
	r.box.atWork.CompareAndSwap(r, nil)
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	close(r.over)
	r.tasks.Wait()
	close(r.commits.in)
	<-r.commits.ended
	<-keeping
	return errors.Join(err, r.putBack())
}

// takeUp makes due at once what this database's only process held when it died.
func (r *run) takeUp() {
	if r.box.db.Postgres() || r.once {
		return
	}
	for _, f := range r.feeds {
		if f.keeper == nil {
			continue
		}
		if err := f.keeper.Recover(r.base, r.made.Add(f.lease)); err != nil {
			r.o.Log.ErrorContext(r.ctx, "mail that a dead process held waits for its lease to end", "error", err)
		}
	}
}

// Pauses between claims.
const (
	claimGap   = 10 * time.Millisecond // mail that comes in drops is taken in handfuls
	longestGap = time.Minute           // while the database does not answer
)

// claims takes what is due as there is room for it, until told to stop; with once, until nothing is left.
func (r *run) claims() error {
	for r.ctx.Err() == nil {
		bell, begun := r.box.next(), time.Now()
		n, err := r.claim()
		if r.once && (err != nil || n == 0 && r.idle()) {
			return err
		}
		gap := claimGap
		if n < claimAtOnce/10 { // it looked at much and found little
			gap = max(gap, 5*time.Since(begun))
		}
		r.rest(gap, bell)
	}
	return nil
}

// rest waits until a claim may be worth while, and at least for the gap when there is nothing to hurry for.
func (r *run) rest(gap time.Duration, bell <-chan struct{}) {
	timer := time.NewTimer(r.o.Poll)
	defer timer.Stop()
	select {
	case <-r.ctx.Done():
		return
	case <-r.room:
		return
	case <-bell:
	case <-timer.C:
		return
	}
	if r.idle() {
		return
	}
	timer.Reset(gap)
	select {
	case <-r.ctx.Done():
	case <-timer.C:
	}
}

func (r *run) idle() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.inHand) == 0
}

// claim takes from each feed what there is room for, and says how much that was. A feed that fails rests, and keeps the
// others from nothing.
func (r *run) claim() (total int, all error) {
	for _, f := range r.feeds {
		n, without := r.space(f)
		if n == 0 || !r.once && time.Now().Before(f.notBefore) {
			continue
		}
		list, err := f.Claim(r.base, f.lease, n, without)
		if err != nil {
			f.pause = min(max(2*f.pause, r.o.Poll), longestGap)
			f.notBefore = time.Now().Add(f.pause)
			r.o.Log.ErrorContext(r.ctx, "mail does not leave", "error", err)
			all = errors.Join(all, err)
			continue
		}
		f.pause = 0
		total += len(list)
		if len(list) == n {
			r.mu.Lock()
			r.wake()
			r.mu.Unlock()
		}
		r.handOut(f, list, time.Now().Add(f.lease))
	}
	return total, all
}

// taker is the courier at work in this process if it has room for that many and no destination is closed or full: what
// it takes need not be claimed.
func (o *Outbox) taker(list []Relayed) *run {
	r := o.atWork.Load()
	if r == nil {
		return nil
	}
	if n, without := r.space(r.relays); n == 0 || len(without) > 0 {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed || r.relays.hand+len(list) > claimAtOnce {
		return nil
	}
	return r
}

// space is how many parcels of a feed there is room for, and which domains have none.
func (r *run) space(f *feed) (int, []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if f.hand > mostInHand-claimAtOnce {
		return 0, nil
	}
	var without []string
	now := r.box.clock()
	for _, d := range r.dests {
		closed := d.full[f.index] || d.shut(now)
		for _, l := range d.lanes {
			if !closed && !l.shut(now) {
				continue
			}
			if r.route.alone() {
				return 0, nil
			}
			for domain := range l.domains {
				if len(without) == mostWithout {
					break
				}
				without = append(without, domain)
			}
		}
	}
	return claimAtOnce, without
}

// wake lets the claims go on. The lock is held.
func (r *run) wake() {
	select {
	case r.room <- struct{}{}:
	default:
	}
}

// handOut gives parcels, which are ours until held, to their destinations.
func (r *run) handOut(f *feed, list []Parcel, held time.Time) {
	if len(list) == 0 {
		return
	}
	var late []*item // their destination is closed
	var over []settling
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		if err := f.Release(r.base, list, r.box.clock()); err != nil {
			r.o.Log.ErrorContext(r.ctx, "mail waits for its lease to end", "error", err)
		}
		return
	}
	r.tasks.Add(1) // for whoever calls from outside
	defer r.tasks.Done()
	for _, p := range list {
		it := &item{Parcel: p, feed: f, domain: mail.DomainOf(p.To), held: held}
		f.hand++
		r.inHand[it] = struct{}{}
		t, ok, err := r.route.known(it.domain)
		var end *deadEnd
		switch {
		case errors.As(err, &end):
			over = append(over, settling{it, buried(it, end)})
		case !ok:
			r.lookUp(it)
		case !r.offer(it, t):
			late = append(late, it)
		}
	}
	r.mu.Unlock()
	r.settle(over)
	r.later(late)
}

// offer queues a parcel at its destination; false when that is closed. The lock is held.
func (r *run) offer(it *item, t target) bool {
	d := r.dests[t.key]
	if d == nil {
		d = newDestination(t, len(r.feeds))
		r.dests[t.key] = d
	}
	l := d.lane(it.domain, t)
	it.dest, it.lane = d, l
	if now := r.box.clock(); d.shut(now) || l.shut(now) {
		return false
	}
	d.push(it, l)
	r.serve(d, l)
	return true
}

// serve sees to it that somebody works at what waits. The lock is held.
func (r *run) serve(d *destination, l *lane) {
	if n := len(d.parked); n > 0 {
		i := max(0, slices.IndexFunc(d.parked, func(w *walker) bool { return w.at == l })) // its line leads there
		w := d.parked[i]
		d.parked = slices.Delete(d.parked, i, i+1)
		w.wake <- struct{}{}
		return
	}
	r.reinforce(d, l)
}

// reinforce sends one more walker where much waits. The lock is held.
func (r *run) reinforce(d *destination, l *lane) {
	most := d.most()
	if r.once {
		most = 1
	}
	if d.walkers > 0 && (d.walkers >= most || d.backlog() <= d.walkers*4) {
		return
	}
	d.walkers++
	l.users++
	w := &walker{run: r, d: d, at: l, wake: make(chan struct{}, 1), res: &result{done: make(chan error, 1)}}
	r.tasks.Go(w.walk)
}

// lookUp asks where mail for the item's domain goes, once for all that wait for it. The lock is held.
func (r *run) lookUp(it *item) {
	waiting, asked := r.looking[it.domain]
	r.looking[it.domain] = append(waiting, it)
	if asked {
		return
	}
	r.tasks.Go(func() {
		r.lookups <- struct{}{}
		t, err := r.route.find(r.ctx, it.domain) // at once once told to stop
		<-r.lookups
		r.found(it.domain, t, err)
	})
}

func (r *run) found(domain string, t target, err error) {
	var late []*item
	r.mu.Lock()
	list := r.looking[domain]
	delete(r.looking, domain)
	if err == nil {
		for _, it := range list {
			if !r.offer(it, t) {
				late = append(late, it)
			}
		}
	}
	r.mu.Unlock()
	r.later(late)
	if err == nil || r.ctx.Err() != nil { // what nobody began is put back in the end
		return
	}
	over := make([]settling, 0, len(list))
	for _, it := range list {
		var end *deadEnd
		if errors.As(err, &end) {
			over = append(over, settling{it, buried(it, end)})
		} else {
			reply := mail.Reply{Stage: "connect", Text: mail.ReplyText(err.Error())}
			over = append(over, settling{it, r.again(it.Parcel, reply, mail.Temporary, time.Time{})})
		}
	}
	r.settle(over)
}
