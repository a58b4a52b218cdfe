package imports

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"amicale/internal/imports/lists"
	"amicale/internal/people"
)

// over is what lists have said so far: a row laid over what stood there. What a row leaves out stays.
func over(last, file *lists.Record) *lists.Record {
	out := *file
	texts := func(to *string, old string) {
		if *to == "" {
			*to = old
		}
	}
	texts(&out.Civility, last.Civility)
	texts(&out.FirstNames, last.FirstNames)
	texts(&out.FirstName, last.FirstName)
	texts(&out.BirthSurname, last.BirthSurname)
	texts(&out.UsageSurname, last.UsageSurname)
	if out.Birth.IsZero() {
		out.Birth = last.Birth
	}
	if out.Status == "" {
		out.Status = last.Status
	}
	if out.Status == people.Deceased && out.Death.IsZero() {
		out.Death = last.Death
	}
	if len(out.Degrees) == 0 {
		out.Degrees = last.Degrees
	}
	out.Contacts = contactsOver(last, file)
	out.Legacy = union(last.Legacy, file.Legacy)
	out.Logins = union(last.Logins, file.Logins)
	out.FormerLogins = union(last.FormerLogins, file.FormerLogins)
	out.Redirects = union(last.Redirects, file.Redirects)
	out.Refusals = union(last.Refusals, file.Refusals)
	out.Memberships = membershipsOver(last, file)
	if len(last.Note) > 0 {
		out.Note = maps.Clone(last.Note)
		maps.Copy(out.Note, file.Note)
	}
	return &out
}

// contactsOver replaces the contacts of a kind and purpose where the row has some.
func contactsOver(last, file *lists.Record) []lists.Contact {
	out := slices.Clone(file.Contacts)
	for _, c := range last.Contacts {
		if len(keysOf(file, c.Kind, c.Purpose)) == 0 {
			out = append(out, c)
		}
	}
	sortContacts(out)
	return out
}

// sortContacts brings kinds and purposes into one order and leaves that of the row within them, so that the same
// contacts always read the same.
func sortContacts(list []lists.Contact) {
	slices.SortStableFunc(list, func(a, b lists.Contact) int {
		return cmp.Or(strings.Compare(string(a.Kind), string(b.Kind)), strings.Compare(string(a.Purpose), string(b.Purpose)))
	})
}

func membershipsOver(last, file *lists.Record) []lists.Membership {
	out := slices.Clone(last.Memberships)
	for _, m := range file.Memberships {
		at := slices.IndexFunc(out, func(l lists.Membership) bool { return l.Association == m.Association && l.From == m.From })
		if at < 0 {
			out = append(out, m)
		} else {
			out[at] = m
		}
	}
	return out
}

func union[T comparable](first, then []T) []T {
	out := slices.Clone(first)
	for _, v := range then {
		if !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}
