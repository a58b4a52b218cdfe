package ui

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const webFolder = "../../web"

// tokens reads the custom properties of a block of tokens.css, from the line that holds its selector to its end.
func tokens(t *testing.T, selector string) map[string]string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(webFolder, "css", "tokens.css"))
	if err != nil {
		t.Fatal(err)
	}
	_, block, found := strings.Cut(string(data), selector+" {")
	if !found {
		t.Fatalf("tokens.css has no block %s", selector)
	}
	block, _, _ = strings.Cut(block, "}")
	out := map[string]string{}
	for _, m := range regexp.MustCompile(`(--[a-z0-9-]+):\s*([^;]+);`).FindAllStringSubmatch(block, -1) {
		out[m[1]] = m[2]
	}
	return out
}

func darkTokens(t *testing.T) map[string]string {
	all := tokens(t, "\n:root")
	maps.Copy(all, tokens(t, `:root[data-theme="dark"]`))
	return all
}

func TestBothDarkBlocksAgree(t *testing.T) {
	t.Parallel()
	system, chosen := tokens(t, `:root:not([data-theme="light"])`), tokens(t, `:root[data-theme="dark"]`)
	if len(system) < 30 || !maps.Equal(system, chosen) {
		t.Errorf("dark by the system (%d) and by choice (%d) differ:\n%v\n%v", len(system), len(chosen), system, chosen)
	}
}

// TestContrast weighs every pair of colours that the style puts over one another: 4.5 for text (WCAG 2.2, 1.4.3), 3 for
// the outlines of controls and the focus ring (1.4.11).
func TestContrast(t *testing.T) {
	t.Parallel()
	type pair struct {
		fore, back string
		least      float64
	}
	var pairs []pair
	for _, ground := range []string{"--paper", "--surface", "--sunken"} {
		for _, text := range []string{"--ink", "--ink-soft", "--accent", "--accent-hover", "--danger"} {
			pairs = append(pairs, pair{text, ground, contrastText})
		}
		pairs = append(pairs, pair{"--accent", ground, 3})
	}
	for _, ground := range []string{"--paper", "--surface"} {
		pairs = append(pairs, pair{"--line-strong", ground, 3})
	}
	for _, tone := range []string{"--info", "--success", "--warning", "--danger", "--accent"} {
		pairs = append(pairs, pair{tone, tone + "-soft", contrastText}, pair{"--ink", tone + "-soft", contrastText})
	}
	for i := range tints {
		n := itoa(i + 1)
		pairs = append(pairs, pair{"--on-tint-" + n, "--tint-" + n, contrastText})
	}
	pairs = append(pairs, pair{"--on-accent", "--accent", contrastText}, pair{"--on-accent", "--accent-hover", contrastText},
		pair{"--on-danger", "--danger", contrastText}, pair{"--paper", "--ink", contrastText}, pair{"--accent-hover", "--accent-soft", contrastText})
	for mode, colours := range map[string]map[string]string{"light": tokens(t, "\n:root"), "dark": darkTokens(t)} {
		for _, p := range pairs {
			fore, okF := parseHex(colours[p.fore])
			back, okB := parseHex(colours[p.back])
			if !okF || !okB {
				t.Errorf("%s: %s or %s is no colour", mode, p.fore, p.back)
				continue
			}
			if got := contrast(fore, back); got < p.least {
				t.Errorf("%s: contrast(%s, %s) = %.2f, want at least %.1f", mode, p.fore, p.back, got, p.least)
			}
		}
	}
}

func TestContrastFormula(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		want float64 // as published with the formula, to two places
	}{{"#000000", "#ffffff", 21}, {"#777777", "#ffffff", 4.48}, {"#ff0000", "#ffffff", 4.00}} {
		a, _ := parseHex(c.a)
		b, _ := parseHex(c.b)
		if got := contrast(a, b); got < c.want-0.01 || got > c.want+0.01 {
			t.Errorf("contrast(%s, %s) = %.2f, want %.2f", c.a, c.b, got, c.want)
		}
	}
}

