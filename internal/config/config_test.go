package config_test

import (
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
	c, err := parse(t, "listen = \"127.0.0.1:1\"\nlog_level = \"debug\"\ntrusted-proxies = [\"10.0.0.1\", \"fd00::/8\"]\n", "--listen", "127.0.0.1:3")
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
		{"lisen = \"x\"\n", "--log-level=info", "lisen"},
		{"", "--url=annuaire", "url"},
		{"", "--database=mysql://secret@x", "database"},
		{"", "--trusted-proxies=nope", "trusted-proxies"},
		{"", "--smtp=mail.example", "smtp"},
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
