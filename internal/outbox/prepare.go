package outbox

import (
	"bytes"
	"context"
	"errors"
	"runtime/debug"
	"strings"

	"amicale/internal/mail"
)

var (
	errUnsigned = errors.New("the message cannot be signed")
	errPanic    = errors.New("panic")
)

// prepare gives the message's parts, in order: the signature of ours, if it bears one, and the message.
func (w *walker) prepare(ctx context.Context, it *item) ([][]byte, error) {
	message, err := w.message(ctx, it)
	if err != nil {
		return nil, err
	}
	if w.o.Signer == nil || it.untouch || w.d.key == mailboxKey {
		return [][]byte{message}, nil
	}
	signature, err := w.o.Signer.Sign(it.Stream, senderDomain(message), message)
	if err != nil {
		return nil, errors.Join(errUnsigned, err)
	}
	if signature == "" {
		return [][]byte{message}, nil
	}
	return [][]byte{[]byte(signature), message}, nil
}

// message asks the source for the bytes. A fault in one message gives up that message, and not the process.
func (w *walker) message(ctx context.Context, it *item) (message []byte, err error) {
	if it.shelf != nil {
		if message := it.shelf.take(w.base, it); message != nil {
			return message, nil
		}
	}
	defer func() {
		if p := recover(); p != nil {
			w.o.Log.ErrorContext(w.ctx, "panic while a message was made", "parcel", it.ID.String(), "kind", it.Kind, "panic", p, "stack", string(debug.Stack()))
			err = errPanic
		}
	}()
	return it.Message(ctx)
}

// senderDomain is that of the address in From; empty when there is none.
func senderDomain(message []byte) string {
	h, _ := mail.ReadHeader(message)
	a, err := mail.ParseAddress(h.Get("From"))
	if err != nil {
		return ""
	}
	return mail.DomainOf(a.Address)
}

// enveloped is the parcel's envelope; a reply with a code refuses what no server may be shown.
func enveloped(p Parcel, parts [][]byte) (envelope, mail.Reply) {
	refuse := func(enhanced, text string) (envelope, mail.Reply) {
		return envelope{}, mail.Reply{Code: 554, Enhanced: enhanced, Text: text, Stage: "message"}
	}
	e := envelope{from: asciiAddress(p.From), to: asciiAddress(p.To)}
	if !speakable(e.from) || !speakable(e.to) || e.to == "" {
		return refuse("5.1.3", "an address that cannot be said")
	}
	e.utf8 = !ascii(e.from) || !ascii(e.to)
	for _, part := range parts {
		e.size += len(part)
		e.eightBit = e.eightBit || !ascii(part)
		if ambiguous(part) {
			return refuse("5.6.0", "the message holds line ends that servers read in different ways")
		}
	}
	if e.eightBit {
		message := parts[len(parts)-1]
		_, body := mail.ReadHeader(message)
		e.headUTF8 = !ascii(message[:body])
	}
	return e, mail.Reply{}
}

func ascii[T string | []byte](s T) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// asciiAddress writes the domain in ASCII where the local part is: then every server takes the address.
func asciiAddress(a string) string {
	at := strings.LastIndexByte(a, '@')
	if at < 0 || ascii(a) || !ascii(a[:at]) {
		return a
	}
	if domain := asciiDomain(a[at+1:]); domain != "" {
		return a[:at+1] + domain
	}
	return a
}

// speakable reports whether an address can stand in a command without ending it.
func speakable(a string) bool {
	if strings.ContainsAny(a, "<>") && !strings.Contains(a, `"`) {
		return false
	}
	return bytes.IndexFunc([]byte(a), func(r rune) bool { return r < ' ' || r == 0x7f }) < 0
}

// heavyMessage is from how many octets on a message waits for a place in memory.
const heavyMessage = 1 << 20

type heavyKey struct{}

// burden takes a place among the large messages when one is loaded.
type burden struct {
	places chan struct{}
	taken  bool
}

// withHeavy lets a source bound, through the context, how many large messages are in memory at once.
func withHeavy(ctx context.Context, places chan struct{}) (context.Context, func()) {
	b := &burden{places: places}
	return context.WithValue(ctx, heavyKey{}, b), func() {
		if b.taken {
			<-b.places
		}
	}
}

// bear waits for a place. Outside of a courier there is always one.
func bear(ctx context.Context) error {
	b, ok := ctx.Value(heavyKey{}).(*burden)
	if !ok || b.taken {
		return nil
	}
	select {
	case b.places <- struct{}{}:
		b.taken = true
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
