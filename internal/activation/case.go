package activation

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"amicale/internal/fold"
	"amicale/internal/id"
	"amicale/internal/people"
)

// Kind is what sort of thing stands on the desk.
type Kind string

const (
	Activation     Kind = "activation"
	Addition       Kind = "addition"
	NoClassYear    Kind = "no_class_year"
	ImportConflict Kind = "import_conflict"
	Duplicate      Kind = "duplicate"
	NotMe          Kind = "not_me"
)

// Kinds are all, those where somebody waits for an answer first.
func Kinds() []Kind {
	return []Kind{Activation, Addition, NotMe, NoClassYear, ImportConflict, Duplicate}
}

// Claimed reports whether there is somebody who waits for an answer.
func (k Kind) Claimed() bool { return k == Activation || k == Addition }

// Message is the key of the text people read for it.
func (k Kind) Message() string { return "activation.kind." + string(k) }

// State is whose turn it is.
type State string

const (
	Open   State = "open"
	Asked  State = "asked" // the claimant was asked for more
	Closed State = "closed"
)

// Outcome is how a case ended.
type Outcome string

const (
	LinkSent  Outcome = "link_sent"
	Created   Outcome = "created" // a person was added, and the link sent
	Refused   Outcome = "refused"
	Dismissed Outcome = "dismissed" // nothing to do
	Completed Outcome = "completed" // the class year was filled in
	TookFile  Outcome = "took_file"
	KeptBase  Outcome = "kept_base"
	Merged    Outcome = "merged"
	NotSame   Outcome = "not_same"
	Forgotten Outcome = "forgotten" // the claimant never answered
)

// Undoable reports whether the desk can take the outcome back.
func (o Outcome) Undoable() bool {
	return slices.Contains([]Outcome{LinkSent, Refused, Dismissed, KeptBase, NotSame, Forgotten}, o)
}

// Message is the key of the text people read for it.
func (o Outcome) Message() string { return "activation.outcome." + string(o) }

// Detail is what a kind needs besides a claim.
type Detail struct {
	Field  string    `json:"field,omitempty"`  // of an import conflict: which
	Base   string    `json:"base,omitempty"`   // what the base holds
	File   string    `json:"file,omitempty"`   // what the file says
	Source string    `json:"source,omitempty"` // where from: a file and line
	Why    string    `json:"why,omitempty"`    // in words, of a proposed merge
	Degree id.ID     `json:"degree,omitzero"`  // whose class year is missing
	At     time.Time `json:"at,omitzero"`      // of "not me": when the link left
	Opened bool      `json:"opened,omitempty"` // of "not me": the account had been opened meanwhile
}

// Takeable reports whether the desk can put the file's value of an import conflict in place of the base's; what is
// more than one value (a postal address, a membership, a login) is corrected on the person's record.
func (d Detail) Takeable() bool {
	return slices.Contains([]string{"civility", "first_names", "first_name", "birth_surname", "usage_surname", "birth_date", "status", "department", "diploma",
		"class_year", "study_year", "email", "phone"}, d.Field)
}

// parseBirth reads a day, or a year alone.
func parseBirth(value string) (date time.Time, year int, ok bool) {
	if t, err := time.Parse(time.DateOnly, value); err == nil {
		return t, 0, true
	}
	year, err := strconv.Atoi(value)
	return time.Time{}, year, err == nil && year > 1800 && year < 2200
}

// parseStatus reads a status, of the deceased with the day where it is known: "deceased 2019-03-04".
func parseStatus(value string) (status people.Status, died time.Time, ok bool) {
	word, date, dated := strings.Cut(value, " ")
	status = people.Status(word)
	if dated {
		t, err := time.Parse(time.DateOnly, date)
		if err != nil {
			return "", time.Time{}, false
		}
		died = t
	}
	return status, died, slices.Contains([]people.Status{people.Student, people.Graduate, people.Deceased, people.Other}, status)
}

// Case stands on the desk.
type Case struct {
	ID            id.ID
	Kind          Kind
	AssociationID id.ID // zero: the federation's, until the school is known
	PersonID      id.ID
	OtherID       id.ID
	Reason        Reason
	Claim         Claim
	Detail        Detail
	Lang          string
	Times         int // how often the same was asked
	State         State
	Outcome       Outcome
	AssigneeID    id.ID
	Assignee      string
	AssignedAt    time.Time
	ScanKey       string
	ScanName      string
	ScanType      string
	Alarm         int // the last that left
	Version       int
	OpenedAt      time.Time
	WaitingSince  time.Time
	ClosedAt      time.Time
	UpdatedAt     time.Time
}

