package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-smtp"

	"amicale/internal/app/demo"
	"amicale/internal/bounces"
	"amicale/internal/errs"
	"amicale/internal/fold"
	"amicale/internal/id"
	"amicale/internal/inbox"
	"amicale/internal/mail"
	"amicale/internal/newsletters"
	"amicale/internal/newsletters/segments"
	"amicale/internal/outbox"
	"amicale/internal/people"
	"amicale/internal/subscriptions"
	"amicale/internal/viewer"
	"amicale/internal/web"
)

const day = 24 * time.Hour

// MakeDemoMail gives the demonstration's mail a past: an address that died, letters that left, messages that came. It
// takes the same time for any number of people. On a demonstration with letters it changes nothing.
func (a *App) MakeDemoMail(ctx context.Context) error {
	_, n, err := a.newsletters.List(ctx, viewer.ForSystem("demonstration"), newsletters.Filter{Size: 1})
	if err != nil || n > 0 {
		return err
	}
	for _, step := range []func(context.Context) error{a.demoChoices, a.demoLetters, a.demoDeath, a.demoMessages, a.runner.RunDue} {
		if err := step(ctx); err != nil {
			return fmt.Errorf("app.MakeDemoMail: %w", err)
		}
	}
	return nil
}

// ago turns the demonstration's clock back while fn runs.
func (a *App) ago(d time.Duration, fn func() error) error {
	a.back.Store(int64(d))
	defer a.back.Store(0)
	return fn()
}

// demoActor is one of the demonstration's people at work.
func (a *App) demoActor(ctx context.Context, login string) (v viewer.Viewer, name string, err error) {
	account, err := a.AccountByLogin(ctx, login)
	if err != nil {
		return v, "", err
	}
	v, who, err := a.accounts.Identify(ctx, web.Session{AccountID: account, Strong: true})
	return v, who.Name, err
}

// demoChoices are what some said about letters, and a pause.
func (a *App) demoChoices(ctx context.Context) error {
	jean, name, err := a.demoActor(ctx, "jean-jacques.dupont.ly1998")
	if err != nil {
		return err
	}
	lyon, err := a.lyon(ctx)
	if err != nil {
		return err
	}
	err = a.ago(40*day, func() error {
		return a.subscriptions.Choose(ctx, viewer.Actor{Viewer: jean, Name: name}, map[subscriptions.Cell]bool{
			{Sender: lyon.ID, Kind: subscriptions.Careers}: false, {Sender: subscriptions.Federation, Kind: subscriptions.Paper}: false})
	})
	if err != nil {
		return err
	}
	eloise, name, err := a.demoActor(ctx, "eloise.durant.ly2027")
	if err != nil {
		return err
	}
	return a.ago(4*day, func() error {
		return a.forwarding.Pause(ctx, viewer.Actor{Viewer: eloise, Name: name}, a.people.Today().AddDate(0, 0, 14))
	})
}

func (a *App) lyon(ctx context.Context) (people.Association, error) {
	all, err := a.people.Associations(ctx)
	if err != nil {
		return people.Association{}, err
	}
	one, ok := all.ByCode("ly")
	if !ok {
		return one, errs.E("app.lyon", errs.NotFound, nil)
	}
	return one, nil
}

// demoLetters writes two: one left a week ago, one is not finished.
func (a *App) demoLetters(ctx context.Context) error {
	v, name, err := a.demoActor(ctx, "anne-laure.lavaut.ly2010")
	if err != nil {
		return err
	}
	lyon, err := a.lyon(ctx)
	if err != nil {
		return err
	}
	by := viewer.Actor{Viewer: v, Name: name}
	left, draft := demo.Letters()
	gala := newsletters.Campaign{SenderID: lyon.ID, Kind: newsletters.Events, Title: "Gala de mars", Versions: left, Public: true}
	if gala.Segment, err = a.demoSegment(ctx); err != nil {
		return err
	}
	err = a.ago(7*day, func() error {
		if gala.ID, err = a.newsletters.Create(ctx, by, gala); err != nil {
			return err
		}
		n, err := a.newsletters.Segments.Count(ctx, v, gala.Ask())
		if err != nil {
			return err
		}
		if err := a.newsletters.Start(ctx, by, gala.ID, n.Reached); err != nil {
			return err
		}
		if err := a.newsletters.MakeRecipients(ctx, gala.ID); err != nil {
			return err
		}
		return a.demoLeave(ctx, lyon.ID)
	})
	for i := 0; i < 23 && err == nil; i++ {
		_, err = a.newsletters.Follow(ctx, gala.ID, []int{0, 0, 1, 0, 2}[i%5])
	}
	if err != nil {
		return err
	}
	_, err = a.newsletters.Create(ctx, by, newsletters.Campaign{SenderID: lyon.ID, Kind: newsletters.Events, Title: "Visite de Génissiat", Versions: draft,
		Segment: segments.Segment{"departement": {"01", "38", "69", "73", "74"}}})
	return err
}

