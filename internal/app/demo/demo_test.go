package demo_test

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"os"
	"regexp"
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
	"amicale/internal/fold"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

var (
	now    = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	system = viewer.ForSystem("test")
)

// communes are made-up ones, as many as there are.
func communes() []string {
	var out []string
	for _, a := range []string{"Mont", "Ville", "Saint", "Beau", "Cour", "Font", "Roche", "Val", "Long", "Haut", "Clair", "Mar", "Bel", "Châtel", "Vern"} {
		for _, b := range []string{"bard", "celle", "dieu", "fay", "gny", "lac", "mont", "nay", "pierre", "quin", "roy", "sart", "tier", "vert", "zac", "ières", "eaux", "illy"} {
			for _, c := range []string{"", "t", "x", "le", "ne", "court", "on", "ey"} {
				out = append(out, a+b+c)
			}
		}
	}
	return append(out, "Le Havre", "Saint-Étienne", "Y")
}

func associations() people.Associations {
	out := people.Associations(demo.Associations())
	for i := range out {
		out[i].ID = id.ID{15: byte(i + 1)}
	}
	return out
}

func population(n int) iter.Seq[people.Dossier] {
	return demo.Population(1, n, now, communes(), associations())
}

func TestAssociations(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, a := range demo.Associations() {
		if err := a.Validate(); err != nil {
			t.Errorf("%s: %v", a.Code, err)
		}
		for _, v := range []string{a.Code, a.Name, a.Host, a.MailDomain, a.Color} {
			if seen[v] {
				t.Errorf("%s: %s stands twice", a.Code, v)
			}
			seen[v] = true
		}
		if c := contrastOnWhite(a.Color); c < 4.5 {
			t.Errorf("%s: %s has a contrast of %.2f on white, want 4.5", a.Code, a.Color, c)
		}
	}
}

// contrastOnWhite is WCAG 2.2's ratio, from relative luminance.
func contrastOnWhite(color string) float64 {
	n, _ := strconv.ParseUint(color[1:], 16, 32)
	lin := func(c uint64) float64 {
		v := float64(c&0xff) / 255
		if v <= 0.04045 {
			return v / 12.92
		}
		return math.Pow((v+0.055)/1.055, 2.4)
	}
	return 1.05 / (0.2126*lin(n>>16) + 0.7152*lin(n>>8) + 0.0722*lin(n) + 0.05)
}

