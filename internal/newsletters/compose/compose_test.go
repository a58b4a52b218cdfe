package compose

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"slices"
	"strings"
	"testing"
	"time"

	"amicale/internal/errs"
)

func setting() Setting {
	return Setting{
		Lang: "fr", Sender: "AIL Alumni INSA Lyon", URL: "https://annuaire.example", Accent: "#8a1538",
		Image: func(path string) (Image, bool) {
			return Image{"https://annuaire.example" + path, 600, 300}, path == "/lettres/images/a.jpg"
		},
		Browser: "https://annuaire.example/lettres/1", Why: "Tu reçois cette lettre…", Unsubscribe: "Ne plus recevoir", All: "Mes abonnements", ViewLabel: "Dans le navigateur",
	}
}

func laure() Values {
	return Values{Person{"Laure", "L’Hâme & fils", "2010", "INSA Lyon", "laure.lavaut.ly2010", "laure.lavaut.ly2010@ly.example"}, "https://annuaire.example/d/x", "https://annuaire.example/moi"}
}

func prepared(t testing.TB, w Written, s Setting) *Template {
	t.Helper()
	tpl, err := Prepare(w, s)
	if err != nil {
		t.Fatal(err)
	}
	return tpl
}

func TestMarkdownBecomesTwoVersions(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, body, html, text string }{
		{"paragraph", "Bonjour *toi* et **vous**,\nici", "Bonjour <em>toi</em> et <strong>vous</strong>,\nici</p>", "Bonjour toi et vous,\nici"},
		{"heading is never the first", "# Titre", "<h2 ", "Titre"},
		{"list", "- un\n- deux", "<li style=\"margin:0 0 .35em\">un</li>", "- un\n- deux"},
		{"numbers", "3. un\n4. deux", `<ol start="3"`, "3. un\n4. deux"},
		{"nested list", "- un\n  - dedans\n- deux", "<ul", "- un\n  - dedans\n- deux"},
		{"quote", "> sage\n> parole", "<blockquote", "> sage\n> parole"},
		{"rule", "a\n\n---\n\nb", "<hr", "a\n\n* * *\n\nb"},
		{"code", "```\n<b>\n```", "&lt;b&gt;", "<b>"},
		{"link", "[le site](https://exemple.fr/?a=1&b=2)", `href="https://exemple.fr/?a=1&amp;b=2"`, "le site (https://exemple.fr/?a=1&b=2)"},
		{"bare link", "<https://exemple.fr>", `href="https://exemple.fr"`, "https://exemple.fr"},
		{"own path", "[annuaire](/annuaire)", `href="https://annuaire.example/annuaire"`, "annuaire (https://annuaire.example/annuaire)"},
		{"mail", "<a@exemple.fr>", `href="mailto:a@exemple.fr"`, "a@exemple.fr"},
		{"button", "**[Je viens](https://exemple.fr/x)**", "display:inline-block", "Je viens\nhttps://exemple.fr/x"},
		{"button, the other way round", "[**Je viens**](https://exemple.fr/x)", "display:inline-block", "Je viens\nhttps://exemple.fr/x"},
		{"image", "![le campus](/lettres/images/a.jpg)", `<img src="https://annuaire.example/lettres/images/a.jpg" alt="le campus" width="600"`, "[le campus]"},
		{"raw html is text", "a <script>alert(1)</script> b", "a &lt;script&gt;alert(1)&lt;/script&gt; b", "a <script>alert(1)</script> b"},
		{"raw html block is text", "<div onclick=\"x\">\nhop\n</div>", "&lt;div onclick=&#34;x&#34;&gt;", "<div onclick=\"x\">"},
		{"entity", "AT&amp;T &eacute;", "AT&amp;T é", "AT&T é"},
		{"no script", "[x](javascript:alert(1))", "<p style=\"margin:0 0 1em\">x</p>", "x"},
		{"no protocol-relative", "[x](//ailleurs.example/)", "<p style=\"margin:0 0 1em\">x</p>", "x"},
		{"no user in a link", "[x](https://banque.example@ailleurs.example/)", "<p style=\"margin:0 0 1em\">x</p>", "x"},
		{"foreign image", "![pixel](https://ailleurs.example/p.gif)", "<p style=\"margin:0 0 1em\">pixel</p>", "[pixel]"},
		{"reference link", "[x][1]\n\n[1]: https://exemple.fr/r", `href="https://exemple.fr/r"`, "x (https://exemple.fr/r)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			tpl := prepared(t, Written{Subject: "S", Body: c.body}, setting())
			if got := tpl.HTML(laure()); !strings.Contains(got, c.html) {
				t.Errorf("HTML lacks %q:\n%s", c.html, got)
			}
			if got := tpl.Text(laure()); !strings.Contains(got, c.text) {
				t.Errorf("text lacks %q:\n%s", c.text, got)
			}
			if got := tpl.HTML(laure()); strings.Contains(got, "<script") || strings.Contains(got, "javascript:") || strings.Contains(got, "ailleurs.example/p.gif") {
				t.Errorf("the page holds what it must not:\n%s", got)
			}
		})
	}
}

