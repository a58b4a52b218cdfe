package client

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"amicale/internal/mail"
)

// Bounds of an answer: a line (RFC 5321 §4.5.3.1.5 says 512; some write more), and how many of them.
const (
	mostReplyLine  = 4096
	mostReplyLines = 100
)

var errGarbled = errors.New("an answer that is none")

// Failure is a conversation that broke, or never began: no server answered for the message.
type Failure struct {
	Stage  string // as mail.Reply has it
	Server string
	Reply  mail.Reply // what the server said when it would not serve; zero Code when nothing
	Err    error
}

func (f *Failure) Error() string { return f.Stage + ": " + f.Err.Error() }
func (f *Failure) Unwrap() error { return f.Err }

// Told is what is kept of the failure.
func (f *Failure) Told() mail.Reply {
	if f.Reply.Code != 0 {
		return f.Reply
	}
	return mail.Reply{Text: mail.ReplyText(f.Err.Error()), Stage: f.Stage, Server: f.Server}
}

// Opening reports whether it broke before any message was spoken of.
func (f *Failure) Opening() bool {
	switch f.Stage {
	case "connect", "hello", "tls", "auth":
		return true
	}
	return false
}

// read takes one answer, of any number of lines (RFC 5321 §4.2.1). The text of a good answer is dropped, unless it is
// to be kept; lines are told apart by LF.
func (c *Conn) read(keep bool) (code int, text string, err error) {
	var kept []byte
	for range mostReplyLines {
		s, err := c.r.ReadSlice('\n')
		if err != nil {
			return 0, "", err // bufio.ErrBufferFull: longer than any answer
		}
		s = bytes.TrimRight(s, "\r\n")
		n, ok := replyCode(s)
		if !ok {
			return 0, "", fmt.Errorf("%w: %q", errGarbled, s[:min(len(s), 80)])
		}
		if keep || n >= 400 {
			kept = append(append(kept, s[min(4, len(s)):]...), '\n')
		}
		if len(s) < 4 || s[3] != '-' {
			return n, string(kept), nil
		}
	}
	return 0, "", errGarbled
}

func replyCode(s []byte) (int, bool) {
	if len(s) < 3 || len(s) > 3 && s[3] != ' ' && s[3] != '-' {
		return 0, false
	}
	n := 0
	for _, c := range s[:3] {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = 10*n + int(c-'0')
	}
	return n, n >= 200 && n < 600
}

// replied makes a reply of an answer; its enhanced code (RFC 2034) stands at the beginning of each line.
func replied(stage, server string, code int, text string) mail.Reply {
	r := mail.Reply{Code: code, Stage: stage, Server: server}
	var words []string
	for l := range strings.Lines(text) {
		l = strings.TrimSpace(l)
		first, rest, _ := strings.Cut(l, " ")
		if enhanced(first, code) && (r.Enhanced == "" || r.Enhanced == first) {
			r.Enhanced, l = first, strings.TrimSpace(rest)
		}
		if l != "" {
			words = append(words, l)
		}
	}
	r.Text = mail.ReplyText(strings.Join(words, " "))
	return r
}

// enhanced reports whether s is an enhanced code (RFC 3463 §2) that agrees with the answer's.
func enhanced(s string, code int) bool {
	if len(s) < 5 || len(s) > 9 || int(s[0]-'0') != code/100 || s[1] != '.' {
		return false
	}
	middle, last, ok := strings.Cut(s[2:], ".")
	digits := func(s string) bool {
		return s != "" && len(s) <= 3 && strings.Trim(s, "0123456789") == ""
	}
	return ok && digits(middle) && digits(last)
}
