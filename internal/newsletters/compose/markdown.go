package compose

import (
	"fmt"
	"html"
	"net/url"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// renderer writes CommonMark as the HTML that mailboxes understand, each element with its own style, and as text.
type renderer struct {
	s       Setting
	colours colours
	found   found
	src     []byte
}

func (r *renderer) render(body string) (markup, plain string) {
	parts, _ := blocks(body)
	parser := goldmark.DefaultParser()
	var h, t []string
	for _, part := range parts {
		r.src = []byte(part)
		one, two := r.blocks(parser.Parse(text.NewReader(r.src)))
		h, t = append(h, one), append(t, two)
	}
	return strings.Join(h, ""), strings.TrimSpace(strings.Join(t, "\n\n"))
}

// blocks are the children of a node one below the other.
func (r *renderer) blocks(parent ast.Node) (markup, plain string) {
	var h strings.Builder
	var t []string
	for n := parent.FirstChild(); n != nil; n = n.NextSibling() {
		one, two := r.block(n)
		h.WriteString(one)
		if two != "" {
			t = append(t, two)
		}
	}
	between := "\n\n"
	if l, ok := parent.(*ast.List); ok && l.IsTight || parent.Kind() == ast.KindListItem {
		between = "\n"
	}
	return h.String(), strings.Join(t, between)
}

func (r *renderer) block(n ast.Node) (markup, plain string) {
	switch n := n.(type) {
	case *ast.Heading:
		h, t := r.inlines(n)
		level := min(n.Level+1, 4) // the subject is the letter's first heading
		size := map[int]string{2: "1.35em", 3: "1.15em", 4: "1em"}[level]
		return fmt.Sprintf("<h%[1]d style=\"margin:1.5em 0 .5em;font-size:%[2]s;line-height:1.3\">%[3]s</h%[1]d>\n", level, size, h), t
	case *ast.Paragraph:
		if h, t, ok := r.button(n); ok {
			return h, t
		}
		h, t := r.inlines(n)
		return `<p style="margin:0 0 1em">` + h + "</p>\n", t
	case *ast.TextBlock:
		return r.inlines(n)
	case *ast.List:
		return r.list(n)
	case *ast.ListItem:
		h, t := r.blocks(n)
		return `<li style="margin:0 0 .35em">` + h + "</li>\n", t
	case *ast.Blockquote:
		h, t := r.blocks(n)
		return `<blockquote style="margin:0 0 1em;padding:0 0 0 1em;border-left:3px solid ` + r.colours.accent + `">` + h + "</blockquote>\n", prefixed("> ", "> ", t)
	case *ast.ThematicBreak:
		return "<hr style=\"margin:2em 0;border:0;border-top:1px solid #999999\">\n", "* * *"
	case *ast.LinkReferenceDefinition:
		return "", ""
	case *ast.HTMLBlock:
		raw := string(n.Lines().Value(r.src))
		if n.HasClosure() {
			raw += string(n.ClosureLine.Value(r.src))
		}
		raw = strings.TrimSpace(raw)
		return `<p style="margin:0 0 1em">` + html.EscapeString(raw) + "</p>\n", raw
	}
	raw := strings.TrimRight(string(n.Lines().Value(r.src)), "\n") // code, fenced or indented
	return `<pre style="margin:0 0 1em;white-space:pre-wrap;font-family:monospace">` + html.EscapeString(raw) + "</pre>\n", raw
}

func (r *renderer) list(n *ast.List) (markup, plain string) {
	var h strings.Builder
	var t []string
	number := max(n.Start, 1)
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		one, two := r.block(c)
		h.WriteString(one)
		first := "- "
		if n.IsOrdered() {
			first = fmt.Sprintf("%d. ", number)
			number++
		}
		t = append(t, prefixed(first, strings.Repeat(" ", len(first)), two))
	}
	plain = strings.Join(t, "\n")
	const style = ` style="margin:0 0 1em;padding:0 0 0 1.4em"`
	if !n.IsOrdered() {
		return "<ul" + style + ">\n" + h.String() + "</ul>\n", plain
	}
	start := ""
	if n.Start > 1 {
		start = fmt.Sprintf(` start="%d"`, n.Start)
	}
	return "<ol" + start + style + ">\n" + h.String() + "</ol>\n", plain
}

// prefixed puts something before each line.
func prefixed(first, next, s string) string {
	return first + strings.ReplaceAll(s, "\n", "\n"+next)
}

// button draws a paragraph that is one strong link, and nothing else, as a button.
func (r *renderer) button(p *ast.Paragraph) (markup, plain string, ok bool) {
	only := func(n ast.Node) ast.Node {
		if n == nil || n.ChildCount() != 1 {
			return nil
		}
		return n.FirstChild()
	}
	outer := only(p)
	inner := only(outer)
	l, linkOutside := outer.(*ast.Link)
	e, strong := inner.(*ast.Emphasis)
	if !linkOutside {
		e, strong = outer.(*ast.Emphasis)
		l, linkOutside = inner.(*ast.Link)
	}
	if !linkOutside || !strong || e.Level != 2 {
		return "", "", false
	}
	h, t := r.inlines(inner)
	to, good := r.address(t, string(l.Destination))
	if !good {
		return "", "", false
	}
	return `<p style="margin:1.5em 0"><a href="` + html.EscapeString(to) + `" style="display:inline-block;padding:.7em 1.4em;border-radius:.4em;background:` + r.colours.accent +
		`;color:` + r.colours.on + `;text-decoration:none;font-weight:bold">` + h + "</a></p>\n", t + "\n" + to, true
}

