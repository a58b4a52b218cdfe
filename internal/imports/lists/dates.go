package lists

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"amicale/internal/fold"
)

// Date is a day, or a month (Day is 0), or a year (Month too). The zero Date is none.
type Date struct {
	Year, Month, Day int
}

// IsZero reports none.
func (d Date) IsZero() bool { return d == Date{} }

// String is as much of the ISO form as is known: 1989-12-31, 1989-12, 1989.
func (d Date) String() string {
	switch {
	case d.IsZero():
		return ""
	case d.Month == 0:
		return fmt.Sprintf("%04d", d.Year)
	case d.Day == 0:
		return fmt.Sprintf("%04d-%02d", d.Year, d.Month)
	}
	return fmt.Sprintf("%04d-%02d-%02d", d.Year, d.Month, d.Day)
}

// MarshalText is String.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (d *Date) UnmarshalText(b []byte) error {
	*d = Date{}
	if len(b) == 0 {
		return nil
	}
	parts := strings.Split(string(b), "-")
	for i, to := range []*int{&d.Year, &d.Month, &d.Day} {
		if i >= len(parts) {
			break
		}
		n, err := strconv.Atoi(parts[i])
		if err != nil {
			return fmt.Errorf("imports.Date %q: %w", b, err)
		}
		*to = n
	}
	return nil
}

// Time is midnight UTC of the day, the zero time if the day is not known.
func (d Date) Time() time.Time {
	if d.Day == 0 {
		return time.Time{}
	}
	return time.Date(d.Year, time.Month(d.Month), d.Day, 0, 0, 0, 0, time.UTC)
}

// First is the first day that d can mean.
func (d Date) First() Date {
	if d.IsZero() {
		return d
	}
	return Date{d.Year, max(d.Month, 1), max(d.Day, 1)}
}

// Last is the last day that d can mean.
func (d Date) Last() Date {
	if d.IsZero() || d.Day > 0 {
		return d
	}
	if d.Month == 0 {
		return Date{d.Year, 12, 31}
	}
	t := time.Date(d.Year, time.Month(d.Month)+1, 0, 0, 0, 0, 0, time.UTC)
	return Date{d.Year, d.Month, t.Day()}
}

// Before compares the first days.
func (d Date) Before(e Date) bool {
	a, b := d.First(), e.First()
	return a.Year < b.Year || a.Year == b.Year && (a.Month < b.Month || a.Month == b.Month && a.Day < b.Day)
}

func (d Date) valid() bool {
	if d.Year < 1000 || d.Year > 9999 || d.Month < 0 || d.Month > 12 || d.Day < 0 || d.Month == 0 && d.Day > 0 {
		return false
	}
	return d.Day <= (Date{Year: d.Year, Month: d.Month}).Last().Day
}

// dateOptions say how to read what can be read in two ways.
type dateOptions struct {
	latest     int  // the last year that two digits can mean; 0 is this century's 29
	monthFirst bool // 03/04 is 4 March
}

// ParseDate reads a date as people, spreadsheets and databases write it: 31/12/1989, 31-12-89, 31.12.1989,
// 1989-12-31 with or without a time, 19891231, "31 décembre 1989", "December 31, 1989", "déc. 1989", 12/1989, 1989, and
// the serial numbers of spreadsheets. latest is the last year that two digits can mean. A date that cannot be day/month
// but can be month/day is taken so, and swapped says it. The null dates of databases and an empty text are no date and
// no fault.
func ParseDate(s string, latest int) (d Date, swapped, ok bool) {
	return parseDate(s, dateOptions{latest: latest})
}

func parseDate(s string, o dateOptions) (d Date, swapped, ok bool) {
	s = strings.TrimSpace(s)
	if isNullDate(s) {
		return Date{}, false, true
	}
	if n, err := strconv.ParseFloat(s, 64); err == nil && n >= 10_000 && n < 100_000 {
		return fromSerial(n), false, true // 18 May 1927 to 13 October 2173
	}
	if d, ok = written(s, o); ok {
		return d, false, true
	}
	o.monthFirst = !o.monthFirst
	d, ok = written(s, o)
	return d, ok, ok
}

func isNullDate(s string) bool {
	switch strings.ToLower(s) {
	case "", "-", "--", "0", "null", `\n`, "n", "n/a", "na", "nc", "?", "inconnu", "inconnue", "unknown", "none":
		return true
	}
	return strings.HasPrefix(s, "0000-00-00") || strings.HasPrefix(s, "00/00/0000") || strings.HasPrefix(s, "00-00-0000")
}

// fromSerial reads days since 30 December 1899, which is right from March 1900 on.
func fromSerial(n float64) Date {
	t := time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC).AddDate(0, 0, int(math.Floor(n)))
	return Date{t.Year(), int(t.Month()), t.Day()}
}

// written reads everything but serial numbers.
func written(s string, o dateOptions) (Date, bool) {
	parts := dateParts(s)
	var d Date
	switch len(parts) {
	case 1:
		switch p := parts[0]; {
		case p.month > 0:
			return d, false
		case len(p.text) == 4:
			d.Year = p.n
		case len(p.text) == 8:
			d = Date{p.n / 10_000, p.n / 100 % 100, p.n % 100}
			if !d.valid() {
				d = Date{p.n % 10_000, p.n / 10_000 % 100, p.n / 1_000_000}
			}
		default:
			return d, false
		}
	case 2:
		switch a, b := parts[0], parts[1]; {
		case a.month > 0:
			d = Date{Year: b.year(o), Month: a.month}
		case len(a.text) == 4:
			d = Date{Year: a.n, Month: b.n + b.month}
		case len(b.text) == 4:
			d = Date{Year: b.n, Month: a.n}
		}
		if d.Month == 0 {
			return Date{}, false
		}
	case 3:
		d = threeParts(parts, o)
		if d.Month == 0 || d.Day == 0 {
			return Date{}, false
		}
	}
	if !d.valid() {
		return Date{}, false
	}
	return d, true
}

