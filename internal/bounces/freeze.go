package bounces

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"amicale/internal/outbox"
)

// Hour is how a destination answered in one hour.
type Hour outbox.Hour

func (h Hour) answers() int { return h.Sent + h.Reputation + h.Failed }

// When a destination's answers say more of us than of the mailboxes.
const (
	enough     = 20 // answers from which a twentieth is no accident
	manyPart   = 20 // from that many on, a twentieth
	fewPart    = 5  // of fewer, a fifth
	dayPart    = 10 // of a whole day, a tenth
	dayQuarter = 4  // or a quarter of its hours
)

// Blames reports whether what the destination refused in that hour counts for nobody.
func (h Hour) Blames() bool {
	all := h.answers()
	return h.Reputation > 0 && (h.Reputation*fewPart >= all || all >= enough && h.Reputation*manyPart >= all)
}

// FrozenDay is a destination's day with the hours that count for nobody, and how it answered in them.
type FrozenDay struct {
	Destination string
	Day         time.Time
	Whole       bool // all of it
	Hours       []time.Time
	Answers     int
	Reputation  int // of them, those that blame us
}

// Serious reports whether it is more than one unhappy small server: somebody must look.
func (d FrozenDay) Serious() bool { return d.Answers >= enough }

// spot is a destination's hour or day.
type spot struct {
	destination string
	at          time.Time
}

// Frozen are the hours and days whose failures count for nobody.
type Frozen struct {
	hours, days map[spot]bool
}

// Freeze finds them: hours in which a destination blamed us, and whole days of which a quarter of the hours, or a tenth
// of the answers, did.
func Freeze(list []Hour) (Frozen, []FrozenDay) {
	f := Frozen{hours: map[spot]bool{}, days: map[spot]bool{}}
	days := map[spot][]Hour{}
	for _, h := range list {
		if h.answers() > 0 {
			at := spot{h.Destination, dayOf(h.Hour)}
			days[at] = append(days[at], h)
		}
	}
	var out []FrozenDay
	for at, hours := range days {
		d := freezeDay(hours)
		f.days[at] = d.Whole
		for _, h := range d.Hours {
			f.hours[spot{at.destination, hourOf(h)}] = true
		}
		if d.Whole || len(d.Hours) > 0 {
			d.Destination, d.Day = at.destination, at.at
			out = append(out, d)
		}
	}
	slices.SortFunc(out, func(a, b FrozenDay) int {
		return cmp.Or(b.Day.Compare(a.Day), strings.Compare(a.Destination, b.Destination))
	})
	return f, out
}

// freezeDay judges the hours of one destination's day.
func freezeDay(hours []Hour) FrozenDay {
	var all, some FrozenDay // of the day, of its frozen hours
	for _, h := range hours {
		all.Answers, all.Reputation = all.Answers+h.answers(), all.Reputation+h.Reputation
		if h.Blames() {
			some.Answers, some.Reputation = some.Answers+h.answers(), some.Reputation+h.Reputation
			some.Hours = append(some.Hours, h.Hour)
		}
	}
	slices.SortFunc(some.Hours, time.Time.Compare)
	tenth := all.Answers >= enough && all.Reputation > 0 && all.Reputation*dayPart >= all.Answers
	if all.Whole = tenth || len(some.Hours)*dayQuarter >= len(hours); !all.Whole {
		return some
	}
	all.Hours = some.Hours
	return all
}

// Holds reports whether a failure of that destination and hour counts for nobody.
func (f Frozen) Holds(destination string, hour time.Time) bool {
	return f.hours[spot{destination, hourOf(hour)}] || f.days[spot{destination, dayOf(hour)}]
}
