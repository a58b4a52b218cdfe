package ui

import (
	"context"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/a-h/templ"
)

// Breakable is a text whose long words break, where a line is too short for them, as a reader would: e-mail addresses
// behind their @, and what is long by itself, such as the names of servers, before its dots. They break elsewhere only
// where such a piece fits no line. A masked address is whole up to its @.
func Breakable(text string) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		text = templ.EscapeString(text)
		if strings.ContainsAny(text, "@.") { // few do
			text = word.ReplaceAllStringFunc(text, breaks)
		}
		_, err := io.WriteString(w, text)
		return err
	})
}

// shortPiece is how many letters fit a line of a table on a small phone.
const shortPiece = 16

var (
	word     = regexp.MustCompile(`\S+`)
	innerDot = regexp.MustCompile(`\.([\pL\pN_])`)
)

func breaks(word string) string {
	local, domain, _ := strings.Cut(word, "@")
	if local == "" || domain == "" {
		return breaksAtDots(word)
	}
	if strings.HasSuffix(local, "…") {
		local += "\u2060" // a line may otherwise end behind an ellipsis
	}
	return breaksAtDots(local) + "@<wbr>" + breaksAtDots(domain)
}

func breaksAtDots(piece string) string {
	if utf8.RuneCountInString(piece) <= shortPiece {
		return piece
	}
	return innerDot.ReplaceAllString(piece, "<wbr>.$1")
}

// PreviewProps is another document in a frame of its own: nothing runs in it and it reaches nothing of the page.
type PreviewProps struct {
	Title, URL string
	Phone      bool // as narrow as one
}

// BadgeProps is a small mark: a state, a role.
type BadgeProps struct {
	Text string
	Tone Tone
	Icon string
}

// Tab is a link among sister pages.
type Tab struct {
	Label, URL string
	Count      string // shown beside the label when set
	Current    bool
}

// Column is the head of a column.
type Column struct {
	Label   string
	Numeric bool
	Bare    bool // on a phone the cell stands alone, without the label (actions, mostly)
}

// Cell is a value: a component, or a text, with URL a link.
type Cell struct {
	Text, URL string
	Content   templ.Component
}

// TableProps is a table; on a phone each row is a card. The first cell of a row names it.
type TableProps struct {
	Caption string // also for screen readers; hidden from the eye with HideCaption
	Hide    bool   // the caption, where a heading above says the same
	Columns []Column
	Rows    [][]Cell
}

// Fact is a line of a description list.
type Fact struct {
	Term, Text string
	Content    templ.Component // instead of Text
	Note       string          // smaller, below: who sees it, since when
}

// StepsProps is where one stands in something that takes several pages.
type StepsProps struct {
	Names   []string
	Current int // from 0
}

// ProgressProps is how far something is.
type ProgressProps struct {
	Label      string
	Value, Max int
	Text       string // beside the label: "3 sur 7"
}

// StatProps is a figure that says something.
type StatProps struct {
	Value, Label, Hint, URL string
}

// Moment is an entry of a timeline.
type Moment struct {
	When, Title, Text string
	Content           templ.Component
	Now               bool // still true
}

// Crumb is a step of the path to a page; the last has no URL.
type Crumb struct {
	Label, URL string
}

// PageHeaderProps opens a page; it holds the page's h1.
type PageHeaderProps struct {
	Kicker  string // a word above the title: the part of the site
	Title   string
	Lead    string
	Path    []Crumb
	Actions templ.Component
	Aside   templ.Component // of a Hero only: beside the words where there is room, below them elsewhere
}

// SectionProps is a part of a page under an h2.
type SectionProps struct {
	Title, Lead, ID string
	Action          *LinkButtonProps
	Card            bool // on a surface of its own
}

// ChapterProps is a group of links under a title.
type ChapterProps struct {
	Title, Icon, ID string
	Links           []NavItem
}

// SchoolProps is an association as a list of them shows it.
type SchoolProps struct {
	Code, Name, School, URL string
	LogoURL                 string // the code in the association's colour stands in when empty
}

// DisclosureProps folds something under its title.
type DisclosureProps struct {
	Title string
	ID    string
	Open  bool
}

func (t TableProps) label(i int) string {
	if i < len(t.Columns) {
		return t.Columns[i].Label
	}
	return ""
}

func (t TableProps) cellClass(i int) string {
	if i >= len(t.Columns) {
		return ""
	}
	switch {
	case t.Columns[i].Numeric:
		return "num"
	case t.Columns[i].Bare:
		return "bare"
	}
	return ""
}

func badgeClass(t Tone) string {
	if t == Neutral {
		return "badge"
	}
	return "badge badge-" + string(t)
}

func (s SectionProps) headingID() string {
	if s.ID == "" {
		return ""
	}
	return s.ID + "-titre"
}

func stepClass(i, current int) string {
	if i < current {
		return "done"
	}
	return ""
}

func itoa(n int) string { return strconv.Itoa(n) }
