package bounces

import (
	"context"
	"errors"
	"strings"

	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/inbox"
	"amicale/internal/mail"
)

// Recipients are those of campaigns.
type Recipients interface {
	// RecipientOf is to whom a campaign's message went, by the row that its return token names; NotFound for none.
	RecipientOf(ctx context.Context, row id.ID) (address string, person id.ID, err error)
	// Failed is told, in the transaction of the context, what a report said of that message.
	Failed(ctx context.Context, row id.ID, class mail.Class, reply mail.Reply) error
	// Unwanted is told, likewise, that whoever got that message wants no more of its kind from its sender.
	Unwanted(ctx context.Context, row id.ID, by Answer) error
}

// Answer is how somebody says that he wants no more of a kind of letters.
type Answer string

const (
	Complaint   Answer = "complaint"   // he called a message unwanted (RFC 5965)
	Unsubscribe Answer = "unsubscribe" // he wrote to the address for it (RFC 2369 §3.2)
)

// Refusals are what people do not want to be sent.
type Refusals interface {
	// Complained ends the campaigns to somebody who called a letter of the site unwanted; person is zero when nobody's in
	// the base.
	Complained(ctx context.Context, person id.ID, address string) error
}

// ReturnsOptions say what returns are about.
type ReturnsOptions struct {
	Tokens     mail.Tokens
	Domain     string     // of the site's own letters; "" when they ask for no returns
	Recipients Recipients // nil: there are no campaigns
	Refusals   Refusals   // nil: there is nothing to refuse
}

// Returns is the box that takes what mail servers report on mail of ours. Its addresses are return tokens: what nobody
// here made is refused without asking the database.
type Returns struct {
	store *Store
	o     ReturnsOptions
}

// NewReturns makes the box.
func NewReturns(s *Store, o ReturnsOptions) *Returns { return &Returns{s, o} }

// Name names the box.
func (*Returns) Name() string { return "returns" }

// returned is what a report is about, and, once it was read, what it says.
type returned struct {
	kind    mail.TokenKind
	row     id.ID
	address string
	person  id.ID
	outside bool // it went to somebody outside, in a person's name
	null    bool // the message was a report itself: it had no sender
	leaves  bool // this is no report: somebody wants no more of a campaign's kind
	report  mail.Report
}

func noSuch() *inbox.Refusal { return inbox.Refuse(550, "5.1.1", "No such address here") }

// Find reads the token, then the row it names.
func (b *Returns) Find(ctx context.Context, _ inbox.Envelope, address string) (inbox.Rcpt, error) {
	notMine := errs.E("bounces.Find", errs.NotFound, nil)
	at := strings.LastIndexByte(address, '@')
	if at < 0 {
		return inbox.Rcpt{}, notMine
	}
	local, domain := address[:at], strings.ToLower(strings.TrimSuffix(address[at+1:], "."))
	if !strings.HasPrefix(strings.ToLower(local), "r-") || !strings.HasPrefix(domain, mail.ReturnDomain("")) && !strings.HasPrefix(domain, mail.LettersDomain("")) {
		return inbox.Rcpt{}, notMine
	}
	kind, row, ok := b.o.Tokens.Parse(local)
	if !ok {
		return inbox.Rcpt{}, noSuch()
	}
	if ours, err := b.ours(ctx, domain); err != nil || !ours {
		if err == nil {
			err = notMine
		}
		return inbox.Rcpt{}, err
	}
	about, err := b.about(ctx, kind, row)
	if errors.Is(err, errs.NotFound) {
		return inbox.Rcpt{}, noSuch()
	}
	return inbox.Rcpt{Address: address, Data: about}, err
}

// ours reports whether returns come back to that domain.
func (b *Returns) ours(ctx context.Context, domain string) (bool, error) {
	if b.o.Domain != "" && domain == mail.ReturnDomain(b.o.Domain) {
		return true, nil
	}
	as, err := b.store.people.Associations(ctx)
	if err != nil {
		return false, err
	}
	for _, a := range as {
		if domain == mail.ReturnDomain(a.MailDomain) || domain == mail.LettersDomain(a.MailDomain) {
			return true, nil
		}
	}
	return false, nil
}

