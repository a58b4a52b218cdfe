package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"sync"
	"time"
)

// How long a client may take, and how long the site finishes what it acknowledged when told to stop.
const (
	headerTimeout = 10 * time.Second
	readTimeout   = 2 * time.Minute // an upload over a slow line
	writeTimeout  = 2 * time.Minute
	idleTimeout   = 2 * time.Minute
	stopTimeout   = 25 * time.Second
)

// Serve answers on the listener and works in the background until ctx ends, then finishes what it acknowledged.
// ready is called once it can answer.
func (a *App) Serve(ctx context.Context, ln net.Listener, ready func()) error {
	if err := a.CatchUp(ctx); err != nil {
		ln.Close()
		return err
	}
	work, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWork()
	var background sync.WaitGroup
	failed := make(chan error, 8)
	for name, run := range a.background() {
		background.Go(func() {
			if err := run(work); err != nil && !errors.Is(err, context.Canceled) {
				failed <- fmt.Errorf("app.Serve: %s: %w", name, err)
			}
		})
	}
	handler := a.handler
	if c := a.o.Mail.Challenge; c != nil {
		handler = c(handler)
	}
	srv := &http.Server{Handler: handler, ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout,
		WriteTimeout: writeTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: 64 << 10}
	go func() {
		if err := srv.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			failed <- fmt.Errorf("app.Serve: %w", err)
		}
	}()
	ready()
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if e := srv.Shutdown(stop); e != nil && err == nil {
		err = fmt.Errorf("app.Serve: %w", e)
	}
	stopWork()
	background.Wait()
	return err
}

// background is what runs beside the answering: jobs, mail, the index that follows the change feed.
func (a *App) background() map[string]func(context.Context) error {
	out := map[string]func(context.Context) error{
		"jobs":      a.runner.Run,
		"directory": a.directory.Follow,
	}
	maps.Copy(out, a.mailBackground())
	return out
}

// CatchUp brings what is kept in memory up to the database, before the first answer and in tests.
func (a *App) CatchUp(ctx context.Context) error { return a.directory.Open(ctx) }

// SetupCode is a new one-time code for the set-up page, "" when everything is set up already.
func (a *App) SetupCode(ctx context.Context) (string, error) {
	done, err := a.federation.Installed(ctx)
	if err != nil || done {
		return "", err
	}
	return a.federation.NewCode(ctx)
}

// RunDue runs every job that is due and lets the index follow; tests call it instead of waiting.
func (a *App) RunDue(ctx context.Context) error {
	if err := a.runner.RunDue(ctx); err != nil {
		return err
	}
	return a.CatchUp(ctx)
}
