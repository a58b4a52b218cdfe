// Package errs holds the kinds of error the whole house speaks.
//
// An error carries two texts: the wrapped cause, for the log, and a message key, for the visitor, which the
// web layer translates. Kinds are matched with errors.Is; an operation adds its name and key once, with E.
package errs

import (
	"errors"
	"fmt"
	"strings"
)

// Kind says what sort of failure it is, and with it which HTTP status answers. It is itself an error, so
// that errors.Is(err, errs.NotFound) works.
type Kind uint8

const (
	Internal     Kind = iota // a fault of ours or of the machine
	NotFound                 // no such thing, or none that this viewer may know of
	Invalid                  // the input is wrong; nothing was changed
	Forbidden                // known viewer, not his to do
	Unauthorized             // sign in first
	Conflict                 // somebody else changed it meanwhile, or it exists already
	Limited                  // too often; try again later
	Unavailable              // a part we need does not answer, or the disk is full
)

var kindNames = [...]string{"internal", "not found", "invalid", "forbidden", "unauthorized", "conflict", "limited", "unavailable"}

func (k Kind) Error() string { return kindNames[k] }

// Message is a text for the visitor: an i18n key and its data.
type Message struct {
	Key  string
	Data map[string]any
}

// Error is what travels. Op is "package.Operation key"; Fields are the messages by form field.
type Error struct {
	Kind   Kind
	Op     string
	Msg    Message
	Fields map[string]Message
	Err    error
}

func (e *Error) Error() string {
	var b strings.Builder
	if e.Op != "" {
		b.WriteString(e.Op + ": ")
	}
	b.WriteString(e.Kind.Error())
	if e.Msg.Key != "" {
		b.WriteString(" (" + e.Msg.Key + ")")
	}
	for f, m := range e.Fields {
		fmt.Fprintf(&b, " %s=%s", f, m.Key)
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

func (e *Error) Unwrap() error        { return e.Err }
func (e *Error) Is(target error) bool { k, ok := target.(Kind); return ok && k == e.Kind }

// E wraps err with the operation and its kind.
func E(op string, kind Kind, err error) error { return &Error{Kind: kind, Op: op, Err: err} }

// Msg is an Invalid error with a message for the visitor.
func Msg(key string, data ...map[string]any) error { return New(Invalid, key, data...) }

// New is an error of the given kind with a message for the visitor.
func New(kind Kind, key string, data ...map[string]any) error {
	e := &Error{Kind: kind, Msg: Message{Key: key}}
	if len(data) > 0 {
		e.Msg.Data = data[0]
	}
	return e
}

// Wrap adds the operation and keeps the kind; nil stays nil.
func Wrap(op string, err error) error {
	if err == nil {
		return nil
	}
	return &Error{Kind: KindOf(err), Op: op, Err: err}
}

// KindOf is the kind of the outermost error that has one, else Internal.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	var k Kind
	if errors.As(err, &k) {
		return k
	}
	return Internal
}

// MessageOf is the first message for the visitor in the chain.
func MessageOf(err error) (Message, bool) {
	for err != nil {
		var e *Error
		if !errors.As(err, &e) {
			return Message{}, false
		}
		if e.Msg.Key != "" {
			return e.Msg, true
		}
		err = e.Err
	}
	return Message{}, false
}

// FieldsOf are the messages by form field in the chain.
func FieldsOf(err error) map[string]Message {
	for err != nil {
		var e *Error
		if !errors.As(err, &e) {
			return nil
		}
		if e.Fields != nil {
			return e.Fields
		}
		err = e.Err
	}
	return nil
}

// Fields collects what is wrong with a form, field by field.
type Fields map[string]Message

// Add notes the first thing wrong with a field.
func (f Fields) Add(field, key string, data ...map[string]any) {
	if _, ok := f[field]; ok {
		return
	}
	m := Message{Key: key}
	if len(data) > 0 {
		m.Data = data[0]
	}
	f[field] = m
}

// Err is nil when nothing is wrong, else an Invalid error.
func (f Fields) Err() error {
	if len(f) == 0 {
		return nil
	}
	return &Error{Kind: Invalid, Fields: f}
}

// Prefix renames the fields of an error to those of a larger form; an error without fields stays as it is.
func Prefix(prefix string, err error) error {
	fields := FieldsOf(err)
	if fields == nil {
		return err
	}
	out := Fields{}
	for f, m := range fields {
		out[prefix+f] = m
	}
	return out.Err()
}
