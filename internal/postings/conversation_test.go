package postings_test

import (
	"context"
	"net"
	"net/smtp"
	"strings"
	"testing"

	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/inbox"
	"amicale/internal/postings"
)

// zone is a DNS that holds these TXT records and nothing else.
type zone map[string]string

func notFound(name string) error {
	return &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

func (z zone) LookupTXT(_ context.Context, name string) ([]string, error) {
	if s, ok := z[strings.TrimSuffix(name, ".")]; ok {
		return []string{s}, nil
	}
	return nil, notFound(name)
}
func (zone) LookupMX(_ context.Context, name string) ([]*net.MX, error) { return nil, notFound(name) }
func (zone) LookupIPAddr(_ context.Context, host string) ([]net.IPAddr, error) {
	return nil, notFound(host)
}
func (zone) LookupAddr(_ context.Context, addr string) ([]string, error) { return nil, notFound(addr) }

// serve runs a real server over the box and gives its address. acme.example says that it sends from this machine.
func (w *world) serve() string {
	w.t.Helper()
	s := inbox.NewServer(inbox.New(w.db, w.now), inbox.Options{Hostname: "mx.ly.example", Boxes: []inbox.Box{w.box},
		Resolver: zone{"acme.example": "v=spf1 ip4:127.0.0.0/8 -all", "_dmarc.acme.example": "v=DMARC1; p=quarantine"}})
	ctx, cancel := context.WithCancel(context.Background())
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	w.must(err)
	done := make(chan error, 1)
	go func() { done <- s.ServeSMTP(ctx, ln) }()
	w.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Error(err)
		}
	})
	return ln.Addr().String()
}

// say is a whole conversation; it gives the first refusal.
func (w *world) say(addr, from, to string, message []byte) string {
	w.t.Helper()
	c, err := smtp.Dial(addr)
	w.must(err)
	defer c.Close()
	w.must(c.Hello("mail.acme.example"))
	if err := c.Mail(from); err != nil {
		return err.Error()
	}
	if err := c.Rcpt(to); err != nil {
		return err.Error()
	}
	body, err := c.Data()
	w.must(err)
	_, err = body.Write(message)
	w.must(err)
	if err := body.Close(); err != nil {
		return err.Error()
	}
	w.must(c.Quit())
	return ""
}

func TestConversations(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		mx := w.serve()
		dated := []string{"Date", "Mon, 01 Jun 2026 12:00:00 +0000", "To", "emploi@ly.example"}
		good := letter([]part{text("Un poste."), pdf("a.pdf")}, dated...)
		for _, c := range []struct {
			name, from, to string
			message        []byte
			want           string
		}{
			{"an offer", "rh@acme.example", "emploi@ly.example", good, ""},
			{"in English", "rh@acme.example", "JOBS@re.example", good, ""},
			{"an address that is none", "rh@acme.example", "offres@ly.example", good, "550 5.1.1"},
			{"macros", "rh@acme.example", "emploi@ly.example", letter([]part{text("a"), other("x/y", "offre.docm")}, dated...), "550 5.7.1 an attached file holds macros"},
			{"too big", "rh@acme.example", "emploi@ly.example", letter([]part{text(strings.Repeat("x y\n", 3<<20))}, dated...), "552 5.3.4"},
			{"a failure notice", "", "emploi@ly.example", good, "550 5.7.1 this address takes job offers"},
			{"of somebody who is not who he says", "rh@acme.example", "emploi@ly.example", letter([]part{text("Autre poste.")}, append(dated, "From", "x@else.example")...), ""},
		} {
			got := strings.ReplaceAll(w.say(mx, c.from, c.to, c.message), `"`, "")
			if (c.want == "") != (got == "") || !strings.HasPrefix(got, c.want) {
				t.Errorf("%s: %q, want %q", c.name, got, c.want)
			}
		}
		w.work()
		list, n, err := w.List(t.Context(), federation().Viewer, postings.Filter{State: postings.New}, 10, 0)
		w.must(err)
		if n != 3 || !list[0].Authenticated || list[0].Files != 1 || list[1].Lang != "en" || list[2].Authenticated {
			t.Errorf("drafts = %+v, want three, the last of an unproven sender", list)
		}
		if l := w.letters(); len(l) != 1 || l[0].To != "rh@acme.example" {
			t.Errorf("letters = %+v, want one, to the proven sender", l)
		}
		if n, err := db.One[int](t.Context(), d, `SELECT count(*) FROM inbox i JOIN posting_drafts p ON p.id = i.id AND p.association_id = i.owner_id WHERE i.box = 'offers' AND i.state = 'taken'`); err != nil || n != 3 {
			t.Errorf("%d slips name their draft, %v, want 3", n, err)
		}
	})
}
