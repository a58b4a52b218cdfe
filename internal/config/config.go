// Package config is the site's settings: flags over AMICALE_* variables over amicale.toml.
//
// The struct carries kong's tags, so that flag, variable and file key cannot drift apart. A key of the file that
// names no setting is an error. Secrets (database and mail passwords, tokens) are never printed.
package config

import (
	"fmt"
	"log/slog"
	"net"
	"net/mail"
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
	Smarthost      string   `help:"How mail leaves: by a smarthost, smtp://USER:PASSWORD@HOST:PORT?tls=starttls|tls|none, or mx, directly to the recipients' servers. Default: it waits." env:"AMICALE_SMTP" placeholder:"URL"`
	SMTP           string   `help:"Address and port on which mail arrives from other servers, e.g. :25." env:"AMICALE_SMTP_LISTEN" placeholder:"HOST:PORT"`
	LMTP           string   `help:"The same for a mail server that stands in front: HOST:PORT or unix:PATH." env:"AMICALE_LMTP_LISTEN" placeholder:"ADDRESS"`
	Submission     string   `help:"Address and port on which people hand in mail with an app password, e.g. :587, or :465 for TLS from the first byte." env:"AMICALE_SUBMISSION_LISTEN" placeholder:"HOST:PORT"`
	Sign           bool     `help:"Sign what leaves by DKIM; --no-sign where the smarthost does." default:"true" negatable:"" env:"AMICALE_SIGN"`
	MailHost       string   `help:"The name the mail server greets with: that of its address in the DNS, and of the certificate. Default: the host of the URL." env:"AMICALE_MAIL_HOST" placeholder:"NAME"`
	TLSCert        string   `help:"Certificate chain of the mail server, PEM; read again when the file changes." env:"AMICALE_TLS_CERT" placeholder:"FILE"`
	TLSKey         string   `help:"Its private key, PEM." env:"AMICALE_TLS_KEY" placeholder:"FILE"`
	ACME           string   `help:"Get the mail server's certificate by ACME, as this e-mail address; the site must be reached on port 80 under the mail host." env:"AMICALE_ACME" placeholder:"EMAIL"`
	Resolver       string   `help:"DNS server to ask about mail. Default: the machine's." env:"AMICALE_RESOLVER" placeholder:"HOST:PORT"`
	Rspamd         string   `help:"An rspamd to be asked about mail that arrives, e.g. http://127.0.0.1:11333. Default: none is." env:"AMICALE_RSPAMD" placeholder:"URL"`
	MailFrom       string   `help:"Sender of the site's own letters, e.g. Amicale <ne-pas-repondre@annuaire.example>." env:"AMICALE_MAIL_FROM" placeholder:"ADDRESS"`
	Secret         string   `help:"Seals second-factor secrets in the database. Default: a key kept in the database itself." env:"AMICALE_SECRET" placeholder:"TEXT"`
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
	if _, port, err := net.SplitHostPort(s.Listen); err != nil || port == "" {
		return fmt.Errorf("config: listen %q is not like 127.0.0.1:8080", s.Listen)
	}
	if _, err := mail.ParseAddress(s.MailFrom); err != nil {
		return fmt.Errorf("config: mail-from %q is not like Amicale <ne-pas-repondre@annuaire.example>", s.MailFrom)
	}
	if s.MailHost == "" {
		s.MailHost = u.Hostname()
	}
	if err := s.checkMail(); err != nil {
		return err
	}
	if n := len(s.MetricsToken); n > 0 && n < 16 {
		return fmt.Errorf("config: metrics-token is too short: at least 16 characters")
	}
	_, err = s.Proxies()
	return err
}

// LogValue is the settings as a log may show them: passwords, keys and tokens are hidden.
func (s Settings) LogValue() slog.Value {
	smarthost, _ := s.Way() // what is wrong has been said by Complete
	return slog.GroupValue(
		slog.String("data", s.Data), slog.String("database", hideUser(s.Database)), slog.String("blobs", hideUser(s.Blobs)),
		slog.String("url", s.URL), slog.String("listen", s.Listen), slog.Any("trusted_proxies", s.TrustedProxies),
		slog.String("smarthost", smarthost.String()), slog.String("smtp", hideUser(s.SMTP)), slog.String("lmtp", s.LMTP), slog.String("submission", s.Submission),
		slog.String("mail_host", s.MailHost), slog.String("mail_from", s.MailFrom), slog.String("secret", Secret(s.Secret).String()),
		slog.String("metrics_token", Secret(s.MetricsToken).String()))
}

