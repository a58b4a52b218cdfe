package outbox

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/publicsuffix"

	"amicale/internal/clock"
	"amicale/internal/mail"
)

// Resolver looks names up; *net.Resolver is one.
type Resolver interface {
	LookupMX(ctx context.Context, name string) ([]*net.MX, error)
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// How long what was found is believed, and how much of it is kept. The resolver does not say how long it may be.
const (
	believeFor    = 15 * time.Minute
	mostDomains   = 20000
	lookupTimeout = 20 * time.Second
)

// mxRoute is RFC 5321 §5.1: the domain's MX, or the domain itself.
type mxRoute struct {
	resolver Resolver
	clock    clock.Clock
	self     string // our own name
	small    Preset // how destinations without a preset are treated

	mu    sync.Mutex
	cache map[string]found
}

type found struct {
	target target
	err    error
	until  time.Time
}

func (r *mxRoute) alone() bool { return false }

func (r *mxRoute) known(domain string) (target, bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f, ok := r.cache[domain]
	if !ok || r.clock().After(f.until) {
		return target{}, false, nil
	}
	return f.target, true, f.err
}

func (r *mxRoute) find(ctx context.Context, domain string) (target, error) {
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	t, err := r.look(ctx, domain)
	var dead *deadEnd
	if err != nil && !errors.As(err, &dead) {
		return target{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cache == nil || len(r.cache) >= mostDomains {
		r.cache = map[string]found{}
	}
	r.cache[domain] = found{t, err, r.clock().Add(believeFor)}
	return t, err
}

func dead(class mail.Class, code int, enhanced, text string) error {
	return &deadEnd{mail.Reply{Code: code, Enhanced: enhanced, Text: text, Stage: "connect"}, class}
}

func (r *mxRoute) look(ctx context.Context, domain string) (target, error) {
	name := mail.ASCIIDomain(domain)
	if name == "" || strings.HasPrefix(domain, "[") {
		return target{}, dead(mail.Dead, 550, "5.1.2", "the domain is none")
	}
	list, err := r.resolver.LookupMX(ctx, name+".")
	var missing *net.DNSError
	switch {
	case errors.As(err, &missing) && missing.IsNotFound, err == nil && len(list) == 0:
		return r.implicit(ctx, name)
	case err != nil && len(list) == 0: // some records may be wrong, and others right
		return target{}, err
	}
	if len(list) == 1 && list[0].Host == "." { // RFC 7505 §4.1
		return target{}, dead(mail.Dead, 556, "5.1.10", "the domain takes no mail")
	}
	hosts := make([]string, 0, len(list))
	for _, mx := range list {
		host := strings.ToLower(strings.TrimSuffix(mx.Host, "."))
		if host == r.self && len(hosts) > 0 {
			break // RFC 5321 §5.1: neither we nor those behind us. A domain that is ours comes in by its own door.
		}
		if host != "" {
			hosts = append(hosts, host)
		}
	}
	if len(hosts) == 0 {
		return target{}, dead(mail.Dead, 550, "5.4.4", "the domain has no mail server")
	}
	return r.target(hosts), nil
}

// implicit is a domain without MX: its own address takes the mail, if there is one.
func (r *mxRoute) implicit(ctx context.Context, name string) (target, error) {
	addresses, err := r.resolver.LookupNetIP(ctx, "ip", name+".")
	var missing *net.DNSError
	switch {
	case errors.As(err, &missing) && missing.IsNotFound, err == nil && len(addresses) == 0:
		return target{}, dead(mail.Dead, 550, "5.4.4", "the domain has no mail server")
	case err != nil:
		return target{}, err
	}
	return r.target([]string{name}), nil
}

func (r *mxRoute) target(hosts []string) target {
	t := target{hosts: hosts, lane: strings.Join(slices.Sorted(slices.Values(hosts)), " ")} // equals come in any order
	var ok bool
	if t.preset, ok = presetOf(hosts[0]); ok {
		t.key = t.preset.Name
		return t
	}
	t.preset, t.key = r.small, hosts[0]
	if owner, err := publicsuffix.EffectiveTLDPlusOne(hosts[0]); err == nil {
		t.key = owner
	}
	return t
}
