package demo

import (
	"encoding/binary"
	"fmt"
	"iter"
	"math/rand/v2"
	"strings"
	"time"

	"amicale/internal/fold"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/viewer"
)

// Population are n people, the fixed ones of Accounts and Inactives first, then class by class. The same seed, n,
// day and list of places give the same people, with identifiers and logins; memory does not grow with n. places
// are names of communes, of which surnames are made; without them there are fewer different ones. as are the six
// associations, saved.
func Population(seed uint64, n int, now time.Time, places []string, as people.Associations) iter.Seq[people.Dossier] {
	return func(yield func(people.Dossier) bool) {
		g := newGenerator(seed, n, now, places, as)
		known := g.fixed()
		for _, d := range known {
			if !yield(d) {
				return
			}
		}
		more := true
		shares(max(0, n-len(known)), min(lastClass, g.graduated+4), func(s school, year, count int) {
			for range count {
				if more = more && yield(g.person(s, year)); !more {
					return
				}
			}
			delete(g.taken, class{s.code, year})
		})
	}
}

// generator makes one person after another.
type generator struct {
	*lexicon
	*rand.Rand
	pcg       *rand.PCG
	seed      uint64
	next      uint64 // number of the next person
	now       time.Time
	graduated int // the last class that left school
	as        map[string]id.ID
	schools   []school
	taken     map[class]map[string]bool // logins of classes that are not over yet
}

func newGenerator(seed uint64, n int, now time.Time, places []string, as people.Associations) *generator {
	pcg := rand.NewPCG(seed, 0)
	g := &generator{lexicon: newLexicon(places), Rand: rand.New(pcg), pcg: pcg, seed: seed ^ uint64(n)<<20, now: now.UTC().Truncate(24 * time.Hour),
		as: map[string]id.ID{}, schools: schools(), taken: map[class]map[string]bool{}}
	g.graduated = g.now.Year() - 1
	if g.now.Month() >= time.September {
		g.graduated++
	}
	for _, a := range as {
		g.as[a.Code] = a.ID
	}
	return g
}

// begin turns to the next person, whose data depend on the seed and his number alone.
func (g *generator) begin() {
	g.next++
	g.pcg.Seed(g.seed, g.next)
}

// id makes an identifier of version 7: they sort in the order the people are made.
func (g *generator) id() id.ID {
	var b id.ID
	ms := uint64(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()) + g.next
	binary.BigEndian.PutUint64(b[:8], ms<<16|0x7000|g.Uint64()&0xfff)
	binary.BigEndian.PutUint64(b[8:], 1<<63|g.Uint64()>>2)
	return b
}

// chance is true in so many of a hundred cases.
func (g *generator) chance(percent float64) bool { return g.Float64()*100 < percent }

// day is some day of a year.
func (g *generator) day(year int) time.Time {
	return time.Date(year, 1, 1+g.IntN(365), 0, 0, 0, 0, time.UTC)
}

func (g *generator) person(s school, year int) people.Dossier {
	g.begin()
	d := people.Dossier{Person: people.Person{ID: g.id(), Status: people.Graduate}}
	if year > g.graduated {
		d.Status = people.Student
	}
	born := year - 23 + g.IntN(3) - 1
	woman := g.chance(womenIn(year))
	g.name(&d, woman, born)
	g.birth(&d, born)
	g.degrees(&d, s, year)
	g.logins(&d, woman, year)
	g.life(&d, born)
	g.contacts(&d, s.code)
	g.memberships(&d, s.code, year)
	g.words(&d, woman, year)
	d.LegacyIDs = []people.LegacyID{{Source: s.code, Value: fmt.Sprintf("%s%06d", strings.ToUpper(s.code[:1]), 100_000+g.next)}}
	return d
}

// womenIn is how many of a hundred in a class are women.
func womenIn(year int) float64 {
	return min(36, max(1, float64(year-1955)*0.52))
}

func (g *generator) name(d *people.Dossier, woman bool, born int) {
	sex := " m"
	d.Civility = "m"
	if woman {
		sex, d.Civility = " f", "mme"
	}
	decade := fmt.Sprint(min(2000, max(1930, born/10*10)))
	abroad := 8.0 // of a hundred; twice that for those born since 1965
	if born >= 1965 {
		abroad = 16
	}
	first := g.firstNames[decade+sex].pick(g.Rand)
	d.BirthSurname = ""
	if g.chance(abroad) {
		region := g.regions.pick(g.Rand)
		d.BirthSurname = g.regional[region].pick(g.Rand)
		if names := g.firstNames[region+sex]; names != nil && g.chance(60) {
			first = names.pick(g.Rand)
		}
	} else {
		d.BirthSurname = g.surname()
	}
	d.FirstName, d.FirstNames = first, first
	for g.chance(45) && len(d.FirstNames) < 60 {
		d.FirstNames += " " + g.firstNames[decade+sex].pick(g.Rand)
	}
}

// surname is a French one.
func (g *generator) surname() string {
	x := g.Float64() * 100
	switch {
	case x < 3:
		return g.surname() + "-" + g.common.pick(g.Rand)
	case x < 20:
		return g.endings.pick(g.Rand)
	case g.places != nil && x < 54:
		return g.places.pick(g.Rand)
	case g.places != nil && x < 57:
		p := g.places.pick(g.Rand)
		if strings.ContainsRune("AEIOUYÉÈÊÎÔH", []rune(p)[0]) {
			return "d’" + p
		}
		return "de " + p
	}
	return g.common.pick(g.Rand)
}

