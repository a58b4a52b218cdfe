package mailbench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// child is the measured program: this very executable, serving a base of its own.
type child struct {
	args []string
	env  []string
	log  io.Writer
	cmd  *exec.Cmd
}

// start runs it and returns once it says that it is ready.
func (c *child) start(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	c.cmd = exec.CommandContext(ctx, self, append([]string{"serve"}, c.args...)...)
	c.cmd.Env = append(os.Environ(), c.env...)
	c.cmd.Stderr = c.log
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := c.cmd.Start(); err != nil {
		return err
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "ready ") {
			go io.Copy(io.Discard, out) // ends with the process
			return nil
		}
	}
	return fmt.Errorf("mailbench: the program ended before it was ready: %w", c.cmd.Wait())
}

// kill ends it without a word, as a crash does.
func (c *child) kill() error {
	if err := c.cmd.Process.Kill(); err != nil {
		return err
	}
	return c.wait()
}

// stop ends it as an operator does.
func (c *child) stop() error {
	if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return c.wait()
}

// wait takes the end of a process that was told to end.
func (c *child) wait() error {
	err := c.cmd.Wait()
	var status *exec.ExitError
	if errors.As(err, &status) {
		return nil
	}
	return err
}

// settle lets the program serve the base once and stop, so that what it keeps for a quick start is there.
func settle(ctx context.Context, o Options) error {
	c := &child{log: o.Log, env: o.Env, args: []string{"--data", o.Dir, "--listen", "127.0.0.1:0", "--log-level", "warn"}}
	if err := c.start(ctx); err != nil {
		return err
	}
	return c.stop()
}

// freePort is an address on loopback that nobody listens on at the moment.
func freePort() (string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer ln.Close()
	return ln.Addr().String(), nil
}

// idle is how long nothing may come out before a run is over, whatever is still missing.
const idle = 90 * time.Second