// mostWritten bounds whom the demonstration's letter went to.
const mostWritten = 250

// demoSegment are some classes of Lyon, fewer the more people there are.
func (a *App) demoSegment(ctx context.Context) (segments.Segment, error) {
	n, err := a.people.Count(ctx)
	if err != nil {
		return nil, err
	}
	s := segments.Segment{"class": {"2005", "2012"}}
	if n > 5_000 {
		s["class"] = []string{"2010", "2010"}
	}
	if n > 100*mostWritten {
		s["departement"] = []string{"69"}
	}
	if n > 400*mostWritten {
		s["department"] = []string{"Génie électrique"}
	}
	return s, nil
}

// demoAnswers are what a few servers said of the letter; the others took it.
func demoAnswers() []mail.Reply {
	return []mail.Reply{
		{Code: 550, Enhanced: "5.1.1", Text: "User unknown", Stage: "rcpt"},
		{Code: 552, Enhanced: "5.2.2", Text: "Mailbox full", Stage: "rcpt"},
		{Code: 550, Enhanced: "5.1.1", Text: "No such user here", Stage: "rcpt"},
		{Code: 554, Enhanced: "5.7.1", Text: "Message rejected by local policy", Stage: "data"},
	}
}

// demoLeave settles the letter: it arrives in the mailbox for those with an account, and nearly everywhere else. One
// address has refused mail for days; two people have enough of such letters.
func (a *App) demoLeave(ctx context.Context, sender id.ID) error {
	source := newsletters.NewSource(a.newsletters)
	list, err := source.Claim(ctx, time.Minute, 4*mostWritten, nil)
	if err != nil {
		return err
	}
	ours := func(p outbox.Parcel) bool { return demoKnows(p.To) }
	others := slices.DeleteFunc(slices.Clone(list), ours)
	list = slices.DeleteFunc(list, func(p outbox.Parcel) bool { return !ours(p) })
	slices.SortFunc(others, func(x, y outbox.Parcel) int { return strings.Compare(x.To, y.To) })
	if i := slices.IndexFunc(others, func(p outbox.Parcel) bool { return a.onlyEmail(ctx, p.Person) }); i >= 0 && len(others) > 1 {
		others[1], others[i] = others[i], others[1] // who will be lost from sight
	}
	done := make([]outbox.Outcome, len(others))
	for i, p := range others {
		done[i] = outbox.Outcome{Parcel: p, State: outbox.Sent, Class: mail.Delivered}
		if n := i / 4; i%4 == 1 && n < len(demoAnswers()) {
			done[i].State, done[i].Reply = outbox.Failed, demoAnswers()[n]
			done[i].Class = mail.Classify(done[i].Reply)
		}
	}
	if err := source.Settle(ctx, done); err != nil {
		return err
	}
	for i, p := range others {
		switch i {
		case 1:
			err = a.demoFails(ctx, p.To)
		case 0, 3:
			err = a.subscriptions.Leave(ctx, subscriptions.Letter{Person: p.Person, Sender: sender, Kind: subscriptions.Events, Lang: "fr"})
		}
		if err != nil {
			return err
		}
	}
	if err := source.Release(ctx, list, a.o.Now()); err != nil {
		return err
	}
	return a.courier.DeliverDue(ctx)
}

// onlyEmail reports whether a person has one address and no other.
func (a *App) onlyEmail(ctx context.Context, person id.ID) bool {
	d, err := a.people.Dossier(ctx, viewer.ForSystem("demonstration"), person)
	n := 0
	for _, c := range d.Contacts {
		if c.Kind == people.Email {
			n++
		}
	}
	return err == nil && n == 1
}

