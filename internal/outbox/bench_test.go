package outbox_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"amicale/internal/clock"
	"amicale/internal/config"
	"amicale/internal/db"
	"amicale/internal/dbtest"
	"amicale/internal/id"
	"amicale/internal/mail"
	"amicale/internal/outbox"
)

// sinkVariable makes this program a mail server that takes everything and keeps nothing: in a process of its own, so
// that what it costs is not counted as ours.
const sinkVariable = "AMICALE_OUTBOX_SINK"

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
		switch verb := strings.ToUpper(string(l[:min(4, len(l))])); verb {
		case "EHLO":
			say("250-sink\r\n250-PIPELINING\r\n250-SIZE 0\r\n250 8BITMIME\r\n")
		case "DATA":
			say("354 go on\r\n")
			for {
				if l, err = r.ReadSlice('\n'); err != nil && err != bufio.ErrBufferFull {
					return
				}
				if bytes.Equal(l, []byte(".\r\n")) {
					break
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

func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkCourierPostgres is BenchmarkCourierRelay on PostgreSQL, whose own processor time is not counted.
func BenchmarkCourierPostgres(b *testing.B) {
	relayMany(b, dbtest.Postgres(b))
}

// drain runs a courier until n messages left, and reports the rate and our processor time a message.
func drain(b *testing.B, box *outbox.Outbox, n int, o outbox.CourierOptions) {
	b.Helper()
	ctx, stop := context.WithCancel(b.Context())
	defer stop()
	var sent atomic.Int64
	o.Observe = func(s outbox.Sending) {
		if s.State != outbox.Sent {
			b.Errorf("%+v, want it sent", s)
			stop()
		}
		if sent.Add(1) == int64(n) {
			stop()
		}
	}
	k := outbox.NewCourier(box, o)
	begun, used := time.Now(), cpu(b)
	b.ResetTimer()
	if err := k.Run(ctx); err != nil {
		b.Fatal(err)
	}
	b.StopTimer()
	b.ReportMetric(float64(n)/time.Since(begun).Seconds(), "msg/s")
	b.ReportMetric(float64(cpu(b)-used)/float64(n)/1e3, "cpu-µs/msg")
}

// original is a message of about 1.5 kB.
func original() []byte {
	return []byte("From: a@b.example\r\nTo: c@d.example\r\nSubject: hello\r\nMessage-ID: <1@b.example>\r\n\r\n" +
		strings.Repeat("It was a bright cold day in April, and the clocks were striking.\r\n", 21))
}

// BenchmarkCourierRelay passes messages of 1.5 kB on over twenty connections.
func BenchmarkCourierRelay(b *testing.B) {
	relayMany(b, durable(b))
}

func relayMany(b *testing.B, d *db.DB) {
	b.Helper()
	host, box := startSink(b), outbox.New(d, clock.System, options(false))
	raw := original()
	for done := 0; done < b.N; {
		var list []outbox.Relayed
		for ; len(list) < 500 && done < b.N; done++ {
			list = append(list, outbox.Relayed{Raw: raw, Each: []outbox.Delivery{{
				Stream: mail.Forwarding, Kind: "forward", Ref: id.New(), From: "r-abcdefghijklmnopqrstuvwxyz234567abcd@retour.ail.example",
				To:   fmt.Sprintf("graduate%d@target%d.example", done, done%20),
				Head: "Delivered-To: laure.lavaut.ly2010@ail.example\r\nReceived: from mx.example (mx.example [192.0.2.1]) by ail.example with ESMTPS\r\n",
			}}})
		}
		if err := box.Relay(b.Context(), list); err != nil {
			b.Fatal(err)
		}
	}
	if err := d.Analyze(b.Context()); err != nil { // as its own keeper does within a minute
		b.Fatal(err)
	}
	drain(b, box, b.N, outbox.CourierOptions{Smarthost: host, Connections: 20})
}

// BenchmarkCourierDirect is the same without a smarthost: twenty domains, each with servers of its own.
func BenchmarkCourierDirect(b *testing.B) {
	host := startSink(b)
	box := outbox.New(durable(b), clock.System, options(false))
	list := make([]outbox.Relayed, 0, 500)
	for i := range b.N {
		list = append(list, forward(string(original()), fmt.Sprintf("graduate%d@target%d.example", i, i%20)))
		if len(list) == cap(list) || i == b.N-1 {
			relay(b, box, list...)
			list = list[:0]
		}
	}
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, host.Address())
	}
	drain(b, box, b.N, outbox.CourierOptions{Smarthost: config.Smarthost{Direct: true}, Resolver: everywhere{}, Dial: dial})
}

// everywhere says that each domain has a server called mx.
type everywhere struct{}

func (everywhere) LookupMX(_ context.Context, name string) ([]*net.MX, error) {
	return []*net.MX{{Host: "mx." + name, Pref: 10}}, nil
}

func (everywhere) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	return nil, nil
}

