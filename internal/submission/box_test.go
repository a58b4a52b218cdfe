package submission_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/errs"
	"amicale/internal/id"
	"amicale/internal/inbox"
	"amicale/internal/mail"
	"amicale/internal/outbox"
	"amicale/internal/people"
)

func TestPasswordsOfMailPrograms(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		p := w.someone("Laure", "Lavaut", func(d *people.Dossier) { d.Logins = []people.Login{{Login: "LLavaut_10", Origin: "import"}} })
		other := w.someone("Anne", "Roy")
		secret := w.makePassword(p, " Thunderbird  à la maison ")
		if got := w.letters(); !slices.Equal(got, []string{"submission.password laure@exemple.fr"}) {
			t.Errorf("letters %q", got)
		}
		anothers := w.makePassword(other, "Téléphone")
		if w.count(`SELECT count(*) FROM forwarding_passwords WHERE hash LIKE ? OR name LIKE ?`, "%"+secret+"%", "%"+secret+"%") != 0 {
			t.Error("the secret is kept")
		}
		signIn := func(user, password string) (inbox.Admission, error) {
			return w.box.SignIn(t.Context(), user, password, noAddress)
		}
		for _, user := range []string{"laure.lavaut.ly2010", "Laure Lavaut LY 2010", laure, "llavaut_10@re-alumni.example", "LLAVAUT_10"} {
			for _, typed := range []string{secret, strings.ToUpper(secret), strings.ReplaceAll(secret, "-", ""), " " + strings.ReplaceAll(secret, "-", " ") + " "} {
				if got, err := signIn(user, typed); err != nil || got.Account != p.ID || got.Key.IsZero() {
					t.Errorf("SignIn(%q, %q) = %v, %v", user, typed, got, err)
				}
			}
		}
		for user, password := range map[string]string{
			"laure.lavaut.ly2010": anothers, "anne.roy.ly2010": secret, "nobody.here.ly2010": secret, "laure@exemple.fr": secret, "": secret, laure: "",
			"laure.lavaut.ly2010@exemple.fr": secret,
		} {
			if _, err := signIn(user, password); !errors.Is(err, errs.Unauthorized) {
				t.Errorf("SignIn(%q, %q) = %v, want unauthorized", user, password, err)
			}
		}
		own := w.own(p)
		if len(own) != 1 || own[0].Name != "Thunderbird à la maison" || !own[0].UsedAt.Equal(noon) {
			t.Fatalf("Own() has %+v", own)
		}
		w.shut[p.ID] = true
		if _, err := signIn(laure, secret); !errors.Is(err, errs.Unauthorized) {
			t.Errorf("SignIn() to a closed account = %v, want unauthorized", err)
		}
		delete(w.shut, p.ID)
		if err := w.store.RevokePassword(t.Context(), self(other), own[0].ID); !errors.Is(err, errs.NotFound) {
			t.Errorf("another's RevokePassword() = %v, want not found", err)
		}
		w.must(w.store.RevokePassword(t.Context(), self(p), own[0].ID))
		if _, err := signIn(laure, secret); !errors.Is(err, errs.Unauthorized) {
			t.Errorf("SignIn() with a revoked one = %v", err)
		}
		if got := w.actions(p); got != "password_made password_revoked" {
			t.Errorf("the trail says %s", got)
		}
		w.later(time.Hour)
		since := w.now()
		later := w.makePassword(other, "d’un autre")
		w.must(w.store.RevokePasswords(t.Context(), other.ID, since))
		if _, err := signIn("anne.roy.ly2010", later); !errors.Is(err, errs.Unauthorized) {
			t.Errorf("SignIn() with one made since = %v, want unauthorized", err)
		}
		if _, err := signIn("anne.roy.ly2010", anothers); err != nil {
			t.Errorf("SignIn() with one made before = %v", err)
		}
		w.must(w.store.RevokePasswords(t.Context(), other.ID, time.Time{}))
		if _, err := signIn("anne.roy.ly2010", anothers); !errors.Is(err, errs.Unauthorized) {
			t.Errorf("SignIn() after all were revoked = %v", err)
		}
		for _, name := range []string{"", "  ", strings.Repeat("x", 61)} {
			if _, err := w.store.MakePassword(t.Context(), self(p), name); errs.FieldsOf(err)["name"].Key == "" {
				t.Errorf("MakePassword(%.10q) = %v, want a message", name, err)
			}
		}
		for range 10 {
			w.makePassword(p, "x")
		}
		if _, err := w.store.MakePassword(t.Context(), self(p), "x"); errs.FieldsOf(err)["name"].Key != "submission.many" {
			t.Errorf("the eleventh = %v", err)
		}
	})
}

