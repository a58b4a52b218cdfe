package inbox

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"
)

// doorway is a listener that lets in whom the guard lets in, and knows who is inside.
type doorway struct {
	net.Listener
	s *Server
	p protocol

	halt    chan struct{} // closed once it is told to stop
	mu      sync.Mutex
	wires   map[*wire]struct{}
	stopped bool
}

// Accept waits for somebody who is let in. The others read why not and are gone.
func (d *doorway) Accept() (net.Conn, error) {
	for {
		c, err := d.Listener.Accept()
		if err != nil {
			return nil, err
		}
		w := &wire{Conn: c, d: d, from: addressOf(c), left: mostUnanswered}
		w.top = w
		if d.p.implicit {
			w.top = nil
		}
		why := d.s.guard.enter(w.from, d.p)
		if why == "" && d.join(w) {
			return w, nil
		}
		if why == "" { // stopping
			d.s.guard.leave(w.from)
			why = "closing"
		}
		d.s.o.Observe(Event{What: "busy"})
		if !d.p.implicit {
			_ = c.SetWriteDeadline(time.Now().Add(time.Second))
			_, _ = io.WriteString(c, "421 4.7.0 "+d.s.o.Hostname+" "+why+"\r\n")
		}
		_ = c.Close()
	}
}

func (d *doorway) join(w *wire) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.stopped {
		return false
	}
	d.wires[w] = struct{}{}
	return true
}

func (d *doorway) leave(w *wire) {
	d.mu.Lock()
	_, in := d.wires[w]
	delete(d.wires, w)
	d.mu.Unlock()
	if in {
		d.s.guard.leave(w.from)
	}
}

// stop lets nobody in any more and tells everybody to stop after the message under way.
func (d *doorway) stop() {
	_ = d.Close()
	d.mu.Lock()
	if !d.stopped {
		d.stopped = true
		close(d.halt)
	}
	list := make([]*wire, 0, len(d.wires))
	for w := range d.wires {
		list = append(list, w)
	}
	d.mu.Unlock()
	for _, w := range list {
		w.stop()
	}
}

func (d *doorway) cutAll() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for w := range d.wires {
		_ = w.Conn.Close()
	}
}

// addressOf is who is at the other end; not valid for sockets that are no internet's.
func addressOf(c net.Conn) netip.Addr {
	a, err := netip.ParseAddrPort(c.RemoteAddr().String())
	if err != nil {
		return netip.Addr{}
	}
	return a.Addr().Unmap().WithZone("")
}

const (
	// mostUnanswered is how many octets may come before an answer while no message does: a group of pipelined
	// commands, and the chunk of a BDAT whose recipients were all refused.
	mostUnanswered = 256 << 10
	// mostAnswers is how many commands are answered before a message is taken.
	mostAnswers = 500
)

// wire is one connection as the machine has it, below TLS. It owns the deadlines, bounds what comes in before it is
// answered, which the library does not, and ends a connection politely.
type wire struct {
	net.Conn
	d    *doorway
	from netip.Addr

	mu       sync.Mutex
	top      net.Conn // what answers are written to: TLS, or the wire itself; nil: nobody would understand them
	phase    phase
	left     int64     // octets that may still come before the next answer
	answers  int       // since the last message taken
	until    time.Time // when the message under way must be in
	pauses   bool      // its reader wants to know when nothing comes
	paused   bool      // and does
	stopping bool
	cut      string // why it ends at the next chance; empty: it goes on
	closed   bool
}

// phase is what a connection is at.
type phase uint8

const (
	inCommands phase = iota // waits for one
	inMessage               // octets of a message come in, or it is being judged
	inAnswer                // it has been judged; what still comes of it is passed over until the answer is written
)

// Read waits at most for the idle time, or until the message under way must be in.
func (w *wire) Read(p []byte) (int, error) {
	short, ok := w.ready()
	if !ok {
		return 0, w.end()
	}
	n, err := w.Conn.Read(p)
	w.mu.Lock()
	w.left -= int64(n)
	w.paused = n == 0
	late := n == 0 && errors.Is(err, os.ErrDeadlineExceeded)
	stopped := late && w.stopping && w.phase == inCommands
	if stopped {
		w.cut = closing
	}
	w.mu.Unlock()
	switch {
	case stopped:
		return 0, w.end()
	case late && short:
		return 0, pause{}
	}
	return n, err
}

