package ui

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
	"github.com/a-h/templ"

	"amicale/internal/i18n"
)

func testContext(t *testing.T, lang string) context.Context {
	t.Helper()
	bundle, err := i18n.Load(Messages)
	if err != nil {
		t.Fatal(err)
	}
	return bundle.With(t.Context(), lang)
}

func render(t *testing.T, lang string, c templ.Component) (string, *goquery.Document) {
	t.Helper()
	var buf bytes.Buffer
	if err := c.Render(testContext(t, lang), &buf); err != nil {
		t.Fatal(err)
	}
	doc, err := goquery.NewDocumentFromReader(bytes.NewReader(buf.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	return buf.String(), doc
}

// fullFrame has everything a frame can have.
func fullFrame() Frame {
	return Frame{
		Title: "Annuaire <b>", Description: "Tous", Site: "Fédération", AccentsURL: "/accents.css", Canonical: "https://exemple.fr/", NoIndex: true, Demo: true, HelpURL: "/aide",
		Association: &Brand{Code: "ly", Name: "Lyon", Tagline: "<i>"},
		Nav:         []NavItem{{Label: "Annuaire", URL: "/annuaire", Current: true}, {Label: "Agenda", URL: "/agenda", Count: 2}},
		User:        &UserMenu{Name: "Laure <script>alert(1)</script>", Items: []MenuItem{{Label: "Moi", URL: "/moi"}, {Label: "Sortir", URL: "/deconnexion", Post: true, Divider: true}}},
		Search:      SearchBox{Action: "/annuaire", Value: `"><b>`},
		Languages:   []LangLink{{Code: "fr", Label: "Français", Current: true}, {Code: "en", Label: "English", URL: "/en"}, {Code: "en", Label: "English", URL: "/langue", Post: true}},
		Footer:      []NavItem{{Label: "Mentions", URL: "/mentions"}},
		Flash:       []Toast{{Text: "Fait <b>", Undo: &ToastAction{URL: "/defaire"}}},
	}
}

func pageOf(f Frame, body templ.Component) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		return Page(f).Render(templ.WithChildren(ctx, body), w)
	})
}

// TestPageIsWired reads the whole living page in its fullest frame: every reference from one element to another must
// lead somewhere and every control must have a name. What a browser finds besides is for the browser tests.
func TestPageIsWired(t *testing.T) {
	t.Parallel()
	for _, lang := range i18n.Langs() {
		guest := fullFrame()
		guest.User, guest.SignInURL, guest.Association = nil, "/connexion", nil
		for name, frame := range map[string]Frame{"full": fullFrame(), "guest": guest} {
			t.Run(lang+" "+name, func(t *testing.T) {
				t.Parallel()
				html, doc := render(t, lang, pageOf(frame, Showcase()))
				if got, _ := doc.Find("html").Attr("lang"); got != lang {
					t.Errorf("lang = %q, want %q", got, lang)
				}
				for _, bad := range []string{"<script>", "<b>Martin", "<i>", "ui."} {
					if strings.Contains(html, bad) {
						t.Errorf("the page contains %q", bad)
					}
				}
				if n := doc.Find("h1").Length(); n != 2 { // its own, and Identity's
					t.Errorf("h1: %d, want 2", n)
				}
				checkIDs(t, doc)
				checkReferences(t, doc)
				checkNames(t, doc)
			})
		}
	}
}

func checkIDs(t *testing.T, doc *goquery.Document) {
	seen := map[string]bool{}
	doc.Find("[id]").Each(func(_ int, s *goquery.Selection) {
		id, _ := s.Attr("id")
		if id == "" || seen[id] {
			t.Errorf("id %q is empty or stands twice", id)
		}
		seen[id] = true
	})
}

func checkReferences(t *testing.T, doc *goquery.Document) {
	for _, attr := range []string{"for", "aria-describedby", "aria-labelledby", "aria-controls", "data-dialog"} {
		doc.Find("[" + attr + "]").Each(func(_ int, s *goquery.Selection) {
			value, _ := s.Attr(attr)
			for id := range strings.FieldsSeq(value) {
				if doc.Find("#"+id).Length() != 1 {
					t.Errorf("%s=%q leads nowhere", attr, id)
				}
			}
		})
	}
	doc.Find(`a[href^="#"]`).Each(func(_ int, s *goquery.Selection) {
		href, _ := s.Attr("href")
		if href == "#" || doc.Find(href).Length() != 1 {
			t.Errorf("link to %q leads nowhere", href)
		}
	})
}

