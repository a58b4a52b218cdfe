package forwarding

import (
	"context"
	"slices"
	"strings"

	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/inbox"
	"amicale/internal/mail"
	"amicale/internal/outbox"
)

const (
	boxPostmaster  = "postmaster"
	kindPostmaster = "postmaster"
	keepersScore   = 100 // from which spam is refused here too, in tenths
)

// keptNames are addresses that every domain with mail has: RFC 5321 §4.5.1 and RFC 2142 §5 ask for the first two.
var keptNames = []string{"postmaster", "abuse", "webmaster"}

// Keepers are the e-mail addresses of who looks after an association's mail; a zero one is the federation.
type Keepers func(ctx context.Context, association id.ID) ([]string, error)

// Postmaster is the box of the addresses that every mail domain must have. What comes there goes to the staff.
type Postmaster struct {
	store   *Store
	own     string // domain of the site's own letters
	keepers Keepers
}

// NewPostmaster makes the box; own is the domain of the site's own letters.
func NewPostmaster(s *Store, own string, k Keepers) *Postmaster { return &Postmaster{s, own, k} }

// Name is what the inbox calls it.
func (b *Postmaster) Name() string { return boxPostmaster }

// Find knows the names at every domain of the installation.
func (b *Postmaster) Find(ctx context.Context, _ inbox.Envelope, address string) (inbox.Rcpt, error) {
	notMine := errs.E("forwarding.Postmaster", errs.NotFound, nil)
	local, domain := strings.ToLower(address[:max(strings.LastIndexByte(address, '@'), 0)]), mail.DomainOf(address)
	if !slices.Contains(keptNames, local) {
		return inbox.Rcpt{}, notMine
	}
	home, association, err := b.home(ctx, domain)
	if err != nil {
		return inbox.Rcpt{}, err
	}
	if home == "" {
		return inbox.Rcpt{}, notMine
	}
	to, err := b.keepers(ctx, association)
	if err == nil && len(to) == 0 && !association.IsZero() {
		to, err = b.keepers(ctx, id.ID{})
	}
	if err == nil && len(to) == 0 {
		return inbox.Rcpt{}, inbox.Refuse(450, "4.2.1", "nobody looks after this domain yet")
	}
	return inbox.Rcpt{Address: address, Data: &route{alias: local + "@" + domain, home: home, limit: keepersScore, to: to}}, err
}

// home is the mail domain that a domain belongs to, and whose it is; "" when it is none of ours.
func (b *Postmaster) home(ctx context.Context, domain string) (string, id.ID, error) {
	belongs := func(d string) bool {
		return domain == d || domain == mail.ReturnDomain(d) || domain == mail.LettersDomain(d)
	}
	as, err := b.store.People.Associations(ctx)
	if err != nil {
		return "", id.ID{}, err
	}
	for _, a := range as {
		if belongs(a.MailDomain) {
			return a.MailDomain, a.ID, nil
		}
	}
	if belongs(b.own) {
		return b.own, id.ID{}, nil
	}
	return "", id.ID{}, nil
}

// Screen refuses what goes in circles, and spam.
func (b *Postmaster) Screen(_ context.Context, m *inbox.Message, to inbox.Rcpt) error {
	r, err := routeOf(to)
	if err == nil {
		err = r.bars(m)
	}
	return err
}

// Accept passes it on to everybody who looks after the domain.
func (b *Postmaster) Accept(ctx context.Context, list []inbox.Arrival) error {
	relayed := make([]outbox.Relayed, len(list))
	for i, a := range list {
		r, err := routeOf(a.Rcpt)
		if err != nil {
			return err
		}
		relayed[i] = outbox.Relayed{Raw: a.Message.Raw, Each: b.store.deliveries(a, r, kindPostmaster)}
	}
	return errs.Wrap("forwarding.Postmaster", b.store.Outbox.Relay(ctx, relayed))
}
