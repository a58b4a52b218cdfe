package domains

import (
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"

	"blitiri.com.ar/go/spf"

	"amicale/internal/i18n"
)

// sending is who may send for the domains that envelopes name.
func (x *examination) sending() {
	if x.Association || !x.Receives {
		x.permission(x.Domain)
	}
	if x.Receives {
		x.permission(x.returns())
	}
	x.permission(x.letters())
	if x.Smarthost == "" {
		x.reverse()
		x.greeting()
	}
}

// permission judges a domain's SPF record (RFC 7208).
func (x *examination) permission(domain string) {
	term, certain := x.spfTerm()
	r := record{domain, "TXT", x.way("v=spf1 " + term + " ~all")}
	list, err := x.zone.texts(x.ctx, domain)
	if err != nil {
		x.lost(Sending, r)
		return
	}
	list = slices.DeleteFunc(with(list, "v=spf1"), func(t string) bool { return len(t) > 6 && t[6] != ' ' })
	switch len(list) {
	case 0:
		x.say(Sending, Missing, r, "spf_missing")
		return
	case 1:
	default:
		x.say(Sending, Wrong, r, "spf_twice", list...)
		return
	}
	r.wanted = x.way(amended(list[0], term))
	if x.spfBroken(r, list[0]) {
		return
	}
	sends, err := x.permits(domain, term, certain)
	data := i18n.Data{"Term": term}
	switch {
	case err != nil:
		x.lost(Sending, r)
	case sends == spf.Pass:
		r.wanted = list[0]
		x.spfEnd(r, list[0])
	case certain || !permitsAnybody(list[0]):
		x.tell(Sending, Wrong, r, "spf_lacks", data, list[0])
	default:
		x.tell(Sending, Advice, r, "spf_unsure", data, list[0])
	}
}

// way is a record that names how mail leaves, once that has a name that others can use.
func (x *examination) way(wanted string) string {
	if x.Smarthost == "" {
		return x.named(wanted)
	}
	return wanted
}

// amended is a record with the term put before its end.
func amended(record, term string) string {
	fields := strings.Fields(record)
	if slices.ContainsFunc(fields, func(f string) bool { return strings.EqualFold(strings.TrimPrefix(f, "+"), term) }) {
		return record
	}
	at := slices.IndexFunc(fields, func(f string) bool {
		f = strings.ToLower(f)
		return strings.HasSuffix(f, "all") && len(f) <= 4 || strings.HasPrefix(f, "redirect=")
	})
	if at < 0 {
		return strings.Join(append(fields, term, "~all"), " ")
	}
	return strings.Join(slices.Insert(fields, at, term), " ")
}

// permitsAnybody reports whether a record names anything at all that may send.
func permitsAnybody(record string) bool {
	return slices.ContainsFunc(strings.Fields(record)[1:], func(f string) bool {
		f = strings.ToLower(f)
		return !strings.HasPrefix(f, "-") && !strings.HasPrefix(f, "~") && !strings.HasPrefix(f, "?") && !strings.HasPrefix(f, "exp=")
	})
}

// stranger is an address that no record may name (RFC 5737): what SPF says of it, it says of everybody.
var stranger = netip.MustParseAddr("192.0.2.1")

// judge asks SPF about an address.
func (x *examination) judge(domain string, from netip.Addr) (spf.Result, error) {
	return spf.CheckHostWithSender(net.IP(from.AsSlice()), lower(x.MailHost), "postmaster@"+domain, spf.WithContext(x.ctx), spf.WithResolver(x.zone))
}

// spfBroken says what makes a record useless or dangerous, whoever sends.
func (x *examination) spfBroken(r record, found string) bool {
	result, err := x.judge(r.name, stranger)
	switch {
	case result == spf.Pass:
		x.say(Sending, Wrong, r, "spf_open", found)
	case result == spf.TempError:
		x.lost(Sending, r)
	case result != spf.PermError:
		return false
	case errors.Is(err, spf.ErrLookupLimitReached):
		x.say(Sending, Wrong, r, "spf_lookups", found)
	case errors.Is(err, spf.ErrVoidLookupLimitReached), errors.Is(err, spf.ErrNoResult):
		x.say(Sending, Wrong, r, "spf_void", found)
	default:
		x.say(Sending, Wrong, r, "spf_syntax", found)
	}
	return true
}

