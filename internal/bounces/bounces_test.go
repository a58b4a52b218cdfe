package bounces_test

import (
	"testing"
	"time"

	"amicale/internal/bounces"
	"amicale/internal/mail"
)

var noon = time.Date(2026, 6, 15, 12, 0, 0, 0, time.UTC)

const claim mail.Class = "claim"

// fails is what came back days ago, at an hour of that day.
func fails(class mail.Class, daysAgo, hour, n int) bounces.Failure {
	at := time.Date(noon.Year(), noon.Month(), noon.Day()-daysAgo, hour, 0, 0, 0, time.UTC)
	return bounces.Failure{Address: "a@x.fr", Hour: at, Class: class, Destination: "orange", Failures: n}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	doubtful := fails(mail.Dead, 2, 9, 2)
	doubtful.DoubtAt = noon
	reported := fails(mail.Dead, 2, 9, 2)
	reported.Reported = true
	full := func(days int) (out []bounces.Failure) {
		for d := range days {
			f := fails(mail.Full, d+1, 9, 3)
			f.Destination = "laposte"
			out = append(out, f)
		}
		return out
	}
	frozen, _ := bounces.Freeze([]bounces.Hour{
		{Destination: "orange", Hour: fails(mail.Dead, 3, 9, 1).Hour, Sent: 1000, Reputation: 60},
		{Destination: "orange", Hour: fails(mail.Dead, 3, 10, 1).Hour, Sent: 3000},
		{Destination: "orange", Hour: fails(mail.Dead, 3, 11, 1).Hour, Sent: 3000},
		{Destination: "orange", Hour: fails(mail.Dead, 3, 12, 1).Hour, Sent: 3000},
		{Destination: "orange", Hour: fails(mail.Dead, 3, 13, 1).Hour, Sent: 3000},
	})
	for _, c := range []struct {
		name string
		list []bounces.Failure
		want mail.Class // "" for not broken
	}{
		{"nothing", nil, ""},
		{"three on one day", []bounces.Failure{fails(mail.Dead, 1, 9, 3)}, ""},
		{"two on two days", []bounces.Failure{fails(mail.Dead, 1, 9, 1), fails(mail.Dead, 2, 9, 1)}, ""},
		{"three on two days", []bounces.Failure{fails(mail.Dead, 1, 9, 1), fails(mail.Dead, 2, 9, 2)}, mail.Dead},
		{"the second day is not over", []bounces.Failure{fails(mail.Dead, 0, 9, 1), fails(mail.Dead, 2, 9, 2)}, ""},
		{"policy never counts", []bounces.Failure{fails(mail.Policy, 1, 9, 9), fails(mail.Policy, 2, 9, 9)}, ""},
		{"reputation never counts", []bounces.Failure{fails(mail.Reputation, 1, 9, 9), fails(mail.Reputation, 2, 9, 9)}, ""},
		{"a later message may have arrived", []bounces.Failure{fails(mail.Dead, 1, 9, 3), doubtful}, ""},
		{"nine full days", full(9), ""},
		{"ten full days", full(10), mail.Full},
		{"dead and full do not add up", append(full(9), fails(mail.Dead, 10, 9, 1)), ""},
		{"one frozen hour", []bounces.Failure{fails(mail.Dead, 1, 9, 2), fails(mail.Dead, 3, 9, 2)}, ""},
		{"beside the frozen hour", []bounces.Failure{fails(mail.Dead, 1, 9, 2), fails(mail.Dead, 3, 10, 1)}, mail.Dead},
		{"a claim alone", []bounces.Failure{fails(claim, 1, 0, 5), fails(claim, 2, 0, 5)}, ""},
		{"claims count once", []bounces.Failure{fails(mail.Dead, 1, 9, 1), fails(claim, 2, 0, 5), fails(claim, 3, 0, 5)}, ""},
		{"a claim makes the second day", []bounces.Failure{fails(mail.Dead, 1, 9, 2), fails(claim, 2, 0, 1)}, mail.Dead},
		{"a claim of the same day does not", []bounces.Failure{fails(mail.Dead, 1, 9, 2), fails(claim, 1, 0, 1)}, ""},
		{"a claim makes nobody full", append(full(9), fails(claim, 10, 0, 1)), ""},
	} {
		got, broken := bounces.Judge(c.list, frozen, noon.Truncate(24*time.Hour))
		if broken != (c.want != "") || got.Cause != c.want {
			t.Errorf("%s: Judge() = %+v, %v; want %q", c.name, got, broken, c.want)
		}
	}
	got, _ := bounces.Judge([]bounces.Failure{fails(mail.Dead, 1, 9, 1), reported}, bounces.Frozen{}, noon.Truncate(24*time.Hour))
	if got.Reported || got.Failures != 3 || got.Days != 2 || !got.Since.Equal(reported.Hour) {
		t.Errorf("Judge() = %+v, want three failures on two days, one of them in the conversation", got)
	}
}

