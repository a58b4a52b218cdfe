// Package accounts is the door: accounts, passwords, second factors, links in letters, signing in, and the roles
// of the staff.
//
// It owns the tables of migration 0003. An account belongs to a person of the base, or stands alone for staff who
// are no graduates. Rights are made anew on every request (Identify): nobody ever has to sign out and in again.
// What a stranger sees and how long it takes tell nothing of who has an account.
package accounts

import (
	"time"

	"amicale/internal/id"
	"amicale/internal/viewer"
)

// Kind is the sort of account.
type Kind string

const (
	OfNetwork   Kind = "network"   // a person's of the base
	OfStaff     Kind = "staff"     // staff who are no graduates; has a login of its own
	OfRecruiter Kind = "recruiter" // opens by its e-mail address
)

// Account is what opens by signing in.
type Account struct {
	ID          id.ID
	Person      id.ID `db:"person_id"` // zero for staff and recruiters
	Kind        Kind
	Login       string    // of staff; a person's logins are people's
	Name        string    // of an account without a person
	Email       string    // of an account without a person
	HasPassword bool      // one was chosen
	PasswordAt  time.Time // when
	Lang        string    // of letters and pages; "" when never chosen
	Notice      bool      // wants a letter for each sign-in from a new device
	HasCodes    bool      // a TOTP code is asked for after the password
	Passkeys    int       // how many are registered
	CreatedAt   time.Time
	SignedInAt  time.Time // the latest sign-in
	DisabledAt  time.Time // closed by the staff; zero while open
}

// Open reports whether the staff have not closed the account.
func (a Account) Open() bool { return a.DisabledAt.IsZero() }

// Secured reports whether a password alone does not open the account.
func (a Account) Secured() bool { return a.HasCodes || a.Passkeys > 0 }

// Purpose is what a link is good for.
type Purpose string

const (
	ForActivation Purpose = "activate" // choose the first password, and confirm the e-mail the link went to
	ForReset      Purpose = "reset"    // choose another password
	ForSignIn     Purpose = "signin"   // sign in without a password
	ForEmail      Purpose = "email"    // confirm an e-mail address
	forStep       Purpose = "verify"   // the password was right: the second factor is waited for
	forPasskey    Purpose = "passkey"  // a passkey's challenge was given
)

// How long links live.
const (
	ActivationTTL = 48 * time.Hour
	ResetTTL      = 2 * time.Hour
	SignInTTL     = 30 * time.Minute
	EmailTTL      = 48 * time.Hour
	stepTTL       = 10 * time.Minute
)

// Link is a single-use secret: who may do what with it, and until when. IssueLink reads the first five fields.
type Link struct {
	Purpose   Purpose
	Person    id.ID         `db:"person_id"`
	Account   id.ID         `db:"account_id"`
	Email     string        // where it was sent, or which address it confirms
	TTL       time.Duration `db:"-"`
	CreatedAt time.Time
	ExpiresAt time.Time
	UsedAt    time.Time // zero while it is good
}

// How somebody came in.
type How string

const (
	ByPassword How = "password"
	ByLink     How = "link"
	ByPasskey  How = "passkey"
	ByChoice   How = "choice" // with the password chosen a moment before
)

// Entry is a sign-in, or one that failed.
type Entry struct {
	At        time.Time
	How       How
	OK        bool
	IP        string
	UserAgent string
}

// Role is a staff role as the list of accesses shows it.
type Role struct {
	ID          id.ID
	Account     id.ID           `db:"account_id"`
	Name        viewer.RoleName `db:"role"`
	Association id.ID           `db:"association_id"` // zero for the federation
	CreatedAt   time.Time
}

// RoleNames are all roles, the widest first.
func RoleNames() []viewer.RoleName {
	return []viewer.RoleName{viewer.FederationAdmin, viewer.Webmaster, viewer.Secretary, viewer.Editor}
}

// MayGrant is the rule of who gives and takes a role: the federation's admins all of them, an association's
// webmaster those of its secretaries and editors.
func MayGrant(v viewer.Viewer, role viewer.RoleName, association id.ID) bool {
	switch role {
	case viewer.FederationAdmin:
		return association.IsZero() && v.IsFederationAdmin()
	case viewer.Webmaster:
		return !association.IsZero() && v.IsFederationAdmin()
	case viewer.Secretary, viewer.Editor:
		return !association.IsZero() && v.HasAt(association, viewer.Webmaster)
	}
	return false
}

// mayHelp is the rule of who may mend an account's way in (send a link, reset the second factor, close it): a
// federation admin any; a webmaster those of his association's people who hold no role that he could not take. Where
// there is no school, the role's counts; elsewhere it does not, since a webmaster gives such roles to whom he likes.
// Nobody helps himself this way.
func mayHelp(v viewer.Viewer, account id.ID, associations []id.ID, roles []Role) bool {
	if v.Account == account && v.Kind != viewer.System {
		return false
	}
	if v.IsFederationAdmin() {
		return true
	}
	if !mayTakeAll(v, roles) {
		return false
	}
	if len(associations) == 0 {
		for _, r := range roles {
			associations = append(associations, r.Association)
		}
	}
	return v.HasAtAny(associations, viewer.Webmaster)
}

// mayTakeAll reports whether the viewer could take every one of these roles: an account that holds another one may do
// more than he.
func mayTakeAll(v viewer.Viewer, roles []Role) bool {
	for _, r := range roles {
		if !MayGrant(v, r.Name, r.Association) {
			return false
		}
	}
	return true
}

// PasswordPath is the page where a link of ForActivation or ForReset is used.
func PasswordPath(token string) string { return "/connexion/mot-de-passe/" + token }

// SignInPath is the page where a link of ForSignIn is used.
func SignInPath(token string) string { return "/connexion/lien/" + token }
