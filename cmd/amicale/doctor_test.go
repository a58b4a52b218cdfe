package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"amicale/internal/config"
)

// settings are complete ones for a data folder.
func settings(t testing.TB, data string) config.Settings {
	t.Helper()
	s := config.Settings{Data: data, Listen: freePort(t)}
	if err := s.Complete(); err != nil {
		t.Fatal(err)
	}
	return s
}

func freePort(t testing.TB) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

// mailServer answers on loopback; it takes user "u" with password "right" and refuses every letter.
type mailServer struct{ t testing.TB }

func (m mailServer) NewSession(*smtp.Conn) (smtp.Session, error) { return mailSession(m), nil }

type mailSession struct{ t testing.TB }

func (mailSession) AuthMechanisms() []string { return []string{sasl.Plain} }
func (mailSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != "u" || password != "right" {
			return smtp.ErrAuthFailed
		}
		return nil
	}), nil
}
func (s mailSession) Mail(string, *smtp.MailOptions) error {
	s.t.Error("the doctor begins a letter")
	return smtp.ErrAuthRequired
}
func (mailSession) Rcpt(string, *smtp.RcptOptions) error { return smtp.ErrAuthRequired }
func (mailSession) Data(io.Reader) error                 { return smtp.ErrAuthRequired }
func (mailSession) Reset()                               {}
func (mailSession) Logout() error                        { return nil }

// serveMail starts the server, with STARTTLS where it has a certificate.
func serveMail(t testing.TB, cfg *tls.Config) config.Smarthost {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := smtp.NewServer(mailServer{t})
	s.Domain, s.AllowInsecureAuth, s.TLSConfig, s.ErrorLog = "localhost", cfg == nil, cfg, log.New(io.Discard, "", 0)
	go s.Serve(ln) // ends with Close
	t.Cleanup(func() { s.Close() })
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	return config.Smarthost{Host: "127.0.0.1", Port: port, TLS: config.NoTLS}
}

// certificate is one for 127.0.0.1, and who trusts it.
func certificate(t testing.TB) (server, trust *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tpl := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature}
	der, err := x509.CreateCertificate(rand.Reader, tpl, tpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, &tls.Config{RootCAs: pool}
}

func TestConverse(t *testing.T) {
	t.Parallel()
	server, trust := certificate(t)
	plain, secure := serveMail(t, nil), serveMail(t, server)
	with := func(h config.Smarthost, how config.TLS, user, password string) config.Smarthost {
		h.TLS, h.User, h.Password = how, user, config.Secret(password)
		return h
	}
	nobody := config.Smarthost{Host: "127.0.0.1", TLS: config.NoTLS}
	_, nobody.Port, _ = net.SplitHostPort(freePort(t))
	for _, row := range []struct {
		name       string
		host       config.Smarthost
		trust      *tls.Config
		said, todo string
	}{
		{"in clear", plain, nil, "answers", ""},
		{"in clear with a password", with(plain, config.NoTLS, "u", "right"), nil, "takes our password", ""},
		{"a wrong password", with(plain, config.NoTLS, "u", "wrong"), nil, "", "check user and password"},
		{"STARTTLS", with(secure, config.StartTLS, "u", "right"), trust, "STARTTLS, takes our password", ""},
		{"an unknown authority", with(secure, config.StartTLS, "", ""), nil, "", "certificate"},
		{"no STARTTLS there", with(plain, config.StartTLS, "", ""), trust, "", "does the server offer STARTTLS"},
		{"no TLS from the first byte", with(plain, config.ImplicitTLS, "", ""), trust, "", "use port 587"},
		{"nobody there", nobody, nil, "", "check the host and port"},
	} {
		said, todo, err := converse(t.Context(), row.host, row.trust)
		if (err == nil) != (row.todo == "") || !strings.Contains(said, row.said) || !strings.Contains(todo, row.todo) {
			t.Errorf("%s: converse() = %q, %q, %v; want %q, %q", row.name, said, todo, err, row.said, row.todo)
		}
		if err != nil && strings.Contains(err.Error(), "wrong") {
			t.Errorf("%s: the error repeats the password: %v", row.name, err)
		}
	}
}

func TestDoctorFindsNothing(t *testing.T) {
	t.Parallel()
	data := install(t)
	host := serveMail(t, nil)
	must(t, "backup", "--data", data, filepath.Join(t.TempDir(), "b.tar.gz"))
	out := must(t, "doctor", "--data", data, "--listen", freePort(t), "--url", "https://annuaire.example", "--trusted-proxies", "127.0.0.1",
		"--smarthost", "smtp://u:right@"+host.Address()+"?tls=none", "--mail-from", "Amicale <amicale@annuaire.example>", "--secret", "long and random")
	for _, s := range []string{"SQLite at " + data, "the file is sound", "no server has the file open", "files can be written", "are free",
		"https://annuaire.example", "takes our password", "the last backup is of", "UTC", "Nothing is wrong."} {
		if !strings.Contains(out, s) {
			t.Errorf("doctor lacks %q: %s", s, out)
		}
	}
	if strings.Contains(out, "right") || strings.Contains(out, "long and random") {
		t.Errorf("doctor prints a secret: %s", out)
	}
}

