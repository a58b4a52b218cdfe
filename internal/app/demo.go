package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"amicale/internal/accounts"
	"amicale/internal/activation"
	"amicale/internal/ambassadors"
	"amicale/internal/app/demo"
	"amicale/internal/audit"
	"amicale/internal/errs"
	"amicale/internal/federation"
	"amicale/internal/geo"
	"amicale/internal/id"
	"amicale/internal/outbox"
	"amicale/internal/people"
	"amicale/internal/viewer"
	"amicale/internal/web"
)

// MakeDemo fills an empty base with the demonstration's federation and accounts; on one that holds it already it
// changes nothing. progress may be nil.
func (a *App) MakeDemo(ctx context.Context, n int, progress func(done, total int)) error {
	made, err := a.demoMade(ctx)
	if err != nil || made {
		return err
	}
	if err := demo.Load(ctx, a.o.DB, a.people, demo.Options{People: n, Places: geo.CommuneNames(), Progress: progress}); err != nil {
		return fmt.Errorf("app.MakeDemo: %w", err)
	}
	hash, err := a.accounts.Hash(ctx, demo.Password)
	if err != nil {
		return fmt.Errorf("app.MakeDemo: %w", err)
	}
	all, err := a.people.Associations(ctx)
	if err != nil {
		return err
	}
	err = a.o.DB.Tx(ctx, func(ctx context.Context) error {
		for _, d := range demo.Accounts() {
			if err := a.demoAccount(ctx, d, hash, all); err != nil {
				return fmt.Errorf("%s: %w", d.Login, err)
			}
		}
		return a.federation.Save(ctx, viewer.ForSystem("demonstration"), federation.Federation{
			Name: "Fédération des alumni INSA", Contact: "contact@exemple.fr",
			Intro: "Six écoles d’ingénieurs, six associations, un seul annuaire : celui que leurs diplômés et leurs étudiants tiennent à jour eux-mêmes."})
	})
	if err == nil {
		err = a.demoAmbassadors(ctx, all)
	}
	if err == nil {
		err = a.demoCases(ctx)
	}
	if err != nil {
		return fmt.Errorf("app.MakeDemo: %w", err)
	}
	return nil
}

// demoAmbassadors lets some look after their classes, as the webmaster of Lyon named them.
func (a *App) demoAmbassadors(ctx context.Context, all people.Associations) error {
	v, name, err := a.demoActor(ctx, "anne-laure.lavaut.ly2010")
	for _, d := range demo.Ambassadors() {
		if err != nil {
			return err
		}
		at, _ := all.ByCode(d.Association)
		var person id.ID
		if person, err = a.people.PersonByLogin(ctx, d.Login); err == nil {
			_, err = a.ambassadors.Name(ctx, viewer.Actor{Viewer: v, Name: name}, ambassadors.Class{AssociationID: at.ID, ClassYear: d.Class}, person)
		}
	}
	return err
}

// demoCases lays on the desk what it would hold on a quiet morning: requests that a machine must not decide.
func (a *App) demoCases(ctx context.Context) error {
	for _, c := range demo.Claims() {
		claim := people.Claim{FirstName: c.FirstName, Surname: c.Surname, Year: c.Class, School: c.School, Diploma: people.Diploma(c.Diploma), Email: c.Email, Phone: c.Phone, Words: c.Words}
		var err error
		if c.School == "" {
			err = a.activation.Ask(ctx, claim, "fr")
		} else {
			err = a.activation.RequestAddition(ctx, claim, "fr", &activation.Upload{Name: "diplome.pdf", Size: int64(len(demo.Scan())), Content: bytes.NewReader(demo.Scan())})
		}
		if err != nil {
			return err
		}
	}
	return a.runner.RunDue(ctx)
}

// demoMade reports whether the base holds the demonstration: its last account exists. A base that others have begun
// is refused rather than mixed with invented people.
func (a *App) demoMade(ctx context.Context) (bool, error) {
	list := demo.Accounts()
	_, err := a.AccountByLogin(ctx, list[len(list)-1].Login)
	if err == nil || !errors.Is(err, errs.NotFound) {
		return err == nil, err
	}
	return false, a.vacant(ctx)
}

