package bounces

import (
	"context"
	"strings"

	"amicale/internal/fold"
	"amicale/internal/i18n"
	"amicale/internal/id"
	"amicale/internal/mail"
	"amicale/internal/outbox"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

// letter is one letter about to be written from the messages bounces.mail.NAME.*.
type letter struct {
	name   string
	to     string
	person id.ID
	lang   string
	school people.Association // in whose name; zero for the federation's
	path   string             // of the button
	stop   string             // the whole address that ends such letters, by a POST too; "" where there is none
	data   i18n.Data
}

// send writes and posts a letter, in the transaction of the context. An address that no server takes is passed over.
func (s *Store) send(ctx context.Context, l letter) error {
	if _, err := mail.ParseAddress(fold.Email(l.to)); err != nil {
		return nil
	}
	ctx = s.bundle.With(ctx, l.lang)
	subject, body := mail.Write(ctx, "bounces.mail."+l.name, s.origin+l.path, l.data)
	if !l.school.ID.IsZero() {
		body.Brand = mail.Brand{Name: l.school.Name, URL: s.origin, Accent: l.school.Color}
	}
	out := outbox.Letter{Kind: "bounces." + l.name, To: l.to, Person: l.person, Subject: subject, Lang: i18n.Lang(ctx)}
	if l.stop != "" {
		out.Headers = map[string]string{"List-Unsubscribe": "<" + l.stop + ">", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"} // RFC 8058 §3.1
	}
	return s.post.SendBody(ctx, out, body)
}

// emailsPath is where a person mends his addresses.
const emailsPath = "/moi/profil#emails"

// tell writes to a person at one of his addresses. Whoever never opened his account mends nothing there before he does.
func (s *Store) tell(ctx context.Context, d people.Dossier, name string, to people.ContactPoint, data i18n.Data) error {
	lang, err := s.staff.LangOf(ctx, d.ID)
	if err != nil {
		return err
	}
	as, err := s.people.Associations(ctx)
	if err != nil {
		return err
	}
	school, _ := as.ByID(d.NewestAssociation())
	data["Name"], data["Activated"] = d.FirstName, d.Activated()
	l := letter{name: name, to: to.Value, person: d.ID, lang: lang, school: school, path: emailsPath, data: data}
	if !d.Activated() {
		l.path = "/connexion/activer"
	}
	return s.send(ctx, l)
}

// tellBroken writes to the address that took over, or to the one that stays, what broke and what became of the mail.
// One that was never confirmed may be somebody else's: it is not told the other in full.
func (s *Store) tellBroken(ctx context.Context, d people.Dossier, w Switch, to Rerouted) error {
	now, ok := d.PreferredEmail()
	if !ok || d.Status == people.Deceased {
		return nil
	}
	forward := ""
	switch {
	case to.Target && to.Took != "":
		forward = "took"
	case to.Target:
		forward = "waits"
	}
	return s.tell(ctx, d, "broken", now, i18n.Data{"Address": shown(now, w.Address), "Cause": string(w.Cause), "Moved": w.What == Contact, "Forward": forward})
}

func shown(to people.ContactPoint, address string) string {
	if to.ConfirmedAt.IsZero() {
		return Mask(address)
	}
	return address
}

// tellRestored writes to an address that counts again, by the staff's word.
func (s *Store) tellRestored(ctx context.Context, person id.ID, address string) error {
	d, err := s.people.Dossier(ctx, robot(), person)
	if err != nil || d.Status == people.Deceased {
		return err
	}
	for _, c := range d.Contacts {
		if c.Kind == people.Email && c.ValueKey == address {
			return s.tell(ctx, d, "restored", c, i18n.Data{"Address": c.Value, "Preferred": c.Preferred})
		}
	}
	return nil
}

// tellFrozen writes to the federation's admins about destinations that blame us.
func (s *Store) tellFrozen(ctx context.Context, days []FrozenDay) error {
	list, err := s.staff.AccountsWithRole(ctx, viewer.FederationAdmin, id.ID{})
	if err != nil {
		return err
	}
	for _, h := range list {
		in := s.bundle.With(ctx, h.Lang)
		lines := make([]string, len(days))
		for i, d := range days {
			lines[i] = i18n.T(in, "bounces.mail.frozen.line", i18n.Data{"Destination": destinationName(in, d.Destination), "Day": i18n.Date(in, d.Day),
				"Blamed": i18n.Number(in, d.Reputation), "Answers": i18n.Number(in, d.Answers)})
		}
		l := letter{name: "frozen", to: h.Email, lang: h.Lang, path: hotPath, data: i18n.Data{"Lines": strings.Join(lines, "\n")}}
		if err := s.send(ctx, l); err != nil {
			return err
		}
	}
	return nil
}

// tellLost writes to those who keep the data of a school, else to the federation's admins.
func (s *Store) tellLost(ctx context.Context, association id.ID, n int) error {
	var list []Holder
	for _, role := range []viewer.RoleName{viewer.Webmaster, viewer.Secretary, viewer.FederationAdmin} {
		at := association
		if role == viewer.FederationAdmin {
			if len(list) > 0 {
				break
			}
			at = id.ID{}
		} else if association.IsZero() {
			continue
		}
		more, err := s.staff.AccountsWithRole(ctx, role, at)
		if err != nil {
			return err
		}
		list = append(list, more...)
	}
	as, err := s.people.Associations(ctx)
	if err != nil {
		return err
	}
	school, _ := as.ByID(association)
	written := map[string]bool{}
	for _, h := range list {
		if written[h.Email] {
			continue
		}
		written[h.Email] = true
		in := s.bundle.With(ctx, h.Lang)
		l := letter{name: "lost", to: h.Email, lang: h.Lang, school: school, path: lostPath, data: i18n.Data{"People": i18n.N(in, "bounces.people", n), "School": school.School}}
		if err := s.send(ctx, l); err != nil {
			return err
		}
	}
	return nil
}

// tellAmbassador writes to who looks after a class whom of it no address reaches any more: names and profiles, never an
// address nor what broke it.
func (s *Store) tellAmbassador(ctx context.Context, c class, a Ambassador, lost []people.Seen) error {
	as, err := s.people.Associations(ctx)
	if err != nil {
		return err
	}
	school, _ := as.ByID(c.association)
	lines := make([]string, len(lost))
	for i, p := range lost {
		lines[i] = "– " + p.Name()
		if p.Login != "" {
			lines[i] += "\n" + s.origin + p.Path()
		}
	}
	return s.send(ctx, letter{name: "class", to: a.Email, person: a.Person, lang: a.Lang, school: school, path: s.ambassadorPath, stop: a.Stop, data: i18n.Data{
		"Name": a.Name, "School": school.School, "Year": c.year, "People": i18n.N(s.bundle.With(ctx, a.Lang), "bounces.people", len(lost)),
		"Lines": strings.Join(lines, "\n"), "Stop": a.Stop,
	}})
}
