package compose

import (
	"html"
	"strings"
)

// darkQuery stands once in a page: the dark preview puts another in its place.
const darkQuery = "@media (prefers-color-scheme: dark)"

// framed is a letter's words, rendered, with its marks.
type framed struct{ subject, preheader, html, text string }

// frame puts the page around the words: one column that fits a phone, no picture, nothing fetched from anywhere. Styles
// stand on the elements, for mailboxes that drop the head; the head adds the dark.
func (s Setting) frame(m *marks, c colours, f framed) (page, text string) {
	e := html.EscapeString
	var h strings.Builder
	say := func(parts ...string) {
		for _, p := range parts {
			h.WriteString(p)
		}
	}
	say("<!doctype html>\n<html lang=\"", e(s.Lang), "\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n",
		"<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"supported-color-schemes\" content=\"light dark\">\n<title>", e(f.subject), "</title>\n<style>\n",
		darkQuery, " {\n.fond, .page { background: ", darkPaper, " !important; color: #e8e6e3 !important }\n.lien { color: ", c.darkLink, " !important }\n.pied { color: #b8b5b0 !important }\n}\n",
		"</style>\n</head>\n<body class=\"fond\" style=\"margin:0;padding:0;background:", lightPaper, ";color:#222222\">\n")
	if f.preheader != "" && !s.nobodys() {
		// The blanks keep mailboxes from showing the letter's first words after the line.
		say("<div style=\"display:none;max-height:0;overflow:hidden;opacity:0\">", e(f.preheader), strings.Repeat("&#8199;&#847;", 30), "</div>\n")
	}
	part := "div"
	if s.nobodys() { // a page of the web, which has a main part and a heading
		part = "main"
	}
	say("<", part, " class=\"page\" style=\"max-width:37.5em;margin:0 auto;padding:1.5em 1em;font-family:Georgia,'Times New Roman',serif;font-size:17px;line-height:1.55;color:#222222\">\n",
		"<p style=\"margin:0 0 1.5em;padding-bottom:.5em;border-bottom:3px solid ", c.accent, ";font-weight:bold\">", e(s.Sender), "</p>\n")
	if s.nobodys() {
		say("<h1 style=\"margin:0 0 .75em;font-size:1.6em;line-height:1.25\">", e(f.subject), "</h1>\n")
	}
	say(f.html)
	s.foot(m, c, say)
	say("</", part, ">\n</body>\n</html>\n")
	return h.String(), s.plain(m, f)
}

// nobodys reports whether the letter is shown to whoever comes by.
func (s Setting) nobodys() bool { return s.Why == "" }

// foot says why the letter came and how it stops.
func (s Setting) foot(m *marks, c colours, say func(...string)) {
	e := html.EscapeString
	say("<div class=\"pied\" style=\"margin-top:2.5em;padding-top:.75em;border-top:1px solid #999999;font-size:14px;color:#555555\">\n")
	line := func(parts ...string) {
		say(append(append([]string{`<p style="margin:0 0 .5em">`}, parts...), "</p>\n")...)
	}
	to := func(url, label string) string {
		return `<a href="` + url + `" class="lien" style="color:` + c.link + `">` + e(label) + "</a>"
	}
	if s.Why != "" {
		line(e(s.Why))
		line(to(m.add(ref{slot: unsubscribe}), s.Unsubscribe), " · ", to(m.add(ref{slot: all}), s.All))
	}
	if s.Browser != "" {
		line(to(e(s.Browser), s.ViewLabel))
	}
	line(e(s.Sender), " · ", to(e(s.URL), strings.TrimPrefix(strings.TrimPrefix(s.URL, "https://"), "http://")))
	say("</div>\n")
}

// plain is the letter as text, in the same order.
func (s Setting) plain(m *marks, f framed) string {
	parts := []string{s.Sender, f.text, "—"}
	if s.Why != "" {
		parts = append(parts, s.Why, s.Unsubscribe+"\n"+m.add(ref{slot: unsubscribe}), s.All+"\n"+m.add(ref{slot: all}))
	}
	if s.Browser != "" {
		parts = append(parts, s.ViewLabel+"\n"+s.Browser)
	}
	parts = append(parts, s.Sender+"\n"+s.URL)
	var out []string
	for _, p := range parts {
		if p = strings.TrimSpace(p); p != "" {
			out = append(out, p)
		}
	}
	return strings.Join(out, "\n\n") + "\n"
}
