package people

import (
	"context"
	"slices"
	"strings"
	"time"

	"amicale/internal/changes"
	"amicale/internal/clock"
	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/viewer"
)

// Kind is the name of persons in the change feed.
const Kind = "person"

// Store reads and writes the base.
type Store struct {
	db      *db.DB
	changes *changes.Store
	now     clock.Clock
	all     db.Cached[Associations]
}

// NewStore makes a store on a database.
func NewStore(d *db.DB, c *changes.Store, now clock.Clock) *Store {
	return &Store{db: d, changes: c, now: now}
}

// Touch tells the change feed that persons changed. Every write of theirs calls it in the same transaction;
// so does a feature whose own table shows in the directory.
func (s *Store) Touch(ctx context.Context, persons ...id.ID) error {
	return s.changes.Append(ctx, Kind, persons...)
}

// Today is the day memberships and temporary addresses are judged by, at midnight UTC.
func (s *Store) Today() time.Time { return s.now().Truncate(24 * time.Hour) }

const associationColumns = `id, code, name, school, host, mail_domain, color, logo, position, created_at`

// Associations are all of the federation, in their order. Public.
func (s *Store) Associations(ctx context.Context) (Associations, error) {
	list, err := s.all.Read(ctx, s.db, func(ctx context.Context) (Associations, error) {
		return db.All[Association](ctx, s.db, `SELECT `+associationColumns+` FROM associations ORDER BY position, code`)
	})
	return slices.Clone(list), errs.Wrap("people.Associations", err)
}

// SaveAssociation creates or changes one. The code of an existing one stays: it stands in people's logins.
func (s *Store) SaveAssociation(ctx context.Context, v viewer.Viewer, a *Association) error {
	allowed := v.IsFederationAdmin()
	if !a.ID.IsZero() {
		allowed = v.HasAt(a.ID, viewer.Webmaster)
	}
	if !allowed {
		return errs.E("people.SaveAssociation", errs.Forbidden, nil)
	}
	if err := a.Validate(); err != nil {
		return err
	}
	return s.db.Tx(ctx, func(ctx context.Context) error {
		s.all.Forget(ctx, s.db)
		if err := s.checkHosts(ctx, *a); err != nil {
			return err
		}
		if a.ID.IsZero() {
			return s.createAssociation(ctx, a)
		}
		return errs.Wrap("people.SaveAssociation "+a.Code, s.db.ExecOne(ctx, `
			UPDATE associations SET name = ?, school = ?, host = ?, mail_domain = ?, color = ?, logo = ?, position = ?
			WHERE id = ? AND code = ?`,
			a.Name, a.School, a.Host, a.MailDomain, a.Color, a.Logo, a.Position, a.ID, a.Code))
	})
}

// checkHosts refuses a host or a mail domain of another association: its public page would be taken over, and whose a
// lifetime address is could not be told.
func (s *Store) checkHosts(ctx context.Context, a Association) error {
	others, err := db.All[Association](ctx, s.db, `SELECT `+associationColumns+` FROM associations WHERE (host = ? OR mail_domain = ?) AND id <> ?`,
		a.Host, a.MailDomain, a.ID.String())
	if err != nil {
		return errs.Wrap("people.SaveAssociation "+a.Code, err)
	}
	f := errs.Fields{}
	for _, o := range others {
		if o.Host == a.Host {
			f.Add("host", "people.association.host_taken", map[string]any{"Name": o.Name})
		}
		if o.MailDomain == a.MailDomain {
			f.Add("mail_domain", "people.association.host_taken", map[string]any{"Name": o.Name})
		}
	}
	return f.Err()
}

func (s *Store) createAssociation(ctx context.Context, a *Association) error {
	a.ID, a.CreatedAt = id.New(), s.now()
	_, err := s.db.Exec(ctx, `INSERT INTO associations (`+associationColumns+`) VALUES (`+db.In(10)+`)`,
		a.ID, a.Code, a.Name, a.School, a.Host, a.MailDomain, a.Color, a.Logo, a.Position, a.CreatedAt)
	return errs.Wrap("people.SaveAssociation "+a.Code, err)
}

// Standing is what rights are made of; it is read on every request.
type Standing struct {
	Status    Status
	Activated bool
	Member    bool   // dues to at least one association are paid today
	Name      string // for the top bar
	Login     string
	Photo     string
	Codes     []string // of the associations of the degrees, newest degree first
}

// StandingOf reads what a signed-in person is today, in one statement: it runs on every request. Sessions call it;
// it shows a person his own data only.
//
// The days are compared under IS TRUE so that no index is chosen by them: SQLite would otherwise plan the statement
// anew for each day it is given, which takes longer than running it.
func (s *Store) StandingOf(ctx context.Context, person id.ID) (Standing, error) {
	type row struct {
		Status                                Status
		FirstName, BirthSurname, UsageSurname string
		Photo                                 string
		ActivatedAt                           time.Time
		Member                                bool
		Degrees                               string // "ly laure.lavaut.ly2010|re …", newest first
	}
	r, err := db.One[row](ctx, s.db, `
		SELECT status, first_name, birth_surname, usage_surname, photo, activated_at,
			EXISTS (SELECT 1 FROM memberships m WHERE m.person_id = p.id AND (m.starts_on <= ? AND m.ends_on >= ?) IS TRUE) AS member,
			(SELECT string_agg(concat(a.code, ' ', l.login), '|' ORDER BY g.class_year DESC, l.login)
				FROM degrees g JOIN associations a ON a.id = g.association_id
				LEFT JOIN logins l ON l.person_id = g.person_id AND l.degree_id = g.id AND l.current
				WHERE g.person_id = p.id) AS degrees
		FROM persons p WHERE id = ? AND merged_into IS NULL`, s.Today(), s.Today(), person)
	if err != nil {
		return Standing{}, errs.Wrap("people.StandingOf "+person.String(), err)
	}
	p := Person{FirstName: r.FirstName, BirthSurname: r.BirthSurname, UsageSurname: r.UsageSurname}
	out := Standing{Status: r.Status, Member: r.Member, Name: p.Name(), Photo: r.Photo, Activated: !r.ActivatedAt.IsZero()}
	for _, g := range strings.Split(r.Degrees, "|") {
		code, login, _ := strings.Cut(g, " ")
		if code != "" {
			out.Codes = append(out.Codes, code)
		}
		if out.Login == "" {
			out.Login = login
		}
	}
	return out, nil
}
