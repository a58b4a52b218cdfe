package inbox_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"amicale/internal/clock"
	"amicale/internal/db"
	"amicale/internal/inbox"
)

// BenchmarkAccept is 20 connections that deliver messages of 1.5 kB each, one after another and not pipelined, with all
// checks on, a resolver that answers from memory, and a box that inserts a row; the database keeps what it
// acknowledged. The load comes from another process, so that cpu-ms/msg is the server's own.
func BenchmarkAccept(b *testing.B) {
	for _, c := range []struct{ name, algorithm string }{{"unsigned", ""}, {"rsa", "rsa"}, {"ed25519", "ed25519"}} {
		b.Run(c.name, func(b *testing.B) { benchAccept(b, c.algorithm) })
	}
}

func benchAccept(b *testing.B, algorithm string) {
	d, err := db.Open(b.Context(), "sqlite:"+filepath.Join(b.TempDir(), "bench.db"), db.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer d.Close()
	if err := d.Migrate(b.Context()); err != nil {
		b.Fatal(err)
	}
	if _, err := d.Exec(b.Context(), `CREATE TABLE bench (id UUID PRIMARY KEY, recipient TEXT NOT NULL)`); err != nil {
		b.Fatal(err)
	}
	records := world(map[string][]string{"TXT _dmarc.there.example": {"v=DMARC1; p=reject"}})
	records.quiet = true
	s := open(b, d, inbox.Options{Resolver: inbox.NewResolver(records, clock.System)}, overSMTP)
	commits := 0 // one at a time
	s.shelf.accept = func(ctx context.Context, list []inbox.Arrival) error {
		commits++
		rows := make([]any, 0, 2*len(list))
		for _, a := range list {
			rows = append(rows, a.ID, a.Rcpt.Address)
		}
		return d.InsertMany(ctx, "bench (id, recipient)", 2, rows, "")
	}
	s.shelf.forget = true
	m := "Subject: bench\r\nFrom: Anne <anne@there.example>\r\nTo: laure@ly.example\r\nDate: " + time.Now().Format(time.RFC1123Z) +
		"\r\nMessage-ID: <1@there.example>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + strings.Repeat("Some words that mean nothing, on a line of theirs.\r\n", 24)
	if algorithm != "" {
		m = signed(b, m, "there.example", algorithm)
	}
	file := filepath.Join(b.TempDir(), "message")
	if err := os.WriteFile(file, []byte(m+".\r\n"), 0o600); err != nil {
		b.Fatal(err)
	}
	load := exec.Command(os.Args[0], "-test.run=^TestLoad$", "-test.timeout=10m")
	load.Env = append(os.Environ(), "INBOX_LOAD="+s.addr, "INBOX_MESSAGE="+file, "INBOX_COUNT="+strconv.Itoa(b.N))
	b.ResetTimer()
	before := cpu()
	if out, err := load.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	took := cpu() - before
	b.StopTimer()
	if n := s.rows(b, inbox.Taken); n != b.N {
		b.Fatalf("%d rows, want %d", n, b.N)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
	b.ReportMetric(took.Seconds()*1000/float64(b.N), "cpu-ms/msg")
	b.ReportMetric(float64(b.N)/float64(commits), "msg/commit")
	b.ReportMetric(0, "ns/op")
}

func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestLoad is the other process of the measurement; by itself it does nothing.
func TestLoad(t *testing.T) {
	addr := os.Getenv("INBOX_LOAD")
	if addr == "" {
		t.Skip("it is BenchmarkAccept's other half")
	}
	message, err := os.ReadFile(os.Getenv("INBOX_MESSAGE"))
	if err != nil {
		t.Fatal(err)
	}
	count, err := strconv.Atoi(os.Getenv("INBOX_COUNT"))
	if err != nil {
		t.Fatal(err)
	}
	const connections = 20
	var all sync.WaitGroup
	for i := range connections {
		all.Go(func() {
			if err := loadOne(addr, message, count/connections+map[bool]int{true: 1}[i < count%connections]); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

func loadOne(addr string, message []byte, n int) error {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer c.Close()
	r := bufio.NewReader(c)
	expect := func(code string) error {
		for {
			line, err := r.ReadSlice('\n')
			if err != nil {
				return err
			}
			if string(line[:3]) != code {
				return fmt.Errorf("answer %q", line)
			}
			if line[3] == ' ' {
				return nil
			}
		}
	}
	if err := expect("220"); err != nil {
		return err
	}
	say := func(line, code string) error {
		if _, err := c.Write([]byte(line)); err != nil {
			return err
		}
		return expect(code)
	}
	if err := say("EHLO there.example\r\n", "250"); err != nil {
		return err
	}
	for range n {
		for _, step := range [][2]string{{"MAIL FROM:<anne@there.example>\r\n", "250"}, {"RCPT TO:<laure@ly.example>\r\n", "250"}, {"DATA\r\n", "354"}, {string(message), "250"}} {
			if err := say(step[0], step[1]); err != nil {
				return err
			}
		}
	}
	return say("QUIT\r\n", "221")
}