func TestDoctorFinds(t *testing.T) {
	t.Parallel()
	data := install(t)
	other := &http.Server{Handler: http.NotFoundHandler(), ReadHeaderTimeout: time.Second}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go other.Serve(taken) // ends with Close
	t.Cleanup(func() { other.Close() })
	broken, shattered := install(t), install(t)
	damage(t, filepath.Join(broken, "amicale.db"), 4096)
	damage(t, filepath.Join(shattered, "amicale.db"), 1<<30)
	for _, row := range []struct {
		name string
		args []string
		want []string
	}{
		{"no mail server", nil, []string{"WRONG  mail", "AMICALE_SMTP"}},
		{"http for the world", []string{"--url", "http://annuaire.example"}, []string{"WRONG  address", "passwords travel in clear"}},
		{"an address without a name", []string{"--url", "https://192.0.2.7"}, []string{"WRONG  address", "no public name"}},
		{"https and no proxy", []string{"--url", "https://annuaire.example"}, []string{"WRONG  proxies", "AMICALE_TRUSTED_PROXIES"}},
		{"everybody a proxy", []string{"--trusted-proxies", "0.0.0.0/0"}, []string{"WRONG  proxies", "every address on earth"}},
		{"open to the world past the proxy", []string{"--url", "https://annuaire.example", "--trusted-proxies", "127.0.0.1", "--listen", "0.0.0.0:0"}, []string{"note   proxies", "past the proxy"}},
		{"a port taken", []string{"--listen", taken.Addr().String()}, []string{"WRONG  answer", "not by amicale"}},
		{"a wrong sender", []string{"--smarthost", "smtp://" + freePort(t) + "?tls=none"}, []string{"WRONG  mail", "letters would come from", "check the host and port"}},
		{"a damaged file", []string{"--data", broken}, []string{"WRONG  sqlite", "restore the last backup"}},
		{"no database at all", []string{"--data", shattered}, []string{"WRONG  database", "restore the last backup"}},
		{"a server that is not there", []string{"--database", "postgres://u:hush@" + freePort(t) + "/amicale?connect_timeout=2"}, []string{"WRONG  database", "does not answer"}},
		{"nothing yet", []string{"--data", filepath.Join(t.TempDir(), "new")}, []string{"note   database", "amicale serve makes it", "note   files"}},
	} {
		out, err := command(t, append([]string{"doctor", "--data", data, "--listen", freePort(t)}, row.args...)...)
		if err == nil || !strings.Contains(err.Error(), "wrong: see above") {
			t.Errorf("%s: error %v, want one that makes the exit code 1", row.name, err)
		}
		for _, s := range row.want {
			if !strings.Contains(out, s) {
				t.Errorf("%s: doctor does not say %q:\n%s", row.name, s, out)
			}
		}
		if strings.Contains(out, "hush") {
			t.Errorf("%s: doctor prints a password:\n%s", row.name, out)
		}
	}
}

// damage overwrites the last bytes of a SQLite file.
func damage(t *testing.T, path string, last int64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	st, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	start := max(0, st.Size()-last)
	noise := make([]byte, st.Size()-start)
	for i := range noise {
		noise[i] = byte(i * 7)
	}
	if _, err := f.WriteAt(noise, start); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestDoctorSeesTheServedSite(t *testing.T) {
	t.Parallel()
	data := install(t)
	listen := freePort(t)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	ready := &waiter{seen: make(chan struct{})}
	go func() {
		ended <- run(ctx, []string{"serve", "--data", data, "--listen", listen, "--log-level", "error"}, ready)
	}()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("serve: %v", err)
		}
	}()
	select {
	case <-ready.seen:
	case err := <-ended:
		t.Fatalf("serve ended: %v", err)
	case <-time.After(time.Minute):
		t.Fatal("serve is not ready")
	}
	out, _ := command(t, "doctor", "--data", data, "--listen", listen) // no mail server: that is wrong, and not what is tested
	for _, s := range []string{"a server has the file open", "the site answers at http://" + listen} {
		if !strings.Contains(out, s) {
			t.Errorf("doctor beside a server lacks %q: %s", s, out)
		}
	}
}

// waiter closes seen when the server says that it is ready.
type waiter struct{ seen chan struct{} }

func (w *waiter) Write(p []byte) (int, error) {
	if strings.HasPrefix(string(p), "ready ") {
		close(w.seen)
	}
	return len(p), nil
}
