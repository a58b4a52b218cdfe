package profiles

import (
	"time"

	"amicale/internal/people"
)

// State is where somebody stands with an association.
type State string

// The states.
const (
	Current State = "current"
	Coming  State = "coming" // paid, and begins later
	Past    State = "past"
	None    State = "none"
)

// Standing is where somebody stands with one association today.
type Standing struct {
	Association people.Association
	State       State
	Day         time.Time // the last day of a current or past membership, the first of a coming one
}

// Standings are those with the associations of a person's degrees, and with others whose dues he ever paid.
func Standings(d people.Dossier, as people.Associations, today time.Time) []Standing {
	concerned := d.Associations()
	var out []Standing
	for _, a := range as {
		var best Standing
		for _, c := range concerned {
			if c == a.ID {
				best = Standing{State: None}
			}
		}
		for _, m := range d.Memberships {
			if m.AssociationID == a.ID {
				best = better(best, standingOf(m, today))
			}
		}
		if best.State != "" {
			best.Association = a
			out = append(out, best)
		}
	}
	return out
}

func standingOf(m people.Membership, today time.Time) Standing {
	switch {
	case m.On(today):
		return Standing{State: Current, Day: m.EndsOn}
	case m.StartsOn.After(today):
		return Standing{State: Coming, Day: m.StartsOn}
	}
	return Standing{State: Past, Day: m.EndsOn}
}

// better is the one that says more: a current membership before a coming one before a past one; of two current or
// past ones that which ends later, of two coming ones that which begins sooner.
func better(a, b Standing) Standing {
	order := map[State]int{"": 0, None: 1, Past: 2, Coming: 3, Current: 4}
	if order[a.State] != order[b.State] {
		if order[a.State] > order[b.State] {
			return a
		}
		return b
	}
	if (a.State == Coming) == a.Day.Before(b.Day) {
		return a
	}
	return b
}
