package help

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
	"go.yaml.in/yaml/v3"

	"amicale/internal/fold"
)

// frontMatter is what stands between the two lines of --- at the head of an article. An unknown field is refused.
type frontMatter struct {
	Title     string
	Theme     string
	Order     int
	Soon      bool
	Keywords  []string
	Questions []string
	Screens   []string
}

// link is where an article points: to another article, or to a path of the site.
type link struct {
	article string // slug, or empty
	path    string // path of the site, or empty
}

// parseArticle reads one source: the front matter, then Markdown without a first-level heading (the title is it).
func parseArticle(md goldmark.Markdown, src []byte) (*Article, error) {
	if len(src) > maxArticle {
		return nil, fmt.Errorf("%d bytes, at most %d", len(src), maxArticle)
	}
	head, body, ok := bytes.Cut(bytes.TrimPrefix(src, []byte("---\n")), []byte("\n---\n"))
	if !ok {
		return nil, errors.New("no front matter")
	}
	var fm frontMatter
	dec := yaml.NewDecoder(bytes.NewReader(head))
	dec.KnownFields(true)
	if err := dec.Decode(&fm); err != nil {
		return nil, err
	}
	if fm.Title == "" {
		return nil, errors.New("no title")
	}
	doc := md.Parser().Parse(text.NewReader(body), parser.WithContext(parser.NewContext(parser.WithIDs(&headingIDs{}))))
	links, err := resolveLinks(doc)
	if err != nil {
		return nil, err
	}
	var html bytes.Buffer
	if err := md.Renderer().Render(&html, body, doc); err != nil {
		return nil, err
	}
	plain, lead := plainText(doc, body)
	a := &Article{
		Title: fm.Title, Theme: fm.Theme, Order: fm.Order, Soon: fm.Soon, Lead: lead, HTML: html.String(),
		Keywords: fm.Keywords, Questions: fm.Questions, Screens: fm.Screens, links: links,
	}
	a.index = newIndex(a, plain)
	return a, nil
}

// newMarkdown renders CommonMark with tables. Table cells get no alignment: it would be an inline style, which the
// content security policy refuses.
func newMarkdown() goldmark.Markdown {
	return goldmark.New(
		goldmark.WithExtensions(extension.NewTable(extension.WithTableCellAlignMethod(extension.TableCellAlignNone))),
		goldmark.WithParserOptions(parser.WithAutoHeadingID()),
	)
}

// resolveLinks turns "other.md", which also works where the sources are browsed, into the path of that article.
// Anything else must be a path of the site: the help sends nobody elsewhere.
func resolveLinks(doc ast.Node) ([]link, error) {
	var links []link
	err := ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		l, ok := n.(*ast.Link)
		if !ok || !entering {
			return ast.WalkContinue, nil
		}
		dest := string(l.Destination)
		if strings.HasPrefix(dest, "/") && !strings.HasPrefix(dest, "//") {
			links = append(links, link{path: dest})
			return ast.WalkContinue, nil
		}
		file, fragment, _ := strings.Cut(dest, "#")
		slug, ok := strings.CutSuffix(file, ".md")
		if !ok || strings.ContainsAny(slug, "/:.") {
			return ast.WalkStop, fmt.Errorf("link to %q: neither an article nor a path of the site", dest)
		}
		links = append(links, link{article: slug})
		dest = Base + "/" + slug
		if fragment != "" {
			dest += "#" + fragment
		}
		l.Destination = []byte(dest)
		return ast.WalkContinue, nil
	})
	return links, err
}

// headingIDs makes the ids of headings from their folded words, so that they are stable and can be linked to.
type headingIDs struct {
	used map[string]bool
}

// Generate is the id of a heading with this source text.
func (h *headingIDs) Generate(value []byte, _ ast.NodeKind) []byte {
	base := strings.ReplaceAll(fold.Name(string(value)), " ", "-")
	if base == "" {
		base = "section"
	}
	id := base
	for n := 2; h.used[id]; n++ {
		id = base + "-" + strconv.Itoa(n)
	}
	h.Put([]byte(id))
	return []byte(id)
}

// Put reserves an id.
func (h *headingIDs) Put(value []byte) {
	if h.used == nil {
		h.used = map[string]bool{}
	}
	h.used[string(value)] = true
}

// plainText is the document's text without markup, a space between blocks and a dot after a heading or a cell, and
// its first paragraph alone.
func plainText(doc ast.Node, src []byte) (all, lead string) {
	var b strings.Builder
	start := 0 // of the paragraph being read
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			switch {
			case n.Kind() == ast.KindHeading, n.Kind() == extast.KindTableCell:
				b.WriteString(" · ")
			case n.Type() == ast.TypeBlock:
				b.WriteByte(' ')
			}
			if lead == "" && n.Kind() == ast.KindParagraph {
				lead = squeeze(b.String()[start:])
			}
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Text:
			b.Write(util.UnescapePunctuations(n.Value(src)))
			if n.SoftLineBreak() || n.HardLineBreak() {
				b.WriteByte(' ')
			}
		case *ast.FencedCodeBlock:
			b.Write(n.Lines().Value(src))
		case *ast.Paragraph:
			start = b.Len()
		}
		return ast.WalkContinue, nil
	})
	return squeeze(b.String()), lead
}

// squeeze makes each run of line breaks, tabs and plain spaces one space, and leaves no-break spaces alone.
func squeeze(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == '\n' || r == '\t' }), " ")
}
