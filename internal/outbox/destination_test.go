package outbox

import (
	"testing"
	"time"

	"amicale/internal/mail"
)

func TestPresetOf(t *testing.T) {
	t.Parallel()
	for server, want := range map[string]string{
		"gmail-smtp-in.l.google.com": "google", "aspmx.l.google.com": "google", "smtp.google.com": "google", "notgoogle.com": "",
		"ensta-fr.mail.protection.outlook.com": "microsoft", "hotmail-com.olc.protection.outlook.com": "microsoft", "x.y.mx.microsoft": "microsoft",
		"smtp-in.orange.fr": "orange", "smtp-in.wanadoo.fr": "orange", "mx-eu.mail.am0.yahoodns.net": "yahoo", "smtp-in.sfr.fr": "sfr", "mx.neuf.fr": "sfr",
		"mx1.free.fr": "free", "smtpz4.laposte.net": "laposte", "mx01.mail.icloud.com": "icloud", "mx.ail.example": "",
	} {
		if got, _ := presetOf(server); got.Name != want {
			t.Errorf("presetOf(%s) = %q, want %q", server, got.Name, want)
		}
	}
	if p, _ := presetOf("smtp-in.orange.fr"); p.Connections > 2 || p.Messages > 100 || p.Messages < 50 {
		t.Errorf("orange is treated as %+v, want at most two connections and some 80 messages each", p)
	}
}

// TestALetterDoesNotWaitForACampaign: letters go first, and a campaign goes on all the same.
func TestALetterDoesNotWaitForACampaign(t *testing.T) {
	t.Parallel()
	l := &lane{queues: make([]queue, 3)}
	feeds := []*feed{{index: 0}, {index: 1}, {index: 2}}
	for i := range 40 {
		l.queues[i%2*2].push(&item{feed: feeds[i%2*2]})
		l.n++
	}
	letters, campaign := 0, 0
	for range 20 {
		if l.pop().feed.index == 0 {
			letters++
		} else {
			campaign++
		}
	}
	if letters != 15 || campaign != 5 {
		t.Errorf("of the first twenty %d are letters and %d of the campaign, want 15 and 5", letters, campaign)
	}
	rest := 0
	for l.pop() != nil {
		rest++
	}
	if rest != 20 || l.n != 0 {
		t.Errorf("%d more, %d left, want 20 and none", rest, l.n)
	}
}

func TestADestinationRestsLongerEachTime(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	d := newDestination(target{key: "x", preset: Preset{Connections: 3}.filled()}, 1)
	for i, want := range []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 16 * time.Minute, 30 * time.Minute, 30 * time.Minute} {
		d.close(d.preset, now, mail.Reply{Code: 421})
		if got := d.until.Sub(now); got < want*8/10 || got > want*12/10 {
			t.Errorf("rest %d = %v, want about %v", i+1, got, want)
		}
		now = d.until
	}
	for range 6 {
		d.took(&lane{})
	}
	d.close(d.preset, now, mail.Reply{})
	if got := d.until.Sub(now); got > 3*time.Minute {
		t.Errorf("after six messages it rests %v, want it shrunk", got)
	}
}
