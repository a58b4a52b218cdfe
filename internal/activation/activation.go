// Package activation opens the door to people whom the base already knows, and keeps the desk (guichet) where a
// person decides what a machine must not.
//
// It owns the tables of migration 0005. Whoever asks for an account says a surname and a class year, then an e-mail
// address and a phone number; every request does the same work in the same time and shows the same page, and one
// job decides afterwards (Decide). What it cannot decide becomes a Case of the school's association; imports and
// other features open cases of their own kinds there (Store.Open). Every decision leaves a trail.
package activation

import (
	"slices"
	"strings"
	"time"

	"amicale/internal/errs"
	"amicale/internal/fold"
	"amicale/internal/id"
	"amicale/internal/people"
)

// LinkTTL is how long the link to choose a password holds.
const LinkTTL = 48 * time.Hour

// maxLinks is how many links a person may be sent in a day before further requests lead nowhere.
const maxLinks = 5

// Claim is what somebody says of himself. An activation has Surname, Year, Email and Phone only.
type Claim struct {
	FirstName    string         `json:"first_name,omitempty"`
	Surname      string         `json:"surname,omitempty"`
	BirthSurname string         `json:"birth_surname,omitempty"` // where it differs
	Year         int            `json:"year,omitempty"`
	School       string         `json:"school,omitempty"` // code of an association
	Diploma      people.Diploma `json:"diploma,omitempty"`
	Department   string         `json:"department,omitempty"`
	Email        string         `json:"email,omitempty"`
	Phone        string         `json:"phone,omitempty"`
	Words        string         `json:"words,omitempty"` // what he adds
}

// Name is first name and surname as claimed.
func (c Claim) Name() string { return strings.TrimSpace(c.FirstName + " " + c.Surname) }

// Limits of what is typed, in octets.
const (
	maxName  = 100
	maxWords = 2000
)

// ValidateName checks the first step: surname and class year. It never says whether there is such a person.
func (c *Claim) ValidateName(now time.Time) error {
	f := errs.Fields{}
	c.checkName(f, now)
	return f.Err()
}

// Validate checks both steps of an activation.
func (c *Claim) Validate(now time.Time) error {
	f := errs.Fields{}
	c.checkName(f, now)
	c.checkReach(f)
	return f.Err()
}

// ValidateAddition checks what somebody who is not in the base says of himself.
func (c *Claim) ValidateAddition(now time.Time) error {
	f := errs.Fields{}
	c.checkName(f, now)
	c.checkReach(f)
	c.checkRest(f)
	return f.Err()
}

// ValidateByStaff checks what a member of the staff writes of somebody: the number may be missing.
func (c *Claim) ValidateByStaff(now time.Time) error {
	f := errs.Fields{}
	c.checkName(f, now)
	c.checkReach(f)
	if c.Phone == "" {
		delete(f, "phone")
	}
	c.checkRest(f)
	return f.Err()
}

func (c *Claim) checkRest(f errs.Fields) {
	c.FirstName, c.BirthSurname = strings.TrimSpace(c.FirstName), strings.TrimSpace(c.BirthSurname)
	c.Department, c.Words = strings.TrimSpace(c.Department), strings.TrimSpace(c.Words)
	if fold.Name(c.FirstName) == "" || len(c.FirstName) > maxName {
		f.Add("first_name", "activation.need_first_name")
	}
	if len(c.BirthSurname) > maxName {
		f.Add("birth_surname", "activation.need_surname")
	}
	if c.School == "" {
		f.Add("school", "activation.need_school")
	}
	if !slices.Contains(people.Diplomas(), c.Diploma) {
		f.Add("diploma", "activation.need_diploma")
	}
	if len(c.Department) > maxName {
		f.Add("department", "activation.too_long")
	}
	if len(c.Words) > maxWords {
		f.Add("words", "activation.too_long")
	}
}

func (c *Claim) checkName(f errs.Fields, now time.Time) {
	c.Surname = strings.TrimSpace(c.Surname)
	if fold.Name(c.Surname) == "" || len(c.Surname) > maxName {
		f.Add("surname", "activation.need_surname")
	}
	if !ValidYear(c.Year, now) {
		f.Add("year", "activation.need_year", map[string]any{"Example": "2010"})
	}
}

func (c *Claim) checkReach(f errs.Fields) {
	c.Email, c.Phone = strings.TrimSpace(c.Email), strings.TrimSpace(c.Phone)
	if !fold.ValidEmail(fold.Email(c.Email)) {
		f.Add("email", "activation.need_email")
	}
	if _, ok := fold.Phone(c.Phone, ""); !ok {
		f.Add("phone", "activation.need_phone")
	}
}

// ValidYear reports whether a class year can be one: the oldest school is from the nineteenth century, and students
// know theirs some years ahead.
func ValidYear(year int, now time.Time) bool { return year >= 1850 && year <= now.Year()+10 }

// Target is what a claim aims at: the same for everybody who claims to be the same person, whoever there is.
func (c Claim) Target() string { return fold.Key("", c.Surname, "", c.Year) }

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

// Reason says why a machine did not decide.
type Reason string

const (
	PhoneOnly     Reason = "phone_only"    // a classmate may know a number
	NothingAgrees Reason = "nothing"       // the name and year are there, neither address nor number is
	NobodyThere   Reason = "nobody"        // no such name in that class
	Several       Reason = "several"       // the address is held for several of that name and class
	IsDeceased    Reason = "deceased"      // the base says that this person died
	WasStopped    Reason = "stopped"       // an earlier request was stopped by the person
	AsksAddition  Reason = "addition"      // not in the base, says the claimant
	FromImport    Reason = "import"        // a list could not settle it
	SaidNotMe     Reason = "not_me"        // the notice was answered
	ByStaff       Reason = "staff"         // a member of the staff opened it
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
func Decide(claim Claim, candidates []Candidate) Decision {
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
func CandidateOf(claim Claim, d people.Dossier) Candidate {
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

// needSure asks for the tick that stands before what cannot be undone.
func needSure() error {
	f := errs.Fields{}
	f.Add("sure", "activation.need_sure")
	return f.Err()
}
