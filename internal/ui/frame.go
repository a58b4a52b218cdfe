package ui

import (
	"strings"

	"github.com/a-h/templ"
)

// Frame is what stands around a page.
type Frame struct {
	Title       string // of the page, without the site's name
	Description string // for search engines and previews; may be empty
	Site        string // name of the federation, after the title and in the footer
	HomeURL     string // "/" when empty
	Association *Brand // whose colours and name the page wears; nil for the federation itself
	Nav         []NavItem
	User        *UserMenu // nil for a guest
	SignInURL   string    // shown to a guest; no link when empty
	Search      SearchBox
	HelpURL     string
	HelpHere    bool // HelpURL explains this very page
	Languages   []LangLink
	Footer      []NavItem
	Flash       []Toast
	Canonical   string // absolute address
	NoIndex     bool
	Demo        bool            // says on every page that the people are invented
	AccentsURL  string          // stylesheet made by Accents, if any
	Head        templ.Component // further elements of the head (feeds, a page's own script); usually nil
}

// Brand is an association as its pages show it.
type Brand struct {
	Code    string // class accent-CODE
	Name    string
	Tagline string
	LogoURL string // a monogram stands in when empty
}

// NavItem is a link of the navigation or the footer.
type NavItem struct {
	Label, URL string
	Current    bool
	Icon       string
	Count      int // a number to notice, 0 for none
}

// UserMenu is the menu of the person who is signed in.
type UserMenu struct {
	Name, PhotoURL string
	Items          []MenuItem
}

// SearchBox is the search that is always there: a GET form to Action with q. Empty Action: none.
// On a page whose FacetPanel should take the query too, Form is FacetsID: the box then belongs to that form.
type SearchBox struct {
	Action, Value, Placeholder string
	Form                       string
}

func (s SearchBox) formAttr() templ.Attributes {
	if s.Form == "" {
		return nil
	}
	return templ.Attributes{"form": s.Form}
}

// LangLink leads to the same page in another language.
type LangLink struct {
	Code, Label, URL string
	Current          bool
	Post             bool // the choice is stored, so it is a form and not a link
}

func (f Frame) fullTitle() string {
	switch {
	case f.Title == "":
		return f.Site
	case f.Site == "":
		return f.Title
	}
	return f.Title + " · " + f.Site
}

// searches says whether the bar holds a search.
func (f Frame) searches() bool { return f.Search.Form != "" || f.Search.Action != "" }

// helpKey says whether the help is that of this page or all of it.
func (f Frame) helpKey() string {
	if f.HelpHere {
		return "ui.help_here"
	}
	return "ui.help"
}

func (f Frame) home() string {
	if f.HomeURL == "" {
		return "/"
	}
	return f.HomeURL
}

func (f Frame) name() string {
	if f.Association != nil {
		return f.Association.Name
	}
	return f.Site
}

func (f Frame) bodyClass() string {
	if f.Association == nil {
		return ""
	}
	return AccentClass(f.Association.Code)
}

// AccentClass is the class that gives an element, and all in it, the colour of an association; empty for a code that
// is not of lower-case letters and digits.
func AccentClass(code string) string {
	if code == "" || strings.Trim(code, "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
		return ""
	}
	return "accent-" + code
}
