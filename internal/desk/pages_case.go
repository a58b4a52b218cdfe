package desk

import (
	"net/url"
	"slices"
	"strconv"
	"time"

	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/ui"
)

type listProps struct {
	Cases   []Case
	Total   int
	Counts  []CaseCount
	Schools people.Associations
	Filter  Filter
	Now     time.Time
	Pager   ui.PagerProps
}

// url is the list with another kind or state.
func (p listProps) url(kind Kind, state string) string {
	q := url.Values{}
	if kind != "" {
		q.Set("sorte", string(kind))
	}
	if state != "" {
		q.Set("etat", state)
	}
	if len(q) == 0 {
		return Path
	}
	return Path + "?" + q.Encode()
}

func (p listProps) state() string {
	switch {
	case p.Filter.Closed:
		return "clos"
	case p.Filter.Mine:
		return "moi"
	}
	return ""
}

func (p listProps) count(k Kind) int {
	n := 0
	for _, c := range p.Counts {
		if k == "" || c.Kind == k {
			n += c.N
		}
	}
	return n
}

// kinds are those worth a link: of what waits, those that are there.
func (p listProps) kinds() []Kind {
	return slices.DeleteFunc(Kinds(), func(k Kind) bool { return p.state() == "" && p.count(k) == 0 })
}

type caseProps struct {
	File
	Replies []Reply
	Ready   readyReply
	Refused refusedAct
	Draft   typedClaim // of the record to be created
	Search  string
	Now     time.Time
	Me      id.ID
}

func (p caseProps) title() string {
	if name := p.Claim.Name(); name != "" {
		return name
	}
	if len(p.Persons) > 0 {
		return p.Persons[0].Name()
	}
	return "?"
}

func (p caseProps) path(action string) string { return Path + "/" + p.ID.String() + "/" + action }

// words is what stands in the field of an answer: what was typed and refused, else the answer chosen.
func (p caseProps) words(purpose Purpose, path string) string {
	if p.Refused.path == path {
		return p.Refused.typed.Words
	}
	if p.Ready.purpose == purpose {
		return p.Ready.words
	}
	return ""
}

// open reports whether the part of the page with this action stands open.
func (p caseProps) open(path string, purpose Purpose) bool {
	return p.Refused.path == path || p.Ready.purpose == purpose && purpose != ""
}

func (p caseProps) errs(path string) map[string]string {
	if p.Refused.path == path {
		return p.Refused.msgs
	}
	return nil
}

// general is what is wrong with no field in particular.
func (p caseProps) general() string { return p.Refused.msgs[""] }

func (p caseProps) replyURL(n int) string {
	return Path + "/" + p.ID.String() + "?reponse=" + strconv.Itoa(n) + "#" + string(p.Replies[n].Purpose)
}

// busyWith is who else takes care of the case at the moment; "" for nobody.
func (p caseProps) busyWith() string {
	if p.Busy(p.Now) && p.AssigneeID != p.Me {
		return p.Assignee
	}
	return ""
}

func (p caseProps) others() []ui.Option {
	var out []ui.Option
	for _, a := range p.Schools {
		if a.ID != p.AssociationID {
			out = append(out, ui.Option{Value: a.ID.String(), Label: a.School})
		}
	}
	return out
}

func ageTone(c Case, now time.Time) ui.Tone {
	switch AlarmAt(now.Sub(c.WaitingSince)) {
	case 0:
		return ui.Success
	case firstAlarm:
		return ui.Warning
	}
	return ui.Danger
}

func hintTone(h Hint) ui.Tone {
	switch h {
	case Agrees:
		return ui.Success
	case Differs:
		return ui.Danger
	}
	return ui.Neutral
}

// recordPath is somebody's record among the staff's pages.
func recordPath(person id.ID) string { return "/admin/personnes/" + person.String() }

func versionText(n int) string { return strconv.Itoa(n) }
