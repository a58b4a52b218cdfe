package bounces

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"amicale/internal/audit"
	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/i18n"
	"amicale/internal/id"
	"amicale/internal/mail"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

// Bounds of what people say of each other's addresses.
const (
	claimsADay  = 10       // by one account
	claimAge    = 30 * day // of the return
	warnEvery   = 7 * day  // the same person of the same address
	mostWarned  = 3        // addresses a person is warned at
	maxWords    = 500      // characters
	byLifetime  = "a-vie"  // what the form sends for the lifetime address
	actionReads = "profile.viewed_coordinates"
)

// Offer is what of a person's addresses a viewer may say that his mail came back from.
type Offer struct {
	Seen     people.Seen
	Emails   []people.ContactPoint // those that he sees
	Lifetime string                // the address that everybody can guess
}

// Offer finds them. They are coordinates: reading them leaves the trail that the profile leaves. NotFound also stands for
// "may not know of", and for one's own.
func (s *Store) Offer(ctx context.Context, by viewer.Actor, login string) (Offer, error) {
	person, err := s.people.PersonByLogin(ctx, login)
	if errors.Is(err, errs.NotFound) {
		person, err = id.New(), nil // whoever does not exist takes the same way as whoever is hidden
	}
	if err != nil {
		return Offer{}, err
	}
	seen, err := s.people.See(ctx, by.Viewer, person)
	if err != nil {
		return Offer{}, err
	}
	if seen.Own || seen.Status == people.Deceased {
		return Offer{}, errs.E("bounces.Offer", errs.NotFound, nil)
	}
	o := Offer{Seen: seen}
	for _, c := range seen.Contacts {
		if c.Kind == people.Email {
			o.Emails = append(o.Emails, c)
		}
	}
	as, err := s.people.Associations(ctx)
	if err != nil {
		return Offer{}, err
	}
	if a, ok := as.ByID(o.association()); ok && seen.Login != "" {
		o.Lifetime = seen.Login + "@" + a.MailDomain
	}
	if len(o.Emails) == 0 {
		return o, nil
	}
	return o, s.trail.Record(ctx, audit.Entry{Actor: by.Viewer, ActorName: by.Name, Action: actionReads, Person: seen.ID, Association: o.association(), Coalesced: true})
}

func (o Offer) association() id.ID {
	for _, g := range o.Seen.Degrees {
		return g.AssociationID
	}
	return id.ID{}
}

// Others are the addresses that the viewer sees besides the one that failed and those known to be broken.
func (o Offer) Others(which string) []people.ContactPoint {
	return slices.DeleteFunc(slices.Clone(o.Emails), func(c people.ContactPoint) bool { return c.ID.String() == which || !c.BrokenAt.IsZero() })
}

// Claim is what somebody says of another's address.
type Claim struct {
	Which string    // the contact point's identifier, or byLifetime
	Day   time.Time // on which his mail came back
	Words string
}

// check brings a claim to its form; address is "" for the lifetime address.
func (c *Claim) check(o Offer, now time.Time) (address string, err error) {
	f := errs.Fields{}
	c.Words = strings.TrimSpace(c.Words)
	known := c.Which == byLifetime && o.Lifetime != ""
	for _, e := range o.Emails {
		if e.ID.String() == c.Which {
			address, known = e.ValueKey, true
		}
	}
	if !known {
		f.Add("which", "bounces.claim_which")
	}
	if c.Day.IsZero() || c.Day.After(now) || c.Day.Before(dayOf(now).Add(-claimAge)) {
		f.Add("day", "bounces.claim_day")
	}
	if utf8.RuneCountInString(c.Words) > maxWords {
		f.Add("words", "bounces.claim_words", map[string]any{"Max": maxWords})
	}
	return address, f.Err()
}

// AddClaim takes down that mail to somebody came back. It counts as one day's failure of the address at most, and warns
// the person at his other addresses; the answer says nothing of them.
func (s *Store) AddClaim(ctx context.Context, by viewer.Actor, o Offer, c Claim) error {
	address, err := c.check(o, s.now())
	if err != nil {
		return err
	}
	err = s.db.Tx(ctx, func(ctx context.Context) error {
		latest, err := s.claimsSince(ctx, by, s.now().Add(-day))
		if err != nil {
			return err
		}
		if len(latest) >= claimsADay {
			return errs.New(errs.Limited, "bounces.claim_limited")
		}
		if slices.ContainsFunc(latest, func(l claimRow) bool { return l.PersonID == o.Seen.ID && l.Address == address }) {
			return nil // it was said already
		}
		warned, err := s.warn(ctx, o.Seen.ID, address)
		if err != nil {
			return err
		}
		if err := s.insertClaim(ctx, by, c, claimRow{PersonID: o.Seen.ID, Address: address, Warned: warned}); err != nil {
			return err
		}
		if address != "" {
			f := Failure{Address: address, Hour: dayOf(c.Day), Class: claimed, Failures: 1}
			if err := s.note(ctx, []Failure{f}); err != nil {
				return err
			}
		}
		return s.trail.Record(ctx, audit.Entry{Actor: by.Viewer, ActorName: by.Name, Action: "address.claimed", Person: o.Seen.ID, Association: o.association()})
	})
	return errs.Wrap("bounces.AddClaim", err)
}

