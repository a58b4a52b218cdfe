package accounts_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"amicale/internal/accounts"
	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/people"
	"amicale/internal/viewer"
	"amicale/internal/web"
)

func TestLinksAreSingleUse(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		person := h.person(t, "Laure", "Lavaut", h.ly, 2010)
		issue := func(ttl time.Duration) string {
			token, err := h.IssueLink(t.Context(), accounts.Link{Purpose: accounts.ForReset, Person: person, Email: "l@x.example", TTL: ttl})
			if err != nil {
				t.Fatal(err)
			}
			return token
		}
		token := issue(time.Hour)
		if _, err := h.UseLink(t.Context(), token, accounts.ForSignIn); !errors.Is(err, errs.NotFound) {
			t.Errorf("UseLink(for another purpose) = %v, want not found", err)
		}
		if l, err := h.Peek(t.Context(), token, accounts.ForReset); err != nil || l.Person != person || l.Email != "l@x.example" {
			t.Errorf("Peek() = %+v, %v", l, err)
		}
		const racers = 8
		var wg sync.WaitGroup
		won := make(chan accounts.Link, racers)
		for range racers {
			wg.Go(func() {
				l, err := h.UseLink(t.Context(), token, accounts.ForReset, accounts.ForActivation)
				if err == nil {
					won <- l
				} else if !errors.Is(err, errs.NotFound) {
					t.Errorf("UseLink() = %v", err)
				}
			})
		}
		wg.Wait()
		if len(won) != 1 {
			t.Errorf("%d of %d requests at once used the link, want 1", len(won), racers)
		}
		old := issue(time.Hour)
		h.wait(time.Hour + time.Second)
		if _, err := h.UseLink(t.Context(), old, accounts.ForReset); !errors.Is(err, errs.NotFound) {
			t.Errorf("UseLink(too late) = %v, want not found", err)
		}
	})
}

func TestTwoAtOnceActivateOneAccount(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		person := h.person(t, "Laure", "Lavaut", h.ly, 2010)
		var tokens []string
		for range 2 {
			token, err := h.IssueLink(t.Context(), accounts.Link{Purpose: accounts.ForActivation, Person: person, Email: "laure@x.example", TTL: time.Hour})
			if err != nil {
				t.Fatal(err)
			}
			tokens = append(tokens, token)
		}
		passwords := []string{good + " un", good + " deux"}
		results := make([]error, 2)
		var wg sync.WaitGroup
		for i := range 2 {
			wg.Go(func() { _, results[i] = h.Choose(t.Context(), tokens[i], passwords[i]) })
		}
		wg.Wait()
		a, err := h.ByPerson(t.Context(), person)
		if err != nil {
			t.Fatal(err)
		}
		for i, err := range results {
			ok, e := h.Verify(t.Context(), a, passwords[i], true)
			if e != nil {
				t.Fatal(e)
			}
			if ok != (err == nil) {
				t.Errorf("request %d said %v, and its password opens: %v", i, err, ok)
			}
			if err != nil && !errors.Is(err, errs.NotFound) {
				t.Errorf("the other request said %v, want a dead link", err)
			}
		}
		confirmed, err := h.people.PersonsByEmail(t.Context(), "laure@x.example")
		if err != nil || len(confirmed) != 1 {
			t.Errorf("the address of the link is confirmed for %v, %v", confirmed, err)
		}
	})
}

