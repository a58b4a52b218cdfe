package forwarding

import (
	"context"
	"errors"
	"slices"
	"strings"

	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/mail"
	"amicale/internal/outbox"
	"amicale/internal/people"
)

// watchForwarded hears what became of deliveries. One that failed for good goes to the next target, where they are tried
// in turn; when nothing of a message arrived and nothing of it is on its way, its sender is told.
func (s *Store) watchForwarded(ctx context.Context, list []outbox.Outcome) error {
	failed := failedOf(list)
	if len(failed) == 0 {
		return nil
	}
	slips, err := s.slips(ctx, refsOf(failed))
	if err != nil {
		return err
	}
	as, err := s.People.Associations(ctx)
	if err != nil {
		return err
	}
	slices.SortFunc(failed, func(a, b outbox.Outcome) int { return compareIDs(slips[a.Ref].OwnerID, slips[b.Ref].OwnerID) })
	for _, o := range failed {
		if sl, kept := slips[o.Ref]; kept {
			if err := s.failedOne(ctx, o, sl, as); err != nil {
				return err
			}
		}
	}
	return nil
}

// failedOne waits for whoever settles another delivery to the same person: of two that fail at once, in two processes,
// each would else believe that the other still may arrive, and nobody would be told.
func (s *Store) failedOne(ctx context.Context, o outbox.Outcome, sl slip, as people.Associations) error {
	h, err := s.holder(ctx, sl.OwnerID, as)
	if err != nil {
		return gone(err) // erased since
	}
	if err := s.lock(ctx, h.Person); err != nil {
		return err
	}
	if again, err := s.tryNext(ctx, o, h); err != nil || again {
		return err
	}
	return s.settleFailed(ctx, o, sl, h)
}

func failedOf(list []outbox.Outcome) []outbox.Outcome {
	return slices.DeleteFunc(slices.Clone(list), func(o outbox.Outcome) bool { return o.State != outbox.Failed })
}

func refsOf(list []outbox.Outcome) []id.ID {
	out := make([]id.ID, len(list))
	for i, o := range list {
		out[i] = o.Ref
	}
	return out
}

// tryNext sends a delivery to the next target that has not refused it.
func (s *Store) tryNext(ctx context.Context, o outbox.Outcome, h holder) (bool, error) {
	if h.Mode != InTurn || len(h.Route()) < 2 {
		return false, nil
	}
	refused, err := s.tried(ctx, o)
	if err != nil {
		return false, err
	}
	to := h.next(refused)
	if to == "" {
		return false, nil
	}
	err = s.Outbox.Again(ctx, o.ID, to)
	if errors.Is(err, errs.NotFound) { // the message is kept no longer
		return false, nil
	}
	return err == nil, err
}

// settleFailed tells the sender, unless a part of the message arrived or still may.
func (s *Store) settleFailed(ctx context.Context, o outbox.Outcome, sl slip, h holder) error {
	traces, err := s.Outbox.TracesOf(ctx, kindForward, []id.ID{sl.ID})
	if err != nil {
		return err
	}
	secrets := append(h.Route(), o.To)
	for _, t := range traces {
		if t.State != outbox.Failed {
			return nil
		}
		secrets = append(secrets, t.Recipient)
	}
	tried, err := s.triedOf(ctx, traces)
	if err != nil {
		return err
	}
	for _, legs := range tried {
		for _, l := range legs {
			secrets = append(secrets, l.To)
		}
	}
	return s.reportForwarded(ctx, sl, mail.DSN{Class: o.Class, Reply: o.Reply, Secrets: secrets, Original: s.original(ctx, o, sl)})
}

// original is the message that a report is about, at least what its sender knows it again by.
func (s *Store) original(ctx context.Context, o outbox.Outcome, sl slip) []byte {
	if o.Message != nil {
		if raw, err := o.Message(ctx); err == nil {
			return raw
		}
	}
	return sl.header()
}

// header is what is known of a message whose own header is not at hand.
func (sl slip) header() []byte {
	clean := strings.NewReplacer("\r", " ", "\n", " ").Replace
	var b strings.Builder
	if key := strings.Trim(clean(sl.MessageKey), "<> "); key != "" {
		b.WriteString("Message-ID: <" + key + ">\r\n")
	}
	b.WriteString("Subject: " + clean(sl.Subject) + "\r\n\r\n")
	return []byte(b.String())
}

// reportForwarded tells who wrote that it did not arrive: once, and only where he is who he says.
func (s *Store) reportForwarded(ctx context.Context, sl slip, d mail.DSN) error {
	if !mayAnswer(sl.Auth, sl.Sender) {
		return nil
	}
	first, err := s.firstReport(ctx, sl.ID)
	if err != nil || !first {
		return err
	}
	return s.report(ctx, sl, d)
}

// watchSubmitted tells people what of their own mail did not arrive.
func (s *Store) watchSubmitted(ctx context.Context, list []outbox.Outcome) error {
	failed := failedOf(list)
	slips, err := s.slips(ctx, refsOf(failed))
	if err != nil {
		return err
	}
	for _, o := range failed {
		sl, ok := slips[o.Ref]
		if !ok {
			continue
		}
		if err := s.report(ctx, sl, mail.DSN{Class: o.Class, Reply: o.Reply, Original: s.original(ctx, o, sl)}); err != nil {
			return err
		}
	}
	return nil
}

// report writes to the sender of a message about the recipient he named.
func (s *Store) report(ctx context.Context, sl slip, d mail.DSN) error {
	home := mail.DomainOf(sl.Recipient) // of who answers: the address for life, whichever end of the message it is
	if as, err := s.People.Associations(ctx); err != nil {
		return err
	} else if !as.HaveMailDomain(home) {
		home = mail.DomainOf(sl.Sender)
	}
	d.ID, d.Date, d.Arrived = id.New(), s.Now(), sl.At
	d.From = mail.Address{Name: "Postmaster", Address: "postmaster@" + home}
	d.To, d.Alias, d.By = sl.Sender, sl.Recipient, home
	raw, err := mail.ComposeDSN(ctx, s.Bundle, d)
	if errors.Is(err, errs.Invalid) {
		return nil // an address that no report can go to, or be about
	}
	if err != nil {
		return errs.Wrap("forwarding.report "+sl.ID.String(), err)
	}
	return s.Outbox.Relay(ctx, []outbox.Relayed{{Raw: raw, Each: []outbox.Delivery{{Stream: mail.Forwarding, Kind: kindReport, Ref: sl.ID, To: sl.Sender}}}})
}
