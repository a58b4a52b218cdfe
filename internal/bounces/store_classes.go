package bounces

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

// class is a school's class of a year.
type class struct {
	association id.ID
	year        int
}

// notice is the name under which it is noted that a class was told of its lost.
func (c class) notice() string {
	return lostNotice + c.association.String() + ":" + strconv.Itoa(c.year)
}

// classesOf are the classes of a person, each once.
func classesOf(d people.Dossier) (out []class) {
	for _, g := range d.Degrees {
		if c := (class{g.AssociationID, g.ClassYear}); c.year > 0 && !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	return out
}

// alertClasses tells the ambassadors of each class who of it was lost, as far as they may see them. The dead are not
// looked for.
func (s *Store) alertClasses(ctx context.Context, news []people.Dossier) error {
	by := map[id.ID]map[int][]people.Dossier{}
	for _, d := range news {
		if d.Status == people.Deceased {
			continue
		}
		for _, c := range classesOf(d) {
			if by[c.association] == nil {
				by[c.association] = map[int][]people.Dossier{}
			}
			by[c.association][c.year] = append(by[c.association][c.year], d)
		}
	}
	for _, association := range sortedKeys(by) {
		years := slices.Sorted(maps.Keys(by[association]))
		ambassadors, err := s.ambassadors.OfClasses(ctx, association, years)
		if err != nil {
			return err
		}
		for _, year := range years {
			if len(ambassadors[year]) == 0 {
				continue
			}
			if err := s.alertClass(ctx, class{association, year}, ambassadors[year], by[association][year]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Store) alertClass(ctx context.Context, c class, ambassadors []Ambassador, news []people.Dossier) error {
	first, err := s.once(ctx, c.notice(), s.now())
	if err != nil || !first {
		return err
	}
	for _, a := range ambassadors {
		if seen := seenBy(a.Viewer, news); len(seen) > 0 {
			if err := s.tellAmbassador(ctx, c, a, seen); err != nil {
				return err
			}
		}
	}
	return nil
}

// seenBy are the others whom a viewer may know of, by name.
func seenBy(v viewer.Viewer, list []people.Dossier) []people.Seen {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b people.Dossier) int { return strings.Compare(a.SortKey(), b.SortKey()) })
	var out []people.Seen
	for _, d := range list {
		if seen, ok := d.OutlineSeenBy(v); ok && !seen.Own {
			out = append(out, seen)
		}
	}
	return out
}

// LostByClass is how many of some classes of a school no address reaches any more, for its staff; classes with none are
// not in it.
func (s *Store) LostByClass(ctx context.Context, v viewer.Viewer, association id.ID, years []int) (map[int]int, error) {
	if !v.HasAt(association, viewer.Webmaster, viewer.Secretary) {
		return nil, errs.E("bounces.LostByClass", errs.Forbidden, nil)
	}
	type row struct{ ClassYear, Persons int }
	list, err := db.All[row](ctx, s.db, `SELECT g.class_year, count(DISTINCT s.person_id) AS persons FROM degrees g JOIN bounce_switches s ON s.person_id = g.person_id
		WHERE g.class_year IN (`+db.In(len(years))+`) AND g.association_id = ? AND `+lost+` GROUP BY g.class_year`, append(db.Args(years), association)...)
	out := make(map[int]int, len(list))
	for _, r := range list {
		out[r.ClassYear] = r.Persons
	}
	return out, errs.Wrap("bounces.LostByClass", err)
}
