package outbox

import (
	"context"
	"strings"
	"time"

	"amicale/internal/mail"
)

// Preset is how a destination wants to be treated.
type Preset struct {
	Name        string        // of a large provider, 'smarthost' or 'mailbox'; empty for everybody else
	Connections int           // at once
	Messages    int           // over one connection; 0: as many as there are
	PerMinute   int           // messages a minute; 0: as fast as it takes them
	BackOff     time.Duration // after the first time that it serves nobody; each further time doubles it
	Longest     time.Duration // to which it grows
}

// The presets of the providers that most graduates use, by the end of their servers' names. Orange closes to whoever
// opens more than two or three connections (421 OFR004_104), and all of them slow senders down whom they do not know:
// the rates are what a small sender of good repute is granted.
var presets = []struct {
	suffixes []string
	Preset
}{
	{[]string{"google.com", "googlemail.com"}, Preset{Name: "google", Connections: 8, Messages: 100, PerMinute: 1200}},
	{[]string{"outlook.com", "hotmail.com", "mx.microsoft"}, Preset{Name: "microsoft", Connections: 5, Messages: 50, PerMinute: 600}},
	{[]string{"orange.fr", "wanadoo.fr"}, Preset{Name: "orange", Connections: 2, Messages: 80, PerMinute: 240}},
	{[]string{"yahoodns.net", "yahoo.com"}, Preset{Name: "yahoo", Connections: 4, Messages: 20, PerMinute: 400}},
	{[]string{"sfr.fr", "neuf.fr", "sfr.net"}, Preset{Name: "sfr", Connections: 2, Messages: 50, PerMinute: 200}},
	{[]string{"free.fr", "proxad.net"}, Preset{Name: "free", Connections: 3, Messages: 50, PerMinute: 300}},
	{[]string{"laposte.net"}, Preset{Name: "laposte", Connections: 2, Messages: 50, PerMinute: 200}},
	{[]string{"icloud.com", "me.com", "apple.com"}, Preset{Name: "icloud", Connections: 3, Messages: 50, PerMinute: 300}},
}

// Back-off of who names none.
const (
	firstBackOff = 30 * time.Second
	longest      = 30 * time.Minute
)

func (p Preset) filled() Preset {
	if p.BackOff == 0 {
		p.BackOff = firstBackOff
	}
	if p.Longest == 0 {
		p.Longest = longest
	}
	return p
}

// presetOf is how the server of that name wants to be treated; false for a small one.
func presetOf(server string) (Preset, bool) {
	for _, p := range presets {
		for _, s := range p.suffixes {
			if server == s || strings.HasSuffix(server, "."+s) {
				return p.Preset.filled(), true
			}
		}
	}
	return Preset{}, false
}

// target is where mail for a domain goes.
type target struct {
	key    string // of the destination: a preset's name, or the domain of its servers
	preset Preset
	hosts  []string // in order
	lane   string   // the hosts as a key: a connection serves domains with the same servers
}

// deadEnd is a domain that takes no mail.
type deadEnd struct {
	reply mail.Reply
	class mail.Class
}

func (d *deadEnd) Error() string { return d.reply.Text }

// router knows where mail for a domain goes.
type router interface {
	// known is what is known without asking anybody: the target, or the error that find would give.
	known(domain string) (t target, ok bool, err error)
	// find asks. A *deadEnd is final; other errors are not.
	find(ctx context.Context, domain string) (target, error)
	// alone reports that there is one destination for everything.
	alone() bool
}

// fixed is the route of a smarthost, and of the demonstration's mailbox: everything goes to one place.
type fixed struct{ target }

func (f fixed) known(string) (target, bool, error)           { return f.target, true, nil }
func (f fixed) find(context.Context, string) (target, error) { return f.target, nil }
func (f fixed) alone() bool                                  { return true }

// Names of destinations that are not somebody else's.
const (
	smarthostKey = "smarthost"
	mailboxKey   = "mailbox"
)

// Label is a destination as metrics name it, so that the names are few: a preset's, 'smarthost', 'mailbox' or 'other'.
func Label(destination string) string {
	for _, p := range presets {
		if destination == p.Name {
			return destination
		}
	}
	if destination == smarthostKey || destination == mailboxKey {
		return destination
	}
	return "other"
}
