package outbox_test

import (
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"amicale/internal/clock"
	"amicale/internal/config"
	"amicale/internal/dbtest"
	"amicale/internal/mail"
	"amicale/internal/outbox"
)

// TestWhereMailGoes is about what the DNS says of a domain.
func TestWhereMailGoes(t *testing.T) {
	t.Parallel()
	n := &names{
		mx: map[string][]string{
			"null.example": {"."}, "mx.example": {"mx1.mx.example"}, "second.example": {"down.mx.example", "mx1.mx.example"}, "down.example": {"down.mx.example"},
			"gmail.com": {"gmail-smtp-in.l.google.com"}, "ecole.example": {"aspmx.l.google.com"}, "hosted.example": {"mx.provider.co.uk"}, "self.example": {"amicale.example"},
			"backup.example": {"mx1.mx.example", "amicale.example"}, "downbackup.example": {"down.mx.example", "amicale.example"},
		},
		hosts: map[string]bool{"implicit.example": true, "xn--t-9fab.example": true},
		fails: map[string]bool{"broken.example": true},
	}
	h := &host{}
	to := serve(t, h, nil)
	w := &network{ports: map[string]string{}}
	for _, name := range []string{"mx1.mx.example", "gmail-smtp-in.l.google.com", "aspmx.l.google.com", "mx.provider.co.uk", "implicit.example", "xn--t-9fab.example", "amicale.example"} {
		w.ports[name] = to.Port
	}
	tc := newTurning()
	box := outbox.New(dbtest.New(t), tc.clock, options(false))
	var told []outbox.Outcome
	k := outbox.NewCourier(box, outbox.CourierOptions{Smarthost: config.Smarthost{Direct: true}, Resolver: n.resolver(t), Dial: w.dial, Hello: "amicale.example",
		Observers: []outbox.Observer{keepOutcomes(&told)}})
	type wanted struct {
		state       outbox.State
		class       mail.Class
		enhanced    string
		destination string
	}
	wants := map[string]wanted{
		"a@mx.example":       {outbox.Sent, mail.Delivered, "", "mx.example"},
		"a@second.example":   {outbox.Sent, mail.Delivered, "", "mx.example"},
		"a@gmail.com":        {outbox.Sent, mail.Delivered, "", "google"},
		"a@ecole.example":    {outbox.Sent, mail.Delivered, "", "google"},
		"a@hosted.example":   {outbox.Sent, mail.Delivered, "", "provider.co.uk"},
		"a@implicit.example": {outbox.Sent, mail.Delivered, "", "implicit.example"},
		"a@été.example":      {outbox.Sent, mail.Delivered, "", "xn--t-9fab.example"},
		"a@backup.example":   {outbox.Sent, mail.Delivered, "", "mx.example"},
		"a@null.example":     {outbox.Failed, mail.Dead, "5.1.10", ""},
		"a@nowhere.example":  {outbox.Failed, mail.Dead, "5.4.4", ""},
		"a@[192.0.2.1]":      {outbox.Failed, mail.Dead, "5.1.2", ""},
		"a@self.example":     {outbox.Sent, mail.Delivered, "", "amicale.example"},
		"a@broken.example":   {outbox.Queued, mail.Temporary, "", ""},
	}
	m := forward(simple)
	for address := range wants {
		m.Each = append(m.Each, forward("", address).Each...)
	}
	down := forward(simple, "a@down.example", "b@down.example", "a@downbackup.example")
	relay(t, box, m, down)
	err := k.DeliverDue(t.Context())
	if err == nil || !strings.Contains(err.Error(), "connect") {
		t.Errorf("DeliverDue() = %v, want that one destination is down", err)
	}
	for _, each := range m.Each {
		i := slices.IndexFunc(told, func(o outbox.Outcome) bool { return o.To == each.To })
		if i < 0 {
			t.Errorf("nobody was told of %s: %+v", each.To, trace(t, box, each.ID))
			continue
		}
		o := told[i]
		if got := (wanted{o.State, o.Class, o.Reply.Enhanced, o.Destination}); got != wants[each.To] {
			t.Errorf("%s = %+v (%+v), want %+v", each.To, got, o.Reply, wants[each.To])
		}
		if got := trace(t, box, each.ID); got.State != o.State || got.Class != o.Class {
			t.Errorf("%s is written down as %+v, told as %+v", each.To, got, o)
		}
	}
	for _, each := range down.Each {
		if got := trace(t, box, each.ID); got.State != outbox.Queued || got.Attempts != 0 || got.Reply.Stage != "connect" || !got.NextAt.After(tc.clock()) {
			t.Errorf("to servers that are down: %+v, want it to wait without an attempt", got)
		}
	}
	if i := slices.Index(h.to, "a@xn--t-9fab.example"); i < 0 {
		t.Errorf("the server heard of %v, want the domain in ASCII", h.to)
	}
	n.mu.Lock()
	asked := n.asked["mx.example"]
	n.mu.Unlock()
	relay(t, box, forward(simple, "z@mx.example"))
	if err := k.DeliverDue(t.Context()); err != nil {
		t.Error(err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.asked["mx.example"] != asked {
		t.Errorf("asked %d times for one domain, want the answer remembered", n.asked["mx.example"])
	}
}

// TestTLSIsTakenWhereItIsOffered: on the way to an MX nobody checks the name; a broken handshake costs one connection.
func TestTLSIsTakenWhereItIsOffered(t *testing.T) {
	t.Parallel()
	cert, _ := certificate(t)
	secure, garbled := &host{}, &host{}
	tlsHost := serve(t, secure, &cert)
	plainHost := serve(t, garbled, nil)
	liar := startTLSLiar(t, plainHost.Port)
	n := &names{mx: map[string][]string{"secure.example": {"mx.secure.example"}, "liar.example": {"mx.liar.example"}}}
	w := &network{ports: map[string]string{"mx.secure.example": tlsHost.Port, "mx.liar.example": liar}}
	box := outbox.New(dbtest.New(t), newTurning().clock, options(false))
	o := outbox.CourierOptions{Smarthost: config.Smarthost{Direct: true}, Resolver: n.resolver(t), Dial: w.dial}
	k := outbox.NewCourier(box, o)
	relay(t, box, forward(simple, "a@secure.example"), forward(simple, "a@liar.example"))
	if err := k.DeliverDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	if secure.letters() != 1 || garbled.letters() != 1 || !secure.tls[0] || garbled.tls[0] {
		t.Errorf("%d over TLS %v, %d to who cannot %v", secure.letters(), secure.tls, garbled.letters(), garbled.tls)
	}
	relay(t, box, forward(simple, "b@liar.example"))
	if err := k.DeliverDue(t.Context()); err != nil || garbled.letters() != 2 {
		t.Fatalf("DeliverDue() = %v, %d messages, want 2", err, garbled.letters())
	}
	if w.calls["mx.liar.example"] != 3 {
		t.Errorf("%d connections to who cannot do TLS, want two the first time and one then", w.calls["mx.liar.example"])
	}
}

// startTLSLiar offers STARTTLS, then speaks no TLS; who does not ask for it is served by the host at that port.
func startTLSLiar(t *testing.T, port string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go lie(conn, net.JoinHostPort("127.0.0.1", port))
		}
	}()
	_, p, _ := net.SplitHostPort(l.Addr().String())
	return p
}

