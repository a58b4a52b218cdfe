package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"amicale/internal/domains"
)

type doctorMailCmd struct {
	Domain string `arg:"" help:"A mail domain of the installation: an association's, or that of the site's own letters."`
	JSON   bool   `help:"Print the report as one JSON object."`
}

// Run asks the DNS and says what is to be published. It makes the signing keys that the domain lacks, and changes
// nothing else. It fails when something is missing or wrong.
func (c *doctorMailCmd) Run(ctx context.Context, out console, doctor *doctorCmd) error {
	if err := doctor.Complete(); err != nil {
		return fmt.Errorf("the settings cannot be used: %w", err)
	}
	s, err := openBuilt(ctx, doctor.Settings)
	if err != nil {
		return err
	}
	defer s.close()
	site := s.app.Console()
	report, err := site.CheckMail(ctx, c.Domain, s.settings.SMTP != "" || s.settings.LMTP != "")
	if err != nil {
		return err
	}
	if c.JSON {
		err = printJSON(site.Words(ctx), out, report)
	} else {
		printReport(site.Words(ctx), out, report)
	}
	if n := report.Count(); n > 0 && err == nil {
		return fmt.Errorf("%s: %d of %d records are missing or wrong: see above", report.Domain, n, len(report.Findings))
	}
	return err
}

// printJSON is the report with its words.
func printJSON(ctx context.Context, out console, r domains.Report) error {
	type worded struct {
		domains.Finding
		Says string `json:"says"`
	}
	all := struct {
		Domain   string    `json:"domain"`
		At       time.Time `json:"at"`
		Bad      int       `json:"bad"`
		Findings []worded  `json:"findings"`
	}{r.Domain, r.At, r.Count(), []worded{}}
	for _, f := range r.Findings {
		all.Findings = append(all.Findings, worded{f, f.Says(ctx)})
	}
	b, err := json.MarshalIndent(all, "", "  ")
	if err == nil {
		out.say("%s", b)
	}
	return err
}

func printReport(ctx context.Context, out console, r domains.Report) {
	words := map[domains.Severity]string{domains.OK: "ok", domains.Advice: "advice", domains.Unknown: "unknown", domains.Missing: "MISSING", domains.Wrong: "WRONG"}
	for _, topic := range domains.Topics() {
		list := r.About(topic)
		if len(list) > 0 {
			out.say("\n%s", topic.Words(ctx))
		}
		for _, f := range list {
			out.say("%-8s %-5s %s", words[f.Severity], f.Type, f.Name)
			out.say("%-8s %s", "", f.Says(ctx))
			if f.Severity == domains.OK {
				continue
			}
			if f.Wanted != "" {
				out.say("%-8s publish  %s", "", f.Wanted)
			}
			for _, one := range f.Found {
				out.say("%-8s found    %s", "", oneLine(one))
			}
		}
	}
	if r.Count() == 0 {
		out.say("\nNothing is missing or wrong.")
	}
}
