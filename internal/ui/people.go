package ui

import (
	"context"
	"hash/fnv"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/a-h/templ"

	"amicale/internal/i18n"
)

// AvatarSize is the diameter of a face.
type AvatarSize string

const (
	AvatarMedium AvatarSize = "" // on a card
	AvatarSmall  AvatarSize = "s"
	AvatarLarge  AvatarSize = "l"
	AvatarHuge   AvatarSize = "xl" // on the person's own page
)

// AvatarProps is a photo, or initials in a colour that the name decides. Name is not read out: it stands beside.
type AvatarProps struct {
	Name, PhotoURL string
	Size           AvatarSize
}

// SchoolBadgeProps is where and when somebody graduated, in the association's colour.
type SchoolBadgeProps struct {
	Code   string // of the association
	Label  string // "Lyon"
	Year   int    // 0 when unknown
	Detail string // department or diploma; may be empty
}

// PersonCardProps is a person in a list.
type PersonCardProps struct {
	Name, URL string // no link when URL is empty
	PhotoURL  string
	Headline  string
	Schools   []SchoolBadgeProps
	Place     string
	Badges    []BadgeProps
	Dim       bool            // somebody without news
	Compact   bool            // a row instead of a card
	Foot      templ.Component // actions or facts below a line; its links stay clickable
}

// IdentityProps is the head of a person's own page.
type IdentityProps struct {
	Name, PhotoURL, Headline, Place string
	Schools                         []SchoolBadgeProps
	Badges                          []BadgeProps
	Actions                         templ.Component
}

func (p AvatarProps) class() string {
	class := "avatar"
	if p.Size != AvatarMedium {
		class += " avatar-" + string(p.Size)
	}
	return class
}

// pixels reserves the room of a photo before it has come.
func (p AvatarProps) pixels() string {
	switch p.Size {
	case AvatarSmall:
		return "38"
	case AvatarLarge:
		return "81"
	case AvatarHuge:
		return "153"
	}
	return "59"
}

const tints = 8

// tint is one of the avatar colours, the same for the same name for ever.
func tint(name string) string {
	h := fnv.New32a()
	h.Write([]byte(name))
	return "tint-" + strconv.Itoa(int(h.Sum32()%tints)+1)
}

// initials are the first letters of the first and the last word: Anne-Laure de La Tour → AT.
func initials(name string) string {
	words := strings.FieldsFunc(name, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsMark(r) && r != '-' && r != '\'' && r != '’'
	})
	if len(words) == 0 {
		return "·"
	}
	out := firstLetter(words[0])
	if len(words) > 1 {
		out += firstLetter(words[len(words)-1])
	}
	return or(out, "·")
}

func firstLetter(word string) string {
	i := strings.IndexFunc(word, unicode.IsLetter)
	if i < 0 {
		return ""
	}
	r, _ := utf8.DecodeRuneInString(word[i:])
	return string(unicode.ToUpper(r))
}

// monogram is what stands for a missing logo: the first letter.
func monogram(name string) string { return or(firstLetter(name), "·") }

// text is "Lyon 2010".
func (s SchoolBadgeProps) text() string {
	if s.Year == 0 {
		return s.Label
	}
	return strings.TrimSpace(s.Label + " " + strconv.Itoa(s.Year))
}

// FacetKind says how the choices of a facet are offered.
type FacetKind uint8

const (
	FacetBoxes FacetKind = iota // several at once, in the panel's form
	FacetLinks                  // one at a time, links
)

// FacetGroup is one facet with its counted choices.
type FacetGroup struct {
	Title  string
	Name   string // of the checkboxes
	Kind   FacetKind
	Closed bool // folded at first
	Values []FacetValue
	More   *LinkButtonProps // "show all", when Values are only the first
}

// FacetValue is one choice of a facet.
type FacetValue struct {
	Value, Label string
	URL          string // of FacetLinks
	Count        int
	Selected     bool
	Code         string // of an association, to show its colour
}

// FacetPanelProps is the column of facets; on a phone a sheet that FacetOpener opens.
type FacetPanelProps struct {
	Action  string // of the GET form
	Groups  []FacetGroup
	Hidden  []Option // further values the form must carry: the query, the order
	Live    string   // id of the results that change at once where there is JavaScript
	Beside  bool     // the panel stands outside the element Live; false: within it
	Results int      // how many, said on the phone's button
}

// FacetsID is the id of the facets' form: a field elsewhere in the page may join it (see SearchBox and SearchBar).
const FacetsID = "filtres"

// valueID follows the value and not its place, so that the focus stays where it was when the order changes.
func (g FacetGroup) valueID(v FacetValue) string {
	h := fnv.New32a()
	h.Write([]byte(v.Value))
	return fieldID(g.Name) + "-" + strconv.FormatUint(uint64(h.Sum32()), 36)
}

// Live are the attributes that make a GET form change the element id of the page at once, on typing and on choosing,
// in the form or in a field that joined the facets' form. Without JavaScript the form is an ordinary one. The answer is
// the whole page that the form's action gives; only the element is taken from it.
func Live(id string) templ.Attributes {
	return templ.Attributes{
		"hx-get":         "", // the script puts the form's action here
		"hx-trigger":     "input delay:150ms, input delay:150ms from:[form=" + FacetsID + "], submit",
		"hx-target":      "#" + id,
		"hx-select":      "#" + id,
		"hx-swap":        "outerHTML",
		"hx-replace-url": "true",
		"hx-sync":        "this:replace",
		"hx-indicator":   "#" + id,
	}
}

func (p FacetPanelProps) live() templ.Attributes {
	if p.Live == "" {
		return nil
	}
	a := Live(p.Live)
	if p.Beside {
		// The form itself stays and only its inside follows: on a phone it is the open sheet.
		a["hx-select-oob"] = "#" + FacetsID + ":innerHTML"
	}
	return a
}

func (p FacetPanelProps) showLabel(ctx context.Context) string {
	if p.Results == 0 {
		return i18n.T(ctx, "ui.show_found")
	}
	return i18n.N(ctx, "ui.show_results", p.Results)
}

// SearchBarProps is a large search box in a page.
type SearchBarProps struct {
	Name, Value, Label, Placeholder string
	Hint                            string // below the label
	Form                            string // id of the form it belongs to, when it stands outside: FacetsID
	Plain                           bool   // its button is not the page's first
}

func (p SearchBarProps) attrs() templ.Attributes { return SearchBox{Form: p.Form}.formAttr() }

// Chip is a filter in force; its link takes it away.
type Chip struct {
	Label, RemoveURL string
}

// PagerProps is the way through a long list.
type PagerProps struct {
	Page, Pages int              // from 1
	URL         func(int) string // address of a page
}

// pages are the numbers to show, 0 for a gap: 1 0 6 7 8 0 40.
func (p PagerProps) pages() []int {
	var out []int
	last := 0
	for n := 1; n <= p.Pages; n++ {
		if n != 1 && n != p.Pages && (n < p.Page-1 || n > p.Page+1) {
			continue
		}
		if n == last+2 {
			out = append(out, n-1) // a gap of one number is that number
		} else if n > last+2 {
			out = append(out, 0)
		}
		out = append(out, n)
		last = n
	}
	return out
}

func (p PagerProps) where(ctx context.Context) string {
	return i18n.T(ctx, "ui.page_of", i18n.Data{"Page": i18n.Number(ctx, p.Page), "Pages": i18n.Number(ctx, p.Pages)})
}
