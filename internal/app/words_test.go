package app_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
	parser "github.com/a-h/templ/parser/v2"

	"amicale/internal/app"
	"amicale/internal/i18n"
)

// sources walks the files of the house with that ending.
func sources(t *testing.T, ending string, fn func(path string, content string)) {
	t.Helper()
	n := 0
	for _, root := range []string{"..", filepath.Join("..", "..", "cmd")} {
		err := filepath.WalkDir(root, func(p string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() || !strings.HasSuffix(p, ending) {
				return err
			}
			b, err := os.ReadFile(p)
			if err == nil {
				n++
				fn(p, string(b))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if n == 0 {
		t.Fatalf("no %s files found", ending)
	}
}

func TestBothLanguagesSayTheSameThings(t *testing.T) {
	t.Parallel()
	b, err := i18n.Load(app.Messages()...)
	if err != nil {
		t.Fatal(err)
	}
	fr, en := b.Keys("fr"), b.Keys("en")
	for _, k := range fr {
		if !slices.Contains(en, k) {
			t.Errorf("%s has no English", k)
		}
	}
	for _, k := range en {
		if !slices.Contains(fr, k) {
			t.Errorf("%s has no French", k)
		}
	}
}

// Keys stand in the code as literals; those put together from parts end in a dot there and are passed over.
func TestEveryKeyInUseHasWords(t *testing.T) {
	t.Parallel()
	b, err := i18n.Load(app.Messages()...)
	if err != nil {
		t.Fatal(err)
	}
	keys := b.Keys("fr")
	use := regexp.MustCompile(`(?:i18n\.[TN]\([a-zA-Z.()]+, |\.T\(|errs\.Msg\(|errs\.New\(errs\.[A-Z][a-z]+, |\.Done\([^,]+, |\.Add\("[a-z_0-9]+", |Key: +)"([a-z]+\.[a-zA-Z0-9_.]+)"(\s*\+)?`)
	check := func(path, content string) {
		if strings.HasSuffix(path, "_test.go") || strings.HasSuffix(path, "_templ.go") {
			return
		}
		for _, m := range use.FindAllStringSubmatch(content, -1) {
			if m[2] == "" && !strings.HasSuffix(m[1], ".") && !slices.Contains(keys, m[1]) {
				t.Errorf("%s: %q has no words", path, m[1])
			}
		}
	}
	sources(t, ".go", check)
	sources(t, ".templ", check)
}

// unspaced finds a sign that French parts from its word by a space where no line may end, without that space. A colon
// counts only where a sentence goes on behind it, and not in the names of machines.
var unspaced = regexp.MustCompile(`(?:^|[^\x{00a0}\x{202f}])[;!?»]|«(?:[^\x{00a0}\x{202f}]|$)|[^\x{00a0}\x{202f}]:(?:\s|$)`)

var (
	machines    = regexp.MustCompile(`\{\{[^}]*\}\}|\b(?:https?|mailto|mode):|!\[`)
	frontMatter = regexp.MustCompile(`(?m)^[a-z]+:`)
)

func TestFrenchSignsKeepTheirSpaces(t *testing.T) {
	t.Parallel()
	check := func(where, text string) {
		for _, m := range unspaced.FindAllStringIndex(machines.ReplaceAllString(text, "x"), -1) {
			t.Errorf("%s: %.80q: no space that does not break at octet %d", where, text, m[0])
		}
	}
	sources(t, "messages.fr.toml", func(path, content string) {
		var texts map[string]any
		if err := toml.Unmarshal([]byte(content), &texts); err != nil {
			t.Fatal(err)
		}
		for key, value := range texts {
			check(path+" "+key, fmt.Sprint(value))
		}
	})
	sources(t, ".md", func(path, content string) {
		if filepath.Base(filepath.Dir(path)) == "fr" {
			check(path, frontMatter.ReplaceAllString(content, ""))
		}
	})
}

func TestEnglishHasOneNameForTheLifetimeAddress(t *testing.T) {
	t.Parallel()
	other := regexp.MustCompile(`(?i)address(es)? for life|lifelong address`)
	for _, ending := range []string{"messages.en.toml", ".md"} {
		sources(t, ending, func(path, content string) {
			for _, found := range other.FindAllString(content, -1) {
				t.Errorf("%s: %q, want lifetime address", path, found)
			}
		})
	}
}

// letters finds words in what a template prints literally: text that nobody translated.
var letters = regexp.MustCompile(`\p{L}{2,}`)

func TestTemplatesHoldNoWords(t *testing.T) {
	t.Parallel()
	sources(t, ".templ", func(path, content string) {
		if strings.HasSuffix(path, "showcase.templ") {
			return // the living page of components names them
		}
		f, err := parser.ParseString(content)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			return
		}
		for _, n := range f.Nodes {
			if c, ok := n.(*parser.HTMLTemplate); ok {
				literal(c.Children, func(text string) { t.Errorf("%s: %q is not translated", path, text) })
			}
		}
	})
}

func literal(nodes []parser.Node, found func(string)) {
	for _, n := range nodes {
		switch x := n.(type) {
		case *parser.Text:
			if letters.MatchString(x.Value) {
				found(strings.TrimSpace(x.Value))
			}
		case *parser.Element:
			for _, a := range x.Attributes {
				if c, ok := a.(*parser.ConstantAttribute); ok && spoken(c.Key.String()) && letters.MatchString(c.Value) {
					found(c.Value)
				}
			}
			literal(x.Children, found)
		case *parser.IfExpression:
			literal(x.Then, found)
			for _, e := range x.ElseIfs {
				literal(e.Then, found)
			}
			literal(x.Else, found)
		case *parser.ForExpression:
			literal(x.Children, found)
		case *parser.SwitchExpression:
			for _, c := range x.Cases {
				literal(c.Children, found)
			}
		case *parser.TemplElementExpression:
			literal(x.Children, found)
		}
	}
}

// spoken are the attributes that people read or hear.
func spoken(name string) bool {
	return slices.Contains([]string{"aria-label", "title", "alt", "placeholder"}, name)
}