// ready sets the deadline of a read; short says that it is only for a look. It is not ok to read when the connection
// ends.
func (w *wire) ready() (short, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.cut != "":
	case w.left <= 0:
		w.cut = "4.7.0 too much at once"
	case w.answers > mostAnswers:
		w.cut = "4.7.0 too many commands"
	case w.stopping && w.phase == inCommands:
		w.cut = closing
	}
	if w.cut != "" {
		return false, false
	}
	now, idle := time.Now(), w.d.s.o.Idle
	deadline := now.Add(idle)
	if w.phase != inCommands && w.until.Before(deadline) {
		deadline = w.until
	}
	if look := now.Add(min(time.Second, idle/4)); w.phase == inMessage && w.pauses && !w.paused && look.Before(deadline) {
		deadline, short = look, true
	}
	_ = w.Conn.SetReadDeadline(deadline)
	return short, true
}

// pause is the error of a reader whose sender is silent for a moment: it may look at what it has and read on.
// Temporary is what lets TLS go on after it.
type pause struct{}

func (pause) Error() string   { return "nothing comes for the moment" }
func (pause) Timeout() bool   { return false }
func (pause) Temporary() bool { return true }

const closing = "4.3.2 closing, please come again"

// end says why the connection ends; the caller then reads the end of the file. Whoever is cut for what it sent has
// had its answer.
func (w *wire) end() error {
	w.mu.Lock()
	top, why := w.top, w.cut
	w.mu.Unlock()
	if top != nil && why != answered {
		_, _ = io.WriteString(top, "421 "+why+"\r\n")
	}
	return io.EOF
}

// answered is the cut of a connection that was told already.
const answered = "answered"

// noTLS is what the library says when TLS did not come about. It would then go on in clear, with what was sent behind
// STARTTLS too; no octet of TLS begins so.
const noTLS = "550 5.0.0 Handshake error"

func (w *wire) Write(p []byte) (int, error) {
	w.mu.Lock()
	if w.phase == inAnswer {
		w.phase = inCommands
	}
	if w.phase == inCommands {
		w.left = mostUnanswered
	}
	w.answers++
	if bytes.HasPrefix(p, []byte(noTLS)) {
		w.cut = answered
	}
	w.mu.Unlock()
	return w.Conn.Write(p)
}

// Close may come from several sides.
func (w *wire) Close() error {
	w.mu.Lock()
	again := w.closed
	w.closed = true
	w.mu.Unlock()
	if again {
		return nil
	}
	w.d.leave(w)
	return w.Conn.Close()
}

// SetReadDeadline is the wire's own affair.
func (w *wire) SetReadDeadline(time.Time) error { return nil }

// SetDeadline leaves reading to the wire.
func (w *wire) SetDeadline(t time.Time) error { return w.Conn.SetWriteDeadline(t) }

// talk names what answers are written to from now on.
func (w *wire) talk(top net.Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.top = top
}

// begin says that a message comes in, of at most that many octets, and whether its reader takes a pause.
func (w *wire) begin(most int64, within time.Duration, pauses bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.phase, w.until, w.left, w.pauses, w.paused = inMessage, time.Now().Add(within), most, pauses, false
}

// judged says that the message under way is about to be answered.
func (w *wire) judged(taken bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.phase = inAnswer
	if taken {
		w.answers = 0
	}
}

// cutOff ends the connection after the answer under way.
func (w *wire) cutOff() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = answered
}

// isCut reports whether nothing that still comes counts: what was sent behind a QUIT, or behind the command that cut the
// connection, stands in the library's buffer and is read on.
func (w *wire) isCut() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.cut != "" || w.closed
}

func (w *wire) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stopping = true
	if w.phase == inCommands {
		_ = w.Conn.SetReadDeadline(time.Unix(1, 0))
	}
}
