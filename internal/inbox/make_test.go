package inbox_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"amicale/internal/clock"
	"amicale/internal/db"
	"amicale/internal/errs"
	"amicale/internal/inbox"
)

// shelf is a box that keeps what it is given. Its addresses are at ly.example: anything that begins with "no-" is
// nobody's; "refuse-CODE" is refused with that code when found, "screen-CODE" when screened, "break-find",
// "break-screen" and "break-accept" are its own faults, "panic" its panic.
type shelf struct {
	mu   sync.Mutex
	kept []inbox.Arrival
	// accept is called inside the transaction; it may be nil.
	accept func(ctx context.Context, list []inbox.Arrival) error
	forget bool // nothing is kept
}

func (*shelf) Name() string { return "shelf" }

func (b *shelf) Find(_ context.Context, _ inbox.Envelope, address string) (inbox.Rcpt, error) {
	local, domain, _ := strings.Cut(strings.ToLower(address), "@")
	if domain != "ly.example" || strings.HasPrefix(local, "no-") {
		return inbox.Rcpt{}, errs.NotFound
	}
	if local == "break-find" {
		return inbox.Rcpt{}, errs.E("shelf.Find", errs.Internal, fmt.Errorf("broken"))
	}
	if local == "deceased" {
		return inbox.Rcpt{}, inbox.NoSuchAddress()
	}
	return inbox.Rcpt{Data: local}, refusal(local, "refuse-")
}

func refusal(local, prefix string) error {
	if code, ok := strings.CutPrefix(local, prefix); ok {
		n := map[string]int{"450": 450, "550": 550}[code]
		return inbox.Refuse(n, fmt.Sprintf("%d.2.0", n/100), "the box said "+code)
	}
	return nil
}

func (b *shelf) Screen(_ context.Context, _ *inbox.Message, to inbox.Rcpt) error {
	if to.Data == "break-screen" {
		return fmt.Errorf("broken")
	}
	return refusal(to.Data.(string), "screen-")
}

func (b *shelf) Accept(ctx context.Context, list []inbox.Arrival) error {
	if b.accept != nil {
		if err := b.accept(ctx, list); err != nil {
			return err
		}
	}
	for _, a := range list {
		switch a.Rcpt.Data {
		case "break-accept":
			return fmt.Errorf("broken")
		case "panic":
			panic("broken")
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.forget {
		b.kept = append(b.kept, list...)
	}
	return nil
}

func (b *shelf) all() []inbox.Arrival {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]inbox.Arrival{}, b.kept...)
}

// site is a server with its database.
type site struct {
	d     *db.DB
	box   *inbox.Inbox
	shelf *shelf
	srv   *inbox.Server
	addr  string
	stop  func() error // tells the server to stop and waits until it has
}

type serving func(*inbox.Server, context.Context, net.Listener) error

func overSMTP(s *inbox.Server, ctx context.Context, ln net.Listener) error {
	return s.ServeSMTP(ctx, ln)
}
func overLMTP(s *inbox.Server, ctx context.Context, ln net.Listener) error {
	return s.ServeLMTP(ctx, ln)
}

func open(t testing.TB, d *db.DB, o inbox.Options, serve serving) *site {
	t.Helper()
	s := &site{d: d, box: inbox.New(d, clock.System), shelf: &shelf{}}
	o.Hostname = "mx.ly.example"
	if o.Resolver == nil {
		o.Resolver = &dns{}
	}
	o.Boxes = append(o.Boxes, s.shelf)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = ln.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	s.srv = inbox.NewServer(s.box, o)
	go func() { ended <- serve(s.srv, ctx, ln) }()
	s.stop = sync.OnceValue(func() error { cancel(); return <-ended })
	t.Cleanup(func() {
		if err := s.stop(); err != nil {
			t.Error("serving ended with", err)
		}
	})
	return s
}

