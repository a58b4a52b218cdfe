package main

import (
	"context"
	"net"
	"os"
	"path/filepath"

	"github.com/schollz/progressbar/v3"

	"amicale/internal/app"
	"amicale/internal/config"
)

type demoCmd struct {
	Listen   string `help:"Address and port to answer on." default:"127.0.0.1:8080" env:"AMICALE_LISTEN" placeholder:"HOST:PORT"`
	Data     string `help:"Folder of the demonstration; it is reused when it is there." default:"./data/demo" placeholder:"DIR"`
	Database string `help:"Another database than the folder's, e.g. postgres://…" placeholder:"URL"`
	URL      string `help:"The address people reach it by. Default: http:// and the listen address." env:"AMICALE_URL" placeholder:"URL"`
	People   int    `help:"How many people." default:"2000"`

	SMTP       string `help:"Address and port on which mail arrives; \"\" for none. A taken one is said and done without." default:"127.0.0.1:2525" env:"AMICALE_SMTP_LISTEN" placeholder:"HOST:PORT"`
	Submission string `help:"The same for mail handed in with an app password, under a certificate that nobody vouches for." default:"127.0.0.1:2587" env:"AMICALE_SUBMISSION_LISTEN" placeholder:"HOST:PORT"`
}

func (c *demoCmd) Run(ctx context.Context, out console) error {
	s := config.Settings{Data: c.Data, Database: c.Database, Listen: c.Listen, URL: c.URL, LogLevel: "info", LogFormat: "text"}
	if s.Database == "" {
		s.Database = "sqlite:" + filepath.Join(c.Data, "amicale.db")
	}
	if err := s.Complete(); err != nil {
		return err
	}
	opened, err := open(ctx, s, true, func(s config.Settings) (app.MailOptions, error) { return c.listen(s, out) })
	if err != nil {
		return err
	}
	defer opened.close()
	if err := opened.app.MakeDemo(ctx, c.People, progress("people")); err != nil {
		return err
	}
	if err := opened.app.MakeDemoMail(ctx); err != nil {
		return err
	}
	return opened.serve(ctx, out, func() error {
		opened.app.WriteDemo(out)
		return nil
	})
}

// listen opens the demonstration's mail servers, as far as their ports are free.
func (c *demoCmd) listen(s config.Settings, out console) (m app.MailOptions, err error) {
	m = mailOptions(s)
	if m.TLS, err = homemade(m.Host); err != nil {
		return m, err
	}
	for address, to := range map[string]*net.Listener{c.SMTP: &m.SMTP, c.Submission: &m.Submission} {
		if address == "" {
			continue
		}
		if *to, err = net.Listen("tcp", address); err != nil {
			*to = nil
			out.say("Pas de courrier sur %s : %v", address, err)
		}
	}
	return m, nil
}

// progress draws a bar on a terminal, and nothing elsewhere.
func progress(what string) func(done, total int) {
	if info, err := os.Stderr.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return func(int, int) {}
	}
	var bar *progressbar.ProgressBar
	return func(done, total int) {
		if bar == nil {
			bar = progressbar.NewOptions(total, progressbar.OptionSetWriter(os.Stderr), progressbar.OptionSetDescription(what),
				progressbar.OptionShowCount(), progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(100_000_000))
		}
		_ = bar.Set(done) // drawing only
	}
}