func TestPopulationLooksLikeOne(t *testing.T) {
	t.Parallel()
	const n = 30_000
	var total, activated, members, women, deceased, students, married, double, email, phone, postal, refusing int
	logins, emails, surnames, ids := map[string]bool{}, map[string]bool{}, map[string]int{}, map[id.ID]bool{}
	pattern := regexp.MustCompile(`^[a-z0-9-]+\.[a-z0-9-]+\.[a-z]{2,3}[0-9]{4}$`)
	classes := map[int]int{}
	homonyms := 0
	for d := range population(n) {
		total++
		surnames[d.BirthSurname]++
		if ids[d.ID] {
			t.Fatalf("%s has the identifier of somebody else", d.Name())
		}
		ids[d.ID] = true
		for _, c := range []struct {
			is bool
			n  *int
		}{{d.Activated(), &activated}, {d.MemberOn(now), &members}, {d.Civility == "mme", &women}, {d.Status == people.Deceased, &deceased},
			{d.Status == people.Student, &students}, {d.UsageSurname != "", &married}, {len(d.Associations()) > 1, &double}, {len(d.Consents) > 0, &refusing}} {
			if c.is {
				*c.n++
			}
		}
		for _, g := range d.Degrees {
			classes[g.ClassYear]++
			if g.Department == "" || g.AssociationID.IsZero() || (g.Diploma == people.StudentDiploma) != (g.StudyYear > 0) || g.StudyYear > 5 {
				t.Errorf("%s has the degree %+v", d.Name(), g)
			}
		}
		for _, l := range d.Logins {
			if logins[l.Login] || !pattern.MatchString(l.Login) || fold.TypedLogin(l.Login) != l.Login {
				t.Errorf("login %s", l.Login)
			}
			logins[l.Login] = true
			if strings.Contains(l.Login, "-2.") {
				homonyms++
			}
		}
		for _, c := range d.Contacts {
			switch c.Kind {
			case people.Email:
				email++
				if emails[c.Value] || fold.Email(c.Value) != c.ValueKey || !fold.ValidEmail(c.Value) || !(strings.HasSuffix(c.Value, ".example") || strings.HasSuffix(c.Value, "@exemple.fr")) {
					t.Errorf("address %s", c.Value)
				}
				emails[c.Value] = true
			case people.Phone:
				phone++
				if e164, ok := fold.Phone(c.Value, "FR"); !ok || e164 != c.ValueKey {
					t.Errorf("phone %s, key %s, want %s", c.Value, c.ValueKey, e164)
				}
			case people.Postal:
				postal++
				if c.City == "" || c.Postcode == "" || len(c.Country) != 2 || c.Country == "FR" && len(c.Postcode) != 5 {
					t.Errorf("address %+v", c)
				}
			}
		}
	}
	if total != n {
		t.Errorf("%d people, want %d", total, n)
	}
	for _, c := range []struct {
		what      string
		n         int
		low, high float64 // of a hundred people
	}{{"activated", activated, 50, 65}, {"members", members, 28, 40}, {"women", women, 15, 35}, {"deceased", deceased, 0.5, 6}, {"students", students, 3, 12},
		{"with a usage name", married, 3, 20}, {"of two schools", double, 1, 5}, {"with an e-mail", email, 60, 120}, {"with a phone", phone, 40, 70},
		{"with an address", postal, 70, 90}, {"refusing mail", refusing, 3, 9}, {"homonyms", homonyms, 0.01, 2}} {
		if share := float64(c.n) * 100 / n; share < c.low || share > c.high {
			t.Errorf("%s: %.1f %%, want %.1f to %.1f", c.what, share, c.low, c.high)
		}
	}
	if len(surnames) < 4000 || surnames["Martin"] < surnames["Roche"] || surnames["Martin"]*100 > n*2 {
		t.Errorf("%d surnames, Martin %d times, Roche %d times", len(surnames), surnames["Martin"], surnames["Roche"])
	}
	for year := 1955; year <= 2030; year++ {
		if classes[year] == 0 {
			t.Errorf("nobody of the class of %d", year)
		}
	}
	t.Logf("%d surnames, %d logins; activated %d, members %d, women %d, deceased %d, students %d, usage names %d, two schools %d, homonyms %d",
		len(surnames), len(logins), activated, members, women, deceased, students, married, double, homonyms)
}

func TestPopulationIsTheSameAgain(t *testing.T) {
	t.Parallel()
	write := func(n int) string {
		var b strings.Builder
		for d := range population(n) {
			fmt.Fprintf(&b, "%+v\n", d)
		}
		return b.String()
	}
	if a, b := write(500), write(500); a != b {
		t.Error("two runs differ")
	}
	if a, b := write(500), write(501); a == b {
		t.Error("two sizes do not differ")
	}
}

