package imports

import (
	"context"
	"errors"
	"time"

	"amicale/internal/errs"
	"amicale/internal/id"
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
	FileKey       string     // blob key; "" once the file is gone
	RejectsKey    string     // blob key; "" when every row was taken
	AssociationID id.ID      // of rows that name no school; zero if each names one
	Mapping       []Override `db:"-"`
	DryRun        bool       // the run under way, or the last one, only tries
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
	Key    string `json:"key,omitempty"`
	Line   int    `json:"line,omitempty"`   // the last one that was taken
	Reason Reason `json:"reason,omitempty"` // where the file itself is the matter
}

func (p Problem) data() map[string]any { return map[string]any{"Line": p.Line} }

// outcomeOf says how a run that did not reach its end stands.
func outcomeOf(err error, r Report) (State, Problem) {
	if why, ok := isReason(err); ok {
		return Failed, Problem{Key: "imports.unreadable", Line: r.Line, Reason: why.plain()}
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
