package forwarding

import (
	"context"
	"errors"
	"slices"

	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/inbox"
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
	slips, err := s.Arrivals.ByIDs(ctx, refsOf(failed))
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
func (s *Store) failedOne(ctx context.Context, o outbox.Outcome, sl inbox.Slip, as people.Associations) error {
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
func (s *Store) settleFailed(ctx context.Context, o outbox.Outcome, sl inbox.Slip, h holder) error {
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
	return s.reportForwarded(ctx, sl, mail.DSN{Class: o.Class, Reply: o.Reply, Secrets: secrets, Original: sl.Original(ctx, o)})
}

// reportForwarded tells who wrote that it did not arrive: once, and only where he is who he says.
func (s *Store) reportForwarded(ctx context.Context, sl inbox.Slip, d mail.DSN) error {
	if !mayAnswer(sl.Auth, sl.Sender) {
		return nil
	}
	first, err := s.firstReport(ctx, sl.ID)
	if err != nil || !first {
		return err
	}
	return s.Reports.Report(ctx, sl, mail.DomainOf(sl.Recipient), d)
}
