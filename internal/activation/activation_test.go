package activation_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"amicale/internal/activation"
	"amicale/internal/errs"
	"amicale/internal/fold"
	"amicale/internal/id"
	"amicale/internal/people"
)

func TestDecide(t *testing.T) {
	t.Parallel()
	ly, re := id.New(), id.New()
	claim := people.Claim{Surname: "Lavaut", Year: 2010, Email: " Laure@Exemple.fr ", Phone: "06 12 34 56 78"}
	const phone = "+33612345678"
	laure := activation.Candidate{Person: id.New(), Association: ly, Emails: []string{"old@exemple.fr", "laure@exemple.fr"}, Phones: []string{phone}}
	other := activation.Candidate{Person: id.New(), Association: ly, Emails: []string{"x@exemple.fr"}}
	with := func(c activation.Candidate, change func(*activation.Candidate)) activation.Candidate {
		change(&c)
		return c
	}
	namesake := with(laure, func(c *activation.Candidate) { c.Person, c.Phones = id.New(), nil })
	dead := func(c *activation.Candidate) { c.Deceased = true }
	link := activation.Decision{Verb: activation.SendLink, Person: laure.Person, Association: ly, To: "laure@exemple.fr", Notify: []string{"old@exemple.fr"}}
	toDesk := func(why activation.Reason, person, association id.ID) activation.Decision {
		return activation.Decision{Verb: activation.OpenCase, Reason: why, Person: person, Association: association}
	}
	for _, c := range []struct {
		name string
		in   []activation.Candidate
		want activation.Decision
	}{
		{"the address is held", []activation.Candidate{laure}, link},
		{"a homonym without it", []activation.Candidate{other, laure}, link},
		{"an address held twice", []activation.Candidate{with(laure, func(c *activation.Candidate) { c.Emails = []string{"laure@exemple.fr", "LAURE@exemple.fr"} })},
			activation.Decision{Verb: activation.SendLink, Person: laure.Person, Association: ly, To: "laure@exemple.fr"}},
		{"homonyms share it, the phone tells", []activation.Candidate{namesake, laure}, link},
		{"homonyms share both", []activation.Candidate{with(namesake, func(c *activation.Candidate) { c.Phones = []string{phone} }), laure}, toDesk(activation.Several, id.ID{}, ly)},
		{"homonyms of two schools share it", []activation.Candidate{with(namesake, func(c *activation.Candidate) { c.Association = re }), with(laure, func(c *activation.Candidate) { c.Phones = nil })},
			toDesk(activation.Several, id.ID{}, id.ID{})},
		{"a dead homonym shares it", []activation.Candidate{with(namesake, dead), laure}, link},
		{"deceased", []activation.Candidate{with(laure, dead)}, toDesk(activation.IsDeceased, laure.Person, ly)},
		{"phone only", []activation.Candidate{with(laure, func(c *activation.Candidate) { c.Emails = nil })}, toDesk(activation.PhoneOnly, laure.Person, ly)},
		{"phone only, of one homonym", []activation.Candidate{other, with(laure, func(c *activation.Candidate) { c.Emails = nil })}, toDesk(activation.PhoneOnly, laure.Person, ly)},
		{"nothing agrees", []activation.Candidate{other}, toDesk(activation.NothingAgrees, other.Person, ly)},
		{"nothing agrees, two schools", []activation.Candidate{other, with(other, func(c *activation.Candidate) { c.Association = re })}, toDesk(activation.NothingAgrees, id.ID{}, id.ID{})},
		{"nobody", nil, toDesk(activation.NobodyThere, id.ID{}, id.ID{})},
		{"the address is somebody else's", []activation.Candidate{with(laure, func(c *activation.Candidate) { c.Elsewhere = true })}, toDesk(activation.AddressAgrees, laure.Person, ly)},
		{"only the number is somebody else's", []activation.Candidate{with(laure, func(c *activation.Candidate) { c.Elsewhere, c.Emails = true, nil })}, toDesk(activation.NobodyThere, id.ID{}, id.ID{})},
		{"already open", []activation.Candidate{with(laure, func(c *activation.Candidate) { c.Activated = true })},
			activation.Decision{Verb: activation.SayAlready, Person: laure.Person, Association: ly, To: "laure@exemple.fr"}},
		{"already open, only the phone agrees", []activation.Candidate{with(laure, func(c *activation.Candidate) { c.Activated, c.Emails = true, nil })}, toDesk(activation.PhoneOnly, laure.Person, ly)},
		{"stopped", []activation.Candidate{with(laure, func(c *activation.Candidate) { c.Stopped = true })}, toDesk(activation.WasStopped, laure.Person, ly)},
		{"enough for today", []activation.Candidate{with(laure, func(c *activation.Candidate) { c.Links = 5 })},
			activation.Decision{Verb: activation.StaySilent, Person: laure.Person, Association: ly}},
	} {
		if got := activation.Decide(claim, c.in); fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%s: Decide() = %+v, want %+v", c.name, got, c.want)
		}
	}
}