// claimRow is a claim as the table has it.
type claimRow struct {
	PersonID id.ID
	Address  string
	Warned   int
}

func (s *Store) claimsSince(ctx context.Context, by viewer.Actor, since time.Time) ([]claimRow, error) {
	return db.All[claimRow](ctx, s.db, `SELECT person_id, address, warned FROM bounce_claims WHERE account_id = ? AND at > ?`, by.Account, since)
}

func (s *Store) insertClaim(ctx context.Context, by viewer.Actor, c Claim, row claimRow) error {
	_, err := s.db.Exec(ctx, `
		INSERT INTO bounce_claims (id, person_id, reporter_id, account_id, reporter, address, day, words, warned, at) VALUES (`+db.In(10)+`)`,
		id.New(), row.PersonID, by.Person, by.Account, by.Name, row.Address, dayOf(c.Day), c.Words, row.Warned, s.now())
	return err
}

// warn writes to a person's other addresses that mail to one of his comes back, and says to how many; to none when he
// was warned of it a short while ago.
func (s *Store) warn(ctx context.Context, person id.ID, address string) (n int, err error) {
	before, err := db.One[int](ctx, s.db, `SELECT count(*) FROM bounce_claims WHERE person_id = ? AND address = ? AND warned > 0 AND at > ?`, person, address, s.now().Add(-warnEvery))
	if err != nil || before > 0 {
		return 0, err
	}
	d, err := s.people.Dossier(ctx, robot(), person)
	if err != nil {
		return 0, err
	}
	for _, c := range reachable(d, address) {
		data := i18n.Data{"Address": "", "Cause": string(mail.Unknown)}
		if address != "" {
			data["Address"] = shown(c, address)
		}
		if err := s.tell(ctx, d, "claim", c, data); err != nil {
			return 0, err
		}
		n++
	}
	return n, nil
}

// reachable are the addresses that a person may be warned at that one of his fails: the confirmed ones that work, else
// the one to write to.
func reachable(d people.Dossier, address string) (out []people.ContactPoint) {
	for _, c := range d.Contacts {
		if c.Kind == people.Email && c.ValueKey != address && c.BrokenAt.IsZero() && !c.ConfirmedAt.IsZero() && len(out) < mostWarned {
			out = append(out, c)
		}
	}
	if now, ok := d.PreferredEmail(); ok && len(out) == 0 && now.ValueKey != address {
		out = append(out, now)
	}
	return out
}

// Told is a claim as the staff reads it.
type Told struct {
	PersonID id.ID
	Address  string // "" for the lifetime address
	Reporter string
	Day      time.Time
	Words    string
	Warned   int
	At       time.Time
	Name     string `db:"-"` // of the person
}

// Claims are those about people of the viewer's schools, or of one, the latest first, and how many there are.
func (s *Store) Claims(ctx context.Context, v viewer.Viewer, association id.ID, limit, offset int) ([]Told, int, error) {
	where, args, err := Filter{Association: association}.condition(v)
	if err != nil {
		return nil, 0, err
	}
	total, err := db.One[int](ctx, s.db, `SELECT count(*) FROM bounce_claims s WHERE `+where, append([]any(nil), args...)...)
	if err != nil || total == 0 {
		return nil, 0, errs.Wrap("bounces.Claims", err)
	}
	list, err := db.All[Told](ctx, s.db, `SELECT person_id, address, reporter, day, words, warned, at FROM bounce_claims s WHERE `+where+`
		ORDER BY at DESC, id DESC LIMIT ? OFFSET ?`, append(args, limit, offset)...)
	if err != nil {
		return nil, 0, errs.Wrap("bounces.Claims", err)
	}
	names, err := s.names(ctx, v, list)
	for i := range list {
		list[i].Name = names[list[i].PersonID]
	}
	return list, total, errs.Wrap("bounces.Claims", err)
}

func (s *Store) names(ctx context.Context, v viewer.Viewer, list []Told) (map[id.ID]string, error) {
	ids := make([]id.ID, len(list))
	for i, t := range list {
		ids[i] = t.PersonID
	}
	return s.Names(ctx, v, ids)
}
