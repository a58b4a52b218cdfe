package profiles

import (
	"context"
	"errors"

	"amicale/internal/audit"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

// actionViewed is what the trail calls it when somebody reads another's coordinates.
const actionViewed = "profile.viewed_coordinates"

// see finds a person by any form of any login of his, as the viewer may see him. Somebody who does not exist and
// somebody hidden take the same way and the same time.
func (s *Store) see(ctx context.Context, v viewer.Viewer, login string) (people.Seen, error) {
	person, err := s.People.PersonByLogin(ctx, login)
	if errors.Is(err, errs.NotFound) {
		person, err = id.New(), nil
	}
	if err != nil {
		return people.Seen{}, err
	}
	return s.People.See(ctx, v, person)
}

// View is a person as the actor may see him; NotFound also stands for "may not know of". Reading another's
// coordinates leaves a trail, once an hour.
func (s *Store) View(ctx context.Context, a viewer.Actor, login string) (people.Seen, error) {
	seen, err := s.see(ctx, a.Viewer, login)
	if err != nil || seen.Own || len(seen.Contacts) == 0 {
		return seen, err
	}
	e := audit.Entry{Actor: a.Viewer, ActorName: a.Name, Action: actionViewed, Person: seen.ID, Coalesced: true}
	if len(seen.Degrees) > 0 {
		e.Association = seen.Degrees[0].AssociationID
	}
	if seen.ByStaff {
		e.Detail = map[string]any{"staff": true}
	}
	return seen, s.Trail.Record(ctx, e)
}

// through is a viewer with these eyes, nobody in particular.
func (e Eyes) through() (viewer.Viewer, bool) {
	switch e {
	case Stranger:
		return viewer.Viewer{}, true
	case Graduate, Member:
		return viewer.Viewer{Kind: viewer.Network, Account: id.New(), Person: id.New(), Member: e == Member}, true
	case Recruiter:
		return viewer.Viewer{Kind: viewer.Recruiter, Account: id.New()}, true
	}
	return viewer.Viewer{}, false
}

// As is the viewer's own profile through other eyes; visible is false when they would not even know of him.
func (s *Store) As(ctx context.Context, v viewer.Viewer, eyes Eyes) (seen people.Seen, visible bool, err error) {
	d, err := s.Own(ctx, v)
	if err != nil {
		return seen, false, err
	}
	other, ok := eyes.through()
	if !ok {
		return seen, false, errs.E("profiles.As "+string(eyes), errs.NotFound, nil)
	}
	seen, visible = d.SeenBy(other, s.Today())
	return seen, visible, nil
}

// Views is a page of the trail of the viewer's own data: who read his coordinates, or, with all, everything.
func (s *Store) Views(ctx context.Context, v viewer.Viewer, p audit.Page, all bool) (audit.List, error) {
	d, err := s.Own(ctx, v)
	if err != nil {
		return audit.List{}, err
	}
	if !all {
		p.Actions = []string{actionViewed}
	}
	return s.Trail.ForPerson(ctx, v, d.Subject(), p)
}
