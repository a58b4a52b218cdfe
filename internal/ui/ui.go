// Package ui is the design system: the page frame and the widgets every screen is made of, as typed templ components,
// and the bundled style, script and font they need.
//
// It owns how things look and how they are wired for assistive technology; it knows no feature: navigation, links and
// texts that speak of people are passed in. Its own fixed words are messages (ui.*). Nothing here reads the request or
// the database. A component Xyz takes XyzProps; where one or two plain values say it all it takes those.
// Every component works without JavaScript and under a policy that allows no inline script and no inline style.
package ui

import "embed"

// Messages are the fixed words of the widgets, in each language.
//
//go:embed messages.*.toml
var Messages embed.FS

// Tone says how serious a badge, an alert or a toast is. The zero Tone is neutral.
type Tone string

const (
	Neutral Tone = ""
	Accent  Tone = "accent" // in the colour of the association; badges only
	Info    Tone = "info"
	Success Tone = "success"
	Warning Tone = "warning"
	Danger  Tone = "danger"
)

// Kind is the weight of a button. One primary button a page.
type Kind string

const (
	Secondary   Kind = ""
	Primary     Kind = "primary"
	Quiet       Kind = "quiet"
	Destructive Kind = "danger"
)
