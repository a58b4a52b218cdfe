package mail

import (
	"errors"
	"io"
	"mime"
	"net/mail"
	"strings"

	"golang.org/x/net/idna"
	"golang.org/x/text/encoding/htmlindex"
)

// ErrFrom is for a message whose author cannot be told: no From, several, or none that can be read. DMARC cannot
// be evaluated then, for there is no one domain to ask (RFC 5322 §3.6.2).
var ErrFrom = errors.New("mail: not exactly one From with one address")

// Author is the one author of a message: the name as people read it, which may be empty, and the address with its
// domain in lower case ASCII.
func (h Header) Author() (Address, error) {
	values := h.All("From")
	if len(values) != 1 {
		return Address{}, ErrFrom
	}
	const most = 2000
	v := strings.ToValidUTF8(values[0], "?")
	p := mail.AddressParser{WordDecoder: &mime.WordDecoder{CharsetReader: charsetReader}}
	if list, err := p.ParseList(v[:min(len(v), most)]); err == nil {
		if len(list) != 1 {
			return Address{}, ErrFrom
		}
		return author(list[0].Name, list[0].Address)
	}
	// What stands around the address is often wrong, the address seldom: "Dupont, Jean <jean@exemple.fr>".
	begin, end := strings.LastIndexByte(v, '<'), strings.LastIndexByte(v, '>')
	if begin >= 0 && end > begin && strings.Count(v, "@") == 1 {
		return author(DecodeHeader(strings.Trim(v[:begin], `" `), 100), v[begin+1:end])
	}
	return Address{}, ErrFrom
}

func author(name, address string) (Address, error) {
	address = strings.TrimSpace(address)
	at := strings.LastIndexByte(address, '@')
	if at < 1 || len(address) > 320 {
		return Address{}, ErrFrom
	}
	domain := ASCIIDomain(address[at+1:])
	if domain == "" || strings.ContainsFunc(domain, unprintable) || strings.ContainsAny(address, "\r\n") {
		return Address{}, ErrFrom
	}
	return Address{Name: cut(oneLine(name), 100), Address: address[:at+1] + domain}, nil
}

// DomainOf is an address's domain in lower case; empty if it has none.
func DomainOf(address string) string {
	at := strings.LastIndexByte(address, '@')
	if at < 0 {
		return ""
	}
	return strings.ToLower(address[at+1:])
}

// ASCIIDomain brings a domain to the form in which it is looked up and said to servers; empty if it is none.
func ASCIIDomain(domain string) string {
	out, err := idna.Lookup.ToASCII(strings.TrimSuffix(domain, "."))
	if err != nil {
		return ""
	}
	return strings.ToLower(out)
}

// charsetReader knows the character sets that browsers know.
func charsetReader(charset string, in io.Reader) (io.Reader, error) {
	enc, err := htmlindex.Get(strings.ToLower(charset))
	if err != nil {
		return nil, err
	}
	return enc.NewDecoder().Reader(in), nil
}