// vacant refuses a base with staff, or with associations that are not the demonstration's; one whose loading was
// interrupted has its associations and nobody's account.
func (a *App) vacant(ctx context.Context) error {
	staff, err := a.accounts.Accesses(ctx, viewer.ForSystem("demonstration"))
	if err != nil {
		return err
	}
	all, err := a.people.Associations(ctx)
	if err != nil {
		return err
	}
	ours := demo.Associations()
	foreign := slices.ContainsFunc(all, func(have people.Association) bool {
		return !slices.ContainsFunc(ours, func(o people.Association) bool { return o.Code == have.Code && o.Name == have.Name })
	})
	if foreign || len(staff) > 0 {
		return errs.E("app.MakeDemo", errs.Conflict, errors.New("the base is a real site’s, not a demonstration’s, and was left as it is: give an empty folder or database"))
	}
	return nil
}

func (a *App) demoAccount(ctx context.Context, d demo.Account, hash string, all people.Associations) error {
	system := viewer.ForSystem("demonstration")
	var acc accounts.Account
	var err error
	if d.Staff {
		acc, err = a.accounts.CreateStaff(ctx, system, accounts.New{Login: d.Login, Name: d.Name, Email: d.Email})
	} else {
		var person id.ID
		if person, err = a.people.PersonByLogin(ctx, d.Login); err != nil {
			return err
		}
		if acc, err = a.accounts.OpenFor(ctx, person); err != nil {
			return err
		}
		if err = a.people.ConfirmEmail(ctx, person, d.Email, "import"); err != nil {
			return err
		}
		err = a.people.Activate(ctx, person)
	}
	if err != nil {
		return err
	}
	if err := a.accounts.SetHash(ctx, acc.ID, hash); err != nil {
		return err
	}
	if d.Role == "" {
		return nil
	}
	at, _ := all.ByCode(d.Association)
	return a.accounts.Grant(ctx, system, acc.ID, d.Role, at.ID)
}

// WriteDemo prints the address, the accounts and the people to try the activation with.
func (a *App) WriteDemo(w io.Writer) {
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(w, format+"\n", args...) } // a console that is gone is no reason to stop
	say("Démonstration : %s — mot de passe de tous les comptes : %s", a.o.URL, demo.Password)
	for _, d := range demo.Accounts() {
		say("  %-28s %s (%s)", d.Login, d.Name, d.What)
	}
	say("Pas encore activés (%s/connexion/activer) :", a.o.URL)
	for _, p := range demo.Inactives() {
		email, phone := p.Email, p.Phone
		if email == "" {
			email = "pas d’e-mail"
		}
		if phone == "" {
			phone = "pas de téléphone"
		}
		say("  %s, %s %d — %s, %s — %s", p.Name, p.School, p.Class, email, phone, p.What)
	}
	say("Le courrier reste ici : %s/dev/mailbox", a.o.URL)
	if ln := a.o.Mail.SMTP; ln != nil {
		say("Écrire à une adresse à vie : SMTP sur %s, par exemple à %s@%s", ln.Addr(), demo.Accounts()[0].Login, demo.Associations()[0].MailDomain)
	}
}

// AccountByLogin is the account behind a login, for the demonstration, the console and tests.
func (a *App) AccountByLogin(ctx context.Context, login string) (id.ID, error) {
	found, err := a.accounts.Find(ctx, login, "")
	if err == nil && found.Account.ID.IsZero() {
		err = errs.E("app.AccountByLogin "+login, errs.NotFound, nil)
	}
	return found.Account.ID, err
}

// Sessions, Outbox, People and Trail are the stores that the console, measurements and tests reach for.
func (a *App) Sessions() *web.Sessions { return a.sessions }

// Outbox is mail leaving.
func (a *App) Outbox() *outbox.Outbox { return a.outbox }

// People is the base.
func (a *App) People() *people.Store { return a.people }

// Trail is who saw or changed whose data.
func (a *App) Trail() *audit.Trail { return a.trail }

// Now is the site's clock.
func (a *App) Now() time.Time { return a.o.Now() }