// spfEnd judges how a good record ends.
func (x *examination) spfEnd(r record, found string) {
	if result, _ := x.judge(r.name, stranger); result == spf.Neutral {
		x.say(Sending, Advice, r, "spf_neutral", found)
		return
	}
	x.say(Sending, OK, r, "spf_ok", found)
}

// permits is whether the way that mail leaves by is permitted: by its addresses, or because its provider's term stands
// in the record or in one that it includes. Which addresses a smarthost sends from cannot be seen from here.
func (x *examination) permits(domain, term string, certain bool) (spf.Result, error) {
	if certain && strings.HasPrefix(term, "include:") {
		if x.includes(domain, term, 10) {
			return spf.Pass, nil
		}
		return spf.Fail, nil
	}
	host := lower(x.MailHost)
	if x.Smarthost != "" {
		host = lower(x.Smarthost)
	}
	list, err := x.zone.addresses(x.ctx, host)
	if err != nil || len(list) == 0 {
		return spf.None, err
	}
	for _, a := range list {
		if result, err := x.judge(domain, a); result != spf.Pass {
			if result == spf.TempError {
				return result, err
			}
			return spf.Fail, nil
		}
	}
	return spf.Pass, nil
}

// includes looks for a term in a record and in those it leads to.
func (x *examination) includes(domain, term string, most int) bool {
	list, err := x.zone.texts(x.ctx, domain)
	if err != nil || most == 0 {
		return false
	}
	for _, one := range with(list, "v=spf1") {
		for _, f := range strings.Fields(one) {
			f = strings.ToLower(strings.TrimPrefix(f, "+"))
			if f == term {
				return true
			}
			next, ok := strings.CutPrefix(f, "include:")
			if !ok {
				next, ok = strings.CutPrefix(f, "redirect=")
			}
			if ok && !strings.Contains(next, "%") && x.includes(next, term, most-1) {
				return true
			}
		}
	}
	return false
}

// reverse wants each address of our server to lead back to its name (RFC 5321 §4.1.4; asked for by Gmail and others).
func (x *examination) reverse() {
	host := lower(x.MailHost)
	list, err := x.zone.addresses(x.ctx, host)
	if err != nil || !public(host) {
		return // that was told under arrival, or is told by the server's own record
	}
	for _, a := range list {
		if unreachable(a) {
			continue
		}
		r := record{a.String(), "PTR", host + "."}
		names, err := nothing(x.zone.LookupAddr(x.ctx, a.String()))
		for i := range names {
			names[i] = lower(names[i]) + "."
		}
		switch {
		case err != nil:
			x.lost(Sending, r)
		case len(names) == 0:
			x.say(Sending, Missing, r, "ptr_missing")
		case !slices.Contains(names, host+"."):
			x.say(Sending, Wrong, r, "ptr_other", names...)
		default:
			x.say(Sending, OK, r, "ptr_ok", names...)
		}
	}
}

// greeting is SPF for our server's own name: mail with an empty envelope sender, as reports have it, is judged by it.
func (x *examination) greeting() {
	host := lower(x.MailHost)
	if !public(host) || host == x.Domain {
		return
	}
	r := record{host, "TXT", "v=spf1 a -all"}
	list, err := x.zone.texts(x.ctx, host)
	list = with(list, "v=spf1")
	switch {
	case err != nil:
		x.lost(Sending, r)
	case len(list) == 0:
		x.say(Sending, Advice, r, "greeting_missing")
	case len(list) > 1:
		x.say(Sending, Wrong, r, "spf_twice", list...)
	default:
		if !x.spfBroken(r, list[0]) {
			x.greetingPermits(r, list[0])
		}
	}
}

func (x *examination) greetingPermits(r record, found string) {
	result, err := x.permits(r.name, "a:"+r.name, true)
	switch {
	case err != nil:
		x.lost(Sending, r)
	case result == spf.Pass:
		x.say(Sending, OK, r, "greeting_ok", found)
	default:
		r.wanted = amended(found, "a")
		x.tell(Sending, Wrong, r, "spf_lacks", i18n.Data{"Term": "a"}, found)
	}
}
