package segments_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"amicale/internal/app/demo"
	"amicale/internal/changes"
	"amicale/internal/clock"
	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/newsletters/segments"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

// refusals stands for the subscriptions: whom nothing reaches.
type refusals map[id.ID]bool

func (r refusals) Refusing(_ context.Context, _ id.ID, _ string, persons []id.ID) (map[id.ID]bool, error) {
	out := map[id.ID]bool{}
	for _, p := range persons {
		if r[p] {
			out[p] = true
		}
	}
	return out, nil
}

type world struct {
	*segments.Store
	t      testing.TB
	db     *db.DB
	people *people.Store
	no     refusals
	names  map[id.ID]string
	ly, re people.Association
	now    time.Time
}

func newWorld(t testing.TB, d *db.DB) *world {
	t.Helper()
	w := &world{t: t, db: d, no: refusals{}, names: map[id.ID]string{}, now: time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)}
	now := clock.At(w.now)
	w.people = people.NewStore(d, changes.NewStore(d, now), now)
	w.Store = segments.NewStore(segments.Deps{DB: d, People: w.people, Subscriptions: w.no, Now: now})
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) schools() {
	w.t.Helper()
	for code, a := range map[string]*people.Association{"ly": &w.ly, "re": &w.re} {
		*a = people.Association{Code: code, Name: "AIL " + code, School: "INSA " + code, Host: code + ".example", MailDomain: code + ".example", Color: "#8a1538"}
		w.must(w.people.SaveAssociation(w.t.Context(), viewer.ForSystem("test"), a))
	}
}

// add puts a graduate of Lyon of 2010 into the base, unless change says otherwise.
func (w *world) add(name string, change func(*people.Dossier)) id.ID {
	w.t.Helper()
	d := people.Dossier{Person: people.Person{FirstName: "Ada", BirthSurname: name, Status: people.Graduate},
		Degrees:  []people.Degree{{AssociationID: w.ly.ID, ClassYear: 2010, Diploma: people.Engineer, Department: "GE"}},
		Contacts: []people.ContactPoint{{Kind: people.Email, Value: strings.ToLower(name) + "@exemple.fr", Preferred: true, Origin: "import"}}}
	if change != nil {
		change(&d)
	}
	list := []people.Dossier{d}
	w.must(w.people.Insert(w.t.Context(), viewer.ForSystem("test"), list))
	w.must(w.people.GenerateLoginsFor(w.t.Context(), list[0].ID))
	w.names[list[0].ID] = name
	return list[0].ID
}

func at(d *people.Dossier, street, postcode, country string) {
	d.Contacts = append(d.Contacts, people.ContactPoint{Kind: people.Postal, Purpose: people.Personal, Street: street, Postcode: postcode, City: "X", Country: country})
}

func federation() viewer.Viewer {
	return viewer.Viewer{Kind: viewer.Staff, Account: id.New(), Roles: []viewer.Role{{Name: viewer.FederationAdmin}}}
}

func staff(role viewer.RoleName, a id.ID) viewer.Viewer {
	return viewer.Viewer{Kind: viewer.Staff, Account: id.New(), Roles: []viewer.Role{{Name: role, Association: a}}}
}

