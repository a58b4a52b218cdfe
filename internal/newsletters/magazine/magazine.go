// Package magazine is the associations' printed magazine as the site has it: an issue is a PDF that the members of its
// associations read, a letter that tells them of it, and labels for those who get it by post.
//
// It owns the issues and their editions, one an association. It promises that only those whose dues to one of an issue's
// associations are paid today, and the staff that makes it, open the file.
package magazine

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"amicale/internal/errs"
	"amicale/internal/fold"
	"amicale/internal/geo"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

// MaxFile bounds the PDF of an issue, in octets.
const MaxFile = 30 << 20

// Issue is one number of the magazine.
type Issue struct {
	ID        id.ID
	Title     string
	FileKey   string // blob key of the PDF
	FileSize  int64  // octets
	AccountID id.ID  // who put it there
	CreatedAt time.Time
	Editions  []Edition `db:"-"`
}

// Edition is an issue for one association.
type Edition struct {
	IssueID       id.ID
	AssociationID id.ID
	CampaignID    id.ID     // the letter that announces it; zero when there is none
	PublishedAt   time.Time // from then on its members read it; zero: not yet
}

// mayMake reports whether the viewer makes the magazine of an association.
func mayMake(v viewer.Viewer, association id.ID) bool {
	return v.HasAt(association, viewer.Editor, viewer.Webmaster)
}

// mayPost reports whether the viewer may have the labels: they hold addresses.
func mayPost(v viewer.Viewer, association id.ID) bool {
	return v.HasAt(association, viewer.Webmaster, viewer.Secretary)
}

// isPDF looks at both ends of a file (ISO 32000-2 §7.5.2, §7.5.5): the rest is the reader's affair.
func isPDF(head, tail []byte) bool {
	return bytes.HasPrefix(head, []byte("%PDF-")) && bytes.Contains(tail, []byte("%%EOF"))
}

const maxTitle = 200 // octets

// checkTitle brings a title to its form.
func checkTitle(title *string, f errs.Fields) {
	*title = strings.Join(strings.Fields(strings.NewReplacer("{", "", "}", "").Replace(*title)), " ") // it stands in a letter, where braces have a meaning
	if *title == "" {
		f.Add("title", "people.required")
	} else if len(*title) > maxTitle {
		f.Add("title", "magazine.too_long")
	}
}

// Label is an address as an envelope bears it.
type Label struct {
	Name    string
	Street  []string
	City    string // postcode and town
	Country string // in capitals; "" for France
}

// Lines are the label from the top.
func (l Label) Lines() []string {
	out := append([]string{l.Name}, l.Street...)
	out = append(out, l.City, l.Country)
	return slices.DeleteFunc(out, func(s string) bool { return s == "" })
}

// The French postal norm (NF Z10-011): six lines of 38 characters; the last in capitals, without punctuation.
const (
	mostLines = 6
	mostChars = 38
)

// LabelOf is where a person's post goes on a day; ok is false when nobody knows.
func LabelOf(d people.Dossier, day time.Time) (Label, bool) {
	var best *people.ContactPoint
	for i := range d.Contacts {
		c := &d.Contacts[i]
		if c.Kind == people.Postal && c.CurrentOn(day) && c.City != "" && (best == nil || better(*c, *best) < 0) {
			best = c
		}
	}
	if best == nil || d.Status == people.Deceased {
		return Label{}, false
	}
	l := Label{Name: clip(civility(d.Civility) + d.Name()), City: clip(capitals(strings.TrimSpace(best.Postcode + " " + best.City)))}
	if !french(best.Country) {
		l.Country = clip(capitals(geo.Label(best.Country, "fr")))
		l.City = clip(strings.TrimSpace(best.Postcode + " " + best.City)) // each country has its own norm
	}
	room := mostLines - 2
	if l.Country != "" {
		room--
	}
	for s := range strings.SplitSeq(best.Street, "\n") {
		if s = strings.TrimSpace(s); s != "" && len(l.Street) < room {
			l.Street = append(l.Street, clip(s))
		}
	}
	return l, true
}

// better orders a person's addresses: a temporary one that holds today, then the preferred one, then home before work.
func better(a, b people.ContactPoint) int {
	rank := func(c people.ContactPoint) int {
		switch {
		case c.Purpose == people.Temporary:
			return 0
		case c.Preferred:
			return 1
		case c.Purpose == people.Personal:
			return 2
		}
		return 3
	}
	return cmp.Or(cmp.Compare(rank(a), rank(b)), b.UpdatedAt.Compare(a.UpdatedAt))
}

func civility(c string) string {
	return map[string]string{"m": "M. ", "mme": "Mme "}[c]
}

// french: the French post serves these as its own, by postcode, without the name of the country.
func french(country string) bool {
	return slices.Contains([]string{"", "FR", "GP", "MQ", "GF", "RE", "PM", "YT", "BL", "MF", "WF", "PF", "NC"}, country)
}

// capitals writes a line as sorting machines read it: no accent and no sign.
func capitals(s string) string { return strings.ToUpper(fold.Name(s)) }

// clip keeps a line within the norm.
func clip(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if utf8.RuneCountInString(s) > mostChars {
		return strings.TrimSpace(string([]rune(s)[:mostChars]))
	}
	return s
}

// sortForPost orders labels as the post takes them: abroad last, then by postcode.
func sortForPost(list []Label) {
	slices.SortStableFunc(list, func(a, b Label) int {
		return cmp.Or(cmp.Compare(a.Country, b.Country), cmp.Compare(a.City, b.City), cmp.Compare(a.Name, b.Name))
	})
}
