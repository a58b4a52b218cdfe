package subscriptions

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

// Overview is one person's subscriptions with their history, for himself and the staff of his associations; NotFound
// for others.
func (s *Store) Overview(ctx context.Context, v viewer.Viewer, person id.ID) (Overview, error) {
	d, err := s.people.Dossier(ctx, v, person)
	if err != nil {
		return Overview{}, err
	}
	o := Overview{Person: person}
	if o.Senders, err = s.senders(ctx, d); err != nil {
		return Overview{}, errs.Wrap("subscriptions.Overview", err)
	}
	rows, err := s.choices(ctx, person)
	if err != nil {
		return Overview{}, errs.Wrap("subscriptions.Overview", err)
	}
	o.Standing = standingOf(rows, d.Consents)
	o.History = history(rows, d.Consents)
	return o, nil
}

// senders are the federation and the associations the person belongs to, by degree or membership, in their order.
func (s *Store) senders(ctx context.Context, d people.Dossier) ([]Sender, error) {
	name, err := s.federation(ctx)
	if err != nil {
		return nil, err
	}
	all, err := s.people.Associations(ctx)
	if err != nil {
		return nil, err
	}
	own := d.Associations()
	for _, m := range d.Memberships {
		own = append(own, m.AssociationID)
	}
	out := []Sender{{Federation, name}}
	for _, a := range all {
		if slices.Contains(own, a.ID) {
			out = append(out, Sender{a.ID, a.Name})
		}
	}
	return out, nil
}

// SenderName is what a sender calls itself; NotFound for one that is no more.
func (s *Store) SenderName(ctx context.Context, sender id.ID) (string, error) {
	if sender == Federation {
		return s.federation(ctx)
	}
	all, err := s.people.Associations(ctx)
	if err != nil {
		return "", err
	}
	a, ok := all.ByID(sender)
	if !ok {
		return "", errs.E("subscriptions.SenderName", errs.NotFound, nil)
	}
	return a.Name, nil
}

// choiceRow is a row of the table.
type choiceRow struct {
	ID       id.ID
	SenderID id.ID
	Kind     Kind
	Wants    bool
	UntilAt  time.Time
	Origin   Origin
	Basis    Basis
	Current  bool
	At       time.Time
}

func (r choiceRow) choice() Choice {
	return Choice{Sender: r.SenderID, Kind: r.Kind, Wants: r.Wants, UntilAt: r.UntilAt, Origin: r.Origin, Basis: r.Basis, At: r.At, row: r.ID}
}

// choices are all that a person said, the oldest first.
func (s *Store) choices(ctx context.Context, person id.ID) ([]choiceRow, error) {
	return db.All[choiceRow](ctx, s.db, `SELECT id, sender_id, kind, wants, until_at, origin, basis, current, at
		FROM subscription_choices WHERE person_id = ? ORDER BY at, id`, person)
}

func standingOf(rows []choiceRow, consents []people.Consent) Standing {
	st := Standing{Asked: map[Cell]time.Time{}, Lists: map[string]time.Time{}}
	for _, r := range rows {
		if r.Current {
			st.Choices = append(st.Choices, r.choice())
		}
		if r.Wants && r.Origin == ByPerson {
			st.Asked[Cell{r.SenderID, r.Kind}] = r.At
		}
	}
	for _, kind := range []string{consentMailing, consentPaper} { // that no later yes took back
		if granted, at, said := people.StatusOn(consents, kind); said && !granted {
			st.Lists[kind] = at
		}
	}
	return st
}

// standing is what counts of a person, read by the house itself.
func (s *Store) standing(ctx context.Context, person id.ID) (Standing, error) {
	rows, err := s.choices(ctx, person)
	if err != nil {
		return Standing{}, err
	}
	consents, err := db.All[people.Consent](ctx, s.db, `SELECT id, person_id, kind, granted, at, origin FROM consents
		WHERE person_id = ? AND kind IN ('mailing', 'paper') ORDER BY at, id`, person)
	return standingOf(rows, consents), err
}

