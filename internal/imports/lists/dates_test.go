package lists

import "testing"

func TestParseDate(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in, want string
		ok       bool
	}{
		{"31/12/1989", "1989-12-31", true},
		{"1/2/1989", "1989-02-01", true},
		{"31-12-89", "1989-12-31", true},
		{"31.12.1989", "1989-12-31", true},
		{"31 12 1989", "1989-12-31", true},
		{"01/02/05", "2005-02-01", true},
		{"01/02/27", "1927-02-01", true},
		{"31 décembre 1989", "1989-12-31", true},
		{"1er janvier 1990", "1990-01-01", true},
		{"lundi 1er août 1988", "1988-08-01", true},
		{"31 déc. 89", "1989-12-31", true},
		{"5 févr. 2001", "2001-02-05", true},
		{"3 juil 2001", "2001-07-03", true},
		{"31-DEC-1989", "1989-12-31", true},
		{"December 31, 1989", "1989-12-31", true},
		{"31st of December 1989", "1989-12-31", true},
		{"Dec 3rd 1989", "1989-12-03", true},
		{"1989-12-31", "1989-12-31", true},
		{"1989/12/31", "1989-12-31", true},
		{"1989-12-31T00:00:00Z", "1989-12-31", true},
		{"1989-12-31 23:59:59", "1989-12-31", true},
		{"31/12/1989 00:00", "1989-12-31", true},
		{"19891231", "1989-12-31", true},
		{"31121989", "1989-12-31", true},
		{"32873", "1989-12-31", true},
		{"32873.5", "1989-12-31", true},
		{"1989", "1989", true},
		{"12/1989", "1989-12", true},
		{"1989-12", "1989-12", true},
		{"décembre 1989", "1989-12", true},
		{"Mar 2021", "2021-03", true},
		{"29/02/2000", "2000-02-29", true},
		{"", "", true},
		{"0000-00-00", "", true},
		{"00/00/0000", "", true},
		{"NULL", "", true},
		{"29/02/2001", "", false},
		{"31/04/1990", "", false},
		{"32/13/1990", "", false},
		{"1/1/90210", "", false},
		{"hier", "", false},
		{"12", "", false},
		{"06 12 34 56 78", "", false},
		{"31 jui 1990", "", false},
		{"1989-12-31-01", "", false},
	} {
		got, _, ok := ParseDate(c.in, 2026)
		if got.String() != c.want || ok != c.ok {
			t.Errorf("ParseDate(%q) = %q, %t, want %q, %t", c.in, got, ok, c.want, c.ok)
		}
	}
}

func TestParseDateSwapped(t *testing.T) {
	t.Parallel()
	if d, swapped, ok := ParseDate("12/31/1989", 2026); d.String() != "1989-12-31" || !swapped || !ok {
		t.Errorf("ParseDate(12/31/1989) = %s, %t, %t, want 1989-12-31, swapped", d, swapped, ok)
	}
	if d, _, _ := parseDate("03/04/1989", dateOptions{latest: 2026, monthFirst: true}); d.String() != "1989-03-04" {
		t.Errorf("month first: %s, want 1989-03-04", d)
	}
}

func TestDate(t *testing.T) {
	t.Parallel()
	month := Date{Year: 2024, Month: 2}
	if got := month.Last().String(); got != "2024-02-29" {
		t.Errorf("Last = %s", got)
	}
	if got := (Date{Year: 2024}).First().String(); got != "2024-01-01" {
		t.Errorf("First = %s", got)
	}
	if !month.Time().IsZero() || month.First().Time().Year() != 2024 {
		t.Error("Time of a month is a day")
	}
	if !(Date{Year: 2023}).Before(month) || month.Before(month) {
		t.Error("Before is wrong")
	}
}

func FuzzParseDate(f *testing.F) {
	f.Add("31 décembre 1989")
	f.Add("1989-12-31T00:00")
	f.Fuzz(func(t *testing.T, s string) {
		d, _, ok := ParseDate(s, 2026)
		if !ok || d.IsZero() {
			return
		}
		if !d.valid() {
			t.Errorf("ParseDate(%q) = %+v, no date", s, d)
		}
		if again, _, ok := ParseDate(d.String(), 2026); !ok || again != d {
			t.Errorf("ParseDate(%q) = %v, want %v", d, again, d)
		}
	})
}