func TestFields(t *testing.T) {
	t.Parallel()
	w := Written{Subject: "{{prenom}}, ta promo {{ promo }}", Preheader: "Pour {{ecole}}",
		Body: "Bonjour {{prenom|toi}} {{nom}} !\n\n[Ta page](https://exemple.fr/p?n={{nom}}&l={{identifiant}}), `{{adresse_a_vie}}`"}
	tpl := prepared(t, w, setting())
	if got, want := tpl.Subject(laure()), "Laure, ta promo 2010"; got != want {
		t.Errorf("Subject() = %q, want %q", got, want)
	}
	page, text := tpl.HTML(laure()), tpl.Text(laure())
	for _, s := range []string{"Bonjour Laure L’Hâme &amp; fils !", "https://exemple.fr/p?n=L%E2%80%99H%C3%A2me+%26+fils&amp;l=laure.lavaut.ly2010", "Pour INSA Lyon", ">laure.lavaut.ly2010@ly.example<", "https://annuaire.example/d/x"} {
		if !strings.Contains(page, s) {
			t.Errorf("HTML lacks %q:\n%s", s, page)
		}
	}
	if s := "Bonjour Laure L’Hâme & fils !"; !strings.Contains(text, s) {
		t.Errorf("text lacks %q:\n%s", s, text)
	}
	if got := tpl.Text(Values{}); !strings.Contains(got, "Bonjour toi  !") {
		t.Errorf("without values:\n%s", got)
	}
	if got := tpl.Links(); len(got) != 0 {
		t.Errorf("Links() = %q, want none: that link holds a field", got)
	}
	evil := laure()
	evil.FirstName = "<script>alert(1)</script>"
	if got := tpl.HTML(evil); strings.Contains(got, "<script>") {
		t.Error("a name became markup")
	}
}

func TestUnknownFieldsAreNamed(t *testing.T) {
	t.Parallel()
	_, err := Prepare(Written{Subject: "{{prénom}}", Body: "{{promo}} {{salaire}} {{salaire|x}} {{}}"}, setting())
	fields := errs.FieldsOf(err)
	if got := fields["subject"].Data["Unknown"]; got != "{{prénom}}" {
		t.Errorf("subject: %v", got)
	}
	if got := fields["body"].Data["Unknown"]; got != "{{salaire}}, {{}}" {
		t.Errorf("body: %v", got)
	}
}

func TestTooLong(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		body string
		ok   bool
	}{
		{"many paragraphs", strings.Repeat(strings.Repeat("a ", 500)+"\n\n", 60), true},
		{"over the whole", strings.Repeat(strings.Repeat("a ", 500)+"\n\n", 70), false},
		{"one long paragraph", strings.Repeat("a", MaxBlock+1), false},
	} {
		if err := (Written{Subject: "s", Body: c.body}).Check(); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if got, _ := blocks(strings.Repeat("x\n\n", MaxBlock)); len(got) < 3 {
		t.Errorf("%d blocks", len(got))
	}
}

