package newsletters

import (
	"context"
	"slices"

	"amicale/internal/errs"
	"amicale/internal/i18n"
	"amicale/internal/id"
	"amicale/internal/mail"
	"amicale/internal/newsletters/compose"
	"amicale/internal/outbox"
	"amicale/internal/viewer"
)

// staffOf are those who write in a sender's name, each once: where tests may go and whom alarms reach.
func (s *Store) staffOf(ctx context.Context, sender id.ID) ([]Holder, error) {
	var out []Holder
	add := func(role viewer.RoleName, association id.ID) error {
		list, err := s.Staff.AccountsWithRole(ctx, role, association)
		for _, h := range list {
			if _, bad := mail.ParseAddress(h.Email); bad == nil && !slices.ContainsFunc(out, func(o Holder) bool { return o.Email == h.Email }) {
				out = append(out, h)
			}
		}
		return errs.Wrap("newsletters.staffOf", err)
	}
	if !sender.IsZero() {
		for _, role := range []viewer.RoleName{viewer.Editor, viewer.Webmaster} {
			if err := add(role, sender); err != nil {
				return nil, err
			}
		}
	}
	err := add(viewer.FederationAdmin, id.ID{})
	return out, err
}

// Testers are those to whom a test of a campaign may be sent.
func (s *Store) Testers(ctx context.Context, v viewer.Viewer, campaign id.ID) ([]Holder, error) {
	c, err := s.ByID(ctx, v, campaign)
	if err != nil {
		return nil, err
	}
	return s.staffOf(ctx, c.SenderID)
}

// Test sends one version to a member of the staff, with the fields filled as a sample says. Its links lead where they
// say, and its ways out lead nowhere.
func (s *Store) Test(ctx context.Context, by viewer.Actor, campaign id.ID, lang, to string) error {
	c, err := s.ByID(ctx, by.Viewer, campaign)
	if err != nil {
		return err
	}
	staff, err := s.staffOf(ctx, c.SenderID)
	if err != nil {
		return err
	}
	f := errs.Fields{}
	if !slices.ContainsFunc(staff, func(h Holder) bool { return h.Email == to }) {
		f.Add("to", "newsletters.need_tester")
	}
	if !slices.Contains(c.Langs(), lang) {
		f.Add("lang", "newsletters.need_version")
	}
	if err := f.Err(); err != nil {
		return err
	}
	t, err := s.template(ctx, c, lang, nil)
	if err != nil {
		return err
	}
	sample, subject := s.sample(ctx, lang), i18n.T(s.Bundle.With(ctx, lang), "newsletters.test_prefix")+" "
	err = s.DB.Tx(ctx, func(ctx context.Context) error {
		l := outbox.Letter{Kind: "newsletters.test", To: to, Subject: subject + t.Subject(sample), Text: t.Text(sample), HTML: t.HTML(sample), Lang: lang}
		if err := s.Post.Send(ctx, l); err != nil {
			return err
		}
		return s.record(ctx, by, "newsletter.tested", c, nil)
	})
	return errs.Wrap("newsletters.Test", err)
}

// sample is somebody who is nobody, in whose place a letter is shown.
func (s *Store) sample(ctx context.Context, lang string) compose.Values {
	in := s.Bundle.With(ctx, lang)
	say := func(what string) string { return i18n.T(in, "newsletters.sample."+what) }
	return compose.Values{Person: compose.Person{FirstName: say("first_name"), Name: say("name"), Class: say("class"), School: say("school"), Login: say("login"), Address: say("address")},
		Unsubscribe: s.Origin + "/", All: s.Origin + "/"}
}

// raise writes to the staff of a campaign about which they must know.
func (s *Store) raise(ctx context.Context, a alarmed) error {
	c, err := s.campaign(ctx, a.Campaign)
	if errs.KindOf(err) == errs.NotFound && err != nil {
		return nil
	}
	if err != nil {
		return errs.Wrap("newsletters.raise", err)
	}
	staff, err := s.staffOf(ctx, c.SenderID)
	if err != nil {
		return err
	}
	sender, err := s.sender(ctx, c.SenderID)
	if err != nil {
		return err
	}
	err = s.DB.Tx(ctx, func(ctx context.Context) error {
		for _, h := range staff {
			in := s.Bundle.With(ctx, h.Lang)
			subject, body := mail.Write(in, "newsletters.mail."+a.Why, s.Origin+campaignPath(c.ID), i18n.Data{"Title": c.Title, "Failed": i18n.Number(in, c.EarlyFailed), "Of": i18n.Number(in, min(earlyLetters, c.Sent+c.Failed))})
			body.Brand = mail.Brand{Name: sender.Name, URL: s.Origin, Accent: sender.Accent}
			if err := s.Post.SendBody(in, outbox.Letter{Kind: "newsletters." + a.Why, To: h.Email, Subject: subject, Lang: i18n.Lang(in)}, body); err != nil {
				return err
			}
		}
		return nil
	})
	return errs.Wrap("newsletters.raise", err)
}
