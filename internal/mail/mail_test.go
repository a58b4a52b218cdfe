package mail_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	netmail "net/mail"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"
	"unicode/utf8"

	"amicale/internal/errs"
	"amicale/internal/i18n"
	"amicale/internal/id"
	"amicale/internal/mail"
)

func letter() mail.Letter {
	return mail.Letter{
		ID: id.New(), Date: time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC),
		From:    mail.Address{Name: "AIL Alumni, à Lyon", Address: "ne-pas-repondre@ail.example"},
		To:      mail.Address{Name: "Éloïse \"Lo\" Durant", Address: "eloise@exemple.fr"},
		Subject: "Ton lien d'activation, Éloïse", Text: "Bonjour Éloïse,\n\n. un point\n", HTML: "<p>Bonjour Éloïse,</p>", Lang: "fr",
		Headers: map[string]string{"Reply-To": "webmestre@ail.example"},
	}
}

// parsed reads a letter back as a mail program would.
func parsed(t *testing.T, raw []byte) (h netmail.Header, parts map[string]string) {
	t.Helper()
	m, err := netmail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("%v in\n%s", err, raw)
	}
	parts = map[string]string{}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	if kind == "text/plain" {
		b, err := io.ReadAll(quotedprintable.NewReader(m.Body))
		if err != nil {
			t.Fatal(err)
		}
		parts[kind] = string(b)
		return m.Header, parts
	}
	r := multipart.NewReader(m.Body, params["boundary"])
	for {
		p, err := r.NextPart()
		if errors.Is(err, io.EOF) {
			return m.Header, parts
		}
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(p)
		if err != nil {
			t.Fatal(err)
		}
		kind, _, _ := mime.ParseMediaType(p.Header.Get("Content-Type"))
		parts[kind] = string(b)
	}
}