// about is the message that a token names; NotFound where it is forgotten.
func (b *Returns) about(ctx context.Context, kind mail.TokenKind, row id.ID) (*returned, error) {
	r := &returned{kind: kind, row: row}
	var err error
	switch kind {
	case mail.LetterToken:
		r.address, r.person, err = b.store.letterTo(ctx, row)
	case mail.DeliveryToken:
		t, traceErr := b.store.post.TraceOf(ctx, row)
		r.address, r.null, r.outside, err = t.Recipient, t.Sender == "", strangers(t.Kind), traceErr
	default:
		if b.o.Recipients == nil {
			return nil, errs.E("bounces.about", errs.NotFound, nil)
		}
		r.address, r.person, err = b.o.Recipients.RecipientOf(ctx, row)
	}
	return r, err
}

// Screen reads the report, before any transaction begins, or the wish to get no more of a kind of letters. Other mail is
// not read by anybody here, and its sender is told; without a sender it is a report that we do not understand.
func (b *Returns) Screen(_ context.Context, m *inbox.Message, to inbox.Rcpt) error {
	about, ok := to.Data.(*returned)
	if !ok {
		return errs.E("bounces.Screen", errs.Internal, nil)
	}
	report, ok := mail.ParseReport(m.Raw)
	switch {
	case ok:
		about.report = report
	case about.kind == mail.CampaignToken && leaves(m.Raw):
		about.leaves = true
	case m.Envelope.From == "":
		about.report = mail.Report{Class: mail.Unknown}
	default:
		return inbox.Refuse(550, "5.7.1", "This address takes delivery reports only")
	}
	return nil
}

// Accept writes down what the reports say, and tells those whose messages they are about.
func (b *Returns) Accept(ctx context.Context, list []inbox.Arrival) error {
	for _, a := range list {
		about, ok := a.Rcpt.Data.(*returned)
		if !ok {
			return errs.E("bounces.Accept", errs.Internal, nil)
		}
		if err := b.take(ctx, a, about); err != nil {
			return errs.Wrap("bounces.Accept", err)
		}
	}
	return nil
}

// leaves reports whether a message is what the mailto: in a letter makes mail programs write.
func leaves(raw []byte) bool {
	h, _ := mail.ReadHeader(raw)
	subject := h.All("Subject")
	return len(subject) == 1 && strings.EqualFold(strings.TrimSpace(subject[0]), mail.UnsubscribeSubject)
}

func (b *Returns) take(ctx context.Context, a inbox.Arrival, r *returned) error {
	if r.leaves {
		return b.o.Recipients.Unwanted(ctx, r.row, Unsubscribe)
	}
	class := r.report.Class
	if !r.outside {
		if err := b.store.Reported(ctx, Report{Row: r.row, Address: r.address, Class: class, At: a.Message.At}); err != nil {
			return err
		}
	}
	switch {
	case class == mail.Vacation || class == mail.Delivered:
		return nil
	case class == mail.Complaint && r.kind == mail.DeliveryToken:
		return nil // it is about what a third person wrote
	case class == mail.Complaint:
		return b.complained(ctx, r)
	case r.kind == mail.DeliveryToken && !r.null:
		return b.store.forwarding.Returned(ctx, r.row, class, r.report.Reply)
	case r.kind == mail.CampaignToken:
		return b.o.Recipients.Failed(ctx, r.row, class, r.report.Reply)
	}
	return nil
}

// complained ends what was complained of; the address works, so nothing else follows.
func (b *Returns) complained(ctx context.Context, r *returned) error {
	if r.kind == mail.CampaignToken {
		if err := b.o.Recipients.Failed(ctx, r.row, mail.Complaint, r.report.Reply); err != nil {
			return err
		}
		return b.o.Recipients.Unwanted(ctx, r.row, Complaint)
	}
	if b.o.Refusals == nil {
		return nil
	}
	return b.o.Refusals.Complained(ctx, r.person, r.address)
}
