package ambassadors_test

import (
	"testing"
	"time"

	"amicale/internal/ambassadors"
	"amicale/internal/id"
	"amicale/internal/people"
)

func TestServes(t *testing.T) {
	t.Parallel()
	ly, re := id.New(), id.New()
	one := func(tweaks ...tweak) people.Dossier {
		d := people.Dossier{Person: people.Person{Status: people.Graduate, ActivatedAt: time.Unix(1, 0)}, Degrees: []people.Degree{
			{AssociationID: re, ClassYear: 2008}, {AssociationID: ly, ClassYear: 2010}}}
		for _, f := range tweaks {
			f(&d)
		}
		return d
	}
	status := func(s people.Status) tweak { return func(d *people.Dossier) { d.Status = s } }
	for name, c := range map[string]struct {
		d     people.Dossier
		open  bool
		class ambassadors.Class
		want  bool
	}{
		"of the class":           {one(), true, ambassadors.Class{AssociationID: ly, ClassYear: 2010}, true},
		"of his other one":       {one(), true, ambassadors.Class{AssociationID: re, ClassYear: 2008}, true},
		"a student":              {one(status(people.Student)), true, ambassadors.Class{AssociationID: ly, ClassYear: 2010}, true},
		"another school's":       {one(), true, ambassadors.Class{AssociationID: re, ClassYear: 2010}, false},
		"another year's":         {one(), true, ambassadors.Class{AssociationID: ly, ClassYear: 2008}, false},
		"closed":                 {one(), false, ambassadors.Class{AssociationID: ly, ClassYear: 2010}, false},
		"never signed in":        {one(func(d *people.Dossier) { d.ActivatedAt = time.Time{} }), true, ambassadors.Class{AssociationID: ly, ClassYear: 2010}, false},
		"deceased":               {one(dead), true, ambassadors.Class{AssociationID: ly, ClassYear: 2010}, false},
		"neither":                {one(status(people.Other)), true, ambassadors.Class{AssociationID: ly, ClassYear: 2010}, false},
		"nobody the staff knows": {people.Dossier{}, true, ambassadors.Class{AssociationID: ly, ClassYear: 2010}, false},
	} {
		if got := ambassadors.Serves(c.d, c.open, c.class); got != c.want {
			t.Errorf("%s: Serves() = %v, want %v", name, got, c.want)
		}
	}
}
