package app

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"amicale/internal/audit"
	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/id"
	"amicale/internal/mail"
	"amicale/internal/outbox"
	"amicale/internal/viewer"
)

func TestWhatLeaves(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		o := newPostOffice(t, d, records{})
		admin := o.staff(t, "the.admin", viewer.FederationAdmin, id.ID{})
		webmaster := o.staff(t, "the.webmaster", viewer.Webmaster, o.ly.ID)
		if body := o.ask(t, admin, "GET", leavingPath, nil).Body.String(); !strings.Contains(body, "Rien n’attend") || !strings.Contains(body, "Tout est arrivé") {
			t.Errorf("the page of an idle site says: %s", body)
		}
		o.mailMoves(t)
		failed, err := o.outbox.ListDeliveries(t.Context(), viewer.ForSystem("test"), outbox.Failed, 10)
		if err != nil || len(failed) != 1 {
			t.Fatalf("failed deliveries: %+v, %v", failed, err)
		}
		refused := mail.Reply{Code: 550, Enhanced: "5.1.1", Text: "<Dora@mail.example> no such user dora@mail.example", Server: "mx.mail.example", Stage: "rcpt"}
		_, err = d.Exec(t.Context(), `UPDATE outbox_deliveries SET reply = ?, class = 'dead', kind = 'forward', attempts = 3 WHERE id = ?`, db.ToJSON(refused), failed[0].ID)
		if err != nil {
			t.Fatal(err)
		}
		retry := leavingPath + "/" + failed[0].ID.String() + "/relancer"
		for _, row := range []struct {
			who          *http.Cookie
			method, path string
			status       int
			has, lacks   []string
		}{
			{nil, "GET", leavingPath, 303, nil, nil},
			{webmaster, "GET", leavingPath, 403, nil, []string{"mail.example"}},
			{webmaster, "GET", mailPath, 200, nil, []string{leavingPath}},
			{webmaster, "POST", retry, 403, nil, nil},
			{admin, "GET", mailPath, 200, []string{`href="` + leavingPath}, nil},
			{admin, "GET", leavingPath, 200, []string{"La boîte de la démonstration", "Prend le courrier", "d…@mail.example", "550 5.1.1 &lt;***&gt; no such user ***", "Vers une adresse à vie", retry},
				[]string{"dora", "Dora", "a@mail", "c@mail"}},
			{admin, "GET", statePath, 200, []string{leavingPath}, nil},
			{admin, "POST", retry, 303, nil, nil},
			{admin, "POST", retry, 303, nil, nil}, // somebody was faster
			{admin, "POST", leavingPath + "/x/relancer", 404, nil, nil},
			{admin, "GET", leavingPath, 200, []string{"Tout est arrivé"}, []string{"d…@mail"}},
		} {
			var form url.Values
			if row.method == "POST" {
				form = url.Values{}
			}
			w := o.ask(t, row.who, row.method, row.path, form)
			if w.Code != row.status {
				t.Errorf("%s %s: status %d, want %d", row.method, row.path, w.Code, row.status)
			}
			for _, s := range row.has {
				if !strings.Contains(w.Body.String(), s) {
					t.Errorf("%s %s: the page lacks %q", row.method, row.path, s)
				}
			}
			for _, s := range row.lacks {
				if strings.Contains(w.Body.String(), s) {
					t.Errorf("%s %s: the page must not hold %q", row.method, row.path, s)
				}
			}
		}
		trail, err := o.trail.Recent(t.Context(), viewer.ForSystem("test"), audit.Page{Actions: []string{"delivery.retried"}})
		if err != nil || trail.Total != 1 || trail.Rows[0].Actor != "Name of the.admin" {
			t.Errorf("trail = %+v, %v, want one entry by the admin", trail, err)
		}
	})
}

// Many destinations fill several pages, and none is passed over.
func TestQueuesArePaged(t *testing.T) {
	t.Parallel()
	o := newPostOffice(t, dbtest.New(t), records{})
	o.o.Smarthost.Direct, o.o.Demo = true, false
	o.outbox = outbox.New(o.o.DB, o.o.Now, outbox.Options{From: o.o.MailFrom})
	o.buildCourier()
	list := make([]outbox.Delivery, queuesSize+1)
	for i := range list {
		list[i] = outbox.Delivery{Kind: "test", Stream: mail.Forwarding, Ref: id.New(), To: "a@x" + string(rune('a'+i/26)) + string(rune('a'+i%26)) + ".example", DueAt: o.o.Now().Add(time.Hour)}
	}
	err := o.o.DB.Tx(t.Context(), func(ctx context.Context) error {
		return o.outbox.Relay(ctx, []outbox.Relayed{{Raw: []byte("Subject: x\r\n\r\nx\r\n"), Each: list}})
	})
	if err != nil {
		t.Fatal(err)
	}
	admin := o.staff(t, "the.admin", viewer.FederationAdmin, id.ID{})
	first, second := o.ask(t, admin, "GET", leavingPath, nil).Body.String(), o.ask(t, admin, "GET", leavingPath+"?page=2", nil).Body.String()
	if got := strings.Count(first, ".example</"); !strings.Contains(first, "?page=2") || got != queuesSize {
		t.Errorf("the first page has %d destinations, want %d", got, queuesSize)
	}
	if got := strings.Count(second, ".example</"); got != 1 {
		t.Errorf("the second page has %d destinations, want 1", got)
	}
}

func TestSumUp(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	got := sumUp([]outbox.Hour{
		{Destination: "orange", Hour: at, Sent: 5, Failed: 1}, {Destination: "google", Hour: at, Sent: 10}, {Destination: "orange", Hour: at.Add(-time.Hour), Sent: 2, Reputation: 3},
		{Destination: "small.example", Hour: at, Failed: 1},
	})
	want := []answers{{"orange", 7, 1, 3}, {"small.example", 0, 1, 0}, {"google", 10, 0, 0}}
	if !slices.Equal(got, want) {
		t.Errorf("sumUp() = %v, want %v", got, want)
	}
}
