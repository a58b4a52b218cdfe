package forwarding

import (
	"context"
	"time"

	"amicale/internal/i18n"
	"amicale/internal/mail"
	"amicale/internal/outbox"
	"amicale/internal/people"
)

// letter sends the words of a key to one address, in the name of the person's newest association.
func (s *Store) letter(ctx context.Context, d people.Dossier, key, to string, data i18n.Data) error {
	if data == nil {
		data = i18n.Data{}
	}
	data["Name"] = d.Name()
	subject, body := mail.Write(ctx, "forwarding.mail."+key, s.Origin+Path, data)
	as, err := s.People.Associations(ctx)
	if err != nil {
		return err
	}
	if a, ok := as.ByID(d.NewestAssociation()); ok {
		body.Brand = mail.Brand{Name: a.Name, URL: s.Origin, Accent: a.Color}
	}
	return s.Outbox.SendBody(ctx, outbox.Letter{Kind: "forwarding." + key, To: to, Person: d.ID, Subject: subject, Lang: i18n.Lang(ctx)}, body)
}

// tellChanged writes to every address that mail went to before: whoever reads there knows that something changed, not
// where it goes now, for an address may be given up because somebody else reads it.
func (s *Store) tellChanged(ctx context.Context, d people.Dossier, before Settings) error {
	for _, t := range before.Targets {
		if t.State != Good {
			continue
		}
		if err := s.letter(ctx, d, "changed", t.envelope(), nil); err != nil {
			return err
		}
	}
	return nil
}

// lastDay is the day until which mail waits for who was asked for a target then.
func lastDay(ctx context.Context, asked time.Time) i18n.Data {
	return i18n.Data{"Day": i18n.Date(ctx, asked.Add(askedFor))}
}

// askAt is where to write to somebody whose mail goes nowhere: to his preferred address if it was confirmed, to another
// that was, else to the one the base has; "" when there is none, or only such as mail comes back from.
func askAt(d people.Dossier, h Settings, as people.Associations) string {
	best, rank := "", 0
	for _, c := range d.Contacts {
		if c.Kind != people.Email || !c.BrokenAt.IsZero() || h.isDead(c.ValueKey) || !routable(c.Value, as) {
			continue
		}
		n := 1
		if !c.ConfirmedAt.IsZero() {
			n += 2
		}
		if c.Preferred {
			n++
		}
		if n > rank {
			best, rank = c.Value, n
		}
	}
	return best
}

func (s Settings) isDead(key string) bool {
	for _, t := range s.Targets {
		if t.State == Dead && t.Key() == key {
			return true
		}
	}
	return false
}
