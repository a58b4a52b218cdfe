package bounces

import (
	"context"
	"slices"
	"strings"
	"time"

	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

// shownDays is how far back the staff sees which destinations blamed us.
const shownDays = 14

// FrozenDays are the destinations that blamed us of late, the latest first, for the staff.
func (s *Store) FrozenDays(ctx context.Context, v viewer.Viewer) ([]FrozenDay, error) {
	if !v.Has(viewer.Webmaster, viewer.Secretary) {
		return nil, errs.E("bounces.FrozenDays", errs.Forbidden, nil)
	}
	hours, err := s.hours(ctx, s.today().Add(-shownDays*day))
	if err != nil {
		return nil, errs.Wrap("bounces.FrozenDays", err)
	}
	_, days := Freeze(hours)
	return days, nil
}

// alertFrozen tells the federation's admins of destinations that blame us today or blamed us yesterday.
func (s *Store) alertFrozen(ctx context.Context) error {
	hours, err := s.hours(ctx, s.today().Add(-day))
	if err != nil {
		return err
	}
	_, days := Freeze(hours)
	var news []FrozenDay
	for _, d := range days {
		if !d.Serious() {
			continue
		}
		first, err := s.once(ctx, "frozen:"+d.Destination, d.Day)
		if err != nil {
			return err
		}
		if first {
			news = append(news, d)
		}
	}
	if len(news) == 0 {
		return nil
	}
	return s.tellFrozen(ctx, news)
}

// Lost is somebody whom no address reaches any more.
type Lost struct {
	people.Dossier
	Address string // the last one
	Cause   string
	At      time.Time
}

type lostRow struct {
	ID       id.ID
	PersonID id.ID
	Address  string
	Cause    string
	At       time.Time
}

// lost are those switches that nothing replaced, whose person has no other address that works today.
const lost = `s.what = 'contact' AND s.took = '' AND s.ended_at IS NULL AND NOT EXISTS (
	SELECT 1 FROM contact_points c WHERE c.person_id = s.person_id AND c.kind = 'email' AND c.broken_at IS NULL)`

// LostContacts are the people of the viewer's schools, or of one, whom no address reaches, the latest first, and how
// many there are.
func (s *Store) LostContacts(ctx context.Context, v viewer.Viewer, association id.ID, limit, offset int) ([]Lost, int, error) {
	where, args, err := Filter{Association: association}.condition(v)
	if err != nil {
		return nil, 0, err
	}
	where += ` AND ` + lost
	total, err := db.One[int](ctx, s.db, `SELECT count(*) FROM bounce_switches s WHERE `+where, append([]any(nil), args...)...)
	if err != nil || total == 0 {
		return nil, 0, errs.Wrap("bounces.LostContacts", err)
	}
	rows, err := db.All[lostRow](ctx, s.db, `SELECT id, person_id, address, cause, at FROM bounce_switches s WHERE `+where+` ORDER BY at DESC, id DESC LIMIT ? OFFSET ?`,
		append(args, limit, offset)...)
	if err != nil {
		return nil, 0, errs.Wrap("bounces.LostContacts", err)
	}
	named, err := s.named(ctx, v, rows)
	return named, total, errs.Wrap("bounces.LostContacts", err)
}

// named are the rows with their persons, as far as the viewer may manage them.
func (s *Store) named(ctx context.Context, v viewer.Viewer, rows []lostRow) ([]Lost, error) {
	ids := make([]id.ID, len(rows))
	for i, r := range rows {
		ids[i] = r.PersonID
	}
	list, err := s.people.Dossiers(ctx, v, ids)
	if err != nil {
		return nil, err
	}
	var out []Lost
	for _, r := range rows {
		at := slices.IndexFunc(list, func(d people.Dossier) bool { return d.ID == r.PersonID })
		if at >= 0 {
			out = append(out, Lost{list[at], r.Address, r.Cause, r.At})
		}
	}
	return out, nil
}

// alertLost tells the staff of each school how many people were lost since the last letter, and the ambassadors of their
// classes who; each at most once a day. Somebody of whom one of them heard today already waits for tomorrow.
func (s *Store) alertLost(ctx context.Context) error {
	rows, err := db.All[lostRow](ctx, s.db, `SELECT id, person_id, address, cause, at FROM bounce_switches s WHERE told_at IS NULL AND `+lost+`
		ORDER BY at, id LIMIT 2000`)
	if err != nil || len(rows) == 0 {
		return err
	}
	named, err := s.named(ctx, robot(), rows)
	if err != nil {
		return err
	}
	today, err := s.noticesToday(ctx)
	if err != nil {
		return err
	}
	by, met := map[id.ID][]people.Dossier{}, map[id.ID]bool{}
	for _, l := range named {
		if met[l.ID] {
			continue // of whom two addresses broke
		}
		met[l.ID] = true
		if !slices.ContainsFunc(classesOf(l.Dossier), func(c class) bool { return today[c.notice()] }) {
			by[l.Dossier.NewestAssociation()] = append(by[l.Dossier.NewestAssociation()], l.Dossier)
		}
	}
	var news []people.Dossier
	for _, association := range sortedKeys(by) {
		first, err := s.once(ctx, lostNotice+association.String(), s.now())
		if err != nil {
			return err
		}
		if !first {
			continue
		}
		if err := s.noteTold(ctx, by[association]); err != nil {
			return err
		}
		if err := s.tellLost(ctx, association, len(by[association])); err != nil {
			return err
		}
		news = append(news, by[association]...)
	}
	return s.alertClasses(ctx, news)
}

// lostNotice begins the names of notices about people who are lost.
const lostNotice = "lost:"

// noticesToday are the names of those that left today.
func (s *Store) noticesToday(ctx context.Context) (map[string]bool, error) {
	list, err := db.All[string](ctx, s.db, `SELECT name FROM bounce_notices WHERE day = ?`, s.today())
	out := make(map[string]bool, len(list))
	for _, name := range list {
		out[name] = true
	}
	return out, err
}

func (s *Store) noteTold(ctx context.Context, list []people.Dossier) error {
	persons := make([]id.ID, len(list))
	for i, d := range list {
		persons[i] = d.ID
	}
	for part := range slices.Chunk(persons, atOnce) {
		if _, err := s.db.Exec(ctx, `UPDATE bounce_switches SET told_at = ? WHERE told_at IS NULL AND what = 'contact' AND took = '' AND ended_at IS NULL
			AND person_id IN (`+db.In(len(part))+`)`, append([]any{s.now()}, db.Args(part)...)...); err != nil {
			return err
		}
	}
	return nil
}

// sortedKeys are the associations in one order, so that the same run writes the same letters.
func sortedKeys[T any](by map[id.ID]T) []id.ID {
	out := make([]id.ID, 0, len(by))
	for a := range by {
		out = append(out, a)
	}
	slices.SortFunc(out, func(a, b id.ID) int { return strings.Compare(a.String(), b.String()) })
	return out
}
