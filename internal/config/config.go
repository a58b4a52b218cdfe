// Package config is the site's settings: flags over AMICALE_* variables over amicale.toml.
//
// The struct carries kong's tags, so that flag, variable and file key cannot drift apart. A key of the file that
// names no setting is an error. Secrets (database and mail passwords, tokens) are never printed.
package config

import (
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/BurntSushi/toml"
	"github.com/alecthomas/kong"
)

// Settings are what an operator decides.
type Settings struct {
	Data           string   `help:"Folder of everything that is not in the database, and of the SQLite file." default:"./data" env:"AMICALE_DATA" placeholder:"DIR"`
	Database       string   `help:"sqlite:PATH or postgres://USER:PASSWORD@HOST/NAME. Default: amicale.db in the data folder." env:"AMICALE_DATABASE" placeholder:"URL"`
	Blobs          string   `help:"Where uploaded files live: file:DIR or s3://KEY:SECRET@HOST/BUCKET?region=R. Default: files in the data folder." env:"AMICALE_BLOBS" placeholder:"URL"`
	URL            string   `help:"The one canonical address, for accounts and passkeys, e.g. https://annuaire.example. Default: http:// and the listen address." env:"AMICALE_URL" placeholder:"URL"`
	Listen         string   `help:"Address and port to answer on." default:"127.0.0.1:8080" env:"AMICALE_LISTEN" placeholder:"HOST:PORT"`
	TrustedProxies []string `help:"Addresses or networks whose X-Forwarded-For is believed." env:"AMICALE_TRUSTED_PROXIES" placeholder:"CIDR"`
	SMTP           string   `help:"Smarthost that mail leaves by: smtp://USER:PASSWORD@HOST:PORT?tls=starttls|tls|none." env:"AMICALE_SMTP" placeholder:"URL"`
	MailFrom       string   `help:"Sender of the site's own letters, e.g. Amicale <ne-pas-repondre@annuaire.example>." env:"AMICALE_MAIL_FROM" placeholder:"ADDRESS"`
	MetricsToken   string   `help:"Lets /metrics be read from elsewhere than this machine with this bearer token." env:"AMICALE_METRICS_TOKEN" placeholder:"TOKEN"`
	LogLevel       string   `help:"debug, info, warn or error." default:"info" enum:"debug,info,warn,error" env:"AMICALE_LOG_LEVEL"`
	LogFormat      string   `help:"text or json." default:"text" enum:"text,json" env:"AMICALE_LOG_FORMAT"`
}

// Complete fills what follows from other settings and says what is wrong, naming the setting.
func (s *Settings) Complete() error {
	if s.Database == "" {
		s.Database = "sqlite:" + filepath.Join(s.Data, "amicale.db")
	}
	if s.Blobs == "" {
		s.Blobs = "file:" + filepath.Join(s.Data, "files")
	}
	if s.URL == "" {
		s.URL = "http://" + s.Listen
	}
	s.URL = strings.TrimRight(s.URL, "/")
	u, err := url.Parse(s.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Path != "" {
		return fmt.Errorf("config: url %q is not like https://annuaire.example", s.URL)
	}
	if s.MailFrom == "" {
		s.MailFrom = "Amicale <ne-pas-repondre@" + u.Hostname() + ">"
	}
	if !strings.HasPrefix(s.Database, "sqlite:") && !strings.HasPrefix(s.Database, "postgres://") && !strings.HasPrefix(s.Database, "postgresql://") {
		return fmt.Errorf("config: database is neither sqlite:PATH nor postgres://…")
	}
	if !strings.HasPrefix(s.Blobs, "file:") && !strings.HasPrefix(s.Blobs, "s3://") {
		return fmt.Errorf("config: blobs is neither file:DIR nor s3://…")
	}
	if s.SMTP != "" && !strings.HasPrefix(s.SMTP, "smtp://") && !strings.HasPrefix(s.SMTP, "smtps://") {
		return fmt.Errorf("config: smtp is not like smtp://USER:PASSWORD@HOST:PORT")
	}
	_, err = s.Proxies()
	return err
}

// Proxies are the trusted networks; a single address is a network of one.
func (s *Settings) Proxies() ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, p := range s.TrustedProxies {
		if a, err := netip.ParseAddr(p); err == nil {
			out = append(out, netip.PrefixFrom(a, a.BitLen()))
			continue
		}
		prefix, err := netip.ParsePrefix(p)
		if err != nil {
			return nil, fmt.Errorf("config: trusted-proxies: %q is neither an address nor a network", p)
		}
		out = append(out, prefix)
	}
	return out, nil
}

// Logger writes to f in the chosen format and level.
func (s *Settings) Logger(f *os.File) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(s.LogLevel)) // kong has checked it
	o := &slog.HandlerOptions{Level: level}
	if s.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(f, o))
	}
	return slog.New(slog.NewTextHandler(f, o))
}

// File resolves settings from a TOML file; one that does not exist resolves nothing.
func File(path string) (kong.Resolver, error) {
	values := map[string]any{}
	b, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return &file{values: values}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("config.File: %w", err)
	}
	if err := toml.Unmarshal(b, &values); err != nil {
		return nil, fmt.Errorf("config.File %s: %w", path, err)
	}
	return &file{path: path, values: values}, nil
}

type file struct {
	path   string
	values map[string]any
}

// Validate refuses a key that no command knows.
func (f *file) Validate(app *kong.Application) error {
	known := map[string]bool{}
	var walk func(n *kong.Node)
	walk = func(n *kong.Node) {
		for _, flag := range n.Flags {
			known[flag.Name] = true
		}
		for _, c := range n.Children {
			walk(c)
		}
	}
	walk(app.Node)
	var wrong []string
	for k := range f.values {
		if !known[strings.ReplaceAll(k, "_", "-")] {
			wrong = append(wrong, k)
		}
	}
	if len(wrong) > 0 {
		sort.Strings(wrong)
		return fmt.Errorf("%s: unknown setting %s", f.path, strings.Join(wrong, ", "))
	}
	return nil
}

// Resolve gives a flag's value from the file; names may be written with - or _.
func (f *file) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	if v, ok := f.values[flag.Name]; ok {
		return v, nil
	}
	if v, ok := f.values[strings.ReplaceAll(flag.Name, "-", "_")]; ok {
		return v, nil
	}
	return nil, nil
}
