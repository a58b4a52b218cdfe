package inbox

import (
	"net/netip"
	"sync"
	"time"

	"amicale/internal/clock"
)

// guard knows who knocks too often and who guesses addresses, by IPv4 address or IPv6 /64 (one host has all of it). It
// is kept in memory, each process for itself.
//
// A lifetime address can be guessed by nature, so what a wrong guess costs is time: the answer comes later and later,
// then the connection is cut, then new ones are refused for a while. A goroutine that waits holds nothing but its
// connection, of which one neighbour has few.
type guard struct {
	clock clock.Clock
	o     Options

	mu   sync.Mutex
	all  int // connections
	by   map[netip.Prefix]*neighbour
	seen time.Time // when the list was swept last
}

// neighbour is what is known of one.
type neighbour struct {
	open   int       // connections
	wrong  float64   // addresses guessed, less what was made good since
	at     time.Time // when wrong was counted last
	banned time.Time // until when it is not let in
}

const (
	mostNeighbours = 100_000
	freeGuesses    = 2                // a mistyped address, or one that has left the base, costs nothing
	mostGuesses    = 12               // then it is no mistake
	longestWait    = 10               // times Options.Slow
	forgiven       = 10 * time.Minute // after so long one guess is forgotten
)

func newGuard(c clock.Clock, o Options) *guard {
	return &guard{clock: c, o: o, by: map[netip.Prefix]*neighbour{}, seen: c()}
}

// netOf is by what an address is counted; the zero prefix for those that have none, who are not counted.
func netOf(a netip.Addr) netip.Prefix {
	bits := 64
	if a.Is4() {
		bits = 32
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}

// enter says why somebody is not let in, empty when it is; then leave must follow.
func (g *guard) enter(a netip.Addr, p protocol) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.all >= g.o.Connections {
		return "too many connections"
	}
	if n := g.of(a); n != nil && !p.lmtp {
		if g.clock().Before(n.banned) {
			return "too many unknown recipients, come later"
		}
		if n.open >= g.o.PerAddress {
			return "too many connections from you"
		}
	}
	if n := g.of(a); n != nil {
		n.open++
	}
	g.all++
	return ""
}

func (g *guard) leave(a netip.Addr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.all--
	if n := g.of(a); n != nil {
		n.open--
	}
}

// wrong counts a guess and says how long the answer waits, and whether it is the last one.
func (g *guard) wrong(a netip.Addr) (wait time.Duration, last bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := g.of(a)
	if n == nil {
		return 0, false
	}
	now := g.clock()
	n.wrong = max(0, n.wrong-float64(now.Sub(n.at))/float64(forgiven)) + 1
	n.at = now
	if n.wrong > mostGuesses {
		n.banned = now.Add(g.o.Banned)
		return 0, true
	}
	return g.o.Slow * time.Duration(min(max(0, int(n.wrong)-freeGuesses), longestWait)), false
}

// right makes a guess good: who delivers mail is no guesser, whatever its list of addresses is worth.
func (g *guard) right(a netip.Addr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if n := g.of(a); n != nil {
		n.wrong = max(0, n.wrong-1)
	}
}

func (g *guard) of(a netip.Addr) *neighbour {
	p := netOf(a)
	if !p.IsValid() {
		return nil
	}
	n := g.by[p]
	if n == nil {
		g.sweep()
		n = &neighbour{}
		g.by[p] = n
	}
	return n
}

// sweep forgets those nothing is known of any more: every few minutes, or when there are too many.
func (g *guard) sweep() {
	now := g.clock()
	if len(g.by) < mostNeighbours && now.Sub(g.seen) < 5*time.Minute {
		return
	}
	g.seen = now
	full := len(g.by) >= mostNeighbours
	for p, n := range g.by {
		idle := n.open == 0 && !now.Before(n.banned)
		if idle && (full || now.Sub(n.at) > forgiven*time.Duration(n.wrong+1)) {
			delete(g.by, p)
		}
	}
}
