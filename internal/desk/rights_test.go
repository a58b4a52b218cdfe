package desk_test

import (
	"encoding/json"
	"strings"
	"testing"

	"amicale/internal/activation"
	"amicale/internal/dbtest"
	"amicale/internal/desk"
	"amicale/internal/desktest"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/viewer"
)

// Who keeps one school's desk and is only the membership secretary of another reads its records and invites nobody.
func TestASecretaryInvitesNobody(t *testing.T) {
	t.Parallel()
	w := desktest.New(t, dbtest.New(t))
	elsewhere := w.Add(desktest.Graduate("Luc", "Lavaut", w.Re, 2010))
	by := viewer.Actor{Name: "Anne", Viewer: viewer.Viewer{Kind: viewer.Staff, Account: id.New(), Roles: []viewer.Role{
		{Name: viewer.Webmaster, Association: w.Ly.ID}, {Name: viewer.Secretary, Association: w.Re.ID}}}}
	w.Refused("from the record", w.Invite(t.Context(), viewer.Actor(by), activation.Invitation{Person: elsewhere.ID, Email: "anne@exemple.fr", Lang: "fr"}), errs.Forbidden)
	w.AskFor("Personne", 2010, "anne@exemple.fr")
	w.Letters()
	w.Must("transfer", w.Transfer(t.Context(), desktest.Federation(), desktest.At(w.One()), w.Ly.ID))
	w.Letters()
	w.Refused("from the desk", w.SendLink(t.Context(), by, desktest.At(w.One()), elsewhere.ID, "anne@exemple.fr"), errs.Forbidden)
	w.WantLetters("refused")
}

// Somebody who claims to be Laure may be somebody else: his address is not hers to download.
func TestExportHoldsNobodyElsesClaim(t *testing.T) {
	t.Parallel()
	w := desktest.New(t, dbtest.New(t))
	laure := w.Add(desktest.Graduate("Laure", "Lavaut", w.Ly, 2010, "laure@exemple.fr"))
	w.AskFor("Lavaut", 2010, "etranger@exemple.fr")
	export := func() string {
		t.Helper()
		out, err := w.Desk.Exporter().Export(t.Context(), viewer.ForSystem("test"), laure.ID)
		if err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(out)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	if got := export(); !strings.Contains(got, `"kind":"activation"`) || strings.Contains(got, "etranger") {
		t.Errorf("before the desk decides: %s", got)
	}
	w.Letters()
	w.Must("send", w.SendLink(t.Context(), w.Webmaster(), desktest.At(w.One()), laure.ID, "etranger@exemple.fr"))
	if got := export(); !strings.Contains(got, "etranger") {
		t.Errorf("once the claim is hers: %s", got)
	}
}

// A list that says of the federation's admin that he died does not close his account by a webmaster's hand.
func TestNobodyIsSaidDeadByWhoMayDoLess(t *testing.T) {
	t.Parallel()
	w := desktest.New(t, dbtest.New(t))
	admin := w.Add(desktest.Graduate("Laure", "Lavaut", w.Ly, 2010, "laure@exemple.fr"))
	w.Above[admin.ID] = true
	w.Must("open", w.Open(t.Context(), viewer.ForSystem("import"), desk.NewCase{Kind: desk.ImportConflict, Association: w.Ly.ID, Person: admin.ID,
		Detail: desk.Detail{Field: "status", Base: "graduate", File: "deceased"}}))
	w.Refused("by a webmaster", w.Settle(t.Context(), w.Webmaster(), desktest.At(w.One()), true), errs.Conflict)
	w.Must("by the federation", w.Settle(t.Context(), desktest.Federation(), desktest.At(w.One()), true))
}
