package outbox_test

import (
	"context"
	"net"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// names is a DNS server on loopback.
type names struct {
	mu    sync.Mutex
	mx    map[string][]string // "domain" → "10 host"; "." is a null MX
	hosts map[string]bool     // with the address 127.0.0.1
	fails map[string]bool     // domains whose servers do not answer well
	asked map[string]int
}

// resolver starts the server and gives the standard resolver, which asks it.
func (n *names) resolver(t testing.TB) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n.asked = map[string]int{}
	t.Cleanup(func() { conn.Close() })
	go func() {
		buf := make([]byte, 1500)
		for {
			size, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			if answer := n.answer(buf[:size]); answer != nil {
				_, _ = conn.WriteTo(answer, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

func (n *names) answer(raw []byte) []byte {
	var m dnsmessage.Message
	if m.Unpack(raw) != nil || len(m.Questions) != 1 {
		return nil
	}
	q := m.Questions[0]
	name := strings.ToLower(strings.TrimSuffix(q.Name.String(), "."))
	n.mu.Lock()
	defer n.mu.Unlock()
	n.asked[name]++
	out := dnsmessage.Message{Header: dnsmessage.Header{ID: m.ID, Response: true, Authoritative: true, RecursionAvailable: true}, Questions: m.Questions}
	h := dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: dnsmessage.ClassINET, TTL: 60}
	list, known := n.mx[name]
	switch {
	case n.fails[name]:
		out.RCode = dnsmessage.RCodeServerFailure
	case q.Type == dnsmessage.TypeMX && known:
		for i, host := range list {
			if host != "." {
				host += "."
			}
			out.Answers = append(out.Answers, dnsmessage.Resource{Header: h, Body: &dnsmessage.MXResource{Pref: uint16(10 * i), MX: dnsmessage.MustNewName(host)}})
		}
	case q.Type == dnsmessage.TypeA && n.hosts[name]:
		out.Answers = append(out.Answers, dnsmessage.Resource{Header: h, Body: &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}}})
	case !known && !n.hosts[name]:
		out.RCode = dnsmessage.RCodeNameError
	}
	b, err := out.Pack()
	if err != nil {
		return nil
	}
	return b
}

// network leads host names to servers on loopback. An unknown one refuses connections.
type network struct {
	mu    sync.Mutex
	ports map[string]string // by host name
	calls map[string]int
}

func (w *network) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	if w.calls == nil {
		w.calls = map[string]int{}
	}
	w.calls[host]++
	if port == "25" && w.ports[host] != "" {
		port = w.ports[host]
	} else {
		port = "1" // nobody listens there
	}
	w.mu.Unlock()
	return (&net.Dialer{}).DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
}