func lie(conn net.Conn, to string) {
	defer conn.Close()
	behind, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer behind.Close()
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := behind.Read(buf)
			s := strings.Replace(string(buf[:n]), "250-PIPELINING", "250-STARTTLS\r\n250-PIPELINING", 1)
			if _, e := io.WriteString(conn, s); err != nil || e != nil {
				conn.Close()
				return
			}
		}
	}()
	buf := make([]byte, 4096)
	for {
		n, err := conn.Read(buf)
		if err != nil {
			return
		}
		if strings.HasPrefix(string(buf[:n]), "STARTTLS") {
			_, _ = io.WriteString(conn, "220 go on\r\n")
			_, _ = conn.Read(buf)
			_, _ = io.WriteString(conn, "not TLS at all\r\n")
			return
		}
		if _, err := behind.Write(buf[:n]); err != nil {
			return
		}
	}
}

// TestAClosedDestinationKeepsNobodyElseWaiting: who blames us or is down rests, longer each time; others are served.
func TestAClosedDestinationKeepsNobodyElseWaiting(t *testing.T) {
	t.Parallel()
	blaming, fine := &host{}, &host{}
	open := false
	blaming.at = func(_ *host, stage string) error {
		if stage == "mail" && !open {
			return &smtp.SMTPError{Code: 421, EnhancedCode: smtp.EnhancedCode{4, 7, 28}, Message: "unusual rate of mail from your network"}
		}
		return nil
	}
	n := &names{mx: map[string][]string{"gmail.com": {"gmail-smtp-in.l.google.com"}, "mx.example": {"mx.mx.example"}}}
	w := &network{ports: map[string]string{"gmail-smtp-in.l.google.com": serve(t, blaming, nil).Port, "mx.mx.example": serve(t, fine, nil).Port}}
	tc := newTurning()
	box := outbox.New(dbtest.New(t), tc.clock, options(false))
	var told []outbox.Outcome
	k := outbox.NewCourier(box, outbox.CourierOptions{Smarthost: config.Smarthost{Direct: true}, Resolver: n.resolver(t), Dial: w.dial, Observers: []outbox.Observer{keepOutcomes(&told)}})
	list := []outbox.Relayed{}
	for range 400 {
		list = append(list, forward(simple, "a@gmail.com"))
	}
	for range 50 {
		list = append(list, forward(simple, "a@mx.example"))
	}
	relay(t, box, list...)
	begun := tc.clock()
	for round := range 4 {
		if err := k.DeliverDue(t.Context()); err != nil {
			t.Fatal(err)
		}
		if fine.letters() != 50 {
			t.Fatalf("%d messages to the others, want all 50", fine.letters())
		}
		if blaming.tries != round+1 {
			t.Errorf("round %d: %d tries, want one each", round, blaming.tries)
		}
		queues, err := k.Queues(t.Context(), admin)
		if err != nil || len(queues) != 1 || queues[0].Destination != "google" || queues[0].Waiting != 400 || queues[0].Last.Code != 421 || !queues[0].Oldest.Equal(begun) {
			t.Fatalf("Queues() = %+v, %v", queues, err)
		}
		if rest := queues[0].ClosedUntil.Sub(tc.clock()); rest < 24*time.Second<<round || rest > 36*time.Second<<round {
			t.Errorf("round %d: it rests %v", round, rest)
		}
		tc.forward(queues[0].ClosedUntil.Sub(tc.clock()) + time.Minute)
	}
	for _, one := range list[:400] {
		if got := trace(t, box, one.Each[0].ID); got.State != outbox.Queued || got.Attempts != 0 || got.Reply.Code != 421 {
			t.Fatalf("a parcel for it: %+v, want no attempt counted, and the reason", got)
		}
	}
	open = true
	if err := k.DeliverDue(t.Context()); err != nil || blaming.letters() != 400 {
		t.Errorf("once it opens: %v, %d messages, want 400", err, blaming.letters())
	}
	blamed := 0
	for _, o := range told {
		if o.State == outbox.Queued {
			blamed++
		}
	}
	if blamed != 4 {
		t.Errorf("observers were told of %d answers, want the four that were given", blamed)
	}
}