func history(rows []choiceRow, consents []people.Consent) []Event {
	var out []Event
	for _, r := range rows {
		out = append(out, Event{Choice: r.choice()})
	}
	for _, c := range consents {
		if c.Kind == consentMailing || c.Kind == consentPaper {
			out = append(out, Event{List: c.Kind, Whence: c.Origin,
				Choice: Choice{Wants: c.Granted, Origin: ByImport, Basis: basisOf(c.Granted, ByPerson), At: c.At}})
		}
	}
	slices.Reverse(out) // of two at the same moment the later stands first
	slices.SortStableFunc(out, func(a, b Event) int { return cmp.Compare(b.At.UnixMicro(), a.At.UnixMicro()) })
	return out
}

// present is the person that a link names, or the one he was found to be a double of; zero when he is no more.
func (s *Store) present(ctx context.Context, person id.ID) (id.ID, error) {
	p, err := db.One[id.ID](ctx, s.db, `SELECT COALESCE(merged_into, id) FROM persons WHERE id = ?`, person)
	if errors.Is(err, errs.NotFound) {
		return id.ID{}, nil
	}
	return p, err
}

// Link is what the page behind a link needs to know.
type Link struct {
	Letter
	Token  string
	Sender string // its name; "" when it is no more
	Wants  bool
	// Undoable is set when the last word was a click in a letter, which another takes back.
	Undoable bool
}

// ReadLink says what a link stands for and how things stand; NotFound for one that is none of ours. Whoever was
// erased gets nothing any more. It says nothing of who the person is.
func (s *Store) ReadLink(ctx context.Context, token string) (Link, error) {
	letter, ok := s.tokens.Parse(token)
	if !ok {
		return Link{}, errs.New(errs.NotFound, "subscriptions.link_unknown")
	}
	l := Link{Letter: letter, Token: token}
	name, err := s.SenderName(ctx, letter.Sender)
	if err != nil && !errors.Is(err, errs.NotFound) {
		return Link{}, err
	}
	l.Sender = name
	person, err := s.present(ctx, letter.Person)
	if err != nil || person.IsZero() {
		return l, errs.Wrap("subscriptions.ReadLink", err)
	}
	st, err := s.standing(ctx, person)
	if err != nil {
		return Link{}, errs.Wrap("subscriptions.ReadLink", err)
	}
	l.Wants = st.Subscribed(letter.Sender, letter.Kind)
	c, said := st.Choice(letter.Sender, letter.Kind)
	l.Undoable = said && !c.Wants && c.Origin == ByOneClick
	return l, nil
}

// refused is the rule as a condition of SQL on p.id: it holds for whoever must not be sent that kind by that sender now.
func (s *Store) refused(sender id.ID, k Kind) (where string, args []any) {
	where = `(EXISTS (SELECT 1 FROM subscription_choices c WHERE c.person_id = p.id AND c.current AND NOT c.wants
			AND (c.sender_id = ? AND c.kind = ? OR c.kind = 'pause' AND c.until_at > ?))
		OR EXISTS (SELECT 1 FROM consents l WHERE l.person_id = p.id AND l.kind = ? AND NOT l.granted
			AND NOT EXISTS (SELECT 1 FROM consents n WHERE n.person_id = l.person_id AND n.kind = l.kind AND (n.at > l.at OR n.at = l.at AND n.id > l.id))
			AND NOT EXISTS (SELECT 1 FROM subscription_choices y WHERE y.person_id = l.person_id AND y.sender_id = ? AND y.kind = ?
				AND y.wants AND y.origin = 'person' AND y.at >= l.at)))`
	return where, []any{sender.String(), string(k), s.now(), k.consent(), sender.String(), string(k)}
}

// refusingBatch bounds the persons of one statement.
const refusingBatch = 400

// Refusing are those among the persons who must not be sent that kind by that sender now; a zero sender is the
// federation. It is asked by what sends, and tells nothing else of them.
func (s *Store) Refusing(ctx context.Context, sender id.ID, kind string, persons []id.ID) (map[id.ID]bool, error) {
	if !Kind(kind).Known() {
		return nil, errs.E("subscriptions.Refusing "+kind, errs.Invalid, nil)
	}
	out := map[id.ID]bool{}
	for part := range slices.Chunk(persons, refusingBatch) {
		where, args := s.refused(sender, Kind(kind))
		list, err := db.All[id.ID](ctx, s.db, `SELECT p.id FROM persons p WHERE p.id IN (`+db.In(len(part))+`) AND `+where, append(db.Args(part), args...)...)
		if err != nil {
			return nil, errs.Wrap("subscriptions.Refusing", err)
		}
		for _, p := range list {
			out[p] = true
		}
	}
	return out, nil
}
