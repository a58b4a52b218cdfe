// Package archtest holds the rules of the house that a machine can hold, each with its reason.
package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

const module = "amicale"

// ranks: a package imports lower ranks only, so that a change's reach can be read off its place.
var ranks = map[string]int{
	"errs": 0, "clock": 0, "id": 0, "fold": 0, "config": 0, "i18n": 0, "viewer": 0,
	"db": 1, "ui": 1, "mail": 1, "blob": 1, "geo": 1, "search": 1, "picture": 1,
	"web": 2, "jobs": 2, "audit": 2, "changes": 2, "backup": 2, "domains": 2,
	"outbox": 3, "inbox": 3,
	"people": 4,
	"app":    6,
}

// rank0 may use each other in this order only.
var rank0 = map[string][]string{
	"errs": nil, "clock": nil, "id": nil, "fold": nil,
	"viewer": {"id"}, "i18n": nil, "config": nil,
}

// modules: each direct dependency with what it is for. Own only the heart.
var modules = map[string]string{
	"modernc.org/sqlite":                  "SQLite without cgo",
	"github.com/jackc/pgx/v5":             "PostgreSQL",
	"github.com/pressly/goose/v3":         "migrations, one folder for both databases",
	"github.com/a-h/templ":                "typed HTML",
	"github.com/alexedwards/argon2id":     "password hashes",
	"github.com/pquerna/otp":              "TOTP (RFC 6238)",
	"github.com/boombuler/barcode":        "the QR code of a TOTP secret",
	"github.com/go-webauthn/webauthn":     "passkeys",
	"github.com/wneessen/go-mail":         "composing and sending mail",
	"github.com/emersion/go-smtp":         "SMTP conversations, and a mail server for the tests",
	"github.com/emersion/go-sasl":         "SMTP authentication",
	"github.com/emersion/go-message":      "messages as they arrive",
	"github.com/emersion/go-msgauth":      "DKIM, DMARC and Authentication-Results",
	"blitiri.com.ar/go/spf":               "SPF",
	"golang.org/x/crypto":                 "certificates by ACME",
	"codeberg.org/go-pdf/fpdf":            "labels as PDF",
	"github.com/xuri/excelize/v2":         "XLSX",
	"github.com/prometheus/client_golang": "metrics",
	"golang.org/x/time":                   "limits",
	"golang.org/x/text":                   "encodings, languages, normalisation",
	"golang.org/x/image":                  "scaling photos",
	"golang.org/x/net":                    "HTML into text, and international domain names, in letters",
	"github.com/nicksnyder/go-i18n/v2":    "messages and plurals",
	"github.com/BurntSushi/toml":          "message files and settings",
	"github.com/alecthomas/kong":          "command line",
	"github.com/mozillazg/go-unidecode":   "transliteration",
	"github.com/nyaruka/phonenumbers":     "phone numbers",
	"github.com/schollz/progressbar/v3":   "progress on a terminal",
	"github.com/yuin/goldmark":            "Markdown of the help pages",
	"github.com/RoaringBitmap/roaring/v2": "bitmaps under the search index",
	"github.com/minio/minio-go/v7":        "files on S3",
	"github.com/johannesboyne/gofakes3":   "an S3 for the tests",
	"github.com/chromedp/chromedp":        "a real browser in the tests",
	"github.com/chromedp/cdproto":         "a real browser in the tests",
	"github.com/PuerkitoBio/goquery":      "HTML asserted by selector in the tests",
	"github.com/google/uuid":              "UUID version 7",
	"go.yaml.in/yaml/v3":                  "front matter of the help pages",
}

type file struct {
	pkg     string // "people", "app/demo"
	name    string // "store.go"
	imports []string
	ast     *ast.File
}

