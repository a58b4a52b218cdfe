package i18n

import (
	"context"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // the machine may have no zones of its own
)

func months(lang string) [12]string {
	if lang == "en" {
		return [12]string{"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"}
	}
	return [12]string{"janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre"}
}

// zone is where the federation lives; dates are shown as its people read them.
func zone() *time.Location {
	loc, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		return time.UTC
	}
	return loc
}

// Date is a day in words: 3 mai 2026, 3 May 2026.
func Date(ctx context.Context, t time.Time) string {
	if t.IsZero() {
		return ""
	}
	if h, m, s := t.Clock(); h+m+s != 0 || t.Nanosecond() != 0 {
		t = t.In(zone()) // a pure date carries no time of day and must not slip to its neighbour
	}
	day := strconv.Itoa(t.Day())
	lang := Lang(ctx)
	if lang == "fr" && t.Day() == 1 {
		day = "1er"
	}
	return day + " " + months(lang)[t.Month()-1] + " " + strconv.Itoa(t.Year())
}

// DateTime is a day and an hour that no end of a line parts from its preposition: 3 mai 2026 à 14:05.
func DateTime(ctx context.Context, t time.Time) string {
	if t.IsZero() {
		return ""
	}
	t = t.In(zone())
	join := " à\u00a0"
	if Lang(ctx) == "en" {
		join = " at\u00a0"
	}
	return Date(ctx, t.Add(time.Nanosecond)) + join + t.Format("15:04")
}

// Number groups thousands as the language does: 80 000 (narrow no-break space), 80,000.
func Number(ctx context.Context, n int) string {
	sep := "\u202f"
	if Lang(ctx) == "en" {
		sep = ","
	}
	s := strconv.Itoa(n)
	neg := strings.HasPrefix(s, "-")
	s = strings.TrimPrefix(s, "-")
	var b strings.Builder
	for i, r := range s {
		if i > 0 && (len(s)-i)%3 == 0 {
			b.WriteString(sep)
		}
		b.WriteRune(r)
	}
	if neg {
		return "-" + b.String()
	}
	return b.String()
}