// TestAnyAccentIsReadable tries a colour of every hue, pale, strong and dark, on all that an accent is used on.
func TestAnyAccentIsReadable(t *testing.T) {
	t.Parallel()
	light, dark := tokens(t, "\n:root"), darkTokens(t)
	hexes := []string{"#ffffff", "#000000", "#ffff00", "#00ff00", "#0000ff", "#ff00ff", "#00ffff", "#808080"}
	for r := 0; r < 256; r += 51 {
		for g := 0; g < 256; g += 51 {
			for b := 0; b < 256; b += 51 {
				hexes = append(hexes, rgb{float64(r) / 255, float64(g) / 255, float64(b) / 255}.String())
			}
		}
	}
	for _, hex := range hexes {
		base, ok := parseHex(hex)
		if !ok {
			t.Fatalf("parseHex(%q) fails", hex)
		}
		checkAccent(t, hex+" light", accentLight(base), light)
		checkAccent(t, hex+" dark", accentDark(base), dark)
	}
}

func checkAccent(t *testing.T, name string, s accentSet, colours map[string]string) {
	for _, ground := range []string{"--paper", "--surface", "--sunken"} {
		back, _ := parseHex(colours[ground])
		if got := contrast(s.accent, back); got < contrastText {
			t.Errorf("%s: accent %s on %s = %.2f", name, s.accent, ground, got)
		}
	}
	ink, _ := parseHex(colours["--ink"])
	for what, got := range map[string]float64{
		"on accent": contrast(s.on, s.accent), "on hover": contrast(s.on, s.hover), "accent on soft": contrast(s.accent, s.soft), "ink on soft": contrast(ink, s.soft),
	} {
		if got < contrastText {
			t.Errorf("%s: %s = %.2f (%s)", name, what, got, s)
		}
	}
}

func TestAccents(t *testing.T) {
	t.Parallel()
	var buf bytes.Buffer
	err := Accents(&buf, []AccentColour{{"ly", "#e42618"}, {"x{}body", "#000000"}, {"re", "red;} *{display:none"}, {"st", "#2E9E3F"}})
	if err != nil {
		t.Fatal(err)
	}
	css := buf.String()
	if strings.Count(css, ".accent-ly{") != 3 || strings.Count(css, ".accent-st{") != 3 {
		t.Errorf("each good colour has a light and two dark rules:\n%s", css)
	}
	if strings.Contains(css, "body") || strings.Contains(css, "accent-re") || strings.Contains(css, "none") {
		t.Errorf("a bad code or colour got through:\n%s", css)
	}
}

// TestNothingInline holds the sources to the content security policy: no style attribute or element, no handler
// attribute, no script without an address.
func TestNothingInline(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../*/*.templ")
	if err != nil || len(files) < 8 {
		t.Fatalf("%d templates found: %v", len(files), err)
	}
	forbidden := regexp.MustCompile(`(?i)\sstyle\s*[={]|<style|\son[a-z]+\s*=|hx-on|javascript:|<script(?:\s[^>]*)?>`)
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for n, line := range strings.Split(string(data), "\n") {
			if m := forbidden.FindString(line); m != "" && !strings.Contains(m, "src=") {
				t.Errorf("%s:%d: %s", file, n+1, strings.TrimSpace(line))
			}
		}
	}
}

// TestEveryClassIsStyled finds misspelt classes of the components.
func TestEveryClassIsStyled(t *testing.T) {
	t.Parallel()
	files, _ := filepath.Glob(filepath.Join(webFolder, "css", "*.css"))
	var css strings.Builder
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		css.Write(data)
	}
	// Names that only scripts, tests or other rules' context need.
	plain := map[string]bool{"button-label": true, "step-name": true, "error-summary": true}
	_, doc := render(t, "fr", pageOf(fullFrame(), Showcase()))
	seen := map[string]bool{}
	for _, node := range doc.Find("[class]").Nodes {
		for _, a := range node.Attr {
			if a.Key != "class" {
				continue
			}
			for class := range strings.FieldsSeq(a.Val) {
				seen[class] = true
			}
		}
	}
	for class := range seen {
		if strings.HasPrefix(class, "accent-") || plain[class] {
			continue
		}
		if !regexp.MustCompile(`\.` + regexp.QuoteMeta(class) + `[^a-z0-9-]`).MatchString(css.String()) {
			t.Errorf("class %q has no style", class)
		}
	}
}
