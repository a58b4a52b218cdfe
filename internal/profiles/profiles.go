// Package profiles is what people tell of themselves, their photo included, and who sees it: one's own space, the
// form that completes a profile, the page others see, the copy of one's data and their erasure.
//
// It owns the tables of migration 0006 and the photos among the files. It promises that nothing of a photo is kept
// but its picture, that a page holds only what people.SeenBy gives its viewer, that what is hidden and what does not
// exist answer alike, and that a change made in one tab is never silently undone by another.
package profiles

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"amicale/internal/errs"
	"amicale/internal/fold"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

// Limits of what is written, in characters.
const (
	maxName         = 80
	maxHeadline     = 120
	maxPresentation = 4000
)

// maxRenamings is how many logins changes of name may add to one degree; past it the association helps, since a
// login is kept for ever.
const maxRenamings = 4

// Identity is the section of names and date of birth.
type Identity struct {
	people.Names
	BirthDate time.Time // zero when unknown or when only the year is
	Audiences map[people.Field]viewer.Audience
}

// Text is the section of headline and presentation.
type Text struct {
	Headline     string
	Presentation string
	Audiences    map[people.Field]viewer.Audience
}

// IdentityFields, TextFields are the fields whose audience stands in these sections.
func IdentityFields() []people.Field {
	return []people.Field{people.FieldIdentity, people.FieldBirthSurname, people.FieldBirthDate}
}

// TextFields are the fields whose audience stands beside headline and presentation.
func TextFields() []people.Field {
	return []people.Field{people.FieldHeadline, people.FieldPresentation}
}

// IdentityOf is the section as the base has it.
func IdentityOf(d people.Dossier) Identity {
	return Identity{
		Names: people.Names{Civility: d.Civility, FirstNames: d.FirstNames, FirstName: d.FirstName,
			BirthSurname: d.BirthSurname, UsageSurname: d.UsageSurname},
		BirthDate: d.BirthDate, Audiences: audiencesOf(d, IdentityFields()),
	}
}

// TextOf is the section as the base has it.
func TextOf(d people.Dossier) Text {
	return Text{Headline: d.Headline, Presentation: d.Presentation, Audiences: audiencesOf(d, TextFields())}
}

// Version names the state of a section; a form carries it, so that a change made elsewhere meanwhile is noticed.
func Version(section any) string {
	b, err := json.Marshal(section)
	if err != nil {
		panic(err) // sections are plain structs
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8])
}

// audiencesOf is what its owner chose for each field, also before anybody else may see it.
func audiencesOf(d people.Dossier, fields []people.Field) map[people.Field]viewer.Audience {
	out := make(map[people.Field]viewer.Audience, len(fields))
	for _, f := range fields {
		if out[f] = d.Audiences[f]; out[f] == "" {
			out[f] = people.DefaultFieldAudience(f)
		}
	}
	return out
}

// FieldChoices are the audiences offered for a field: those that mean something today, and the one that is stored.
// Those of contacts come with the address book.
func FieldChoices(stored viewer.Audience) []viewer.Audience {
	return slices.DeleteFunc(viewer.FieldAudiences(), func(a viewer.Audience) bool { return a == viewer.Contacts && a != stored })
}

// CoordinateChoices are FieldChoices for a contact point.
func CoordinateChoices(stored viewer.Audience) []viewer.Audience {
	return slices.DeleteFunc(viewer.CoordinateAudiences(), func(a viewer.Audience) bool { return a == viewer.MemberContacts && a != stored })
}

func checkAudiences(f errs.Fields, d people.Dossier, chosen map[people.Field]viewer.Audience) {
	for field, a := range chosen {
		stored := audiencesOf(d, []people.Field{field})[field]
		choices := FieldChoices(stored)
		if field == people.FieldLifetime {
			choices = CoordinateChoices(stored)
		}
		if !a.OneOf(choices) {
			f.Add("audience_"+string(field), "profile.audience_bad")
		}
	}
}

// Validate brings the section to its form and says what is wrong with it.
func (i *Identity) Validate(d people.Dossier, today time.Time) error {
	f := errs.Fields{}
	for _, n := range []struct {
		field string
		text  *string
		must  bool
	}{
		{"first_names", &i.FirstNames, false}, {"first_name", &i.FirstName, true},
		{"birth_surname", &i.BirthSurname, true}, {"usage_surname", &i.UsageSurname, false},
	} {
		*n.text = oneLine(*n.text)
		switch {
		case *n.text == "" && n.must:
			f.Add(n.field, "profile.required")
		case utf8.RuneCountInString(*n.text) > maxName:
			f.Add(n.field, "profile.too_long", map[string]any{"Max": maxName})
		case *n.text != "" && fold.LoginPart(*n.text) == "":
			f.Add(n.field, "profile.name_unwritable")
		}
	}
	if !slices.Contains([]string{"", "m", "mme"}, i.Civility) {
		f.Add("civility", "profile.choice_bad")
	}
	if i.UsageSurname == i.BirthSurname {
		i.UsageSurname = "" // said twice
	}
	if !i.BirthDate.IsZero() && (i.BirthDate.Year() < 1900 || i.BirthDate.After(today.AddDate(-14, 0, 0))) {
		f.Add("birth_date", "profile.birth_date_bad")
	}
	checkAudiences(f, d, i.Audiences)
	if renames(d, i.Names) && renamings(d) >= maxRenamings*max(1, len(d.Degrees)) {
		f.Add("usage_surname", "profile.names_too_often")
	}
	return f.Err()
}

