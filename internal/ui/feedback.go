package ui

// AlertProps is something the reader must know here.
type AlertProps struct {
	Tone        Tone // Info when neutral
	Title, Text string
}

// Toast says that something was done, with the way back where there is one.
type Toast struct {
	Text string
	Tone Tone
	Undo *ToastAction
}

// ToastAction is a form of one button (nothing changes on GET).
type ToastAction struct {
	Label string // "Undo" when empty
	URL   string
}

// EmptyStateProps is a list with nothing in it: what it would hold, and what to do next.
type EmptyStateProps struct {
	Icon, Title, Text string
	Actions           []LinkButtonProps
}

// DialogProps is a dialog in the page. Whatever opens it (a link with data-dialog="ID") leads, without JavaScript, to a
// page that does the same.
type DialogProps struct {
	ID, Title string
}

func (p AlertProps) class() string {
	if p.Tone == Neutral || p.Tone == Info {
		return "alert"
	}
	return "alert alert-" + string(p.Tone)
}

func (p AlertProps) icon() string {
	switch p.Tone {
	case Success:
		return "check"
	case Warning:
		return "warning"
	case Danger:
		return "error"
	}
	return "info"
}

func (t Toast) class() string {
	if t.Tone == Danger {
		return "toast toast-danger"
	}
	return "toast"
}
