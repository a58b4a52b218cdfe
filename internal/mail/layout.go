package mail

import (
	"context"
	"embed"
	"fmt"
	"html/template"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/net/html"

	"amicale/internal/i18n"
)

// Messages are the package's texts.
//
//go:embed messages.*.toml
var Messages embed.FS

// Button is the one thing a letter asks for.
type Button struct {
	Label string
	URL   string // absolute, http or https
}

// Brand is in whose name a letter comes.
type Brand struct {
	Name   string // "AIL Alumni INSA Lyon"
	URL    string // its site
	Accent string // "#b4321e"; empty or anything else: the house's own
}

// Body is a letter in words. Nothing in it is markup; a line end inside a paragraph is kept.
type Body struct {
	Brand      Brand
	Greeting   string
	Paragraphs []string
	Button     Button   // with an empty URL there is none
	After      []string // paragraphs below the button
	Small      string   // why this letter came, what to do if it was not asked for
}

// Write makes a letter of messages: prefix.subject, prefix.greeting (else the house's), prefix.p1, p2…, and, where
// they exist, prefix.button, prefix.a1, a2… below the button, and prefix.small. A button needs the link.
func Write(ctx context.Context, prefix, link string, data i18n.Data) (subject string, b Body) {
	say := func(part string) string {
		key := prefix + "." + part
		if s := i18n.T(ctx, key, data); s != key {
			return s
		}
		return ""
	}
	several := func(letter string) (out []string) {
		for n := 1; ; n++ {
			s := say(fmt.Sprint(letter, n))
			if s == "" {
				return out
			}
			out = append(out, s)
		}
	}
	b = Body{Greeting: say("greeting"), Paragraphs: several("p"), After: several("a"), Small: say("small")}
	if b.Greeting == "" {
		b.Greeting = i18n.T(ctx, "mail.greeting")
	}
	if link != "" {
		b.Button = Button{Label: say("button"), URL: link}
	}
	return i18n.T(ctx, prefix+".subject", data), b
}

// Render lays the body out, as text and as HTML, in the language of the context.
func (b Body) Render(ctx context.Context) (text, markup string, err error) {
	if b.Button.URL != "" && !strings.HasPrefix(b.Button.URL, "https://") && !strings.HasPrefix(b.Button.URL, "http://") {
		return "", "", fmt.Errorf("mail.Render: the button's address is not absolute")
	}
	if b.Button.URL != "" && b.Button.Label == "" {
		b.Button.Label = i18n.T(ctx, "mail.open")
	}
	if !accent.MatchString(b.Brand.Accent) {
		b.Brand.Accent = "#234a6b"
	}
	var out strings.Builder
	err = layout.Execute(&out, map[string]any{
		"Lang": i18n.Lang(ctx), "Body": b, "Lines": lines, "Accent": template.CSS(b.Brand.Accent),
		"Fallback": i18n.T(ctx, "mail.fallback"),
	})
	if err != nil {
		return "", "", fmt.Errorf("mail.Render: %w", err)
	}
	return b.text(), out.String(), nil
}

func (b Body) text() string {
	parts := []string{b.Greeting}
	parts = append(parts, b.Paragraphs...)
	if b.Button.URL != "" {
		parts = append(parts, b.Button.Label+"\n"+b.Button.URL)
	}
	parts = append(parts, b.After...)
	if b.Brand.Name != "" {
		parts = append(parts, strings.TrimSpace(b.Brand.Name+"\n"+b.Brand.URL))
	}
	if b.Small != "" {
		parts = append(parts, "—\n"+b.Small)
	}
	parts = slices.DeleteFunc(parts, func(s string) bool { return strings.TrimSpace(s) == "" })
	return strings.Join(parts, "\n\n") + "\n"
}

func lines(s string) []string { return strings.Split(strings.TrimSpace(s), "\n") }

var accent = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)

// layout is a letter as HTML: no table, no picture, nothing fetched from anywhere.
var layout = template.Must(template.New("letter").Funcs(template.FuncMap{"lines": lines}).Parse(`<!doctype html>
<html lang="{{.Lang}}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{{with .Body.Brand.Name}}{{.}}{{else}}Amicale{{end}}</title>
</head>
<body style="margin:0;padding:1.5em 1em;font-family:Georgia,'Times New Roman',serif;font-size:17px;line-height:1.55">
<div style="max-width:36em;margin:0 auto">
{{- with .Body.Brand.Name}}
<p style="margin:0 0 1.5em;padding-bottom:.5em;border-bottom:3px solid {{$.Accent}};font-weight:bold">{{.}}</p>
{{- end}}
{{- with .Body.Greeting}}
<p style="margin:0 0 1em">{{.}}</p>
{{- end}}
{{- range .Body.Paragraphs}}
<p style="margin:0 0 1em">{{range $i, $l := lines .}}{{if $i}}<br>{{end}}{{$l}}{{end}}</p>
{{- end}}
{{- if .Body.Button.URL}}
<p style="margin:1.5em 0"><a href="{{.Body.Button.URL}}" style="display:inline-block;padding:.7em 1.4em;border-radius:.4em;background:{{.Accent}};color:#ffffff;text-decoration:none;font-weight:bold">{{.Body.Button.Label}}</a></p>
<p style="margin:0 0 1em;font-size:14px">{{.Fallback}}<br><a href="{{.Body.Button.URL}}" style="word-break:break-all">{{.Body.Button.URL}}</a></p>
{{- end}}
{{- range .Body.After}}
<p style="margin:0 0 1em">{{range $i, $l := lines .}}{{if $i}}<br>{{end}}{{$l}}{{end}}</p>
{{- end}}
{{- if or .Body.Small .Body.Brand.URL}}
<div style="margin-top:2em;padding-top:.75em;border-top:1px solid #999999;font-size:14px">
{{- with .Body.Small}}
<p style="margin:0 0 .5em">{{range $i, $l := lines .}}{{if $i}}<br>{{end}}{{$l}}{{end}}</p>
{{- end}}
{{- with .Body.Brand.URL}}
<p style="margin:0"><a href="{{.}}">{{.}}</a></p>
{{- end}}
</div>
{{- end}}
</div>
</body>
</html>
`))

var inText = regexp.MustCompile(`https?://[^\s<>"]+`)

// Links are the web addresses in a letter, each once, in the order they stand in the text, then in the HTML.
func Links(text, markup string) []string {
	out := []string{}
	add := func(s string) {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	for _, s := range inText.FindAllString(text, -1) {
		add(strings.TrimRight(s, ".,;:!?)'»"))
	}
	z := html.NewTokenizer(strings.NewReader(markup))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return out
		case html.StartTagToken, html.SelfClosingTagToken:
			t := z.Token()
			for _, a := range t.Attr {
				if t.Data == "a" && a.Key == "href" && (strings.HasPrefix(a.Val, "https://") || strings.HasPrefix(a.Val, "http://")) {
					add(a.Val)
				}
			}
		}
	}
}