func TestLinksAreRewritten(t *testing.T) {
	t.Parallel()
	s := setting()
	s.Link = func(string) string { return "https://annuaire.example/l/c/0" }
	tpl := prepared(t, Written{Subject: "s", Body: "[a](https://exemple.fr/a) [b](https://exemple.fr/b) [a](https://exemple.fr/a) <x@exemple.fr>"}, s)
	if got := tpl.Links(); !slices.Equal(got, []string{"https://exemple.fr/a", "https://exemple.fr/b", "mailto:x@exemple.fr"}) {
		t.Errorf("Links() = %q", got)
	}
	page := tpl.HTML(laure())
	if strings.Contains(page, "https://exemple.fr/a") || strings.Count(page, "https://annuaire.example/l/c/0") != 3 || !strings.Contains(page, "mailto:x@exemple.fr") {
		t.Errorf("not rewritten:\n%s", page)
	}
}

// opened reads a message back as a mailbox does.
func opened(t testing.TB, raw []byte) (h mail.Header, text, page string) {
	t.Helper()
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	parts := multipart.NewReader(m.Body, params["boundary"])
	var out []string
	for {
		p, err := parts.NextRawPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(quotedprintable.NewReader(p))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, strings.ReplaceAll(string(b), "\r\n", "\n"))
	}
	if len(out) != 2 {
		t.Fatalf("%d parts", len(out))
	}
	return m.Header, out[0], out[1]
}

func head() Head {
	return Head{From: `"AIL" <actualites@lettres.ly.example>`, To: "laure@exemple.fr", MessageID: "1@lettres.ly.example", Date: time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC),
		ListID: "AIL <actualites.lettres.ly.example>", Feedback: "c:news:ly:amicale", OneClick: "https://annuaire.example/d/x", Mailto: "mailto:d@ly.example?subject=x"}
}

