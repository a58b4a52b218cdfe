package forwarding

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"amicale/internal/errs"
	"amicale/internal/fold"
	"amicale/internal/people"
)

// Place is what a person says of one of his addresses: nothing goes there, it is the first target, the second…, or the
// reserve.
type Place string

const (
	Nowhere   Place = ""
	InReserve Place = "reserve"
)

// mostTargets bounds how many copies one message makes.
const mostTargets = 5

// Places are those that a choice among that many addresses offers.
func Places(n int) []Place {
	out := []Place{Nowhere}
	for i := range min(n, mostTargets) {
		out = append(out, Place(strconv.Itoa(i+1)))
	}
	return append(out, InReserve)
}

func (p Place) rank() (int, bool) {
	n, err := strconv.Atoi(string(p))
	return n, err == nil && n >= 1 && n <= mostTargets
}

// Choice is an address that somebody may choose, and the place it has.
type Choice struct {
	Address   string
	Purpose   people.Purpose // "" for one that only an older system knew
	Confirmed bool           // only then may it be the reserve
	Ours      bool           // of our own domains: it cannot be chosen
	Place     Place
	State     State
}

// Key is the form addresses are compared by.
func (c Choice) Key() string { return fold.Email(c.Address) }

// Choices are the addresses a person may choose among: his confirmed ones, and those that mail goes to already.
func Choices(d people.Dossier, s Settings, as people.Associations) []Choice {
	var out []Choice
	for _, c := range d.Contacts {
		if c.Kind != people.Email || c.ConfirmedAt.IsZero() || slices.ContainsFunc(out, func(o Choice) bool { return o.Key() == c.ValueKey }) {
			continue
		}
		if is := as.Ours(c.Value); is || routable(c.Value, as) {
			out = append(out, Choice{Address: c.Value, Purpose: c.Purpose, Confirmed: true, Ours: is, State: Good})
		}
	}
	rank := 0
	for _, t := range s.Targets {
		i := slices.IndexFunc(out, func(o Choice) bool { return o.Key() == t.Key() })
		if i < 0 {
			if t.State == Gone {
				continue
			}
			out = append(out, Choice{Address: t.Address, Purpose: purposeOf(d, t), State: t.State})
			i = len(out) - 1
		}
		if out[i].State = t.State; t.State == Gone {
			out[i].State = Good // confirmed again meanwhile, or ours
		}
		if out[i].Place = InReserve; t.Role == Goal {
			rank++
			out[i].Place = Place(strconv.Itoa(min(rank, mostTargets)))
		}
	}
	return out
}

func purposeOf(d people.Dossier, t Target) people.Purpose {
	for _, c := range d.Contacts {
		if c.Kind == people.Email && c.ValueKey == t.Key() {
			return c.Purpose
		}
	}
	return ""
}

// Wish is what a person says of the forwarding.
type Wish struct {
	Mode       Mode
	Strictness Strictness
	Preferred  bool
	Places     map[string]Place // by the address's key
}

// PlaceField is the form's field of an address's place.
func PlaceField(key string) string { return "to " + key }

// settings are what a wish makes of the present settings, or what is wrong with it, by form field. The pause stays.
func (w Wish) settings(choices []Choice, now Settings) (Settings, error) {
	f := errs.Fields{}
	out := Settings{Mode: w.Mode, Strictness: w.Strictness, PausedUntil: now.PausedUntil, Chosen: true, Preferred: w.Preferred}
	if !slices.Contains(Modes(), w.Mode) {
		f.Add("mode", "forwarding.choice_bad")
	}
	if !slices.Contains(Strictnesses(), w.Strictness) {
		f.Add("strictness", "forwarding.choice_bad")
	}
	ranks, reserves := map[string]int{}, 0
	for _, c := range choices {
		key := c.Key()
		place := w.Places[key]
		rank, isGoal := place.rank()
		switch {
		case place == Nowhere:
		case c.Ours:
			f.Add(PlaceField(key), "forwarding.target_ours")
		case isGoal:
			ranks[key] = rank
			out.Targets = append(out.Targets, Target{Address: c.Address, Role: Goal, State: Good, Known: !c.Confirmed})
		case place != InReserve:
			f.Add(PlaceField(key), "forwarding.choice_bad")
		case !c.Confirmed:
			f.Add(PlaceField(key), "forwarding.reserve_unconfirmed")
		default:
			if reserves++; reserves > 1 {
				f.Add(PlaceField(key), "forwarding.reserve_twice")
			}
			out.Targets = append(out.Targets, Target{Address: c.Address, Role: Reserve, State: Good})
		}
	}
	w.checkKnown(f, choices)
	if len(f) == 0 && len(ranks) == 0 {
		f.Add("targets", "forwarding.no_target")
	}
	order(out.Targets, ranks, choices)
	return out, f.Err()
}

// checkKnown refuses what is no choice: an address that was taken away meanwhile, or never was the person's.
func (w Wish) checkKnown(f errs.Fields, choices []Choice) {
	for key, place := range w.Places {
		if place != Nowhere && !slices.ContainsFunc(choices, func(c Choice) bool { return c.Key() == key }) {
			f.Add("targets", "forwarding.target_unknown")
		}
	}
}

// order sorts by the ranks that were said; of two with the same rank the one that stands first on the page comes
// first, and the reserve last.
func order(list []Target, ranks map[string]int, choices []Choice) {
	place := func(t Target) int {
		at := slices.IndexFunc(choices, func(c Choice) bool { return c.Key() == t.Key() })
		if t.Role == Reserve {
			return 1000*(mostTargets+1) + at
		}
		return 1000*ranks[t.Key()] + at
	}
	slices.SortFunc(list, func(a, b Target) int { return place(a) - place(b) })
}

// sameTargets reports whether mail goes to the same addresses in the same roles, in whatever order.
func sameTargets(a, b Settings) bool {
	set := func(s Settings) map[string]Role {
		out := map[string]Role{}
		for _, t := range s.Targets {
			if t.State != Gone {
				out[t.Key()] = t.Role
			}
		}
		return out
	}
	x, y := set(a), set(b)
	for k, r := range x {
		if y[k] != r {
			return false
		}
	}
	return len(x) == len(y)
}

// first is the first of a person's addresses that his address for life leads to; ok is false when it leads only where an
// older system sent.
func first(d people.Dossier, s Settings) (c people.ContactPoint, ok bool) {
	for _, to := range s.Route() {
		key := fold.Email(to)
		for _, c := range d.Contacts {
			if c.Kind == people.Email && c.ValueKey == key && c.BrokenAt.IsZero() {
				return c, true
			}
		}
	}
	return people.ContactPoint{}, false
}

// Version names the state of the settings; a form carries it, so that a change made elsewhere meanwhile is noticed.
func (s Settings) Version() string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // settings are plain values
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8])
}

// longestPause is how long mail may wait: what waits longer is not kept.
const longestPause = 28 * 24 * time.Hour

// checkPause says what is wrong with the day on which a pause ends.
func checkPause(until, now time.Time) error {
	f := errs.Fields{}
	switch {
	case until.IsZero() || !until.After(now):
		f.Add("until", "forwarding.pause_past")
	case until.After(now.Add(longestPause)):
		f.Add("until", "forwarding.pause_long", map[string]any{"Days": int(longestPause / (24 * time.Hour))})
	}
	return f.Err()
}
