// Package activation opens the door to people whom the base already knows.
//
// It owns the table activations. Whoever asks for an account says a surname and a class year, then an e-mail address
// and a phone number; every request does the same work in the same time and shows the same page, and one job decides
// afterwards (Decide). What it cannot decide goes to the Desk, as do requests to be added and "it was not me"; the
// desk, or a person's record, sends the link with Store.Invite. Every decision leaves a trail.
package activation

import (
	"slices"
	"time"

	"amicale/internal/fold"
	"amicale/internal/id"
	"amicale/internal/people"
)

// LinkTTL is how long the link to choose a password holds.
const LinkTTL = 48 * time.Hour

// maxLinks is how many links a person may be sent in a day before further requests lead nowhere.
const maxLinks = 5

// Candidate is a person of the base whom a claim may mean.
type Candidate struct {
	Person      id.ID
	Association id.ID    // of the degree of the claimed class year
	Emails      []string // held, as written
	Phones      []string // held, E.164
	Activated   bool
	Deceased    bool
	Stopped     bool // somebody said "it was not me", and the desk has not yet decided
	Links       int  // sent in the last day
	Elsewhere   bool // only the address or number is his: the base knows him under another name or class
}

func (c Candidate) hasEmail(key string) bool {
	return slices.ContainsFunc(c.Emails, func(e string) bool { return fold.Email(e) == key })
}

// Verb is what a Decision does.
type Verb string

const (
	SendLink   Verb = "link"    // the link to the address held, a notice to the others
	SayAlready Verb = "already" // a letter: the account is open, this is how to sign in
	OpenCase   Verb = "case"
	StaySilent Verb = "silent" // enough links have left today
)

// Reason says why a machine did not decide. The desk has words for each.
type Reason string

const (
	PhoneOnly     Reason = "phone_only"    // a classmate may know a number
	NothingAgrees Reason = "nothing"       // the name and year are there, neither address nor number is
	NobodyThere   Reason = "nobody"        // no such name in that class
	Several       Reason = "several"       // the address is held for several of that name and class
	IsDeceased    Reason = "deceased"      // the base says that this person died
	WasStopped    Reason = "stopped"       // an earlier request was stopped by the person
	AsksAddition  Reason = "addition"      // not in the base, says the claimant
	SaidNotMe     Reason = "not_me"        // the notice was answered
	Unreachable   Reason = "unreachable"   // the address agrees, and no mail server takes it
	AddressAgrees Reason = "address_other" // the address is held for somebody of another name or class
)

// Decision is what becomes of a claim.
type Decision struct {
	Verb        Verb
	Person      id.ID    // whose account; zero for a case that concerns several or nobody
	To          string   // the address held, as written there
	Notify      []string // the other addresses held
	Reason      Reason   // of a case
	Association id.ID    // whose desk; zero for the federation's
}

// Decide is the rule of an activation. Candidates are those of the claimed surname (birth or usage) and class year,
// and those Elsewhere, who only help to find the right desk.
//
// The link leaves on its own only to an address that the base holds for exactly one living person of that name and
// class; where several share the address, the phone number may tell which. A number alone proves nothing.
func Decide(claim people.Claim, candidates []Candidate) Decision {
	key := fold.Email(claim.Email)
	phone, _ := fold.Phone(claim.Phone, "")
	hasEmail := func(c Candidate) bool { return key != "" && c.hasEmail(key) }
	hasPhone := func(c Candidate) bool { return phone != "" && slices.Contains(c.Phones, phone) }
	named := filter(candidates, func(c Candidate) bool { return !c.Elsewhere })
	elsewhere := filter(candidates, func(c Candidate) bool { return c.Elsewhere && hasEmail(c) })
	byEmail, byPhone := filter(named, hasEmail), filter(named, hasPhone)
	living := filter(byEmail, func(c Candidate) bool { return !c.Deceased })
	if both := filter(living, hasPhone); len(living) > 1 && len(both) == 1 {
		living = both
	}
	switch {
	case len(living) == 1:
		return decideOne(living[0], key)
	case len(living) > 1:
		return caseFor(Several, living)
	case len(byEmail) > 0:
		return caseFor(IsDeceased, byEmail)
	case len(byPhone) > 0:
		return caseFor(PhoneOnly, byPhone)
	case len(elsewhere) > 0:
		return caseFor(AddressAgrees, elsewhere)
	case len(named) > 0:
		return caseFor(NothingAgrees, named)
	}
	return Decision{Verb: OpenCase, Reason: NobodyThere}
}

func filter(list []Candidate, keep func(Candidate) bool) []Candidate {
	return slices.DeleteFunc(slices.Clone(list), func(c Candidate) bool { return !keep(c) })
}

// decideOne is for a claim whose address the base holds for this one person.
func decideOne(c Candidate, key string) Decision {
	d := Decision{Person: c.Person, Association: c.Association}
	for _, e := range c.Emails {
		switch {
		case fold.Email(e) != key:
			d.Notify = append(d.Notify, e)
		case d.To == "":
			d.To = e
		}
	}
	switch {
	case c.Stopped:
		return Decision{Verb: OpenCase, Person: c.Person, Association: c.Association, Reason: WasStopped}
	case c.Links >= maxLinks:
		return Decision{Verb: StaySilent, Person: c.Person, Association: c.Association}
	case c.Activated:
		d.Verb, d.Notify = SayAlready, nil
	default:
		d.Verb = SendLink
	}
	return d
}

// caseFor is a case about these candidates: of one, it is his; of several of one school, the school's.
func caseFor(why Reason, about []Candidate) Decision {
	d := Decision{Verb: OpenCase, Reason: why, Association: about[0].Association}
	if len(about) == 1 {
		d.Person = about[0].Person
	}
	for _, c := range about {
		if c.Association != d.Association {
			d.Association = id.ID{} // several schools: the federation passes it on
		}
	}
	return d
}

// CandidateOf makes a candidate of a dossier for a claim.
func CandidateOf(claim people.Claim, d people.Dossier) Candidate {
	c := Candidate{Person: d.ID, Activated: d.Activated(), Deceased: d.Status == people.Deceased}
	for _, p := range d.Contacts {
		switch p.Kind {
		case people.Email:
			c.Emails = append(c.Emails, p.Value)
		case people.Phone:
			c.Phones = append(c.Phones, p.ValueKey)
		}
	}
	for _, g := range d.Degrees {
		if c.Association.IsZero() || g.ClassYear == claim.Year {
			c.Association = g.AssociationID
		}
		if g.ClassYear == claim.Year {
			break
		}
	}
	return c
}

// CaseKind is what sort of case stands on the desk.
type CaseKind string

// The kinds of cases that activation opens.
const (
	Activation CaseKind = "activation"
	Addition   CaseKind = "addition"
	NotMe      CaseKind = "not_me"
)

// Case is what activation lays on the desk.
type Case struct {
	Kind        CaseKind
	Association id.ID  // whose desk; zero is the federation's
	Person      id.ID  // whom it is about, where that is known
	UniqueKey   string // a case with this key that waits already is counted once more instead; "" for a case of its own
	Reason      Reason
	Claim       people.Claim
	Lang        string
	LinkAt      time.Time // of "not me": when the link left
	Opened      bool      // of "not me": the account had been opened meanwhile
	Scan        *Scan     // of an addition
}

// StopPath begins the address of the page that notices lead to.
const StopPath = "/connexion/activer/pas-moi/"

const day = 24 * time.Hour
