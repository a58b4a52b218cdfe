package inbox

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
)

func TestGuard(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 27, 10, 0, 0, 0, time.UTC)
	g := newGuard(func() time.Time { return now }, Options{Connections: 1000, PerAddress: 2}.filled())
	a := netip.MustParseAddr
	smtp, lmtp := protocol{}, protocol{lmtp: true}

	// Two guesses are free, then each costs a second more, up to ten; the thirteenth is the last.
	for i, want := range []int{0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10} {
		if wait, last := g.wrong(a("192.0.2.1")); wait != time.Duration(want)*time.Second || last {
			t.Errorf("guess %d waits %s, %v, want %d s", i+1, wait, last, want)
		}
	}
	if _, last := g.wrong(a("192.0.2.1")); !last {
		t.Error("the thirteenth guess is not the last")
	}
	if g.enter(a("192.0.2.1"), smtp) == "" {
		t.Error("who guessed is let in")
	}
	if g.enter(a("192.0.2.2"), smtp) != "" || g.enter(a("192.0.2.1"), lmtp) != "" {
		t.Error("a neighbour, or our own server in front, is not let in")
	}
	now = now.Add(16 * time.Minute)
	if why := g.enter(a("192.0.2.1"), smtp); why != "" {
		t.Error("still not let in after the ban:", why)
	}

	// A /64 of IPv6 is one host; another is another.
	for range 12 {
		g.wrong(a("2001:db8::1"))
	}
	if _, last := g.wrong(a("2001:db8::ffff")); !last {
		t.Error("another address of the same /64 is not the same guesser")
	}
	if wait, _ := g.wrong(a("2001:db8:0:1::1")); wait != 0 {
		t.Error("another /64 is the same guesser")
	}

	// Delivered mail, and time, make guesses good.
	b := a("198.51.100.1")
	for range 5 {
		g.wrong(b)
	}
	g.right(b)
	g.right(b)
	if wait, _ := g.wrong(b); wait != 2*time.Second {
		t.Errorf("after five guesses and two messages the next waits %s, want 2 s", wait)
	}
	now = now.Add(time.Hour)
	if wait, _ := g.wrong(b); wait != 0 {
		t.Errorf("an hour later it waits %s", wait)
	}

	// Two connections at once, and again after one is gone.
	c := a("203.0.113.1")
	for n := range 3 {
		if got := g.enter(c, smtp); (got == "") != (n < 2) {
			t.Errorf("connection %d: %q, want two of them let in", n+1, got)
		}
	}
	g.leave(c)
	if g.enter(c, smtp) != "" {
		t.Error("not let in after one left")
	}
	if g.enter(netip.Addr{}, smtp) != "" {
		t.Error("a socket without an address is not let in")
	}
}

// TestGuardForgets: strangers cannot fill the memory, and nobody who is inside or banned is forgotten for them.
func TestGuardForgets(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 27, 10, 0, 0, 0, time.UTC)
	g := newGuard(func() time.Time { return now }, Options{Connections: 1 << 20}.filled())
	inside, banned := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	g.enter(inside, protocol{})
	for range 13 {
		g.wrong(banned)
	}
	for i := range mostNeighbours + 1000 {
		a := netip.MustParseAddr(fmt.Sprintf("2001:db8:%x:%x::1", i>>16, i&0xffff))
		if g.enter(a, protocol{}) == "" {
			g.leave(a)
		}
	}
	if len(g.by) > mostNeighbours {
		t.Errorf("%d neighbours are known", len(g.by))
	}
	if g.by[netOf(inside)] == nil || g.enter(banned, protocol{}) == "" {
		t.Error("one that counts was forgotten")
	}
	now = now.Add(time.Hour)
	g.enter(netip.MustParseAddr("198.51.100.1"), protocol{})
	if len(g.by) > 3 {
		t.Errorf("%d neighbours are known after an hour", len(g.by))
	}
}
