package accounts

import (
	"context"

	"amicale/internal/fold"
	"amicale/internal/i18n"
	"amicale/internal/mail"
	"amicale/internal/outbox"
)

// Letters writes the account's own letters and posts them in the transaction in the context.
type Letters struct {
	outbox *outbox.Outbox
	bundle *i18n.Bundle
	origin string
	brand  mail.Brand
}

// NewLetters makes the writer. origin is the canonical address that links lead to; brand is in whose name letters
// come, the federation's.
func NewLetters(o *outbox.Outbox, b *i18n.Bundle, origin string, brand mail.Brand) *Letters {
	return &Letters{outbox: o, bundle: b, origin: origin, brand: brand}
}

// post writes a letter of messages to a holder; one without an address gets none.
func (l *Letters) post(ctx context.Context, h Holder, kind, link string, data i18n.Data) error {
	if h.Email == "" {
		return nil
	}
	lang := h.Lang
	if lang == "" {
		lang = i18n.Langs()[0]
	}
	ctx = l.bundle.With(ctx, lang)
	if data == nil {
		data = i18n.Data{}
	}
	data["Name"], data["Site"] = h.Name, l.brand.Name
	subject, body := mail.Write(ctx, "accounts.mail."+kind, link, data)
	body.Brand = l.brand
	return l.outbox.SendBody(ctx, outbox.Letter{Kind: "account." + kind, To: h.Email, Person: h.Person, Subject: subject, Lang: lang}, body)
}

// choose sends a link to choose a password: the first one, or another.
func (l *Letters) choose(ctx context.Context, s *Store, a Account, h Holder) error {
	if h.Email == "" {
		return nil
	}
	purpose, kind, ttl := ForReset, "reset", ResetTTL
	if !a.HasPassword {
		purpose, kind, ttl = ForActivation, "choose", ActivationTTL
	}
	token, err := s.IssueLink(ctx, Link{Purpose: purpose, Person: a.Person, Account: a.ID, Email: personsOwn(a, h), TTL: ttl})
	if err != nil {
		return err
	}
	return l.post(ctx, h, kind, l.origin+PasswordPath(token), i18n.Data{"Login": s.loginOf(ctx, a)})
}

// signIn sends a link that signs in.
func (l *Letters) signIn(ctx context.Context, s *Store, a Account, h Holder) error {
	if h.Email == "" {
		return nil
	}
	token, err := s.IssueLink(ctx, Link{Purpose: ForSignIn, Person: a.Person, Account: a.ID, Email: personsOwn(a, h), TTL: SignInTTL})
	if err != nil {
		return err
	}
	return l.post(ctx, h, "signin", l.origin+SignInPath(token), i18n.Data{"Login": s.loginOf(ctx, a)})
}

// personsOwn is the address as people keeps it; an account without a person has its own.
func personsOwn(a Account, h Holder) string {
	if a.Person.IsZero() {
		return ""
	}
	return fold.Email(h.Email)
}

func (l *Letters) passwordChanged(ctx context.Context, s *Store, a Account) error {
	return l.notify(ctx, s, a, "password", nil)
}

func (l *Letters) passkeyAdded(ctx context.Context, s *Store, a Account, name string) error {
	return l.notify(ctx, s, a, "passkey", i18n.Data{"Passkey": name})
}

func (l *Letters) newDevice(ctx context.Context, s *Store, a Account, e Entry) error {
	return l.notify(ctx, s, a, "device", i18n.Data{"Device": DeviceOf(e.UserAgent).String(), "IP": e.IP})
}

// notify tells a holder what happened to his account, and leads to where he can act if it was not he.
func (l *Letters) notify(ctx context.Context, s *Store, a Account, kind string, data i18n.Data) error {
	h, err := s.holder(ctx, a)
	if err != nil {
		return err
	}
	if data == nil {
		data = i18n.Data{}
	}
	lang := a.Lang
	if lang == "" {
		lang = i18n.Langs()[0]
	}
	data["When"] = i18n.DateTime(l.bundle.With(ctx, lang), s.now())
	return l.post(ctx, h, kind, l.origin+"/moi/parametres/securite", data)
}
