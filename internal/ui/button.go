package ui

import "github.com/a-h/templ"

// ButtonProps is a button of a form.
type ButtonProps struct {
	Label       string
	Kind        Kind
	Type        string // "submit" when empty
	Name, Value string // sent with the form, when the form has several buttons
	Icon        string
	IconOnly    bool   // the label is for screen readers only
	Busy        string // said instead of the label once it takes longer than 300 ms; has a default
	Confirm     string // a question asked first, where there is JavaScript
	FormAction  string // another address than the form's
	Small, Wide bool
	Disabled    bool
	Attrs       templ.Attributes
}

// LinkButtonProps is a link that looks like a button: it leads somewhere and changes nothing.
type LinkButtonProps struct {
	Label, URL  string
	Kind        Kind
	Icon        string
	Small, Wide bool
	Download    bool
	Attrs       templ.Attributes
}

// MenuItem is an entry of a menu: a link, or with Post a form of one button.
type MenuItem struct {
	Label, URL string
	Icon       string
	Post       bool
	Divider    bool // a line above
	Danger     bool
}

// MenuProps is a button that opens a list.
type MenuProps struct {
	Label string
	Icon  string
	Start bool // opens to the right of its left edge
	Items []MenuItem
}

func buttonClass(k Kind, small, wide bool) string {
	class := "button"
	if k != Secondary {
		class += " button-" + string(k)
	}
	if small {
		class += " button-small"
	}
	if wide {
		class += " button-wide"
	}
	return class
}

func or(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}
