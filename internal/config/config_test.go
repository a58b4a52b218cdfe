package config_test

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"amicale/internal/config"
)

type cli struct {
	Serve struct{ config.Settings } `cmd:""`
}

func parse(t *testing.T, file string, args ...string) (cli, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "amicale.toml")
	if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := config.File(path)
	if err != nil {
		t.Fatal(err)
	}
	var c cli
	k, err := kong.New(&c, kong.Resolvers(r))
	if err != nil {
		t.Fatal(err)
	}
	_, err = k.Parse(append([]string{"serve"}, args...))
	if err == nil {
		err = c.Serve.Complete()
	}
	return c, err
}

func TestFlagsOverVariablesOverFile(t *testing.T) {
	t.Setenv("AMICALE_LISTEN", "127.0.0.1:2")
	t.Setenv("AMICALE_DATA", "/env")
	c, err := parse(t, "listen = \"127.0.0.1:1\"\ndata = \"/file\"\nlog_level = \"debug\"\ntrusted-proxies = [\"10.0.0.1\", \"fd00::/8\"]\n", "--listen", "127.0.0.1:3")
	if err != nil {
		t.Fatal(err)
	}
	s := c.Serve.Settings
	if s.Listen != "127.0.0.1:3" || s.Data != "/env" || s.LogLevel != "debug" || s.Database != "sqlite:/env/amicale.db" || s.URL != "http://127.0.0.1:3" {
		t.Errorf("settings = %+v", s)
	}
	if p, err := s.Proxies(); err != nil || len(p) != 2 || p[0].Bits() != 32 {
		t.Errorf("Proxies() = %v, %v", p, err)
	}
}

func TestWrongSettingsAreNamed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ file, arg, want string }{
		{"lisen = \"x\"\n", "--log-level=info", "lisen (did you mean listen?)"},
		{"help = true\n", "--log-level=info", "unknown setting help"},
		{"listen = 8080\n", "--log-level=info", "listen must be a text"},
		{"listen = [\"a\"]\n", "--log-level=info", "listen must be a text"},
		{"trusted_proxies = [7]\n", "--log-level=info", "must be a text"},
		{"log_level = \"loud\"\n", "--log-format=text", "log-level"},
		{"[smtp]\nhost = \"x\"\n", "--log-level=info", "smtp must be"},
		{"", "--listen=8080", "listen"},
		{"", "--mail-from=amicale", "mail-from"},
		{"", "--metrics-token=secret", "metrics-token"},
		{"", "--smarthost=smtp://a:secret@mail.example?tls=none", "clear"},
		{"", "--smarthost=smtp://a:secret@mail.example?tls=maybe", "starttls"},
		{"", "--smarthost=smtp://a:secret@mail.example:x", "smtp"},
		{"", "--url=annuaire", "url"},
		{"", "--database=mysql://secret@x", "database"},
		{"", "--trusted-proxies=nope", "trusted-proxies"},
		{"", "--smarthost=mail.example", "smarthost"},
	} {
		_, err := parse(t, c.file, c.arg)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q %q: error %v, want it to name %q", c.file, c.arg, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: the error prints a secret: %v", c.arg, err)
		}
	}
}

func TestAFileAskedForMustExist(t *testing.T) {
	t.Parallel()
	if _, err := config.File(filepath.Join(t.TempDir(), "amicale.toml")); err == nil {
		t.Error("File() of a missing file = nil, want an error")
	}
}

func TestSmarthost(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]config.Smarthost{
		"":                                     {},
		"smtp://mail.example":                  {Host: "mail.example", Port: "587", TLS: config.StartTLS},
		"smtp://mail.example:465":              {Host: "mail.example", Port: "465", TLS: config.ImplicitTLS},
		"smtps://mail.example":                 {Host: "mail.example", Port: "465", TLS: config.ImplicitTLS},
		"smtp://localhost:25":                  {Host: "localhost", Port: "25", TLS: config.NoTLS},
		"smtp://[::1]:2525?tls=none":           {Host: "::1", Port: "2525", TLS: config.NoTLS},
		"smtp://[::1]:25?connections=20":       {Host: "::1", Port: "25", TLS: config.NoTLS, Connections: 20},
		"mx":                                   {Direct: true},
		"smtp://u:p%40ss@mail.example?tls=tls": {Host: "mail.example", Port: "465", User: "u", Password: "p@ss", TLS: config.ImplicitTLS},
	} {
		s := config.Settings{Smarthost: in}
		if got, err := s.Way(); err != nil || got != want {
			t.Errorf("Smarthost(%q) = %#v, %v, want %#v", in, got, err, want)
		}
	}
}

func TestSecretsAreNeverPrinted(t *testing.T) {
	t.Parallel()
	s := config.Settings{
		Database: "postgres://u:hush@db.example/amicale?sslpassword=hush", Blobs: "s3://key:hush@s3.example/bucket", Smarthost: "smtp://u:hush@mail.example",
		MetricsToken: "hush-hush-hush-hush",
	}
	smarthost, err := s.Way()
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	log := slog.New(slog.NewJSONHandler(&out, nil))
	log.Info("settings", "settings", s, "pointer", &s, "smtp", smarthost, "password", smarthost.Password)
	log.Info("inside", "command", struct{ config.Settings }{s})
	fmt.Fprintf(&out, "%v %+v %#v %s %v %+v %#v %q", s, s, s, &s, smarthost, smarthost, smarthost, smarthost.Password)
	if text := out.String(); strings.Contains(text, "hush") || !strings.Contains(text, "mail.example") || !strings.Contains(text, "db.example/amicale") {
		t.Errorf("printed: %s", text)
	}
}