func TestFind(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		laure := h.account(t, h.person(t, "Laure", "Lavaut", h.ly, 2010, "laure@x.example", "famille@x.example"), "")
		h.account(t, h.person(t, "Jean", "Lavaut", h.ly, 2008, "famille@x.example"), "")
		h.person(t, "Never", "Activated", h.ly, 2011, "never@x.example")
		staff, _ := h.staff(t, "federation.admin")
		for _, c := range []struct {
			typed string
			want  id.ID
		}{
			{"laure.lavaut.ly2010", laure.ID}, {" Laure.Lavaut.LY.2010 ", laure.ID}, {"láure lavaut ly2010", laure.ID},
			{"LAURE@X.example", laure.ID}, {"laure.lavaut.ly2010@ly.example", laure.ID}, {"Laure.Lavaut.LY2010@LY.example", laure.ID},
			{"laure.lavaut.ly2010@re.example", laure.ID}, {"laure.lavaut.ly2010@elsewhere.example", id.ID{}},
			{"famille@x.example", id.ID{}}, {"never@x.example", id.ID{}}, {"never.activated.ly2011", id.ID{}},
			{"federation.admin", staff.ID}, {"Federation.Admin", staff.ID}, {"federation.admin@staff.example", staff.ID},
			{"", id.ID{}}, {"@", id.ID{}}, {"x", id.ID{}},
		} {
			got, err := h.Find(t.Context(), c.typed, "")
			if err != nil || got.Account.ID != c.want {
				t.Errorf("Find(%q) = %v, %v, want %v", c.typed, got.Account.ID, err, c.want)
			}
		}
		entry := accounts.Entry{How: accounts.ByPassword, IP: "192.0.2.1"}
		noSession := func(context.Context) error { return context.DeadlineExceeded }
		if err := h.Entered(t.Context(), laure, entry, "hash of a browser", noSession); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Entered without a session = %v", err)
		}
		if good, _, err := h.Entries(t.Context(), of(laure), 10); err != nil || len(good) > 0 {
			t.Errorf("Entries after a session that could not be opened = %v, %v, want none", good, err)
		}
		if err := h.Entered(t.Context(), laure, entry, "hash of a browser", func(context.Context) error { return nil }); err != nil {
			t.Fatal(err)
		}
		if got, err := h.Find(t.Context(), "famille@x.example", "hash of a browser"); err != nil || got.Account.ID != laure.ID || !got.Shared {
			t.Errorf("Find(shared address, from Laure's browser) = %+v, %v", got, err)
		}
	})
}

func TestRoles(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		admin, asAdmin := h.staff(t, "federation.admin", viewer.Role{Name: viewer.FederationAdmin})
		webmaster := h.account(t, h.person(t, "Anne-Laure", "Lavaut", h.ly, 2010, "al@x.example"), "")
		if err := h.Grant(t.Context(), asAdmin, webmaster.ID, viewer.Webmaster, h.ly.ID); err != nil {
			t.Fatal(err)
		}
		asWebmaster := of(webmaster)
		asWebmaster.Roles = []viewer.Role{{Name: viewer.Webmaster, Association: h.ly.ID}}
		other := h.account(t, h.person(t, "Jean", "Dupont", h.ly, 1998), "")
		for _, c := range []struct {
			who  viewer.Viewer
			role viewer.RoleName
			at   id.ID
			want error
		}{
			{asWebmaster, viewer.Editor, h.ly.ID, nil},
			{asWebmaster, viewer.Secretary, h.ly.ID, nil},
			{asWebmaster, viewer.Editor, h.re.ID, errs.Forbidden},
			{asWebmaster, viewer.Webmaster, h.ly.ID, errs.Forbidden},
			{asWebmaster, viewer.FederationAdmin, id.ID{}, errs.Forbidden},
			{asAdmin, viewer.Webmaster, h.re.ID, nil},
			{asAdmin, viewer.Webmaster, id.ID{}, errs.Forbidden},
			{asAdmin, viewer.FederationAdmin, h.ly.ID, errs.Forbidden},
			{of(other), viewer.Editor, h.ly.ID, errs.Forbidden},
			{viewer.Viewer{}, viewer.Editor, h.ly.ID, errs.Forbidden},
		} {
			err := h.Grant(t.Context(), c.who, other.ID, c.role, c.at)
			if c.want == nil && err != nil || c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("Grant(%s at %v) = %v, want %v", c.role, c.at, err, c.want)
			}
		}
		if err := h.Grant(t.Context(), asAdmin, other.ID, viewer.Editor, h.ly.ID); err != nil {
			t.Errorf("granting a role twice = %v", err)
		}
		roles, err := h.Roles(t.Context(), other.ID)
		if err != nil || len(roles) != 3 {
			t.Errorf("Roles() = %v, %v, want three", roles, err)
		}
		holders, err := h.AccountsWithRole(t.Context(), viewer.Webmaster, h.ly.ID)
		if err != nil || len(holders) != 1 || holders[0].Email != "al@x.example" || holders[0].Name != "Anne-Laure Lavaut" {
			t.Errorf("AccountsWithRole(webmaster) = %+v, %v", holders, err)
		}
		if err := h.Revoke(t.Context(), asAdmin, admin.ID, viewer.FederationAdmin, id.ID{}); !errors.Is(err, errs.Conflict) {
			t.Errorf("revoking the last federation admin = %v, want conflict", err)
		}
		if list, err := h.trail.ForObject(t.Context(), asAdmin, other.ID.String(), nil, auditPage); err != nil || list.Total != 3 {
			t.Errorf("the trail has %d entries of the grants, %v, want 3", list.Total, err)
		}
	})
}