// String is LogValue's text, so that printing the settings by mistake gives nothing away.
func (s Settings) String() string { return s.LogValue().String() }

// GoString is the same for %#v.
func (s Settings) GoString() string { return s.String() }

// hideUser leaves out who signs in and with what, and every option that might be a password.
func hideUser(address string) string {
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok {
		return address // a path
	}
	rest, _, _ = strings.Cut(rest, "?")
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		rest = "…" + rest[at:]
	}
	return scheme + "://" + rest
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

// DefaultFile is read when there is one; any other file was asked for and must exist.
const DefaultFile = "amicale.toml"

// File resolves settings from a TOML file, for flags given neither on the command line nor in the environment.
func File(path string) (kong.Resolver, error) {
	values := map[string]any{}
	b, err := os.ReadFile(path)
	if os.IsNotExist(err) && path == DefaultFile {
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

// setting reports whether a flag may stand in the file: those that have a variable too.
func setting(f *kong.Flag) bool { return len(f.Envs) > 0 }

// Validate refuses a key that names no setting, and a variable that almost names one: read by nobody, it would be
// missed in silence. Other variables may be somebody else's.
func (f *file) Validate(app *kong.Application) error {
	known, variables := map[string]bool{}, map[string]bool{}
	var walk func(n *kong.Node)
	walk = func(n *kong.Node) {
		for _, flag := range n.Flags {
			if setting(flag) {
				known[flag.Name] = true
			}
			for _, name := range flag.Envs {
				variables[name] = true
			}
		}
		for _, c := range n.Children {
			walk(c)
		}
	}
	walk(app.Node)
	if err := misspelt(variables); err != nil {
		return err
	}
	var wrong []string
	for k := range f.values {
		name := strings.ReplaceAll(k, "_", "-")
		if known[name] {
			continue
		}
		if near := nearest(name, known); near != "" {
			k += " (did you mean " + near + "?)"
		}
		wrong = append(wrong, k)
	}
	if len(wrong) > 0 {
		sort.Strings(wrong)
		return fmt.Errorf("%s: unknown setting %s", f.path, strings.Join(wrong, ", "))
	}
	return nil
}

// misspelt finds a variable of ours at most two letters away from one that is read.
func misspelt(variables map[string]bool) error {
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		if !strings.HasPrefix(name, "AMICALE_") || variables[name] {
			continue
		}
		if near := nearest(name, variables); near != "" {
			return fmt.Errorf("unknown variable %s (did you mean %s?)", name, near)
		}
	}
	return nil
}

// nearest is the known name at most two letters away, if any.
func nearest(name string, known map[string]bool) (out string) {
	best := 3
	for k := range known {
		if d := distance(name, k); d < best || d == best && out != "" && k < out {
			best, out = d, k
		}
	}
	return out
}

// distance is how many letters to change, add or take away (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// Resolve gives a flag's value from the file; names may be written with - or _. A variable that is set wins: kong
// would let the file win.
func (f *file) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	if !setting(flag) {
		return nil, nil
	}
	for _, name := range flag.Envs {
		if _, set := os.LookupEnv(name); set {
			return nil, nil
		}
	}
	v, ok := f.values[flag.Name]
	if !ok {
		if v, ok = f.values[strings.ReplaceAll(flag.Name, "-", "_")]; !ok {
			return nil, nil
		}
	}
	if list, ok := v.([]any); ok == flag.IsSlice() && (ok || isText(v)) {
		return v, textOnly(list)
	}
	if isText(v) && flag.IsSlice() {
		return []any{v}, nil
	}
	return nil, fmt.Errorf("%s: %s must be %s", f.path, flag.Name, map[bool]string{true: "a list of texts", false: "a text, between quotes"}[flag.IsSlice()])
}

func isText(v any) bool {
	_, ok := v.(string)
	return ok
}

func textOnly(list []any) error {
	for _, v := range list {
		if !isText(v) {
			return fmt.Errorf("%v must be a text, between quotes", v)
		}
	}
	return nil
}
