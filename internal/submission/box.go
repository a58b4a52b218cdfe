package submission

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

// What the inbox calls the box, and the outbox what leaves.
const (
	boxName = "submission"
	kind    = "submission"
)

// Box takes mail that people send as their addresses for life, to anywhere, from mail programs. It is the inbox's door
// too: who signs in is the person.
type Box struct{ store *Store }

// NewBox makes the box.
func NewBox(s *Store) *Box { return &Box{s} }

// Name is what the inbox calls it.
func (b *Box) Name() string { return boxName }

// SignIn gives the person whom a password for mail programs lets in; the user is a login of his, or an address for life.
// Unauthorized says neither which of the two was wrong nor whether there is such a person.
func (b *Box) SignIn(ctx context.Context, user, password string, _ netip.Addr) (inbox.Admission, error) {
	const op = "submission.SignIn"
	login, domain, isAddress := strings.Cut(user, "@")
	if isAddress {
		as, err := b.store.People.Associations(ctx)
		if err != nil {
			return inbox.Admission{}, err
		}
		if !as.HaveMailDomain(strings.ToLower(domain)) {
			return inbox.Admission{}, errs.E(op, errs.Unauthorized, nil)
		}
	}
	in, err := b.store.signIn(ctx, login, password)
	if err == nil {
		var open bool
		if open, err = b.store.IsOpen(ctx, in.Account); err == nil && !open {
			err = errs.NotFound
		}
	}
	if errors.Is(err, errs.NotFound) {
		return inbox.Admission{}, errs.E(op, errs.Unauthorized, nil)
	}
	return in, errs.Wrap(op, err)
}

// author is what the box found out of who submits.
type author struct {
	own    []people.LifetimeAddress
	domain string // of the envelope sender
}

// Find takes any recipient of somebody who signed in, still may, and writes as himself, as long as he names not too many.
func (b *Box) Find(ctx context.Context, e inbox.Envelope, address string) (inbox.Rcpt, error) {
	const op = "submission.Find"
	if e.Account.IsZero() {
		return inbox.Rcpt{}, errs.E(op, errs.NotFound, nil)
	}
	stands, err := b.store.stands(ctx, e.Account, e.Key)
	if err != nil {
		return inbox.Rcpt{}, err
	}
	if !stands {
		return inbox.Rcpt{}, inbox.Refuse(535, "5.7.8", "the password you signed in with was taken back, please sign in with another")
	}
	to, err := mail.ParseAddress(address)
	if err != nil {
		return inbox.Rcpt{}, inbox.Refuse(553, "5.1.3", "that address cannot be")
	}
	list, err := b.store.addressesOf(ctx, viewer.ForSystem("submission"), e.Account)
	if err != nil && !errors.Is(err, errs.NotFound) {
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

// Screen refuses who writes as somebody else.
func (b *Box) Screen(_ context.Context, m *inbox.Message, to inbox.Rcpt) error {
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
		return nil, errs.E("submission", errs.Internal, fmt.Errorf("a recipient of another box: %T", to.Data))
	}
	return a, nil
}

// Accept sends messages to their recipients.
func (b *Box) Accept(ctx context.Context, list []inbox.Arrival) error {
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
		d := outbox.Delivery{ID: id.New(), Stream: mail.Forwarding, Kind: kind, Ref: a.ID, Head: a.Message.Trace, To: a.Rcpt.Address}
		d.From = b.store.Tokens.Make(mail.DeliveryToken, d.ID) + "@" + mail.ReturnDomain(who.domain)
		relayed[i].Each = append(relayed[i].Each, d)
	}
	return b.store.Outbox.Relay(ctx, relayed)
}