func TestFixedPeople(t *testing.T) {
	t.Parallel()
	byLogin := map[string]people.Dossier{}
	for d := range population(20) {
		for _, l := range d.Logins {
			byLogin[l.Login] = d
		}
	}
	for _, a := range demo.Accounts() {
		d, ok := byLogin[a.Login]
		if ok == a.Staff {
			t.Errorf("%s is in the base: %v", a.Login, ok)
			continue
		}
		if a.Staff {
			continue
		}
		mail, _ := d.PreferredEmail()
		if d.Name() != a.Name || mail.Value != a.Email || mail.ConfirmedAt.IsZero() || !d.Activated() {
			t.Errorf("%s: %s, %+v, activated %v", a.Login, d.Name(), mail, d.Activated())
		}
		if want := strings.HasPrefix(a.What, "adhérent") || a.Role != ""; d.MemberOn(now) != want {
			t.Errorf("%s is a member: %v, want %v", a.Login, !want, want)
		}
	}
	if n := len(demo.Inactives()); n != 7 {
		t.Errorf("%d to try activation with, want 7", n)
	}
	for _, a := range demo.Inactives() {
		for _, l := range a.Logins {
			d := byLogin[l]
			var email, phone string
			for _, c := range d.Contacts {
				switch c.Kind {
				case people.Email:
					email = c.Value
				case people.Phone:
					phone = c.Value
					if e164, ok := fold.Phone(phone, "FR"); !ok || e164 != c.ValueKey {
						t.Errorf("%s: %s is %s, want %s", l, phone, c.ValueKey, e164)
					}
				}
			}
			if !strings.HasPrefix(a.Name, d.Name()) || d.Surname() != a.Surname || email != a.Email || phone != a.Phone || d.Activated() {
				t.Errorf("%s: the base has %s, %q, %q, activated %v; the list says %+v", l, d.Name(), email, phone, d.Activated(), a)
			}
			if len(d.Logins) != len(a.Logins) {
				t.Errorf("%s has %d logins, the list says %d", l, len(d.Logins), len(a.Logins))
			}
		}
	}
}

func store(d *db.DB) *people.Store {
	c := clock.At(now)
	return people.NewStore(d, changes.NewStore(d, c), c)
}

func TestLoad(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := store(d)
		boom := errors.New("killed")
		func() {
			defer func() {
				if recover() != boom {
					t.Error("the load went on")
				}
			}()
			_ = demo.Load(t.Context(), d, s, demo.Options{People: 5000, Places: communes(), Progress: func(int, int) { panic(boom) }})
		}()
		var steps []int
		load := func(n int) error {
			return demo.Load(t.Context(), d, s, demo.Options{People: n, Places: communes(), Progress: func(done, _ int) { steps = append(steps, done) }})
		}
		for range 2 { // goes on, then finds all there
			if err := load(5000); err != nil {
				t.Fatal(err)
			}
		}
		if n, err := s.Count(t.Context()); err != nil || n != 5000 {
			t.Errorf("%d people, %v; want 5000", n, err)
		}
		if !slices.Equal(steps, []int{4000, 5000, 4000, 5000}) {
			t.Errorf("progress = %v", steps)
		}
		if err := load(6000); !errors.Is(err, errs.Conflict) {
			t.Errorf("another population = %v, want conflict", err)
		}
		if _, given, err := s.GenerateLogins(t.Context(), system, id.ID{}, 1000); err != nil || given != 0 {
			t.Errorf("GenerateLogins() = %d, %v; want all given", given, err)
		}
		p, err := s.PersonByLogin(t.Context(), "Pierre-Henri.L’HAME.ly.1989")
		if err != nil {
			t.Fatal(err)
		}
		if st, err := s.StandingOf(t.Context(), p); err != nil || !st.Member || st.Login != "pierre-henri.l-hame.ly1989" {
			t.Errorf("StandingOf() = %+v, %v", st, err)
		}
	})
}

// BenchmarkLoad fills a base with AMICALE_DEMO_PEOPLE people (80,000 when unset) and reads it again.
func BenchmarkLoad(b *testing.B) {
	n, _ := strconv.Atoi(os.Getenv("AMICALE_DEMO_PEOPLE"))
	if n == 0 {
		n = 80_000
	}
	for name, open := range map[string]func(testing.TB) *db.DB{"sqlite": dbtest.New, "postgres": dbtest.Postgres} {
		b.Run(name, func(b *testing.B) {
			for range b.N {
				b.StopTimer()
				d := open(b)
				s := store(d)
				b.StartTimer()
				start := time.Now()
				if err := demo.Load(b.Context(), d, s, demo.Options{People: n, Places: communes()}); err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(n)/time.Since(start).Seconds(), "loaded/s")
				start = time.Now()
				count := 0
				if err := s.EachDossier(b.Context(), system, id.ID{}, func(*people.Dossier) error { count++; return nil }); err != nil || count != n {
					b.Fatal(count, err)
				}
				b.ReportMetric(float64(n)/time.Since(start).Seconds(), "read/s")
			}
		})
	}
}
