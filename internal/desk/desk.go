// Package desk keeps the desk (guichet) where a person decides what a machine must not.
//
// It owns the tables cases, case_messages and desk_replies, and the scans of diplomas. Activation opens cases for those
// who wait for an answer (Store.OpenClaim), imports and other features cases of their own kinds (Store.Open). A case
// stands on the desk of a school's association, or of the federation while nobody knows the school, and alarms when it
// waits too long. Every decision leaves a trail; the links that decisions send are activation's (Links).
package desk

import (
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"amicale/internal/errs"
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

// asked reports whether somebody asked for it himself: those who keep the desk are told at once.
func (k Kind) asked() bool { return k.Claimed() || k == NotMe }

// Message is the key of the text people read for it.
func (k Kind) Message() string { return "desk.kind." + string(k) }

// Reason says why a machine did not decide; desk.reason.* are its words.
type Reason string

// FromImport is the reason of the cases that lists open; activation says its own.
const FromImport Reason = "import"

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
func (o Outcome) Message() string { return "desk.outcome." + string(o) }

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
	Claim         people.Claim
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
	Claim       people.Claim
	Detail      Detail
	Lang        string
	Scan        *Scan // of an addition: the diploma to be kept
	scanKey     string
}

// Scan is a diploma as it comes.
type Scan struct {
	Name    string // safe to show and to save under
	Type    string // that of its content
	Size    int64
	Content io.Reader
}

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

// The addresses of the pages that letters lead to.
const (
	AnswerPath = "/connexion/activer/reponse/"
	Path       = "/admin/guichet"
)

// needSure asks for the tick that stands before what cannot be undone.
func needSure() error {
	f := errs.Fields{}
	f.Add("sure", "desk.need_sure")
	return f.Err()
}