func decoded(t *testing.T, s string) string {
	t.Helper()
	out, err := new(mime.WordDecoder).DecodeHeader(s)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestComposeReadsBackAsWritten(t *testing.T) {
	t.Parallel()
	l := letter()
	raw, err := mail.Compose(l)
	if err != nil {
		t.Fatal(err)
	}
	h, parts := parsed(t, raw)
	for name, want := range map[string]string{
		"Subject": l.Subject, "Auto-Submitted": "auto-generated", "Content-Language": "fr", "Reply-To": "webmestre@ail.example",
		"Message-Id": "<" + l.ID.String() + "@ail.example>", "Date": "Mon, 01 Jun 2026 12:00:00 +0000", "Mime-Version": "1.0",
	} {
		if got := decoded(t, h.Get(name)); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	for name, want := range map[string]mail.Address{"From": l.From, "To": l.To} {
		if got, err := h.AddressList(name); err != nil || len(got) != 1 || *got[0] != want {
			t.Errorf("%s = %v, %v, want %v", name, got, err, want)
		}
	}
	if got := parts["text/plain"]; got != strings.ReplaceAll(l.Text, "\n", "\r\n") {
		t.Errorf("text = %q, want %q", got, l.Text)
	}
	if got := parts["text/html"]; got != l.HTML {
		t.Errorf("html = %q, want %q", got, l.HTML)
	}
	if strings.Contains(strings.ReplaceAll(string(raw), "\r\n", ""), "\n") {
		t.Error("there are line ends that are not CRLF")
	}
	l.HTML = ""
	if raw, err = mail.Compose(l); err != nil {
		t.Fatal(err)
	}
	if _, parts := parsed(t, raw); len(parts) != 1 || !strings.HasPrefix(parts["text/plain"], "Bonjour Éloïse") {
		t.Errorf("a plain letter has parts %v", parts)
	}
}

// hostile are values that try to become a header, a recipient or a part.
var hostile = []string{
	"x\r\nBcc: victim@exemple.fr", "x\nBcc: victim@exemple.fr", "x\rBcc: victim@exemple.fr", "x\r\n\r\nbody", "\x00\x01\u2028Bcc: v@x.fr",
	strings.Repeat("é", 5000), strings.Repeat("x", 5000), "\xff\xfe", "=?utf-8?q?=0D=0ABcc:_v@x.fr?=", " \t \r\n \r\n ", "",
}

func TestNothingInjectsAHeader(t *testing.T) {
	t.Parallel()
	want, _ := parsed(t, must(t, letter()))
	for _, evil := range hostile {
		for field, set := range map[string]func(*mail.Letter){
			"subject":   func(l *mail.Letter) { l.Subject = evil },
			"name":      func(l *mail.Letter) { l.To.Name = evil },
			"sender":    func(l *mail.Letter) { l.From.Name = evil },
			"recipient": func(l *mail.Letter) { l.To.Address = "a@b.fr" + evil },
			"local":     func(l *mail.Letter) { l.To.Address = evil + "@b.fr" },
			"header":    func(l *mail.Letter) { l.Headers["Reply-To"] = evil },
			"name of h": func(l *mail.Letter) { l.Headers = map[string]string{"X-A" + evil: "1", "Reply-To": "a"} },
			"lang":      func(l *mail.Letter) { l.Lang = evil },
			"text":      func(l *mail.Letter) { l.Text = evil },
			"html":      func(l *mail.Letter) { l.HTML = "<p>" + evil },
		} {
			l := letter()
			set(&l)
			raw, err := mail.Compose(l)
			if err != nil {
				if errs.KindOf(err) != errs.Invalid {
					t.Errorf("%s %.20q: %v, want an error of kind invalid", field, evil, err)
				}
				continue
			}
			sound(t, raw)
			h, _ := parsed(t, raw)
			if h.Get("Bcc") != "" || len(h) > len(want)+1 {
				t.Errorf("%s %.20q: headers %v", field, evil, h)
			}
			if to, err := h.AddressList("To"); err != nil || len(to) != 1 {
				t.Errorf("%s %.20q: recipients %v, %v", field, evil, to, err)
			}
		}
	}
}

func must(t *testing.T, l mail.Letter) []byte {
	t.Helper()
	raw, err := mail.Compose(l)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// sound checks what every mail server asks of the bytes.
func sound(t *testing.T, raw []byte) {
	t.Helper()
	for line := range strings.SplitSeq(string(raw), "\r\n") {
		if len(line) > 998 || strings.ContainsAny(line, "\r\n\x00") {
			t.Errorf("a line that servers refuse: %.80q… of %d octets", line, len(line))
		}
		if strings.ContainsFunc(line, func(r rune) bool { return r >= utf8.RuneSelf }) {
			t.Errorf("a line that is not ASCII: %.80q", line)
		}
	}
}

func TestReservedHeadersAreRefused(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Bcc", "cc", "TO", "Content-Type", "Resent-To", "Message-ID", "X A", "X:", "", "Sübject"} {
		l := letter()
		l.Headers = map[string]string{name: "x@y.fr"}
		if _, err := mail.Compose(l); !errors.Is(err, errs.Invalid) {
			t.Errorf("Compose() with header %q = %v, want invalid", name, err)
		}
	}
}

func TestParseAddress(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		" Laure@Exemple.FR ":                   "Laure@exemple.fr",
		"Laure <laure+x@exemple.fr>":           "laure+x@exemple.fr",
		"laure@été.fr":                         "laure@xn--t-9fab.fr",
		"a@b.fr, c@d.fr":                       "",
		"a@b.fr\r\nBcc: c@d.fr":                "",
		"éloïse@exemple.fr":                    "",
		"\"a b\"@exemple.fr":                   "",
		"@exemple.fr":                          "",
		"a@":                                   "",
		"":                                     "",
		strings.Repeat("a", 65) + "@b.fr":      "",
		"a@" + strings.Repeat("b", 70) + ".fr": "",
	} {
		got, err := mail.ParseAddress(in)
		if got.Address != want || (err == nil) != (want != "") {
			t.Errorf("ParseAddress(%.40q) = %q, %v, want %q", in, got.Address, err, want)
		}
	}
}

func spoken(t *testing.T, lang string) context.Context {
	t.Helper()
	b, err := i18n.Load(mail.Messages, fstest.MapFS{
		"messages.fr.toml": {Data: []byte("x.hi.subject = \"Bonjour {{.Name}}\"\nx.hi.p1 = \"Un, {{.Name}}\"\nx.hi.p2 = \"Deux\\nlignes\"\nx.hi.button = \"Activer\"\nx.hi.a1 = \"Après\"\nx.hi.small = \"Petit\"\n")},
		"messages.en.toml": {Data: []byte("x.hi.subject = \"Hello {{.Name}}\"\nx.hi.greeting = \"Dear {{.Name}},\"\nx.hi.p1 = \"One\"\nx.hi.p2 = \"Two\"\nx.hi.a1 = \"After\"\nx.hi.small = \"Small\"\nx.hi.button = \"Go\"\n")},
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.With(t.Context(), lang)
}

func TestWriteAndRender(t *testing.T) {
	t.Parallel()
	ctx := spoken(t, "fr")
	subject, b := mail.Write(ctx, "x.hi", "https://a.fr/t?x=1&y=2", i18n.Data{"Name": "<b>Éloïse</b>"})
	b.Brand = mail.Brand{Name: "AIL", URL: "https://ail.example", Accent: "red;}</style>"}
	text, markup, err := b.Render(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if subject != "Bonjour <b>Éloïse</b>" {
		t.Errorf("subject = %q", subject)
	}
	wantText := "Bonjour,\n\nUn, <b>Éloïse</b>\n\nDeux\nlignes\n\nActiver\nhttps://a.fr/t?x=1&y=2\n\nAprès\n\nAIL\nhttps://ail.example\n\n—\nPetit\n"
	if text != wantText {
		t.Errorf("text = %q, want %q", text, wantText)
	}
	for _, want := range []string{`<html lang="fr">`, "&lt;b&gt;Éloïse", "Deux<br>lignes", `href="https://a.fr/t?x=1&amp;y=2"`, "background:#234a6b", "Si le bouton ne marche pas", "Petit"} {
		if !strings.Contains(markup, want) {
			t.Errorf("the HTML has no %q:\n%s", want, markup)
		}
	}
	for _, not := range []string{"<b>", "<table", "<img", "</style>", "ZgotmplZ"} {
		if strings.Contains(markup, not) {
			t.Errorf("the HTML has %q", not)
		}
	}
	if got, want := mail.Links(text, markup), []string{"https://a.fr/t?x=1&y=2", "https://ail.example"}; !slices.Equal(got, want) {
		t.Errorf("Links() = %v, want %v", got, want)
	}
	en := spoken(t, "en")
	if subject, b := mail.Write(en, "x.hi", "", i18n.Data{"Name": "Lo"}); subject != "Hello Lo" || b.Greeting != "Dear Lo," || b.Button.URL != "" || len(b.Paragraphs) != 2 || b.After[0] != "After" {
		t.Errorf("Write(en) = %q, %+v", subject, b)
	}
	b.Button.URL = "javascript:alert(1)"
	if _, _, err := b.Render(ctx); err == nil {
		t.Error("Render() took a button that is no web address")
	}
}

func TestLinks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text, html string
		want       []string
	}{
		{"voir https://a.fr/x, puis (https://b.fr/y?z=1).", "", []string{"https://a.fr/x", "https://b.fr/y?z=1"}},
		{"", `<a href="http://a.fr/?a=1&amp;b=2">x</a><a href="mailto:x@y.fr">y</a><img src="https://c.fr">`, []string{"http://a.fr/?a=1&b=2"}},
		{"rien", "<a", []string{}},
	} {
		if got := mail.Links(c.text, c.html); !slices.Equal(got, c.want) || got == nil {
			t.Errorf("Links(%q, %q) = %v, want %v", c.text, c.html, got, c.want)
		}
	}
}

func FuzzCompose(f *testing.F) {
	for _, s := range hostile {
		f.Add(s, s, s, s)
	}
	f.Fuzz(func(t *testing.T, subject, name, address, text string) {
		l := letter()
		l.Subject, l.To, l.Text = subject, mail.Address{Name: name, Address: address}, text
		raw, err := mail.Compose(l)
		if err != nil {
			return
		}
		sound(t, raw)
		h, _ := parsed(t, raw)
		if to, err := h.AddressList("To"); err != nil || len(to) != 1 || len(h) != 11 {
			t.Errorf("recipients %v, %v; %d headers in\n%s", to, err, len(h), raw)
		}
	})
}

func TestComposeIsDeterministic(t *testing.T) {
	t.Parallel()
	l := letter()
	if a, b := must(t, l), must(t, l); string(a) != string(b) {
		t.Error("the same letter gave other octets")
	}
	l.Subject = "=?utf-8?q?ceci?= n'est pas codé, =?x?"
	if h, _ := parsed(t, must(t, l)); decoded(t, h.Get("Subject")) != l.Subject {
		t.Errorf("subject %q, want %q", decoded(t, h.Get("Subject")), l.Subject)
	}
}
