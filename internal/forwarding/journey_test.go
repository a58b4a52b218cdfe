package forwarding_test

import (
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-smtp"

	"amicale/internal/config"
	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/forwarding"
	"amicale/internal/outbox"
)

// got is a message that the rest of the world took.
type got struct{ From, To, Raw string }

// rest is the mail servers of the rest of the world: they refuse the addresses named, and keep what comes for others.
type rest struct {
	refuse []string
	mu     sync.Mutex
	kept   []got
}

func (r *rest) NewSession(*smtp.Conn) (smtp.Session, error) { return &talk{r: r}, nil }

type talk struct {
	r  *rest
	is got
}

func (t *talk) Mail(from string, _ *smtp.MailOptions) error { t.is = got{From: from}; return nil }

func (t *talk) Rcpt(to string, _ *smtp.RcptOptions) error {
	if slices.Contains(t.r.refuse, to) {
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such user <" + to + ">"}
	}
	t.is.To = to
	return nil
}

func (t *talk) Data(body io.Reader) error {
	raw, err := io.ReadAll(body)
	t.is.Raw = string(raw)
	t.r.mu.Lock()
	defer t.r.mu.Unlock()
	t.r.kept = append(t.r.kept, t.is)
	return err
}
func (t *talk) Reset()        {}
func (t *talk) Logout() error { return nil }

// carrier is who carries what leaves to a server that refuses those addresses.
func (w *world) carrier(refuse ...string) (*outbox.Courier, *rest) {
	w.t.Helper()
	r := &rest{refuse: refuse}
	s := smtp.NewServer(r)
	s.Domain = "mx.exemple.fr"
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	w.must(err)
	done := make(chan error, 1)
	go func() { done <- s.Serve(ln) }()
	w.t.Cleanup(func() { s.Close(); <-done })
	host, port, err := net.SplitHostPort(ln.Addr().String())
	w.must(err)
	return outbox.NewCourier(w.outbox, outbox.CourierOptions{Smarthost: config.Smarthost{Host: host, Port: port, TLS: config.NoTLS}}), r
}

// A message's whole way through real servers: the first target refuses it, the second takes it, byte for byte.
func TestJourney(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		p := w.someone("Laure", "Lavaut")
		w.choose(p, forwarding.InTurn, "laure@travail.fr", "1", "laure@exemple.fr", "2")
		_, err := d.Exec(t.Context(), `DELETE FROM outbox`) // the letter about the change
		w.must(err)
		mx := w.serve()
		courier, world := w.carrier("laure@travail.fr")
		message := "From: ami@ailleurs.fr\r\nDate: Mon, 01 Jun 2026 12:00:00 +0000\r\nMessage-ID: <1@ailleurs.fr>\r\n\r\n.un point\r\n..\r\n"
		if no := w.say(mx, "ami@ailleurs.fr", message, laure); no != "" {
			t.Fatal(no)
		}
		w.must(courier.DeliverDue(t.Context()))
		w.must(courier.DeliverDue(t.Context()))
		if len(world.kept) != 1 {
			t.Fatalf("%d messages arrived, want 1: %+v", len(world.kept), world.kept)
		}
		one := world.kept[0]
		if one.To != "laure@exemple.fr" || !strings.HasSuffix(one.From, "@retour.ly-alumni.example") || !strings.HasSuffix(one.Raw, "Delivered-To: "+laure+"\r\n"+message) {
			t.Errorf("it arrived as %+v", one)
		}
		if strings.Contains(one.Raw, "travail.fr") || strings.Contains(one.Raw, "laure@exemple.fr") {
			t.Errorf("a line of ours names a target:\n%s", one.Raw)
		}
		list, _, err := w.store.Passages(t.Context(), self(p).Viewer, "", 10, 0)
		if err != nil || len(list) != 1 || list[0].Legs[0].State != outbox.Sent || len(list[0].Legs[0].Refused) != 1 {
			t.Errorf("Passages() = %+v, %v", list, err)
		}
	})
}

// What no target takes comes back to who wrote it, and says nothing of them.
func TestJourneyBack(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.someone("Laure", "Lavaut")
		courier, world := w.carrier("laure@exemple.fr")
		_, err := w.deliver(w.box, w.message("ami@ailleurs.fr", "x"), laure)
		w.must(err)
		w.must(courier.DeliverDue(t.Context()))
		w.must(courier.DeliverDue(t.Context()))
		if len(world.kept) != 1 || world.kept[0].To != "ami@ailleurs.fr" || world.kept[0].From != "" {
			t.Fatalf("what came back: %+v", world.kept)
		}
		if raw := world.kept[0].Raw; strings.Contains(raw, "exemple.fr") || !strings.Contains(raw, "Status: 5.1.1") || !strings.Contains(raw, "Final-Recipient: rfc822; "+laure) {
			t.Errorf("the report:\n%s", raw)
		}
	})
}