// demoKnows reports whether an address is one that somebody tries the demonstration with.
func demoKnows(address string) bool {
	return slices.ContainsFunc(demo.Accounts(), func(d demo.Account) bool { return d.Email == address }) ||
		slices.ContainsFunc(demo.Inactives(), func(i demo.Inactive) bool { return i.Email == address })
}

// demoFails notes what came back from an address, on three days in a row.
func (a *App) demoFails(ctx context.Context, address string) error {
	for i := range 3 {
		err := a.bounces.Reported(ctx, bounces.Report{Row: id.New(), Address: fold.Email(address), Class: mail.Dead, At: a.o.Now().Add(time.Duration(i) * day)})
		if err != nil {
			return err
		}
	}
	return nil
}

// demoDeath lets Pierre-Henri's old address die, and has the verdict made.
func (a *App) demoDeath(ctx context.Context) error {
	person, err := a.people.PersonByLogin(ctx, "pierre-henri.l-hame.ly1989")
	if err != nil {
		return err
	}
	err = a.ago(400*day, func() error {
		return a.people.SaveContact(ctx, viewer.ForSystem("demonstration"), &people.ContactPoint{PersonID: person, Kind: people.Email, Purpose: people.Personal,
			Value: demo.Dead, Preferred: true, ConfirmedAt: a.o.Now(), Audience: viewer.Members, Origin: "import"})
	})
	if err == nil {
		err = a.ago(5*day, func() error { return a.demoFails(ctx, demo.Dead) })
	}
	if err != nil {
		return err
	}
	return a.ago(2*day, func() error {
		if err := a.bounces.Judge(ctx); err != nil {
			return err
		}
		return a.courier.DeliverDue(ctx)
	})
}

// nowhere is a DNS in which there is nothing: the demonstration's correspondents are invented.
type nowhere struct{}

func unknownName(name string) error {
	return &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

func (nowhere) LookupTXT(_ context.Context, name string) ([]string, error) {
	return nil, unknownName(name)
}
func (nowhere) LookupMX(_ context.Context, name string) ([]*net.MX, error) {
	return nil, unknownName(name)
}
func (nowhere) LookupIPAddr(_ context.Context, host string) ([]net.IPAddr, error) {
	return nil, unknownName(host)
}
func (nowhere) LookupAddr(_ context.Context, addr string) ([]string, error) {
	return nil, unknownName(addr)
}

// demoMessages lets messages come in by the front door, each in its time.
func (a *App) demoMessages(ctx context.Context) error {
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	work, stop := context.WithCancel(ctx)
	served := make(chan error, 1)
	server := a.mailServer(nowhere{})
	go func() { served <- server.ServeSMTP(work, ln) }()
	client, err := smtp.Dial(ln.Addr().String())
	if err == nil {
		for _, m := range demo.Messages() {
			if err = a.ago(m.Ago, func() error { return a.demoMessage(ctx, client, m) }); err != nil {
				break
			}
		}
		client.Close() // what it said is on the disk
	}
	stop()
	return errors.Join(err, <-served)
}

func (a *App) demoMessage(ctx context.Context, server *smtp.Client, m demo.Message) error {
	err := server.SendMail(m.From.Address, []string{m.To}, bytes.NewReader(m.Raw(a.o.Now())))
	var refused *smtp.SMTPError
	if m.Fate == demo.Refused && errors.As(err, &refused) {
		err = nil
	}
	if err != nil {
		return fmt.Errorf("a message to %s: %w", m.To, err)
	}
	switch m.Fate {
	case demo.Arrives:
		return a.courier.DeliverDue(ctx)
	case demo.Waits, demo.Fails:
		return a.demoAnswered(ctx, m)
	}
	return nil
}

// demoAnswered settles what is due as the target's server answered.
func (a *App) demoAnswered(ctx context.Context, m demo.Message) error {
	source := a.outbox.Deliveries()
	list, err := source.Claim(ctx, time.Minute, 10, nil)
	if err != nil {
		return err
	}
	done := make([]outbox.Outcome, len(list))
	for i, p := range list {
		done[i] = outbox.Outcome{Parcel: p, State: outbox.Failed, Reply: m.Answer, Class: mail.Classify(m.Answer)}
		if m.Fate == demo.Waits {
			done[i].State, done[i].NextAt = outbox.Queued, a.o.Now().Add(m.Ago+50*time.Minute)
		}
	}
	return a.o.DB.Tx(ctx, func(ctx context.Context) error { return source.Settle(ctx, done) })
}

var _ inbox.Resolver = nowhere{}
