// Package ambassadors is who looks after a class: a graduate or student whom the staff of his school names, and who
// hears of classmates whom no address reaches any more.
//
// It owns the table class_ambassadors. It promises that nobody looks after a class that is not his own; that an
// ambassador may do no more than anybody of the network; that he can stop by himself; and that whoever is deceased, has
// no open account or lost the degree is none in effect, without anybody having to take him off.
package ambassadors

import (
	"slices"
	"time"

	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

// Class is a school's class of a year.
type Class struct {
	AssociationID id.ID
	ClassYear     int
}

// Ambassador is somebody who looks after a class.
type Ambassador struct {
	ID       id.ID
	PersonID id.ID
	Class
	Since time.Time
}

// Listed is an ambassador as the staff of his school sees him.
type Listed struct {
	Ambassador
	// Dossier is zero where the viewer may not manage the person: he holds no degree of the school any more.
	Dossier people.Dossier
	Serves  bool
}

// Serving is an ambassador in effect, as who writes to him needs to know him.
type Serving struct {
	Ambassador
	Viewer viewer.Viewer // as he looks things up among his fellows: without any role
	Name   string        // first name
	Email  string        // where letters reach him
	Lang   string        // "" when never chosen
}

// Query looks for somebody who could be named.
type Query struct {
	Class
	Words []string // folded; each begins a part of a name
}

// Serves is the rule of who may look after a class: a graduate or student of it whose account was opened, and not
// closed since.
func Serves(d people.Dossier, open bool, c Class) bool {
	return open && d.Activated() && (d.Status == people.Graduate || d.Status == people.Student) &&
		slices.ContainsFunc(d.Degrees, func(g people.Degree) bool { return g.AssociationID == c.AssociationID && g.ClassYear == c.ClassYear })
}

// mayName reports whether the viewer says who looks after the classes of a school.
func mayName(v viewer.Viewer, association id.ID) bool {
	return v.HasAt(association, viewer.Webmaster, viewer.Secretary)
}

// mayEnd is the rule of who takes an ambassador off: who may name him, and himself.
func mayEnd(v viewer.Viewer, a Ambassador) bool {
	return mayName(v, a.AssociationID) || v.SignedIn() && !v.Person.IsZero() && v.Person == a.PersonID
}