// everybody are people who differ in one thing each from Plain.
func (w *world) everybody() {
	w.schools()
	day := func(y int) time.Time { return time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC) }
	pays := func(d *people.Dossier, a people.Association, until int) {
		d.Memberships = append(d.Memberships, people.Membership{AssociationID: a.ID, StartsOn: day(until - 1), EndsOn: day(until), Origin: "import"})
	}
	w.add("Plain", nil)
	w.add("Old", func(d *people.Dossier) { d.Degrees[0].ClassYear = 1962 })
	w.add("Architect", func(d *people.Dossier) { d.Degrees[0].Diploma = people.Architect })
	w.add("Mechanic", func(d *people.Dossier) { d.Degrees[0].Department = "GMC" })
	w.add("Student", func(d *people.Dossier) { d.Status = people.Student; d.Degrees[0].Diploma = people.StudentDiploma })
	w.add("Member", func(d *people.Dossier) { pays(d, w.ly, 2027) })
	w.add("Lapsed", func(d *people.Dossier) { pays(d, w.ly, 2025) })
	w.add("Elsewhere", func(d *people.Dossier) { pays(d, w.re, 2027) }) // of Lyon, pays at Rennes
	w.add("Paris", func(d *people.Dossier) { at(d, "1 rue", "75011", "FR") })
	w.add("Ajaccio", func(d *people.Dossier) { at(d, "1 rue", "20090", "") })
	w.add("Berlin", func(d *people.Dossier) { at(d, "1 Straße", "75011", "DE") })
	w.add("Office", func(d *people.Dossier) { at(d, "1 rue", "75011", "FR"); d.Contacts[1].Purpose = people.Professional })
	w.add("Active", func(d *people.Dossier) { d.ActivatedAt = w.now; d.ConfirmedAt = w.now.AddDate(0, -6, 0) })
	w.add("Sleepy", func(d *people.Dossier) { d.ActivatedAt = w.now; d.ConfirmedAt = w.now.AddDate(-3, 0, 0) })
	w.add("Both", func(d *people.Dossier) {
		d.Degrees = append(d.Degrees, people.Degree{AssociationID: w.re.ID, ClassYear: 2015, Diploma: people.Master})
	})
	w.add("Rennes", func(d *people.Dossier) { d.Degrees[0].AssociationID = w.re.ID })
	w.add("Guest", func(d *people.Dossier) { d.Degrees[0].AssociationID = w.re.ID; pays(d, w.ly, 2027) }) // of Rennes, pays at Lyon
	w.add("Dead", func(d *people.Dossier) { d.Status = people.Deceased })
	w.add("Mute", func(d *people.Dossier) { d.Contacts = nil })
	w.add("Foreign", func(d *people.Dossier) { d.Contacts[0].Value = "é@exemple.fr" })
	w.no[w.add("No", nil)] = true
	double, into := w.add("Double", nil), w.add("Single", nil)
	_, err := w.people.Merge(w.t.Context(), viewer.ForSystem("test"), double, into)
	w.must(err)
	english := w.add("English", nil)
	_, err = w.db.Exec(w.t.Context(), `INSERT INTO accounts (id, person_id, kind, login, login_key, name, email, email_key, password_hash, lang, notice, totp_secret, totp_pending, totp_step, created_at)
		VALUES (?, ?, 'network', '', '', '', '', '', '', 'en', TRUE, '', '', 0, ?)`, id.New(), english, w.now)
	w.must(err)
}

// reached are the names of those to whom a letter would leave, in order.
func (w *world) reached(a segments.Ask) []string {
	w.t.Helper()
	var out []string
	var after id.ID
	for {
		list, err := w.After(w.t.Context(), a, after, 7)
		w.must(err)
		for _, c := range list {
			if c.Left == "" {
				out = append(out, w.names[c.ID])
			}
		}
		if len(list) < 7 {
			slices.Sort(out)
			return out
		}
		after = list[len(list)-1].ID
	}
}

