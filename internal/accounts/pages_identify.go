package accounts

import (
	"context"

	"amicale/internal/errs"
	"amicale/internal/people"
	"amicale/internal/viewer"
	"amicale/internal/web"
)

// Identify makes the viewer of a session from what the database says now. It is read on every request. NotFound
// when the account is closed or gone, or its person deceased or merged: the visitor is then a guest.
func (s *Store) Identify(ctx context.Context, sess web.Session) (viewer.Viewer, web.Identity, error) {
	st, err := s.state(ctx, sess.AccountID)
	if err != nil {
		return viewer.Viewer{}, web.Identity{}, err
	}
	// A session opened by a password alone before the second factor was added: all of those were ended then; this
	// holds should one have slipped through.
	if !st.DisabledAt.IsZero() || st.Secured && !sess.Strong {
		return viewer.Viewer{}, web.Identity{}, errs.E("accounts.Identify", errs.NotFound, nil)
	}
	v := viewer.Viewer{Kind: viewer.Staff, Account: sess.AccountID, Person: st.Person, Roles: st.roles}
	who := web.Identity{Name: st.Name, Login: st.Login, Accent: st.accent}
	if st.Kind == OfRecruiter {
		v.Kind = viewer.Recruiter
	}
	if !st.Person.IsZero() {
		standing, err := s.people.StandingOf(ctx, st.Person)
		if err != nil {
			return viewer.Viewer{}, web.Identity{}, err
		}
		if standing.Status == people.Deceased {
			return viewer.Viewer{}, web.Identity{}, errs.E("accounts.Identify", errs.NotFound, nil)
		}
		addStanding(&v, &who, standing)
	}
	who.MustSecure = s.o.RequireSecondFactor && len(v.Roles) > 0 && !st.Secured
	return v, who, nil
}

// addStanding is what a person is today. One who is neither student nor graduate has an account like staff's,
// with the roles he holds and no other right.
func addStanding(v *viewer.Viewer, who *web.Identity, standing people.Standing) {
	if standing.Status == people.Student || standing.Status == people.Graduate {
		v.Kind = viewer.Network
	}
	v.Member = standing.Member
	who.Name, who.Login = standing.Name, standing.Login
	who.PhotoURL = people.PhotoPath(standing.Login, standing.Photo, "small")
	if len(standing.Codes) > 0 {
		who.Accent = standing.Codes[0]
	}
}