func TestTwoAdminsCannotDismissEachOther(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		one, asOne := h.staff(t, "admin.one", viewer.Role{Name: viewer.FederationAdmin})
		two, asTwo := h.staff(t, "admin.two", viewer.Role{Name: viewer.FederationAdmin})
		var wg sync.WaitGroup
		results := make([]error, 2)
		wg.Go(func() { results[0] = h.Revoke(t.Context(), asOne, two.ID, viewer.FederationAdmin, id.ID{}) })
		wg.Go(func() { results[1] = h.Revoke(t.Context(), asTwo, one.ID, viewer.FederationAdmin, id.ID{}) })
		wg.Wait()
		left, err := h.AccountsWithRole(t.Context(), viewer.FederationAdmin, id.ID{})
		if err != nil || len(left) != 1 {
			t.Errorf("%d admins are left, %v (%v), want one", len(left), err, results)
		}
	})
}

func TestIdentify(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		var closed []id.ID // persons whose account was
		h := newHouse(t, d, func(o *accounts.Options) {
			o.RequireSecondFactor = true
			o.Closed = func(_ context.Context, person id.ID) error {
				closed = append(closed, person)
				return nil
			}
		})
		person := h.person(t, "Laure", "Lavaut", h.ly, 2010)
		a := h.account(t, person, "")
		sess := web.Session{AccountID: a.ID}
		v, who, err := h.Identify(t.Context(), sess)
		if err != nil || v.Kind != viewer.Network || v.Member || v.Person != person || who.Name != "Laure Lavaut" || who.Login != "laure.lavaut.ly2010" ||
			who.Accent != "ly" || who.MustSecure {
			t.Errorf("Identify(graduate) = %+v, %+v, %v", v, who, err)
		}
		if err := h.people.AddMembership(t.Context(), system, &people.Membership{PersonID: person, AssociationID: h.ly.ID, StartsOn: noon.AddDate(0, -1, 0), EndsOn: noon.AddDate(0, 1, 0)}); err != nil {
			t.Fatal(err)
		}
		if err := h.Grant(t.Context(), system, a.ID, viewer.Webmaster, h.ly.ID); err != nil {
			t.Fatal(err)
		}
		v, who, err = h.Identify(t.Context(), sess)
		if err != nil || !v.Member || !v.HasAt(h.ly.ID, viewer.Webmaster) || v.HasAt(h.re.ID, viewer.Webmaster) || !who.MustSecure {
			t.Errorf("Identify(paid, with a role) = %+v, %+v, %v: rights must count at once", v, who, err)
		}
		_, asAdmin := h.staff(t, "federation.admin", viewer.Role{Name: viewer.FederationAdmin})
		v, who, err = h.Identify(t.Context(), web.Session{AccountID: asAdmin.Account})
		if err != nil || v.Kind != viewer.Staff || !v.IsFederationAdmin() || v.InNetwork() || who.Name != "Staff federation.admin" || !who.MustSecure {
			t.Errorf("Identify(staff) = %+v, %+v, %v", v, who, err)
		}
		if err := h.Close(t.Context(), asAdmin, a.ID, true); err != nil {
			t.Fatal(err)
		}
		if _, _, err = h.Identify(t.Context(), sess); !errors.Is(err, errs.NotFound) {
			t.Errorf("Identify(closed) = %v, want not found", err)
		}
		if err := h.Close(t.Context(), asAdmin, a.ID, false); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(closed, []id.ID{person}) {
			t.Errorf("told of %v, want that the account of %v is closed", closed, person)
		}
		if err := h.people.SaveStatus(t.Context(), system, person, people.Deceased, noon); err != nil {
			t.Fatal(err)
		}
		if _, _, err = h.Identify(t.Context(), sess); !errors.Is(err, errs.NotFound) {
			t.Errorf("Identify(deceased) = %v, want not found", err)
		}
	})
}

