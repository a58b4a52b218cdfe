package outbox

import (
	"context"
	"errors"
	"runtime/debug"

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
