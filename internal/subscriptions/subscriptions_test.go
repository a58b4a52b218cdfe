package subscriptions_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"amicale/internal/id"
	"amicale/internal/subscriptions"
)

var (
	day0 = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	ly   = id.ID{15: 1}
	re   = id.ID{15: 2}
)

func TestEverybodyGetsWhatHeDidNotRefuse(t *testing.T) {
	t.Parallel()
	news := subscriptions.Cell{Sender: ly, Kind: subscriptions.News}
	choice := func(wants bool, from subscriptions.Origin, days int) subscriptions.Choice {
		return subscriptions.Choice{Sender: ly, Kind: subscriptions.News, Wants: wants, Origin: from, At: day0.AddDate(0, 0, days)}
	}
	standing := func(asked int, lists map[string]time.Time, choices ...subscriptions.Choice) subscriptions.Standing {
		s := subscriptions.Standing{Choices: choices, Lists: lists}
		if asked != 0 {
			s.Asked = map[subscriptions.Cell]time.Time{news: day0.AddDate(0, 0, asked)}
		}
		return s
	}
	mailing, paper := map[string]time.Time{"mailing": day0}, map[string]time.Time{"paper": day0}
	for _, c := range []struct {
		name string
		s    subscriptions.Standing
		at   subscriptions.Cell
		want bool
	}{
		{"who never said anything", standing(0, nil), news, true},
		{"who refused", standing(0, nil, choice(false, subscriptions.ByPerson, 0)), news, false},
		{"a refusal of another kind", standing(0, nil, choice(false, subscriptions.ByPerson, 0)), subscriptions.Cell{Sender: ly, Kind: subscriptions.Events}, true},
		{"a refusal of another sender", standing(0, nil, choice(false, subscriptions.ByPerson, 0)), subscriptions.Cell{Sender: re, Kind: subscriptions.News}, true},
		{"one click", standing(0, nil, choice(false, subscriptions.ByOneClick, 0)), news, false},
		{"a complaint", standing(0, nil, choice(false, subscriptions.ByComplaint, 0)), news, false},
		{"told to the staff", standing(0, nil, choice(false, subscriptions.ByStaff, 0)), news, false},
		{"one click, taken back", standing(0, nil, choice(true, subscriptions.ByOneClick, 0)), news, true},
		{"an older list", standing(0, mailing), news, false},
		{"an older list, of every sender", standing(0, mailing), subscriptions.Cell{Sender: subscriptions.Federation, Kind: subscriptions.Magazine}, false},
		{"an older list says nothing of paper", standing(0, mailing), subscriptions.Cell{Sender: ly, Kind: subscriptions.Paper}, true},
		{"an older list about paper", standing(0, paper), subscriptions.Cell{Sender: ly, Kind: subscriptions.Paper}, false},
		{"about paper only", standing(0, paper), news, true},
		{"an older list, then yes", standing(1, mailing, choice(true, subscriptions.ByPerson, 1)), news, true},
		{"yes to one kind is no yes to another", standing(1, mailing, choice(true, subscriptions.ByPerson, 1)), subscriptions.Cell{Sender: ly, Kind: subscriptions.Events}, false},
		{"yes, then a newer list", standing(-1, mailing, choice(true, subscriptions.ByPerson, -1)), news, false},
		{"an older list, and a click taken back", standing(0, mailing, choice(true, subscriptions.ByOneClick, 1)), news, false},
		{"an older list, yes, and a click taken back", standing(1, mailing, choice(true, subscriptions.ByOneClick, 2)), news, true},
		{"an older list, yes, no", standing(1, mailing, choice(false, subscriptions.ByPerson, 2)), news, false},
	} {
		if got := c.s.Subscribed(c.at.Sender, c.at.Kind); got != c.want {
			t.Errorf("%s: Subscribed() = %v, want %v", c.name, got, c.want)
		}
		if got := c.s.Wants(c.at.Sender, c.at.Kind, day0); got != c.want {
			t.Errorf("%s: Wants() = %v, want %v", c.name, got, c.want)
		}
		if got := c.s.Basis(c.at.Sender, c.at.Kind) != subscriptions.Objection; got != c.want {
			t.Errorf("%s: Basis() = %q", c.name, c.s.Basis(c.at.Sender, c.at.Kind))
		}
	}
}

