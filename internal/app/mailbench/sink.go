package mailbench

import (
	"bufio"
	"bytes"
	"errors"
	"hash/fnv"
	"net"
	"strings"
	"sync"
)

// Sink is a mail server on loopback that takes everything and counts it. It does as little as a server can: what is
// measured is not to wait for it.
type Sink struct {
	Addr string
	ln   net.Listener
	got  *tally
	// key tells which message it is: by the header line X-Load when there is one, else by the recipient.
	byRecipient bool
	// faulty is every how many recipients one is answered with 451, or loses its connection, the first time; 0: none.
	faulty uint32
	mu     sync.Mutex
	failed map[string]bool
}

// StartSink takes mail on that address until Close; port 0 chooses one.
func StartSink(listen string, byRecipient bool, faulty uint32) (*Sink, error) {
	ln, err := net.Listen("tcp", listen)
	if err != nil {
		return nil, err
	}
	s := &Sink{Addr: ln.Addr().String(), ln: ln, got: newTally(), byRecipient: byRecipient, faulty: faulty, failed: map[string]bool{}}
	go s.serve() // ends with Close
	return s, nil
}

// Close ends it.
func (s *Sink) Close() { _ = s.ln.Close() } // it only ends serve

func (s *Sink) serve() {
	for {
		conn, err := s.ln.Accept()
		if err != nil {
			return
		}
		go s.talk(conn)
	}
}

// fault is how this recipient's first attempt ends: "", "451" or "cut".
func (s *Sink) fault(rcpt string) string {
	if s.faulty == 0 {
		return ""
	}
	h := fnv.New32a()
	h.Write([]byte(rcpt))
	sum := h.Sum32()
	if sum%s.faulty != 0 {
		return ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed[rcpt] {
		return ""
	}
	s.failed[rcpt] = true
	if sum/s.faulty%2 == 0 {
		return "451"
	}
	return "cut"
}

var errCut = errors.New("cut")

func (s *Sink) talk(conn net.Conn) {
	defer conn.Close()
	r, w := bufio.NewReaderSize(conn, 64<<10), bufio.NewWriterSize(conn, 4<<10)
	say := func(line string) { _, _ = w.WriteString(line + "\r\n") } // Flush tells
	say("220 sink.example ESMTP")
	rcpt, fault := "", ""
	for {
		if r.Buffered() == 0 && w.Flush() != nil {
			return
		}
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		switch verb := strings.ToUpper(line[:min(4, len(line))]); verb {
		case "EHLO":
			say("250-sink.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 SIZE 52428800")
		case "RCPT":
			rcpt = line[strings.IndexByte(line, '<')+1 : strings.IndexByte(line, '>')]
			fault = s.fault(rcpt)
			say("250 2.1.5 ok")
		case "DATA":
			say("354 go on")
			if w.Flush() != nil {
				return
			}
			key, err := s.body(r)
			if err != nil || fault == "cut" {
				return
			}
			if fault == "451" {
				say("451 4.7.1 greylisted, try again")
				continue
			}
			if s.byRecipient || key == "" {
				key = rcpt
			}
			s.got.add(key)
			say("250 2.0.0 taken")
		case "QUIT":
			say("221 2.0.0 bye")
			_ = w.Flush()
			return
		default:
			say("250 2.0.0 ok")
		}
	}
}

// body reads a message to its end and gives its X-Load.
func (s *Sink) body(r *bufio.Reader) (key string, err error) {
	inHeader := true
	for {
		line, err := r.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err != nil {
			return "", errCut
		}
		if inHeader {
			if rest, ok := bytes.CutPrefix(line, []byte("X-Load: ")); ok {
				key = string(bytes.TrimSpace(rest))
			}
			inHeader = len(bytes.TrimSpace(line)) > 0
		}
		if len(line) == 3 && line[0] == '.' {
			return key, nil
		}
	}
}
