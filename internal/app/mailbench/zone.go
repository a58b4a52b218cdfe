package mailbench

import (
	"errors"
	"net"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// Zone answers questions about names from memory, over UDP on loopback: the DNS of a measurement.
type Zone struct {
	Addr string
	conn net.PacketConn
	txt  map[string][]string // name, in lower case with the dot at the end → texts
	a    map[string][4]byte
	mx   map[string]string
}

// StartZone answers until Close.
func StartZone() (*Zone, error) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	z := &Zone{Addr: conn.LocalAddr().String(), conn: conn, txt: map[string][]string{}, a: map[string][4]byte{}, mx: map[string]string{}}
	return z, nil
}

func dotted(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) + "." }

// Text adds a TXT record; Host an address; Mail an MX. All before Serve.
func (z *Zone) Text(name, text string) { z.txt[dotted(name)] = append(z.txt[dotted(name)], text) }

// Texts are a name's TXT records, for who asks without a socket.
func (z *Zone) Texts(name string) ([]string, error) {
	if list := z.txt[dotted(name)]; len(list) > 0 {
		return list, nil
	}
	return nil, &net.DNSError{Err: "no such name", Name: name, IsNotFound: true}
}

// Host gives a name its address.
func (z *Zone) Host(name string, ip [4]byte) { z.a[dotted(name)] = ip }

// Mail gives a domain its mail server.
func (z *Zone) Mail(domain, host string) { z.mx[dotted(domain)] = dotted(host) }

// Close ends it.
func (z *Zone) Close() { _ = z.conn.Close() } // it only ends Serve

// Serve answers; it returns after Close.
func (z *Zone) Serve() error {
	buf := make([]byte, 4096)
	for {
		n, from, err := z.conn.ReadFrom(buf)
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		var m dnsmessage.Message
		if m.Unpack(buf[:n]) != nil || len(m.Questions) != 1 {
			continue // nobody of ours asks so
		}
		out, err := z.answer(m).Pack()
		if err != nil {
			return err
		}
		if _, err := z.conn.WriteTo(out, from); err != nil && !errors.Is(err, net.ErrClosed) {
			return err
		}
	}
}

func (z *Zone) answer(m dnsmessage.Message) *dnsmessage.Message {
	q := m.Questions[0]
	name := strings.ToLower(q.Name.String())
	out := &dnsmessage.Message{Header: dnsmessage.Header{ID: m.ID, Response: true, Authoritative: true, RecursionDesired: m.RecursionDesired, RecursionAvailable: true}, Questions: m.Questions}
	add := func(body dnsmessage.ResourceBody) {
		out.Answers = append(out.Answers, dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET, TTL: 300}, Body: body})
	}
	switch q.Type {
	case dnsmessage.TypeTXT:
		for _, s := range z.txt[name] {
			add(&dnsmessage.TXTResource{TXT: pieces(s)})
		}
	case dnsmessage.TypeA:
		if ip, ok := z.a[name]; ok {
			add(&dnsmessage.AResource{A: ip})
		}
	case dnsmessage.TypeMX:
		if host, ok := z.mx[name]; ok {
			add(&dnsmessage.MXResource{Pref: 10, MX: dnsmessage.MustNewName(host)})
		}
	}
	if len(out.Answers) == 0 && !z.knows(name) {
		out.RCode = dnsmessage.RCodeNameError
	}
	return out
}

func (z *Zone) knows(name string) bool {
	_, txt := z.txt[name]
	_, a := z.a[name]
	_, mx := z.mx[name]
	return txt || a || mx
}

// pieces cuts a text into the strings of at most 255 octets that a TXT record is made of (RFC 1035 §3.3.14).
func pieces(s string) (out []string) {
	for len(s) > 255 {
		out, s = append(out, s[:255]), s[255:]
	}
	return append(out, s)
}
