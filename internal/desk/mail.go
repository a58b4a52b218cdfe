package desk

import (
	"context"
	"strings"

	"amicale/internal/errs"
	"amicale/internal/fold"
	"amicale/internal/i18n"
	"amicale/internal/id"
	"amicale/internal/mail"
	"amicale/internal/outbox"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

// letter is one letter about to be written from the messages desk.mail.NAME.*.
type letter struct {
	name   string
	to     string
	lang   string
	school people.Association // in whose name; zero for the federation's
	path   string             // of the button; "" for none
	data   i18n.Data
	words  string // what the staff wrote, after the first paragraph
}

// send writes and posts a letter, in the transaction of the context.
func (s *Store) send(ctx context.Context, l letter) error {
	ctx = s.bundle.With(ctx, l.lang)
	link := ""
	if l.path != "" {
		link = s.origin + l.path
	}
	subject, body := mail.Write(ctx, "desk.mail."+l.name, link, l.data)
	if !l.school.ID.IsZero() {
		body.Brand = mail.Brand{Name: l.school.Name, URL: s.origin, Accent: l.school.Color}
	}
	if l.words != "" {
		body.Paragraphs = append(body.Paragraphs, strings.Split(l.words, "\n\n")...)
	}
	return s.post.SendBody(ctx, outbox.Letter{Kind: "desk." + l.name, To: l.to, Subject: subject, Lang: i18n.Lang(ctx)}, body)
}

// deliverable reports whether a letter can be sent to an address: the base also holds some that no server takes.
func deliverable(address string) bool {
	_, err := mail.ParseAddress(fold.Email(address))
	return err == nil
}

// mailClaimant writes to who waits for an answer.
func (s *Store) mailClaimant(ctx context.Context, name string, c *Case, words, token string) error {
	school, err := s.schoolOf(ctx, c.AssociationID)
	if err != nil {
		return err
	}
	l := letter{name: name, to: fold.Email(c.Claim.Email), lang: c.Lang, school: school, words: words, data: i18n.Data{"Name": c.Claim.Name()}}
	if token != "" {
		l.path = AnswerPath + token
	}
	return s.send(ctx, l)
}

// alert tells the webmasters of a school that a case came; the federation's admins where nobody knows the school,
// or no webmaster can be reached.
func (s *Store) alert(ctx context.Context, caseID id.ID, n NewCase) error {
	school, err := s.schoolOf(ctx, n.Association)
	if err != nil {
		return err
	}
	to, err := s.reachable(ctx, viewer.Webmaster, n.Association)
	if err != nil {
		return err
	}
	for _, h := range to {
		in := s.bundle.With(ctx, h.Lang)
		l := letter{name: "alert", to: h.Email, lang: h.Lang, school: school, path: Path + "/" + caseID.String(),
			data: i18n.Data{"Kind": i18n.T(in, n.Kind.Message()), "Name": n.Claim.Name(), "Year": yearText(n.Claim.Year)}}
		if err := s.send(ctx, l); err != nil {
			return err
		}
	}
	return nil
}

// reachable are those who hold a role at an association and have an address; else the federation's admins.
func (s *Store) reachable(ctx context.Context, role viewer.RoleName, association id.ID) ([]Holder, error) {
	var out []Holder
	add := func(role viewer.RoleName, association id.ID) error {
		list, err := s.staff.AccountsWithRole(ctx, role, association)
		for _, h := range list {
			if deliverable(h.Email) {
				out = append(out, h)
			}
		}
		return errs.Wrap("desk.reachable", err)
	}
	if role != viewer.FederationAdmin && !association.IsZero() {
		if err := add(role, association); err != nil || len(out) > 0 || role == viewer.Secretary {
			return out, err
		}
	}
	err := add(viewer.FederationAdmin, id.ID{})
	return out, err
}