func TestFreeze(t *testing.T) {
	t.Parallel()
	hour := func(h, sent, reputation, failed int) bounces.Hour {
		return bounces.Hour{Destination: "orange", Hour: noon.Truncate(24 * time.Hour).Add(time.Duration(h) * time.Hour), Sent: sent, Reputation: reputation, Failed: failed}
	}
	quiet := func(from, n, sent int) (out []bounces.Hour) {
		for h := range n {
			out = append(out, hour(from+h, sent, 0, 0))
		}
		return out
	}
	for _, c := range []struct {
		name         string
		list         []bounces.Hour
		first, whole bool // the hour from midnight; the hour from 23
	}{
		{"nothing", nil, false, false},
		{"nobody blames us", quiet(0, 24, 100), false, false},
		{"one in a hundred", append(quiet(1, 23, 100), hour(0, 99, 1, 0)), false, false},
		{"one in twenty", append(quiet(1, 23, 100), hour(0, 19, 1, 0)), true, false},
		{"one in twenty, of them refused", append(quiet(1, 23, 100), hour(0, 0, 1, 19)), true, false},
		{"one in ten is no accident yet", append(quiet(1, 23, 100), hour(0, 9, 1, 0)), false, false},
		{"one in five", append(quiet(1, 23, 100), hour(0, 4, 1, 0)), true, false},
		{"five hours of twenty-four", append(quiet(5, 19, 100), hour(0, 95, 5, 0), hour(1, 95, 5, 0), hour(2, 95, 5, 0), hour(3, 95, 5, 0), hour(4, 95, 5, 0)), true, false},
		{"a quarter of the hours", append(quiet(6, 18, 100), hour(0, 95, 5, 0), hour(1, 95, 5, 0), hour(2, 95, 5, 0), hour(3, 95, 5, 0), hour(4, 95, 5, 0), hour(5, 95, 5, 0)), true, true},
		{"a tenth of the day in two hours", append(quiet(2, 21, 10), hour(0, 0, 20, 0), hour(1, 0, 10, 0)), true, true},
	} {
		f, days := bounces.Freeze(c.list)
		midnight := noon.Truncate(24 * time.Hour)
		if got := f.Holds("orange", midnight.Add(59*time.Minute)); got != c.first {
			t.Errorf("%s: the first hour is frozen: %v, want %v", c.name, got, c.first)
		}
		if got := f.Holds("orange", midnight.Add(23*time.Hour)); got != c.whole {
			t.Errorf("%s: the day is frozen: %v, want %v", c.name, got, c.whole)
		}
		if f.Holds("google", midnight) || f.Holds("orange", midnight.Add(24*time.Hour)) {
			t.Errorf("%s: another destination or day is frozen", c.name)
		}
		if (len(days) == 1) != (c.first || c.whole) || len(days) == 1 && days[0].Whole != c.whole {
			t.Errorf("%s: days = %+v", c.name, days)
		}
	}
	_, days := bounces.Freeze(append(quiet(1, 23, 100), hour(0, 19, 1, 0)))
	if got := days[0]; got.Answers != 20 || got.Reputation != 1 || len(got.Hours) != 1 || !got.Serious() {
		t.Errorf("of one frozen hour its own answers are told, not %+v", got)
	}
}

func TestMask(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"laure@exemple.fr": "l…@exemple.fr", "l@exemple.fr": "…@exemple.fr", "élodie@x.fr": "é…@x.fr", "": "…@"} {
		if got := bounces.Mask(in); got != want {
			t.Errorf("Mask(%q) = %q, want %q", in, got, want)
		}
	}
}