// Whatever the candidates, a link goes to nobody but one living person who holds the address typed.
func TestDecideNeverSendsElsewhere(t *testing.T) {
	t.Parallel()
	claim := people.Claim{Surname: "A", Year: 2000, Email: "a@b.fr", Phone: "0612345678"}
	for bits := range 1 << 10 {
		on := func(i int) bool { return bits&(1<<i) != 0 }
		var in []activation.Candidate
		for n := range 2 {
			c := activation.Candidate{Person: id.New(), Association: id.New(), Deceased: on(n*5 + 2), Stopped: on(n*5 + 3), Elsewhere: on(n*5 + 4)}
			if on(n * 5) {
				c.Emails = []string{"A@b.fr"}
			}
			if on(n*5 + 1) {
				c.Phones = []string{"+33612345678"}
			}
			in = append(in, c)
		}
		got := activation.Decide(claim, in)
		if got.Verb == activation.OpenCase {
			if got.To != "" || got.Reason == "" {
				t.Fatalf("Decide(%b) = %+v: a case without a reason, or with an address", bits, got)
			}
			continue
		}
		for _, c := range in {
			if c.Person == got.Person && (len(c.Emails) == 0 || c.Deceased || c.Stopped || c.Elsewhere) {
				t.Fatalf("Decide(%b) = %+v for %+v", bits, got, c)
			}
		}
	}
}

func TestClaimValidate(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	good := people.Claim{Surname: " L’Hame ", Year: 1989, Email: "a@b.fr", Phone: "+41 44 668 18 00"}
	for _, c := range []struct {
		name   string
		change func(*people.Claim)
		want   string // the field that is wrong; "" for none
	}{
		{"good", func(*people.Claim) {}, ""},
		{"no surname", func(c *people.Claim) { c.Surname = " ’ " }, "surname"},
		{"a year of two digits", func(c *people.Claim) { c.Year = 89 }, "year"},
		{"a year far ahead", func(c *people.Claim) { c.Year = 2037 }, "year"},
		{"no address", func(c *people.Claim) { c.Email = "a@b" }, "email"},
		{"no number", func(c *people.Claim) { c.Phone = "12" }, "phone"},
	} {
		claim := good
		c.change(&claim)
		err := claim.Validate(now)
		if c.want == "" {
			if err != nil || claim.Surname != "L’Hame" {
				t.Errorf("%s: Validate() = %v, surname %q", c.name, err, claim.Surname)
			}
			continue
		}
		fields := errs.FieldsOf(err)
		if _, ok := fields[c.want]; !ok || len(fields) != 1 || !errors.Is(err, errs.Invalid) {
			t.Errorf("%s: Validate() = %v, want %s alone", c.name, err, c.want)
		}
	}
	if err := good.ValidateAddition(now); len(errs.FieldsOf(err)) != 3 {
		t.Errorf("ValidateAddition() = %v, want first name, school and diploma missing", err)
	}
}

func FuzzClaim(f *testing.F) {
	f.Add("L’Hame", "a@b.fr", "06 12 34 56 78", 1989)
	f.Fuzz(func(t *testing.T, surname, email, phone string, year int) {
		c := people.Claim{Surname: surname, Email: email, Phone: phone, Year: year}
		if c.Validate(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)) == nil && (fold.Name(c.Surname) == "" || c.Target() == "") {
			t.Errorf("Validate() took %q", surname)
		}
	})
}
