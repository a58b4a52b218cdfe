package submission

import (
	"context"

	"amicale/internal/i18n"
	"amicale/internal/mail"
	"amicale/internal/outbox"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

// tellPassword writes to where the actor reads his mail that a program may send in his name from now on.
func (s *Store) tellPassword(ctx context.Context, a viewer.Actor, d people.Dossier, program string) error {
	list, err := s.ReadAt(ctx, a.Viewer)
	if err != nil || len(list) == 0 {
		return err
	}
	as, err := s.People.Associations(ctx)
	if err != nil {
		return err
	}
	subject, body := mail.Write(ctx, "submission.mail.password", s.Origin+page, i18n.Data{"Name": d.Name(), "Program": program})
	if school, ok := as.ByID(d.NewestAssociation()); ok {
		body.Brand = mail.Brand{Name: school.Name, URL: s.Origin, Accent: school.Color}
	}
	for _, to := range list {
		l := outbox.Letter{Kind: "submission.password", To: to, Person: d.ID, Subject: subject, Lang: i18n.Lang(ctx)}
		if err := s.Outbox.SendBody(ctx, l, body); err != nil {
			return err
		}
	}
	return nil
}
