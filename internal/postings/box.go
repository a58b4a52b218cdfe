package postings

import (
	"context"
	"strings"

	"amicale/internal/errs"
	"amicale/internal/inbox"
	"amicale/internal/mail"
)

// Box takes offers at emploi@ and jobs@ the mail domain of each association.
type Box struct{ store *Store }

// NewBox makes the box.
func NewBox(s *Store) *Box { return &Box{s} }

// Name tells the box from others.
func (*Box) Name() string { return "offers" }

const (
	mostMail  = 10 << 20 // bytes of one message
	mostScore = 100      // of the spam checks, in tenths; a stranger may write here, so it is not strict
)

// where is what the acceptance needs to know of a recipient.
type where struct {
	lang string
}

// Find knows the addresses that take offers.
func (b *Box) Find(ctx context.Context, _ inbox.Envelope, address string) (inbox.Rcpt, error) {
	at := strings.LastIndexByte(address, '@')
	if at < 0 {
		return inbox.Rcpt{}, errs.NotFound
	}
	lang, ok := alias(address[:at])
	if !ok {
		return inbox.Rcpt{}, errs.NotFound
	}
	all, err := b.store.people.Associations(ctx)
	if err != nil {
		return inbox.Rcpt{}, errs.Wrap("postings.Find", err)
	}
	for _, a := range all {
		if strings.EqualFold(a.MailDomain, address[at+1:]) {
			return inbox.Rcpt{Address: address, Owner: a.ID, Data: where{lang}}, nil
		}
	}
	return inbox.Rcpt{}, errs.NotFound
}

// Screen refuses what is too big, what looks like spam, what a machine answered, and files with macros: whoever sent it
// learns that at once, from his own server.
func (b *Box) Screen(_ context.Context, m *inbox.Message, _ inbox.Rcpt) error {
	h, _ := mail.ReadHeader(m.Raw)
	switch {
	case len(m.Raw) > mostMail:
		return inbox.Refuse(552, "5.3.4", "this address takes messages of at most 10 MB / 10 Mo au plus pour cette adresse")
	case m.Score >= mostScore:
		return inbox.Refuse(550, "5.7.1", "this message looks like spam / ce message ressemble a un indesirable")
	case m.Envelope.From == "" || strings.HasPrefix(strings.ToLower(h.Get("Auto-Submitted")), "auto-replied"):
		return inbox.Refuse(550, "5.7.1", "this address takes job offers, not automatic answers / cette adresse attend des offres, pas des reponses automatiques")
	}
	for _, f := range Read(m.Raw).Files {
		if f.Verdict == FileMacros {
			return inbox.Refuse(550, "5.7.1", "an attached file holds macros; please send it again as a .docx without macros, as a PDF or as plain text / "+
				"un fichier joint contient des macros ; merci de le renvoyer en .docx sans macros, en PDF ou en texte")
		}
	}
	return nil
}

// Accept puts the messages on the desks, as they came; a job takes them apart.
func (b *Box) Accept(ctx context.Context, list []inbox.Arrival) error {
	for _, a := range list {
		m := a.Message
		to, _ := a.Rcpt.Data.(where)
		d := Draft{ID: a.ID, AssociationID: a.Rcpt.Owner, Authenticated: m.Auth.Authenticated(), Subject: shorten(bare(m.Subject), mostLine), MessageKey: bare(m.Key),
			Lang: to.lang, ReceivedAt: b.store.now()}
		h, _ := mail.ReadHeader(m.Raw)
		if author, err := h.Author(); err == nil {
			d.Sender, d.SenderName = bare(author.Address), bare(author.Name)
		}
		if err := b.store.received(ctx, d, m.Raw); err != nil {
			return errs.Wrap("postings.Accept", err)
		}
	}
	return nil
}
