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
	held   time.Time    // until when it is ours
	next   *item        // behind it in its queue
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

// lane holds what may leave over one connection: the domains behind it have the same servers. A queue a feed.
type lane struct {
	hosts  []string
	queues []queue
	n      int
	turn   int
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
			return it
		}
	}
	return nil
}

// destination is servers that take mail of ours and remember how we behave. The courier's lock guards it.
type destination struct {
	key     string
	preset  Preset
	pace    *rate.Limiter // nil: none
	lanes   map[string]*lane
	queued  []int           // by feed
	full    []bool          // by feed: nothing more is claimed for its domains
	domains map[string]bool // whose mail goes here; bounded

	walkers int // goroutines
	open    int // of them with a line
	parked  []*walker
	limit   int  // of walkers
	calm    int  // messages taken since the limit fell
	probing bool // it served nobody a moment ago: one walker looks

	failures int // that closed it, less what it took since
	breaks   int // lines that broke, or messages refused for our reputation, one after the other
	closed   time.Time
	last     mail.Reply
	lastAt   time.Time
	quiet    time.Time // since when it has nothing to do
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
		domains: map[string]bool{}, limit: t.preset.Connections}
	if n := t.preset.PerMinute; n > 0 {
		d.pace = rate.NewLimiter(rate.Limit(float64(n)/60), max(1, n/60))
	}
	return d
}

func (d *destination) shut(now time.Time) bool { return now.Before(d.closed) }

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

func (d *destination) push(it *item, t target) *lane {
	l := d.lanes[t.lane]
	if l == nil {
		l = &lane{hosts: t.hosts, queues: make([]queue, len(d.queued))}
		d.lanes[t.lane] = l
	}
	l.queues[it.feed.index].push(it)
	l.n++
	d.count(it, 1)
	if len(d.domains) < mostWithout {
		d.domains[it.domain] = true
	}
	return l
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

// empty takes everything out that nobody has begun.
func (d *destination) empty() []*item {
	var out []*item
	for _, l := range d.lanes {
		for it := l.pop(); it != nil; it = l.pop() {
			d.count(it, -1)
			out = append(out, it)
		}
	}
	return out
}

// close lets the destination rest, longer each time. The jitter keeps processes from coming back together.
func (d *destination) close(now time.Time, why mail.Reply) {
	wait := d.preset.Longest
	if d.failures < 16 {
		wait = min(wait, d.preset.BackOff<<d.failures)
	}
	d.failures++
	d.closed = now.Add(time.Duration(float64(wait) * (0.8 + 0.4*rand.Float64())))
	d.probing, d.breaks = true, 0
	d.answered(now, why)
}

func (d *destination) answered(now time.Time, r mail.Reply) { d.last, d.lastAt = r, now }

// took is a message that it took.
func (d *destination) took() {
	d.breaks, d.probing = 0, false
	d.failures = max(0, d.failures-1)
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