func checkNames(t *testing.T, doc *goquery.Document) {
	doc.Find("input:not([type=hidden]), select, textarea").Each(func(_ int, s *goquery.Selection) {
		id, _ := s.Attr("id")
		if doc.Find(`label[for="`+id+`"]`).Length() != 1 {
			t.Errorf("field %q has no label of its own", id)
		}
	})
	doc.Find("a, button, summary").Each(func(_ int, s *goquery.Selection) {
		label, _ := s.Attr("aria-label")
		if strings.TrimSpace(s.Text()+label) == "" {
			html, _ := goquery.OuterHtml(s)
			t.Errorf("no name: %s", html)
		}
	})
	doc.Find("button").Each(func(_ int, s *goquery.Selection) {
		if _, typed := s.Attr("type"); !typed && s.Closest("form[method=dialog]").Length() == 0 {
			t.Errorf("button %q has no type", strings.TrimSpace(s.Text()))
		}
	})
	doc.Find("img").Each(func(_ int, s *goquery.Selection) {
		for _, attr := range []string{"alt", "width", "height"} {
			if _, ok := s.Attr(attr); !ok {
				t.Errorf("an image has no %s", attr)
			}
		}
	})
}

func TestFieldTellsItsError(t *testing.T) {
	t.Parallel()
	for _, typ := range []FieldType{TextField, EmailField, PhoneField, NumberField, DateField, URLField, SearchField, PasswordField, FileField, TextArea, SelectField, Checkbox} {
		t.Run(string(typ), func(t *testing.T) {
			t.Parallel()
			_, doc := render(t, "fr", Field(FieldProps{Label: "Année", Name: "p[0].year", Type: typ, Hint: "quatre chiffres", Error: "Il manque l’année.", Required: true}))
			field := doc.Find("#f-p-0--year")
			if got, want := field.AttrOr("aria-describedby", ""), "f-p-0--year-error f-p-0--year-hint"; got != want {
				t.Errorf("aria-describedby = %q, want %q", got, want)
			}
			if field.AttrOr("aria-invalid", "") != "true" || field.AttrOr("required", "-") == "-" {
				t.Error("the field says neither that it is wrong nor that it is needed")
			}
			if got := doc.Find("#f-p-0--year-error").Text(); !strings.Contains(got, "Il manque l’année.") {
				t.Errorf("error text = %q", got)
			}
			if got := field.AttrOr("name", ""); got != "p[0].year" {
				t.Errorf("name = %q", got)
			}
		})
	}
}

func TestErrorSummary(t *testing.T) {
	t.Parallel()
	if html, _ := render(t, "fr", ErrorSummary(nil)); html != "" {
		t.Errorf("ErrorSummary(nil) = %q, want nothing", html)
	}
	_, doc := render(t, "fr", ErrorSummary([]FieldError{{Field: "a.b", Message: "un"}, {ID: "x", Message: "deux"}}))
	if got, want := doc.Find(".alert-title").Text(), "Il reste 2 choses à corriger. Rien n’est perdu."; got != want {
		t.Errorf("title = %q, want %q", got, want)
	}
	for i, want := range []string{"#f-a-b", "#x"} {
		if got := doc.Find("a").Eq(i).AttrOr("href", ""); got != want {
			t.Errorf("link %d = %q, want %q", i, got, want)
		}
	}
}

func TestHostileTextsAreEscaped(t *testing.T) {
	t.Parallel()
	const evil = `"><script>alert('x')</script><img src=x onerror=alert(1)>`
	components := map[string]templ.Component{
		"person":   PersonCard(PersonCardProps{Name: evil, URL: "javascript:alert(1)", PhotoURL: evil, Headline: evil, Place: evil, Schools: []SchoolBadgeProps{{Code: evil, Label: evil, Detail: evil}}, Badges: []BadgeProps{{Text: evil, Icon: evil}}}),
		"initials": PersonCard(PersonCardProps{Name: evil}),
		"toast":    Toasts([]Toast{{Text: evil, Tone: Tone(evil), Undo: &ToastAction{Label: evil, URL: evil}}}),
		"table":    Table(TableProps{Caption: evil, Columns: []Column{{Label: evil}, {Label: evil}}, Rows: [][]Cell{{{Text: evil}, {Text: evil, URL: evil}}}}),
		"field":    Field(FieldProps{Label: evil, Name: evil, Value: evil, Hint: evil, Error: evil, Placeholder: evil, Attrs: templ.Attributes{"data-x": evil}}),
		"select":   Field(FieldProps{Label: evil, Name: evil, Type: SelectField, Options: []Option{{Value: evil, Label: evil}}}),
		"button":   Button(ButtonProps{Label: evil, Name: evil, Value: evil, Confirm: evil, Busy: evil}),
		"copy":     CopyButton(evil),
		"facet":    FacetPanel(FacetPanelProps{Action: "/", Hidden: []Option{{Value: evil, Label: evil}}, Groups: []FacetGroup{{Title: evil, Name: evil, Values: []FacetValue{{Value: evil, Label: evil, Code: evil}}}}}),
	}
	for name, c := range components {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, doc := render(t, "fr", c)
			if n := doc.Find("script, [onerror]").Length(); n != 0 {
				t.Errorf("%d elements came out of a text", n)
			}
		})
	}
}

