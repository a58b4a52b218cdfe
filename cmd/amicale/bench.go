package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"amicale/internal/app"
	"amicale/internal/app/mailbench"
	"amicale/internal/config"
	"amicale/internal/imports"
)

type benchCmd struct {
	Name     string `arg:"" help:"search, page, signin, start, import, forward or campaign." enum:"search,page,signin,start,import,forward,campaign"`
	People   int    `help:"How many people." default:"80000"`
	N        int    `help:"How many repetitions; 0 chooses." default:"0"`
	JSON     bool   `help:"One object a line."`
	Data     string `help:"Folder of the measured base; made once and reused." default:"./data/bench" placeholder:"DIR"`
	Database string `help:"Another database than the folder's." placeholder:"URL"`

	Connections int    `help:"Of mail: connections at once." default:"20"`
	Kills       int    `help:"Of mail: how often the program is killed under way." default:"0"`
	Faulty      uint32 `help:"Of mail: one of so many recipients fails the first time; 0: none." default:"0"`
	Signed      bool   `help:"Of a campaign: sign every letter by both keys."`
	Unsigned    bool   `help:"Of forwarding: messages that nobody signed."`
	Against     string `help:"Of forwarding: another forwarder, given the same load; see scripts/bench-forward.sh." placeholder:"HOST:PORT"`
	Sink        string `help:"Of forwarding: where that one passes its mail on to." placeholder:"HOST:PORT"`
}

func (c *benchCmd) Run(ctx context.Context, out console) error {
	switch c.Name {
	case "import":
		return c.imports(ctx, out)
	case "forward":
		return c.forward(ctx, out)
	case "campaign":
		return c.campaign(ctx, out)
	}
	s := config.Settings{Data: filepath.Join(c.Data, fmt.Sprint(c.People)), Database: c.Database, Listen: "127.0.0.1:0", LogLevel: "warn", LogFormat: "text"}
	if err := s.Complete(); err != nil {
		return err
	}
	opened, err := open(ctx, s, true, quiet)
	if err != nil {
		return err
	}
	defer opened.close()
	if err := opened.app.MakeDemo(ctx, c.People, progress("people")); err != nil {
		return err
	}
	start := time.Now()
	if err := opened.app.CatchUp(ctx); err != nil {
		return err
	}
	lines := []app.Measured{app.Summarize("start", []time.Duration{time.Since(start)})}
	switch c.Name {
	case "search":
		lines, err = opened.app.BenchSearch(ctx, or(c.N, 2000))
	case "page":
		lines, err = opened.app.BenchPage(ctx, or(c.N, 1000))
	case "signin":
		lines, err = opened.app.BenchSignIn(ctx, or(c.N, 20))
	}
	if err != nil {
		return err
	}
	return c.print(out, lines)
}

// imports measures a list of people coming in, on bases of its own that it removes.
func (c *benchCmd) imports(ctx context.Context, out console) error {
	dir, err := os.MkdirTemp("", "amicale-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	m, err := imports.Bench(ctx, dir, c.People)
	if err != nil {
		return err
	}
	whole, bare := app.Summarize("import", []time.Duration{m.Import}), app.Summarize("bare insert of the same rows", []time.Duration{m.Bare})
	whole.N, bare.N, whole.PerSecond, bare.PerSecond = m.People, m.People, m.PerSec, float64(m.People)/m.Bare.Seconds()
	whole.Ratio, whole.Of, whole.Heap = m.Ratio, "time of "+bare.Name, m.HeapMB
	again := app.Summarize("the same file once more", []time.Duration{m.Again})
	again.N, again.PerSecond = m.People, float64(m.People)/m.Again.Seconds()
	return c.print(out, []app.Measured{whole, bare, again})
}

// forward measures mail passed on by a process of its own.
func (c *benchCmd) forward(ctx context.Context, out console) error {
	list, err := mailbench.Forward(ctx, mailbench.Options{
		Dir: filepath.Join(c.Data, "forward", fmt.Sprint(c.People)), People: c.People, Messages: or(c.N, 20000), Connections: c.Connections,
		Kills: c.Kills, Faulty: c.Faulty, Unsigned: c.Unsigned, Against: c.Against, Sink: c.Sink, Log: os.Stderr,
	})
	if err != nil {
		return err
	}
	return c.print(out, mailLines(list))
}

// campaign measures a letter to everybody, sent by a process of its own.
func (c *benchCmd) campaign(ctx context.Context, out console) error {
	o := mailbench.Options{Dir: filepath.Join(c.Data, "campaign", fmt.Sprint(c.People)), People: c.People, Connections: c.Connections,
		Kills: c.Kills, Faulty: c.Faulty, Signed: c.Signed, Log: os.Stderr}
	err := mailbench.CampaignBase(ctx, o)
	if err == nil {
		o.Messages, err = c.startCampaign(ctx, o.Dir)
	}
	if err != nil {
		return err
	}
	r, err := mailbench.Campaign(ctx, o)
	if err != nil {
		return err
	}
	return c.print(out, mailLines([]mailbench.Result{r}))
}

func (c *benchCmd) startCampaign(ctx context.Context, dir string) (int, error) {
	s := config.Settings{Data: dir, Listen: "127.0.0.1:0", LogLevel: "warn", LogFormat: "text"}
	if err := s.Complete(); err != nil {
		return 0, err
	}
	opened, err := open(ctx, s, false, quiet)
	if err != nil {
		return 0, err
	}
	defer opened.close()
	return opened.app.StartCampaign(ctx)
}

// mailLines are runs of mail as measurements print them: the times are of the acceptance, the first run is compared
// with the others.
func mailLines(list []mailbench.Result) []app.Measured {
	out := make([]app.Measured, len(list))
	for i, r := range list {
		m := app.Summarize(r.Name, r.Accept)
		m.N, m.PerSecond, m.RSS, m.Heap = r.N, r.PerSecond(), r.RSS, 0
		m.Passed = &app.Passed{CPU: float64(r.CPUPerMessage()) / float64(time.Millisecond), Lost: r.Lost, Twice: r.Twice, Refused: r.Refused}
		out[i] = m
	}
	if len(out) > 1 {
		out[0].RatioPerSecond, out[0].Of = out[0].PerSecond/out[1].PerSecond, out[1].Name
	}
	return out
}

func (c *benchCmd) print(out console, lines []app.Measured) error {
	for _, l := range lines {
		if c.JSON {
			b, err := json.Marshal(l)
			if err != nil {
				return err
			}
			out.say("%s", b)
			continue
		}
		out.say("%-40s n %-6d p50 %8.3f ms  p95 %8.3f ms  p99 %8.3f ms  %10.0f/s  heap %5.0f MB  rss %5.0f MB", l.Name, l.N, l.P50, l.P95, l.P99, l.PerSecond, l.Heap, l.RSS)
		if l.Passed != nil {
			out.say("  %.3f ms of processor a message, %d lost, %d twice, %d refused", l.CPU, l.Lost, l.Twice, l.Refused)
		}
		switch {
		case l.Ratio > 0:
			out.say("  %.2f × %s (medians)", l.Ratio, l.Of)
		case l.Of != "":
			out.say("  %.2f × %s (messages a second)", l.RatioPerSecond, l.Of)
		}
	}
	return nil
}

func or(n, fallback int) int {
	if n == 0 {
		return fallback
	}
	return n
}