func TestCriteria(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.everybody()
		ly := []string{"Active", "Ajaccio", "Architect", "Berlin", "Both", "Elsewhere", "English", "Guest", "Lapsed", "Mechanic", "Member", "Office", "Old", "Paris", "Plain", "Single", "Sleepy", "Student"}
		without := func(all []string, names ...string) []string {
			return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return slices.Contains(names, s) })
		}
		federal := slices.Sorted(slices.Values(append(slices.Clone(ly), "Rennes")))
		for _, c := range []struct {
			name   string
			sender id.ID
			s      segments.Segment
			want   []string
		}{
			{"all of Lyon", w.ly.ID, nil, ly},
			{"all of Rennes", w.re.ID, nil, []string{"Both", "Elsewhere", "Guest", "Rennes"}},
			{"all", id.ID{}, nil, federal},
			{"school", id.ID{}, segments.Segment{"school": {w.re.ID.String()}}, []string{"Both", "Guest", "Rennes"}},
			{"class from", w.ly.ID, segments.Segment{"class": {"", "2000"}}, []string{"Old"}},
			{"class to", w.ly.ID, segments.Segment{"class": {"2011", ""}}, nil},
			{"class of the same degree", id.ID{}, segments.Segment{"school": {w.re.ID.String()}, "class": {"2015", "2015"}}, []string{"Both"}},
			{"class of the sender's degree", w.ly.ID, segments.Segment{"class": {"2015", "2015"}}, nil},
			{"diploma", w.ly.ID, segments.Segment{"diploma": {"architect", "student"}}, []string{"Architect", "Student"}},
			{"department", w.ly.ID, segments.Segment{"department": {"gmc"}}, []string{"Mechanic"}},
			{"status", w.ly.ID, segments.Segment{"status": {"student"}}, []string{"Student"}},
			{"member of Lyon", w.ly.ID, segments.Segment{"member": {"yes"}}, []string{"Guest", "Member"}},
			{"not a member of Lyon", w.ly.ID, segments.Segment{"member": {"no"}}, without(ly, "Guest", "Member")},
			{"member anywhere", id.ID{}, segments.Segment{"member": {"yes"}}, []string{"Elsewhere", "Guest", "Member"}},
			{"country", w.ly.ID, segments.Segment{"country": {"DE"}}, []string{"Berlin"}},
			{"France is where no country is said", w.ly.ID, segments.Segment{"country": {"FR"}}, []string{"Ajaccio", "Paris"}},
			{"département", w.ly.ID, segments.Segment{"departement": {"75"}}, []string{"Paris"}},
			{"Corsica", w.ly.ID, segments.Segment{"departement": {"2A"}}, []string{"Ajaccio"}},
			{"the other Corsica", w.ly.ID, segments.Segment{"departement": {"2B"}}, nil},
			{"postcode", w.ly.ID, segments.Segment{"postcode": {"7501", "99"}}, []string{"Berlin", "Paris"}},
			{"postcode and country of one address", w.ly.ID, segments.Segment{"postcode": {"75"}, "country": {"DE"}}, []string{"Berlin"}},
			{"activated", w.ly.ID, segments.Segment{"activated": {"yes"}}, []string{"Active", "Sleepy"}},
			{"confirmed this year", w.ly.ID, segments.Segment{"confirmed": {"within_1"}}, []string{"Active"}},
			{"not for two years", w.ly.ID, segments.Segment{"confirmed": {"older_2"}}, without(ly, "Active")},
			{"not for five years", w.ly.ID, segments.Segment{"confirmed": {"older_5"}}, without(ly, "Active", "Sleepy")},
			{"never confirmed", w.ly.ID, segments.Segment{"confirmed": {"never"}}, without(ly, "Active", "Sleepy")},
			{"English", w.ly.ID, segments.Segment{"language": {"en"}}, []string{"English"}},
			{"French", w.ly.ID, segments.Segment{"language": {"fr"}}, without(ly, "English")},
			{"several", w.ly.ID, segments.Segment{"activated": {"no"}, "diploma": {"engineer"}, "class": {"1960", "1970"}}, []string{"Old"}},
		} {
			ask := segments.Ask{Sender: c.sender, Kind: "news", Segment: c.s}
			if got := w.reached(ask); !slices.Equal(got, c.want) {
				t.Errorf("%s: %q, want %q", c.name, got, c.want)
			}
			n, err := w.Count(t.Context(), federation(), ask)
			if left := sum(n.Left); err != nil || n.Reached != len(c.want) || n.Matched != n.Reached+left {
				t.Errorf("%s: Count = %+v, %v, want %d", c.name, n, err, len(c.want))
			}
		}
		n, err := w.Count(t.Context(), federation(), segments.Ask{Sender: w.ly.ID, Kind: "news"})
		if want := map[segments.Left]int{segments.Deceased: 1, segments.Refused: 1, segments.NoAddress: 1, segments.Unusable: 1}; err != nil || fmt.Sprint(n.Left) != fmt.Sprint(want) {
			t.Errorf("left out: %v, %v, want %v", n.Left, err, want)
		}
	})
}

func sum(m map[segments.Left]int) (n int) {
	for _, x := range m {
		n += x
	}
	return n
}

