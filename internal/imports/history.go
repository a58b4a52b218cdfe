package imports

import (
	"cmp"
	"context"
	"errors"
	"path"
	"strconv"
	"strings"
	"time"

	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/imports/lists"
	"amicale/internal/viewer"
)

// State is where an import stands.
type State string

// The states of an import.
const (
	Draft   State = "draft"   // uploaded: its columns are looked at, it may have been tried
	Queued  State = "queued"  // to be run, or tried, as soon as it is its turn
	Running State = "running" //
	Done    State = "done"    //
	Stopped State = "stopped" // half-way; running it again goes on
	Failed  State = "failed"  // the file cannot be read
)

// Active reports that something is going on.
func (s State) Active() bool { return s == Queued || s == Running }

// Import is an entry of the history.
type Import struct {
	ID            id.ID
	FileName      string
	FileSize      int64
	FileKey       string           // blob key; "" once the file is gone
	RejectsKey    string           // blob key; "" when every row was taken
	AssociationID id.ID            // of rows that name no school; zero if each names one
	Mapping       []lists.Override `db:"-"`
	Preview       Preview          `db:"-"`
	DryRun        bool             // the run under way, or the last one, only tries
	State         State
	Report        Report  `db:"-"`
	Problem       Problem `db:"-"`
	AccountID     id.ID   // zero for the command line
	Actor         string  // as it read then
	CreatedAt     time.Time
	StartedAt     time.Time // zero until it runs
	FinishedAt    time.Time // zero while it runs

	roles []viewer.Role
}

// Problem is why an import stopped: a message for people. The zero Problem is none.
type Problem struct {
	Key    string       `json:"key,omitempty"`
	Line   int          `json:"line,omitempty"`   // the last one that was taken
	Reason lists.Reason `json:"reason,omitempty"` // where the file itself is the matter
}

func (p Problem) data() map[string]any { return map[string]any{"Line": p.Line} }

// outcomeOf says how a run that did not reach its end stands.
func outcomeOf(err error, r Report) (State, Problem) {
	if why, ok := isReason(err); ok {
		return Failed, Problem{Key: "imports.unreadable", Line: r.Line, Reason: why.Plain()}
	}
	key := "imports.failed"
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		key = "imports.stopped"
	case errors.Is(err, errs.Unavailable):
		key = "imports.disk_full"
	case errors.Is(err, errLost):
		key = "imports.lost"
	}
	return Stopped, Problem{Key: key, Line: r.Line}
}

// Preview is how a file is read, shown before it is imported.
type Preview struct {
	Columns   []PreviewColumn `json:"columns,omitempty"`
	Encoding  lists.Encoding  `json:"encoding,omitempty"` // "" for a workbook
	Separator string          `json:"separator,omitempty"`
	Sheet     string          `json:"sheet,omitempty"`
	Repaired  bool            `json:"repaired,omitempty"` // the header was broken by double encoding
}

// PreviewColumn is one column of it.
type PreviewColumn struct {
	Header  string    `json:"header"`
	Name    string    `json:"name"` // what it holds, as --map takes it; "note" if nobody knows
	How     lists.How `json:"how"`
	Samples []string  `json:"samples,omitempty"` // of the first rows that have something there
}

// samplesShown are the cells that the preview has of a column.
const samplesShown = 3

// previewOf reads the first rows of a table.
func previewOf(t *lists.Table, m *lists.Mapping) (Preview, error) {
	p := Preview{Encoding: t.Encoding, Sheet: t.Sheet, Repaired: t.Repaired}
	if t.Separator != 0 {
		p.Separator = string(t.Separator)
	} else {
		p.Encoding = ""
	}
	cells, err := t.Cells()
	if err != nil {
		return p, err
	}
	for i, c := range m.Columns {
		column := PreviewColumn{Header: c.Header, Name: c.Name(), How: c.How}
		if c.Field == "" {
			column.Name = string(lists.Note)
		}
		for _, cell := range cells[i][:min(samplesShown, len(cells[i]))] {
			column.Samples = append(column.Samples, lists.Shorten(cell, 40))
		}
		p.Columns = append(p.Columns, column)
	}
	return p, nil
}

// chosen makes overrides of what the importer picked for each column, in the order of the columns: what differs from
// how the file is read by itself, and what he said before. Of fields that a person has one of, two columns cannot
// both be it.
func (p Preview) chosen(picked []string, before []lists.Override) ([]lists.Override, error) {
	said := map[string]bool{}
	for _, o := range before {
		said[o.Column] = true
	}
	holder := map[string]string{} // slot → header of the column that is it
	var mine []lists.Override
	for i, c := range p.Columns {
		name := c.Name
		if i < len(picked) && picked[i] != "" {
			name = picked[i]
		}
		number := strconv.Itoa(i + 1)
		o, err := lists.ParseOverride(name + "=" + number)
		if err != nil {
			return nil, err
		}
		if name != c.Name || said[number] {
			mine = append(mine, o)
		} else {
			holder[slot(o)] = c.Header
		}
	}
	for i := range mine {
		o := &mine[i]
		if o.Field == lists.Note || o.Field == lists.Ignore {
			continue
		}
		at, _ := strconv.Atoi(o.Column)
		header := p.Columns[at-1].Header
		for holder[slot(*o)] != "" {
			if !several(o.Field) {
				return nil, lists.Because("map_twice", "column", header, "other", holder[slot(*o)])
			}
			o.Group++
		}
		holder[slot(*o)] = cmp.Or(header, o.Column)
	}
	return mine, nil
}

func slot(o lists.Override) string {
	return string(o.Field) + "|" + string(o.Purpose) + "|" + strconv.Itoa(o.Group)
}

// several reports fields that a person may have more than one of without belonging to a second degree or address.
func several(f lists.Field) bool {
	switch f {
	case lists.Email, lists.Phone, lists.Login, lists.FormerLogin, lists.Redirect, lists.LegacyIDField, lists.Street:
		return true
	}
	return false
}

// rejectsName is what the file of rejected rows of another is called: liste.csv → liste.rejets.csv.
func rejectsName(name string, workbook bool) string {
	name = strings.TrimSuffix(name, ".gz")
	ext := path.Ext(name)
	base := strings.TrimSuffix(name, ext)
	if workbook {
		ext = ".xlsx"
	} else if ext == "" {
		ext = ".csv"
	}
	return base + ".rejets" + ext
}
