package viewer

import "amicale/internal/id"

// Audience is who may see a field. It is stored as its text.
type Audience string

const (
	Everyone       Audience = "everyone"
	InNetwork      Audience = "network"         // any signed-in student or graduate
	Members        Audience = "members"         // those whose dues are paid today
	Contacts       Audience = "contacts"        // my contacts
	MemberContacts Audience = "member_contacts" // my contacts who are members
	OnlyMe         Audience = "me"
)

// FieldAudiences are the choices for an ordinary field, CoordinateAudiences those for an e-mail, phone or
// postal address, widest first (DESIGN §1, "diffusion").
func FieldAudiences() []Audience {
	return []Audience{Everyone, InNetwork, Members, Contacts, OnlyMe}
}

// CoordinateAudiences are the choices for a contact point, widest first.
func CoordinateAudiences() []Audience { return []Audience{Members, MemberContacts, OnlyMe} }

// NoWider are the choices for a coordinate that show it to nobody whom this audience leaves out: those of the staff, who
// may hide what is somebody else's, and never show it to more people than he wished.
func NoWider(a Audience) []Audience {
	choices := CoordinateAudiences()
	for i, c := range choices {
		if a == c {
			return choices[i:]
		}
	}
	return choices[len(choices)-1:]
}

// Subject is the person looked at, as far as the rules need to know.
type Subject struct {
	Person       id.ID
	Associations []id.ID // of the person's degrees
	Contact      bool    // the viewer is one of the person's contacts
}

// Allows reports whether the viewer may see a field with this audience. A person always sees his own; the
// staff of one of his associations does (who reads coordinates that way leaves a trail); an unknown audience
// is shown to nobody else.
func (a Audience) Allows(v Viewer, s Subject) bool {
	if v.Kind == System || a.owner(v, s) || v.HasAtAny(s.Associations, Webmaster, Secretary) {
		return true
	}
	switch a {
	case Everyone:
		return true
	case InNetwork:
		return v.Kind == Network
	case Members:
		return v.Kind == Network && v.Member
	case Contacts:
		return v.Kind == Network && s.Contact
	case MemberContacts:
		return v.Kind == Network && v.Member && s.Contact
	}
	return false
}

func (a Audience) owner(v Viewer, s Subject) bool {
	return v.SignedIn() && !v.Person.IsZero() && v.Person == s.Person
}

// ByTier reports whether the tier alone is enough, for the search index.
func (a Audience) ByTier(t Tier) bool {
	switch {
	case t == TierStaff || a == Everyone:
		return true
	case a == InNetwork:
		return t == TierNetwork || t == TierMember
	case a == Members:
		return t == TierMember
	}
	return false
}

// OneOf reports whether a is among the choices.
func (a Audience) OneOf(choices []Audience) bool {
	for _, c := range choices {
		if a == c {
			return true
		}
	}
	return false
}
