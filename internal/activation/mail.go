package activation

import (
	"context"
	"strings"

	"amicale/internal/fold"
	"amicale/internal/i18n"
	"amicale/internal/id"
	"amicale/internal/mail"
	"amicale/internal/outbox"
	"amicale/internal/people"
)

// letter is one letter about to be written from the messages activation.mail.NAME.*.
type letter struct {
	name   string
	to     string
	person id.ID
	lang   string
	school people.Association // in whose name; zero for the federation's
	path   string             // of the button; "" for none
	data   i18n.Data
}

// send writes and posts a letter, in the transaction of the context.
func (s *Store) send(ctx context.Context, l letter) error {
	ctx = s.bundle.With(ctx, l.lang)
	link := ""
	if l.path != "" {
		link = s.origin + l.path
	}
	subject, body := mail.Write(ctx, "activation.mail."+l.name, link, l.data)
	if !l.school.ID.IsZero() {
		body.Brand = mail.Brand{Name: l.school.Name, URL: s.origin, Accent: l.school.Color}
	}
	return s.post.SendBody(ctx, outbox.Letter{Kind: "activation." + l.name, To: l.to, Person: l.person, Subject: subject, Lang: i18n.Lang(ctx)}, body)
}

// deliverable reports whether a letter can be sent to an address: the base also holds some that no server takes.
func deliverable(address string) bool {
	_, err := mail.ParseAddress(fold.Email(address))
	return err == nil
}

// about is a letter to a person of the base.
func (s *Store) about(ctx context.Context, name string, d people.Dossier, to, lang string) (letter, error) {
	l := letter{name: name, to: fold.Email(to), person: d.ID, lang: lang, data: i18n.Data{"Name": d.Name(), "Login": d.CurrentLogin()}}
	var err error
	if g := d.Degrees; len(g) > 0 {
		l.school, err = s.schoolOf(ctx, g[0].AssociationID)
	}
	return l, err
}

// mailLink is the letter with the login and the link to choose a password.
func (s *Store) mailLink(ctx context.Context, d people.Dossier, w sending, token string) error {
	name := "link"
	if d.CurrentLogin() == "" {
		name = "link_plain" // no class year, or a name that leaves nothing to write: the e-mail opens the door
	}
	l, err := s.about(ctx, name, d, w.to, w.lang)
	if err != nil {
		return err
	}
	l.path = "/connexion/mot-de-passe/" + token
	return s.send(ctx, l)
}

// mailNotices tells the other addresses held that a link left, with the way to stop it.
func (s *Store) mailNotices(ctx context.Context, d people.Dossier, w sending, stop string) (sent int, err error) {
	for _, to := range w.notify {
		if !deliverable(to) {
			continue
		}
		l, err := s.about(ctx, "notice", d, to, w.lang)
		if err != nil {
			return sent, err
		}
		l.path = StopPath + stop
		l.data["Address"] = mask(w.to)
		if err := s.send(ctx, l); err != nil {
			return sent, err
		}
		sent++
	}
	return sent, nil
}

// mask shows enough of an address for its owner to know it, and not enough for others to use it.
func mask(address string) string {
	local, domain, ok := strings.Cut(fold.Email(address), "@")
	if !ok || local == "" {
		return "…"
	}
	return string([]rune(local)[:1]) + "…@" + domain
}

// mailAlready tells the owner of an open account how to sign in.
func (s *Store) mailAlready(ctx context.Context, d people.Dossier, to, lang string) error {
	l, err := s.about(ctx, "already", d, to, lang)
	if err != nil {
		return err
	}
	l.path = "/connexion"
	l.data["Forgotten"] = s.origin + "/connexion/oubli"
	return s.send(ctx, l)
}

func (s *Store) schoolOf(ctx context.Context, association id.ID) (people.Association, error) {
	schools, err := s.people.Associations(ctx)
	if err != nil {
		return people.Association{}, err
	}
	a, _ := schools.ByID(association)
	return a, nil
}
