package postings

import (
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// htmlText is what somebody reads who sees an HTML letter: lines for its blocks, "- " before the items of a list,
// cells between tabs, and the address of a link where its words do not say it. It takes any input.
func htmlText(markup string) string {
	w := &textWriter{}
	z := html.NewTokenizer(strings.NewReader(markup))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return tidy(w.out.String())
		case html.TextToken:
			w.text(string(z.Text()))
		case html.StartTagToken, html.SelfClosingTagToken:
			w.open(z.Token())
		case html.EndTagToken:
			w.close(z.Token().Data)
		}
	}
}

// textWriter writes words, and before them what stands between them and those before.
type textWriter struct {
	out    strings.Builder
	hidden string // the element whose content nobody sees; "" outside of one
	lines  int    // line ends before the next word
	space  bool   // white space before it
	mark   string // what begins its line, or its cell
	link   string // address of the link that is open
	shown  int    // where its words begin
}

// unseen are elements whose content is no text of the page. The tokenizer takes all that stands before their end for
// one text.
var unseen = []string{"script", "style", "title", "noscript", "iframe", "noembed", "noframes"}

// blocks begin and end a line.
var blocks = []string{"div", "tr", "li", "dt", "dd", "pre", "section", "article", "header", "footer", "address", "form", "fieldset", "center", "body"}

// apart have an empty line around them.
var apart = []string{"p", "table", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "dl", "blockquote", "hr"}

const blank = " \t\r\n\f\u00a0"

func (w *textWriter) text(s string) {
	if w.hidden != "" {
		return
	}
	words := strings.Fields(s)
	if len(words) == 0 {
		w.space = w.space || s != ""
		return
	}
	w.space = w.space || strings.TrimLeft(s, blank) != s
	w.write(strings.Join(words, " "))
	w.space = strings.TrimRight(s, blank) != s
}

func (w *textWriter) write(words string) {
	switch begun := w.out.Len() > 0; {
	case w.lines > 0 || !begun:
		if begun {
			w.out.WriteString(strings.Repeat("\n", w.lines))
		}
		w.out.WriteString(strings.TrimLeft(w.mark, "\t")) // the first cell of a row
	case w.mark != "":
		w.out.WriteString(w.mark)
	case w.space:
		w.out.WriteByte(' ')
	}
	w.out.WriteString(words)
	w.lines, w.space, w.mark = 0, false, ""
}

func (w *textWriter) open(t html.Token) {
	if w.hidden != "" {
		return
	}
	if slices.Contains(unseen, t.Data) && t.Type == html.StartTagToken {
		w.hidden = t.Data
		return
	}
	w.block(t.Data)
	switch t.Data {
	case "a":
		w.link, w.shown = attribute(t, "href"), w.out.Len()
	case "td", "th":
		w.mark = "\t"
	case "li":
		w.mark = "- "
	case "br":
		w.lines = min(w.lines+1, 2)
	}
}

func (w *textWriter) close(name string) {
	if w.hidden != "" {
		if name == w.hidden {
			w.hidden = ""
		}
		return
	}
	if name == "a" {
		w.closeLink()
	}
	if name == "li" {
		w.mark = ""
	}
	w.block(name)
}

func (w *textWriter) block(name string) {
	switch {
	case slices.Contains(apart, name):
		w.lines = 2
	case slices.Contains(blocks, name):
		w.lines = max(w.lines, 1)
	}
}

// closeLink adds the address of a link whose words are not the address.
func (w *textWriter) closeLink() {
	address, words := strings.TrimSpace(w.link), w.out.String()[min(w.shown, w.out.Len()):]
	w.link = ""
	if !strings.HasPrefix(address, "https://") && !strings.HasPrefix(address, "http://") || len(address) > 300 || strings.ContainsAny(address, blank) {
		return
	}
	bare := strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(address, "https://"), "http://"), "/")
	if strings.TrimSpace(words) != "" && !strings.Contains(words, bare) {
		w.out.WriteString(" <" + address + ">")
	}
}

func attribute(t html.Token, name string) string {
	for _, a := range t.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// tidy leaves no white space at the ends of lines, at most one empty line in a row, and none at the ends.
func tidy(s string) string {
	var b strings.Builder
	empty := 0
	for l := range strings.Lines(s) {
		l = strings.TrimRight(l, blank+"\u200b")
		if l != "" {
			empty = 0
		} else if empty++; empty > 1 {
			continue
		}
		b.WriteString(l)
		b.WriteByte('\n')
	}
	return strings.Trim(b.String(), " \t\n")
}
