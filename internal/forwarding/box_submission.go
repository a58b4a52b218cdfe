package forwarding

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/inbox"
	"amicale/internal/mail"
	"amicale/internal/outbox"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

// Submission takes mail that people send as their addresses for life, to anywhere, from mail programs. It is the inbox's
// door too: who signs in is the person.
type Submission struct{ store *Store }

// NewSubmission makes the box.
func NewSubmission(s *Store) *Submission { return &Submission{s} }

// Name is what the inbox calls it.
func (b *Submission) Name() string { return boxSubmission }

// SignIn gives the person whom a password for mail programs lets in; the user is a login of his, or an address for
// life. Unauthorized says neither which of the two was wrong nor whether there is such a person.
func (b *Submission) SignIn(ctx context.Context, user, password string, _ netip.Addr) (id.ID, error) {
	const op = "forwarding.SignIn"
	login, domain, isAddress := strings.Cut(user, "@")
	if isAddress {
		as, err := b.store.People.Associations(ctx)
		if err != nil {
			return id.ID{}, err
		}
		if !as.HaveMailDomain(strings.ToLower(domain)) {
			return id.ID{}, errs.E(op, errs.Unauthorized, nil)
		}
	}
	person, err := b.store.signIn(ctx, login, password)
	if err == nil {
		var open bool
		if open, _, err = b.store.Accounts.OfPerson(ctx, person); err == nil && !open {
			err = errs.NotFound
		}
	}
	if errors.Is(err, errs.NotFound) {
		return id.ID{}, errs.E(op, errs.Unauthorized, nil)
	}
	return person, errs.Wrap(op, err)
}

// author is what the box found out of who submits.
type author struct {
	own    []people.LifetimeAddress
	domain string // of the envelope sender
}

// Find takes any recipient of somebody who signed in and writes as himself, as long as he names not too many.
func (b *Submission) Find(ctx context.Context, e inbox.Envelope, address string) (inbox.Rcpt, error) {
	const op = "forwarding.Submission.Find"
	if e.Account.IsZero() {
		return inbox.Rcpt{}, errs.E(op, errs.NotFound, nil)
	}
	to, err := mail.ParseAddress(address)
	if err != nil {
		return inbox.Rcpt{}, inbox.Refuse(553, "5.1.3", "that address cannot be")
	}
	list, err := b.store.addressesOf(ctx, e.Account)
	if err != nil {
		return inbox.Rcpt{}, errs.Wrap(op, err)
	}
	if !owns(list, e.From) {
		return inbox.Rcpt{}, notYours()
	}
	named, err := b.store.nameRecipient(ctx, e.Account)
	if err != nil {
		return inbox.Rcpt{}, err
	}
	if !named {
		return inbox.Rcpt{}, inbox.Refuse(452, "4.5.3", fmt.Sprintf("no more than %d recipients a day", dailyLimit))
	}
	return inbox.Rcpt{Address: to.Address, Owner: e.Account, Data: &author{list, mail.DomainOf(e.From)}}, nil
}

// addressesOf are the addresses for life of a person; none when he is gone.
func (s *Store) addressesOf(ctx context.Context, person id.ID) ([]people.LifetimeAddress, error) {
	as, err := s.People.Associations(ctx)
	if err != nil {
		return nil, err
	}
	d, err := s.People.Dossier(ctx, reader(), person)
	if err != nil {
		return nil, gone(err)
	}
	return d.LifetimeAddresses(as), nil
}

func reader() viewer.Viewer { return viewer.ForSystem("mail of the addresses for life") }

// Screen refuses who writes as somebody else.
func (b *Submission) Screen(_ context.Context, m *inbox.Message, to inbox.Rcpt) error {
	a, err := authorOf(to)
	if err != nil {
		return err
	}
	if no := checkAuthor(m.Raw, a.own); no != nil {
		return no
	}
	return nil
}

func authorOf(to inbox.Rcpt) (*author, error) {
	a, ok := to.Data.(*author)
	if !ok {
		return nil, errs.E("forwarding", errs.Internal, fmt.Errorf("a recipient of another box: %T", to.Data))
	}
	return a, nil
}

// Accept sends messages to their recipients.
func (b *Submission) Accept(ctx context.Context, list []inbox.Arrival) error {
	var relayed []outbox.Relayed
	at := map[*inbox.Message]int{}
	for _, a := range list {
		who, err := authorOf(a.Rcpt)
		if err != nil {
			return err
		}
		i, known := at[a.Message]
		if !known {
			i = len(relayed)
			at[a.Message] = i
			relayed = append(relayed, outbox.Relayed{Raw: prepare(a.Message.Raw, a.Message.ID, who.domain, a.Message.At)})
		}
		d := outbox.Delivery{ID: id.New(), Stream: mail.Forwarding, Kind: kindSubmission, Ref: a.ID, Head: a.Message.Trace, To: a.Rcpt.Address}
		d.From = b.store.returnTo(d.ID, who.domain)
		relayed[i].Each = append(relayed[i].Each, d)
	}
	return b.store.Outbox.Relay(ctx, relayed)
}