// Validate brings the section to its form and says what is wrong with it.
func (t *Text) Validate(d people.Dossier) error {
	f := errs.Fields{}
	t.Headline, t.Presentation = oneLine(t.Headline), strings.TrimSpace(t.Presentation)
	if utf8.RuneCountInString(t.Headline) > maxHeadline {
		f.Add("headline", "profile.too_long", map[string]any{"Max": maxHeadline})
	}
	if utf8.RuneCountInString(t.Presentation) > maxPresentation {
		f.Add("presentation", "profile.too_long", map[string]any{"Max": maxPresentation})
	}
	checkAudiences(f, d, t.Audiences)
	return f.Err()
}

// oneLine is a text without line ends and control characters, its runs of white space one space.
func oneLine(s string) string {
	return strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)), " ")
}

// renames reports whether names write another login than those of the base.
func renames(d people.Dossier, n people.Names) bool {
	after := people.Person{FirstName: n.FirstName, BirthSurname: n.BirthSurname, UsageSurname: n.UsageSurname}
	return fold.LoginPart(after.FirstName) != fold.LoginPart(d.FirstName) || fold.LoginPart(after.Surname()) != fold.LoginPart(d.Surname())
}

func renamings(d people.Dossier) (n int) {
	for _, l := range d.Logins {
		if l.Origin == "name change" {
			n++
		}
	}
	return n
}

// NewLogins are the logins that names would add, as long as nobody has them; none when the names write the same.
func NewLogins(d people.Dossier, as people.Associations, n people.Names) []string {
	if !renames(d, n) {
		return nil
	}
	after := people.Person{FirstName: n.FirstName, BirthSurname: n.BirthSurname, UsageSurname: n.UsageSurname}
	var out []string
	for _, g := range d.Degrees {
		a, _ := as.ByID(g.AssociationID)
		login, err := fold.Login(after.FirstName, after.Surname(), a.Code, g.ClassYear, 1)
		if err == nil && !slices.Contains(out, login) {
			out = append(out, login)
		}
	}
	return out
}

// Item is a part of a profile that counts as complete or not.
type Item string

// The items, in the order in which they help most.
const (
	ItemEmail        Item = "email" // confirmed, and not broken
	ItemPhoto        Item = "photo"
	ItemHeadline     Item = "headline"
	ItemPresentation Item = "presentation"
	ItemPhone        Item = "phone"
	ItemAddress      Item = "address"
)

// Items are all.
func Items() []Item {
	return []Item{ItemEmail, ItemPhoto, ItemHeadline, ItemPresentation, ItemPhone, ItemAddress}
}

// Missing are the items that a profile lacks, the most helpful first.
func Missing(d people.Dossier) []Item {
	has := map[Item]bool{ItemPhoto: d.Photo != "", ItemHeadline: d.Headline != "", ItemPresentation: d.Presentation != ""}
	for _, c := range d.Contacts {
		switch {
		case c.Kind == people.Email && !c.ConfirmedAt.IsZero() && c.BrokenAt.IsZero():
			has[ItemEmail] = true
		case c.Kind == people.Phone:
			has[ItemPhone] = true
		case c.Kind == people.Postal && c.Purpose == people.Personal:
			has[ItemAddress] = true
		}
	}
	return slices.DeleteFunc(Items(), func(i Item) bool { return has[i] })
}

// staleAfter is how long data count as looked at.
const staleAfter = 365 * 24 * time.Hour

// Stale reports whether a person should look again at what the base holds.
func Stale(d people.Dossier, now time.Time) bool { return now.Sub(d.ConfirmedAt) > staleAfter }

// Eyes are those of a kind of visitor, for "see my page as…".
type Eyes string

// The kinds of visitors.
const (
	Stranger  Eyes = "stranger"
	Graduate  Eyes = "graduate"
	Member    Eyes = "member"
	Recruiter Eyes = "recruiter"
)

// AllEyes are all kinds.
func AllEyes() []Eyes { return []Eyes{Stranger, Graduate, Member, Recruiter} }
