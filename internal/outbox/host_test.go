package outbox_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"amicale/internal/config"
	"amicale/internal/outbox"
)

// host is a smarthost on loopback that answers as the test wants.
type host struct {
	mu          sync.Mutex
	got         [][]byte // letters it answered 250 for
	from, to    []string // of their envelopes
	asked       []smtp.MailOptions
	tls         []bool
	unanswered  int // letters it took and then fell silent
	connections int
	tries       int // MAIL commands

	password string
	greeting string // said and then hung up, instead of serving; "-" hangs up at once
	utf8     bool   // offers SMTPUTF8
	// at is asked at each stage (connect, mail, rcpt, data, body, message) what to answer; nil is 250. errDrop cuts the line.
	at func(h *host, stage string) error
}

var errDrop = errors.New("drop")

func (h *host) NewSession(c *smtp.Conn) (smtp.Session, error) {
	h.mu.Lock()
	h.connections++
	h.mu.Unlock()
	if err := h.answer(c, "connect"); err != nil {
		return nil, err
	}
	return &session{h: h, c: c}, nil
}

func (h *host) answer(c *smtp.Conn, stage string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.at == nil {
		return nil
	}
	err := h.at(h, stage)
	if errors.Is(err, errDrop) {
		c.Conn().Close()
	}
	return err
}

func (h *host) letters() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.got)
}

// calls is how many connections were opened.
func (h *host) calls() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.connections
}

type session struct {
	h        *host
	c        *smtp.Conn
	in       bool
	from, to string
	asked    smtp.MailOptions
}

func (s *session) AuthMechanisms() []string {
	if s.h.password == "" {
		return nil
	}
	return []string{sasl.Plain}
}

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != "amicale" || password != s.h.password {
			return smtp.ErrAuthFailed
		}
		s.in = true
		return nil
	}), nil
}

func (s *session) Mail(from string, o *smtp.MailOptions) error {
	s.from, s.asked = from, *o
	s.h.mu.Lock()
	s.h.tries++
	s.h.mu.Unlock()
	if s.h.password != "" && !s.in {
		return smtp.ErrAuthRequired
	}
	return s.h.answer(s.c, "mail")
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = to
	return s.h.answer(s.c, "rcpt")
}

func (s *session) Data(r io.Reader) error {
	if err := s.h.answer(s.c, "data"); err != nil {
		return err
	}
	var b bytes.Buffer
	if _, err := io.CopyN(&b, r, 100); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if err := s.h.answer(s.c, "body"); err != nil {
		return err
	}
	if _, err := b.ReadFrom(r); err != nil {
		return err
	}
	if err := s.h.answer(s.c, "message"); err != nil {
		s.h.mu.Lock()
		defer s.h.mu.Unlock()
		if errors.Is(err, errDrop) {
			s.h.unanswered++
		}
		return err
	}
	s.h.mu.Lock()
	defer s.h.mu.Unlock()
	s.h.got, s.h.from, s.h.to = append(s.h.got, b.Bytes()), append(s.h.from, s.from), append(s.h.to, s.to)
	_, secure := s.c.TLSConnectionState()
	s.h.asked, s.h.tls = append(s.h.asked, s.asked), append(s.h.tls, secure)
	return nil
}

func (s *session) Reset()        {}
func (s *session) Logout() error { return nil }

// door is the host's listener: it may hang up before a conversation begins.
type door struct {
	net.Listener
	h *host
}

func (d door) Accept() (net.Conn, error) {
	for {
		conn, err := d.Listener.Accept()
		if err != nil {
			return nil, err
		}
		d.h.mu.Lock()
		greeting := d.h.greeting
		if greeting != "" {
			d.h.connections++
		}
		d.h.mu.Unlock()
		if greeting == "" {
			return conn, nil
		}
		if greeting != "-" {
			_, _ = io.WriteString(conn, greeting+"\r\n")
		}
		conn.Close()
	}
}

// serve starts the host and says how to reach it.
func serve(t testing.TB, h *host, cert *tls.Certificate) config.Smarthost {
	t.Helper()
	return serveBackend(t, h, h, cert)
}

// refusals is a host that answers some recipients otherwise, until it is healed.
type refusals struct {
	*host
	answers map[string]*smtp.SMTPError
	healed  *bool
}

type refusing struct {
	*session
	r *refusals
}

func (r *refusals) NewSession(c *smtp.Conn) (smtp.Session, error) {
	s, err := r.host.NewSession(c)
	if err != nil {
		return nil, err
	}
	return refusing{s.(*session), r}, nil
}

func (s refusing) Rcpt(to string, o *smtp.RcptOptions) error {
	if err := s.r.answers[to]; err != nil && !*s.r.healed {
		return err
	}
	return s.session.Rcpt(to, o)
}

func serveBackend(t testing.TB, h *host, b smtp.Backend, cert *tls.Certificate) config.Smarthost {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := smtp.NewServer(b)
	s.Domain = "smarthost.example"
	s.ErrorLog = log.New(io.Discard, "", 0)
	s.AllowInsecureAuth, s.EnableSMTPUTF8 = true, h.utf8
	s.MaxLineLength, s.MaxMessageBytes = 1<<30, 1<<30
	if cert != nil {
		s.TLSConfig = &tls.Config{Certificates: []tls.Certificate{*cert}}
	}
	go func() { _ = s.Serve(door{l, h}) }()
	t.Cleanup(func() { s.Close() })
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return config.Smarthost{Host: "127.0.0.1", Port: port, TLS: config.NoTLS}
}

// limited lets a number of connections through to a host, and turns others away as Orange does.
type limited struct {
	port       string
	turnedAway atomic.Int64
}

func limitConnections(t testing.TB, to config.Smarthost, most int64) *limited {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	out := &limited{}
	_, out.port, _ = net.SplitHostPort(l.Addr().String())
	var open atomic.Int64
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			if open.Add(1) > most {
				out.turnedAway.Add(1)
				_, _ = io.WriteString(conn, "421 mwinf5c24 ME Trop de connexions, veuillez verifier votre configuration. OFR004_104 [104]\r\n")
				conn.Close()
				open.Add(-1)
				continue
			}
			go func() {
				defer open.Add(-1)
				defer conn.Close()
				behind, err := net.Dial("tcp", to.Address())
				if err != nil {
					return
				}
				go func() {
					_, _ = io.Copy(conn, behind)
					conn.Close()
				}()
				_, _ = io.Copy(behind, conn)
				behind.Close()
			}()
		}
	}()
	return out
}

// runUntil runs a courier until so many messages left.
func runUntil(t testing.TB, box *outbox.Outbox, o outbox.CourierOptions, n int64) {
	t.Helper()
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	var sent atomic.Int64
	o.Observe = func(s outbox.Sending) {
		if s.State == outbox.Sent && sent.Add(1) == n {
			stop()
		}
	}
	if err := outbox.NewCourier(box, o).Run(ctx); err != nil {
		t.Fatal(err)
	}
	if sent.Load() != n {
		t.Fatalf("%d messages left, want %d", sent.Load(), n)
	}
}

// keepOutcomes is an observer that remembers.
func keepOutcomes(into *[]outbox.Outcome) outbox.Observer {
	var mu sync.Mutex
	return func(_ context.Context, list []outbox.Outcome) error {
		mu.Lock()
		defer mu.Unlock()
		*into = append(*into, list...)
		return nil
	}
}

func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, tpl, tpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}