func TestMessageIsWhatThePreviewShows(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("Très long, où « tout » tient = ou presque. ", 30)
	for _, c := range []struct {
		name string
		w    Written
		v    Values
	}{
		{"fields everywhere", Written{"{{prenom}} é", "p {{nom}}", "{{prenom}}{{nom}}\n{{promo}} fin {{ecole}}\n\n- {{nom}}\n\n" + long + "{{prenom}}"}, laure()},
		{"no values", Written{"s", "", "a {{prenom}} b {{nom}}"}, Values{}},
		{"awkward values", Written{"s", "", "a {{prenom}} b {{nom}}, {{ecole}}."}, Values{Person: Person{FirstName: "=?utf-8?q?x?=", Name: strings.Repeat("É", 200), School: "fin "}}},
		{"spaces at the ends", Written{"s", "", "a \n{{prenom}} \nb"}, Values{Person: Person{FirstName: " x "}}},
	} {
		tpl := prepared(t, c.w, setting())
		raw := tpl.Message(head(), c.v)
		h, text, page := opened(t, raw)
		if text != tpl.Text(c.v) {
			t.Errorf("%s: text\n%q, want\n%q", c.name, text, tpl.Text(c.v))
		}
		if page != tpl.HTML(c.v) {
			t.Errorf("%s: page\n%q, want\n%q", c.name, page, tpl.HTML(c.v))
		}
		subject, err := new(mime.WordDecoder).DecodeHeader(h.Get("Subject"))
		if err != nil || subject != tpl.Subject(c.v) {
			t.Errorf("%s: subject %q, %v, want %q", c.name, subject, err, tpl.Subject(c.v))
		}
		for l := range bytes.SplitSeq(raw, []byte("\r\n")) {
			if len(l) > 998 || bytes.ContainsAny(l, "\r\n") {
				t.Errorf("%s: a line of %d octets: %.80q", c.name, len(l), l)
			}
		}
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	h, _, _ := opened(t, prepared(t, Written{Subject: strings.Repeat("Écoute bien ", 12), Body: "b"}, setting()).Message(head(), laure()))
	for name, want := range map[string]string{
		"List-Id": "AIL <actualites.lettres.ly.example>", "List-Unsubscribe": "<https://annuaire.example/d/x>, <mailto:d@ly.example?subject=x>",
		"List-Unsubscribe-Post": "List-Unsubscribe=One-Click", "Feedback-Id": "c:news:ly:amicale", "Precedence": "bulk", "Message-Id": "<1@lettres.ly.example>",
		"Content-Language": "fr", "Date": "Mon, 01 Jun 2026 12:00:00 +0000", "Auto-Submitted": "",
	} {
		if got := h.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	bare := head()
	bare.OneClick = ""
	if h, _, _ = opened(t, prepared(t, Written{Subject: "s\r\nBcc: x@exemple.fr", Body: "b"}, setting()).Message(bare, laure())); h.Get("List-Unsubscribe-Post") != "" || h.Get("Bcc") != "" {
		t.Errorf("headers %v", h)
	}
}

func TestFindings(t *testing.T) {
	t.Parallel()
	good := strings.Repeat("Des mots qui disent quelque chose. ", 10)
	for _, c := range []struct {
		name  string
		w     Written
		want  []string
		stops bool
	}{
		{"nothing to say", Written{"Les nouvelles", "Ce mois-ci", good + "[les photos du gala](https://exemple.fr)"}, nil, false},
		{"empty", Written{}, []string{"no_subject", "no_body", "no_preheader"}, true},
		{"shouting", Written{"GRANDE NOUVELLE POUR TOUS", "p", good}, []string{"shouting"}, false},
		{"a name in capitals", Written{"INTERFACE 125 est là", "p", good}, nil, false},
		{"crying", Written{"Viens !!", "p", good}, []string{"shouting"}, false},
		{"long subject", Written{strings.Repeat("long ", 20), "p", good}, []string{"long_subject"}, false},
		{"short subject", Written{"Eh", "p", good}, []string{"short_subject"}, false},
		{"no preheader", Written{"Les nouvelles", "", good}, []string{"no_preheader"}, false},
		{"pleading", Written{"Urgent, c’est gratuit", "p", good}, []string{"pleading"}, false},
		{"image without words", Written{"Les nouvelles", "p", good + "![](/lettres/images/a.jpg)"}, []string{"image_without_words"}, false},
		{"image only", Written{"Les nouvelles", "p", "![affiche](/lettres/images/a.jpg)"}, []string{"image_only"}, false},
		{"foreign image", Written{"Les nouvelles", "p", good + "![a](https://ailleurs.example/a.png)"}, []string{"foreign_image"}, true},
		{"link without words", Written{"Les nouvelles", "p", good + "[](https://exemple.fr)"}, []string{"wordless_link"}, false},
		{"vague link", Written{"Les nouvelles", "p", good + "[Cliquez ici](https://exemple.fr)"}, []string{"vague_link"}, false},
		{"plain link", Written{"Les nouvelles", "p", good + "[le gala](http://exemple.fr)"}, []string{"plain_link"}, false},
		{"link with a field", Written{"Les nouvelles", "p", good + "[ta fiche](https://exemple.fr/{{identifiant}})"}, []string{"personal_link"}, false},
		{"bad link", Written{"Les nouvelles", "p", good + "[x](javascript:1)"}, []string{"bad_link"}, true},
		{"too large", Written{"Les nouvelles", "p", strings.Repeat(strings.Repeat("*a* ", 2000)+"\n\n", 7)}, []string{"too_large"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			stops := false
			for _, f := range prepared(t, c.w, setting()).Findings(c.w) {
				got = append(got, strings.TrimPrefix(f.Key, "newsletters.check."))
				stops = stops || f.Stops
			}
			if !slices.Equal(got, c.want) || stops != c.stops {
				t.Errorf("Findings() = %q, stops %v; want %q, %v", got, stops, c.want, c.stops)
			}
		})
	}
}

func TestColoursCanBeRead(t *testing.T) {
	t.Parallel()
	white, _ := parseHex(lightPaper)
	dark, _ := parseHex(darkPaper)
	for _, accent := range []string{"#8a1538", "#ffff00", "#ffffff", "#000000", "#234a6b", "rouge", ""} {
		c := coloursOf(accent)
		for _, pair := range [][2]string{{c.accent, c.on}, {c.link, lightPaper}, {c.darkLink, darkPaper}} {
			a, ok1 := parseHex(pair[0])
			b, ok2 := parseHex(pair[1])
			if !ok1 || !ok2 || contrast(a, b) < readable {
				t.Errorf("%q: %v have contrast %.2f", accent, pair, contrast(a, b))
			}
		}
	}
	if contrast(white, dark) < 10 || PaleAccent("#8a1538") || !PaleAccent("#ffff00") {
		t.Error("contrast is wrong")
	}
}

func TestInTheDark(t *testing.T) {
	t.Parallel()
	page := prepared(t, Written{Subject: "s", Body: "b"}, setting()).HTML(laure())
	if got := InTheDark(page); got == page || strings.Contains(got, "prefers-color-scheme") {
		t.Errorf("InTheDark changes nothing:\n%s", got)
	}
}

func FuzzPrepare(f *testing.F) {
	for _, s := range []string{"", "# a\n\n- b\n  1. c\n\n> d", "{{prenom|x}} [a](b) ![c](d)", "<b>\n</b>\n\n```\nx", "**[a](https://b)**", "[a]: b\n\n[a]", "\uE000\uF8FF", "a\x00b\r\n"} {
		f.Add(s, "v")
	}
	f.Fuzz(func(t *testing.T, body, value string) {
		if len(body) > 2000 {
			return
		}
		tpl, err := Prepare(Written{Subject: "s {{nom}}", Body: body}, setting())
		if err != nil {
			return
		}
		v := Values{Person: Person{FirstName: value, Name: value}}
		page := tpl.HTML(v)
		if strings.Contains(strings.ToLower(page), "<script") || strings.ContainsFunc(tpl.HTML(Values{}), isMark) {
			t.Errorf("%q: %s", body, page)
		}
		raw := tpl.Message(head(), v)
		if bytes.Contains(raw, []byte("\n\n")) || bytes.Contains(bytes.ReplaceAll(raw, []byte("\r\n"), nil), []byte("\n")) {
			t.Errorf("%q: a bare line end", body)
		}
	})
}

// BenchmarkCompose is one message of a letter of thirty sentences with two links and three fields.
func BenchmarkCompose(b *testing.B) {
	w := Written{"{{prenom}}, les nouvelles de juin", "Gala, emploi, voyages", "Bonjour {{prenom}},\n\n" + strings.Repeat("Voici une phrase qui raconte ce qui s’est passé à l’école ce mois-ci. ", 10) + "\n\n" +
		strings.Repeat("Et une autre, un peu plus courte, pour la suite. ", 20) + "\n\n[Le gala](https://exemple.fr/gala) et [l’emploi](https://exemple.fr/emploi), promo {{promo}}."}
	tpl := prepared(b, w, setting())
	v, h := laure(), head()
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		n = len(tpl.Message(h, v))
	}
	b.ReportMetric(float64(n), "octets")
}

func TestALetterForNobodyInParticular(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, want string }{
		{"{{prenom}}, le gala revient", "Le gala revient"},
		{"Bonjour {{prenom}},", "Bonjour,"},
		{"Bonjour {{prenom|à toutes et tous}},", "Bonjour {{prenom|à toutes et tous}},"},
		{"## {{ ecole }} : élisons", "## : élisons"},
		{"Une ligne\n\n{{prenom}} {{nom}}, écris-nous", "Une ligne\n\nÉcris-nous"},
		{"Pas de champ", "Pas de champ"},
		{"[Ici](https://exemple.fr/?l={{identifiant}})", "[Ici](https://exemple.fr/?l=)"},
	} {
		if got := (Written{Body: c.in}).Nobodys().Body; got != c.want {
			t.Errorf("Nobodys(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}
