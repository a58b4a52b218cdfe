package activation_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"amicale/internal/activation"
	"amicale/internal/dbtest"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/viewer"
)

// Who keeps one school's desk and is only the membership secretary of another reads its records and invites nobody.
func TestASecretaryInvitesNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	elsewhere := w.add(graduate("Luc", "Lavaut", w.re, 2010))
	by := activation.Actor{Name: "Anne", Viewer: viewer.Viewer{Kind: viewer.Staff, Account: id.New(), Roles: []viewer.Role{
		{Name: viewer.Webmaster, Association: w.ly.ID}, {Name: viewer.Secretary, Association: w.re.ID}}}}
	w.refused("from the record", w.SendLinkTo(t.Context(), by, elsewhere.ID, "anne@exemple.fr", "fr"), errs.Forbidden)
	w.ask("Personne", 2010, "anne@exemple.fr")
	w.letters()
	w.must("transfer", w.Transfer(t.Context(), federation(), at(w.one()), w.ly.ID))
	w.letters()
	w.refused("from the desk", w.SendLink(t.Context(), by, at(w.one()), elsewhere.ID, "anne@exemple.fr"), errs.Forbidden)
	w.wantLetters("refused")
}

// Somebody who claims to be Laure may be somebody else: his address is not hers to download.
func TestExportHoldsNobodyElsesClaim(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	laure := w.add(graduate("Laure", "Lavaut", w.ly, 2010, "laure@exemple.fr"))
	w.ask("Lavaut", 2010, "etranger@exemple.fr")
	export := func() string {
		t.Helper()
		out, err := w.Exporter().Export(t.Context(), viewer.ForSystem("test"), laure.ID)
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
	w.letters()
	w.must("send", w.SendLink(t.Context(), w.webmaster(), at(w.one()), laure.ID, "etranger@exemple.fr"))
	if got := export(); !strings.Contains(got, "etranger") {
		t.Errorf("once the claim is hers: %s", got)
	}
}

// One host has a whole /64 of IPv6.
func TestActivationCountsNetworks(t *testing.T) {
	t.Parallel()
	s := newSite(t, dbtest.New(t))
	b := s.guest()
	var last *reply
	for i := range 16 {
		b.ip = fmt.Sprintf("[2001:db8:1:2::%x]", i+1)
		last = b.post("/connexion/activer/envoi", "surname", "L’Hame", "year", fmt.Sprint(1980+i), "email", fmt.Sprintf("a%d@b.fr", i), "phone", "0612345678")
	}
	last.want(429)
	b.ip = "[2001:db8:1:3::1]"
	b.post("/connexion/activer/envoi", "surname", "L’Hame", "year", "2010", "email", "z@b.fr", "phone", "0612345678").want(303)
}

// A list that says of the federation's admin that he died does not close his account by a webmaster's hand.
func TestNobodyIsSaidDeadByWhoMayDoLess(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	admin := w.add(graduate("Laure", "Lavaut", w.ly, 2010, "laure@exemple.fr"))
	w.above[admin.ID] = true
	w.must("open", w.Open(t.Context(), viewer.ForSystem("import"), activation.NewCase{Kind: activation.ImportConflict, Association: w.ly.ID, Person: admin.ID,
		Detail: activation.Detail{Field: "status", Base: "graduate", File: "deceased"}}))
	w.refused("by a webmaster", w.Settle(t.Context(), w.webmaster(), at(w.one()), true), errs.Conflict)
	w.must("by the federation", w.Settle(t.Context(), federation(), at(w.one()), true))
}
