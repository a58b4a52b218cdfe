package newsletters_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"amicale/internal/config"
	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/mail"
	"amicale/internal/newsletters"
	"amicale/internal/outbox"
	"amicale/internal/subscriptions"
)

// sinkVariable makes this program a mail server that takes everything and keeps nothing: in a process of its own, so
// that what it costs is not counted as ours.
const sinkVariable = "AMICALE_NEWSLETTERS_SINK"

func TestMain(m *testing.M) {
	if os.Getenv(sinkVariable) != "" {
		sink()
		return
	}
	os.Exit(m.Run())
}

func sink() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(l.Addr())
	go func() { // it ends with who started it
		_, _ = os.Stdin.Read(make([]byte, 1))
		os.Exit(0)
	}()
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go swallow(conn)
	}
}

func swallow(conn net.Conn) {
	defer conn.Close()
	r, w := bufio.NewReaderSize(conn, 64<<10), bufio.NewWriter(conn)
	say := func(s string) {
		w.WriteString(s)
		if r.Buffered() == 0 {
			w.Flush()
		}
	}
	say("220 sink\r\n")
	for {
		l, err := r.ReadSlice('\n')
		if err != nil {
			return
		}
		switch strings.ToUpper(string(l[:min(4, len(l))])) {
		case "EHLO":
			say("250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n")
		case "DATA":
			say("354 go on\r\n")
			for !bytes.Equal(l, []byte(".\r\n")) {
				if l, err = r.ReadSlice('\n'); err != nil && err != bufio.ErrBufferFull {
					return
				}
			}
			say("250 2.0.0 taken\r\n")
		case "QUIT":
			say("221 bye\r\n")
			return
		default:
			say("250 2.0.0 fine\r\n")
		}
	}
}

func startSink(b *testing.B) config.Smarthost {
	b.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), sinkVariable+"=1")
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { in.Close(); _ = cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	host, port, _ := net.SplitHostPort(strings.TrimSpace(line))
	return config.Smarthost{Host: host, Port: port, TLS: config.NoTLS}
}

func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkCampaign is a campaign to b.N recipients from "send" to the last letter at a mail server on this machine:
// recipients made, refusals asked of the real subscriptions, letters composed, outcomes durable. Run it with a fixed
// number: -benchtime 50000x.
func BenchmarkCampaign(b *testing.B) {
	engines := map[string]func(*testing.B) *db.DB{"sqlite": durable}
	if os.Getenv("AMICALE_TEST_POSTGRES") != "" {
		engines["postgres"] = func(b *testing.B) *db.DB { return dbtest.Postgres(b) }
	}
	for engine, open := range engines {
		b.Run(engine, func(b *testing.B) { campaign(b, open(b)) })
	}
}

// durable is a database as in production: what is committed survives a power cut.
func durable(b *testing.B) *db.DB {
	b.Helper()
	d, err := db.Open(b.Context(), "sqlite:"+filepath.Join(b.TempDir(), "amicale.db"), db.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { d.Close() })
	if err := d.Migrate(b.Context()); err != nil {
		b.Fatal(err)
	}
	return d
}

func campaign(b *testing.B, d *db.DB) {
	w := newWorld(b, d)
	w.at = time.Now()
	w.subscribe(subscriptions.NewStore(subscriptions.Deps{DB: d, People: w.people, Trail: w.trail, Now: w.now, Secret: []byte("sixteen octets and more"), Origin: "https://site.example",
		Federation: func(context.Context) (string, error) { return "La Fédération", nil }}))
	for n := b.N; n > 0; n -= 5000 {
		w.crowd(w.ly, min(n, 5000))
	}
	w.must(d.Analyze(b.Context()))
	c := w.draft(nil)
	to := startSink(b)
	box := outbox.New(d, w.now, outbox.Options{From: mail.Address{Address: "site@site.example"}})
	ctx, stop := context.WithCancel(b.Context())
	defer stop()
	var left atomic.Int64
	k := outbox.NewCourier(box, outbox.CourierOptions{Smarthost: to, Connections: 20, Sources: []outbox.Source{w.source}, Poll: 50 * time.Millisecond, Observe: func(s outbox.Sending) {
		if s.State != outbox.Sent {
			b.Errorf("%+v, want it sent", s)
		}
		if left.Add(1) == int64(b.N) {
			stop()
		}
	}})
	w.must(w.Start(b.Context(), federation(), c.ID, b.N))
	b.ResetTimer()
	begun, used := time.Now(), cpu(b)
	making := make(chan error, 1)
	go func() { making <- w.MakeRecipients(b.Context(), c.ID) }()
	w.must(k.Run(ctx))
	w.must(<-making)
	b.StopTimer()
	b.ReportMetric(float64(b.N)/time.Since(begun).Seconds(), "msg/s")
	b.ReportMetric(float64(cpu(b)-used)/float64(b.N)/1e3, "cpu-µs/msg")
	if c = w.show(c.ID); c.State != newsletters.Sent || c.Sent != b.N {
		b.Errorf("%s: %d sent of %d", c.State, c.Sent, b.N)
	}
}