func TestWhoMayAsk(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	w.everybody()
	for _, c := range []struct {
		name       string
		v          viewer.Viewer
		ly, re, fd bool
	}{
		{"editor of Lyon", staff(viewer.Editor, w.ly.ID), true, false, false},
		{"webmaster of Lyon", staff(viewer.Webmaster, w.ly.ID), true, false, false},
		{"secretary of Lyon", staff(viewer.Secretary, w.ly.ID), false, false, false},
		{"federation", federation(), true, true, true},
		{"member", viewer.Viewer{Kind: viewer.Network, Account: id.New(), Person: id.New(), Member: true}, false, false, false},
		{"guest", viewer.Viewer{}, false, false, false},
	} {
		for sender, may := range map[id.ID]bool{w.ly.ID: c.ly, w.re.ID: c.re, {}: c.fd} {
			_, err := w.Count(t.Context(), c.v, segments.Ask{Sender: sender, Kind: "news"})
			_, _, err2 := w.Sample(t.Context(), c.v, segments.Ask{Sender: sender, Kind: "news"}, 10)
			_, err3 := w.Named(t.Context(), c.v, segments.Ask{Sender: sender, Kind: "news"}, "pl", 10)
			for _, err := range []error{err, err2, err3} {
				if (err == nil) != may || err != nil && !errors.Is(err, errs.Forbidden) {
					t.Errorf("%s of %s: %v, want %v", c.name, sender, err, may)
				}
			}
		}
	}
	// A segment of Lyon's reaches nobody of Rennes, whatever it says.
	_, err := w.Count(t.Context(), staff(viewer.Editor, w.ly.ID), segments.Ask{Sender: w.ly.ID, Kind: "news", Segment: segments.Segment{"school": {w.re.ID.String()}}})
	if !errors.Is(err, errs.Invalid) {
		t.Errorf("Lyon asks about the school of Rennes: %v, want invalid", err)
	}
}

func TestSampleShowsWhatTheViewerMaySee(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	w.everybody()
	ask := segments.Ask{Sender: w.ly.ID, Kind: "news"}
	seen, hidden, err := w.Sample(t.Context(), staff(viewer.Webmaster, w.ly.ID), ask, 5)
	if err != nil || len(seen) != 5 || hidden != 0 {
		t.Errorf("the webmaster sees %d, %d hidden, %v", len(seen), hidden, err)
	}
	seen, hidden, err = w.Sample(t.Context(), staff(viewer.Editor, w.ly.ID), ask, 5)
	if err != nil || len(seen) != 0 || hidden != 5 { // names are for the network and for those who may see coordinates
		t.Errorf("the editor sees %d, %d hidden, %v", len(seen), hidden, err)
	}
	list, err := w.Named(t.Context(), staff(viewer.Webmaster, w.ly.ID), ask, "ada pla", 5)
	if err != nil || len(list) != 1 || list[0].Surname != "Plain" {
		t.Errorf("Named = %v, %v", list, err)
	}
	if list, err = w.Named(t.Context(), staff(viewer.Webmaster, w.ly.ID), ask, "rennes", 5); err != nil || len(list) != 0 {
		t.Errorf("somebody who is not in the segment: %v, %v", list, err)
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	w.schools()
	for _, c := range []struct {
		name, field string
		typed       []string
		want        []string // nil: refused; empty: nothing said
	}{
		{"nothing", "class", []string{"", ""}, []string{}},
		{"years", "class", []string{"1990", "2000"}, []string{"1990", "2000"}},
		{"one year", "class", []string{" 1990 ", ""}, []string{"1990", ""}},
		{"the wrong way round", "class", []string{"2000", "1990"}, nil},
		{"no year", "class", []string{"90", ""}, nil},
		{"one of three", "class", []string{"1990", "2000", "2010"}, nil},
		{"words", "departement", []string{"69, 2a;75"}, []string{"69", "2A", "75"}},
		{"no département", "departement", []string{"69, Rhône"}, nil},
		{"twice the same", "postcode", []string{"69, 69"}, []string{"69"}},
		{"a sign of LIKE", "postcode", []string{"6%"}, nil},
		{"choices", "status", []string{"student", "graduate"}, []string{"student", "graduate"}},
		{"no choice", "status", []string{"deceased"}, nil},
		{"two of one", "member", []string{"yes", "no"}, nil},
		{"a school, for a school", "school", []string{w.re.ID.String()}, []string{}},
	} {
		s, err := w.Read(t.Context(), w.ly.ID, func(name string) []string {
			if name == c.field {
				return c.typed
			}
			return nil
		})
		if (err == nil) != (c.want != nil) || err == nil && !slices.Equal(s[c.field], c.want) {
			t.Errorf("%s: %q, %v, want %q", c.name, s, err, c.want)
		}
		if err != nil && errs.FieldsOf(err)[c.field].Key == "" {
			t.Errorf("%s: %v does not say which field", c.name, err)
		}
	}
}

// TestCriteriaOfOthers adds one as a later feature does.
func TestCriteriaOfOthers(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	w := newWorld(t, d)
	w.everybody()
	long := segments.Criterion{Name: "long_name", Input: segments.OneOf, Target: segments.OfPerson, Choices: func(segments.Env) []segments.Choice { return []segments.Choice{{Value: "9"}} },
		Where: func(v []string, _ segments.Env) (string, []any) {
			n, _ := strconv.Atoi(v[0])
			return "length(p.birth_surname) >= ?", []any{n}
		}}
	w.Store = segments.NewStore(segments.Deps{DB: d, People: w.people, Subscriptions: w.no, Criteria: append(segments.Own(), long), Now: clock.At(w.now)})
	if got := w.reached(segments.Ask{Sender: w.ly.ID, Kind: "news", Segment: segments.Segment{"long_name": {"9"}}}); !slices.Equal(got, []string{"Architect", "Elsewhere"}) {
		t.Errorf("%q", got)
	}
}

func TestCandidates(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.schools()
		both := w.add("Both", func(d *people.Dossier) {
			d.UsageSurname = "Lovelace"
			d.Degrees = append(d.Degrees, people.Degree{AssociationID: w.re.ID, ClassYear: 2015, Diploma: people.Master})
		})
		for sender, want := range map[id.ID]string{
			w.ly.ID: "Ada Lovelace 2010 INSA ly ada.lovelace.ly2010@ly.example", w.re.ID: "Ada Lovelace 2015 INSA re ada.lovelace.re2015@re.example",
			{}: "Ada Lovelace 2015 INSA re ada.lovelace.re2015@re.example",
		} {
			c, err := w.One(t.Context(), segments.Ask{Sender: sender, Kind: "news"}, both)
			if got := strings.Join([]string{c.Person.FirstName, c.Person.Name, c.Person.Class, c.Person.School, c.Person.Address}, " "); err != nil || got != want || c.Address != "both@exemple.fr" || c.Lang != "fr" {
				t.Errorf("%q, %v, want %q", got, err, want)
			}
		}
		_, err := w.One(t.Context(), segments.Ask{Sender: w.ly.ID, Kind: "news", Segment: segments.Segment{"class": {"1990", "1990"}}}, both)
		if !errors.Is(err, errs.NotFound) {
			t.Errorf("not in the segment: %v", err)
		}
	})
}

