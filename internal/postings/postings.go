// Package postings is job offers. So far it takes those that come by mail to emploi@ an association's domain and lays
// them before its staff as drafts: text, attachments, and a guess at title and company. Publishing them comes later.
//
// It owns the tables of migration 0012. It promises that an offer is kept before the sending server is told so, that
// no file reaches anybody but a PDF, and only as a download; that nothing is answered whose author is not proven, and
// nobody twice a day; that every decision leaves a line in the trail; and that a draft goes half a year after anybody
// last touched it.
package postings

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/viewer"
)

// State is what became of a draft.
type State string

const (
	New     State = "new"
	Kept    State = "kept"    // to be published
	Refused State = "refused" // Note says why
)

// States are all, in the order the page shows them.
func States() []State { return []State{New, Kept, Refused} }

// Message is the key of what people call the state.
func (s State) Message() string { return "postings.state." + string(s) }

// Verdict is what became of a file that came with an offer: kept, read for its text, or why it was not taken.
type Verdict string

const (
	FileKept   Verdict = "kept"   // a PDF
	FileRead   Verdict = "read"   // a Word file: its text stands in the draft, the file is not kept
	FileKind   Verdict = "kind"   // neither
	FileMacros Verdict = "macros" // a Word file that holds programs
	FileBroken Verdict = "broken" // it is not what its name says
	FileBig    Verdict = "big"    // it holds more than an offer does
)

// Message is the key of what people read of it.
func (v Verdict) Message() string { return "postings.file." + string(v) }

// Draft is an offer that came by mail.
type Draft struct {
	ID             id.ID
	AssociationID  id.ID
	Sender         string // address of the author; "" when nobody can tell
	SenderName     string
	Authenticated  bool // he is who he says, and may be written to
	Subject        string
	MessageKey     string // the Message-ID
	Lang           string
	Title          string
	TitleGuessed   bool
	Company        string
	CompanyGuessed bool
	Body           string // "" in lists
	Files          int    // how many are kept
	State          State
	Note           string // why it was refused
	DecidedBy      string
	DecidedAt      time.Time
	Version        int
	ReceivedAt     time.Time
	ReadAt         time.Time // zero: the machine has not taken the message apart yet
	UpdatedAt      time.Time
}

// Answerable reports whether the sender may be written to: whoever is not proven to be the author may be somebody
// whose name was misused.
func (d Draft) Answerable() bool { return d.Authenticated && d.Sender != "" }

// Heading is what names the draft in lists.
func (d Draft) Heading() string {
	if d.Title != "" {
		return d.Title
	}
	return d.Subject
}

// File is what came with a draft.
type File struct {
	ID       id.ID
	DraftID  id.ID
	Position int
	Name     string
	Size     int64
	Verdict  Verdict
	BlobKey  string
}

// Words are what the staff changes of a draft.
type Words struct {
	Title   string
	Company string
	Body    string
}

// Bounds, in characters.
const (
	mostLine = 200
	mostBody = 60_000
	mostNote = 500
)

// check brings the words to their form and says what is wrong.
func (w *Words) check() error {
	f := errs.Fields{}
	w.Title, w.Company, w.Body = strings.TrimSpace(w.Title), strings.TrimSpace(w.Company), strings.TrimSpace(w.Body)
	if w.Title == "" {
		f.Add("title", "postings.need_title")
	}
	if w.Body == "" {
		f.Add("body", "postings.need_body")
	}
	for field, most := range map[string]int{"title": mostLine, "company": mostLine, "body": mostBody} {
		if utf8.RuneCountInString(map[string]string{"title": w.Title, "company": w.Company, "body": w.Body}[field]) > most {
			f.Add(field, "postings.too_long", map[string]any{"Most": most})
		}
	}
	return f.Err()
}

// Decision is what the staff says of a draft.
type Decision struct {
	Keep  bool
	Note  string // why it is refused, for colleagues
	Reply int    // number of the letter kept ready that is sent, from 1; 0: none of them
	Words string // added to that letter, or a letter of their own
}

// Roles are those that see an association's drafts.
func Roles() []viewer.RoleName { return []viewer.RoleName{viewer.Webmaster, viewer.Editor} }

// At is a draft as somebody saw it: what he decides holds only if nobody changed it meanwhile.
type At struct {
	Draft   id.ID
	Version int
}

// alias finds which language a local part stands for, of the addresses that take offers.
func alias(local string) (lang string, ok bool) {
	for _, lang := range []string{"fr", "en"} {
		if strings.EqualFold(local, localPart(lang)) {
			return lang, true
		}
	}
	return "", false
}

// localPart is what stands before the @ of the address that takes offers in a language.
func localPart(lang string) string {
	if lang == "en" {
		return "jobs"
	}
	return "emploi"
}

// bare is a text without control characters, which a header of somebody else's may hold.
func bare(s string) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsControl(c) {
			return -1
		}
		return c
	}, strings.ToValidUTF8(s, "\uFFFD"))
}