func threeParts(p []datePart, o dateOptions) Date {
	switch {
	case p[0].month > 0:
		return Date{p[2].year(o), p[0].month, p[1].n}
	case p[1].month > 0 && len(p[0].text) == 4:
		return Date{p[0].n, p[1].month, p[2].n}
	case p[1].month > 0:
		return Date{p[2].year(o), p[1].month, p[0].n}
	case len(p[0].text) == 4:
		return Date{p[0].n, p[1].n, p[2].n}
	case o.monthFirst:
		return Date{p[2].year(o), p[0].n, p[1].n}
	}
	return Date{p[2].year(o), p[1].n, p[0].n}
}

// datePart is a number or the name of a month.
type datePart struct {
	text  string
	n     int
	month int
}

// year understands two digits.
func (p datePart) year(o dateOptions) int {
	if p.month > 0 || len(p.text) != 2 {
		if len(p.text) != 4 {
			return 0
		}
		return p.n
	}
	latest := o.latest
	if latest == 0 {
		latest = 2029
	}
	year := latest - latest%100 + p.n
	if year > latest {
		year -= 100
	}
	return year
}

// dateParts cuts a date in its one to three parts, nil if it has something else. A time after it is dropped.
func dateParts(s string) []datePart {
	if len(s) > 60 {
		return nil
	}
	if i := strings.IndexAny(s, "Tt"); i >= 8 && i+1 < len(s) && s[i-1] <= '9' && '0' <= s[i+1] && s[i+1] <= '9' {
		s = s[:i]
	}
	if i := strings.IndexByte(s, ':'); i > 0 { // the hour goes with its minutes
		s = strings.TrimRight(s[:i], "0123456789")
	}
	var parts []datePart
	for _, word := range strings.FieldsFunc(fold.Name(s), func(r rune) bool { return r == ' ' }) {
		n, err := strconv.Atoi(strings.TrimSuffix(word, "er"))
		switch {
		case err == nil && n >= 0 && len(word) <= 8:
			parts = append(parts, datePart{text: word, n: n})
		case isWeekday(word), word == "le", word == "the", word == "of", word == "de", word == "ne", word == "nee":
		case monthOf(word) > 0:
			parts = append(parts, datePart{month: monthOf(word)})
		default:
			if n, ok := ordinal(word); ok {
				parts = append(parts, datePart{text: "", n: n})
				continue
			}
			return nil
		}
		if len(parts) > 3 {
			return nil
		}
	}
	return parts
}

// ordinal reads 1st, 2nd, 3rd, 4th.
func ordinal(word string) (int, bool) {
	for _, suffix := range []string{"st", "nd", "rd", "th", "o"} {
		if digits, ok := strings.CutSuffix(word, suffix); ok && len(digits) < 3 {
			n, err := strconv.Atoi(digits)
			return n, err == nil && n > 0
		}
	}
	return 0, false
}

func isWeekday(word string) bool {
	switch word {
	case "lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche",
		"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
		"lun", "mer", "jeu", "ven", "sam", "dim", "mon", "tue", "wed", "thu", "fri", "sat", "sun":
		return true
	}
	return false
}

// monthOf is the number of a month by its French or English name, or three letters or more of it; 0 if it is none.
func monthOf(word string) int {
	if len(word) < 3 {
		return 0
	}
	for i, names := range [12][2]string{
		{"janvier", "january"}, {"fevrier", "february"}, {"mars", "march"}, {"avril", "april"}, {"mai", "may"}, {"juin", "june"},
		{"juillet", "july"}, {"aout", "august"}, {"septembre", "september"}, {"octobre", "october"}, {"novembre", "november"}, {"decembre", "december"},
	} {
		if strings.HasPrefix(names[0], word) || strings.HasPrefix(names[1], word) {
			if word == "jui" {
				return 0 // June or July
			}
			return i + 1
		}
	}
	return 0
}

// isNumber reports digits, with a decimal point perhaps.
func isNumber(s string) bool {
	_, err := strconv.ParseFloat(s, 64)
	return err == nil
}

// plainNumber writes a whole number as a person would: spreadsheets store 612345678 also as 6.12345678E8 or
// 612345678.0. Everything else comes back as it is.
func plainNumber(s string) string {
	if !strings.ContainsAny(s, ".eE") || len(s) > 25 || s == "" || s[0] < '0' || s[0] > '9' {
		return s
	}
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || n != math.Trunc(n) || n > 1e15 {
		return s
	}
	if strings.ContainsAny(s, "eE") && !strings.Contains(s, ".") {
		return s // 12E5 is more likely a code
	}
	return strconv.FormatFloat(n, 'f', -1, 64)
}

// addDays is the day so many years and days later; d is a whole day.
func (d Date) AddDays(years, days int) Date {
	t := d.Time().AddDate(years, 0, days)
	return Date{t.Year(), int(t.Month()), t.Day()}
}
