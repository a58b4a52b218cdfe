// Command amicale is the alumni federation's site: one binary, one database.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"amicale/internal/config"
)

// version is set by the linker.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "amicale:", err)
		os.Exit(1)
	}
}

// console is where commands write for the person at the terminal.
type console struct{ io.Writer }

// say prints a line; a console that is gone is no reason to stop.
func (c console) say(format string, args ...any) { _, _ = fmt.Fprintf(c, format+"\n", args...) }

type cli struct {
	Config string `help:"Settings file." default:"amicale.toml" type:"path" placeholder:"FILE"`

	Serve   serveCmd   `cmd:"" help:"Serve the site. Example: amicale serve --url https://annuaire.example --smarthost smtp://mail.example:587"`
	Demo    demoCmd    `cmd:"" help:"Make (or reuse) a demonstration federation and serve it. Example: amicale demo --people 80000"`
	Import  importCmd  `cmd:"" help:"Take a list of people into the base, from CSV or XLSX. Example: amicale import --association ly liste.csv"`
	Bench   benchCmd   `cmd:"" help:"Run a measurement. Example: amicale bench search --people 80000 --json"`
	Admin   adminCmd   `cmd:"" help:"Staff accounts and roles, at the machine itself. Example: amicale admin list"`
	Backup  backupCmd  `cmd:"" help:"Save everything into one file, also while the site serves. Example: amicale backup /backups/amicale-2026-11-23.tar.gz"`
	Restore restoreCmd `cmd:"" help:"Bring a backup back into an empty installation. Example: amicale restore --data /var/lib/amicale-new amicale-2026-11-23.tar.gz"`
	Doctor  doctorCmd  `cmd:"" help:"Check what the site stands on, and say what to do. Example: amicale doctor"`
	Version versionCmd `cmd:"" help:"Print the version. Example: amicale version"`
}

// run does everything; main only exits.
func run(ctx context.Context, args []string, stdout io.Writer) error {
	var c cli
	file, err := config.File(configPath(args))
	if err != nil {
		return err
	}
	exited := -1
	k, err := kong.New(&c, kong.Name("amicale"), kong.Description("The open site of an alumni federation."), kong.UsageOnError(),
		kong.Writers(stdout, os.Stderr), kong.Resolvers(file), kong.Exit(func(code int) { exited = code }),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(console{stdout}))
	if err != nil {
		return err
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := k.Parse(args)
	if exited >= 0 {
		return nil // --help has said it all
	}
	if err != nil {
		return err
	}
	err = parsed.Run()
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return nil // asked to stop, and stopped
	}
	return err
}

// configPath finds --config before the other flags are parsed, because it gives their defaults.
func configPath(args []string) string {
	for i, a := range args {
		if a == "--config" && i+1 < len(args) {
			return args[i+1]
		}
		if len(a) > 9 && a[:9] == "--config=" {
			return a[9:]
		}
	}
	return "amicale.toml"
}

type versionCmd struct{}

func (versionCmd) Run(out console) error {
	out.say("amicale %s", version)
	return nil
}
