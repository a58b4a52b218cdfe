package outbox

import (
	"math/rand/v2"
	"time"

	"golang.org/x/time/rate"

	"amicale/internal/mail"
)

// item is a parcel in hand: claimed and not yet settled.
type item struct {
	Parcel
	feed   *feed
	domain string
	dest   *destination // nil until it is known
	lane   *lane
	shelf  *shelf    // nil: its message is loaded by itself
	held   time.Time // until when it is ours
	next   *item     // behind it in its queue
}

// queue is a list of items, first in, first out.
type queue struct {
	first, last *item
	n           int
}

func (q *queue) push(it *item) {
	it.next = nil
	if q.last == nil {
		q.first = it
	} else {
		q.last.next = it
	}
	q.last = it
	q.n++
}

func (q *queue) pushFront(it *item) {
	it.next = q.first
	q.first = it
	if q.last == nil {
		q.last = it
	}
	q.n++
}

func (q *queue) pop() *item {
	it := q.first
	if it == nil {
		return nil
	}
	q.first = it.next
	if q.first == nil {
		q.last = nil
	}
	q.n--
	it.next = nil
	return it
}

// repose is the state of who served nobody: it is left alone, longer each time.
type repose struct {
	failures int // that closed it, less what it took since
	until    time.Time
	last     mail.Reply // the last answer that was not good
	lastAt   time.Time
}

func (r *repose) shut(now time.Time) bool { return now.Before(r.until) }

// close lets it rest. The jitter keeps processes from coming back together.
func (r *repose) close(p Preset, now time.Time, why mail.Reply) {
	wait := p.Longest
	if r.failures < 16 {
		wait = min(wait, p.BackOff<<r.failures)
	}
	r.failures++
	r.until = now.Add(time.Duration(float64(wait) * (0.8 + 0.4*rand.Float64())))
	r.answered(now, why)
}

func (r *repose) answered(now time.Time, why mail.Reply) { r.last, r.lastAt = why, now }
func (r *repose) took()                                  { r.failures = max(0, r.failures-1) }

// lane holds what may leave over one connection: the domains behind it have the same servers. A queue a feed. It rests
// by itself when those servers cannot be reached: that says nothing about others of the destination.
type lane struct {
	repose
	hosts   []string
	domains map[string]bool // whose mail goes here; bounded
	queues  []queue
	n       int
	turn    int
	users   int // walkers that are at it
}

// pop gives letters first, yet every fourth turn to the last feed: whoever waits for a link must not wait for a
// campaign, and a campaign must not wait for ever.
func (l *lane) pop() *item {
	if l.n == 0 {
		return nil
	}
	l.turn++
	for i := range l.queues {
		if l.turn%4 == 0 {
			i = len(l.queues) - 1 - i
		}
		if it := l.queues[i].pop(); it != nil {
			l.n--
			shelve(it, &l.queues[i])
			return it
		}
	}
	return nil
}

// destination is servers that take mail of ours and remember how we behave. The courier's lock guards it.
type destination struct {
	repose
	key    string
	preset Preset
	pace   *rate.Limiter // nil: none
	lanes  map[string]*lane
	queued []int  // by feed
	full   []bool // by feed: nothing more is claimed for its domains

	walkers int // goroutines
	opening int // of them that are about to have a line
	open    int // of them that have one
	parked  []*walker
	limit   int  // of walkers
	calm    int  // messages taken since the limit fell
	probing bool // it served nobody a moment ago: one walker looks

	breaks int       // lines that broke, or messages refused for our reputation, one after the other
	quiet  time.Time // since when it has nothing to do
}

// Bounds of what is in hand.
const (
	claimAtOnce = 300  // rows one claim takes
	mostInHand  = 2000 // of one feed
	fullAt      = 200  // waiting for one destination, of one feed
	roomAt      = 100  // when there is room again
	mostWithout = 500  // domains that one claim leaves out
)

func newDestination(t target, feeds int) *destination {
	d := &destination{key: t.key, preset: t.preset, lanes: map[string]*lane{}, queued: make([]int, feeds), full: make([]bool, feeds),
		limit: t.preset.Connections}
	if n := t.preset.PerMinute; n > 0 {
		d.pace = rate.NewLimiter(rate.Limit(float64(n)/60), max(1, n/60))
	}
	return d
}

func (d *destination) backlog() (n int) {
	for _, q := range d.queued {
		n += q
	}
	return n
}

// most is how many walkers it may have now.
func (d *destination) most() int {
	if d.probing {
		return 1
	}
	return max(1, d.limit)
}

// lane is the one that leads to the target, made when there is none.
func (d *destination) lane(domain string, t target) *lane {
	l := d.lanes[t.lane]
	if l == nil {
		l = &lane{hosts: t.hosts, queues: make([]queue, len(d.queued)), domains: map[string]bool{}}
		d.lanes[t.lane] = l
	}
	if len(l.domains) < mostWithout {
		l.domains[domain] = true
	}
	return l
}

func (d *destination) push(it *item, l *lane) {
	l.queues[it.feed.index].push(it)
	l.n++
	d.count(it, 1)
}

// pushBack undoes pop.
func (d *destination) pushBack(it *item, l *lane) {
	l.queues[it.feed.index].pushFront(it)
	l.n++
	d.count(it, 1)
}

// count reports whether there is room again for the item's feed.
func (d *destination) count(it *item, by int) bool {
	i := it.feed.index
	d.queued[i] += by
	if d.queued[i] >= fullAt {
		d.full[i] = true
	} else if d.full[i] && d.queued[i] < roomAt {
		d.full[i] = false
		return true
	}
	return false
}

// empty takes everything out of some lanes that nobody has begun.
func (d *destination) empty(which func(*lane) bool) []*item {
	var out []*item
	for _, l := range d.lanes {
		if !which(l) {
			continue
		}
		for it := l.pop(); it != nil; it = l.pop() {
			d.count(it, -1)
			out = append(out, it)
		}
	}
	return out
}

// took is a message that it took.
func (d *destination) took(l *lane) {
	d.breaks, d.probing = 0, false
	d.repose.took()
	l.repose.took()
	const calm = 100
	if d.limit < d.preset.Connections {
		if d.calm++; d.calm >= calm {
			d.limit, d.calm = d.limit+1, 0
		}
	}
}

// crowded lowers the limit to what it bears: it refused one more connection while others stood.
func (d *destination) crowded(now time.Time, why mail.Reply) {
	d.limit, d.calm = max(1, d.open), 0
	d.answered(now, why)
}
