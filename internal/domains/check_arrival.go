package domains

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"amicale/internal/i18n"
)

// arrival is where mail arrives: lifetime addresses, reports about what was passed on, and about newsletters.
func (x *examination) arrival() {
	if !x.Receives {
		if x.Association {
			x.say(Arrival, Advice, record{x.Domain, "MX", ""}, "deaf")
		}
		x.answerable()
		return
	}
	x.host()
	if x.Association {
		x.exchanger(x.Domain)
	} else {
		x.answerable()
	}
	x.exchanger(x.returns())
	x.exchanger(x.letters())
}

// answerable: who cannot be answered is refused by many.
func (x *examination) answerable() {
	r := record{x.Domain, "MX", ""}
	list, err := nothing(x.zone.LookupMX(x.ctx, x.Domain))
	if err != nil {
		x.lost(Arrival, r)
		return
	}
	hosts, err := x.zone.addresses(x.ctx, x.Domain)
	switch {
	case err != nil:
		x.lost(Arrival, r)
	case len(list) == 0 && len(hosts) == 0:
		x.say(Arrival, Advice, r, "unanswerable")
	}
}

// named is a record that names our server, once that has a name that others can use.
func (x *examination) named(wanted string) string {
	if !public(x.MailHost) {
		return ""
	}
	return wanted
}

// exchanger wants mail for a domain to come to our server, and nowhere else.
func (x *examination) exchanger(domain string) {
	r := record{domain, "MX", x.named("10 " + lower(x.MailHost) + ".")}
	to, err := x.zone.alias(x.ctx, domain)
	if err == nil && to != "" {
		x.say(Arrival, Wrong, r, "mx_alias", "CNAME "+to)
		return
	}
	list, err := nothing(x.zone.LookupMX(x.ctx, domain))
	if err != nil {
		x.lost(Arrival, r)
		return
	}
	var found, others []string
	ours, best := -1, -1
	for _, mx := range list {
		host := lower(mx.Host)
		found = append(found, strconv.Itoa(int(mx.Pref))+" "+host+".")
		if best < 0 || int(mx.Pref) < best {
			best = int(mx.Pref)
		}
		if host == lower(x.MailHost) {
			ours = int(mx.Pref)
		} else {
			others = append(others, host)
		}
	}
	data := i18n.Data{"Others": strings.Join(others, ", ")}
	switch {
	case len(list) == 0:
		x.say(Arrival, Missing, r, "mx_missing")
	case len(list) == 1 && lower(list[0].Host) == "": // RFC 7505: "."
		x.say(Arrival, Wrong, r, "mx_null", found...)
	case ours < 0:
		x.tell(Arrival, Wrong, r, "mx_elsewhere", data, found...)
	case ours > best:
		x.tell(Arrival, Wrong, r, "mx_second", data, found...)
	case len(others) > 0:
		x.tell(Arrival, Advice, r, "mx_others", data, found...)
	default:
		x.say(Arrival, OK, r, "mx_ok", found...)
	}
}

// host wants the server's name to lead to an address that others reach.
func (x *examination) host() {
	host := lower(x.MailHost)
	r := record{host, "A", ""}
	if !public(host) {
		x.say(Arrival, Wrong, r, "host_private")
		return
	}
	if to, err := x.zone.alias(x.ctx, host); err == nil && to != "" {
		x.say(Arrival, Wrong, r, "host_alias", "CNAME "+to) // RFC 2181 §10.3
		return
	}
	list, err := x.zone.addresses(x.ctx, host)
	found := texts(list)
	switch {
	case err != nil:
		x.lost(Arrival, r)
	case len(list) == 0:
		x.say(Arrival, Missing, r, "host_missing")
	case slices.ContainsFunc(list, unreachable):
		x.say(Arrival, Wrong, r, "host_unreachable", found...)
	default:
		x.say(Arrival, OK, r, "host_ok", found...)
	}
}

func texts(list []netip.Addr) (out []string) {
	for _, a := range list {
		out = append(out, a.String())
	}
	return out
}

// unreachable addresses lead nowhere from outside.
func unreachable(a netip.Addr) bool {
	return a.IsLoopback() || a.IsPrivate() || a.IsUnspecified() || a.IsLinkLocalUnicast()
}
