package forwarding

import (
	"slices"
	"strings"
	"testing"
	"time"

	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/inbox"
	"amicale/internal/people"
)

var (
	noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	lyon = people.Association{ID: id.New(), Code: "ly", MailDomain: "ly-alumni.example"}
	ren  = people.Association{ID: id.New(), Code: "re", MailDomain: "re-alumni.example"}
	both = people.Associations{lyon, ren}
)

func goal(address string, s State) Target  { return Target{Address: address, Role: Goal, State: s} }
func spare(address string, s State) Target { return Target{Address: address, Role: Reserve, State: s} }

func TestRoute(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		targets []Target
		want    string
	}{
		{"nothing", nil, ""},
		{"in their order", []Target{goal("b@x.fr", Good), goal("a@x.fr", Good)}, "b@x.fr a@x.fr"},
		{"without the dead and the gone", []Target{goal("a@x.fr", Dead), goal("b@x.fr", Gone), goal("c@x.fr", Good)}, "c@x.fr"},
		{"no reserve while a target is left", []Target{goal("a@x.fr", Good), spare("r@x.fr", Good)}, "a@x.fr"},
		{"the reserve when none is", []Target{goal("a@x.fr", Dead), spare("r@x.fr", Good)}, "r@x.fr"},
		{"a dead reserve", []Target{goal("a@x.fr", Dead), spare("r@x.fr", Dead)}, ""},
		{"a domain that servers take", []Target{goal("a@été.fr", Good)}, "a@xn--t-9fab.fr"},
	} {
		if got := strings.Join(Settings{Targets: tt.targets}.Route(), " "); got != tt.want {
			t.Errorf("%s: Route() = %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestWayAt(t *testing.T) {
	t.Parallel()
	open := []Target{goal("a@x.fr", Good)}
	for _, tt := range []struct {
		name     string
		s        Settings
		standing Standing
		want     Way
	}{
		{"a target", Settings{Targets: open}, Standing{}, Open},
		{"paused", Settings{Targets: open, PausedUntil: noon.Add(time.Hour)}, Standing{}, Paused},
		{"paused without a target", Settings{PausedUntil: noon.Add(time.Hour)}, Standing{AskedAt: noon.AddDate(0, -1, 0)}, Paused},
		{"the pause is over", Settings{Targets: open, PausedUntil: noon}, Standing{}, Open},
		{"nothing, and who can be asked", Settings{}, Standing{Reachable: true}, Asked},
		{"nothing, and nobody to ask", Settings{}, Standing{}, Closed},
		{"asked", Settings{}, Standing{AskedAt: noon.Add(-askedFor + time.Second)}, Asked},
		{"asked for five days", Settings{}, Standing{AskedAt: noon.Add(-askedFor), Reachable: true}, Closed},
		{"asked, then a target", Settings{Targets: open}, Standing{AskedAt: noon.Add(-askedFor)}, Open},
	} {
		if got := tt.s.WayAt(noon, tt.standing); got != tt.want {
			t.Errorf("%s: WayAt() = %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestNextTarget(t *testing.T) {
	t.Parallel()
	s := Settings{Targets: []Target{goal("a@x.fr", Good), goal("b@x.fr", Good), goal("c@x.fr", Dead), spare("r@x.fr", Good)}}
	for refused, want := range map[string]string{"": "a@x.fr", "a@x.fr": "b@x.fr", "A@X.fr": "b@x.fr", "a@x.fr b@x.fr": "", "b@x.fr": "a@x.fr"} {
		if got := s.next(strings.Fields(refused)); got != want {
			t.Errorf("next(%q) = %q, want %q", refused, got, want)
		}
	}
}

func contact(value string, p people.Purpose, confirmed bool) people.ContactPoint {
	c := people.ContactPoint{ID: id.New(), Kind: people.Email, Purpose: p, Value: value}
	if confirmed {
		c.ConfirmedAt = noon
	}
	c.Normalize()
	return c
}

func choicesOf(s Settings) []Choice {
	d := people.Dossier{Contacts: []people.ContactPoint{
		contact("Laure@exemple.fr", people.Personal, true), contact("laure@travail.fr", people.Professional, true), contact("new@exemple.fr", people.Personal, false),
		contact("loop@ly-alumni.example", people.Personal, true), contact("LAURE@exemple.fr", people.Personal, true), {Kind: people.Phone, Value: "06 12 34 56 78"},
	}}
	return Choices(d, s, both)
}

func TestChoices(t *testing.T) {
	t.Parallel()
	known := Target{Address: "old@exemple.fr", Role: Goal, State: Good, Known: true}
	dead := Target{Address: "laure@travail.fr", Role: Reserve, State: Dead}
	got := choicesOf(Settings{Targets: []Target{known, goal("gone@exemple.fr", Gone), goal("laure@exemple.fr", Good), dead}})
	want := []Choice{
		{Address: "Laure@exemple.fr", Purpose: people.Personal, Confirmed: true, Place: "2", State: Good},
		{Address: "laure@travail.fr", Purpose: people.Professional, Confirmed: true, Place: InReserve, State: Dead},
		{Address: "loop@ly-alumni.example", Purpose: people.Personal, Confirmed: true, Ours: true, State: Good},
		{Address: "old@exemple.fr", Place: "1", State: Good},
	}
	if !slices.Equal(got, want) {
		t.Errorf("Choices() = %+v, want %+v", got, want)
	}
}

func TestWish(t *testing.T) {
	t.Parallel()
	choices := choicesOf(Settings{Targets: []Target{{Address: "old@exemple.fr", Role: Goal, State: Good, Known: true}}})
	wish := func(pairs ...string) Wish {
		w := Wish{Mode: ToAll, Strictness: Normal, Places: map[string]Place{}}
		for i := 0; i+1 < len(pairs); i += 2 {
			w.Places[pairs[i]] = Place(pairs[i+1])
		}
		return w
	}
	for _, tt := range []struct {
		name  string
		w     Wish
		want  string // the targets in their order, the reserve in brackets
		field string // or what is wrong
		key   string
	}{
		{"one", wish("laure@exemple.fr", "1"), "Laure@exemple.fr", "", ""},
		{"an older system's, and order", wish("laure@exemple.fr", "2", "old@exemple.fr", "1"), "old@exemple.fr Laure@exemple.fr", "", ""},
		{"the same rank: as the page has them", wish("laure@exemple.fr", "1", "old@exemple.fr", "1"), "Laure@exemple.fr old@exemple.fr", "", ""},
		{"a reserve, last", wish("laure@exemple.fr", "reserve", "old@exemple.fr", "3"), "old@exemple.fr [Laure@exemple.fr]", "", ""},
		{"a professional reserve that is named", wish("laure@travail.fr", "reserve", "old@exemple.fr", "1"), "old@exemple.fr [laure@travail.fr]", "", ""},
		{"none", wish("laure@exemple.fr", ""), "", "targets", "forwarding.no_target"},
		{"only a reserve", wish("laure@exemple.fr", "reserve"), "", "targets", "forwarding.no_target"},
		{"two reserves", wish("old@exemple.fr", "1", "laure@exemple.fr", "reserve", "laure@travail.fr", "reserve"), "", "to laure@travail.fr", "forwarding.reserve_twice"},
		{"one of ours", wish("laure@exemple.fr", "1", "loop@ly-alumni.example", "2"), "", "to loop@ly-alumni.example", "forwarding.target_ours"},
		{"ours in reserve", wish("laure@exemple.fr", "1", "loop@ly-alumni.example", "reserve"), "", "to loop@ly-alumni.example", "forwarding.target_ours"},
		{"not confirmed", wish("new@exemple.fr", "1"), "", "targets", "forwarding.target_unknown"},
		{"somebody else's", wish("victim@exemple.fr", "1"), "", "targets", "forwarding.target_unknown"},
		{"a reserve that was never confirmed", wish("laure@exemple.fr", "1", "old@exemple.fr", "reserve"), "", "to old@exemple.fr", "forwarding.reserve_unconfirmed"},
		{"nonsense", wish("laure@exemple.fr", "99"), "", "to laure@exemple.fr", "forwarding.choice_bad"},
		{"a wrong mode", Wish{Mode: "never", Strictness: Normal, Places: map[string]Place{"laure@exemple.fr": "1"}}, "", "mode", "forwarding.choice_bad"},
		{"a wrong strictness", Wish{Mode: ToAll, Places: map[string]Place{"laure@exemple.fr": "1"}}, "", "strictness", "forwarding.choice_bad"},
	} {
		got, err := tt.w.settings(choices, Settings{PausedUntil: noon})
		if tt.field != "" {
			if m := errs.FieldsOf(err)[tt.field]; m.Key != tt.key {
				t.Errorf("%s: settings() = %v, want %s at %q", tt.name, err, tt.key, tt.field)
			}
			continue
		}
		var list []string
		for _, x := range got.Targets {
			if x.Role == Reserve {
				x.Address = "[" + x.Address + "]"
			}
			list = append(list, x.Address)
		}
		if err != nil || strings.Join(list, " ") != tt.want || !got.Chosen || !got.PausedUntil.Equal(noon) {
			t.Errorf("%s: settings() = %+v, %v, want %s", tt.name, got, err, tt.want)
		}
	}
	got, err := wish("laure@exemple.fr", "1", "old@exemple.fr", "2").settings(choices, Settings{})
	if err != nil || got.Targets[0].Known || !got.Targets[1].Known {
		t.Errorf("an older system's address is marked: %+v, %v", got.Targets, err)
	}
}

func TestPause(t *testing.T) {
	t.Parallel()
	for until, key := range map[time.Time]string{
		noon.Add(time.Hour): "", noon.Add(longestPause): "", {}: "forwarding.pause_past", noon: "forwarding.pause_past",
		noon.Add(-time.Hour): "forwarding.pause_past", noon.Add(longestPause + time.Second): "forwarding.pause_long",
	} {
		if got := errs.FieldsOf(checkPause(until, noon))["until"].Key; got != key {
			t.Errorf("checkPause(%v) = %q, want %q", until, got, key)
		}
	}
}

func TestMayAnswer(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		auth   inbox.Auth
		sender string
		want   bool
	}{
		{"DKIM of the sender's domain", inbox.Auth{DMARC: inbox.Pass, Domain: "exemple.fr", DKIMDomain: []string{"exemple.fr"}}, "a@exemple.fr", true},
		{"a bounce domain below it", inbox.Auth{DMARC: inbox.Pass, Domain: "exemple.fr"}, "a@bounces.Exemple.fr", true},
		{"SPF of another domain", inbox.Auth{DMARC: inbox.Pass, Domain: "exemple.fr", SPF: inbox.Pass, SPFDomain: "envoi.net"}, "a@envoi.net", true},
		{"a forged envelope", inbox.Auth{DMARC: inbox.Pass, Domain: "spam.example", DKIMDomain: []string{"spam.example"}, SPF: inbox.Fail, SPFDomain: "victim.fr"}, "v@victim.fr", false},
		{"a domain that ends alike", inbox.Auth{DMARC: inbox.Pass, Domain: "exemple.fr"}, "a@notexemple.fr", false},
		{"no DMARC", inbox.Auth{DMARC: inbox.None, SPF: inbox.Pass, SPFDomain: "exemple.fr", Domain: "exemple.fr"}, "a@exemple.fr", false},
		{"it fails", inbox.Auth{DMARC: inbox.Fail, Domain: "exemple.fr"}, "a@exemple.fr", false},
		{"the null sender", inbox.Auth{DMARC: inbox.Pass, Domain: "exemple.fr"}, "", false},
	} {
		if got := mayAnswer(tt.auth, tt.sender); got != tt.want {
			t.Errorf("%s: mayAnswer() = %v, want %v", tt.name, got, tt.want)
		}
	}
}
