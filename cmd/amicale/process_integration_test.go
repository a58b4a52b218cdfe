package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"amicale/internal/db"
	"amicale/internal/dbtest"
)

// The tests in the files *_integration_test.go run the program as an operator does: real processes, real signals,
// real connections. What one package promises is tested there; here stands what only the whole can break.

// scratch is the folder of what all these tests share; TestMain removes it.
var scratch = sync.OnceValues(func() (string, error) { return os.MkdirTemp("", "amicale-processes") })

// binary is the program, built once.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := scratch()
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "amicale")
	if out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	dropSeed()
	if dir, err := scratch(); err == nil {
		_ = os.RemoveAll(dir) // the operating system sweeps what is left
	}
	os.Exit(code)
}

// process is a running amicale.
type process struct {
	t      testing.TB
	cmd    *exec.Cmd
	url    string
	stdout *output
	stderr *output
	ended  chan struct{}
}

// output keeps what a process writes.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// environment is what a process sees: nothing of ours that could be a setting, and what the test adds.
func environment(extra []string) []string {
	var out []string
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "AMICALE_") {
			out = append(out, kv)
		}
	}
	return append(out, extra...)
}

// launch starts the program without waiting for it; env is NAME=VALUE. The process ends with the test.
func launch(t testing.TB, env []string, args ...string) *process {
	t.Helper()
	bin, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, cmd: exec.Command(bin, args...), stdout: &output{}, stderr: &output{}, ended: make(chan struct{})}
	p.cmd.Env, p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = environment(env), t.TempDir(), p.stdout, p.stderr
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait() // its code is read from ProcessState
		close(p.ended)
	}()
	t.Cleanup(p.kill)
	return p
}

// serving starts a command that serves, and waits until it can answer. Should somebody else have taken the free port
// meanwhile, it tries another.
func serving(t testing.TB, env []string, args ...string) *process {
	t.Helper()
	for {
		listen := freePort(t)
		p := launch(t, append([]string{"AMICALE_LISTEN=" + listen}, env...), args...)
		p.url = "http://" + listen
		until(t, "the program is ready", 40*time.Second, func() bool { return p.over() || p.saysReady() })
		if p.saysReady() {
			return p
		}
		if !strings.Contains(p.stderr.String(), "address already in use") {
			t.Fatalf("%v ended with code %d instead of serving:\n%s%s", p.cmd.Args, p.code(), p.stdout, p.stderr)
		}
	}
}

// ready waits for the line that begins with "ready ".
func (p *process) ready() {
	p.t.Helper()
	until(p.t, "the program is ready", 40*time.Second, func() bool { return p.over() || p.saysReady() })
	if !p.saysReady() {
		p.t.Fatalf("%v ended with code %d instead of serving:\n%s%s", p.cmd.Args, p.code(), p.stdout, p.stderr)
	}
}

func (p *process) saysReady() bool { return strings.Contains("\n"+p.stdout.String(), "\nready ") }

func (p *process) over() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// wait waits for the end and gives the exit code.
func (p *process) wait(most time.Duration) int {
	p.t.Helper()
	until(p.t, strings.Join(p.cmd.Args, " ")+" ends", most, p.over)
	return p.code()
}

func (p *process) code() int { return p.cmd.ProcessState.ExitCode() }

func (p *process) signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.t.Fatal(err)
	}
}

// kill is kill -9.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may have ended
	<-p.ended
}

// stop asks it to end, and fails the test unless it does with code 0.
func (p *process) stop() {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	if code := p.wait(20 * time.Second); code != 0 {
		p.t.Errorf("%v ended with code %d after SIGTERM:\n%s", p.cmd.Args, code, p.stderr)
	}
}

// ran runs a command to its end and gives its code and what it wrote.
func ran(t testing.TB, env []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	p := launch(t, env, args...)
	code = p.wait(60 * time.Second)
	return code, p.stdout.String(), p.stderr.String()
}

// until waits for something that another process does.
func until(t testing.TB, what string, most time.Duration, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(most); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("after %v it is still not so: %s", most, what)
		}
	}
}

// seeded is the data folder of a demonstration of 40 people, made by the program and stopped.
var seeded = sync.OnceValues(func() (string, error) {
	dir, err := scratch()
	if err == nil {
		err = seed("--data", filepath.Join(dir, "seed"))
	}
	return filepath.Join(dir, "seed"), err
})

// demonstration is the command line of a demonstration without mail servers: their ports by default are the same for all.
func demonstration(args ...string) []string {
	return append([]string{"demo", "--smtp", "", "--submission", ""}, args...)
}

// seed makes a demonstration and ends.
func seed(args ...string) error {
	bin, err := binary()
	if err != nil {
		return err
	}
	out := &output{}
	cmd := exec.Command(bin, demonstration(append([]string{"--people", "40", "--listen", "127.0.0.1:0"}, args...)...)...)
	cmd.Env, cmd.Stdout, cmd.Stderr = environment(nil), out, out
	if err := cmd.Start(); err != nil {
		return err
	}
	for end := time.Now().Add(40 * time.Second); !strings.Contains(out.String(), "\nready ") && time.Now().Before(end); {
		time.Sleep(20 * time.Millisecond)
	}
	_ = cmd.Process.Signal(syscall.SIGTERM) // if it has ended, Wait says how
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("seeding: %w\n%s", err, out)
	}
	return nil
}

// data is a copy of the seed: a base with people and accounts in a data folder of the test's own.
func data(t testing.TB) string {
	t.Helper()
	from, err := seeded()
	if err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), "data")
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return to
}

// databases numbers the PostgreSQL databases that this process makes.
var databases atomic.Int64

// postgres makes a database on the test server and gives its address; template is "" for an empty one.
func postgres(t testing.TB, template string) string {
	t.Helper()
	server := os.Getenv("AMICALE_TEST_POSTGRES")
	if server == "" {
		dbtest.Skip(t, "no PostgreSQL: set AMICALE_TEST_POSTGRES=postgres://… to run this on it")
	}
	name := fmt.Sprintf("amicale_p_%d_%d", os.Getpid(), databases.Add(1))
	make := `CREATE DATABASE ` + name
	if template != "" {
		make += ` TEMPLATE ` + template
	}
	if err := onServer(server, make); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := onServer(server, `DROP DATABASE IF EXISTS `+name+` WITH (FORCE)`); err != nil {
			t.Error(err)
		}
	})
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	return u.String()
}

func onServer(server, statement string) error {
	ctx := context.Background()
	admin, err := db.Open(ctx, server, db.Options{Readers: 1})
	if err != nil {
		return err
	}
	defer admin.Close()
	_, err = admin.Exec(ctx, statement)
	return err
}

// beside opens the database that a process serves, to look into it and to turn its times on.
func beside(t testing.TB, target string) *db.DB {
	t.Helper()
	d, err := db.Open(t.Context(), target, db.Options{Readers: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func exec1(t testing.TB, d *db.DB, statement string, args ...any) int64 {
	t.Helper()
	n, err := d.Exec(t.Context(), statement, args...)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func one[T any](t testing.TB, d *db.DB, query string, args ...any) T {
	t.Helper()
	v, err := db.One[T](t.Context(), d, query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return v
}
