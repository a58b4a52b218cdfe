package ui

import (
	"strconv"
	"strings"

	"github.com/a-h/templ"
)

// FieldType is what a field takes. The zero value is a line of text.
type FieldType string

const (
	TextField     FieldType = ""
	EmailField    FieldType = "email"
	PhoneField    FieldType = "tel"
	NumberField   FieldType = "number"
	DateField     FieldType = "date"
	URLField      FieldType = "url"
	SearchField   FieldType = "search"
	PasswordField FieldType = "password" // with a button that shows what is typed
	FileField     FieldType = "file"
	TextArea      FieldType = "textarea"
	SelectField   FieldType = "select"
	Checkbox      FieldType = "checkbox"   // one box; Value is what it sends ("1" when empty), Checked its state
	Checkboxes    FieldType = "checkboxes" // a group over Options
	RadioGroup    FieldType = "radio"      // a group over Options
)

// FieldProps is a field with its label, help and the server's message about it.
type FieldProps struct {
	Label        string
	Name         string
	ID           string // "f-NAME" when empty
	Type         FieldType
	Value        string
	Checked      bool
	Options      []Option
	Hint         string
	Error        string // the server's own message; empty when there is none
	Required     bool
	Optional     bool   // says so beside the label
	Autocomplete string // always set it for what the person's browser knows
	Placeholder  string
	InputMode    string
	MaxLength    int
	Min, Max     string
	Rows         int
	Accept       string // of a file
	MaxBytes     int64  // of a file; told before it is sent
	Multiple     bool
	ReadOnly     bool
	Disabled     bool
	Size         FieldSize
	Audience     *AudienceProps // who may see it, chosen beside it
	Check        string         // address that answers this field alone, checked, when it is left; nothing is changed there
	Attrs        templ.Attributes
}

// FieldSize hints at the length of the answer.
type FieldSize string

const (
	FullSize   FieldSize = ""
	ShortSize  FieldSize = "short"  // a year, a code
	MediumSize FieldSize = "medium" // a phone number, a date
)

// Option is a choice of a select, a radio or a checkbox group.
type Option struct {
	Value, Label, Hint string
	Selected, Disabled bool
}

// AudienceProps is the small select that says who sees a field.
type AudienceProps struct {
	Name, ID string
	Label    string // "Who sees it" when empty; name the field in it where several stand together
	Options  []Option
}

// FormProps is a form. Errors are shown by the server in the page, so the browser's own bubbles are off.
type FormProps struct {
	Action   string
	Method   string // "post" when empty
	Files    bool   // sends files
	ID       string
	Download bool // answers with a file: the page stays and must not look busy
	Attrs    templ.Attributes
}

// FieldError names a field and what is wrong with it, for ErrorSummary.
type FieldError struct {
	Field   string // the field's name, or its id if ID is set
	ID      string
	Message string
}

// FieldErrors are the messages of a refused form, in the order in which the fields stand in it.
func FieldErrors(msgs map[string]string, order ...string) []FieldError {
	var out []FieldError
	for _, field := range order {
		if m := msgs[field]; m != "" {
			out = append(out, FieldError{Field: field, Message: m})
		}
	}
	return out
}

func (p FieldProps) id() string {
	if p.ID != "" {
		return p.ID
	}
	return fieldID(p.Name)
}

func (e FieldError) target() string {
	if e.ID != "" {
		return "#" + e.ID
	}
	return "#" + fieldID(e.Field)
}

// fieldID makes an id of a name: names may hold brackets and dots, which selectors do not like.
func fieldID(name string) string {
	return "f-" + strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return '-'
	}, name)
}

func (p FieldProps) optionID(i int) string {
	if i == 0 {
		return p.id() // an error summary leads to the first choice
	}
	return p.id() + "-" + strconv.Itoa(i)
}

func (p FieldProps) inputType() string {
	if p.Type == TextField {
		return "text"
	}
	return string(p.Type)
}

func (p FieldProps) inputClass() string {
	if p.Size == FullSize {
		return "input"
	}
	return "input input-" + string(p.Size)
}

func (p FieldProps) hintID() string  { return p.id() + "-hint" }
func (p FieldProps) errorID() string { return p.id() + "-error" }

// describedBy lists what a screen reader says after the label: the error first.
func (p FieldProps) describedBy() string {
	var ids []string
	if p.Error != "" {
		ids = append(ids, p.errorID())
	}
	if p.Hint != "" {
		ids = append(ids, p.hintID())
	}
	return strings.Join(ids, " ")
}

// common are the attributes of every kind of control.
func (p FieldProps) common() templ.Attributes {
	a := templ.Attributes{}
	set := func(name, value string) {
		if value != "" {
			a[name] = value
		}
	}
	set("aria-describedby", p.describedBy())
	set("autocomplete", p.Autocomplete)
	set("placeholder", p.Placeholder)
	set("inputmode", p.InputMode)
	set("min", p.Min)
	set("max", p.Max)
	set("accept", p.Accept)
	if p.MaxLength > 0 {
		a["maxlength"] = strconv.Itoa(p.MaxLength)
	}
	if p.MaxBytes > 0 {
		a["data-max-bytes"] = strconv.FormatInt(p.MaxBytes, 10)
	}
	if p.Error != "" {
		a["aria-invalid"] = "true"
	}
	a["required"] = p.Required
	a["readonly"] = p.ReadOnly
	a["disabled"] = p.Disabled
	a["multiple"] = p.Multiple
	if p.Check != "" {
		a["hx-post"], a["hx-trigger"] = p.Check, "change"
		a["hx-target"], a["hx-swap"], a["hx-include"] = "closest .field", "outerHTML", "closest form"
	}
	if p.Type == PasswordField || p.Type == EmailField {
		a["autocapitalize"] = "none"
		a["spellcheck"] = "false"
	}
	for k, v := range p.Attrs {
		a[k] = v
	}
	return a
}

func (p FieldProps) rows() string {
	if p.Rows == 0 {
		return "5"
	}
	return strconv.Itoa(p.Rows)
}

// megabytes is the limit of a file as people say it, rounded up.
func (p FieldProps) megabytes() int { return int((p.MaxBytes + 999_999) / 1_000_000) }
