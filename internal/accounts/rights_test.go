package accounts_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/go-webauthn/webauthn/webauthn"

	"amicale/internal/accounts"
	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/viewer"
)

// A webmaster gives roles of his school to whom he likes: they must not make a graduate of another school his to help.
func TestAGrantedRoleMakesNobodyMine(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		_, webmaster := h.staff(t, "web.master", viewer.Role{Name: viewer.Webmaster, Association: h.ly.ID})
		elsewhere := h.account(t, h.person(t, "Luc", "Martin", h.re, 2001, "luc@x.example"), good)
		ours := h.account(t, h.person(t, "Eva", "Martin", h.ly, 2001, "eva@x.example"), good)
		hired, _ := h.staff(t, "hired.hand")
		for account, want := range map[id.ID]error{elsewhere.ID: errs.Forbidden, ours.ID: nil, hired.ID: nil} {
			if err := h.Grant(t.Context(), webmaster, account, viewer.Editor, h.ly.ID); err != nil {
				t.Fatal(err)
			}
			for what, err := range map[string]error{
				"reset the second factor": h.ResetFactors(t.Context(), webmaster, account), "send a link": h.SendReset(t.Context(), webmaster, account),
				"close": h.Close(t.Context(), webmaster, account, true),
			} {
				if want == nil && err != nil || want != nil && !errors.Is(err, want) {
					t.Errorf("%s of %v = %v, want %v", what, account, err, want)
				}
			}
		}
	})
}

// Merging gives one account's roles to the other, and the other's addresses the way into it.
func TestNoMergeOfAnAccountThatMayDoMore(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		admin, mine, mineAgain := h.person(t, "Laure", "Lavaut", h.ly, 2010), h.person(t, "Laure", "Lavaux", h.ly, 2010), h.person(t, "Laure", "Lavaus", h.ly, 2010)
		a, me := h.account(t, admin, good), h.account(t, mine, good)
		h.account(t, mineAgain, "")
		for account, role := range map[id.ID]accounts.Role{a.ID: {Name: viewer.FederationAdmin}, me.ID: {Name: viewer.Webmaster, Association: h.ly.ID}} {
			if err := h.Grant(t.Context(), system, account, role.Name, role.Association); err != nil {
				t.Fatal(err)
			}
		}
		webmaster := of(me)
		webmaster.Roles = []viewer.Role{{Name: viewer.Webmaster, Association: h.ly.ID}}
		_, _, merger := h.Parts()
		for _, pair := range [][2]id.ID{{admin, mine}, {mine, admin}, {admin, mineAgain}, {mineAgain, admin}} {
			if _, err := h.people.Merge(t.Context(), webmaster, pair[0], pair[1], merger); !errors.Is(err, errs.Conflict) {
				t.Errorf("Merge(%v) = %v, want refused", pair, err)
			}
		}
		if roles, err := h.Roles(t.Context(), me.ID); err != nil || len(roles) != 1 {
			t.Errorf("the webmaster's roles are %v, %v", roles, err)
		}
		if _, err := h.people.Merge(t.Context(), webmaster, mineAgain, mine, merger); err != nil {
			t.Errorf("merging his own double = %v", err)
		}
		if _, err := h.people.Merge(t.Context(), system, mine, admin, merger); err != nil {
			t.Errorf("merging by the federation = %v", err)
		}
	})
}

// When a stranger's tries at a login are used up, those at any other way to name the account must not be: that would
// tell that there is one, and whose address it is.
func TestLimitsTellNoAccount(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.account(t, s.person(t, "Laure", "Lavaut", s.ly, 2010, "laure@x.example"), good)
	for _, names := range [][3]string{
		{"laure.lavaut.ly2010", "laure.lavaut.ly2010@ly.example", "laure@x.example"},
		{"nobody.at-all.ly2010", "nobody.at-all.ly2010@ly.example", "nobody@x.example"},
	} {
		var got []int
		for i := range 11 {
			got = append(got, s.browser(fmt.Sprint("192.0.2.", i+1)).signIn(names[0], "wrong").status)
		}
		if got[10] != 429 {
			t.Errorf("%s: %v, want 429 at last", names[0], got)
		}
		for i, want := range []int{429, 422} { // a lifetime address is the login; another address is none of it
			if got := s.browser(fmt.Sprint("198.51.100.", i+1)).signIn(names[i+1], "wrong").status; got != want {
				t.Errorf("%s after %s = %d, want %d", names[i+1], names[0], got, want)
			}
		}
	}
}

func TestTakeBack(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		person := h.person(t, "Laure", "Lavaut", h.ly, 2010, "laure@x.example")
		a := h.account(t, person, good)
		mine := func() int { // addresses that a link can go to
			t.Helper()
			n, err := db.One[int](t.Context(), d, `SELECT count(*) FROM contact_points WHERE person_id = ? AND confirmed_at IS NOT NULL`, person)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		key := func(name string) {
			t.Helper()
			if err := h.AddPasskey(t.Context(), of(a), webauthn.Credential{ID: []byte(name)}, name, id.ID{}); err != nil {
				t.Fatal(err)
			}
		}
		key("owner's")
		h.wait(time.Hour)
		since := h.clock()
		key("stranger's")
		if err := h.people.ConfirmEmail(t.Context(), person, "stranger@x.example", "activation"); err != nil {
			t.Fatal(err)
		}
		if err := h.TakeBack(t.Context(), a, since); err != nil {
			t.Fatal(err)
		}
		if ok, err := h.Verify(t.Context(), a, good, true); err != nil || ok {
			t.Errorf("the password opens: %v, %v", ok, err)
		}
		if keys, err := h.Passkeys(t.Context(), a.ID); err != nil || len(keys) != 1 || keys[0].Name != "owner's" {
			t.Errorf("passkeys left: %v, %v, want the owner's", keys, err)
		}
		if got := mine(); got != 1 {
			t.Errorf("%d addresses are confirmed, want the owner's", got)
		}
	})
}