// BenchmarkSegment counts segments of the demonstration's people, 80,000 or AMICALE_BENCH_PEOPLE; on PostgreSQL too when
// there is one.
func BenchmarkSegment(b *testing.B) {
	n := 80_000
	if s := os.Getenv("AMICALE_BENCH_PEOPLE"); s != "" {
		n, _ = strconv.Atoi(s)
	}
	engines := map[string]func(testing.TB) *db.DB{"sqlite": dbtest.New}
	if os.Getenv("AMICALE_TEST_POSTGRES") != "" {
		engines["postgres"] = dbtest.Postgres
	}
	for engine, open := range engines {
		w := newWorld(b, open(b))
		w.must(demo.Load(b.Context(), w.db, w.people, demo.Options{People: n}))
		all, err := w.people.Associations(b.Context())
		w.must(err)
		ly, _ := all.ByCode("ly")
		for name, ask := range map[string]segments.Ask{
			"everybody":   {Kind: "news"},
			"one school":  {Sender: ly.ID, Kind: "news"},
			"many bounds": {Sender: ly.ID, Kind: "news", Segment: segments.Segment{"class": {"1990", "2010"}, "member": {"no"}, "country": {"FR"}, "status": {"graduate"}}},
		} {
			b.Run(engine+"/"+name, func(b *testing.B) {
				var c segments.Count
				for b.Loop() {
					c, err = w.Count(b.Context(), federation(), ask)
					w.must(err)
				}
				b.ReportMetric(float64(c.Matched), "persons")
				b.ReportMetric(float64(c.Reached), "reached")
			})
		}
		b.Run(engine+"/making", func(b *testing.B) {
			for b.Loop() {
				var after id.ID
				for {
					list, err := w.After(b.Context(), segments.Ask{Sender: ly.ID, Kind: "news"}, after, 500)
					w.must(err)
					if len(list) < 500 {
						break
					}
					after = list[len(list)-1].ID
				}
			}
		})
	}
}
