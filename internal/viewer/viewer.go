// Package viewer says who asks and who may see.
//
// A Viewer is made anew on every request from what the database says at that moment, so a payment, a role or a
// block counts at once. An Audience is a predicate on a viewer and the person looked at. No I/O here.
package viewer

import "amicale/internal/id"

// Kind is the sort of visitor.
type Kind uint8

const (
	Guest     Kind = iota // not signed in
	Network               // a signed-in student or graduate
	Recruiter             // a signed-in recruiter
	Staff                 // a staff account that is no graduate
	System                // background work; Reason says which
)

// RoleName is a staff role.
type RoleName string

const (
	FederationAdmin RoleName = "federation_admin" // everything, everywhere
	Webmaster       RoleName = "webmaster"        // an association's people, accounts, desk and imports
	Secretary       RoleName = "secretary"        // an association's memberships and coordinates
	Editor          RoleName = "editor"           // an association's texts; no coordinates
)

// Role is a staff role at one association; FederationAdmin has none.
type Role struct {
	Name        RoleName
	Association id.ID
}

// Viewer is who asks.
type Viewer struct {
	Kind    Kind
	Account id.ID // zero for a guest and for background work
	Person  id.ID // zero for a guest and for staff who are no graduates
	Member  bool  // dues to at least one association are paid today
	Roles   []Role
	Reason  string // why background work reads, for the log
}

// Actor is a viewer who changes something, with the name that the trail shows.
type Actor struct {
	Viewer
	Name string
}

// ForSystem is background work, which may read all and says why.
func ForSystem(reason string) Viewer { return Viewer{Kind: System, Reason: reason} }

// SignedIn reports whether there is an account behind the request.
func (v Viewer) SignedIn() bool { return v.Kind != Guest && v.Kind != System }

// InNetwork reports whether the viewer is a signed-in student or graduate, or background work.
func (v Viewer) InNetwork() bool { return v.Kind == Network || v.Kind == System }

// IsStaff reports whether the viewer holds any role.
func (v Viewer) IsStaff() bool { return len(v.Roles) > 0 || v.Kind == System }

// IsFederationAdmin reports whether the viewer administers the whole federation.
func (v Viewer) IsFederationAdmin() bool {
	if v.Kind == System {
		return true
	}
	for _, r := range v.Roles {
		if r.Name == FederationAdmin {
			return true
		}
	}
	return false
}

// Has reports whether the viewer holds one of the roles anywhere; federation admins hold them all.
func (v Viewer) Has(names ...RoleName) bool {
	if v.IsFederationAdmin() {
		return true
	}
	for _, r := range v.Roles {
		for _, n := range names {
			if r.Name == n {
				return true
			}
		}
	}
	return false
}

// HasAt reports whether the viewer holds one of the roles at that association.
func (v Viewer) HasAt(association id.ID, names ...RoleName) bool {
	if v.IsFederationAdmin() {
		return true
	}
	for _, r := range v.Roles {
		for _, n := range names {
			if r.Name == n && r.Association == association && !association.IsZero() {
				return true
			}
		}
	}
	return false
}

// HasAtAny reports whether the viewer holds one of the roles at one of the associations.
func (v Viewer) HasAtAny(associations []id.ID, names ...RoleName) bool {
	for _, a := range associations {
		if v.HasAt(a, names...) {
			return true
		}
	}
	return v.IsFederationAdmin()
}

// Associations are those where the viewer holds one of the roles; all is true for federation admins.
func (v Viewer) Associations(names ...RoleName) (ids []id.ID, all bool) {
	if v.IsFederationAdmin() {
		return nil, true
	}
	for _, r := range v.Roles {
		for _, n := range names {
			if r.Name == n {
				ids = append(ids, r.Association)
			}
		}
	}
	return ids, false
}

// Tier is the search index's class of viewers. What depends on the pair (my contacts, my own page) is decided on
// the person, not by the tier.
type Tier uint8

const (
	TierGuest Tier = iota
	TierRecruiter
	TierNetwork
	TierMember
	TierStaff // sees all of the associations he works for, and must be kept to them
	Tiers     // how many there are
)

// Tier is the class this viewer searches in. A graduate who also works for an association searches as a graduate:
// what he sees as staff is on the staff's screens. Staff without a right to coordinates sees what is public.
func (v Viewer) Tier() Tier {
	switch {
	case v.Kind == System || v.Kind == Staff && v.Has(Webmaster, Secretary):
		return TierStaff
	case v.Kind == Network && v.Member:
		return TierMember
	case v.Kind == Network:
		return TierNetwork
	case v.Kind == Recruiter || v.Kind == Staff:
		return TierRecruiter
	}
	return TierGuest
}

// Searches reports whether the directory is open to the viewer: to students, graduates, and the staff that may read
// people's data.
func (v Viewer) Searches() bool {
	t := v.Tier()
	return t == TierNetwork || t == TierMember || t == TierStaff
}
