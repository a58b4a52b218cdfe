package profiles

import (
	"context"

	"amicale/internal/fold"
	"amicale/internal/i18n"
	"amicale/internal/mail"
	"amicale/internal/outbox"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

func linkReader() viewer.Viewer { return viewer.ForSystem("letters about one's own profile") }

func emailKey(s string) string { return fold.Email(s) }

// ConfirmPath is the page where a link that confirms an address is used.
func ConfirmPath(token string) string { return "/moi/profil/email/" + token }

// ErasePath is the page where a link that erases a person is used.
func ErasePath(token string) string { return "/moi/donnees/effacer/" + token }

// letter sends the words of a key to one address, in the name of the person's newest association.
func (s *Store) letter(ctx context.Context, d people.Dossier, key, to, path string, data i18n.Data) error {
	if data == nil {
		data = i18n.Data{}
	}
	data["Name"] = d.Name()
	link := ""
	if path != "" {
		link = s.Origin + path
	}
	subject, body := mail.Write(ctx, "profile.mail."+key, link, data)
	as, err := s.Associations(ctx)
	if err != nil {
		return err
	}
	if a, ok := as.ByID(d.NewestAssociation()); ok {
		body.Brand = mail.Brand{Name: a.Name, URL: s.Origin, Accent: a.Color}
	}
	return s.Outbox.SendBody(ctx, outbox.Letter{Kind: "profile." + key, To: to, Person: d.ID, Subject: subject, Lang: i18n.Lang(ctx)}, body)
}

// sendConfirmation writes to an address that is to be confirmed, and tells the confirmed ones of a new one. The words
// of those tell which address was added, so that its owner can act.
func (s *Store) sendConfirmation(ctx context.Context, j toConfirm) error {
	ctx = s.Bundle.With(ctx, j.Lang)
	return s.DB.Tx(ctx, func(ctx context.Context) error {
		d, err := s.People.Dossier(ctx, linkReader(), j.Person)
		if err != nil {
			return gone(err)
		}
		c, ok := contactOf(d, j.Contact)
		if !ok || !confirmable(c) {
			return nil
		}
		token, err := s.Links.IssueEmailLink(ctx, d.ID, c.Value)
		if err != nil {
			return err
		}
		if err := s.letter(ctx, d, "confirm_email", c.Value, ConfirmPath(token), i18n.Data{"Email": c.Value}); err != nil || !j.New {
			return err
		}
		for _, o := range Contacts(d.Contacts, people.Email) {
			if confirmable(o) {
				continue
			}
			if err := s.letter(ctx, d, "email_added", o.Value, "/moi/profil", i18n.Data{"Email": c.Value}); err != nil {
				return err
			}
		}
		return nil
	})
}

// tellRemoved writes to an address that no longer belongs to the profile.
func (s *Store) tellRemoved(ctx context.Context, d people.Dossier, c people.ContactPoint) error {
	return s.letter(ctx, d, "email_removed", c.Value, "", i18n.Data{"Email": c.Value})
}