// recipients is a source with a row a recipient, whose messages are written when their turn comes.
type recipients struct{ d *db.DB }

const letterText = `Bonjour %s,

` + "%s" + `

Ton lien : https://ail.example/lettres/%s
`

func (s recipients) Claim(ctx context.Context, lease time.Duration, n int, _ []string) ([]outbox.Parcel, error) {
	type row struct {
		ID       id.ID
		Address  string
		Attempts int
	}
	now := clock.System()
	list, err := db.All[row](ctx, s.d, `
		UPDATE bench_recipients SET attempts = attempts + 1, next_at = ? WHERE id IN (
			SELECT id FROM bench_recipients WHERE state = 'queued' AND next_at <= ? ORDER BY next_at, id LIMIT ?) RETURNING id, address, attempts`, now.Add(lease), now, n)
	out := make([]outbox.Parcel, 0, len(list))
	for _, r := range list {
		out = append(out, outbox.Parcel{ID: r.ID, Stream: mail.Campaigns, Kind: "campaign", From: "r-x@lettres.ail.example", To: r.Address, Attempts: r.Attempts, Since: now,
			Message: func(context.Context) ([]byte, error) {
				return fmt.Appendf(make([]byte, 0, 8<<10), "From: a@lettres.ail.example\r\nTo: %s\r\nSubject: x\r\n\r\n"+letterText, r.Address, r.Address, words, r.ID), nil
			}})
	}
	return out, err
}

var words = strings.Repeat("It was a bright cold day in April, and the clocks were striking.\r\n", 98)

func (s recipients) Settle(ctx context.Context, list []outbox.Outcome) error {
	ids := make([]any, len(list))
	for i, o := range list {
		ids[i] = o.ID
	}
	_, err := s.d.Exec(ctx, `UPDATE bench_recipients SET state = 'sent' WHERE id IN (`+db.In(len(ids))+`)`, ids...)
	return err
}

func (s recipients) Release(context.Context, []outbox.Parcel, time.Time) error { return nil }

// BenchmarkCourierCampaign sends 6.7 kB to each of many recipients over twenty connections.
func BenchmarkCourierCampaign(b *testing.B) {
	host := startSink(b)
	d := durable(b)
	if _, err := d.Exec(b.Context(), `CREATE TABLE bench_recipients (id UUID PRIMARY KEY, address TEXT NOT NULL, state TEXT NOT NULL, attempts BIGINT NOT NULL, next_at TIMESTAMP NOT NULL)`); err != nil {
		b.Fatal(err)
	}
	if _, err := d.Exec(b.Context(), `CREATE INDEX bench_due ON bench_recipients (next_at, id) WHERE state = 'queued'`); err != nil {
		b.Fatal(err)
	}
	var rows []any
	for i := range b.N {
		rows = append(rows, id.New(), fmt.Sprintf("graduate%d@target%d.example", i, i%20), "queued", 0, clock.System())
	}
	err := d.Tx(b.Context(), func(ctx context.Context) error {
		return d.InsertMany(ctx, `bench_recipients (id, address, state, attempts, next_at)`, 5, rows, ``)
	})
	if err != nil {
		b.Fatal(err)
	}
	drain(b, outbox.New(d, clock.System, options(false)), b.N, outbox.CourierOptions{Smarthost: host, Connections: 20, Sources: []outbox.Source{recipients{d}}})
}

// memory is a source without a table: what remains is the courier itself.
type memory struct{ left, next int }

func (m *memory) Claim(_ context.Context, _ time.Duration, n int, _ []string) ([]outbox.Parcel, error) {
	n = min(n, m.left)
	m.left -= n
	out := make([]outbox.Parcel, n)
	raw := original()
	for i := range out {
		m.next++
		out[i] = outbox.Parcel{ID: id.New(), Stream: mail.Campaigns, Kind: "campaign", From: "x@lettres.ail.example", To: "laure@exemple.fr", Attempts: 1,
			Since: clock.System(), Message: func(context.Context) ([]byte, error) { return raw, nil }}
	}
	return out, nil
}

func (m *memory) Settle(context.Context, []outbox.Outcome) error            { return nil }
func (m *memory) Release(context.Context, []outbox.Parcel, time.Time) error { return nil }

// BenchmarkCourierAlone is the engine without a table behind it.
func BenchmarkCourierAlone(b *testing.B) {
	host := startSink(b)
	box := outbox.New(durable(b), clock.System, options(false))
	drain(b, box, b.N, outbox.CourierOptions{Smarthost: host, Connections: 20, Sources: []outbox.Source{&memory{left: b.N}}})
}