func TestMergeAndErase(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		from, into, alone := h.person(t, "Jean", "Martin", h.ly, 2001), h.person(t, "Jean", "Martin", h.ly, 2001), h.person(t, "Eva", "Seule", h.re, 2002)
		old, kept := h.account(t, from, good), h.account(t, into, "")
		if err := h.Grant(t.Context(), system, old.ID, viewer.Editor, h.ly.ID); err != nil {
			t.Fatal(err)
		}
		_, _, merger := h.Parts()
		if _, err := h.people.Merge(t.Context(), system, from, into, merger); err != nil {
			t.Fatal(err)
		}
		a, err := h.ByPerson(t.Context(), into)
		if err != nil || a.ID != kept.ID || !a.HasPassword {
			t.Errorf("after the merge the account is %+v, %v, want the kept one with the password", a, err)
		}
		if ok, err := h.Verify(t.Context(), a, good, true); err != nil || !ok {
			t.Errorf("the password of the merged account opens: %v, %v", ok, err)
		}
		if roles, err := h.Roles(t.Context(), a.ID); err != nil || len(roles) != 1 {
			t.Errorf("the roles after the merge are %v, %v", roles, err)
		}
		if _, err := h.ByID(t.Context(), old.ID); !errors.Is(err, errs.NotFound) {
			t.Errorf("the merged account is still there: %v", err)
		}
		if _, err := h.people.Merge(t.Context(), system, into, alone, merger); err != nil {
			t.Fatal(err)
		}
		if a, err = h.ByPerson(t.Context(), alone); err != nil || a.ID != kept.ID {
			t.Errorf("the account did not follow its person: %+v, %v", a, err)
		}
		exporter, eraser, _ := h.Parts()
		if out, err := exporter.Export(t.Context(), of(a), alone); err != nil || out == nil {
			t.Errorf("Export() = %v, %v", out, err)
		}
		if err := h.people.Erase(t.Context(), system, alone, eraser); err != nil {
			t.Fatal(err)
		}
		if _, err := h.ByID(t.Context(), a.ID); !errors.Is(err, errs.NotFound) {
			t.Errorf("after the erasure the account is still there: %v", err)
		}
	})
}

func TestStaffLogins(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		h.person(t, "Laure", "Lavaut", h.ly, 2010)
		_, asAdmin := h.staff(t, "federation.admin", viewer.Role{Name: viewer.FederationAdmin})
		for _, c := range []struct {
			n     accounts.New
			field string
		}{
			{accounts.New{Login: "federation.admin", Name: "X", Email: "x@x.example"}, "login"},
			{accounts.New{Login: "laure.lavaut.ly2010", Name: "X", Email: "x@x.example"}, "login"},
			{accounts.New{Login: "A B", Name: "X", Email: "x@x.example"}, "login"},
			{accounts.New{Login: "nom.ok", Name: "", Email: "x@x.example"}, "name"},
			{accounts.New{Login: "nom.ok", Name: "X", Email: "x"}, "email"},
		} {
			_, err := h.CreateStaff(t.Context(), asAdmin, c.n)
			if _, ok := errs.FieldsOf(err)[c.field]; !ok {
				t.Errorf("CreateStaff(%+v) = %v, want a message at %s", c.n, err, c.field)
			}
		}
		if _, err := h.CreateStaff(t.Context(), viewer.Viewer{Kind: viewer.Network, Account: id.New()}, accounts.New{Login: "a.b", Name: "X", Email: "x@x.example"}); !errors.Is(err, errs.Forbidden) {
			t.Errorf("CreateStaff(by anybody) = %v, want forbidden", err)
		}
	})
}