func TestInitials(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"Anne-Laure Lavaut": "AL", "Pierre-Henri L’Hame": "PL", "éloïse durant": "ÉD", "Jean <b>Martin</b>": "JB", "Łucja Şahin": "ŁŞ",
		"Prince": "P", "": "·", "  ": "·", "123": "·", "Ana de la Cruz": "AC", "李 小龙": "李小", "O'Neil": "O",
	} {
		if got := initials(name); got != want {
			t.Errorf("initials(%q) = %q, want %q", name, got, want)
		}
	}
}

// TestTintIsStable pins two colours: a person's face must not change colour with a release.
func TestTintIsStable(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"Laure Lavaut": "tint-4", "Éloïse Durant": "tint-3"} {
		if got := tint(name); got != want {
			t.Errorf("tint(%q) = %s, want %s", name, got, want)
		}
	}
	seen := map[string]bool{}
	for _, p := range samplePeople() {
		seen[tint(p.Name)] = true
	}
	if len(seen) < 3 {
		t.Errorf("only %d colours for %d people", len(seen), len(samplePeople()))
	}
}

func TestPagerPages(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		page, pages int
		want        []int
	}{
		{1, 1, []int{1}},
		{1, 3, []int{1, 2, 3}},
		{1, 40, []int{1, 2, 0, 40}},
		{3, 40, []int{1, 2, 3, 4, 0, 40}},
		{4, 40, []int{1, 2, 3, 4, 5, 0, 40}},
		{7, 40, []int{1, 0, 6, 7, 8, 0, 40}},
		{40, 40, []int{1, 0, 39, 40}},
	} {
		got := PagerProps{Page: c.page, Pages: c.pages}.pages()
		if len(got) != len(c.want) {
			t.Errorf("pages(%d of %d) = %v, want %v", c.page, c.pages, got, c.want)
			continue
		}
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("pages(%d of %d) = %v, want %v", c.page, c.pages, got, c.want)
				break
			}
		}
	}
	if html, _ := render(t, "fr", Pager(PagerProps{Page: 1, Pages: 1, URL: samplePage})); html != "" {
		t.Errorf("a pager for one page: %q", html)
	}
	_, doc := render(t, "en", Pager(PagerProps{Page: 2, Pages: 3, URL: samplePage}))
	if doc.Find("[rel=prev]").AttrOr("href", "") != "?page=1" || doc.Find("[rel=next]").AttrOr("href", "") != "?page=3" {
		t.Error("previous and next do not lead to their pages")
	}
}

func TestMessagesAgree(t *testing.T) {
	t.Parallel()
	bundle, err := i18n.Load(Messages)
	if err != nil {
		t.Fatal(err)
	}
	fr, en := strings.Join(bundle.Keys("fr"), "\n"), strings.Join(bundle.Keys("en"), "\n")
	if fr != en {
		t.Errorf("the languages differ in their keys:\nfr %s\nen %s", fr, en)
	}
	for _, key := range bundle.Keys("fr") {
		if !strings.HasPrefix(key, "ui.") {
			t.Errorf("key %q does not begin with the package's name", key)
		}
	}
}

func TestEveryIconIsDrawn(t *testing.T) {
	t.Parallel()
	for _, name := range IconNames() {
		if len(iconPaths(name)) == 0 {
			t.Errorf("icon %q draws nothing", name)
		}
	}
	if html, _ := render(t, "fr", Icon("unknown")); html != "" {
		t.Errorf("an unknown icon draws %q", html)
	}
}