func TestSubmission(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		p := w.someone("Laure", "Lavaut")
		other := w.someone("Anne", "Roy")
		e := w.signedIn(p, laure)
		key, anothers := e.Key, w.signedIn(other, "").Key
		head := "From: Laure Lavaut <" + laure + ">\r\nTo: ami@ailleurs.fr\r\nBcc: secret@ailleurs.fr\r\n"
		for _, tt := range []struct {
			name, from   string
			account, key id.ID
			head, to     string
			want         string
		}{
			{"himself", laure, p.ID, key, head, "ami@ailleurs.fr", ""},
			{"to another address for life", strings.ToUpper(laure), p.ID, key, head, "anne.roy.ly2010@ly-alumni.example", ""},
			{"nobody signed in", laure, id.ID{}, id.ID{}, head, "ami@ailleurs.fr", "not found"},
			{"another's envelope", "anne.roy.ly2010@ly-alumni.example", p.ID, key, head, "ami@ailleurs.fr", "553 5.7.1"},
			{"an envelope from elsewhere", "laure@exemple.fr", p.ID, key, head, "ami@ailleurs.fr", "553 5.7.1"},
			{"the null sender", "", p.ID, key, head, "ami@ailleurs.fr", "553 5.7.1"},
			{"another's header", laure, p.ID, key, "From: anne.roy.ly2010@ly-alumni.example\r\n", "ami@ailleurs.fr", "553 5.7.1"},
			{"no header", laure, p.ID, key, "Subject: x\r\n", "ami@ailleurs.fr", "550 5.6.0"},
			{"no recipient", laure, p.ID, key, head, "nowhere", "553 5.1.3"},
			{"by another's password", laure, p.ID, anothers, head, "ami@ailleurs.fr", "535 5.7.8"},
			{"by none", laure, p.ID, id.ID{}, head, "ami@ailleurs.fr", "535 5.7.8"},
			{"somebody who is gone", laure, id.New(), key, head, "ami@ailleurs.fr", "535 5.7.8"},
		} {
			if got := answer(w.submit(inbox.Envelope{From: tt.from, Account: tt.account, Key: tt.key}, tt.head, tt.to)); got != tt.want {
				t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
			}
		}
		if got := brief(w.sent("submission")); got != "ami@ailleurs.fr queued, anne.roy.ly2010@ly-alumni.example queued" {
			t.Errorf("deliveries %s", got)
		}
		one := w.sent("submission")[0]
		local, domain, _ := strings.Cut(one.Sender, "@")
		if kind, row, ok := w.tokens.Parse(local); !ok || kind != mail.DeliveryToken || row != one.ID || domain != "retour.ly-alumni.example" {
			t.Errorf("the sender of the envelope is %q", one.Sender)
		}
		text := one.Head + string(one.Raw)
		if strings.Contains(text, "secret@") || !strings.Contains(text, "\r\nBcc: in the text") || !strings.Contains(text, "\r\nDate: Mon, 01 Jun 2026 12:00:00 +0000\r\n") || !strings.Contains(text, "\r\nMessage-ID: <") {
			t.Errorf("the message left as\n%s", text)
		}
		// What does not arrive comes back to him.
		w.ended(outbox.Sent, mail.Delivered, one)
		if got := w.sent("report"); got != nil {
			t.Errorf("a report on what arrived: %+v", got)
		}
		w.ended(outbox.Failed, mail.Dead, one)
		reports := w.sent("report")
		if len(reports) != 1 || reports[0].Recipient != laure || reports[0].Sender != "" || !strings.Contains(string(reports[0].Raw), "Final-Recipient: rfc822; ami@ailleurs.fr") ||
			!strings.Contains(string(reports[0].Raw), "postmaster@ly-alumni.example") {
			t.Errorf("reports %+v", reports)
		}
		w.must(w.submit(e, head, "a@ailleurs.fr", "b@ailleurs.fr"))
		if n := w.count(`SELECT count(*) FROM outbox_bodies`); n != 4 {
			t.Errorf("%d bodies, want one a message", n)
		}
	})
}

func TestRecipientsADay(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		e := w.signedIn(w.someone("Laure", "Lavaut"), laure)
		name := func(n int) string {
			_, err := w.box.Find(t.Context(), e, fmt.Sprintf("ami%d@ailleurs.fr", n))
			return answer(err)
		}
		for n := range 200 {
			if got := name(n); got != "" {
				t.Fatalf("recipient %d: %s", n+1, got)
			}
		}
		if got := name(201); got != "452 4.5.3" {
			t.Errorf("the 201st: %q, want 452 4.5.3", got)
		}
		w.later(12 * time.Hour)
		if got := name(201); got != "" {
			t.Errorf("the next day: %q", got)
		}
	})
}

// Of many that are made at once no more are made than one may have.
func TestPasswordsAtOnce(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		p := w.someone("Laure", "Lavaut")
		for range 8 {
			w.makePassword(p, "x")
		}
		var all sync.WaitGroup
		for range 6 {
			all.Go(func() {
				if _, err := w.store.MakePassword(t.Context(), self(p), "x"); err != nil && errs.FieldsOf(err)["name"].Key != "submission.many" {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if n := len(w.own(p)); n != 10 {
			t.Errorf("%d passwords, want 10", n)
		}
	})
}

func TestSweep(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dbtest.New(t))
	_, err := w.box.Find(t.Context(), w.signedIn(w.someone("Laure", "Lavaut"), laure), "ami@ailleurs.fr")
	w.must(err)
	for after, want := range []int{1, 0} {
		w.later(29 * 24 * time.Hour)
		w.must(w.store.Sweep(t.Context()))
		if n := w.count(`SELECT count(*) FROM forwarding_submissions`); n != want {
			t.Errorf("after %d times 29 days, %d are counted, want %d", after+1, n, want)
		}
	}
}