func files(t *testing.T) []file {
	t.Helper()
	var out []file
	fset := token.NewFileSet()
	root := filepath.Join("..")
	err := filepath.WalkDir(root, func(p string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(p, ".go") {
			return err
		}
		f, err := parser.ParseFile(fset, p, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		one := file{pkg: path.Dir(filepath.ToSlash(rel)), name: filepath.Base(p), ast: f}
		for _, im := range f.Imports {
			s, err := strconv.Unquote(im.Path.Value)
			if err != nil {
				return err
			}
			one.imports = append(one.imports, s)
		}
		out = append(out, one)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 50 {
		t.Fatalf("only %d files found", len(out))
	}
	return out
}

func (f file) test() bool { return strings.HasSuffix(f.name, "_test.go") }
func (f file) support() bool {
	return f.top() == "dbtest" || f.top() == "webtest" || f.top() == "desktest" || f.top() == "archtest"
}
func (f file) top() string { return strings.Split(f.pkg, "/")[0] }

// command is a program that runs at build time and is not part of the house's layers.
func (f file) command() bool { return f.ast.Name.Name == "main" }

func rankOf(top string) int {
	if r, ok := ranks[top]; ok {
		return r
	}
	return 5 // features
}

func TestPackagesImportLowerRanksOnly(t *testing.T) {
	t.Parallel()
	for _, f := range files(t) {
		if f.test() || f.support() || f.command() {
			continue
		}
		for _, im := range f.imports {
			inner, ok := strings.CutPrefix(im, module+"/internal/")
			if !ok {
				continue
			}
			to := strings.Split(inner, "/")[0]
			if to == f.top() {
				continue
			}
			if to == "dbtest" || to == "webtest" || to == "desktest" || to == "archtest" {
				t.Errorf("%s/%s imports %s: test support stays in tests", f.pkg, f.name, to)
				continue
			}
			from, low := rankOf(f.top()), rankOf(to)
			if from == 0 && low == 0 && contains(rank0[f.top()], to) {
				continue
			}
			if from == 3 && to == "outbox" || low < from {
				continue
			}
			reason := "lower ranks only, so that what a change reaches can be read off its place"
			if from == 5 && low == 5 {
				reason = "features never import each other: the consumer declares an interface and app passes the other's store"
			}
			t.Errorf("%s/%s (rank %d) imports %s (rank %d): %s", f.pkg, f.name, from, to, low, reason)
		}
	}
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

func TestLayersAreFiles(t *testing.T) {
	t.Parallel()
	forbidden := func(f file) (map[string]string, bool) {
		const noHTTP = "a store knows rows, not requests"
		const noSQL = "a page asks its store; SQL stands in one place"
		switch {
		case strings.HasPrefix(f.name, "store"):
			return map[string]string{"net/http": noHTTP, module + "/internal/web": noHTTP, module + "/internal/ui": noHTTP}, true
		case strings.HasPrefix(f.name, "pages"):
			return map[string]string{module + "/internal/db": noSQL, "database/sql": noSQL}, true
		}
		return nil, false
	}
	for _, f := range files(t) {
		if f.test() || rankOf(f.top()) < 4 || f.top() == "app" {
			continue
		}
		rules, ok := forbidden(f)
		if !ok {
			continue
		}
		for _, im := range f.imports {
			if why, bad := rules[im]; bad {
				t.Errorf("%s/%s imports %s: %s", f.pkg, f.name, im, why)
			}
		}
	}
}

func TestDomainFilesDoNoIO(t *testing.T) {
	t.Parallel()
	for _, f := range files(t) {
		if f.support() || rankOf(f.top()) != 5 || f.name != f.pkg+".go" {
			continue
		}
		for _, im := range f.imports {
			if im == "net/http" || im == "database/sql" || im == module+"/internal/db" || im == module+"/internal/web" {
				t.Errorf("%s/%s imports %s: rules are pure, so that tables test them", f.pkg, f.name, im)
			}
		}
	}
}

func TestSQLStandsInStores(t *testing.T) {
	t.Parallel()
	statement := regexp.MustCompile("(?s)^[`\"]\\s*(SELECT |INSERT INTO |UPDATE [a-z_]+ SET|DELETE FROM )")
	allowed := map[string]string{
		"db": "it is the engine", "backup": "it copies whole tables", "web/session.go": "sessions are web's own table",
		"changes": "a store by its nature", "jobs": "a store by its nature", "audit": "a store by its nature", "outbox": "a store by its nature",
	}
	for _, f := range files(t) {
		if f.test() || f.support() || strings.HasPrefix(f.name, "store") || allowed[f.top()] != "" || allowed[f.pkg+"/"+f.name] != "" || f.name == "bench.go" {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING && statement.MatchString(lit.Value) {
				t.Errorf("%s/%s holds SQL (%.40s…): a table has one writer, its feature's store", f.pkg, f.name, lit.Value)
			}
			return true
		})
	}
}

func TestOnlyDBKnowsTheEngine(t *testing.T) {
	t.Parallel()
	for _, f := range files(t) {
		if f.top() == "db" {
			continue
		}
		for _, im := range f.imports {
			if strings.HasPrefix(im, "modernc.org/sqlite") || strings.HasPrefix(im, "github.com/jackc/pgx") || im == "github.com/pressly/goose/v3" {
				t.Errorf("%s/%s imports %s: only db knows which engine runs", f.pkg, f.name, im)
			}
		}
	}
}

func TestPackagesSayWhatTheyAre(t *testing.T) {
	t.Parallel()
	doc := map[string]bool{}
	for _, f := range files(t) {
		if f.test() && f.top() != "archtest" {
			continue
		}
		doc[f.pkg] = doc[f.pkg] || f.ast.Doc != nil
	}
	for pkg, ok := range doc {
		if !ok {
			t.Errorf("%s has no package comment: a sentence what it is, then what it owns and promises", pkg)
		}
	}
	for _, f := range files(t) {
		for _, bad := range []string{"util", "utils", "common", "helpers", "manager", "misc"} {
			if path.Base(f.pkg) == bad {
				t.Errorf("%s: a package is named for what it owns", f.pkg)
			}
		}
	}
}

func TestNoInitWithEffects(t *testing.T) {
	t.Parallel()
	for _, f := range files(t) {
		for _, d := range f.ast.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				t.Errorf("%s/%s has an init: main starts everything, so tests can too", f.pkg, f.name)
			}
		}
	}
}

func TestFilesStayReadable(t *testing.T) {
	t.Parallel()
	for _, f := range files(t) {
		if strings.HasSuffix(f.name, "_templ.go") || f.test() {
			continue
		}
		b, err := os.ReadFile(filepath.Join("..", filepath.FromSlash(f.pkg), f.name))
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(b), "\n"); n > 600 {
			t.Errorf("%s/%s has %d lines: cut by sub-subject at 600", f.pkg, f.name, n)
		}
	}
}

func TestDirectModulesHaveAReason(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile(filepath.Join("..", "..", "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, line := range strings.Split(string(b), "\n") {
		line = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "require "))
		name, rest, ok := strings.Cut(line, " ")
		if !ok || !strings.HasPrefix(rest, "v") || strings.Contains(rest, "// indirect") {
			continue
		}
		if modules[name] == "" {
			t.Errorf("go.mod requires %s without a reason in archtest's list", name)
		}
		used[name] = true
	}
	for name := range modules {
		if !used[name] {
			t.Errorf("archtest gives a reason for %s, which go.mod does not require", name)
		}
	}
}