// NewCase is what another feature, or a job, asks the desk to decide.
type NewCase struct {
	Kind        Kind
	Association id.ID
	Person      id.ID
	Other       id.ID  // of a duplicate
	UniqueKey   string // the same key never opens a second case; "" for a case of its own
	Reason      Reason
	Claim       Claim
	Detail      Detail
	Lang        string
	scan        scan
}

// scan is a diploma kept aside.
type scan struct{ key, name, mime string }

// The days after which a waiting case alarms, each once.
const (
	firstAlarm  = 1 // the webmaster
	secondAlarm = 3 // and the secretary
	lastAlarm   = 7 // and the federation
)

const day = 24 * time.Hour

// AlarmAt is the alarm a case has reached that has waited that long, in days: 0, 1, 3 or 7.
func AlarmAt(waited time.Duration) int {
	switch {
	case waited >= lastAlarm*day:
		return lastAlarm
	case waited >= secondAlarm*day:
		return secondAlarm
	case waited >= firstAlarm*day:
		return firstAlarm
	}
	return 0
}

// Busy reports whether somebody took care of the case a short while ago.
func (c Case) Busy(now time.Time) bool {
	return c.State != Closed && !c.AssigneeID.IsZero() && now.Sub(c.AssignedAt) < 2*time.Hour
}

// Hint is how a claimed field compares with what the base holds.
type Hint string

const (
	Agrees  Hint = "agrees"
	Differs Hint = "differs"
	Unknown Hint = "unknown" // one side says nothing
)

// Comparison is a line of "claimed beside held".
type Comparison struct {
	Field   string // names its label: activation.field.surname
	Claimed string
	Held    []string
	Hint    Hint
}

// Compare puts a claim beside a dossier, field by field. Associations translate codes to schools.
func Compare(c Claim, d people.Dossier, schools people.Associations) []Comparison {
	surnames := []string{d.Surname()}
	if d.BirthSurname != d.Surname() {
		surnames = append(surnames, d.BirthSurname)
	}
	var years, codes, diplomas, departments, emails, phones []string
	for _, g := range d.Degrees {
		a, _ := schools.ByID(g.AssociationID)
		codes = append(codes, a.Code)
		diplomas = append(diplomas, string(g.Diploma))
		if g.ClassYear > 0 {
			years = append(years, yearText(g.ClassYear))
		}
		if g.Department != "" {
			departments = append(departments, g.Department)
		}
	}
	for _, p := range d.Contacts {
		switch p.Kind {
		case people.Email:
			emails = append(emails, p.Value)
		case people.Phone:
			phones = append(phones, p.Value)
		}
	}
	firsts := []string{d.FirstName}
	if d.FirstNames != "" && d.FirstNames != d.FirstName {
		firsts = append(firsts, d.FirstNames)
	}
	out := []Comparison{
		compare("surname", c.Surname, surnames, fold.Name),
		compare("birth_surname", c.BirthSurname, []string{d.BirthSurname}, fold.Name),
		compare("first_name", c.FirstName, firsts, fold.Name),
		compare("year", yearText(c.Year), years, fold.Name),
		compare("school", c.School, codes, fold.Name),
		compare("diploma", string(c.Diploma), diplomas, fold.Name),
		compare("department", c.Department, departments, fold.Name),
		compare("email", c.Email, emails, fold.Email),
		compare("phone", c.Phone, phones, func(s string) string { e, _ := fold.Phone(s, ""); return e }),
	}
	return slices.DeleteFunc(out, func(x Comparison) bool { return x.Claimed == "" && x.Field == "birth_surname" })
}

func compare(field, claimed string, held []string, key func(string) string) Comparison {
	c := Comparison{Field: field, Claimed: claimed, Hint: Unknown}
	for _, h := range held {
		if h != "" && !slices.Contains(c.Held, h) {
			c.Held = append(c.Held, h)
		}
	}
	if key(claimed) == "" || len(c.Held) == 0 {
		return c
	}
	c.Hint = Differs
	if slices.ContainsFunc(c.Held, func(h string) bool { return key(h) == key(claimed) }) {
		c.Hint = Agrees
	}
	return c
}

// Score orders candidates: what agrees counts for, what differs against; an address weighs most.
func Score(list []Comparison) int {
	weights := map[string]int{"email": 6, "phone": 4, "first_name": 3, "surname": 3, "year": 2, "school": 1, "department": 1}
	score := 0
	for _, c := range list {
		switch c.Hint {
		case Agrees:
			score += 2 * weights[c.Field]
		case Differs:
			score -= weights[c.Field] / 2
		}
	}
	return score
}

func yearText(year int) string {
	if year == 0 {
		return ""
	}
	return strconv.Itoa(year)
}

// The addresses of the pages that letters lead to.
const (
	StopPath   = "/connexion/activer/pas-moi/"
	AnswerPath = "/connexion/activer/reponse/"
	DeskPath   = "/admin/guichet"
)