// TestNoConnectionTooMany: a provider that closes to the third connection is served over two.
func TestNoConnectionTooMany(t *testing.T) {
	t.Parallel()
	h := &host{}
	limited := limitConnections(t, serve(t, h, nil), 2)
	n := &names{mx: map[string][]string{"mx.example": {"mx.mx.example"}, "orange.fr": {"smtp-in.orange.fr"}}}
	w := &network{ports: map[string]string{"mx.mx.example": limited.port, "smtp-in.orange.fr": limited.port}}
	box := outbox.New(dbtest.New(t), clock.System, options(false))
	list := []outbox.Relayed{}
	for range 300 {
		list = append(list, forward(simple, "a@mx.example"))
	}
	relay(t, box, list...)
	o := outbox.CourierOptions{Smarthost: config.Smarthost{Direct: true}, Resolver: n.resolver(t), Dial: w.dial, Connections: 8}
	runUntil(t, box, o, 300)
	if h.letters() != 300 || limited.turnedAway.Load() == 0 || limited.turnedAway.Load() > 8 {
		t.Errorf("%d messages, turned away %d times, want all of them and a few refusals", h.letters(), limited.turnedAway.Load())
	}
	limited.turnedAway.Store(0)
	before := h.calls()
	list = list[:0]
	for range 200 {
		list = append(list, forward(simple, "a@orange.fr"))
	}
	relay(t, box, list...)
	if err := outbox.NewCourier(box, o).DeliverDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := h.calls() - before; got != 3 || limited.turnedAway.Load() != 0 { // 80, 80, 40
		t.Errorf("200 messages to Orange took %d connections, turned away %d times, want three", got, limited.turnedAway.Load())
	}
}

func TestExtensionsAreUsedWhereOffered(t *testing.T) {
	t.Parallel()
	modern, old := &host{utf8: true}, &host{}
	n := &names{mx: map[string][]string{"modern.example": {"mx.modern.example"}, "old.example": {"mx.old.example"}}}
	w := &network{ports: map[string]string{"mx.modern.example": serve(t, modern, nil).Port, "mx.old.example": serve(t, old, nil).Port}}
	box := outbox.New(dbtest.New(t), newTurning().clock, options(false))
	k := outbox.NewCourier(box, outbox.CourierOptions{Smarthost: config.Smarthost{Direct: true}, Resolver: n.resolver(t), Dial: w.dial})
	const accents = "From: a@b.example\r\nSubject: x\r\n\r\ncafé\r\n"
	yes, no, eight := forward(accents, "élodie@modern.example"), forward(accents, "élodie@old.example"), forward(accents, "elodie@old.example")
	relay(t, box, yes, no, eight)
	if err := k.DeliverDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	if modern.letters() != 1 || !modern.asked[0].UTF8 || modern.to[0] != "élodie@modern.example" || modern.asked[0].Size != int64(len("Delivered-To: laure@ail.example\r\n"+accents)) {
		t.Errorf("to who knows UTF-8: %v, %+v", modern.to, modern.asked)
	}
	if got := trace(t, box, no.Each[0].ID); got.State != outbox.Failed || got.Reply.Enhanced != "5.6.7" || got.Class == mail.Dead {
		t.Errorf("to who does not: %+v, want 5.6.7, which blames no address", got)
	}
	if old.letters() != 1 || old.asked[0].UTF8 || old.asked[0].Body != smtp.Body8BitMIME {
		t.Errorf("eight bits to an address in ASCII: %v, %+v", old.to, old.asked)
	}
}