func (g *generator) birth(d *people.Dossier, born int) {
	switch {
	case g.chance(5):
	case g.chance(10):
		d.BirthYear = born
	default:
		d.BirthDate = g.day(born)
	}
}

func (g *generator) degrees(d *people.Dossier, s school, year int) {
	first := people.Degree{ID: g.id(), AssociationID: g.as[s.code], ClassYear: year, Diploma: people.Engineer, Department: pickOne(g.Rand, s.departmentsIn(year))}
	switch {
	case d.Status == people.Student:
		first.Diploma, first.StudyYear = people.StudentDiploma, 5-(year-g.graduated-1)
	case first.Department == s.architects:
		first.Diploma = people.Architect
	case first.Department == s.others:
		first.Diploma = people.OtherDiploma
	case g.chance(2):
		first.Diploma = people.Master
	case g.chance(1.5):
		first.Diploma = people.Doctorate
	}
	if g.chance(0.1) && d.Status == people.Graduate {
		first.ClassYear = 0 // the older system did not say
	}
	d.Degrees = []people.Degree{first}
	later := year + 1 + g.IntN(4)
	if later > g.graduated || first.ClassYear == 0 {
		return
	}
	switch {
	case g.chance(3):
		other := pickOne(g.Rand, g.schools)
		if other.code != s.code && later > other.first {
			d.Degrees = append(d.Degrees, people.Degree{ID: g.id(), AssociationID: g.as[other.code], ClassYear: later,
				Diploma: pickOne(g.Rand, []people.Diploma{people.Master, people.Engineer, people.Doctorate}), Department: pickOne(g.Rand, other.departmentsIn(later))})
		}
	case g.chance(4):
		d.Degrees = append(d.Degrees, people.Degree{ID: g.id(), AssociationID: first.AssociationID, ClassYear: later, Diploma: people.Doctorate, Department: first.Department})
	}
}

// logins gives each degree one under the usage name, after one under the birth name that was there before.
func (g *generator) logins(d *people.Dossier, woman bool, year int) {
	married := 1.0
	if woman && year < 2021 {
		married = 25
		if year < 2000 {
			married = 50
		}
	}
	if d.Status != people.Student && g.chance(married) {
		spouse := g.surname()
		if g.chance(20) && !strings.Contains(d.BirthSurname+spouse, "-") {
			spouse = d.BirthSurname + "-" + spouse
		}
		if g.chance(60) {
			g.login(d, d.BirthSurname, false)
		}
		d.UsageSurname = spouse
	}
	g.login(d, d.Surname(), true)
}

// login takes the next free one in each class.
func (g *generator) login(d *people.Dossier, surname string, current bool) {
	for _, degree := range d.Degrees {
		if degree.ClassYear == 0 {
			continue
		}
		code := g.code(degree.AssociationID)
		of := class{code, degree.ClassYear}
		if g.taken[of] == nil {
			g.taken[of] = map[string]bool{}
		}
		for occurrence := 1; ; occurrence++ {
			login, err := fold.Login(d.FirstName, surname, code, degree.ClassYear, occurrence)
			if err != nil {
				break
			}
			if g.taken[of][login] {
				continue
			}
			g.taken[of][login] = true
			d.Logins = append(d.Logins, people.Login{Login: login, DegreeID: degree.ID, Current: current, Origin: "import"})
			break
		}
	}
}

func (g *generator) code(association id.ID) string {
	for code, a := range g.as {
		if a == association {
			return code
		}
	}
	return ""
}

// life says who died, and who uses the site.
func (g *generator) life(d *people.Dossier, born int) {
	age := g.now.Year() - born
	dead := 0.3
	switch {
	case age >= 88:
		dead = 35
	case age >= 78:
		dead = 10
	case age >= 65:
		dead = 2.5
	}
	if g.chance(dead) {
		d.Status = people.Deceased
		if g.chance(60) {
			d.DeceasedOn = g.now.AddDate(0, 0, -g.IntN(3000)-30)
		}
	}
	active := 62.0
	if d.Status == people.Student {
		active = 45
	}
	if g.chance(active) {
		d.ActivatedAt = g.now.AddDate(0, 0, -1-g.IntN(1500))
		d.ConfirmedAt = d.ActivatedAt.AddDate(0, 0, g.IntN(1+int(g.now.Sub(d.ActivatedAt).Hours()/24)))
		if d.Status == people.Deceased && !d.DeceasedOn.IsZero() && d.ActivatedAt.After(d.DeceasedOn) {
			d.ActivatedAt, d.ConfirmedAt = time.Time{}, time.Time{}
		}
	}
	if d.Activated() {
		d.Audiences = g.audiences()
	}
	if g.chance(6) {
		d.Consents = append(d.Consents, people.Consent{ID: g.id(), Kind: "mailing", At: g.now.AddDate(0, 0, -g.IntN(4000)), Origin: "import"})
	}
}

// audiences are what a few have changed.
func (g *generator) audiences() map[people.Field]viewer.Audience {
	out := map[people.Field]viewer.Audience{}
	if g.chance(5) {
		out[people.FieldIdentity], out[people.FieldHeadline] = viewer.Everyone, viewer.Everyone
	}
	if g.chance(5) {
		out[people.FieldPresentation] = viewer.Members
	}
	if g.chance(8) {
		out[people.FieldBirthDate] = viewer.InNetwork
	}
	return out
}