func TestAPauseStopsEverythingUntilItEnds(t *testing.T) {
	t.Parallel()
	s := subscriptions.Standing{Choices: []subscriptions.Choice{{Kind: "pause", UntilAt: day0.AddDate(0, 3, 0)}}}
	for after, want := range map[time.Duration]bool{0: false, 90 * 24 * time.Hour: false, 92 * 24 * time.Hour: true} {
		for _, k := range subscriptions.Kinds() {
			if got := s.Wants(ly, k, day0.Add(after)); got != want {
				t.Errorf("%s, %v later: Wants() = %v, want %v", k, after, got, want)
			}
		}
	}
	if !s.Subscribed(ly, subscriptions.News) {
		t.Error("a pause must leave the choices as they are")
	}
	s.Choices[0].Wants = true // resumed
	if !s.Wants(ly, subscriptions.News, day0) {
		t.Error("a pause that was ended still holds")
	}
}

func secret() []byte { return bytes.Repeat([]byte{7}, 32) }

func TestTokens(t *testing.T) {
	t.Parallel()
	mine := subscriptions.NewTokens(secret())
	seen := map[string]bool{}
	for _, k := range subscriptions.Kinds() {
		for _, sender := range []id.ID{subscriptions.Federation, ly} {
			for _, lang := range []string{"fr", "en"} {
				want := subscriptions.Letter{Person: id.New(), Sender: sender, Kind: k, Lang: lang}
				token := mine.Make(want)
				if len(token) > 80 || strings.Trim(token, "abcdefghijklmnopqrstuvwxyz234567") != "" || seen[token] {
					t.Errorf("Make() = %q, want short, plain and its own", token)
				}
				seen[token] = true
				for _, typed := range []string{token, strings.ToUpper(token)} {
					if got, ok := mine.Parse(typed); !ok || got != want {
						t.Errorf("Parse(%q) = %+v, %v, want %+v", typed, got, ok, want)
					}
				}
				if _, ok := subscriptions.NewTokens(bytes.Repeat([]byte{8}, 32)).Parse(token); ok {
					t.Error("Parse() takes another installation's token")
				}
			}
		}
	}
	if got := mine.Make(subscriptions.Letter{Person: ly, Sender: ly, Kind: "pause"}); got != "" {
		t.Errorf("Make(pause) = %q, want none: a link stops one kind", got)
	}
	token := mine.Make(subscriptions.Letter{Person: ly, Sender: re, Kind: subscriptions.News})
	for i := range token { // whatever letter of it is changed
		for _, c := range []byte{'a', 'b', 'y', '2', '-', 0xff} {
			if b := []byte(token); b[i] != c {
				b[i] = c
				if _, ok := mine.Parse(string(b)); ok {
					t.Fatalf("Parse() takes %q for %q", b, token)
				}
			}
		}
	}
}

// A link that is out there must go on working whatever we change.
func TestTokensOfTheFirstVersionAreReadForEver(t *testing.T) {
	t.Parallel()
	const token = "aeaaaaaaaaaaaaaaaaaaaaaaaaaqaaaaaaaaaaaaaaaaaaaaaaaaebaact7bhyqyj4rqbvmdnrvq"
	want := subscriptions.Letter{Person: ly, Sender: re, Kind: subscriptions.Magazine, Lang: "fr"}
	if got := subscriptions.NewTokens(secret()).Make(want); got != token {
		t.Errorf("Make() = %q, want %q", got, token)
	}
	if got, ok := subscriptions.NewTokens(secret()).Parse(token); !ok || got != want {
		t.Errorf("Parse() = %+v, %v, want %+v", got, ok, want)
	}
}

func FuzzParse(f *testing.F) {
	tokens := subscriptions.NewTokens(secret())
	f.Add(tokens.Make(subscriptions.Letter{Person: ly, Sender: re, Kind: subscriptions.Paper, Lang: "en"}))
	f.Add(strings.Repeat("K", 75)) // its lower case is shorter
	f.Add(strings.Repeat("\u212a", 25))
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		if l, ok := tokens.Parse(s); ok && tokens.Make(l) != strings.ToLower(s) {
			t.Errorf("Parse(%q) = %+v, which Make() writes %q", s, l, tokens.Make(l))
		}
	})
}
