package mail

import (
	"fmt"
	"net/url"
	"strings"

	"amicale/internal/errs"
)

// List is what a letter to many says of itself, so that mail programs can group it, and stop it.
type List struct {
	ID          string // "news.ly.lettres.example": letters, digits, '-' and dots (RFC 2919)
	Name        string // how people call it; may be empty
	Unsubscribe string // https; a POST there without a session ends it (RFC 8058), a GET shows the page
	Mailto      string // an address to which an empty letter does the same; may be empty
	Help        string // https; may be empty
	// Feedback says, from the narrowest to the sender: campaign, kind, group, sender. Mail sites count complaints by
	// it. Empty ones are left out, the last must be there.
	Feedback [4]string
}

// UnsubscribeSubject is what a letter to List.Mailto is about: mail programs write it without asking.
const UnsubscribeSubject = "unsubscribe"

// Headers are for Letter.Headers. DKIM must sign both List-Unsubscribe and List-Unsubscribe-Post.
func (l List) Headers() (map[string]string, error) {
	const op = "mail.List.Headers"
	wrong := func(what string) error { return errs.E(op, errs.Invalid, fmt.Errorf("the %s is none", what)) }
	if !dotAtom(l.ID) || !strings.Contains(l.ID, ".") {
		return nil, wrong("list's id")
	}
	if !safeLink(l.Unsubscribe) {
		return nil, wrong("link to unsubscribe")
	}
	out := map[string]string{
		"List-Id":               "<" + l.ID + ">",
		"List-Unsubscribe":      "<" + l.Unsubscribe + ">",
		"List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
		"Precedence":            "bulk",
	}
	if name := strings.TrimSpace(phrase(l.Name)); name != "" {
		out["List-Id"] = name + " <" + l.ID + ">"
	}
	if l.Mailto != "" {
		a, err := ParseAddress(l.Mailto)
		if err != nil {
			return nil, errs.Wrap(op, err)
		}
		out["List-Unsubscribe"] += ", <mailto:" + url.PathEscape(a.Address) + "?subject=" + UnsubscribeSubject + ">"
	}
	if l.Help != "" {
		if !safeLink(l.Help) {
			return nil, wrong("link to help")
		}
		out["List-Help"] = "<" + l.Help + ">"
	}
	if l.Feedback[3] != "" {
		parts := make([]string, len(l.Feedback))
		for i, f := range l.Feedback {
			parts[i] = feedbackWord(f)
		}
		out["Feedback-ID"] = strings.Join(parts, ":")
	}
	return out, nil
}

// phrase is a name without what has a meaning around an id.
func phrase(s string) string {
	s = strings.Map(func(r rune) rune {
		if strings.ContainsRune(`<>"\(),:;@[]`, r) {
			return ' '
		}
		return r
	}, s)
	return cut(oneLine(s), 60)
}

// feedbackWord keeps what no site trips over; Gmail reads fields between colons.
func feedbackWord(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < 0x80 && (isAlnum(byte(r)) || r == '-' || r == '_' || r == '.') {
			return r
		}
		return '-'
	}, s)
	return s[:min(len(s), 60)]
}

// dotAtom reports whether s is a name of labels between dots.
func dotAtom(s string) bool {
	if len(s) > 200 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if !token(label) {
			return false
		}
	}
	return true
}

// safeLink reports whether s is an https address that can stand between angle brackets on one line.
func safeLink(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Scheme == "https" && u.Host != "" && u.User == nil && len(s) < 500 &&
		!strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(`<>",`, r) })
}
