package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"amicale/internal/config"
)

type doctorCmd struct {
	config.Settings

	Site doctorSiteCmd `cmd:"" default:"1" hidden:"" help:"Check what the site stands on."`
	Mail doctorMailCmd `cmd:"" help:"Say what the DNS must hold for a mail domain, and what is missing or wrong there. Example: amicale doctor mail ail.example"`
}

type doctorSiteCmd struct{}

// verdict is how bad a finding is.
type verdict int

const (
	good  verdict = iota
	note          // worth knowing; nothing has to be done
	wrong         // something does not work, or will not
)

// finding is what a check says. todo is what to do about it.
type finding struct {
	verdict verdict
	about   string
	text    string
	todo    string
}

// examination is the doctor at work: what is opened once, and what was found.
type examination struct {
	settings config.Settings
	site     *site // nil while the database does not answer
	served   bool  // a server has this installation open
	findings []finding
}

func (x *examination) good(about, text string, args ...any) {
	x.findings = append(x.findings, finding{good, about, fmt.Sprintf(text, args...), ""})
}

func (x *examination) note(about, todo, text string, args ...any) {
	x.findings = append(x.findings, finding{note, about, fmt.Sprintf(text, args...), todo})
}

func (x *examination) wrong(about, todo, text string, args ...any) {
	x.findings = append(x.findings, finding{wrong, about, fmt.Sprintf(text, args...), todo})
}

// Run looks at everything an installation stands on and changes nothing. It fails when something is wrong.
func (doctorSiteCmd) Run(ctx context.Context, out console, doctor *doctorCmd) error {
	if err := doctor.Complete(); err != nil {
		return fmt.Errorf("the settings cannot be used: %w", err)
	}
	x := &examination{settings: doctor.Settings}
	x.database(ctx)
	if x.site != nil {
		defer x.site.close()
		x.health(ctx)
		x.backups(ctx)
		x.clock(ctx)
	}
	x.files(ctx)
	x.space()
	x.address()
	x.proxies()
	x.reach(ctx)
	x.mail(ctx)
	x.secret()
	return x.report(out)
}

func (x *examination) report(out console) error {
	words := [...]string{good: "ok", note: "note", wrong: "WRONG"}
	n := 0
	for _, f := range x.findings {
		out.say("%-6s %-9s %s", words[f.verdict], f.about, oneLine(f.text))
		if f.todo != "" {
			out.say("%-6s %-9s → %s", "", "", f.todo)
		}
		if f.verdict == wrong {
			n++
		}
	}
	switch n {
	case 0:
		out.say("Nothing is wrong.")
		return nil
	case 1:
		return errors.New("one thing is wrong: see above")
	}
	return fmt.Errorf("%d things are wrong: see above", n)
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