func (r *renderer) inlines(parent ast.Node) (markup, plain string) {
	var h, t strings.Builder
	for n := parent.FirstChild(); n != nil; n = n.NextSibling() {
		one, two := r.inline(n)
		h.WriteString(one)
		t.WriteString(two)
	}
	return h.String(), t.String()
}

func (r *renderer) inline(n ast.Node) (markup, plain string) {
	switch n := n.(type) {
	case *ast.Text:
		s := string(util.ResolveEntityNames(util.ResolveNumericReferences(util.UnescapePunctuations(n.Value(r.src)))))
		switch {
		case n.HardLineBreak():
			return html.EscapeString(s) + "<br>\n", s + "\n"
		case n.SoftLineBreak():
			return html.EscapeString(s) + "\n", s + "\n"
		}
		return html.EscapeString(s), s
	case *ast.String:
		return html.EscapeString(string(n.Value)), string(n.Value)
	case *ast.CodeSpan:
		var s strings.Builder
		for c := n.FirstChild(); c != nil; c = c.NextSibling() {
			if t, ok := c.(*ast.Text); ok {
				s.Write(t.Value(r.src))
			}
		}
		return `<code style="font-family:monospace">` + html.EscapeString(s.String()) + "</code>", s.String()
	case *ast.Emphasis:
		h, t := r.inlines(n)
		if n.Level == 2 {
			return "<strong>" + h + "</strong>", t
		}
		return "<em>" + h + "</em>", t
	case *ast.Link:
		h, t := r.inlines(n)
		return r.anchor(h, t, string(n.Destination))
	case *ast.AutoLink:
		label, to := string(n.Label(r.src)), string(n.URL(r.src))
		if n.AutoLinkType == ast.AutoLinkEmail && !strings.HasPrefix(to, "mailto:") {
			to = "mailto:" + to
		}
		return r.anchor(html.EscapeString(label), label, to)
	case *ast.Image:
		_, alt := r.inlines(n)
		return r.image(alt, string(n.Destination))
	case *ast.RawHTML:
		s := string(n.Segments.Value(r.src))
		return html.EscapeString(s), s
	}
	return r.inlines(n)
}

// anchor is a link; one that leads nowhere good is its words alone.
func (r *renderer) anchor(h, t, dest string) (markup, plain string) {
	to, ok := r.address(t, dest)
	if !ok {
		return h, t
	}
	shown := strings.TrimPrefix(to, "mailto:")
	markup = `<a href="` + html.EscapeString(to) + `" class="lien" style="color:` + r.colours.link + `">` + h + "</a>"
	if t == "" || t == shown || t == to {
		return markup, shown
	}
	return markup, t + " (" + shown + ")"
}

// address is where a link leads, as the letter says it.
func (r *renderer) address(words, dest string) (to string, ok bool) {
	to = string(util.UnescapePunctuations([]byte(dest)))
	if strings.HasPrefix(to, "/") && !strings.HasPrefix(to, "//") {
		to = r.s.URL + to
	}
	to = inURL(strings.Map(func(c rune) rune {
		if c <= ' ' || c == 0x7f {
			return -1
		}
		return c
	}, to))
	if !AddressFits(to) {
		r.found.badLinks = append(r.found.badLinks, dest)
		return "", false
	}
	l := link{text: strings.TrimSpace(words), url: to, personal: hasMark(to), own: strings.HasPrefix(to, r.s.URL+"/")}
	r.found.links = append(r.found.links, l)
	if r.s.Link != nil && !l.personal && strings.HasPrefix(to, "http") {
		to = r.s.Link(to)
	}
	return to, true
}

// AddressFits reports whether a letter may lead there: a page of the web, an e-mail address, a phone number.
func AddressFits(to string) bool {
	u, err := url.Parse(to)
	if err != nil || len(to) > 2000 {
		return false
	}
	switch u.Scheme {
	case "https", "http":
		return u.Host != "" && u.User == nil && !hasMark(u.Host)
	case "mailto", "tel":
		return u.Opaque != ""
	}
	return false
}

// image shows a picture of the site's; another's would tell its owner who reads.
func (r *renderer) image(alt, dest string) (markup, plain string) {
	one := picture{alt: strings.TrimSpace(alt), path: dest}
	var img Image
	if r.s.Image != nil {
		img, one.known = r.s.Image(dest)
	}
	r.found.images = append(r.found.images, one)
	plain = ""
	if one.alt != "" {
		plain = "[" + one.alt + "]"
	}
	if !one.known {
		return html.EscapeString(one.alt), plain
	}
	return fmt.Sprintf(`<img src="%s" alt="%s" width="%d" style="display:block;max-width:100%%;height:auto;margin:0 auto;border:0">`,
		html.EscapeString(img.URL), html.EscapeString(one.alt), img.Width), plain
}
