// Package imports takes lists of people into the base, and keeps the history of doing so.
//
// It owns the tables of migration 0004. Store.Run streams a list through package lists, a batch of rows a
// transaction: a row is resolved by its identity, compared with what lists said last and with what the base says now,
// and changes only what nobody changed by hand since. What it must not decide alone (conflicts, doubles, people
// without a class) goes to the desk. The same list again changes nothing, and a run that died is finished by running
// it again.
package imports

import (
	"cmp"
	"context"
	"io"
	"slices"
	"time"

	"amicale/internal/id"
	"amicale/internal/imports/lists"
)

// Source is a file to import.
type Source struct {
	Name string // for people; the content decides what it is
	R    io.ReaderAt
	Size int64
}

// Options say how a file is taken.
type Options struct {
	Association string           // code, of rows that name no school; "" if each does
	Overrides   []lists.Override // what columns hold, where the importer knows better
	DryRun      bool             // reads and counts, and writes nothing
	Rejects     io.Writer        // gets the rows that are not taken, in the file's format; nil drops them
	Lang        string           // of the reasons in it; French if empty
	Progress    func(Progress)
	Import      id.ID // the entry of the history this run belongs to; zero makes one
	Actor       string
}

// Stage is what a run is at.
type Stage string

// The stages of a run, in their order.
const (
	Reading    Stage = "reading"    // every row
	Renaming   Stage = "renaming"   // rows that change a name or class, once every login of the file is kept
	GivingOut  Stage = "logins"     // to those who have none
	Completing Stage = "completing" // the reject file and the history
)

// Progress is how far a run is.
type Progress struct {
	Stage Stage
	Counts
	Part float64 // of the file that is read, 0 to 1; below 0 when it cannot be told
}

// Counts are rows by what became of them, and what else came of it.
type Counts struct {
	Rows       int `json:"rows"`
	Inserted   int `json:"inserted"`
	Updated    int `json:"updated"`
	Unchanged  int `json:"unchanged"`
	Rejected   int `json:"rejected"`
	Conflicts  int `json:"conflicts"`  // fields that the person changed meanwhile; on the desk
	Duplicates int `json:"duplicates"` // proposed merges; on the desk
	NoClass    int `json:"no_class"`   // persons without a class year; on the desk
	Logins     int `json:"logins"`     // given at the end
}

func (c *Counts) add(o Counts) {
	c.Rows += o.Rows
	c.Inserted += o.Inserted
	c.Updated += o.Updated
	c.Unchanged += o.Unchanged
	c.Rejected += o.Rejected
	c.Conflicts += o.Conflicts
	c.Duplicates += o.Duplicates
	c.NoClass += o.NoClass
	c.Logins += o.Logins
}

// Report says what a run did, or, if it only tried, would do.
type Report struct {
	Counts
	Import   id.ID          `json:"-"`
	DryRun   bool           `json:"dry_run"`
	Stage    Stage          `json:"stage,omitempty"` // while it runs
	Part     float64        `json:"part,omitempty"`  // of the file that is read, while it runs; 0 when it cannot be told
	Line     int            `json:"line"`            // the last one that was taken; after it a stopped run goes on
	Encoding lists.Encoding `json:"encoding,omitempty"`
	Repaired bool           `json:"repaired,omitempty"` // the header itself was broken by double encoding
	Unknown  []string       `json:"unknown,omitempty"`  // headers of columns kept as a note
	Warnings []WarningKind  `json:"warnings,omitempty"`
	Rejects  []Rejected     `json:"rejects,omitempty"` // the first ones
	Took     time.Duration  `json:"took"`
}

// WarningKind is one sort of reservation with which rows were taken.
type WarningKind struct {
	Column string       `json:"column,omitempty"` // "" for the whole row
	N      int          `json:"n"`
	Line   int          `json:"line"` // of the first
	Reason lists.Reason `json:"reason"`
}

// Rejected is a row that was not taken.
type Rejected struct {
	Line   int          `json:"line"`
	Cells  []string     `json:"cells,omitempty"` // the first ones
	Reason lists.Reason `json:"reason"`
}

// What a report holds at most: reports are shown on one page.
const (
	maxRejectsShown  = 50
	maxWarningsShown = 200
	maxCellsShown    = 8
)

func (r *Report) warn(line int, list []lists.Warning) {
	for _, w := range list {
		at := slices.IndexFunc(r.Warnings, func(k WarningKind) bool { return k.Column == w.Column && k.Reason.Key == w.Key })
		if at < 0 {
			if len(r.Warnings) == maxWarningsShown {
				continue
			}
			r.Warnings = append(r.Warnings, WarningKind{Column: w.Column, Line: line, Reason: w.Reason.Plain()})
			at = len(r.Warnings) - 1
		}
		r.Warnings[at].N++
	}
}

func (r *Report) reject(row lists.Row, why error) {
	if len(r.Rejects) == maxRejectsShown {
		return
	}
	cells := row.Cells
	if cells == nil {
		cells = []string{row.Raw}
	}
	out := Rejected{Line: row.Line, Reason: reasonOf(why).Plain()}
	for _, cell := range cells[:min(len(cells), maxCellsShown)] {
		out.Cells = append(out.Cells, lists.Shorten(cell, 60))
	}
	r.Rejects = append(r.Rejects, out)
}

// reasonOf makes a Reason of any error that stopped a row.
func reasonOf(err error) lists.Reason {
	if r, ok := isReason(err); ok {
		return r
	}
	return lists.Because("row_failed", "detail", err)
}

// sortWarnings puts what stands most often first.
func (r *Report) sortWarnings() {
	slices.SortStableFunc(r.Warnings, func(a, b WarningKind) int { return cmp.Compare(b.N, a.N) })
}

// CaseKind is what the desk must decide.
type CaseKind string

// The kinds of cases that an import opens.
const (
	NoClassYear    CaseKind = "no_class_year"
	ImportConflict CaseKind = "import_conflict"
	Duplicate      CaseKind = "duplicate"
)

// Why says what makes two persons look like one.
type Why string

// The reasons to propose a merge.
const (
	SameNameAndClass Why = "same_name_class"
	SameNameAndBirth Why = "same_name_birth"
	SameEmail        Why = "same_email"
	SameIdentifier   Why = "same_identifier" // a row has identifiers of both
)

// Text is the reason in words, in French or, for anything else, in English.
func (w Why) Text(lang string) string {
	texts := map[Why][2]string{
		SameNameAndClass: {"Même nom et même promo", "Same name and class"},
		SameNameAndBirth: {"Même nom et même date de naissance", "Same name and date of birth"},
		SameEmail:        {"Même adresse e-mail", "Same e-mail address"},
		SameIdentifier:   {"Une ligne porte les identifiants des deux", "One row has the identifiers of both"},
	}[w]
	if lang == "fr" {
		return texts[0]
	}
	return texts[1]
}

// Case is something for the desk.
type Case struct {
	Kind        CaseKind
	Association id.ID // whose desk; zero is the federation's
	Person      id.ID
	Other       id.ID  // of a duplicate: who was there before
	Degree      id.ID  // without a class year, or whose field it is
	UniqueKey   string // the same thing has the same key, also when a file is imported again
	Field       string // of a conflict: first_name, email, class_year…
	Base, File  string // of a conflict: what each says
	Source      string // file and line
	Why         Why    // of a duplicate
}

// Desk takes what an import does not decide. Open joins the transaction in the context; a key that it knows changes
// nothing.
type Desk interface {
	Open(ctx context.Context, c Case) error
}