// rows counts the rows in a state.
func (s *site) rows(t testing.TB, state inbox.SlipState) int {
	t.Helper()
	n, err := db.One[int](t.Context(), s.d, `SELECT count(*) FROM inbox WHERE state = ?`, string(state))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// talk is a scripted client: it sends lines and expects answers.
type talk struct {
	t    testing.TB
	conn net.Conn
	r    *bufio.Reader
}

func call(t testing.TB, addr string) *talk {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return speak(t, c)
}

func speak(t testing.TB, c net.Conn) *talk {
	_ = c.SetDeadline(time.Now().Add(30 * time.Second)) // a hanging test says where
	return &talk{t: t, conn: c, r: bufio.NewReader(c)}
}

// say runs a script. A line "> text" is sent with CRLF, "< text" is expected to begin the last line of the next
// answer; "" after "<" takes any. Other lines are sent as they are, without an end.
func (k *talk) say(script ...string) *talk {
	k.t.Helper()
	for _, line := range script {
		switch {
		case strings.HasPrefix(line, "> "):
			k.send(line[2:] + "\r\n")
		case strings.HasPrefix(line, "< "):
			if got := k.answer(); !strings.HasPrefix(got, line[2:]) {
				k.t.Fatalf("answer %q, want %q", got, line[2:])
			}
		default:
			k.send(line)
		}
	}
	return k
}

func (k *talk) send(s string) {
	k.t.Helper()
	if _, err := k.conn.Write([]byte(s)); err != nil {
		k.t.Fatalf("sending %.40q: %v", s, err)
	}
}

// answer is the last line of the next answer; "closed" when there is none.
func (k *talk) answer() string {
	k.t.Helper()
	for {
		line, err := k.r.ReadString('\n')
		if err != nil {
			if ne, ok := err.(net.Error); ok && ne.Timeout() {
				k.t.Fatal("no answer came")
			}
			return "closed"
		}
		line = strings.TrimRight(line, "\r\n")
		if len(line) < 4 || line[3] != '-' {
			return line
		}
	}
}

// startTLS begins TLS, as an opportunistic sender does, and greets again.
func (k *talk) startTLS() *talk {
	k.t.Helper()
	k.say("> STARTTLS", "< 220")
	c := tls.Client(k.conn, &tls.Config{InsecureSkipVerify: true})
	if err := c.Handshake(); err != nil {
		k.t.Fatal(err)
	}
	*k = *speak(k.t, c)
	return k.say("> EHLO there.example", "< 250")
}

// certificate is one for the tests' server.
var certificate = sync.OnceValue(func() tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"mx.ly.example"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
})

func withTLS() *tls.Config { return &tls.Config{Certificates: []tls.Certificate{certificate()}} }

// dns answers from memory: "TXT name", "MX name", "A name", "PTR address"; what it does not have does not exist, and
// what is named in broken does not answer.
type dns struct {
	records map[string][]string
	broken  map[string]bool
	mu      sync.Mutex
	asked   []string
	quiet   bool // what is asked is not noted
}

func (d *dns) look(kind, name string) ([]string, error) {
	key := kind + " " + strings.TrimSuffix(name, ".")
	if !d.quiet {
		d.mu.Lock()
		d.asked = append(d.asked, key)
		d.mu.Unlock()
	}
	if d.broken[key] {
		return nil, &net.DNSError{Err: "server misbehaving", Name: name, IsTemporary: true}
	}
	if len(d.records[key]) == 0 {
		return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
	}
	return d.records[key], nil
}

func (d *dns) LookupTXT(_ context.Context, name string) ([]string, error) { return d.look("TXT", name) }

func (d *dns) LookupMX(_ context.Context, name string) ([]*net.MX, error) {
	list, err := d.look("MX", name)
	var out []*net.MX
	for _, s := range list {
		out = append(out, &net.MX{Host: s + ".", Pref: 10})
	}
	return out, err
}

func (d *dns) LookupIPAddr(_ context.Context, name string) ([]net.IPAddr, error) {
	list, err := d.look("A", name)
	var out []net.IPAddr
	for _, s := range list {
		out = append(out, net.IPAddr{IP: net.ParseIP(s)})
	}
	return out, err
}

func (d *dns) LookupAddr(_ context.Context, addr string) ([]string, error) {
	return d.look("PTR", addr)
}

// letter is a message, with its end.
func letter(body string) string {
	return "From: Anne <anne@there.example>\r\nTo: somebody@ly.example\r\nSubject: News\r\nDate: Fri, 27 Nov 2026 10:00:00 +0000\r\n" +
		"Message-ID: <1@there.example>\r\n\r\n" + body + "\r\n.\r\n"
}

// silent is a DNS that never answers.
type silent struct{ inbox.Resolver }

func (silent) LookupTXT(ctx context.Context, name string) ([]string, error) {
	<-ctx.Done()
	return nil, &net.DNSError{Err: "timeout", Name: name, IsTimeout: true, IsTemporary: true}
}

// gate is a DNS that answers once it is opened, and counts.
type gate struct {
	inbox.Resolver
	open chan struct{}
	mu   sync.Mutex
	n    int
}

func (g *gate) LookupTXT(context.Context, string) ([]string, error) {
	<-g.open
	g.mu.Lock()
	defer g.mu.Unlock()
	g.n++
	return []string{"x"}, nil
}

// away is SMTP whose connections seem to come from that address.
func away(address string) serving {
	return func(s *inbox.Server, ctx context.Context, ln net.Listener) error {
		return s.ServeSMTP(ctx, elsewhere{ln, net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(address), 25))})
	}
}

type elsewhere struct {
	net.Listener
	addr net.Addr
}

func (e elsewhere) Accept() (net.Conn, error) {
	c, err := e.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return elsewhereConn{c, e.addr}, nil
}

type elsewhereConn struct {
	net.Conn
	addr net.Addr
}

func (e elsewhereConn) RemoteAddr() net.Addr { return e.addr }
